package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/control"
	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/verify"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/cutover"
)

const planHash = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// desk is a server that answers one status and notes what it was asked.
type desk struct {
	mu     sync.Mutex
	status control.Status
	err    error
	asked  []string
}

func (d *desk) Handle(_ context.Context, _ control.Peer, r control.Request, say func(string)) (any, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = append(d.asked, r.Command+" "+string(r.Args))
	if r.Command == control.ReloadCommand {
		return control.Reloaded{Format: 1, Zones: []control.Change{{Zone: "gialai.gov.vn", View: "internet", From: 7, To: 8, Removed: 1, Added: 2}}, Notes: []string{"a note"}}, d.err
	}
	if r.Command == control.ScheduleCommand {
		say("proving 4 steps")
	}
	return d.status, d.err
}

// inSeptember is an hour of UTC, in the zone of the cutover's date.
func inSeptember(d, h int) time.Time {
	return time.Date(2025, 9, d, h, 0, 0, 0, time.UTC).In(time.FixedZone("", 7*3600))
}

func scheduled() control.Status {
	return control.Status{
		Format: control.StatusFormat, Time: inSeptember(1, 0), Folder: "/srv/dns", State: control.Waiting,
		Plan: &control.Plan{
			Hash: planHash, Cutover: inSeptember(1, 3), Window: inSeptember(3, 3), Made: inSeptember(1, 0), By: "lan", Why: "gộp tỉnh", Document: "12/QĐ-UBND",
			Preserved: true, Verdict: "preserved", Changes: []control.Change{{Zone: "gialai.gov.vn", View: "internet", From: 7, To: 9, Removed: 3, Added: 5}},
		},
		Steps: []control.Step{
			{Kind: "lower", At: inSeptember(1, 1), Taken: inSeptember(1, 1), Verified: &control.Verified{At: inSeptember(1, 2), OK: true, Says: "9 of 9 servers"}},
			{Kind: "switch", At: inSeptember(1, 3), Earliest: inSeptember(1, 3)},
		},
		Next:      &control.Next{Kind: "switch", At: inSeptember(1, 3)},
		Approvals: control.Approvals{Needed: 2, By: []control.Approval{{User: "lan", At: inSeptember(1, 0)}}},
		Published: &control.Published{Step: "lower", At: inSeptember(1, 1), Who: "hopnhat"},
		Zones:     []control.Zone{{Zone: "gialai.gov.vn", View: "internet", Serial: 8}},
	}
}

func held() control.Status {
	s := scheduled()
	s.State, s.Held = control.Held, &control.Hold{Why: "ns2 answers NXDOMAIN", Since: inSeptember(1, 4)}
	s.Rollback = "hopnhat cutover rollback --why '…' -C /srv/dns"
	s.Release = "hopnhat cutover release --why '…' -C /srv/dns"
	return s
}

// atDesk serves a status, and runs a command line against it.
func atDesk(t *testing.T, s control.Status) (d *desk, run func(args ...string) (int, string, string)) {
	t.Helper()
	d = &desk{status: s}
	path := filepath.Join(t.TempDir(), control.File)
	server, err := control.Listen(path, "", d, new(bytes.Buffer))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	return d, func(args ...string) (int, string, string) {
		var out, errw bytes.Buffer
		code := Main(append(args, "--socket", path), strings.NewReader(""), &out, &errw)
		return code, out.String(), errw.String()
	}
}

func TestCutoverStatus(t *testing.T) {
	_, run := atDesk(t, scheduled())
	code, out, errs := run("cutover", "status", "--lang", "en")
	want := `cutover of 2025-09-01 10:00:00 +07:00: waits for its next step
next: switch at 2025-09-01 10:00:00 +07:00 (in 3 h)
plan ` + planHash + `, made 2025-09-01 07:00:00 +07:00 by lan: gộp tỉnh (12/QĐ-UBND)
  wave  step    planned                     earliest                    taken                       verified
        lower   2025-09-01 08:00:00 +07:00                              2025-09-01 08:00:00 +07:00  well: 9 of 9 servers
        switch  2025-09-01 10:00:00 +07:00  2025-09-01 10:00:00 +07:00                              
  gialai.gov.vn (internet): serial 9, was 7; 3 records gone, 5 new
proof: PRESERVED: every name answers as it did, or as was decided
a rollback is possible until 2025-09-03 10:00:00 +07:00
approvals: 1 of 2: lan at 2025-09-01 07:00:00 +07:00
published last: lower at 2025-09-01 08:00:00 +07:00 by hopnhat
gialai.gov.vn (internet): serial 8
`
	if code != 0 || out != want || errs != "" {
		t.Errorf("exit %d, %q\n%s\nwant\n%s", code, errs, out, want)
	}
}

