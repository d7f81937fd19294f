package zonefile

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

const randomFiles = 10_000

func (r *genRec) record(t testing.TB) zones.Record {
	t.Helper()
	owner, err := zones.ParseName(r.owner)
	if err != nil {
		t.Fatalf("%s: %v", r.owner, err)
	}
	typ, _ := zones.ParseType(r.typ)
	data, err := rdata.Parse(typ, r.text(), zones.Root())
	if err != nil {
		t.Fatalf("%s %s: %v", r.typ, r.text(), err)
	}
	return zones.Record{Owner: owner, TTL: r.ttl, Type: typ, Data: data}
}

func genRecords(t testing.TB, rs []genRec) (out []zones.Record) {
	for i := range rs {
		out = append(out, rs[i].record(t))
	}
	return out
}

func sameRecords(got, want []zones.Record) error {
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			return fmt.Errorf("record %d is missing: %s", i, show(want[i]))
		case i >= len(want):
			return fmt.Errorf("record %d is too much: %s", i, show(got[i]))
		case !got[i].Same(want[i]):
			return fmt.Errorf("record %d is %s, want %s", i, show(got[i]), show(want[i]))
		}
	}
	return nil
}

// sorted puts records in an order of their own, for edits that may place one
// anywhere.
func sorted(rs []zones.Record) []zones.Record {
	rs = slices.Clone(rs)
	slices.SortFunc(rs, zones.Record.Compare)
	return rs
}

// TestRandomFiles: on random zone files in all styles, reading gives the
// records that the file was written from, and a random edit changes one line,
// or two where the serial changes too, or where the next line had inherited
// what the edit took away; every other octet is the same, and the records are
// those expected.
func TestRandomFiles(t *testing.T) {
	counts := map[string]int{}
	for seed := range uint64(randomFiles) {
		g := randomZone(seed, forUs)
		tree, fs := Load(g.files(), "z", Options{Origin: gialai})
		if tree == nil || tree.Failed() {
			t.Fatalf("seed %d: %v\n%s", seed, fs, dump(g))
		}
		if err := sameRecords(tree.Records(), genRecords(t, g.recs)); err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, dump(g))
		}
		for i, r := range tree.Records() {
			if w := g.recs[i]; r.From.File != w.file || r.From.Line != w.line {
				t.Fatalf("seed %d: %s is said to stand at %v, not %s:%d\n%s", seed, show(r), r.From.Place, w.file, w.line, dump(g))
			}
		}
		op, err := randomEdit(t, g, tree)
		if err != nil {
			t.Fatalf("seed %d, %s: %v\n%s", seed, op, err, dump(g))
		}
		counts[strings.Fields(op)[0]]++
	}
	t.Log(counts)
	for _, op := range []string{"change", "serial", "both", "ttl", "owner", "remove", "add"} {
		if counts[op] < randomFiles/20 {
			t.Errorf("only %d edits of kind %s", counts[op], op)
		}
	}
}

func dump(g *gen) string {
	var b strings.Builder
	for name, s := range g.out {
		fmt.Fprintf(&b, "--- %s\n%s\n", name, strings.ReplaceAll(strings.ReplaceAll(s.String(), "\r", "␍"), "\t", "→"))
	}
	return b.String()
}

// lineDiff compares two trees file by file: the lines that went and came
// between the common head and tail of each file.
func lineDiff(a, b *Tree) (gone, come []string) {
	for i, f := range a.Files() {
		x, y := strings.SplitAfter(string(f.Bytes()), "\n"), strings.SplitAfter(string(b.Files()[i].Bytes()), "\n")
		for len(x) > 0 && len(y) > 0 && x[0] == y[0] {
			x, y = x[1:], y[1:]
		}
		for len(x) > 0 && len(y) > 0 && x[len(x)-1] == y[len(y)-1] {
			x, y = x[:len(x)-1], y[:len(y)-1]
		}
		gone, come = append(gone, x...), append(come, y...)
	}
	return gone, come
}

// differing counts the lines that differ, place by place.
func differing(gone, come []string) int {
	if len(gone) != len(come) {
		return -1
	}
	n := 0
	for i := range gone {
		if gone[i] != come[i] {
			n++
		}
	}
	return n
}

