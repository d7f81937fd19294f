package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/proof"
)

var update = flag.Bool("update", false, "write the table of docs/checkers.md anew")

// compared is a row of the table: a change, and the id that the proof gives
// it; "" where nothing is wrong.
type compared struct {
	what  string // as the document says it
	fault fault
	id    string
}

// comparedSmall are rows of the small worlds: a selection by name, and some
// that are no faults of the proof's table.
var comparedSmall = []struct {
	group string
	rows  []compared
}{
	{"One zone, edited", []compared{
		{what: "a name is added that is in nobody's way", fault: fault{edits: "+them A 192.0.2.99"}},
		{what: "a TTL is lowered", fault: fault{edits: "-moi A 192.0.2.11\n+moi 300 A 192.0.2.11"}},
		{what: "a name goes", fault: fault{name: "a name gone"}},
		{what: "one type of a name goes", fault: fault{name: "a type gone"}},
		{what: "an address changes", fault: fault{name: "another address"}},
		{what: "a name two labels below a wildcard, which makes an empty non-terminal under it", fault: fault{name: "an ENT under a wildcard"}},
		{what: "a name under a wildcard", fault: fault{name: "a name under a wildcard"}},
		{what: "a wildcard goes", fault: fault{name: "a wildcard gone"}},
		{what: "a wildcard is written out as `y` and `*.y`", fault: fault{name: "a wildcard written out"}},
		{what: "a wildcard comes at the apex", fault: fault{name: "a wildcard alias at the apex"}},
		{what: "NS records hide data below them", fault: fault{name: "a delegation over data"}},
		{what: "NS records hide the data of their own name", fault: fault{name: "a delegation at a name with data"}},
		{what: "the apex's NS records are copied to a name", fault: fault{name: "the apex's NS copied"}},
		{what: "a delegation goes", fault: fault{name: "a delegation gone"}},
		{what: "a delegation loses its glue", fault: fault{name: "glue gone"}},
		{what: "a new delegation has no glue", fault: fault{name: "glue of a new delegation missing"}},
		{what: "two delegations need each other", fault: fault{name: "delegations that need each other"}},
		{what: "a DS goes", fault: fault{name: "a DS gone"}},
		{what: "an alias loses its target", fault: fault{name: "an alias's host gone"}},
		{what: "a new alias leads to nothing", fault: fault{name: "a new alias to nothing"}},
		{what: "the final dot of an alias's target is forgotten", fault: fault{name: "a final dot forgotten"}},
		{what: "aliases in a circle", fault: fault{name: "aliases in a circle"}},
		{what: "an alias beside other data", fault: fault{name: "an alias beside other data"}},
		{what: "an exchange that is an alias", fault: fault{name: "an exchange that is an alias"}},
		{what: "a DNAME above data", fault: fault{name: "a DNAME over data"}},
		{what: "a DNAME loses what it leads to", fault: fault{name: "a DNAME's target gone"}},
		{what: "a DNAME leads below itself", fault: fault{name: "a DNAME below itself"}},
		{what: "NS at a wildcard", fault: fault{name: "NS at a wildcard"}},
		{what: "a second SPF record", fault: fault{edits: `+@ TXT "v=spf1 a -all"`}, id: "C-CHANGED"},
		{what: "a child zone is served that nobody delegates", fault: fault{name: "a child zone that nobody delegates"}},
		{what: "a served zone goes, with its delegation", fault: fault{name: "a zone gone with its delegation"}},
	}},
	{"One zone brought into another", []compared{
		{what: "all comes as it should", fault: fault{merged: true}},
		{what: "a name is left behind", fault: fault{merged: true, edits: "-www CNAME cong"}, id: "C-LOST"},
		{what: "a host that an exchange names is left behind", fault: fault{name: "an address left behind"}},
		{what: "a type is left behind", fault: fault{name: "a type left behind"}},
		{what: "a wildcard is left behind", fault: fault{name: "a wildcard left behind"}},
		{what: "both own a name, the target's data stay", fault: fault{name: "both own the name, the target's stands"}},
		{what: "both own a name, the source's data replace them", fault: fault{name: "both own the name, the source's stands"}},
		{what: "a name inside data comes to mean another host", fault: fault{name: "a name in data that means another host"}},
		{what: "an imported name makes an empty non-terminal under a wildcard", fault: fault{name: "an imported ENT under a wildcard"}},
		{what: "an imported wildcard at the apex", fault: fault{name: "an imported wildcard at the apex"}},
		{what: "an imported delegation comes without its glue", fault: fault{name: "an imported delegation without glue"}},
		{what: "a DS comes along to the new name", fault: fault{name: "a DS that came along"}},
	}},
}

