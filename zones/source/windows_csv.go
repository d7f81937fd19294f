package source

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// winCell is one cell of a table, quotes taken away.
type winCell struct {
	text string
	at   winSpot
}

// maxCells is how many cells a row may have.
const maxCells = 1024

// csvLexer cuts a table into rows (RFC 4180, with any separator).
type csvLexer struct {
	buf    []byte
	at     winSpot
	comma  byte
	cells  []winCell
	wasted int
}

// next reads one row. ok is false when a quote is not closed (at says where):
// the row then ends with its line.
func (x *csvLexer) next() (cells []winCell, at winSpot, ok bool) {
	start := x.at
	cells, at, ok = x.row(false)
	if !ok {
		x.wasted += x.at.offset - start.offset
		x.at = start
		cells, _, _ = x.row(true)
	}
	return cells, at, ok
}

func (x *csvLexer) row(line bool) (cells []winCell, at winSpot, ok bool) {
	buf, s := x.buf, x.at
	line = line || x.wasted > 16*len(buf)+1<<16 // too much was read in vain: no cell spreads over lines
	ok = true
	cells = x.cells[:0]
	for {
		c := winCell{at: s}
		if s.offset < len(buf) && buf[s.offset] == '"' {
			open, from := s, s.offset+1
			var text []byte
			closed := false
			for s.offset++; s.offset < len(buf); s.offset++ {
				b := buf[s.offset]
				if b == '\n' {
					if line {
						break
					}
					s.line++
					s.start = s.offset + 1
				}
				if b != '"' {
					continue
				}
				text = append(text, buf[from:s.offset]...)
				if s.offset+1 < len(buf) && buf[s.offset+1] == '"' {
					s.offset++
					from = s.offset
					continue
				}
				closed = true
				s.offset++
				from = s.offset
				break
			}
			if !closed && ok {
				at, ok = open, false
			}
			end := x.end(s.offset)
			c.text = string(append(text, buf[min(from, s.offset):end]...)) // what follows the quote belongs to the cell
			s.offset = end
		} else {
			end := x.end(s.offset)
			c.text = string(buf[s.offset:end])
			s.offset = end
		}
		if len(cells) <= maxCells {
			cells = append(cells, c)
		}
		if s.offset < len(buf) && buf[s.offset] == x.comma {
			s.offset++
			continue
		}
		break
	}
	if s.offset < len(buf) && buf[s.offset] == '\r' {
		s.offset++
	}
	if s.offset < len(buf) {
		s.offset++
		s.line++
		s.start = s.offset
	}
	x.cells, x.at = cells, s
	return cells, at, ok
}

// end is where an unquoted cell ends.
func (x *csvLexer) end(from int) int {
	for i := from; i < len(x.buf); i++ {
		switch c := x.buf[i]; {
		case c == x.comma, c == '\n', c == '\r' && (i+1 == len(x.buf) || x.buf[i+1] == '\n'):
			return i
		}
	}
	return len(x.buf)
}

// csvColumns are the headings that are known, and what they mean.
var csvColumns = map[string]string{
	"hostname": "host", "name": "host", "owner": "host", "ownername": "host", "recordname": "host",
	"distinguishedname": "dn", "zonename": "zone", "zone": "zone",
	"recordtype": "type", "rrtype": "type", "type": "number", "recordclass": "class", "class": "class",
	"timetolive": "ttl", "ttl": "ttl", "timestamp": "stamp",
	"recorddata": "data", "data": "data", "value": "data", "rdata": "data",
}

// csvProperties are the columns that hold the data of a type, in the order of
// RDATA: what Select-Object gives when each property is expanded by itself
// (the DnsServerResourceRecord… classes of the DnsServer module).
var csvProperties = map[zones.Type][]string{
	zones.TypeA: {"ipv4address"}, zones.TypeAAAA: {"ipv6address"}, zones.TypeCNAME: {"hostnamealias"},
	zones.TypeDNAME: {"domainnamealias"}, zones.TypeNS: {"nameserver"}, zones.TypePTR: {"ptrdomainname"},
	zones.TypeMX: {"preference", "mailexchange"}, zones.TypeSRV: {"priority", "weight", "port", "domainname"},
	zones.TypeTXT: {"descriptivetext"},
	zones.TypeSOA: {"primaryserver", "responsibleperson", "serialnumber", "refreshinterval", "retrydelay", "expirelimit", "minimumtimetolive"},
}

