package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/control"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/history"
)

const moiZone = `$TTL 300
; the province's own zone
@	SOA	ns quantri (
		9	; serial
		3600 600 86400 300 )
	NS	ns
ns	A	192.0.2.1
www	A	192.0.2.99	; since the move
neu	A	192.0.2.7	; comes with version 3
`

// pastWorkspace is a workspace whose zone was published three times: first www
// stood elsewhere, then it moved, then neu came.
func pastWorkspace(t *testing.T) (dir string, versions []*zones.Zone) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range map[string]string{
		"hopnhat.yaml":           "version: 1\nlisteners:\n  - {address: \"127.0.0.1:1\", at: before}\n",
		"zones/moi.example.zone": moiZone,
		"consolidation.yaml": `version: 1
cutover: 1/9/2025 00:00
targets: [moi.example]
documents: {bb1: Biên bản 1}
people: {an: Chị An}
sources:
  cu: {zone: cu.example, file: sources/cu.zone}
rules:
  - {from: cu.example, drop: true, why: gốc vùng không chuyển, by: an, doc: bb1}
  - {from: "*.cu.example", to: "*.moi.example", why: khai báo bổ sung, by: an, doc: bb1}
`,
		"sources/cu.zone": "$TTL 300\n@ SOA ns quantri 1 3600 600 86400 300\n NS ns\nns A 198.51.100.1\nchat A 198.51.100.2\n",
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	now := stated(t, dir)
	at := func(owner, data string) zones.Record {
		return zones.Record{Owner: zones.MustName(owner + ".moi.example"), Type: zones.TypeA, TTL: 300, Data: data}
	}
	change := func(z *zones.Zone, serial zones.Serial, gone, come []zones.Record) *zones.Zone {
		n, err := zones.Delta{ID: z.ID(), Removed: gone, Added: come}.Apply(z)
		if err != nil {
			t.Fatal(err)
		}
		return n.WithSerial(serial)
	}
	second := change(now, 8, []zones.Record{at("neu", "\xc0\x00\x02\x07")}, nil)
	first := change(second, 7, []zones.Record{at("www", "\xc0\x00\x02\x63")}, []zones.Record{at("www", "\xc0\x00\x02\x02")})
	versions = []*zones.Zone{first, second, now}
	h, _, err := history.Open(history.OS(filepath.Join(dir, "var", "history")))
	if err != nil {
		t.Fatal(err)
	}
	for i, z := range versions {
		e := history.Entry{At: inSeptember(1, i), Who: "lan", Why: []string{"bắt đầu", "chuyển www\x1b[2J", "thêm neu"}[i], Document: "12/QĐ-UBND"}
		if _, err := h.Record(z, e); err != nil {
			t.Fatal(err)
		}
	}
	return dir, versions
}

// stated is what the master file says.
func stated(t *testing.T, dir string) *zones.Zone {
	t.Helper()
	one := zoneFile{origin: "moi.example", view: "internet"}
	_, z, fs, err := one.read(filepath.Join(dir, "zones", "moi.example.zone"))
	if err != nil || z == nil {
		t.Fatal(fs, err)
	}
	return z
}

func runIn(t *testing.T, args ...string) (int, string, string) {
	t.Helper()
	var out, errw bytes.Buffer
	code := Main(args, strings.NewReader(""), &out, &errw)
	return code, out.String(), errw.String()
}

func TestZoneHistory(t *testing.T) {
	dir, _ := pastWorkspace(t)
	code, out, errs := runIn(t, "zone", "history", "moi.example", "-C", dir)
	want := `1  serial 7  2025-09-01 07:00:00 +07:00  lan  +5 -0  12/QĐ-UBND  bắt đầu
2  serial 8  2025-09-01 08:00:00 +07:00  lan  +2 -2  12/QĐ-UBND  chuyển www` + "\ufffd" + `[2J
3  serial 9  2025-09-01 09:00:00 +07:00  lan  +2 -1  12/QĐ-UBND  thêm neu
`
	if want = strings.Replace(want, "+5 -0", "+4 -0", 1); code != 0 || out != want || errs != "" {
		t.Errorf("exit %d %s\n%s\nwant\n%s", code, errs, out, want)
	}
	code, out, _ = runIn(t, "zone", "history", "moi.example", "--state", filepath.Join(dir, "var"), "--json")
	var r zoneHistoryJSON
	if err := json.Unmarshal([]byte(out), &r); err != nil || code != 0 || r.Zone != "moi.example" || r.View != "internet" || len(r.Versions) != 3 || r.Versions[2].Serial != 9 || len(r.Damage) != 0 {
		t.Errorf("exit %d %v %+v", code, err, r)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"zone", "history", "cu.example", "-C", dir}, "no version of cu.example"},
		{[]string{"zone", "history", "moi.example", "-C", dir, "--view", "data"}, "no version of moi.example in view data"},
		{[]string{"zone", "history", "moi..example", "-C", dir}, "an empty label"},
		{[]string{"zone", "history", "moi.example", "--state", dir}, "there is no history yet"},
		{[]string{"zone", "show", "moi.example@4", "-C", dir}, "the versions go from 1 to 3"},
		{[]string{"zone", "diff", "moi.example@1", "moi.example@99999999999", "-C", dir}, "the versions go from 1 to 3"},
		{[]string{"zone", "diff", "some.zone"}, "name a second file"},
		{[]string{"zone", "restore", "moi.example", "-C", dir, "--why", "x"}, "such as gialai.gov.vn@12"},
		{[]string{"zone", "restore", "moi.example@1", "-C", dir}, "why"},
	} {
		if code, out, errs := runIn(t, c.args...); code != 1 || !strings.Contains(errs, c.want) {
			t.Errorf("%v: exit %d %s%s, want %q", c.args, code, out, errs, c.want)
		}
	}
}

