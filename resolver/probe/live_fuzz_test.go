package probe

import (
	"errors"
	"slices"
	"testing"

	"github.com/miekg/dns"

	"gialai.gov.vn/hopnhat/zones"
)

// FuzzHear: whatever octets a server sends, nothing panics; what is taken is
// an answer to our question; and what agrees with an expectation holds, read
// by another reader, every record that is expected, and no other answer.
func FuzzHear(f *testing.F) {
	w := worldOf(f, liveZone)
	z := w.Zone(zones.ID{Origin: zones.MustName("example.vn"), View: zones.Internet})
	es := Expect(w, zones.Internet)
	s := &survey{Options: Options{}.complete(), world: w, view: zones.Internet}
	const id = 0x1234
	for i, e := range es {
		m := new(dns.Msg)
		m.SetQuestion(e.Name.String(), uint16(e.Type))
		m.Id, m.Response, m.Authoritative, m.Rcode = id, true, e.Want.AA, e.Want.Rcode
		m.Answer, m.Ns, m.Extra = rrs(f, e.Want.Answer...), rrs(f, e.Want.Authority...), rrs(f, e.Want.Additional...)
		m.Compress = i%2 == 0
		b, err := m.Pack()
		if err != nil {
			f.Fatal(err)
		}
		r, err := hear(b, id, e.Name, e.Type)
		if err != nil {
			f.Fatalf("%v %v: %v", e.Name, e.Type, err)
		}
		if p := s.compare(e, r, z); p != "" {
			f.Fatalf("%v %v: %s", e.Name, e.Type, p)
		}
		f.Add(b, uint16(i))
		f.Add(b[:len(b)/2], uint16(i))
	}
	f.Add([]byte{0x12, 0x34, 0x82, 0, 0, 0}, uint16(0))
	f.Add([]byte{0x12, 0x34, 0x84, 5, 0, 0, 0, 0, 0, 0, 0, 0}, uint16(1))
	f.Fuzz(func(t *testing.T, b []byte, which uint16) {
		e := es[int(which)%len(es)]
		r, err := hear(b, id, e.Name, e.Type)
		_, _ = readSOA(r, z.Origin())
		_ = s.delegationFaults(z, readDelegation(r, z.Origin()))
		ds, problem := readDS(r, z.Origin())
		_ = s.dsFaults(z, said{ds: ds, dsSaid: problem})
		agrees := s.compare(e, r, z) == ""
		if err != nil && !errors.Is(err, errCut) {
			if agrees && (e.Want.Rcode != 0 || len(e.Want.Answer)+len(e.Want.Authority) > 0) {
				t.Fatalf("%v, and it agrees", err)
			}
			return
		}
		if errors.Is(err, errCut) {
			return
		}
		m := new(dns.Msg)
		if err := m.Unpack(b); err != nil || m.Id != id || !m.Response || m.Truncated {
			t.Fatalf("taken, and no answer to us: %v %v", err, m)
		}
		if !agrees {
			return
		}
		if m.Rcode != e.Want.Rcode || m.Authoritative != e.Want.AA {
			if m.Rcode != dns.RcodeNameError || len(e.Want.Answer) == 0 {
				t.Fatalf("%v %v agrees with rcode %d, aa %v", e.Name, e.Type, m.Rcode, m.Authoritative)
			}
		}
		for _, want := range rrs(t, e.Want.Answer...) {
			if want.Header().Rrtype == dns.TypeSOA {
				continue // of any serial
			}
			if !slices.ContainsFunc(m.Answer, func(got dns.RR) bool {
				return dns.IsDuplicate(got, want) && got.Header().Ttl == want.Header().Ttl
			}) {
				t.Fatalf("%v %v agrees without %v:\n%v", e.Name, e.Type, want, m)
			}
		}
	})
}