// TestCutoverAlarm: who must look is told so, by the exit code and in one line
// that says the way back; in JSON by the state.
func TestCutoverAlarm(t *testing.T) {
	missed := scheduled()
	missed.State, missed.Missed = control.Missed, &control.Miss{At: inSeptember(1, 3), Grace: "2h0m0s"}
	missed.Next.Waits = "the switch of 2025-09-01T10:00:00+07:00 was not made in time"
	jumped, unsynced := scheduled(), scheduled()
	jumped.Clock = &control.Clock{Kind: "jumped", At: inSeptember(1, 3), By: "-5m0s", Says: "x"}
	unsynced.Clock = &control.Clock{Kind: "unsynchronised", Says: "x"}
	jumped.Release, unsynced.Release = held().Release, held().Release
	mute, unapproved, full, other := held(), held(), held(), held()
	mute.Held.Cause, mute.Held.Verdict = control.ByVerification, &control.Verdict{Faults: []control.Fault{{Kind: verify.SilentOnes, Role: "secondary", Name: "ns2", Address: "192.0.2.2:53", Count: 2, Of: 8}}}
	unapproved.Release, unapproved.Held.Cause, unapproved.Next.Waits = "", control.ByApprovals, "the plan has 1 of 2 approvals"
	full.Release, full.Held.Why = "", "the step \"switch\" is due and not taken: no space left"
	other.Release, other.Next.Waits = "", "ns2 answers NXDOMAIN"
	unkept := held()
	unkept.Release, unkept.Next.Waits, unkept.Next.Cause = "", "the verification of the step before", control.Unverified
	failed := scheduled()
	failed.Steps[0].Verified = &control.Verified{At: inSeptember(1, 2), Says: "ns2 is silent"}
	for _, c := range []struct {
		s    control.Status
		lang string
		want string
	}{
		{held(), "en", "ALARM: held since 2025-09-01 11:00:00 +07:00: ns2 answers NXDOMAIN; no step is taken by itself; to go back: hopnhat cutover rollback --why '…' -C /srv/dns; to go on: hopnhat cutover release --why '…' -C /srv/dns\n"},
		{held(), "vi", "BÁO ĐỘNG: tạm dừng từ 1/9/2025 11:00:00 +07:00: ns2 answers NXDOMAIN; không bước nào tự thực hiện; để quay lui: hopnhat cutover rollback --why '…' -C /srv/dns; để đi tiếp: hopnhat cutover release --why '…' -C /srv/dns\n"},
		{mute, "en", "; to go back: hopnhat cutover rollback --why '…' -C /srv/dns; to go on: mend what does not answer, or take it out of hopnhat.yaml and run `hopnhat reload`; then: hopnhat cutover release --why '…' -C /srv/dns\n"},
		{unapproved, "en", "the plan has 1 of 2 approvals; no step is taken by itself; to go back: hopnhat cutover rollback --why '…' -C /srv/dns; to go on: hopnhat cutover approve 0123456789abcdef -C /srv/dns\n"},
		{full, "en", "no space left; no step is taken by itself; to go back: hopnhat cutover rollback --why '…' -C /srv/dns; mend that and it goes on, without a command\n"},
		{unkept, "en", "/srv/dns; mend that and it goes on, without a command\n"},
		{other, "en", "NXDOMAIN; no step is taken by itself; to go back: hopnhat cutover rollback --why '…' -C /srv/dns\n"},
		{missed, "en", "ALARM: the switch of 2025-09-01 10:00:00 +07:00 was missed (grace 2h0m0s); nothing changes by itself; write a new date into consolidation.yaml and run `hopnhat cutover schedule`, or: hopnhat cutover now --why '…' -C /srv/dns\n"},
		{jumped, "en", "ALARM: no switch is made: the clock jumped back by 5m0s to 2025-09-01 10:00:00 +07:00; look at the time and set it right; to go on: hopnhat cutover release --why '…' -C /srv/dns\n"},
		{jumped, "vi", "BÁO ĐỘNG: không chuyển: đồng hồ nhảy lùi 5m0s, về 1/9/2025 10:00:00 +07:00; hãy xem giờ và chỉnh cho đúng; để đi tiếp: hopnhat cutover release --why '…' -C /srv/dns\n"},
		{unsynced, "vi", "BÁO ĐỘNG: không chuyển: đồng hồ chưa được đồng bộ: hãy xem dịch vụ giờ có chạy không (timedatectl, chronyc tracking); hãy xem giờ và chỉnh cho đúng; để đi tiếp: hopnhat cutover release --why '…' -C /srv/dns\n"},
		{failed, "en", "ALARM: servers do not answer as they should after the step lower: ns2 is silent\n"},
	} {
		_, run := atDesk(t, c.s)
		code, out, _ := run("cutover", "status", "--lang", c.lang)
		if code != 1 || !strings.HasSuffix(out, c.want) || strings.Count(out, "ALARM") > 1 || strings.Contains(out, "it waits: the switch") {
			t.Errorf("exit %d:\n%s\nwant at the end\n%s", code, out, c.want)
		}
		code, out, _ = run("cutover", "status", "--json")
		got, err := control.ParseStatus(json.RawMessage(out))
		if code != 1 || err != nil || got.State != c.s.State || !got.Alarms() {
			t.Errorf("exit %d, %v:\n%s", code, err, out)
		}
	}
}

