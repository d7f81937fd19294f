package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/proof"
	"gialai.gov.vn/hopnhat/zones/zonefile"
)

// drawing makes small worlds of every feature that servers load: wildcards,
// empty non-terminals, cuts, DS, chains, DNAME, a child zone.
type drawing struct {
	*rand.Rand
	number int
}

func (d drawing) of(ss ...string) string { return ss[d.IntN(len(ss))] }

func (d drawing) origin(z string) string { return z + strconv.Itoa(d.number) }

func (d drawing) owner() string {
	var ls []string
	for range d.IntN(4) {
		ls = append(ls, d.of("a", "b", "c"))
	}
	if len(ls) > 0 && d.IntN(4) == 0 {
		ls[0] = "*"
	}
	if len(ls) == 0 {
		return "@"
	}
	return strings.Join(ls, ".")
}

func (d drawing) name() string {
	switch d.IntN(6) {
	case 0:
		return "out."
	case 1:
		return "a." + d.origin("f") + "."
	case 2:
		return "c." + d.origin("e") + "."
	case 3:
		return d.of("a", "b", "c") + "." + d.origin("e") + "."
	}
	return strings.TrimPrefix(strings.TrimPrefix(d.owner(), "*."), "*") + "."
}

func (d drawing) line() string {
	o := d.owner()
	to := d.name()
	if to == "." || to == "@." {
		to = "a." + d.origin("f") + "."
	} else if !strings.HasSuffix(to, d.origin("e")+".") && !strings.HasSuffix(to, d.origin("f")+".") && to != "out." {
		to = strings.TrimSuffix(to, ".")
	}
	switch d.IntN(12) {
	case 0, 1, 2, 3:
		return fmt.Sprintf("%s A 192.0.2.%d", o, 1+d.IntN(2))
	case 4:
		return o + " TXT t"
	case 5, 6:
		return o + " CNAME " + to
	case 7, 8:
		return o + " DNAME " + to
	case 9, 10:
		if o != "@" && !strings.HasPrefix(o, "*") {
			return o + " NS " + d.of("out.", "ns."+o)
		}
	case 11:
		return o + ds
	}
	return o + " A 192.0.2.1"
}

// world draws the lines of each zone; one change of a line makes another of it.
func (d drawing) worlds() (old, new map[string][]string) {
	defer func() {
		for _, w := range []map[string][]string{old, new} {
			for o, ls := range w {
				w[o] = loadable(ls)
			}
		}
	}()
	old, new = map[string][]string{}, map[string][]string{}
	origins := []string{d.origin("e"), d.origin("f")}
	if d.IntN(3) == 0 {
		origins = append(origins, d.of("c.", "a.b.")+d.origin("e"))
	}
	for _, o := range origins {
		old[o] = []string{"@ NS out."}
		for range d.IntN(8) {
			old[o] = append(old[o], d.line())
		}
		new[o] = slices.Clone(old[o])
	}
	o := origins[d.IntN(len(origins))]
	if ls := new[o]; len(ls) > 1 && d.IntN(2) == 0 {
		i := 1 + d.IntN(len(ls)-1)
		if new[o] = slices.Delete(ls, i, i+1); d.IntN(3) == 0 {
			new[o] = append(new[o], d.line())
		}
	} else {
		new[o] = append(new[o], d.line())
	}
	return old, new
}

// loadable leaves out what servers refuse a zone for: data beside a CNAME, two
// of a CNAME or DNAME, data below a DNAME.
func loadable(ls []string) (out []string) {
	one := map[string]string{}
	for _, typ := range []string{"CNAME", "DNAME"} {
		for _, l := range ls {
			if f := strings.Fields(l); f[1] == typ && one[f[0]] == "" && !(f[0] == "@" && typ == "CNAME") {
				one[f[0]] = l
			}
		}
	}
	for _, l := range ls {
		f := strings.Fields(l)
		keep := l == one[f[0]] || f[1] != "CNAME" && f[1] != "DNAME" && !strings.Contains(one[f[0]], " CNAME ")
		for up, x := range one {
			if strings.Contains(x, " DNAME ") && f[0] != "@" && (up == "@" || strings.HasSuffix(f[0], "."+up)) {
				keep = false
			}
		}
		if keep {
			out = append(out, l)
		}
	}
	return out
}

// read makes a world of lines; false where no server would load it.
func read(by map[string][]string) (w zones.World, ok bool) {
	for origin, ls := range by {
		text := "$TTL 3600\n@ SOA ns." + origin + ". root 1 1800 900 604800 300\n" + strings.Join(ls, "\n") + "\n"
		tree, fs := zonefile.Load(fstest.MapFS{"z": {Data: []byte(text)}}, "z", zonefile.Options{Origin: zones.MustName(origin)})
		if tree == nil || finding.Failed(fs) {
			return w, false
		}
		z, fs := tree.Zone(zones.Internet)
		if z == nil || finding.Failed(fs) {
			return w, false
		}
		w = w.With(z)
	}
	return w, true
}

