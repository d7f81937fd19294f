package workspace

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/zonefile"
)

// zoneFolder is where today's zones lie: zones/ORIGIN.zone in the view
// internet, zones/VIEW/ORIGIN.zone in another.
const (
	zoneFolder = "zones"
	zoneEnding = ".zone"
)

// ZonePath is where the file of a zone that is served today lies, where hopnhat.yaml
// does not say another place: a slash path inside the workspace.
func ZonePath(id zones.ID) string {
	view := ""
	if id.View != zones.Internet {
		view = string(id.View)
	}
	return path.Join(zoneFolder, view, id.Origin.Text()+zoneEnding)
}

// reader reads one workspace.
type reader struct {
	fsys   fs.FS
	prefix string // before file names in places
	w      *Workspace
	finds  []finding.Finding
}

func (r *reader) add(fs ...finding.Finding) { r.finds = append(r.finds, fs...) }

func (r *reader) read() {
	w := r.w
	r.files()
	if !w.okConfig {
		return
	}
	r.today()
	if w.okConsolidation {
		for _, s := range w.Sources {
			r.source(s)
		}
	}
	r.views()
}

// files reads the configuration and the consolidation file.
func (r *reader) files() {
	w := r.w
	if data, ok := r.file(ConfigFile, "give the folder of a workspace; a new one begins with a "+ConfigFile+" that says version: 1"); ok {
		var fs []finding.Finding
		w.Config, fs = readConfig(r.prefix+ConfigFile, data)
		w.okConfig = !finding.Failed(fs)
		r.add(fs...)
	}
	r.consolidation()
}

// file reads a file that must be there.
func (r *reader) file(name, mend string) ([]byte, bool) {
	r.w.files = append(r.w.files, name)
	data, err := readFile(r.fsys, name)
	if err != nil {
		r.add(finding.Finding{ID: "W-FILE", Severity: finding.Error, At: zones.Place{File: r.prefix + name}, Found: "the file cannot be read: " + reason(err), Mend: mend})
		return nil, false
	}
	return data, true
}

// consolidation reads consolidation.yaml; a workspace without one serves its
// zones and merges nothing.
func (r *reader) consolidation() {
	w := r.w
	if _, err := fs.Stat(r.fsys, ConsolidationFile); errors.Is(err, fs.ErrNotExist) {
		w.files = append(w.files, ConsolidationFile)
		w.okConsolidation = true
		r.add(finding.Finding{ID: "W-FILE", At: zones.Place{File: r.prefix + ConsolidationFile}, Found: "there is no such file, so nothing is merged"})
		return
	}
	data, ok := r.file(ConsolidationFile, "")
	if !ok {
		return
	}
	var fs []finding.Finding
	w.Consolidation, fs = readConsolidation(r.prefix+ConsolidationFile, data, func(p string) (string, []byte, error) {
		w.files = append(w.files, p)
		b, err := readFile(r.fsys, p)
		return r.prefix + p, b, err
	})
	w.okConsolidation = !finding.Failed(fs)
	r.add(fs...)
}

// ConsolidationPath is the consolidation file's path as findings name it.
func (w *Workspace) ConsolidationPath() string { return prefix(w.Dir) + ConsolidationFile }

// Recheck reads another text of the consolidation file, as if it stood in the
// workspace, and says what is wrong with it.
func (w *Workspace) Recheck(text []byte) []finding.Finding {
	root, err := os.OpenRoot(w.Root)
	if err != nil {
		return []finding.Finding{{ID: "W-FILE", Severity: finding.Error, At: zones.Place{File: w.Dir}, Found: "the workspace cannot be opened: " + reason(err), Mend: "give the folder that holds " + ConfigFile}}
	}
	defer root.Close()
	_, fs := readConsolidation(w.ConsolidationPath(), text, func(p string) (string, []byte, error) {
		b, err := readFile(root.FS(), p)
		return prefix(w.Dir) + p, b, err
	})
	return fs
}

