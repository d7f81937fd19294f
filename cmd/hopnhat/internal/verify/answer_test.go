package verify

import (
	"math/rand/v2"
	"strings"
	"testing"

	"gialai.gov.vn/hopnhat/resolver/oracle"
	"gialai.gov.vn/hopnhat/resolver/probe"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// records reads "owner TTL TYPE data" lines.
func records(text string) (out []zones.Record) {
	for line := range strings.SplitSeq(text, ";") {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		ttl := uint32(0)
		for _, c := range f[1] {
			ttl = ttl*10 + uint32(c-'0')
		}
		typ, _ := zones.ParseType(f[2])
		d, err := rdata.Parse(typ, strings.Join(f[3:], " "), zones.Root())
		if err != nil {
			panic(err)
		}
		out = append(out, zones.Record{Owner: zones.MustName(f[0]), Type: typ, TTL: ttl, Data: d})
	}
	return out
}

const (
	right  = "right"
	wrong  = "wrong"
	raised = "raised"
)

func (j judged) String() string {
	switch {
	case !j.right():
		return wrong
	case j.raised:
		return raised
	}
	return right
}

// TestAtResolver: answers of a resolver after www.old.vn became an alias, while
// it may hold what was before, and when it may not any more.
func TestAtResolver(t *testing.T) {
	was := newSide(world(t, before+newBefore), zones.Internet)
	now := newSide(world(t, after+newAfter), zones.Internet)
	const chain = "www.old.vn 300 CNAME www.new.vn.;"
	for _, c := range []struct {
		what, name, typ string
		rcode           int
		answer          string
		early, late     string // judged before and after Drained
	}{
		{"the new answer", "www.old.vn", "A", 0, chain + "www.new.vn 300 A 192.0.2.20", right, right},
		{"from the cache", "www.old.vn", "A", 0, "www.old.vn 17 CNAME www.new.vn.;www.new.vn 3 A 192.0.2.20", right, right},
		{"signed", "www.old.vn", "A", 0, chain + "www.new.vn 300 A 192.0.2.20;www.new.vn 300 RRSIG A 8 3 300 20300101000000 20200101000000 1 new.vn. AAAA", right, right},
		{"the old answer", "www.old.vn", "A", 0, "www.old.vn 250 A 192.0.2.10", right, wrong},
		{"TTLs above any", "www.old.vn", "A", 0, chain + "www.new.vn 3600 A 192.0.2.20", raised, raised},
		{"an alias that was kept, and data of now", "alias.old.vn", "A", 0, "alias.old.vn 9 CNAME www.old.vn.;" + chain + "www.new.vn 300 A 192.0.2.20", right, right},
		{"and data of then", "alias.old.vn", "A", 0, "alias.old.vn 9 CNAME www.old.vn.;www.old.vn 5 A 192.0.2.10", right, wrong},
		{"other data", "www.old.vn", "A", 0, chain + "www.new.vn 300 A 192.0.2.66", wrong, wrong},
		{"data too much", "www.old.vn", "A", 0, chain + "www.new.vn 300 A 192.0.2.20;www.new.vn 300 A 192.0.2.66", wrong, wrong},
		{"an alias too much", "mail.old.vn", "A", 0, "mail.old.vn 300 CNAME www.new.vn.;www.new.vn 300 A 192.0.2.20", wrong, wrong},
		{"nothing where data is", "mail.old.vn", "A", 0, "", wrong, wrong},
		{"half a chain", "www.old.vn", "A", 0, chain, wrong, wrong},
		{"NXDOMAIN where data is", "mail.old.vn", "A", 3, "", wrong, wrong},
		{"NXDOMAIN with data", "mail.old.vn", "A", 3, "mail.old.vn 300 A 192.0.2.11", wrong, wrong},
		{"SERVFAIL", "mail.old.vn", "A", 2, "", wrong, wrong},
		{"REFUSED", "mail.old.vn", "A", 5, "", wrong, wrong},
		{"a new name that was asked too early", "mail.new.vn", "A", 3, "", right, wrong},
		{"a new name", "mail.new.vn", "A", 0, "mail.new.vn 300 A 192.0.2.21", right, right},
		{"no name", "none.old.vn", "A", 3, "", right, right},
		{"no data is no NXDOMAIN", "none.old.vn", "A", 0, "", wrong, wrong},
		{"no data", "mail.old.vn", "MX", 0, "", right, right},
		{"a wildcard", "q.wild.old.vn", "A", 0, "q.wild.old.vn 300 A 192.0.2.12", right, right},
		{"a DNAME", "q.tree.old.vn", "A", 0, "tree.old.vn 300 DNAME wild.old.vn.;q.tree.old.vn 300 CNAME q.wild.old.vn.;q.wild.old.vn 300 A 192.0.2.12", right, right},
		{"a chain that ends nowhere", "dead.old.vn", "A", 3, "dead.old.vn 300 CNAME none.old.vn.", right, right},
		{"an SOA of any serial", "new.vn", "SOA", 0, "new.vn 300 SOA ns.new.vn. hm.new.vn. 3 3600 600 86400 300", right, right},
		{"an SOA of other times", "new.vn", "SOA", 0, "new.vn 300 SOA ns.new.vn. hm.new.vn. 4 3600 601 86400 300", wrong, wrong},
	} {
		k, r := key(c.name, c.typ), probe.Reply{Rcode: c.rcode, Answer: records(c.answer)}
		if got := atResolver(k, r, now, was).String(); got != c.early {
			t.Errorf("%s, early: %s, want %s (%+v)", c.what, got, c.early, atResolver(k, r, now, was))
		}
		if got := atResolver(k, r, now).String(); got != c.late {
			t.Errorf("%s, late: %s, want %s (%+v)", c.what, got, c.late, atResolver(k, r, now))
		}
	}
	for _, c := range []struct {
		name, typ string
		want      bool
	}{
		{"www.old.vn", "A", true},
		{"out.old.vn", "CNAME", true},
		{"out.old.vn", "A", false},
		{"x.sub.old.vn", "A", false},
		{"cross.old.vn", "A", true},
		{"old.vn", "DS", false},
		{"sub.old.vn", "DS", true},
		{"www.example.net", "A", false},
		{"old.vn", "DNSKEY", false},
	} {
		if got := now.judges(key(c.name, c.typ)); got != c.want {
			t.Errorf("%s %s can be judged: %v, want %v", c.name, c.typ, got, c.want)
		}
	}
}

// TestResolverTwin: a resolver that follows the oracle of a world along the whole
// chain is right by that world; and by another exactly where what it gives
// there is the same, TTLs aside.
func TestResolverTwin(t *testing.T) {
	rights, wrongs := 0, 0
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 5))
		a, b := drawn(t, rng)
		was, now := newSide(a, zones.Internet), newSide(b, zones.Internet)
		s := newScene(Task{World: b, Before: a}, zones.Internet)
		for _, k := range s.keys {
			if !now.judges(k) || !was.judges(k) || now.Resolve(k.Owner, k.Type).Rcode == oracle.YXDomain {
				continue // chains that grow are long, and slow to walk over twice
			}
			r, o := recursed(now, k), recursed(was, k)
			if j := atResolver(k, r, now); j.String() != right {
				t.Fatalf("seed %d: %v: expected %s, got %s", seed, k, j.want, j.got)
			}
			if j := atResolver(k, o, now, was); j.String() != right {
				t.Fatalf("seed %d: %v, as before: %+v", seed, k, j)
			}
			if got, want := atResolver(k, o, now).right(), same(k, r, o); got != want {
				t.Fatalf("seed %d: %v: the old answer is right: %v, want %v\n%s\n%s", seed, k, got, want, said(r), said(o))
			} else if got {
				rights++
			} else {
				wrongs++
			}
		}
	}
	t.Log(rights, "right,", wrongs, "wrong")
	if rights < 200 || wrongs < 100 {
		t.Error("too few of one kind")
	}
}

