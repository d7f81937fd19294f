package source

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// Row is one record as a table of names states it. All texts are ASCII:
// whoever reads the table turns letters beyond it into A-labels (RFC 5891).
type Row struct {
	Owner string // as typed: www, www.x.vn, www.x.vn., @
	Type  string // a mnemonic; "" where the data tell: an address
	TTL   string // seconds, or 1h; "" for the default
	Data  string // in master file form (RFC 1035 5.1)

	At                               zones.Place // of the row
	OwnerAt, TypeAt, TTLAt, DataAt   zones.Place // of the cells; the zero Place is the row's
	OwnerRef, TypeRef, TTLRef, Cells string      // what a person calls the cells, such as B7; Cells is the data's
}

// RowDefaults is what a table of names does not say.
type RowDefaults struct {
	TTL     uint32       // of rows without one, and of the SOA
	Servers []zones.Name // the zone's name servers, where no row states them
	Limit   int          // records; 0 is 1,000,000
}

// What the SOA of a table holds, in seconds (RFC 1912 2.2).
const (
	rowRefresh, rowRetry = 10800, 900
	rowExpire, rowMin    = 2419200, 3600
)

// FromRows makes a zone of the rows of a table. A table rarely states the
// zone's SOA and its name servers: the servers are then d's, and the SOA is
// made, with serial 1. Names without a final dot are whole when they end with
// the zone's name; other owners are below the zone; names in data with a dot
// inside are whole, others below the zone. All findings come at once.
func FromRows(spec Spec, rows []Row, d RowDefaults) (Zone, []finding.Finding) {
	r := &rowReader{z: Zone{Spec: spec}, d: d, origin: spec.ID.Origin, tld: lastLabel(spec.ID.Origin)}
	if r.d.Limit <= 0 {
		r.d.Limit = 1_000_000
	}
	r.owners = make(map[zones.Name]bool, len(rows))
	for i := range rows {
		if n, err := r.owner(rows[i].Owner); err == nil {
			r.owners[n] = true
		}
	}
	for i := range rows {
		if r.z.Account.In >= r.d.Limit {
			r.add("T-LIMIT", finding.Error, rows[i].At, fmt.Sprintf("more than %d records", r.d.Limit), "split the table")
			break
		}
		r.row(&rows[i])
	}
	r.head(rows)
	if !finding.Failed(r.finds) {
		r.sets()
		b := zones.NewBuilder(spec.ID)
		b.Add(r.records...)
		z, err := b.Freeze()
		if err != nil {
			r.add("T-ZONE", finding.Error, spec.At, err.Error(), "mend the table")
		}
		r.z.Zone = z
	}
	finding.Sort(r.finds)
	if finding.Failed(r.finds) {
		r.z.Zone = nil
	}
	return r.z, printable(r.finds)
}

type rowReader struct {
	z       Zone
	d       RowDefaults
	origin  zones.Name
	tld     string
	owners  map[zones.Name]bool
	records []zones.Record
	finds   []finding.Finding
}

func (r *rowReader) add(id string, s finding.Severity, at zones.Place, found, mend string) {
	r.finds = append(r.finds, finding.Finding{ID: id, Severity: s, At: at, Found: found, Mend: mend})
}

// cell names a cell in front of a message.
func cell(ref string) string {
	if ref == "" {
		return ""
	}
	return ref + ": "
}

func placeOr(p, row zones.Place) zones.Place {
	if p.IsZero() {
		return row
	}
	return p
}

// refuse reports a row's fault and counts it.
func (r *rowReader) refuse(w *Row, id string, at zones.Place, ref, found, mend string) {
	r.add(id, finding.Error, placeOr(at, w.At), cell(ref)+found, mend)
	r.z.Account.class(classRecord).Refused++
	r.z.Account.Refused = append(r.z.Account.Refused, w.At)
}

// errOutside is an owner of another zone.
var errOutside = errors.New("lies outside the zone")

