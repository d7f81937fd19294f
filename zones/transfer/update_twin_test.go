package transfer

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/miekg/dns"

	"gialai.gov.vn/hopnhat/zones"
)

// slowUpdate is 3.4.2 word for word, over a list of records.
func slowUpdate(z *zones.Zone, changes []UpdateRecord) (*zones.Zone, error) {
	rs := slices.Collect(z.Records())
	apex := z.Origin()
	is := func(keep func(zones.Record) bool) bool { return slices.ContainsFunc(rs, keep) }
	has := func(o zones.Name, t zones.Type) bool {
		return is(func(r zones.Record) bool { return r.Owner == o && r.Type == t })
	}
	drop := func(gone func(zones.Record) bool) {
		kept := rs[:0:0]
		for _, r := range rs {
			if !gone(r) {
				kept = append(kept, r)
			}
		}
		rs = kept
	}
	for _, c := range changes {
		mine := func(r zones.Record) bool { return r.Owner == c.Owner && r.Type == c.Type }
		switch c.Class {
		case zones.ClassIN:
			ttl := c.TTL
			if ttl > zones.MaxTTL {
				ttl = 0
			}
			aside := func(t zones.Type) bool { return t == zones.TypeRRSIG || t == zones.TypeNSEC || t == zones.TypeKEY }
			if c.Type == zones.TypeCNAME && is(func(r zones.Record) bool { return r.Owner == c.Owner && r.Type != zones.TypeCNAME && !aside(r.Type) }) ||
				c.Type != zones.TypeCNAME && !aside(c.Type) && has(c.Owner, zones.TypeCNAME) ||
				c.Owner.IsWildcard() && (c.Type == zones.TypeNS || c.Type == zones.TypeDNAME) || c.Owner == apex && c.Type == zones.TypeDS {
				continue
			}
			if c.Type == zones.TypeSOA {
				s, err := zones.ParseSOA(c.Data)
				if err != nil {
					return nil, err
				}
				old := zones.SOA{}
				for _, r := range rs {
					if mine(r) {
						old, _ = zones.ParseSOA(r.Data)
					}
				}
				if !has(c.Owner, zones.TypeSOA) || int32(uint32(s.Serial)-uint32(old.Serial)) <= 0 {
					continue
				}
			}
			drop(func(r zones.Record) bool {
				same := r.Data == c.Data || c.Type == zones.TypeSOA || c.Type == zones.TypeCNAME || c.Type == zones.TypeDNAME ||
					c.Type == zones.TypeWKS && len(r.Data) > 4 && len(c.Data) > 4 && r.Data[:5] == c.Data[:5]
				return mine(r) && same
			})
			rs = append(rs, zones.Record{Owner: c.Owner, Type: c.Type, TTL: ttl, Data: c.Data})
			for i := range rs {
				if mine(rs[i]) {
					rs[i].TTL = ttl
				}
			}
		case zones.ClassANY:
			drop(func(r zones.Record) bool {
				kept := c.Owner == apex && (r.Type == zones.TypeSOA || r.Type == zones.TypeNS)
				return r.Owner == c.Owner && (c.Type == zones.TypeANY || c.Type == r.Type) && !kept
			})
		case zones.ClassNONE:
			left := 0
			for _, r := range rs {
				if mine(r) {
					left++
				}
			}
			if c.Owner == apex && (c.Type == zones.TypeSOA || c.Type == zones.TypeNS && left == 1) {
				continue
			}
			drop(func(r zones.Record) bool { return mine(r) && r.Data == c.Data })
		}
	}
	for owner := range z.Owners() { // where an NS went, the DS goes
		_, ns := z.Lookup(owner, zones.TypeNS)
		if ns && !has(owner, zones.TypeNS) {
			drop(func(r zones.Record) bool { return r.Owner == owner && r.Type == zones.TypeDS })
		}
	}
	for _, c := range changes { // and where one came without, all of it
		s, _ := z.Lookup(c.Owner, zones.TypeDS)
		came := is(func(r zones.Record) bool { return r.Owner == c.Owner && r.Type == zones.TypeDS && !s.Has(r.Data) })
		if came && !has(c.Owner, zones.TypeNS) {
			drop(func(r zones.Record) bool { return r.Owner == c.Owner && r.Type == zones.TypeDS })
		}
	}
	b := zones.NewBuilder(z.ID())
	b.Add(rs...)
	return b.Freeze()
}

