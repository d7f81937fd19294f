package oracle

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"testing/fstest"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/rdata"
	"gialai.gov.vn/hopnhat/zones/zonefile"
)

// world reads zones from text; a line "== ORIGIN" begins each.
func world(t testing.TB, text string) zones.World {
	t.Helper()
	var zs []*zones.Zone
	for _, part := range strings.Split(text, "== ")[1:] {
		origin, body, _ := strings.Cut(part, "\n")
		tree, fs := zonefile.Load(fstest.MapFS{"z": {Data: []byte(body)}}, "z", zonefile.Options{Origin: zones.MustName(origin)})
		if tree == nil || finding.Failed(fs) {
			t.Fatalf("%s: %v", origin, fs)
		}
		z, fs := tree.Zone(zones.Internet)
		if z == nil {
			t.Fatalf("%s: %v", origin, fs)
		}
		zs = append(zs, z)
	}
	w, err := zones.NewWorld(zs...)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// say writes an answer as "RCODE aa; records / authority / additional".
func say(a Answer) string {
	section := func(sets []zones.RRset) string {
		var out []string
		for _, s := range sets {
			for _, r := range s.Records() {
				out = append(out, strings.TrimSpace(fmt.Sprintf("%s %d %v %s", r.Owner, r.TTL, r.Type, rdata.Text(r.Type, r.Data))))
			}
		}
		return strings.Join(out, ", ")
	}
	s := map[int]string{NoError: "NOERROR", NXDomain: "NXDOMAIN", Refused: "REFUSED", YXDomain: "YXDOMAIN"}[a.Rcode]
	if a.AA {
		s += " aa"
	}
	return s + "; " + section(a.Answer) + " / " + section(a.Authority) + " / " + section(a.Additional)
}

type example struct{ section, name, typ, want string }

func check(t *testing.T, w zones.World, es []example) {
	t.Helper()
	for _, e := range es {
		typ, ok := zones.ParseType(e.typ)
		if !ok {
			t.Fatalf("type %s", e.typ)
		}
		got := say(Resolve(w, zones.Internet, zones.MustName(e.name), typ))
		if got != e.want {
			t.Errorf("%s: %s %s\n got %s\nwant %s", e.section, e.name, e.typ, got, e.want)
		}
	}
}

// The zones of RFC 1034 6.1.
const rfc1034 = `== .
$TTL 86400
.	IN SOA SRI-NIC.ARPA. HOSTMASTER.SRI-NIC.ARPA. 870611 1800 300 604800 86400
	NS A.ISI.EDU.
	NS C.ISI.EDU.
	NS SRI-NIC.ARPA.
MIL.	86400 NS SRI-NIC.ARPA.
	86400 NS A.ISI.EDU.
EDU.	86400 NS SRI-NIC.ARPA.
	86400 NS C.ISI.EDU.
SRI-NIC.ARPA. A 26.0.0.73
	A 10.0.0.51
	MX 0 SRI-NIC.ARPA.
	HINFO DEC-2060 TOPS20
ACC.ARPA. A 26.6.0.65
	HINFO PDP-11/70 UNIX
	MX 10 ACC.ARPA.
USC-ISIC.ARPA. CNAME C.ISI.EDU.
73.0.0.26.IN-ADDR.ARPA. PTR SRI-NIC.ARPA.
A.ISI.EDU. 86400 A 26.3.0.103
C.ISI.EDU. 86400 A 10.0.0.52
`

const edu = `== EDU.
$TTL 86400
EDU.	IN SOA SRI-NIC.ARPA. HOSTMASTER.SRI-NIC.ARPA. 870729 1800 300 604800 86400
	NS SRI-NIC.ARPA.
	NS C.ISI.EDU.
ISI	172800 NS VAXA.ISI
	172800 NS A.ISI
VAXA.ISI 172800 A 10.2.0.27
A.ISI	172800 A 26.3.0.103
MIT.EDU. 43200 NS XX.LCS.MIT.EDU.
XX.LCS.MIT.EDU. 43200 A 10.0.0.44
`

const rootSOA = ". 86400 SOA sri-nic.arpa. hostmaster.sri-nic.arpa. 870611 1800 300 604800 86400"

// TestRFC1034 is section 6.2. Where a later RFC or docs/behaviour.md changes
// the message of 1987, the line says so.
func TestRFC1034(t *testing.T) {
	check(t, world(t, rfc1034), []example{
		// Additional data is left out (C7).
		{"6.2.1", "SRI-NIC.ARPA", "A", "NOERROR aa; sri-nic.arpa. 86400 A 10.0.0.51, sri-nic.arpa. 86400 A 26.0.0.73 /  / "},
		// ANY is one RRset (C4, RFC 8482 4.1); the RFC of 1987 gives all.
		{"6.2.2", "SRI-NIC.ARPA", "ANY", "NOERROR aa; sri-nic.arpa. 86400 A 10.0.0.51, sri-nic.arpa. 86400 A 26.0.0.73 /  / "},
		{"6.2.3", "SRI-NIC.ARPA", "MX", "NOERROR aa; sri-nic.arpa. 86400 MX 0 sri-nic.arpa. /  / "},
		// No data: the SOA is RFC 2308 2.2's.
		{"6.2.4", "SRI-NIC.ARPA", "NS", "NOERROR aa;  / " + rootSOA + " / "},
		{"6.2.5", "SIR-NIC.ARPA", "A", "NXDOMAIN aa;  / " + rootSOA + " / "},
		// The addresses of servers outside MIL are no in-domain glue.
		{"6.2.6", "BRL.MIL", "A", "NOERROR;  / mil. 86400 NS a.isi.edu., mil. 86400 NS sri-nic.arpa. / "},
		// A server of the root zone alone: the CNAME, and the referral to EDU.
		{"6.2.7", "USC-ISIC.ARPA", "A", "NOERROR aa; usc-isic.arpa. 86400 CNAME c.isi.edu. / edu. 86400 NS c.isi.edu., edu. 86400 NS sri-nic.arpa. / c.isi.edu. 86400 A 10.0.0.52"},
		{"6.2.8", "USC-ISIC.ARPA", "CNAME", "NOERROR aa; usc-isic.arpa. 86400 CNAME c.isi.edu. /  / "},
	})
	check(t, world(t, rfc1034+edu), []example{
		// With EDU served beside it the CNAME leads into another zone and is not followed (C2).
		{"6.2.7, C2", "USC-ISIC.ARPA", "A", "NOERROR aa; usc-isic.arpa. 86400 CNAME c.isi.edu. /  / "},
		{"4.3.2 step 2", "XX.LCS.MIT.EDU", "A", "NOERROR;  / mit.edu. 43200 NS xx.lcs.mit.edu. / xx.lcs.mit.edu. 43200 A 10.0.0.44"},
		{"4.3.2 step 2", "EDU", "NS", "NOERROR aa; edu. 86400 NS c.isi.edu., edu. 86400 NS sri-nic.arpa. /  / "},
		{"RFC 4035 3.1.4.1", "EDU", "DS", "NOERROR aa;  / " + rootSOA + " / "},
	})
	check(t, world(t, edu), []example{
		{"4.3.2 step 2", "SRI-NIC.ARPA", "A", "REFUSED;  /  / "},
	})
}

// The zone of RFC 4592 2.2.1; the RDATA that the RFC leaves out is made up.
const rfc4592 = `== example.
$TTL 3600
@	SOA ns.example.com. h.example. 1 2 3 4 600
	NS ns.example.com.
	NS ns.example.net.
*	TXT "this is a wildcard"
*	MX 10 host1.example.
sub.*	TXT "this is not a wildcard"
host1	A 192.0.2.1
_ssh._tcp.host1 SRV 0 0 22 host1
_ssh._tcp.host2 SRV 0 0 22 host1
subdel	NS ns.example.com.
subdel	NS ns.example.net.
`

const exampleSOA = "example. 600 SOA ns.example.com. h.example. 1 2 3 4 600"

func TestRFC4592(t *testing.T) {
	check(t, world(t, rfc4592), []example{
		// "The following responses would be synthesized from one of the wildcards":
		{"2.2.1", "host3.example", "MX", "NOERROR aa; host3.example. 3600 MX 10 host1.example. /  / "},
		{"2.2.1", "host3.example", "A", "NOERROR aa;  / " + exampleSOA + " / "},
		{"2.2.1", "foo.bar.example", "TXT", `NOERROR aa; foo.bar.example. 3600 TXT "this is a wildcard" /  / `},
		// "would not be synthesized":
		{"2.2.1", "host1.example", "MX", "NOERROR aa;  / " + exampleSOA + " / "},
		{"2.2.1", "sub.*.example", "MX", "NOERROR aa;  / " + exampleSOA + " / "},
		{"2.2.1", "_telnet._tcp.host1.example", "SRV", "NXDOMAIN aa;  / " + exampleSOA + " / "},
		{"2.2.1", "host.subdel.example", "A", "NOERROR;  / subdel.example. 3600 NS ns.example.com., subdel.example. 3600 NS ns.example.net. / "},
		{"2.2.1", "ghost.*.example", "MX", "NXDOMAIN aa;  / " + exampleSOA + " / "},
		// 2.2.2: host2.example is an empty non-terminal.
		{"2.2.2", "host2.example", "MX", "NOERROR aa;  / " + exampleSOA + " / "},
		// 3.3.1: the closest encloser of _telnet._tcp.host2 is _tcp.host2, not the apex.
		{"3.3.1", "_telnet._tcp.host2.example", "TXT", "NXDOMAIN aa;  / " + exampleSOA + " / "},
		// 2.1.1: an asterisk label that is asked for is an ordinary name.
		{"2.1.1", "*.example", "TXT", `NOERROR aa; *.example. 3600 TXT "this is a wildcard" /  / `},
	})
	// 4.4: CNAME at a wildcard; 4.2.1: the SOA of the zone, not of the wildcard's owner.
	check(t, world(t, "== example.\n@ 60 SOA ns h 1 2 3 4 30\n@ 60 NS ns\nns 60 A 192.0.2.1\n*.c 60 CNAME ns\n*.e 60 A 192.0.2.2\nx.*.e 60 A 192.0.2.3\ny.*.f 60 A 192.0.2.3\n"), []example{
		{"4.4", "a.c.example", "A", "NOERROR aa; a.c.example. 60 CNAME ns.example., ns.example. 60 A 192.0.2.1 /  / "},
		{"4.4", "a.c.example", "CNAME", "NOERROR aa; a.c.example. 60 CNAME ns.example. /  / "},
		{"2.2.2", "a.b.e.example", "A", "NOERROR aa; a.b.e.example. 60 A 192.0.2.2 /  / "},
		// A wildcard that is an empty non-terminal is a source of synthesis: no data, not NXDOMAIN.
		{"4.9", "a.f.example", "A", "NOERROR aa;  / example. 30 SOA ns.example. h.example. 1 2 3 4 30 / "},
	})
}

func TestRFC6672(t *testing.T) {
	long := strings.Repeat("x", 60)
	z := "== example.\n@ 60 SOA ns h 1 2 3 4 30\n@ 60 NS ns\nns 60 A 192.0.2.1\n" +
		"d 120 DNAME t\nd 60 A 192.0.2.9\na.t 60 A 192.0.2.2\n*.w.t 60 A 192.0.2.3\nsub.t 60 NS ns.sub.t\nns.sub.t 60 A 192.0.2.4\n" +
		"out 60 DNAME example.net.\nself 60 DNAME self\ngrow 60 DNAME g." + strings.Join([]string{long, long, long}, ".") + ".example.\n" +
		"one 60 DNAME two\ntwo 60 DNAME one\ncc 60 CNAME a.d\n"
	soa := "example. 30 SOA ns.example. h.example. 1 2 3 4 30"
	d := "d.example. 120 DNAME t.example."
	check(t, world(t, z), []example{
		// 2.2, table 1: the owner itself does not match, names below it do.
		{"2.2", "d.example", "A", "NOERROR aa; d.example. 60 A 192.0.2.9 /  / "},
		{"2.2", "d.example", "MX", "NOERROR aa;  / " + soa + " / "},
		{"2.2", "d.example", "DNAME", "NOERROR aa; " + d + " /  / "},
		// 3.1: the DNAME first, then a CNAME with its TTL.
		{"3.1", "a.d.example", "A", "NOERROR aa; " + d + ", a.d.example. 120 CNAME a.t.example., a.t.example. 60 A 192.0.2.2 /  / "},
		{"3.1", "a.d.example", "CNAME", "NOERROR aa; " + d + ", a.d.example. 120 CNAME a.t.example. /  / "},
		{"3.2", "no.d.example", "A", "NXDOMAIN aa; " + d + ", no.d.example. 120 CNAME no.t.example. / " + soa + " / "},
		{"3.2", "a.b.w.d.example", "A", "NOERROR aa; " + d + ", a.b.w.d.example. 120 CNAME a.b.w.t.example., a.b.w.t.example. 60 A 192.0.2.3 /  / "},
		{"3.2", "x.sub.d.example", "A", "NOERROR aa; " + d + ", x.sub.d.example. 120 CNAME x.sub.t.example. / sub.t.example. 60 NS ns.sub.t.example. / ns.sub.t.example. 60 A 192.0.2.4"},
		{"2.2", "foo.out.example", "A", "NOERROR aa; out.example. 60 DNAME example.net., foo.out.example. 60 CNAME foo.example.net. /  / "},
		// table 1: cyc.example.com under example.com DNAME example.com; each record once (C1).
		{"2.2, C1", "cyc.self.example", "A", "NOERROR aa; self.example. 60 DNAME self.example., cyc.self.example. 60 CNAME cyc.self.example. /  / "},
		{"C1", "q.one.example", "A", "NOERROR aa; one.example. 60 DNAME two.example., q.one.example. 60 CNAME q.two.example., two.example. 60 DNAME one.example., q.two.example. 60 CNAME q.one.example. /  / "},
		{"chain", "cc.example", "A", "NOERROR aa; cc.example. 60 CNAME a.d.example., " + d + ", a.d.example. 120 CNAME a.t.example., a.t.example. 60 A 192.0.2.2 /  / "},
		// 2.2: longer than 255 octets is YXDOMAIN, with the DNAME alone (C3).
		{"2.2, C3", "a." + long + ".grow.example", "A", "YXDOMAIN aa; grow.example. 60 DNAME g." + strings.Join([]string{long, long, long}, ".") + ".example. /  / "},
	})
}

// TestBehaviour holds clauses of docs/behaviour.md that no RFC gives an
// example of.
func TestBehaviour(t *testing.T) {
	z := "== p.vn.\n@ 900 SOA ns h 1 2 3 4 300\n@ 60 NS ns\nns 60 A 192.0.2.1\n" +
		"cut 60 NS ns.cut\ncut 60 NS other.vn.\ncut 60 A 192.0.2.7\ncut 60 DS 1 8 2 00\nns.cut 60 A 192.0.2.2\nns.cut 60 AAAA 2001:db8::2\n" +
		"deep.cut 60 NS ns\ndeep.cut 60 DS 1 8 2 01\n*.cut 60 A 192.0.2.8\nc.cut 60 CNAME ns\n" +
		"to 60 CNAME x.cut\nnil 60 CNAME ent\na.ent 60 A 192.0.2.3\nnx 60 CNAME none\nl1 60 CNAME l2\nl2 60 CNAME l1\n" +
		"kid 60 NS ns\nx.kid 60 A 192.0.2.66\ntokid 60 CNAME x.kid\n" +
		"== kid.p.vn.\n@ 60 SOA ns h 1 2 3 4 30\n@ 60 NS ns.p.vn.\ny 60 A 192.0.2.5\n"
	soa := "p.vn. 300 SOA ns.p.vn. h.p.vn. 1 2 3 4 300"
	kid := "kid.p.vn. 30 SOA ns.kid.p.vn. h.kid.p.vn. 1 2 3 4 30"
	ref := " / cut.p.vn. 60 NS ns.cut.p.vn., cut.p.vn. 60 NS other.vn. / ns.cut.p.vn. 60 A 192.0.2.2, ns.cut.p.vn. 60 AAAA 2001:db8::2"
	check(t, world(t, z), []example{
		{"9", "cut.p.vn", "A", "NOERROR; " + ref},
		{"9", "ns.cut.p.vn", "A", "NOERROR; " + ref},
		{"8", "cut.p.vn", "DS", "NOERROR aa; cut.p.vn. 60 DS 1 8 2 00 /  / "},
		{"7, 8", "deep.cut.p.vn", "DS", "NOERROR; " + ref},
		{"7", "q.cut.p.vn", "A", "NOERROR; " + ref},
		{"7", "c.cut.p.vn", "A", "NOERROR; " + ref},
		{"10", "to.p.vn", "A", "NOERROR aa; to.p.vn. 60 CNAME x.cut.p.vn." + ref},
		{"2", "nil.p.vn", "A", "NOERROR aa; nil.p.vn. 60 CNAME ent.p.vn. / " + soa + " / "},
		{"2", "nx.p.vn", "A", "NXDOMAIN aa; nx.p.vn. 60 CNAME none.p.vn. / " + soa + " / "},
		{"C1", "l1.p.vn", "A", "NOERROR aa; l1.p.vn. 60 CNAME l2.p.vn., l2.p.vn. 60 CNAME l1.p.vn. /  / "},
		{"3", "ent.p.vn", "TXT", "NOERROR aa;  / " + soa + " / "},
		{"C8", "x.kid.p.vn", "A", "NXDOMAIN aa;  / " + kid + " / "},
		{"C8", "kid.p.vn", "DS", "NOERROR aa;  / " + soa + " / "},
		{"C2", "tokid.p.vn", "A", "NOERROR aa; tokid.p.vn. 60 CNAME x.kid.p.vn. /  / "},
	})
}

// TestAlone holds ORACLE-ALONE.
func TestAlone(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, p := range strings.Fields(string(out)) {
		if strings.HasPrefix(p, "gialai.gov.vn/hopnhat/") {
			n++
			if p != "gialai.gov.vn/hopnhat/zones" && p != "gialai.gov.vn/hopnhat/resolver/oracle" {
				t.Errorf("the oracle depends on %s", p)
			}
		}
	}
	if n != 2 {
		t.Errorf("%d packages of ours listed, want zones and the oracle", n)
	}
}
