package workspace

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"

	table "gialai.gov.vn/hopnhat/cmd/hopnhat/internal/sheet"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/source"
)

// The columns of a table of names.
const (
	colName     = "name"
	colType     = "type"
	colData     = "data"
	colTTL      = "ttl"
	colAddress  = "address"
	colAddress6 = "address6"
	colAlias    = "alias"
	colMail     = "mail"
)

// tableColumns says by which headings the columns are known.
func tableColumns() []table.Column {
	return []table.Column{
		{Key: colName, Required: true, Synonyms: []string{"tên miền", "tên", "tên máy chủ", "tên máy", "bản ghi", "tên bản ghi", "tên miền con", "host", "hostname", "owner", "record", "domain", "fqdn"}},
		{Key: colType, Synonyms: []string{"loại", "loại bản ghi", "kiểu", "kiểu bản ghi", "record type"}},
		{Key: colData, Synonyms: []string{"giá trị", "dữ liệu", "nội dung", "trỏ đến", "value", "rdata", "target"}},
		{Key: colTTL, Synonyms: []string{"thời gian sống"}},
		{Key: colAddress, Synonyms: []string{"địa chỉ", "địa chỉ ip", "ip", "địa chỉ ipv4", "ipv4", "ip address", "ip wan", "ip public", "địa chỉ ip public"}},
		{Key: colAddress6, Synonyms: []string{"ipv6", "địa chỉ ipv6", "ip v6"}},
		{Key: colAlias, Synonyms: []string{"bí danh", "bí danh của", "cname", "trỏ tới tên"}},
		{Key: colMail, Synonyms: []string{"mx", "máy chủ thư", "thư điện tử"}},
	}
}

// tableMapping reads the mapping file of a table of names.
func tableMapping(file string, data []byte) (table.Mapping, []finding.Finding) {
	return columnMapping(file, data, tableColumns())
}

// columnMapping reads a mapping file: which sheet, row and columns hold what.
func columnMapping(file string, data []byte, columns []table.Column) (table.Mapping, []finding.Finding) {
	d := &decoder{parsed: parse(file, data)}
	var m table.Mapping
	if !d.rooted() {
		return m, d.done()
	}
	var keys []string
	for _, c := range columns {
		keys = append(keys, c.Key)
	}
	d.fields(d.root, file,
		may("sheet", func(n *node) { m.Sheet = d.str(n, "the sheet's name") }),
		may("row", func(n *node) { m.Row = d.number(n, "the headings' row", 1, 1<<20) }),
		must("columns", func(n *node) {
			m.Columns = map[string]string{}
			d.named(n, "columns", func(k, n *node) {
				if !slices.Contains(keys, k.text) {
					d.fail("W-KEY", k, quote(k.text)+" is no column", "write one of "+strings.Join(keys, ", "))
					return
				}
				m.Columns[k.text] = d.str(n, "a column")
			})
		}))
	return m, d.done()
}

// table reads a source that is a table of names.
func (r *reader) table(s Source) (source.Zone, []finding.Finding) {
	z := source.Zone{Files: []string{s.Path}}
	var m table.Mapping
	var finds []finding.Finding
	if s.Columns != "" {
		z.Files = append(z.Files, s.Columns)
		data, err := readFile(r.fsys, s.Columns)
		if err != nil {
			return z, []finding.Finding{{ID: "S-READ", Severity: finding.Error, At: s.At, Found: "the mapping file " + s.Columns + " cannot be read: " + reason(err), Mend: "give the path of a file inside the workspace"}}
		}
		if m, finds = tableMapping(r.prefix+s.Columns, data); finding.Failed(finds) {
			return z, finds
		}
	}
	book, more := table.Read(r.fsys, s.Path, table.Options{Prefix: r.prefix})
	finds = append(finds, more...)
	if book == nil {
		return z, finds
	}
	t := &tableReader{origin: s.ID.Origin}
	found := 0
	var lost []finding.Finding
	for _, sh := range book.Sheets {
		if sh.Hidden || m.Sheet != "" && sh.Name != m.Sheet || len(sh.Rows) == 0 {
			continue
		}
		h, fs := table.Find(sh, tableColumns(), m)
		if finding.Failed(fs) && m.Sheet == "" && h.Columns[colName] == 0 {
			lost = append(lost, fs...)
			continue
		}
		found++
		finds = append(finds, fs...)
		if finding.Failed(fs) {
			continue
		}
		t.guess(sh, h, s.Columns != "")
		var left []int
		for _, row := range sh.Rows {
			if row.Number > h.Row && !t.row(sh, h, row) {
				left = append(left, row.Number)
			}
		}
		if n := len(left); n > 0 {
			finds = append(finds, finding.Finding{
				ID: "T-ROWS", At: sh.Place(left[0], 0), Count: n, Found: "rows that state no record, and are not counted: " + table.Spans(left),
				Mend: "if one of them is a name, write it alone into the column of the names, and its data beside it",
			})
		}
	}
	switch {
	case found == 0 && len(lost) > 0:
		return z, append(finds, lost...)
	case found == 0:
		return z, append(finds, finding.Finding{ID: "T-HEADER", Severity: finding.Error, At: zones.Place{File: book.File}, Found: "no sheet " + quote(m.Sheet) + " with rows", Mend: "name the sheet in the mapping file as it stands in the book"})
	}
	for _, f := range lost {
		f.Severity = finding.Warning
		f.Found = "the sheet is not read: " + f.Found
		finds = append(finds, f)
	}
	finds = append(finds, t.finds...)
	ttl := s.TTL
	if ttl == 0 {
		ttl = 3600
	}
	files := z.Files
	z, more = source.FromRows(source.Spec{Name: s.Name, ID: s.ID, Kind: s.Kind, Path: s.Path, At: s.At}, t.rows, source.RowDefaults{TTL: ttl, Servers: s.Servers})
	z.Files = files
	finds = append(finds, more...)
	if n := len(t.bad); n > 0 { // rows that no record could be made of
		z.Zone = nil
		z.Account.In += n
		z.Account.Refused = append(z.Account.Refused, t.bad...)
		z.Account.Classes = append(z.Account.Classes, source.Tally{Class: "row", Refused: n})
	}
	return z, finds
}

