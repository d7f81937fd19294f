package workspace

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/mapping"
	"gialai.gov.vn/hopnhat/zones/proof"
)

// waved is small with three waves: at the cutover the target's www stands, at
// the second the source's, at the third old names end.
func waved() map[string]string {
	files := small()
	files["consolidation.yaml"] = whole(`rules:
  - {from: binhdinh.gov.vn, drop: true, why: gốc, by: skhcn, doc: kh106}
  - {from: www.binhdinh.gov.vn, to: [www.gialai.gov.vn, bd.gialai.gov.vn], why: sau, by: skhcn, doc: kh106, wave: sau}
  - {from: "*.binhdinh.gov.vn", to: "*.gialai.gov.vn", why: bổ sung, by: skhcn, doc: kh106}
old-names:
  - {match: "*.cu.binhdinh.gov.vn", mode: end, why: hết hạn, by: skhcn, wave: het}
decisions:
  - {at: ns1.gialai.gov.vn, take: target, why: máy chủ tên, by: skhcn, doc: kh106}
  - {at: www.gialai.gov.vn, take: target, source-becomes: bd.gialai.gov.vn, why: tạm giữ, by: skhcn, doc: kh106}
  - {at: www.gialai.gov.vn, take: source, target-becomes: www-cu.gialai.gov.vn, why: đã chọn, by: skhcn, doc: kh106, wave: sau}
exceptions:
  - {name: mail.binhdinh.gov.vn, owner: skhcn, why: hết hạn, expires: 1/1/2030, wave: het}
waves:
  - {name: mot-ngay, at: 1/6/2026, systems: all}
  - {name: het, at: 1/9/2026, systems: all}
  - {name: sau, at: 5/1/2026, systems: all}
  - {name: dau, at: cutover, systems: all}
sources:
  binhdinh: {zone: binhdinh.gov.vn, file: sources/db.binhdinh}
`)
	files["sources/db.binhdinh"] += "www A 198.51.100.3\na.cu A 198.51.100.4\nb.cu CNAME a.cu\ncu A 198.51.100.5\n"
	return files
}

// has tells the addresses that a world has at a name, as text of their octets.
func has(w zones.World, zone, name string) string {
	z := w.Zone(zones.ID{Origin: n(zone), View: zones.Internet})
	s, ok := z.Lookup(n(name), zones.TypeA)
	if !ok {
		if _, alias := z.Lookup(n(name), zones.TypeCNAME); alias {
			return "alias"
		}
		return "-"
	}
	d := s.Data(0)
	return string(rune('0'+d[0]%10)) + "." + string(rune('0'+d[3]))
}