// TestCutoverVerdict: what a verification found is said in both languages, from its
// numbers; what a server says that this program has no words for stays as it is.
func TestCutoverVerdict(t *testing.T) {
	en, vi := cutoverInEnglish(), cutoverInVietnamese()
	for _, c := range []struct {
		v    *control.Verdict
		want string
	}{
		{nil, "as the server says"},
		{&control.Verdict{Right: 5, Asked: 5, Servers: 2}, "5 trên 5 câu trả lời của 2 máy chủ là đúng"},
		{&control.Verdict{Faults: []control.Fault{{Kind: "new"}}}, "as the server says"},
		{
			&control.Verdict{Faults: []control.Fault{
				{Kind: "wrong", Role: "secondary", Name: "ns2", Address: "192.0.2.2:53", Count: 1, Of: 9, Such: "a.vn A", Want: "192.0.2.7", Got: "NXDOMAIN", Dig: "dig a.vn"},
				{Kind: "silent", Role: "resolver", Address: "192.0.2.3:53", Count: 2, Of: 8},
				{Kind: "wrong", Role: "listener", Name: "this server", Address: "127.0.0.1:53", Count: 3, Of: 4},
				{Kind: "link"},
				{Kind: "few", Count: 1, Of: 2, Need: 3},
			}},
			"kiểm tra không đạt: máy phụ ns2 (192.0.2.2:53): 1 trên 9 câu trả lời sai, chẳng hạn a.vn A: phải là 192.0.2.7, lại nhận NXDOMAIN; xem dig a.vn; " +
				"máy phân giải 192.0.2.3:53: 2 trên 8 câu hỏi không được trả lời; máy chủ này (127.0.0.1:53): 3 trên 4 câu trả lời sai; " +
				"không nơi nào ngoài máy chủ này trả lời: trước hết hãy xem đường truyền của chính nó; 1 nơi quan sát sai, 2 đúng: chưa đủ để tự quay lui (cần 3 nơi sai và quá bán)",
		},
	} {
		if got := vi.verdict(c.v, "as the server says"); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
	for _, kind := range []string{verify.WrongAnswers, verify.BehindZones, verify.SilentOnes, verify.RaisedTTLs, verify.Stopped, verify.Nothing, verify.Nobody, verify.Link, verify.Enough, verify.TooFew} {
		f := control.Fault{Kind: kind, Role: "secondary", Count: 11, Of: 12, Need: 13, Such: "SUCH", Want: "WANT", Got: "GOT", Dig: "DIG"}
		v := &control.Verdict{Faults: []control.Fault{f}}
		server, got := verify.Fault(f).String(), vi.verdict(v, "")
		if is := en.verdict(v, ""); is != "the verification failed: "+server {
			t.Errorf("%s: %q, and the server says %q", kind, is, server)
		}
		for _, part := range []string{"11", "12", "13", "SUCH", "WANT", "GOT", "DIG"} {
			if strings.Contains(server, part) != strings.Contains(got, part) {
				t.Errorf("%s: %q and %q do not tell the same: %s", kind, server, got, part)
			}
		}
		if got == "" || strings.Contains(got, "%!") {
			t.Errorf("%s: %q", kind, got)
		}
	}
}

// TestCutoverReasons: the same of what holds, and of what the next step waits for.
func TestCutoverReasons(t *testing.T) {
	s := held()
	s.Approvals.Needed = 2
	s.Clock = &control.Clock{Kind: "unsynchronised"}
	vi := cutoverInVietnamese()
	for _, c := range []struct {
		cause control.Cause
		want  string
	}{
		{"", "as written"},
		{"new", "as written"},
		{control.ByVerification, "kiểm tra không đạt: không có máy chủ hay máy phân giải nào được hỏi"},
		{control.ByClock, vi.clocks["unsynchronised"]},
		{control.ByApprovals, fmt.Sprintf("kế hoạch mới có %d trên 2 phê duyệt", len(s.Approvals.By))},
		{control.Unverified, "việc kiểm tra bước trước"},
		{control.ByPlan, "các tệp dẫn đến một kế hoạch khác với kế hoạch đã lên lịch"},
	} {
		v := &control.Verdict{Faults: []control.Fault{{Kind: "nobody"}}}
		if got := vi.reason(&s, c.cause, v, "as written"); got != c.want {
			t.Errorf("%s: %s, want %s", c.cause, got, c.want)
		}
	}
}

// TestCutoverApprove: what is approved is shown, and is the plan that was meant.
func TestCutoverApprove(t *testing.T) {
	d, run := atDesk(t, scheduled())
	code, out, errs := run("cutover", "approve", planHash, "--lang", "en", "--doc", "13/QĐ")
	if code != 0 || !strings.Contains(out, planHash) || !strings.Contains(out, "serial 9, was 7") || !strings.Contains(out, "PRESERVED") || !strings.Contains(out, "approved\n") {
		t.Errorf("exit %d, %s\n%s", code, errs, out)
	}
	if got := d.asked[len(d.asked)-1]; got != `cutover.approve {"plan":"`+planHash+`","document":"13/QĐ"}` {
		t.Errorf("asked %s", got)
	}
	stale := scheduled()
	stale.Stale = "the files lead to another plan: schedule it again (hopnhat cutover schedule)"
	none := scheduled()
	none.Plan = nil
	for _, c := range []struct {
		s          control.Status
		hash, want string
	}{
		{scheduled(), planHash[:8], "give the whole hash, " + planHash},
		{scheduled(), "fedcba9876543210", "the plan is now " + planHash + ", not fedcba9876543210"},
		{scheduled(), planHash[:7], "the plan is now"},
		{stale, planHash, "stale"},
		{none, planHash, "no plan to approve"},
	} {
		d, run := atDesk(t, c.s)
		code, _, errs := run("cutover", "approve", c.hash, "--lang", "en")
		if code != 1 || !strings.Contains(errs, c.want) || strings.Count(errs, "schedule it again") > 1 {
			t.Errorf("%s: exit %d, %s, want %q", c.hash, code, errs, c.want)
		}
		if n := len(d.asked); n != 1 {
			t.Errorf("%s: asked %q", c.hash, d.asked)
		}
	}
	w := cutoverInEnglish()
	for typedText, want := range map[string]string{planHash[:8] + "\n": "", planHash: "", "\n": "not approved", "yes\n": "the plan is now", "fedcba98\n": "the plan is now"} {
		err := typed(w, bufio.NewReader(strings.NewReader(typedText)), planHash)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("typed %q: %v, want %q", typedText, err, want)
		}
	}
}

