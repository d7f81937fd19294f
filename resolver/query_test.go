package resolver

import (
	"bytes"
	"testing"

	"github.com/miekg/dns"
)

// FuzzParse holds Parse against miekg/dns: a message that Parse finds good is
// one that miekg/dns unpacks to the same question and the same OPT; its
// slices lie in the message.
func FuzzParse(f *testing.F) {
	q := new(dns.Msg).SetQuestion("www.example.vn.", dns.TypeMX)
	add := func() {
		b, err := q.Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		f.Add(b[:len(b)-1])
		f.Add(append(b, 0))
	}
	add()
	q.SetEdns0(4096, true)
	add()
	q.IsEdns0().Option = append(q.IsEdns0().Option, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0011223344556677"})
	add()
	q.SetTsig("key.", dns.HmacSHA256, 300, 1)
	add()
	f.Fuzz(func(t *testing.T, msg []byte) {
		before := bytes.Clone(msg)
		var q Query
		v := q.Parse(msg)
		if !bytes.Equal(before, msg) {
			t.Fatal("Parse wrote into the message")
		}
		if v != Good && v != BadVers && v != BadKey {
			return
		}
		m := new(dns.Msg)
		if err := m.Unpack(msg); err != nil {
			// miekg/dns reads the RDATA of every record too; Parse passes
			// over those that a query has no use for.
			if onlyOPT(msg) {
				t.Fatalf("verdict %d, but %v: %x", v, err, msg)
			}
			return
		}
		if m.Response || len(m.Question) != 1 || m.Id != q.ID || m.Opcode != q.Opcode() ||
			m.Question[0].Qtype != q.Type || m.Question[0].Qclass != q.Class {
			t.Fatalf("verdict %d for %v", v, m)
		}
		wire := make([]byte, 256)
		if n, err := dns.PackDomainName(m.Question[0].Name, wire, 0, nil, false); err != nil || !bytes.Equal(wire[:n], q.Name) {
			t.Fatalf("the name %x was read as %q", q.Name, m.Question[0].Name)
		}
		if o := m.IsEdns0(); (o != nil) != q.HasOPT {
			t.Fatalf("OPT %v, read %v", o, q.HasOPT)
		} else if o != nil && (o.UDPSize() != q.Payload || o.Version() != q.Version || o.Do() != q.DO) {
			t.Fatalf("OPT %v read as %+v", o, q)
		}
	})
}

// onlyOPT tells whether a message has no record beside its question.
func onlyOPT(msg []byte) bool {
	return bytes.Equal(msg[6:12], make([]byte, 6))
}
