package transfer

import (
	"context"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// version is one version of example, as the primary of these tests has it:
// texts of records, without the SOA.
type version struct {
	serial  uint32
	records map[string]bool
}

func (v version) soa() string {
	return fmt.Sprintf("example. 3600 IN SOA ns.example. host.example. %d 7200 900 1209600 300", v.serial)
}

func (v version) list() []string {
	return append([]string{v.soa()}, slices.Sorted(maps.Keys(v.records))...)
}

func (v version) zone(t testing.TB) *zones.Zone {
	return toZone(t, "example", rrs(t, strings.Join(v.list(), "\n")))
}

// minus lists what v has and o has not.
func (v version) minus(o version) (out []string) {
	for _, r := range slices.Sorted(maps.Keys(v.records)) {
		if !o.records[r] {
			out = append(out, r)
		}
	}
	return out
}

// genVersions draws versions of a zone, each a few records from the one before:
// records that come and go again, whole RRsets whose TTL changes.
func genVersions(t *rapid.T) (vs []version) {
	serial := rapid.SampledFrom([]uint32{7, 0xfffffffd}).Draw(t, "serial")
	now := map[string]bool{"example. 3600 IN NS ns.example.": true}
	ttl := map[string]int{}
	draw := func() (owner, typ, data string) {
		owner = rapid.SampledFrom([]string{"example.", "a.example.", "b.a.example.", "*.example.", "C.example."}).Draw(t, "owner")
		n := rapid.IntRange(1, 4).Draw(t, "n")
		typ = rapid.SampledFrom([]string{"A", "TXT", "MX"}).Draw(t, "type")
		return owner, typ, map[string]string{"A": fmt.Sprintf("192.0.2.%d", n), "TXT": fmt.Sprintf("%q", strings.Repeat("x", 60*n)), "MX": fmt.Sprintf("%d M%d.example.", n, n)}[typ]
	}
	text := func(owner, typ, data string) string {
		k := strings.ToLower(owner) + typ
		if ttl[k] == 0 {
			ttl[k] = 300
		}
		return fmt.Sprintf("%s %d IN %s %s", owner, ttl[k], typ, data)
	}
	for range rapid.IntRange(2, 6).Draw(t, "versions") {
		for range rapid.IntRange(1, 6).Draw(t, "edits") {
			owner, typ, data := draw()
			switch rapid.IntRange(0, 3).Draw(t, "edit") {
			case 0:
				delete(now, text(owner, typ, data))
			case 1: // the TTL of a whole RRset
				was := text(owner, typ, "")
				ttl[strings.ToLower(owner)+typ] += 60
				for r := range maps.Clone(now) {
					if strings.HasPrefix(r, was) {
						delete(now, r)
						now[text(owner, typ, strings.TrimPrefix(r, was))] = true
					}
				}
			default:
				now[text(owner, typ, data)] = true
			}
		}
		vs = append(vs, version{serial, maps.Clone(now)})
		serial += uint32(rapid.IntRange(1, 2).Draw(t, "step"))
	}
	return vs
}

// differences is the answer of RFC 1995 4 that leads over all versions.
func differences(vs []version) []string {
	last := vs[len(vs)-1].soa()
	out := []string{last}
	for i := 1; i < len(vs); i++ {
		out = append(out, vs[i-1].soa())
		out = append(out, vs[i-1].minus(vs[i])...)
		out = append(out, vs[i].soa())
		out = append(out, vs[i].minus(vs[i-1])...)
	}
	return append(out, last)
}

// replies packs records as the answer to a question.
func replies(t testing.TB, q *dns.Msg, rs []string, each int, key *Key) [][]byte {
	ms := answers(q.Id, "example", rrs(t, strings.Join(rs, "\n")), each)
	for _, m := range ms {
		if len(m.Question) > 0 {
			m.Question = q.Question
		}
	}
	return pack(t, ms, key, mac(q), start, func(int) bool { return true })
}

// primary answers SOA and AXFR with the last version, IXFR as it is told.
func primary(vs []version, each int, key *Key, ixfr func(t testing.TB, c net.Conn, q *dns.Msg)) script {
	last := vs[len(vs)-1]
	return func(t testing.TB, c net.Conn, q *dns.Msg, raw []byte) {
		if key != nil {
			if err := verifyQuestion(raw, key); err != nil {
				t.Errorf("our signature: %v", err)
			}
		}
		switch q.Question[0].Qtype {
		case dns.TypeSOA:
			soaAnswer(t, c, q, rrs(t, last.soa())[0], key)
		case dns.TypeAXFR:
			send(c, replies(t, q, append(last.list(), last.soa()), each, key)...)
		case dns.TypeIXFR:
			if len(q.Ns) != 1 || q.Ns[0].Header().Rrtype != dns.TypeSOA {
				t.Errorf("IXFR without our SOA: %v", q)
			}
			ixfr(t, c, q)
		}
	}
}

// TestRefresh: by whatever versions the primary went, in messages of any size,
// signed and not, ours is its zone afterwards, by differences alone.
func TestRefresh(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		vs := genVersions(rt)
		each := rapid.IntRange(1, 9).Draw(rt, "each")
		key := []*Key{nil, testKey(t)}[rapid.IntRange(0, 1).Draw(rt, "key")]
		have, want := vs[0].zone(t), vs[len(vs)-1].zone(t)
		q := request(t, "example", primary(vs, each, key, func(t testing.TB, c net.Conn, q *dns.Msg) {
			if got := q.Ns[0].(*dns.SOA).Serial; got != vs[0].serial {
				t.Errorf("asked from serial %d", got)
			}
			send(c, replies(t, q, differences(vs), each, key)...)
		}))
		q.Key = key
		out, fs := Refresh(context.Background(), q, have)
		if out.How != Stepped || !out.Zone.Equal(want) || len(fs) > 0 {
			rt.Fatalf("%v:\n%s", out.How, show(fs))
		}
		if got, err := out.Delta.Apply(have); err != nil || !got.Equal(want) {
			rt.Fatalf("the delta does not lead there: %v", err)
		}
		if d := zones.Diff(have, want); !slices.EqualFunc(d.Removed, out.Delta.Removed, zones.Record.Same) || !slices.EqualFunc(d.Added, out.Delta.Added, zones.Record.Same) {
			rt.Fatalf("the delta is not the least:\n%v\n%v", d, *out.Delta)
		}
		if rep := out.Report; rep.Records != rep.Taken+rep.Duplicates+rep.Refused || rep.Records != len(differences(vs))-1 {
			rt.Fatalf("%+v", rep)
		}
		if out.Serial == nil || *out.Serial != want.Serial() {
			rt.Fatalf("serial %v", out.Serial)
		}
	})
}

