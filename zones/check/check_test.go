package check

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/zonefile"
)

// head is what the zones of the tables begin with; their own text begins in line 5.
const head = `$TTL 3600
@ SOA ns hm 1 10800 3600 604800 3600
@ NS ns
ns A 192.0.2.1
`

// parse reads a master file that has no errors.
func parse(t testing.TB, origin, text string) *zones.Zone {
	t.Helper()
	name := origin + ".zone"
	tree, fs := zonefile.Load(fstest.MapFS{name: {Data: []byte(text)}}, name, zonefile.Options{Origin: zones.MustName(origin)})
	z, more := tree.Zone(zones.Internet)
	if fs = append(fs, more...); finding.Failed(fs) || z == nil {
		t.Fatalf("%v\n%s", fs, text)
	}
	return z
}

// brief gives findings as "ID:line", in order.
func brief(fs []finding.Finding) string {
	var out []string
	for _, f := range fs {
		out = append(out, fmt.Sprintf("%s:%d", f.ID, f.At.Line))
	}
	return strings.Join(out, " ")
}

// The keys of RFC 6376 appendix C (RSA) and RFC 8463 appendix A.2 (ed25519).
const (
	rsaKey = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB"
	edKey  = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
)

func hash(n int) string { return strings.Repeat("ab", n) }

// TestChecks: each condition, at its place and alone, and beside it a zone near
// to it that is good. Both begin with head.
func TestChecks(t *testing.T) {
	for _, c := range cases() {
		t.Run(c.what, func(t *testing.T) {
			fs := Zone(parse(t, "example.vn", head+c.bad+"\n"), Options{})
			if got := brief(fs); got != c.want {
				t.Errorf("got %q, want %q\n%v\n%s", got, c.want, fs, c.bad)
			}
			if fs := Zone(parse(t, "example.vn", head+c.good+"\n"), Options{}); len(fs) > 0 {
				t.Errorf("a good zone\n%v\n%s", fs, c.good)
			}
		})
	}
}

type example struct{ what, want, bad, good string }

