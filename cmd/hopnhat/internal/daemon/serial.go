package daemon

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/zones"
)

// served is what was last published of one zone: the serial that its file
// stated, the content without the serial, the serial that went out.
type served struct {
	Stated  zones.Serial `json:"stated"`
	Content string       `json:"content"`
	Served  zones.Serial `json:"served"`
	Since   time.Time    `json:"since,omitzero"` // when that serial was published first
	Gone    bool         `json:"gone,omitempty"` // the zone is not served any more
}

// number gives a zone the serial to serve it under. Secondaries and caches
// that saw one content under a serial must never see another under the same
// one (RFC 1982, RFC 1035 3.3.13), so:
//
//	nothing known                      -> the stated serial
//	stated later than the one served   -> the stated serial
//	same content                       -> the serial served before
//	else                               -> the one after the one served, and said
//
// bumped tells that the stated serial could not be used.
func number(was served, known bool, z *zones.Zone) (out *zones.Zone, now served, bumped bool) {
	now = served{Stated: z.Serial(), Content: content(z)}
	switch {
	case !known || was.Served.Before(z.Serial()):
		now.Served = z.Serial()
	case was.Content == now.Content:
		now.Served = was.Served
	default:
		now.Served = was.Served.Next()
		bumped = true
	}
	if now.Served == z.Serial() {
		return z, now, bumped
	}
	return z.WithSerial(now.Served), now, bumped
}

// content is a digest of a zone without its serial.
func content(z *zones.Zone) string { return z.WithSerial(0).Digest().String() }

// serials is what was served last, by a key of instant, zone and view. With a
// folder it is a file there, shared by all servers of that folder: each takes
// its lock, reads, numbers and writes. It is used by one goroutine.
type serials struct {
	dir  string // "" keeps the state in memory
	now  func() time.Time
	m    map[string]served
	past *past // of what is served now; nil: none is kept
}

const serialsVersion = 1

type serialsFile struct {
	Version int               `json:"version"`
	Zones   map[string]served `json:"zones"`
}

func newSerials(dir string, now func() time.Time) *serials {
	return &serials{dir: dir, now: now, m: map[string]served{}}
}

// number returns the worlds under the serials to serve them under, which are
// on disk when it returns. What was bumped is said in l.Notes.
func (s *serials) number(l *Loaded) (map[string]zones.World, error) {
	unlock, err := s.open()
	if err != nil {
		return nil, fmt.Errorf("the served serials cannot be kept: %w", err)
	}
	defer unlock()
	worlds := make(map[string]zones.World, len(l.Worlds))
	changed := false
	here := map[string]bool{}
	for _, at := range slices.Sorted(maps.Keys(l.Worlds)) {
		w := l.Worlds[at]
		for z := range w.All() {
			key := serialKey(at, z.ID())
			here[key] = true
			was, known := s.m[key]
			base, sure := was, known
			if at == Now {
				base, sure = s.past.base(was, known, z, l.served.Zone(z.ID()))
			}
			out, now, bumped := number(base, sure, z)
			if now.Since = was.Since; !known || was.Served != now.Served {
				now.Since = s.now().UTC().Round(time.Millisecond)
			}
			if out != z {
				w = w.With(out)
			}
			if bumped {
				l.Notes = append(l.Notes, fmt.Sprintf("%v (%s) changed under its old serial %d: it is served as %d; raise the serial in the file to at least that",
					z.ID(), at, z.Serial(), now.Served))
			}
			changed = changed || was != now
			s.m[key] = now
		}
		worlds[at] = w
	}
	for key, was := range s.m {
		at, _, ok := splitSerialKey(key)
		if _, mine := worlds[at]; ok && mine && !here[key] && !was.Gone {
			was.Gone, changed = true, true
			s.m[key] = was
		}
	}
	if !changed {
		return worlds, nil
	}
	if err := s.save(); err != nil {
		return nil, fmt.Errorf("the served serials cannot be kept: %w", err)
	}
	return worlds, nil
}

// serialKey is what a zone's serial stands under: "INSTANT ORIGIN (VIEW)".
func serialKey(at string, id zones.ID) string { return at + " " + id.String() }

func splitSerialKey(key string) (at string, id zones.ID, ok bool) {
	rest, view, ok := cutLast(strings.TrimSuffix(key, ")"), " (")
	if !ok || !strings.HasSuffix(key, ")") {
		return "", id, false
	}
	at, origin, ok := cutLast(rest, " ")
	n, err := zones.ParseName(origin)
	return at, zones.ID{Origin: n, View: zones.View(view)}, ok && err == nil
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// Published is a zone as it was published last.
type Published struct {
	Serial zones.Serial
	Since  time.Time // the zero time: not known
}

// ReadPublished reads what servers with a state folder published last at an
// instant: Now for zone files.
func ReadPublished(dir, at string) (map[zones.ID]Published, error) {
	s := newSerials(dir, nil)
	if err := s.read(); err != nil {
		return nil, err
	}
	out := map[zones.ID]Published{}
	for key, was := range s.m {
		if a, id, ok := splitSerialKey(key); ok && a == at && !was.Gone {
			out[id] = Published{was.Served, was.Since}
		}
	}
	return out, nil
}

// open takes the folder's lock and reads the file. A missing file is an empty
// state; a damaged one is an error, since to begin anew could use a serial twice.
func (s *serials) open() (unlock func(), err error) {
	if s.dir == "" {
		return func() {}, nil
	}
	if unlock, err = lockState(s.dir, "lock"); err != nil {
		return nil, err
	}
	if err := s.read(); err != nil {
		unlock()
		return nil, err
	}
	return unlock, nil
}

// read reads the file, which save replaces as a whole.
func (s *serials) read() error {
	b, err := os.ReadFile(s.path())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var f serialsFile
	if err == nil {
		if err = json.Unmarshal(b, &f); err == nil && f.Version != serialsVersion {
			err = fmt.Errorf("version %d where %d is known", f.Version, serialsVersion)
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w; restore the file, or remove it after raising every zone's serial by hand", s.path(), err)
	}
	if f.Zones != nil {
		s.m = f.Zones
	}
	return nil
}

func (s *serials) path() string { return filepath.Join(s.dir, "serials.json") }

// save writes the state whole or not at all.
func (s *serials) save() error {
	if s.dir == "" {
		return nil
	}
	b, err := json.MarshalIndent(serialsFile{serialsVersion, s.m}, "", "  ")
	if err != nil {
		return err
	}
	if err := workspace.WriteFile(s.path(), append(b, '\n')); err != nil {
		return err
	}
	return syncFolder(s.dir)
}

// syncFolder puts the names in a folder on disk: a file that was exchanged is the one
// before again, after a loss of power, until then.
func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// lockState takes a lock in the state folder, which it makes where there is none.
func lockState(dir, name string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("%w; name another folder with --state", err)
	}
	lock := flock.New(filepath.Join(dir, name))
	if err := lock.Lock(); err != nil {
		return nil, fmt.Errorf("%w; name another folder with --state", err)
	}
	return func() { _ = lock.Close() }, nil
}

// tryLockState is lockState that does not wait; ok is false where another has it.
func tryLockState(dir, name string) (unlock func(), ok bool, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, false, fmt.Errorf("%w; name another folder with --state", err)
	}
	lock := flock.New(filepath.Join(dir, name))
	if ok, err = lock.TryLock(); err != nil {
		return nil, false, fmt.Errorf("%w; name another folder with --state", err)
	}
	return func() { _ = lock.Close() }, ok, nil
}