// lint is one tool's run on one zone.
type lint struct {
	exit  bool // it refuses
	lines []string
}

// linter runs the checkers of differential_test.go, each zone once.
type linter struct {
	mu   sync.Mutex
	seen map[string]lint
}

// noise is what differs between two runs of a tool on equal zones.
var noise = regexp.MustCompile(`\[[0-9. :-]+\] nsd-checkzone\[\d+\]: |\S*/\d+\.zone(:\d+)*|loaded serial \d+|^zone .* (is ok|has \d+ errors?)$|^OK$`)

func (l *linter) run(t testing.TB, tool int, z *zones.Zone, file string) lint {
	t.Helper()
	key := fmt.Sprint(tool, z.ID(), z.Digest())
	l.mu.Lock()
	defer l.mu.Unlock()
	if r, ok := l.seen[key]; ok {
		return r
	}
	c := checkers[tool]
	out, err := exec.Command(need(t, c.name), c.args(zoneFile{z.Origin().Text(), file})...).CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	r := lint{exit: err != nil}
	for line := range strings.Lines(string(out)) {
		if line = strings.TrimSpace(noise.ReplaceAllString(strings.TrimSpace(line), "")); line != "" && !strings.HasPrefix(line, "zone ") {
			r.lines = append(r.lines, line)
		}
	}
	l.seen[key] = r
	return r
}

// says gives a tool's word on a world, beside what it says of a sound one.
func (l *linter) says(t testing.TB, tool int, sound, w zones.World, files map[zones.ID]string) string {
	word := "accepts"
	for z := range w.In(zones.Internet) {
		r := l.run(t, tool, z, files[z.ID()])
		base := lint{}
		if s := sound.Zone(z.ID()); s != nil {
			base = l.run(t, tool, s, zonePath(t, s))
		}
		if r.exit && !base.exit {
			return "refuses"
		}
		for _, line := range r.lines {
			if !slices.Contains(base.lines, line) {
				word = "warns"
			}
		}
	}
	return word
}

// zonePath writes a zone into a file of its own.
func zonePath(t testing.TB, z *zones.Zone) string {
	t.Helper()
	w, err := zones.NewWorld(z)
	if err != nil {
		t.Fatal(err)
	}
	return written(t, w)[0].path
}

// listedBy gives the owners that ldns-compare-zones lists as different:
// "++owner TTL class type data", and so on.
func listedBy(t testing.TB, before, after zones.World, old, new map[zones.ID]string) map[zones.Name]bool {
	t.Helper()
	owners := map[zones.Name]bool{}
	for z := range after.In(zones.Internet) {
		if was := before.Zone(z.ID()); was == nil || was.Equal(z) {
			continue // it compares two files of one zone, no more
		}
		var out bytes.Buffer
		cmd := exec.Command(need(t, "ldns-compare-zones"), "-a", old[z.ID()], new[z.ID()])
		cmd.Stdout = &out
		if err := cmd.Run(); err != nil {
			t.Fatalf("ldns-compare-zones: %v", err)
		}
		for line := range strings.Lines(out.String()) {
			owner, rest := strings.TrimLeft(line, "+-~"), strings.Fields(line)
			if owner == line || len(rest) < 4 {
				continue // the sums at the end
			}
			n, err := zones.ParseName(strings.Fields(owner)[0])
			if err != nil {
				t.Fatalf("ldns-compare-zones: %q", line)
			}
			owners[n] = true
		}
	}
	return owners
}

// differing gives the owners of records that a plain comparison lists, all
// zones on one heap.
func differing(before, after zones.World) map[zones.Name]bool {
	owners := map[zones.Name]bool{}
	have := [2]map[string]zones.Name{{}, {}}
	for i, w := range []zones.World{before, after} {
		for z := range w.In(zones.Internet) {
			for r := range z.Records() {
				if r.Type != zones.TypeSOA {
					have[i][fmt.Sprintf("%s %d %d %q", r.Owner, r.TTL, r.Type, r.Data)] = r.Owner
				}
			}
		}
	}
	for i := range have {
		for k, n := range have[i] {
			if _, both := have[1-i][k]; !both {
				owners[n] = true
			}
		}
	}
	return owners
}

