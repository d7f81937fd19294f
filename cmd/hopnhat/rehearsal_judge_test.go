package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"gialai.gov.vn/hopnhat/resolver/oracle"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// promise is what worlds that follow each other promise, of one view. A server
// that is on its way between two of them may give the answer of either. It may
// also give what neither has as a whole: an alias of one, and behind it the target
// of the other. In the sample that is www.stp.gialai.gov.vn after add: the name is
// new and an alias of stp.gialai.gov.vn, which has its old address until the
// switch; nobody was promised the new name yet. At a server that takes its zones
// one by one it is an alias into a zone that it has not taken. Both are good, since
// each RRset is what one of the worlds says of its owner, and since a chain that
// ends with nothing, or leads away, must do so in one of them. RRsets of the two
// are never mixed: one with the data of both is wrong.
type promise struct {
	worlds []zones.World
	by     []*oracle.Resolver
	low    uint32 // while it changes TTLs may go down to this
}

func newPromise(low uint32, ws ...zones.World) *promise {
	p := &promise{worlds: ws, low: low}
	for _, w := range ws {
		p.by = append(p.by, oracle.New(w, zones.Internet))
	}
	return p
}

// questions are all names of all worlds with all their types and A, of each
// wildcard a name that it gives, and one below each DNAME.
func (p *promise) questions() []question {
	set := map[question]bool{}
	for _, w := range p.worlds {
		for z := range w.All() {
			for s := range z.All() {
				set[question{s.Owner(), s.Type()}] = true
				set[question{s.Owner(), zones.TypeA}] = true
				above, star := strings.CutPrefix(s.Owner().Text(), "*.")
				switch {
				case star:
					set[question{zones.MustName("bat-ky." + above), s.Type()}] = true
				case s.Type() == zones.TypeDNAME:
					set[question{zones.MustName("bat-ky." + above), zones.TypeA}] = true
				}
			}
		}
	}
	return slices.SortedFunc(maps.Keys(set), func(a, b question) int {
		if c := a.name.Compare(b.name); c != 0 {
			return c
		}
		return int(a.typ) - int(b.typ)
	})
}

// judged is what became of an answer. Of says by a bit for each world which of
// them give just this; none: it is of several.
type judged struct {
	of    uint
	fault string // "": it is allowed
}

func wrongly(format string, args ...any) judged { return judged{fault: fmt.Sprintf(format, args...)} }

// The ends of a chain.
const (
	endData     = "data"
	endNoData   = "no data"
	endNoName   = "NXDOMAIN"
	endReferral = "a referral"
	endAway     = "a name of others"
	endOpen     = "a name of another zone of ours" // which is asked for by itself
	endLong     = "YXDOMAIN"
)

// judge holds an answer against the worlds from the first up to the one numbered
// last. A server that is not ours may follow a chain into another of its zones.
func (p *promise) judge(q question, m *dns.Msg, ours bool, last int) judged {
	c := apart(m)
	if c.fault == "" {
		switch {
		case m.Truncated:
			c.fault = "it is truncated"
		case m.Rcode == dns.RcodeServerFailure || m.Rcode == dns.RcodeRefused:
			c.fault = dns.RcodeToString[m.Rcode]
		}
	}
	if c.fault != "" {
		return wrongly("%s", c.fault)
	}
	of, name := uint(1)<<(last+1)-1, q.name
	for hops := 0; ; hops++ {
		if hops == 64 {
			return wrongly("a chain without end")
		}
		may, target, end := p.hop(c, name, q.typ, hops, last)
		of &= may
		switch {
		case may == 0:
			return wrongly("at %v it is of no world: %s", name, c.at(name, q.typ))
		case end == "" && !p.sameZone(name, target, last):
			if c.left() == 0 && m.Rcode == dns.RcodeSuccess && len(m.Ns) == 0 {
				return judged{of: of}
			}
			if ours {
				return wrongly("it goes on into another zone at %v", target)
			}
		case end == "":
		case c.left() > 0:
			return wrongly("%d RRsets too much", c.left())
		case end != endData && !p.ends(q, end, last):
			return wrongly("the chain ends with %s, which it does in no world", end)
		default:
			return judged{of: of}
		}
		name = target
	}
}

// sameZone tells whether an alias's target lies in its zone, so that every
// server goes on there.
func (p *promise) sameZone(name, target zones.Name, last int) bool {
	for _, w := range p.worlds[:last+1] {
		a, b := w.Nearest(zones.Internet, name), w.Nearest(zones.Internet, target)
		if b == nil || a == b {
			return true // out of all our zones: there the chain ends
		}
	}
	return false
}

