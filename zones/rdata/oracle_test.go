package rdata

import (
	"errors"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"gialai.gov.vn/hopnhat/zones"
)

// samples are texts that miekg/dns and we must read to the same octets.
var samples = map[zones.Type][]string{
	zones.TypeA:          {"192.0.2.1", "255.255.255.255", "0.0.0.0"},
	zones.TypeAAAA:       {"2001:db8::1", "::", "::ffff:192.0.2.1", "2001:DB8:0:0:1::"},
	zones.TypeNS:         {"ns1.example.vn.", "NS", "@"},
	zones.TypeCNAME:      {"www", `a\.b.example.vn.`, `\097`},
	zones.TypeDNAME:      {"x.vn."},
	zones.TypePTR:        {"host"},
	zones.TypeSOA:        {"ns hm 2025060301 3600 900 1209600 300"},
	zones.TypeMX:         {"10 mail", "0 ."},
	zones.TypeTXT:        {`"v=spf1 mx -all"`, `a b "c d"`, `"\"q\" \\ \009"`, `""`},
	zones.TypeHINFO:      {`"PC" "Linux"`},
	zones.TypeRP:         {"admin txt", "admin ."},
	zones.TypeAFSDB:      {"1 db"},
	zones.TypeRT:         {"1 db"},
	zones.TypeKX:         {"1 db"},
	zones.TypePX:         {"10 a b"},
	zones.TypeX25:        {`311061700956`},
	zones.TypeMINFO:      {"a b"},
	zones.TypeSRV:        {"0 5 5060 sip", "0 0 0 ."},
	zones.TypeNAPTR:      {`100 10 "u" "E2U+sip" "!^.*$!sip:a@example.vn!" .`, `1 2 "s" "SIP+D2U" "" _sip._udp`},
	zones.TypeLOC:        {"13 46 0.000 N 109 13 0.000 E 10m", "13 46 0.000 S 109 13 0.000 W -5.00m 1m 10000m 10m", "0 0 0.000 N 0 0 0.000 E 0.00m 30m 10m 2m"},
	zones.TypeCERT:       {"1 12345 8 AQNSU3+A aa=="},
	zones.TypeDS:         {"60485 5 1 2BB183AF5F22588179A53B0A 98631FAD1A292118"},
	zones.TypeCDS:        {"60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118"},
	zones.TypeSSHFP:      {"2 1 123456789abcdef67890123456789abcdef67890"},
	zones.TypeRRSIG:      {"A 5 3 86400 20030322173103 20030220173103 2642 example.com. oJB1W6WNGv+ldvQ3WDG0MQkg5IEhjRip8WTr"},
	zones.TypeNSEC:       {"host.example.com. A MX RRSIG NSEC TYPE1234"},
	zones.TypeNSEC3:      {"1 1 12 aabbccdd 2t7b4g4vsa5smi47k61mv5bv1a22bojr NS SOA MX RRSIG DNSKEY NSEC3PARAM", "1 0 0 - 2t7b4g4vsa5smi47k61mv5bv1a22bojr A"},
	zones.TypeNSEC3PARAM: {"1 0 12 aabbccdd", "1 0 0 -"},
	zones.TypeDNSKEY:     {"256 3 5 AQPSKmynfzW4kyBv015MUG2DeIQ3"},
	zones.TypeCDNSKEY:    {"256 3 5 AQPSKmynfzW4kyBv015MUG2DeIQ3"},
	zones.TypeDHCID:      {"AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA="},
	zones.TypeTLSA:       {"3 1 1 d2abde240d7cd3ee6b4b28c54df034b97983a1d16e8a410e4561cb106618e971"},
	zones.TypeSMIMEA:     {"3 1 1 d2abde240d7cd3ee6b4b28c54df034b97983a1d16e8a410e4561cb106618e971"},
	zones.TypeTALINK:     {"a b"},
	zones.TypeOPENPGPKEY: {"mQCNAzIG"},
	zones.TypeCSYNC:      {"66 3 A NS AAAA"},
	zones.TypeZONEMD:     {"2018031500 1 1 FEBE3D4CE2EC2FFA4BA99D46CD69D6D29711E55217057BEE7EB1A7B641A47BA7FED2DD5B97AE499FAFA4F22C6BD647DE"},
	zones.TypeSVCB:       {"1 svc alpn=h2 port=8443", "0 other"},
	zones.TypeHTTPS:      {"1 . alpn=h2,h3 ipv4hint=192.0.2.1,192.0.2.2 ipv6hint=2001:db8::1", `16 foo.example.org. mandatory=alpn,ipv4hint alpn="h2,h3-19" ipv4hint=192.0.2.1`, "1 . key65333=ex1", "1 . no-default-alpn alpn=h2"},
	zones.TypeNID:        {"10 0014:4fff:ff20:ee64"},
	zones.TypeL32:        {"10 10.1.2.0"},
	zones.TypeL64:        {"10 2001:0DB8:1140:1000"},
	zones.TypeLP:         {"10 l64-subnet1"},
	zones.TypeEUI48:      {"00-00-5e-00-53-2a"},
	zones.TypeEUI64:      {"00-00-5e-ef-10-00-00-2a"},
	zones.TypeURI:        {`10 1 "ftp://ftp1.example.com/public"`},
	zones.TypeCAA:        {`0 issue "letsencrypt.org"`, `128 iodef "mailto:a@b.vn"`, `0 issue ";"`},
	zones.TypeAVC:        {`"app-name:x"`},
	zones.TypeSPF:        {`"v=spf1 -all"`},
	zones.TypeGPOS:       {"-32.6882 116.8652 10.0"},
	zones.TypeAPL:        {"1:192.0.2.0/24 !2:2001:db8::/32"},
	zones.TypeIPSECKEY:   {"10 1 2 192.0.2.38 AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ==", "10 3 2 mygateway.example.com. AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ=="},
	zones.TypeHIP:        {"2 200100107B1A74DF365639CC39F1D578 AwEAAbdxyhNuSutc5EMzxTs9LBPCIkOFH8cIvM4p rvs1.example.com. rvs2.example.com."},
	zones.TypeAMTRELAY:   {"10 0 3 amtrelays.example.com.", "128 0 1 203.0.113.15"},
	zones.TypeMB:         {"a"}, zones.TypeMG: {"a"}, zones.TypeMR: {"a"}, zones.TypeMD: {"a"}, zones.TypeMF: {"a"},
	65400: {`\# 3 010203`, `\# 0`},
}

