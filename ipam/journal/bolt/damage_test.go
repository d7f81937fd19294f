//go:build linux

package bolt

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gialai.gov.vn/hopnhat/ipam"
	"gialai.gov.vn/hopnhat/ipam/journal/journaltest"
)

// fill makes a journal of n events in appends of step and gives its records.
func fill(t testing.TB, path string, n, step int) [][]byte {
	t.Helper()
	j, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var all [][]byte
	end := j.End()
	for len(all) < n {
		var records [][]byte
		records, end = journaltest.Seal(t, end, min(step, n-len(all)))
		if err := j.Append(t.Context(), uint64(len(all)), records); err != nil {
			t.Fatal(err)
		}
		all = append(all, records...)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return all
}

func write(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// contents opens a file and gives its records; an error is of Open.
func contents(t testing.TB, path string) ([][]byte, error) {
	t.Helper()
	j, err := Open(path, Options{})
	if err != nil {
		return nil, err
	}
	defer j.Close()
	return journaltest.ReadAll(t, j, 0), nil
}

func same(a, b [][]byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !bytes.Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

// A flipped octet anywhere is named, or it stood where nothing is kept and all
// is there. Every octet that is not zero is tried once, up to a budget.
func TestFlippedOctet(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "book.db")
	all := fill(t, path, 120, 10)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	good = good[:(len(bytes.TrimRight(good, "\x00"))/4096+1)*4096] // without the room for more
	rng := rand.New(rand.NewPCG(1, 2))
	var at []int
	for i := range good {
		if good[i] != 0 {
			at = append(at, i)
		}
	}
	rng.Shuffle(len(at), func(i, j int) { at[i], at[j] = at[j], at[i] })
	at = at[:min(len(at), 800)]
	for i := range 2 * 4096 { // and every octet of the two headers' pages that counts
		if i%4096 < headPage+headBytes && i%4096 >= headPage {
			at = append(at, i)
		}
	}
	named, harmless := 0, 0
	for _, i := range at {
		bad := bytes.Clone(good)
		bad[i] ^= 1 << rng.IntN(8)
		var seen [][]byte
		_, err := check(path, bytes.NewReader(bad), int64(len(bad)), func(e ipam.Event) { seen = append(seen, e.Append(nil)) })
		var de *DamageError
		switch {
		case err == nil && !same(seen, all):
			t.Fatalf("octet %d flipped: read as another journal", i)
		case err == nil:
			harmless++
			if i%4096 >= headPage && i < 2*4096 && i%4096 < headPage+headBytes {
				t.Errorf("octet %d of a header flipped unseen", i)
			}
		case !errors.As(err, &de) || !strings.Contains(err.Error(), path):
			t.Fatalf("octet %d flipped: %v", i, err)
		default:
			named++
		}
		// What passes the check is safe for bbolt too: a few are opened to see.
		if err == nil && harmless <= 20 {
			other := filepath.Join(dir, "flipped.db")
			write(t, other, bad)
			if got, err := contents(t, other); err != nil || !same(got, all) {
				t.Fatalf("octet %d flipped: passes the check, then %v", i, err)
			}
		}
	}
	if named < 100 {
		t.Errorf("only %d of %d flips were named", named, len(at))
	}
}

// A record that was changed is named by its revision.
func TestChangedRecordIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "book.db")
	all := fill(t, path, 200, 50)
	good, _ := os.ReadFile(path)
	for _, rev := range []int{1, 2, 77, 199, 200} {
		bad, n := bytes.Clone(good), 0
		for from := 0; ; n++ { // every copy: old pages keep some
			i := bytes.Index(bad[from:], all[rev-1])
			if i < 0 {
				break
			}
			bad[from+i+60] ^= 4
			from += i + 1
		}
		other := path + ".bad"
		write(t, other, bad)
		_, err := Open(other, Options{})
		var de *DamageError
		if n == 0 || !errors.As(err, &de) || de.Revision != uint64(rev) || de.Path != other {
			t.Errorf("revision %d changed %d times: %v", rev, n, err)
		}
	}
}

