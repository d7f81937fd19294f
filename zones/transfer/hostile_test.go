package transfer

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
	"go.uber.org/goleak"

	"gialai.gov.vn/hopnhat/zones/finding"
)

const (
	soa7  = "example. 3600 IN SOA ns.example. host.example. 7 7200 900 1209600 300\n"
	soa8  = "example. 3600 IN SOA ns.example. host.example. 8 7200 900 1209600 300\n"
	small = soa7 + "example. 3600 IN NS ns.example.\nns.example. 300 IN A 192.0.2.1\n"
)

// say plays records as one message each, not signed.
func say(text string, each int) script {
	return func(t testing.TB, c net.Conn, q *dns.Msg, _ []byte) {
		send(c, pack(t, answers(q.Id, "example", rrs(t, text), each), nil, "", start, nil)...)
	}
}

// bend plays a whole zone whose first message is bent.
func bend(f func(m *dns.Msg)) script {
	return func(t testing.TB, c net.Conn, q *dns.Msg, _ []byte) {
		ms := answers(q.Id, "example", rrs(t, small+soa7), 100)
		f(ms[0])
		send(c, pack(t, ms, nil, "", start, nil)...)
	}
}

// raw plays the octets of a message: a header with one answer, then body.
func raw(answers uint16, body ...byte) script {
	return func(_ testing.TB, c net.Conn, q *dns.Msg, _ []byte) {
		b := binary.BigEndian.AppendUint16(nil, q.Id)
		b = append(b, 0x84, 0, 0, 0)
		b = binary.BigEndian.AppendUint16(b, answers)
		b = append(b, 0, 0, 0, 0)
		send(c, append(b, body...))
	}
}

// forever plays a message again and again after an opening SOA.
func forever(body func(id uint16) *dns.Msg) script {
	return func(t testing.TB, c net.Conn, q *dns.Msg, _ []byte) {
		send(c, pack(t, answers(q.Id, "example", rrs(t, soa7), 1), nil, "", start, nil)...)
		b, err := body(q.Id).Pack()
		if err != nil {
			t.Error(err)
			return
		}
		for {
			if _, err := c.Write(frame(b)); err != nil {
				return
			}
		}
	}
}

func stream(t testing.TB, text string) func(id uint16) *dns.Msg {
	return func(id uint16) *dns.Msg {
		ms := answers(id, "example", rrs(t, text), 1000)
		return append(ms, &dns.Msg{MsgHdr: dns.MsgHdr{Id: id, Response: true}})[0]
	}
}

func silent(_ testing.TB, c net.Conn, _ *dns.Msg, _ []byte) { _, _ = c.Read(make([]byte, 1)) }