// law holds an update's delta against the slow twin, and checks that it says
// no more than what differs (DELTA).
func law(t testing.TB, z *zones.Zone, u *Update) *zones.Zone {
	t.Helper()
	d := u.Delta(z)
	n, err := d.Apply(z)
	if err != nil {
		t.Fatalf("%v: %s", err, short(d))
	}
	twin, err := slowUpdate(z, u.Changes)
	if err != nil {
		t.Fatal(err)
	}
	if !twin.Equal(n) {
		t.Fatalf("%v\ngive %s\nthe twin %s", u.Changes, short(d), short(zones.Diff(z, twin)))
	}
	if diff := zones.Diff(z, n); !slices.EqualFunc(diff.Removed, d.Removed, zones.Record.Same) || !slices.EqualFunc(diff.Added, d.Added, zones.Record.Same) {
		t.Fatalf("%v\ngive %s\nwhere %s would do", u.Changes, short(d), short(diff))
	}
	numbered := Numbered(z, d, z.Serial().Next())
	n2, err := numbered.Apply(z)
	if err != nil || !d.Empty() && !z.Serial().Before(n2.Serial()) || d.Empty() && !n2.Equal(z) || !n2.WithSerial(n.Serial()).Equal(n) {
		t.Fatalf("%v: %s", err, short(numbered))
	}
	return n2
}

// TestUpdateTwin: random updates, one upon the other, give what the twin gives.
func TestUpdateTwin(t *testing.T) {
	z := toZone(t, "upd.example", rrs(t, updateSample))
	rnd := rand.New(rand.NewPCG(1, 3))
	done := 0
	for range 20_000 {
		pre, chg := drawUpdate(rnd, z.Serial())
		u := parsedUpdate(t, updateMessage(7, "upd.example", pre, chg))
		if u.Judge(z, everybody(), local) == RcodeNoError {
			z = law(t, z, u)
			done++
		}
	}
	if done < 5000 {
		t.Errorf("only %d updates were carried out", done)
	}
}

// FuzzUpdate: whatever the message, nothing panics, the answer can be read, and
// what miekg/dns reads too says the same; what is let through obeys the law.
func FuzzUpdate(f *testing.F) {
	rnd := rand.New(rand.NewPCG(1, 4))
	z := toZone(f, "upd.example", rrs(f, updateSample))
	key := testKey(f)
	for range 60 {
		pre, chg := drawUpdate(rnd, z.Serial())
		f.Add(updateMessage(7, "upd.example", pre, chg))
	}
	f.Add(newConversation(*key).sign(updateMessage(7, "upd.example", nil, lines(f, "new 60 IN A 192.0.2.1")), start))
	m := new(dns.Msg).SetUpdate("upd.example.")
	m.Compress = true
	m.Insert(rrs(f, "www.upd.example. 60 IN MX 10 mail.upd.example.\nwww.upd.example. 60 IN NAPTR 1 1 \"a\" \"\" \"\" ns.upd.example."))
	m.SetEdns0(1232, false)
	b, err := m.Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, msg []byte) {
		before := bytes.Clone(msg)
		u, ok := ParseUpdate(msg, map[zones.Name]Key{key.Name: *key}, start)
		if !bytes.Equal(msg, before) {
			t.Fatal("the message was changed")
		}
		if !ok {
			return
		}
		rc := u.Judge(z, everybody(), local)
		for range 2 {
			a := new(dns.Msg)
			if err := a.Unpack(u.Answer(rc, start)); err != nil || a.Id != binary.BigEndian.Uint16(msg) || !a.Response || a.Opcode != dns.OpcodeUpdate || a.Rcode != int(rc) {
				t.Fatalf("%v: %v", err, a)
			}
		}
		for _, c := range u.Changes {
			_ = c.String()
		}
		if rc != RcodeNoError {
			return
		}
		theirs := new(dns.Msg)
		if theirs.Unpack(msg) == nil {
			for i, rr := range theirs.Ns {
				if h, c := rr.Header(), u.Changes[i]; zones.Class(h.Class) != c.Class || zones.Type(h.Rrtype) != c.Type || h.Ttl != c.TTL {
					t.Fatalf("%v is %v for miekg/dns", c, rr)
				} else if r, ok := fromMiekg(rr); ok && c.Class == zones.ClassIN && !padded(r, len(c.Data)) && (r.Owner != c.Owner || r.Data != c.Data) {
					t.Fatalf("%v is %v for miekg/dns", c, rr)
				}
			}
		}
		law(t, z, u)
	})
}