// A file that was cut anywhere is named; no cut reads as a shorter journal.
func TestTruncated(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "book.db")
	all := fill(t, path, 300, 25)
	good, _ := os.ReadFile(path)
	rng := rand.New(rand.NewPCG(3, 4))
	cuts := []int{0, 1, 79, 80, 4095, 4096, 4096 + 80, 8192, len(good) - 1}
	for range 60 {
		cuts = append(cuts, rng.IntN(len(good)))
	}
	for _, n := range cuts {
		other := filepath.Join(dir, "cut.db")
		write(t, other, good[:n])
		got, err := contents(t, other)
		var de *DamageError
		if err != nil && !errors.As(err, &de) || err == nil && !same(got, all) {
			t.Errorf("cut at %d of %d: %d records, %v", n, len(good), len(got), err)
		}
	}
}

// A write that breaks off anywhere leaves the journal as it was before: bbolt
// writes the pages of a transaction, then a header. Each prefix of those
// writes, and each page torn in its middle, is played.
func TestTornWrites(t *testing.T) {
	const page = 4096
	dir := t.TempDir()
	path := filepath.Join(dir, "book.db")
	first := fill(t, path, 120, 40)
	for round := range 6 {
		before, _ := os.ReadFile(path)
		j, err := Open(path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		records, _ := journaltest.Seal(t, j.End(), 1+round*19)
		if err := j.Append(t.Context(), uint64(len(first)), records); err != nil {
			t.Fatal(err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		after, _ := os.ReadFile(path)
		state := make([]byte, max(len(before), len(after)))
		copy(state, before)
		try := func(label string, want [][]byte) {
			t.Helper()
			other := filepath.Join(dir, "torn.db")
			write(t, other, state)
			if got, err := contents(t, other); err != nil || !same(got, want) {
				t.Fatalf("%s: %d records, want %d; %v", label, len(got), len(want), err)
			}
		}
		pages := 0
		for at := 2 * page; at < len(after); at += page {
			if bytes.Equal(state[at:at+page], after[at:at+page]) {
				continue
			}
			copy(state[at:at+page/2], after[at:])
			try("a torn page", first)
			copy(state[at:at+page], after[at:])
			try("a written page", first)
			pages++
		}
		if pages < 2 {
			t.Fatalf("%d pages written: nothing was played", pages)
		}
		all := append(first[:len(first):len(first)], records...)
		copy(state[:2*page], after)
		try("the header", all)
		first = all
	}
}

func fillMore(t *testing.T, path string, all [][]byte, n int) [][]byte {
	j, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	records, _ := journaltest.Seal(t, j.End(), n)
	if err := j.Append(t.Context(), uint64(len(all)), records); err != nil {
		t.Fatal(err)
	}
	return append(all, records...)
}

// A disk that refuses writes: the append fails, later ones too, and after a
// reopening what was acknowledged is there.
func TestFailingWriter(t *testing.T) {
	for after := range 8 {
		path := filepath.Join(t.TempDir(), "book.db")
		all := fill(t, path, 20, 5)
		var file *os.File
		j, err := Open(path, Options{openFile: func(name string, flag int, perm os.FileMode) (*os.File, error) {
			var err error
			file, err = os.OpenFile(name, flag, perm)
			return file, err
		}})
		if err != nil {
			t.Fatal(err)
		}
		for range after {
			records, _ := journaltest.Seal(t, j.End(), 3)
			if err := j.Append(t.Context(), uint64(len(all)), records); err != nil {
				t.Fatal(err)
			}
			all = append(all, records...)
		}
		stopWrites(t, file)
		records, _ := journaltest.Seal(t, j.End(), 3)
		for range 2 {
			if err := j.Append(t.Context(), uint64(len(all)), records); err == nil || errors.Is(err, ipam.ErrConflict) {
				t.Fatalf("append on a disk that refuses writes: %v", err)
			}
		}
		if got := journaltest.ReadAll(t, j, 0); !same(got, all) {
			t.Fatalf("%d records are read beside the failure, want %d", len(got), len(all))
		}
		_ = j.Close()
		if got, err := contents(t, path); err != nil || !same(got, all) {
			t.Fatalf("%d records after reopening, want %d; %v", len(got), len(all), err)
		}
	}
}
