package seen

import (
	"strings"
	"testing"
	"time"
)

var vietnam = time.FixedZone("", 7*3600)

func TestBINDForms(t *testing.T) {
	// The layouts of ns_client_logv, log_query (lib/ns, bin/named before 9.12)
	// and isc_log_doit (lib/isc/log.c) of the versions named.
	type want struct {
		name, typ, client, server, view, at string
	}
	mail := want{"mail.binhdinh.gov.vn", "A", "10.1.2.3", "10.0.0.1", "", ""}
	viewed := mail
	viewed.view = "internet"
	timed := func(w want, at string) want { w.at = at; return w }
	for _, c := range []struct {
		what, line string
		want       want
	}{
		{"9.4", `client 10.1.2.3#4711: query: mail.binhdinh.gov.vn IN A +`, want{"mail.binhdinh.gov.vn", "A", "10.1.2.3", "", "", ""}},
		{"9.4, a view", `client 10.1.2.3#4711: view internet: query: mail.binhdinh.gov.vn IN A -E`, want{"mail.binhdinh.gov.vn", "A", "10.1.2.3", "", "internet", ""}},
		{"9.9", `client 10.1.2.3#4711 (mail.binhdinh.gov.vn): query: mail.binhdinh.gov.vn IN A +ED (10.0.0.1)`, mail},
		{"9.11", `client @0x7f2104005010 10.1.2.3#4711 (mail.binhdinh.gov.vn): view internet: query: mail.binhdinh.gov.vn IN A +E(0)K (10.0.0.1)`, viewed},
		{"9.18, print-time", `20-Jun-2025 09:12:44.123 client @0x7f2104005010 10.1.2.3#4711 (Mail.BinhDinh.gov.vn): view internet: query: Mail.BinhDinh.gov.vn IN A +E(0)TDCV (10.0.0.1)`, timed(viewed, "2025-06-20T02:12:44.123Z")},
		{"category, severity", `20-Jun-2025 09:12:44.123 queries: info: client @0x7f2104005010 10.1.2.3#4711 (mail.binhdinh.gov.vn): query: mail.binhdinh.gov.vn IN A -S (10.0.0.1)`, timed(mail, "2025-06-20T02:12:44.123Z")},
		{"category alone", `queries: client @0x7f 10.1.2.3#4711 (mail.binhdinh.gov.vn): query: mail.binhdinh.gov.vn IN A - (10.0.0.1)`, mail},
		{"severity alone", `info: client @0x7f 10.1.2.3#4711 (mail.binhdinh.gov.vn): query: mail.binhdinh.gov.vn IN A - (10.0.0.1)`, mail},
		{"iso8601", `2025-06-20T09:12:44.123 queries: info: client @0x7f 10.1.2.3#4711 (mail.binhdinh.gov.vn): query: mail.binhdinh.gov.vn IN A - (10.0.0.1)`, timed(mail, "2025-06-20T02:12:44.123Z")},
		{"iso8601-utc", `2025-06-20T09:12:44.123Z queries: info: client @0x7f 10.1.2.3#4711 (mail.binhdinh.gov.vn): query: mail.binhdinh.gov.vn IN A - (10.0.0.1)`, timed(mail, "2025-06-20T09:12:44.123Z")},
		{"iso8601-tzinfo", `2025-06-20T09:12:44.123+09:30 client @0x7f 10.1.2.3#4711 (mail.binhdinh.gov.vn): query: mail.binhdinh.gov.vn IN A - (10.0.0.1)`, timed(mail, "2025-06-19T23:42:44.123Z")},
		{"syslog", `Jun 20 09:12:44 ns1 named[812]: client @0x7f 10.1.2.3#4711 (mail.binhdinh.gov.vn): query: mail.binhdinh.gov.vn IN A - (10.0.0.1)`, timed(mail, "2025-06-20T02:12:44Z")},
		{"syslog of last year", `Dec  1 09:12:44 ns1 named[812]: queries: info: client @0x7f 10.1.2.3#4711 (mail.binhdinh.gov.vn): query: mail.binhdinh.gov.vn IN A - (10.0.0.1)`, timed(mail, "2024-12-01T02:12:44Z")},
		{"29 February", `Feb 29 00:00:00 ns1 named[812]: client 10.1.2.3#4711 (mail.binhdinh.gov.vn): query: mail.binhdinh.gov.vn IN A - (10.0.0.1)`, timed(mail, "2024-02-28T17:00:00Z")},
		{"rsyslog", `2025-06-20T09:12:44.123456+07:00 ns1 named[812]: client @0x7f 10.1.2.3#4711 (mail.binhdinh.gov.vn): query: mail.binhdinh.gov.vn IN A - (10.0.0.1)`, timed(mail, "2025-06-20T02:12:44.123456Z")},
		{"journalctl -o short-iso", `2025-06-20T09:12:44+0700 ns1 named[812]: client @0x7f 10.1.2.3#4711 (mail.binhdinh.gov.vn): query: mail.binhdinh.gov.vn IN A - (10.0.0.1)`, timed(mail, "2025-06-20T02:12:44Z")},
		{"syslog on the wire", `<30>Jun 20 09:12:44 ns1 named[812]: client @0x7f 10.1.2.3#4711 (mail.binhdinh.gov.vn): query: mail.binhdinh.gov.vn IN A - (10.0.0.1)`, timed(mail, "2025-06-20T02:12:44Z")},
		{"RFC 5424", `<30>1 2025-06-20T02:12:44.5Z ns1 named 812 - - client @0x7f 10.1.2.3#4711 (mail.binhdinh.gov.vn): query: mail.binhdinh.gov.vn IN A - (10.0.0.1)`, timed(mail, "2025-06-20T02:12:44.5Z")},
		{"syslog around BIND's time", `Jun 20 09:12:44 ns1 named[812]: 20-Jun-2019 09:12:44.123 queries: info: client @0x7f 10.1.2.3#4711 (mail.binhdinh.gov.vn): query: mail.binhdinh.gov.vn IN A - (10.0.0.1)`, timed(mail, "2019-06-20T02:12:44.123Z")},
		{"a host called client", `Jun 20 09:12:44 client named[812]: client @0x7f 10.1.2.3#4711 (mail.binhdinh.gov.vn): query: mail.binhdinh.gov.vn IN A - (10.0.0.1)`, timed(mail, "2025-06-20T02:12:44Z")},
		{"a key", `client @0x7f 10.1.2.3#4711/key tsig.binhdinh (binhdinh.gov.vn): query: binhdinh.gov.vn IN AXFR -ST (10.0.0.1)`, want{"binhdinh.gov.vn", "AXFR", "10.1.2.3", "10.0.0.1", "", ""}},
		{"IPv6", `client @0x7f 2001:db8::3#4711 (vn): query: vn IN TYPE65 +E(0) (2001:db8::1)`, want{"vn", "HTTPS", "2001:db8::3", "2001:db8::1", "", ""}},
		{"a link-local one", `client @0x7f fe80::3%eth0#4711 (.): query: . IN NS +E(0) (fe80::1%eth0)`, want{".", "NS", "fe80::3", "fe80::1", "", ""}},
		{"IPv4 in IPv6", `client @0x7f ::ffff:10.1.2.3#4711 (vn): query: vn IN ANY + (::ffff:10.0.0.1)`, want{"vn", "ANY", "10.1.2.3", "10.0.0.1", "", ""}},
		{"octets", `client @0x7f 10.1.2.3#4711 (a\(b\)\032c\.d.vn): query: a\(b\)\032c\.d.vn IN A + (10.0.0.1)`, want{`a\(b\)\032c\.d.vn`, "A", "10.1.2.3", "10.0.0.1", "", ""}},
		{"a view with blanks", `client @0x7f 10.1.2.3#4711 (vn): view data network: query: vn IN A + (10.0.0.1)`, want{"vn", "A", "10.1.2.3", "10.0.0.1", "data network", ""}},
		{"a client subnet", `client @0x7f 10.1.2.3#4711 (vn): query: vn IN A +E(0)K (10.0.0.1) [ECS 192.0.2.0/24/0]`, want{"vn", "A", "10.1.2.3", "10.0.0.1", "", ""}},
		{"a rare type", `client @0x7f 10.1.2.3#4711 (vn): query: vn IN A6 + (10.0.0.1)`, want{"vn", "TYPE38", "10.1.2.3", "10.0.0.1", "", ""}},
	} {
		t.Run(c.what, func(t *testing.T) {
			r := read(t, []byte(c.line+"\n"), Options{Location: vietnam, Now: time.Date(2025, 7, 1, 0, 0, 0, 0, time.UTC)})
			if r.Taken != 1 || r.Format != FormatBIND {
				t.Fatalf("taken %d as %q\n%s", r.Taken, r.Format, r.text())
			}
			e := r.entries[0]
			got := want{e.Name.Text(), e.Type.String(), e.Client.String(), "", e.View, textTime(e.Time)}
			if e.Server.IsValid() {
				got.server = e.Server.String()
			}
			c.want.name = name(c.want.name).Text()
			if got != c.want {
				t.Errorf("got  %v\nwant %v", got, c.want)
			}
			if e.At.String() != "log:1" {
				t.Errorf("it stands at %s", e.At)
			}
		})
	}
}

