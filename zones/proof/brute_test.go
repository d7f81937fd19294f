package proof

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/mapping"
)

// bringer is, name by name, where a source's answer goes under one rule that
// carries f and everything below it: the old names whose records come to a
// name. It follows the record that answers, as the rule does.
type bringer struct {
	old      *twin
	from, to zones.Name
}

// want gives what an old name has for a type and whether it is to come: what
// the zone itself keeps (SOA, its NS, DS) is not.
func (b bringer) want(p zones.Name, typ zones.Type) (said, bool) {
	a := b.old.ask(p, typ)
	z := b.old.nearest(p)
	if z == nil || !good(a.kind) || typ == zones.TypeDS || typ == zones.TypeSOA {
		return a, false
	}
	if typ == zones.TypeNS && a.kind == data && b.old.zones[a.end] != nil {
		return a, false
	}
	// Whose record answers: a DNAME at f itself covers f; one above f is no
	// record of f's.
	return a, z.Origin().Within(b.from)
}

// renamed gives the data of an answer with the names in it renamed, as a set:
// what was two hosts may be one.
func (b bringer) renamed(s string) string {
	var out []string
	for _, d := range split1(s) {
		n, used, err := zones.NameFromWire([]byte(d))
		if err == nil && used == len(d) {
			if y, err := n.Rebase(b.from, b.to); err == nil {
				d = y.Wire()
			}
		}
		out = append(out, d)
	}
	slices.Sort(out)
	return strings.Join(slices.Compact(out), "|")
}

func split1(s string) []string {
	var out []string
	at := 0
	for i := range len(s) {
		if s[i] == '|' {
			out = append(out, s[at:i])
			at = i + 1
		}
	}
	return append(out, s[at:])
}

// TestBrute asks both worlds every name of the alphabet, and holds verdict and
// witnesses of a proof with one renaming against the answers. It counts
// queries; HOPNHAT_PROVE_LONG raises the number.
func TestBrute(t *testing.T) {
	want := 1_000_000
	if n, err := strconv.Atoi(os.Getenv("HOPNHAT_PROVE_LONG")); err == nil {
		want = n
	}
	seed := 1
	if n, err := strconv.Atoi(os.Getenv("HOPNHAT_PROVE_SEED")); err == nil {
		seed = n
	}
	for shard := range 2 {
		t.Run(strconv.Itoa(shard), func(t *testing.T) {
			t.Parallel()
			brute(t, want, seed, shard)
		})
	}
}

