package cutover

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

func ids(fs []finding.Finding, least finding.Severity) (all []string) {
	for _, f := range fs {
		if f.Severity >= least {
			all = append(all, f.ID)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// TestCheck: what Plan computes passes the check, which computes it from the
// worlds again; and it is tight: each step a second sooner does not pass.
func TestCheck(t *testing.T) {
	seen := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		ws, _ := genWaves(t)
		terms := genTerms(t)
		terms.Served = map[zones.ID][]zones.Serial{{Origin: zones.MustName("e"), View: zones.Internet}: {17}}
		l, err := PlanWaves(ws, terms)
		if err != nil {
			t.Fatalf("%v", err)
		}
		if got := ids(Check(l, terms), finding.Error); len(got) > 0 {
			t.Fatalf("of the plan: %v", Check(l, terms))
		}
		n := rapid.IntRange(1, 4).Draw(t, "step")
		soon := l.moved(func(k int) (time.Time, time.Duration) {
			s := l.served[k]
			if k == n {
				s.At = s.At.Add(-time.Second)
			}
			return s.At, s.After
		}, func(w wave) wave { return w })
		got := ids(Check(soon, terms), finding.Block)
		if !slices.Contains(got, "T-DRAIN") && !slices.Contains(got, "T-ROLL") {
			t.Fatalf("%v a second sooner: %v", l.served[n].Kind, got)
		}
		for _, id := range got {
			seen[id]++
		}
		// Worlds that are not as they should be.
		worse := func(k int, w zones.World) []string {
			m := l
			m.served = slices.Clone(l.served)
			m.served[k].World = w
			return ids(Check(m, terms), finding.Block)
		}
		id := zones.ID{Origin: zones.MustName("e"), View: zones.Internet}
		if z := l.served[2].World.Zone(id); len(differing(l.served[1].World, l.served[2].World)) > 0 {
			old := l.served[1].World.Zone(id)
			if got := worse(2, l.served[2].World.With(z.WithSerial(old.Serial()-1))); !slices.Contains(got, "T-SERIAL") {
				t.Fatalf("a serial that goes back: %v", got)
			}
		}
		soa := ws[0].Row[0].Zone(id)
		set, _ := soa.Lookup(soa.Origin(), zones.TypeSOA)
		if seconds(set.TTL()) > terms.Low {
			seen["high"]++
			if got := worse(0, ws[0].Row[0]); !slices.Contains(got, "T-DRAIN") {
				t.Fatalf("TTLs as ever: %v", got)
			}
		}
	})
	for _, id := range []string{"T-DRAIN", "T-ROLL", "T-NEG", "high"} {
		if seen[id] == 0 {
			t.Error("never: " + id)
		}
	}
}

// outside is a zone with records, "owner TYPE data" by hand.
func outside(t *testing.T, expire uint32, records ...zones.Record) zones.World {
	o := zones.MustName("e")
	b := zones.NewBuilder(zones.ID{Origin: o, View: zones.Internet})
	b.Add(zones.Record{Owner: o, Type: zones.TypeSOA, TTL: 3600, Data: zones.SOA{MName: o, RName: o, Serial: 1, Refresh: 600, Retry: 120, Expire: expire, Minimum: 300}.Data()})
	b.Add(records...)
	z, err := b.Freeze()
	if err != nil {
		t.Fatal(err)
	}
	return zones.World{}.With(z)
}

func rec(owner string, typ zones.Type, data string) zones.Record {
	return zones.Record{Owner: zones.MustName(owner), Type: typ, TTL: 3600, Data: data}
}

func rrsig(begin, end time.Time) zones.Record {
	b := []byte{0, 6, 13, 1, 0, 0, 14, 16}
	b = binary.BigEndian.AppendUint32(b, uint32(end.Unix()))
	b = binary.BigEndian.AppendUint32(b, uint32(begin.Unix()))
	return rec("e", zones.TypeRRSIG, string(append(b, 0, 1))+zones.MustName("e").Wire()+"sig")
}

// TestCheckOutside: what lies outside the zones' own TTLs, by hand.
func TestCheckOutside(t *testing.T) {
	mx := func(host string) zones.Record { return rec("e", zones.TypeMX, "\x00\x0a"+zones.MustName(host).Wire()) }
	ns := func(host string) zones.Record { return rec("e", zones.TypeNS, zones.MustName(host).Wire()) }
	a := func(owner string, last byte) zones.Record {
		return rec(owner, zones.TypeA, string([]byte{192, 0, 2, last}))
	}
	txt := func(owner string) zones.Record { return rec(owner, zones.TypeTXT, "\x08v=STSv1;") }
	key := rec("e", zones.TypeDNSKEY, "\x01\x01\x03\x0dkey")
	https := rec("w.e", zones.TypeHTTPS, "\x00\x01\x00")
	turn, day0 := day(9, 1), 24*time.Hour
	// Signatures must end a day (EXPIRE), an hour (the longest TTL) and a day
	// (the window) after the switch, and begin an hour before it.
	last := turn.Add(2*day0 + time.Hour)
	type want map[string]finding.Severity
	for _, c := range []struct {
		name          string
		before, after []zones.Record
		parent        time.Duration
		expire        uint32
		want          want
	}{
		{"a host moves", []zones.Record{a("h.e", 1)}, []zones.Record{a("h.e", 2)}, 0, 86400, want{}},
		{"EXPIRE as REFRESH and RETRY", []zones.Record{a("h.e", 1)}, []zones.Record{a("h.e", 2)}, 0, 720, want{"T-EXPIRE": finding.Error}},
		{"a second more", []zones.Record{a("h.e", 1)}, []zones.Record{a("h.e", 2)}, 0, 721, want{}},
		{"another name server", []zones.Record{ns("a.out")}, []zones.Record{ns("b.out")}, 0, 86400, want{"T-PARENT": finding.Error}},
		{"and the parent's TTL is given", []zones.Record{ns("a.out")}, []zones.Record{ns("b.out")}, time.Hour, 86400, want{"T-PARENT": finding.Warning}},
		{"a name server's address", []zones.Record{ns("n.e"), a("n.e", 1)}, []zones.Record{ns("n.e"), a("n.e", 2)}, time.Hour, 86400, want{"T-PARENT": finding.Warning}},
		{"an exchange goes", []zones.Record{mx("m.e")}, []zones.Record{mx("n.e")}, 0, 86400, want{"T-STICKY": finding.Warning}},
		{"an exchange comes", []zones.Record{mx("m.e")}, []zones.Record{mx("m.e"), mx("n.e")}, 0, 86400, want{}},
		{"an exchange comes, with a policy", []zones.Record{mx("m.e"), txt("_mta-sts.e")}, []zones.Record{mx("m.e"), mx("n.e"), txt("_mta-sts.e")}, 0, 86400, want{"T-STICKY": finding.Error}},
		{"a policy goes", []zones.Record{mx("m.e"), txt("_mta-sts.e")}, []zones.Record{mx("m.e")}, 0, 86400, want{"T-STICKY": finding.Error}},
		{"HTTPS goes", []zones.Record{https}, []zones.Record{a("w.e", 1)}, 0, 86400, want{"T-STICKY": finding.Warning}},
		{"a key comes", nil, []zones.Record{key}, 0, 86400, want{"K-FREEZE": finding.Block}},
		{"a key stays", []zones.Record{key, a("h.e", 1)}, []zones.Record{key, a("h.e", 2)}, 0, 86400, want{}},
		{"signed long enough", []zones.Record{a("h.e", 1)}, []zones.Record{rrsig(turn.Add(-time.Hour), last)}, 0, 86400, want{}},
		{"signed a second too late", []zones.Record{a("h.e", 1)}, []zones.Record{rrsig(turn.Add(-time.Hour+time.Second), last)}, 0, 86400, want{"K-WINDOW": finding.Block}},
		{"ends a second too soon", []zones.Record{a("h.e", 1)}, []zones.Record{rrsig(turn.Add(-time.Hour), last.Add(-time.Second))}, 0, 86400, want{"K-WINDOW": finding.Block}},
	} {
		before, after := outside(t, c.expire, c.before...), outside(t, c.expire, c.after...)
		terms := Terms{Cutover: turn, Low: time.Minute, Parent: c.parent, Rollback: day0}
		l, err := Plan(Row{before, before, after, after}, terms)
		if err != nil {
			t.Fatal(err)
		}
		got := want{}
		for _, f := range Check(l, terms) {
			if f.ID == "T-EXPIRE" && f.Severity == finding.Warning {
				continue // of every plan
			}
			if f.Mend == "" || f.Found == "" {
				t.Errorf("%s: %+v", c.name, f)
			}
			got[f.ID] = max(got[f.ID], f.Severity)
		}
		if fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	if got := (Row{zones.World{}, zones.World{}, outside(t, 9, ns("a.out")), outside(t, 9, ns("a.out"))}).AtParent(); len(got) != 1 {
		t.Errorf("a zone that comes: %v", got)
	}
}
