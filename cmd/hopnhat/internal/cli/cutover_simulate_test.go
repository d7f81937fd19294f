package cli

import (
	"testing"
	"time"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/simulate"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/cutover"
)

// TestSimulationWords holds the Vietnamese words to the models and servers that
// there are.
func TestSimulationWords(t *testing.T) {
	models := modelsInVietnamese()
	for _, m := range simulate.Models() {
		if models[m.Name()] == "" {
			t.Errorf("no Vietnamese for the model %q", m.Name())
		}
		delete(models, m.Name())
	}
	for m := range models {
		t.Errorf("there is no model %q", m)
	}
	o := zones.MustName("e")
	var row cutover.Row
	for i := range row {
		b := zones.NewBuilder(zones.ID{Origin: o, View: zones.Internet})
		b.Add(zones.Record{Owner: o, Type: zones.TypeSOA, TTL: 60, Data: zones.SOA{MName: o, RName: o, Serial: zones.Serial(i + 1), Minimum: uint32(i / 2)}.Data()})
		z, err := b.Freeze()
		if err != nil {
			t.Fatal(err)
		}
		if row[i], err = zones.NewWorld(z); err != nil {
			t.Fatal(err)
		}
	}
	l, err := cutover.Plan(row, cutover.Terms{Cutover: time.Unix(1e9, 0), Low: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	servers := simulate.Prepare(row[0], l, time.Hour).Servers
	if len(servers) != 4 {
		t.Fatalf("%d servers: the one that is late needs a step", len(servers))
	}
	for _, s := range append(servers, simulate.Server{Name: simulate.OldServers}) {
		if serversInVietnamese()[s.Name] == "" {
			t.Errorf("no Vietnamese for the server %q", s.Name)
		}
	}
}
