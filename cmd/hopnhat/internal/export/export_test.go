package export

import (
	"crypto/sha256"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

func world(t *testing.T) zones.World {
	t.Helper()
	id := zones.ID{Origin: zones.MustName("example.vn"), View: zones.Internet}
	b := zones.NewBuilder(id)
	for _, r := range []struct {
		owner string
		typ   zones.Type
		data  string
	}{
		{"example.vn", zones.TypeSOA, "ns.example.vn. root.example.vn. 7 3600 600 86400 300"},
		{"example.vn", zones.TypeNS, "ns.example.vn."},
		{"ns.example.vn", zones.TypeA, "192.0.2.1"},
		{`=cmd\|.example.vn`, zones.TypeTXT, `"=1+1"`},
	} {
		d, err := rdata.Parse(r.typ, r.data, zones.Root())
		if err != nil {
			t.Fatal(err)
		}
		b.Add(zones.Record{Owner: zones.MustName(r.owner), Type: r.typ, TTL: 300, Data: d})
	}
	z, err := b.Freeze()
	if err != nil {
		t.Fatal(err)
	}
	w, err := zones.NewWorld(z)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestFiles(t *testing.T) {
	byName := map[string]string{}
	for _, f := range Files(world(t), About{Title: "sample"}) {
		byName[f.Name] = string(f.Data)
	}
	if !strings.Contains(byName["zones/internet/example.vn.zone"], "192.0.2.1") {
		t.Errorf("the zone file lacks a record:\n%s", byName["zones/internet/example.vn.zone"])
	}
	for line := range strings.Lines(byName["SHA256SUMS"]) {
		sum, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		if fmt.Sprintf("%x", sha256.Sum256([]byte(byName[name]))) != sum {
			t.Errorf("%s: the sum does not match", name)
		}
		delete(byName, name)
	}
	if delete(byName, "SHA256SUMS"); len(byName) > 0 {
		t.Errorf("files without a sum: %v", byName)
	}
}

func TestCSV(t *testing.T) {
	text, ok := strings.CutPrefix(string(table(world(t))), "\ufeff")
	if !ok {
		t.Error("no BOM: a spreadsheet would garble Vietnamese")
	}
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 5 {
		t.Errorf("%d rows, want a header and 4 records", len(rows))
	}
	for _, row := range rows {
		for _, cell := range row {
			if cell != "" && strings.ContainsRune("=+-@", rune(cell[0])) {
				t.Errorf("a spreadsheet would run %q as a formula", cell)
			}
		}
	}
}

func TestWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "out")
	read := func(name string) string {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return err.Error()
		}
		return string(b)
	}
	for i, content := range []string{"one", "two"} {
		name := fmt.Sprintf("zones/%d.zone", i)
		if err := Write(dir, []File{{name, []byte(content)}, {"SHA256SUMS", nil}}); err != nil {
			t.Fatal(err)
		}
		if got := read(name); got != content {
			t.Errorf("%s: %q, want %q", name, got, content)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "zones/0.zone")); err == nil {
		t.Error("a file of the export before is still there")
	}
	foreign := t.TempDir()
	if err := os.WriteFile(filepath.Join(foreign, "thesis.txt"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Write(foreign, nil); !errors.Is(err, ErrForeign) {
		t.Errorf("a folder of someone else: %v, want ErrForeign", err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(dir), ".export-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestWriteInOneStep: whoever reads while a folder is replaced again and again
// finds one or the other, whole, and never nothing.
func TestWriteInOneStep(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	version := func(i int) []File {
		b := []byte(strings.Repeat(fmt.Sprint(i%10), 1000))
		return []File{{"a/b.zone", b}, {"SHA256SUMS", b}}
	}
	if err := Write(dir, version(0)); err != nil {
		t.Fatal(err)
	}
	over, done := make(chan struct{}), make(chan int)
	go func() {
		looks := 0
		for ; ; looks++ {
			select {
			case <-over:
				done <- looks
				return
			default:
			}
			root, err := os.OpenRoot(dir) // one folder, whatever takes its place
			if err != nil {
				t.Errorf("there is none: %v", err)
				continue
			}
			a, err := root.ReadFile("a/b.zone")
			b, also := root.ReadFile("SHA256SUMS")
			root.Close()
			if err == nil && also == nil && string(a) != string(b) {
				t.Errorf("two versions in one: %.5s and %.5s", a, b)
			}
		}
	}()
	for i := range 100 {
		if err := Write(dir, version(i)); err != nil {
			t.Fatal(err)
		}
	}
	close(over)
	if n := <-done; n < 30 {
		t.Errorf("only %d looks", n)
	}
}
