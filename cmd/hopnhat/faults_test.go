package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/cutover"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/mapping"
	"gialai.gov.vn/hopnhat/zones/proof"
	"gialai.gov.vn/hopnhat/zones/zonefile"
)

// sampleFault is a damage to the sample's world after.
type sampleFault struct {
	name   string
	gone   []string // "owner TYPE" of record sets taken out of the world after
	came   string   // records put into it, one on each line
	source string   // records put into the world before, and after, as a source's
	zone   string   // a zone put into the world after; its SOA comes first
	claim  func(*mapping.Mapping)
	merge  func(*mapping.Mapping) // the world after is merged anew, by other rules than those that are claimed
	id     string
	line   string   // "file words of the line" that the cause must stand at; added: the lines given above
	ask    string   // "oldname newname TYPE" of the witness
	also   []string // ids that may stand beside it: other names that the damage reaches
	why    string
	// now is what comes today instead, "ID line", where the proof does not yet
	// tell the cause by its right id or place. The row fails as soon as it does.
	now string
}

// sampleFaults is what the proof must show on the sample: each damage, and the
// id that docs/checks.md gives it. The ids were written down before the first
// run, with the reason where the name of the damage does not say it.
var sampleFaults = []sampleFault{
	{
		name: "one type of a name dropped by the merger", gone: []string{"ns3.gialai.gov.vn AAAA"},
		id: "C-TYPE-LOST", line: "db.binhdinh.gov.vn aaaa 2001:db8:52::2", ask: "ns1.binhdinh.gov.vn ns3.gialai.gov.vn AAAA",
		why: "the name still has its other address",
	},
	{
		name: "one type dropped of a name that was decided for the source", gone: []string{"ioc.gialai.gov.vn TYPE65401"},
		id: "C-TYPE-LOST", line: "db.binhdinh.gov.vn type65401", ask: "ioc.binhdinh.gov.vn ioc.gialai.gov.vn TYPE65401",
		why: "the target has no record of the type, so that none of its own can stand in the way",
	},
	{
		name: "a name dropped by the merger", gone: []string{"bidiusta.gialai.org.vn A"},
		id: "C-LOST", line: "db.binhdinh.gov.vn bidiusta", ask: "bidiusta.binhdinh.gov.vn bidiusta.gialai.org.vn A",
		why: "the record is the name's only one",
	},
	{
		name: "a name dropped where a wildcard of the target answers instead", gone: []string{"annhon.motcua.gialai.gov.vn A"},
		id: "M-COLLIDE", line: "gialai.gov.vn.zone *.motcua", ask: "annhon.motcua.binhdinh.gov.vn annhon.motcua.gialai.gov.vn A",
		why: "both sides answer the name, it was decided for the source, and the target's answer stands",
	},
	{
		name: "an imported name makes an empty non-terminal under a wildcard", source: "a.b.binhdinh.gov.vn. 300 A 203.0.113.99", came: "a.b.thongtintuyengiao.gialai.org.vn. 300 A 203.0.113.99",
		claim: firstRule("a.b.binhdinh.gov.vn", "a.b.thongtintuyengiao.gialai.org.vn"),
		id:    "N-ENT", line: "added a.b.thongtintuyengiao", ask: "b.thongtintuyengiao.gialai.org.vn b.thongtintuyengiao.gialai.org.vn A",
	},
	{
		name: "the same under a wildcard for which somebody decided", source: "a.b.motcua.binhdinh.gov.vn. 300 A 203.0.113.99", came: "a.b.motcua.gialai.gov.vn. 300 A 203.0.113.99",
		id: "M-HALF", line: "added a.b.motcua.gialai", ask: "b.motcua.gialai.gov.vn b.motcua.gialai.gov.vn A",
		why: "*.motcua is decided for the source, which answers b.motcua without data",
	},
	{
		name: "an imported wildcard at the apex", source: "*.tam.binhdinh.gov.vn. 300 A 203.0.113.99", came: "*.gialai.org.vn. 300 A 203.0.113.99",
		claim: firstRule("*.tam.binhdinh.gov.vn", "*.gialai.org.vn"),
		id:    "N-WILD-CAPTURE", line: "added *.gialai.org.vn", ask: "_dmarc.tam.binhdinh.gov.vn _dmarc.gialai.org.vn A", also: []string{"C-CHANGED", "C-WILD-LOST"},
		why: "the target's apex had no wildcard; what other old names bring beside it contradicts the wildcard too",
	},
	{
		name: "the NS records of a source's apex carried over", came: "tpquynhon.gialai.gov.vn. 300 NS ns1.tpquynhon.gialai.gov.vn.",
		id: "N-APEX", line: "added tpquynhon.gialai.gov.vn. 300 NS", also: []string{"C-CHANGED"},
		why: "nearer to the record than N-CUT: the delegation is a copy; old names that are aliases now end at it",
	},
	{
		name: "an alias came and its target did not", gone: []string{"hoitinhoc.gialai.org.vn A", "hoitinhoc.gialai.org.vn TXT"},
		id: "C-LOST", line: "db.binhdinh.gov.vn hoitinhoc", ask: "hoitinhoc.binhdinh.gov.vn hoitinhoc.gialai.org.vn A",
		why: "what a chain lost is told at the record that ends it, once",
	},
	{
		name: "a delegation without its glue", gone: []string{"ns1.krongpa.gialai.gov.vn A"},
		id: "D-GLUE", line: "uy-quyen.inc krongpa NS", ask: "krongpa.gialai.gov.vn krongpa.gialai.gov.vn A",
	},
	{
		name: "two rules swapped before the merger", merge: swapRules("nhonchau.quynhon.binhdinh.gov.vn", "quynhon.binhdinh.gov.vn"),
		id: "C-LOST", line: "quynhon.binhdinh.gov.vn.zone nhonchau", ask: "nhonchau.quynhon.binhdinh.gov.vn nhonchau.gialai.gov.vn A",
		why: "the wider rule takes the name away from its own, and nothing else stands where it was to come",
	},
	{
		name: "two rules swapped after the merger", claim: swapRules("antrung.binhdinh.gov.vn", "*.binhdinh.gov.vn"),
		id: "M-COLLIDE", line: "xa-cu.inc antrung", ask: "antrung.binhdinh.gov.vn antrung.gialai.gov.vn A", also: []string{"C-LOST", "M-RESERVED"},
		why: "by the wider rule the name comes to one that the target has with other data; the names of the rules that it hides now are lost",
	},
	{
		name: "a rule for two types swapped with the rule for the rest", claim: func(m *mapping.Mapping) { m.Rules[0], m.Rules[1] = m.Rules[1], m.Rules[0] },
		id: "C-CHANGED", line: "db.binhdinh.gov.vn txt \"v=spf1", ask: "gialai.gov.vn gialai.gov.vn TXT",
		why: "no rule brings the source's text any more, so the target's own had to stay (the exchanges have one name on both sides)",
	},
	{
		name: "two rules swapped that have no name in common", claim: swapRules("minhchien.binhdinh.gov.vn", "bdt.binhdinh.gov.vn"),
	},
	{
		name: "an old name retired while it is an alias's target", gone: []string{"bandantoc.binhdinh.gov.vn A", "bandantoc.binhdinh.gov.vn AAAA"},
		claim: func(m *mapping.Mapping) {
			m.Exceptions = append(m.Exceptions, mapping.Exception{Name: zones.MustName("bandantoc.binhdinh.gov.vn")})
		},
		id: "C-LOST", line: "db.binhdinh.so-nganh bandantoc", ask: "bdt.binhdinh.gov.vn bdt.binhdinh.gov.vn A",
		why: "the name itself may go, the alias was excused by nobody",
	},
	{
		name: "a child zone beside a parent that does not delegate it", zone: soa("dti.gialai.gov.vn"),
		id: "N-CHILD-ZONE", line: "added dti.gialai.gov.vn.", ask: "dti.gialai.gov.vn dti.gialai.gov.vn AAAA",
	},
	{
		name: "a child zone that hides names which the merger brought", zone: soa("smartcity.gialai.gov.vn"),
		id: "N-CHILD-ZONE", line: "added smartcity.gialai.gov.vn.", ask: "smartcity.binhdinh.gov.vn smartcity.gialai.gov.vn A",
		why: "the cause is the zone, for imported names as for the target's own",
	},
}

