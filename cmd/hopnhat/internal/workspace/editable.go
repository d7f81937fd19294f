package workspace

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/source"
	"gialai.gov.vn/hopnhat/zones/zonefile"
)

// Master is a zone of the workspace that is a master file, which can be edited:
// one that is served today, or a source.
type Master struct {
	Source string // the source's key; "" for a zone served today
	ID     zones.ID
	Zone   *zones.Zone // as it was read
	read   func(r *reader) (source.Zone, []finding.Finding)
	w      *Workspace
}

// Masters lists them: first the zones served today.
func (w *Workspace) Masters() []Master {
	var ms []Master
	for _, p := range w.parts {
		m := Master{Source: p.source, ID: p.id, Zone: p.zone, w: w}
		switch s, ok := w.sourceOf(p.source); {
		case p.zone == nil:
			continue
		case p.source == "":
			spec := source.Spec{ID: p.id, Kind: "file", Path: p.files[0]}
			m.read = func(r *reader) (source.Zone, []finding.Finding) {
				return source.Read(r.fsys, spec, r.options(p.id.Origin))
			}
		case ok && (s.Kind == "file" || s.Kind == "bind"):
			spec := source.Spec{Name: s.Name, ID: s.ID, Kind: s.Kind, Path: s.Path, BindView: s.BindView, At: s.At}
			m.read = func(r *reader) (source.Zone, []finding.Finding) {
				return source.Read(r.fsys, spec, r.options(s.ID.Origin))
			}
		default:
			continue
		}
		ms = append(ms, m)
	}
	return ms
}

func (w *Workspace) sourceOf(key string) (Source, bool) {
	for _, s := range w.Sources {
		if s.Name == key {
			return s, true
		}
	}
	return Source{}, false
}

// Read reads the master file again: its tree, its zone, and the path of each of
// the tree's files.
func (m Master) Read() (t *zonefile.Tree, z *zones.Zone, path func(name string) string, err error) {
	return m.ReadOver(nil)
}

// ReadOver is Read as if some files held other octets, as OpenOver has it.
func (m Master) ReadOver(files map[string][]byte) (t *zonefile.Tree, z *zones.Zone, path func(name string) string, err error) {
	root, err := os.OpenRoot(m.w.Root)
	if err != nil {
		return nil, nil, nil, err
	}
	defer root.Close()
	r := &reader{fsys: Over(root.FS(), m.w.Root, files), prefix: prefix(m.w.Dir), w: m.w}
	got, fs := m.read(r)
	for _, f := range fs {
		if f.Severity >= finding.Error {
			return nil, nil, nil, f
		}
	}
	if got.Zone == nil || got.Tree == nil {
		return nil, nil, nil, fmt.Errorf("%v: %w", m.ID, errNoMaster)
	}
	path = func(name string) string { return filepath.Join(m.w.Root, filepath.FromSlash(got.Real(name))) }
	return got.Tree, got.Zone, path, nil
}

var errNoMaster = errors.New("it is no master file any more")
