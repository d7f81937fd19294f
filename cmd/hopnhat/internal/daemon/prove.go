package daemon

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/merge"
	"gialai.gov.vn/hopnhat/zones/proof"
)

// shownFaults is how many blocking findings a message has.
const shownFaults = 5

// proved is what was proved of a workspace, and how that fits what was
// certified.
type proved struct {
	report proof.Report
	after  map[string]bool // the instants, by a listener's At, that lie after the cutover
	now    proof.Certificate
	lacks  error // why the certificate does not fit; nil where it does
}

// prove decides the claim of a workspace.
func prove(w *workspace.Workspace, plan *merge.Plan, stages []Stage, now time.Time) (*proved, error) {
	p := &proved{after: map[string]bool{}}
	for _, s := range stages {
		p.after[s.At] = w.Changes(plan, s.Instant)
	}
	cert, err := w.Certificate()
	p.lacks = err
	in, err := w.Claim(plan)
	if err != nil {
		return nil, err
	}
	o := proof.Options{Mixture: true, Strict: cert.Strict, Now: now}
	p.now, p.report = proof.Certify(in, o)
	if p.lacks == nil {
		p.lacks = fits(w, cert, p.now)
	}
	return p, nil
}

// fits holds a certificate against what holds now.
func fits(w *workspace.Workspace, cert, now proof.Certificate) error {
	file := filepath.Join(w.Dir, workspace.CertificateFile)
	if ds := cert.Check(now); len(ds) > 0 {
		what := ds[0].String()
		if zs := changed(cert, now); len(zs) > 0 {
			what = strings.Join(zs, ", ") + " changed since"
		}
		return fmt.Errorf("%s is of other content: %s (hopnhat prove --check shows what differs)", file, what)
	}
	if cert.Verdict != "preserved" {
		return fmt.Errorf("%s says that names are lost", file)
	}
	return nil
}

// changed names the zones whose content is not the certified one.
func changed(cert, now proof.Certificate) []string {
	type key struct{ origin, view string }
	was := map[key]string{}
	for _, z := range cert.After {
		was[key{z.Origin, z.View}] = z.ZONEMD
	}
	var out []string
	for _, z := range now.After {
		k := key{z.Origin, z.View}
		if was[k] != z.ZONEMD {
			out = append(out, fmt.Sprintf("%s (%s)", strings.TrimSuffix(z.Origin, "."), z.View))
		}
		delete(was, k)
	}
	for k := range was {
		out = append(out, fmt.Sprintf("%s (%s)", strings.TrimSuffix(k.origin, "."), k.view))
	}
	slices.Sort(out)
	return out
}

// Proof is what was proved of the workspace that is served; ok is false where
// zone files are.
func (d *Daemon) Proof() (r proof.Report, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.loaded.proved == nil {
		return r, false
	}
	return d.loaded.proved.report, true
}

// blocking words the blocking findings, the first few; "" where there is none.
func (p *proved) blocking() string {
	var b strings.Builder
	n := 0
	for _, f := range p.report.Faults {
		if f.Severity < finding.Block {
			continue
		}
		if n++; n > shownFaults {
			continue
		}
		b.WriteString(f.Finding.String() + "\n")
		for _, d := range f.Dig {
			b.WriteString("    " + d + "\n")
		}
	}
	if n == 0 {
		return ""
	}
	if n > shownFaults {
		fmt.Fprintf(&b, "… and %d more; hopnhat prove shows all\n", n-shownFaults)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// errBlocked is a reading whose proof blocks where the one before did not.
var errBlocked = errors.New("names would be lost")

// certified refuses to answer from the world after where others can ask,
// unless what is served is what was certified; or somebody says why not, and
// that is written down.
func (d *Daemon) certified(l *Loaded) error {
	p := l.proved
	if p == nil || p.lacks == nil {
		return nil
	}
	for _, li := range d.o.Listeners {
		if li.Loopback() || !p.after[li.At] {
			continue
		}
		if d.o.Uncertified == "" {
			return fmt.Errorf("listener %s: the world after the cutover is served beyond this machine only as it was certified: %w; or give --uncertified REASON, which is written down", li.Address, p.lacks)
		}
		return d.override(p)
	}
	return nil
}

// Override is one line of STATE/uncertified.log.
type Override struct {
	Time   string `json:"time"` // RFC 3339, UTC
	User   string `json:"user"`
	Reason string `json:"reason"`
	Lacks  string `json:"lacks"`  // what is wrong with the certificate
	Before string `json:"before"` // digests of the worlds
	After  string `json:"after"`
}

// override writes down that a world is served without its certificate.
func (d *Daemon) override(p *proved) error {
	who := fmt.Sprint(os.Getuid())
	if u, err := user.Current(); err == nil {
		who = u.Username
	}
	line, err := json.Marshal(Override{
		p.now.Made, who, d.o.Uncertified, p.lacks.Error(), p.report.Before.String(), p.report.After.String(),
	})
	if err != nil {
		return err
	}
	if d.o.State == "" {
		return errors.New("--uncertified needs a state folder to write the reason down: give --state")
	}
	if err := os.MkdirAll(d.o.State, 0o755); err != nil {
		return err
	}
	file := filepath.Join(d.o.State, "uncertified.log")
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("%s: the reason for serving without a certificate is not written down: %w", file, err)
	}
	d.say([]string{fmt.Sprintf("served without a certificate (%v), since: %s; written to %s", p.lacks, d.o.Uncertified, file)})
	return nil
}