// TestRefreshHostile: whatever is wrong in the differences, what is taken is
// what an obvious reader makes of them too, or the primary's zone by AXFR.
func TestRefreshHostile(t *testing.T) {
	hows := map[How]int{}
	rapid.Check(t, func(rt *rapid.T) {
		vs := genVersions(rt)
		rs := differences(vs)
		each := rapid.IntRange(1, 9).Draw(rt, "each")
		for range rapid.IntRange(1, 2).Draw(rt, "wrongs") {
			i, j := rapid.IntRange(0, len(rs)-1).Draw(rt, "i"), rapid.IntRange(0, len(rs)-1).Draw(rt, "j")
			switch rapid.IntRange(0, 5).Draw(rt, "wrong") {
			case 0:
				rs = slices.Delete(rs, i, i+1)
			case 1:
				rs = slices.Insert(rs, i, rs[j])
			case 2:
				rs[i], rs[j] = rs[j], rs[i]
			case 3:
				rs = rs[:i]
			case 4:
				rs[i] = version{serial: uint32(rapid.IntRange(5, 12).Draw(rt, "serial"))}.soa()
			case 5:
				rs[i] = strings.Replace(rs[i], " 300 ", " 301 ", 1)
			}
			if len(rs) == 0 {
				break
			}
		}
		have, want := vs[0].zone(t), vs[len(vs)-1].zone(t)
		q := request(t, "example", primary(vs, each, nil, func(t testing.TB, c net.Conn, q *dns.Msg) { send(c, replies(t, q, rs, each, nil)...) }))
		out, fs := Refresh(context.Background(), q, have)
		hows[out.How]++
		switch out.How {
		case Stepped:
			twin, ok := slowSteps(t, have, rs)
			if !ok || !twin.Equal(out.Zone) {
				rt.Fatalf("taken, where an obvious reader takes another zone or none (%v):\n%s", ok, strings.Join(rs, "\n"))
			}
		case Whole:
			// A zone that came in answer to IXFR may be any.
			if !out.Zone.Equal(want) && len(rs) > 1 && strings.Contains(rs[1], " SOA ") && strings.Contains(rs[1], fmt.Sprintf(" %d 7200", vs[0].serial)) {
				rt.Fatalf("another zone:\n%s", show(fs))
			}
		case Current:
			if !strings.Contains(rs[0], fmt.Sprintf(" %d 7200", vs[0].serial)) || !out.Zone.Equal(have) {
				rt.Fatalf("nothing was taken of\n%s", strings.Join(rs, "\n"))
			}
		default:
			if !out.Zone.Equal(have) || !finding.Failed(fs) {
				rt.Fatalf("%v", fs)
			}
		}
	})
	if hows[Stepped] == 0 || hows[Whole] == 0 {
		t.Errorf("the run met %v only", hows)
	}
}

