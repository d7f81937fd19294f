package rdata

import (
	"errors"
	"strings"
	"testing"

	"gialai.gov.vn/hopnhat/zones"
)

// toGialai moves binhdinh.gov.vn under gialai.gov.vn.
func toGialai(n zones.Name, _ Role) (zones.Name, error) {
	from, to := zones.MustName("binhdinh.gov.vn"), zones.MustName("gialai.gov.vn")
	if !n.Within(from) {
		return n, nil
	}
	return n.Rebase(from, to)
}

func TestRewrite(t *testing.T) {
	for _, c := range []struct {
		typ        zones.Type
		text, want string
		flags      int
	}{
		{zones.TypeMX, "10 mail.binhdinh.gov.vn.", "10 mail.gialai.gov.vn.", 0},
		{zones.TypeMX, "0 .", "0 .", 0},
		{zones.TypeNS, "ns.vnpt.vn.", "ns.vnpt.vn.", 0},
		{zones.TypeCNAME, "binhdinh.gov.vn.", "gialai.gov.vn.", 0},
		{zones.TypeRP, "a.binhdinh.gov.vn. b.binhdinh.gov.vn.", "a.gialai.gov.vn. b.gialai.gov.vn.", 0},
		{zones.TypeSRV, "0 5 5060 sip.binhdinh.gov.vn.", "0 5 5060 sip.gialai.gov.vn.", 0},
		{zones.TypeHTTPS, "1 . alpn=h2", `1 . alpn="h2"`, 0},
		{zones.TypeHTTPS, "1 w.binhdinh.gov.vn. ipv4hint=192.0.2.1", "1 w.gialai.gov.vn. ipv4hint=192.0.2.1", 0},
		{zones.TypeNAPTR, `1 2 "u" "E2U+sip" "!^.*$!sip:a@binhdinh.gov.vn!" .`, `1 2 "u" "E2U+sip" "!^.*$!sip:a@binhdinh.gov.vn!" .`, 1},
		{zones.TypeURI, `10 1 "https://api.binhdinh.gov.vn:8443/x?h=binhdinh.gov.vn"`, `10 1 "https://api.gialai.gov.vn:8443/x?h=binhdinh.gov.vn"`, 0},
		{zones.TypeCAA, `0 iodef "mailto:ca@binhdinh.gov.vn"`, `0 iodef "mailto:ca@binhdinh.gov.vn"`, 1},
		{zones.TypeCAA, `0 issue "letsencrypt.org"`, `0 issue "letsencrypt.org"`, 0},
		{zones.TypeIPSECKEY, "10 3 2 gw.binhdinh.gov.vn. AQNR", "10 3 2 gw.gialai.gov.vn. AQNR", 0},
		{zones.TypeHIP, "2 2001 AwEA r1.binhdinh.gov.vn. r2.x.vn.", "2 2001 AwEA r1.gialai.gov.vn. r2.x.vn.", 0},
		{65400, `\# 3 010203`, `\# 3 010203`, 1},
		// RFC 7208: a, mx, include, exists, ptr, redirect, exp; a bare a and mx mean the owner.
		{
			zones.TypeTXT, `"v=spf1 a mx a:mail.binhdinh.gov.vn/24 ~mx:binhdinh.gov.vn//64 include:spf.vnpt.vn ptr:binhdinh.gov.vn exists:x.binhdinh.gov.vn ip4:192.0.2.1 redirect=_spf.binhdinh.gov.vn exp=e.binhdinh.gov.vn"`,
			`"v=spf1 a mx a:mail.gialai.gov.vn/24 ~mx:gialai.gov.vn//64 include:spf.vnpt.vn ptr:gialai.gov.vn exists:x.gialai.gov.vn ip4:192.0.2.1 redirect=_spf.gialai.gov.vn exp=e.gialai.gov.vn"`, 0,
		},
		{zones.TypeTXT, `"v=spf1 exists:%{i}._spf.binhdinh.gov.vn -all"`, `"v=spf1 exists:%{i}._spf.binhdinh.gov.vn -all"`, 1},
		{
			zones.TypeTXT, `"v=DMARC1; p=none; rua=mailto:a@binhdinh.gov.vn!10m,mailto:b@x.vn; ruf=mailto:c@mail.binhdinh.gov.vn"`,
			`"v=DMARC1; p=none; rua=mailto:a@gialai.gov.vn!10m,mailto:b@x.vn; ruf=mailto:c@mail.gialai.gov.vn"`, 0,
		},
		{zones.TypeTXT, `"v=TLSRPTv1; rua=mailto:t@binhdinh.gov.vn"`, `"v=TLSRPTv1; rua=mailto:t@gialai.gov.vn"`, 0},
		{zones.TypeTXT, `"v=STSv1; id=20250101"`, `"v=STSv1; id=20250101"`, 0},
		{zones.TypeTXT, `"v=DKIM1; k=rsa; p=binhdinh.gov.vn"`, `"v=DKIM1; k=rsa; p=binhdinh.gov.vn"`, 0},
		{zones.TypeTXT, `"see binhdinh.gov.vn"`, `"see binhdinh.gov.vn"`, 0},
		{zones.TypeTXT, `"v=spf1 a:x.binhdinh" ".gov.vn -all"`, `"v=spf1 a:x.gialai" ".gov.vn -all"`, 0},
	} {
		data, err := Parse(c.typ, c.text, zones.Root())
		if err != nil {
			t.Errorf("%v %s: %v", c.typ, c.text, err)
			continue
		}
		out, flags, err := Rewrite(c.typ, data, toGialai)
		if err != nil || len(flags) != c.flags {
			t.Errorf("%v %s: %d flags (%v), want %d", c.typ, c.text, len(flags), err, c.flags)
		}
		if c.typ == zones.TypeTXT && c.want != c.text {
			// how a changed text is cut is free; what it says is not
			a, _ := join(out)
			w, _ := Parse(c.typ, c.want, zones.Root())
			b, _ := join(w)
			if a != b {
				t.Errorf("TXT %s:\n got %q\nwant %q", c.text, a, b)
			}
			continue
		}
		if got := Text(c.typ, out); got != c.want {
			t.Errorf("%v %s:\n got %s\nwant %s", c.typ, c.text, got, c.want)
		}
	}
}

