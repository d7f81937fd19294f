package cli

import (
	"cmp"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/term"

	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/proof"
)

// stageLine shows on a terminal what is being proved.
type stageLine struct{ w io.Writer }

func (o *prove) stages() stageLine {
	if f, ok := o.err.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return stageLine{f}
	}
	return stageLine{}
}

func (s stageLine) show(what string) {
	if s.w != nil {
		fmt.Fprintf(s.w, "\r\033[Kproving: %s", what)
	}
}

func (s stageLine) end() {
	if s.w != nil {
		fmt.Fprint(s.w, "\r\033[K")
	}
}

// level names the levels of equivalence (docs/checks.md).
func level(i int) string { return fmt.Sprintf("L%d", i) }

// print shows the findings for the one who must mend them, then the summary
// for the one who must sign.
func (o *prove) print(a *ask, r *proof.Report, w *wording) {
	for _, f := range a.others {
		fmt.Fprintln(o.out, f)
	}
	if a.agreed != nil {
		a.agreed.print(o.out, w)
	}
	for _, f := range r.Faults {
		if f.Severity == finding.Note {
			continue
		}
		fmt.Fprintln(o.out, w.fault(f).String())
		if f.Count > 1 {
			fmt.Fprintf(o.out, "    "+w.classes+"\n", f.Count)
		}
		for _, d := range f.Dig {
			fmt.Fprintln(o.out, "    "+d)
		}
	}
	fmt.Fprint(o.out, w.summary(a, r))
	if a.agreed != nil {
		a.agreed.sums(o.out, w)
	}
	if a.live != nil {
		a.live.print(o.out)
	}
}

// severities are the words of the JSON forms.
func severities() map[finding.Severity]string {
	return map[finding.Severity]string{finding.Block: "block", finding.Error: "error", finding.Warning: "warn"}
}

