package check

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
)

// text looks at what a TXT set means by its content and its owner.
func (c *checker) text(s zones.RRset) {
	c.spf(s)
	owner := s.Owner()
	parent, ok := owner.Parent()
	switch {
	case owner.First() == "_dmarc":
		c.dmarc(s, parent)
	case owner.First() == "_mta-sts":
		c.sts(s, parent)
	case ok && parent.First() == "_domainkey":
		c.dkim(s)
	}
}

// dkim looks at the keys of a selector (RFC 6376 3.6.1).
func (c *checker) dkim(s zones.RRset) {
	if s.Len() > 1 { // RFC 6376 3.6.2.2: with several records the result is undefined
		at, n := later(s, func(string) bool { return true })
		c.tell("S-DKIM", s, at, "%d TXT records at the selector %v; only one may stand there (RFC 6376 3.6.2.2)", n, s.Owner().Text())
		return
	}
	if err := dkimKey(join(s.Data(0))); err != nil {
		c.tell("S-DKIM", s, 0, "the DKIM key at %v: %v", s.Owner().Text(), err)
	}
}

// dkimKey tells why a verifier cannot use a key record; nil for a good key and
// for a revoked one (an empty p=).
func dkimKey(text string) error {
	tags, order, err := tagList(text)
	if err != nil {
		return err
	}
	if v, ok := tags["v"]; ok && (v != "DKIM1" || order[0] != "v") {
		return fmt.Errorf("v=%s; v=DKIM1 must be the first tag (RFC 6376 3.6.1)", clip(v))
	}
	p, ok := tags["p"]
	if !ok {
		return fmt.Errorf("there is no p= (RFC 6376 3.6.1)")
	}
	p = strings.Map(func(r rune) rune {
		if strings.ContainsRune(" \t\r\n", r) {
			return -1 // folding white space may stand in base64 (RFC 6376 2.10, 3.6.1)
		}
		return r
	}, p)
	if p == "" {
		return nil // revoked
	}
	key, err := base64.StdEncoding.DecodeString(p)
	if err != nil {
		return fmt.Errorf("p= is not base64 (%d characters); a key cut short looks so", len(p))
	}
	switch k := strings.ToLower(tags["k"]); {
	case k == "ed25519" && len(key) != 32: // RFC 8463 4.2
		return fmt.Errorf("an ed25519 key has 32 octets, this one %d", len(key))
	case k == "rsa" || k == "":
		pub, err := x509.ParsePKIXPublicKey(key) // erratum 3017 of RFC 6376: what all signers publish
		if _, ok := pub.(*rsa.PublicKey); ok && err == nil {
			return nil
		}
		if _, err := x509.ParsePKCS1PublicKey(key); err == nil { // as RFC 6376 3.6.1 has it
			return nil
		}
		return fmt.Errorf("p= holds no whole RSA key")
	}
	return nil
}

// tagList reads tag=value; tag=value (RFC 6376 3.2).
func tagList(text string) (tags map[string]string, order []string, err error) {
	tags = map[string]string{}
	parts := strings.Split(text, ";")
	for i, part := range parts {
		part = strings.Trim(part, " \t\r\n")
		if part == "" && i == len(parts)-1 {
			break
		}
		name, value, ok := strings.Cut(part, "=")
		name = strings.TrimRight(name, " \t\r\n")
		good := ok && name != "" && letter(name[0])
		for j := range len(name) {
			good = good && (letter(name[j]) || digit(name[j]) || name[j] == '_')
		}
		switch _, twice := tags[name]; {
		case !good:
			return nil, nil, fmt.Errorf("%s is no tag=value (RFC 6376 3.2)", clip(part))
		case twice:
			return nil, nil, fmt.Errorf("the tag %s= stands twice (RFC 6376 3.2)", name)
		}
		tags[name] = strings.Trim(value, " \t\r\n")
		order = append(order, name)
	}
	if len(order) == 0 {
		return nil, nil, fmt.Errorf("the record is empty")
	}
	return tags, order, nil
}

// isDMARC tells whether a text is a DMARC record (RFC 7489 6.4: v first, and exactly so).
func isDMARC(text string) bool {
	name, rest, ok := strings.Cut(text, "=")
	value, _, _ := strings.Cut(rest, ";")
	return ok && strings.Trim(name, " \t") == "v" && strings.Trim(value, " \t") == "DMARC1"
}