// hop looks at one name of the chain: which worlds say of it what the answer
// says, and where it leads, or how the chain ends.
func (p *promise) hop(c *chainOf, name zones.Name, typ zones.Type, hops, last int) (may uint, target zones.Name, end string) {
	alias, dname := c.alias(name, typ)
	for i, r := range p.by[:last+1] {
		if hops > 0 && p.worlds[i].Nearest(zones.Internet, name) == nil {
			if alias == nil && c.left() == 0 && c.rcode == dns.RcodeSuccess && len(c.ns)+len(c.soa) == 0 {
				may, end = may|1<<i, endAway
			}
			continue
		}
		a := r.Resolve(name, typ)
		to, through := aliasOf(a, typ)
		switch {
		case (to != nil) != (alias != nil):
		case alias != nil:
			if p.like(*alias, *to) && (through == nil) == (dname == nil) && (through == nil || p.like(*dname, *through)) {
				may |= 1 << i
				target, _, _ = zones.NameIn(alias.data[0])
			}
		case c.ended(a, hops, p.like):
			may, end = may|1<<i, endOf(a)
		}
	}
	if may != 0 {
		c.take(alias, dname)
		if end != "" {
			c.take(c.find(name, typ), nil)
		}
	}
	return may, target, end
}

// ends tells whether the whole chain ends so in one of the worlds.
func (p *promise) ends(q question, end string, last int) bool {
	for i, r := range p.by[:last+1] {
		if p.follow(r, p.worlds[i], q) == end {
			return true
		}
	}
	return false
}

// follow is how a chain ends in a world, over all its zones.
func (p *promise) follow(r *oracle.Resolver, w zones.World, q question) string {
	name := q.name
	for hops := range 64 {
		if hops > 0 && w.Nearest(zones.Internet, name) == nil {
			return endAway
		}
		a := r.Resolve(name, q.typ)
		to, _ := aliasOf(a, q.typ)
		if to == nil {
			return endOf(a)
		}
		name, _, _ = zones.NameIn(to.data[0])
	}
	return endOpen
}

// rrset is an RRset of a message or a world.
type rrset struct {
	owner zones.Name
	typ   zones.Type
	ttl   uint32
	data  []string // canonical, sorted
}

// like compares data; a TTL may be lower while it changes.
func (p *promise) like(got, want rrset) bool {
	return got.owner == want.owner && got.typ == want.typ && slices.Equal(got.data, want.data) &&
		(got.ttl == want.ttl || got.ttl == min(want.ttl, p.low))
}

func setOf(s zones.RRset) *rrset {
	out := &rrset{owner: s.Owner(), typ: s.Type(), ttl: s.TTL()}
	for _, r := range s.Records() {
		out.data = append(out.data, unnumbered(r.Type, r.Data))
	}
	slices.Sort(out.data)
	return out
}

// unnumbered leaves the serial out of an SOA.
func unnumbered(t zones.Type, data string) string {
	if len(data) < 20 || t != zones.TypeSOA {
		return data
	}
	return data[:len(data)-20] + "\x00\x00\x00\x00" + data[len(data)-16:]
}

// aliasOf is the alias that an answer begins with, and the DNAME it is made of.
func aliasOf(a oracle.Answer, typ zones.Type) (alias, dname *rrset) {
	if len(a.Answer) == 0 || typ == zones.TypeCNAME {
		return nil, nil
	}
	first := a.Answer[0]
	if first.Type() == zones.TypeDNAME && typ != zones.TypeDNAME && len(a.Answer) > 1 {
		return setOf(a.Answer[1]), setOf(first)
	}
	if first.Type() == zones.TypeCNAME {
		return setOf(first), nil
	}
	return nil, nil
}

func endOf(a oracle.Answer) string {
	switch {
	case a.Rcode == oracle.NXDomain:
		return endNoName
	case a.Rcode == oracle.YXDomain:
		return endLong
	case a.Rcode != oracle.NoError:
		return dns.RcodeToString[a.Rcode]
	case len(a.Answer) > 0:
		return endData
	case slices.ContainsFunc(a.Authority, func(s zones.RRset) bool { return s.Type() == zones.TypeNS }):
		return endReferral
	}
	return endNoData
}

