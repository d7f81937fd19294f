package workspace

import (
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/source"
)

// source reads one zone that is brought in.
func (r *reader) source(s Source) {
	spec := source.Spec{Name: s.Name, ID: s.ID, Kind: s.Kind, Path: s.Path, BindView: s.BindView, At: s.At}
	z, fs := source.Read(r.fsys, spec, r.options(s.ID.Origin))
	for _, f := range fs {
		if f.At == s.At && f.Line == "" {
			f.Line = s.line
		}
		r.add(f)
	}
	p := part{source: s.Name, id: s.ID, files: z.Files, at: s.At}
	if !finding.Failed(fs) {
		p.zone = z.Zone
	}
	r.w.parts = append(r.w.parts, p)
}
