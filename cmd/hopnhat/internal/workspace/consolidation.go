package workspace

import (
	"net/netip"
	"time"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/mapping"
)

// Consolidation is what consolidation.yaml says, each list in the order of
// the file. It must not be changed.
type Consolidation struct {
	Mapping   mapping.Mapping // of the cutover, the first wave
	Documents []Document
	People    []Person
	Sites     []Site
	Sources   []Source
	Systems   []System
	Waves     []Wave
	Questions []Question
	Signing   []Signing
	Holidays  []time.Time // days that are no working days, besides weekends
	Timeline  Timeline

	Addresses     []AddressPlan
	Overlaps      []OverlapDecision
	Organisations []Organisation

	stages        []stage             // waves after the first that change names, by date
	sheets        []sheet             // reserved labels that are still to be read
	organisations []organisationSheet // read by Workspace.Addresses
}

// Document is what a decision cites.
type Document struct {
	Key, Title string
	Date       time.Time // the zero time where none is given
	At         zones.Place
}

// Person is who decides or answers.
type Person struct {
	Key, Title string
	At         zones.Place
}

// Site is a data centre.
type Site struct {
	Key, Title        string
	IPv6, BackupPower bool
	At                zones.Place
}

// Source is a zone that is brought in.
type Source struct {
	Name     string // its key
	ID       zones.ID
	Kind     string         // "file", "bind", "windows", "axfr" or "sheet"
	Path     string         // inside the workspace, with slashes; for "axfr" the copy of the last import
	Server   netip.AddrPort // for "axfr": who is asked
	KeyFile  string         // for "axfr": the file with the TSIG key, inside the workspace; "" asks unsigned
	Checks   string         // the key of the source that this one is held against; it brings nothing itself
	BindView string         // BIND\'s own name of the view, where its tree has several
	Skip     []string       // for "windows": classes of records to leave out
	Columns  string         // for "sheet": the mapping file; "" guesses
	Servers  []zones.Name   // for "sheet": the zone's name servers, where the table states none
	TTL      uint32         // for "sheet": of rows that state none; 0 is an hour
	At       zones.Place

	line string // of the file, for messages
}

// System is one of the systems of the plan.
type System struct {
	Key   string
	No    int    // its number in the plan
	Quote string // the plan's own words
	State mapping.State
	Owner string // a key of people
	Doc   string // a key of documents
	Site  string // a key of sites; "" where none is given
	Names []mapping.Pattern
	At    zones.Place
}

// Covers tells whether a name belongs to the system.
func (s System) Covers(n zones.Name) bool {
	for _, p := range s.Names {
		if p.Match(n) {
			return true
		}
	}
	return false
}

// Wave is a date at which systems change.
type Wave struct {
	Name    string
	Date    time.Time // the cutover's, where the file says so
	Cutover bool
	Systems []string // keys of systems, all of them where the file says all
	State   mapping.State
	At      zones.Place
}

// Question is open and has an owner.
type Question struct {
	Key, Ask string
	Owner    string    // a key of people
	Due      time.Time // the zero time where none is given
	Blocks   bool      // nothing can be published before it is answered
	At       zones.Place
}

// readConsolidation reads consolidation.yaml, and the sheets that it names
// through open, which gives a sheet's name for messages and its octets. The
// value is of use only without an error.
func readConsolidation(file string, data []byte, open opener) (Consolidation, []finding.Finding) {
	d := &decoder{parsed: parse(file, data)}
	c := Consolidation{Timeline: defaultTimeline()}
	if !d.rooted() {
		return c, d.done()
	}
	m := &c.Mapping
	d.fields(d.root, file,
		must("version", d.version),
		must("cutover", func(n *node) { m.Cutover = d.date(n, "the cutover") }),
		must("targets", func(n *node) {
			d.listOrOne(n, "targets", func(n *node) { m.Targets = append(m.Targets, d.target(n, m.Targets)) })
		}),
		may("documents", func(n *node) { d.documents(n, &c) }),
		may("people", func(n *node) { d.people(n, &c) }),
		may("sites", func(n *node) { d.sites(n, &c) }),
		may("sources", func(n *node) { d.sources(n, &c) }),
		may("reserved", func(n *node) {
			d.list(n, "reserved", func(n *node) { d.reserved(n, &c) })
		}),
		may("rules", func(n *node) {
			d.list(n, "rules", func(n *node) { m.Rules = append(m.Rules, d.rule(n)) })
		}),
		may("old-names", func(n *node) {
			d.list(n, "old-names", func(n *node) { m.OldNames = append(m.OldNames, d.oldName(n)) })
		}),
		may("decisions", func(n *node) {
			d.list(n, "decisions", func(n *node) { m.Decisions = append(m.Decisions, d.decision(n)) })
		}),
		may("systems", func(n *node) { d.systems(n, &c) }),
		may("waves", func(n *node) {
			d.list(n, "waves", func(n *node) { c.Waves = append(c.Waves, d.wave(n)) })
		}),
		may("holidays", func(n *node) {
			d.listOrOne(n, "holidays", func(n *node) { c.Holidays = append(c.Holidays, d.holidays(n)...) })
		}),
		may("timeline", func(n *node) { c.Timeline = d.timeline(n) }),
		may("signed", func(n *node) {
			d.list(n, "signed", func(n *node) { c.Signing = append(c.Signing, d.signing(n)) })
		}),
		may("addresses", func(n *node) { d.addresses(n, &c) }),
		may("overlaps", func(n *node) {
			d.list(n, "overlaps", func(n *node) { d.overlap(n, &c) })
		}),
		may("organisations", func(n *node) {
			d.list(n, "organisations", func(n *node) { d.organisation(n, &c) })
		}),
		may("questions", func(n *node) { d.questions(n, &c) }),
		may("exceptions", func(n *node) {
			d.list(n, "exceptions", func(n *node) { m.Exceptions = append(m.Exceptions, d.exception(n)) })
		}),
	)
	d.settle(&c)
	d.check(&c)
	for _, s := range c.sheets {
		d.sheet(s, &c, open)
	}
	d.checkHolders(c.Mapping.Reserved)
	return c, d.done()
}

// settle fills in what refers to values of other sections, and reports keys
// that no section defines.
func (d *decoder) settle(c *Consolidation) {
	d.resolve("documents", keysOf(c.Documents, func(x Document) string { return x.Key }))
	d.resolve("people", keysOf(c.People, func(x Person) string { return x.Key }))
	d.resolve("sites", keysOf(c.Sites, func(x Site) string { return x.Key }))
	d.resolve("addresses", keysOf(c.Addresses, func(x AddressPlan) string { return x.Name }))
	systems := keysOf(c.Systems, func(x System) string { return x.Key })
	d.resolve("systems", systems)
	for i := range c.Waves {
		w := &c.Waves[i]
		if w.Cutover {
			w.Date = c.Mapping.Cutover
		}
		if len(w.Systems) == 1 && w.Systems[0] == allSystems {
			w.Systems = systems
		}
	}
	d.resolve("waves", keysOf(c.Waves, func(x Wave) string { return x.Name }))
	d.stage(c)
}

func keysOf[T any](list []T, key func(T) string) []string {
	keys := make([]string, len(list))
	for i, x := range list {
		keys[i] = key(x)
	}
	return keys
}