// chainOf is a message taken apart. What was accounted for leaves it.
type chainOf struct {
	rcode         int
	aa            bool
	answer        []rrset
	soa, ns, glue []rrset
	fault         string
}

func apart(m *dns.Msg) *chainOf {
	c := &chainOf{rcode: m.Rcode, aa: m.Authoritative}
	var authority []rrset
	for _, s := range []struct {
		to *[]rrset
		rs []dns.RR
	}{{&c.answer, m.Answer}, {&authority, m.Ns}, {&c.glue, m.Extra}} {
		if err := grouped(s.to, s.rs); err != nil {
			c.fault = err.Error()
		}
	}
	for _, s := range authority {
		if s.typ == zones.TypeSOA {
			c.soa = append(c.soa, s)
		} else {
			c.ns = append(c.ns, s)
		}
	}
	return c
}

// grouped makes RRsets of a section.
func grouped(out *[]rrset, rs []dns.RR) error {
	for _, r := range rs {
		if r.Header().Rrtype == dns.TypeOPT {
			continue
		}
		owner, t, data, err := canonical(r)
		if err != nil {
			return err
		}
		data = unnumbered(t, data)
		i := slices.IndexFunc(*out, func(s rrset) bool { return s.owner == owner && s.typ == t })
		if i < 0 {
			*out = append(*out, rrset{owner, t, r.Header().Ttl, []string{data}})
			continue
		}
		s := &(*out)[i]
		if s.ttl != r.Header().Ttl {
			return fmt.Errorf("two TTLs in one RRset: %v", r)
		}
		s.data = append(s.data, data)
		slices.Sort(s.data)
	}
	return nil
}

func (c *chainOf) left() int { return len(c.answer) }

func (c *chainOf) find(name zones.Name, typ zones.Type) *rrset {
	for i := range c.answer {
		if c.answer[i].owner == name && c.answer[i].typ == typ {
			s := c.answer[i]
			return &s
		}
	}
	return nil
}

// alias is the alias that the message has at a name, and the DNAME above.
func (c *chainOf) alias(name zones.Name, typ zones.Type) (alias, dname *rrset) {
	if typ == zones.TypeCNAME {
		return nil, nil
	}
	if alias = c.find(name, zones.TypeCNAME); alias == nil || typ == zones.TypeDNAME {
		return alias, nil
	}
	for i := range c.answer {
		if s := c.answer[i]; s.typ == zones.TypeDNAME && name.Below(s.owner) {
			dname = &s
		}
	}
	return alias, dname
}

func (c *chainOf) take(ss ...*rrset) {
	for _, s := range ss {
		if s != nil {
			c.answer = slices.DeleteFunc(c.answer, func(x rrset) bool { return x.owner == s.owner && x.typ == s.typ })
		}
	}
}

// ended compares the end of a chain with what a world says of its last name.
func (c *chainOf) ended(a oracle.Answer, hops int, like func(got, want rrset) bool) bool {
	if c.rcode != a.Rcode || c.aa != (a.AA || hops > 0) {
		return false
	}
	end := endOf(a)
	switch end {
	case endData:
		return len(c.answer) == 1 && like(c.answer[0], *setOf(a.Answer[0]))
	case endReferral:
		ns := setOf(a.Authority[0])
		return len(c.answer) == 0 && len(c.ns) == 1 && like(c.ns[0], *ns) && c.glued(a, like)
	}
	soa := len(c.soa) == 1 && len(a.Authority) == 1
	if soa {
		want := *setOf(a.Authority[0])
		want.ttl = c.soa[0].ttl // the smaller of two, each of which may be lowered
		soa = like(c.soa[0], want)
	}
	return len(c.answer) == 0 && len(c.ns) == 0 && (soa || end == endLong)
}

// glued tells whether the addresses of a referral's servers at or below the cut
// are there. Others, which some servers add, must not be below it.
func (c *chainOf) glued(a oracle.Answer, like func(got, want rrset) bool) bool {
	cut, wanted := a.Authority[0].Owner(), 0
	for _, s := range c.glue {
		if !s.owner.Within(cut) {
			continue
		}
		if !slices.ContainsFunc(a.Additional, func(x zones.RRset) bool { return like(s, *setOf(x)) }) {
			return false
		}
		wanted++
	}
	return wanted == len(a.Additional)
}

