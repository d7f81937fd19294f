package transfer

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// The other side of these tests is built with miekg/dns, which shares no code
// with what is tested.

const secret64 = "c2VjcmV0IG9mIHRlc3RzLCAzMiBvY3RldHMgbG9uZyE="

func testKey(t testing.TB) *Key {
	t.Helper()
	k, err := ParseKey("transfer.example:hmac-sha256:" + secret64)
	if err != nil {
		t.Fatal(err)
	}
	return &k
}

var start = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

// rrs reads records of a master file.
func rrs(t testing.TB, text string) (out []dns.RR) {
	t.Helper()
	zp := dns.NewZoneParser(strings.NewReader(text), "example.", "")
	for rr, ok := zp.Next(); ok; rr, ok = zp.Next() {
		out = append(out, rr)
	}
	if err := zp.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// toRecord gives a record of miekg/dns in our form.
func toRecord(t testing.TB, rr dns.RR) zones.Record {
	t.Helper()
	r, ok := fromMiekg(rr)
	if !ok {
		t.Fatalf("%v cannot be packed", rr)
	}
	return r
}

func fromMiekg(rr dns.RR) (r zones.Record, ok bool) {
	buf := make([]byte, dns.Len(rr)+300)
	n, err := dns.PackRR(rr, buf, 0, nil, false)
	if err != nil {
		return r, false
	}
	owner, at, err := zones.NameFromWire(buf[:n])
	if err != nil {
		return r, false
	}
	typ := zones.Type(rr.Header().Rrtype)
	data, err := rdata.Canonical(typ, buf[at+10:n])
	return zones.Record{Owner: owner, Type: typ, TTL: rr.Header().Ttl, Data: data}, err == nil
}

func toZone(t testing.TB, origin string, rs []dns.RR) *zones.Zone {
	t.Helper()
	b := zones.NewBuilder(zones.ID{Origin: zones.MustName(origin), View: zones.Internet})
	for _, rr := range rs {
		b.Add(toRecord(t, rr))
	}
	z, err := b.Freeze()
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// answers packs records as AXFR messages, so many a message.
func answers(id uint16, zone string, rs []dns.RR, each int) (ms []*dns.Msg) {
	for part := range slices.Chunk(rs, each) {
		m := new(dns.Msg)
		m.Id, m.Response, m.Authoritative, m.Compress = id, true, true, true
		if len(ms) == 0 {
			m.Question = []dns.Question{{Name: dns.Fqdn(zone), Qtype: dns.TypeAXFR, Qclass: dns.ClassINET}}
		}
		m.Answer = part
		ms = append(ms, m)
	}
	return ms
}

// pack packs messages; with a MAC of the question, signed: each one for which sign says so.
func pack(t testing.TB, ms []*dns.Msg, key *Key, mac string, at time.Time, sign func(i int) bool) (out [][]byte) {
	t.Helper()
	if key == nil {
		for _, m := range ms {
			b, err := m.Pack()
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, b)
		}
		return out
	}
	var between []byte // unsigned messages, which miekg/dns does not know of
	for i, m := range ms {
		if !sign(i) {
			b, err := m.Pack()
			if err != nil {
				t.Fatal(err)
			}
			between = append(between, b...)
			out = append(out, b)
			continue
		}
		m = m.Copy()
		m.SetTsig(key.Name.String(), string(key.Algorithm)+".", 300, at.Unix())
		p := prefixed{between, base64.StdEncoding.EncodeToString(key.secret), mac}
		b, next, err := dns.TsigGenerateWithProvider(m, p, mac, i > 0)
		if err != nil {
			t.Fatal(err)
		}
		out, mac, between = append(out, b), next, nil
	}
	return out
}

// prefixed puts unsigned messages between the prior MAC and the message.
type prefixed struct {
	between     []byte
	secret, mac string
}

func (p prefixed) Generate(b []byte, t *dns.TSIG) ([]byte, error) {
	at := 2 + len(p.mac)/2
	if p.mac == "" {
		at = 0
	}
	b = slices.Concat(b[:at], p.between, b[at:])
	return hmacOf(p.secret, t.Algorithm, b)
}

func (p prefixed) Verify([]byte, *dns.TSIG) error { return errors.New("not used") }

// script is a server that says what it is told to: it reads a question, then
// plays. It runs behind a Dialer, on a pipe.
type script func(t testing.TB, c net.Conn, q *dns.Msg, raw []byte)

// dialer gives pipes to a script that answers TCP. UDP is refused.
func dialer(t testing.TB, s script) func(context.Context, string, string) (net.Conn, error) {
	return func(_ context.Context, network, _ string) (net.Conn, error) {
		if network != "tcp" {
			return nil, errors.New("no UDP here")
		}
		ours, theirs := net.Pipe()
		go func() {
			defer theirs.Close()
			raw, err := readFrame(theirs, make([]byte, maxMsg))
			if err != nil {
				return
			}
			q := new(dns.Msg)
			if err := q.Unpack(raw); err != nil {
				t.Errorf("our question: %v", err)
				return
			}
			s(t, theirs, q, raw)
		}()
		return ours, nil
	}
}

var testServer = netip.MustParseAddrPort("[2001:db8::53]:53")

func request(t testing.TB, zone string, s script) Request {
	return Request{
		Server: testServer, Zone: zones.ID{Origin: zones.MustName(zone), View: zones.Internet},
		Dial: dialer(t, s), Now: func() time.Time { return start },
	}
}

func send(c net.Conn, ms ...[]byte) {
	for _, m := range ms {
		if _, err := c.Write(frame(m)); err != nil {
			return
		}
	}
}

// mac gives the MAC of a signed question in hexadecimal.
func mac(q *dns.Msg) string {
	if ts := q.IsTsig(); ts != nil {
		return ts.MAC
	}
	return ""
}

func has(fs []finding.Finding, id string) bool {
	return slices.ContainsFunc(fs, func(f finding.Finding) bool { return f.ID == id })
}

func show(fs []finding.Finding) string {
	var b strings.Builder
	for _, f := range fs {
		fmt.Fprintln(&b, f)
	}
	return b.String()
}

// soaAnswer answers the question after the transfer.
func soaAnswer(t testing.TB, c net.Conn, q *dns.Msg, soa dns.RR, key *Key) {
	m := new(dns.Msg).SetReply(q)
	m.Authoritative = true
	m.Extra = nil
	m.Answer = []dns.RR{soa}
	send(c, pack(t, []*dns.Msg{m}, key, mac(q), start, func(int) bool { return true })...)
}

// serve is a good server.
func serve(zone string, rs []dns.RR, each int, key *Key, sign func(i int) bool) script {
	return func(t testing.TB, c net.Conn, q *dns.Msg, raw []byte) {
		if key != nil {
			if err := verifyQuestion(raw, key); err != nil {
				t.Errorf("our signature: %v", err)
			}
		}
		if q.Question[0].Qtype == dns.TypeSOA {
			soaAnswer(t, c, q, rs[0], key)
			return
		}
		send(c, pack(t, answers(q.Id, zone, append(slices.Clone(rs), rs[0]), each), key, mac(q), start, sign)...)
	}
}
