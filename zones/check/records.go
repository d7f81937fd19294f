package check

import (
	"fmt"
	"net/netip"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// privates tells of addresses that the internet does not route, once for each
// type (RFC 1918 3, RFC 4193 4.4, RFC 3927 2.8).
func (c *checker) privates(s zones.RRset) {
	if c.z.View() != zones.Internet {
		return
	}
	for i := range s.Len() {
		a, ok := netip.AddrFromSlice([]byte(s.Data(i)))
		if !ok || !(a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast()) {
			continue
		}
		if at, ok := c.private[s.Type()]; ok {
			if at >= 0 {
				c.out[at].Count++
			}
			continue
		}
		c.private[s.Type()] = c.say("M-PRIVATE", defined["M-PRIVATE"].severity, s.From(i).Place,
			fmt.Sprintf("%v has the private address %v, where the internet asks", s.Owner().Text(), a))
	}
}

// The limits of a response: over UDP what passes every network unbroken (DNS
// flag day 2020; RFC 9715 asks for such a limit), over TCP the length field (RFC 1035 4.2.2).
const (
	udpRoom = 1232
	tcpRoom = 65535
)

// size looks whether a record set fits a response: header, question and OPT,
// then each record with its owner as a pointer (RFC 1035 4.1).
func (c *checker) size(s zones.RRset) {
	octets := 12 + len(s.Owner().Wire()) + 4 + 11
	for i := range s.Len() {
		octets += 2 + 10 + len(s.Data(i))
	}
	if octets <= udpRoom {
		return
	}
	switch s.Type() { // whose names may be pointers (RFC 3597 4)
	case zones.TypeNS, zones.TypeMX, zones.TypePTR, zones.TypeCNAME:
		for i := range s.Len() {
			names, _ := rdata.Names(s.Type(), s.Data(i))
			for _, e := range names {
				if e.Name.Within(c.z.Origin()) {
					octets -= len(c.z.Origin().Wire()) - 2
				}
			}
		}
	}
	switch {
	case octets > tcpRoom:
		c.say("G-SIZE", finding.Error, s.From(0).Place, fmt.Sprintf("the %d records of %v need %d octets; a message has at most %d", s.Len(), s.Key(), octets, tcpRoom))
	case octets > udpRoom:
		c.tell("G-SIZE", s, 0, "the %d records of %v need %d octets; above %d each answer takes TCP", s.Len(), s.Key(), octets, udpRoom)
	}
}

// control looks for control characters in texts.
func (c *checker) control(s zones.RRset) {
	for i := range s.Len() {
		text := join(s.Data(i))
		if at := strings.IndexFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }); at >= 0 {
			c.tell("G-CTRL", s, i, "the text of %v has the control character \\%03d in it", s.Key(), text[at])
		}
	}
}

// tlsa looks at certificate associations (RFC 6698).
func (c *checker) tlsa(s zones.RRset) {
	for i := range s.Len() {
		d := s.Data(i)
		usage, selector, matching, length := d[0], d[1], d[2], len(d)-3
		var why string
		switch {
		case usage > 3 && usage != 255: // RFC 6698 7.2
			why = fmt.Sprintf("the usage %d is none of 0 to 3", usage)
		case selector > 1 && selector != 255: // RFC 6698 7.3
			why = fmt.Sprintf("the selector %d is none of 0 and 1", selector)
		case matching > 2 && matching != 255: // RFC 6698 7.4
			why = fmt.Sprintf("the matching type %d is none of 0 to 2", matching)
		case matching == 1 && length != 32, matching == 2 && length != 64: // RFC 6698 2.1.4
			why = fmt.Sprintf("matching type %d takes %d octets of hash, here are %d", matching, 32*int(matching), length)
		}
		if why != "" {
			c.tell("S-TLSA", s, i, "%v: %s (RFC 6698 2.1)", s.Key(), why)
			return
		}
	}
	protocol, ok := s.Owner().Parent()
	if !ok || !strings.HasPrefix(protocol.First(), "_") || !strings.HasPrefix(s.Owner().First(), "_") && !s.Owner().IsWildcard() {
		return
	}
	base, _ := protocol.Parent() // RFC 6698 3
	e := c.end(base)
	switch {
	case !e.nowhere() && (e.kind != data || e.addressed()):
	case doubles(base, c.z.Origin()): // the owner's missing dot, which was reported
	case e.alias.IsZero():
		c.tell("S-TLSA", s, 0, "%v is about %v, which has no address (RFC 6698 3)", s.Key(), base.Text())
	default: // RFC 7671 7
		c.tell("S-TLSA", s, 0, "%v is about %v, an alias that ends at no address (RFC 7671 7)", s.Key(), base.Text())
	}
}