// randomEdit makes one edit and checks the difference. It names the edit.
func randomEdit(t testing.TB, g *gen, tree *Tree) (string, error) {
	var free []int // records that can be edited
	for i := range g.recs {
		if r := &g.recs[i]; !r.generated && r.typ != "SOA" {
			free = append(free, i)
		}
	}
	soa := slices.IndexFunc(g.recs, func(r genRec) bool { return r.typ == "SOA" })
	i := free[g.rnd.IntN(len(free))]
	r := g.recs[i]
	want := slices.Clone(g.recs)
	switch g.rnd.IntN(7) {
	case 0, 1:
		if g.one(6) {
			i = soa
			r = g.recs[i]
		}
		n, _ := g.altered(r)
		op := fmt.Sprintf("change %s %s to %s", r.typ, r.text(), n.text())
		got, err := tree.Change(r.record(t), n.record(t))
		if err != nil {
			return op, err
		}
		want[i] = n
		if err := sameRecords(got.Records(), genRecords(t, want)); err != nil {
			return op, err
		}
		return op, oneLine(tree, got, 1, true)
	case 2:
		got, err := tree.SetSerial(4_000_000_000)
		if err != nil {
			return "serial", err
		}
		want[soa].fields = slices.Clone(want[soa].fields)
		want[soa].fields[2] = "4000000000"
		if err := sameRecords(got.Records(), genRecords(t, want)); err != nil {
			return "serial", err
		}
		return "serial", oneLine(tree, got, 1, true)
	case 3:
		n, _ := g.altered(r)
		op := fmt.Sprintf("both %s %s to %s", r.typ, r.text(), n.text())
		got, err := tree.Change(r.record(t), n.record(t))
		if err == nil {
			got, err = got.SetSerial(4_000_000_000)
		}
		if err != nil {
			return op, err
		}
		gone, come := lineDiff(tree, got)
		if d := differing(gone, come); d != 2 {
			return op, fmt.Errorf("%d lines differ:\n%q\n%q", d, gone, come)
		}
		return op, nil
	case 4:
		n := r
		n.ttl += 7
		op := fmt.Sprintf("ttl %s %s %s to %d", r.owner, r.typ, r.text(), n.ttl)
		got, err := tree.Change(r.record(t), n.record(t))
		if err != nil {
			if refusedForGenerate(g, i, err) {
				return "ttl", nil
			}
			return op, err
		}
		want[i] = n
		if err := sameRecords(got.Records(), genRecords(t, want)); err != nil {
			return op, err
		}
		lines := 1
		if inheritsTTL(g, i) {
			lines = 2
		}
		return op, oneLine(tree, got, lines, false)
	case 5:
		n := r
		n.owner = fmt.Sprintf("new.%s", genOrigin)
		op := fmt.Sprintf("owner %s %s %s", r.owner, r.typ, r.text())
		got, err := tree.Change(r.record(t), n.record(t))
		if err != nil {
			return op, err
		}
		want[i] = n
		if err := sameRecords(got.Records(), genRecords(t, want)); err != nil {
			return op, err
		}
		return op, oneLine(tree, got, 1+heirs(g, i), false)
	}
	if g.one(2) {
		op := fmt.Sprintf("remove %s %s %s", r.owner, r.typ, r.text())
		got, err := tree.Remove(r.record(t))
		if err != nil {
			if refusedForGenerate(g, i, err) {
				return op, nil
			}
			return op, err
		}
		want = slices.Delete(want, i, i+1)
		if err := sameRecords(got.Records(), genRecords(t, want)); err != nil {
			return op, err
		}
		gone, come := lineDiff(tree, got)
		// The lines of the record, and what inherited from it; a line may give
		// both an owner and a TTL.
		heirs := heirs(g, i)
		if inheritsTTL(g, i) {
			heirs++
		}
		if missing := missingFrom(gone, come); heirs == 0 && (len(missing) != r.lines || len(come) > 0 && !noNewline(tree)) || len(missing) < r.lines || len(missing) > r.lines+heirs {
			return op, fmt.Errorf("the record has %d lines and %d heirs; gone %q, come %q", r.lines, heirs, gone, come)
		}
		return op, nil
	}
	n := genRec{owner: r.owner, typ: g.pick("A", "MX", "TXT", "AAAA", "SRV", r.typ), ttl: g.pick2(r.ttl, 77)}
	if g.one(2) {
		n.owner = fmt.Sprintf("k%d.%s", g.n, genOrigin)
	}
	n.fields = g.data(n.typ)
	op := fmt.Sprintf("add %s %d %s %s", n.owner, n.ttl, n.typ, n.text())
	got, err := tree.Add(n.record(t))
	if err != nil {
		return op, err
	}
	if err := sameRecords(sorted(got.Records()), sorted(genRecords(t, append(want, n)))); err != nil {
		return op, err
	}
	gone, come := lineDiff(tree, got)
	lines := strings.Count(strings.Join(come, ""), "\n") - strings.Count(strings.Join(gone, ""), "\n")
	if missing := missingFrom(gone, come); lines != 1 || len(missing) > 0 && !noNewline(tree) || len(come) > 1 && !noNewline(tree) {
		return op, fmt.Errorf("gone %q, come %q", gone, come)
	}
	return op, nil
}