func brute(t *testing.T, want, seed, shard int) {
	names := everyName(4)
	gen := rapid.Custom(func(t *rapid.T) [2]string {
		a, b := genWorlds(t)
		return [2]string{a, b}
	})
	queries, broke, kept, worlds := 0, 0, 0, 0
	var pair [2]string
	defer func() {
		if p := recover(); p != nil {
			t.Errorf("seed %d, worlds %d\nOLD\n%s\nNEW\n%s", seed+shard, worlds, pair[0], pair[1])
			panic(p)
		}
	}()
	for ; queries < want/2; worlds++ {
		pair = gen.Example((seed+shard)*1_000_003 + worlds)
		old, new := world(t, "old", pair[0]), world(t, "new", pair[1])
		in := Input{Before: old, After: new}
		to := zones.MustName([]string{"b.e", "c.e", "e"}[worlds%3])
		mapped := worlds%2 == 1
		from := zones.MustName("f")
		if mapped {
			in.Mapping.Rules = []mapping.Rule{{From: mapping.Pattern{Name: from}, Subtree: true, To: []mapping.Pattern{{Name: to}}}}
		}
		r := Prove(in, Options{Workers: 1})
		o, n := newTwin(old, zones.Internet), newTwin(new, zones.Internet)
		br := bringer{o, from, to}
		lost, unseen := "", ""
		byName := newNameByName(in)
		for _, q := range names {
			lost := &lost // the last loss of all, and whether this name has one
			was := *lost
			for _, typ := range askedTypes {
				queries += 2
				x, y := o.ask(q, typ), n.ask(q, typ)
				if breaks(x, y) && !(mapped && (br.renamed(x.data) == br.renamed(y.data) || claimed(br, q, typ))) {
					*lost = fmt.Sprintf("%v %v: %v %q -> %v %q", q, typ, x.kind, x.data, y.kind, y.data)
				}
				if !mapped {
					continue
				}
				p, err := q.Rebase(to, from)
				if err != nil {
					continue
				}
				queries++
				if c, ok := br.want(p, typ); ok && bringsNot(br, c, y) {
					*lost = fmt.Sprintf("%v %v -> %v: %v %q -> %v %q", p, typ, q, c.kind, c.data, y.kind, y.data)
				}
			}
			if *lost == was {
				continue
			}
			if blocks, missing := byName.block(q); !blocks {
				unseen = *lost
			} else if missing != "" {
				unseen = *lost + ": the walk has no " + missing
			}
		}
		text := func() string {
			s := fmt.Sprintf("seed %d, worlds %d; rule %v: %v -> %v\nOLD\n%s\nNEW\n%s", seed+shard, worlds, mapped, from, to, pair[0], pair[1])
			for _, f := range r.Faults {
				s += "\n" + f.Finding.String()
			}
			return s
		}
		if unseen != "" {
			t.Fatalf("a loss that the proof of its name does not see: %s\n%s", unseen, text())
		}
		if lost != "" {
			broke++
			if r.Preserved() {
				t.Fatalf("a loss that the proof does not see: %s\n%s", lost, text())
			}
		} else if r.Preserved() {
			kept++
		} else if !slices.ContainsFunc(r.Faults, func(f Fault) bool {
			return f.Severity == finding.Block && (stated[f.ID] || f.ID == "M-COLLIDE" || f.ID == "M-TARGET-SEM" || mapped && f.ID == "C-CHANGED" ||
				breaks(o.ask(f.Witness.OldName, f.Witness.Type), n.ask(f.Witness.Name, f.Witness.Type)))
		}) {
			t.Fatalf("the proof blocks, and no answer is lost: %s", text())
		}
		for _, f := range r.Faults {
			x, y := o.ask(f.Witness.OldName, f.Witness.Type), n.ask(f.Witness.Name, f.Witness.Type)
			if stated[f.ID] || f.ID == "M-COLLIDE" {
				continue
			}
			if f.Severity == finding.Block && x.kind == y.kind && x.data == y.data && slices.Equal(x.glue, y.glue) {
				t.Fatalf("a witness that does not differ: %v\n%s", f.Finding, text())
			}
		}
	}
	t.Logf("seed %d: %d queries of %d pairs of worlds, %d broken, %d whole: no mismatch", seed+shard, queries, worlds, broke, kept)
	if broke < worlds/20 || kept < worlds/20 {
		t.Errorf("%d pairs broken and %d whole of %d: too few of one kind", broke, kept, worlds)
	}
}

// nameByName decides single names as a walk does, so that no loss hides behind
// another of the same worlds.
type nameByName struct {
	*walker
	whole *tally
}

func newNameByName(in Input) nameByName {
	w := newWalker(in, Options{Workers: 1, Limit: defaultLimit}, zones.Internet)
	return nameByName{w, w.all(1)}
}

// block tells whether anything blocks at one name, and which of it the walk
// over all names does not tell.
func (w nameByName) block(q zones.Name) (blocks bool, missing string) {
	p := w.start()
	for _, l := range labelsDown(q, nil) {
		p = w.down(p, l)
	}
	out := newTally(w.walker)
	w.check(out, &p)
	for _, b := range out.faults {
		if defined[b.id].severity != finding.Block {
			continue
		}
		blocks = true
		if w.whole.by[b.cause] == nil {
			missing = fmt.Sprint(b.id, " at ", w.nameAt(&p))
		}
	}
	return blocks, missing
}

// claimed tells whether an old name's answer comes to q: then what it makes of
// q is no capture.
func claimed(b bringer, q zones.Name, typ zones.Type) bool {
	if x := b.old.ask(q, typ); good(x.kind) {
		return false
	}
	p, err := q.Rebase(b.to, b.from)
	if err != nil {
		return false
	}
	_, ok := b.want(p, typ)
	return ok
}

// bringsNot tells whether a claim is not met.
func bringsNot(b bringer, c, y said) bool {
	if c.kind == away && y.kind != nxdomain && y.kind != looped && via(y, c.data) {
		return false
	}
	if c.kind != y.kind {
		return true
	}
	if c.kind == referral {
		return false // NS may be renamed and DS goes: the table has these
	}
	if c.kind == away {
		n := zones.MustName(c.data)
		m, err := n.Rebase(b.from, b.to)
		return c.data != y.data && (err != nil || m.String() != y.data)
	}
	return b.renamed(c.data) != b.renamed(y.data)
}

