package decisions

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/mapping"
)

// Edited is one row of a table that came back.
type Edited struct {
	Fields map[string]string      // by key; empty cells are missing or ""
	At     zones.Place            // of the row
	Cells  map[string]zones.Place // of the cells, by key
	Refs   map[string]string      // what a person calls them, such as B7
}

// Change is what an edit does to one decision.
type Change struct {
	Sign     rune // '+' a new decision, '~' one that changed
	Key      string
	Old, New string // the lines
}

// keys of a line, in order.
var keys = []string{At, View, Take, TargetBecomes, SourceBecomes, Holder, Why, By, Doc, State}

// words that people write for the file's own.
var words = map[string]map[string]string{
	Take: {
		"nguồn": "source", "nhập": "source", "bên nhập": "source", "đích": "target", "giữ": "target", "bên giữ": "target",
		"cả hai": "both", "hai bên": "both",
	},
	State: {
		"đã quyết": "decided", "đã quyết định": "decided", "đề xuất": "proposed", "để ngỏ": "open", "chưa quyết": "open",
	},
}

// Apply edits the text of a consolidation file. The findings speak of cells of
// the table; with an error among them text comes back as it was.
func Apply(w *workspace.Workspace, text []byte, rows []Edited) ([]byte, []Change, []finding.Finding) {
	lines := strings.SplitAfter(string(text), "\n")
	if n := len(lines) - 1; n > 0 && lines[n] == "" {
		lines = lines[:n] // what stands behind the last line end is no line
	}
	a := &applier{w: w, lines: lines, edited: map[int]Edited{}}
	a.old = map[string]*mapping.Decision{}
	for i := range w.Mapping.Decisions {
		d := &w.Mapping.Decisions[i]
		a.old[keyOf(fieldsOf(d))] = d
	}
	seen := map[string]Edited{}
	for _, r := range rows {
		a.tidy(&r)
		k := keyOf(r.Fields)
		if first, ok := seen[k]; ok {
			a.fail("T-TWICE", r, At, fmt.Sprintf("%s is decided in row %d too", k, first.At.Line), "keep one of the two rows")
			continue
		}
		seen[k] = r
		a.row(k, r)
	}
	if finding.Failed(a.finds) {
		return text, nil, a.finds
	}
	out := []byte(a.join())
	for _, f := range a.w.Recheck(out) {
		a.replace(f)
	}
	if finding.Failed(a.finds) {
		return text, nil, a.finds
	}
	for k := range a.old {
		if _, ok := seen[k]; !ok {
			a.kept++
		}
	}
	if a.kept > 0 {
		a.finds = append(a.finds, finding.Finding{ID: "T-KEPT", Count: a.kept, Found: fmt.Sprintf("%d decisions of the file are not in the table and stay", a.kept), Mend: "delete their lines in the file, if they are not meant any more"})
	}
	return out, a.changes, a.finds
}

type applier struct {
	w       *workspace.Workspace
	lines   []string
	old     map[string]*mapping.Decision
	added   []string
	news    []Edited       // of added
	edited  map[int]Edited // by index in lines, or, once joined, by line
	changes []Change
	finds   []finding.Finding
	kept    int
}

func (a *applier) fail(id string, r Edited, key, found, mend string) {
	at := r.Cells[key]
	if at.IsZero() {
		at = r.At
	}
	if ref := r.Refs[key]; ref != "" {
		found = ref + ": " + found
	}
	a.finds = append(a.finds, finding.Finding{ID: id, Severity: finding.Error, At: at, Found: found, Mend: mend})
}

// tidy takes spaces away and people's words for the file's.
func (a *applier) tidy(r *Edited) {
	f := maps.Clone(r.Fields)
	for k, v := range f {
		v = strings.Join(strings.Fields(v), " ")
		if k == Take || k == State {
			v = strings.ToLower(v)
			if w, ok := words[k][v]; ok {
				v = w
			}
		}
		f[k] = v
	}
	r.Fields = f
}

// keyOf says which decision is meant: what it stands at, and in which view.
func keyOf(f map[string]string) string {
	name, typ, _ := strings.Cut(strings.ToLower(f[At]), " ")
	k := strings.TrimSuffix(name, ".")
	if typ != "" {
		k += " " + strings.ToUpper(typ)
	}
	if f[View] != "" {
		k += " (" + f[View] + ")"
	}
	return k
}

// row turns one row into an edit, if it says something new.
func (a *applier) row(k string, r Edited) {
	f := r.Fields
	d := a.old[k]
	switch {
	case f[At] == "":
		a.fail("T-BLANK", r, At, "the row has no name", "fill it in, or delete the row")
		return
	case d == nil && f[Take] == "" && f[State] == "":
		return // a conflict that is still open
	}
	line := render(f)
	if d == nil {
		a.added = append(a.added, line)
		a.news = append(a.news, r)
		a.changes = append(a.changes, Change{Sign: '+', Key: k, New: line})
		return
	}
	before := fieldsOf(d)
	if f[State] == "" && f[Take] != "" {
		f[State] = before[State]
		if before[State] == "open" {
			f[State] = "decided"
		}
		line = render(f)
	}
	if same(before, f) {
		return
	}
	i := d.At.Line - 1
	head, tail, ok := cutLine(a.lines, i)
	if !ok {
		a.fail("T-LINE", r, At, fmt.Sprintf("the decision on %s is written over several lines (%v)", k, d.At), "write it as - {…} on one line, then import again")
		return
	}
	a.changes = append(a.changes, Change{'~', k, strings.TrimSpace(a.lines[i]), line})
	a.lines[i] = head + line + tail
	a.edited[i] = r
}

