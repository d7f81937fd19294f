package decisions

import (
	"fmt"
	"slices"
	"strings"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/mapping"
	"gialai.gov.vn/hopnhat/zones/merge"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// The columns by their keys, in the order of a line of the consolidation file.
const (
	At            = "at"
	View          = "view"
	Take          = "take"
	TargetBecomes = "target-becomes"
	SourceBecomes = "source-becomes"
	Holder        = "holder"
	Why           = "why"
	By            = "by"
	Doc           = "doc"
	State         = "state"
)

// Column is one column of the table.
type Column struct {
	Key      string // of the consolidation file; "" for one that only tells
	Heading  string
	Synonyms []string // other headings that mean it
}

// Columns lists the table's columns from the left.
func Columns() []Column {
	return []Column{
		{At, "Tên (at)", []string{"at", "tên", "tên miền", "name"}},
		{View, "Phía (view)", []string{"view", "phía"}},
		{"", "Xung đột", nil},
		{"", "Bên giữ đang có (target)", nil},
		{"", "Bên nhập mang đến (source)", nil},
		{"", "Tình trạng", nil},
		{Take, "Chọn (take: source, target, both)", []string{"take", "chọn"}},
		{TargetBecomes, "Bên giữ đổi thành (target-becomes)", []string{"target-becomes", "bên giữ đổi thành"}},
		{SourceBecomes, "Bên nhập đổi thành (source-becomes)", []string{"source-becomes", "bên nhập đổi thành"}},
		{Holder, "Đơn vị giữ nhãn (holder)", []string{"holder", "đơn vị giữ nhãn"}},
		{Why, "Lý do (why)", []string{"why", "lý do"}},
		{By, "Người quyết (by)", []string{"by", "người quyết"}},
		{Doc, "Văn bản (doc)", []string{"doc", "văn bản"}},
		{State, "Trạng thái (state: decided, proposed, open)", []string{"state", "trạng thái"}},
	}
}

// Row is one line of the table: the text of each cell, by column.
type Row []string

// Rows gives a row for each decision of the file, in its order, then one for
// each open conflict that no decision speaks of.
func Rows(w *workspace.Workspace, p *merge.Plan) []Row {
	var out []Row
	conflicts := p.Conflicts()
	told := make([]bool, len(conflicts))
	for i := range w.Mapping.Decisions {
		d := &w.Mapping.Decisions[i]
		var mine []merge.Conflict
		for j, c := range conflicts {
			if c.Decision != nil && c.Decision.At == d.At {
				mine = append(mine, c)
				told[j] = true
			}
		}
		out = append(out, row(fieldsOf(d), mine))
	}
	views := map[zones.View]bool{}
	for _, id := range w.Origins() {
		views[id.View] = true
	}
	for j, c := range conflicts {
		if told[j] || c.Settled {
			continue
		}
		f := map[string]string{At: c.At()}
		if len(views) > 1 {
			f[View] = string(c.Zone.View)
		}
		out = append(out, row(f, []merge.Conflict{c}))
	}
	return out
}

// fieldsOf gives the keys of a decision as text; what is not there is missing.
func fieldsOf(d *mapping.Decision) map[string]string {
	f := map[string]string{At: d.Name.Text(), View: string(d.View), Holder: d.Holder, Why: d.Why, By: d.By, Doc: d.Doc, State: d.State.String()}
	if d.Type != 0 {
		f[At] += " " + d.Type.String()
	}
	if d.Take != mapping.Open {
		f[Take] = d.Take.String()
	}
	if !d.TargetBecomes.IsZero() {
		f[TargetBecomes] = d.TargetBecomes.Text()
	}
	if !d.SourceBecomes.IsZero() {
		f[SourceBecomes] = d.SourceBecomes.Text()
	}
	return f
}

func row(f map[string]string, cs []merge.Conflict) Row {
	var kinds, target, source, state []string
	for _, c := range cs {
		kinds = append(kinds, c.Kind.String())
		for _, r := range c.Target {
			target = append(target, record(r))
		}
		for _, a := range c.Arrivals {
			source = append(source, fmt.Sprintf("%s %s: %s", a.Source, a.Old.Owner.Text(), record(a.New)))
		}
		switch {
		case c.Settled:
			state = append(state, "đã có quyết định")
		default:
			state = append(state, "CHƯA QUYẾT: "+c.Why)
		}
	}
	if len(cs) == 0 {
		state = []string{"hiện không gặp xung đột nào"}
	}
	var out Row
	for _, c := range Columns() {
		switch {
		case c.Key != "":
			out = append(out, f[c.Key])
		case c.Heading == "Xung đột":
			out = append(out, few(kinds))
		case strings.Contains(c.Heading, "(target)"):
			out = append(out, few(target))
		case strings.Contains(c.Heading, "(source)"):
			out = append(out, few(source))
		default:
			out = append(out, few(state))
		}
	}
	return out
}

// fewMost is how many records a cell shows.
const fewMost = 12

// few joins lines, each once, and says how many are left out.
func few(lines []string) string {
	var out []string
	for _, l := range lines {
		if !slices.Contains(out, l) {
			out = append(out, l)
		}
	}
	if n := len(out) - fewMost; n > 1 {
		out = append(out[:fewMost], fmt.Sprintf("… (+%d)", n))
	}
	return strings.Join(out, "\n")
}

func record(r zones.Record) string {
	return fmt.Sprintf("%s %v %s (%v)", r.Owner.Text(), r.Type, clip(rdata.Text(r.Type, r.Data)), r.From.Place)
}

// clip shortens a text for a cell.
func clip(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:59]) + "…"
	}
	return s
}
