package workspace

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

const soa = "$TTL 3600\n@ IN SOA ns1 hostmaster 1 7200 900 1209600 300\n@ NS ns1\nns1 A 192.0.2.1\n"

// small is a workspace with one target, one source and one conflict.
func small() map[string]string {
	return map[string]string{
		"hopnhat.yaml": "version: 1\nlisteners:\n  - {address: 127.0.0.1:5300, at: before}\n  - {address: 127.0.0.1:5301, at: after}\n",
		"consolidation.yaml": whole(`rules:
  - {from: binhdinh.gov.vn, drop: true, why: gốc, by: skhcn, doc: kh106}
  - {from: "*.binhdinh.gov.vn", to: "*.gialai.gov.vn", why: bổ sung, by: skhcn, doc: kh106}
decisions:
  - {at: ns1.gialai.gov.vn, take: target, why: máy chủ tên, by: skhcn, doc: kh106}
sources:
  binhdinh: {zone: binhdinh.gov.vn, file: sources/db.binhdinh}
`),
		"zones/gialai.gov.vn.zone": soa + "www A 192.0.2.2\n",
		"sources/db.binhdinh":      strings.Replace(soa, "192.0.2.1", "198.51.100.1", 1) + "mail A 198.51.100.2\n",
	}
}

func write(t *testing.T, dir string, files map[string]string) string {
	t.Helper()
	for name, s := range files {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(s), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func errorsOf(fs []finding.Finding) (s string) {
	for _, f := range fs {
		if f.Severity >= finding.Error {
			s += f.String() + "\n"
		}
	}
	return s
}

func TestOpen(t *testing.T) {
	dir := write(t, t.TempDir(), small())
	w, fs := Open(dir)
	if s := errorsOf(fs); s != "" || !w.Whole() {
		t.Fatalf("errors:\n%s", s)
	}
	id := zones.ID{Origin: n("gialai.gov.vn"), View: zones.Internet}
	if world := w.World(); world.Len() != 1 || world.Zone(id) == nil {
		t.Errorf("today's world holds %d zones, want the target alone", w.World().Len())
	}
	p, fs := w.Plan()
	if s := errorsOf(fs); s != "" || !p.Publishable() {
		t.Fatalf("the plan:\n%s", s)
	}
	for at, want := range map[string]bool{"before": false, "2025-08-31": false, "1/9/2025": true, "after": true} {
		i, err := ParseInstant(at)
		if err != nil {
			t.Fatal(err)
		}
		_, got := w.WorldAt(p, i).Zone(id).Lookup(n("mail.gialai.gov.vn"), zones.TypeA)
		if got != want {
			t.Errorf("at %s: mail.gialai.gov.vn there is %v, want %v", at, got, want)
		}
		if _, old := w.WorldAt(p, i).Zone(zones.ID{Origin: n("binhdinh.gov.vn"), View: zones.Internet}).Lookup(n("mail.binhdinh.gov.vn"), zones.TypeA); !old {
			t.Errorf("at %s: the old name is gone", at)
		}
	}
	var names []string
	for _, f := range w.Files() {
		rel, err := filepath.Rel(dir, f)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, filepath.ToSlash(rel))
	}
	if got, want := strings.Join(names, " "), "consolidation.yaml hopnhat.yaml sources/db.binhdinh zones/gialai.gov.vn.zone"; got != want {
		t.Errorf("files %s, want %s", got, want)
	}
	if got, want := w.StateDir(), filepath.Join(dir, "var"); got != want {
		t.Errorf("state in %s, want %s", got, want)
	}
	if _, err := os.Stat(w.StateDir()); !errors.Is(err, os.ErrNotExist) {
		t.Error("something was written")
	}
}

func TestOpenFaults(t *testing.T) {
	for what, c := range map[string]struct {
		change map[string]string // "" deletes the file
		want   string            // of an error
	}{
		"no config":        {map[string]string{"hopnhat.yaml": ""}, "hopnhat.yaml: error: the file cannot be read: it does not exist"},
		"bad config":       {map[string]string{"hopnhat.yaml": "version: 1\nlistner: []\n"}, "hopnhat.yaml:2:1: error: the key \"listner\" is not known"},
		"a view of nobody": {map[string]string{"hopnhat.yaml": "version: 1\nlisteners:\n  - {address: 127.0.0.1:5300, view: intranet}\n"}, `hopnhat.yaml:3:5: error: no zone has the view "intranet"`},
		"no source":        {map[string]string{"sources/db.binhdinh": ""}, "consolidation.yaml:7:3: error:"},
		"a bad source":     {map[string]string{"sources/db.binhdinh": soa + "x A 300.1.1.1\n"}, "sources/db.binhdinh:5:5: error:"},
		"a bad zone":       {map[string]string{"zones/gialai.gov.vn.zone": soa + "x A 300.1.1.1\n"}, "zones/gialai.gov.vn.zone:5:5: error:"},
		"no name":          {map[string]string{"zones/a b.zone": soa}, "zones/a b.zone: error: the file's name gives no origin"},
		"no view":          {map[string]string{"zones/Mạng nội bộ/a.vn.zone": soa}, "zones/Mạng nội bộ: error: a folder of zones is a view"},
		"twice":            {map[string]string{"zones/internet/gialai.gov.vn.zone": soa}, "zones/internet/gialai.gov.vn.zone: error: a second file of the zone gialai.gov.vn (internet); keep this one or "},
		"a leaving link":   {map[string]string{"zones/gialai.gov.vn.zone": soa + "$INCLUDE ../../x\n"}, "zones/gialai.gov.vn.zone:5:"},
	} {
		t.Run(what, func(t *testing.T) {
			files := small()
			for name, s := range c.change {
				files[name] = s
				if s == "" {
					delete(files, name)
				}
			}
			dir := write(t, t.TempDir(), files)
			_, fs := Open(dir)
			if s := errorsOf(fs); !strings.Contains(s, filepath.ToSlash(dir)+"/"+c.want) {
				t.Errorf("got\n%swant an error with %s", s, c.want)
			}
		})
	}
	if w, fs := Open(filepath.Join(t.TempDir(), "none")); w != nil || !strings.Contains(errorsOf(fs), "the workspace cannot be opened: it does not exist") {
		t.Errorf("a missing folder: %v, %v", w, fs)
	}
}

func TestOpenZones(t *testing.T) {
	files := small()
	files["hopnhat.yaml"] = "version: 1\nzones:\n  - {file: zones/gialai.gov.vn.zone, origin: gialai.gov.vn}\n  - {file: noibo.db, origin: gialai.gov.vn, view: tslcd}\n"
	files["noibo.db"] = soa
	files["zones/tslcd/x.vn.ZONE"] = soa
	files["zones/.hidden.zone"], files["zones/x.vn.zone~"] = "x", "x"
	w, fs := Open(write(t, t.TempDir(), files))
	if s := errorsOf(fs); s != "" {
		t.Fatal(s)
	}
	if got := w.World().Views(); len(got) != 2 || got[1] != "tslcd" {
		t.Errorf("views %v", got)
	}
	var warned []string
	for _, f := range fs {
		if f.ID == "W-ZONE" {
			warned = append(warned, filepath.Base(f.At.File))
		}
	}
	if got := strings.Join(warned, " "); got != "x.vn.ZONE" {
		t.Errorf("not served, and said: %q; want x.vn.ZONE", got)
	}
	delete(files, "hopnhat.yaml")
	files["hopnhat.yaml"] = "version: 1\n"
	w, _ = Open(write(t, t.TempDir(), files))
	var got []string
	for z := range w.World().All() {
		got = append(got, z.ID().String())
	}
	if g, want := strings.Join(got, ", "), "gialai.gov.vn (internet), x.vn (tslcd)"; g != want {
		t.Errorf("by convention: %s, want %s", g, want)
	}
}

func TestOpenAlone(t *testing.T) {
	files := small()
	delete(files, "consolidation.yaml")
	w, fs := Open(write(t, t.TempDir(), files))
	if s := errorsOf(fs); s != "" || !w.Whole() {
		t.Fatal(s)
	}
	p, _ := w.Plan()
	if p.Before().Digest() != p.After().Digest() {
		t.Error("without a consolidation file nothing may change")
	}
}

// KeepFrom keeps the last good version of each part by itself.
func TestKeepFrom(t *testing.T) {
	dir := write(t, t.TempDir(), small())
	good, _ := Open(dir)
	before, _ := good.Plan()
	for name, bad := range map[string]string{
		"hopnhat.yaml": "version: 1\nx", "consolidation.yaml": "version: 1\nrules: [",
		"zones/gialai.gov.vn.zone": "@ SO", "sources/db.binhdinh": "",
	} {
		write(t, dir, map[string]string{name: bad})
		w, fs := Open(dir)
		if !finding.Failed(fs) || w.Whole() {
			t.Errorf("%s: broken, and nobody says so", name)
		}
		kept, what := w.KeepFrom(good)
		if !kept.Whole() || len(what) != 1 {
			t.Errorf("%s: kept %q, missing %v", name, what, kept.Missing())
		}
		if p, _ := kept.Plan(); p.Digest() != before.Digest() {
			t.Errorf("%s: the plan of what was kept is another", name)
		}
		if w.Whole() {
			t.Errorf("%s: KeepFrom changed its receiver", name)
		}
		write(t, dir, map[string]string{name: small()[name]})
	}
	write(t, dir, map[string]string{"zones/gialai.gov.vn.zone": soa + "moi A 192.0.2.9\n", "sources/db.binhdinh": "x"})
	w, _ := Open(dir)
	kept, _ := w.KeepFrom(good)
	if _, ok := kept.World().Zone(zones.ID{Origin: n("gialai.gov.vn"), View: zones.Internet}).Lookup(n("moi.gialai.gov.vn"), zones.TypeA); !ok {
		t.Error("a good change of one zone waits for the mending of another file")
	}
	if k, what := w.KeepFrom(nil); k != w || what != nil {
		t.Error("without an earlier reading nothing is kept")
	}
}

func TestBlockingQuestion(t *testing.T) {
	files := small()
	files["consolidation.yaml"] += "questions: {cong: {ask: Chọn Cổng nào, owner: skhcn, blocks: true}}\n"
	w, _ := Open(write(t, t.TempDir(), files))
	_, fs := w.Plan()
	if s := errorsOf(fs); !strings.Contains(s, "blocking: the question cong is open and blocks: Chọn Cổng nào") {
		t.Errorf("got %s", s)
	}
}

func TestFind(t *testing.T) {
	dir := write(t, t.TempDir(), small())
	for start, want := range map[string]string{dir: dir, filepath.Join(dir, "zones"): dir} {
		got, err := Find(start)
		if err != nil {
			t.Fatal(err)
		}
		if abs, _ := filepath.Abs(got); abs != want {
			t.Errorf("from %s: %s, want %s", start, got, want)
		}
	}
	t.Chdir(filepath.Join(dir, "sources"))
	if got, err := Find("."); err != nil || got != ".." {
		t.Errorf("from inside: %q, %v, want ..", got, err)
	}
	t.Chdir(t.TempDir())
	if got, err := Find("."); !errors.Is(err, ErrNone) {
		t.Errorf("from nowhere: %q, %v", got, err)
	}
}
