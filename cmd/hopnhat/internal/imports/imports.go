package imports

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/export"
	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/zonefile"
)

// Taken is one zone that came.
type Taken struct {
	Source  string // its key in consolidation.yaml
	From    string // where it came from, such as axfr://192.0.2.53:53/x.vn
	At      time.Time
	Zone    *zones.Zone
	Account Account
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

// Keep writes the copies of all that came into the workspace's folder of
// imports, beside those that are there already.
func Keep(root string, taken []Taken) error {
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
		files[t.Source+".zone"], files[t.Source+".json"] = text, append(m, '\n')
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

// present reads the copies that are there.
func present(dir string) (map[string][]byte, error) {
	files := map[string][]byte{}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return files, nil
	}
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		ext := filepath.Ext(e.Name())
		switch {
		case e.Name() == "SHA256SUMS":
		case e.IsDir() || ext != ".zone" && ext != ".json":
			return nil, fmt.Errorf("%s is no copy of an import: move it elsewhere", filepath.Join(dir, e.Name()))
		default:
			if files[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
				return nil, err
			}
		}
	}
	return files, nil
}