// tableReader turns the rows of sheets into rows of records.
type tableReader struct {
	origin zones.Name
	rows   []source.Row
	bad    []zones.Place
	finds  []finding.Finding
}

func (t *tableReader) bads(id string, sh table.Sheet, row, col int, found, mend string) {
	at := sh.Place(row, col)
	t.bad = append(t.bad, at)
	t.finds = append(t.finds, finding.Finding{ID: id, Severity: finding.Error, At: at, Found: table.Ref(row, col) + ": " + found, Mend: mend})
}

// guess says which columns are read as what.
func (t *tableReader) guess(sh table.Sheet, h table.Header, fixed bool) {
	t.finds = append(t.finds, guessed(sh, h, tableColumns(), fixed, "give the source columns: FILE.yaml"))
}

// guessed says which columns are read as what, and how to fix that.
func guessed(sh table.Sheet, h table.Header, columns []table.Column, fixed bool, how string) finding.Finding {
	var parts, lines []string
	for _, c := range columns {
		if col := h.Columns[c.Key]; col > 0 {
			parts = append(parts, fmt.Sprintf("%s is the %s", table.Letters(col), c.Key))
			lines = append(lines, fmt.Sprintf("%s: %s", c.Key, table.Letters(col)))
		}
	}
	f := finding.Finding{ID: "T-GUESS", At: sh.Place(h.Row, 0), Found: "the headings stand in this row: " + strings.Join(parts, ", ")}
	if len(h.Other) > 0 {
		f.Found += "; not read: " + strings.Join(h.Other, ", ")
	}
	if !fixed {
		f.Mend = fmt.Sprintf("to fix that, %s with\n    row: %d\n    columns: {%s}", how, h.Row, strings.Join(lines, ", "))
	}
	return f
}