// dmarc looks at the policy records of a domain.
func (c *checker) dmarc(s zones.RRset, domain zones.Name) {
	at, n := later(s, func(d string) bool { return isDMARC(join(d)) })
	switch {
	case n == 0:
		return
	case n > 1: // RFC 7489 6.6.3 step 5
		c.tell("S-DMARC-2", s, at, "%d DMARC records at %v; with more than one none counts (RFC 7489 6.6.3)", n, s.Owner().Text())
		return
	}
	said := map[zones.Name]bool{}
	for _, part := range strings.Split(join(s.Data(at)), ";") {
		name, value, _ := strings.Cut(part, "=")
		if name = strings.ToLower(strings.Trim(name, " \t")); name != "rua" && name != "ruf" {
			continue
		}
		for _, uri := range strings.Split(value, ",") {
			if host, ok := mailHost(uri); ok && !said[host] {
				said[host] = true
				c.reports(s, at, domain, host)
			}
		}
	}
}

// mailHost is the domain of a mailto URI (RFC 7489 6.2: a size may follow "!").
func mailHost(uri string) (zones.Name, bool) {
	uri = strings.Trim(uri, " \t")
	if len(uri) < 7 || !strings.EqualFold(uri[:7], "mailto:") {
		return zones.Name{}, false
	}
	if i := strings.IndexAny(uri, "!?"); i >= 0 {
		uri = uri[:i]
	}
	host := uri[strings.LastIndexByte(uri, '@')+1:]
	n, err := zones.ParseName(strings.ReplaceAll(host, `\`, `\\`))
	return n, err == nil && strings.Contains(uri, "@")
}

// reports asks whether a receiver at another organisation's domain agrees to
// take reports (RFC 7489 7.1). Without the public suffix list two domains are of
// one organisation when they lie in one zone, or one zone lies in the other.
func (c *checker) reports(s zones.RRset, at int, domain, host zones.Name) {
	there := c.near(host)
	if there == nil || host.Within(c.z.Origin()) || c.z.Origin().Within(there.z.Origin()) {
		return
	}
	report, err := host.Child("_dmarc")
	if err == nil {
		report, err = report.Child("_report")
	}
	if err == nil {
		report, err = domain.Rebase(zones.Root(), report)
	}
	if err != nil {
		return
	}
	e := c.end(report)
	if e.kind != data && !e.nowhere() {
		return
	}
	if txt, ok := e.set(zones.TypeTXT); ok {
		if _, n := later(txt, func(d string) bool { return isDMARC(join(d)) }); n > 0 {
			return
		}
	}
	c.tell("S-DMARC-EXT", s, at, "reports of %v go to %v, and there is no TXT v=DMARC1 at %v (RFC 7489 7.1)", domain.Text(), host.Text(), report.Text())
}

// sts looks at the MTA-STS records of a domain (RFC 8461 3.1).
func (c *checker) sts(s zones.RRset, domain zones.Name) {
	at, n := later(s, func(d string) bool { return strings.HasPrefix(join(d), "v=STSv1;") || join(d) == "v=STSv1" })
	switch {
	case n == 0:
		return
	case n > 1:
		c.tell("S-STS", s, at, "%d MTA-STS records at %v; with more than one none counts (RFC 8461 3.1)", n, s.Owner().Text())
		return
	}
	if tags, _, err := tagList(join(s.Data(at))); err != nil || !stsID(tags["id"]) {
		c.tell("S-STS", s, at, "the MTA-STS record of %v has no id of 1 to 32 letters and digits (RFC 8461 3.1)", domain.Text())
		return
	}
	host, err := domain.Child("mta-sts")
	if err != nil {
		return
	}
	if e := c.end(host); e.alias.IsZero() && (e.nowhere() || e.kind == data && !e.addressed()) { // RFC 8461 3.2
		c.tell("S-STS", s, at, "the MTA-STS policy of %v is fetched from %v, which has no address (RFC 8461 3.2)", domain.Text(), host.Text())
	}
}

func stsID(s string) bool {
	for i := range len(s) {
		if !letter(s[i]) && !digit(s[i]) {
			return false
		}
	}
	return 0 < len(s) && len(s) <= 32
}

// nullMX: a domain that takes no mail has that one MX (RFC 7505 3).
func (c *checker) nullMX(s zones.RRset) {
	null := func(d string) bool { return len(d) == 3 && d[2] == 0 }
	if at, n := later(s, null); n > 0 && s.Len() > 1 {
		c.tell("S-NULLMX", s, at, "the null MX of %v stands beside other MX records (RFC 7505 3)", s.Owner().Text())
	}
}
