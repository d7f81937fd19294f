package zonefile

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gialai.gov.vn/hopnhat/zones"
)

var update = flag.Bool("update", false, "rewrite the expectations in testdata")

// TestTraps reads one file per trap in testdata/traps and compares the
// records and all that is said about them with the .want file beside it.
func TestTraps(t *testing.T) {
	names, _ := filepath.Glob("testdata/traps/*.zone")
	if len(names) < 30 {
		t.Fatalf("only %d files", len(names))
	}
	root, err := os.OpenRoot("testdata")
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for _, name := range names {
		base := strings.TrimSuffix(filepath.Base(name), ".zone")
		t.Run(base, func(t *testing.T) {
			var b strings.Builder
			tree, fs := Load(root.FS(), "traps/"+base+".zone", Options{Origin: gialai})
			if tree != nil {
				for _, r := range showAll(tree.Records()) {
					b.WriteString(r + "\n")
				}
				_, more := tree.Zone(zones.Internet)
				fs = append(fs, more...)
			}
			b.WriteString("--\n")
			for _, f := range fs {
				b.WriteString(f.String() + "\n")
			}
			want := strings.TrimSuffix(name, ".zone") + ".want"
			if *update {
				if err := os.WriteFile(want, []byte(b.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			expected, err := os.ReadFile(want)
			if err != nil {
				t.Fatal(err)
			}
			if b.String() != string(expected) {
				t.Errorf("got\n%s\nwant\n%s", b.String(), expected)
			}
		})
	}
}
