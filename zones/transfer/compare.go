package transfer

import (
	"fmt"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// Compare holds two versions of one zone against each other, such as a file
// and a transfer: the delta from a to b, and one finding for each RRset that
// differs, with the places of both sides. A serial that differs where nothing
// else does is a note. Zones of different names are an error.
func Compare(a, b *zones.Zone) (zones.Delta, []finding.Finding) {
	if a.Origin() != b.Origin() {
		return zones.Delta{}, []finding.Finding{{
			ID: "X-DIFF", Severity: finding.Error, At: place(a, zones.Key{Owner: a.Origin(), Type: zones.TypeSOA}),
			Found: fmt.Sprintf("%v and %v are not one zone", a.Origin().Text(), b.Origin().Text()), Mend: "name two sources of the same zone",
		}}
	}
	d := zones.Diff(a, b)
	var finds []finding.Finding
	gone, come := groups(d.Removed), groups(d.Added)
	for len(gone)+len(come) > 0 {
		var k zones.Key
		if len(come) == 0 || len(gone) > 0 && gone[0].key.Compare(come[0].key) <= 0 {
			k = gone[0].key
		} else {
			k = come[0].key
		}
		var x, y []zones.Record
		if len(gone) > 0 && gone[0].key == k {
			x, gone = gone[0].records, gone[1:]
		}
		if len(come) > 0 && come[0].key == k {
			y, come = come[0].records, come[1:]
		}
		finds = append(finds, difference(a, b, k, x, y))
	}
	return d, finds
}

type group struct {
	key     zones.Key
	records []zones.Record
}

// groups cuts records, which are in canonical order, by owner and type.
func groups(rs []zones.Record) (gs []group) {
	for _, r := range rs {
		k := zones.Key{Owner: r.Owner, Type: r.Type}
		if n := len(gs); n == 0 || gs[n-1].key != k {
			gs = append(gs, group{key: k})
		}
		g := &gs[len(gs)-1]
		g.records = append(g.records, r)
	}
	return gs
}

// difference says how an RRset differs: x is what a alone has, y what b alone has.
func difference(a, b *zones.Zone, k zones.Key, x, y []zones.Record) finding.Finding {
	f := finding.Finding{ID: "X-DIFF", Severity: finding.Warning, Count: max(len(x), len(y)), Mend: "find out which of the two is right, and read that one"}
	inA, hasA := a.Lookup(k.Owner, k.Type)
	inB, hasB := b.Lookup(k.Owner, k.Type)
	switch {
	case !hasB:
		f.At = x[0].From.Place
		f.Found = fmt.Sprintf("%v stands here and not in %s: %s", k, name(b), data(x))
	case !hasA:
		f.At = y[0].From.Place
		f.Found = fmt.Sprintf("%v stands here and not in %s: %s", k, name(a), data(y))
	case k.Type == zones.TypeSOA && serialOnly(a, b) && inA.TTL() == inB.TTL():
		f.Severity, f.At, f.Mend = finding.Note, inA.From(0).Place, "the later one is newer, unless the serial was not raised"
		f.Found = fmt.Sprintf("serial %d here, %d at %v", a.Serial(), b.Serial(), inB.From(0))
	case inA.SameData(inB):
		f.At = inA.From(0).Place
		f.Found = fmt.Sprintf("%v has TTL %d here, %d at %v", k, inA.TTL(), inB.TTL(), inB.From(0))
	default:
		f.At = inA.From(0).Place
		f.Found = fmt.Sprintf("%v differs: %s here, %s at %v", k, data(inA.Records()), data(inB.Records()), inB.From(0))
	}
	return f
}

func serialOnly(a, b *zones.Zone) bool {
	x, y := a.SOA(), b.SOA()
	x.Serial = y.Serial
	return x == y
}

// name is where a zone comes from: the file of its SOA.
func name(z *zones.Zone) string {
	return place(z, zones.Key{Owner: z.Origin(), Type: zones.TypeSOA}).File
}

func place(z *zones.Zone, k zones.Key) zones.Place {
	s, ok := z.Lookup(k.Owner, k.Type)
	if !ok {
		return zones.Place{}
	}
	return s.From(0).Place
}

// data gives the data of records as text, three of them at most.
func data(rs []zones.Record) string {
	const most = 3
	var ts []string
	for i, r := range rs {
		if i == most {
			ts = append(ts, fmt.Sprintf("and %d more", len(rs)-most))
			break
		}
		ts = append(ts, shorten(rdata.Text(r.Type, r.Data)))
	}
	return strings.Join(ts, ", ")
}