// TestCutoverOrders: each command asks for what it says, with its reason; those
// that undo something need one.
func TestCutoverOrders(t *testing.T) {
	for _, name := range []string{"now", "abort", "rollback", "hold", "release"} {
		d, run := atDesk(t, held())
		if code, _, errs := run("cutover", name); code != 1 || !strings.Contains(errs, "why") || len(d.asked) > 0 {
			t.Errorf("%s without a reason: exit %d, %s, asked %q", name, code, errs, d.asked)
		}
		code, out, _ := run("cutover", name, "--why", "ns2 fails", "--lang", "en")
		if want := `cutover.` + name + ` {"why":"ns2 fails"}`; code != 0 || len(d.asked) != 1 || d.asked[0] != want || !strings.Contains(out, "cutover of") {
			t.Errorf("%s: exit %d, asked %q\n%s", name, code, d.asked, out)
		}
		d.err = errors.New("it is too late for that")
		if code, _, errs := run("cutover", name, "--why", "x"); code != 1 || errs != "hopnhat: it is too late for that\n" {
			t.Errorf("%s refused: exit %d, %q", name, code, errs)
		}
	}
	_, run := atDesk(t, scheduled())
	code, out, errs := run("cutover", "schedule", "--lang", "en")
	if code != 0 || !strings.HasSuffix(out, "to approve it: hopnhat cutover approve 0123456789abcdef -C /srv/dns\n") || errs != "proving 4 steps\n" {
		t.Errorf("exit %d, %s\n%s", code, errs, out)
	}
}

