package daemon

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/updates"
	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/zonefile"
)

// ZoneFile is a zone that is served without a workspace.
type ZoneFile struct {
	Origin zones.Name
	Path   string
}

// Now is the only instant of zone files that are served without a workspace.
const Now = "now"

// ZoneFiles returns the Loader of zone files in the view internet. A file
// whose stamps did not change is not read again; a bad one is served in its
// last good version, and the notes say why.
func ZoneFiles(files []ZoneFile, includeRoot string, c Clock) Loader {
	return func(ctx context.Context, prev *Loaded, _ map[string][]byte) (*Loaded, error) {
		out := &Loaded{stamps: map[zones.ID][]stamp{}}
		var zs []*zones.Zone
		var bad []error
		for _, f := range files {
			id := zones.ID{Origin: f.Origin, View: zones.Internet}
			out.homes = append(out.homes, updates.Home{ID: id, Read: func() (updates.Read, error) { return readMaster(f, includeRoot) }})
			last, seen := prev.zone(Now, id)
			if last != nil && len(seen) > 0 && slices.Equal(seen, stamps(paths(seen))) {
				out.stamps[id] = seen
				zs = append(zs, last)
				continue
			}
			z, fs, ss, err := readZoneFile(ctx, f, includeRoot, c)
			if err != nil {
				return nil, err
			}
			for _, one := range fs {
				if one.Severity >= finding.Warning {
					out.Notes = append(out.Notes, one.String())
				}
			}
			switch {
			case z != nil:
				out.stamps[id] = ss
			case last != nil:
				z = last
				out.failed = append(out.failed, ss...)
				out.stamps[id] = nil
				out.Notes = append(out.Notes, fmt.Sprintf("%v: the file has errors; serial %d, read before, is still served", id, z.Serial()))
			default:
				bad = append(bad, fmt.Errorf("%v: not served, its file has errors", id))
				continue
			}
			zs = append(zs, z)
		}
		if len(bad) > 0 {
			return nil, errors.Join(append([]error{errors.New(strings.Join(out.Notes, "\n"))}, bad...)...)
		}
		w, err := zones.NewWorld(zs...)
		if err != nil {
			return nil, err
		}
		out.Worlds = map[string]zones.World{Now: w}
		return out, nil
	}
}

// zone returns what was read last of a zone, and its files' stamps.
func (l *Loaded) zone(at string, id zones.ID) (*zones.Zone, []stamp) {
	if l == nil {
		return nil, nil
	}
	return l.Worlds[at].Zone(id), l.stamps[id]
}

func paths(ss []stamp) []string {
	ps := make([]string, len(ss))
	for i, s := range ss {
		ps[i] = s.path
	}
	return ps
}

// readZoneFile reads one zone when its files stand still; a nil zone means
// that the findings hold errors.
func readZoneFile(ctx context.Context, f ZoneFile, includeRoot string, c Clock) (z *zones.Zone, found []finding.Finding, ss []stamp, err error) {
	ss, err = settle(ctx, c, func() []string {
		z, found = nil, nil
		root, name, abs, err := zonefile.OpenRoot(f.Path, includeRoot)
		if err != nil {
			found = []finding.Finding{{ID: "Z-FILE", Severity: finding.Block, At: zones.Place{File: f.Path}, Found: err.Error()}}
			return []string{f.Path}
		}
		defer root.Close()
		prefix := strings.TrimSuffix(filepath.ToSlash(f.Path), name)
		tree, fs := zonefile.Load(root.FS(), name, zonefile.Options{Origin: f.Origin, Prefix: prefix, Root: abs})
		found = fs
		if tree == nil {
			return []string{f.Path}
		}
		one, more := tree.Zone(zones.Internet)
		found = append(found, more...)
		if one != nil && !finding.Failed(found) {
			z = one
		}
		var touched []string
		for _, file := range tree.Files() {
			touched = append(touched, filepath.Join(abs, filepath.FromSlash(file.Name())))
		}
		return touched
	})
	return z, found, ss, err
}

// readMaster reads a zone file as updates need it.
func readMaster(f ZoneFile, includeRoot string) (r updates.Read, err error) {
	root, name, abs, err := zonefile.OpenRoot(f.Path, includeRoot)
	if err != nil {
		return r, err
	}
	defer root.Close()
	tree, fs := zonefile.Load(root.FS(), name, zonefile.Options{Origin: f.Origin, Prefix: strings.TrimSuffix(filepath.ToSlash(f.Path), name), Root: abs})
	if tree != nil {
		var more []finding.Finding
		r.Zone, more = tree.Zone(zones.Internet)
		fs = append(fs, more...)
	}
	for _, one := range fs {
		if one.Severity >= finding.Error {
			return r, one
		}
	}
	r.Tree, r.Path = tree, func(name string) string { return filepath.Join(abs, filepath.FromSlash(name)) }
	return r, nil
}

// FilesKey names a set of zone files and followed zones: the first origin in
// clear, a hash of all origins, absolute paths and primaries behind it.
func FilesKey(files []ZoneFile, follows []workspace.Follow) string {
	h := sha256.New()
	for _, f := range files {
		p, err := filepath.Abs(f.Path)
		if err != nil {
			p = f.Path
		}
		fmt.Fprintf(h, "%s=%s\n", f.Origin, p)
	}
	origin := zones.Root()
	for _, f := range slices.Backward(follows) {
		fmt.Fprintf(h, "%v=%v\n", f.ID, f.Primaries)
		origin = f.ID.Origin
	}
	if len(files) > 0 {
		origin = files[0].Origin
	}
	name := "root"
	if !origin.IsRoot() {
		name = strings.ReplaceAll(origin.Text(), "/", "_")
	}
	return fmt.Sprintf("%s-%x", name, h.Sum(nil)[:6])
}