// TestHostile: whatever a server does, nothing is taken, it ends in time, and
// the finding says what was wrong. The clock is a fake one.
func TestHostile(t *testing.T) {
	limits := Limits{Octets: 1 << 20, Records: 1000, Messages: 500, Listed: 10}
	times := Timeouts{Connect: time.Second, Message: 10 * time.Second, Total: time.Minute, Query: time.Second}
	many := strings.Repeat("a.example. 1 IN A 192.0.2.1\n", 10)
	for _, c := range []struct {
		name, id string
		play     script
		took     time.Duration
	}{
		{"endless records", "X-LIMIT", forever(stream(t, many)), 0},
		{"endless empty messages", "X-LIMIT", forever(stream(t, "")), 0},
		{"endless records of elsewhere", "X-LIMIT", forever(stream(t, strings.Repeat("a.elsewhere. 1 IN A 192.0.2.1\n", 10))), 0},
		{"endless octets", "X-LIMIT", forever(stream(t, strings.Repeat("a.example. 1 IN TXT "+strings.Repeat("x", 250)+"\n", 100))), 0},
		{"one octet a second", "X-TIMEOUT", func(t testing.TB, c net.Conn, q *dns.Msg, _ []byte) {
			for _, m := range pack(t, answers(q.Id, "example", rrs(t, small+soa7), 100), nil, "", start, nil) {
				for _, b := range frame(m) {
					if _, err := c.Write([]byte{b}); err != nil {
						return
					}
					time.Sleep(time.Second)
				}
			}
		}, times.Message},
		{"a message every nine seconds", "X-TIMEOUT", func(t testing.TB, c net.Conn, q *dns.Msg, _ []byte) {
			send(c, pack(t, answers(q.Id, "example", rrs(t, soa7), 1), nil, "", start, nil)...)
			for {
				time.Sleep(9 * time.Second)
				b, _ := answers(q.Id, "example", rrs(t, many), 100)[0].Pack()
				if _, err := c.Write(frame(b)); err != nil {
					return
				}
			}
		}, times.Total},
		{"silence", "X-TIMEOUT", silent, times.Message},
		{"silence after half", "X-TIMEOUT", func(t testing.TB, c net.Conn, q *dns.Msg, raw []byte) {
			say(small, 1)(t, c, q, raw)
			silent(t, c, q, raw)
		}, times.Message},
		{"closed at once", "X-CONNECT", func(testing.TB, net.Conn, *dns.Msg, []byte) {}, 0},
		{"no last SOA", "X-SHORT", say(small, 1), 0},
		{"ends within a message", "X-SHORT", func(t testing.TB, c net.Conn, q *dns.Msg, _ []byte) {
			send(c, pack(t, answers(q.Id, "example", rrs(t, small), 1), nil, "", start, nil)...)
			_, _ = c.Write([]byte{0xff, 0xff, 1, 2, 3})
		}, 0},
		{"ends within a length", "X-SHORT", func(t testing.TB, c net.Conn, q *dns.Msg, _ []byte) {
			send(c, pack(t, answers(q.Id, "example", rrs(t, small), 1), nil, "", start, nil)...)
			_, _ = c.Write([]byte{0})
		}, 0},
		{"SOA differs", "X-SOA", say(small+soa8, 2), 0},
		{"no first SOA", "X-SOA", say("ns.example. 300 IN A 192.0.2.1\n"+small+soa7, 2), 0},
		{"another zone's SOA", "X-SOA", say(strings.ReplaceAll(small+soa7, "example.", "other."), 9), 0},
		{"the parent's SOA", "X-SOA", say(". 3600 IN SOA a. b. 7 2 3 4 5\n"+small+soa7, 9), 0},
		{"more after the last SOA", "X-MESSAGE", say(small+soa7+many, 100), 0},
		{"SOA three times", "X-MESSAGE", say(soa7+soa7+soa7, 100), 0},
		{"wrong id", "X-MESSAGE", bend(func(m *dns.Msg) { m.Id++ }), 0},
		{"a question", "X-MESSAGE", bend(func(m *dns.Msg) { m.Response = false }), 0},
		{"another opcode", "X-MESSAGE", bend(func(m *dns.Msg) { m.Opcode = dns.OpcodeNotify }), 0},
		{"wrong zone in the question", "X-MESSAGE", bend(func(m *dns.Msg) { m.Question[0].Name = "example.org." }), 0},
		{"wrong type in the question", "X-MESSAGE", bend(func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeIXFR }), 0},
		{"two questions", "X-MESSAGE", bend(func(m *dns.Msg) { m.Question = append(m.Question, m.Question[0]) }), 0},
		{"not asked to be signed", "X-TSIG", bend(func(m *dns.Msg) {
			m.Extra = []dns.RR{&dns.TSIG{Hdr: dns.RR_Header{Name: "k.", Rrtype: dns.TypeTSIG, Class: dns.ClassANY}, Algorithm: dns.HmacSHA256}}
		}), 0},
		{"no records", "X-NOTAUTH", bend(func(m *dns.Msg) { m.Answer = nil }), 0},
		{"REFUSED", "X-REFUSED", bend(func(m *dns.Msg) { m.Rcode, m.Answer = dns.RcodeRefused, nil }), 0},
		{"REFUSED with records", "X-REFUSED", bend(func(m *dns.Msg) { m.Rcode = dns.RcodeRefused }), 0},
		{"NOTAUTH", "X-NOTAUTH", bend(func(m *dns.Msg) { m.Rcode, m.Answer = dns.RcodeNotAuth, nil }), 0},
		{"NXDOMAIN", "X-NOTAUTH", bend(func(m *dns.Msg) { m.Rcode, m.Answer = dns.RcodeNameError, nil }), 0},
		{"NOTIMP", "X-NOTIMP", bend(func(m *dns.Msg) { m.Rcode, m.Answer = dns.RcodeNotImplemented, nil }), 0},
		{"FORMERR", "X-NOTIMP", bend(func(m *dns.Msg) { m.Rcode, m.Answer = dns.RcodeFormatError, nil }), 0},
		{"SERVFAIL", "X-RCODE", bend(func(m *dns.Msg) { m.Rcode, m.Answer = dns.RcodeServerFailure, nil }), 0},
		{"a code without a name", "X-RCODE", bend(func(m *dns.Msg) { m.Rcode, m.Answer = 15, nil }), 0},
		{"SERVFAIL halfway", "X-RCODE", func(t testing.TB, c net.Conn, q *dns.Msg, _ []byte) {
			ms := answers(q.Id, "example", rrs(t, small+soa7), 1)
			ms[2].Rcode = dns.RcodeServerFailure
			send(c, pack(t, ms, nil, "", start, nil)...)
		}, 0},
		{"shorter than a header", "X-MESSAGE", func(_ testing.TB, c net.Conn, _ *dns.Msg, _ []byte) { send(c, []byte{1, 2, 3}) }, 0},
		{"an empty message", "X-MESSAGE", func(_ testing.TB, c net.Conn, _ *dns.Msg, _ []byte) { send(c, nil) }, 0},
		{"a giant of zeros", "X-MESSAGE", func(_ testing.TB, c net.Conn, _ *dns.Msg, _ []byte) { send(c, make([]byte, maxMsg)) }, 0},
		{"more records than octets", "X-MESSAGE", raw(65535, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0), 0},
		{"octets after the records", "X-MESSAGE", raw(0, 0), 0},
		{"a pointer to itself", "X-MESSAGE", raw(1, 0xc0, 12, 0, 6, 0, 1, 0, 0, 0, 0, 0, 0), 0},
		{"a pointer forward", "X-MESSAGE", raw(1, 0xc0, 14, 0, 6, 0, 1, 0, 0, 0, 0, 0, 0), 0},
		{"a pointer into the header", "X-MESSAGE", raw(1, 0xc0, 0, 0, 6, 0, 1, 0, 0, 0, 0, 0, 0), 0},
		{"a circle through a label", "X-MESSAGE", raw(1, 1, 'a', 0xc0, 12, 0, 6, 0, 1, 0, 0, 0, 0, 0, 0), 0},
		{"a label of a reserved kind", "X-MESSAGE", raw(1, 0x41, 'a', 0, 0, 6, 0, 1, 0, 0, 0, 0, 0, 0), 0},
		{"data beyond the message", "X-MESSAGE", raw(1, 0, 0, 6, 0, 1, 0, 0, 0, 0, 0xff, 0xff), 0},
		{"SOA data that are cut", "X-SOA", raw(1, 7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0, 0, 6, 0, 1, 0, 0, 0, 0, 0, 2, 0, 0), 0},
		{"data that do not fit", "X-RDATA", func(t testing.TB, c net.Conn, q *dns.Msg, _ []byte) {
			rs := rrs(t, soa7+soa7)
			bad := &dns.RFC3597{Hdr: dns.RR_Header{Name: "a.example.", Rrtype: dns.TypeA, Class: dns.ClassINET}, Rdata: "c00002"}
			send(c, pack(t, answers(q.Id, "example", slices.Insert(rs, 1, dns.RR(bad)), 9), nil, "", start, nil)...)
		}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := request(t, "example", c.play)
				q.Limits, q.Timeouts = limits, times
				began := time.Now()
				z, rep, fs := Fetch(context.Background(), q)
				if z != nil || rep.Taken != 0 {
					t.Fatal("a zone was taken")
				}
				if !has(fs, c.id) || !finding.Failed(fs) {
					t.Errorf("want %s:\n%s", c.id, show(fs))
				}
				if len(fs) > limits.Listed+2 {
					t.Errorf("%d findings", len(fs))
				}
				for _, f := range fs {
					if f.Found == "" || f.Severity >= finding.Error && f.Mend == "" {
						t.Errorf("%+v", f)
					}
				}
				if took := time.Since(began); took != c.took {
					t.Errorf("took %v, want %v", took, c.took)
				}
				time.Sleep(times.Total) // of the fake clock: the server sees the end
			})
		})
	}
}

