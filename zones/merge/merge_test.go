package merge

import (
	"encoding/json"
	"strings"
	"testing"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

func talk(t *testing.T, text string) (*Plan, []finding.Finding) {
	t.Helper()
	return Make(parseTalk(t, parseArchive(text)))
}

// A new name of more than 255 octets blocks; a reference that would become
// too long does too.
func TestTooLong(t *testing.T) {
	l := strings.Repeat("a", 60)
	old := l + "." + l + "." + l + ".b"
	p, fs := talk(t, "-- world/internet/t --\n-- source/internet/b --\n"+old+". A 192.0.2.1\nw CNAME "+old+".\n"+
		"-- mapping --\ntarget t\nrule *.b to *."+l+"."+l+".t\n")
	var got []string
	for _, f := range fs {
		got = append(got, f.ID+" "+f.Severity.String())
	}
	if p.Publishable() || len(got) == 0 || got[0] != "M-LEN blocking" {
		t.Errorf("publishable %v, findings %v", p.Publishable(), fs)
	}
}

// A source that is among the zones served today, or given twice, blocks.
func TestTwice(t *testing.T) {
	z := talkZone(t, talkID("internet/b"), "b", "a A 192.0.2.1\n")
	w, _ := zones.NewWorld(z, talkZone(t, talkID("internet/t"), "t", ""))
	mp := talkMapping(t, "target t\nrule *.b to *.t\n")
	for name, in := range map[string]Input{
		"served": {World: w, Sources: []Source{{"x", z}}, Mapping: mp},
		"twice":  {Sources: []Source{{"x", z}, {"y", z}}, Mapping: mp},
	} {
		p, fs := Make(in)
		if p.Publishable() || fs[0].ID != "M-TARGET" && fs[0].ID != "M-SOURCE" {
			t.Errorf("%s: %v %v", name, p.Publishable(), fs)
		}
	}
}

// Nothing at all is a plan that changes nothing.
func TestEmpty(t *testing.T) {
	p, fs := Make(Input{})
	if !p.Publishable() || len(fs) != 0 || len(p.Corrections()) != 0 || p.Before().Len() != 0 {
		t.Error(p, fs)
	}
	if err := p.Ledger().Check(p.Before(), p.After()); err != nil {
		t.Error(err)
	}
}

// The forms of the ledger that other programs read.
func TestForms(t *testing.T) {
	p, _ := talk(t, `
-- world/internet/gialai.gov.vn --
www 600 A 192.0.2.1
-- source/internet/binhdinh.gov.vn --
www A 192.0.2.1
ten TXT "a	b;c"
-- mapping --
target gialai.gov.vn
rule ten.binhdinh.gov.vn drop
rule *.binhdinh.gov.vn to *.gialai.gov.vn
old *.binhdinh.gov.vn follow until 2027-01-02
`)
	text := string(p.Ledger().AppendText(nil))
	for _, want := range []string{
		"entry\tinternet/binhdinh.gov.vn\tinternet\tbinhdinh.gov.vn.\twww.binhdinh.gov.vn.\tA\t3600\t192.0.2.1\tmerged\tdup\tgialai.gov.vn.\twww.gialai.gov.vn.\t192.0.2.1\tfollow\t2027-01-02T00:00:00Z\tmapping:3\t-\tskhcn\tkh106\twhy 3\n",
		"\tdropped\t-\t-\t-\t-\tas-before\t2027-01-02T00:00:00Z\tmapping:2\t-\tskhcn\tkh106\twhy 2\n",
		"trace\tinternet\tgialai.gov.vn.\twww.gialai.gov.vn.\tA\t600\t192.0.2.1\tkept\tnew\tgialai.gov.vn.\twww.gialai.gov.vn.\t192.0.2.1\t-\t-\t-\t-\n",
		"source\tinternet\tbinhdinh.gov.vn.\tA\t1\t1\t0\t1\t0\t0\t0\t1\t1\t0\t0\t0\n",
		"target\tinternet\tgialai.gov.vn.\tA\t1\t0\t0\t0\t1\t1\t1\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no line %q in\n%s", want, text)
		}
	}
	for i, l := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		kind, _, _ := strings.Cut(l, "\t")
		if n := strings.Count(l, "\t") + 1; n != map[string]int{"entry": 20, "trace": 16, "source": 16, "target": 11}[kind] {
			t.Errorf("line %d has %d cells: %q", i+1, n, l)
		}
	}
	var j struct {
		Format  int
		Entries []map[string]any
	}
	b, err := json.Marshal(p.Ledger())
	if err == nil {
		err = json.Unmarshal(b, &j)
	}
	if err != nil || j.Format != 1 || len(j.Entries) != 4 || j.Entries[3]["newOwner"] != "www.gialai.gov.vn." {
		t.Errorf("%v %s", err, b)
	}
}

// The plan is void when its input changes, and not when a line moves.
func TestInput(t *testing.T) {
	text := "-- world/internet/t --\na A 192.0.2.1\n-- source/internet/b --\nc A 192.0.2.2\n-- mapping --\ntarget t\nrule *.b to *.t\n"
	p, _ := talk(t, text)
	same, _ := talk(t, strings.Replace(text, "rule *.b", "\nrule *.b", 1))
	if p.Input() == same.Input() { // "why" counts lines in these archives, so the input differs
		t.Error("another reason, and the input is the same")
	}
	other, _ := talk(t, strings.Replace(text, "192.0.2.2", "192.0.2.3", 1))
	again, _ := talk(t, text)
	if p.Input() == other.Input() || p.Input() != again.Input() || p.Digest() != again.Digest() {
		t.Error("the input's digest does not tell inputs apart")
	}
}
