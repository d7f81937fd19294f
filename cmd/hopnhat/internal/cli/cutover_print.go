package cli

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/control"
	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/verify"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// vietnamese tells whether a language that is asked for, or that of the
// environment, is Vietnamese.
func vietnamese(lang string) (bool, error) {
	switch lang {
	case "en", "vi":
		return lang == "vi", nil
	case "":
		for _, v := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
			if s := os.Getenv(v); s != "" {
				return strings.HasPrefix(s, "vi"), nil
			}
		}
		return false, nil
	}
	return false, fmt.Errorf("--lang %s: write en or vi", lang)
}

func (w *cutoverWords) at(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(w.clock) // as the server has it: by the zone of the cutover's date
}

func (w *cutoverWords) step(wave, kind string) string {
	if k, ok := w.kinds[kind]; ok {
		kind = k
	}
	if wave != "" {
		kind += " [" + wave + "]"
	}
	return kind
}

// print is the whole status, the alarm last, where it is seen.
func (w *cutoverWords) print(out io.Writer, s *control.Status) {
	w.head(out, s)
	if s.Plan != nil {
		w.plan(out, s)
	}
	w.approvals(out, s)
	if p := s.Published; p != nil {
		step := w.edit
		if p.Step != "" {
			step = w.step(p.Wave, p.Step)
		}
		fmt.Fprint(out, fmt.Sprintf(w.published, step, w.at(p.At), p.Who), after(w.because, p.Why), "\n")
	}
	if c := s.Certificate; c != nil {
		text := w.misfits
		if c.Fits {
			text = w.fits
		}
		fmt.Fprintf(out, text+"\n", strings.Replace(c.File, ", version ", w.version, 1), short(c.Digest))
	}
	for _, z := range s.Zones {
		fmt.Fprintf(out, w.served+"\n", z.Zone, z.View, z.Serial)
	}
	for _, f := range s.Findings {
		fmt.Fprintf(out, "%s %s: %s\n", f.Severity, f.ID, f.Text)
	}
	w.alarm(out, s)
}

// head is how the cutover stands and what comes next.
func (w *cutoverWords) head(out io.Writer, s *control.Status) {
	state := cmp.Or(w.states[s.State], string(s.State))
	if s.Plan == nil {
		fmt.Fprintf(out, w.none+"\n", state)
	} else {
		fmt.Fprintf(out, w.of+"\n", w.at(s.Plan.Cutover), state)
	}
	if n := s.Next; n != nil {
		text := fmt.Sprintf(w.next, w.step(n.Wave, n.Kind), w.at(n.At), w.soon(n.At.Sub(s.Time)))
		if n.Waits != "" && s.Missed == nil { // the alarm says that
			text += fmt.Sprintf(w.waits, w.reason(s, n.Cause, nil, n.Waits))
		}
		fmt.Fprintln(out, text)
	}
	if s.Stale != "" {
		fmt.Fprintf(out, w.stale+"\n", w.reason(s, control.ByPlan, nil, s.Stale))
	}
}

// plan is what is approved: its hash, its instants, the zones that change and
// what was proved.
func (w *cutoverWords) plan(out io.Writer, s *control.Status) {
	p := s.Plan
	fmt.Fprint(out, fmt.Sprintf(w.plans, p.Hash, w.at(p.Made), p.By), after(w.because, p.Why))
	if p.Document != "" {
		fmt.Fprintf(out, " (%s)", p.Document)
	}
	fmt.Fprintln(out)
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "  "+w.columns)
	for _, x := range s.Steps {
		checked := ""
		if v := x.Verified; v != nil {
			text := w.failed
			if v.OK {
				text = w.well
			}
			checked = fmt.Sprintf(text, w.verdict(v.Verdict, v.Says))
		}
		fmt.Fprintf(t, "  %s\t%s\t%s\t%s\t%s\t%s\n", x.Wave, w.step("", x.Kind), w.at(x.At), w.at(x.Earliest), w.at(x.Taken), checked)
	}
	_ = t.Flush()
	for _, c := range p.Changes {
		fmt.Fprintln(out, "  "+w.change(c))
	}
	if p.Preserved {
		fmt.Fprintf(out, w.proof+"\n", w.preserved)
	} else {
		fmt.Fprintf(out, w.lost+"\n", p.Verdict)
	}
	if !p.Announce.IsZero() {
		day, _, _ := strings.Cut(w.at(p.Announce), " ")
		fmt.Fprintf(out, w.announce+"\n", day)
	}
	if !p.Window.IsZero() {
		fmt.Fprintf(out, w.back+"\n", w.at(p.Window))
	}
}