func TestBINDTraps(t *testing.T) {
	const good = "client @0x7f 10.1.2.3#4711 (good.vn): query: good.vn IN A + (10.0.0.1)\n"
	for _, c := range []struct{ line, why string }{
		{"", leftEmpty},
		{"20-Jun-2025 09:12:44.123 general: info: zone binhdinh.gov.vn/IN: loaded serial 7", leftOther},
		{"20-Jun-2025 09:12:44.123 security: info: client @0x7f 10.1.2.3#4711 (x.vn): query (cache) 'x.vn/A/IN' denied", leftOther},
		{"20-Jun-2025 09:12:44.123 client @0x7f 10.1.2.3#4711: bad zone transfer request: 'x.vn/IN': non-authoritative zone (NOTAUTH)", leftOther},
		{"Jun 20 09:12:44 ns1 sshd[77]: Accepted publickey", leftOther},
		{"client @0x7f 10.1.2.3#4711 (version.bind): query: version.bind CH TXT + (10.0.0.1)", leftClass},
		{"client @0x7f 10.1.2.3#47", refCutLine},
		{"client @0x7f 10.1.2.3#4711 (x.v", refCutLine},
		{"client @0x7f 10.1.2.3#4711 (x.vn): view int", refCutLine},
		{"client @0x7f 10.1.2.3#4711 (x.vn): que", refCutLine},
		{"client @0x7f 10.1.2.3#4711 (x.vn): query: x.v", refCutLine},
		{"client @0x7f 10.1.2.3#4711 (x.vn): query: x.vn IN A", refCutLine},
		{"client @0x7f 10.1.2.3#4711 (x.vn): query: x.vn IN A +E(0", ""}, // all that matters is there
		{"client @0x7f 10.1.2.3#4711 (x.vn): query: x.vn IN A yes (10.0.0.1)", refCutLine},
		{"client @0x7f 10.1.2.3#4711 (x.vn): query: x.vn IN A + (10.0.0", refCutLine},
		{"client @0x7f 10.1.2.3#4711 (x.vn): query: x.vn IN A + (nowhere)", refAddress},
		{"client @0x7f 10.1.2#4711 (x.vn): query: x.vn IN A + (10.0.0.1)", refAddress},
		{"client @0x7f 10.1.2.3#99999 (x.vn): query: x.vn IN A + (10.0.0.1)", refAddress},
		{"client @0x7f <unknown> (x.vn): query: x.vn IN A + (10.0.0.1)", refAddress},
		{"client @0x7f 10.1.2.3#4711 (x.vn): view " + strings.Repeat("v", 256) + ": query: x.vn IN A + (10.0.0.1)", refAddress},
		{"client @0x7f 10.1.2.3#4711 (x..vn): query: x..vn IN A + (10.0.0.1)", refName},
		{"client @0x7f 10.1.2.3#4711 (x.vn): query: " + strings.Repeat("x", 64) + ".vn IN A + (10.0.0.1)", refName},
		{"client @0x7f 10.1.2.3#4711 (x.vn): query: x.vn IN QQ + (10.0.0.1)", refType},
		{"client @0x7f 10.1.2.3#4711 (x.vn): query: x.vn in A + (10.0.0.1)", refType},
		{"client @0x7f 10.1.2.3#4711 (x.vn): response: x.vn IN A WRONG + (10.0.0.1)", refUnknown},
		{"what a nice day", refUnknown},
		{strings.Repeat("x", 1<<17), refLong},
	} {
		r := read(t, []byte(good+c.line+"\n"+good), Options{})
		left, refused := r.Sums()
		switch {
		case c.why == "":
			if r.Taken != 3 {
				t.Errorf("%q: not taken\n%s", excerpt([]byte(c.line)), r.text())
			}
		case r.Taken != 2 || left+refused != 1 || r.count(r.LeftOut, c.why)+r.count(r.Refused, c.why) != 1:
			t.Errorf("%q: want %q\n%+v", excerpt([]byte(c.line)), c.why, r.Account)
		}
		if refused == 1 && (len(r.finds) != 1 || r.finds[0].ID != "Q-LINE" || r.finds[0].At.String() != "log:2") {
			t.Errorf("%q: it is not shown with its place:\n%s", excerpt([]byte(c.line)), r.text())
		}
	}
}