func TestReload(t *testing.T) {
	t.Setenv("SUDO_USER", "")
	d, run := atDesk(t, scheduled())
	code, out, errs := run("reload", "--why", "a new host", "--doc", "14/QĐ", "--override", "all of it", "--who", "lan")
	if code != 0 || out != "published: gialai.gov.vn (internet): serial 8, was 7; 1 records gone, 2 new\n" || errs != "a note\n" {
		t.Errorf("exit %d, %s\n%s", code, errs, out)
	}
	if want := `reload {"who":"lan","why":"a new host","document":"14/QĐ","override":"all of it"}`; d.asked[0] != want {
		t.Errorf("asked %s", d.asked[0])
	}
	var none bytes.Buffer
	if code := Main([]string{"reload", "--state", t.TempDir()}, nil, &none, &none); code != 1 || !strings.Contains(none.String(), "start `hopnhat serve`") {
		t.Errorf("without a server: exit %d, %s", code, none.String())
	}
}

// TestSocket: a server listens where hopnhat.yaml says, with a state folder of its own
// too, and the commands of the workspace find it there.
func TestSocket(t *testing.T) {
	for _, c := range []struct{ conf, state, want string }{
		{"", "", "var/control.sock"},
		{"", "other", "other/control.sock"},
		{"control: {socket: run/x.sock}\n", "", "run/x.sock"},
		{"control: {socket: run/x.sock}\n", "other", "run/x.sock"},
	} {
		dir := t.TempDir()
		for name, text := range map[string]string{
			"hopnhat.yaml":           "version: 1\nlisteners: [{address: \"127.0.0.1:5300\", at: now}]\nsecondaries: [{name: ns2, address: 127.0.0.2}]\n" + c.conf,
			"consolidation.yaml":     "version: 1\ncutover: 2025-09-01\ntargets: [moi.example]\n",
			"zones/moi.example.zone": "$TTL 300\n@ SOA ns0 q 7 3600 600 86400 300\n@ NS ns0\nns0 A 192.0.2.1\n",
		} {
			file := filepath.Join(dir, name)
			if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
				t.Fatal(err)
			}
		}
		state := ""
		if c.state != "" {
			state = filepath.Join(dir, c.state)
		}
		var errw bytes.Buffer
		e := &env{in: strings.NewReader(""), out: &errw, err: &errw, now: time.Now}
		opts, _, err := (&serve{env: e, state: state, at: "now"}).stages(t.Context(), []string{dir})
		if err != nil {
			t.Fatal(err, errw.String())
		}
		if want := filepath.Join(dir, c.want); opts.Control != want {
			t.Errorf("%+v: serve listens at %s", c, opts.Control)
		}
		s := &status{env: e, state: state}
		_, _, err = s.listed([]string{dir}) // that nothing was published yet
		if s.socket != opts.Control {
			t.Errorf("%+v: status asks %s, %v", c, s.socket, err)
		}
		if state != "" && c.conf == "" {
			continue // the commands of the cutover are told by --state
		}
		if path, err := (&asker{env: e}).path([]string{dir}); err != nil || path != opts.Control {
			t.Errorf("%+v: cutover asks %s, %v", c, path, err)
		}
	}
}