func (o *prove) printJSON(a *ask, r *proof.Report) error {
	type witness struct {
		Name    string `json:"qname"`
		Type    string `json:"qtype"`
		OldName string `json:"old_qname,omitempty"`
		Old     string `json:"old"`
		New     string `json:"new"`
	}
	type cause struct {
		File string `json:"file"`
		Line int    `json:"line"`
	}
	type row struct {
		ID       string   `json:"id"`
		View     string   `json:"view"`
		Severity string   `json:"severity"`
		Count    int      `json:"count"`
		Class    string   `json:"class"`
		Witness  witness  `json:"witness"`
		Cause    *cause   `json:"cause,omitempty"`
		Found    string   `json:"found"`
		Mend     string   `json:"mend"`
		Dig      []string `json:"dig,omitempty"`
	}
	v := struct {
		Format   int            `json:"format"`
		Verdict  string         `json:"verdict"`
		Findings []row          `json:"findings"`
		Levels   map[string]int `json:"levels"`
		Agree    *agreeJSON     `json:"addresses,omitempty"`
		Live     *liveJSON      `json:"live,omitempty"`
	}{Format: 1, Verdict: "preserved", Findings: []row{}, Levels: map[string]int{}}
	if !a.holds(r) {
		v.Verdict = "lost"
	}
	if a.live != nil {
		x := a.live.json()
		v.Live = &x
	}
	for i, n := range r.Counts.Levels {
		v.Levels[level(i)] = n
	}
	if a.agreed != nil {
		x := a.agreed.json()
		v.Agree = &x
	}
	for _, f := range a.others {
		x := row{ID: f.ID, Severity: severities()[f.Severity], Count: max(f.Count, 1), Found: f.Found, Mend: f.Mend}
		if f.At.File != "" {
			x.Cause = &cause{f.At.File, f.At.Line}
		}
		v.Findings = append(v.Findings, x)
	}
	for _, f := range r.Faults {
		if f.Severity == finding.Note {
			continue
		}
		x := row{
			ID: f.ID, View: string(f.View), Severity: severities()[f.Severity],
			Count: max(f.Count, 1), Class: f.Class, Found: f.Found, Mend: f.Mend, Dig: f.Dig,
			Witness: witness{Name: f.Witness.Name.String(), Type: f.Witness.Type.String(), Old: f.Witness.Old, New: f.Witness.New},
		}
		if n := f.Witness.OldName; !n.IsZero() && n != f.Witness.Name {
			x.Witness.OldName = n.String()
		}
		if f.At.File != "" {
			x.Cause = &cause{f.At.File, f.At.Line}
		}
		v.Findings = append(v.Findings, x)
	}
	// The plan's own come among those of the proof, which stand in order by name.
	grave := []string{"block", "error", "warn"}
	slices.SortStableFunc(v.Findings, func(a, b row) int {
		return cmp.Or(cmp.Compare(slices.Index(grave, a.Severity), slices.Index(grave, b.Severity)), cmp.Compare(a.ID, b.ID))
	})
	enc := json.NewEncoder(o.out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// results gathers the findings that fail, by check.
func results(a *ask, r *proof.Report) (checks []proof.Check, bad map[string][]finding.Finding) {
	bad = map[string][]finding.Finding{}
	checks = proof.Checks()
	for _, f := range a.others {
		if !slices.ContainsFunc(checks, func(c proof.Check) bool { return c.ID == f.ID }) {
			checks = append(checks, proof.Check{ID: f.ID, Severity: f.Severity, Says: "the plan can be published"})
		}
		bad[f.ID] = append(bad[f.ID], f)
	}
	for _, f := range a.beside() {
		if f.Severity < finding.Error {
			continue
		}
		if !slices.ContainsFunc(checks, func(c proof.Check) bool { return c.ID == f.ID }) {
			checks = append(checks, proof.Check{ID: f.ID, Severity: f.Severity, Says: "names and addresses agree"})
		}
		bad[f.ID] = append(bad[f.ID], f)
	}
	for _, f := range r.Faults {
		if f.Severity >= finding.Error {
			bad[f.ID] = append(bad[f.ID], f.Finding)
		}
	}
	if a.live != nil {
		for _, f := range a.live.findings {
			if f.Severity < finding.Error && f.ID != "T-UNSEEN" { // what was not seen is not good
				continue
			}
			if !slices.ContainsFunc(checks, func(c proof.Check) bool { return c.ID == f.ID }) {
				checks = append(checks, proof.Check{ID: f.ID, Severity: f.Severity, Says: "the servers serve what was proved"})
			}
			bad[f.ID] = append(bad[f.ID], f)
		}
	}
	return checks, bad
}

// printTAP prints a line for each check; errors fail it too.
func (o *prove) printTAP(a *ask, r *proof.Report) error {
	checks, bad := results(a, r)
	fmt.Fprintf(o.out, "TAP version 13\n1..%d\n", len(checks))
	for i, c := range checks {
		fs := bad[c.ID]
		if len(fs) == 0 {
			fmt.Fprintf(o.out, "ok %d - %s\n", i+1, c.ID)
			continue
		}
		fmt.Fprintf(o.out, "not ok %d - %s: %s\n", i+1, c.ID, c.Says)
		for _, f := range fs {
			fmt.Fprintln(o.out, "  # "+strings.ReplaceAll(f.String(), "\n", "\n  # "))
			for _, d := range f.Dig {
				fmt.Fprintln(o.out, "  #   "+d)
			}
		}
	}
	return nil
}

// printJUnit prints a test case for each check.
func (o *prove) printJUnit(a *ask, r *proof.Report) error {
	type failure struct {
		Type    string `xml:"type,attr"`
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
	type testcase struct {
		Class    string    `xml:"classname,attr"`
		Name     string    `xml:"name,attr"`
		Failures []failure `xml:"failure"`
	}
	type suite struct {
		XMLName  xml.Name   `xml:"testsuite"`
		Name     string     `xml:"name,attr"`
		Tests    int        `xml:"tests,attr"`
		Failures int        `xml:"failures,attr"`
		Cases    []testcase `xml:"testcase"`
	}
	checks, bad := results(a, r)
	s := suite{Name: "hopnhat prove", Tests: len(checks)}
	for _, c := range checks {
		t := testcase{Class: "prove", Name: c.ID + " " + c.Says}
		for _, f := range bad[c.ID] {
			t.Failures = append(t.Failures, failure{f.ID, f.Found, f.String() + "\n" + strings.Join(f.Dig, "\n")})
		}
		if len(t.Failures) > 0 {
			s.Failures++
		}
		s.Cases = append(s.Cases, t)
	}
	fmt.Fprint(o.out, xml.Header)
	enc := xml.NewEncoder(o.out)
	enc.Indent("", "  ")
	if err := enc.Encode(s); err != nil {
		return err
	}
	_, err := fmt.Fprintln(o.out)
	return err
}
