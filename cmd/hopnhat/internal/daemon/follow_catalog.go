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
	"strings"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/transfer"
)

// subscriptions are the zones that catalogs of others have us follow (RFC 9432),
// by view. What was held is kept in a file, so that a server that starts again
// knows which catalog each zone came by; Daemon.mu guards them.
type subscriptions struct {
	file string // "" keeps nothing
	held map[zones.View]transfer.Holdings
}

const subscriptionsVersion = 1

type subscriptionsFile struct {
	Version int              `json:"version"`
	Members []subscribedZone `json:"members"`
}

type subscribedZone struct {
	Zone    string     `json:"zone"`
	View    zones.View `json:"view"`
	Catalog string     `json:"catalog"`
	Label   []byte     `json:"label"`
	Groups  [][]byte   `json:"groups,omitempty"`
}

// newSubscriptions reads what was held. A file that is damaged costs nothing but
// the memory of hand-overs: the catalogs say again what is to be followed.
func newSubscriptions(state string) (*subscriptions, error) {
	s := &subscriptions{held: map[zones.View]transfer.Holdings{}}
	if state == "" {
		return s, nil
	}
	s.file = filepath.Join(state, "members.json")
	b, err := os.ReadFile(s.file)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	var f subscriptionsFile
	if err == nil {
		err = json.Unmarshal(b, &f)
	}
	if err == nil && f.Version != subscriptionsVersion {
		err = fmt.Errorf("version %d where %d is known", f.Version, subscriptionsVersion)
	}
	for _, m := range f.Members {
		zone, err1 := zones.ParseName(m.Zone)
		catalog, err2 := zones.ParseName(m.Catalog)
		if err = errors.Join(err, err1, err2); err != nil {
			break
		}
		h := transfer.Holding{Catalog: catalog, Label: string(m.Label)}
		for _, g := range m.Groups {
			h.Groups = append(h.Groups, string(g))
		}
		s.take(m.View, zone, h)
	}
	if err != nil {
		s.held = map[zones.View]transfer.Holdings{}
		return s, fmt.Errorf("%s: %w; the catalogs are read anew", s.file, err)
	}
	return s, nil
}

func (s *subscriptions) take(v zones.View, zone zones.Name, h transfer.Holding) {
	if s.held[v] == nil {
		s.held[v] = transfer.Holdings{}
	}
	s.held[v][zone] = h
}

// save writes what is held, whole or not at all.
func (s *subscriptions) save() error {
	if s.file == "" {
		return nil
	}
	f := subscriptionsFile{Version: subscriptionsVersion}
	for v, held := range s.held {
		for zone, h := range held {
			m := subscribedZone{Zone: zone.Text(), View: v, Catalog: h.Catalog.Text(), Label: []byte(h.Label)}
			for _, g := range h.Groups {
				m.Groups = append(m.Groups, []byte(g))
			}
			f.Members = append(f.Members, m)
		}
	}
	slices.SortFunc(f.Members, func(a, b subscribedZone) int {
		return strings.Compare(string(a.View)+" "+a.Zone, string(b.View)+" "+b.Zone)
	})
	b, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(s.file), 0o755); err != nil {
		return err
	}
	return workspace.WriteFile(s.file, append(b, '\n'))
}

// with adds the zones that are held to those that the configuration follows, from
// the primaries of their catalogs. What is configured otherwise, and whose catalog
// is not configured any more, is left out.
func (s *subscriptions) with(t Transfers, own func(zones.ID) bool) Transfers {
	catalogs := map[zones.ID]workspace.Follow{}
	for _, f := range t.Follows {
		if f.Catalog {
			catalogs[f.ID] = f
		}
	}
	follows := slices.Clone(t.Follows)
	for v, held := range s.held {
		for zone, h := range held {
			f, ok := catalogs[zones.ID{Origin: h.Catalog, View: v}]
			if id := (zones.ID{Origin: zone, View: v}); ok && !own(id) {
				f.ID, f.Catalog = id, false
				follows = append(follows, f)
			}
		}
	}
	t.Follows = follows
	return t
}

// owner tells of zones that are followed by the configuration, or that files
// say, which is what worlds without followed zones hold.
func owner(t Transfers, worlds map[string]zones.World) func(zones.ID) bool {
	return func(id zones.ID) bool {
		if slices.ContainsFunc(t.Follows, func(f workspace.Follow) bool { return f.ID == id }) {
			return true
		}
		for _, w := range worlds {
			if w.Zone(id) != nil {
				return true
			}
		}
		return false
	}
}

// own is owner for what is published. The caller holds d.mu.
func (d *Daemon) own(id zones.ID) bool {
	none := map[string]zones.World{}
	if d.follows.runs[id] == nil {
		none = d.loaded.Worlds
	}
	return owner(d.loaded.Transfers, none)(id)
}

// subscribeAll has every catalog that is there say what is to be followed, and
// forgets what came by catalogs that are configured no more. The caller holds
// d.mu.
func (d *Daemon) subscribeAll() {
	configured := map[zones.ID]bool{}
	for _, f := range d.loaded.Transfers.Follows {
		configured[f.ID] = f.Catalog
	}
	for v, held := range d.subs.held {
		kept := maps.Clone(held)
		maps.DeleteFunc(kept, func(_ zones.Name, h transfer.Holding) bool { return !configured[zones.ID{Origin: h.Catalog, View: v}] })
		if len(kept) < len(held) {
			d.subs.held[v] = kept
			d.keepSubscriptions()
		}
	}
	for _, conf := range d.loaded.Transfers.Follows {
		if f := d.follows.runs[conf.ID]; conf.Catalog && f != nil && f.served {
			d.subscribe(conf.ID, f.zone)
		}
	}
}