// TestCutoverWords: both languages have all words, and the same places in them.
func TestCutoverWords(t *testing.T) {
	verbs := func(s string) string {
		var out []string
		for i := 0; i < len(s)-1; i++ {
			if s[i] == '%' {
				out = append(out, s[i:i+2])
			}
		}
		return strings.Join(out, " ")
	}
	en, vi := reflect.ValueOf(cutoverInEnglish()).Elem(), reflect.ValueOf(cutoverInVietnamese()).Elem()
	for i := range en.NumField() {
		name := en.Type().Field(i).Name
		a, b := en.Field(i), vi.Field(i)
		switch a.Kind() {
		case reflect.String:
			if a.String() == "" || b.String() == "" || verbs(a.String()) != verbs(b.String()) {
				t.Errorf("%s: %q, %q", name, a, b)
			}
		case reflect.Map:
			if a.Len() != b.Len() || a.Len() == 0 {
				t.Errorf("%s: %d and %d words", name, a.Len(), b.Len())
			}
			for _, k := range a.MapKeys() {
				if !b.MapIndex(k).IsValid() {
					t.Errorf("%s: no Vietnamese for %v", name, k)
				}
			}
		}
	}
}

// TestStepWords: a step has one name in a language, in the table, the status and the picture.
func TestStepWords(t *testing.T) {
	for drawn, said := range map[[7]string]map[string]string{cutover.English().Kinds: cutoverInEnglish().kinds, cutover.Vietnamese().Kinds: cutoverInVietnamese().kinds} {
		for k, word := range drawn {
			if kind := cutover.Kind(k).String(); said[kind] != word {
				t.Errorf("%s: %q is drawn, %q is said", kind, word, said[kind])
			}
		}
	}
	s := scheduled()
	s.Certificate = &control.Certificate{File: "proof.json, version 2", Fits: true}
	_, run := atDesk(t, s)
	if _, out, _ := run("cutover", "status", "--lang", "vi"); !strings.Contains(out, "chứng minh: GIỮ NGUYÊN") || !strings.Contains(out, "proof.json, phiên bản 2 ") || strings.Contains(out, "preserved") {
		t.Error(out)
	}
}

// TestStatusCutover: status says in one line that a cutover needs somebody, and
// nothing of one that goes on or of a server that is not there.
func TestStatusCutover(t *testing.T) {
	for _, c := range []struct {
		status *control.Status
		alarm  bool
		state  string
	}{{new(held()), true, "held"}, {new(scheduled()), false, "waiting"}, {new(control.Status{Format: control.StatusFormat, State: control.None}), false, ""}, {nil, false, ""}} {
		dir := t.TempDir()
		if c.status != nil {
			server, err := control.Listen(filepath.Join(dir, control.File), "", &desk{status: *c.status}, new(bytes.Buffer))
			if err != nil {
				t.Fatal(err)
			}
			defer server.Close()
		}
		var out, errw bytes.Buffer
		args := []string{"status", "--server", "127.0.0.1:1", "--secondary", "127.0.0.1:1", "--wait", "50ms", "--state", dir, "example.com"}
		if code := Main(args, nil, &out, &errw); code != 1 || errw.Len() > 0 || strings.Contains(out.String(), "\nALARM: held since") != c.alarm {
			t.Errorf("%s: exit %d, %s\n%s", c.state, code, &errw, &out)
		}
		out.Reset()
		_ = Main(append(args, "--json"), nil, &out, &errw)
		var got statusReport
		if err := json.Unmarshal(out.Bytes(), &got); err != nil || (got.Cutover != nil) != (c.state != "") || got.Cutover != nil && (got.Cutover.State != c.state || got.Cutover.Alarm != "" != c.alarm) {
			t.Errorf("%s: %v\n%s", c.state, err, &out)
		}
	}
	well := statusReport{}
	if !well.well() {
		t.Error("nothing is wrong")
	}
	if well.Cutover = (&statusCutover{State: "held", Alarm: "ALARM"}); well.well() {
		t.Error("a held cutover is well")
	}
}

