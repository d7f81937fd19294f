package source

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// winRow is one record as a file states it.
type winRow struct {
	at     winSpot // of its first word
	owner  winWord // text "" where the owner is that of the record before
	base   zones.Name
	aged   bool // has an age or a time stamp: registered by a machine, not typed
	ttl    uint32
	hasTTL bool
	typ    winWord
	data   []winWord
	cell   bool // data was one cell of a table

	name  zones.Name // of the owner
	rtype zones.Type
	class string
}

// Windows' own types (MS-DNSP, DNS_RECORD_TYPE).
const (
	typeWINS  zones.Type = 0xff01
	typeWINSR zones.Type = 0xff02
)

// winType reads a type as Windows writes it.
func winType(b []byte) (zones.Type, bool) {
	switch strings.ToUpper(string(b)) {
	case "WINS":
		return typeWINS, true
	case "WINSR", "WINS-R", "NBSTAT":
		return typeWINSR, true
	}
	t, ok := zones.ParseType(string(b))
	return t, ok && t.IsData()
}

// refuse counts a record that cannot be read. That its finding is an error is
// for who calls to see to.
func (r *winReader) refuse(w *winRow) {
	if w.class == "" {
		w.class = classRecord
	}
	r.account.class(w.class).Refused++
	if len(r.account.Refused) < r.sink.most {
		r.account.Refused = append(r.account.Refused, r.file.place(w.at))
	}
}

// bad reports a fault of a record and refuses it.
func (r *winReader) bad(w *winRow, id string, at winSpot, found, mend string) {
	r.fail(id, at, found, mend)
	r.refuse(w)
}

// count takes a record in, before anything is known of it; false when there
// are too many.
func (r *winReader) count(at winSpot) bool {
	if r.account.In >= r.most {
		r.fail("V-LIMIT", at, fmt.Sprintf("more than %d records", r.most), "raise the limit, or split the zone")
		r.full = true
		return false
	}
	r.account.In++
	return true
}

// row decides what becomes of a record (ACCOUNT: taken, left out or refused).
// It was counted.
func (r *winReader) row(w *winRow) {
	t, ok := winType(w.typ.text)
	if !ok {
		mend := "write TYPEnnn with data \\# LENGTH HEX (RFC 3597), or remove the record"
		if r.form.kind != formDNS {
			mend = "if the line is no record but a message, take it away; else write TYPEnnn with data \\# LENGTH HEX (RFC 3597)"
		}
		r.bad(w, "V-TYPE", w.typ.at, "the type "+quote(string(w.typ.text))+" is not known", mend)
		return
	}
	w.rtype = t
	w.class = r.classOf(w)
	if r.skip[w.class] {
		r.account.class(w.class).LeftOut++
		r.met(w)
		return
	}
	switch {
	case w.class == classWINS:
		r.bad(w, "V-WINS", w.at, fmt.Sprintf("a %s record: Windows looks names up in WINS with it, and no other server knows it", strings.ToUpper(string(w.typ.text))),
			"leave such records out with skip: [wins]; names that only WINS knows are then no longer found")
		return
	case !w.name.Within(r.origin):
		if t == zones.TypeA || t == zones.TypeAAAA {
			r.foreign = append(r.foreign, winForeign{*w, t})
			r.foreign[len(r.foreign)-1].row.data = slices.Clone(w.data)
			return
		}
		r.outside(w)
		return
	}
	r.met(w)
	r.data(w, false)
}

// outside refuses a record that is not the zone's.
func (r *winReader) outside(w *winRow) {
	r.bad(w, "Z-ZONE", w.at, fmt.Sprintf("the owner %v lies outside the zone %v", w.name, r.origin), "remove the record, or write it in the zone that it belongs to")
}

// met notes that a class was met.
func (r *winReader) met(w *winRow) { r.note(w.class, w.at) }

func (r *winReader) note(what string, at winSpot) {
	l := r.left[what]
	if l == nil {
		l = &winLeft{at: at}
		r.left[what] = l
	}
	l.n++
}

