package transfer

import (
	"fmt"
	"slices"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// Member is one zone that a catalog names (RFC 9432 4.1).
type Member struct {
	Zone   zones.Name
	Label  string     // the unique label, as octets
	Groups []string   // sorted; RFC 9432 4.3.2: what a group means is its reader's matter
	Owner  zones.Name // the catalog that it changes over to (4.3.1); zero: none
	From   zones.Place
}

// Members lists the zones that a catalog zone names, by name. A catalog that
// breaks RFC 9432 gives none of them; each thing that breaks it is a finding.
func Members(catalog *zones.Zone) ([]Member, []finding.Finding) {
	c := reader{apex: catalog.Origin(), members: map[string]*Member{}}
	c.version(catalog)
	list, err := c.apex.Child("zones")
	if err != nil {
		c.fault(zones.Place{}, "the catalog's name is too long for members", "choose a shorter one")
		return nil, c.finds
	}
	for set := range catalog.All() {
		if set.Owner().Below(list) && set.Owner().Labels() == list.Labels()+1 && set.Type() == zones.TypePTR {
			c.member(set)
		}
	}
	for set := range catalog.All() {
		if set.Owner().Below(list) && set.Owner().Labels() == list.Labels()+2 {
			c.property(set)
		}
	}
	var ms []Member
	twice := map[zones.Name]zones.Place{}
	for _, m := range c.members {
		ms = append(ms, *m)
	}
	slices.SortFunc(ms, func(a, b Member) int {
		if d := a.Zone.Compare(b.Zone); d != 0 {
			return d
		}
		return slices.Compare([]byte(a.Label), []byte(b.Label))
	})
	for _, m := range ms {
		if first, ok := twice[m.Zone]; ok {
			c.fault(m.From, fmt.Sprintf("%v is a member twice, also at %v", m.Zone.Text(), first), "remove one (RFC 9432 4.1)")
		}
		twice[m.Zone] = m.From
	}
	if finding.Failed(c.finds) {
		return nil, c.finds
	}
	return ms, c.finds
}

// reader gathers what a catalog says.
type reader struct {
	apex    zones.Name
	members map[string]*Member // by label
	finds   []finding.Finding
}

func (c *reader) fault(at zones.Place, found, mend string) {
	c.finds = append(c.finds, finding.Finding{ID: "X-CATALOG", Severity: finding.Error, At: at, Found: found, Mend: mend})
}

// version holds the schema to 2 (RFC 9432 4.2.1).
func (c *reader) version(z *zones.Zone) {
	soa, _ := z.Lookup(c.apex, zones.TypeSOA)
	at := soa.From(0).Place
	owner, err := c.apex.Child("version")
	set, ok := z.Lookup(owner, zones.TypeTXT)
	switch {
	case err != nil || !ok:
		c.fault(at, "this is no catalog zone: version."+c.apex.Text()+" has no TXT record", "name the catalog zone, or give a list of zones (RFC 9432 4.2.1)")
	case set.Len() != 1:
		c.fault(set.From(1).Place, "the catalog states its version more than once", `keep one: version TXT "2" (RFC 9432 4.2.1)`)
	case set.Data(0) != "\x012":
		c.fault(set.From(0).Place, "the catalog is of version "+rdata.Text(zones.TypeTXT, set.Data(0))+", which is not read", `version 2 is (RFC 9432): on BIND 9.18 and Knot 3.2 set version TXT "2"`)
	}
}

// member takes the PTR records of one member.
func (c *reader) member(set zones.RRset) {
	if set.Len() != 1 {
		c.fault(set.From(1).Place, fmt.Sprintf("%v has %d PTR records", set.Owner().Text(), set.Len()), "keep one: each member has its own label (RFC 9432 4.1)")
		return
	}
	n, _, err := zones.NameIn(set.Data(0))
	if err != nil {
		c.fault(set.From(0).Place, "a PTR record that cannot be read", "write the member's name")
		return
	}
	label := set.Owner().First()
	c.members[label] = &Member{Zone: n, Label: label, From: set.From(0).Place}
}

// property takes a property of a member; those that RFC 9432 does not know
// are passed over, as it asks (4.2).
func (c *reader) property(set zones.RRset) {
	parent, _ := set.Owner().Parent()
	m := c.members[parent.First()]
	if m == nil {
		return
	}
	switch {
	case set.Owner().First() == "group" && set.Type() == zones.TypeTXT:
		for i := range set.Len() {
			m.Groups = append(m.Groups, joined(set.Data(i)))
		}
		slices.Sort(m.Groups)
	case set.Owner().First() == "coo" && set.Type() == zones.TypePTR:
		n, _, err := zones.NameIn(set.Data(0))
		if set.Len() != 1 || err != nil {
			c.fault(set.From(0).Place, fmt.Sprintf("%v does not name one catalog", set.Owner().Text()), "keep one PTR record (RFC 9432 4.3.1)")
			return
		}
		m.Owner = n
	}
}

// joined puts the strings of TXT data together.
func joined(data string) string {
	var b []byte
	for i := 0; i < len(data); i += 1 + int(data[i]) {
		b = append(b, data[i+1:i+1+int(data[i])]...)
	}
	return string(b)
}