// TestExpansion: names that take two octets in a message and 255 in memory
// count as they are in memory.
func TestExpansion(t *testing.T) {
	long := strings.Repeat(strings.Repeat("x", 62)+".", 3) + strings.Repeat("y", 50) + ".example."
	q := request(t, "example", forever(stream(t, strings.Repeat(long+" 1 IN NS "+long+"\n", 1000))))
	q.Limits.Octets = 1 << 20
	_, rep, fs := Fetch(context.Background(), q)
	if !has(fs, "X-LIMIT") || rep.Octets > 1<<17 {
		t.Errorf("%d octets came before the limit:\n%s", rep.Octets, show(fs))
	}
}

// TestStopped: a context that ends stops a transfer at each of its steps.
func TestStopped(t *testing.T) {
	for name, play := range map[string]script{"silence": silent, "endless": forever(stream(t, "a.example. 1 IN A 192.0.2.1\n"))} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(context.Background())
				q := request(t, "example", play)
				dial := q.Dial
				q.Dial = func(c context.Context, n, a string) (net.Conn, error) {
					conn, err := dial(c, n, a)
					time.AfterFunc(3*time.Second, func() { cancel(errors.New("enough")) })
					if name == "endless" {
						cancel(errors.New("enough"))
					}
					return conn, err
				}
				began := time.Now()
				z, _, fs := Fetch(ctx, q)
				if took := time.Since(began); took > 3*time.Second {
					t.Errorf("stopped after %v", took)
				}
				if z != nil || !has(fs, "X-TIMEOUT") || !strings.Contains(show(fs), "enough") {
					t.Error(show(fs))
				}
				time.Sleep(4 * time.Second) // the timer above
			})
		})
	}
}