// subscribe does what a catalog that came says, and what the catalogs say that it
// hands zones over to: two that change at once come in any order. The caller holds
// d.mu.
func (d *Daemon) subscribe(id zones.ID, z *zones.Zone) {
	heard := map[zones.ID]bool{}
	for queue := []zones.ID{id}; len(queue) > 0; queue = queue[1:] {
		if heard[queue[0]] {
			continue
		}
		heard[queue[0]] = true
		if queue[0] != id {
			f := d.follows.runs[queue[0]]
			if f == nil || !f.conf.Catalog || !f.served {
				continue
			}
			z = f.zone
		}
		for _, owner := range d.listen(queue[0], z) {
			queue = append(queue, zones.ID{Origin: owner, View: id.View})
		}
	}
}

// listen does what one catalog says, and tells whom it hands zones over to.
func (d *Daemon) listen(id zones.ID, z *zones.Zone) (owners []zones.Name) {
	members, finds := transfer.Members(z)
	d.findings(finds)
	if finding.Failed(finds) {
		fmt.Fprintf(d.o.Log, "the catalog %v, serial %d, is broken: the zones that came by it stay as they are\n", id, z.Serial())
		return nil
	}
	var others []transfer.Catalog
	for _, conf := range d.loaded.Transfers.Follows {
		f := d.follows.runs[conf.ID]
		if !conf.Catalog || conf.ID == id || conf.ID.View != id.View || f == nil || !f.served {
			continue
		}
		if ms, fs := transfer.Members(f.zone); !finding.Failed(fs) {
			others = append(others, transfer.Catalog{Name: conf.ID.Origin, Members: ms})
		}
	}
	own := func(n zones.Name) bool { return d.own(zones.ID{Origin: n, View: id.View}) }
	next, steps, finds := d.subs.held[id.View].Follow(transfer.Catalog{Name: id.Origin, Members: members}, others, own)
	d.findings(finds)
	if len(steps) > 0 {
		d.turn(id.View, next, steps)
	}
	for _, m := range members {
		if !m.Owner.IsZero() && next[m.Zone].Catalog == id.Origin && !slices.Contains(owners, m.Owner) {
			owners = append(owners, m.Owner)
		}
	}
	return owners
}

// turn follows what is held now. What leaves, and what begins anew, is forgotten on
// the disk before it is noted that it did.
func (d *Daemon) turn(v zones.View, next transfer.Holdings, steps []transfer.CatalogStep) {
	gone := map[zones.ID]bool{}
	for _, s := range steps {
		id := zones.ID{Origin: s.Zone, View: v}
		if d.own(id) { // it is configured now, and what it is here stays
			fmt.Fprintf(d.o.Log, "%v is the catalog %s's no more: it is configured here\n", id, s.Was.Catalog.Text())
			continue
		}
		fmt.Fprintln(d.o.Log, said(id, s))
		if s.Do != transfer.Leave && s.Do != transfer.Reset {
			continue
		}
		gone[id] = true
		if f := d.follows.runs[id]; f != nil {
			f.forget()
			delete(d.follows.runs, id)
		} else {
			d.follows.keep.remove(id)
		}
	}
	d.subs.held[v] = next
	d.keepSubscriptions()
	// What is gone is published still, and nobody's.
	d.follows.set(d.subs.with(d.loaded.Transfers, func(id zones.ID) bool { return !gone[id] && d.own(id) }))
	if len(gone) == 0 && !slices.ContainsFunc(steps, func(s transfer.CatalogStep) bool { return s.Do == transfer.Join }) {
		return
	}
	if err := d.show(func(w zones.World) zones.World {
		w = without(w, gone)
		for _, s := range steps { // what was kept of one that joins is there at once
			if f := d.follows.runs[zones.ID{Origin: s.Zone, View: v}]; s.Do == transfer.Join && f != nil && f.served {
				w = w.With(f.zone)
			}
		}
		return w
	}, v); err != nil {
		fmt.Fprintf(d.o.Log, "what the catalogs say is not published: %v\n", err)
	}
}

func (d *Daemon) keepSubscriptions() {
	if err := d.subs.save(); err != nil {
		fmt.Fprintf(d.o.Log, "which catalog each zone came by cannot be kept over a restart: %v\n", err)
	}
}

func (d *Daemon) findings(fs []finding.Finding) {
	for _, f := range fs {
		if f.Severity >= finding.Warning {
			fmt.Fprintln(d.o.Log, f)
		}
	}
}

// said puts a step into words.
func said(id zones.ID, s transfer.CatalogStep) string {
	switch s.Do {
	case transfer.Join:
		return fmt.Sprintf("%v is followed: it came with the catalog %s", id, s.Now.Catalog.Text())
	case transfer.Leave:
		return fmt.Sprintf("%v is followed no more, and is forgotten: the catalog %s dropped it", id, s.Was.Catalog.Text())
	case transfer.Reset:
		return fmt.Sprintf("%v begins anew: the catalog %s gives it a new label", id, s.Now.Catalog.Text())
	case transfer.Hand:
		return fmt.Sprintf("%v was handed over by the catalog %s to %s", id, s.Was.Catalog.Text(), s.Now.Catalog.Text())
	}
	return fmt.Sprintf("%v has the groups %q in the catalog %s", id, s.Now.Groups, s.Now.Catalog.Text())
}