// slowSteps reads differences as RFC 1995 4 says, on texts; false when they are
// no such sequence from have.
func slowSteps(t testing.TB, have *zones.Zone, rs []string) (*zones.Zone, bool) {
	var all []zones.Record
	for _, rr := range rrs(t, strings.Join(rs, "\n")) {
		all = append(all, toRecord(t, rr))
	}
	return walkSteps(have, all)
}

func walkSteps(have *zones.Zone, all []zones.Record) (*zones.Zone, bool) {
	key := func(r zones.Record) string { return fmt.Sprint(r.Owner, r.Type, r.TTL, []byte(r.Data)) }
	state := map[string]zones.Record{}
	for r := range have.Records() {
		state[key(r)] = r
	}
	if len(all) == 0 {
		return nil, false
	}
	serial, adding := have.Serial(), true
	for i, r := range all[1:] {
		if r.Type == zones.TypeSOA && r.Data == all[0].Data && i > 0 && adding && serial == soaSerial(r) {
			b := zones.NewBuilder(have.ID())
			for _, r := range state {
				b.Add(r)
			}
			z, err := b.Freeze()
			return z, err == nil && z.SOA().Data() == r.Data // what comes after it is not read
		}
		if r.Type == zones.TypeSOA {
			adding = !adding
			switch {
			case !adding && soaSerial(r) != serial, adding && !serial.Before(soaSerial(r)):
				return nil, false
			}
			serial = soaSerial(r)
		}
		_, there := state[key(r)]
		if there == adding {
			return nil, false
		}
		if adding {
			state[key(r)] = r
		} else {
			delete(state, key(r))
		}
	}
	return nil, false
}

