package workspace

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	table "gialai.gov.vn/hopnhat/cmd/hopnhat/internal/sheet"
	"gialai.gov.vn/hopnhat/ipam"
	"gialai.gov.vn/hopnhat/ipam/merge"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// The columns of an address plan.
const (
	planBlock     = "block"
	planMask      = "mask"
	planLast      = "last"
	planCode      = "code"
	planUnit      = "unit"
	planSite      = "site"
	planSystem    = "system"
	planProvider  = "provider"
	planAuthority = "authority"
	planStatus    = "status"
	planSpace     = "space"
	planDocument  = "document"
	planNames     = "names"
	planSince     = "since"
	planUntil     = "until"
	planNote      = "note"
	planRevision  = "revision"
)

// planColumns says by which headings the columns are known.
func planColumns() []table.Column {
	return []table.Column{
		{Key: planBlock, Required: true, Synonyms: []string{"dải địa chỉ", "dải ip", "dải mạng", "địa chỉ mạng", "mạng", "lớp mạng", "subnet", "prefix", "network", "cidr", "địa chỉ ip", "ip", "từ", "địa chỉ đầu", "from", "start"}},
		{Key: planMask, Synonyms: []string{"mặt nạ", "mặt nạ mạng", "subnet mask", "netmask"}},
		{Key: planLast, Synonyms: []string{"đến", "địa chỉ cuối", "to", "end"}},
		{Key: planCode, Synonyms: []string{"mã định danh", "mã đơn vị", "mã"}},
		{Key: planUnit, Synonyms: []string{"đơn vị", "tên đơn vị", "đơn vị sử dụng", "cấp cho", "holder", "organisation", "organization"}},
		{Key: planSite, Synonyms: []string{"địa điểm", "vị trí", "nơi đặt"}},
		{Key: planSystem, Synonyms: []string{"hệ thống", "dịch vụ", "mục đích", "mục đích sử dụng", "purpose", "service"}},
		{Key: planProvider, Synonyms: []string{"nhà cung cấp", "nhà mạng", "isp"}},
		{Key: planAuthority, Synonyms: []string{"đơn vị cấp", "cấp bởi", "nơi cấp", "allotted by"}},
		{Key: planStatus, Synonyms: []string{"trạng thái", "tình trạng"}},
		{Key: planSpace, Synonyms: []string{"vrf", "vlan", "không gian"}},
		{Key: planDocument, Synonyms: []string{"văn bản", "số văn bản", "công văn"}},
		{Key: planNames, Synonyms: []string{"tên miền", "tên máy chủ", "hostname", "host"}},
		{Key: planSince, Synonyms: []string{"từ ngày", "ngày cấp", "ngày bắt đầu"}},
		{Key: planUntil, Synonyms: []string{"đến ngày", "ngày thu hồi", "ngày hết hạn"}},
		{Key: planNote, Synonyms: []string{"ghi chú", "remark", "comment"}},
		{Key: planRevision, Synonyms: []string{"bản sổ"}},
	}
}

// planStatuses are the words of offices, as Fold writes them.
func planStatuses() map[string]ipam.Status {
	out := map[string]ipam.Status{"": ipam.Active}
	for status, words := range map[ipam.Status][]string{
		ipam.Active: {"đang dùng", "đang sử dụng", "sử dụng", "hoạt động"}, ipam.Reserved: {"dự phòng", "để dành"}, ipam.Planned: {"quy hoạch", "dự kiến"},
		ipam.Deprecated: {"sắp thu hồi", "sẽ thu hồi"}, ipam.Released: {"đã thu hồi", "đã trả"},
	} {
		for _, w := range words {
			out[table.Fold(w)] = status
		}
	}
	return out
}

// PlanOptions say how an address plan is read.
type PlanOptions struct {
	Name   string     // of the plan, such as the organisation
	Space  ipam.Space // of rows that name none
	Prefix string     // goes before the file's name in places

	Mapping table.Mapping // the zero value guesses
}

