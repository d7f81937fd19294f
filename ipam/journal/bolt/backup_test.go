//go:build linux

package bolt

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gialai.gov.vn/hopnhat/ipam"
	"gialai.gov.vn/hopnhat/ipam/journal/journaltest"
)

func TestBackupRestore(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "book.db")
	all := fill(t, path, 150, 30)
	j, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	// A backup that is written while appends go on is the journal of one instant.
	var backup bytes.Buffer
	end := j.End()
	w := writerFunc(func(p []byte) (int, error) {
		records, next := journaltest.Seal(t, end, 1)
		if err := j.Append(t.Context(), end.Revision, records); err != nil {
			return 0, err
		}
		end, all = next, append(all, records...)
		return backup.Write(p)
	})
	if err := j.Backup(w); err != nil {
		t.Fatal(err)
	}
	if err := j.Backup(failing{}); err == nil {
		t.Error("a backup to a full disk succeeded")
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if err := j.Backup(io.Discard); !errors.Is(err, ipam.ErrClosed) {
		t.Errorf("backup after close: %v", err)
	}
	// The live file is damaged: it is named, the backup restores, the old file stays.
	live, _ := os.ReadFile(path)
	write(t, path, live[:12000])
	if _, err := Open(path, Options{}); err == nil {
		t.Fatal("a cut file was opened")
	}
	got, err := Restore(path, bytes.NewReader(backup.Bytes()))
	if err != nil || got.Revision < 150 {
		t.Fatalf("restored to %d, %v", got.Revision, err)
	}
	if records, err := contents(t, path); err != nil || !same(records, all[:got.Revision]) {
		t.Fatalf("%d records restored, want %d; %v", len(records), got.Revision, err)
	}
	if old, err := os.ReadFile(path + ".before"); err != nil || !bytes.Equal(old, live[:12000]) {
		t.Errorf("the file that was replaced is gone: %v", err)
	}
	// A bad backup changes nothing.
	for name, b := range map[string][]byte{"cut": backup.Bytes()[:5000], "empty": nil, "text": []byte("hello")} {
		if _, err := Restore(path, bytes.NewReader(b)); err == nil || !strings.Contains(err.Error(), "nothing was restored") {
			t.Errorf("%s backup: %v", name, err)
		}
		if records, err := contents(t, path); err != nil || uint64(len(records)) != got.Revision {
			t.Errorf("%s backup: %d records stand, %v", name, len(records), err)
		}
	}
	// Restoring where no file stands makes one.
	if _, err := Restore(filepath.Join(dir, "new.db"), bytes.NewReader(backup.Bytes())); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.new")); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestCompact(t *testing.T) {
	path := filepath.Join(t.TempDir(), "book.db")
	all := fill(t, path, 400, 1) // small appends leave much free
	if _, _, err := Compact(path + ".none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("compacting no file: %v", err)
	}
	end, err := Check(path)
	if err != nil {
		t.Fatal(err)
	}
	// Nobody may have it open, and what fails leaves the file as it was.
	old, _ := os.ReadFile(path)
	for _, o := range []Options{{}, {ReadOnly: true}} {
		j, err := Open(path, o)
		if err != nil {
			t.Fatal(err)
		}
		var in *InUseError
		if _, _, err := Compact(path); !errors.As(err, &in) {
			t.Errorf("compacting beside another: %v", err)
		}
		_ = j.Close()
	}
	if err := os.MkdirAll(path+".new/x", 0o700); err != nil { // no room for the new file
		t.Fatal(err)
	}
	if _, _, err := Compact(path); err == nil {
		t.Error("compacted without a place for the new file")
	}
	_ = os.RemoveAll(path + ".new")
	if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, old) {
		t.Errorf("a compaction that failed changed the file: %v", err)
	}
	before, after, err := Compact(path)
	if err != nil || after >= before {
		t.Fatalf("%d octets, then %d; %v", before, after, err)
	}
	if now, err := Check(path); err != nil || now != end {
		t.Fatalf("the chain ends at %v, want %v; %v", now, end, err)
	}
	if got, err := contents(t, path); err != nil || !same(got, all) {
		t.Fatalf("%d records, want %d; %v", len(got), len(all), err)
	}
	// A damaged file is named and stays.
	live, _ := os.ReadFile(path)
	write(t, path, live[:len(live)/2])
	var de *DamageError
	if _, _, err := Compact(path); !errors.As(err, &de) {
		t.Errorf("compacting a cut file: %v", err)
	}
	if now, err := os.ReadFile(path); err != nil || len(now) != len(live)/2 {
		t.Errorf("%d octets stand, %v", len(now), err)
	}
	write(t, path, live)
	more := fillMore(t, path, all, 5)
	if got, err := contents(t, path); err != nil || !same(got, more) {
		t.Fatalf("%d records, want %d; %v", len(got), len(more), err)
	}
}

// Readers share a file, beside no writer, and change nothing.
func TestReadOnly(t *testing.T) {
	dir := t.TempDir()
	none := filepath.Join(dir, "none.db")
	if _, err := Open(none, Options{ReadOnly: true}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("reading no file: %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("reading no file left %v", left)
	}
	path := filepath.Join(dir, "book.db")
	all := fill(t, path, 60, 7)
	before, _ := os.ReadFile(path)
	var readers []*Journal
	for range 3 {
		n := 0
		j, err := Open(path, Options{ReadOnly: true, See: func(ipam.Event) { n++ }})
		if err != nil {
			t.Fatal(err)
		}
		readers = append(readers, j)
		if got := journaltest.ReadAll(t, j, 0); !same(got, all) || n != len(all) {
			t.Errorf("%d records read and %d seen, want %d", len(got), n, len(all))
		}
		more, _ := journaltest.Seal(t, j.End(), 1)
		if err := j.Append(t.Context(), j.End().Revision, more); !errors.Is(err, ErrReadOnly) {
			t.Errorf("append by a reader: %v", err)
		}
	}
	var backup bytes.Buffer
	if err := readers[0].Backup(&backup); err != nil {
		t.Error(err)
	}
	// A writer is refused, and named nobody wrongly, until the last reader is gone.
	for _, j := range readers {
		var in *InUseError
		if _, err := Open(path, Options{}); !errors.As(err, &in) || in.Holder != 0 {
			t.Errorf("writing beside a reader: %v", err)
		}
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Error("readers changed the file")
	}
	w, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var in *InUseError
	if _, err := Open(path, Options{ReadOnly: true}); !errors.As(err, &in) || in.Holder != os.Getpid() {
		t.Errorf("reading beside a writer: %v", err)
	}
	_ = w.Close()
	write(t, path, before[:9000])
	var de *DamageError
	if _, err := Open(path, Options{ReadOnly: true}); !errors.As(err, &de) {
		t.Errorf("reading a cut file: %v", err)
	}
	if _, err := Restore(path, &backup); err != nil {
		t.Error(err)
	}
	if got, err := contents(t, path); err != nil || !same(got, all) {
		t.Errorf("%d records of a reader's backup, want %d; %v", len(got), len(all), err)
	}
}
