package zonefile

import (
	"strings"
	"testing"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// rr makes a record of "owner TTL type data", names relative to gialai.gov.vn.
func rr(t testing.TB, s string) zones.Record {
	t.Helper()
	w := strings.SplitN(s, " ", 4)
	owner, err := zones.ParseNameIn(w[0], gialai)
	if err != nil {
		t.Fatal(err)
	}
	ttl, ok := parseTTL([]byte(w[1]))
	typ, ok2 := zones.ParseType(w[2])
	if !ok || !ok2 {
		t.Fatalf("bad record %q", s)
	}
	data, err := rdata.Parse(typ, w[3], gialai)
	if err != nil {
		t.Fatal(err)
	}
	return zones.Record{Owner: owner, TTL: ttl, Type: typ, Data: data}
}

const paddedSOA = `$TTL 3600
@       IN SOA  ns1 admin (
                2025010101 ; serial
                7200       ; refresh
                3600       ; retry
                1209600    ; expire
                300 )      ; minimum
`

var editTests = []struct {
	name, in string
	op       string // "+ record", "- record", "~ record => record", "# serial"; several by |
	want     string // "" when refused
	refused  string // with this
}{
	{"change an address", soa + "www 60 IN A 192.0.2.1 ; web\n", "~ www 60 A 192.0.2.1 => www 60 A 192.0.2.7", soa + "www 60 IN A 192.0.2.7 ; web\n", ""},
	{"a longer one keeps the columns", soa + "www 60 IN A 192.0.2.1    ; web\n", "~ www 60 A 192.0.2.1 => www 60 A 192.0.2.123", soa + "www 60 IN A 192.0.2.123  ; web\n", ""},
	{"tabs", soa + "www\t60\tIN\tA\t192.0.2.1\t\t; web\n", "~ www 60 A 192.0.2.1 => m 60 A 192.0.2.123", soa + "m\t60\tIN\tA\t192.0.2.123\t\t; web\n", ""},
	{"change a relative target", soa + "a 60 CNAME b\nb A 192.0.2.1\n", "~ a 60 CNAME b => a 60 CNAME c", soa + "a 60 CNAME c\nb A 192.0.2.1\n", ""},
	{"to one outside", soa + "a 60 CNAME b\n", "~ a 60 CNAME b => a 60 CNAME example.com.", soa + "a 60 CNAME example.com.\n", ""},
	{"an absolute target stays absolute", soa + "a 60 CNAME b.gialai.gov.vn.\n", "~ a 60 CNAME b => a 60 CNAME c", soa + "a 60 CNAME c.gialai.gov.vn.\n", ""},
	{"inside parentheses", soa + "a 60 MX ( 10 ; first\n  b ; the host\n  ) ; done\n", "~ a 60 MX 10 b => a 60 MX 10 longer", soa + "a 60 MX ( 10 ; first\n  longer ; the host\n  ) ; done\n", ""},
	{"the preference inside parentheses", soa + "a 60 MX ( 10 ; first\n  b ; the host\n  ) ; done\n", "~ a 60 MX 10 b => a 60 MX 20 b", soa + "a 60 MX ( 20 ; first\n  b ; the host\n  ) ; done\n", ""},
	{"one string of many", soa + "a 60 TXT ( \"one\" ; 1\n  \"two\" ; 2\n  \"three\" ) ; 3\n", `~ a 60 TXT "one" "two" "three" => a 60 TXT "one" "2" "three"`, soa + "a 60 TXT ( \"one\" ; 1\n  \"2\" ; 2\n  \"three\" ) ; 3\n", ""},
	{"one string less", soa + "a 60 TXT ( \"one\" ; 1\n  \"two\"\n  \"three\" ) ; 3\n", `~ a 60 TXT "one" "two" "three" => a 60 TXT "one" "three"`, soa + "a 60 TXT ( \"one\" ; 1\n  \"three\" ) ; 3\n", ""},
	{"one string more", soa + "a 60 TXT ( \"one\" ; 1\n  \"three\" ) ; 3\n", `~ a 60 TXT "one" "three" => a 60 TXT "one" "two" "three"`, soa + "a 60 TXT ( \"one\" \"two\" ; 1\n  \"three\" ) ; 3\n", ""},
	{"an unquoted text", soa + "a 60 TXT one ; x\n", `~ a 60 TXT "one" => a 60 TXT "two; three"`, soa + "a 60 TXT \"two; three\" ; x\n", ""},
	{"TTL stated", soa + "a 60 A 192.0.2.1\n", "~ a 60 A 192.0.2.1 => a 90 A 192.0.2.1", soa + "a 90 A 192.0.2.1\n", ""},
	{"TTL in units", soa + "a 1h A 192.0.2.1\n", "~ a 3600 A 192.0.2.1 => a 90 A 192.0.2.1", soa + "a 90 A 192.0.2.1\n", ""},
	{"TTL left out", "$TTL 60\n" + soa + "a IN A 192.0.2.1\nb      IN A 192.0.2.2\nc\tA\t192.0.2.3\n", "~ a 60 A 192.0.2.1 => a 90 A 192.0.2.1 | ~ b 60 A 192.0.2.2 => b 90 A 192.0.2.2 | ~ c 60 A 192.0.2.3 => c 90 A 192.0.2.3", "$TTL 60\n" + soa + "a 90 IN A 192.0.2.1\nb   90 IN A 192.0.2.2\nc\t90\tA\t192.0.2.3\n", ""},
	{"TTL that the next line inherits", soa + "a 60 A 192.0.2.1\nb A 192.0.2.2\nc A 192.0.2.3\n", "~ a 60 A 192.0.2.1 => a 90 A 192.0.2.1", soa + "a 90 A 192.0.2.1\nb 60 A 192.0.2.2\nc A 192.0.2.3\n", ""},
	{"owner", soa + "web     60 A 192.0.2.1\n", "~ web 60 A 192.0.2.1 => www 60 A 192.0.2.1", soa + "www     60 A 192.0.2.1\n", ""},
	{"owner that the next line inherits", soa + "web     60 A 192.0.2.1\n        60 AAAA 2001:db8::1\n", "~ web 60 A 192.0.2.1 => www 60 A 192.0.2.1", soa + "www     60 A 192.0.2.1\nweb     60 AAAA 2001:db8::1\n", ""},
	{"owner left out", soa + "web     60 A 192.0.2.1\n        60 AAAA 2001:db8::1\n", "~ web 60 AAAA 2001:db8::1 => www 60 AAAA 2001:db8::1", soa + "web     60 A 192.0.2.1\nwww     60 AAAA 2001:db8::1\n", ""},
	{"type", soa + "a 60 A 192.0.2.1\n", "~ a 60 A 192.0.2.1 => a 60 AAAA 2001:db8::1", soa + "a 60 AAAA 2001:db8::1\n", ""},
	{"generic form", soa + "a 60 A \\# 4 c0000201 ; x\n", "~ a 60 A 192.0.2.1 => a 60 A 192.0.2.2", soa + "a 60 A 192.0.2.2 ; x\n", ""},
	{"a word that only differs in form stays", soa + "a 60 SRV 0 00 5060 B\n", "~ a 60 SRV 0 0 5060 b => a 60 SRV 0 0 5061 b", soa + "a 60 SRV 0 00 5061 B\n", ""},
	{"service parameters in another order", soa + "a 60 HTTPS 1 . port=443 alpn=h2 ; x\n", "~ a 60 HTTPS 1 . alpn=h2 port=443 => a 60 HTTPS 1 . alpn=h2 port=8443", soa + "a 60 HTTPS 1 . alpn=\"h2\" port=8443 ; x\n", ""},
	{"a service parameter in quotes", soa + "a 60 HTTPS 1 . alpn=\"h2,h3\" port=443\n", "~ a 60 HTTPS 1 . alpn=h2,h3 port=443 => a 60 HTTPS 1 . alpn=h2 port=443", soa + "a 60 HTTPS 1 . alpn=\"h2\" port=443\n", ""},
	{"base64 in pieces", soa + "a 60 DNSKEY 257 3 13 ( AQID ; one\n  BAUG ; two\n  ) ; three\n", "~ a 60 DNSKEY 257 3 13 AQIDBAUG => a 60 DNSKEY 257 3 13 AQIDBAUH", soa + "a 60 DNSKEY 257 3 13 AQIDBAUH ( ; one\n  ; two\n  ) ; three\n", ""},
	{"an owner in quotes", soa + "\"a\" 60 A 192.0.2.1\n", "~ a 60 A 192.0.2.1 => b 60 A 192.0.2.1", soa + "b 60 A 192.0.2.1\n", ""},
	{"to one that is there", soa + "a 60 A 192.0.2.1\na 60 A 192.0.2.2\n", "~ a 60 A 192.0.2.1 => a 60 A 192.0.2.2", "", "adds a record that is there"},
	{"one that is not there", soa, "~ a 60 A 192.0.2.1 => a 60 A 192.0.2.2", "", "not there"},
	{"duplicates go", soa + "a 60 A 192.0.2.1\nA 60 A 192.0.2.1\n", "~ a 60 A 192.0.2.1 => a 60 A 192.0.2.2", soa + "a 60 A 192.0.2.2\n", ""},

	{"remove", soa + "a 60 A 192.0.2.1 ; x\nb 60 A 192.0.2.1\n", "- a 60 A 192.0.2.1", soa + "b 60 A 192.0.2.1\n", ""},
	{"remove what spreads over lines", soa + "a 60 MX ( 10\n b ) ; x\nb 60 A 192.0.2.1\n", "- a 60 MX 10 b", soa + "b 60 A 192.0.2.1\n", ""},
	{"remove what the next line inherits from", soa + "a\t60 A 192.0.2.1\n\t60 AAAA 2001:db8::1\n\t60 TXT x\n", "- a 60 A 192.0.2.1", soa + "a\t60 AAAA 2001:db8::1\n\t60 TXT x\n", ""},
	{"the same, with the TTL", soa + "b 60 A 192.0.2.1\na\t90 A 192.0.2.1\n; a comment\n\tAAAA 2001:db8::1\n\tTXT x\n", "- a 90 A 192.0.2.1", soa + "b 60 A 192.0.2.1\n; a comment\na\t90\tAAAA 2001:db8::1\n\tTXT x\n", ""},
	{"the owner's own spelling is kept", soa + "WWW 60 A 192.0.2.1\n    60 AAAA 2001:db8::1\n", "- www 60 A 192.0.2.1", soa + "WWW 60 AAAA 2001:db8::1\n", ""},
	{"remove the last line, without a newline", soa + "a 60 A 192.0.2.1", "- a 60 A 192.0.2.1", soa, ""},
	{"remove by another TTL", soa + "a 60 A 192.0.2.1\n", "- a 61 A 192.0.2.1", soa, ""},
	{"made by $GENERATE", soa + "$GENERATE 1-2 a$ 60 A 192.0.2.$\n", "- a1 60 A 192.0.2.1", "", "z:2:1: error: a1.gialai.gov.vn. A is made by a $GENERATE"},

	{"serial", paddedSOA, "# 2025010102", strings.Replace(paddedSOA, "2025010101", "2025010102", 1), ""},
	{"a shorter serial", paddedSOA, "# 7", strings.Replace(paddedSOA, "2025010101 ;", "7          ;", 1), ""},
	{"serial on one line", soa, "# 2", strings.Replace(soa, " 1 ", " 2 ", 1), ""},
	{"serial with BOM and CRLF", byteOrderMark + strings.ReplaceAll(paddedSOA, "\n", "\r\n"), "# 2025010102", byteOrderMark + strings.ReplaceAll(strings.Replace(paddedSOA, "2025010101", "2025010102", 1), "\n", "\r\n"), ""},
	{"serial of an SOA in the generic form", "@ 60 SOA \\# 22 00 00 00000001 00000002 00000003 00000004 00000005\n", "# 9", "@ 60 SOA . . 9 2 3 4 5\n", ""},
	{"no SOA", "a 60 A 192.0.2.1\n", "# 9", "", "no SOA"},

	{"add below its owner", soa + "a 60 A 192.0.2.1 ; x\nb 60 A 192.0.2.1\n", "+ a 60 A 192.0.2.2", soa + "a 60 A 192.0.2.1 ; x\na 60 A 192.0.2.2\nb 60 A 192.0.2.1\n", ""},
	{"columns", soa + "a          60  IN  A      192.0.2.1\n", "+ b.c 7200 MX 10 a", soa + "a          60  IN  A      192.0.2.1\nb.c        7200 IN MX     10 a\n", ""},
	{"tabs", soa + "a\t\tIN\tA\t192.0.2.1\n", "+ b.c.d.e.f 3600 AAAA 2001:db8::1", soa + "a\t\tIN\tA\t192.0.2.1\nb.c.d.e.f\tIN\tAAAA\t2001:db8::1\n", ""},
	{"the owner is left out where its neighbours do", soa + "a\tA\t192.0.2.1\n\tAAAA\t2001:db8::1\nb\tA\t192.0.2.3\n", "+ a 3600 TXT \"x\"", soa + "a\tA\t192.0.2.1\n\tAAAA\t2001:db8::1\n\tTXT\t\"x\"\nb\tA\t192.0.2.3\n", ""},
	{"a new owner does not tear a block", soa + "a\tA\t192.0.2.1\n\tAAAA\t2001:db8::1\nc\tA\t192.0.2.3\n", "+ b 3600 A 192.0.2.2", soa + "a\tA\t192.0.2.1\n\tAAAA\t2001:db8::1\nb\tA\t192.0.2.2\nc\tA\t192.0.2.3\n", ""},
	{"absolute where its neighbours are", soa + "a.gialai.gov.vn. 60 CNAME x.gialai.gov.vn.\n", "+ b 60 CNAME x", soa + "a.gialai.gov.vn. 60 CNAME x.gialai.gov.vn.\nb.gialai.gov.vn. 60 CNAME x.gialai.gov.vn.\n", ""},
	{"below another origin", soa + "$ORIGIN so.gialai.gov.vn.\na 60 A 192.0.2.1\n", "+ b.so 60 A 192.0.2.2", soa + "$ORIGIN so.gialai.gov.vn.\na 60 A 192.0.2.1\nb 60 A 192.0.2.2\n", ""},
	{"its TTL is written where the context's differs", "$TTL 60\n" + soa + "a IN A 192.0.2.1\n", "+ b 90 A 192.0.2.2", "$TTL 60\n" + soa + "a IN A 192.0.2.1\nb 90 IN A 192.0.2.2\n", ""},
	{"a TTL that others would inherit goes to the end", soa + "a 60 A 192.0.2.1\nc A 192.0.2.3\nx MX 10 a\n", "+ b 90 A 192.0.2.2", soa + "a 60 A 192.0.2.1\nc A 192.0.2.3\nx MX 10 a\nb 90 A 192.0.2.2\n", ""},
	{"after a missing newline", soa + "a 60 A 192.0.2.1", "+ b 60 A 192.0.2.2", soa + "a 60 A 192.0.2.1\nb 60 A 192.0.2.2", ""},
	{"CRLF", strings.ReplaceAll(soa+"a 60 A 192.0.2.1\n", "\n", "\r\n"), "+ b 60 A 192.0.2.2", strings.ReplaceAll(soa+"a 60 A 192.0.2.1\nb 60 A 192.0.2.2\n", "\n", "\r\n"), ""},
	{"a neighbour in parentheses", soa + "a 60 MX ( 10\n   x )\n", "+ a 60 MX 20 y", soa + "a 60 MX ( 10\n   x )\na 60 MX 20 y\n", ""},
	{"to nothing", "", "+ @ 60 SOA . . 1 2 3 4 5", "@ 60 IN SOA . . 1 2 3 4 5\n", ""},
	{"what is there", soa + "a 60 A 192.0.2.1\n", "+ a 61 A 192.0.2.1", "", "z:2:1: a.gialai.gov.vn. A: the delta adds a record that is there"},
	{"beside the SOA", paddedSOA + "@       IN NS   ns1\nns1     IN A    192.0.2.1\n", "+ @ 3600 MX 10 ns1", paddedSOA + "@       IN NS   ns1\n@       IN MX   10 ns1\nns1     IN A    192.0.2.1\n", ""},
	{"outside the zone", soa, "+ www.example.net. 60 A 192.0.2.1", "", "outside the zone"},
	{"to outside the zone", soa + "a 60 A 192.0.2.1\n", "~ a 60 A 192.0.2.1 => www.example.net. 60 A 192.0.2.1", "", "outside the zone"},
	{"a file with errors", soa + "a 60 A x\n", "+ b 60 A 192.0.2.1", "", "has errors"},
}

func TestEdit(t *testing.T) {
	for _, c := range editTests {
		t.Run(c.name, func(t *testing.T) {
			tree, _ := Load(files("z", c.in), "z", Options{Origin: gialai})
			got, err := edits(t, tree, c.op)
			if c.refused != "" {
				if err == nil || !strings.Contains(err.Error(), c.refused) {
					t.Fatalf("got %v, want an error that says %q", err, c.refused)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if b := string(got.Files()[0].Bytes()); b != c.want {
				t.Errorf("got\n%q\nwant\n%q", b, c.want)
			}
			if string(tree.Files()[0].Bytes()) != c.in {
				t.Error("the tree before the edit changed")
			}
		})
	}
}

// edits makes the edits of a table.
func edits(t *testing.T, tree *Tree, ops string) (*Tree, error) {
	t.Helper()
	var err error
	for op := range strings.SplitSeq(ops, " | ") {
		kind, rest, _ := strings.Cut(op, " ")
		switch kind {
		case "+":
			tree, err = tree.Add(rr(t, rest))
		case "-":
			tree, err = tree.Remove(rr(t, rest))
		case "#":
			n, _ := parseTTL([]byte(rest))
			tree, err = tree.SetSerial(zones.Serial(n))
		case "~":
			old, new, _ := strings.Cut(rest, " => ")
			tree, err = tree.Change(rr(t, old), rr(t, new))
		}
		if err != nil {
			return nil, err
		}
	}
	return tree, nil
}

// TestEditIncluded: an edit lands in the file that states the record.
func TestEditIncluded(t *testing.T) {
	load := func(pairs ...string) *Tree {
		tree, fs := Load(files(pairs...), "z", Options{Origin: gialai})
		if tree.Failed() {
			t.Fatal(fs)
		}
		return tree
	}
	in := func(tree *Tree, name string) string { return string(tree.File(name).Bytes()) }
	const main = "$INCLUDE soa\nwww 60 A 192.0.2.1\n$INCLUDE hosts so\nz 60 A 192.0.2.9\n"
	const hosts = "  60 AAAA 2001:db8::1\na 60 A 192.0.2.2\n"
	tree := load("z", main, "soa", paddedSOA, "hosts", hosts)

	got, err := edits(t, tree, "# 2025010102 | ~ a.so 60 A 192.0.2.2 => a.so 60 A 192.0.2.3")
	if err != nil {
		t.Fatal(err)
	}
	if in(got, "z") != main || in(got, "soa") != strings.Replace(paddedSOA, "2025010101", "2025010102", 1) || in(got, "hosts") != "  60 AAAA 2001:db8::1\na 60 A 192.0.2.3\n" {
		t.Errorf("got %q %q %q", in(got, "z"), in(got, "soa"), in(got, "hosts"))
	}

	// The include's first line inherits www's owner: it is given it.
	got, err = edits(t, tree, "- www 60 A 192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	if in(got, "hosts") != "www.gialai.gov.vn. 60 AAAA 2001:db8::1\na 60 A 192.0.2.2\n" {
		t.Errorf("got %q", in(got, "hosts"))
	}

	// So it is where no owner at all is left to inherit.
	if got, err = edits(t, load("z", soa+"$INCLUDE b\n", "b", "b 60 A 192.0.2.1\n  AAAA 2001:db8::1\n"), "- b 60 A 192.0.2.1"); err != nil || in(got, "b") != "b 60 AAAA 2001:db8::1\n" {
		t.Errorf("got %v %q", err, in(got, "b"))
	}

	// The root is an owner like any other.
	tree, fs := Load(files("z", ". 60 NS a.\n  60 A 192.0.2.1\n"), "z", Options{Origin: zones.Root()})
	if got, err = tree.Remove(tree.Records()[0]); err != nil || in(got, "z") != ". 60 A 192.0.2.1\n" {
		t.Errorf("%v %v %q", fs, err, in(got, "z"))
	}

	// A new owner may not come between www and the include that inherits it.
	tree = load("z", main, "soa", paddedSOA, "hosts", hosts)
	got, err = edits(t, tree, "+ wwx 60 A 192.0.2.8 | + b.so 60 A 192.0.2.4")
	if err != nil {
		t.Fatal(err)
	}
	if in(got, "z") != main+"wwx 60 A 192.0.2.8\n" || in(got, "hosts") != hosts+"b 60 A 192.0.2.4\n" {
		t.Errorf("got %q %q", in(got, "z"), in(got, "hosts"))
	}

	// A file that is included twice is not edited: the change would be made twice.
	tree = load("z", soa+"$INCLUDE b so\n$INCLUDE b y.te\n", "b", "www 60 A 192.0.2.1\n")
	if _, err = edits(t, tree, "- www.so 60 A 192.0.2.1"); err == nil || !strings.Contains(err.Error(), "b:1:1: error: www.so.gialai.gov.vn. A stands in a file that is included 2 times") {
		t.Errorf("got %v", err)
	}
	got, err = edits(t, tree, "+ w.so 60 A 192.0.2.1")
	if err != nil || in(got, "b") != "www 60 A 192.0.2.1\n" {
		t.Errorf("got %v %q", err, in(got, "b"))
	}
}

// TestEditInheritedTTL: where an edit changes what later lines inherit, one
// line is given its own TTL and the rest inherit that.
func TestEditInheritedTTL(t *testing.T) {
	many := strings.Repeat("a A 192.0.2.1\n", 10)
	tree, _ := Load(files("z", "@ SOA . . 1 2 3 4 5\n"+many), "z", Options{Origin: gialai})
	got, err := edits(t, tree, "~ @ 5 SOA . . 1 2 3 4 5 => @ 5 SOA . . 1 2 3 4 6")
	if want := "@ 5 SOA . . 1 2 3 4 6\n" + many; err != nil || string(got.Files()[0].Bytes()) != want {
		t.Errorf("got %v", err)
	}
	// A $GENERATE cannot be given one.
	tree, _ = Load(files("z", soa+"a 60 A 192.0.2.1\n$GENERATE 1-2 h$ A 192.0.2.$\n"), "z", Options{Origin: gialai})
	_, err = edits(t, tree, "~ a 60 A 192.0.2.1 => a 61 A 192.0.2.1")
	if err == nil || !strings.Contains(err.Error(), "z:3:1: error: the edit is not made: it would change h1.gialai.gov.vn. A too (its TTL from 60 to 61)") || !strings.Contains(err.Error(), "$TTL") {
		t.Errorf("got %v", err)
	}
}

// TestEditRefusesBrokenData: RDATA that does not fit its type is not written.
func TestEditRefusesBrokenData(t *testing.T) {
	tree, _ := Load(files("z", soa), "z", Options{Origin: gialai})
	for _, r := range []zones.Record{
		{Owner: gialai, Type: zones.TypeA, Data: "abc"}, {Owner: gialai, Type: zones.TypeANY, Data: "abcd"}, {Type: zones.TypeA, Data: "abcd"},
	} {
		if _, err := tree.Add(r); err == nil {
			t.Errorf("%+v is added", r)
		}
	}
}
