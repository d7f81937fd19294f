package workspace

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"gialai.gov.vn/hopnhat/zones"
)

// TestCatalogs: what is written is what is made, and what of it stands in which
// catalog.
func TestCatalogs(t *testing.T) {
	c, fs := readConfig("hopnhat.yaml", []byte(`version: 1
catalogs:
  - {zone: All.vn}
  - zone: some.vn
    view: tslcd
    zones: [a.vn, b.vn]
    groups: [{group: "ký", zones: a.vn}, {group: g, zones: [a.vn, b.vn]}]
    moves: [{to: all.vn, zones: b.vn}]
listeners: [{address: "127.0.0.1:853", tls: {certificate: c.pem, key: /k.pem, clients: ca.pem}}]
secondaries:
  - {name: x, address: 192.0.2.1, client: Ns.X.vn, pin: "E9CZ9INDbd+2eRQozYqqbQ2yXLVKB9+xcprMF+44U1g="}
`))
	if len(fs) > 0 {
		t.Fatal(fs)
	}
	all, some := c.Catalogs[0], c.Catalogs[1]
	id := func(s string, v zones.View) zones.ID { return zones.ID{Origin: zones.MustName(s), View: v} }
	if all.ID != id("all.vn", zones.Internet) || some.ID != id("some.vn", "tslcd") {
		t.Errorf("%v %v", all.ID, some.ID)
	}
	for _, w := range []struct {
		id        zones.ID
		all, some bool
	}{
		{id("a.vn", zones.Internet), true, false},
		{id("a.vn", "tslcd"), false, true},
		{id("c.vn", "tslcd"), false, false},
		{id("all.vn", zones.Internet), false, false},
	} {
		if all.Has(w.id) != w.all || some.Has(w.id) != w.some {
			t.Errorf("%v: %v %v", w.id, all.Has(w.id), some.Has(w.id))
		}
	}
	if g := some.Groups; len(g) != 2 || g[0].Text != "ký" || len(g[0].Zones) != 1 || len(g[1].Zones) != 2 || len(some.Moves) != 1 || some.Moves[0].To != zones.MustName("all.vn") {
		t.Errorf("%+v", some)
	}
	if l := c.Listeners[0].TLS.In("/w"); l.Certificate != "/w/c.pem" || l.Key != "/k.pem" || l.Authorities != "/w/ca.pem" {
		t.Errorf("%+v", l)
	}
	rules := c.Secondaries[0].Rules()
	if len(rules) != 1 || rules[0].TLS || rules[0].Client != "ns.x.vn" || rules[0].Pin.IsZero() {
		t.Errorf("%+v", rules)
	}
}

func TestCatalogSlips(t *testing.T) {
	for text, want := range map[string]string{
		"catalogs: [{view: internet}]":                                                                                                     "2:12: error: a catalog lacks the key zone",
		"catalogs: [{zone: a.vn}, {zone: A.vn}]":                                                                                           "2:26: error: the catalog a.vn (internet) has the name of a zone or of another catalog",
		"zones: [{file: z, origin: a.vn}]\ncatalogs: [{zone: a.vn}]":                                                                       "3:12: error: the catalog a.vn (internet) has the name of a zone or of another catalog",
		"catalogs: [{zone: a.vn, moves: [{to: a.vn, zones: b.vn}]}]":                                                                       "2:12: error: the catalog a.vn (internet) hands zones over to itself",
		"catalogs: [{zone: a.vn, moves: [{to: c.vn, zones: b.vn}, {to: d.vn, zones: b.vn}]}]":                                              "2:12: error: b.vn is handed over to two catalogs",
		"catalogs: [{zone: a.vn, groups: [{group: g}]}]":                                                                                   "2:34: error: a group lacks the key zones",
		"listeners: [{address: 127.0.0.1:853, tls: {key: k}}]":                                                                             "2:43: error: tls lacks the key certificate",
		"listeners: [{address: 127.0.0.1:53}]\nsecondaries: [{name: x, address: 192.0.2.1, tls: true}]":                                    "3:15: error: the secondary x must come over TLS, and no listener of the view internet speaks it",
		"secondaries: [{name: x, address: 192.0.2.1, client: '*.x.vn'}]":                                                                   `2:53: error: "*.x.vn" is no name that a certificate bears`,
		"secondaries: [{name: x, address: 192.0.2.1, pin: abc}]":                                                                           `2:50: error: "abc" is no pin`,
		"listeners: [{address: 127.0.0.1:853, tls: {certificate: c, key: k}}]\nsecondaries: [{name: x, address: 192.0.2.1, client: x.vn}]": "3:15: error: the secondary x must show a certificate for x.vn, and no listener believes one",
	} {
		_, fs := readConfig("hopnhat.yaml", []byte("version: 1\n"+text+"\n"))
		var said []string
		for _, f := range fs {
			said = append(said, f.String())
		}
		if !slices.ContainsFunc(said, func(s string) bool { return strings.HasPrefix(s, "hopnhat.yaml:"+want) }) {
			t.Errorf("%s:\n%s\nwant %s", text, fmt.Sprint(said), want)
		}
	}
}
