package workspace

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/mapping"
	"gialai.gov.vn/hopnhat/zones/merge"
	"gialai.gov.vn/hopnhat/zones/source"
)

// The files that a workspace is known by.
const (
	ConfigFile        = "hopnhat.yaml"
	ConsolidationFile = "consolidation.yaml"
)

// Workspace is a folder as it was read. It is immutable: neither its fields
// nor what they hold may be changed. There is no useful zero value.
type Workspace struct {
	Dir    string // as the user gave it
	Root   string // the absolute path
	Config Config
	Consolidation

	okConfig, okConsolidation bool
	parts                     []part
	checks                    []part   // what other sources are held against
	files                     []string // read besides the zones' files
}

// part is one zone that was read, or could not be.
type part struct {
	source string // the source's key; "" for a zone served today
	id     zones.ID
	zone   *zones.Zone // nil if it could not be read
	files  []string    // inside the workspace
	at     zones.Place
	counts source.Account
}

// ErrNone is a folder without a workspace above it.
var ErrNone = errors.New("no hopnhat.yaml in this folder or one above it; give the workspace as an argument or with -C")

// Find returns the nearest folder with a hopnhat.yaml: start or one above it.
func Find(start string) (string, error) {
	abs, err := filepath.Abs(start)
	if err != nil {
		return "", err
	}
	for rel := start; ; {
		if info, err := os.Stat(filepath.Join(abs, ConfigFile)); err == nil && info.Mode().IsRegular() {
			return filepath.Clean(rel), nil
		}
		up := filepath.Dir(abs)
		if up == abs {
			return "", ErrNone
		}
		abs, rel = up, filepath.Join(rel, "..")
	}
}

// Open reads a workspace; nothing is written. All findings of all files are
// returned, those of zone files too. The Workspace is nil only when the
// folder cannot be opened; with an error among the findings it may lack
// something, which Whole tells and KeepFrom can fill in.
func Open(dir string) (*Workspace, []finding.Finding) { return open(dir, (*reader).read) }

func open(dir string, read func(*reader)) (*Workspace, []finding.Finding) {
	abs, err := filepath.Abs(dir)
	var root *os.Root
	if err == nil {
		root, err = os.OpenRoot(abs)
	}
	if err != nil {
		return nil, []finding.Finding{{ID: "W-FILE", Severity: finding.Error, At: zones.Place{File: dir}, Found: "the workspace cannot be opened: " + reason(err), Mend: "give the folder that holds " + ConfigFile}}
	}
	defer root.Close()
	r := &reader{fsys: root.FS(), prefix: prefix(dir), w: &Workspace{Dir: dir, Root: abs}}
	read(r)
	finding.Sort(r.finds)
	return r.w, r.finds
}

// OpenPlans is Open without the zones: it reads the configuration and the
// consolidation file alone, for what needs no names.
func OpenPlans(dir string) (*Workspace, []finding.Finding) { return open(dir, (*reader).files) }

// prefix is what stands before a file's path inside a folder.
func prefix(dir string) string {
	p := filepath.ToSlash(dir)
	if p == "" || p == "." {
		return ""
	}
	return strings.TrimSuffix(p, "/") + "/"
}

// reason is an error of the file system without the path, which the message
// gives.
func reason(err error) string {
	var p *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "it does not exist"
	case errors.As(err, &p):
		return p.Err.Error()
	}
	return err.Error()
}

// Whole tells whether everything was read: without an error, and nothing is
// missing.
func (w *Workspace) Whole() bool { return w.okConfig && w.okConsolidation && len(w.Missing()) == 0 }

// Readable tells whether both YAML files were read without an error, whatever
// became of the zones.
func (w *Workspace) Readable() bool { return w.okConfig && w.okConsolidation }

// Configured tells whether hopnhat.yaml was read without an error, whatever
// became of the rest.
func (w *Workspace) Configured() bool { return w.okConfig }

// Brought returns the zone that a source brings, as it was read; nil if it
// could not be.
func (w *Workspace) Brought(source string) *zones.Zone {
	for _, p := range w.parts {
		if p.source == source && source != "" {
			return p.zone
		}
	}
	return nil
}

// Read is a source as it was read from its files.
type Read struct {
	Zone    *zones.Zone // nil if it could not be read
	Files   []string    // that were read or looked for, slash paths inside the workspace
	Account source.Account
}

