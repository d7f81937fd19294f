package source

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/zonefile"
)

var quynhon = zones.ID{Origin: zones.MustName("quynhon.binhdinh.gov.vn"), View: zones.Internet}

// sameFiles are one zone in each form that Windows gives it.
var sameFiles = []string{"zone.dns", "zoneprint.txt", "enumrecords.txt", "records.csv", "records-semicolon.csv", "expanded.csv"}

// TestWindowsSame: one zone in every form is one zone, and its account too.
func TestWindowsSame(t *testing.T) {
	var first Zone
	for i, name := range sameFiles {
		z, finds := Read(os.DirFS("testdata/windows/same"), Spec{ID: quynhon, Kind: "windows", Path: name}, zonefile.Options{})
		if z.Zone == nil || finding.Failed(finds) {
			t.Errorf("%s: %v", name, finds)
			continue
		}
		if i == 0 {
			first = z
			continue
		}
		if !z.Zone.Equal(first.Zone) {
			t.Errorf("%s: another zone: %v", name, zones.Diff(first.Zone, z.Zone))
		}
		if got, want := fmt.Sprint(z.Account), fmt.Sprint(first.Account); got != want {
			t.Errorf("%s: account %s, not %s", name, got, want)
		}
	}
}

var update = flag.Bool("update", false, "rewrite the expectations in testdata")

// skipped are the traps that are read with words of Spec.Skip.
var skipped = map[string][]string{
	"wins-skip.dns":       {"wins"},
	"glue-skip.dns":       {"outside-glue"},
	"winsr.dns":           {"wins"},
	"ad-skip.dns":         {"ad-locator", "ad-dynamic"},
	"ad-skip-dynamic.dns": {"ad-dynamic"},
}

// TestWindowsTraps reads one file per trap and compares the zone, the account
// and all that is said with the .want file beside it.
func TestWindowsTraps(t *testing.T) {
	names, _ := filepath.Glob("testdata/windows/traps/*")
	names = slices.DeleteFunc(names, func(n string) bool { return strings.HasSuffix(n, ".want") })
	if len(names) < 60 {
		t.Fatalf("only %d files", len(names))
	}
	for _, name := range names {
		base := filepath.Base(name)
		t.Run(base, func(t *testing.T) {
			id := quynhon
			if base == "winsr.dns" {
				id.Origin = zones.MustName("2.0.192.in-addr.arpa")
			}
			z, finds := Read(os.DirFS("testdata/windows/traps"), Spec{ID: id, Kind: "windows", Path: base, Skip: skipped[base]}, zonefile.Options{})
			lawful(t, z, finds)
			var b strings.Builder
			if z.Zone != nil {
				b.Write(zonefile.Write(z.Zone))
			}
			fmt.Fprintf(&b, "-- in %d, repeats %d\n", z.Account.In, z.Account.Repeats)
			for _, c := range z.Account.Classes {
				fmt.Fprintf(&b, "%s: taken %d, left out %d, refused %d\n", c.Class, c.Taken, c.LeftOut, c.Refused)
			}
			b.WriteString("--\n")
			for _, f := range finds {
				b.WriteString(f.String() + "\n")
			}
			want := name + ".want"
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

// lawful holds the laws of every reading:
//
//   - WHOLE: a zone is given exactly where there is no error;
//   - ACCOUNT: records in = taken + left out + refused, and each refused one is
//     listed with its place; the zone has the taken ones, a repeated one once;
//   - with anything refused there is an error.
func lawful(t interface {
	Helper()
	Fatalf(string, ...any)
}, z Zone, finds []finding.Finding,
) {
	t.Helper()
	if (z.Zone == nil) != finding.Failed(finds) {
		t.Fatalf("WHOLE: zone %v: %v", z.Zone, finds)
	}
	s := z.Account.Sum()
	if z.Account.In != s.Taken+s.LeftOut+s.Refused {
		t.Fatalf("ACCOUNT: %+v: %v", z.Account, finds)
	}
	if len(z.Account.Refused) != min(s.Refused, maxErrors) {
		t.Fatalf("ACCOUNT: %d refused, %d places", s.Refused, len(z.Account.Refused))
	}
	if s.Refused > 0 && z.Zone != nil {
		t.Fatalf("ACCOUNT: %d refused, and a zone", s.Refused)
	}
	if z.Zone != nil {
		if _, _, n := z.Zone.Counts(); n != s.Taken-z.Account.Repeats {
			t.Fatalf("ACCOUNT: %+v, and a zone of %d records", z.Account, n)
		}
	}
}
