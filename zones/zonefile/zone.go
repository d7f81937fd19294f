package zonefile

import (
	"cmp"
	"fmt"
	"slices"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// Zone makes the zone of Options.Origin, or, where that is not set, of the
// SOA's owner. What is wrong with the records as a zone is reported here and
// not by Load: no SOA or two, owners outside, differing TTLs in an RRset (the
// lowest is taken, RFC 2181 5.2), duplicates (they collapse).
//
// There is no zone when one of these findings is an error, or when Load
// reported one: half a zone is not a zone.
func (t *Tree) Zone(view zones.View) (*zones.Zone, []finding.Finding) {
	origin := t.apex()
	s := sink{maxErrors: t.opts.MaxErrors}
	top := t.opts.place(t.files[0].name, 0, 0)
	if origin.IsZero() {
		s.add(t.noSOA("there is no SOA record, and no origin is set"))
		return nil, s.close(top)
	}
	if r := t.misplacedSOA(origin); r != nil {
		s.add(t.finding(r, "Z-SOA", finding.Error, fmt.Sprintf("the SOA record stands at %v, not at the origin %v", r.owner, origin),
			fmt.Sprintf("read the file with the origin %v, or mend the owner", r.owner)))
		return nil, s.close(top)
	}
	order := t.check(origin, &s)
	if s.failed || t.failed {
		return nil, s.close(top)
	}
	display := t.display()
	z, err := zones.FreezeSorted(zones.ID{Origin: origin, View: view}, len(order), func(i int) zones.Record { return t.recs[order[i]].record(display) })
	if err != nil { // nothing that check knows of
		s.add(finding.Finding{ID: "Z-ZONE", Severity: finding.Error, At: top, Found: err.Error()})
	}
	return z, s.close(top)
}

// apex is Options.Origin, or the SOA's owner; zero where there is neither.
func (t *Tree) apex() zones.Name {
	if o := t.opts.Origin; !o.IsZero() {
		return o
	}
	for i := range t.recs {
		if t.recs[i].typ == zones.TypeSOA {
			return t.recs[i].owner
		}
	}
	return zones.Name{}
}

// misplacedSOA is the first SOA record when none stands at the origin: the
// file is another zone's, and nothing more is to be said about it.
func (t *Tree) misplacedSOA(origin zones.Name) (first *rec) {
	for i := range t.recs {
		r := &t.recs[i]
		if r.typ != zones.TypeSOA {
			continue
		}
		if r.owner == origin {
			return nil
		}
		if first == nil {
			first = r
		}
	}
	return first
}

func (t *Tree) noSOA(found string) finding.Finding {
	return finding.Finding{
		ID: "Z-SOA", Severity: finding.Error, At: t.opts.place(t.files[0].name, 0, 0), Found: found,
		Mend: "write one SOA record at the apex",
	}
}

// finding makes a finding about a record.
func (t *Tree) finding(r *rec, id string, sev finding.Severity, found, mend string) finding.Finding {
	f := finding.Finding{ID: id, Severity: sev, At: t.place(r), Found: found, Mend: mend}
	buf := t.files[r.file].buf
	var e lexed
	x := lexer{buf: buf[:r.end], pos: int(r.start), line: 1}
	if x.next(&e) && len(e.toks) > 0 {
		f.Line, _ = lineAt(buf, int(e.toks[0].from()))
	}
	return f
}

// check looks at the records as a zone, and gives those that it can hold, by
// owner, type and place in the file.
func (t *Tree) check(origin zones.Name, s *sink) (order []int32) {
	order = make([]int32, 0, len(t.recs))
	soa := int32(-1)
	for i := range t.recs {
		r, i := &t.recs[i], int32(i)
		switch {
		case !r.owner.Within(origin):
			s.add(t.finding(r, "Z-ZONE", finding.Error, fmt.Sprintf("the owner %v lies outside the zone %v", r.owner, origin),
				"remove the record, or write it in the zone that it belongs to"))
			continue
		case r.typ == zones.TypeSOA && r.owner != origin:
			s.add(t.finding(r, "Z-SOA", finding.Error, fmt.Sprintf("an SOA record at %v, below the apex %v", r.owner, origin),
				"a zone has one SOA record, at its apex: read the file with the origin that it is written for, or remove the record"))
			continue
		case r.typ == zones.TypeSOA:
			if soa >= 0 && t.recs[soa].data != r.data {
				s.add(t.finding(r, "Z-SOA", finding.Error, fmt.Sprintf("a second SOA record (the first is at %v)", t.place(&t.recs[soa])), "keep one of them"))
				continue
			}
			if soa < 0 {
				soa = i
			}
		}
		order = append(order, i)
	}
	if soa < 0 && !s.failed && !t.failed { // a faulty one was reported
		s.add(t.noSOA(fmt.Sprintf("there is no SOA record at %v", origin)))
	}
	// By owner, type and place in the file: the records of an RRset stand
	// beside each other.
	slices.SortFunc(order, func(a, b int32) int {
		x, y := &t.recs[a], &t.recs[b]
		return cmp.Or(x.owner.Compare(y.owner), cmp.Compare(x.typ, y.typ), cmp.Compare(a, b))
	})
	var shared [][]int32
	for i := 0; i < len(order); {
		r, j := &t.recs[order[i]], i+1
		for j < len(order) && t.recs[order[j]].owner == r.owner && t.recs[order[j]].typ == r.typ {
			j++
		}
		if j > i+1 {
			shared = append(shared, order[i:j])
		}
		i = j
	}
	slices.SortFunc(shared, func(a, b []int32) int { return cmp.Compare(a[1], b[1]) }) // told in the order of the file
	var set []int32
	for _, x := range shared {
		set = append(set[:0], x...)
		t.checkSet(set, s)
	}
	return order
}

// checkSet looks at the records of one RRset, in file order.
func (t *Tree) checkSet(set []int32, s *sink) {
	first := &t.recs[set[0]]
	for _, i := range set[1:] {
		if r := &t.recs[i]; r.ttl != first.ttl {
			lowest := r.ttl
			for _, j := range set {
				lowest = min(lowest, t.recs[j].ttl)
			}
			f := t.finding(r, "M-TTL", finding.Warning, fmt.Sprintf("the TTL %d of %v %v differs from %d at %v; the lowest, %d, is taken (RFC 2181 5.2)",
				r.ttl, r.owner, r.typ, first.ttl, t.place(first), lowest), "give all records of the name and type one TTL")
			s.add(f)
			break
		}
	}
	slices.SortStableFunc(set, func(a, b int32) int {
		return cmp.Or(cmp.Compare(t.recs[a].data, t.recs[b].data), cmp.Compare(a, b))
	})
	first = &t.recs[set[0]]
	for _, i := range set[1:] {
		r, o := &t.recs[i], first
		if r.data != o.data {
			first = r
		} else {
			s.add(t.finding(r, "Z-DUP", finding.Note, fmt.Sprintf("%v %v stands here a second time (first at %v); it counts once", r.owner, r.typ, t.place(o)), "remove one"))
		}
	}
}