func (c *chainOf) at(name zones.Name, typ zones.Type) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s aa=%v", dns.RcodeToString[c.rcode], c.aa)
	for _, s := range slices.Concat(c.answer, c.soa, c.ns, c.glue) {
		fmt.Fprintf(&b, " | %v %d %v", s.owner, s.ttl, s.typ)
		for _, d := range s.data {
			fmt.Fprintf(&b, " %s,", rdata.Text(s.typ, d))
		}
	}
	return b.String()
}

// The worlds of TestRehearsalJudge: of the old zone's names one becomes an alias, one
// changes, one goes; the new zone gains some.
const (
	judgedBefore = `old.vn
$TTL 3600
@ SOA ns hm 7 3600 600 86400 900
@ NS ns
ns A 127.0.0.1
www A 192.0.2.10
mail A 192.0.2.11
gone A 192.0.2.12
host A 192.0.2.13
alias CNAME host
cross CNAME www.new.vn.
*.wild A 192.0.2.14
sub NS ns.sub
ns.sub A 192.0.2.15
tree DNAME wild
out CNAME www.example.net.
`
	judgedNew = `new.vn
$TTL 3600
@ SOA ns hm 3 3600 600 86400 900
@ NS ns
ns A 127.0.0.1
www A 192.0.2.20
`
)