// caa looks at what certification authorities are told (RFC 8659 4).
func (c *checker) caa(s zones.RRset) {
	for i := range s.Len() {
		d := s.Data(i)
		tag, value := d[2:2+int(d[1])], d[2+int(d[1]):]
		var why string
		switch strings.ToLower(tag) { // RFC 8659 4.1: case does not matter
		case "issue", "issuewild", "issuemail", "issuevmc": // RFC 8659 4.2, RFC 9495
			if !issuer(value) {
				why = fmt.Sprintf("%s is no domain of an authority with parameters", clip(value))
			}
		case "iodef": // RFC 8659 4.4
			scheme, rest, ok := strings.Cut(value, ":")
			if scheme = strings.ToLower(scheme); !ok || rest == "" || scheme != "mailto" && scheme != "http" && scheme != "https" || strings.ContainsAny(value, " \t") {
				why = fmt.Sprintf("%s is no mailto:, http: or https: address", clip(value))
			}
		case "contactemail", "contactphone", "auth", "path", "policy": // registered, or reserved (RFC 8659 8)
		default:
			why = fmt.Sprintf("the tag %s is not registered (RFC 8659 8)", clip(tag))
		}
		if why != "" {
			c.tell("S-CAA", s, i, "the CAA of %v cannot be read: %s", s.Owner().Text(), why)
		}
	}
}

// issuer tells whether a value follows issue-value of RFC 8659 4.2.
func issuer(v string) bool {
	domain, params, more := strings.Cut(v, ";")
	domain = strings.Trim(domain, " \t")
	if domain != "" {
		for _, l := range strings.Split(domain, ".") {
			if l == "" || l[0] == '-' || l[len(l)-1] == '-' || strings.IndexFunc(l, func(r rune) bool {
				return r > '~' || !letter(byte(r)) && !digit(byte(r)) && r != '-'
			}) >= 0 {
				return false
			}
		}
	}
	if params = strings.Trim(params, " \t"); !more || params == "" {
		return true
	}
	for _, p := range strings.Split(params, ";") {
		name, value, ok := strings.Cut(strings.Trim(p, " \t"), "=")
		name, value = strings.Trim(name, " \t"), strings.Trim(value, " \t")
		if !ok || name == "" || strings.IndexFunc(name, func(r rune) bool { return r > '~' || !letter(byte(r)) && !digit(byte(r)) && r != '-' }) >= 0 ||
			strings.IndexFunc(value, func(r rune) bool { return r <= ' ' || r > '~' || r == ';' }) >= 0 {
			return false
		}
	}
	return true
}

// priority is the SvcPriority of SVCB data; 0 is the alias form (RFC 9460 2.4).
func priority(d string) int {
	if len(d) < 2 {
		return 0
	}
	return int(d[0])<<8 | int(d[1])
}

// svcb looks at the two forms of service bindings (RFC 9460 2.4.1, 2.4.2).
func (c *checker) svcb(s zones.RRset) {
	at, n := later(s, func(d string) bool { return priority(d) == 0 })
	switch {
	case n == 0:
	case n < s.Len():
		c.tell("S-SVCB", s, at, "%v has an alias form beside service forms: clients take the alias alone (RFC 9460 2.4.1)", s.Key())
	case n > 1:
		c.tell("S-SVCB", s, at, "%v has %d alias forms: clients take any one (RFC 9460 2.4.2)", s.Key(), n)
	default:
		if t, used, err := zones.NameIn(s.Data(at)[2:]); err == nil && len(s.Data(at)) > 2+used {
			c.tell("S-SVCB", s, at, "%v has parameters with the alias form to %v: clients do not look at them (RFC 9460 2.4.2)", s.Key(), t.Text())
		}
	}
}
