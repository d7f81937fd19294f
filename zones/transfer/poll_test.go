package transfer

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"gialai.gov.vn/hopnhat/zones"
)

// TestPoll: each server is asked, what came stands in order, and one that
// is silent makes the others wait for nothing.
func TestPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		ask := func(serial string, wait time.Duration) Request {
			q := Request{
				Server: netip.MustParseAddrPort("192.0.2.1:53"), Zone: internet("example"), Now: time.Now,
				Dial: func(context.Context, string, string) (net.Conn, error) {
					ours, theirs := net.Pipe()
					go func() {
						defer theirs.Close()
						b := make([]byte, maxMsg)
						n, _ := theirs.Read(b)
						m := new(dns.Msg)
						if m.Unpack(b[:n]) != nil || serial == "" { // over TCP, or silent
							_, _ = theirs.Read(b)
							return
						}
						time.Sleep(wait)
						a := new(dns.Msg).SetRcode(m, dns.RcodeServerFailure)
						if serial != "-" {
							a = new(dns.Msg).SetReply(m)
							a.Answer = rrs(t, strings.Replace(soa7, " 7 ", " "+serial+" ", 1))
						}
						out, _ := a.Pack()
						_, _ = theirs.Write(out)
					}()
					return ours, nil
				},
			}
			return q
		}
		var qs []Request
		want := []Lag{}
		for range 30 { // more than are asked at once
			qs = append(qs, ask("7", 10*time.Millisecond), ask("5", 20*time.Millisecond), ask("-", 0), ask("", 0), ask("9", 0), ask("2147483655", 0))
			want = append(want, InStep, Behind, Failing, Unreachable, Ahead, Ahead)
		}
		by := []uint32{0, 2, 0, 0, 2, 1 << 31}
		took := []time.Duration{10 * time.Millisecond, 20 * time.Millisecond, 0, 3 * time.Second, 0, 0}
		got := Poll(t.Context(), append(qs, Request{Zone: internet("example")}))
		if d := time.Since(began); d > time.Minute {
			t.Errorf("%v in all", d)
		}
		for i, s := range got[:len(qs)] {
			l, n := s.Against(7)
			if l != want[i] || n != by[i%6] || s.Took != took[i%6] || s.Answered != (l != Unreachable) {
				t.Errorf("%d: %v by %d, want %v by %d: %+v", i, l, n, want[i], by[i%6], s)
			}
		}
		if s := got[len(qs)]; s.Err != errNoServer {
			t.Errorf("without a server: %+v", s)
		}
		time.Sleep(time.Minute)
	})
}

// TestLag holds Against against the arithmetic of RFC 1982 3.2, written out.
func TestLag(t *testing.T) {
	for _, c := range []struct {
		ours, theirs zones.Serial
		lag          Lag
		by           uint32
	}{
		{5, 5, InStep, 0},
		{5, 4, Behind, 1},
		{0, 0xffffffff, Behind, 1},
		{0x7fffffff, 0, Behind, 0x7fffffff},
		{4, 5, Ahead, 1},
		{0xffffffff, 0, Ahead, 1},
		{0, 1 << 31, Ahead, 1 << 31}, // not defined: neither is before the other
		{1 << 31, 0, Ahead, 1 << 31},
	} {
		if l, by := (Standing{SOA: zones.SOA{Serial: c.theirs}}).Against(c.ours); l != c.lag || by != c.by {
			t.Errorf("%d beside %d: %v by %d, want %v by %d", c.theirs, c.ours, l, by, c.lag, c.by)
		}
	}
}
