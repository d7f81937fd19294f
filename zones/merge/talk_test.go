package merge

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/mapping"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

var update = flag.Bool("update", false, "rewrite the expected parts of testdata/*.txtar")

// A talk is one archive: zones ("world/VIEW/ORIGIN", "source/VIEW/ORIGIN", a
// record a line: owner [TTL] type data; SOA and apex NS are added), "mapping",
// and what must come out of it: "after/VIEW/ORIGIN", "ledger", "questions",
// "findings". Parts that an archive leaves out are not held.
func TestTalks(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no archives", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			a := parseArchive(string(text))
			in := parseTalk(t, a)
			p, fs := Make(in)
			if err := p.Ledger().Check(p.Before(), p.After()); err != nil {
				t.Errorf("the ledger: %v", err)
			}
			for i, f := range a.parts {
				var got string
				switch kind, rest, _ := strings.Cut(f.Name, "/"); kind {
				case "after":
					got = zoneText(p.After().Zone(talkID(rest)))
				case "ledger":
					got = ledgerText(p)
				case "questions":
					got = questions(p)
				case "findings":
					got = findings(fs)
				case "lines":
					for _, c := range p.Conflicts() {
						got += c.Line + "\n"
					}
				case "plan":
					for _, c := range p.Corrections() {
						got += c.String() + "\n"
					}
					got += Count(p.Corrections()).String() + "\n"
				default:
					continue
				}
				if *update {
					a.parts[i].Data = got
				} else if f.Data != got {
					t.Errorf("%s:\n--- got\n%s--- want\n%s", f.Name, got, f.Data)
				}
			}
			if *update {
				if err := os.WriteFile(file, a.format(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func talkID(s string) zones.ID {
	v, o, _ := strings.Cut(s, "/")
	return zones.ID{Origin: zones.MustName(o), View: zones.View(v)}
}

// parseTalk reads an archive's input.
func parseTalk(t testing.TB, a *archive) Input {
	var in Input
	var world []*zones.Zone
	for _, f := range a.parts {
		kind, rest, _ := strings.Cut(f.Name, "/")
		switch kind {
		case "world":
			world = append(world, talkZone(t, talkID(rest), f.Name, f.Data))
		case "source":
			in.Sources = append(in.Sources, Source{rest, talkZone(t, talkID(rest), f.Name, f.Data)})
		case "mapping":
			in.Mapping = talkMapping(t, f.Data)
		}
	}
	w, err := zones.NewWorld(world...)
	if err != nil {
		t.Fatal(err)
	}
	in.World = w
	return in
}

func talkZone(t testing.TB, id zones.ID, file, text string) *zones.Zone {
	t.Helper()
	b := zones.NewBuilder(id)
	rec := func(line int, owner string, ttl uint32, typ, data string) {
		n, err := zones.ParseNameIn(owner, id.Origin)
		if err != nil {
			t.Fatalf("%s:%d: %v", file, line, err)
		}
		ty, ok := zones.ParseType(typ)
		if !ok {
			t.Fatalf("%s:%d: no type %q", file, line, typ)
		}
		d, err := rdata.Parse(ty, data, id.Origin)
		if err != nil {
			t.Fatalf("%s:%d: %v", file, line, err)
		}
		b.Add(zones.Record{Owner: n, Type: ty, TTL: ttl, Data: d, From: zones.Provenance{Place: zones.Place{File: file, Line: line}}})
	}
	rec(0, "@", 3600, "SOA", "ns.test. root.test. 1 7200 3600 1209600 300")
	rec(0, "@", 3600, "NS", "ns.test.")
	for i, l := range strings.Split(text, "\n") {
		w := strings.Fields(l)
		if len(w) == 0 || strings.HasPrefix(w[0], "#") {
			continue
		}
		ttl := uint64(3600)
		if v, err := strconv.ParseUint(w[1], 10, 32); err == nil {
			ttl = v
			w = slices.Delete(w, 1, 2)
		}
		rec(i+1, w[0], uint32(ttl), w[1], strings.Join(w[2:], " "))
	}
	z, err := b.Freeze()
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func talkPattern(s string) mapping.Pattern {
	if n, ok := strings.CutPrefix(s, "*."); ok {
		return mapping.Pattern{Star: true, Name: zones.MustName(n)}
	}
	return mapping.Pattern{Name: zones.MustName(s)}
}

// talkMapping reads lines such as
//
//	target ZONE
//	rule FROM to TO,TO | drop [types T,T] [subtree] [view V] [holder H]
//	decide NAME [type T] [take S] [target-becomes N] [source-becomes N] [holder H] [view V]
//	reserve NAME HOLDER
//	old PATTERN MODE [view V] [until YYYY-MM-DD]
//	except NAME [type T] [view V]
func talkMapping(t testing.TB, text string) (mp mapping.Mapping) {
	t.Helper()
	mp.Cutover = time.Date(2025, 9, 1, 0, 0, 0, 0, time.UTC)
	for i, l := range strings.Split(text, "\n") {
		w := strings.Fields(l)
		if len(w) == 0 || strings.HasPrefix(w[0], "#") {
			continue
		}
		note := mapping.Note{At: zones.Place{File: "mapping", Line: i + 1}, By: "skhcn", Doc: "kh106", Why: "why " + strconv.Itoa(i+1)}
		opt := map[string]string{}
		for j := 2; j < len(w); j++ {
			if w[j] == "drop" || w[j] == "subtree" {
				opt[w[j]] = "yes"
			} else if j+1 < len(w) {
				opt[w[j]] = w[j+1]
				j++
			}
		}
		var types []zones.Type
		for _, s := range strings.FieldsFunc(opt["types"]+opt["type"], func(r rune) bool { return r == ',' }) {
			ty, ok := zones.ParseType(s)
			if !ok {
				t.Fatalf("mapping:%d: no type %q", i+1, s)
			}
			types = append(types, ty)
		}
		one := zones.Type(0)
		if len(types) > 0 {
			one = types[0]
		}
		name := func(s string) (n zones.Name) {
			if s != "" {
				n = zones.MustName(s)
			}
			return n
		}
		view := zones.View(opt["view"])
		switch w[0] {
		case "target":
			mp.Targets = append(mp.Targets, zones.MustName(w[1]))
		case "rule":
			r := mapping.Rule{
				Note: note, From: talkPattern(w[1]), Subtree: opt["subtree"] != "", View: view, Types: types,
				Drop: opt["drop"] != "", Holder: opt["holder"],
			}
			for _, s := range strings.FieldsFunc(opt["to"], func(r rune) bool { return r == ',' }) {
				r.To = append(r.To, talkPattern(s))
			}
			mp.Rules = append(mp.Rules, r)
		case "decide":
			take := map[string]mapping.Take{"source": mapping.Source, "target": mapping.Target, "both": mapping.Both}[opt["take"]]
			mp.Decisions = append(mp.Decisions, mapping.Decision{
				Note: note, Name: name(w[1]), Type: one, View: view, Take: take,
				TargetBecomes: name(opt["target-becomes"]), SourceBecomes: name(opt["source-becomes"]), Holder: opt["holder"], State: mapping.StateDecided,
			})
		case "reserve":
			mp.Reserved = append(mp.Reserved, mapping.Reserved{Name: name(w[1]), Holder: w[2], At: note.At})
		case "old":
			mode := map[string]mapping.Mode{"follow": mapping.Follow, "as-before": mapping.AsBefore, "alias": mapping.Alias}[w[2]]
			o := mapping.OldName{Note: note, Match: talkPattern(w[1]), View: view, Mode: mode}
			if len(w) > 3 && w[3] == "until" {
				o.Until, _ = time.Parse("2006-01-02", w[4])
			}
			mp.OldNames = append(mp.OldNames, o)
		case "except":
			mp.Exceptions = append(mp.Exceptions, mapping.Exception{Note: note, Name: name(w[1]), Type: one, View: view})
		default:
			t.Fatalf("mapping:%d: %q", i+1, w[0])
		}
	}
	return mp
}

// zoneText writes a zone as talks do, with its serial, without SOA and apex NS.
func zoneText(z *zones.Zone) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# serial %d\n", z.Serial())
	for r := range z.Records() {
		if r.Owner == z.Origin() && (r.Type == zones.TypeSOA || r.Type == zones.TypeNS) {
			continue
		}
		ttl := ""
		if r.TTL != 3600 {
			ttl = fmt.Sprintf(" %d", r.TTL)
		}
		fmt.Fprintf(&b, "%s%s %v %s\n", r.Owner.In(z.Origin()), ttl, r.Type, rdata.Text(r.Type, r.Data))
	}
	return b.String()
}

func ledgerText(p *Plan) string {
	var b strings.Builder
	for _, e := range p.Ledger().Entries() {
		if e.Record.Owner == e.Zone.Origin && (e.Record.Type == zones.TypeSOA || e.Record.Type == zones.TypeNS) {
			continue
		}
		to, dup := "-", ""
		if !e.New.Owner.IsZero() {
			to = e.New.Owner.Text()
		}
		if e.Duplicate {
			dup = "=dup"
		}
		fmt.Fprintf(&b, "%s %v %v%s %s by %s, old %v\n", e.Record.Owner.Text(), e.Record.Type, e.Disposition, dup, to, e.By, e.Old)
	}
	for _, t := range p.Ledger().Traces() {
		if t.Fate != Kept {
			to := "-"
			if !t.New.Owner.IsZero() {
				to = t.New.Owner.Text()
			}
			fmt.Fprintf(&b, "today %s %v %v %s\n", t.Record.Owner.Text(), t.Record.Type, t.Fate, to)
		}
	}
	return b.String()
}

func questions(p *Plan) string {
	var b strings.Builder
	for _, c := range p.Conflicts() {
		state := "open"
		if c.Settled {
			state = "settled"
		}
		fmt.Fprintf(&b, "%v: %s %s\n", c.Kind, c.At(), state)
	}
	fmt.Fprintf(&b, "publishable: %v\n", p.Publishable())
	return b.String()
}

func findings(fs []finding.Finding) string {
	var lines []string
	for _, f := range fs {
		lines = append(lines, fmt.Sprintf("%s %v %v\n", f.ID, f.Severity, f.At))
	}
	slices.SortFunc(lines, cmp.Compare)
	return strings.Join(lines, "")
}