// leftOpen is the one error that the sample's claim may have: a delegation at
// its new name, whose servers nobody has asked yet.
const leftOpen = "D-LAME-RENAMED"

// soa begins a zone.
func soa(origin string) string {
	return origin + ". 300 SOA ns1.gialai.gov.vn. quantri.gialai.gov.vn. 1 1800 900 604800 300\n" + origin + ". 300 NS ns1.gialai.gov.vn."
}

// firstRule puts a rule in front of the others.
func firstRule(from, to string) func(*mapping.Mapping) {
	return func(m *mapping.Mapping) {
		m.Rules = slices.Insert(m.Rules, 0, mapping.Rule{From: mapping.Pattern{Name: zones.MustName(from)}, To: []mapping.Pattern{{Name: zones.MustName(to)}}})
	}
}

// swapRules lets two rules change places.
func swapRules(a, b string) func(*mapping.Mapping) {
	return func(m *mapping.Mapping) {
		at := func(s string) int {
			return slices.IndexFunc(m.Rules, func(r mapping.Rule) bool { return r.From.String() == s })
		}
		m.Rules[at(a)], m.Rules[at(b)] = m.Rules[at(b)], m.Rules[at(a)]
	}
}

// sampleClaim is what must hold of the sample, with its world after merged by
// rules that are changed when other is set.
func sampleClaim(t testing.TB, other func(*mapping.Mapping)) proof.Input {
	t.Helper()
	w, fs := workspace.Open(sampleDir)
	if finding.Failed(fs) {
		t.Fatal(fs)
	}
	rules := w.Mapping
	if other != nil {
		rules.Rules = slices.Clone(rules.Rules)
		other(&rules)
	}
	asked := *w
	asked.Mapping = rules
	p, _ := asked.Plan()
	in, err := w.Claim(p)
	if err != nil {
		t.Fatal(err)
	}
	in.Mapping.Rules, in.Mapping.Exceptions = slices.Clone(in.Mapping.Rules), slices.Clone(in.Mapping.Exceptions)
	return in
}

