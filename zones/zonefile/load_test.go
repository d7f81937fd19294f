package zonefile

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

var gialai = zones.MustName("gialai.gov.vn")

// files makes a file system of name and content in turn.
func files(pairs ...string) fstest.MapFS {
	m := fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return m
}

// show writes a record as one line: owner TTL type data.
func show(r zones.Record) string {
	return fmt.Sprintf("%v %d %v %s", r.Owner, r.TTL, r.Type, rdata.Text(r.Type, r.Data))
}

func showAll(rs []zones.Record) (out []string) {
	for _, r := range rs {
		out = append(out, show(r))
	}
	return out
}

// brief writes a finding as severity, id and place.
func brief(fs []finding.Finding) (out []string) {
	for _, f := range fs {
		out = append(out, fmt.Sprintf("%v %s %v", f.Severity, f.ID, f.At))
	}
	return out
}

const soa = "@ 3600 IN SOA ns1 admin 1 7200 3600 1209600 300\n"

var loadTests = []struct {
	name, in string
	want     []string // records after the SOA, if in begins with it
	findings []string
}{
	{"owner left out", "$TTL 60\n" + soa + "www A 192.0.2.1\n  AAAA 2001:db8::1\n\tTXT x\n", []string{
		"www.gialai.gov.vn. 60 A 192.0.2.1", "www.gialai.gov.vn. 60 AAAA 2001:db8::1", `www.gialai.gov.vn. 60 TXT "x"`,
	}, nil},
	{"TTL and class in either order", soa + "a 60 IN A 192.0.2.1\nb IN 61 A 192.0.2.1\nc 62 A 192.0.2.1\nd IN A 192.0.2.1\ne A 192.0.2.1\n", []string{
		"a.gialai.gov.vn. 60 A 192.0.2.1", "b.gialai.gov.vn. 61 A 192.0.2.1", "c.gialai.gov.vn. 62 A 192.0.2.1",
		"d.gialai.gov.vn. 62 A 192.0.2.1", "e.gialai.gov.vn. 62 A 192.0.2.1",
	}, nil},
	{"$TTL wins over the last stated", "$TTL 1h\n" + soa + "a 60 A 192.0.2.1\nb A 192.0.2.1\n", []string{
		"a.gialai.gov.vn. 60 A 192.0.2.1", "b.gialai.gov.vn. 3600 A 192.0.2.1",
	}, nil},
	{"units", soa + "a 1H30M A 192.0.2.1\nb 1w2d3h4m5s A 192.0.2.1\n", []string{
		"a.gialai.gov.vn. 5400 A 192.0.2.1", "b.gialai.gov.vn. 788645 A 192.0.2.1",
	}, nil},
	{"no TTL at all", "@ SOA ns1 admin 1 2 3 4 77\nwww A 192.0.2.1\n", []string{
		"gialai.gov.vn. 77 SOA ns1.gialai.gov.vn. admin.gialai.gov.vn. 1 2 3 4 77", "www.gialai.gov.vn. 77 A 192.0.2.1",
	}, []string{"warning Z-NOTTL z:1:1"}},
	{"NS before SOA, without TTL", "@ NS ns1\n@ SOA ns1 admin 1 2 3 4 77\n", []string{
		"gialai.gov.vn. 77 NS ns1.gialai.gov.vn.", "gialai.gov.vn. 77 SOA ns1.gialai.gov.vn. admin.gialai.gov.vn. 1 2 3 4 77",
	}, []string{"warning Z-NOTTL z:1:1"}},
	{"TTL above 2^31-1 (RFC 2181 8)", soa + "a 2147483648 A 192.0.2.1\nb 2147483647 A 192.0.2.1\n", []string{
		"a.gialai.gov.vn. 0 A 192.0.2.1", "b.gialai.gov.vn. 2147483647 A 192.0.2.1",
	}, []string{"warning Z-TTLMAX z:2:3"}},
	{"relative $ORIGIN", soa + "$ORIGIN so\nwww 1 A 192.0.2.1\n$ORIGIN y.te\nwww A 192.0.2.2\n", []string{
		"www.so.gialai.gov.vn. 1 A 192.0.2.1", "www.y.te.so.gialai.gov.vn. 1 A 192.0.2.2",
	}, nil},
	{"escapes", soa + `a\.b 1 A 192.0.2.1` + "\n" + `\097b A 192.0.2.1` + "\n" + `x\032y A 192.0.2.1` + "\n" + `\$ A 192.0.2.1` + "\n" + `\@ A 192.0.2.1` + "\n", []string{
		`a\.b.gialai.gov.vn. 1 A 192.0.2.1`, `ab.gialai.gov.vn. 1 A 192.0.2.1`, `x\032y.gialai.gov.vn. 1 A 192.0.2.1`,
		`\$.gialai.gov.vn. 1 A 192.0.2.1`, `\@.gialai.gov.vn. 1 A 192.0.2.1`,
	}, nil},
	{"unknown types (RFC 3597 5)", soa + "a 1 TYPE65400 \\# 3 010203\nb CLASS1 TYPE1 \\# 4 c0000201\n", []string{
		`a.gialai.gov.vn. 1 TYPE65400 \# 3 010203`, "b.gialai.gov.vn. 1 A 192.0.2.1",
	}, nil},
	{"parentheses and comments", soa + "a 1 TXT ( \"x\" ; one\n ; two\n \"y;z\" ) ; three\nb A (192.0.2.1)\n", []string{
		`a.gialai.gov.vn. 1 TXT "x" "y;z"`, "b.gialai.gov.vn. 1 A 192.0.2.1",
	}, nil},
	{"a missing last newline", soa + "a 1 A 192.0.2.1", []string{"a.gialai.gov.vn. 1 A 192.0.2.1"}, nil},
	{"BOM and CRLF", byteOrderMark + "$TTL 1\r\n" + strings.ReplaceAll(soa, "\n", "\r\n") + "a A 192.0.2.1\r\n", []string{"a.gialai.gov.vn. 1 A 192.0.2.1"}, nil},
	{"a BOM before an owner", byteOrderMark + soa, nil, nil},
	{"class", soa + "a CH A 192.0.2.1\nb HS A 192.0.2.1\nc CLASS2 A 192.0.2.1\n", nil, []string{
		"error Z-CLASS z:2:3", "error Z-CLASS z:3:3", "error Z-CLASS z:4:3",
	}},
	{"raw UTF-8", soa + "tỉnh 1 A 192.0.2.1\nTỈNH A 192.0.2.2\n", []string{
		`t\225\187\137nh.gialai.gov.vn. 1 A 192.0.2.1`, `t\225\187\136nh.gialai.gov.vn. 1 A 192.0.2.2`,
	}, []string{"note Z-UTF8 z:2:1", "note Z-UTF8 z:3:1"}},
	{"columns count characters", soa + "tỉnh A x\n", nil, []string{"note Z-UTF8 z:2:1", "error Z-RDATA z:2:8"}},
	{"a label that holds the origin's octets", soa + `x\003gov\002vn 1 A 192.0.2.1` + "\n", []string{`x\003gov\002vn.gialai.gov.vn. 1 A 192.0.2.1`}, nil},
	{"a MINIMUM above 2^31-1", "@ SOA . . 1 2 3 4 2147483648\n", []string{"gialai.gov.vn. 0 SOA . . 1 2 3 4 2147483648"}, []string{"warning Z-NOTTL z:1:1"}},
	{"a doubled origin", soa + "www 1 CNAME x.gov.vn\nwww.gialai.gov.vn A 192.0.2.1\na MX 10 gov.vn\nb CNAME xgov.vn\nc CNAME x.gov.vn.\n", []string{
		"www.gialai.gov.vn. 1 CNAME x.gov.vn.gialai.gov.vn.", "www.gialai.gov.vn.gialai.gov.vn. 1 A 192.0.2.1",
		"a.gialai.gov.vn. 1 MX 10 gov.vn.gialai.gov.vn.", "b.gialai.gov.vn. 1 CNAME xgov.vn.gialai.gov.vn.", "c.gialai.gov.vn. 1 CNAME x.gov.vn.",
	}, []string{"warning Z-DOUBLE z:2:13", "warning Z-DOUBLE z:3:1", "warning Z-DOUBLE z:4:9"}},
	{"a cut TXT", soa + "k 1 TXT v=DKIM1; k=rsa\nl TXT \"v=DKIM1; k=rsa\"; fine\nm TXT word ; fine\nn TXT v=DMARC1 ; p=none\no TXT v=DMARC1 ; Sở = x\n", []string{
		`k.gialai.gov.vn. 1 TXT "v=DKIM1"`, `l.gialai.gov.vn. 1 TXT "v=DKIM1; k=rsa"`, `m.gialai.gov.vn. 1 TXT "word"`,
		`n.gialai.gov.vn. 1 TXT "v=DMARC1"`, `o.gialai.gov.vn. 1 TXT "v=DMARC1"`,
	}, []string{"warning Z-CUT z:2:16", "warning Z-CUT z:5:16"}},
	{"every error", soa + "a 1 A x\nb FOO y\n$NONSENSE\nc A 192.0.2.1 z\nd\n\"e f\" A 192.0.2.1\n f..g A 192.0.2.1\ng A 192.0.2.1\n", []string{
		`e\032f.gialai.gov.vn. 1 A 192.0.2.1`, "g.gialai.gov.vn. 1 A 192.0.2.1",
	}, []string{
		"error Z-RDATA z:2:7", "error Z-TYPE z:3:3", "error Z-DIRECTIVE z:4:1", "error Z-RDATA z:5:15", "error Z-TYPE z:6:1",
		"error Z-TYPE z:8:2",
	}},
	{"lines below a bad owner are checked", soa + "a..b 1 A 192.0.2.1\n  A x\n  A 192.0.2.9\nc A 192.0.2.1\n", []string{"c.gialai.gov.vn. 1 A 192.0.2.1"}, []string{
		"error Z-OWNER z:2:1", "error Z-RDATA z:3:5",
	}},
	{"bad escapes", soa + `\999 1 A 192.0.2.1` + "\n" + `a CNAME \300` + "\n", nil, []string{"error Z-OWNER z:2:1", "error Z-RDATA z:3:9"}},
	{"no owner", " A 192.0.2.1\n" + soa, []string{"gialai.gov.vn. 3600 SOA ns1.gialai.gov.vn. admin.gialai.gov.vn. 1 7200 3600 1209600 300"}, []string{"error Z-OWNER z:1:2"}},
	{"an open quote", soa + "a 1 TXT \"x\nb A 192.0.2.1\n", []string{"b.gialai.gov.vn. 3600 A 192.0.2.1"}, []string{"error Z-QUOTE z:2:9"}},
	{"an open parenthesis", soa + "a 1 MX ( 10 x\nb A 192.0.2.1\n  AAAA 2001:db8::1\n", []string{
		"b.gialai.gov.vn. 3600 A 192.0.2.1", "b.gialai.gov.vn. 3600 AAAA 2001:db8::1",
	}, []string{"error Z-PAREN z:2:8"}},
	{"a commented parenthesis", "$TTL 1\n@ SOA ns1 admin (\n 1 2 3 4\n 5 ; minimum )\n@ NS ns1\nb MX ( 10\n  c )\n", []string{
		"gialai.gov.vn. 1 NS ns1.gialai.gov.vn.", "b.gialai.gov.vn. 1 MX 10 c.gialai.gov.vn.",
	}, []string{"error Z-PAREN z:2:17"}},
	{"a stray parenthesis", soa + "a 1 A 192.0.2.1 )\nb A 192.0.2.1\n", []string{"b.gialai.gov.vn. 3600 A 192.0.2.1"}, []string{"error Z-PAREN z:2:17"}},
	{"a closing one that comes too late", soa + "a 1 MX ( 10 x\nb A 192.0.2.1\nc MX 10 y )\nd A 192.0.2.1\n", []string{
		"b.gialai.gov.vn. 1 A 192.0.2.1", "d.gialai.gov.vn. 1 A 192.0.2.1",
	}, []string{"error Z-PAREN z:2:8", "error Z-PAREN z:4:11"}},
	{"a blank line ends an open parenthesis", soa + "a 1 MX ( 10\n\n 192.0.2.1\nb A 192.0.2.1\n", []string{"b.gialai.gov.vn. 3600 A 192.0.2.1"}, []string{"error Z-PAREN z:2:8", "error Z-TYPE z:4:2"}},
	{"carriage returns alone", soa + "a 1 A 192.0.2.1\rb A 192.0.2.1\nc A 192.0.2.1\n", []string{"c.gialai.gov.vn. 3600 A 192.0.2.1"}, []string{"error Z-CR z:2:16"}},
	{"bad TTLs", soa + "a 1H30 A 192.0.2.1\nb 4294967296 A 192.0.2.1\n$TTL x\n$TTL\nc 1 2 A 192.0.2.1\n", nil, []string{
		"error Z-TYPE z:2:3", "error Z-TYPE z:3:3", "error Z-TTL z:4:6", "error Z-DIRECTIVE z:5:1", "error Z-TYPE z:6:5",
	}},
	{"HTTPS", soa + `a 1 HTTPS 1 . alpn="h2,h3" port=8443` + "\n", []string{`a.gialai.gov.vn. 1 HTTPS 1 . alpn="h2,h3" port=8443`}, nil},
	{"types of questions", soa + "a 1 AXFR x\nb ANY\n", nil, []string{"error Z-TYPE z:2:5", "error Z-CLASS z:3:3"}},
	{"words after a directive", "$TTL 1 x\n" + soa + "$ORIGIN a b\n", nil, []string{"error Z-DIRECTIVE z:1:8", "error Z-DIRECTIVE z:3:11"}},
	{"an empty owner", soa + "\"\" 1 A 192.0.2.1\n", nil, []string{"error Z-OWNER z:2:1"}},
	{"comments only", "; nothing\n\n   ; here", nil, nil},
	{"empty", "", nil, nil},
}

