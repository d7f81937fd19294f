package daemon

import (
	"fmt"
	"testing"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/transfer"
)

// TestStepped: of a journal's steps those are taken that lead to the zone that is
// served; a step of something else, and all before it, is not.
func TestStepped(t *testing.T) {
	id := zones.ID{Origin: zones.MustName("example.vn"), View: zones.Internet}
	soa := func(serial zones.Serial) zones.Record {
		return zones.Record{Owner: id.Origin, Type: zones.TypeSOA, TTL: 300, Data: zones.SOA{MName: id.Origin, RName: id.Origin, Serial: serial}.Data()}
	}
	b := zones.NewBuilder(id)
	b.Add(soa(1))
	for i := range 100 { // room for deltas
		b.Add(zones.Record{Owner: id.Origin, Type: zones.TypeA, TTL: 300, Data: fmt.Sprintf("\x0a\x00\x00%c", i)})
	}
	z, err := b.Freeze()
	if err != nil {
		t.Fatal(err)
	}
	var steps []zones.Delta
	v := transfer.Version{Zone: z}
	for i := range 5 {
		name, _ := id.Origin.Child(fmt.Sprint("u", i))
		d := zones.Delta{
			ID: id, Removed: []zones.Record{soa(z.Serial())},
			Added: []zones.Record{soa(z.Serial() + 2), {Owner: name, Type: zones.TypeA, TTL: 60, Data: "\x0a\x00\x00\x01"}},
		}
		if z, err = d.Apply(z); err != nil {
			t.Fatal(err)
		}
		v = v.Step(d, z, deltaRoom)
		steps = append(steps, d)
	}
	for skip := range len(steps) + 1 {
		had := append([]zones.Delta(nil), steps...)
		if skip < len(steps) {
			had[skip].Removed = []zones.Record{soa(99)}
		}
		want := 5
		if skip < len(steps) {
			want = len(steps) - skip - 1
		}
		got := stepped(z, had)
		if !got.Zone.Equal(z) || len(got.Deltas) != want {
			t.Errorf("with step %d spoilt: serial %d, %d deltas, want %d", skip, got.Zone.Serial(), len(got.Deltas), want)
		}
	}
	if got := stepped(z, nil); got.Zone != z || len(got.Deltas) != 0 {
		t.Errorf("without steps: %v", got)
	}
}
