package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// BenchmarkServers asks ours, NSD, Knot and BIND the same questions over UDP,
// one server after another in turns, and states ours as a ratio to each peer:
// answers a second, and processor time of the server for an answer (less is
// better). The zones are the sample's after the cutover, view internet.
func BenchmarkServers(b *testing.B) {
	zs := exported(b, "after")["internet"]
	var questions strings.Builder
	for _, q := range questionsOf(b, zs) {
		fmt.Fprintln(&questions, q)
	}
	file := write(b, filepath.Join(b.TempDir(), "questions"), questions.String())
	peers := []*peer{startOurs(b, zs), startNSD(b, zs), startKnot(b, zs), startBIND(b, zs)}
	answers, cpu := map[string]float64{}, map[string]float64{}
	for b.Loop() {
		for _, p := range peers {
			before := ticks(b, p.proc.Pid)
			n, rate := load2s(b, p, file)
			answers[p.name] += rate
			cpu[p.name] += float64(ticks(b, p.proc.Pid)-before) / n
		}
	}
	for _, p := range peers[1:] {
		b.ReportMetric(answers["hopnhat"]/answers[p.name], "answers/"+p.name)
		b.ReportMetric(cpu["hopnhat"]/cpu[p.name], "cpu/"+p.name)
	}
}

// questionsOf lists every owner with the type of one of its records.
func questionsOf(b *testing.B, zs []zoneFile) (out []string) {
	for z := range load(b, zs).All() {
		for s := range z.All() {
			out = append(out, s.Owner().String()+" "+s.Type().String())
		}
	}
	if len(out) < 1000 {
		b.Fatalf("%d questions only", len(out))
	}
	return out
}

var (
	completed = regexp.MustCompile(`Queries completed: +(\d+)`)
	perSecond = regexp.MustCompile(`Queries per second: +([0-9.]+)`)
)

// load2s lets dnsperf ask for two seconds; it returns the answers, and the
// answers a second.
func load2s(b *testing.B, p *peer, file string) (n, rate float64) {
	b.Helper()
	out, err := exec.Command(need(b, "dnsperf"), "-s", p.addr.Addr().String(), "-p", strconv.Itoa(int(p.addr.Port())),
		"-d", file, "-l", "2", "-c", "4", "-q", "200", "-e").CombinedOutput()
	c, r := completed.FindSubmatch(out), perSecond.FindSubmatch(out)
	if err != nil || c == nil || r == nil {
		b.Fatalf("%s: %v\n%s", p.name, err, out)
	}
	n, _ = strconv.ParseFloat(string(c[1]), 64)
	rate, _ = strconv.ParseFloat(string(r[1]), 64)
	if n == 0 {
		b.Fatalf("%s: no answer\n%s", p.name, out)
	}
	return n, rate
}

// ticks is the processor time of a process and its children, in clock ticks.
func ticks(b *testing.B, pid int) (sum int64) {
	b.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Skipf("no /proc to read processor time from: %v", err)
	}
	f := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	for _, at := range []int{11, 12} {
		n, _ := strconv.ParseInt(f[at], 10, 64)
		sum += n
	}
	kids, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, k := range kids {
		list, _ := os.ReadFile(k)
		for _, child := range strings.Fields(string(list)) {
			if c, err := strconv.Atoi(child); err == nil {
				sum += ticks(b, c)
			}
		}
	}
	return sum
}
