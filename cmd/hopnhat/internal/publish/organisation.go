package publish

import (
	"fmt"
	"slices"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/merge"
)

// Organisation is one of those that merge: the zones that are brought in from it,
// and what it has in others under new names.
type Organisation struct {
	Name  string // its zone, and its sources by their keys
	Zones map[zones.ID]bool
	Sets  map[zones.ID]map[zones.Key]bool // none of Zones
}

// Organisations are those of the sources of some ledgers together. There is one for
// each origin of a source's zone: all sources of that zone, in any view, and of
// zones below it. So a province has what its towns have.
func Organisations(ledgers ...merge.Ledger) []Organisation {
	sources := map[zones.ID][]string{}
	for _, l := range ledgers {
		for _, e := range l.Entries() {
			if !slices.Contains(sources[e.Zone], e.Source) {
				sources[e.Zone] = append(sources[e.Zone], e.Source)
			}
		}
	}
	at := map[zones.Name]*Organisation{}
	keys := map[zones.Name][]string{}
	for id := range sources {
		at[id.Origin] = &Organisation{Zones: map[zones.ID]bool{}, Sets: map[zones.ID]map[zones.Key]bool{}}
	}
	// above gives the organisations that an origin of a source belongs to.
	above := func(n zones.Name) (out []*Organisation) {
		for ok := true; ok; n, ok = n.Parent() {
			if o := at[n]; o != nil {
				out = append(out, o)
			}
		}
		return out
	}
	of := map[zones.ID][]*Organisation{}
	for id, names := range sources {
		of[id] = above(id.Origin)
		for n, ok := id.Origin, true; ok; n, ok = n.Parent() {
			keys[n] = append(keys[n], names...)
		}
		for _, o := range of[id] {
			o.Zones[id] = true
		}
	}
	for _, l := range ledgers {
		for _, e := range l.Entries() {
			if !e.Stands() {
				continue
			}
			for _, o := range of[e.Zone] {
				if o.Zones[e.Target] {
					continue
				}
				sets := o.Sets[e.Target]
				if sets == nil {
					sets = map[zones.Key]bool{}
					o.Sets[e.Target] = sets
				}
				sets[zones.Key{Owner: e.New.Owner, Type: e.New.Type}] = true
			}
		}
	}
	var out []Organisation
	for n, o := range at {
		o.Name = fmt.Sprintf("the organisation of %s (%s)", n.Text(), listed(keys[n]))
		out = append(out, *o)
	}
	slices.SortFunc(out, func(a, b Organisation) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// listed names some keys, the first by the alphabet.
func listed(keys []string) string {
	slices.Sort(keys)
	keys = slices.Compact(keys)
	word, more := "source", ""
	if len(keys) > 1 {
		word = "sources"
	}
	if n := len(keys) - shown; n > 0 {
		keys, more = keys[:shown], fmt.Sprintf(" and %d more", n)
	}
	return word + " " + strings.Join(keys, ", ") + more
}

// count tells how many of some RRsets are the organisation's.
func (o Organisation) count(ps []place) (n int) {
	for _, p := range ps {
		if o.Zones[p.zone] || o.Sets[p.zone][p.key] {
			n++
		}
	}
	return n
}

// size counts the RRsets that the organisation has in a world.
func (o Organisation) size(w zones.World) (n int) {
	for id := range o.Zones {
		if z := w.Zone(id); z != nil {
			_, sets, _ := z.Counts()
			n += sets
		}
	}
	for id, sets := range o.Sets {
		z := w.Zone(id)
		if z == nil {
			continue
		}
		for k := range sets {
			if _, ok := z.Lookup(k.Owner, k.Type); ok {
				n++
			}
		}
	}
	return n
}