func TestBINDResponses(t *testing.T) {
	// The response log of 9.20 beside the query log: each question counts once.
	r := read(t, []byte(`client @0x7f 10.1.2.3#4711 (x.vn): query: x.vn IN A +E(0)K (10.0.0.1)
client @0x7f 10.1.2.3#4711 (x.vn): response: x.vn IN A NXDOMAIN +E(0)K 0 1 1 (10.0.0.1)
client @0x7f 10.1.2.3#4712 (y.vn): response: y.vn IN A NOERROR +E(0)K 1 0 1 (10.0.0.1)
`), Options{})
	if r.Taken != 2 || r.count(r.LeftOut, leftResponses) != 1 || len(r.entries) != 3 {
		t.Fatalf("%+v", r.Account)
	}
	if a := r.entries[1].Answer; a == nil || a.Rcode != 3 || r.entries[1].Asked {
		t.Errorf("the first answer: %+v", r.entries[1])
	}
	if a := r.entries[2].Answer; a == nil || a.Rcode != 0 || !r.entries[2].Asked {
		t.Errorf("the second answer: %+v", r.entries[2])
	}
}

func TestBINDWithoutYear(t *testing.T) {
	line := []byte("Jun 20 09:12:44 ns1 named[1]: client 10.1.2.3#1 (x.vn): query: x.vn IN A + (10.0.0.1)\n")
	r := read(t, line, Options{})
	if r.Taken != 1 || !r.entries[0].Time.IsZero() || !r.has("Q-YEAR") {
		t.Errorf("no year can be known, and nothing says so: %+v\n%s", r.entries, r.text())
	}
	// The clock of the log's machine may be ahead of ours by less than a day.
	r = read(t, line, Options{Now: time.Date(2025, 6, 20, 3, 0, 0, 0, time.UTC)})
	if got := textTime(r.entries[0].Time); got != "2025-06-20T09:12:44Z" || r.has("Q-YEAR") {
		t.Errorf("got %s\n%s", got, r.text())
	}
}