// adServices are the services that Active Directory publishes (MS-ADTS, SRV records).
var adServices = []string{"_ldap", "_kerberos", "_kpasswd", "_gc"}

// classOf tells a record's class. What stands at the apex is never Active
// Directory's alone, but for its addresses that domain controllers register.
func (r *winReader) classOf(w *winRow) string {
	if w.rtype == typeWINS || w.rtype == typeWINSR {
		return classWINS
	}
	n := w.name
	if !n.Within(r.origin) {
		return classRecord // outside-glue, where it is found to be that
	}
	if w.rtype == zones.TypeSOA {
		return classRecord
	}
	below := 0
	var labels [2]string // the owner's first, and that before the one at hand
	for ; n != r.origin; n, _ = n.Parent() {
		label := n.First()
		if below == 0 {
			labels[0] = label
		}
		parent, _ := n.Parent()
		switch label {
		case "_msdcs", "_sites":
			return classLocator
		case "domaindnszones", "forestdnszones":
			if parent == r.origin {
				return classLocator
			}
		case "_tcp", "_udp":
			if w.rtype == zones.TypeSRV && below > 0 && slices.Contains(adServices, labels[1]) {
				return classLocator
			}
		}
		labels[1] = label
		below++
	}
	if below > 0 && r.origin.First() == "_msdcs" {
		return classLocator // a zone of its own
	}
	if w.aged {
		return classDynamic
	}
	return classRecord
}

// setOwner reads a record's owner.
func (r *winReader) setOwner(w *winRow) bool {
	b, ok := r.escapes(w.owner, true)
	if !ok {
		r.refuse(w)
		return false
	}
	n, err := zones.ParseNameIn(string(b), w.base)
	if err != nil {
		r.bad(w, "V-OWNER", w.owner.at, "the owner "+quote(string(w.owner.text))+": "+err.Error(), "write a name of labels of 1 to 63 octets, 255 in all")
		return false
	}
	w.name = n
	if abs, ok := dotless(b); ok && abs.Labels() > 1 && abs.Within(r.origin) && !r.origin.IsRoot() {
		r.warn("V-DOT", w.owner.at, fmt.Sprintf("the owner %s has no final dot: as Windows reads it, it is %v", quote(string(w.owner.text)), n),
			fmt.Sprintf("if %v is meant, put a dot behind it; the console makes such a record when the whole name is typed where only its first part belongs", abs))
	}
	for _, c := range []byte(n.Wire()) {
		if c >= 0x80 {
			r.note("utf8", w.owner.at)
			break
		}
	}
	return true
}

// dotless reads a name without a final dot as if it had one.
func dotless(b []byte) (zones.Name, bool) {
	if len(b) == 0 || string(b) == "@" || string(b) == "." {
		return zones.Name{}, false
	}
	if b[len(b)-1] == '.' {
		back := 0
		for i := len(b) - 2; i >= 0 && b[i] == '\\'; i-- {
			back++
		}
		if back%2 == 0 {
			return zones.Name{}, false
		}
	}
	n, err := zones.ParseName(string(b))
	return n, err == nil
}

// escapes turns Windows' octal escapes in a name into those of RFC 1035 5.1,
// which are decimal. In other data it is not known which are meant: they are
// refused. False when an error was reported.
func (r *winReader) escapes(w winWord, name bool) ([]byte, bool) {
	b := w.text
	if bytes.IndexByte(b, '\\') < 0 {
		return b, true
	}
	if name && decimal(b) {
		r.warn("V-ESCAPE", w.at, fmt.Sprintf("the escapes in %s are read decimal, as RFC 1035 has them: one of them is no octal number, as Windows writes", quote(string(b))),
			"check the name on the server")
		return b, true
	}
	out := make([]byte, 0, len(b))
	said := false
	for i := 0; i < len(b); i++ {
		if b[i] != '\\' || i+1 == len(b) {
			out = append(out, b[i])
			continue
		}
		if i+3 >= len(b) || !octal(b[i+1:i+4]) {
			out = append(out, b[i], b[i+1])
			i++
			continue
		}
		esc := b[i+1 : i+4]
		v := (esc[0]-'0')<<6 | (esc[1]-'0')<<3 | (esc[2] - '0')
		if !name && string(esc) != fmt.Sprintf("%03d", v) {
			r.fail("V-ESCAPE", w.at, fmt.Sprintf(`\%s in a text: it is not known whether Windows means it octal (octet %d) or decimal, as RFC 1035 does`, esc, v),
				"look the text up on the server, and write the character itself")
			return nil, false
		}
		if !said && string(esc) != fmt.Sprintf("%03d", v) {
			said = true
			r.warn("V-ESCAPE", w.at, fmt.Sprintf(`the escape \%s in %s is read as Windows writes it, octal: octet %d`, esc, quote(string(b)), v),
				"if a person wrote it decimal, as RFC 1035 has it, write the character itself")
		}
		out = fmt.Appendf(out, `\%03d`, v)
		i += 3
	}
	return out, true
}