// TestRefreshAnswers: what a primary may say to IXFR, case by case.
func TestRefreshAnswers(t *testing.T) {
	ns := "example. 3600 IN NS ns.example."
	a := func(i int) string { return fmt.Sprintf("a.example. 300 IN A 192.0.2.%d", i) }
	v := func(serial uint32, rs ...string) version {
		m := map[string]bool{ns: true}
		for _, r := range rs {
			m[r] = true
		}
		return version{serial, m}
	}
	old, now := v(7, a(1), a(2)), v(9, a(2), a(3))
	say := func(rs ...string) func(t testing.TB, c net.Conn, q *dns.Msg) {
		return func(t testing.TB, c net.Conn, q *dns.Msg) { send(c, replies(t, q, rs, 2, nil)...) }
	}
	code := func(rcode int) func(t testing.TB, c net.Conn, q *dns.Msg) {
		return func(t testing.TB, c net.Conn, q *dns.Msg) {
			b, err := new(dns.Msg).SetRcode(q, rcode).Pack()
			if err != nil {
				t.Error(err)
			}
			send(c, b)
		}
	}
	for _, c := range []struct {
		name  string
		have  *version
		now   version
		reply func(t testing.TB, c net.Conn, q *dns.Msg)
		how   How
		id    string // of a finding; "" is none
	}{
		{"nothing yet", nil, now, nil, Whole, ""},
		{"the same serial", &now, now, nil, Current, ""},
		{"an older serial", &now, old, nil, Failed, "X-SERIAL"},
		{"one difference", &old, now, say(differences([]version{old, now})...), Stepped, ""},
		{"the whole zone", &old, now, say(append(now.list(), now.soa())...), Whole, ""},
		{"the current SOA alone", &old, now, say(old.soa()), Current, ""},
		{"an older SOA alone", &old, now, say(v(6).soa()), Failed, "X-SERIAL"},
		{"a newer SOA alone, then the end", &old, now, say(now.soa()), Whole, "X-SHORT"},
		{"more after the current SOA", &old, now, say(old.soa(), ns), Whole, "X-MESSAGE"},
		{"NOTIMP", &old, now, code(dns.RcodeNotImplemented), Whole, "X-NOTIMP"},
		{"FORMERR", &old, now, code(dns.RcodeFormatError), Whole, "X-NOTIMP"},
		{"REFUSED", &old, now, code(dns.RcodeRefused), Whole, "X-REFUSED"},
		{"SERVFAIL", &old, now, code(dns.RcodeServerFailure), Whole, "X-RCODE"},
		{"closed", &old, now, func(testing.TB, net.Conn, *dns.Msg) {}, Whole, "X-CONNECT"},
		{"silence", &old, now, func(_ testing.TB, c net.Conn, _ *dns.Msg) { silent(t, c, nil, nil) }, Failed, "X-TIMEOUT"},
		{"silence halfway", &old, now, func(t testing.TB, c net.Conn, q *dns.Msg) {
			say(differences([]version{old, now})[:3]...)(t, c, q)
			silent(t, c, nil, nil)
		}, Whole, "X-TIMEOUT"},
		{"from another serial", &old, now, say(differences([]version{v(8, a(1), a(2)), now})...), Whole, "X-SOA"},
		{"a gap between differences", &old, now, say(append(differences([]version{old, v(8, a(2))})[:5], now.soa(), v(6).soa(), now.soa(), now.soa())...), Whole, "X-"},
		{"removes what is not there", &old, now, say(now.soa(), old.soa(), a(5), now.soa(), now.soa()), Whole, "X-STEP"},
		{"removes with another TTL", &old, now, say(now.soa(), old.soa(), strings.Replace(a(1), "300", "60", 1), now.soa(), now.soa()), Whole, "X-STEP"},
		{"adds what is there", &old, now, say(now.soa(), old.soa(), now.soa(), a(1), now.soa()), Whole, "X-STEP"},
		{"leaves two TTLs", &old, now, say(now.soa(), old.soa(), now.soa(), strings.Replace(a(3), "300", "60", 1), now.soa()), Whole, "X-STEP"},
		{"back to its serial", &old, now, say(now.soa(), old.soa(), old.soa(), now.soa()), Whole, "X-STEP"},
		{"removes the apex' NS", &old, now, say(now.soa(), old.soa(), ns, now.soa(), now.soa()), Failed, "X-NS"},
		{"a whole zone without NS", nil, version{9, map[string]bool{a(1): true}}, nil, Failed, "X-NS"},
		{"records of elsewhere", &old, now, say(now.soa(), old.soa(), "x.elsewhere. 1 IN A 192.0.2.1", a(1), now.soa(), "x.elsewhere. 1 IN A 192.0.2.2", a(3), now.soa()), Stepped, "X-ZONE"},
		{"ends within", &old, now, say(differences([]version{old, now})[:4]...), Whole, "X-SHORT"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var have *zones.Zone
				if c.have != nil {
					have = c.have.zone(t)
				}
				q := request(t, "example", primary([]version{c.now}, 3, nil, c.reply))
				out, fs := Refresh(context.Background(), q, have)
				want := have
				if c.how == Stepped || c.how == Whole {
					want = c.now.zone(t)
				}
				if out.How != c.how || out.Zone != want && (want == nil || !out.Zone.Equal(want)) {
					t.Errorf("%v, want %v:\n%s", out.How, c.how, show(fs))
				}
				if found := slices.ContainsFunc(fs, func(f finding.Finding) bool { return strings.HasPrefix(f.ID, c.id) }); c.id != "" && !found || c.id == "" && len(fs) > 0 {
					t.Errorf("want %s:\n%s", c.id, show(fs))
				}
				if finding.Failed(fs) != (c.how == Failed) {
					t.Errorf("%v with\n%s", c.how, show(fs))
				}
				time.Sleep(2 * time.Hour) // of the fake clock: the server sees the end
			})
		})
	}
}