func TestLoad(t *testing.T) {
	for _, c := range loadTests {
		t.Run(c.name, func(t *testing.T) {
			tree, fs := Load(files("z", c.in), "z", Options{Origin: gialai})
			if string(tree.Files()[0].Bytes()) != c.in {
				t.Error("Bytes differ from the input")
			}
			got := showAll(tree.Records())
			if strings.Contains(c.in, soa[:20]) && len(got) > 0 && strings.Contains(got[0], " SOA ") && !strings.HasPrefix(c.in, " ") {
				got = got[1:]
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("records\n got %q\nwant %q", got, c.want)
			}
			if b := brief(fs); !slices.Equal(b, c.findings) {
				t.Errorf("findings\n got %q\nwant %q\n%v", b, c.findings, fs)
			}
			for _, f := range fs {
				if f.Severity == finding.Error && f.Mend == "" {
					t.Errorf("%v does not say what to do", f)
				}
			}
			if tree.Failed() != finding.Failed(fs) {
				t.Error("Failed disagrees with the findings")
			}
		})
	}
}

// TestRFC1035 is the example of RFC 1035 5.3.
func TestRFC1035(t *testing.T) {
	const main = `@   IN  SOA     VENERA      Action\.domains (
                                 20     ; SERIAL
                                 7200   ; REFRESH
                                 600    ; RETRY
                                 3600000; EXPIRE
                                 60)    ; MINIMUM

        NS      A.ISI.EDU.
        NS      VENERA
        NS      VAXA
        MX      10      VENERA
        MX      20      VAXA

A       A       26.3.0.103

VENERA  A       10.1.0.52
        A       128.9.0.32

VAXA    A       10.2.0.27
        A       128.9.0.33


$INCLUDE <SUBSYS>ISI-MAILBOXES.TXT
`
	const mailboxes = `MOE     MB      A.ISI.EDU.
LARRY   MB      A.ISI.EDU.
CURLEY  MB      A.ISI.EDU.
STOOGES MG      MOE
        MG      LARRY
        MG      CURLEY
`
	tree, fs := Load(files("z", main, "<SUBSYS>ISI-MAILBOXES.TXT", mailboxes), "z", Options{Origin: zones.MustName("isi.edu")})
	want := []string{
		`isi.edu. 60 SOA venera.isi.edu. action\.domains.isi.edu. 20 7200 600 3600000 60`,
		"isi.edu. 60 NS a.isi.edu.", "isi.edu. 60 NS venera.isi.edu.", "isi.edu. 60 NS vaxa.isi.edu.",
		"isi.edu. 60 MX 10 venera.isi.edu.", "isi.edu. 60 MX 20 vaxa.isi.edu.", "a.isi.edu. 60 A 26.3.0.103",
		"venera.isi.edu. 60 A 10.1.0.52", "venera.isi.edu. 60 A 128.9.0.32", "vaxa.isi.edu. 60 A 10.2.0.27", "vaxa.isi.edu. 60 A 128.9.0.33",
		"moe.isi.edu. 60 MB a.isi.edu.", "larry.isi.edu. 60 MB a.isi.edu.", "curley.isi.edu. 60 MB a.isi.edu.",
		"stooges.isi.edu. 60 MG moe.isi.edu.", "stooges.isi.edu. 60 MG larry.isi.edu.", "stooges.isi.edu. 60 MG curley.isi.edu.",
	}
	if got := showAll(tree.Records()); !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if b := brief(fs); !slices.Equal(b, []string{"warning Z-NOTTL z:1:1"}) {
		t.Errorf("got %q", b)
	}
}