// TestZoneHistoryDamage: what is damaged is named, the rest serves, and the
// exit code tells.
func TestZoneHistoryDamage(t *testing.T) {
	dir, versions := pastWorkspace(t)
	files, err := filepath.Glob(filepath.Join(dir, "var", "history", "zones", "*", "2.*"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	if err := os.WriteFile(files[0], []byte("what is this\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	code, out, errs := runIn(t, "zone", "history", "moi.example", "-C", dir)
	if code != 1 || strings.Count(out, "\n") != 3 || !strings.Contains(errs, files[0]+": error: ") || !strings.Contains(errs, "restore it from a backup") {
		t.Errorf("exit %d\n%s\n%s", code, out, errs)
	}
	code, _, errs = runIn(t, "zone", "show", "moi.example@2", "-C", dir)
	if code != 1 || !strings.Contains(errs, files[0]) {
		t.Errorf("exit %d %s", code, errs)
	}
	if code, out, _ = runIn(t, "zone", "show", "moi.example@1", "www", "-C", dir); code != 0 || !strings.Contains(out, "192.0.2.2") {
		t.Errorf("exit %d %s of %v", code, out, versions[0].ID())
	}
}

func TestZoneShowDiffVersions(t *testing.T) {
	dir, _ := pastWorkspace(t)
	if code, out, errs := runIn(t, "zone", "show", "moi.example@2", "www", "A", "-C", dir); code != 0 || out != "www.moi.example.\t300\tIN\tA\t192.0.2.99\n" {
		t.Errorf("exit %d %s%s", code, out, errs)
	}
	for _, name := range []string{"www.moi.example", "www.moi.example."} {
		if code, out, errs := runIn(t, "zone", "show", "moi.example@2", name, "A", "-C", dir); code != 0 || !strings.Contains(out, "192.0.2.99") || errs != "" {
			t.Errorf("%s: exit %d %s%s", name, code, out, errs)
		}
	}
	if code, _, errs := runIn(t, "zone", "show", "moi.example@2", "none.moi.example", "-C", dir); code != 1 || !strings.Contains(errs, "no such record") {
		t.Errorf("exit %d %s", code, errs)
	}
	if code, out, errs := runIn(t, "zone", "show", "moi.example@3", "-C", dir); code != 0 || !strings.Contains(out, "$ORIGIN moi.example.") || !strings.Contains(out, "neu") {
		t.Errorf("exit %d %s%s", code, out, errs)
	}
	want := `- moi.example.	300	IN	SOA	ns.moi.example. quantri.moi.example. 8 3600 600 86400 300
+ moi.example.	300	IN	SOA	ns.moi.example. quantri.moi.example. 9 3600 600 86400 300
+ neu.moi.example.	300	IN	A	192.0.2.7
1 removed, 2 added
`
	for _, args := range [][]string{{"moi.example@2", "moi.example@3"}, {"moi.example@2"}, {"moi.example@2", filepath.Join(dir, "zones", "moi.example.zone")}} {
		code, out, errs := runIn(t, append([]string{"zone", "diff", "-C", dir, "--detailed-exitcode"}, args...)...)
		if code != 2 || out != want {
			t.Errorf("%v: exit %d %s\n%s", args, code, errs, out)
		}
	}
	// A file of such a name is a file, as ever.
	t.Chdir(dir)
	if err := os.WriteFile("moi.example@2", []byte(strings.Replace(moiZone, "192.0.2.99", "192.0.2.50", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	if code, out, _ := runIn(t, "zone", "show", "moi.example@2", "www", "--origin", "moi.example"); code != 0 || !strings.Contains(out, "192.0.2.50") {
		t.Errorf("exit %d %s", code, out)
	}
}

// TestZoneRestore: the file holds the version again under a higher serial, with
// its comments and order, and the server is asked to publish it.
func TestZoneRestore(t *testing.T) {
	dir, versions := pastWorkspace(t)
	d, _ := atDesk(t, control.Status{})
	server, err := control.Listen(filepath.Join(dir, "var", control.File), "", d, new(bytes.Buffer))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })

	file := filepath.Join(dir, "zones", "moi.example.zone")
	code, out, errs := runIn(t, "zone", "restore", "moi.example@1", "-C", dir, "--why", "quay lại", "--dry-run")
	if b, err := os.ReadFile(file); code != 0 || err != nil || string(b) != moiZone || !strings.Contains(out, "- neu.moi.example.") {
		t.Errorf("exit %d %s%s", code, out, errs)
	}
	code, out, errs = runIn(t, "zone", "restore", "moi.example@1", "-C", dir, "--why", "quay lại", "--doc", "15/QĐ-UBND", "--who", "lan")
	if code != 0 || !strings.Contains(out, "holds version 1 again, under serial 10: 3 records gone, 2 new\n") || !strings.Contains(out, "published: gialai.gov.vn") {
		t.Fatalf("exit %d %s%s", code, out, errs)
	}
	if got := stated(t, dir); got.Serial() != 10 || !got.WithSerial(7).Equal(versions[0]) {
		t.Errorf("serial %d, %v", got.Serial(), zones.Diff(versions[0], got))
	}
	b, err := os.ReadFile(file)
	want := strings.Replace(strings.Replace(moiZone, "\t9\t", "\t10\t", 1), "192.0.2.99", "192.0.2.2", 1)
	want = strings.Replace(want, "neu	A	192.0.2.7	; comes with version 3\n", "", 1)
	if err != nil || string(b) != want {
		t.Errorf("the file is\n%s\nwant\n%s", b, want)
	}
	d.mu.Lock()
	asked := strings.Join(d.asked, "\n")
	d.mu.Unlock()
	if !strings.HasPrefix(asked, control.ReloadCommand) || !strings.Contains(asked, "quay lại") || !strings.Contains(asked, "15/QĐ-UBND") || !strings.Contains(asked, "lan") {
		t.Errorf("the server was asked %q", asked)
	}
}

// TestZoneRestoreRefused: what the server refuses is not left in the file.
func TestZoneRestoreRefused(t *testing.T) {
	dir, _ := pastWorkspace(t)
	d, _ := atDesk(t, control.Status{})
	d.err = errors.New("a name would be lost")
	server, err := control.Listen(filepath.Join(dir, "var", control.File), "", d, new(bytes.Buffer))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	code, _, errs := runIn(t, "zone", "restore", "moi.example@1", "-C", dir, "--why", "quay lại")
	b, err := os.ReadFile(filepath.Join(dir, "zones", "moi.example.zone"))
	if code != 1 || err != nil || string(b) != moiZone || !strings.Contains(errs, "a name would be lost") || !strings.Contains(errs, "the file is as it was") {
		t.Errorf("exit %d %s\n%s", code, errs, b)
	}
}

// TestZoneRestoreNot: what an edit of one file cannot bring back is left alone,
// with what to do.
func TestZoneRestoreNot(t *testing.T) {
	dir, versions := pastWorkspace(t)
	file := filepath.Join(dir, "zones", "moi.example.zone")
	if code, out, errs := runIn(t, "zone", "restore", "moi.example@3", "-C", dir, "--why", "x"); code != 0 || !strings.Contains(out, "nothing is to be done") {
		t.Errorf("exit %d %s%s", code, out, errs)
	}
	edited := strings.Replace(moiZone, "192.0.2.7", "192.0.2.8", 1)
	if err := os.WriteFile(file, []byte(edited), 0o644); err != nil {
		t.Fatal(err)
	}
	code, _, errs := runIn(t, "zone", "restore", "moi.example@1", "-C", dir, "--why", "x")
	if b, err := os.ReadFile(file); code != 1 || err != nil || string(b) != edited || !strings.Contains(errs, "is not what is served, which is version 3: 2 records") || !strings.Contains(errs, "hopnhat zone diff moi.example@3 moi.example@1 --view internet") {
		t.Errorf("exit %d %s", code, errs)
	}
	if err := os.WriteFile(file, []byte("@ SOA broken\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := runIn(t, "zone", "restore", "moi.example@1", "-C", dir, "--why", "x"); code != 1 || !strings.Contains(errs, "hopnhat zone show moi.example@1") {
		t.Errorf("exit %d %s", code, errs)
	}
	if err := os.WriteFile(file, []byte(moiZone), 0o644); err != nil {
		t.Fatal(err)
	}
	// Without a server the file is edited all the same.
	code, out, errs := runIn(t, "zone", "restore", "moi.example@2", "-C", dir, "--why", "x")
	if code != 0 || !strings.Contains(out, "holds version 2 again, under serial 10") || !strings.Contains(errs, "no server listens") {
		t.Errorf("exit %d %s%s", code, out, errs)
	}
	if got := stated(t, dir); !got.WithSerial(8).Equal(versions[1]) {
		t.Errorf("%v", zones.Diff(versions[1], got))
	}
}