// recursed is what a resolver with an empty cache says: it goes on where a
// server stops at the end of its zone.
func recursed(s side, k zones.Key) probe.Reply {
	var r probe.Reply
	for n := k.Owner; ; {
		a := s.Resolve(n, k.Type)
		r.Rcode = a.Rcode
		for _, set := range a.Answer {
			r.Answer = append(r.Answer, set.Records()...)
		}
		target, more := leaves(k, a)
		if !more || a.Rcode != oracle.NoError {
			return r
		}
		n = target
	}
}

func same(k zones.Key, a, b probe.Reply) bool {
	count := func(rs []zones.Record) map[zones.Record]int {
		m := map[zones.Record]int{}
		for _, r := range rs {
			r.From = zones.Provenance{}
			if r.Type == zones.TypeSOA {
				r.Data = apart([]string{r.Data})[0]
			}
			if r.Type != zones.TypeDNAME || r.Type == k.Type { // the alias made of it is there too
				m[r] = 1
			}
		}
		return m
	}
	x, y := count(a.Answer), count(b.Answer)
	if len(x) != len(y) {
		return false
	}
	for r := range x {
		if y[r] == 0 {
			return false
		}
	}
	return a.Rcode == b.Rcode
}

// TestAtServer: what a secondary may say, and what it may not.
func TestAtServer(t *testing.T) {
	now := newSide(world(t, after+newAfter+"== kid.old.vn 1\n"), zones.Internet)
	const chain = "www.old.vn 300 CNAME www.new.vn.;"
	const soa = "old.vn 300 SOA ns.old.vn. hm.old.vn. 8 3600 600 86400 300"
	for _, c := range []struct {
		what, name, typ   string
		rcode             int
		aa                bool
		answer, authority string
		own, other, alone string // judged of ours, of another, of one that does not serve new.vn as we do
	}{
		{"the alias", "www.old.vn", "A", 0, true, chain, "", right, right, right},
		{"followed", "www.old.vn", "A", 0, true, chain + "www.new.vn 300 A 192.0.2.20", "", wrong, right, right},
		{"followed to other data", "www.old.vn", "A", 0, true, chain + "www.new.vn 300 A 192.0.2.66", "", wrong, wrong, right},
		{"followed to nothing", "www.old.vn", "A", 3, true, chain, "", wrong, wrong, right},
		{"out of our world", "out.old.vn", "A", 0, true, "out.old.vn 300 CNAME www.example.net.; www.example.net 5 A 192.0.2.1", "", wrong, right, right},
		{"to another name", "out.old.vn", "A", 0, true, "out.old.vn 300 CNAME www.example.com.", "", wrong, wrong, wrong},
		{"data", "mail.old.vn", "A", 0, true, "mail.old.vn 300 A 192.0.2.11", "", right, right, right},
		{"another TTL", "mail.old.vn", "A", 0, true, "mail.old.vn 299 A 192.0.2.11", "", wrong, wrong, wrong},
		{"not authoritative", "mail.old.vn", "A", 0, false, "mail.old.vn 300 A 192.0.2.11", "", wrong, wrong, wrong},
		{"SERVFAIL", "mail.old.vn", "A", 2, false, "", "", wrong, wrong, wrong},
		{"SERVFAIL behind an alias", "www.old.vn", "A", 2, true, chain, "", wrong, wrong, wrong},
		{"no name", "none.old.vn", "A", 3, true, "", soa, right, right, right},
		{"a later serial", "none.old.vn", "A", 3, true, "", strings.Replace(soa, " 8 ", " 9 ", 1), right, right, right},
		{"an earlier serial", "none.old.vn", "A", 3, true, "", strings.Replace(soa, " 8 ", " 7 ", 1), wrong, wrong, wrong},
	} {
		k := key(c.name, c.typ)
		r := probe.Reply{Rcode: c.rcode, AA: c.aa, Answer: records(c.answer), Authority: records(c.authority)}
		all := func(*zones.Zone) bool { return true }
		old := func(z *zones.Zone) bool { return z.Origin() == zones.MustName("old.vn") }
		for _, o := range []struct {
			own   bool
			knows func(*zones.Zone) bool
			want  string
		}{{true, all, c.own}, {false, all, c.other}, {false, old, c.alone}} {
			if j := now.atServer(k, r, o.own, o.knows); j.String() != o.want {
				t.Errorf("%s (own: %v): %v, want %s (%+v)", c.what, o.own, j, o.want, j)
			} else if !j.right() && j.want == j.got {
				t.Errorf("%s: expected and got are one: %q", c.what, j.want)
			}
		}
	}
}