// records reads master file text of absolute names; each record tells its
// line of a file that is there to be looked at.
func records(t testing.TB, text string) []zones.Record {
	t.Helper()
	if text == "" {
		return nil
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "added"), text+"\n")
	tree, fs := zonefile.Load(os.DirFS(dir), "added", zonefile.Options{Origin: zones.Root(), Root: dir})
	if finding.Failed(fs) {
		t.Fatal(fs)
	}
	rs := tree.Records()
	for i := range rs {
		rs[i].From.File = filepath.Join(dir, "added")
	}
	return rs
}

// damaged is a world with record sets taken out and records put in.
func damaged(t testing.TB, w zones.World, gone []string, came []zones.Record) zones.World {
	t.Helper()
	deltas := map[zones.ID]*zones.Delta{}
	of := func(n zones.Name) (*zones.Zone, *zones.Delta) {
		z := w.Nearest(zones.Internet, n)
		if z == nil {
			t.Fatalf("no zone holds %v", n)
		}
		if deltas[z.ID()] == nil {
			deltas[z.ID()] = &zones.Delta{ID: z.ID()}
		}
		return z, deltas[z.ID()]
	}
	for _, g := range gone {
		name, typ, _ := strings.Cut(g, " ")
		y, ok := zones.ParseType(typ)
		if !ok {
			t.Fatal(typ)
		}
		z, d := of(zones.MustName(name))
		set, ok := z.Lookup(zones.MustName(name), y)
		if !ok {
			t.Fatalf("the world has no %s", g)
		}
		d.Removed = append(d.Removed, set.Records()...)
	}
	for _, r := range came {
		_, d := of(r.Owner)
		d.Added = append(d.Added, r)
	}
	for id, d := range deltas {
		z, err := d.Apply(w.Zone(id))
		if err != nil {
			t.Fatal(err)
		}
		w = w.With(z)
	}
	return w
}

// claims makes the damaged world and what is claimed of it.
func (c sampleFault) claims(t testing.TB) proof.Input {
	t.Helper()
	in := sampleClaim(t, c.merge)
	source := records(t, c.source)
	in.Before = damaged(t, in.Before, nil, source)
	in.After = damaged(t, in.After, c.gone, append(slices.Clone(source), records(t, c.came)...))
	if zs := records(t, c.zone); len(zs) > 0 {
		b := zones.NewBuilder(zones.ID{Origin: zs[0].Owner, View: zones.Internet})
		b.Add(zs...)
		z, err := b.Freeze()
		if err != nil {
			t.Fatal(err)
		}
		in.After = in.After.With(z)
	}
	if c.claim != nil {
		c.claim(&in.Mapping)
	}
	return in
}