func TestWaves(t *testing.T) {
	w, fs := Open(write(t, t.TempDir(), waved()))
	if s := errorsOf(fs); s != "" {
		t.Fatal(s)
	}
	p, fs := w.Plan()
	if s := errorsOf(fs); s != "" || !p.Publishable() {
		t.Fatalf("the plan of the cutover:\n%s", s)
	}
	ws, fs, err := w.Waves(p)
	if err != nil {
		t.Fatal(err)
	}
	if len(fs) > 0 {
		t.Errorf("findings: %v", fs)
	}
	var names []string
	for i, x := range ws {
		names = append(names, x.Name+" "+x.At.In(vietnam).Format("2/1/2006"))
		if i > 0 && x.Row[0].Digest() != ws[i-1].Row[3].Digest() {
			t.Errorf("%s does not begin where %s ends", x.Name, ws[i-1].Name)
		}
	}
	if got := strings.Join(names, ", "); got != "dau 1/9/2025, sau 5/1/2026, het 1/9/2026" {
		t.Errorf("waves: %s", got)
	}
	if ws[0].Row[0].Digest() != p.Before().Digest() || ws[0].Row[3].Digest() != p.After().Digest() {
		t.Error("the first wave is not the plan's")
	}
	// The target's www is 192.0.2.2, the source's 198.51.100.3.
	for _, c := range []struct{ zone, name, want string }{
		{"gialai.gov.vn", "www.gialai.gov.vn", "2.2 2.2 8.3 8.3"},
		{"gialai.gov.vn", "bd.gialai.gov.vn", "- 8.3 8.3 8.3"},
		{"gialai.gov.vn", "www-cu.gialai.gov.vn", "- - 2.2 2.2"},
		{"binhdinh.gov.vn", "www.binhdinh.gov.vn", "8.3 8.3 8.3 8.3"},
		{"binhdinh.gov.vn", "mail.binhdinh.gov.vn", "8.2 8.2 8.2 -"},
		{"gialai.gov.vn", "mail.gialai.gov.vn", "- 8.2 8.2 8.2"},
		{"binhdinh.gov.vn", "a.cu.binhdinh.gov.vn", "8.4 8.4 8.4 -"},
		{"binhdinh.gov.vn", "b.cu.binhdinh.gov.vn", "alias alias alias -"},
		{"binhdinh.gov.vn", "cu.binhdinh.gov.vn", "8.5 8.5 8.5 8.5"},
		{"gialai.gov.vn", "a.cu.gialai.gov.vn", "- 8.4 8.4 8.4"},
	} {
		got := []string{has(ws[0].Row[0], c.zone, c.name)}
		for _, x := range ws {
			got = append(got, has(x.Row[3], c.zone, c.name))
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s: %s, want %s", c.name, s, c.want)
		}
	}
	for i, in := range w.Claims(p) {
		in.Steps = ws[i].Row[1:3]
		r := proof.Prove(in, proof.Options{Mixture: true})
		if !r.Preserved() {
			t.Errorf("%s: %v", ws[i].Name, r.Findings())
		}
		for _, f := range r.Faults {
			if f.Severity >= finding.Warning {
				t.Errorf("%s: %v", ws[i].Name, f.Finding)
			}
		}
	}
	for at, want := range map[string]string{"before": "2.2", "after": "2.2", "4/1/2026 23:59": "2.2", "5/1/2026": "8.3", "1/9/2027": "8.3", "now": "2.2"} {
		i, err := ParseInstant(at)
		if err != nil {
			t.Fatal(err)
		}
		if got := has(w.WorldAt(p, i), "gialai.gov.vn", "www.gialai.gov.vn"); got != want {
			t.Errorf("at %s www is %s, want %s", at, got, want)
		}
	}
}

// A serial never goes back from wave to wave, and stands still where nothing
// changes.
func TestWavesSerials(t *testing.T) {
	w, _ := Open(write(t, t.TempDir(), waved()))
	p, _ := w.Plan()
	ws, _, err := w.Waves(p)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range ws {
		for z := range x.Row[3].All() {
			was := x.Row[0].Zone(z.ID())
			same := z.WithSerial(was.Serial()).Equal(was)
			if same != (z.Serial() == was.Serial()) || !same && !was.Serial().Before(z.Serial()) {
				t.Errorf("%s: %v has the serial %d after %d, the same records: %v", x.Name, z.ID(), z.Serial(), was.Serial(), same)
			}
		}
	}
}

// What an earlier wave gave a name is lost where a later one forgets it: the
// proof of that wave alone says so.
func TestWavesLose(t *testing.T) {
	files := waved()
	files["consolidation.yaml"] = strings.Replace(files["consolidation.yaml"], "to: [www.gialai.gov.vn, bd.gialai.gov.vn]", "to: www.gialai.gov.vn", 1)
	w, fs := Open(write(t, t.TempDir(), files))
	if s := errorsOf(fs); s != "" {
		t.Fatal(s)
	}
	p, _ := w.Plan()
	var lost []string
	for _, in := range w.Claims(p) {
		r := proof.Prove(in, proof.Options{})
		for _, f := range r.Faults {
			if f.Severity >= finding.Block {
				lost = append(lost, f.ID+" "+f.Witness.Name.Text())
			}
		}
		lost = append(lost, ".")
	}
	if got := strings.Join(lost, " "); got != ". C-LOST bd.gialai.gov.vn . ." {
		t.Errorf("lost: %s", got)
	}
}

