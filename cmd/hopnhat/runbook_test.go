package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// elsewhere are the runbook's commands that are not run here, by how they
// begin, and why.
var elsewhere = map[string]string{
	"hopnhat prove gialai --live": "asks the parents and servers of real zones; TestLive has some of its own",
	"chronyc ":                    "asks the machine's own clock service",
	"swaks ":                      "asks a mail server at another machine",
	"curl ":                       "asks a web server at another machine",
}

// aheadOf are the sections that lie before the first step, in which the server runs
// on the real clock, and those of troubles, which follow on them. The steps of the
// others lie hours and days apart: a rehearsal takes them in seconds.
var aheadOf = []string{"T-14", "Mail, before", "T-12", "T-7", "T-3", "When something"}

// TestRunbook runs the commands of docs/cutover.md on copies of the sample, in
// their order, and holds exit codes and answers to what stands there.
func TestRunbook(t *testing.T) {
	t.Parallel()
	en, vi := readRunbook(t, "../../docs/cutover.md"), readRunbook(t, "../../docs/cutover.vi.md")
	if !slices.Equal(en.commands(), vi.commands()) || en.config != vi.config {
		t.Fatalf("the runbook's languages have different commands:\n%s\nand\n%s", strings.Join(en.commands(), "\n"), strings.Join(vi.commands(), "\n"))
	}
	for how := range elsewhere {
		if !slices.ContainsFunc(en.lines, func(l bookLine) bool { return strings.HasPrefix(l.command, how) }) {
			t.Errorf("the runbook has no command %q", how)
		}
	}
	need(t, "dig")
	ran := 0
	for name, ahead := range map[string]bool{"before": true, "steps": false} {
		var lines []bookLine
		for _, l := range en.lines {
			if slices.ContainsFunc(aheadOf, func(s string) bool { return strings.HasPrefix(l.section, s) }) == ahead {
				lines = append(lines, l)
			}
		}
		ran += len(lines)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, pace := range []time.Duration{28 * time.Second, 2 * time.Minute, 5 * time.Minute} {
				inTime := false
				t.Run(pace.String(), func(t *testing.T) { inTime = newReader(t, en.config, ahead, pace).follow(lines) })
				if inTime || t.Failed() {
					return
				}
				t.Logf("with the switch %v ahead the next step came before all was asked of one", pace)
			}
			t.Error("this machine is too slow for a rehearsal")
		})
	}
	if ran < 60 {
		t.Errorf("%d commands only", ran)
	}
}

// bookLine is a command of a runbook, or the step that is waited for.
type bookLine struct {
	section, command string
	step             string // to wait for, in place of a command
	exit             int
	shown            string // what a dig answers; "": it is not said
}

type runbook struct {
	lines  []bookLine
	config string // the runbook's hopnhat.yaml
}

func (b runbook) commands() (out []string) {
	for _, l := range b.lines {
		out = append(out, fmt.Sprintf("%s%s # %d %s", l.command, l.step, l.exit, l.shown))
	}
	return out
}

var (
	bookStep = regexp.MustCompile(`^# (?:after the step|sau bước) (\w+)$`)
	bookExit = regexp.MustCompile(`^(?:exits|mã thoát) (\d+)$`)
)

func readRunbook(t *testing.T, file string) (b runbook) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	section, block := "", ""
	for n, line := range strings.Split(string(raw), "\n") {
		switch {
		case strings.HasPrefix(line, "```"):
			block = strings.TrimPrefix(line, "```")
		case block == "" && strings.HasPrefix(line, "## "):
			section = line[3:]
		case block == "yaml":
			b.config += line + "\n"
		case block != "sh":
		case bookStep.MatchString(line):
			b.lines = append(b.lines, bookLine{section: section, step: bookStep.FindStringSubmatch(line)[1]})
		default:
			l := bookLine{section: section}
			var note string
			l.command, note, _ = strings.Cut(line, " # ")
			l.command, note = strings.TrimSpace(l.command), strings.TrimSpace(note)
			if m := bookExit.FindStringSubmatch(note); m != nil {
				l.exit, _ = strconv.Atoi(m[1])
			} else if l.shown = note; note != "" && !strings.HasPrefix(l.command, "dig ") {
				t.Errorf("%s:%d: what does %q say of a command that is no dig?", file, n+1, note)
			}
			b.lines = append(b.lines, l)
		}
	}
	return b
}

// reader does what a runbook says, in a folder of its own.
type reader struct {
	*testing.T
	dir                        string
	server, second, rehearsing netip.AddrPort
	resolver                   netip.AddrPort
	talks                      *peer         // which says what steps it took
	ahead                      bool          // the server runs on the real clock
	pace                       time.Duration // so far ahead is the switch of a rehearsal
	steps                      int           // those that it had taken when the last one was waited for
	env                        []string
	root                       bool
}