// ReadOf returns what a source's files gave, be it brought in or held against
// another source. For a source of a live server that is the copy of the last
// import.
func (w *Workspace) ReadOf(name string) Read {
	for _, p := range slices.Concat(w.parts, w.checks) {
		if p.source == name && name != "" {
			return Read{p.zone, p.files, p.counts}
		}
	}
	return Read{}
}

// Missing lists the zones that could not be read.
func (w *Workspace) Missing() (ids []zones.ID) {
	for _, p := range w.parts {
		if p.zone == nil {
			ids = append(ids, p.id)
		}
	}
	return ids
}

// KeepFrom returns w with what it lacks taken from an earlier reading, and
// names what was kept. What prev lacks too stays missing.
func (w *Workspace) KeepFrom(prev *Workspace) (*Workspace, []string) {
	if prev == nil || w.Whole() {
		return w, nil
	}
	if !w.okConfig {
		return prev, []string{ConfigFile + " and all zones"}
	}
	n := *w
	n.parts = slices.Clone(w.parts)
	var kept []string
	if !w.okConsolidation && prev.okConsolidation {
		kept = append(kept, ConsolidationFile+" and its sources")
		n.Consolidation, n.okConsolidation = prev.Consolidation, true
		n.parts = slices.DeleteFunc(n.parts, func(p part) bool { return p.source != "" })
		for _, p := range prev.parts {
			if p.source != "" {
				n.parts = append(n.parts, p)
			}
		}
	}
	for i, p := range n.parts {
		if p.zone != nil {
			continue
		}
		for _, q := range prev.parts {
			if q.source == p.source && q.id == p.id && q.zone != nil {
				n.parts[i].zone = q.zone
				kept = append(kept, p.id.String())
			}
		}
	}
	return &n, kept
}

// World returns the zones served today, without the sources. Zones that
// could not be read are not in it.
func (w *Workspace) World() zones.World {
	var zs []*zones.Zone
	for _, p := range w.parts {
		if p.source == "" && p.zone != nil {
			zs = append(zs, p.zone)
		}
	}
	world, _ := zones.NewWorld(zs...) // the reader refused two of one identity
	return world
}

// Plan merges the sources into the targets. Besides the merger's findings
// there is a blocking one for each question that blocks, and for each signed
// zone that would be served unsigned. The plan may be
// published only if it is publishable and no finding blocks.
func (w *Workspace) Plan() (*merge.Plan, []finding.Finding) {
	plan, fs := w.merge(w.Mapping)
	for _, q := range w.Questions {
		if q.Blocks {
			fs = append(fs, finding.Finding{
				ID: "W-QUESTION", Severity: finding.Block, At: q.At,
				Found: "the question " + q.Key + " is open and blocks: " + q.Ask, Mend: "answer it and delete the line, or write blocks: false",
			})
		}
	}
	fs = append(fs, w.Signed()...)
	finding.Sort(fs)
	return plan, fs
}

// merge brings the sources in by a mapping.
func (w *Workspace) merge(m mapping.Mapping) (*merge.Plan, []finding.Finding) {
	in := merge.Input{World: w.World(), Mapping: m}
	for _, p := range w.parts {
		if p.source != "" && p.zone != nil {
			in.Sources = append(in.Sources, merge.Source{Name: p.source, Zone: p.zone})
		}
	}
	return merge.Make(in)
}

// Files lists the files that were read, as absolute paths, sorted; those that
// were looked for and could not be read are among them.
func (w *Workspace) Files() []string {
	names := slices.Clone(w.files)
	for _, p := range w.parts {
		names = append(names, p.files...)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	for i, n := range names {
		names[i] = filepath.Join(w.Root, filepath.FromSlash(n))
	}
	return names
}

// StateDir returns the absolute path of the server's own state.
func (w *Workspace) StateDir() string {
	if s := filepath.FromSlash(w.Config.State); filepath.IsAbs(s) {
		return s
	}
	return filepath.Join(w.Root, filepath.FromSlash(w.Config.State))
}

// readFile reads at most maxFile octets and one more, so that who reads sees
// what is too long.
func readFile(fsys fs.FS, name string) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, errors.New("it is a folder")
	}
	return io.ReadAll(io.LimitReader(f, maxFile+1))
}
