package source

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/zonefile"
)

// Spec says which zone to read from where.
type Spec struct {
	Name     string      // what the user calls the source
	ID       zones.ID    // the zone; for a file a zero Origin is taken from the SOA
	Kind     string      // one of Kinds
	Path     string      // of the file, with slashes, inside the file system
	BindView string      // for kind "bind": BIND's name of the view, where several hold the zone
	Skip     []string    // for kind "windows": classes of records to leave out, of SkipWords
	At       zones.Place // where the user wrote this
}

// Zone is what was read. It is immutable.
type Zone struct {
	Spec    Spec
	Zone    *zones.Zone // nil when there was an error
	Files   []string    // all files read or looked for, slash paths inside the file system, sorted
	Account Account     // what became of each record

	// Of a master file: the tree that it was read as, which can be edited, and
	// where a file of the tree lies inside the file system. Nil for other forms.
	Tree *zonefile.Tree
	Real func(name string) string
}

// Kinds lists the kinds that Read reads.
func Kinds() []string { return []string{"bind", "file", "windows"} }

// Read reads one zone. o gives the prefix for places, the path that fsys
// stands for, and limits; its Origin is replaced. All findings are returned;
// Zone.Zone is nil when one of them is an error.
func Read(fsys fs.FS, spec Spec, o zonefile.Options) (Zone, []finding.Finding) {
	z := Zone{Spec: spec}
	var fs []finding.Finding
	o.Origin = spec.ID.Origin
	name, why := inside(spec.Path, o.Root)
	switch {
	case !slices.Contains(Kinds(), spec.Kind):
		return z, []finding.Finding{unknownKind(spec)}
	case why != "":
		return z, []finding.Finding{{
			ID: "S-READ", Severity: finding.Error, At: spec.At,
			Found: quote(spec.Path) + ": " + why, Mend: "give the path of a file inside the folder, relative to it",
		}}
	case spec.Kind == "windows":
		z, fs = readWindows(fsys, spec, name, o)
	case len(spec.Skip) > 0:
		return z, []finding.Finding{unknownSkip(spec, spec.Skip[0])}
	case spec.Kind == "bind":
		z, fs = readBind(fsys, spec, name, o)
	default:
		z, fs = readFile(fsys, spec, name, o)
	}
	if finding.Failed(fs) {
		z.Zone = nil // WHOLE
	}
	if z.Zone != nil && spec.Kind != "windows" {
		z.Account = accountOf(z.Zone)
	}
	slices.Sort(z.Files)
	z.Files = slices.Compact(z.Files)
	return z, printable(fs)
}

// readFile reads a master file. BIND's binary formats and journals are known
// here too: a copy of one zone file is often taken from a BIND server.
func readFile(fsys fs.FS, spec Spec, name string, o zonefile.Options) (Zone, []finding.Finding) {
	z := Zone{Spec: spec, Files: []string{name}}
	r := newFileReader(fsys, spec, name, o)
	if b, err := head(fsys, name); err == nil && binaryFormat(b) != "" {
		r.openJournal()
		r.refuseBinary(binaryFormat(b))
		z.Files = append(z.Files, r.files...)
		return z, r.finds
	}
	tree, found := zonefile.Load(fsys, name, o)
	if tree == nil {
		return z, placed(found, spec.At)
	}
	z.Files = nil
	for _, f := range tree.Files() {
		z.Files = append(z.Files, f.Name())
	}
	zone, more := tree.Zone(spec.ID.View)
	if r.zone = zone; zone != nil {
		r.cz.Name = zone.ID().Origin
		r.openJournal()
		r.fresh()
	}
	z.Zone, z.Tree, z.Real = zone, tree, func(name string) string { return name }
	z.Files = append(z.Files, r.files...)
	return z, slices.Concat(found, more, r.finds)
}

// placed moves the findings about a file as a whole to the place that names
// the file, if there is one.
func placed(fs []finding.Finding, at zones.Place) []finding.Finding {
	if at.IsZero() {
		return fs
	}
	for i, f := range fs {
		if f.ID == "Z-READ" || f.ID == "S-READ" {
			fs[i].Found = f.At.File + ": " + f.Found
			fs[i].At = at
		}
	}
	return fs
}

// unknownKind refuses a kind, with a way round where there is one.
func unknownKind(spec Spec) finding.Finding {
	f := finding.Finding{
		ID: "S-KIND", Severity: finding.Error, At: spec.At,
		Found: fmt.Sprintf("a source of kind %s is not read; the kinds that are read: %s", quote(spec.Kind), strings.Join(Kinds(), ", ")),
	}
	way := "write bind with a named.conf, or file with a master file"
	switch spec.Kind {
	case "axfr":
		way = "transfer the zone into a file (dig @SERVER ZONE AXFR > FILE) and write file with the result"
	case "sheet", "xlsx", "xls", "ods", "csv":
		way = "write the names as a master file and write file with it"
	}
	f.Mend = way
	return f
}

// inside gives the path inside the file system, or why there is none.
func inside(name, root string) (string, string) {
	if path.IsAbs(name) && root != "" {
		if rest, ok := below(path.Clean(name), root); ok {
			name = rest
		}
	}
	name = path.Clean(name)
	switch {
	case name == ".":
		return "", "no file is named"
	case path.IsAbs(name), name == "..", strings.HasPrefix(name, "../"):
		return "", "the path lies outside the include root"
	case !fs.ValidPath(name) || strings.Contains(name, "\x00"):
		return "", "this is no path of a file"
	}
	return name, ""
}

// below gives the rest of an absolute path below a folder.
func below(name, folder string) (string, bool) {
	return strings.CutPrefix(name, strings.TrimSuffix(path.Clean("/"+folder), "/")+"/")
}