// heading brings a heading into the form of the tables above.
func heading(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == ' ' || r == '_' || r == '"' || r == '\t' || r == '\r' {
			return -1
		}
		return r
	}, strings.ToLower(s))
	if p := strings.TrimPrefix(strings.TrimPrefix(s, "recorddata"), "."); p != "" {
		return p
	}
	return s
}

// csvHeader tells whether a line is the row of headings, and its separator.
func csvHeader(line []byte) (byte, bool) {
	for _, c := range []byte(",;\t") {
		if bytes.IndexByte(line, c) < 0 {
			continue
		}
		owner, typ := false, false
		for _, h := range bytes.Split(line, []byte{c}) {
			switch csvColumns[heading(string(h))] {
			case "host", "dn":
				owner = true
			case "type", "number":
				typ = true
			}
		}
		if owner && typ {
			return c, true
		}
	}
	return 0, false
}

// winTable reads a table.
type winTable struct {
	r     *winReader
	at    map[string]int // column of each meaning, and of each property
	width int
	cim   finding.Finding // about rows whose data is the name of an object
	lostQ finding.Finding // about names with a question mark
}

// readCSV reads all rows.
func (r *winReader) readCSV() {
	x := &csvLexer{buf: r.file.buf, at: r.form.header, comma: r.form.comma}
	cells, _, _ := x.next()
	t := &winTable{r: r, at: map[string]int{}, width: len(cells)}
	for i, c := range cells {
		h := heading(c.text)
		if m := csvColumns[h]; m != "" {
			h = m
		}
		if _, twice := t.at[h]; twice && csvColumns[heading(c.text)] != "" {
			r.fail("V-COLUMN", c.at, "a second column for "+quote(c.text), "keep one of them")
			return
		}
		t.at[h] = i
	}
	if !t.hasData() {
		r.fail("V-COLUMN", cells[0].at, "no column holds the data of the records", "export them with their data: "+mendCSV(r.zoneWord()))
		return
	}
	for x.at.offset < len(x.buf) && !r.full {
		start := x.at
		cells, bad, ok := x.next()
		if ok && emptyRow(cells) {
			continue
		}
		if !r.count(start) {
			break
		}
		t.row(start, cells, bad, ok)
	}
	t.end()
}

func emptyRow(cells []winCell) bool {
	return !slices.ContainsFunc(cells, func(c winCell) bool { return strings.TrimSpace(c.text) != "" })
}

// hasData tells whether any column may hold data.
func (t *winTable) hasData() bool {
	if _, ok := t.at["data"]; ok {
		return true
	}
	for _, ps := range csvProperties {
		if _, ok := t.at[ps[len(ps)-1]]; ok {
			return true
		}
	}
	return false
}

// cell gives the cell of a column; a place to speak of where there is none.
func (t *winTable) cell(cells []winCell, column string) winCell {
	i, ok := t.at[column]
	if !ok || i >= len(cells) {
		return winCell{at: cells[0].at}
	}
	c := cells[i]
	c.text = strings.TrimSpace(c.text)
	return c
}

// row reads one row.
func (t *winTable) row(start winSpot, cells []winCell, bad winSpot, ok bool) {
	r := t.r
	w := &winRow{at: start, base: r.origin, cell: true}
	switch {
	case !ok:
		r.bad(w, "V-CSV", bad, "a quote is not closed", "export the table again")
		return
	case len(cells) > t.width:
		r.bad(w, "V-CSV", cells[t.width].at, fmt.Sprintf("a row of more cells than the %d headings", t.width), "a cell that holds the separator stands in quotes: export the table again, and do not save it from a spreadsheet")
		return
	case len(cells) < t.width:
		r.bad(w, "V-CSV", cells[len(cells)-1].at, fmt.Sprintf("a row of %d cells under %d headings", len(cells), t.width), "the table may be cut here: export it again")
		return
	}
	host, dn := t.cell(cells, "host"), t.cell(cells, "dn")
	if z := t.cell(cells, "zone"); z.text != "" {
		if n, err := zones.ParseName(z.text); err != nil || n != r.origin {
			w.class = classOther
			r.account.class(classOther).LeftOut++
			r.note(classOther, start)
			return
		}
	}
	if host.text == "" {
		host = winCell{dnNode(dn.text), dn.at}
	}
	w.owner = winWord{text: []byte(host.text), at: host.at}
	if strings.Contains(host.text, "?") || strings.ContainsRune(host.text, utf8.RuneError) && utf8.ValidString(host.text) {
		t.lost(w, host)
		return
	}
	if !r.setOwner(w) || !t.meta(w, cells) {
		return
	}
	if c := t.cell(cells, "data"); object(c.text) && t.properties(cells, w) == nil {
		t.object(w, c)
		return
	}
	words, ok := t.data(w, cells)
	if !ok {
		return
	}
	w.data = words
	r.row(w)
}

