package transfer

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
)

// rcodeText names a response code.
func rcodeText(rcode int) string {
	switch rcode {
	case rcodeFormErr:
		return "FORMERR"
	case rcodeServFail:
		return "SERVFAIL"
	case rcodeNXDomain:
		return "NXDOMAIN"
	case rcodeNotImp:
		return "NOTIMP"
	case rcodeRefused:
		return "REFUSED"
	case rcodeNotAuth:
		return "NOTAUTH"
	}
	return "the code " + strconv.Itoa(rcode)
}

// advise says what an error code means: one of a header (of four bits),
// BADKEY, or -1 for an answer without records.
func (q Request) advise(rcode int, local netip.Addr) (id, found, mend string) {
	zone := q.Zone.Origin.Text()
	found = rcodeText(rcode)
	switch rcode {
	case tsigBadKey:
		return "X-TSIG", "BADKEY", q.allow(local)
	case rcodeRefused:
		return "X-REFUSED", found + ": the server does not let " + who(local, q.Key) + " transfer " + zone, q.allow(local)
	case rcodeNotAuth, rcodeNXDomain:
		return "X-NOTAUTH", found + ": the server does not hold " + zone + ", or not for " + who(local, q.Key),
			"ask a primary or secondary of the zone (dig NS " + zone + "), and see that the zone is loaded and not expired; if it is there, " + q.allow(local)
	case -1:
		return "X-NOTAUTH", "an answer without records: the server does not hold " + zone + ", or does not let it go",
			"ask a primary or secondary of the zone; if this is one, " + q.allow(local)
	case rcodeNotImp, rcodeFormErr:
		mend = "transfer the zone from another of its servers, or bring its file"
		if q.Key != nil {
			mend = "if the server knows no TSIG (Windows DNS), leave the key out and allow our address: " + q.withoutKey().allow(local)
		}
		return "X-NOTIMP", found + ": the server does not know this question", mend
	case rcodeServFail:
		return "X-RCODE", found + ": the server could not load the zone, or it is expired", "look at the server's log and mend the zone there"
	}
	return "X-RCODE", "the server answers " + found, "look at the server's log"
}

func (q Request) withoutKey() Request {
	q.Key = nil
	return q
}

func who(local netip.Addr, key *Key) string {
	s := "us"
	if local.IsValid() {
		s = local.String()
	}
	if key != nil {
		s += " with the key " + key.Name.Text()
	}
	return s
}

// allow gives the lines to set on the server.
func (q Request) allow(local netip.Addr) string { return Allow(q.Zone.Origin, local, q.Key) }

// Allow gives the very lines that let a client transfer a zone, for BIND,
// Knot, NSD and Windows DNS. local is the address that the server sees, key
// may be nil.
func Allow(zone zones.Name, local netip.Addr, key *Key) string {
	addr, z := "OUR-ADDRESS", zone.Text()
	if local.IsValid() {
		addr = local.String()
	}
	match, acl, nsdKey := addr+";", "", "NOKEY"
	if key != nil {
		k := key.Name.Text()
		match = fmt.Sprintf("key %q;", k)
		acl = "\n        key: " + k
		nsdKey = k
	}
	var b strings.Builder
	fmt.Fprintf(&b, `set one of these on the server, then ask again:
  BIND, in the zone statement of named.conf; then rndc reconfig:
    zone %q { … allow-transfer { %s }; };
  Knot, in knot.conf; then knotc reload:
    acl:
      - id: hopnhat
        address: %s%s
        action: transfer
    zone:
      - domain: %s
        acl: hopnhat
  NSD, in nsd.conf; then nsd-control reconfig:
    zone:
        name: %s
        provide-xfr: %s %s
`, z, match, addr, acl, z, z, addr, nsdKey)
	if key != nil {
		b.WriteString("  Windows DNS knows no TSIG: leave the key out and allow the address:\n")
	} else {
		b.WriteString("  Windows DNS, in PowerShell as an administrator:\n")
	}
	fmt.Fprintf(&b, `    Set-DnsServerPrimaryZone -Name %q -SecureSecondaries TransferToSecureServers -SecondaryServers %s
    or in DNS Manager: the zone, Properties, Zone Transfers, Allow zone transfers,
    Only to the following servers, Edit, %s, OK`, z, addr, addr)
	return b.String()
}

// dig is a command that asks the same. The key is named, its secret is not.
func (q Request) dig() string {
	s := fmt.Sprintf("dig +tcp -p %d @%s %s AXFR", q.Server.Port(), q.Server.Addr(), q.Zone.Origin.Text())
	if q.Key != nil {
		s += " -k KEYFILE # with the key " + q.Key.Name.Text()
	}
	return s
}
