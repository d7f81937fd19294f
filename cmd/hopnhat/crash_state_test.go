package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/cutover"
	"gialai.gov.vn/hopnhat/zones/history"
)

// fails starts a server of a workspace that must end by itself, and gives what it
// said.
func (w *crashWorkspace) fails() string {
	w.Helper()
	p := w.launch()
	select {
	case err := <-p.ended:
		p.ended <- err
		if err == nil {
			w.Errorf("it ended well:\n%s", p.log)
		}
	case <-time.After(patience):
		w.Fatalf("it goes on:\n%s", p.log)
	}
	return p.log.String()
}

// TestCrashState starts a server in the middle of a timeline on what is left of its
// state folder. It serves what was published last, or says what is missing; it never
// begins at the world before the cutover as if nothing had been.
func TestCrashState(t *testing.T) {
	t.Parallel()
	source := newCrashWorkspace(t)
	source.rehearsed()
	lose := func(w *crashWorkspace, name string) {
		w.Helper()
		if err := os.RemoveAll(filepath.Join(w.state, name)); err != nil {
			w.Fatal(err)
		}
	}
	t.Run("no history", func(t *testing.T) {
		w := source.from(t)
		lose(w, "history")
		if log := w.fails(); !strings.Contains(log, "history: ") || !strings.Contains(log, "backup") {
			t.Errorf("it says:\n%s", log)
		}
		if err := os.Mkdir(filepath.Join(w.state, "history"), 0o755); err != nil { // as it says, to begin anew
			t.Fatal(err)
		}
		w.begin()
	})
	t.Run("no log", func(t *testing.T) {
		w := source.from(t)
		lose(w, "history/log")
		for range 2 { // the first leaves no more than it found
			if log := w.fails(); !strings.Contains(log, "the log is missing") || !strings.Contains(log, "backup") {
				t.Errorf("it says:\n%s", log)
			}
		}
	})
	t.Run("no version", func(t *testing.T) {
		w := source.from(t)
		lose(w, "history/zones/tslcd~gialai.gov.vn")
		// The rest is served as it was, and the zone as the files have it at this step:
		// under the next serial, since what went out under the last one is not known.
		w.configure(1)
		p := w.begin()
		if log := p.log.String(); !strings.Contains(log, "tslcd~gialai.gov.vn") || !strings.Contains(log, "backup") {
			t.Errorf("it says:\n%s", log)
		}
		was := source.others() // whose history is whole
		want := was[len(was)-1]
		anew := want.Zone(zones.ID{Origin: zones.MustName("gialai.gov.vn"), View: "tslcd"})
		want = want.With(anew.WithSerial(anew.Serial().Next()))
		if d := w.serves(want, was...); d != "" {
			t.Error(d)
		}
	})
	t.Run("no head", func(t *testing.T) {
		w := source.from(t)
		lose(w, "history/head")
		w.configure(1)
		w.begin()
		was := w.others()
		if d := w.serves(was[len(was)-1], was...); d != "" {
			t.Error(d)
		}
		if out, _, code := run(t, "cutover", "status", "--lang", "en", "--state", w.state); code != 1 || !strings.Contains(out, "may lack events that had been written") {
			t.Errorf("exit %d:\n%s", code, out)
		}
	})
	t.Run("no serials", func(t *testing.T) {
		w := source.from(t)
		lose(w, "serials.json")
		w.standsStill()
		w.closes()
	})
	t.Run("two servers", func(t *testing.T) {
		w := source.from(t)
		w.begin()
		other := source.from(t)
		other.state = w.state
		other.addrs = newCrashWorkspace(t).addrs
		other.configure(0)
		if log := other.fails(); !strings.Contains(log, "another server") || !strings.Contains(log, "--state") {
			t.Errorf("it says:\n%s", log)
		}
	})
	t.Run("clock set back", func(t *testing.T) {
		w := source.from(t)
		// The log is of two days from now.
		h, _, err := history.Open(history.OS(filepath.Join(w.state, "history")))
		if err != nil {
			t.Fatal(err)
		}
		at := time.Now().Add(48 * time.Hour).UTC().Round(0)
		data, err := json.Marshal(map[string]cutover.Event{"event": {At: at, Kind: cutover.Verified, OK: true, Who: "x", UID: -1, Why: "right"}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.Append(history.Event{Kind: string(cutover.Verified), Entry: history.Entry{At: at, Who: "x"}, Data: data}); err != nil {
			t.Fatal(err)
		}
		w.put("hopnhat.yaml", strings.Replace(w.read("hopnhat.yaml"), "clock: unchecked", "clock: synchronised", 1))
		p := w.begin()
		eventually(t, p.peer, "the clock is told", func() bool {
			log := p.log.String()
			return strings.Contains(log, "before the last event of the log") && strings.Contains(log, "verified: ") && w.taken() == 1
		})
		was := w.others()
		if d := w.serves(was[len(was)-1], was...); d != "" || w.taken() != 1 {
			t.Errorf("%d steps were taken\n%s", w.taken(), d)
		}
	})
}

// TestCrashLog starts a server on a log that lost its end, with and without what tells
// so. It serves what the log still says, under serials later than all that went out,
// and holds the timeline, over restarts too, until somebody releases it.
func TestCrashLog(t *testing.T) {
	t.Parallel()
	source := newCrashWorkspace(t)
	source.rehearsed()
	source.closes()
	was := source.others()
	const at = 3 // the switch, of those that were published; remove is what it would take next
	for name, lost := range map[string][]string{
		"cut":             {},
		"cut, no head":    {"history/head"},
		"cut, no serials": {"serials.json"},
		"cut, neither":    {"history/head", "serials.json"},
	} {
		t.Run(name, func(t *testing.T) {
			w := source.from(t)
			path := filepath.Join(w.state, "history", "log")
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var kept []byte
			published := 0
			for line := range bytes.Lines(b) {
				if bytes.Contains(line, []byte(`"event":{`)) && bytes.Contains(line, []byte(`"zones":[`)) {
					if published++; published > at+1 {
						break
					}
				}
				kept = append(kept, line...)
			}
			if err := os.WriteFile(path, kept, 0o644); err != nil {
				t.Fatal(err)
			}
			for _, name := range lost {
				if err := os.Remove(filepath.Join(w.state, name)); err != nil {
					t.Fatal(err)
				}
			}
			want := was[at]
			for z := range was[at].All() {
				last := z
				for _, other := range was {
					if o := other.Zone(z.ID()); last.Serial().Before(o.Serial()) {
						last = o
					}
				}
				if serial := last.Serial(); z.WithSerial(serial).Equal(last) {
					want = want.With(z.WithSerial(serial))
				} else {
					want = want.With(z.WithSerial(serial.Next()))
				}
			}
			if want.Digest() == was[at].Digest() {
				t.Fatal("no zone changed after the switch")
			}
			for range 2 {
				p := w.begin()
				eventually(t, p.peer, "it is held", func() bool {
					out, _, code := run(t, "cutover", "status", "--lang", "en", "--state", w.state)
					return code == 1 && strings.Contains(out, "may lack events that had been written") && strings.Contains(out, "hopnhat cutover release")
				})
				if d := w.serves(want, was...); d != "" {
					t.Errorf("%s\n%s", d, p.log)
				}
				if log := p.log.String(); strings.Count(log, "ALARM") != 1 || strings.Contains(log, "served from now on") {
					t.Errorf("it says:\n%s", log)
				}
				if err := p.end(syscall.SIGKILL); err != nil {
					t.Fatal(err)
				}
			}
			p := w.begin()
			if _, errs, code := run(t, "cutover", "release", "--why", "looked at", "--state", w.state); code != 0 {
				t.Fatal(errs)
			}
			if err := p.end(syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			p = w.begin()
			if out, _, _ := run(t, "cutover", "status", "--lang", "en", "--state", w.state); strings.Contains(out, "may lack events") || strings.Contains(p.log.String(), "may lack events") {
				t.Errorf("it was released, and is held again:\n%s\n%s", out, p.log)
			}
			if d := w.serves(want, was...); d != "" {
				t.Errorf("%s\n%s", d, p.log)
			}
		})
	}
}

// TestCrashLogLine: of the log one line in the middle is damaged, so that those after it
// do not follow from those before. What was published last is served, and it is held.
func TestCrashLogLine(t *testing.T) {
	t.Parallel()
	w := newCrashWorkspace(t)
	w.rehearsed()
	was, _ := w.last(false)
	path := filepath.Join(w.state, "history", "log")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	bad := bytes.Replace(b, []byte(`"kind":"scheduled"`), []byte(`"kind":"sxheduled"`), 1)
	if bytes.Equal(b, bad) {
		t.Fatal("nothing was scheduled")
	}
	if err := os.WriteFile(path, bad, 0o644); err != nil {
		t.Fatal(err)
	}
	p := w.begin()
	out, _, code := run(t, "cutover", "status", "--lang", "en", "--state", w.state)
	if code != 1 || !strings.Contains(out, "may lack events that had been written") || strings.Count(p.log.String(), "ALARM") != 1 {
		t.Errorf("exit %d:\n%s\n%s", code, out, p.log)
	}
	if d := w.serves(was); d != "" {
		t.Error(d)
	}
}

// TestCrashFiles starts a server in the middle of a timeline while a file of the
// workspace is half edited. It serves what was published last, whole, takes no step and
// says what is wrong where; when that is mended it goes on to the timeline's end.
func TestCrashFiles(t *testing.T) {
	t.Parallel()
	source := newCrashWorkspace(t)
	source.rehearsed()
	for name, c := range map[string]struct{ file, text, says string }{
		"bad zone":          {"zones/gialai.gov.vn.zone", crashTarget + "bad A 1.2\n", "zones/gialai.gov.vn.zone:8:7: error: "},
		"bad source":        {"sources/tslcd.zone", crashSource + "bad A 1.2\n", "sources/tslcd.zone:8:7: error: "},
		"bad consolidation": {"consolidation.yaml", strings.Replace(crashRules, "[gialai.gov.vn]", "[gialai.gov.vn", 1), "consolidation.yaml:3:10: error: "},
		"no zone":           {"zones/tslcd/gialai.gov.vn.zone", "", "zones/tslcd/gialai.gov.vn.zone: error: the file is missing"},
		"no source":         {"sources/internet.zone", "", "sources/internet.zone: the file does not exist"},
		"open conflict":     {"consolidation.yaml", strings.Replace(crashRules, "  - {at: www.gialai.gov.vn, take: source, target-becomes: www-cu.gialai.gov.vn, why: Cổng chung, by: skhcn, doc: kh106}\n", "", 1), "the files lead to another plan"},
	} {
		t.Run(name, func(t *testing.T) {
			w := source.from(t)
			good := w.read(c.file)
			if c.text == "" {
				if err := os.Remove(filepath.Join(w.dir, c.file)); err != nil {
					t.Fatal(err)
				}
			} else {
				w.put(c.file, c.text)
			}
			was, event := w.last(false)
			p := w.begin()
			var out string
			eventually(t, p.peer, "an alarm", func() (alarm bool) {
				var code int
				out, _, code = run(t, "cutover", "status", "--lang", "en", "--state", w.state)
				return code == 1 && strings.Contains(out, "ALARM: held since")
			})
			if all := out + p.log.String(); !strings.Contains(all, c.says) || strings.Count(p.log.String(), "ALARM") != 1 {
				t.Errorf("it lacks %q:\n%s\n%s", c.says, out, p.log)
			}
			if d := w.serves(was, w.others()...); d != "" {
				t.Error(d)
			}
			if _, now := w.last(false); now.N != event.N {
				t.Errorf("event %d (%s) was published on files that are not right", now.N, now.Kind)
			}
			w.put(c.file, good)
			if name == "open conflict" {
				p.hup(t) // it was loaded, and leads elsewhere
			}
			eventually(t, p.peer, "the timeline's end", func() bool { return w.taken() == len(crashSteps) })
			world, _ := w.last(false)
			if d := w.serves(world, w.others()...); d != "" {
				t.Error(d)
			}
		})
	}
	t.Run("no history", func(t *testing.T) {
		w := newCrashWorkspace(t)
		w.put("zones/gialai.gov.vn.zone", crashTarget+"bad A 1.2\n")
		if log := w.fails(); !strings.Contains(log, "zones/gialai.gov.vn.zone:8:7: error: ") {
			t.Errorf("it says:\n%s", log)
		}
	})
	t.Run("bad configuration", func(t *testing.T) {
		w := source.from(t)
		w.put("hopnhat.yaml", w.read("hopnhat.yaml")+"listener: x\n")
		if log := w.fails(); !strings.Contains(log, "hopnhat.yaml:") {
			t.Errorf("it says:\n%s", log)
		}
	})
}

// TestCrashZoneFile: a zone file without a workspace is half edited while its server
// starts. What was published last is served, until the file is mended.
func TestCrashZoneFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, state := filepath.Join(dir, "example.vn.zone"), filepath.Join(dir, "var")
	put(t, file, fmt.Sprintf(smallZone, 7, "192.0.2.10"), 1)
	p := serveFile(t, "127.0.0.1", file, state)
	p.kill()
	put(t, file, fmt.Sprintf(smallZone, 8, "192.0.2"), 2)
	p = serveFile(t, "127.0.0.1", file, state)
	if log := p.log.String(); p.www() != "192.0.2.10" || p.serial() != 7 || !strings.Contains(log, "example.vn.zone:5:") || !strings.Contains(log, "serial 7") {
		t.Errorf("%s, serial %d:\n%s", p.www(), p.serial(), log)
	}
	put(t, file, fmt.Sprintf(smallZone, 8, "192.0.2.12"), 3)
	eventually(t, p, "the mended file", func() bool { return p.www() == "192.0.2.12" && p.serial() == 8 })
}

// TestCrashForbidden: the state folder is somebody else's, or cannot be made. The
// server does not start, and says what it may not write.
func TestCrashForbidden(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("only root can start a server as another user; run as root")
	}
	w := newCrashWorkspace(t)
	w.rehearsed()
	public := filepath.Join(filepath.Dir(w.dir), "hopnhat")
	b, err := os.ReadFile(hopnhat(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(public, b, 0o755); err != nil {
		t.Fatal(err)
	}
	for p := filepath.Dir(w.dir); p != "/" && p != os.TempDir(); p = filepath.Dir(p) {
		if err := os.Chmod(p, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, state := range []string{w.state, filepath.Join(filepath.Dir(w.dir), "none")} {
		cmd := exec.Command(need(t, "setpriv"), "--reuid", "65534", "--regid", "65534", "--clear-groups", public, "serve", w.dir, "--state", state)
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), syscall.EACCES.Error()) || !strings.Contains(string(out), state) {
			t.Errorf("%s: %v\n%s", state, err, out)
		}
	}
}