// meta reads type, TTL, class and time stamp.
func (t *winTable) meta(w *winRow, cells []winCell) bool {
	r := t.r
	typ, number := t.cell(cells, "type"), t.cell(cells, "number")
	if typ.text == "" || strings.EqualFold(typ.text, "unknown") {
		typ.at = number.at
		if _, err := strconv.ParseUint(number.text, 10, 16); err == nil {
			number.text = "TYPE" + number.text
		}
		typ.text = number.text
	}
	w.typ = winWord{text: []byte(typ.text), at: typ.at}
	var ok bool
	if w.rtype, ok = winType(w.typ.text); !ok {
		r.bad(w, "V-TYPE", typ.at, "the type "+quote(typ.text)+" is not known", "look the record up on the server; TYPEnnn with data \\# LENGTH HEX (RFC 3597) is read too")
		return false
	}
	if c := t.cell(cells, "class"); c.text != "" && !strings.EqualFold(c.text, "IN") && c.text != "1" {
		r.bad(w, "V-SYNTAX", c.at, "the class "+quote(c.text), "zones of classes other than IN are not served")
		return false
	}
	if c := t.cell(cells, "ttl"); c.text != "" {
		v, ok := timeSpan(c.text)
		if !ok {
			r.bad(w, "V-TTL", c.at, quote(c.text)+" is no TTL", "PowerShell writes 01:00:00 or 1.00:00:00; seconds are read too")
			return false
		}
		r.ttl(w, winWord{text: []byte(c.text), at: c.at}, v)
	}
	if c := t.cell(cells, "stamp"); c.text != "" && c.text != "0" {
		w.aged = true
	}
	return true
}

// dnNode gives the owner in a distinguished name of Active Directory:
// DC=www,DC=example.vn,cn=MicrosoftDNS,…
func dnNode(dn string) string {
	node, _, _ := strings.Cut(dn, ",")
	if k, v, ok := strings.Cut(node, "="); ok && strings.EqualFold(strings.TrimSpace(k), "dc") {
		return v
	}
	return ""
}

// timeSpan reads seconds, or a time span of .NET: [d.]hh:mm:ss[.fffffff].
func timeSpan(s string) (uint64, bool) {
	if v, err := strconv.ParseUint(s, 10, 32); err == nil {
		return v, true
	}
	parts := strings.Split(s, ":")
	if len(parts) != 3 {
		return 0, false
	}
	var days uint64
	if d, h, ok := strings.Cut(parts[0], "."); ok {
		v, err := strconv.ParseUint(d, 10, 20)
		if err != nil {
			return 0, false
		}
		days, parts[0] = v, h
	}
	parts[2], _, _ = strings.Cut(parts[2], ".")
	v := days
	for i, most := range []uint64{23, 59, 59} {
		n, err := strconv.ParseUint(parts[i], 10, 16)
		if err != nil || n > most || len(parts[i]) > 2 {
			return 0, false
		}
		v = v*(most+1) + n
	}
	return v, v <= math.MaxUint32
}