// Without the entries of later waves the cutover's plan is the same, byte for
// byte.
func TestWavesLeaveTheCutover(t *testing.T) {
	files := waved()
	with, _ := Open(write(t, t.TempDir(), files))
	var kept []string
	for _, l := range strings.Split(files["consolidation.yaml"], "\n") {
		if !strings.Contains(l, "wave: ") {
			kept = append(kept, l)
		}
	}
	files["consolidation.yaml"] = strings.Join(kept, "\n")
	without, fs := Open(write(t, t.TempDir(), files))
	if s := errorsOf(fs); s != "" {
		t.Fatal(s)
	}
	p, _ := with.Plan()
	q, _ := without.Plan()
	if p.Digest() != q.Digest() {
		t.Error("the plan of the cutover depends on later waves")
	}
	if ws, _, err := without.Waves(q); err != nil || len(ws) != 1 || ws[0].Name != "dau" {
		t.Errorf("without entries of later waves: %d waves, %v", len(ws), err)
	}
}

// A mapping without a later entry stays; what a later entry replaces is what
// it covers, no more.
func TestOverlaid(t *testing.T) {
	views := []zones.View{"", zones.Internet, "tslcd"}
	types := []zones.Type{0, zones.TypeA, zones.TypeMX}
	gen := rapid.Custom(func(t *rapid.T) mapping.Decision {
		return mapping.Decision{
			Name: n(rapid.SampledFrom([]string{"a.vn", "b.vn"}).Draw(t, "name")),
			Type: rapid.SampledFrom(types).Draw(t, "type"), View: rapid.SampledFrom(views).Draw(t, "view"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		var m, later mapping.Mapping
		m.Decisions, later.Decisions = rapid.SliceOfN(gen, 0, 6).Draw(t, "first"), rapid.SliceOfN(gen, 0, 3).Draw(t, "later")
		got := overlaid(m, later)
		if !slices.Equal(got.Decisions[:len(later.Decisions)], later.Decisions) {
			t.Fatal("the later entries do not stand first")
		}
		// The slow way: an earlier decision goes when everything that it speaks
		// of, a later one speaks of.
		var want []mapping.Decision
		for _, x := range m.Decisions {
			covered := false
			for _, y := range later.Decisions {
				all := true
				for _, v := range views[1:] {
					for _, ty := range types[1:] {
						mine := (x.View == "" || x.View == v) && (x.Type == 0 || x.Type == ty)
						its := x.Name == y.Name && (y.View == "" || y.View == v) && (y.Type == 0 || y.Type == ty)
						all = all && (!mine || its)
					}
				}
				covered = covered || all
			}
			if !covered {
				want = append(want, x)
			}
		}
		if !slices.Equal(got.Decisions[len(later.Decisions):], want) {
			t.Fatalf("kept %v, want %v", got.Decisions[len(later.Decisions):], want)
		}
	})
}

// Spans are read as zone files read TTLs.
func TestParseSpan(t *testing.T) {
	for s, want := range map[string]time.Duration{
		"0": 0, "300": 5 * time.Minute, "5m": 5 * time.Minute, "1h30m": 90 * time.Minute, "7d": 168 * time.Hour, "1W2D3H4M5S": 788645 * time.Second,
		"2147483647": 2147483647 * time.Second,
	} {
		if got, err := parseSpan(s); err != nil || got != want {
			t.Errorf("%s: %v, %v; want %v", s, got, err, want)
		}
	}
	for _, s := range []string{"", "m", "1h30", "-1", "1.5h", "2147483648", "99999999999999999999", "5 minutes", "5x", "1m5"} {
		if got, err := parseSpan(s); err == nil {
			t.Errorf("%q is read as %v", s, got)
		}
	}
}

// Every range of days has each of its days once.
func TestParseDays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from := time.Date(2025, 1, 1, 0, 0, 0, 0, vietnam).AddDate(0, 0, rapid.IntRange(0, 3000).Draw(t, "from"))
		n := rapid.IntRange(0, 365).Draw(t, "days")
		forms := []string{"2006-01-02", "2/1/2006", "02/01/2006"}
		got, err := parseDays(from.Format(rapid.SampledFrom(forms).Draw(t, "form")) + ".." + from.AddDate(0, 0, n).Format(rapid.SampledFrom(forms).Draw(t, "form")))
		if err != nil || len(got) != n+1 {
			t.Fatalf("%d days, %v; want %d", len(got), err, n+1)
		}
		for i, d := range got {
			if !d.Equal(from.AddDate(0, 0, i)) {
				t.Fatalf("day %d is %v", i, d)
			}
		}
	})
}

