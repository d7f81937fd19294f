package workspace

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/transfer"
)

func TestFollows(t *testing.T) {
	pin, err := transfer.ParsePin("E9CZ9INDbd+2eRQozYqqbQ2yXLVKB9+xcprMF+44U1g=")
	if err != nil {
		t.Fatal(err)
	}
	c, fs := readConfig("hopnhat.yaml", []byte(`version: 1
follow:
  - {zone: MIC.gov.vn, from: [192.0.2.61, "[2001:db8::62]:5353"], key: k.example}
  - zone: 10.in-addr.arpa
    from: 10.1.0.53
    view: tslcd
  - {zone: b.vn, from: ["192.0.2.1", "192.0.2.2:8530"], tls: {name: NS.b.vn, authorities: tls/ca.pem, certificate: tls/c.pem, key: tls/k.pem}}
  - {catalog: c.vn, from: "2001:db8::1", tls: {pin: ["E9CZ9INDbd+2eRQozYqqbQ2yXLVKB9+xcprMF+44U1g="]}}
`))
	if len(fs) > 0 {
		t.Fatal(fs)
	}
	want := []Follow{
		{ID: zones.ID{Origin: zones.MustName("mic.gov.vn"), View: zones.Internet}, Primaries: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.61:53"), netip.MustParseAddrPort("[2001:db8::62]:5353")}, Key: zones.MustName("k.example")},
		{ID: zones.ID{Origin: zones.MustName("10.in-addr.arpa"), View: "tslcd"}, Primaries: []netip.AddrPort{netip.MustParseAddrPort("10.1.0.53:53")}},
		{
			ID: zones.ID{Origin: zones.MustName("b.vn"), View: zones.Internet}, Primaries: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:853"), netip.MustParseAddrPort("192.0.2.2:8530")},
			TLS: &FollowTLS{Name: "ns.b.vn", Files: TLS{Certificate: "tls/c.pem", Key: "tls/k.pem", Authorities: "tls/ca.pem"}},
		},
		{ID: zones.ID{Origin: zones.MustName("c.vn"), View: zones.Internet}, Catalog: true, Primaries: []netip.AddrPort{netip.MustParseAddrPort("[2001:db8::1]:853")}, TLS: &FollowTLS{Pins: []transfer.Pin{pin}}},
	}
	if !slices.EqualFunc(c.Follows, want, Follow.Same) {
		t.Errorf("%+v", c.Follows)
	}
	w := Workspace{Root: "/w", Config: c}
	if f := w.Follows()[2].TLS.Files; f.Authorities != "/w/tls/ca.pem" || f.Key != "/w/tls/k.pem" || c.Follows[2].TLS.Files.Key != "tls/k.pem" || w.Follows()[3].TLS.Files.Key != "" {
		t.Errorf("%+v", f)
	}
	if ts := c.Follows[0].Tellers(); len(ts) != 2 || ts[1].Address != netip.MustParseAddr("2001:db8::62") || ts[1].Key != zones.MustName("k.example") {
		t.Errorf("%v", ts)
	}
}

func TestFollowSlips(t *testing.T) {
	for text, want := range map[string]string{
		"{zone: a.vn}":      `3:5: error: a followed zone lacks the key from`,
		"{from: 192.0.2.1}": `3:5: error: what is followed has either the key zone or the key catalog`,
		"{zone: a.vn, catalog: c.vn, from: 192.0.2.1}":                 `3:5: error: what is followed has either the key zone or the key catalog`,
		"{catalog: b.vn, from: 192.0.2.1}":                             `3:5: error: the followed zone b.vn (internet) has a file too`,
		"{zone: a.vn, from: ns.b.vn}":                                  `3:24: error: "ns.b.vn" is no address`,
		"{zone: a.vn, from: 192.0.2.1, tsig: k}":                       `3:35: error: the key "tsig" is not known`,
		"{zone: a.vn, from: 1.1.1.1, tls: {}}":                         `3:38: error: nothing says which certificate the primary has`,
		"{zone: a.vn, from: 1.1.1.1, tls: {name: '*.b.vn'}}":           `3:45: error: "*.b.vn" is no name that a certificate bears`,
		"{zone: a.vn, from: 1.1.1.1, tls: {pin: x}}":                   `3:44: error: "x" is no pin`,
		"{zone: a.vn, from: 1.1.1.1, tls: {name: b, key: k}}":          `3:38: error: a certificate without its key`,
		"{zone: b.vn, from: 192.0.2.1}":                                `3:5: error: the followed zone b.vn (internet) has a file too`,
		"{zone: a.vn, from: 1.1.1.1}\n  - {zone: a.vn, from: 1.1.1.2}": `4:5: error: the zone a.vn (internet) is followed twice`,
	} {
		_, fs := readConfig("hopnhat.yaml", []byte("version: 1\nfollow:\n  - "+text+"\nzones: [{file: b, origin: b.vn}]\n"))
		if s := fmt.Sprint(fs); !strings.Contains(s, "hopnhat.yaml:"+want) {
			t.Errorf("%s: %s\nwant %s", text, s, want)
		}
	}
}

// TestFollowKey: a key that no file holds is said at its place; and a listener
// may have a view that followed zones alone have.
func TestFollowKey(t *testing.T) {
	files := small()
	files["hopnhat.yaml"] = "version: 1\nlisteners: [{address: \"127.0.0.1:5300\", view: far}]\nfollow:\n  - {zone: a.vn, view: far, from: 192.0.2.1, key: k.example}\nkeys: [k]\n"
	dir := write(t, t.TempDir(), files)
	if err := os.WriteFile(filepath.Join(dir, "k"), []byte(`key "other.example" { algorithm hmac-sha256; secret "c2VjcmV0IG9mIHRlc3RzLCAzMiBvY3RldHMgbG9uZyE="; };`), 0o600); err != nil {
		t.Fatal(err)
	}
	w, fs := Open(dir)
	if s := errorsOf(fs); s != "" {
		t.Fatal(s)
	}
	_, fs = w.TransferKeys()
	if s := errorsOf(fs); !strings.Contains(s, "hopnhat.yaml:4:5: error: no key file holds the key k.example of the followed zone a.vn") {
		t.Error(s)
	}
}
