package daemon

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/zonefile"
)

// kept is what stands on the disk about a followed zone, beside its file: so a
// server that starts again answers at once, and the clock of EXPIRE goes on.
type kept struct {
	Version   int          `json:"version"`
	Zone      string       `json:"zone"`
	View      zones.View   `json:"view"`
	Serial    zones.Serial `json:"serial"`
	Confirmed time.Time    `json:"confirmed"` // when a primary last said that this is what it has
	From      string       `json:"from"`      // which
	Digest    string       `json:"digest"`
	File      string       `json:"file"` // beside this one
}

const keptVersion = 1

// keeper keeps followed zones in a folder; "" keeps nothing. The file of a zone
// is written first, under a name of its own for each content, and the record
// that names it last: whatever breaks in between, one of the two states stands
// there whole.
type keeper struct{ dir string }

// base is the name of a zone's record, without its ending.
func (k keeper) base(id zones.ID) string {
	name := url.PathEscape(id.Origin.Text())
	if id.Origin.IsRoot() {
		name = "root"
	}
	sum := sha256.Sum256([]byte(string(id.View) + " " + id.Origin.Text()))
	return fmt.Sprintf("%.100s-%x", name, sum[:6])
}

// write keeps a zone. was is what stood there before; the result is what stands
// there now.
func (k keeper) write(z *zones.Zone, confirmed time.Time, from string, was kept) (kept, error) {
	digest := z.Digest().String()
	base := k.base(z.ID())
	now := kept{keptVersion, z.Origin().Text(), z.View(), z.Serial(), confirmed.UTC().Truncate(time.Second), from, digest, base + "." + digest[:12] + ".zone"}
	if k.dir == "" || now == was {
		return now, nil
	}
	if err := os.MkdirAll(k.dir, 0o755); err != nil {
		return was, err
	}
	// Another server on the same files may have taken it away.
	if _, err := os.Stat(filepath.Join(k.dir, now.File)); now.File != was.File || err != nil {
		if err := workspace.WriteFile(filepath.Join(k.dir, now.File), zonefile.Write(z)); err != nil {
			return was, err
		}
	}
	b, err := json.MarshalIndent(now, "", "  ")
	if err != nil {
		return was, err
	}
	if err := workspace.WriteFile(filepath.Join(k.dir, base+".json"), append(b, '\n')); err != nil {
		return was, err
	}
	if was.File != "" && was.File != now.File {
		_ = os.Remove(filepath.Join(k.dir, was.File)) // nothing names it any more
	}
	return now, nil
}

// remove forgets a zone: the record first, so that no record names what is not
// there.
func (k keeper) remove(id zones.ID) {
	if k.dir == "" {
		return
	}
	base := k.base(id)
	_ = os.Remove(filepath.Join(k.dir, base+".json"))
	entries, _ := os.ReadDir(k.dir)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), base+".") {
			_ = os.Remove(filepath.Join(k.dir, e.Name()))
		}
	}
}

// read gives the zone that was kept; nil where none was. What is damaged is an
// error, and is fetched anew.
func (k keeper) read(id zones.ID) (*zones.Zone, kept, error) {
	if k.dir == "" {
		return nil, kept{}, nil
	}
	path := filepath.Join(k.dir, k.base(id)+".json")
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, kept{}, nil
	}
	var is kept
	if err == nil {
		err = json.Unmarshal(b, &is)
	}
	switch {
	case err != nil:
		return nil, kept{}, fmt.Errorf("%s: %w", path, err)
	case is.Version != keptVersion:
		return nil, kept{}, fmt.Errorf("%s: version %d where %d is known", path, is.Version, keptVersion)
	case is.Zone != id.Origin.Text() || is.View != id.View || is.File != filepath.Base(is.File):
		return nil, kept{}, fmt.Errorf("%s: it is not about %v", path, id)
	}
	const most = 1<<31 - 1
	tree, found := zonefile.Load(os.DirFS(k.dir), is.File, zonefile.Options{Origin: id.Origin, Prefix: k.dir, MaxFile: most, MaxRecords: most})
	if tree == nil || tree.Failed() {
		for _, f := range found {
			return nil, is, f
		}
		return nil, is, fmt.Errorf("%s cannot be read", filepath.Join(k.dir, is.File))
	}
	build := zones.NewBuilder(id)
	build.Add(tree.Records()...)
	z, err := build.Freeze()
	if err != nil {
		return nil, is, fmt.Errorf("%s: %w", filepath.Join(k.dir, is.File), err)
	}
	if z.Digest().String() != is.Digest {
		return nil, is, fmt.Errorf("%s is not what was written: it was changed or damaged", filepath.Join(k.dir, is.File))
	}
	return z, is, nil
}
