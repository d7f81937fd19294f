package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "gialai.gov.vn/hopnhat"

// levels gives each package its height: imports go strictly down. A package
// that is not listed fails the test, so a new one is placed on purpose.
var levels = map[string]int{
	"zones":    0,
	"resolver": 0,
	"ipam":     0,

	"zones/rdata":   1,
	"zones/finding": 1,
	"zones/mapping": 1,

	"zones/zonefile":  2,
	"zones/transfer":  2,
	"zones/proof":     2,
	"zones/check":     2,
	"zones/history":   2,
	"resolver/oracle": 2,

	"ipam/book":                  1,
	"ipam/journal/bolt":          1,
	"ipam/journal/journaltest":   1,
	"cmd/hopnhat/internal/sheet": 2,
	"cmd/hopnhat/internal/clock": 2,

	"ipam/agree":                3,
	"ipam/merge":                3,
	"zones/merge":               3,
	"zones/cutover":             3,
	"zones/source":              3,
	"zones/history/historytest": 3,
	"resolver/answer":           3,
	"resolver/listen":           3,
	"resolver/probe":            3,
	"resolver/seen":             3,

	"cmd/hopnhat/internal/workspace": 4,
	"cmd/hopnhat/internal/control":   5,
	"cmd/hopnhat/internal/decisions": 5,
	"cmd/hopnhat/internal/export":    5,
	"cmd/hopnhat/internal/updates":   5,
	"cmd/hopnhat/internal/publish":   5,
	"cmd/hopnhat/internal/verify":    5,
	"cmd/hopnhat/internal/imports":   6,
	"cmd/hopnhat/internal/daemon":    6,
	"cmd/hopnhat/internal/simulate":  6,
	"cmd/hopnhat/internal/cli":       7,
	"cmd/hopnhat":                    8,
}

// foreign says in which packages a module of someone else may be imported,
// and why it stays there.
var foreign = map[string][]string{
	"github.com/miekg/dns":                      {"zones/rdata", "resolver/probe", "cmd/hopnhat/internal/simulate"},                                                                               // slow path and client, never the way of an answer
	"github.com/spf13/pflag":                    {"cmd/hopnhat/internal/cli"},                                                                                                                     //
	"github.com/spf13/cobra":                    {"cmd/hopnhat/internal/cli"},                                                                                                                     // the command line is one package's matter
	"github.com/goccy/go-yaml":                  {"cmd/hopnhat/internal/workspace"},                                                                                                               // nobody else reads configuration
	"golang.org/x/net":                          {"resolver/listen", "zones/zonefile", "cmd/hopnhat/internal/workspace"},                                                                          // batches; IDNA for names that people type
	"golang.org/x/sys":                          {"resolver/listen", "cmd/hopnhat/internal/updates", "cmd/hopnhat/internal/export", "cmd/hopnhat/internal/control", "cmd/hopnhat/internal/clock"}, // socket options, who is at the other end; two files, or folders, exchanged in one step; the clocks that nobody sets
	"golang.org/x/text":                         {"cmd/hopnhat/internal/workspace", "cmd/hopnhat/internal/sheet"},                                                                                 // NFC
	"golang.org/x/term":                         {"cmd/hopnhat/internal/cli"},                                                                                                                     // is this a terminal
	"github.com/schollz/progressbar/v3":         {"cmd/hopnhat/internal/cli"},                                                                                                                     //
	"github.com/google/renameio/v2":             {"cmd/hopnhat/internal/cli", "cmd/hopnhat/internal/workspace", "cmd/hopnhat/internal/updates"},                                                   // files that are whole or not there
	"github.com/xuri/excelize/v2":               {"cmd/hopnhat/internal/sheet"},                                                                                                                   // what a spreadsheet is, is one package's matter
	"github.com/dnstap/golang-dnstap":           {"resolver/seen"},                                                                                                                                // its messages alone
	"github.com/farsightsec/golang-framestream": {"resolver/seen"},                                                                                                                                //
	"github.com/hashicorp/go-memdb":             {"ipam/book"},                                                                                                                                    //
	"github.com/gaissmai/bart":                  {"ipam/book"},                                                                                                                                    // look-ups by longest prefix
	"go.etcd.io/bbolt":                          {"ipam/journal/bolt"},                                                                                                                            //
	"google.golang.org/protobuf":                {"resolver/seen"},                                                                                                                                // what dnstap is written in
	"github.com/gofrs/flock":                    {"cmd/hopnhat/internal/daemon", "cmd/hopnhat/internal/imports", "cmd/hopnhat/internal/updates", "ipam/journal/bolt"},                             //
}

