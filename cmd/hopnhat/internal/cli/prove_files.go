package cli

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/mapping"
	"gialai.gov.vn/hopnhat/zones/proof"
	"gialai.gov.vn/hopnhat/zones/zonefile"
)

// input reads the zones and the maps.
func (o *prove) input() (proof.Input, error) {
	var in proof.Input
	if len(o.old) == 0 || len(o.new) == 0 {
		return in, errors.New("give at least one --old FILE and one --new FILE")
	}
	read := o.readAll(slices.Concat(o.old, o.new))
	for i, files := range [][]string{o.old, o.new} {
		var zs []*zones.Zone
		for _, f := range files {
			x := read[0]
			read = read[1:]
			o.tell(x.told, finding.Warning)
			if x.err != nil {
				return in, x.err
			}
			if j := slices.IndexFunc(zs, func(y *zones.Zone) bool { return y.ID() == x.zone.ID() }); j >= 0 {
				return in, fmt.Errorf("%s and %s both hold the zone %s; give one of them", files[j], f, x.zone.Origin().Text())
			}
			zs = append(zs, x.zone)
		}
		w, err := zones.NewWorld(zs...)
		if err != nil {
			return in, err
		}
		if i == 0 {
			in.Before = w
		} else {
			in.After = w
		}
	}
	for _, m := range o.maps {
		r, err := parseMap(m)
		if err != nil {
			return in, err
		}
		if i := slices.IndexFunc(in.Mapping.Rules, func(x mapping.Rule) bool { return x.From == r.From }); i >= 0 {
			return in, fmt.Errorf("--map %s: %s is renamed by another --map already", m, r.From)
		}
		in.Mapping.Rules = append(in.Mapping.Rules, r)
		if t := r.To[0].Name; !slices.Contains(in.Mapping.Targets, t) {
			in.Mapping.Targets = append(in.Mapping.Targets, t)
		}
	}
	slices.SortStableFunc(in.Mapping.Rules, func(a, b mapping.Rule) int { return cmp.Compare(b.From.Name.Labels(), a.From.Name.Labels()) })
	return in, nil
}

// parseMap reads OLDSUFFIX=NEWSUFFIX.
func parseMap(s string) (mapping.Rule, error) {
	from, to, ok := strings.Cut(s, "=")
	if !ok || from == "" || to == "" {
		return mapping.Rule{}, fmt.Errorf("--map %s: write OLDSUFFIX=NEWSUFFIX, such as binhdinh.gov.vn=gialai.gov.vn", s)
	}
	r := mapping.Rule{Subtree: true, To: make([]mapping.Pattern, 1)}
	for i, t := range []string{from, to} {
		n, err := zones.ParseName(t)
		if err != nil {
			return r, fmt.Errorf("--map %s: %q is no name: %w", s, t, err)
		}
		if i == 0 {
			r.From.Name = n
		} else {
			r.To[0].Name = n
		}
	}
	return r, nil
}

// fileRead is what came of one file.
type fileRead struct {
	zone *zones.Zone
	told []finding.Finding
	err  error
}

// readAll reads files, several at a time.
func (o *prove) readAll(files []string) []fileRead {
	out := make([]fileRead, len(files))
	free := make(chan struct{}, runtime.GOMAXPROCS(0))
	var group sync.WaitGroup
	for i, f := range files {
		free <- struct{}{}
		group.Go(func() {
			defer func() { <-free }()
			out[i] = readZone(f)
		})
	}
	group.Wait()
	return out
}

// readZone reads one file. Its origin is what it states, else its SOA's owner,
// else what its name says.
func readZone(file string) fileRead {
	told, z, err := loadZone(file, zones.Name{})
	if z != nil || err != nil {
		return fileRead{z, told, err}
	}
	origins := soaOwner(file)
	if n, err := (&zoneFile{}).name(file); err == nil {
		origins = append(origins, n)
	}
	for i, origin := range origins {
		fs, z, err := loadZone(file, origin)
		if z != nil || err != nil {
			return fileRead{z, fs, err}
		}
		if i == 0 {
			told = fs // what is wrong with the file, and not with its origin
		}
	}
	return fileRead{told: told, err: fmt.Errorf("%s is not read as a zone; what is wrong stands above", file)}
}

// loadZone reads a file with an origin; without a zone the findings say why.
func loadZone(file string, origin zones.Name) ([]finding.Finding, *zones.Zone, error) {
	tree, fs, err := loadTree(file, origin)
	if err != nil {
		return nil, nil, err
	}
	var z *zones.Zone
	if tree != nil {
		var more []finding.Finding
		z, more = tree.Zone(zones.Internet)
		fs = append(fs, more...)
	}
	if finding.Failed(fs) {
		z = nil
	}
	finding.Sort(fs)
	return fs, z, nil
}

func loadTree(file string, origin zones.Name) (*zonefile.Tree, []finding.Finding, error) {
	root, name, abs, err := zonefile.OpenRoot(file, "")
	if err != nil {
		return nil, nil, err
	}
	prefix := strings.TrimSuffix(filepath.ToSlash(file), name)
	tree, fs := zonefile.Load(root.FS(), name, zonefile.Options{Origin: origin, Prefix: prefix, Root: abs})
	return tree, fs, root.Close()
}

// soaOwner is the owner of a file's one SOA record, where it is written whole:
// whatever the origin is, it is the same.
func soaOwner(file string) []zones.Name {
	var owners []zones.Name
	for _, origin := range []zones.Name{zones.Root(), zones.MustName("origin.invalid")} {
		tree, _, err := loadTree(file, origin)
		if err != nil || tree == nil {
			return nil
		}
		for _, r := range tree.Records() {
			if r.Type == zones.TypeSOA {
				owners = append(owners, r.Owner)
			}
		}
	}
	if len(owners) != 2 || owners[0] != owners[1] {
		return nil
	}
	return owners[:1]
}