func newReader(t *testing.T, config string, ahead bool, pace time.Duration) *reader {
	t.Helper()
	r := &reader{
		T: t, dir: t.TempDir(), ahead: ahead, pace: pace, root: os.Getuid() == 0,
		server: freePort(t, "127.0.0.1"), second: freePort(t, "127.0.0.1"), rehearsing: freePort(t, "127.0.0.1"),
	}
	r.resolver = startUnbound(t, r.server, shortMemory(r.server)).addr
	if err := os.CopyFS(filepath.Join(r.dir, "gialai"), os.DirFS(sampleDir)); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(r.dir, "gialai", "var")); err != nil {
		t.Fatal(err)
	}
	bin, err := os.ReadFile(hopnhat(t))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(r.dir, "bin", "hopnhat")
	write(t, path, string(bin))
	editor := write(t, filepath.Join(r.dir, "bin", "editor"), "#!/bin/sh\necho 'thu-nghiem A 192.0.2.99' >> \"$1\"\n")
	for _, f := range []string{filepath.Dir(r.dir), path, editor} { // another user runs it as well
		if err := os.Chmod(f, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	r.env = append(os.Environ(), "PATH="+filepath.Dir(path)+":"+os.Getenv("PATH"), "LC_ALL=C.UTF-8", "VISUAL=", "EDITOR="+editor)
	write(t, filepath.Join(r.dir, "gialai", "hopnhat.yaml"), r.config(config))
	if !ahead {
		r.serve("hopnhat serve gialai --rehearse 5m")
		r.inPlace()
	}
	return r
}

func sampleZones() []string {
	return []string{"gialai.gov.vn", "gialai.org.vn", "binhdinh.gov.vn", "quynhon.binhdinh.gov.vn", "tuyphuoc.binhdinh.gov.vn", "vancanh.binhdinh.gov.vn"}
}

// shortMemory are options of a resolver that keeps nothing, so that the five minutes
// in which it may give an old answer are not waited for.
func shortMemory(server netip.AddrPort) string {
	var b strings.Builder
	b.WriteString("cache-max-ttl: 0\n    cache-max-negative-ttl: 0\n")
	for _, z := range sampleZones() {
		fmt.Fprintf(&b, "stub-zone:\n    name: %q\n    stub-addr: %v@%d\n", z, server.Addr(), server.Port())
	}
	return b.String()
}

// config is the runbook's hopnhat.yaml with addresses of this machine. The group of
// those who may approve is one that each system has, and only root can be two people.
func (r *reader) config(text string) string {
	old := []string{`"192.0.2.53:53"`, "address: 203.0.113.53", "address: 192.0.2.54", "group: hopnhat", "approvals: 2"}
	approvals, group := "approvals: 2", "group: daemon"
	if !r.root {
		r.Log("not root: one user approves, since another cannot be made here")
		approvals, group = "approvals: 1", ""
	}
	for i, s := range []string{`"` + r.server.String() + `"`, `address: "` + r.resolver.String() + `"`, `address: "` + r.second.String() + `"`, group, approvals} {
		if strings.Count(text, old[i]) != 1 {
			r.Errorf("the runbook's hopnhat.yaml has not one %q", old[i])
		}
		text = strings.Replace(text, old[i], s, 1)
	}
	return text
}

// here is a command of the runbook with addresses of this machine.
func (r *reader) here(command string) string {
	at := func(a netip.AddrPort) string { return fmt.Sprintf("@%v -p %d", a.Addr(), a.Port()) }
	return strings.NewReplacer(
		"@192.0.2.53", at(r.server), "@192.0.2.54", at(r.second), "@203.0.113.53", at(r.resolver),
		"--server 192.0.2.53", "--server "+r.server.String(), "--server 192.0.2.54", "--server "+r.second.String(),
		"127.0.0.1:5301", r.rehearsing.String(), "@127.0.0.1 -p 5301", at(r.rehearsing),
		"--rehearse 5m", "--rehearse "+r.pace.String(), "--clients 20", "--clients 2", // in less time
	).Replace(command)
}

// follow tells whether all was done; it was not when a step of a rehearsal came
// before all was asked of the one before.
func (r *reader) follow(lines []bookLine) bool {
	for i, l := range lines {
		if r.ahead && i > 0 && l.section != lines[i-1].section {
			r.steps = 0 // what the rehearsal does is of its section alone
		}
		switch {
		case r.Failed():
			return true
		case l.step != "":
			r.await(l.step)
		case slices.ContainsFunc(keys(elsewhere), func(how string) bool { return strings.HasPrefix(l.command, how) }):
		case strings.HasPrefix(l.command, "hopnhat serve "):
			r.serve(l.command)
		case strings.HasPrefix(l.command, "hopnhat cutover schedule ") && strings.HasPrefix(l.section, "T-3"):
			r.postpone()
			r.run(l)
		case strings.Contains(l.command, "HASH"):
			r.approve(l)
		default:
			if !r.run(l) {
				return false
			}
		}
	}
	return true
}

func keys(m map[string]string) (out []string) {
	for k := range m {
		out = append(out, k)
	}
	return out
}

// serve starts a server of the runbook, and the secondary that follows the first.
func (r *reader) serve(command string) {
	r.Helper()
	addr := r.server
	if strings.Contains(command, "serve rehearsal ") {
		addr = r.rehearsing
	} else {
		args := []string{"serve", "--listen", r.second.String(), "--state", filepath.Join(r.dir, "second")}
		for _, z := range sampleZones() {
			args = append(args, "--follow", fmt.Sprintf("%s=%v", z, r.server))
		}
		start(r.T, "the secondary", r.second, nil, hopnhat(r.T), args...)
	}
	r.steps = 0
	r.talks = start(r.T, command, addr, []zoneFile{{origin: "gialai.gov.vn"}}, "sh", "-c", "cd "+r.dir+" && exec env PATH="+filepath.Join(r.dir, "bin")+":$PATH "+r.here(command))
	if addr == r.server {
		eventually(r.T, r.talks, "a secondary that has the zone", func() bool {
			m, err := exchange(r.second, "binhdinh.gov.vn.", 6)
			return err == nil && len(m.Answer) == 1
		})
	}
}

// inPlace puts the rehearsal's state in the place of the server's, where commands
// look for it.
func (r *reader) inPlace() {
	state := filepath.Join(r.dir, "gialai", "var")
	for _, name := range []string{"control.sock", "history", "serials.json"} {
		if err := os.Symlink(filepath.Join("rehearsal", name), filepath.Join(state, name)); err != nil {
			r.Fatal(err)
		}
	}
}

// await waits until a step of the first wave is served and verified.
func (r *reader) await(step string) {
	r.Helper()
	limit := time.Now().Add(2*r.pace + patience)
	for {
		before, after, ok := strings.Cut(r.talks.log.String(), step+" (ten-mien)"+stepSaid)
		if ok && strings.Contains(after, "verified: ") {
			r.steps = strings.Count(before, stepSaid) + 1
			return
		}
		if time.Now().After(limit) {
			r.Fatalf("the step %s is not taken and verified:\n%s", step, r.talks.log)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

const stepSaid = ": served from now on"

// overtaken tells whether a further step was taken since one was waited for.
func (r *reader) overtaken() bool {
	return r.steps > 0 && strings.Count(r.talks.log.String(), stepSaid) > r.steps
}

// postpone moves the sample's dates, which have passed, so that there is time for
// all that precedes a switch.
func (r *reader) postpone() {
	file := filepath.Join(r.dir, "gialai", "consolidation.yaml")
	b, err := os.ReadFile(file)
	if err != nil {
		r.Fatal(err)
	}
	day := func(n int) string { return time.Now().AddDate(0, 0, n).Format("2006-01-02") }
	for old, is := range map[string]string{
		"cutover: 2025-09-01 00:00 +07:00": "cutover: " + day(60) + " 00:00 +07:00",
		"at: 2026-01-05 00:00 +07:00":      "at: " + day(200) + " 00:00 +07:00",
		"het-ten-phu, at: 1/9/2026":        "het-ten-phu, at: " + day(400),
	} {
		if bytes.Count(b, []byte(old)) != 1 {
			r.Fatalf("%s has not one %q", file, old)
		}
		b = bytes.Replace(b, []byte(old), []byte(is), 1)
	}
	write(r.T, file, string(b))
}

// approve approves the plan that is scheduled, as two users where there is root.
func (r *reader) approve(l bookLine) {
	r.Helper()
	out, _ := r.command("hopnhat cutover status gialai --json", nil).Output()
	var s struct{ Plan struct{ Hash string } }
	if err := json.Unmarshal(out, &s); err != nil || s.Plan.Hash == "" {
		r.Fatalf("no plan (%v):\n%s", err, out)
	}
	l.command = strings.ReplaceAll(l.command, "HASH", s.Plan.Hash)
	if r.root {
		as := &syscall.Credential{Uid: 1, Gid: 1}
		if out, err := r.command(l.command, as).CombinedOutput(); err != nil {
			r.Errorf("$ %s (as uid 1)\n%s%v", l.command, out, err)
		}
	}
	r.run(l)
}

func (r *reader) command(text string, as *syscall.Credential) *exec.Cmd {
	cmd := exec.Command("sh", "-c", r.here(text))
	cmd.Dir, cmd.Env = r.dir, r.env
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	return cmd
}

// run holds a command's exit code, and a dig's answer, to what the runbook says. It
// is false where they differ and another step was taken meanwhile.
func (r *reader) run(l bookLine) bool {
	r.Helper()
	cmd := r.command(l.command, nil)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	code := 0
	if ee := (*exec.ExitError)(nil); errors.As(err, &ee) {
		code = ee.ExitCode()
	} else if err != nil {
		r.Fatal(err)
	}
	got := strings.TrimSpace(string(out))
	if bad := code != l.exit || l.shown != "" && got != l.shown; bad && r.overtaken() {
		return false
	}
	if code != l.exit {
		r.Errorf("%s: $ %s\nexits %d, not %d:\n%s%s\n%s", l.section, l.command, code, l.exit, out, &errs, r.talks.log)
	}
	if l.shown != "" && got != l.shown {
		r.Errorf("%s: $ %s\nanswers %q, not %q", l.section, l.command, got, l.shown)
	}
	return true
}
