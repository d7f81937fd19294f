package daemon

import (
	"context"
	"io/fs"
	"os"
	"slices"
	"time"
)

// An editor over a share writes a file in pieces, and a signal may come
// between two of them. So what was just written is read again: a file is
// settled when its last change lies youngest ago or when two readings with
// again between them saw the same stamps; after tries readings the last one
// counts, good or bad.
const (
	youngest = 700 * time.Millisecond
	again    = 250 * time.Millisecond
	tries    = 8
)

// Clock is time as the daemon needs it, so that tests bring their own.
type Clock struct {
	Now  func() time.Time
	Wait func(context.Context, time.Duration) error
}

// SystemClock is the machine's.
func SystemClock() Clock {
	return Clock{Now: time.Now, Wait: func(ctx context.Context, d time.Duration) error {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}}
}

// stamp tells one state of a file from another without reading it.
type stamp struct {
	path    string
	size    int64
	changed time.Time
	missing bool
}

func stamps(paths []string) []stamp {
	ss := make([]stamp, 0, len(paths))
	for _, p := range paths {
		st, err := os.Stat(p)
		if err != nil {
			ss = append(ss, stamp{path: p, missing: true})
			continue
		}
		ss = append(ss, stamp{path: p, size: st.Size(), changed: lastChange(st)})
	}
	return ss
}

func lastChange(st fs.FileInfo) time.Time { return st.ModTime() }

// settle calls read until the files that it names stand still. read returns
// the files it touched.
func settle(ctx context.Context, c Clock, read func() []string) ([]stamp, error) {
	var before []stamp
	for i := 1; ; i++ {
		files := read()
		after := stamps(files)
		if i == tries || still(after, c.Now()) || slices.Equal(before, after) {
			return after, nil
		}
		before = after
		if err := c.Wait(ctx, again); err != nil {
			return nil, err
		}
	}
}

// still tells whether all files lie long enough as they are. A change in the
// future (a clock that was set back) does not count as young.
func still(ss []stamp, now time.Time) bool {
	for _, s := range ss {
		if age := now.Sub(s.changed); !s.missing && 0 <= age && age < youngest {
			return false
		}
	}
	return true
}
