package daemon

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/transfer"
)

// listedZones is what was last published of one catalog: its serial, and the
// label of each member by name.
type listedZones struct {
	Serial  zones.Serial      `json:"serial"`
	Digest  string            `json:"digest"` // of the catalog without its serial
	Members map[string]string `json:"members"`
}

// catalogs makes the catalogs that are configured (LABEL-STAYS). Labels and
// serials are kept in a file of the state folder, which all servers of that
// folder share, as they share the served serials.
type catalogs struct {
	dir string // "" keeps them in memory
	now func() time.Time
	m   map[string]listedZones
}

const catalogsVersion = 1

type catalogsFile struct {
	Version  int                    `json:"version"`
	Catalogs map[string]listedZones `json:"catalogs"`
}

// into adds the catalogs to the worlds, made of the zones that are there and of
// those that are followed. What it published it keeps on the disk before it
// returns.
func (c *catalogs) into(l *Loaded) error {
	if len(l.Transfers.Catalogs) == 0 {
		return nil
	}
	unlock, err := c.open()
	if err != nil {
		return fmt.Errorf("the labels of catalogs cannot be kept: %w", err)
	}
	defer unlock()
	worlds, changed := maps.Clone(l.Worlds), false
	for _, at := range slices.Sorted(maps.Keys(worlds)) {
		w := worlds[at]
		all := membersOf(l.Transfers, w)
		for _, conf := range l.Transfers.Catalogs {
			if w.Zone(conf.ID) != nil {
				return fmt.Errorf("the catalog %v has the name of a zone; choose another", conf.ID)
			}
			z, moved, err := c.make(at, conf, l.Transfers.Catalogs, all)
			if err != nil {
				return err
			}
			changed = changed || moved
			worlds[at] = worlds[at].With(z)
			for _, n := range conf.Zones {
				if !slices.Contains(all[conf.ID.View], n) {
					l.Notes = append(l.Notes, fmt.Sprintf("the catalog %v names %s, which is not served %s", conf.ID, n.Text(), at))
				}
			}
		}
	}
	if changed {
		if err := c.save(); err != nil {
			return fmt.Errorf("the labels of catalogs cannot be kept: %w", err)
		}
	}
	l.Worlds = worlds
	return nil
}

// membersOf lists what catalogs of each view can name.
func membersOf(t Transfers, w zones.World) map[zones.View][]zones.Name {
	all := map[zones.View][]zones.Name{}
	for z := range w.All() {
		all[z.View()] = append(all[z.View()], z.Origin())
	}
	for _, f := range t.Follows { // there or not: those behind us go on with what they have
		if !f.Catalog {
			all[f.ID.View] = append(all[f.ID.View], f.ID.Origin)
		}
	}
	return all
}

// make makes one catalog, and tells whether it differs from what was published.
func (c *catalogs) make(at string, conf workspace.Catalog, others []workspace.Catalog, all map[zones.View][]zones.Name) (z *zones.Zone, changed bool, err error) {
	key := at + " " + conf.ID.String()
	was, known := c.m[key]
	var before, members []transfer.Member
	for n, label := range was.Members {
		if name, err := zones.ParseName(n); err == nil {
			before = append(before, transfer.Member{Zone: name, Label: label})
		}
	}
	for _, n := range all[conf.ID.View] {
		if !conf.Has(zones.ID{Origin: n, View: conf.ID.View}) {
			continue
		}
		m := transfer.Member{Zone: n, Label: c.carried(at, n, conf, others)}
		for _, g := range conf.Groups {
			if slices.Contains(g.Zones, n) {
				m.Groups = append(m.Groups, g.Text)
			}
		}
		for _, move := range conf.Moves {
			if slices.Contains(move.Zones, n) {
				m.Owner = move.To
			}
		}
		members = append(members, m)
	}
	// Later than all before, even where the file that told them is gone.
	serial := zones.Serial(c.now().Unix())
	if known && !was.Serial.Before(serial) {
		serial = was.Serial.Next()
	}
	members = transfer.Labelled(before, members, serial)
	if z, err = transfer.MakeCatalog(conf.ID, serial, members); err != nil {
		return nil, false, err
	}
	digest := z.WithSerial(0).Digest().String()
	if known && digest == was.Digest {
		return z.WithSerial(was.Serial), false, nil
	}
	now := listedZones{Serial: serial, Digest: digest, Members: map[string]string{}}
	for _, m := range members {
		now.Members[m.Zone.Text()] = m.Label
	}
	c.m[key] = now
	return z, true, nil
}

// carried is the label that a zone has in the catalog that hands it over to this
// one: with it, those who follow keep what they have of the zone (RFC 9432 4.3.1).
// It counts as long as the zone has no label here.
func (c *catalogs) carried(at string, n zones.Name, conf workspace.Catalog, others []workspace.Catalog) string {
	if _, here := c.m[at+" "+conf.ID.String()].Members[n.Text()]; here {
		return ""
	}
	for _, o := range others {
		for _, move := range o.Moves {
			if o.ID.View == conf.ID.View && move.To == conf.ID.Origin && slices.Contains(move.Zones, n) {
				return c.m[at+" "+o.ID.String()].Members[n.Text()]
			}
		}
	}
	return ""
}

func (c *catalogs) path() string { return filepath.Join(c.dir, "catalogs.json") }

// open takes the folder's lock and reads the file. A damaged one is an error:
// to begin anew would give every zone a new label, and those who follow would
// fetch all of them again.
func (c *catalogs) open() (unlock func(), err error) {
	if c.m == nil {
		c.m = map[string]listedZones{}
	}
	if c.dir == "" {
		return func() {}, nil
	}
	if unlock, err = lockState(c.dir, "catalogs.lock"); err != nil {
		return nil, err
	}
	b, err := os.ReadFile(c.path())
	if errors.Is(err, fs.ErrNotExist) {
		c.m = map[string]listedZones{}
		return unlock, nil
	}
	var f catalogsFile
	if err == nil {
		if err = json.Unmarshal(b, &f); err == nil && f.Version != catalogsVersion {
			err = fmt.Errorf("version %d where %d is known", f.Version, catalogsVersion)
		}
	}
	if err != nil {
		unlock()
		return nil, fmt.Errorf("%s: %w; restore the file, or remove it: then those who follow the catalogs fetch every zone anew", c.path(), err)
	}
	c.m = f.Catalogs
	if c.m == nil {
		c.m = map[string]listedZones{}
	}
	return unlock, nil
}

// save writes the state whole or not at all.
func (c *catalogs) save() error {
	if c.dir == "" {
		return nil
	}
	b, err := json.MarshalIndent(catalogsFile{catalogsVersion, c.m}, "", "  ")
	if err != nil {
		return err
	}
	return workspace.WriteFile(c.path(), append(b, '\n'))
}