func (g *gen) pick2(a, b uint32) uint32 {
	if g.one(2) {
		return a
	}
	return b
}

// noNewline tells whether a file of the tree ends without a newline.
func noNewline(t *Tree) bool {
	for _, f := range t.Files() {
		if b := f.Bytes(); len(b) > 0 && b[len(b)-1] != '\n' {
			return true
		}
	}
	return false
}

// missingFrom lists the lines of a that b does not have, spaces aside.
func missingFrom(a, b []string) (out []string) {
	b = slices.Clone(b)
	for _, s := range a {
		if i := slices.Index(b, s); i >= 0 {
			b = slices.Delete(b, i, i+1)
			continue
		}
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}

// oneLine checks that as many lines differ as may; oneWord that within one of
// them one word differs, spaces aside.
func oneLine(a, b *Tree, lines int, oneWord bool) error {
	gone, come := lineDiff(a, b)
	if d := differing(gone, come); d != lines {
		return fmt.Errorf("%d lines differ, want %d:\n%q\n%q", d, lines, gone, come)
	}
	if !oneWord || lines != 1 {
		return nil
	}
	x, y := words(gone[0]), words(come[0])
	n := 0
	for i := range x {
		if i >= len(y) || x[i] != y[i] {
			n++
		}
	}
	if len(x) != len(y) || n != 1 {
		return fmt.Errorf("%d words differ:\n%q\n%q", n, x, y)
	}
	return nil
}

// words cuts a line at its spaces, quoted strings and comments whole.
func words(line string) (out []string) {
	rest := strings.TrimPrefix(line, byteOrderMark)
	for rest = strings.TrimSpace(rest); rest != ""; rest = strings.TrimSpace(rest) {
		n := strings.IndexAny(rest, " \t\r\n();")
		switch {
		case rest[0] == ';':
			n = len(rest)
		case rest[0] == '"':
			for n = 1; rest[n] != '"'; n++ {
				if rest[n] == '\\' {
					n++
				}
			}
			n++
		case n == 0:
			n = 1
		case n < 0:
			n = len(rest)
		}
		out, rest = append(out, rest[:n]), rest[n:]
	}
	return out
}

// heirs counts the records that have their owner from record i.
func heirs(g *gen, i int) (n int) {
	for j := range g.recs {
		if g.recs[j].ownerFrom == i {
			n++
		}
	}
	return n
}

// inheritsTTL tells whether the record after i has its TTL from it.
func inheritsTTL(g *gen, i int) bool {
	return i+1 < len(g.recs) && g.recs[i+1].ttlInherited
}

// refusedForGenerate tells whether an edit was rightly refused because a
// $GENERATE had its TTL from the record.
func refusedForGenerate(g *gen, i int, err error) bool {
	return strings.Contains(err.Error(), "it would change g") && inheritsTTL(g, i)
}
