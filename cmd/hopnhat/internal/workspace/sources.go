package workspace

import (
	"errors"
	"io/fs"

	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/source"
)

// source reads one zone that is brought in.
func (r *reader) source(s Source) {
	into := &r.w.parts
	if s.Checks != "" {
		if s.Kind == axfr {
			return // import asks its server
		}
		into = &r.w.checks
	}
	kind := s.Kind
	if kind == axfr {
		kind = "file"
		if _, err := fs.Stat(r.fsys, s.Path); errors.Is(err, fs.ErrNotExist) {
			r.add(finding.Finding{
				ID: "W-SOURCE", Severity: finding.Error, At: s.At, Line: s.line,
				Found: "the source " + s.Name + " was not brought in yet", Mend: "run: hopnhat import " + s.Name,
			})
			*into = append(*into, part{source: s.Name, id: s.ID, files: []string{s.Path}, at: s.At})
			return
		}
	}
	spec := source.Spec{Name: s.Name, ID: s.ID, Kind: kind, Path: s.Path, BindView: s.BindView, Skip: s.Skip, At: s.At}
	var z source.Zone
	var finds []finding.Finding
	if kind == "sheet" {
		z, finds = r.table(s)
	} else {
		z, finds = source.Read(r.fsys, spec, r.options(s.ID.Origin))
	}
	for _, f := range finds {
		if f.At == s.At && f.Line == "" {
			f.Line = s.line
		}
		r.add(f)
	}
	p := part{source: s.Name, id: s.ID, files: z.Files, at: s.At, counts: z.Account}
	if !finding.Failed(finds) {
		p.zone = z.Zone
	}
	*into = append(*into, p)
}
