package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gofrs/flock"
	"github.com/miekg/dns"
)

// BenchmarkStart serves a zone of a hundred thousand names (HOPNHAT_BENCH_LARGE=1: a
// million) with a history and without: the first start, one after it, one that
// finds the file edited, and an edit that a running server is told of, each until it
// is answered from. With is stated as a ratio to without; less is better. Processor
// time is told beside the time, since other work on the machine bears on that alone.
func BenchmarkStart(b *testing.B) {
	names := 100_000
	if os.Getenv("HOPNHAT_BENCH_LARGE") != "" {
		names = 1_000_000
	}
	sum := map[string]cost{}
	whats := []string{"first", "second", "edited", "edit"}
	for b.Loop() {
		for _, history := range []bool{true, false} {
			for what, c := range starts(b, names, history) {
				key := fmt.Sprint(what, history)
				c.time, c.cpu, c.peak = c.time+sum[key].time, c.cpu+sum[key].cpu, c.peak+sum[key].peak
				sum[key] = c
			}
		}
	}
	for _, what := range whats {
		with, without := sum[what+"true"], sum[what+"false"]
		b.Logf("%s: %.2f s with a history, %.2f s without; processor %.2f and %.2f s; peak %.0f and %.0f MiB", what,
			with.time/float64(b.N), without.time/float64(b.N), with.cpu/float64(b.N), without.cpu/float64(b.N), with.peak/float64(b.N), without.peak/float64(b.N))
		b.ReportMetric(with.time/without.time, what+"-time")
		b.ReportMetric(with.cpu/without.cpu, what+"-cpu")
		b.ReportMetric(with.peak/without.peak, what+"-peak")
	}
}

// cost is seconds, seconds of processors, and MiB at most so far.
type cost struct{ time, cpu, peak float64 }

// starts measures one server.
func starts(b *testing.B, names int, history bool) map[string]cost {
	b.Helper()
	dir := b.TempDir()
	z := bigZone(b, dir, names)
	text, err := os.ReadFile(z.path)
	if err != nil {
		b.Fatal(err)
	}
	state := filepath.Join(dir, "state")
	if !history { // another server's
		if err := os.Mkdir(state, 0o755); err != nil {
			b.Fatal(err)
		}
		lock := flock.New(filepath.Join(state, "history.lock"))
		if ok, err := lock.TryLock(); err != nil || !ok {
			b.Fatal(ok, err)
		}
		defer lock.Close()
	}
	edits := 0
	edit := func() string {
		edits++
		name := fmt.Sprintf("neu%d", edits)
		t := strings.Replace(string(text), " hm 10 ", fmt.Sprintf(" hm %d ", 10+edits), 1) + name + "\tIN A 192.0.2.9\n"
		if err := os.Rename(write(b, z.path+".new", t), z.path); err != nil {
			b.Fatal(err)
		}
		return name + "."
	}
	// until waits for an answer, and tells what came up to it since p took cpu.
	until := func(p *peer, begun time.Time, cpu float64, name string) cost {
		b.Helper()
		for {
			m, err := exchange(p.addr, name+"example.vn.", dns.TypeA)
			if err == nil && len(m.Answer) == 1 {
				break
			}
			if time.Since(begun) > 10*patience {
				b.Fatalf("%s is not answered:\n%s", name, p.log)
			}
			time.Sleep(10 * time.Millisecond)
		}
		return cost{time.Since(begun).Seconds(), used(b, p.proc.Pid) - cpu, peak(b, p.proc.Pid)}
	}
	run := func() (*peer, time.Time) {
		at, begun := freePort(b, "127.0.0.1"), time.Now()
		return start(b, "hopnhat", at, nil, hopnhat(b), "serve", "--listen", at.String(), "--state", state, "--zone", "example.vn="+z.path), begun
	}
	out := map[string]cost{}
	p, begun := run()
	out["first"] = until(p, begun, 0, "ns.")
	p.stop(b, syscall.SIGTERM)
	p, begun = run()
	out["second"] = until(p, begun, 0, "ns.")
	p.stop(b, syscall.SIGTERM)
	name := edit()
	p, begun = run()
	out["edited"] = until(p, begun, 0, name)
	name = edit()
	cpu := used(b, p.proc.Pid)
	begun = time.Now()
	if err := p.proc.Signal(syscall.SIGHUP); err != nil {
		b.Fatal(err)
	}
	out["edit"] = until(p, begun, cpu, name)
	p.stop(b, syscall.SIGTERM)
	if _, err := os.Stat(filepath.Join(state, "history", "log")); (err == nil) != history {
		b.Fatalf("a history is kept: %v, want %v\n%s", err == nil, history, p.log)
	}
	return out
}

// used is a process's processor time so far, in seconds (proc(5): utime and stime,
// in hundredths).
func used(b *testing.B, pid int) float64 {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatal(err)
	}
	f := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	user, err := strconv.Atoi(f[11])
	if err != nil {
		b.Fatal(err)
	}
	system, err := strconv.Atoi(f[12])
	if err != nil {
		b.Fatal(err)
	}
	return float64(user+system) / 100
}

var highest = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// peak is the most memory that a process had, in MiB.
func peak(b *testing.B, pid int) float64 {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	m := highest.FindSubmatch(text)
	if err != nil || m == nil {
		b.Fatalf("%v, %s", err, text)
	}
	kib, err := strconv.Atoi(string(m[1]))
	if err != nil {
		b.Fatal(err)
	}
	return float64(kib) / 1024
}