// row makes the records of one row: one for each address, alias and so on. It
// is false for a row that states none: a note, a sum, the heading of a section.
func (t *tableReader) row(sh table.Sheet, h table.Header, row table.Row) bool {
	cell := func(key string) (table.Cell, int) {
		col := h.Columns[key]
		return row.Cell(col), col
	}
	name, nameCol := cell(colName)
	type datum struct {
		key, typ, text string
		col            int
	}
	var data []datum
	for _, k := range []struct{ key, typ string }{{colAddress, ""}, {colAddress6, "AAAA"}, {colAlias, "CNAME"}, {colMail, "MX"}, {colData, "?"}} {
		c, col := cell(k.key)
		if c.Text == "" || c.Merged && c.Text == name.Text { // a heading over the whole width
			continue
		}
		data = append(data, datum{k.key, k.typ, c.Text, col})
	}
	typ, typeCol := cell(colType)
	ttl, ttlCol := cell(colTTL)
	switch {
	case name.Text == "" && len(data) == 0:
		return false
	case name.Text == "":
		t.bads("T-NAME", sh, row.Number, nameCol, "no name stands here, and the row has data", "fill it in, or write @ for the zone itself")
		return true
	case len(data) == 0 && (name.Merged || strings.ContainsAny(name.Text, " \t\n")):
		return false
	case len(data) == 0:
		t.bads("T-RDATA", sh, row.Number, nameCol, "the name "+quote(name.Text)+" has no data", "fill in its address, or delete the row")
		return true
	}
	owner, err := asciiName(name.Text)
	if err != nil {
		s := err.(*slip)
		t.bads("T-NAME", sh, row.Number, nameCol, s.found, s.mend)
		return true
	}
	for _, x := range data {
		r := source.Row{
			Owner: owner, Type: x.typ, TTL: ttl.Text,
			At: sh.Place(row.Number, nameCol), OwnerAt: sh.Place(row.Number, nameCol), TypeAt: sh.Place(row.Number, typeCol), TTLAt: sh.Place(row.Number, ttlCol), DataAt: sh.Place(row.Number, x.col),
			OwnerRef: table.Ref(row.Number, nameCol), TypeRef: table.Ref(row.Number, typeCol), TTLRef: table.Ref(row.Number, ttlCol), Cells: table.Ref(row.Number, x.col),
		}
		if x.typ == "?" {
			r.Type = typ.Text
		}
		c := row.Cell(x.col)
		address := x.key == colAddress || x.key == colAddress6 || x.key == colData && (r.Type == "" || strings.EqualFold(r.Type, "A") || strings.EqualFold(r.Type, "AAAA"))
		if address {
			if as, lost := table.LostDots(c); lost {
				t.number(sh, row.Number, x.col, c, as)
				continue
			}
		}
		if !address {
			r.Data, err = asciiData(r.Type, x.text)
			if err != nil {
				s := err.(*slip)
				t.bads("T-RDATA", sh, row.Number, x.col, s.found, s.mend)
				continue
			}
			t.rows = append(t.rows, r)
			continue
		}
		for _, a := range addresses(x.text) {
			r.Data = a
			t.rows = append(t.rows, r)
		}
	}
	return true
}

// addresses cuts a cell with several addresses; anything else stays whole.
func addresses(s string) []string {
	parts := strings.FieldsFunc(s, func(c rune) bool { return strings.ContainsRune(" \t\r\n,;", c) })
	for _, p := range parts {
		if _, err := netip.ParseAddr(p); err != nil {
			return []string{s}
		}
	}
	return parts
}

// number tells of a number or a date where an address should be, and of the
// addresses that it can have been.
func (t *tableReader) number(sh table.Sheet, row, col int, c table.Cell, as []netip.Addr) {
	what, mend := quote(c.Text), "look the address up where the sheet was made from, and write it into a cell of the format Text"
	switch c.Kind {
	case table.Date:
		what = "the date " + c.Text
	case table.Number:
		what = "the number " + c.Text
	}
	if len(as) == 1 {
		mend = fmt.Sprintf("it can only have been %v: write that into a cell of the format Text", as[0])
	}
	t.bads("T-NUMBER", sh, row, col, what+" stands where an address should be: the spreadsheet took the dots away", mend)
}

// asciiName gives a name of a table as a master file has it: letters beyond
// ASCII become A-labels (RFC 5891), "_" and "*" pass, "@" is the zone.
func asciiName(s string) (string, error) {
	if s == "@" {
		return s, nil
	}
	if _, err := parseName(s); err != nil {
		return "", err
	}
	if isASCII(s) {
		return s, nil
	}
	a, err := idna.New(idna.MapForLookup(), idna.StrictDomainName(false), idna.Transitional(false)).ToASCII(norm.NFC.String(s))
	if err != nil {
		return "", &slip{quote(s) + " is no name: " + err.Error(), "write it without diacritics, or as IDNA allows it"}
	}
	return a, nil
}

// asciiData gives data of a table as a master file has them: names in A-labels,
// a text without quotes in quotes.
func asciiData(typ, s string) (string, error) {
	s = strings.TrimSpace(s)
	switch strings.ToUpper(typ) {
	case "TXT", "SPF":
		if strings.HasPrefix(s, `"`) && strings.HasSuffix(s, `"`) && len(s) > 1 {
			return s, nil
		}
		return quoted(s), nil
	}
	f := strings.Fields(s)
	for i, w := range f {
		if isASCII(w) {
			continue
		}
		a, err := asciiName(w)
		if err != nil {
			return "", err
		}
		f[i] = a
	}
	return strings.Join(f, " "), nil
}

// quoted writes a text as character strings of at most 255 octets
// (RFC 1035 3.3).
func quoted(s string) string {
	var b strings.Builder
	for i := 0; i == 0 || i < len(s); i += 255 {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteByte('"')
		for _, c := range []byte(s[i:min(i+255, len(s))]) {
			switch {
			case c == '"' || c == '\\':
				b.WriteByte('\\')
				b.WriteByte(c)
			case c < ' ' || c > '~':
				fmt.Fprintf(&b, `\%03d`, c)
			default:
				b.WriteByte(c)
			}
		}
		b.WriteByte('"')
	}
	return b.String()
}