// never lists imports that would be downward and are wrong all the same.
var never = []struct{ from, to, why string }{
	{"ipam", "resolver", "addresses and answers meet only in commands"},
	{"resolver", "ipam", "addresses and answers meet only in commands"},
	{"zones/proof", "zones/merge", "the proof is a check of the merger's result and shares no code with it"},
	{"zones/proof", "resolver", "the proof and the engine are held against each other, so neither leans on the other"},
	{"resolver/oracle", "zones/rdata", "the oracle stands on the values alone"},
}

type listed struct {
	ImportPath string
	Imports    []string
	GoFiles    []string
}

func TestImportLaws(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,GoFiles", module+"/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	seen, used, there := 0, map[string]bool{}, map[string]bool{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		seen++
		for _, fault := range faults(p) {
			t.Error(fault)
		}
		from := strings.TrimPrefix(p.ImportPath, module+"/")
		there[from] = true
		for _, imp := range p.Imports {
			used[foreignModule(imp)+" "+from] = true
		}
		if !slices.Contains(p.GoFiles, "doc.go") {
			t.Errorf("%s has no doc.go: say what the package is, its invariants, where to change what", from)
		}
	}
	for m, in := range foreign {
		for _, from := range in {
			if there[from] && !used[m+" "+from] {
				t.Errorf("%s does not import %s: take it off the list", from, m)
			}
		}
	}
	if seen < 10 {
		t.Fatalf("go list found %d packages only", seen)
	}
}

// TestImportLawsCatch shows that the test above can fail.
func TestImportLawsCatch(t *testing.T) {
	for _, c := range []struct {
		from, to, want string
	}{
		{"zones", "zones/rdata", "upward"},
		{"zones/merge", "zones/source", "upward"},
		{"zones/merge", "cmd/hopnhat/internal/cli", "upward"},
		{"zones/novelty", "zones", "no level"},
		{"resolver/answer", "github.com/miekg/dns", "foreign"},
		{"resolver/answer", "example.com/novelty", "foreign"},
		{"zones/proof/walk", "zones/merge", "shares no code"},
		{"ipam/agree", "resolver", "meet only"},
	} {
		to := c.to
		if !strings.Contains(to, ".com/") {
			to = module + "/" + to
		}
		got := strings.Join(faults(listed{ImportPath: module + "/" + c.from, Imports: []string{to}}), "\n")
		if !strings.Contains(got, c.want) {
			t.Errorf("%s -> %s: got %q, want a fault that says %q", c.from, c.to, got, c.want)
		}
	}
}

func faults(p listed) (out []string) {
	from := strings.TrimPrefix(p.ImportPath, module+"/")
	level, known := levels[from]
	if !known {
		out = append(out, from+": has no level in this test: say how high it stands")
	}
	for _, imp := range p.Imports {
		to, ours := strings.CutPrefix(imp, module+"/")
		if !ours {
			if m := foreignModule(imp); m != "" && !slices.Contains(foreign[m], from) {
				out = append(out, from+" imports the foreign "+imp+", which is kept to "+strings.Join(foreign[m], ", "))
			}
			continue
		}
		if l, ok := levels[to]; known && ok && l >= level {
			out = append(out, from+" -> "+to+" goes upward or sideways: move the idea down, or the caller up")
		}
		for _, n := range never {
			if within(from, n.from) && within(to, n.to) {
				out = append(out, from+" -> "+to+": "+n.why)
			}
		}
		if strings.HasPrefix(to, "cmd/") && !strings.HasPrefix(from, "cmd/") {
			out = append(out, from+" -> "+to+": nothing outside cmd imports cmd")
		}
		if within(from, "ipam") && within(to, "zones") && from != "ipam/agree" {
			out = append(out, from+" -> "+to+": only ipam/agree holds names and addresses against each other")
		}
	}
	return out
}

func within(p, root string) bool { return p == root || strings.HasPrefix(p, root+"/") }

// foreignModule returns the listed module that an import path belongs to, the
// path itself when it is foreign and not listed, "" for the standard library.
func foreignModule(imp string) string {
	if first, _, _ := strings.Cut(imp, "/"); !strings.Contains(first, ".") {
		return ""
	}
	for m := imp; m != "." && m != "/"; m = path.Dir(m) {
		if _, ok := foreign[m]; ok {
			return m
		}
	}
	return imp
}
