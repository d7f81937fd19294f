package updates

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"gialai.gov.vn/hopnhat/zones"
)

// fill makes a journal of n steps in a folder and returns its file and where each
// entry ends.
func fill(t *testing.T, dir string, n int) (path string, ends []int64) {
	t.Helper()
	b := newBench(t, dir)
	for i := range n {
		b.update(txt(fmt.Sprintf("u%d", i), "x"), true)
		ends = append(ends, b.file.j.size)
	}
	path = b.file.j.path
	if err := b.file.Close(); err != nil {
		t.Fatal(err)
	}
	return path, ends
}

// TestTorn cuts a journal at every octet, and fills what is missing with zeros as
// a file system may: what is whole is there, and appending goes on behind it.
func TestTorn(t *testing.T) {
	dir := t.TempDir()
	path, ends := fill(t, dir, 3)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	begin := ends[0] - (ends[1] - ends[0]) // steps are equally long
	for cut := begin; cut <= int64(len(whole)); cut++ {
		for _, zeros := range []int{0, 1, 100} {
			if err := os.WriteFile(path, append(whole[:cut:cut], make([]byte, zeros)...), 0o644); err != nil {
				t.Fatal(err)
			}
			j, _, err := openJournal(filepath.Dir(path), testID)
			if err != nil {
				t.Fatalf("cut at %d: %v", cut, err)
			}
			want := 0
			for _, e := range ends {
				if e <= cut {
					want++
				}
			}
			// A zero may be the octet that was cut off.
			steps, _ := split(j.entries)
			if len(steps) < want || len(steps) > want+1 || zeros == 0 && len(steps) != want {
				t.Fatalf("cut at %d with %d zeros: %d steps, want %d", cut, zeros, len(steps), want)
			}
			if err := j.add(Entry{Kind: Written, Serial: 7}); err != nil {
				t.Fatal(err)
			}
			_ = j.close()
			if j, _, err = openJournal(filepath.Dir(path), testID); err != nil {
				t.Fatalf("cut at %d, after an append: %v", cut, err)
			}
			again, written := split(j.entries)
			if len(again) != len(steps) || len(written) == 0 {
				t.Fatalf("cut at %d, after an append: %d steps", cut, len(again))
			}
			_ = j.close()
		}
	}
}

// TestDamage flips each octet before the last entry: it is found and named, or it
// lies in nothing that is read.
func TestDamage(t *testing.T) {
	dir := t.TempDir()
	path, ends := fill(t, dir, 3)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range ends[1] {
		bad := bytes.Clone(whole)
		bad[i] ^= 0x10
		if err := os.WriteFile(path, bad, 0o644); err != nil {
			t.Fatal(err)
		}
		j, cut, err := openJournal(filepath.Dir(path), testID)
		var d *Damage
		switch {
		case errors.As(err, &d) && d.File == path:
			continue
		case err != nil:
			t.Fatalf("octet %d: %v", i, err)
		}
		// A length that reaches behind the end looks like an entry that was cut off.
		_ = j.close()
		if cut == 0 {
			t.Fatalf("octet %d is flipped, and nothing is said", i)
		}
	}
}

// TestHeld: two servers do not write one journal.
func TestHeld(t *testing.T) {
	dir := t.TempDir()
	b := newBench(t, dir)
	defer b.file.Close()
	if _, _, err := Open(Home{ID: testID, State: filepath.Join(dir, "var"), Read: b.read}); !errors.Is(err, ErrHeld) {
		t.Errorf("%v", err)
	}
}

// TestCompact: a long journal keeps what came last, all that is not in the file,
// and goes on.
func TestCompact(t *testing.T) {
	b := newBench(t, t.TempDir())
	defer func() { _ = b.file.Close() }()
	long := string(make([]byte, 200))
	add := func(n int) {
		var ds []zones.Delta
		for range n {
			r := txt("big", long)
			d := zones.Delta{ID: testID, Added: []zones.Record{r}}
			if set, _ := b.served.Lookup(r.Owner, r.Type); !set.IsZero() {
				d = d.Inverse()
			}
			d = WithSerial(d, b.served, b.served.Serial().Next().Next())
			next, err := d.Apply(b.served)
			if err != nil {
				t.Fatal(err)
			}
			b.served = next
			ds = append(ds, d)
		}
		if err := b.file.Append(ds...); err != nil {
			t.Fatal(err)
		}
	}
	for b.file.j.size < compactAt {
		add(1000)
	}
	if err := b.file.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	if b.file.j.size > keepSteps+1000 {
		t.Errorf("%d octets are kept", b.file.j.size)
	}
	kept := b.file.Steps()
	if _, to := (Entry{Delta: kept[len(kept)-1]}).serials(); to != b.served.Serial() {
		t.Errorf("the last step leads to %d, served is %d", to, b.served.Serial())
	}
	add(1)
	served := b.served
	b.restart()
	if !b.served.Equal(served) {
		t.Error("after a restart another zone is served")
	}
	if o := b.load(); o.Edited || o.Written || o.Lacked > 0 {
		t.Errorf("loaded again: %+v", o)
	}
}

// FuzzEntry: what is read is what was written, whatever the octets.
func FuzzEntry(f *testing.F) {
	d := zones.Delta{ID: testID, Added: []zones.Record{txt("a", "b")}, Removed: []zones.Record{txt("c", "d")}}
	f.Add(Entry{Kind: Update, Delta: d}.append(nil))
	f.Add(Entry{Kind: Written, Serial: 9, Sum: [32]byte{1}}.append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := parseEntry(b, testID)
		if err != nil {
			return
		}
		again, err := parseEntry(e.append(nil), testID)
		if err != nil || !reflect.DeepEqual(e, again) {
			t.Fatalf("%v: %+v, then %+v", err, e, again)
		}
	})
}
