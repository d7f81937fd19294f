package workspace

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestWriteFile: a failure has the same text each time and names the file that was
// meant; what stood there stays.
func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a.json")
	for _, text := range []string{"one", "two"} {
		err := WriteFile(file, []byte(text))
		if b, _ := os.ReadFile(file); err != nil || string(b) != text {
			t.Errorf("%v, %q", err, b)
		}
	}
	full := filepath.Join(dir, "folder")
	if err := os.MkdirAll(filepath.Join(full, "x"), 0o755); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]error{filepath.Join(dir, "none", "a.json"): fs.ErrNotExist, full: syscall.EEXIST} {
		err := WriteFile(path, nil)
		if err == nil || !errors.Is(err, want) || err.Error() != "write "+path+": "+err.(*fs.PathError).Err.Error() {
			t.Errorf("%s: %v", path, err)
		}
		if again := WriteFile(path, nil); err == nil || again == nil || again.Error() != err.Error() {
			t.Errorf("%v, then %v", err, again)
		}
	}
}
