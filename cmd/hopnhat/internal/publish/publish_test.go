package publish

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/proof"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

const head = `example.vn. 300 SOA ns.example.vn. host.example.vn. %d 60 60 600 60
example.vn. 300 NS ns.example.vn.
ns.example.vn. 300 A 192.0.2.53
`

// world is one zone, of lines "owner ttl type data".
func world(t *testing.T, serial int, lines string) zones.World {
	t.Helper()
	b := zones.NewBuilder(zones.ID{Origin: zones.MustName("example.vn"), View: zones.Internet})
	for line := range strings.SplitSeq(strings.TrimSpace(fmt.Sprintf(head, serial)+lines), "\n") {
		f := strings.SplitN(line, " ", 4)
		typ, _ := zones.ParseType(f[2])
		data, err := rdata.Parse(typ, f[3], zones.Root())
		if err != nil {
			t.Fatal(err)
		}
		b.Add(zones.Record{Owner: zones.MustName(f[0]), Type: typ, TTL: 300, Data: data})
	}
	z, err := b.Freeze()
	if err != nil {
		t.Fatal(err)
	}
	w, err := zones.NewWorld(z)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func same(w zones.World) (int, zones.World, error) { return 0, w, nil }

func clear() error { return nil }

func TestPlanStages(t *testing.T) {
	before := world(t, 1, "a.example.vn. 300 A 192.0.2.1\n")
	step := world(t, 2, "a.example.vn. 300 A 192.0.2.1\nb.example.vn. 300 A 192.0.2.2\n")
	claim := proof.Input{Before: before, After: step}
	sum := Sum{1}
	p, err := Plan(sum, []zones.World{step}, []proof.Input{claim}, nil).Prove(time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.ApprovePlan(Sum{2}, []int{1, 2}, 0); !errors.Is(err, ErrStale) {
		t.Errorf("another hash is approved: %v", err)
	}
	if _, err := p.ApproveEdit(Brake{}, "I want it"); !errors.Is(err, ErrStale) {
		t.Errorf("a plan is approved as an edit: %v", err)
	}
	var few *UnapprovedError
	if _, err := p.ApprovePlan(sum, []int{7, 7, 7}, 2); !errors.As(err, &few) || few.Have != 1 {
		t.Errorf("one user who says yes three times gives %v", err)
	}
	a, err := p.ApprovePlan(sum, []int{7, 8, 7}, 2)
	if err != nil {
		t.Fatal(err)
	}
	// T-DIGEST: what would be answered has another serial than what was certified.
	var other *DigestError
	_, err = Compile(a, 0, func(w zones.World) (int, zones.World, error) {
		return 0, w.With(w.Zone(zones.ID{Origin: zones.MustName("example.vn"), View: zones.Internet}).WithSerial(3)), nil
	})
	if !errors.As(err, &other) {
		t.Errorf("another serial than the certified one: %v", err)
	}
	if _, err := Compile(a, 1, same); err == nil {
		t.Error("a step that is not there is compiled")
	}
	c, err := Compile(a, 0, same)
	if err != nil {
		t.Fatal(err)
	}
	var did []string
	note := func(s string, err error) error {
		did = append(did, s)
		return err
	}
	full := errors.New("disk full")
	swap := func(zones.World, int) { did = append(did, "swap") }
	if _, err := c.Publish(func() error { return note("fence", ErrStale) }, func(zones.World) error { return note("commit", nil) }, swap); !errors.Is(err, ErrStale) {
		t.Error(err)
	}
	if _, err := c.Publish(clear, func(zones.World) error { return note("commit", full) }, swap); !errors.Is(err, full) {
		t.Error(err)
	}
	if _, err := c.Publish(clear, func(zones.World) error { return note("commit", nil) }, swap); err != nil {
		t.Error(err)
	}
	if got := strings.Join(did, " "); got != "fence commit commit swap" {
		t.Errorf("done: %s", got)
	}
}

func TestProveRefuses(t *testing.T) {
	before := world(t, 1, "a.example.vn. 300 A 192.0.2.1\n")
	gone := world(t, 2, "")
	var lost *LostError
	if _, err := Plan(Sum{1}, []zones.World{gone}, []proof.Input{{Before: before, After: gone}}, nil).Prove(time.Time{}); !errors.As(err, &lost) {
		t.Errorf("a plan that loses a name: %v", err)
	}
	open := finding.Finding{Severity: finding.Block, Found: "a conflict is open"}
	if _, err := Plan(Sum{1}, []zones.World{before}, []proof.Input{{Before: before, After: before}}, []finding.Finding{open}).Prove(time.Time{}); !errors.As(err, &lost) {
		t.Errorf("a plan with a blocking finding: %v", err)
	}
	// An edit names what it changes; what else changes with it is lost.
	if _, err := Edit(before, gone).Prove(time.Time{}); err != nil {
		t.Errorf("an edit that takes its own record: %v", err)
	}
	star := world(t, 1, "*.example.vn. 300 A 192.0.2.1\n")
	under := world(t, 2, "*.example.vn. 300 A 192.0.2.1\nx.y.example.vn. 300 A 192.0.2.9\n")
	if _, err := Edit(star, under).Prove(time.Time{}); !errors.As(err, &lost) {
		t.Errorf("an edit that makes an empty non-terminal under a wildcard: %v", err)
	}
}

func TestKnown(t *testing.T) {
	w := world(t, 1, "")
	m := Plan(Sum{1}, []zones.World{w}, []proof.Input{{Before: w, After: w}}, nil)
	p, err := m.Prove(time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Known(Sum{1}, p.Certificates()); err != nil {
		t.Error(err)
	}
	bad := p.Certificates()
	bad[0].Verdict = "lost"
	for _, err := range []error{
		second(m.Known(Sum{2}, p.Certificates())), second(m.Known(Sum{1}, nil)), second(m.Known(Sum{1}, bad)), second(Edit(w, w).Known(Sum{}, p.Certificates())),
	} {
		if !errors.Is(err, ErrStale) {
			t.Errorf("taken for proved: %v", err)
		}
	}
}

func second(_ Proved, err error) error { return err }

func TestBrake(t *testing.T) {
	many := func(unit string, n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "h%d.%s.example.vn. 300 A 192.0.2.1\n", i, unit)
		}
		return b.String()
	}
	all := many("so", 20) + many("xa", 100)
	b := Brake{Share: 0.1, Apex: true}
	for _, c := range []struct {
		name, from, to string
		want           string // in the finding; "" lets it pass
	}{
		{"nothing", all, all, ""},
		{"a few", all, many("so", 17) + many("xa", 100), ""},
		{"more than a tenth of the zone", all, many("so", 20) + many("xa", 85), "of the 123 RRsets of example.vn"},
		{"more than a tenth of a unit", all, many("so", 15) + many("xa", 100), "at and below so.example.vn"},
		{"additions", all, all + many("moi", 500), ""},
		{"a small zone", many("so", 3), "", ""},
		{"a unit goes", many("so", 6) + many("xa", 100), many("xa", 100), "at and below so.example.vn"},
		{"the NS of the apex", all, "example.vn. 300 NS ns2.example.vn.\n" + all, "the NS of example.vn"},
	} {
		t.Run(c.name, func(t *testing.T) {
			fs := b.Check(world(t, 1, c.from), world(t, 2, c.to))
			switch {
			case c.want == "" && len(fs) > 0:
				t.Errorf("stopped: %v", fs)
			case c.want != "" && (len(fs) != 1 || !strings.Contains(fs[0].Found, c.want)):
				t.Errorf("found %v, want one with %q", fs, c.want)
			}
			if fs := (Brake{}).Check(world(t, 1, c.from), world(t, 2, c.to)); len(fs) > 0 {
				t.Errorf("no brake stops: %v", fs)
			}
		})
	}
	if fs := (Brake{}).Check(world(t, 1, all), zones.World{}); len(fs) != 1 {
		t.Errorf("a zone that goes: %v", fs)
	}
	p, err := Edit(world(t, 1, all), world(t, 2, many("xa", 100))).Prove(time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	var stopped *BrakeError
	if _, err := p.ApproveEdit(b, ""); !errors.As(err, &stopped) {
		t.Errorf("not stopped: %v", err)
	}
	if _, err := p.ApproveEdit(b, "the office was closed"); err != nil {
		t.Errorf("a reason is not taken: %v", err)
	}
}
