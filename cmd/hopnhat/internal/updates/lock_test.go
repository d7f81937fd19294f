package updates

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
)

// TestLock: one of many has a file at any time, the others hear who; a lock file
// that was left behind locks nothing.
func TestLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "zone")
	if err := errors.Join(os.WriteFile(path, nil, 0o644), os.WriteFile(filepath.Join(filepath.Dir(path), ".zone.lock"), []byte("a crash"), 0o644)); err != nil {
		t.Fatal(err)
	}
	unlock, err := Lock(path, "lan, process 7")
	if err != nil {
		t.Fatal(err)
	}
	_, err = Lock(path, "minh")
	if e := (*HeldError)(nil); !errors.As(err, &e) || e.By != "lan, process 7" {
		t.Errorf("%v", err)
	}
	unlock()
	var inside, got atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				unlock, err := Lock(path, "x")
				if errors.As(err, new(*HeldError)) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				got.Add(1)
				if inside.Add(1) != 1 {
					t.Error("two have it")
				}
				inside.Add(-1)
				unlock()
			}
		})
	}
	wg.Wait()
	if got.Load() == 0 {
		t.Error("nobody ever had it")
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