// What the cutover's section says, and what it is without one.
func TestConfigCutover(t *testing.T) {
	c, fs := readConfig("hopnhat.yaml", []byte("version: 1\n"))
	hold(t, fs, nil)
	if c.Cutover.Approvals != 0 || !c.Cutover.Clock || c.Cutover.Rollback.Automatic || c.Cutover.Rollback.Quorum != 2 || c.Cutover.Verify.Within != 2*time.Minute || c.Cutover.Brake != (Brake{0.1, true}) {
		t.Errorf("without a section: %+v", c.Cutover)
	}
	c, fs = readConfig("hopnhat.yaml", []byte(`version: 1
listeners: [{address: 127.0.0.1:5300, at: now}]
cutover:
  approvals: 2
  clock: unchecked
  verify: {within: 90, sample: 0, resolvers: [{name: a, address: 192.0.2.1}, {name: b, address: "[2001:db8::1]:5353", view: tslcd}]}
  rollback: {automatic: true, quorum: 3}
  brake: {share: 25 %, apex-ns: false}
control: {socket: run/x.sock, group: dns}
secondaries: [{name: ns2, address: 192.0.2.2}]
`))
	hold(t, fs, nil)
	x := c.Cutover
	if x.Approvals != 2 || x.Clock || !x.Rollback.Automatic || x.Rollback.Quorum != 3 || x.Brake != (Brake{0.25, false}) || x.Verify.Within != 90*time.Second || x.Verify.Sample != 0 {
		t.Errorf("%+v", x)
	}
	if len(x.Verify.Resolvers) != 2 || x.Verify.Resolvers[0].Address.String() != "192.0.2.1:53" || x.Verify.Resolvers[1].Address.String() != "[2001:db8::1]:5353" || x.Verify.Resolvers[1].View != "tslcd" {
		t.Errorf("resolvers: %+v", x.Verify.Resolvers)
	}
	if !c.Listeners[0].At.IsNow() {
		t.Error("a listener at now")
	}
	w := &Workspace{Root: "/w", Config: c}
	if got := w.ControlSocket(); got != "/w/run/x.sock" {
		t.Error(got)
	}
	w.Config = Config{State: "/s"}
	if got := w.ControlSocket(); got != "/s/control.sock" {
		t.Error(got)
	}
}

// The terms are those of the file.
func TestTerms(t *testing.T) {
	c, fs := readConsolidation("consolidation.yaml", []byte(whole("holidays: 30/8/2025..2/9/2025\ntimeline: {low-ttl: 1m, rollback: 1d, grace: 0, notice: 5, parent-ttl: 2d, refresh: 1h, retry: 10m, expire: 4w}\n")), nil)
	hold(t, fs, nil)
	got := (&Workspace{Consolidation: c}).Terms()
	if got.Low != time.Minute || got.Rollback != 24*time.Hour || got.Grace != 0 || got.Notice != 5 || got.Refresh != time.Hour || got.Retry != 10*time.Minute || got.Expire != 28*24*time.Hour || len(got.Holidays) != 4 {
		t.Errorf("%+v", got)
	}
	if c.Timeline.Parent != 48*time.Hour || !got.Cutover.Equal(c.Mapping.Cutover) {
		t.Errorf("%+v", c.Timeline)
	}
}

// No text panics; what is read lies within its bounds.
func FuzzTimeline(f *testing.F) {
	for _, s := range []string{"5m", "30/8/2025..2/9/2025", "..", "1w1", "10%"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if v, err := parseSpan(s); err == nil {
			if again, err := parseSpan(strings.ToUpper(s)); err != nil || again != v {
				t.Errorf("%q: %v in capitals: %v, %v", s, v, again, err)
			}
			if v < 0 || v > 1<<31*time.Second {
				t.Errorf("%q: %v", s, v)
			}
		}
		if days, err := parseDays(s); err == nil && (len(days) == 0 || len(days) > 366 || !slices.IsSortedFunc(days, time.Time.Compare)) {
			t.Errorf("%q: %d days", s, len(days))
		}
		if v, err := parseShare(s); err == nil && (v < 0 || v > 1) {
			t.Errorf("%q: %v", s, v)
		}
	})
}