// ReadPlan reads an address plan from a workbook or a text file: its headings
// are found, rows without a block are left out, released ones too. All errors
// come at once; with one among them the plan is not to be used.
func ReadPlan(fsys fs.FS, file string, o PlanOptions) (merge.Plan, []finding.Finding) {
	p := &planReader{plan: merge.Plan{Name: o.Name}, o: o}
	book, finds := table.Read(fsys, file, table.Options{Prefix: o.Prefix})
	if book == nil {
		return p.plan, finds
	}
	found := false
	var lost []finding.Finding
	for _, sh := range book.Sheets {
		if sh.Hidden || len(sh.Rows) == 0 {
			continue
		}
		if o.Mapping.Sheet != "" && sh.Name != o.Mapping.Sheet {
			continue
		}
		h, fs := table.Find(sh, planColumns(), o.Mapping)
		if h.Columns[planBlock] == 0 && o.Mapping.Sheet == "" {
			lost = append(lost, fs...)
			continue
		}
		found = true
		finds = append(finds, fs...)
		if finding.Failed(fs) {
			continue
		}
		if !slices.ContainsFunc(sh.Rows, func(r table.Row) bool { return r.Number > h.Row && r.Merged() }) {
			finds = slices.DeleteFunc(finds, func(f finding.Finding) bool { // a title over the columns
				return f.ID == "T-MERGED" && f.At.File == sh.Place(1, 1).File
			})
		}
		fixed := len(o.Mapping.Columns) > 0
		finds = append(finds, guessed(sh, h, planColumns(), fixed, "give the plan columns: FILE.yaml"))
		for _, row := range sh.Rows {
			if row.Number > h.Row {
				p.row(sh, h, row)
			}
		}
	}
	switch {
	case !found && len(lost) > 0:
		return p.plan, append(finds, lost...)
	case !found:
		return p.plan, append(finds, finding.Finding{ID: "T-HEADER", Severity: finding.Error, At: zones.Place{File: book.File}, Found: "no sheet " + quote(o.Mapping.Sheet) + " with rows", Mend: "name the sheet in the mapping file as it stands in the book"})
	}
	for _, f := range lost {
		f.Severity, f.Found = finding.Warning, "the sheet is not read: "+f.Found
		finds = append(finds, f)
	}
	return p.plan, append(finds, p.finds...)
}

// planReader turns rows into allocations.
type planReader struct {
	plan  merge.Plan
	o     PlanOptions
	finds []finding.Finding
}

func (p *planReader) fail(id string, sh table.Sheet, row, col int, found, mend string) {
	p.finds = append(p.finds, finding.Finding{ID: id, Severity: finding.Error, At: sh.Place(row, col), Found: table.Ref(row, col) + ": " + found, Mend: mend})
}

// wrong tells of an error of ipam.
func (p *planReader) wrong(id string, sh table.Sheet, row, col int, err error) {
	var e *ipam.ParseError
	if errors.As(err, &e) {
		p.fail(id, sh, row, col, quote(e.Text)+": "+e.Found, e.Mend)
		return
	}
	p.fail(id, sh, row, col, err.Error(), "mend the cell")
}

// row makes the allocation of one row.
func (p *planReader) row(sh table.Sheet, h table.Header, row table.Row) {
	text := func(key string) string { return row.Cell(h.Columns[key]).Text }
	cell, col := row.Cell(h.Columns[planBlock]), h.Columns[planBlock]
	if cell.Text == "" || cell.Merged && row.Cell(col+1).Text == cell.Text {
		return // notes, sums, headings of sections
	}
	before := len(p.finds)
	r := merge.Row{At: ipam.Origin{File: sh.Place(row.Number, col).File, Line: row.Number, Column: col}}
	r.Block = p.block(sh, h, row)
	r.Space = p.o.Space
	if s := text(planSpace); s != "" {
		var err error
		if r.Space, err = ipam.ParseSpace(strings.ReplaceAll(s, " ", "-")); err != nil {
			p.wrong("A-SPACE", sh, row.Number, h.Columns[planSpace], err)
		}
	}
	if c := text(planCode); c != "" {
		var err error
		if r.Holder.Code, err = ipam.ParseCode(c); err != nil {
			p.wrong("A-HOLDER", sh, row.Number, h.Columns[planCode], err)
		}
	}
	status, known := planStatuses()[table.Fold(text(planStatus))]
	if !known {
		var err error
		if status, err = ipam.ParseStatus(text(planStatus)); err != nil {
			p.fail("A-STATUS", sh, row.Number, h.Columns[planStatus], quote(text(planStatus))+" is no status",
				"write đang dùng, dự phòng, quy hoạch, sẽ thu hồi or đã thu hồi (active, reserved, planned, deprecated, released)")
		}
	}
	r.Status = status
	r.Holder.Unit, r.Site, r.System, r.Provider = text(planUnit), text(planSite), text(planSystem), text(planProvider)
	r.Authority, r.Note = text(planAuthority), text(planNote)
	list := func(s string) []string {
		return strings.FieldsFunc(s, func(c rune) bool { return c == ',' || c == ';' || c == '\n' })
	}
	r.Documents, r.Names = list(text(planDocument)), list(text(planNames))
	for i, n := range r.Names {
		r.Names[i] = strings.TrimSuffix(strings.ToLower(strings.TrimSpace(n)), ".")
	}
	for key, to := range map[string]*ipam.Date{planSince: &r.Since, planUntil: &r.Until} {
		if s := text(key); s != "" {
			if day, ok := table.DayOf(row.Cell(h.Columns[key])); ok {
				s = day.Format(time.DateOnly) // whatever the format of the cell shows
			}
			var err error
			if *to, err = ipam.ParseDate(s); err != nil {
				p.wrong("A-DATE", sh, row.Number, h.Columns[key], err)
			}
		}
	}
	if s := text(planRevision); s != "" {
		var err error
		if r.Revision, err = strconv.ParseUint(s, 10, 64); err != nil {
			p.fail("A-REVISION", sh, row.Number, h.Columns[planRevision], quote(s)+" is no revision of the book", "leave this column as it was exported, or empty in new rows")
		}
	}
	r.Allocation = r.Clean()
	switch {
	case len(p.finds) > before:
	case status == ipam.Released:
		p.plan.Released = append(p.plan.Released, r)
	default:
		if err := r.Check(); err != nil {
			p.wrong("A-BLOCK", sh, row.Number, col, err)
			return
		}
		p.plan.Rows = append(p.plan.Rows, r)
	}
}