// decimal tells whether a name has an escape of three digits that cannot be octal.
func decimal(b []byte) bool {
	for i := 0; i+1 < len(b); i++ {
		if b[i] != '\\' {
			continue
		}
		if i++; i+2 < len(b) && digits(b[i:i+3]) && !octal(b[i:i+3]) {
			return true
		}
	}
	return false
}

func digits(b []byte) bool {
	return !slices.ContainsFunc(b, func(c byte) bool { return c < '0' || c > '9' })
}

// octal tells whether three octets are digits that make an octet.
func octal(b []byte) bool {
	return '0' <= b[0] && b[0] <= '3' && '0' <= b[1] && b[1] <= '7' && '0' <= b[2] && b[2] <= '7'
}

// nameFields says which fields of a type are names.
func nameFields(t zones.Type) []int {
	switch t {
	case zones.TypeNS, zones.TypeCNAME, zones.TypePTR, zones.TypeDNAME, zones.TypeMB, zones.TypeMG, zones.TypeMR, zones.TypeMD, zones.TypeMF, zones.TypeNSEC:
		return []int{0}
	case zones.TypeMX, zones.TypeAFSDB, zones.TypeRT, zones.TypeKX, zones.TypeSVCB, zones.TypeHTTPS:
		return []int{1}
	case zones.TypeSOA, zones.TypeRP, zones.TypeMINFO:
		return []int{0, 1}
	case zones.TypePX:
		return []int{1, 2}
	case zones.TypeSRV:
		return []int{3}
	case zones.TypeNAPTR:
		return []int{5}
	case zones.TypeRRSIG, zones.TypeSIG:
		return []int{7}
	}
	return nil
}

// winDoubt is a name in the data that is read relative and may be meant absolute.
type winDoubt struct {
	text    string
	at      winSpot
	rel     zones.Name
	several bool // labels
}

// winForeign is an address outside the zone.
type winForeign struct {
	row winRow
	typ zones.Type
}

// data reads the RDATA and takes the record. With last, all owners are known.
func (r *winReader) data(w *winRow, last bool) {
	fields := make([]rdata.Field, len(w.data))
	doubts := len(r.doubts)
	names := nameFields(w.rtype)
	generic := len(w.data) > 0 && !w.data[0].quoted && string(w.data[0].text) == `\#`
	for i, d := range w.data {
		fields[i] = rdata.Field{Text: d.text, Quoted: d.quoted}
		if generic || w.cell && d.quoted {
			continue
		}
		name := !d.quoted && slices.Contains(names, i)
		b, ok := r.escapes(d, name)
		if !ok {
			r.refuse(w)
			return
		}
		fields[i].Text = b
		if !name {
			continue
		}
		abs, ok := dotless(b)
		if !ok {
			continue
		}
		switch r.dot(w, d, abs, last) {
		case dotLater:
			keep := *w
			keep.data = slices.Clone(w.data)
			r.later = append(r.later, keep)
			return
		case dotRefused:
			return
		case dotAbsolute:
			fields[i].Text = append(slices.Clip(b), '.')
		}
	}
	data, err := rdata.Append(nil, w.rtype, fields, w.base)
	if err == nil && len(data) > 0xffff {
		err = zones.ErrDataLong
	}
	if err != nil {
		r.doubts = r.doubts[:doubts]
		r.dataFault(w, err)
		return
	}
	r.take(w, string(data))
}

