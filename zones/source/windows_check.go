package source

import (
	"cmp"
	"fmt"
	"slices"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// owners are the names that own records of the zone.
func (r *winReader) owners() map[zones.Name]bool {
	if r.known == nil {
		r.known = make(map[zones.Name]bool, len(r.records))
		for i := range r.records {
			r.known[r.records[i].Owner] = true
		}
		for i := range r.later {
			r.known[r.later[i].name] = true
		}
	}
	return r.known
}

// settle decides what could only be decided when all was read.
func (r *winReader) settle() {
	if len(r.later)+len(r.doubts) > 0 {
		r.owners()
	}
	for i := range r.later {
		r.data(&r.later[i], true)
	}
	for _, d := range r.doubts {
		if !r.known[d.rel] && d.rel.Within(r.origin) {
			mend := "check the record on the server"
			if d.several {
				mend = "if it is a whole name, put a dot behind it"
			}
			r.warn("V-DOT", d.at, fmt.Sprintf("%s has no final dot and is read as %v, which the zone does not have", quote(d.text), d.rel), mend)
		}
	}
	if len(r.foreign) == 0 {
		return
	}
	servers := map[string]bool{}
	for i := range r.records {
		if r.records[i].Type == zones.TypeNS {
			servers[r.records[i].Data] = true
		}
	}
	for i := range r.foreign {
		w := &r.foreign[i].row
		if !servers[w.name.Wire()] {
			r.outside(w)
			continue
		}
		w.class = classGlue
		if r.skip[classGlue] {
			r.account.class(classGlue).LeftOut++
			r.met(w)
			continue
		}
		r.bad(w, "V-GLUE", w.at, fmt.Sprintf("an address of the name server %v, which lies outside the zone: Windows writes it beside the NS record, and no zone may hold it", w.name),
			"leave such records out with skip: [outside-glue]")
	}
}

// check looks at the records as a zone, gives TTLs to those without, and says
// what was left out.
func (r *winReader) check() {
	r.classes()
	if r.soa == nil {
		if r.sink.errors == 0 {
			r.fail("Z-SOA", winSpot{}, fmt.Sprintf("there is no SOA record at %v", r.origin), r.form.soaMend(r.zoneWord()))
		}
		return
	}
	soa, err := zones.ParseSOA(r.soa.Data)
	if err != nil {
		return // Freeze says so
	}
	ttl := soa.Minimum
	if ttl > zones.MaxTTL {
		ttl = 0
	}
	for _, i := range r.soaTTL {
		r.records[i].TTL = ttl
	}
	if n := len(r.soaTTL); n > 0 && r.form.kind != formDNS {
		at := r.lines[r.soaTTL[0]]
		r.sink.add(finding.Finding{
			ID: "V-TTL", Severity: finding.Warning, At: r.file.place(at), Line: r.file.text(at), Count: n,
			Found: fmt.Sprintf("no TTL is stated: the zone's default, %d, is taken", ttl), Mend: "check the record on the server",
		})
	}
	r.sets()
}

// sets looks at the records of each RRset.
func (r *winReader) sets() {
	order := make([]int32, len(r.records))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int {
		x, y := &r.records[a], &r.records[b]
		return cmp.Or(x.Owner.Compare(y.Owner), cmp.Compare(x.Type, y.Type), cmp.Compare(x.Data, y.Data), cmp.Compare(a, b))
	})
	for i := 0; i < len(order); {
		first := &r.records[order[i]]
		end, differs := i+1, int32(-1)
		lowest, from := first.TTL, order[i]
		for ; end < len(order); end++ {
			x := &r.records[order[end]]
			if x.Owner != first.Owner || x.Type != first.Type {
				break
			}
			if x.TTL != first.TTL && differs < 0 {
				differs = order[end]
			}
			lowest = min(lowest, x.TTL)
			if before := &r.records[order[end-1]]; before.Data == x.Data {
				r.account.Repeats++
				r.report("Z-DUP", finding.Note, r.lines[order[end]], fmt.Sprintf("%v %v stands here a second time (first at %v); it counts once", x.Owner, x.Type, before.From.Place), "")
			}
		}
		if differs >= 0 {
			x := &r.records[differs]
			r.warn("M-TTL", r.lines[differs], fmt.Sprintf("the TTL %d of %v %v differs from %d at %v; the lowest, %d, is taken (RFC 2181 5.2)",
				x.TTL, x.Owner, x.Type, r.records[from].TTL, r.records[from].From.Place, lowest), "give all records of the name and type one TTL")
		}
		i = end
	}
}

// classes says how many records of each class were left out or may be.
func (r *winReader) classes() {
	for _, c := range []struct{ class, what string }{
		{classWINS, "WINS records"},
		{classGlue, "addresses of name servers outside the zone"},
		{classLocator, "records by which Active Directory is found"},
		{classDynamic, "records that machines registered themselves (they have an age)"},
	} {
		l := r.left[c.class]
		if l == nil {
			continue
		}
		f := finding.Finding{ID: "V-LEFT", At: r.file.place(l.at), Line: r.file.text(l.at), Count: l.n}
		f.Found = fmt.Sprintf("%s are left out by skip: [%s], here and on: %d", c.what, c.class, l.n)
		if !r.skip[c.class] {
			f.ID = "V-CLASS"
			f.Found = fmt.Sprintf("%s are taken, here and on: %d", c.what, l.n)
			f.Mend = "skip: [" + c.class + "] leaves them out"
		}
		r.sink.add(f)
	}
	if l := r.left[classOther]; l != nil {
		r.sink.add(finding.Finding{
			ID: "V-LEFT", At: r.file.place(l.at), Line: r.file.text(l.at), Count: l.n,
			Found: fmt.Sprintf("rows of other zones are left out, here and on: %d", l.n),
		})
	}
	if l := r.left["utf8"]; l != nil {
		r.sink.add(finding.Finding{
			ID: "V-UTF8", At: r.file.place(l.at), Line: r.file.text(l.at), Count: l.n,
			Found: fmt.Sprintf("owners with octets above 127 are kept as they are, here and on: %d", l.n),
			Mend:  "resolvers that speak IDNA ask for the xn-- form: state that name too if it is meant",
		})
	}
	if l := r.left["node"]; l != nil {
		r.sink.add(finding.Finding{
			ID: "V-NODE", At: r.file.place(l.at), Line: r.file.text(l.at), Count: l.n,
			Found: fmt.Sprintf("names without any record, here and on: %d", l.n),
			Mend:  "check that the line is whole",
		})
	}
}

// freeze makes the zone.
func (r *winReader) freeze() *zones.Zone {
	b := zones.NewBuilder(zones.ID{Origin: r.origin, View: r.spec.ID.View})
	b.Add(r.records...)
	z, err := b.Freeze()
	if err != nil { // nothing that check knows of
		r.sink.add(finding.Finding{ID: "Z-ZONE", Severity: finding.Error, At: r.file.place(winSpot{}), Found: err.Error()})
	}
	return z
}