// object tells whether a cell holds what Export-Csv writes for an object.
func object(s string) bool {
	for _, p := range []string{"DnsServerResourceRecord", "CimInstance", "Microsoft.Management.Infrastructure", "System.", "root/Microsoft"} {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

// object refuses a row whose data is the name of an object: one finding for all.
func (t *winTable) object(w *winRow, c winCell) {
	if t.cim.Count == 0 {
		t.cim = finding.Finding{
			ID: "V-CIM", Severity: finding.Error, At: t.r.file.place(c.at), Line: t.r.file.text(c.at),
			Found: quote(c.text) + " is the name of an object, not its data: Export-Csv writes no more of RecordData",
			Mend:  mendExport(t.r.zoneWord()) + "; or, for a table: " + mendCSV(t.r.zoneWord()),
		}
	}
	t.cim.Count++
	t.r.refuse(w)
}

// lost refuses a row whose name has lost letters: one finding for all.
func (t *winTable) lost(w *winRow, c winCell) {
	if t.lostQ.Count == 0 {
		t.lostQ = finding.Finding{
			ID: "V-LETTERS", Severity: finding.Error, At: t.r.file.place(c.at), Line: t.r.file.text(c.at),
			Found: "the name " + quote(c.text) + " has lost letters: Export-Csv writes ? for those outside ASCII where it is not told otherwise",
			Mend:  "export again with -Encoding UTF8: " + mendCSV(t.r.zoneWord()),
		}
	}
	t.lostQ.Count++
	t.r.refuse(w)
}

// end reports what was gathered.
func (t *winTable) end() {
	for _, f := range []finding.Finding{t.cim, t.lostQ} {
		if f.Count > 0 {
			t.r.sink.add(f)
		}
	}
}

// data gives the words of a record's data.
func (t *winTable) data(w *winRow, cells []winCell) ([]winWord, bool) {
	r := t.r
	if w.rtype == typeWINS || w.rtype == typeWINSR {
		return nil, true
	}
	c := t.cell(cells, "data")
	if c.text == "" || object(c.text) {
		if words := t.properties(cells, w); words != nil {
			return words, true
		}
		r.bad(w, "V-RDATA", c.at, fmt.Sprintf("the %v record of %s has no data", w.rtype, w.name.Text()), "export it with its data: "+mendCSV(r.zoneWord()))
		return nil, false
	}
	if text(w.rtype) && !strings.HasPrefix(c.text, `\#`) {
		return texts(c), true
	}
	s := c.text
	switch {
	case strings.HasPrefix(s, "["): // as PowerShell shows it: [10][mail.example.vn.], [17], dc1.example.vn., …
		s = strings.Map(func(c rune) rune {
			if strings.ContainsRune("[],", c) {
				return ' '
			}
			return c
		}, s)
	case strings.HasPrefix(s, "(") && strings.HasSuffix(s, ")"):
		s = s[1 : len(s)-1]
	}
	fields, err := rdata.Split(s)
	if err != nil || len(fields) > maxWords {
		r.bad(w, "V-RDATA", c.at, fmt.Sprintf("%v of %s: a quote that is not closed, or too many words", w.rtype, w.name.Text()), "look the record up on the server")
		return nil, false
	}
	words := make([]winWord, len(fields))
	for i, f := range fields {
		words[i] = winWord{f.Text, f.Quoted, c.at}
	}
	if w.rtype == zones.TypeSOA && len(words) == 3 {
		r.bad(w, "V-RDATA", c.at, "3 of the 7 fields of the SOA record: PowerShell shows no more of it", "export all of them: "+mendCSV(r.zoneWord()))
		return nil, false
	}
	return spans(w.rtype, words), true
}

// text tells whether a type holds texts only.
func text(t zones.Type) bool { return t == zones.TypeTXT || t == zones.TypeSPF }

// properties gives the data from the columns of a type's properties; nil where
// they are not there.
func (t *winTable) properties(cells []winCell, w *winRow) []winWord {
	ps := csvProperties[w.rtype]
	var words []winWord
	for _, p := range ps {
		c := t.cell(cells, p)
		if c.text == "" {
			return nil
		}
		if text(w.rtype) {
			return texts(c)
		}
		words = append(words, winWord{[]byte(c.text), false, c.at})
	}
	return spans(w.rtype, words)
}

// texts makes the strings of a TXT record of a cell: those in quotes, or the
// whole cell as it stands, in pieces of at most 255 octets (RFC 1035 3.3).
func texts(c winCell) (words []winWord) {
	if strings.HasPrefix(c.text, `"`) {
		fields, err := rdata.Split(c.text)
		if err == nil && !slices.ContainsFunc(fields, func(f rdata.Field) bool { return !f.Quoted }) {
			for _, f := range fields {
				words = append(words, winWord{f.Text, true, c.at})
			}
			return words
		}
	}
	for s := c.text; s != ""; {
		n := min(len(s), 255)
		var b []byte
		for _, o := range []byte(s[:n]) {
			switch {
			case o == '"', o == '\\':
				b = append(b, '\\', o)
			case o < ' ', o >= 0x7f:
				b = fmt.Appendf(b, `\%03d`, o)
			default:
				b = append(b, o)
			}
		}
		words, s = append(words, winWord{b, true, c.at}), s[n:]
	}
	return words
}

// spans turns the time spans of an SOA record into seconds.
func spans(t zones.Type, words []winWord) []winWord {
	if t != zones.TypeSOA {
		return words
	}
	for i := 3; i < len(words); i++ {
		if v, ok := timeSpan(string(words[i].text)); ok {
			words[i].text = strconv.AppendUint(nil, v, 10)
		}
	}
	return words
}