// owner reads an owner.
func (r *rowReader) owner(s string) (zones.Name, error) {
	if s == "@" {
		return r.origin, nil
	}
	n, err := zones.ParseName(s)
	if err != nil {
		return n, err
	}
	switch {
	case n.Within(r.origin):
		return n, nil
	case strings.HasSuffix(s, "."), lastLabel(n) == r.tld && n.Labels() > 1:
		return n, errOutside
	}
	return zones.ParseNameIn(s, r.origin)
}

// lastLabel is the label next to the root.
func lastLabel(n zones.Name) string {
	t := n.Text()
	t = strings.TrimSuffix(t, ".")
	return t[strings.LastIndexByte(t, '.')+1:]
}

// row decides what becomes of a row.
func (r *rowReader) row(w *Row) {
	r.z.Account.In++
	n, err := r.owner(w.Owner)
	switch {
	case errors.Is(err, errOutside):
		r.refuse(w, "T-ZONE", w.OwnerAt, w.OwnerRef, fmt.Sprintf("the name %s lies outside the zone %v", quote(w.Owner), r.origin), "bring it with the source of its own zone, or mend the name")
		return
	case err != nil:
		r.refuse(w, "T-NAME", w.OwnerAt, w.OwnerRef, quote(w.Owner)+" is no name: "+err.Error(), "write a name such as www, or www."+r.origin.Text())
		return
	}
	t, ok := r.typeOf(w)
	if !ok {
		return
	}
	ttl := r.d.TTL
	if w.TTL != "" {
		v, ok := rdata.Seconds([]byte(w.TTL))
		if !ok || v > zones.MaxTTL {
			r.refuse(w, "T-TTL", w.TTLAt, w.TTLRef, quote(w.TTL)+" is no TTL", "write seconds, or 1h")
			return
		}
		ttl = v
	}
	text, ok := r.dotted(w, t)
	if !ok {
		return
	}
	data, err := rdata.Parse(t, text, r.origin)
	if err != nil {
		found, mend := err.Error(), "write the data as a master file has them"
		var fe *rdata.FieldError
		if errors.As(err, &fe) {
			found, mend = fe.Found, fe.Mend
		}
		r.refuse(w, "T-RDATA", w.DataAt, w.Cells, fmt.Sprintf("%v of %v: %s", t, n, found), mend)
		return
	}
	r.z.Account.class(classRecord).Taken++
	r.records = append(r.records, zones.Record{Owner: n, Type: t, TTL: ttl, Data: data, From: zones.Provenance{Place: w.At}})
}

// typeOf reads a row's type, or tells it from an address.
func (r *rowReader) typeOf(w *Row) (zones.Type, bool) {
	if w.Type != "" {
		t, ok := zones.ParseType(w.Type)
		if !ok || !t.IsData() {
			r.refuse(w, "T-TYPE", w.TypeAt, w.TypeRef, quote(w.Type)+" is no type of record", "write one such as A, AAAA, CNAME or MX")
			return 0, false
		}
		return t, true
	}
	for _, t := range []zones.Type{zones.TypeA, zones.TypeAAAA} {
		if _, err := rdata.Parse(t, w.Data, r.origin); err == nil {
			return t, true
		}
	}
	r.refuse(w, "T-TYPE", w.DataAt, w.Cells, quote(w.Data)+" is no address, and the row states no type", "fill in the type (CNAME, MX, TXT, …), or mend the address")
	return 0, false
}

