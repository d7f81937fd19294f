package bolt

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"github.com/gofrs/flock"
	"go.etcd.io/bbolt"

	"gialai.gov.vn/hopnhat/ipam"
)

// Options of Open. The zero value is what a command wants.
type Options struct {
	// Wait is how long to wait for another process to close the file, 0 for not at all.
	Wait time.Duration
	// ReadOnly opens a file that exists beside other readers, but beside no writer;
	// Append gives ErrReadOnly. Without a file the error is fs.ErrNotExist.
	ReadOnly bool
	// See gets each event that Open checks, in order; nil for none. A reader that
	// folds them need not read the file twice.
	See func(ipam.Event)

	openFile func(string, int, os.FileMode) (*os.File, error) // for tests
}

// Journal is an open file. Its methods may be called from several goroutines.
type Journal struct {
	path     string
	db       *bbolt.DB
	lock     *flock.Flock
	readOnly bool

	mu      sync.RWMutex // guards what follows; held for writing by Append and Close
	end     ipam.Chain
	broken  error         // of the write that failed (BOLT-BROKEN)
	closed  bool          //
	changed chan struct{} // closed and made anew by each append
	done    chan struct{} // closed by Close
}

var _ ipam.Journal = (*Journal)(nil)

// ErrReadOnly: the journal was opened to be read.
var ErrReadOnly = errors.New("the journal was opened to be read only: open it again to write")

// Open opens the journal at path and makes it when there is no file. All of it
// is checked first: a *DamageError names what is wrong. An InUseError says
// that another process has it.
func Open(path string, o Options) (_ *Journal, err error) {
	if o.ReadOnly {
		if _, err := os.Stat(path); err != nil { // before the lock makes its file
			return nil, err
		}
	}
	lock, err := takeLock(path, o.Wait, o.ReadOnly)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = unlock(lock)
		}
	}()
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) && !o.ReadOnly {
		if err := create(path); err != nil {
			return nil, fmt.Errorf("%s: cannot make the journal: %w", path, err)
		}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	end, err := check(path, f, st.Size(), o.See)
	if err != nil {
		return nil, err
	}
	j := &Journal{path: path, lock: lock, end: end, readOnly: o.ReadOnly, changed: make(chan struct{}), done: make(chan struct{})}
	err = j.guard(func() (err error) {
		j.db, err = bbolt.Open(path, 0o600, options(o))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return j, nil
}

func options(o Options) *bbolt.Options {
	// bbolt maps the file anew when it outgrows the map, and waits for all
	// readers then: room in advance lets appends go on beside a slow backup. On
	// Windows the file itself would take that room.
	room := 0
	if strconv.IntSize == 64 && runtime.GOOS != "windows" && !o.ReadOnly {
		room = 8 << 30
	}
	return &bbolt.Options{
		InitialMmapSize: room,
		Timeout:         5 * time.Second, // our own lock came first: only a foreign program can hold it
		// The list of free pages is found again at each start: less to write, less to damage.
		NoFreelistSync: true, FreelistType: bbolt.FreelistMapType,
		OpenFile: o.openFile, NoStatistics: true, ReadOnly: o.ReadOnly,
	}
}

// create puts an empty journal in place (BOLT-WHOLE).
func create(path string) error {
	return replace(path, func(tmp string) error {
		db, err := bbolt.Open(tmp, 0o600, options(Options{}))
		if err != nil {
			return err
		}
		return errors.Join(db.Update(func(tx *bbolt.Tx) error {
			_, err := tx.CreateBucket(bucketName)
			return err
		}), db.Close())
	})
}

// guard turns a panic of bbolt over a file that changed under it into an error.
func (j *Journal) guard(f func() error) (err error) {
	old := debug.SetPanicOnFault(true) // a mapped file that was cut
	defer debug.SetPanicOnFault(old)
	defer func() {
		if r := recover(); r != nil {
			err = &DamageError{Path: j.path, Found: fmt.Sprintf("the file changed while it was open (%v)", r)}
		}
	}()
	return f()
}

// End is the end of the chain: the last revision, its hash and instant.
func (j *Journal) End() ipam.Chain {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return j.end
}

// Head implements ipam.Journal.
func (j *Journal) Head(ctx context.Context) (uint64, error) {
	j.mu.RLock()
	defer j.mu.RUnlock()
	if j.closed {
		return 0, ipam.ErrClosed
	}
	return j.end.Revision, ctx.Err()
}

// Append implements ipam.Journal. After an error of the disk each later call
// fails with it (BOLT-BROKEN).
func (j *Journal) Append(ctx context.Context, after uint64, records [][]byte) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case j.closed:
		return ipam.ErrClosed
	case j.readOnly:
		return ErrReadOnly
	case ctx.Err() != nil:
		return ctx.Err()
	case j.broken != nil:
		return j.broken
	}
	if err := ipam.CheckBatch(records); err != nil {
		return err
	}
	if j.end.Revision != after {
		return ipam.ErrConflict
	}
	end := j.end
	for _, r := range records {
		var err error
		if _, end, err = end.Follow(r); err != nil {
			return err
		}
	}
	err := j.guard(func() error {
		return j.db.Update(func(tx *bbolt.Tx) error {
			b := tx.Bucket(bucketName)
			b.FillPercent = 0.95 // keys only grow
			for i, r := range records {
				if err := b.Put(key(after+uint64(i)+1), pack(r)); err != nil {
					return err
				}
			}
			return nil
		})
	})
	if err != nil {
		j.broken = fmt.Errorf("%s: a write failed, so the journal takes no more until it is opened again: %w", j.path, err)
		return j.broken
	}
	j.end = end
	close(j.changed)
	j.changed = make(chan struct{})
	return nil
}

