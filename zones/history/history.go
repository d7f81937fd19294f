package history

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"sync"
	"time"

	"gialai.gov.vn/hopnhat/zones"
)

// Errors; those that are exported a caller may want to tell apart.
var (
	ErrSerial    = errors.New("the serial is not later than that of the version before")
	ErrNoVersion = errors.New("there is no such version")
	ErrDamaged   = errors.New("damaged")

	errMissing = errors.New("the file is missing")
	errOctets  = errors.New("the file's octets are not those that were written")
	errBase    = errors.New("it is a difference from a version that is not whole")
	errNumbers = errors.New("numbers that cannot be")
)

// Entry says when something came to be, by whom and why. Why and Document may
// be empty.
type Entry struct {
	At       time.Time
	Who      string // a user's name
	Why      string
	Document string
}

// Version is one version of a zone. N counts from 1 within the zone; Parent is
// the version that it follows, 0 for none. Digest is that of package function
// Digest. Added and Removed count records against the parent.
type Version struct {
	ID             zones.ID
	N, Parent      int
	Serial         zones.Serial
	Digest         string
	Added, Removed int
	Entry
}

// Ref names a version.
type Ref struct {
	ID zones.ID
	N  int
}

// FileVersion is one version of a file. N counts from 1 within the name; Sum
// is the SHA-256 of its octets.
type FileVersion struct {
	Name string
	N    int
	Sum  string
	Entry
}

// Event is a line of the log; N counts events from 1. Kind and Data are the
// caller's.
type Event struct {
	N    int
	Kind string
	Entry
	Zones []Ref
	Data  json.RawMessage
}

// History is an open history. Its methods may be called by several goroutines;
// only one process may write at a time, which is the caller's matter.
type History struct {
	fsys FS

	mu     sync.Mutex // guards all below
	zones  map[zones.ID]*zoneHistory
	files  map[string]*fileHistory
	events []Event
	log    logState
}

type zoneHistory struct {
	id       zones.ID
	versions []*version  // by N
	newest   *zones.Zone // of the last version; nil: not known yet
}

// version is a version with its file.
type version struct {
	Version
	stored
	base  int   // of a difference: the version that it starts from
	chain chain // how far the whole version is
	fault error // why it cannot be read; nil: it can, as far as is known
}

// chain measures the way from a whole version to one: how many differences,
// of how many octets, and how many the whole one has.
type chain struct {
	steps         int
	octets, whole int64
}

type fileHistory struct {
	versions []*fileCopy // by N
}

type fileCopy struct {
	FileVersion
	stored
	fault error
}

func (z *zoneHistory) at(n int) *version {
	i, ok := slices.BinarySearchFunc(z.versions, n, func(v *version, n int) int { return cmp.Compare(v.N, n) })
	if !ok {
		return nil
	}
	return z.versions[i]
}

func (z *zoneHistory) last() *version {
	if len(z.versions) == 0 {
		return nil
	}
	return z.versions[len(z.versions)-1]
}

func (f *fileHistory) last() *fileCopy {
	if len(f.versions) == 0 {
		return nil
	}
	return f.versions[len(f.versions)-1]
}

// IDs lists the zones that there are versions of, by view and origin.
func (h *History) IDs() []zones.ID {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.SortedFunc(maps.Keys(h.zones), zones.ID.Compare)
}

// Versions lists the versions of a zone, oldest first; none where there are none.
func (h *History) Versions(id zones.ID) []Version {
	h.mu.Lock()
	defer h.mu.Unlock()
	z := h.zones[id]
	if z == nil {
		return nil
	}
	out := make([]Version, len(z.versions))
	for i, v := range z.versions {
		out[i] = v.Version
	}
	return out
}

// Zone reads a version and holds it against its digest. The error is
// ErrNoVersion, or ErrDamaged with the file at fault.
func (h *History) Zone(id zones.ID, n int) (*zones.Zone, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.zone(id, n)
}

func (h *History) zone(id zones.ID, n int) (*zones.Zone, error) {
	zh := h.zones[id]
	if zh == nil || zh.at(n) == nil {
		return nil, fmt.Errorf("%v, version %d: %w", id, n, ErrNoVersion)
	}
	if v := zh.last(); v.N == n && zh.newest != nil {
		return zh.newest, nil
	}
	z, err := h.read(zh, n)
	if err == nil && zh.last().N == n {
		zh.newest = z
	}
	return z, err
}

