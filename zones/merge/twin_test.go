package merge

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/mapping"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// The twin merges by strings, record by record, as a person with a sheet
// would: no cuts, DNAMEs, wildcards or names inside data. One target t, one
// source s, rules "name or *.name -> name or *.name" and decisions of a side.
type twin struct {
	after map[string]bool   // "owner TYPE data" in t
	fate  map[string]string // "owner TYPE data -> new" of s
}

func lines(z *zones.Zone) (out []string) {
	for r := range z.Records() {
		if r.Type == zones.TypeA || r.Type == zones.TypeAAAA || r.Type == zones.TypeTXT {
			out = append(out, fmt.Sprintf("%s %v %s", r.Owner.Text(), r.Type, rdata.Text(r.Type, r.Data)))
		}
	}
	return out
}

func cut3(l string) (owner, typ, data string) {
	owner, l, _ = strings.Cut(l, " ")
	typ, data, _ = strings.Cut(l, " ")
	return
}

func naive(target, source []string, mp mapping.Mapping) twin {
	w := twin{map[string]bool{}, map[string]string{}}
	type arrival struct{ old, line, rule string }
	arrivals := map[string][]arrival{} // by new owner
	for _, l := range source {
		owner, typ, data := cut3(l)
		done := false
		for _, r := range mp.Rules {
			from := r.From.Name.Text()
			hit := owner == from && !r.From.Star || strings.HasSuffix(owner, "."+from) && (r.From.Star || r.Subtree)
			typed := len(r.Types) == 0
			for _, t := range r.Types {
				typed = typed || t.String() == typ
			}
			if !hit || !typed {
				continue
			}
			done = true
			if r.Drop {
				w.fate[l+" -> "] = "dropped"
				break
			}
			seen := map[string]bool{}
			for _, to := range r.To {
				n := strings.TrimSuffix(owner, from) + to.Name.Text()
				if !seen[n] {
					seen[n] = true
					exact := ""
					if len(r.Types) > 0 && !r.From.Star && owner == from {
						exact = "exact"
					}
					arrivals[n] = append(arrivals[n], arrival{owner, n + " " + typ + " " + data, exact})
					w.fate[l+" -> "+n] = "?"
				}
			}
			break
		}
		if !done {
			w.fate[l+" -> "] = "undecided"
		}
	}
	has := map[string][]string{} // target's lines by owner
	for _, l := range target {
		o, _, _ := cut3(l)
		has[o] = append(has[o], l)
	}
	apex := map[string]bool{"t": true} // SOA and NS: the target owns it
	decision := func(n, typ string) mapping.Take {
		for _, typed := range []bool{true, false} {
			found := false
			for _, d := range mp.Decisions {
				if d.Name.Text() != n || typed != (d.Type != 0) || typed && d.Type.String() != typ {
					continue
				}
				found = true
				if d.Take != mapping.Open {
					return d.Take
				}
			}
			if found {
				return mapping.Open
			}
		}
		return mapping.Open
	}
	of := func(ls []string, typ string) (out []string) {
		for _, l := range ls {
			if _, t, _ := cut3(l); t == typ {
				out = append(out, l)
			}
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	for _, o := range slices.Sorted(maps.Keys(has)) {
		if len(arrivals[o]) == 0 {
			for _, l := range has[o] {
				w.after[l] = true
			}
		}
	}
	for _, n := range slices.Sorted(maps.Keys(arrivals)) {
		var in []string
		olds, brings := map[string]bool{}, map[string]bool{}
		for _, a := range arrivals[n] {
			in = append(in, a.line)
			olds[a.old] = true
			_, typ, _ := cut3(a.line)
			brings[typ] = true
		}
		owned := len(has[n]) > 0 || apex[n]
		contested := owned || len(olds) > 1
		address := brings["A"] || brings["AAAA"]
		for _, l := range has[n] {
			_, typ, _ := cut3(l)
			address := address && (typ == "A" || typ == "AAAA")
			take := decision(n, typ)
			whole := !slices.ContainsFunc(mp.Decisions, func(d mapping.Decision) bool {
				return d.Name.Text() == n && d.Type != 0 && d.Type.String() == typ
			})
			if take == mapping.Source && (brings[typ] || address || !whole) && !ambiguous(arrivalsOf(arrivals[n], typ, func(a arrival) (string, string) { return a.old, a.line })) {
				if !slices.Contains(in, l) { // an equal one stays, and the source's is equal to it
					continue
				}
			}
			w.after[l] = true
		}
		for typ := range brings {
			mine, theirs := of(in, typ), of(has[n], typ)
			groups := arrivalsOf(arrivals[n], typ, func(a arrival) (string, string) { return a.old, a.line })
			said := true
			for _, a := range arrivals[n] {
				if _, t, _ := cut3(a.line); t == typ {
					said = said && a.rule == "exact"
				}
			}
			differ := ambiguous(groups)
			conflict := false
			switch {
			case len(theirs) > 0:
				conflict = differ || !slices.Equal(mine, theirs)
			case differ:
				conflict = true
			case said:
			case owned:
				conflict = true
			default:
				conflict = len(groups) < len(olds)
			}
			take := decision(n, typ)
			if !contested {
				take = mapping.Both
			} else if take == mapping.Open && !conflict {
				take = mapping.Both
			} else if take == mapping.Source && differ {
				take = mapping.Open
			}
			for _, a := range arrivals[n] {
				if _, t, _ := cut3(a.line); t != typ {
					continue
				}
				_, _, data := cut3(a.line)
				k := a.old + " " + typ + " " + data + " -> " + n
				stands := take == mapping.Source || take == mapping.Both
				beside := false
				for _, l := range theirs {
					beside = beside || w.after[l]
				}
				switch {
				case stands && beside:
					w.fate[k] = "merged"
				case stands:
					w.fate[k] = "renamed"
				case take == mapping.Open:
					w.fate[k] = "undecided"
				case slices.Contains(theirs, a.line):
					w.fate[k] = "merged"
				default:
					w.fate[k] = "superseded"
				}
			}
		}
		for _, a := range arrivals[n] {
			_, typ, data := cut3(a.line)
			if f := w.fate[a.old+" "+typ+" "+data+" -> "+n]; f == "merged" || f == "renamed" {
				w.after[a.line] = true
			}
		}
	}
	return w
}

// arrivalsOf groups the lines of a type by old owner.
func arrivalsOf[A any](as []A, typ string, of func(A) (old, line string)) map[string][]string {
	g := map[string][]string{}
	for _, a := range as {
		old, line := of(a)
		if _, t, _ := cut3(line); t == typ {
			g[old] = append(g[old], line)
		}
	}
	return g
}

// ambiguous tells whether two old owners bring other lines.
func ambiguous(g map[string][]string) bool {
	var first []string
	for _, ls := range g {
		slices.Sort(ls)
		if first != nil && !slices.Equal(first, ls) {
			return true
		}
		first = ls
	}
	return false
}

func TestTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawing{t, false, false}
		d.decide = rapid.Bool().Draw(t, "decide")
		in := Input{Sources: []Source{{"s", plainZone(d, "s", 8)}}}
		in.World, _ = zones.NewWorld(plainZone(d, "t", 8))
		in.Mapping.Targets = []zones.Name{zones.MustName("t")}
		d.mapping(&in.Mapping)
		in.Mapping.OldNames, in.Mapping.Reserved, in.Mapping.Exceptions = nil, nil, nil
		for i := range in.Mapping.Decisions {
			x := &in.Mapping.Decisions[i]
			x.TargetBecomes, x.SourceBecomes = zones.Name{}, zones.Name{}
		}
		p, _ := Make(in)
		want := naive(lines(in.World.Zone(id("t"))), lines(in.Sources[0].Zone), in.Mapping)
		after := map[string]bool{}
		for _, l := range lines(p.After().Zone(id("t"))) {
			after[l] = true
		}
		fate := map[string]string{}
		for _, e := range p.Ledger().Entries() {
			if e.Record.Type == zones.TypeSOA || e.Record.Type == zones.TypeNS {
				continue
			}
			to := ""
			if !e.New.Owner.IsZero() {
				to = e.New.Owner.Text()
			}
			fate[fmt.Sprintf("%s %v %s -> %s", e.Record.Owner.Text(), e.Record.Type, rdata.Text(e.Record.Type, e.Record.Data), to)] = e.Disposition.String()
		}
		if !maps.Equal(fate, want.fate) || !maps.Equal(after, want.after) {
			t.Fatalf("got  %v\nwant %v\ngot  %v\nwant %v\nrules %+v\ndecisions %+v", fate, want.fate, slices.Sorted(maps.Keys(after)), slices.Sorted(maps.Keys(want.after)),
				in.Mapping.Rules, in.Mapping.Decisions)
		}
	})
}

// plainZone draws a zone of addresses and texts alone.
func plainZone(d drawing, origin string, max int) *zones.Zone {
	z := d.zone(origin, max)
	b := zones.NewBuilder(z.ID())
	for r := range z.Records() {
		switch r.Type {
		case zones.TypeMX, zones.TypeCNAME:
		case zones.TypeTXT:
			r.Data, _ = rdata.Parse(r.Type, `"one"`, zones.Root())
			b.Add(r)
		default:
			b.Add(r)
		}
	}
	z, err := b.Freeze()
	if err != nil {
		panic(err)
	}
	return z
}