func (r *winReader) dataFault(w *winRow, err error) {
	at, found, mend := w.typ.at, err.Error(), "look the record up on the server"
	var f *rdata.FieldError
	if errors.As(err, &f) {
		if found = f.Found; f.Mend != "" {
			mend = f.Mend
		}
		if n := len(w.data); n > 0 {
			at = w.data[max(0, min(f.Index, n-1))].at
		}
	}
	r.bad(w, "V-RDATA", at, fmt.Sprintf("%v of %s: %s", w.rtype, w.name.Text(), found), mend)
}

// What is done about a name without a final dot.
const (
	dotRelative = iota
	dotAbsolute
	dotLater
	dotRefused
)

// dot decides how a name in the data without a final dot is read. A .dns file
// is a master file: Windows reads such a name relative. Listings and tables
// give whole names, with the dot; where it is lost, they are absolute. A name
// that ends like the zone is absolute everywhere: nobody means it twice. Where
// the zone has the name that the other reading gives, nobody can tell.
func (r *winReader) dot(w *winRow, d winWord, abs zones.Name, last bool) int {
	rel, err := zones.ParseNameIn(string(d.text), w.base)
	several := abs.Labels() > 1
	whole := several && !r.origin.IsRoot() && abs.Within(r.origin)
	switch {
	case err != nil:
		return dotAbsolute // too long for any other
	case !whole && (!several || r.form.kind == formDNS):
		if !last { // a row that comes again has them from the first time
			r.doubts = append(r.doubts, winDoubt{string(d.text), d.at, rel, several})
		}
		return dotRelative
	case !last:
		return dotLater
	}
	if r.owners()[rel] {
		r.bad(w, "V-DOT", d.at, fmt.Sprintf("%s has no final dot and may be %v or %v, which the zone has too", quote(string(d.text)), abs, rel), "look the record up on the server, and put the dot behind the name if it is whole")
		return dotRefused
	}
	r.warn("V-DOT", d.at, fmt.Sprintf("%s has no final dot and is taken to be the whole name %v", quote(string(d.text)), abs), "put a dot behind it, or check that it is")
	return dotAbsolute
}

// take adds a record.
func (r *winReader) take(w *winRow, data string) {
	rec := zones.Record{Owner: w.name, Type: w.rtype, TTL: w.ttl, Data: data, From: zones.Provenance{Place: r.file.place(w.at)}}
	if w.rtype == zones.TypeSOA {
		if !r.takeSOA(w, rec) {
			return
		}
	}
	if !w.hasTTL {
		r.soaTTL = append(r.soaTTL, len(r.records))
	}
	r.records = append(r.records, rec)
	r.lines = append(r.lines, w.at)
	r.account.class(w.class).Taken++
}

func (r *winReader) takeSOA(w *winRow, rec zones.Record) bool {
	if rec.Owner != r.origin {
		r.bad(w, "Z-SOA", w.at, fmt.Sprintf("an SOA record at %v, below the apex %v", rec.Owner, r.origin), "a zone has one SOA record, at its apex: read each zone from its own file")
		return false
	}
	if r.soa == nil {
		r.soa = &rec
		return true
	}
	if r.soa.Data != rec.Data {
		r.bad(w, "Z-SOA", w.at, fmt.Sprintf("a second SOA record (the first is at %v)", r.soa.From.Place), "keep one of them; two listings of one zone are made without a change in between")
		return false
	}
	return true
}

// ttl reads the seconds of a TTL; one above zones.MaxTTL is 0 (RFC 2181 8).
func (r *winReader) ttl(w *winRow, word winWord, v uint64) {
	if v > zones.MaxTTL {
		r.report("V-TTL", finding.Warning, word.at, fmt.Sprintf("the TTL %s is above 2147483647 and counts as 0 (RFC 2181 8)", quote(string(word.text))), "write a smaller one")
		v = 0
	}
	w.ttl, w.hasTTL = uint32(v), true
}