// TestSocketInSpite: an edit of hopnhat.yaml that is not good keeps nobody from the
// server that runs; where that is not found, what names it is said.
func TestSocketInSpite(t *testing.T) {
	for _, c := range []struct{ conf, socket, want string }{
		{"version: 1\nx: [\n", "var/control.sock", "hopnhat.yaml:2:4: warning"},
		{"version: 1\ncontrol: {socket: run/c.sock}\nunknown: 1\n", "run/c.sock", "hopnhat.yaml:3:1: warning"},
		{"version: 1\nstate: [x]\n", "var/control.sock", "hopnhat.yaml:2:8: warning"},
		{"", "var/control.sock", "hopnhat.yaml: warning: the file cannot be read"},
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, c.socket)
		if err := os.Mkdir(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if c.conf != "" {
			if err := os.WriteFile(filepath.Join(dir, "hopnhat.yaml"), []byte(c.conf), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		abort := func() (int, string) {
			var out, errw bytes.Buffer
			code := Main([]string{"cutover", "abort", dir, "--why", "urgent"}, nil, &out, &errw)
			return code, errw.String()
		}
		if code, errs := abort(); code != 1 || !strings.Contains(errs, "--socket PATH") || !strings.Contains(errs, "--state DIR") {
			t.Errorf("%q without a server: exit %d, %s", c.conf, code, errs)
		}
		d := &desk{status: scheduled()}
		server, err := control.Listen(path, "", d, new(bytes.Buffer))
		if err != nil {
			t.Fatal(err)
		}
		code, errs := abort()
		_ = server.Close()
		if code != 0 || len(d.asked) != 1 || !strings.HasPrefix(d.asked[0], "cutover.abort ") || !strings.Contains(errs, c.want) || !strings.Contains(errs, path+" is asked") {
			t.Errorf("%q: exit %d, asked %v\n%s", c.conf, code, d.asked, errs)
		}
	}
}

// TestStatusWithoutSecondaries: that no server runs is said before what hopnhat.yaml lacks.
func TestStatusWithoutSecondaries(t *testing.T) {
	dir := t.TempDir()
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "var"), 0o755), os.WriteFile(filepath.Join(dir, "hopnhat.yaml"), []byte("version: 1\n"), 0o644)); err != nil {
		t.Fatal(err)
	}
	says := func() string {
		var out, errw bytes.Buffer
		if code := Main([]string{"status", dir}, nil, &out, &errw); code != 1 {
			t.Errorf("exit %d", code)
		}
		return errw.String()
	}
	if got := says(); !strings.Contains(got, "no server listens") || strings.Contains(got, "no secondaries") {
		t.Error(got)
	}
	server, err := control.Listen(filepath.Join(dir, "var", control.File), "", &desk{status: control.Status{Format: control.StatusFormat, State: control.None}}, new(bytes.Buffer))
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	if got := says(); !strings.Contains(got, "hopnhat.yaml: no secondaries; write one such as") {
		t.Error(got)
	}
}

// TestStatusPlaced: instants are of the workspace's time zone.
func TestStatusPlaced(t *testing.T) {
	since := time.Date(2025, 8, 31, 17, 0, 0, 0, time.UTC)
	serial := zones.Serial(7)
	r := statusReport{Time: since.Add(time.Minute), in: time.FixedZone("", 7*3600), Zones: []statusZone{{Zone: "a", View: "internet", Serial: &serial, Since: &since}}}
	var out bytes.Buffer
	if r.print(&out); !strings.Contains(out.String(), "since 2025-09-01 00:00:00 +07:00 (60 s)") {
		t.Error(out.String())
	}
}

// TestStatusJSON: an instant that there is none of is not there.
func TestStatusJSON(t *testing.T) {
	b, err := json.Marshal(control.Status{Plan: &control.Plan{}, Steps: []control.Step{{}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"earliest", "announce", "window", "taken"} {
		if strings.Contains(string(b), `"`+key+`"`) {
			t.Errorf("%s of nothing: %s", key, b)
		}
	}
}
