package workspace

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gialai.gov.vn/hopnhat/zones/zonefile"
)

var updateSheets = flag.Bool("update-sheets", false, "write the conversations of testdata/sheets anew: read what changed")

// TestSheetTalks: for each table in testdata/sheets, what is said of it, how
// its rows are accounted for, and the zone that comes of it.
func TestSheetTalks(t *testing.T) {
	files, err := filepath.Glob("testdata/sheets/*")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, file := range files {
		if strings.HasSuffix(file, ".want") {
			continue
		}
		n++
		t.Run(filepath.Base(file), func(t *testing.T) {
			dir, name := t.TempDir(), filepath.Base(file)
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for f, text := range map[string]string{
				ConfigFile:               "version: 1\nlisteners: [{address: \"127.0.0.1:5300\", view: internet, at: before}]\n",
				ConsolidationFile:        "version: 1\ncutover: 1/9/2025 00:00\ntargets: [moi.example]\nsources: {tp: {zone: tp.cu.example, sheet: " + name + ", name-servers: [ns.cu.example]}}\n",
				"zones/moi.example.zone": "$TTL 300\n@ SOA ns q 7 3600 600 86400 300\n@ NS ns\nns A 192.0.2.1\n",
				name:                     string(data),
			} {
				p := filepath.Join(dir, filepath.FromSlash(f))
				if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			w, fs := Open(dir)
			var b strings.Builder
			for _, f := range fs {
				f.At.File = strings.TrimPrefix(f.At.File, dir+"/")
				fmt.Fprintln(&b, f)
			}
			r := w.ReadOf("tp")
			s := r.Account.Sum()
			fmt.Fprintf(&b, "-- in %d = taken %d, left out %d, refused %d\n", r.Account.In, s.Taken, s.LeftOut, s.Refused)
			if r.Account.In != s.Taken+s.LeftOut+s.Refused {
				t.Error("the rows do not add up")
			}
			if r.Zone != nil {
				b.Write(zonefile.Write(r.Zone))
			}
			if *updateSheets {
				if err := os.WriteFile(file+".want", []byte(b.String()), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file + ".want")
			if err != nil {
				t.Fatal(err)
			}
			if b.String() != string(want) {
				t.Errorf("got\n%s\nwant\n%s", b.String(), want)
			}
		})
	}
	if n < 20 {
		t.Errorf("%d tables only", n)
	}
}
