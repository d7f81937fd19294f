package rdata

import (
	"fmt"

	"gialai.gov.vn/hopnhat/zones"
)

// Role says what a name inside RDATA is for.
type Role uint8

// The roles. Other is a name that is not asked for as a host.
const (
	Other    Role = iota
	Host          // a name server: NS, SOA's MNAME
	Exchange      // a mail or other exchange: MX, KX, RT, AFSDB
	Alias         // CNAME, DNAME
	Pointer       // PTR
	Service       // SRV, SVCB, HTTPS, NAPTR's replacement, a URI's host
	Mailbox       // a mailbox written as a name: SOA's RNAME, RP, MINFO
	Mail          // a domain inside a recognised text: SPF, DMARC, TLS-RPT
)

// Embedded is a name inside data, at octets [Start, End).
type Embedded struct {
	Start, End int
	Name       zones.Name
	Role       Role
}

// Names lists the names inside data that stand there in wire form, in order.
// Types that are not known have none. The error is ErrWire.
func Names(t zones.Type, data string) ([]Embedded, error) {
	layout, known := table[t]
	if !known {
		ns, ok := rareNames(t, data)
		if rare(t) && !ok {
			return nil, ErrWire
		}
		return ns, nil
	}
	var ns []Embedded
	b := []byte(data)
	ok := walk(layout, b, func(s span) {
		if s.field.kind == name {
			n, _, _ := zones.NameIn(data[s.start:s.end])
			ns = append(ns, Embedded{s.start, s.end, n, s.field.role})
		}
	})
	if !ok {
		return nil, ErrWire
	}
	return ns, nil
}

// Flag is something that a rewriting could not change and a person must look
// at, such as NAPTR's regular expression.
type Flag struct{ What string }

// Mapper gives the name that takes n's place; n itself when it stays.
type Mapper func(n zones.Name, r Role) (zones.Name, error)

// Rewrite returns data with each name inside replaced by what f gives for it:
// those on the wire, the host of a URI, and the domains inside a TXT whose
// grammar is recognised (SPF, DMARC, TLS-RPT). The root, which means "none"
// or "the owner" (SRV, SVCB, MX), stays. Data that needs no change is
// returned as it came, octet for octet. An error is ErrWire or one of f.
func Rewrite(t zones.Type, data string, f Mapper) (string, []Flag, error) {
	if err := Check(t, data); err != nil {
		return "", nil, err
	}
	switch t {
	case zones.TypeTXT, zones.TypeSPF:
		return rewriteText(data, f)
	case zones.TypeURI:
		return rewriteURI(data, f)
	case zones.TypeCAA:
		return rewriteCAA(data)
	}
	if _, known := table[t]; !known && !rare(t) {
		return data, []Flag{{fmt.Sprintf("%v is opaque (RFC 3597): names inside it, if any, are not rewritten", t)}}, nil
	}
	ns, err := Names(t, data)
	if err != nil {
		return "", nil, err
	}
	out := make([]byte, 0, len(data))
	at := 0
	for _, e := range ns {
		n := e.Name
		if !n.IsRoot() {
			if n, err = f(e.Name, e.Role); err != nil {
				return "", nil, err
			}
		}
		out = append(append(out, data[at:e.Start]...), n.Wire()...)
		at = e.End
	}
	out = append(out, data[at:]...)
	var flags []Flag
	if t == zones.TypeNAPTR && naptrRegexp(data) != "" {
		flags = append(flags, Flag{"NAPTR's regular expression is kept as it is: " + naptrRegexp(data)})
	}
	return string(out), flags, nil
}

// naptrRegexp returns the third string of NAPTR data (RFC 3403 4.1).
func naptrRegexp(data string) string {
	at := 4
	for range 2 {
		at += 1 + int(data[at])
	}
	return data[at+1 : at+1+int(data[at])]
}