// TestRefused: what must not be read, and what the message must say.
func TestRefused(t *testing.T) {
	for _, c := range []struct {
		typ   zones.Type
		text  string
		index int
		says  string
	}{
		{zones.TypeA, "10100200100", 0, "spreadsheet"},
		{zones.TypeA, "192.0.2.256", 0, "0 to 255"},
		{zones.TypeA, "010.1.1.1", 0, "leading zeros"},
		{zones.TypeA, "1.2.3", 0, "192.0.2.1"},
		{zones.TypeA, "2001:db8::1", 0, "AAAA"},
		{zones.TypeA, "192.0.2.1 192.0.2.2", 1, "after the end"},
		{zones.TypeA, "", 0, "ends where"},
		{zones.TypeAAAA, "192.0.2.1", 0, "A record"},
		{zones.TypeAAAA, "fe80::1%eth0", 0, "%eth0"},
		{zones.TypeMX, "mail.example.vn.", 0, "number"},
		{zones.TypeMX, "10", 1, "a name"},
		{zones.TypeMX, "70000 a", 0, "65535"},
		{zones.TypeTXT, `"\999"`, 0, "escape"},
		{zones.TypeTXT, `"` + strings.Repeat("x", 256) + `"`, 0, "255"},
		{zones.TypeCNAME, "a..b", 0, "empty label"},
		{zones.TypeCNAME, strings.Repeat("x", 64), 0, "63"},
		{zones.TypeHTTPS, "1 . alpn=h2 alpn=h3", 3, "twice"},
		{zones.TypeHTTPS, "1 . no-default-alpn", 3, "alpn"},
		{zones.TypeHTTPS, "1 . mandatory=port", 3, "mandatory"},
		{zones.TypeHTTPS, "1 . ipv4hint=2001:db8::1", 2, "address"},
		{zones.TypeDS, "1 8 2 xyz", 3, "hexadecimal"},
		{zones.TypeSOA, "ns hm 1 2 3 4", 6, "time"},
		{zones.TypeSOA, "ns hm 1 1X 3 4 5", 3, "1H30M"},
		{zones.TypeCAA, `0 iss_ue "x"`, 1, "tag"},
		{zones.TypeA, `\# 3 010203`, 2, "A data"},
		{zones.TypeA, `\# 4 010203`, 1, "octets"},
		{65400, "hello", 0, `\#`},
		{zones.TypeLOC, "91 N 0 E 0m", 1, "90 degrees"},
	} {
		_, err := Parse(c.typ, c.text, origin)
		var fe *FieldError
		if !errors.As(err, &fe) {
			t.Errorf("%v %s: %v, want a FieldError", c.typ, c.text, err)
			continue
		}
		if fe.Index != c.index || !strings.Contains(fe.Error(), c.says) || fe.Mend == "" {
			t.Errorf("%v %s: field %d: %v; want field %d and %q", c.typ, c.text, fe.Index, fe, c.index, c.says)
		}
	}
	if _, err := Parse(zones.TypeNS, "relative", zones.Name{}); err == nil {
		t.Error("a relative name without an origin passed")
	}
}

func TestSeconds(t *testing.T) {
	for s, want := range map[string]uint32{"0": 0, "3600": 3600, "1H30M": 5400, "1w2d3h4m5s": 788645, "1h30": 3630, "4294967295": 4294967295} {
		if got, ok := Seconds([]byte(s)); !ok || got != want {
			t.Errorf("%s: %d %v, want %d", s, got, ok, want)
		}
	}
	for _, s := range []string{"", "H", "1X", "-1", "4294967296", "99999999999999999999", "7102W"} {
		if got, ok := Seconds([]byte(s)); ok {
			t.Errorf("%q passed as %d", s, got)
		}
	}
}