// TestRefreshSigned: an answer that anyone but the key's holder made changes
// nothing, and no AXFR is asked for in its place.
func TestRefreshSigned(t *testing.T) {
	key := testKey(t)
	wrong := *key
	wrong.secret = []byte("another secret, 32 octets long!!")
	vs := []version{{7, map[string]bool{"example. 3600 IN NS ns.example.": true}}, {8, map[string]bool{"example. 3600 IN NS ns.example.": true, "a.example. 1 IN A 192.0.2.1": true}}}
	for name, with := range map[string]*Key{"unsigned": nil, "another secret": &wrong} {
		q := request(t, "example", primary(vs, 9, key, func(t testing.TB, c net.Conn, q *dns.Msg) { send(c, replies(t, q, differences(vs), 9, with)...) }))
		q.Key = key
		have := vs[0].zone(t)
		if out, fs := Refresh(context.Background(), q, have); out.How != Failed || out.Zone != have || !has(fs, "X-TSIG") {
			t.Errorf("%s: %v\n%s", name, out.How, show(fs))
		}
	}
}

// TestRefreshEndless: differences without end come to a limit, and the zone by
// AXFR; from there without end too, nothing does.
func TestRefreshEndless(t *testing.T) {
	ns := map[string]bool{"example. 3600 IN NS ns.example.": true}
	old, now := version{7, ns}, version{9, ns}
	endless := func(t testing.TB, c net.Conn, q *dns.Msg, head ...string) {
		send(c, replies(t, q, head, 9, nil)...)
		for i := 0; ; i++ {
			var rs []string
			for j := range 50 {
				rs = append(rs, fmt.Sprintf("h%d.example. 300 IN A 192.0.2.%d", 50*i+j, j))
			}
			for _, b := range replies(t, q, rs, 50, nil) {
				if _, err := c.Write(frame(b)); err != nil {
					return
				}
			}
		}
	}
	for _, wholeToo := range []bool{false, true} {
		good := primary([]version{now}, 9, nil, func(t testing.TB, c net.Conn, q *dns.Msg) {
			endless(t, c, q, now.soa(), old.soa(), version{serial: 8}.soa())
		})
		q := request(t, "example", func(t testing.TB, c net.Conn, q *dns.Msg, raw []byte) {
			if wholeToo && q.Question[0].Qtype == dns.TypeAXFR {
				endless(t, c, q, now.soa())
				return
			}
			good(t, c, q, raw)
		})
		q.Limits = Limits{Octets: 1 << 20, Records: 1000, Messages: 500, Listed: 10}
		have := old.zone(t)
		out, fs := Refresh(context.Background(), q, have)
		if !has(fs, "X-LIMIT") || finding.Failed(fs) != wholeToo {
			t.Errorf("%v:\n%s", out.How, show(fs))
		}
		if wholeToo && (out.How != Failed || out.Zone != have) || !wholeToo && (out.How != Whole || !out.Zone.Equal(now.zone(t))) {
			t.Errorf("%v:\n%s", out.How, show(fs))
		}
	}
}