// TestRehearsalJudge: what is allowed between two worlds, and what is not.
func TestRehearsalJudge(t *testing.T) {
	b := worldOf(t, judgedBefore, judgedNew)
	a := worldOf(t, instead(t, judgedBefore, "hm 7", "hm 8", "www A 192.0.2.10", "www CNAME www.new.vn.", "mail A 192.0.2.11", "mail A 192.0.2.31",
		"gone A 192.0.2.12\n", "", "host A 192.0.2.13", "host A 192.0.2.13\nhost AAAA 2001:db8::13\nfresh A 192.0.2.40", "alias CNAME host", "alias CNAME fresh", "ns.sub A 192.0.2.15", "ns.sub A 192.0.2.16"),
		judgedNew+"mail A 192.0.2.21\n")
	p := newPromise(300, b, a)
	const soa = "old.vn. 300 SOA ns.old.vn. hm.old.vn. 9 3600 600 86400 900"
	const www = "www.new.vn. 3600 A 192.0.2.20"
	for _, c := range []struct {
		what, name, typ string
		rcode           int
		answer, ns      string
		ours, theirs    string // before, after, both, mixed, "-": wrong
	}{
		{"as before", "mail.old.vn", "A", 0, "mail.old.vn. 3600 A 192.0.2.11", "", "before", "before"},
		{"lowered", "mail.old.vn", "A", 0, "mail.old.vn. 300 A 192.0.2.11", "", "before", "before"},
		{"as after", "mail.old.vn", "A", 0, "mail.old.vn. 300 A 192.0.2.31", "", "after", "after"},
		{"both at once", "mail.old.vn", "A", 0, "mail.old.vn. 300 A 192.0.2.31;mail.old.vn. 300 A 192.0.2.11", "", "-", "-"},
		{"another TTL", "mail.old.vn", "A", 0, "mail.old.vn. 299 A 192.0.2.11", "", "-", "-"},
		{"other data", "mail.old.vn", "A", 0, "mail.old.vn. 300 A 192.0.2.12", "", "-", "-"},
		{"another name", "mail.old.vn", "A", 0, "host.old.vn. 300 A 192.0.2.13", "", "-", "-"},
		{"a record too much", "mail.old.vn", "A", 0, "mail.old.vn. 300 A 192.0.2.11;host.old.vn. 300 A 192.0.2.13", "", "-", "-"},
		{"NXDOMAIN", "mail.old.vn", "A", 3, "", soa, "-", "-"},
		{"no data", "mail.old.vn", "A", 0, "", soa, "-", "-"},
		{"SERVFAIL", "mail.old.vn", "A", 2, "", "", "-", "-"},
		{"REFUSED", "mail.old.vn", "A", 5, "", "", "-", "-"},
		{"nothing at all", "mail.old.vn", "A", 0, "", "", "-", "-"},
		{"the same in both", "ns.old.vn", "A", 0, "ns.old.vn. 300 A 127.0.0.1", "", "both", "both"},
		{"what goes is there", "gone.old.vn", "A", 0, "gone.old.vn. 300 A 192.0.2.12", "", "before", "before"},
		{"what goes is gone", "gone.old.vn", "A", 3, "", soa, "after", "after"},
		{"an alias in place of data", "www.old.vn", "A", 0, "www.old.vn. 300 CNAME www.new.vn.", "", "after", "after"},
		{"and followed", "www.old.vn", "A", 0, "www.old.vn. 300 CNAME www.new.vn.;" + www, "", "-", "after"},
		{"to nothing", "www.old.vn", "A", 3, "www.old.vn. 300 CNAME www.new.vn.", "new.vn. 300 SOA ns.new.vn. hm.new.vn. 3 3600 600 86400 900", "-", "-"},
		{"to another name", "www.old.vn", "A", 0, "www.old.vn. 300 CNAME host.old.vn.;host.old.vn. 300 A 192.0.2.13", "", "-", "-"},
		{"an old alias", "alias.old.vn", "A", 0, "alias.old.vn. 300 CNAME host.old.vn.;host.old.vn. 300 A 192.0.2.13", "", "before", "before"},
		{"half of it", "alias.old.vn", "A", 0, "alias.old.vn. 300 CNAME host.old.vn.", "", "-", "-"},
		{"that leads to nothing", "alias.old.vn", "A", 3, "alias.old.vn. 300 CNAME host.old.vn.", soa, "-", "-"},
		{"a new one that leads to what is not there yet", "alias.old.vn", "A", 3, "alias.old.vn. 300 CNAME fresh.old.vn.", soa, "-", "-"},
		{"a new type behind an old alias", "alias.old.vn", "AAAA", 0, "alias.old.vn. 300 CNAME host.old.vn.;host.old.vn. 300 AAAA 2001:db8::13", "", "mixed", "mixed"},
		{"a referral", "x.sub.old.vn", "A", 0, "", "sub.old.vn. 300 NS ns.sub.old.vn.+ns.sub.old.vn. 300 A 192.0.2.15", "before", "before"},
		{"with new glue", "x.sub.old.vn", "A", 0, "", "sub.old.vn. 300 NS ns.sub.old.vn.+ns.sub.old.vn. 300 A 192.0.2.16", "after", "after"},
		{"with other glue", "x.sub.old.vn", "A", 0, "", "sub.old.vn. 300 NS ns.sub.old.vn.+ns.sub.old.vn. 300 A 192.0.2.17", "-", "-"},
		{"without", "x.sub.old.vn", "A", 0, "", "sub.old.vn. 300 NS ns.sub.old.vn.", "-", "-"},
		{"a DNAME", "x.tree.old.vn", "A", 0, "tree.old.vn. 300 DNAME wild.old.vn.;x.tree.old.vn. 300 CNAME x.wild.old.vn.;x.wild.old.vn. 300 A 192.0.2.14", "", "both", "both"},
		{"an alias of it alone", "x.tree.old.vn", "A", 0, "x.tree.old.vn. 300 CNAME x.wild.old.vn.;x.wild.old.vn. 300 A 192.0.2.14", "", "-", "-"},
		{"out of all", "out.old.vn", "A", 0, "out.old.vn. 3600 CNAME www.example.net.", "", "both", "both"},
	} {
		m := new(dns.Msg)
		m.Rcode, m.Authoritative = c.rcode, c.rcode != 2 && c.rcode != 5
		m.Answer = rrsOf(t, c.answer)
		ns, glue, _ := strings.Cut(c.ns, "+")
		m.Ns, m.Extra = rrsOf(t, ns), rrsOf(t, glue)
		if strings.Contains(c.ns, " NS ") {
			m.Authoritative = false
		}
		typ, _ := zones.ParseType(c.typ)
		for i, want := range []string{c.ours, c.theirs} {
			v := p.judge(question{zones.MustName(c.name), typ}, m, i == 0, 1)
			got := [...]string{"mixed", "before", "after", "both"}[v.of]
			if v.fault != "" {
				got = "-"
			}
			if got != want {
				t.Errorf("%s (ours: %v): %s (%s), want %s", c.what, i == 0, got, v.fault, want)
			}
		}
		if v := p.judge(question{zones.MustName(c.name), typ}, m, true, 0); c.ours == "after" && v.fault == "" {
			t.Errorf("%s: allowed while it is not promised yet", c.what)
		}
	}
	if n := len(p.questions()); n != 31 {
		t.Errorf("%d questions", n)
	}
}

func rrsOf(t testing.TB, text string) (out []dns.RR) {
	t.Helper()
	for s := range strings.SplitSeq(text, ";") {
		if s == "" {
			continue
		}
		r, err := dns.NewRR(s)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}