func cases() []example {
	return []example{
		// RFC 7208
		{"two SPF (3.2)", "S-SPF-2:6", "@ TXT \"v=spf1 -all\"\n@ TXT \"v=spf1 ip4:192.0.2.1 -all\"", "@ TXT \"v=spf1 -all\"\n@ TXT \"v=spf10 x\"\n@ TXT \"x v=spf1\""},
		{"two SPF, in capitals (4.5)", "S-SPF-2:6", "@ TXT \"v=spf1 -all\"\n@ TXT \"V=SPF1 ~all\"", "@ TXT \"V=SPF1 ~all\""},
		{"an unknown mechanism (4.6.1)", "S-SPF:5", "@ TXT \"v=spf1 ipv4:192.0.2.1 -all\"", "@ TXT \"v=spf1 ip4:192.0.2.1 x-y=%{l} -all\""},
		{"an address for a domain (7.1)", "S-SPF:5", "@ TXT \"v=spf1 a:192.0.2.1 -all\"", "@ TXT \"v=spf1 a:192.0.2.example -all\""},
		{"a prefix too long (5.6)", "S-SPF:5", "@ TXT \"v=spf1 ip4:192.0.2.0/33 -all\"", "@ TXT \"v=spf1 ip4:192.0.2.0/32 ip6:2001:db8::/32 -all\""},
		{"the other kind of address (5.6)", "S-SPF:5", "@ TXT \"v=spf1 ip4:2001:db8::1 -all\"", "@ TXT \"v=spf1 ip6:::ffff:192.0.2.1 -all\""},
		{"a space behind a colon", "S-SPF:5", "@ TXT \"v=spf1 ip4: 192.0.2.1 -all\"", "@ TXT \"v=spf1  ip4:192.0.2.1  -all \""},
		{"two redirects (6)", "S-SPF:5", "@ TXT \"v=spf1 redirect=a.example redirect=b.example\"", "@ TXT \"v=spf1 redirect=a.example exp=b.example\""},
		{"a macro (7.1)", "S-SPF:5", "@ TXT \"v=spf1 exists:%{i.example.org -all\"", "@ TXT \"v=spf1 exists:%{ir}.%{v}._spf.%{d2} exists:%{l1r-}.x.example -all\""},
		{"the syntax behind all counts (4.6)", "S-SPF:5", "@ TXT \"v=spf1 -all a/99\"", "@ TXT \"v=spf1 -all a:x.example/24//64\""},
		{"include of no SPF (5.2)", "S-SPF:5", "@ TXT \"v=spf1 include:ns.example.vn -all\"", "@ TXT \"v=spf1 include:ns.example.org include:x.example.vn -all\"\nx TXT \"v=spf1 -all\""},
		{"redirect to no name (6.1)", "S-SPF:5", "@ TXT \"v=spf1 redirect=_spf.example.vn\"", "@ TXT \"v=spf1 redirect=_spf.example.vn\"\n_spf TXT \"v=spf1 -all\""},
		{"11 look-ups (4.6.4)", "S-SPF-LIM:5", "@ TXT \"v=spf1" + strings.Repeat(" include:x.example", 11) + " -all\"", "@ TXT \"v=spf1" + strings.Repeat(" include:x.example", 10) + " ip4:192.0.2.1 -all a:y.example\""},
		{"11 look-ups through an include", "S-SPF-LIM:5", "@ TXT \"v=spf1 include:_a.example.vn" + strings.Repeat(" mx:x.example", 5) + " -all\"\n_a TXT \"v=spf1" + strings.Repeat(" exists:x.example", 5) + " -all\"", "@ TXT \"v=spf1 include:_a.example.vn" + strings.Repeat(" mx:x.example", 4) + " -all\"\n_a TXT \"v=spf1" + strings.Repeat(" exists:x.example", 5) + " -all\""},
		{"what is included is at fault, alone", "S-SPF-LIM:6", "@ TXT \"v=spf1 include:_a.example.vn -all\"\n_a TXT \"v=spf1" + strings.Repeat(" ptr:x.example", 11) + " -all\"", "@ TXT \"v=spf1 include:_a.example.vn -all\"\n_a TXT \"v=spf1 ip4:192.0.2.1 -all\""},
		{"an include in a circle", "S-SPF-LIM:5", "_a TXT \"v=spf1 include:_b.example.vn -all\"\n_b TXT \"v=spf1 include:_a.example.vn -all\"\n@ TXT \"v=spf1 redirect=_b.example.vn\"", "_a TXT \"v=spf1 include:_b.example.vn -all\"\n_b TXT \"v=spf1 -all\""},
		{"an include of itself", "S-SPF-LIM:5", "@ TXT \"v=spf1 include:%{d} -all\"", "@ TXT \"v=spf1 include:a.%{d} -all\"\na TXT \"v=spf1 -all\""},
		{"three void look-ups (4.6.4)", "S-SPF-LIM:5", "@ TXT \"v=spf1 a:x.example.vn a:y.example.vn mx:ns.example.vn -all\"", "@ TXT \"v=spf1 a:x.example.vn a:y.example.vn a:ns.example.vn -all\""},
		{"a at no address (5.3)", "S-SPF-SELF:5", "@ TXT \"v=spf1 a -all\"", "@ TXT \"v=spf1 a -all\"\n@ A 192.0.2.1"},
		{"mx at no MX (5.4)", "S-SPF-SELF:5", "@ TXT \"v=spf1 ?mx/24 -all\"", "@ TXT \"v=spf1 ?mx/24 -all\"\n@ MX 1 ns"},
		{"a macro for the owner (7.2)", "S-SPF-SELF:5", "x TXT \"v=spf1 a:%{d} -all\"", "x TXT \"v=spf1 a:%{d} -all\"\nx AAAA 2001:db8::1"},
		{"ptr below no address (5.5)", "S-SPF-SELF:5", "x TXT \"v=spf1 ptr -all\"", "x TXT \"v=spf1 ptr -all\"\ny.x A 192.0.2.1"},

		// RFC 6376, 8463
		{"no base64 (3.6.1)", "S-DKIM:5", "s._domainkey TXT \"v=DKIM1; p=MIGf-xx\"", "s._domainkey TXT \"v=DKIM1; p=" + rsaKey + "\""},
		{"a key cut short", "S-DKIM:5", "s._domainkey TXT \"v=DKIM1; p=" + rsaKey[:200] + "\"", "s._domainkey TXT \"v=DKIM1; k=rsa; t=y; p=\" \"" + rsaKey[:100] + " \" \"" + rsaKey[100:] + ";\""},
		{"v is not first", "S-DKIM:5", "s._domainkey TXT \"k=rsa; v=DKIM1; p=\"", "s._domainkey TXT \"v=DKIM1; k=rsa; p=\""},
		{"no p", "S-DKIM:5", "s._domainkey TXT \"v=DKIM1; k=rsa\"", "s._domainkey TXT \"p=\""},
		{"a tag twice (3.2)", "S-DKIM:5", "s._domainkey TXT \"p=; p=\"", "s._domainkey.x TXT \"p=;\""},
		{"no tags", "S-DKIM:5", "s._domainkey TXT \"hello\"", "_domainkey TXT \"o=~\"\ns._domainkey CNAME x.example."},
		{"two keys (3.6.2.2)", "S-DKIM:6", "s._domainkey TXT \"p=\"\ns._domainkey TXT \"v=DKIM1; p=\"", "s._domainkey TXT \"p=\"\nt._domainkey TXT \"v=DKIM1; p=\""},
		{"ed25519 (RFC 8463 4.2)", "S-DKIM:5", "s._domainkey TXT \"k=ed25519; p=" + rsaKey + "\"", "s._domainkey TXT \"v=DKIM1; k=ed25519; p=" + edKey + "\""},

		// RFC 7489, 8461
		{"two DMARC (6.6.3)", "S-DMARC-2:6", "_dmarc TXT \"v=DMARC1; p=none\"\n_dmarc TXT \"v=DMARC1;p=reject\"", "_dmarc TXT \"v=DMARC1; p=none\"\n_dmarc TXT \"v=dmarc1; p=reject\""},
		{"STS without host (3.2)", "S-STS:5", "_mta-sts TXT \"v=STSv1; id=20250101\"", "_mta-sts TXT \"v=STSv1; id=20250101;\"\nmta-sts A 192.0.2.1"},
		{"STS twice (3.1)", "S-STS:6", "_mta-sts TXT \"v=STSv1; id=1\"\n_mta-sts TXT \"v=STSv1; id=2\"\nmta-sts A 192.0.2.1", "_mta-sts TXT \"v=STSv1; id=1\"\n_mta-sts TXT \"x\"\nmta-sts CNAME x.example."},
		{"STS host is an alias that dangles: the alias is at fault", "X-DANGLE:6", "_mta-sts TXT \"v=STSv1; id=1\"\nmta-sts CNAME gone", "_mta-sts TXT \"v=STSv1; id=1\"\nmta-sts CNAME ns"},
		{"STS without id (3.1)", "S-STS:5", "_mta-sts TXT \"v=STSv1;\"\nmta-sts A 192.0.2.1", "_mta-sts.x TXT \"v=STSv1; id=a1\"\nmta-sts.x AAAA 2001:db8::1"},

		// RFC 6698, 7671
		{"TLSA at no host", "S-TLSA:5", "_443._tcp.www TLSA 3 1 1 " + hash(32), "_443._tcp.www TLSA 3 1 1 " + hash(32) + "\nwww A 192.0.2.1"},
		{"TLSA at an alias without address", "S-TLSA:5", "_443._tcp.www TLSA 3 1 1 " + hash(32) + "\nwww CNAME x\nx TXT y", "_443._tcp.www TLSA 3 1 1 " + hash(32) + "\nwww CNAME x\nx A 192.0.2.1"},
		{"TLSA usage", "S-TLSA:5", "_25._tcp.ns TLSA 4 1 1 " + hash(32), "_25._tcp.ns TLSA 255 1 1 " + hash(32)},
		{"TLSA selector", "S-TLSA:5", "_25._tcp.ns TLSA 3 2 1 " + hash(32), "*._tcp.ns TLSA 3 0 2 " + hash(64)},
		{"TLSA matching type", "S-TLSA:5", "_25._tcp.ns TLSA 3 1 3 " + hash(32), "_25._tcp.ns TLSA 2 0 0 3082"},
		{"TLSA length", "S-TLSA:5", "_25._tcp.ns TLSA 3 1 1 " + hash(31), "_25._tcp.ns TLSA 3 1 2 " + hash(64)},

		{"TLSA length of SHA-512", "S-TLSA:5", "_25._tcp.ns TLSA 3 1 2 " + hash(32), "_25._tcp.ns TLSA 3 1 0 " + hash(31)},

		// RFC 8659
		{"CAA tag", "S-CAA:5", "@ CAA 0 isue \"ca.example\"", "@ CAA 0 ISSUE \"ca.example; account=123\"\n@ CAA 128 issuewild \";\""},
		{"CAA value", "S-CAA:5", "@ CAA 0 issue \"https://ca.example\"", "@ CAA 0 issue \"\"\n@ CAA 0 issuewild \" ca.example ; a=b ; c= \""},
		{"CAA parameters", "S-CAA:5", "@ CAA 0 issue \"ca.example; x\"", "@ CAA 0 issue \"ca.example;\""},
		{"CAA iodef", "S-CAA:5", "@ CAA 0 iodef \"security@example.vn\"", "@ CAA 0 iodef \"mailto:security@example.vn\"\n@ CAA 0 contactemail \"a@example.vn\""},

		// RFC 7505, 9460
		{"null MX (3)", "S-NULLMX:5", "@ MX 0 .\n@ MX 10 ns", "@ MX 0 .\nx MX 10 ns"},
		{"alias beside service (2.4.1)", "S-SVCB:5", "@ HTTPS 0 x.example.\n@ HTTPS 1 y.example. alpn=h2", "@ HTTPS 2 x.example.\n@ HTTPS 1 y.example. alpn=h2"},
		{"two aliases (2.4.2)", "S-SVCB:6", "_dns.x SVCB 0 x.example.\n_dns.x SVCB 0 y.example.", "_dns.x SVCB 0 x.example."},
		{"alias with parameters (2.4.2)", "S-SVCB:5", "@ HTTPS 0 x.example. alpn=h2", "@ HTTPS 1 x.example. mandatory=alpn alpn=h2"},
		{"HTTPS at no address (2.5.2)", "G-ADDR:5", "x HTTPS 1 . alpn=h2", "x HTTPS 1 . alpn=h2\nx A 192.0.2.1\n_8443._https.x HTTPS 1 ns\ny HTTPS 0 x\nz HTTPS 0 ."},

		// chains
		{"an exchange is an alias (RFC 2181 10.3)", "X-MX-CNAME:5", "@ MX 10 mail\nmail CNAME ns", "@ MX 10 mail\nmail A 192.0.2.2"},
		{"a server is an alias", "X-MX-CNAME:5", "@ NS ns2\nns2 CNAME ns", "@ NS ns2\nns2 AAAA 2001:db8::1"},
		{"a server is an alias of one outside", "X-MX-CNAME:5", "@ NS ns2\nns2 CNAME ns.example.", "@ NS ns.example."},
		{"an exchange is a wildcard's alias", "X-MX-CNAME:5", "@ MX 1 y.x\n*.x CNAME ns", "@ MX 1 y.x\n*.x A 192.0.2.1"},
		{"a loop of one", "X-LOOP:5", "x CNAME x", "x CNAME ns"},
		{"a loop, and who leads into it", "X-LOOP:6", "a CNAME c\nb CNAME c\nc CNAME b\nd CNAME a", "a CNAME c\nb CNAME c\nc CNAME ns\nd CNAME a"},
		{"a loop of DNAMEs (RFC 6672 2.2)", "X-LOOP:5", "a DNAME b\nb DNAME a", "a DNAME b\nb DNAME c.example."},
		{"a loop by way of a DNAME", "X-LOOP:5", "a CNAME x.b\nb DNAME c\nx.c CNAME a", "a CNAME x.b\nb DNAME c\nx.c CNAME ns"},
		{"a DNAME below itself", "X-DNAME-GROW:5", "a DNAME b.a", "a DNAME b.c\nb.c A 192.0.2.1"},
		{"DNAMEs that grow by way of each other", "X-DNAME-GROW:5", "a DNAME x.b\nb DNAME a\nc DNAME a", "a DNAME b\nx.b A 192.0.2.1"},
		{"a dangling alias", "X-DANGLE:5", "x CNAME y", "x CNAME w.y\n*.y A 192.0.2.1\nz CNAME v.y\nu CNAME outside.example.\n_acme-challenge CNAME gone"},
		{"the last alias of a chain dangles", "X-DANGLE:6", "a CNAME b\nb CNAME c\nx CNAME a\n@ MX 1 ns", "a CNAME b\nb CNAME c\nc TXT x"},
		{"an alias of a name without records", "X-DANGLE:5", "x CNAME y\nz.y A 192.0.2.1", "x CNAME z.y\nz.y A 192.0.2.1"},
		{"a dangling DNAME", "X-DANGLE:5", "x DNAME y", "x DNAME y\nz.y A 192.0.2.1"},
		{"an exchange that does not exist", "X-DANGLE:5", "@ MX 10 mail", "@ MX 10 mail\n* A 192.0.2.1"},
		{"a service is an alias that dangles: the alias is at fault", "X-DANGLE:6", "_sip._tcp SRV 1 1 5060 x\nx CNAME gone", "_sip._tcp SRV 1 1 5060 x\nx CNAME ns"},
		{"a service without address", "G-ADDR:5", "_sip._tcp SRV 1 1 5060 x\nx TXT y", "_sip._tcp SRV 1 1 5060 x\nx AAAA 2001:db8::1\n_ftp._tcp SRV 0 0 0 ."},
		{"an address for an exchange (RFC 1035 3.3.9)", "G-ADDR:5", "@ MX 10 192.0.2.1.", "@ MX 10 192.0.2.x."},
		{"an address for a server, below the origin", "G-ADDR:5", "@ NS 192.0.2.1", "@ NS 192.0.2.1\n1.2.0.192 A 192.0.2.1\n192.0.2.1 A 192.0.2.1"},
		{"a chain of 11", "X-LEN:5", chain(11), chain(10)},
		{"a chain of 13: one finding", "X-LEN:7", chain(13), chain(9)},

		// delegations
		{"glue is missing", "D-GLUE:5", "sub NS ns.sub\nsub NS ns", "sub NS ns.sub\nns.sub A 192.0.2.2\nsub NS ns"},
		{"the child's apex is its server", "D-GLUE:5", "sub NS sub", "sub NS sub\nsub AAAA 2001:db8::2"},
		{"servers below each other's cuts", "D-CYCLE:5", "a NS ns.b\nb NS ns.a\nc NS ns.a", "a NS ns.b\nb NS ns.a\nns.a A 192.0.2.2"},
		{"a cut that hides", "N-CUT:5", "sub NS ns\nwww.sub A 192.0.2.2\nsub TXT x\na.www.sub MX 1 nowhere", "sub NS ns.sub\nns.sub A 192.0.2.2\nsub DS 1 8 2 " + hash(32) + "\nsub2 NS ns.sub"},
		{"a DNAME that hides (RFC 6672 2.3)", "N-DNAME-OCC:5", "x DNAME y.example.\nwww.x A 192.0.2.2", "x DNAME y.example.\nx A 192.0.2.2\nxx A 192.0.2.2"},
		{"NS at a wildcard (RFC 4592 4.2)", "N-WILD-NS:5", "*.x NS ns", "y.x NS ns"},
		{"DNAME at a wildcard (RFC 4592 4.4)", "N-WILD-NS:5", "*.x DNAME y.example.", "x DNAME y.example."},
		{"an asterisk inside (RFC 4592 2.1.1)", "N-WILD-INNER:5", "a.*.x A 192.0.2.2\nb.*.x A 192.0.2.2", "*.x A 192.0.2.2\na*.x A 192.0.2.2"},
		{"data name an asterisk", "N-STAR-LIT:5", "x CNAME *.y\n*.y A 192.0.2.2", "x CNAME a.y\n*.y A 192.0.2.2"},
		{"a CNAME beside others (RFC 1034 3.6.2)", "N-CNAME-OTHER:5", "x CNAME ns\nx TXT y", "x CNAME ns\ny TXT y"},
		{"two CNAMEs (RFC 2181 10.1)", "N-CNAME-OTHER:6", "x CNAME ns\nx CNAME y.example.", "x CNAME ns\ny CNAME y.example."},

		{"a child's server that does not exist", "X-DANGLE:5", "x NS gone\nx NS ns", "x NS gone.example.\nx NS ns"},
		{"DS at the own apex (RFC 4035 2.4)", "G-DS:5", "@ DS 1 8 2 " + hash(32), "x NS ns\nx DS 1 8 2 " + hash(32)},
		{"two DNAMEs (RFC 6672 2.4)", "N-CNAME-OTHER:6", "x DNAME a.example.\nx DNAME b.example.", "x DNAME a.example.\ny DNAME b.example."},
		{"what lies below a cut is not judged", "N-CUT:5", "x NS ns\na.x CNAME a.x\nb.x MX 1 gone\n*.c.x NS ns", "y NS ns\nx NS z.y\nz.y A 192.0.2.2"},

		// one set, one name
		{"a private address (RFC 1918)", "M-PRIVATE:5", "a A 10.0.0.1\nb A 172.16.0.1\nc A 192.168.0.1\nd A 127.0.0.1", "a A 11.0.0.1\nb A 172.32.0.1\nc A 192.169.0.1"},
		{"a missing dot in data", "Z-DOUBLE:5", "x CNAME www.example.vn", "x CNAME www.example.vn.\nwww A 192.0.2.1"},
		{"a missing dot in an MX", "Z-DOUBLE:5", "@ MX 1 mail.example.vn", "@ MX 1 mail.example.vn.\nmail A 192.0.2.1"},
		{"a missing dot in owners: one cause", "Z-DOUBLE:6", "$ORIGIN example.vn\na A 192.0.2.1\nb A 192.0.2.1", "$ORIGIN example.vn.\na A 192.0.2.1\naexample.vn A 192.0.2.1"},
		{"a missing dot in an owner, and who names it", "Z-DOUBLE:6", "@ MX 1 mail\nmail.example.vn A 192.0.2.1\nx CNAME mail\nwww.example.vn A 192.0.2.1", "@ MX 1 mail\nmail.example.vn. A 192.0.2.1\nx CNAME mail"},
		{"a missing dot in glue", "Z-DOUBLE:6", "x NS ns.x\nns.x.example.vn A 192.0.2.1", "x NS ns.x\nns.x.example.vn. A 192.0.2.1"},
		{"a missing dot in a reverse record", "Z-DOUBLE:5", "x PTR www.example.vn", "x PTR www.example.vn."},
		{"a loopback address", "M-PRIVATE:5", "a A 127.0.0.1", "a A 128.0.0.1"},
		{"a link-local address (RFC 3927)", "M-PRIVATE:5", "a A 169.254.0.1", "a A 169.253.0.1"},
		{"a unique local address (RFC 4193)", "M-PRIVATE:5", "a AAAA fd00::1", "a AAAA fe00::1"},
		{"control characters", "G-CTRL:5", "x TXT \"a\" \"b\\009c\"", "x TXT \"a\\200\\195\""},
		{"a set above 1232 octets", "G-SIZE:5", many("x TXT \"%0200d\"\n", 6), many("x TXT \"%0200d\"\n", 5)},
		{"names that may be pointers (RFC 3597 4)", "G-SIZE:5", many("@ MX 1 h%02d\n", 60) + "* A 192.0.2.1", many("@ MX 1 h%02d\n", 50) + "* A 192.0.2.1"},
		{"a set above 65535 octets", "G-SIZE:5", many("x TXT \"%0250d\"\n", 260), many("x A 192.0.2.%d\n", 60)},
	}
}

// chain is n aliases that end at ns.
func chain(n int) string {
	var b strings.Builder
	for i := range n {
		to := fmt.Sprintf("c%02d", i+1)
		if i == n-1 {
			to = "ns"
		}
		fmt.Fprintf(&b, "c%02d CNAME %s\n", i, to)
	}
	return b.String()
}

func many(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}