// dotted gives the data with the final dots that whole names lack. A name
// that can be read both ways is refused.
func (r *rowReader) dotted(w *Row, t zones.Type) (string, bool) {
	f := strings.Fields(w.Data)
	if t == zones.TypeMX && len(f) == 1 {
		r.refuse(w, "T-RDATA", w.DataAt, w.Cells, fmt.Sprintf("MX of %s: the preference is missing", w.Owner), "write 10 "+w.Data)
		return "", false
	}
	for _, i := range nameFields(t) {
		if i >= len(f) || strings.HasSuffix(f[i], ".") || !strings.Contains(f[i], ".") {
			continue
		}
		whole, err := zones.ParseName(f[i])
		if err != nil {
			continue // Parse says what is wrong
		}
		if rel, err := zones.ParseNameIn(f[i], r.origin); err == nil && !whole.Within(r.origin) && r.owners[rel] {
			r.refuse(w, "T-DOT", w.DataAt, w.Cells, fmt.Sprintf("%s may be %s or %s, which the table has too", quote(f[i]), whole.Text(), rel.Text()), fmt.Sprintf("write %v or %v, with the final dot", whole, rel))
			return "", false
		}
		f[i] += "."
	}
	if len(nameFields(t)) == 0 {
		return w.Data, true // texts keep their spaces
	}
	return strings.Join(f, " "), true
}

// head adds what a table rarely states: name servers and the SOA.
func (r *rowReader) head(rows []Row) {
	var servers []string
	soa := false
	for i := range r.records {
		x := &r.records[i]
		if x.Owner != r.origin {
			continue
		}
		soa = soa || x.Type == zones.TypeSOA
		if x.Type == zones.TypeNS {
			servers = append(servers, x.Data)
		}
	}
	at := r.z.Spec.At
	if len(servers) == 0 {
		if len(r.d.Servers) == 0 {
			if len(r.finds) == 0 || len(rows) > 0 {
				r.add("T-SERVERS", finding.Error, at, fmt.Sprintf("no row states the name servers of %v", r.origin), "add name-servers: [ns1."+r.origin.Text()+", …] to the source, or rows of type NS at @")
			}
			return
		}
		for _, n := range r.d.Servers {
			servers = append(servers, n.Wire())
			r.made(zones.TypeNS, n.Wire())
		}
	}
	if !soa {
		m, _, err := zones.NameIn(servers[0])
		if err != nil {
			m = r.origin
		}
		h, err := r.origin.Child("hostmaster")
		if err != nil {
			h = r.origin
		}
		r.made(zones.TypeSOA, zones.SOA{MName: m, RName: h, Serial: 1, Refresh: rowRefresh, Retry: rowRetry, Expire: rowExpire, Minimum: rowMin}.Data())
	}
}

// made adds a record that the source implies; it counts as read and taken.
func (r *rowReader) made(t zones.Type, data string) {
	r.z.Account.In++
	r.z.Account.class(classMade).Taken++
	r.records = append(r.records, zones.Record{Owner: r.origin, Type: t, TTL: r.d.TTL, Data: data, From: zones.Provenance{Place: r.z.Spec.At}})
}

// sets gives the records of each RRset one TTL, and counts repeats.
func (r *rowReader) sets() {
	slices.SortStableFunc(r.records, func(a, b zones.Record) int {
		return cmp.Or(a.Owner.Compare(b.Owner), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Data, b.Data))
	})
	for i := 0; i < len(r.records); {
		first := &r.records[i]
		end := i + 1
		lowest := first.TTL
		for ; end < len(r.records) && r.records[end].Owner == first.Owner && r.records[end].Type == first.Type; end++ {
			x := &r.records[end]
			lowest = min(lowest, x.TTL)
			if before := &r.records[end-1]; before.Data == x.Data {
				r.z.Account.Repeats++
				r.add("Z-DUP", finding.Note, x.From.Place, fmt.Sprintf("%v %v stands here a second time (first at %v); it counts once", x.Owner, x.Type, before.From.Place), "")
			}
		}
		for j := i; j < end; j++ {
			if x := &r.records[j]; x.TTL != lowest {
				r.add("M-TTL", finding.Warning, x.From.Place, "the TTL "+strconv.FormatUint(uint64(x.TTL), 10)+fmt.Sprintf(" of %v %v is not that of its record set; the lowest, %d, is taken (RFC 2181 5.2)", x.Owner, x.Type, lowest), "give all records of the name and type one TTL")
				x.TTL = lowest
			}
		}
		i = end
	}
}