// all lists every name of up to depth labels below an origin.
func all(origin string, depth int) []zones.Name {
	out := []zones.Name{zones.MustName(origin)}
	level := out
	for range depth {
		var next []zones.Name
		for _, n := range level {
			for _, l := range []string{"a", "b", "c", "*", "zz", "ns"} {
				if m, err := n.Child(l); err == nil {
					next = append(next, m)
				}
			}
		}
		out, level = append(out, next...), next
	}
	return out
}

// TestPreserved: where the proof says that nothing is lost, BIND, Knot and NSD
// with the world after answer every name as they do with the world before. A
// loss that the proof doesn't see would be its worst bug; here neither its
// code nor its twin decides what an answer is.
func TestPreserved(t *testing.T) {
	t.Parallel()
	pairs, seed := 40, uint64(1)
	if n, err := strconv.Atoi(os.Getenv("HOPNHAT_PRESERVED")); err == nil {
		pairs, seed = n, uint64(n)
	}
	type pair struct {
		in    proof.Input
		child bool
	}
	var kept []pair
	var zs [2][]*zones.Zone
	lost := 0
	for number := range pairs {
		d := drawing{rand.New(rand.NewPCG(seed, uint64(number))), number}
		a, b := d.worlds()
		old, ok1 := read(a)
		new, ok2 := read(b)
		if !ok1 || !ok2 {
			continue
		}
		in := proof.Input{Before: old, After: new}
		if r := proof.Prove(in, proof.Options{}); !r.Preserved() {
			lost++
			continue
		}
		kept = append(kept, pair{in, len(a) > 2})
		zs[0], zs[1] = slices.AppendSeq(zs[0], old.All()), slices.AppendSeq(zs[1], new.All())
	}
	t.Logf("%d pairs kept, %d lost", len(kept), lost)
	if len(kept) < pairs/10 || lost < pairs/10 {
		t.Errorf("too few of one kind")
	}
	var files [2][]zoneFile
	for i := range zs {
		w, err := zones.NewWorld(zs[i]...)
		if err != nil {
			t.Fatal(err)
		}
		files[i] = written(t, w)
	}
	anchor := zoneFile{"anchor", write(t, t.TempDir()+"/anchor", "$TTL 60\n@ SOA ns.out. r.out. 1 1 1 1 1\n@ NS ns.out.\n")}
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			old, new := s.start(t, []zoneFile{anchor}, files[0]...), s.start(t, []zoneFile{anchor}, files[1]...)
			to := [2]line{{to: old.addr}, {to: new.addr}}
			defer to[0].close()
			defer to[1].close()
			asked, worlds, mine := 0, 0, 0
			for _, p := range kept {
				if s.name == "NSD" && p.child {
					continue // one tree for parent and child (ownWays)
				}
				mine++
				loaded := true
				for z := range p.in.Before.All() {
					loaded = loaded && old.answersFor(z.Origin().String()) && new.answersFor(z.Origin().String())
				}
				if !loaded {
					continue
				}
				worlds++
				for z := range p.in.Before.All() {
					for _, q := range all(z.Origin().Text(), 3) {
						for _, typ := range []zones.Type{zones.TypeA, zones.TypeTXT, zones.TypeNS, zones.TypeDS} {
							was, _, err := gets(&to[0], p.in.Before, q, typ)
							if err != nil {
								t.Fatal(err)
							}
							is, _, err := gets(&to[1], p.in.After, q, typ)
							if err != nil {
								t.Fatal(err)
							}
							asked += 2
							if was != is && gone(was, is) {
								t.Errorf("%v %v gave %s, gives %s; the proof says that nothing is lost\nOLD\n%s\nNEW\n%s", q, typ, was, is, linesOf(p.in.Before), linesOf(p.in.After))
							}
						}
					}
				}
			}
			t.Logf("%d questions about %d pairs of worlds", asked, worlds)
			if worlds < mine*2/3 {
				t.Errorf("%d of %d pairs of worlds only are loaded", worlds, mine)
			}
		})
	}
}

// gone tells whether an answer was good and is another.
func gone(was, is string) bool {
	const endless = "a chain without end"
	if was == endless {
		return false
	}
	switch wordKind(was) {
	case isNXDOMAIN, isNoData:
		return is == isLoop || is == isOverlong || is == endless
	case isRefused, isLoop, isOverlong, isServfail:
		return false
	case "a chain": // it may come to an end in a zone that is served now
		return wordKind(is) != "data" && is != isNoData && wordKind(is) != "a referral"
	}
	return true
}

func linesOf(w zones.World) string {
	var b strings.Builder
	for z := range w.All() {
		b.Write(zonefile.Write(z))
	}
	return b.String()
}
