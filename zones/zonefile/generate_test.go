package zonefile

import (
	"slices"
	"strings"
	"testing"

	"gialai.gov.vn/hopnhat/zones/finding"
)

func TestGenerate(t *testing.T) {
	for _, c := range []struct {
		line string
		want []string
		bad  string // the place of the finding
	}{
		{"$GENERATE 1-3 h$ 60 IN A 192.0.2.$", []string{"h1 60 A 192.0.2.1", "h2 60 A 192.0.2.2", "h3 60 A 192.0.2.3"}, ""},
		{"$GENERATE 1-5/2 h$ A 192.0.2.$", []string{"h1 3600 A 192.0.2.1", "h3 3600 A 192.0.2.3", "h5 3600 A 192.0.2.5"}, ""},
		{"$generate 0-0 a-${0,3} IN 60 A 192.0.2.${7}", []string{"a-000 60 A 192.0.2.7"}, ""},
		{"$GENERATE 10-11 h${-10,2,d} A 192.0.2.$", []string{"h00 3600 A 192.0.2.10", "h01 3600 A 192.0.2.11"}, ""},
		{"$GENERATE 30-30 ${0,0,o}-${0,4,x} TXT ${0,0,X}", []string{`36-001e 3600 TXT "1E"`}, ""},
		{"$GENERATE 30-30 ${0,1,n} TXT ${0,7,N}", []string{`e.1 3600 TXT "E.1.0.0"`}, ""},
		{"$GENERATE 1-1 a$$ A 192.0.2.1", []string{`a\$ 3600 A 192.0.2.1`}, ""},
		{`$GENERATE 1-1 a\$ A 192.0.2.1`, []string{`a\$ 3600 A 192.0.2.1`}, ""},
		{`$GENERATE 1-2 a$ MX "10 mx$"`, []string{"a1 3600 MX 10 mx1.gialai.gov.vn.", "a2 3600 MX 10 mx2.gialai.gov.vn."}, ""},
		{`$GENERATE 1-1 a$ MX 10 mx$`, []string{"a1 3600 MX 10 mx1.gialai.gov.vn."}, ""},
		{`$GENERATE 1-1 a$ TXT "\"x $; y\""`, []string{`a1 3600 TXT "x 1; y"`}, ""},
		{"$GENERATE 1-2 $ CNAME $.0-63", []string{"1 3600 CNAME 1.0-63.gialai.gov.vn.", "2 3600 CNAME 2.0-63.gialai.gov.vn."}, ""},
		{"$GENERATE 2-1 h$ A 192.0.2.$", nil, "z:2:11"},
		{"$GENERATE 1-2/0 h$ A 192.0.2.$", nil, "z:2:11"},
		{"$GENERATE -1-2 h$ A 192.0.2.$", nil, "z:2:11"},
		{"$GENERATE 1-99999999999 h$ A 192.0.2.$", nil, "z:2:11"},
		{"$GENERATE 0-65536 h$ A 192.0.2.1", nil, "z:2:11"},
		{"$GENERATE 1-2 h$", nil, "z:2:1"},
		{"$GENERATE 1-2 h$ 60 A", nil, "z:2:21"},
		{"$GENERATE 1-2 h$ CH A 192.0.2.$", nil, "z:2:18"},
		{"$GENERATE 1-2 h$ FOO 192.0.2.$", nil, "z:2:18"},
		{"$GENERATE 1-2 h${0 A 192.0.2.$", nil, "z:2:15"},
		{"$GENERATE 1-2 h${0,256} A 192.0.2.$", nil, "z:2:15"},
		{"$GENERATE 1-2 h${0,1,q} A 192.0.2.$", nil, "z:2:15"},
		{"$GENERATE 1-2 h${-2,3,n} A 192.0.2.$", nil, "z:2:15"},
		{"$GENERATE 1-1 h${-2,3}-${-2,0,x} A 192.0.2.$", []string{"h-01-ffffffff 3600 A 192.0.2.1"}, ""},
		{"$GENERATE 1-1 h${5}-$-${0}-$ A 192.0.2.$", []string{"h6-6-1-1 3600 A 192.0.2.1"}, ""},
		{"$GENERATE 255-256 h$ A 192.0.2.$", []string{"h255 3600 A 192.0.2.255"}, "z:2:24"},
		{`$GENERATE 1-2 h$ TXT "("`, nil, "z:2:22"},
		{"$GENERATE 1-2 h" + strings.Repeat("${0,255}", 600) + " A 192.0.2.$", nil, "z:2:15"},
	} {
		tree, fs := Load(files("z", soa+c.line+"\n"), "z", Options{Origin: gialai})
		var got []string
		for _, r := range showAll(tree.Records())[1:] {
			got = append(got, strings.Replace(r, ".gialai.gov.vn.", "", 1))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s\n got %q\nwant %q", c.line, got, c.want)
		}
		if c.bad == "" && len(fs) > 0 || c.bad != "" && (len(fs) != 1 || fs[0].At.String() != c.bad || fs[0].Mend == "") {
			t.Errorf("%s: findings %v, want one at %q", c.line, fs, c.bad)
		}
	}
}

// TestGenerateKeepsTheOwner: the line after it inherits from the record before it.
func TestGenerateKeepsTheOwner(t *testing.T) {
	tree, fs := Load(files("z", soa+"www 1 A 192.0.2.1\n$GENERATE 1-2 h$ 9 A 192.0.2.$\n  AAAA 2001:db8::1\n"), "z", Options{Origin: gialai})
	rs := tree.Records()
	if got, want := show(rs[len(rs)-1]), "www.gialai.gov.vn. 9 AAAA 2001:db8::1"; got != want || len(fs) > 0 {
		t.Errorf("got %q %v, want %q", got, fs, want)
	}
	if p := rs[3].From.Place.String(); p != "z:3:1" {
		t.Errorf("provenance %s", p)
	}
}

// TestGenerateBound: all $GENERATE lines together stay within the limit.
func TestGenerateBound(t *testing.T) {
	tree, fs := Load(files("z", soa+strings.Repeat("$GENERATE 1-40 h$ A 192.0.2.$\n", 3)), "z", Options{Origin: gialai, MaxGenerate: 100})
	if tree.Len() != 81 || !finding.Failed(fs) || fs[0].At.Line != 4 {
		t.Errorf("%d records, %v", tree.Len(), fs)
	}
}