// The parents' TTL counts where a wave changes the address of a zone's own
// name server, and not where it changes other names alone.
func TestTermsOfParents(t *testing.T) {
	files := waved()
	for _, changes := range []bool{false, true} {
		if changes {
			files["consolidation.yaml"] = strings.Replace(files["consolidation.yaml"], "exceptions:", "  - {at: ns1.gialai.gov.vn, take: source, why: máy mới, by: skhcn, doc: kh106, wave: sau}\nexceptions:", 1)
		}
		w, fs := Open(write(t, t.TempDir(), files))
		if s := errorsOf(fs); s != "" {
			t.Fatal(s)
		}
		p, _ := w.Plan()
		ws, _, err := w.Waves(p)
		if err != nil {
			t.Fatal(err)
		}
		want := [][]string{{}, {}, {}}
		parent := time.Duration(0)
		if changes {
			want[1], parent = []string{"gialai.gov.vn (internet)"}, 24*time.Hour
		}
		for i, x := range ws {
			got := []string{}
			for _, id := range x.Row.AtParent() {
				got = append(got, id.String())
			}
			if !slices.Equal(got, want[i]) {
				t.Errorf("changes %v: the wave %s needs a change at the parents of %v, want %v", changes, x.Name, got, want[i])
			}
		}
		if got := w.TermsOf(ws).Parent; got != parent {
			t.Errorf("changes %v: the parents' TTL counts %v, want %v", changes, got, parent)
		}
		l, err := w.Timeline(p, nil)
		if err != nil || len(l.Waves()) != 3 {
			t.Errorf("changes %v: the timeline has the waves %v, %v", changes, l.Waves(), err)
		}
	}
}

// At a date the world is the step's that the timeline has for it. The lag of
// small is 2h15m and its TTLs are an hour, so what is new comes 2h20m before
// the cutover and TTLs go down 3h15m before that; what goes goes a week later.
func TestWorldAtDates(t *testing.T) {
	w, _ := Open(write(t, t.TempDir(), waved()))
	p, _ := w.Plan()
	const now = "gialai.gov.vn"
	for _, c := range []struct {
		at, mail, www string
		ttl           uint32 // of www
		changes       bool
	}{
		{"before", "-", "2.2", 3600, false},
		{"now", "-", "2.2", 3600, false},
		{"31/8/2025 18:24", "-", "2.2", 3600, false},
		{"31/8/2025 18:25", "-", "2.2", 300, false},
		{"31/8/2025 21:39", "-", "2.2", 300, false},
		{"31/8/2025 21:40", "8.2", "2.2", 300, true},
		{"1/9/2025", "8.2", "2.2", 300, true},
		{"9/9/2025", "8.2", "2.2", 3600, true},
		{"after", "8.2", "2.2", 3600, true},
		{"4/1/2026 23:59", "8.2", "2.2", 300, true},
		{"5/1/2026", "8.2", "8.3", 300, true},
		{"1/2/2026", "8.2", "8.3", 3600, true},
	} {
		i, err := ParseInstant(c.at)
		if err != nil {
			t.Fatal(err)
		}
		world := w.WorldAt(p, i)
		s, _ := world.Zone(zones.ID{Origin: n(now), View: zones.Internet}).Lookup(n("www.gialai.gov.vn"), zones.TypeA)
		if mail, www := has(world, now, "mail.gialai.gov.vn"), has(world, now, "www.gialai.gov.vn"); mail != c.mail || www != c.www || s.TTL() != c.ttl {
			t.Errorf("at %s: mail %s, www %s with TTL %d; want %s, %s with %d", c.at, mail, www, s.TTL(), c.mail, c.www, c.ttl)
		}
		if got := w.Changes(p, i); got != c.changes {
			t.Errorf("at %s names change: %v, want %v", c.at, got, c.changes)
		}
	}
	for _, i := range []Instant{Before(), After(), Now()} {
		want := p.Before()
		if i.Equal(After()) {
			want = p.After()
		}
		if w.WorldAt(p, i).Digest() != want.Digest() {
			t.Errorf("%v is not the plan's world", i)
		}
	}
}