func TestEntries(t *testing.T) {
	const in = byteOrderMark + "; head\n$TTL 1\n\n@ SOA . . (\n 1 2 ; x\n\n 3 4 5 )\n  NS a ; y\n"
	tree, _ := Load(files("z", in), "z", Options{Origin: gialai})
	var got []string
	for e := range tree.Files()[0].Entries() {
		got = append(got, fmt.Sprintf("%d %d %q", e.Kind, e.Line, in[e.Start:e.End]))
	}
	want := []string{
		`0 1 "\ufeff; head\n"`, `1 2 "$TTL 1\n"`, `0 3 "\n"`, `2 4 "@ SOA . . (\n 1 2 ; x\n\n 3 4 5 )\n"`, `2 8 "  NS a ; y\n"`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestHostile: files that are nothing but one fault over and over are read
// through (a reader that starts again at each fault would take hours).
func TestHostile(t *testing.T) {
	const n = 200_000
	for _, in := range []string{
		strings.Repeat("(", n), strings.Repeat("(\n", n), strings.Repeat(")\n", n), strings.Repeat("\"\n", n), strings.Repeat("a A (\n", n),
		strings.Repeat("a A (\n", n) + strings.Repeat(")", n), strings.Repeat("a TXT ( x\n", n) + strings.Repeat(")", n),
		strings.Repeat("\\", n), strings.Repeat("\r", n), strings.Repeat("x ", n), strings.Repeat("a 1 A 192.0.2.1\n", n),
		strings.Repeat("t\xe1\xbb\x89nh 1 A 192.0.2.1\n", n), strings.Repeat("a.gov.vn 1 A 192.0.2.1\n$ORIGIN gialai.gov.vn.\n", n/2), strings.Repeat("\n", n),
		"a 1 TXT (" + strings.Repeat("\nx;", n) + ")", soa + "a 1 TXT (" + strings.Repeat(" \"\"\n", n) + ")",
	} {
		tree, fs := Load(files("z", in), "z", Options{Origin: gialai})
		if string(tree.Files()[0].Bytes()) != in || len(fs) > 10_001+10*(maxAlike+1) {
			t.Errorf("%.20q: %d findings", in, len(fs))
		}
	}
}

// TestZoneOfAnotherOrigin: a file read with the wrong origin gives one
// finding, not one for each record.
func TestZoneOfAnotherOrigin(t *testing.T) {
	tree, _ := Load(files("z", "$ORIGIN binhdinh.gov.vn.\n"+soa+"www A 192.0.2.1\nmail A 192.0.2.2\n"), "z", Options{Origin: gialai})
	z, fs := tree.Zone(zones.Internet)
	if b := brief(fs); z != nil || !slices.Equal(b, []string{"error Z-SOA z:2:1"}) || !strings.Contains(fs[0].Mend, "binhdinh.gov.vn.") {
		t.Errorf("got %v", fs)
	}
}

// TestZoneWithoutOrigin: the SOA's owner is the origin where none is set.
func TestZoneWithoutOrigin(t *testing.T) {
	tree, _ := Load(files("z", "$ORIGIN binhdinh.gov.vn.\n"+soa), "z", Options{})
	if z, fs := tree.Zone("tslcd"); z == nil || z.ID() != (zones.ID{Origin: zones.MustName("binhdinh.gov.vn"), View: "tslcd"}) {
		t.Errorf("got %v", fs)
	}
	tree, fs := Load(files("z", soa), "z", Options{})
	if b := brief(fs); !tree.Failed() || !slices.Equal(b, []string{"error Z-OWNER z:1:1", "error Z-RDATA z:1:15"}) {
		t.Errorf("a relative name without an origin: %v", fs)
	}
}