// shows words whether a list of differences has the names that break.
func shows(owners, broken map[zones.Name]bool) string {
	if len(owners) == 0 {
		return "lists nothing"
	}
	there := 0
	for n := range broken {
		if owners[n] {
			there++
		}
	}
	switch {
	case len(broken) == 0:
		return "lists names"
	case there == len(broken):
		return "lists it"
	case there > 0:
		return "lists part of it"
	}
	return "lists others"
}

// row is one line of the table.
func (l *linter) row(t testing.TB, what, id string, in proof.Input, sound zones.World) []string {
	t.Helper()
	files := [2]map[zones.ID]string{{}, {}}
	for i, w := range []zones.World{in.Before, in.After} {
		for z := range w.In(zones.Internet) {
			files[i][z.ID()] = ""
		}
		for _, f := range written(t, w) {
			files[i][zones.ID{Origin: zones.MustName(f.origin), View: zones.Internet}] = f.path
		}
	}
	r := proof.Prove(in, proof.Options{})
	broken, ours := map[zones.Name]bool{}, "nothing"
	for _, f := range r.Faults {
		switch {
		case f.View != zones.Internet || f.Severity < finding.Error || f.ID == leftOpen:
		case f.ID == id:
			ours, broken[f.Witness.Name] = fmt.Sprintf("%v (%v)", f.ID, f.Severity), true
		case id == "":
			ours = fmt.Sprintf("%v (%v)", f.ID, f.Severity)
		}
	}
	if (id == "") != (ours == "nothing") {
		t.Errorf("%s: want %q in %v", what, id, r.Findings())
	}
	cells := []string{what}
	for i := range checkers {
		cells = append(cells, l.says(t, i, sound, in.After, files[1]))
	}
	return append(cells, shows(listedBy(t, in.Before, in.After, files[0], files[1]), broken), shows(differing(in.Before, in.After), broken), ours)
}

const checkersFile, tableBegins, tableEnds = "../../docs/checkers.md", "<!-- make compare-checkers -->\n", "<!-- end -->\n"

// TestCompareCheckers holds docs/checkers.md to what the tools say. With
// -update it writes the table.
func TestCompareCheckers(t *testing.T) {
	t.Parallel()
	l := linter{seen: map[string]lint{}}
	var b strings.Builder
	head := func(group string) {
		fmt.Fprintf(&b, "\n### %s\n\n| what is done | named-checkzone | kzonecheck | nsd-checkzone | ldns-compare-zones | record diff | hopnhat prove |\n|---|---|---|---|---|---|---|\n", group)
	}
	accepted := 0
	line := func(cells []string) {
		if cells[1] == "accepts" && cells[2] == "accepts" && cells[3] == "accepts" && cells[6] != "nothing" {
			accepted++
		}
		fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | "))
	}
	for _, g := range comparedSmall {
		head(g.group)
		for _, c := range g.rows {
			f, id := c.fault, c.id
			if f.name != "" {
				i := slices.IndexFunc(smallFaults, func(x fault) bool { return x.name == f.name })
				if i < 0 {
					t.Fatalf("no fault %q", f.name)
				}
				f, id = smallFaults[i], smallFaults[i].id
			}
			sound := fault{merged: f.merged}.claims(t, 0)
			line(l.row(t, c.what, id, f.claims(t, 0), sound.After))
		}
	}
	head("The sample: two provinces")
	sound := sampleClaim(t, nil)
	line(l.row(t, "the sample as it stands", "", sound, sound.After))
	for _, c := range sampleFaults {
		id := c.id
		if c.now != "" {
			id, _, _ = strings.Cut(c.now, " ")
		}
		line(l.row(t, c.name, id, c.claims(t), sound.After))
	}
	table := b.String()[1:]
	if accepted < 20 {
		t.Errorf("only %d rows are accepted by all three and found by us: the comparison is not what the document says", accepted)
	}
	doc, err := os.ReadFile(checkersFile)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(doc), tableBegins)
	was, after, ok2 := strings.Cut(rest, tableEnds)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the table", checkersFile)
	}
	if *update {
		write(t, filepath.FromSlash(checkersFile), before+tableBegins+table+tableEnds+after)
		return
	}
	if was != table {
		t.Errorf("%s says otherwise; make compare-checkers writes it anew\n%s", checkersFile, table)
	}
}