// TestFoundByBrute: worlds in which long runs found the proof wrong.
func TestFoundByBrute(t *testing.T) {
	for _, c := range []struct{ name, old, new string }{
		{
			"DS at an alias of an apex below a growing DNAME", "zone e\n@ NS out.\n@ DNAME a\na DNAME out.\nzone f\n@ NS out.\nb.b.b A 192.0.2.1\nb A 192.0.2.2\nx.a.b.a TXT t\n",
			"zone e\n@ NS out.\n@ DNAME a\na CNAME e.\nzone f\n@ NS out.\nb.b.b A 192.0.2.1\nb A 192.0.2.2\na.b.a CNAME c.e.\nx.a.b.a TXT t\nzone c.e\n@ NS out.\n",
		},
		{
			"a DNAME's target answers nothing in its own right", "zone e\n@ NS out.\n@ DNAME a.f.\nzone f\n@ NS out.\na A 192.0.2.1\n*.a A 192.0.2.1\nc.a A 192.0.2.2\nzone c.e\n@ NS out.\na A 192.0.2.2\na.*.c DNAME a.f.\n",
			"zone e\n@ NS out.\n@ DNAME a.f.\nzone f\n@ NS out.\na A 192.0.2.1\n*.a A 192.0.2.1\nc DNAME e.\n",
		},
		{
			"a served zone below the target of a DNAME that grows", "zone e\n@ NS out.\n@ DNAME b\nzone a.b.b.e\n@ NS out.\n@ A 192.0.2.1\n",
			"zone e\n@ NS out.\nzone a.b.b.e\n@ NS out.\n@ A 192.0.2.1\n",
		},
		{
			"a served zone below DNAMEs in a circle", "zone e\n@ NS out.\nb DNAME c\nc DNAME b\nzone a.c.e\n@ NS out.\n@ A 192.0.2.1\n",
			"zone e\n@ NS out.\nzone a.c.e\n@ NS out.\n@ A 192.0.2.1\n",
		},
		{
			"a served zone below the third of four DNAMEs", "zone e\n@ NS out.\na DNAME b\nb DNAME c\nc DNAME f.\nx.d A 192.0.2.1\nzone f\n@ NS out.\nzone z1.a.e\n@ NS out.\nzone z2.b.e\n@ NS out.\nzone z3.c.e\n@ NS out.\n@ A 192.0.2.1\n",
			"zone e\n@ NS out.\nb DNAME c\nc DNAME f.\nx.d A 192.0.2.1\nzone f\n@ NS out.\nzone z1.a.e\n@ NS out.\nzone z2.a.e\n@ NS out.\nzone z2.b.e\n@ NS out.\nzone z3.c.e\n@ NS out.\n@ A 192.0.2.1\n",
		},
		{
			"a zone in whose circle of DNAMEs a zone above has a part", "zone e\n@ NS out.\n@ DNAME c\nzone c.e\n@ NS out.\n@ DNAME e.\n",
			"zone e\n@ NS out.\n@ DNAME c\nzone c.e\n@ NS out.\n@ DNAME x\n",
		},
		{
			"DS by a wildcard at the apex of a child that the parent does not delegate", "zone e\n@ NS out.\nx.b TXT t\nzone c.e\n@ NS out.\n",
			"zone e\n@ NS out.\nx.b TXT t\n* DS 1 8 2 abababababababababababababababababababababababababababababababab\nzone c.e\n@ NS out.\n",
		},
	} {
		old, new := world(t, "old", c.old), world(t, "new", c.new)
		if s := survivor(Input{Before: old, After: new}, nil); s == "" {
			t.Errorf("%s: nothing is lost", c.name)
		}
		if r := Prove(Input{Before: old, After: new}, Options{}); r.Preserved() {
			t.Errorf("%s: not seen", c.name)
		}
		o, n, byName := newTwin(old, zones.Internet), newTwin(new, zones.Internet), newNameByName(Input{Before: old, After: new})
		for _, q := range everyName(4) {
			for _, typ := range askedTypes {
				if !breaks(o.ask(q, typ), n.ask(q, typ)) {
					continue
				}
				if blocks, missing := byName.block(q); !blocks || missing != "" {
					t.Errorf("%s: %v %v is lost; blocks %v, the walk has no %q", c.name, q, typ, blocks, missing)
				}
			}
		}
	}
}
