package updates

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
	"github.com/google/renameio/v2"

	"gialai.gov.vn/hopnhat/zones"
)

const (
	magic     = "hopnhat updates 1\n" // then the zone's id and a line feed
	frameHead = 8                     // length 4, CRC-32C 4
	maxEntry  = 1 << 26               // octets of one entry
	keepSteps = 4 << 20               // octets of entries that a compacted journal keeps
	compactAt = 16 << 20              // octets at which it is compacted
)

// ErrHeld is a journal that another server writes.
var ErrHeld = errors.New("another server takes updates of this zone with the same state folder; give it another one (--state), or stop it")

// Damage is an entry of a journal that cannot be read although more comes after it.
type Damage struct {
	File   string
	Offset int64
	What   string
}

func (d *Damage) Error() string {
	return fmt.Sprintf("%s: octet %d: %s; the updates after it cannot be told: restore the file from a backup, or move it away, and the zone file stands as it is", d.File, d.Offset, d.What)
}

// journal is the file of entries. It is used by one goroutine at a time, and held
// by one process.
//
//	header | length crc entry | length crc entry | …
type journal struct {
	path    string
	id      zones.ID
	f       *os.File
	lock    *flock.Flock
	size    int64
	entries []Entry
	sizes   []int // octets of each entry with its frame
	failed  error // a write that failed: nothing is written after it
}

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

func header(id zones.ID) string { return magic + id.String() + "\n" }

// openJournal reads a journal, or begins one. cut tells how many octets a crash
// had left at its end (TORN).
func openJournal(dir string, id zones.ID) (_ *journal, cut int64, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, 0, err
	}
	j := &journal{path: filepath.Join(dir, fileName(id)), id: id}
	j.lock = flock.New(j.path + ".lock")
	held, err := j.lock.TryLock()
	if err == nil && !held {
		err = ErrHeld
	}
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", j.path, err)
	}
	defer func() {
		if err != nil {
			_ = j.close()
		}
	}()
	b, err := os.ReadFile(j.path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		if err := j.rewrite(nil); err != nil {
			return nil, 0, err
		}
		return j, 0, nil
	case err != nil:
		return nil, 0, err
	}
	whole, err := j.read(b)
	if err != nil {
		return nil, 0, err
	}
	if j.f, err = os.OpenFile(j.path, os.O_RDWR, 0o644); err != nil {
		return nil, 0, err
	}
	if cut = int64(len(b)) - whole; cut > 0 {
		if err := errors.Join(j.f.Truncate(whole), j.f.Sync()); err != nil {
			return nil, 0, err
		}
	}
	if _, err := j.f.Seek(whole, io.SeekStart); err != nil {
		return nil, 0, err
	}
	j.size = whole
	return j, cut, nil
}

// fileName is the journal's name: a zone's name has no slash that is not escaped.
func fileName(id zones.ID) string {
	name := strings.NewReplacer("/", `\047`).Replace(id.Origin.Text())
	return string(id.View) + "~" + name + ".updates"
}

// read takes the entries of a file and tells up to where they are whole.
func (j *journal) read(b []byte) (whole int64, err error) {
	h := header(j.id)
	if !strings.HasPrefix(string(b[:min(len(b), len(h))]), h) {
		return 0, &Damage{j.path, 0, "this is no journal of updates of " + j.id.String()}
	}
	at := int64(len(h))
	for rest := b[at:]; len(rest) > 0; rest = b[at:] {
		if len(rest) < frameHead {
			break
		}
		n := int64(binary.BigEndian.Uint32(rest))
		if n == 0 || n > maxEntry {
			if zero(rest) {
				break
			}
			return 0, &Damage{j.path, at, fmt.Sprintf("an entry of %d octets", n)}
		}
		if int64(len(rest)) < frameHead+n {
			break
		}
		body := rest[frameHead : frameHead+n]
		if crc32.Checksum(body, castagnoli()) != binary.BigEndian.Uint32(rest[4:]) {
			if int64(len(rest)) == frameHead+n || zero(rest[frameHead+n:]) {
				break
			}
			return 0, &Damage{j.path, at, "an entry whose sum is wrong"}
		}
		e, err := parseEntry(body, j.id)
		if err != nil {
			return 0, &Damage{j.path, at, err.Error()}
		}
		j.entries, j.sizes = append(j.entries, e), append(j.sizes, frameHead+int(n))
		at += frameHead + n
	}
	return at, nil
}

func zero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

func frames(es []Entry) (b []byte, sizes []int, err error) {
	for _, e := range es {
		at := len(b)
		b = e.append(append(b, make([]byte, frameHead)...))
		n := len(b) - at - frameHead
		if n > maxEntry {
			return nil, nil, fmt.Errorf("a step of %d octets, where %d are the most", n, maxEntry)
		}
		binary.BigEndian.PutUint32(b[at:], uint32(n))
		binary.BigEndian.PutUint32(b[at+4:], crc32.Checksum(b[at+frameHead:], castagnoli()))
		sizes = append(sizes, len(b)-at)
	}
	return b, sizes, nil
}

// add writes entries, all or none; they are on disk when it returns (DURABLE).
func (j *journal) add(es ...Entry) error {
	if j.failed != nil {
		return j.failed
	}
	b, sizes, err := frames(es)
	if err != nil {
		return err
	}
	if _, err = j.f.Write(b); err == nil {
		err = j.f.Sync()
	}
	if err != nil {
		// What is on disk is not known any more, unless it can be taken back.
		_, back := j.f.Seek(j.size, io.SeekStart)
		if back = errors.Join(back, j.f.Truncate(j.size), j.f.Sync()); back != nil {
			j.failed = fmt.Errorf("%s: no update is taken until the server starts anew: %w", j.path, errors.Join(err, back))
			return j.failed
		}
		return err
	}
	j.size += int64(len(b))
	j.entries, j.sizes = append(j.entries, es...), append(j.sizes, sizes...)
	return nil
}

// compact keeps what came last (BOUNDED), and all that follows the first written
// steps, which stand in the master file.
func (j *journal) compact(written int) error {
	if j.size < compactAt {
		return nil
	}
	needed, n := len(j.entries), 0
	for i, e := range j.entries {
		if e.Kind == Written {
			continue
		}
		if n++; n > written {
			needed = i
			break
		}
	}
	first, size := len(j.entries), 0
	for first > 0 && (first > needed || size+j.sizes[first-1] <= keepSteps) {
		first--
		size += j.sizes[first]
	}
	return j.rewrite(j.entries[first:])
}

// rewrite makes the journal anew, whole or not at all.
func (j *journal) rewrite(es []Entry) error {
	b, sizes, err := frames(es)
	if err != nil {
		return err
	}
	all := append([]byte(header(j.id)), b...)
	if err := renameio.WriteFile(j.path, all, 0o644); err != nil {
		return err
	}
	if err := syncDir(filepath.Dir(j.path)); err != nil {
		return err
	}
	f, err := os.OpenFile(j.path, os.O_RDWR, 0o644)
	if err == nil {
		_, err = f.Seek(0, io.SeekEnd)
	}
	if err != nil {
		return err
	}
	if j.f != nil {
		_ = j.f.Close()
	}
	j.f, j.size = f, int64(len(all))
	j.entries, j.sizes = append([]Entry(nil), es...), sizes
	return nil
}

func (j *journal) close() error {
	var err error
	if j.f != nil {
		err = j.f.Close()
	}
	return errors.Join(err, j.lock.Close())
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
