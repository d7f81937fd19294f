package daemon

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/proof"
)

// small is a workspace of one source.
func small(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"hopnhat.yaml": "version: 1\n",
		"consolidation.yaml": `version: 1
cutover: 2025-09-01 00:00 +07:00
documents: {bb1: Biên bản 1}
people: {an: Chị An}
targets: [moi.example]
sources:
  cu: {zone: cu.example, file: sources/cu.zone}
rules:
  - {from: cu.example, drop: true, why: gốc không chuyển, by: an, doc: bb1}
  - {from: "*.cu.example", to: "*.moi.example", why: khai báo bổ sung, by: an, doc: bb1}
`,
		"zones/moi.example.zone": "$TTL 300\n@ SOA ns0 q 7 3600 600 86400 300\n@ NS ns0\nns0 A 192.0.2.1\n",
		"sources/cu.zone":        "$TTL 300\n@ SOA ns q 1 3600 600 86400 300\n@ NS ns\nns A 198.51.100.1\nmail A 198.51.100.3\n",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestCertified: beyond this machine the world after is served as it was
// certified, or for a reason that is written down.
func TestCertified(t *testing.T) {
	dir := small(t)
	at, err := workspace.ParseInstant("after")
	if err != nil {
		t.Fatal(err)
	}
	clock := Clock{Now: func() time.Time { return time.Date(2025, 8, 20, 1, 2, 3, 0, time.UTC) }, Wait: func(context.Context, time.Duration) error { return nil }}
	load := func(address string) (*Daemon, *Loaded) {
		t.Helper()
		stage := Stage{Listener: Listener{Address: address, View: zones.Internet, At: "after"}, Instant: at}
		l, err := Workspace(dir, []Stage{stage}, clock)(t.Context(), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		return &Daemon{o: Options{Listeners: []Listener{stage.Listener}, Log: &bytes.Buffer{}}}, l
	}
	d, l := load("127.0.0.1:53")
	if err := d.certified(l); err != nil {
		t.Error("on loopback:", err)
	}
	d, l = load("192.0.2.53:53")
	if err := d.certified(l); err == nil || !strings.Contains(err.Error(), "no certificate.json") {
		t.Error("without a certificate:", err)
	}
	d.o.Uncertified = "diễn tập"
	if err := d.certified(l); err == nil || !strings.Contains(err.Error(), "--state") {
		t.Error("without a place to write the reason down:", err)
	}
	d.o.State = filepath.Join(dir, "var")
	for range 2 {
		if err := d.certified(l); err != nil {
			t.Error("with a reason:", err)
		}
	}
	raw, err := os.ReadFile(filepath.Join(dir, "var", "uncertified.log"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(raw), "\n"), "\n")
	var o Override
	if err := json.Unmarshal([]byte(lines[0]), &o); err != nil || len(lines) != 2 {
		t.Fatal(err, lines)
	}
	if o.Reason != "diễn tập" || o.Time != "2025-08-20T01:02:03Z" || o.User == "" || o.After != l.proved.report.After.String() || !strings.Contains(o.Lacks, "no certificate.json") {
		t.Errorf("%+v", o)
	}

	w, _ := workspace.Open(dir)
	plan, _ := w.Plan()
	in, err := w.Claim(plan)
	if err != nil {
		t.Fatal(err)
	}
	c, r := proof.Certify(in, proof.Options{Mixture: true, Now: clock.Now()})
	if !r.Preserved() {
		t.Fatal(r.Faults)
	}
	if _, err := w.WriteCertificate(c); err != nil {
		t.Fatal(err)
	}
	d, l = load("192.0.2.53:53")
	if err := d.certified(l); err != nil {
		t.Error("with the certificate:", err)
	}
	file := filepath.Join(dir, "sources", "cu.zone")
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, append(b, "them A 198.51.100.4\n"...), 0o644); err != nil {
		t.Fatal(err)
	}
	d, l = load("192.0.2.53:53")
	if err := d.certified(l); err == nil || !strings.Contains(err.Error(), "cu.example (internet), moi.example (internet) changed since") {
		t.Error("after an edit:", err)
	}
	// A certificate that says that names are lost is none.
	c, _ = proof.Certify(in, proof.Options{Mixture: true, Now: clock.Now()})
	c.Verdict = "lost"
	if _, err := w.WriteCertificate(c); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b, 0o644); err != nil {
		t.Fatal(err)
	}
	d, l = load("192.0.2.53:53")
	if err := d.certified(l); err == nil {
		t.Error("a certificate of a loss is taken")
	}
}
