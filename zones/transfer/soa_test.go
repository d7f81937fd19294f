package transfer

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
)

// TestAskSOA: over UDP first; what is no answer to the question is passed
// over; TCP where UDP gives no whole answer.
func TestAskSOA(t *testing.T) {
	key := testKey(t)
	good := func(q *dns.Msg, serial string) *dns.Msg {
		m := new(dns.Msg).SetReply(q)
		m.Extra, m.Answer = nil, rrs(t, strings.Replace(soa7, " 7 ", " "+serial+" ", 1))
		return m
	}
	say := func(c net.Conn, m *dns.Msg, k *Key, mac string) {
		for _, b := range pack(t, []*dns.Msg{m}, k, mac, start, every) {
			_, _ = c.Write(b)
		}
	}
	for _, c := range []struct {
		name   string
		key    *Key
		udp    func(c net.Conn, q *dns.Msg) // nil: refused
		serial uint32                       // 0: an error
		asked  string
	}{
		{"at once", nil, func(c net.Conn, q *dns.Msg) { say(c, good(q, "5"), nil, "") }, 5, "udp"},
		{"signed", key, func(c net.Conn, q *dns.Msg) { say(c, good(q, "5"), key, mac(q)) }, 5, "udp"},
		{"not signed", key, func(c net.Conn, q *dns.Msg) { say(c, good(q, "5"), nil, "") }, 0, "udp"},
		{"signed for another question", key, func(c net.Conn, q *dns.Msg) { say(c, good(q, "5"), key, questionMAC(t, key, start)) }, 0, "udp"},
		{"after a wrong id", nil, func(c net.Conn, q *dns.Msg) {
			m := good(q, "4")
			m.Id++
			say(c, m, nil, "")
			say(c, good(q, "5"), nil, "")
		}, 5, "udp"},
		{"after an echo", nil, func(c net.Conn, q *dns.Msg) { say(c, q, nil, ""); say(c, good(q, "5"), nil, "") }, 5, "udp"},
		{"after three octets", nil, func(c net.Conn, q *dns.Msg) { _, _ = c.Write([]byte{1, 2, 3}); say(c, good(q, "5"), nil, "") }, 5, "udp"},
		{"truncated", nil, func(c net.Conn, q *dns.Msg) {
			m := good(q, "4")
			m.Truncated = true
			say(c, m, nil, "")
		}, 7, "udp tcp"},
		{"silence", nil, func(c net.Conn, _ *dns.Msg) { _, _ = c.Read(make([]byte, 1)) }, 7, "udp udp udp tcp"},
		{"nothing listens", nil, nil, 7, "udp tcp"},
		{"REFUSED, as Knot refuses a catalog over UDP", nil, func(c net.Conn, q *dns.Msg) { say(c, new(dns.Msg).SetRcode(q, dns.RcodeRefused), nil, "") }, 7, "udp tcp"},
		{"SERVFAIL", nil, func(c net.Conn, q *dns.Msg) { say(c, new(dns.Msg).SetRcode(q, dns.RcodeServerFailure), nil, "") }, 0, "udp"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := request(t, "example", func(t testing.TB, conn net.Conn, q *dns.Msg, _ []byte) { soaAnswer(t, conn, q, rrs(t, soa7)[0], c.key) })
				q.Key = c.key
				tcp := q.Dial
				var asked []string
				q.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
					asked = append(asked, network)
					switch {
					case network == "tcp":
						return tcp(ctx, network, address)
					case c.udp == nil:
						return nil, errors.New("refused")
					}
					ours, theirs := net.Pipe() // each write is a datagram
					go func() {
						defer theirs.Close()
						b := make([]byte, maxMsg)
						n, _ := theirs.Read(b)
						m := new(dns.Msg)
						if err := m.Unpack(b[:n]); err != nil {
							t.Error(err)
							return
						}
						c.udp(theirs, m)
					}()
					return ours, nil
				}
				soa, err := AskSOA(t.Context(), q)
				if (err == nil) != (c.serial != 0) || uint32(soa.Serial) != c.serial || strings.Join(asked, " ") != c.asked {
					t.Errorf("%d %v, asked %s", soa.Serial, err, asked)
				}
				time.Sleep(time.Minute) // of the fake clock: the other side sees the end
			})
		})
	}
}
