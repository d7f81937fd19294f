package updates

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// TestExchange: while somebody saves a file, in the ways in which editors do, it
// is exchanged all the time for what was read and one line more. Nothing that was
// saved is replaced without having been read.
func TestExchange(t *testing.T) {
	ways := map[string]func(path, text string) error{
		"renamed": func(path, text string) error {
			return errors.Join(os.WriteFile(path+"~", []byte(text), 0o644), os.Rename(path+"~", path))
		},
		"in place": func(path, text string) error { return os.WriteFile(path, []byte(text), 0o644) },
		"in pieces": func(path, text string) error {
			f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0)
			if err != nil {
				return err
			}
			for _, c := range []byte(text) {
				_, err = f.Write([]byte{c})
				time.Sleep(time.Millisecond)
			}
			return errors.Join(err, f.Close())
		},
	}
	for name, save := range ways {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "zone")
			if err := os.WriteFile(path, []byte("begin"), 0o640); err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithCancel(context.Background())
			seen := make(chan string, 1000)
			over := make(chan error, 1)
			clashes := 0
			go func() {
				for ctx.Err() == nil {
					was, err := os.ReadFile(path)
					if err != nil {
						over <- err
						return
					}
					switch err := Exchange(ctx, path, was, append(was[:len(was):len(was)], '+'), pause); {
					case errors.Is(err, ErrSaved):
						clashes++
					case err != nil:
						over <- err
						return
					default:
						seen <- string(was)
					}
				}
				over <- nil
			}()
			for i := range 6 {
				text := fmt.Sprintf("saved %d", i)
				if err := save(path, text); err != nil {
					t.Fatal(err)
				}
				for got, deadline := "", time.After(time.Minute); got != text; {
					select {
					case got = <-seen:
					case err := <-over:
						t.Fatal(err)
					case <-deadline:
						t.Fatalf("%q was saved and never read: lost", text)
					}
				}
			}
			stop()
			if err := <-over; err != nil {
				t.Fatal(err)
			}
			st, err := os.Stat(path)
			if err != nil || name != "renamed" && st.Mode().Perm() != 0o640 {
				t.Errorf("mode %v, %v", st.Mode(), err)
			}
			if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
			t.Logf("%d clashes", clashes)
		})
	}
}

// TestExchangeRefuses: what is not as it was read stays, and no link is broken.
func TestExchangeRefuses(t *testing.T) {
	dir := t.TempDir()
	path, link := filepath.Join(dir, "zone"), filepath.Join(dir, "link")
	if err := errors.Join(os.WriteFile(path, []byte("now"), 0o644), os.Symlink("zone", link)); err != nil {
		t.Fatal(err)
	}
	if err := Exchange(context.Background(), path, []byte("before"), []byte("new"), pause); !errors.Is(err, ErrSaved) {
		t.Errorf("%v", err)
	}
	if err := Exchange(context.Background(), link, []byte("now"), []byte("new"), pause); err != nil {
		t.Error(err)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "new" {
		t.Errorf("%q, %v", b, err)
	}
	if to, err := os.Readlink(link); err != nil || to != "zone" {
		t.Errorf("%q, %v", to, err)
	}
}

// TestClean: of what crashes leave beside the file, what is known goes, and what
// somebody saved in that instant stays and is told of.
func TestClean(t *testing.T) {
	b := newBench(t, t.TempDir())
	defer func() { _ = b.file.Close() }()
	before := b.text()
	b.update(txt("u1", "1"), true)
	if err := b.file.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	left := func(name, text string) string {
		path := filepath.Join(b.dir, ".example.vn.zone."+name+".new")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	gone := []string{left("1", before), left("2", b.text()), left("3", "")}
	kept := left("4", before+"saved IN A 192.0.2.5\n")
	notes, err := b.file.Clean()
	if err != nil || len(notes) != 1 || !strings.Contains(notes[0], kept) {
		t.Errorf("%q, %v", notes, err)
	}
	for _, path := range gone {
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := os.Stat(kept); err != nil {
		t.Error(err)
	}
}
