package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/decisions"
	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/sheet"
	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// writeDecisions writes the decisions and open conflicts of a plan as a table.
func (e *env) writeDecisions(p *planned, file string) error {
	t := sheet.Table{Name: "Quyết định"}
	for _, c := range decisions.Columns() {
		t.Headings = append(t.Headings, c.Heading)
	}
	rows := decisions.Rows(p.Workspace, p.plan)
	for _, r := range rows {
		t.Rows = append(t.Rows, r)
	}
	var b bytes.Buffer
	var err error
	switch strings.ToLower(filepath.Ext(file)) {
	case ".xlsx":
		err = sheet.WriteXLSX(&b, t)
	case ".csv":
		err = sheet.WriteCSV(&b, t)
	default:
		err = fmt.Errorf("--decisions %s: the file's name ends with .xlsx or .csv", file)
	}
	if err != nil {
		return err
	}
	if err := workspace.WriteFile(file, b.Bytes()); err != nil {
		return err
	}
	fmt.Fprintf(e.out, "%d rows written to %s; edit them, then: hopnhat import --decisions %s\n", len(rows), file, file)
	return nil
}

// decisions reads a table of decisions back into consolidation.yaml.
func (o *importCmd) readDecisions(file string) error {
	dir, err := o.folder(nil)
	if err != nil {
		return err
	}
	w, fs := workspace.Open(dir)
	if w == nil || !w.Readable() {
		o.tell(fs, finding.Warning)
		return &exit{code: 1}
	}
	rows, finds := tableOfDecisions(file)
	if finding.Failed(finds) {
		o.tell(finds, finding.Warning)
		return &exit{code: 1}
	}
	path := filepath.Join(w.Root, workspace.ConsolidationFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	out, changes, more := decisions.Apply(w, text, rows)
	o.tell(append(finds, more...), finding.Note)
	if finding.Failed(more) {
		return &exit{code: 1}
	}
	for _, c := range changes {
		if c.Old != "" {
			fmt.Fprintf(o.out, "- %s\n", strings.TrimSpace(strings.TrimPrefix(c.Old, "- ")))
		}
		fmt.Fprintf(o.out, "+ %s\n", c.New)
	}
	switch {
	case len(changes) == 0:
		fmt.Fprintln(o.out, "nothing changed, nothing was written")
		return nil
	case o.dryRun:
		fmt.Fprintf(o.out, "%d decisions would be written\n", len(changes))
	default:
		if err := workspace.WriteFile(path, out); err != nil {
			return err
		}
		fmt.Fprintf(o.out, "%d decisions written to %s\n", len(changes), filepath.Join(dir, workspace.ConsolidationFile))
	}
	if o.detailed {
		return &exit{code: 2}
	}
	return nil
}

// tableOfDecisions reads the rows of a table that writeDecisions wrote and
// somebody edited.
func tableOfDecisions(file string) ([]decisions.Edited, []finding.Finding) {
	dir, base := filepath.Split(file)
	prefix := filepath.ToSlash(dir)
	if dir == "" {
		dir = "."
	}
	book, finds := sheet.Read(os.DirFS(dir), base, sheet.Options{Prefix: prefix})
	if book == nil {
		return nil, finds
	}
	var columns []sheet.Column
	for _, c := range decisions.Columns() {
		if c.Key != "" {
			columns = append(columns, sheet.Column{Key: c.Key, Synonyms: append([]string{c.Heading}, c.Synonyms...), Required: c.Key == decisions.At || c.Key == decisions.Take})
		}
	}
	var out []decisions.Edited
	var lost []finding.Finding // of sheets without the headings
	read := 0
	for _, s := range book.Sheets {
		if s.Hidden || len(s.Rows) == 0 {
			continue
		}
		h, fs := sheet.Find(s, columns, sheet.Mapping{})
		if finding.Failed(fs) && h.Columns[decisions.At] == 0 {
			lost = append(lost, fs...)
			continue
		}
		read++
		if finds = append(finds, fs...); finding.Failed(fs) {
			continue
		}
		for _, r := range s.Rows {
			if r.Number <= h.Row {
				continue
			}
			x := decisions.Edited{At: s.Place(r.Number, 0), Fields: map[string]string{}, Cells: map[string]zones.Place{}, Refs: map[string]string{}}
			for k, col := range h.Columns {
				x.Fields[k] = r.Cell(col).Text
				x.Cells[k] = s.Place(r.Number, col)
				x.Refs[k] = sheet.Ref(r.Number, col)
			}
			out = append(out, x)
		}
	}
	for _, f := range lost {
		if read > 0 {
			f.Severity, f.Found = finding.Warning, "the sheet is not read: "+f.Found
		}
		finds = append(finds, f)
	}
	return out, finds
}