func same(a, b map[string]string) bool {
	for _, k := range keys {
		x, y := a[k], b[k]
		if k == At || k == TargetBecomes || k == SourceBecomes {
			x, y = strings.ToLower(strings.TrimSuffix(x, ".")), strings.ToLower(strings.TrimSuffix(y, "."))
		}
		if x != y {
			return false
		}
	}
	return true
}

// cutLine finds the {…} of a list item that stands on one line, and gives what
// stands in front of it and behind.
func cutLine(lines []string, i int) (head, tail string, ok bool) {
	if i < 0 || i >= len(lines) {
		return "", "", false
	}
	s := lines[i]
	from := strings.IndexByte(s, '{')
	if from < 0 || strings.TrimSpace(s[:from]) != "-" {
		return "", "", false
	}
	depth, quoted := 0, byte(0)
	for j := from; j < len(s); j++ {
		c := s[j]
		switch {
		case quoted == '"' && c == '\\':
			j++
		case quoted != 0:
			if c == quoted {
				quoted = 0
			}
		case (c == '"' || c == '\'') && strings.ContainsRune(" {[,:", rune(s[j-1])):
			quoted = c
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			if depth--; depth == 0 {
				return s[:from], s[j+1:], true
			}
		}
	}
	return "", "", false
}

// join puts the lines together, the new ones behind the last decision.
func (a *applier) join() string {
	if len(a.added) == 0 {
		return strings.Join(a.lines, "")
	}
	head, at := "  - ", len(a.lines)
	var news []string
	if ds := a.w.Mapping.Decisions; len(ds) > 0 {
		last := slices.MaxFunc(ds, func(x, y mapping.Decision) int { return x.At.Line - y.At.Line }).At.Line
		at = last
		if h, _, ok := cutLine(a.lines, last-1); ok {
			head = h
		} else { // written over several lines: behind its last one
			for at < len(a.lines) && strings.HasPrefix(a.lines[at], "    ") {
				at++
			}
		}
	}
	end := "\n" // that of the line before, or of the file
	if i := max(at-1, 0); strings.HasSuffix(a.lines[i], "\r\n") || strings.HasSuffix(a.lines[0], "\r\n") && !strings.HasSuffix(a.lines[i], "\n") {
		end = "\r\n"
	}
	if len(a.w.Mapping.Decisions) == 0 {
		news = append(news, "decisions:"+end)
	}
	if at > 0 && at <= len(a.lines) && a.lines[at-1] != "" && !strings.HasSuffix(a.lines[at-1], "\n") {
		a.lines[at-1] += end
	}
	for _, l := range a.added {
		news = append(news, head+l+end)
	}
	edited := map[int]Edited{}
	for i, r := range a.edited {
		if i >= at {
			i += len(news)
		}
		edited[i] = r
	}
	for i, r := range a.news {
		edited[at+len(news)-len(a.news)+i] = r
	}
	a.edited = edited
	return strings.Join(slices.Insert(slices.Clone(a.lines), at, news...), "")
}

// replace tells a finding about the edited file by the cell that caused it.
func (a *applier) replace(f finding.Finding) {
	r, ok := a.edited[f.At.Line-1]
	if !ok || f.At.File != a.w.ConsolidationPath() {
		if f.Severity >= finding.Error {
			a.finds = append(a.finds, f)
		}
		return
	}
	best := ""
	line := []rune(f.Line)
	for _, k := range keys {
		i := strings.Index(f.Line, k+": ")
		if i >= 0 && len([]rune(f.Line[:i])) < f.At.Column && f.At.Column <= len(line) {
			if best == "" || strings.Index(f.Line, best+": ") < i {
				best = k
			}
		}
	}
	f.Line = ""
	f.At = r.At
	if c := r.Cells[best]; !c.IsZero() {
		f.At = c
	}
	if ref := r.Refs[best]; ref != "" {
		f.Found = ref + ": " + f.Found
	}
	a.finds = append(a.finds, f)
}

// render writes a decision as a line.
func render(f map[string]string) string {
	var parts []string
	for _, k := range keys {
		if f[k] != "" {
			parts = append(parts, k+": "+scalar(f[k]))
		}
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// plain is what needs no quotes in a flow mapping: it begins with a letter and
// holds nothing that YAML reads.
var plain = regexp.MustCompile(`^\pL[\pL\pM\pN ./()_+-]*$`)

// scalar writes a text as YAML.
func scalar(s string) string {
	if plain.MatchString(s) && !strings.HasSuffix(s, " ") {
		switch strings.ToLower(s) {
		case "y", "n", "yes", "no", "true", "false", "on", "off", "null":
		default:
			return s
		}
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return `""`
	}
	return strings.TrimSuffix(b.String(), "\n")
}