// read makes a version of its whole one and the differences after that.
func (h *History) read(zh *zoneHistory, n int) (*zones.Zone, error) {
	var way []*version // from n back to the whole one
	for v := zh.at(n); ; v = zh.at(v.base) {
		if v == nil || len(way) > 0 && v.N >= way[len(way)-1].N {
			return nil, fmt.Errorf("%s: %w: it starts from a version that is missing", h.zonePath(zh.id, way[len(way)-1].Name), ErrDamaged)
		}
		if way = append(way, v); v.base == 0 {
			break
		}
	}
	var z *zones.Zone
	for _, v := range slices.Backward(way) {
		var err error
		if z, err = h.step(zh.id, z, v); err != nil {
			return nil, err
		}
	}
	if v := way[0]; Digest(z) != v.Digest || z.Serial() != v.Serial {
		return nil, fmt.Errorf("%s: %w: what it leads to is not version %d", h.zonePath(zh.id, v.Name), ErrDamaged, n)
	}
	return z, nil
}

// step reads one file: a whole version, or what leads to it from z.
func (h *History) step(id zones.ID, z *zones.Zone, v *version) (*zones.Zone, error) {
	b, err := h.verified(zoneFile(id, v.Name), v.stored)
	if err != nil {
		return nil, err
	}
	_, text, err := cutHead(b)
	if err == nil && v.base == 0 {
		z, err = parseWhole(id, text)
	} else if err == nil {
		var d zones.Delta
		if d, err = parseDiff(id, text); err == nil {
			z, err = d.Apply(z)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", h.zonePath(id, v.Name), ErrDamaged, err)
	}
	return z, nil
}

// verified reads a file that must hold what s says.
func (h *History) verified(name string, s stored) ([]byte, error) {
	b, err := h.inspect(name, s)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", h.fsys.Path(name), ErrDamaged, err)
	}
	return b, nil
}

// inspect is verified, with an error that leaves out the file.
func (h *History) inspect(name string, s stored) ([]byte, error) {
	b, err := h.fsys.ReadFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, errMissing
	case err != nil:
		return nil, err
	case int64(len(b)) != s.Octets:
		return nil, fmt.Errorf("the file has %d octets, where %d were written", len(b), s.Octets)
	case octetsSum(b) != s.Sum:
		return nil, errOctets
	}
	return b, nil
}

func zoneFile(id zones.ID, name string) string { return zonesName + "/" + zoneFolder(id) + "/" + name }

func copyFile(of, name string) string { return filesName + "/" + fileFolder(of) + "/" + name }

func (h *History) zonePath(id zones.ID, name string) string { return h.fsys.Path(zoneFile(id, name)) }

// FileVersions lists the versions of a file, oldest first.
func (h *History) FileVersions(name string) []FileVersion {
	h.mu.Lock()
	defer h.mu.Unlock()
	f := h.files[name]
	if f == nil {
		return nil
	}
	out := make([]FileVersion, len(f.versions))
	for i, c := range f.versions {
		out[i] = c.FileVersion
	}
	return out
}

// Files lists the names of files that there are versions of, sorted.
func (h *History) Files() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Sorted(maps.Keys(h.files))
}

// File reads a version of a file. The error is ErrNoVersion, or ErrDamaged
// with the file at fault.
func (h *History) File(name string, n int) ([]byte, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if f := h.files[name]; f != nil {
		i, ok := slices.BinarySearchFunc(f.versions, n, func(c *fileCopy, n int) int { return cmp.Compare(c.N, n) })
		if ok {
			return h.verified(copyFile(name, f.versions[i].stored.Name), f.versions[i].stored)
		}
	}
	return nil, fmt.Errorf("%s, version %d: %w", name, n, ErrNoVersion)
}

// Events lists the events, oldest first.
func (h *History) Events() []Event {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.events)
}

// World reads the zones of an event. Where one cannot be read the error says
// which, and there is no world.
func (h *History) World(ev Event) (zones.World, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	zs := make([]*zones.Zone, len(ev.Zones))
	var errs []error
	for i, r := range ev.Zones {
		var err error
		if zs[i], err = h.zone(r.ID, r.N); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) > 0 {
		return zones.World{}, errors.Join(errs...)
	}
	return zones.NewWorld(zs...)
}
