package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/simulate"
	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/zones/cutover"
)

const simulationFile, simulationBegins = "../../docs/simulation.md", "<!-- make simulation -->\n"

// simulationRun is a column of the table: a timeline, and what is left out.
type simulationRun struct {
	head    string
	parent  time.Duration // TTL of the delegations, where they move
	without simulate.Protection
	breaks  string // the model that this protection is there for; "" where none may fail
}

var simulationRuns = []simulationRun{
	{head: "as planned"},
	{head: "without the lowering of TTLs", without: simulate.Lowering, breaks: "TTL-respecting"},
	{head: "without the additions", without: simulate.Additions, breaks: "TTL-respecting"},
	{head: "the TTL of absence not lowered", without: simulate.Negatives, breaks: "negative caching, names below too"},
	{head: "a minute between the steps", without: simulate.Waits, breaks: "behind a secondary without NOTIFY"},
	{head: "delegations move, as planned", parent: 24 * time.Hour},
	{head: "delegations move, the old servers go off after a minute", parent: 24 * time.Hour, without: simulate.OldOnes, breaks: "parent-centric"},
}

// sampleWave is the sample's cutover, without the waves after it.
func sampleWave(t testing.TB) (cutover.Wave, cutover.Terms) {
	t.Helper()
	w, fs := workspace.Open("../../testdata/gialai")
	if w == nil {
		t.Fatal(fs)
	}
	plan, _ := w.Plan()
	waves, _, err := w.Waves(plan)
	if err != nil {
		t.Fatal(err)
	}
	return cutover.Wave{Name: waves[0].Name, At: waves[0].At, Row: waves[0].Row}, w.Terms()
}

// simulated runs one column.
func (r simulationRun) simulated(wave cutover.Wave, terms cutover.Terms, clients int) ([]simulate.Result, error) {
	terms.Parent = r.parent
	ws := []cutover.Wave{wave}
	l, err := cutover.PlanWaves(ws, terms)
	if err != nil {
		return nil, err
	}
	in := simulate.Prepare(wave.Row[0], l, r.parent)
	in.Clients, in.Seed = clients, 1
	if r.without != "" {
		if in, err = in.Without(ws, l, r.without); err != nil {
			return nil, err
		}
	}
	return simulate.Run(in)
}

// TestSimulation holds docs/simulation.md to what the simulation of the sample
// says: as planned no model fails that the timeline promises something to, and
// without each protection the model fails that it is there for. With -update it
// writes the tables.
func TestSimulation(t *testing.T) {
	t.Parallel()
	wave, terms := sampleWave(t)
	results := make([][]simulate.Result, len(simulationRuns))
	var all sync.WaitGroup
	for i, r := range simulationRuns {
		all.Go(func() {
			var err error
			if results[i], err = r.simulated(wave, terms, 200); err != nil {
				t.Errorf("%s: %v", r.head, err)
			}
		})
	}
	all.Wait()
	if t.Failed() {
		return
	}
	for i, r := range simulationRuns {
		for _, m := range results[i] {
			switch {
			case r.breaks == "" && m.Claimed && m.Failures > 0:
				t.Errorf("%s: %s fails for %d client-seconds, first %v", r.head, m.Model, m.Failures, m.First)
			case r.breaks == m.Model && m.Failures == 0:
				t.Errorf("%s: %s does not fail", r.head, m.Model)
			}
		}
	}
	holdSimulation(t, simulationTables(wave, results))
}

// simulationTables are the tables of the document.
func simulationTables(wave cutover.Wave, results [][]simulate.Result) string {
	var b strings.Builder
	first := results[0][0]
	fmt.Fprintf(&b, "%d clients of each model, %d different questions, asked %d million times by each model.\n\n", first.Clients, first.Names, first.Questions/1e6)
	b.WriteString("| model |")
	for _, r := range simulationRuns {
		fmt.Fprintf(&b, " %s |", r.head)
	}
	fmt.Fprintf(&b, "\n|---|%s\n", strings.Repeat("--:|", len(simulationRuns)))
	for k, m := range results[0] {
		name := m.Model
		if !m.Claimed {
			name = "*" + name + "*"
		}
		fmt.Fprintf(&b, "| %s |", name)
		for i := range results {
			if r := results[i][k]; r.Old > 0 {
				fmt.Fprintf(&b, " %d (%d) |", r.Failures, r.Old)
			} else {
				fmt.Fprintf(&b, " %d |", r.Failures)
			}
		}
		b.WriteString("\n")
	}
	b.WriteString("\n| left out | model | longest stretch | the first that fails: so long after the cutover, the question and where it ends |\n|---|---|--:|---|\n")
	for i, r := range simulationRuns {
		head := r.head
		for _, m := range results[i] {
			if m.First == nil || !m.Claimed && i > 0 {
				continue
			}
			fmt.Fprintf(&b, "| %s | %s | %v | %v: %v |\n", head, m.Model, m.Longest, m.First.At.Sub(wave.At), m.First)
		}
	}
	return b.String()
}

// holdSimulation holds the document to the tables, or writes them.
func holdSimulation(t *testing.T, tables string) {
	doc, err := os.ReadFile(simulationFile)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(doc), simulationBegins)
	was, after, ok2 := strings.Cut(rest, tableEnds)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the tables", simulationFile)
	}
	if *update {
		write(t, filepath.FromSlash(simulationFile), before+simulationBegins+tables+tableEnds+after)
		return
	}
	if was != tables {
		t.Errorf("%s says otherwise; make simulation writes it anew\n%s", simulationFile, tables)
	}
}

// TestSimulateCommand runs the command on the sample, all waves of it.
func TestSimulateCommand(t *testing.T) {
	t.Parallel()
	const dir = "../../testdata/gialai"
	out, errs, code := run(t, "cutover", "simulate", dir, "--clients", "3", "--json")
	if code != 0 {
		t.Fatalf("exit %d: %s%s", code, out, errs)
	}
	var views []struct {
		View   string
		Models []simulate.Result
	}
	if err := json.Unmarshal([]byte(out), &views); err != nil {
		t.Fatal(err)
	}
	if len(views) != 2 || views[0].View != "internet" || views[1].View != "tslcd" {
		t.Fatalf("the views are not those of the sample: %s", out)
	}
	for _, v := range views {
		if len(v.Models) != len(simulate.Models()) {
			t.Errorf("view %s: %d models", v.View, len(v.Models))
		}
		for _, m := range v.Models {
			if m.Clients != 3 || m.Names < 10 || m.Questions < 1e6 {
				t.Errorf("view %s: %+v", v.View, m)
			}
		}
	}
	out, errs, code = run(t, "cutover", "simulate", dir, "--clients", "2", "--without", "waits", "--lang", "vi")
	if code != 1 || !strings.Contains(out, "bỏ waits") || !strings.Contains(out, "giữ đúng TTL: số giây máy hỏi gặp lỗi: ") {
		t.Errorf("without waits: exit %d\n%s%s", code, out, errs)
	}
	for flag, want := range map[string]string{"--without=everything": "write one of", "--clients=0": "from 1 to", "--lang=fr": "write en or vi"} {
		if out, errs, code = run(t, "cutover", "simulate", dir, flag); code != 1 || out != "" || !strings.Contains(errs, want) {
			t.Errorf("%s: exit %d, %s%s", flag, code, out, errs)
		}
	}
}