func (w *cutoverWords) approvals(out io.Writer, s *control.Status) {
	a := s.Approvals
	if s.Plan == nil || a.Needed == 0 && len(a.By) == 0 {
		return
	}
	var by []string
	for _, x := range a.By {
		by = append(by, fmt.Sprintf(w.byWhom, x.User, w.at(x.At))+after(w.because, x.Why))
	}
	fmt.Fprint(out, fmt.Sprintf(w.had, len(a.By), a.Needed), after(": ", strings.Join(by, "; ")), "\n")
}

// alarm is one line when somebody must look.
func (w *cutoverWords) alarm(out io.Writer, s *control.Status) {
	if text := w.alarmOf(s); text != "" {
		fmt.Fprintln(out, text)
	}
}

func (w *cutoverWords) alarmOf(s *control.Status) string {
	command := func(name string) string {
		return "hopnhat cutover " + name + " --why '…' -C " + finding.Shell(s.Folder)
	}
	back := func() string {
		if s.Rollback == "" {
			return ""
		}
		return fmt.Sprintf(w.goBack, s.Rollback)
	}
	text := ""
	failed := s.Failed()
	switch {
	case !s.Alarms():
		return ""
	case s.Held != nil:
		text = fmt.Sprintf(w.alarmHeld, w.at(s.Held.Since), w.reason(s, s.Held.Cause, s.Held.Verdict, s.Held.Why))
	case s.Missed != nil:
		return fmt.Sprintf(w.alarmMissed, w.at(s.Missed.At), s.Missed.Grace) + fmt.Sprintf(w.newDate, command("now"))
	case failed != nil:
		text = fmt.Sprintf(w.alarmFailed, w.step(failed.Wave, failed.Kind), w.verdict(failed.Verified.Verdict, failed.Verified.Says))
	case s.Clock != nil:
		return fmt.Sprintf(w.alarmClock, w.clockFault(s.Clock)) + w.remedy(s) + back()
	default:
		text = w.states[s.State]
	}
	text += back()
	if s.State == control.Held || s.Held != nil {
		text += w.remedy(s)
	}
	return text
}

// remedy is what lets the timeline go on; "" where nothing is known to.
func (w *cutoverWords) remedy(s *control.Status) string {
	in := " -C " + finding.Shell(s.Folder)
	switch {
	case s.Held != nil && s.Held.Cause == control.ByFiles:
		return fmt.Sprintf(w.goOn, "hopnhat reload "+finding.Shell(s.Folder))
	case s.Stale != "":
		return fmt.Sprintf(w.goOn, "hopnhat cutover schedule"+in)
	case s.Held != nil && s.Held.Cause == control.ByApprovals && s.Plan != nil:
		return fmt.Sprintf(w.goOn, "hopnhat cutover approve "+short(s.Plan.Hash)+in)
	case s.Release != "" && s.Held != nil && silent(s.Held.Verdict):
		return fmt.Sprintf(w.goOnWithout, s.Release)
	case s.Release != "":
		return fmt.Sprintf(w.goOn, s.Release)
	case s.Next != nil && (s.Next.Waits == "" || s.Next.Cause == control.Unverified):
		return w.byItself // what is due is tried again, a verification too
	}
	return ""
}

// silent tells whether a verification met a server beyond this one that does not answer.
func silent(v *control.Verdict) bool {
	return v != nil && slices.ContainsFunc(v.Faults, func(f control.Fault) bool {
		return f.Kind == verify.SilentOnes && (f.Role == "secondary" || f.Role == "resolver")
	})
}

