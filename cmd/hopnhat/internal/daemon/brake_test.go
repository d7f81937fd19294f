package daemon

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/control"
	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/publish"
)

// TestOrganisationBrake: names of an organisation that stand one by one in a large
// target are too few of the zone to stop an edit, and too many of the organisation.
// A start neither publishes such an edit nor forgets whose the names were.
func TestOrganisationBrake(t *testing.T) {
	s := staged(t, "2025-08-20T00:00:00Z", "")
	var theirs, ours, drops strings.Builder
	for i := range 40 {
		fmt.Fprintf(&theirs, "h%d A 198.51.100.9\n", i)
	}
	for i := range 500 {
		fmt.Fprintf(&ours, "may%d A 192.0.2.7\n", i)
	}
	for i := range 15 {
		fmt.Fprintf(&drops, "  - {from: h%d.cu.example, drop: true, why: thôi dùng, by: an, doc: bb1}\n", i)
	}
	s.edit("sources/cu.zone", "mail A", theirs.String()+"mail A")
	s.edit("zones/moi.example.zone", "ns0 A", ours.String()+"ns0 A")
	s.must(3, control.ReloadCommand, control.Reload{})
	s.must(0, schedule, because())
	s.step("lower")
	s.step("add")
	const gone, stays = "h3.moi.example", "h30.moi.example"
	s.is(gone, "198.51.100.9 300")

	s.edit("consolidation.yaml", "rules:\n", "rules:\n"+drops.String())
	refused := func(when string) {
		t.Helper()
		_, err := s.ask(3, control.ReloadCommand, control.Reload{})
		var b *publish.BrakeError
		if !errors.As(err, &b) || len(b.Findings) != 1 {
			t.Fatalf("%s: %v", when, err)
		}
		// The 40, mail and ns, old and new; SOA and NS are old alone.
		want := "15 of the 86 RRsets of the organisation of cu.example (source cu)"
		if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "--override REASON") {
			t.Errorf("%s: %v", when, err)
		}
		s.is(gone, "198.51.100.9 300")
	}
	refused("running")
	s.end()
	s.start()
	s.is(gone, "198.51.100.9 300")
	refused("after a start")
	s.end()
	s.start()
	refused("after a second start")
	s.must(3, control.ReloadCommand, control.Reload{Override: "the machines are gone"})
	s.is(gone, "NXDOMAIN")
	s.is(stays, "198.51.100.9 300")
	s.is("h3.cu.example", "198.51.100.9 300")
	if last, _ := s.d.past.last(); !strings.Contains(last.Why, "override: the machines are gone") {
		t.Errorf("the history has %+v", last.Entry)
	}
	s.end()
	s.start()
	s.is(gone, "NXDOMAIN")
}
