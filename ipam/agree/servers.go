package agree

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// servers finds zones whose name servers all stand at one site, or at sites
// without backup power alone (P-NS; RFC 2182 3.1). Where one of them stands is
// known from the block of its address; a server whose site is not known may
// stand anywhere, and then nothing is said (AGREE-SILENT).
func (c *checking) servers() {
	bySite := map[zones.View]map[zones.Name][]string{} // of each name with addresses, the sites
	for _, r := range c.records {
		if bySite[r.view] == nil {
			bySite[r.view] = map[zones.Name][]string{}
		}
		site := ""
		if len(r.in) > 0 {
			site = r.in[0].site()
		}
		bySite[r.view][r.name] = append(bySite[r.view][r.name], c.key(site))
	}
	all := slices.SortedFunc(c.in.World.All(), func(a, b *zones.Zone) int {
		return cmp.Or(cmp.Compare(a.View(), b.View()), a.Origin().Compare(b.Origin()))
	})
	for _, z := range all {
		set, ok := z.Lookup(z.Origin(), zones.TypeNS)
		if !ok {
			continue
		}
		var at []string
		known := true
		for i := range set.Len() {
			target, _, err := zones.NameFromWire([]byte(set.Data(i)))
			sites := bySite[z.View()][target]
			known = known && err == nil && len(sites) > 0 && !slices.Contains(sites, "")
			at = append(at, sites...)
		}
		if !known {
			continue
		}
		slices.Sort(at)
		at = slices.Compact(at)
		f := finding.Finding{ID: "P-NS", Severity: finding.Error, At: set.From(0).Place, Mend: "let a server at another site, with backup power, serve the zone too"}
		switch {
		case !slices.ContainsFunc(at, func(s string) bool { return !c.dark(s) }):
			f.Found = fmt.Sprintf("%v: every name server stands where there is no backup power: %s", z.ID(), c.titles(at))
		case len(at) == 1:
			f.Found = fmt.Sprintf("%v: every name server stands at one site: %s", z.ID(), c.titles(at))
		default:
			continue
		}
		c.say(f, "%v: %s", z.ID(), c.titles(at))
	}
}

// site is the site that a text names, by its key or its title.
func (c *checking) site(text string) (Site, bool) {
	for _, s := range c.in.Sites {
		if s.Key == text || s.Title != "" && strings.EqualFold(s.Title, text) {
			return s, true
		}
	}
	return Site{}, false
}

// key is the key of the site that a text names, else the text.
func (c *checking) key(text string) string {
	if s, ok := c.site(text); ok {
		return s.Key
	}
	return text
}

// dark tells whether a site is known to have no backup power.
func (c *checking) dark(key string) bool {
	s, ok := c.site(key)
	return ok && !s.BackupPower
}

func (c *checking) titles(keys []string) string {
	var out []string
	for _, k := range keys {
		if s, ok := c.site(k); ok && s.Title != "" {
			k = s.Title
		}
		out = append(out, k)
	}
	return strings.Join(out, ", ")
}