// reason says why nothing is done, by its cause; what has no words here, such as what
// people wrote, as the server says it.
func (w *cutoverWords) reason(s *control.Status, c control.Cause, v *control.Verdict, says string) string {
	switch {
	case c == control.ByVerification:
		return w.verdict(v, says)
	case c == control.ByClock && s.Clock != nil:
		return w.clockFault(s.Clock)
	case c == control.ByApprovals && w.causes[c] != "":
		return fmt.Sprintf(w.causes[c], len(s.Approvals.By), s.Approvals.Needed)
	}
	return cmp.Or(w.causes[c], says)
}

// verdict says what came of a verification; where that is not known in numbers, or not
// understood, as the server says it.
func (w *cutoverWords) verdict(v *control.Verdict, says string) string {
	if v == nil {
		return says
	}
	if len(v.Faults) == 0 {
		return fmt.Sprintf(w.right, v.Right, v.Asked, v.Servers)
	}
	var fs []string
	for _, f := range v.Faults {
		text, ok := w.faults[f.Kind]
		if !ok {
			return says
		}
		if strings.Contains(text, "%") {
			text = fmt.Sprintf(text, f.Count, f.Of, f.Need, f.Such, f.Want, f.Got, f.Dig)
		}
		if f.Such == "" {
			text, _, _ = strings.Cut(text, w.suchAs)
		}
		fs = append(fs, w.point(f)+text)
	}
	return w.unverified + strings.Join(fs, "; ")
}

// point is who a fault is of, with what leads to it.
func (w *cutoverWords) point(f control.Fault) string {
	role := cmp.Or(w.roles[f.Role], f.Role)
	switch {
	case f.Role == "":
		return ""
	case f.Role == "listener":
		return fmt.Sprintf("%s (%s): ", role, f.Address)
	case f.Name == "":
		return fmt.Sprintf("%s %s: ", role, f.Address)
	}
	return fmt.Sprintf("%s %s (%s): ", role, f.Name, f.Address)
}

// clockFault says what is wrong with the clock; what this program does not know of, as
// the server says it.
func (w *cutoverWords) clockFault(c *control.Clock) string {
	by := strings.TrimPrefix(c.By, "-")
	kind := c.Kind
	if kind == "jumped" && by != c.By {
		kind = "jumped back"
	}
	text, ok := w.clocks[kind]
	switch {
	case !ok:
		return c.Says
	case by == "":
		return text
	}
	return fmt.Sprintf(text, by, w.at(c.At))
}

// after is a text behind its lead, or nothing.
func after(lead, text string) string {
	if text == "" {
		return ""
	}
	return lead + text
}

// spans gives a time's length in the largest unit that says enough.
func spans(d time.Duration, units [4]string) (int64, string) {
	d = d.Abs()
	switch {
	case d < 2*time.Minute:
		return int64(d / time.Second), units[0]
	case d < 2*time.Hour:
		return int64(d / time.Minute), units[1]
	case d < 48*time.Hour:
		return int64(d / time.Hour), units[2]
	}
	return int64(d / (24 * time.Hour)), units[3]
}

func spanInEnglish(d time.Duration) string {
	n, unit := spans(d, [4]string{"s", "min", "h", "days"})
	if d < 0 {
		return fmt.Sprintf("%d %s ago", n, unit)
	}
	return fmt.Sprintf("in %d %s", n, unit)
}

func spanInVietnamese(d time.Duration) string {
	n, unit := spans(d, [4]string{"giây", "phút", "giờ", "ngày"})
	if d < 0 {
		return fmt.Sprintf("%d %s trước", n, unit)
	}
	return fmt.Sprintf("còn %d %s", n, unit)
}

func changeInVietnamese(z control.Change) string {
	switch {
	case z.From == 0:
		return fmt.Sprintf("%s (%s): vùng mới, serial %d, %d bản ghi", z.Zone, z.View, z.To, z.Added)
	case z.To == 0:
		return fmt.Sprintf("%s (%s): không còn, trước là serial %d", z.Zone, z.View, z.From)
	}
	return fmt.Sprintf("%s (%s): serial %d, trước là %d; bớt %d bản ghi, thêm %d", z.Zone, z.View, z.To, z.From, z.Removed, z.Added)
}
