package source

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/zonefile"
)

var (
	tuyphuoc = Spec{Name: "tp", ID: zones.ID{Origin: zones.MustName("tuyphuoc.binhdinh.gov.vn"), View: zones.Internet}, Kind: "sheet", Path: "t.xlsx", At: zones.Place{File: "c.yaml", Line: 5, Column: 3}}
	twoNS    = RowDefaults{TTL: 3600, Servers: []zones.Name{zones.MustName("ns1.binhdinh.gov.vn"), zones.MustName("ns2.binhdinh.gov.vn")}}
)

// rowsOf reads "owner type ttl data" lines; - is an empty cell.
func rowsOf(text string) (out []Row) {
	for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
		f := strings.SplitN(line, " ", 4)
		for j := range f {
			if f[j] == "-" {
				f[j] = ""
			}
		}
		at := func(col int) zones.Place { return zones.Place{File: "t.xlsx", Line: i + 2, Column: col} }
		out = append(out, Row{Owner: f[0], Type: f[1], TTL: f[2], Data: f[3], At: at(0), OwnerAt: at(1), TypeAt: at(2), TTLAt: at(3), DataAt: at(4), Cells: fmt.Sprintf("D%d", i+2)})
	}
	return out
}

// TestRows: what a table means, against the master file that says the same.
func TestRows(t *testing.T) {
	z, finds := FromRows(tuyphuoc, rowsOf(`
www - - 192.0.2.7
WWW - - 2001:db8::7
mail.tuyphuoc.binhdinh.gov.vn A 600 192.0.2.8
@ MX - 10 mail
@ TXT - "v=spf1 mx  -all"
*.khu CNAME - www
cong CNAME - www.tuyphuoc.binhdinh.gov.vn
thu CNAME - mail.binhdinh.gov.vn
_sip._tcp SRV 1h 0 5 5060 sip.vnpt.example
a.b A - 192.0.2.9
www A - 192.0.2.7
`), twoNS)
	if z.Zone == nil {
		t.Fatal(finds)
	}
	want, _ := Read(files("f", `$TTL 3600
@ SOA ns1.binhdinh.gov.vn. hostmaster 1 10800 900 2419200 3600
@ NS ns1.binhdinh.gov.vn.
@ NS ns2.binhdinh.gov.vn.
www A 192.0.2.7
www AAAA 2001:db8::7
mail 600 A 192.0.2.8
@ MX 10 mail
@ TXT "v=spf1 mx  -all"
*.khu CNAME www
cong CNAME www
thu CNAME mail.binhdinh.gov.vn.
_sip._tcp SRV 0 5 5060 sip.vnpt.example.
a.b A 192.0.2.9
`), Spec{ID: tuyphuoc.ID, Kind: "file", Path: "f"}, zonefile.Options{})
	if got, want := string(zonefile.Write(z.Zone)), string(zonefile.Write(want.Zone)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	a := z.Account
	if s := a.Sum(); a.In != 14 || s.Taken != 14 || a.Repeats != 1 {
		t.Errorf("account %+v", a)
	}
	if len(finds) != 1 || finds[0].ID != "Z-DUP" || finds[0].At.Line != 12 {
		t.Error(finds)
	}
	for s := range z.Zone.All() {
		for _, r := range s.Records() {
			if r.From.Place.IsZero() {
				t.Errorf("%v has no place", r)
			}
		}
	}
}

// TestRowTraps: each row is refused with its own words, all at once.
func TestRowTraps(t *testing.T) {
	_, finds := FromRows(tuyphuoc, rowsOf(`
www.gialai.gov.vn A - 192.0.2.1
a..b A - 192.0.2.1
www - - 10100200100
www - - 192.0.2.256
www AA - 192.0.2.1
www ANY - 192.0.2.1
www A 1x 192.0.2.1
www A 4294967295 192.0.2.1
@ MX - mail.binhdinh.gov.vn
a.example CNAME - x
c CNAME - a.example
www A - 192.0.2.1 192.0.2.2
ngoai.example. A - 192.0.2.1
`), twoNS)
	var got []string
	for _, f := range finds {
		got = append(got, fmt.Sprintf("%d:%d %s %v", f.At.Line, f.At.Column, f.ID, f.Severity))
	}
	want := `2:1 T-ZONE error
3:1 T-NAME error
4:4 T-TYPE error
5:4 T-TYPE error
6:2 T-TYPE error
7:2 T-TYPE error
8:3 T-TTL error
9:3 T-TTL error
10:4 T-RDATA error
12:4 T-DOT error
13:4 T-RDATA error
14:1 T-ZONE error`
	if strings.Join(got, "\n") != want {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
	if s := finds[9].String(); !strings.Contains(s, `D12: "a.example" may be a.example or a.example.tuyphuoc.binhdinh.gov.vn, which the table has too; write a.example. or a.example.tuyphuoc.binhdinh.gov.vn., with the final dot`) {
		t.Error(s)
	}
}

// TestRowHead: a table that states its head keeps it; one without servers is refused.
func TestRowHead(t *testing.T) {
	z, finds := FromRows(tuyphuoc, rowsOf("@ SOA - ns.x.example. q.x.example. 7 1 2 3 4\n@ NS - ns.x.example"), twoNS)
	if z.Zone == nil || z.Zone.Serial() != 7 || z.Account.In != 2 {
		t.Error(finds)
	}
	_, finds = FromRows(tuyphuoc, rowsOf("www - - 192.0.2.1"), RowDefaults{})
	if len(finds) != 1 || finds[0].ID != "T-SERVERS" || finds[0].At != tuyphuoc.At {
		t.Error(finds)
	}
	if _, finds = FromRows(tuyphuoc, rowsOf("a - - 192.0.2.1\nb - - 192.0.2.1"), RowDefaults{Limit: 1, Servers: twoNS.Servers}); len(finds) != 1 || finds[0].ID != "T-LIMIT" {
		t.Error(finds)
	}
}

// TestRowsAccount: whatever the rows are, every one is accounted for, nothing
// panics, and a zone that comes is what its own master file says (ACCOUNT).
func TestRowsAccount(t *testing.T) { rapid.Check(t, rowsAccounted) }

// FuzzRows states the law of TestRowsAccount for any row.
func FuzzRows(f *testing.F) { f.Fuzz(rapid.MakeFuzz(rowsAccounted)) }

func rowsAccounted(t *rapid.T) {
	pick := func(of ...string) *rapid.Generator[string] {
		return rapid.OneOf(rapid.SampledFrom(of), rapid.StringOf(rapid.SampledFrom([]rune(`a.@*\"-_1 `))))
	}
	rows := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Row {
		return Row{
			Owner: pick("@", "www", "a.b", "*", "x.tuyphuoc.binhdinh.gov.vn", "binhdinh.gov.vn").Draw(t, "owner"),
			Type:  pick("", "A", "MX", "CNAME", "TXT", "NS", "SOA", "TYPE65400").Draw(t, "type"),
			TTL:   pick("", "60", "1h").Draw(t, "ttl"), At: zones.Place{File: "t", Line: 1},
			Data: pick("192.0.2.1", "10 mail", "www", `"x y"`, `\# 1 00`, "a.b 1").Draw(t, "data"),
		}
	}), 0, 6).Draw(t, "rows")
	z, finds := FromRows(tuyphuoc, rows, twoNS)
	s := z.Account.Sum()
	implied := 0
	for _, c := range z.Account.Classes {
		if c.Class == classMade {
			implied = c.Taken
		}
	}
	if z.Account.In != s.Taken+s.LeftOut+s.Refused || z.Account.In != len(rows)+implied || s.Refused != len(z.Account.Refused) {
		t.Fatalf("%+v of %d rows", z.Account, len(rows))
	}
	if (z.Zone == nil) != finding.Failed(finds) {
		t.Fatal("a zone beside an error, or neither", finds)
	}
	if z.Zone == nil {
		return
	}
	if _, _, n := z.Zone.Counts(); n != s.Taken-z.Account.Repeats {
		t.Fatalf("the zone has %d records, taken were %d with %d repeats", n, s.Taken, z.Account.Repeats)
	}
	back, finds := Read(files("f", string(zonefile.Write(z.Zone))), Spec{ID: tuyphuoc.ID, Kind: "file", Path: "f"}, zonefile.Options{})
	if back.Zone == nil || !back.Zone.Equal(z.Zone) {
		t.Fatalf("its master file is another zone: %v", finds)
	}
}