// block reads the addresses of a row: a block, a network and its mask, or the
// two ends of a range.
func (p *planReader) block(sh table.Sheet, h table.Header, row table.Row) ipam.Block {
	col := h.Columns[planBlock]
	for _, k := range []string{planBlock, planLast} {
		c := row.Cell(h.Columns[k])
		digits := len(c.Text) >= 7 && strings.Trim(c.Text, "0123456789") == "" // of a text file
		if c.Kind != table.Number && c.Kind != table.Date && !digits {
			continue
		}
		if digits {
			c.Kind, c.Raw = table.Number, c.Text
		}
		mend := "look the address up where the plan was made from, and write it into a cell of the format Text"
		if as := table.OctetsOf(c); len(as) == 1 {
			mend = "write " + as[0].String() + " into a cell of the format Text, if that is meant"
		}
		p.fail("T-NUMBER", sh, row.Number, h.Columns[k], "the number "+c.Text+" stands where an address should be", mend)
		return ipam.Block{}
	}
	text := row.Cell(col).Text
	switch mask, last := row.Cell(h.Columns[planMask]).Text, row.Cell(h.Columns[planLast]).Text; {
	case mask != "" && !strings.ContainsAny(text, "/ -–"):
		text += " " + strings.TrimPrefix(mask, "/")
	case last != "" && last != text && !strings.ContainsAny(text, "/ -–"):
		text += "-" + last
	}
	b, err := ipam.ParseBlock(text)
	if err != nil {
		p.wrong("A-BLOCK", sh, row.Number, col, err)
	}
	return b
}

// AddressPlace is where a row of a plan stands.
func AddressPlace(o ipam.Origin) zones.Place {
	return zones.Place{File: o.File, Line: o.Line, Column: o.Column}
}

// OverlapFinding words an overlap for people: both places, and the names that
// point there.
func OverlapFinding(o merge.Overlap) finding.Finding {
	side := func(s merge.Side) string {
		who := s.Holder.String()
		if who == "" {
			who = "no holder"
		}
		return fmt.Sprintf("%v (%s, %s)", s.Block, who, s.Plan)
	}
	f := finding.Finding{
		ID: "A-TWICE", Severity: finding.Block, At: AddressPlace(o.Sides[1].At),
		Found: fmt.Sprintf("%s: %v: %s, and %s at %v", o.Space, o.Kind, side(o.Sides[1]), side(o.Sides[0]), AddressPlace(o.Sides[0].At)),
		Mend:  "keep one of them, and renumber the other to a pool, isolate it in a space of its own, or give it back",
	}
	if names := o.Names(); len(names) > 0 {
		const most = 8
		f.Found += "; names that point there: " + strings.Join(names[:min(most, len(names))], ", ")
		if n := len(names) - most; n > 0 {
			f.Found += fmt.Sprintf(" and %d more", n)
		}
	}
	return f
}

// OverlapLines are the lines of consolidation.yaml, one for each side, of which
// one is to be filled in.
func OverlapLines(o merge.Overlap) []string {
	var out []string
	for _, s := range o.Sides {
		space := ""
		if s.Space != DefaultSpace {
			space = fmt.Sprintf(", space: %s", s.Space)
		}
		out = append(out, fmt.Sprintf("- {plan: %s, block: %q%s, take: , why: , by: , doc: }", s.Plan, s.Block, space))
	}
	return out
}