// today reads the zones that are served today.
func (r *reader) today() {
	list := r.w.Config.Zones
	found := r.folder()
	if len(list) == 0 {
		list = found
		if len(list) == 0 {
			r.add(finding.Finding{ID: "W-ZONE", Severity: finding.Warning, At: zones.Place{File: r.prefix + zoneFolder}, Found: "no zone is served today", Mend: "put the zone files there, named such as gialai.gov.vn" + zoneEnding})
		}
	}
	seen := map[zones.ID]string{}
	for _, z := range list {
		if first, ok := seen[z.ID]; ok {
			r.add(finding.Finding{ID: "W-ZONE", Severity: finding.Error, At: zones.Place{File: r.prefix + z.File}, Found: fmt.Sprintf("a second file of the zone %v", z.ID), Mend: "keep this one or " + r.prefix + first})
			continue
		}
		seen[z.ID] = z.File
		r.zone(z)
	}
	for _, z := range found {
		if !slices.ContainsFunc(r.w.parts, func(p part) bool { return slices.Contains(p.files, z.File) }) {
			r.add(finding.Finding{ID: "W-ZONE", Severity: finding.Warning, At: zones.Place{File: r.prefix + z.File}, Found: "the file is not served: " + ConfigFile + " lists the zones and not this one", Mend: "add it under zones, or take it out of the folder"})
		}
	}
}

// folder lists the zone files by convention.
func (r *reader) folder() (list []ZoneFile) {
	in := func(dir string, view zones.View, sub func(fs.DirEntry)) {
		entries, err := fs.ReadDir(r.fsys, dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			r.add(finding.Finding{ID: "W-FILE", Severity: finding.Error, At: zones.Place{File: r.prefix + dir}, Found: "the folder cannot be read: " + reason(err)})
		}
		for _, e := range entries {
			name := e.Name()
			ending := path.Ext(name)
			switch {
			case strings.HasPrefix(name, "."):
			case e.IsDir():
				sub(e)
			case strings.EqualFold(ending, zoneEnding):
				file := path.Join(dir, name)
				origin, err := parseName(strings.TrimSuffix(name, ending))
				var bad *slip
				if errors.As(err, &bad) {
					r.add(finding.Finding{ID: "W-ZONE", Severity: finding.Error, At: zones.Place{File: r.prefix + file}, Found: "the file's name gives no origin: " + bad.found, Mend: "name it by its zone, such as gialai.gov.vn" + zoneEnding})
					continue
				}
				list = append(list, ZoneFile{File: file, ID: zones.ID{Origin: origin, View: view}})
			}
		}
	}
	in(zoneFolder, zones.Internet, func(e fs.DirEntry) {
		dir := path.Join(zoneFolder, e.Name())
		view, err := parseView(e.Name())
		var bad *slip
		if errors.As(err, &bad) {
			r.add(finding.Finding{ID: "W-ZONE", Severity: finding.Error, At: zones.Place{File: r.prefix + dir}, Found: "a folder of zones is a view: " + bad.found, Mend: bad.mend})
			return
		}
		in(dir, zones.View(view), func(fs.DirEntry) {})
	})
	return list
}

func (r *reader) options(origin zones.Name) zonefile.Options {
	return zonefile.Options{Origin: origin, Prefix: r.prefix, Root: r.w.Root}
}

func (r *reader) zone(z ZoneFile) {
	p := part{id: z.ID, files: []string{z.File}, at: z.Place}
	tree, fs := zonefile.Load(r.fsys, z.File, r.options(z.ID.Origin))
	r.add(fs...)
	if tree != nil {
		p.files = nil
		for _, f := range tree.Files() {
			p.files = append(p.files, f.Name())
		}
		zone, more := tree.Zone(z.ID.View)
		r.add(more...)
		if !finding.Failed(fs) && !finding.Failed(more) {
			p.zone = zone
		}
	}
	r.w.parts = append(r.w.parts, p)
}

// views reports listeners of a view that no zone has.
func (r *reader) views() {
	var views []string
	for _, p := range r.w.parts {
		if v := string(p.id.View); !slices.Contains(views, v) {
			views = append(views, v)
		}
	}
	for _, f := range r.w.Config.Follows {
		if v := string(f.ID.View); !slices.Contains(views, v) {
			views = append(views, v)
		}
	}
	for _, l := range r.w.Config.Listeners {
		if r.w.okConsolidation && len(views) > 0 && !slices.Contains(views, string(l.View)) {
			r.add(finding.Finding{ID: "W-REF", Severity: finding.Error, At: l.Place, Found: "no zone has the view " + quote(string(l.View)) + " of this listener", Mend: didYouMean(string(l.View), views)})
		}
	}
}
