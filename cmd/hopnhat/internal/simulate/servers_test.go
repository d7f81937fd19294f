package simulate

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/zones"
)

// asking is a universe of one zone whose versions all have the same timers, in seconds.
func asking(t interface{ Fatal(...any) }, versions int, refresh, retry uint32) *universe {
	o := zones.MustName("e")
	b := zones.NewBuilder(zones.ID{Origin: o, View: zones.Internet})
	b.Add(zones.Record{Owner: o, Type: zones.TypeSOA, Data: zones.SOA{MName: o, RName: o, Serial: 1, Refresh: refresh, Retry: retry}.Data()})
	b.Add(zones.Record{Owner: o, Type: zones.TypeNS, Data: zones.MustName("ns.out").Wire()})
	z, err := b.Freeze()
	if err != nil {
		t.Fatal(err)
	}
	u := &universe{}
	for range versions {
		u.versions = append(u.versions, &version{zone: z})
	}
	return u
}

// TestPolledEachSecond: REFRESH and RETRY of a second leave no room before a
// change; the late one asks when it comes, fails, and has it a second later.
func TestPolledEachSecond(t *testing.T) {
	h := history{from: []int64{0, 100, 110, 112}, version: []int32{0, 1, 2, 3}}
	got := asking(t, 4, 1, 1).polled(h, Server{Late: true}, 0)
	want := history{from: []int64{0, 101, 111, 113}, version: []int32{0, 1, 2, 3}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestPolledInTime: whatever its timers, a secondary comes to each version that
// is the last for long enough, at most REFRESH and RETRY after it, never before,
// and goes from older to newer ones.
func TestPolledInTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := history{from: []int64{0}, version: []int32{0}}
		at := int64(100)
		for i := range rapid.IntRange(1, 6).Draw(t, "changes") {
			h.from, h.version = append(h.from, at), append(h.version, int32(i+1))
			at += int64(rapid.IntRange(1, 12).Draw(t, "gap"))
		}
		refresh, retry := rapid.Uint32Range(1, 5).Draw(t, "refresh"), rapid.Uint32Range(1, 3).Draw(t, "retry")
		s := Server{Late: rapid.Bool().Draw(t, "late")}
		p := asking(t, len(h.version), refresh, retry).polled(h, s, rapid.Uint64().Draw(t, "seed"))
		for i, v := range p.version {
			if i > 0 && (h.at(p.from[i]) != v || p.from[i] <= p.from[i-1] || v <= p.version[i-1]) {
				t.Fatalf("%v has %d from %d on", p, v, p.from[i])
			}
		}
		for sec := int64(0); sec < at+20; sec++ {
			if v := h.at(sec - int64(refresh+retry)); p.at(sec) < v {
				t.Fatalf("%v: at %d it has not got %d", p, sec, v)
			}
		}
	})
}