// TestUnreachable: no connection, and why.
func TestUnreachable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().(*net.TCPAddr).AddrPort()
	_ = l.Close()
	q := request(t, "example", nil)
	q.Dial, q.Server = nil, addr
	z, _, fs := Fetch(context.Background(), q)
	if z != nil || !has(fs, "X-CONNECT") || !strings.Contains(show(fs), "connection refused") {
		t.Error(show(fs))
	}
	q.Local = testServer.Addr() // no machine has it (RFC 3849)
	if _, _, fs = Fetch(context.Background(), q); !has(fs, "X-CONNECT") {
		t.Error(show(fs))
	}
	synctest.Test(t, func(t *testing.T) {
		q := request(t, "example", nil)
		q.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() }
		if _, _, fs := Fetch(context.Background(), q); !has(fs, "X-TIMEOUT") || !strings.Contains(show(fs), "firewall") {
			t.Error(show(fs))
		}
	})
	for name, bad := range map[string]Request{
		"no server": {Zone: q.Zone}, "no zone": {Server: testServer}, "no key": {Server: testServer, Zone: q.Zone, Key: &Key{}},
	} {
		if z, _, fs := Fetch(context.Background(), bad); z != nil || !finding.Failed(fs) {
			t.Errorf("%s: %s", name, show(fs))
		}
	}
	goleak.VerifyNone(t)
}