var origin = zones.MustName("example.vn")

// fromMiekg reads one record with miekg/dns and gives its data in our form.
func fromMiekg(typ zones.Type, text string) (string, error) {
	zp := dns.NewZoneParser(strings.NewReader("x 0 IN "+typ.String()+" "+text+"\n"), "example.vn.", "")
	rr, ok := zp.Next()
	if !ok {
		if zp.Err() != nil {
			return "", zp.Err()
		}
		return "", errors.New("no record")
	}
	data, err := packRR(rr)
	if err != nil {
		return "", err
	}
	if rare(typ) {
		return foldRare(typ, data)
	}
	return Canonical(typ, []byte(data))
}

func TestAgainstMiekg(t *testing.T) {
	for typ := range table {
		if len(samples[typ]) == 0 {
			t.Errorf("%v stands in the table without a sample here", typ)
		}
	}
	for typ, texts := range samples {
		for _, text := range texts {
			got, err := Parse(typ, text, origin)
			if err != nil {
				t.Errorf("%v %s: %v", typ, text, err)
				continue
			}
			want, err := fromMiekg(typ, text)
			if err != nil {
				t.Errorf("%v %s: miekg/dns: %v", typ, text, err)
				continue
			}
			if got != want {
				t.Errorf("%v %s:\n got %x\nwant %x", typ, text, got, want)
			}
			printed := Text(typ, got)
			if strings.HasPrefix(printed, `\#`) != strings.HasPrefix(text, `\#`) {
				t.Errorf("%v %s is printed as %s", typ, text, printed)
			}
			if back, err := Parse(typ, printed, zones.Name{}); err != nil || back != got {
				t.Errorf("%v %s: printed %s, read back %x (%v)", typ, text, printed, back, err)
			}
			if typ == zones.TypeX25 {
				continue // miekg/dns v1.1.73 reads no quoted X25, which RFC 1183 3.1 allows
			}
			if back, err := fromMiekg(typ, printed); err != nil || back != got {
				t.Errorf("%v %s: printed %s, miekg/dns reads %x (%v)", typ, text, printed, back, err)
			}
			if err := Check(typ, got); err != nil {
				t.Errorf("%v %s: Check: %v", typ, text, err)
			}
		}
	}
}