func key(revision uint64) []byte { return binary.BigEndian.AppendUint64(nil, revision) }

// Read implements ipam.Journal.
func (j *Journal) Read(ctx context.Context, after uint64) iter.Seq2[ipam.Record, error] {
	return j.walk(ctx, after, false)
}

// Watch implements ipam.Journal.
func (j *Journal) Watch(ctx context.Context, after uint64) iter.Seq2[ipam.Record, error] {
	return j.walk(ctx, after, true)
}

// portion bounds the octets that a reader holds, and how long it holds the
// pages of one transaction.
const portion = 1 << 20

func (j *Journal) walk(ctx context.Context, after uint64, wait bool) iter.Seq2[ipam.Record, error] {
	return func(yield func(ipam.Record, error) bool) {
		for {
			records, more, err := j.some(after)
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				yield(ipam.Record{}, err)
				return
			}
			for _, r := range records {
				if !yield(r, nil) {
					return
				}
				after = r.Revision
				if err := ctx.Err(); err != nil {
					yield(ipam.Record{}, err)
					return
				}
			}
			if len(records) > 0 {
				continue
			}
			if !wait {
				return
			}
			select {
			case <-more:
			case <-ctx.Done():
			case <-j.done:
			}
		}
	}
}

// some reads the next records behind after, and gives what is closed when
// there are more than at its time.
func (j *Journal) some(after uint64) (out []ipam.Record, more <-chan struct{}, err error) {
	j.mu.RLock()
	defer j.mu.RUnlock()
	if j.closed {
		return nil, nil, ipam.ErrClosed
	}
	if after >= j.end.Revision {
		return nil, j.changed, nil
	}
	err = j.guard(func() error {
		return j.db.View(func(tx *bbolt.Tx) error {
			c := tx.Bucket(bucketName).Cursor()
			size := 0
			for k, v := c.Seek(key(after + 1)); k != nil && size < portion; k, v = c.Next() {
				next := after + uint64(len(out)) + 1
				data, ok := unpack(v)
				if !ok || binary.BigEndian.Uint64(k) != next {
					return &DamageError{Path: j.path, Revision: next, Found: "the file changed while it was open"}
				}
				out = append(out, ipam.Record{Revision: next, Data: append([]byte(nil), data...)})
				size += len(data)
			}
			return nil
		})
	})
	return out, j.changed, err
}

// Close implements ipam.Journal. It waits for calls under way and wakes those that watch.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return nil
	}
	j.closed = true
	close(j.done)
	return errors.Join(j.db.Close(), unlock(j.lock))
}
