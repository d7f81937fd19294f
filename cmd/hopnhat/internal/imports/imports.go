package imports

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/export"
	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/source"
	"gialai.gov.vn/hopnhat/zones/zonefile"
)

// Taken is one zone that came.
type Taken struct {
	Source  string // its key in consolidation.yaml
	From    string // where it came from, such as axfr://192.0.2.53:53/x.vn
	At      time.Time
	Zone    *zones.Zone
	Account Account
	Files   []export.File // the files that it was read from, as they are; none for a transfer
}

// Account says what became of the records that came: In = Taken + Duplicates +
// LeftOut + Refused.
type Account struct {
	In         int `json:"in"`
	Taken      int `json:"taken"`
	Duplicates int `json:"duplicates"`
	LeftOut    int `json:"left-out"`
	Refused    int `json:"refused"`
}

// Balanced tells whether every record is accounted for.
func (a Account) Balanced() bool { return a.In == a.Taken+a.Duplicates+a.LeftOut+a.Refused }

// FromSource turns the account of a reader of files.
func FromSource(a source.Account) Account {
	t := a.Sum()
	return Account{In: a.In, Taken: t.Taken - a.Repeats, Duplicates: a.Repeats, LeftOut: t.LeftOut, Refused: t.Refused}
}

// String gives the account as a sum.
func (a Account) String() string {
	return fmt.Sprintf("%d records in = %d taken + %d duplicates + %d left out by rule + %d refused", a.In, a.Taken, a.Duplicates, a.LeftOut, a.Refused)
}

// Change is one RRset that a later version has otherwise: '+' it came, '-' it
// went, '~' it changed.
type Change struct {
	Sign     rune
	Key      zones.Key
	Old, New zones.RRset // the zero value where there is none
}

// Drift lists what changes from old to z in canonical order; old may be nil.
func Drift(old, z *zones.Zone) (out []Change) {
	var before []zones.RRset
	if old != nil {
		before = slices.Collect(old.All())
	}
	after := slices.Collect(z.All())
	for len(before) > 0 || len(after) > 0 {
		c := 0
		switch {
		case len(before) == 0:
			c = 1
		case len(after) == 0:
			c = -1
		default:
			c = before[0].Key().Compare(after[0].Key())
		}
		switch {
		case c < 0:
			out = append(out, Change{'-', before[0].Key(), before[0], zones.RRset{}})
			before = before[1:]
		case c > 0:
			out = append(out, Change{'+', after[0].Key(), zones.RRset{}, after[0]})
			after = after[1:]
		default:
			if !before[0].Equal(after[0]) {
				out = append(out, Change{'~', after[0].Key(), before[0], after[0]})
			}
			before, after = before[1:], after[1:]
		}
	}
	return out
}

// meta is what stands beside a copy.
type meta struct {
	Version int     `json:"version"`
	Source  string  `json:"source"`
	Zone    string  `json:"zone"`
	View    string  `json:"view"`
	From    string  `json:"from"`
	At      string  `json:"at"` // RFC 3339
	Serial  uint32  `json:"serial"`
	SHA256  string  `json:"sha256"` // of the copy
	Account Account `json:"account"`
}

// Kept reads the copy of a source's last import; nil if there is none.
func Kept(w *workspace.Workspace, name string, id zones.ID) (*zones.Zone, error) {
	root, err := os.OpenRoot(w.Root)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	file := path.Join(workspace.ImportedFolder, name+".zone")
	if _, err := root.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	z, finds := source.Read(root.FS(), source.Spec{Name: name, ID: id, Kind: "file", Path: file}, zonefile.Options{})
	if z.Zone == nil {
		what := "it cannot be read"
		if len(finds) > 0 {
			what = finds[0].Found
		}
		return nil, fmt.Errorf("the copy of the last import, %s, is not what was written: %s; restore it, or move the folder %s elsewhere", file, what, workspace.ImportedFolder)
	}
	return z.Zone, nil
}

// Keep writes the copies of all that came into the workspace's folder of
// imports, beside those that are there already. Two that do so at one time do it
// one after the other.
func Keep(root string, taken []Taken) error {
	lock := flock.New(filepath.Join(root, workspace.ConfigFile))
	if err := lock.Lock(); err != nil {
		return err
	}
	defer lock.Close()
	dir := filepath.Join(root, workspace.ImportedFolder)
	files, err := present(dir)
	if err != nil {
		return err
	}
	for _, t := range taken {
		text := zonefile.Write(t.Zone)
		m, err := json.MarshalIndent(meta{
			Version: 1, Source: t.Source, Zone: t.Zone.Origin().Text(), View: string(t.Zone.View()), From: t.From,
			At: t.At.UTC().Format(time.RFC3339), Serial: uint32(t.Zone.Serial()), SHA256: fmt.Sprintf("%x", sha256.Sum256(text)), Account: t.Account,
		}, "", "  ")
		if err != nil {
			return err
		}
		maps.DeleteFunc(files, func(name string, _ []byte) bool { return strings.HasPrefix(name, t.Source+"/") })
		files[t.Source+".zone"], files[t.Source+".json"] = text, append(m, '\n')
		for _, f := range t.Files {
			files[path.Join(t.Source, f.Name)] = f.Data
		}
	}
	var list []export.File
	var sums strings.Builder
	for name, data := range files {
		list = append(list, export.File{Name: name, Data: data})
	}
	slices.SortFunc(list, func(a, b export.File) int { return cmp.Compare(a.Name, b.Name) })
	for _, f := range list {
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(f.Data), f.Name)
	}
	return export.Write(dir, append(list, export.File{Name: "SHA256SUMS", Data: []byte(sums.String())}))
}

// present reads the copies that are there: NAME.zone, NAME.json, and the files
// of NAME in the folder NAME.
func present(dir string) (map[string][]byte, error) {
	files := map[string][]byte{}
	err := filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		if err != nil || p == dir || e.Name() == "SHA256SUMS" && filepath.Dir(p) == dir {
			return err
		}
		rel, err := filepath.Rel(dir, p)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		top, _, below := strings.Cut(rel, "/")
		ext := path.Ext(rel)
		switch {
		case e.IsDir() && !below:
			_, err = os.Stat(filepath.Join(dir, top+".json"))
		case e.IsDir():
		case !e.Type().IsRegular(), !below && ext != ".zone" && ext != ".json":
			err = fs.ErrInvalid
		default:
			files[rel], err = os.ReadFile(p)
			return err
		}
		if err != nil {
			return fmt.Errorf("%s is no copy of an import: move it elsewhere", p)
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return files, err
}