// asked gives the question of a witness as the tables write it.
func asked(f proof.Fault) string {
	return fmt.Sprintf("%s %s %v", f.Witness.OldName.Text(), f.Witness.Name.Text(), f.Witness.Type)
}

// blockingOrError leaves out what may stand on the undamaged sample.
func blockingOrError(r proof.Report) (out []proof.Fault) {
	for _, f := range r.Faults {
		if f.Severity >= finding.Error && f.ID != leftOpen {
			out = append(out, f)
		}
	}
	return out
}

// TestSamplePreserved: the sample as it stands loses nothing.
func TestSamplePreserved(t *testing.T) {
	r := proof.Prove(sampleClaim(t, nil), proof.Options{Mixture: true})
	for _, f := range r.Faults {
		if f.Severity == finding.Block || f.Severity == finding.Error && f.ID != leftOpen {
			t.Error(f.Finding)
		}
	}
	if !r.Preserved() || r.Counts.Classes < 1000 || r.Counts.Decided == 0 || r.Counts.Levels[proof.L3] == 0 {
		t.Errorf("preserved %v, %+v", r.Preserved(), r.Counts)
	}
}

// TestSampleFaults: each damage is found, told by its id at the record at
// fault, with two questions that show it.
func TestSampleFaults(t *testing.T) {
	for _, c := range sampleFaults {
		t.Run(c.name, func(t *testing.T) {
			in := c.claims(t)
			var err error
			if in.Steps, err = cutover.Steps(in.Before, in.After); err != nil {
				t.Fatal(err)
			}
			id, line := c.id, c.line
			if c.now != "" {
				id, line, _ = strings.Cut(c.now, " ")
			}
			r := proof.Prove(in, proof.Options{Mixture: true})
			found := blockingOrError(r)
			defer func() {
				if t.Failed() {
					for _, f := range found {
						t.Logf("%d × %v\n%s", f.Count, f.Finding, strings.Join(f.Dig, "\n"))
					}
				}
			}()
			if c.id == "" {
				if len(found) > 0 {
					t.Error("nothing is at fault")
				}
				return
			}
			hit := 0
			for _, f := range found {
				if f.ID != id && !slices.Contains(c.also, f.ID) {
					t.Errorf("%s was not expected", f.ID)
				}
				if f.ID == id && (c.ask == "" || asked(f) == c.ask) {
					hit++
					if f.Severity == finding.Block && r.Preserved() {
						t.Error("preserved")
					}
					stands(t, f, line)
				}
			}
			if hit != 1 {
				t.Errorf("%d findings %s at %q", hit, id, c.ask)
			}
		})
	}
}

// stands holds that a finding names a line which is there, of the file and
// with the words of want, and two questions for dig.
func stands(t *testing.T, f proof.Fault, want string) {
	t.Helper()
	file, words, _ := strings.Cut(want, " ")
	b, err := os.ReadFile(f.At.File)
	if err != nil {
		t.Errorf("the cause stands in no file: %v", err)
		return
	}
	ls := strings.Split(string(b), "\n")
	if f.At.Line < 1 || f.At.Line > len(ls) {
		t.Errorf("%v: the file has %d lines", f.At, len(ls))
		return
	}
	line := strings.Join(strings.Fields(ls[f.At.Line-1]), " ")
	if filepath.Base(f.At.File) != file || !strings.Contains(line, words) {
		t.Errorf("the cause stands at %v, %q; want %s", f.At, line, want)
	}
	digs := []string{
		fmt.Sprintf("dig @old %v %v", f.Witness.OldName, f.Witness.Type),
		fmt.Sprintf("dig @new %v %v", f.Witness.Name, f.Witness.Type),
	}
	if !slices.Equal(f.Dig, digs) || f.Found == "" || f.Mend == "" {
		t.Errorf("%+v", f)
	}
}

// TestSampleCertificate: the sample's certificate holds. After a change of the
// sample or the checker: hopnhat prove testdata/gialai --certify.
func TestSampleCertificate(t *testing.T) {
	out, errs, code := run(t, "prove", "../../testdata/gialai", "--check", "../../testdata/gialai/certificate.json")
	if code != 0 || !strings.Contains(out, "verdict preserved") {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
}
