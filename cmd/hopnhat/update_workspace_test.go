package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// TestUpdateWorkspace updates names of the sample's world after the cutover. The
// change is an edit of the file in which the name stands: it shows at the new name,
// under follow at the old name too, before and after, and in the ledger; all other
// lines of all files stay. What comes from a sheet or from Windows, or would be
// hidden by a decision, is refused and changes nothing.
func TestUpdateWorkspace(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "gialai")
	if err := os.CopyFS(dir, os.DirFS(sampleDir)); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(dir, "var")); err != nil { // of make run
		t.Fatal(err)
	}
	key := writeUpdateKey(t, dir)
	before, after := freePort(t, "127.0.0.1"), freePort(t, "127.0.0.1")
	write(t, filepath.Join(dir, "hopnhat.yaml"), fmt.Sprintf(`version: 1
listeners:
  - {address: %q, at: before}
  - {address: %q, at: after}
keys: update.key
updates:
  - {key: %s, names: ["*.gialai.gov.vn", "*.binhdinh.gov.vn"]}
`, before, after, strings.TrimSuffix(updateKeyName, ".")))
	rules := filepath.Join(dir, "consolidation.yaml")
	text, err := os.ReadFile(rules)
	if err != nil || !strings.Contains(string(text), "\nrules:") {
		t.Fatal("no rules", err)
	}
	at := strings.Index(string(text), "\n  - {from:")
	write(t, rules, string(text[:at])+"\n  - {from: anduc.binhdinh.gov.vn, types: [HINFO], drop: true, why: thử, by: skhcn, doc: mau}"+string(text[at:]))
	p := start(t, "hopnhat", after, []zoneFile{{origin: "gialai.gov.vn"}}, hopnhat(t), "serve", dir)
	ask := func(at string, name string, typ uint16) string {
		addr := after
		if at == "before" {
			addr = before
		}
		m, err := exchange(addr, dns.Fqdn(name), typ)
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, rr := range m.Answer {
			all = append(all, strings.TrimPrefix(rr.String(), rr.Header().String()))
		}
		return strings.Join(all, " ")
	}
	send := func(zone, lines string) string {
		cmd := exec.Command(need(t, "nsupdate"), "-d", "-k", key)
		cmd.Stdin = strings.NewReader(fmt.Sprintf("server 127.0.0.1 %d\nzone %s\n%ssend\n", after.Port(), zone, lines))
		out, _ := cmd.CombinedOutput()
		m := regexp.MustCompile(`opcode: UPDATE, status: (\w+)`).FindAllSubmatch(out, -1)
		if m == nil {
			t.Fatalf("nsupdate heard nothing:\n%s\n%s", out, p.log)
		}
		return string(m[len(m)-1][1])
	}
	files := func() map[string]string {
		all := map[string]string{}
		for _, name := range changedFiles(t, dir, sampleDir) {
			all[name] = lineDiff(t, filepath.Join(sampleDir, name), filepath.Join(dir, name))
		}
		return all
	}

	// mail comes from Bình Định by a decision; its old name follows.
	if got := send("gialai.gov.vn", "update delete mail.gialai.gov.vn A\nupdate add mail.gialai.gov.vn 86400 A 203.0.113.99\n"); got != "NOERROR" {
		t.Fatalf("mail: %s\n%s", got, p.log)
	}
	for _, q := range []string{"after mail.gialai.gov.vn", "after mail.binhdinh.gov.vn", "before mail.binhdinh.gov.vn"} {
		at, name, _ := strings.Cut(q, " ")
		if got := ask(at, name, dns.TypeA); got != "203.0.113.99" {
			t.Errorf("%s: %s", q, got)
		}
	}
	if got := ask("before", "mail.gialai.gov.vn", dns.TypeA); got != "198.51.100.11" {
		t.Errorf("the name that stood there before: %s", got)
	}
	// A name that today's zone alone has, and a new name.
	if got := send("gialai.gov.vn", "update add _acme-challenge.mail.gialai.gov.vn 60 TXT token\n"); got != "NOERROR" {
		t.Fatalf("a challenge: %s\n%s", got, p.log)
	}
	for _, at := range []string{"before", "after"} {
		if got := ask(at, "_acme-challenge.mail.gialai.gov.vn", dns.TypeTXT); got != `"token"` {
			t.Errorf("the challenge %s: %s", at, got)
		}
	}
	// At the old name: the new one has it too.
	if got := send("binhdinh.gov.vn", "update add anduc.binhdinh.gov.vn 300 TXT xin-chao\n"); got != "NOERROR" {
		t.Fatalf("an old name: %s\n%s", got, p.log)
	}
	for _, name := range []string{"anduc.binhdinh.gov.vn", "anduc.gialai.gov.vn"} {
		if got := ask("after", name, dns.TypeTXT); got != `"xin-chao"` {
			t.Errorf("%s: %s", name, got)
		}
	}

	want := map[string]string{
		"sources/binhdinh/db.binhdinh.gov.vn": "-@ soa ns1 quantri\\.mang (2025082001 1h 15m 2w\n-mail              a     203.0.113.11\n+@ soa ns1 quantri\\.mang (2025082005 1h 15m 2w\n+mail              a     203.0.113.99\n",
		"zones/gialai.gov.vn.zone":            "-\t\t\t2025081802\t; serial: ngày sửa + lần sửa trong ngày\n+\t\t\t2025081804\t; serial: ngày sửa + lần sửa trong ngày\n",
	}
	got := files()
	for name, diff := range want {
		if got[name] != diff {
			t.Errorf("%s:\n%s\nwant\n%s", name, got[name], diff)
		}
		delete(got, name)
	}
	added := ""
	for name, diff := range got {
		if strings.Contains(diff, "\n-") || strings.HasPrefix(diff, "-") {
			t.Errorf("%s:\n%s", name, diff)
		}
		added += diff
	}
	if strings.Count(added, "\n") != 2 || !strings.Contains(added, "token") || !strings.Contains(added, "xin-chao") {
		t.Errorf("added:\n%s", added)
	}
	out, errs, code := run(t, "-C", dir, "explain", "mail.gialai.gov.vn", "A")
	if code != 0 || !strings.Contains(out, "203.0.113.99") {
		t.Errorf("explain: %d\n%s%s", code, out, errs)
	}

	// Refused, and nothing is left of it.
	unchanged := files()
	for _, c := range []struct{ zone, lines string }{
		{"gialai.gov.vn", "update add anduc.gialai.gov.vn 60 HINFO a b\n"},                          // a rule drops it on the way
		{"gialai.gov.vn", "update delete huyenvancanh.gialai.gov.vn\n"},                             // from Windows
		{"gialai.gov.vn", "update add huyentuyphuoc.gialai.gov.vn 60 TXT x\n"},                      // from a sheet
		{"gialai.gov.vn", "update delete www.example.org A\n"},                                      // another zone
		{"binhdinh.gov.vn", "update add anduc.binhdinh.gov.vn 60 CNAME www.binhdinh.gov.vn\n"},      // passed over: it has other data
		{"gialai.gov.vn", "prereq nxdomain mail.gialai.gov.vn\nupdate delete mail.gialai.gov.vn\n"}, // a prerequisite
	} {
		before := ask("after", "gialai.gov.vn", dns.TypeSOA)
		got := send(c.zone, c.lines)
		t.Logf("%s: %s", strings.TrimSpace(c.lines), got)
		if strings.Contains(c.lines, "CNAME") != (got == "NOERROR") {
			t.Errorf("%s: %s", c.lines, got)
		}
		if after := ask("after", "gialai.gov.vn", dns.TypeSOA); after != before {
			t.Errorf("%s: %s, then %s", c.lines, before, after)
		}
	}
	now := files()
	for name, diff := range now {
		if unchanged[name] != diff {
			t.Errorf("%s after refused updates:\n%s\nbefore:\n%s", name, diff, unchanged[name])
		}
	}
}

// changedFiles lists the files of a folder that another has with other octets.
func changedFiles(t testing.TB, dir, was string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(was, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, _ := filepath.Rel(was, path)
		if strings.HasPrefix(name, "var"+string(filepath.Separator)) {
			return nil
		}
		a, err1 := os.ReadFile(path)
		b, err2 := os.ReadFile(filepath.Join(dir, name))
		if err1 != nil || err2 != nil {
			return fmt.Errorf("%s: %v, %v", name, err1, err2)
		}
		if string(a) != string(b) && name != "hopnhat.yaml" && name != "consolidation.yaml" {
			names = append(names, filepath.ToSlash(name))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// lineDiff gives the lines that differ, as diff does, those that go first.
func lineDiff(t testing.TB, a, b string) string {
	t.Helper()
	out, _ := exec.Command("diff", "--unchanged-line-format=", "--old-line-format=-%L", "--new-line-format=+%L", a, b).Output()
	var gone, come strings.Builder
	for line := range strings.SplitAfterSeq(string(out), "\n") {
		switch {
		case strings.HasPrefix(line, "-"):
			gone.WriteString(line)
		case strings.HasPrefix(line, "+"):
			come.WriteString(line)
		}
	}
	return gone.String() + come.String()
}
