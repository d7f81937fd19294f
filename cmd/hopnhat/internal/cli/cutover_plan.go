package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/cutover"
	"gialai.gov.vn/hopnhat/zones/finding"
)

type cutoverPlan struct {
	*env
	json bool
	svg  string
	lang string
	date string
	asOf string
}

func newCutoverPlan(e *env) *cobra.Command {
	o := &cutoverPlan{env: e}
	c := &cobra.Command{
		Use:   "plan [WORKSPACE]",
		Short: "Show when each step of the cutover is due, computed from the files alone",
		Long: `plan computes the steps of all waves backwards and forwards from their dates:
when to announce, when TTLs go down, when what is new comes, the switch, when
what goes is gone, when TTLs are as they were. No server is asked and nothing
is changed; serials are those that the files state.

A date too near is told with the earliest safe one, and a date that has passed;
the exit code is 1 then, or where names would be lost for want of a decision.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return o.run(args) },
	}
	f := c.Flags()
	f.BoolVar(&o.json, "json", false, "print the timeline as JSON")
	f.StringVar(&o.svg, "svg", "", "draw the timeline as a picture into this `FILE` (.svg)")
	f.StringVar(&o.lang, "lang", "", "en or vi (default: the environment's)")
	f.StringVar(&o.date, "date", "", "look at another `DATE` of the cutover; later waves stay at theirs")
	f.StringVar(&o.asOf, "as-of", "", "judge what is too near or past as of this `DATE` (default: now)")
	return c
}

// cutoverDates is what the plan comes to.
type cutoverDates struct {
	*planned
	waves []cutover.Wave
	line  cutover.Timeline
	terms cutover.Terms
	found []finding.Finding
}

func (o *cutoverPlan) run(args []string) error {
	vi, err := vietnamese(o.lang)
	if err != nil {
		return err
	}
	now := o.now()
	if o.asOf != "" {
		if now, err = workspace.ParseTime(o.asOf); err != nil {
			return fmt.Errorf("--as-of: %w", err)
		}
	}
	p, err := o.workspace(args)
	if err != nil {
		return err
	}
	if o.date != "" {
		at, err := workspace.ParseTime(o.date)
		if err != nil {
			return fmt.Errorf("--date: %w", err)
		}
		if p.Workspace, err = p.Moved(at); err != nil {
			return fmt.Errorf("--date: %w", err)
		}
		p.plan, p.found = p.Plan()
	}
	if o.svg != "" && !strings.EqualFold(filepath.Ext(o.svg), ".svg") {
		return fmt.Errorf("--svg %s: the picture is SVG; give a file whose name ends in .svg", o.svg)
	}
	words := datesInEnglish()
	if vi {
		words = datesInVietnamese()
	}
	d, err := dates(p, now, words)
	if err != nil {
		return err
	}
	if o.svg != "" {
		if err := d.draw(o.svg, vi, now); err != nil {
			return fmt.Errorf("--svg: %w", err)
		}
	}
	if o.json {
		err = d.printJSON(o.out)
	} else {
		err = words.print(o.out, d)
	}
	if err != nil {
		return err
	}
	if finding.Failed(d.found) || !p.publishable() {
		return &exit{code: 1}
	}
	return nil
}

// dates computes the timeline, and what is to be said of it now.
func dates(p *planned, now time.Time, words *datesWords) (*cutoverDates, error) {
	d := &cutoverDates{planned: p, found: slices.DeleteFunc(slices.Clone(p.found), func(f finding.Finding) bool {
		return f.Severity < finding.Error // hopnhat plan tells the rest
	})}
	ws, fs, err := p.Waves(p.plan)
	if err != nil {
		return nil, err
	}
	d.waves, d.found = ws, append(d.found, fs...)
	d.terms = p.TermsOf(ws)
	if d.line, err = cutover.PlanWaves(ws, d.terms); err != nil {
		return nil, words.refused(err)
	}
	at := zones.Place{File: filepath.Join(p.Dir, workspace.ConsolidationFile)}
	d.found = append(d.found, cutover.Check(d.line, d.terms)...)
	var near *cutover.TooNearError
	if err := d.line.Start(now); errors.As(err, &near) {
		f := finding.Finding{ID: "W-NEAR", Severity: finding.Error, At: at, Found: words.near(near), Mend: words.earliest(near.Earliest)}
		if now.After(near.Cutover.Add(d.terms.Grace)) {
			f.ID, f.Found = "W-MISSED", words.missed(near.Cutover)
		}
		d.found = append(d.found, f)
	}
	return d, nil
}

// draw writes the picture, whole or not at all.
func (d *cutoverDates) draw(file string, vi bool, now time.Time) error {
	words := cutover.English()
	if vi {
		words = cutover.Vietnamese()
	}
	var b bytes.Buffer
	if err := d.line.SVG(&b, words, now); err != nil {
		return err
	}
	return workspace.WriteFile(file, b.Bytes())
}

func (d *cutoverDates) printJSON(out io.Writer) error {
	type zone struct {
		Zone   string `json:"zone"`
		View   string `json:"view"`
		Serial uint32 `json:"serial"`
	}
	type step struct {
		Wave    string     `json:"wave"`
		Kind    string     `json:"kind"`
		At      time.Time  `json:"at"`
		Seconds int64      `json:"secondsAfterStepBefore"`
		Held    *time.Time `json:"heldBySecondaries,omitempty"`
		Alone   *time.Time `json:"oldDataExpired,omitempty"`
		Zones   []zone     `json:"zones"` // that this step changes
	}
	v := struct {
		Version  int       `json:"version"`
		Cutover  time.Time `json:"cutover"`
		Waves    []string  `json:"waves"`
		Steps    []step    `json:"steps"`
		Findings []string  `json:"findings"`
	}{Version: 1, Cutover: d.terms.Cutover, Waves: d.line.Waves(), Steps: []step{}, Findings: []string{}}
	before := d.plan.Before()
	for _, s := range d.line.Steps() {
		x := step{Wave: s.Wave, Kind: s.Kind.String(), At: s.At, Seconds: int64(s.After / time.Second), Zones: []zone{}}
		if s.Kind != cutover.Announce {
			if s.Kind != cutover.Close {
				x.Held, x.Alone = &s.Held, &s.Alone
			}
			for z := range s.World.All() {
				if was := before.Zone(z.ID()); was == nil || !was.Equal(z) {
					x.Zones = append(x.Zones, zone{z.Origin().Text(), string(z.View()), uint32(z.Serial())})
				}
			}
			before = s.World
		}
		v.Steps = append(v.Steps, x)
	}
	for _, f := range d.found {
		v.Findings = append(v.Findings, f.String())
	}
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
