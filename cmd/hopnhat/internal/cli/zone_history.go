package cli

import (
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/history"
)

// zoneHistory lists the versions of a zone.
type zoneHistory struct {
	recorded
	view string
	json bool
}

func newZoneHistory(e *env) *cobra.Command {
	o := &zoneHistory{recorded: recorded{env: e}}
	c := &cobra.Command{
		Use:   "history ZONE",
		Short: "List the versions of a zone that were published",
		Long: `history prints a line for each version of a zone, the oldest first: its number,
its serial, when, by whom, on which document and why it came to be, and how many
records came (+) and went (-). The whole history is checked: what is damaged or
missing is named, and the command exits 1.

  hopnhat zone show gialai.gov.vn@12
  hopnhat zone diff gialai.gov.vn@11 gialai.gov.vn@12
  hopnhat zone restore gialai.gov.vn@11 --why 'the change of 1/9 is taken back'`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return o.run(args[0]) },
	}
	o.recorded.flags(c)
	f := c.Flags()
	f.StringVar(&o.view, "view", "", "the `VIEW` of the zone (default: the one that has it)")
	f.BoolVar(&o.json, "json", false, "print JSON")
	return c
}

type zoneVersionJSON struct {
	N        int       `json:"n"`
	Parent   int       `json:"parent"`
	Serial   uint32    `json:"serial"`
	At       time.Time `json:"at"`
	Who      string    `json:"who"`
	Document string    `json:"document"`
	Why      string    `json:"why"`
	Added    int       `json:"added"`
	Removed  int       `json:"removed"`
	Digest   string    `json:"digest"`
}

type zoneHistoryJSON struct {
	Format   int               `json:"format"`
	Zone     string            `json:"zone"`
	View     string            `json:"view"`
	Versions []zoneVersionJSON `json:"versions"`
	Damage   []string          `json:"damage"`
}

func (o *zoneHistory) run(zone string) error {
	h, found, err := o.open()
	if err != nil {
		return err
	}
	id, err := zoneOf(h, zone, o.view)
	if err != nil {
		return err
	}
	vs := h.Versions(id)
	if o.json {
		err = indent(o.out, o.report(id.Origin.Text(), string(id.View), vs, found))
	} else {
		var w *workspace.Workspace
		if dir, err := o.folder(nil); err == nil {
			w, _ = workspace.OpenPlans(dir)
		}
		err = o.print(vs, placed(w))
	}
	if err == nil && finding.Failed(found) {
		err = &exit{code: 1}
	}
	return err
}

func (o *zoneHistory) report(zone, view string, vs []history.Version, found []finding.Finding) zoneHistoryJSON {
	r := zoneHistoryJSON{Format: 1, Zone: zone, View: view, Versions: []zoneVersionJSON{}, Damage: []string{}}
	for _, v := range vs {
		r.Versions = append(r.Versions, zoneVersionJSON{
			N: v.N, Parent: v.Parent, Serial: uint32(v.Serial), At: v.At, Who: v.Who, Document: v.Document, Why: v.Why,
			Added: v.Added, Removed: v.Removed, Digest: v.Digest,
		})
	}
	for _, f := range found {
		if f.Severity >= finding.Error {
			r.Damage = append(r.Damage, f.String())
		}
	}
	return r
}

func (o *zoneHistory) print(vs []history.Version, in *time.Location) error {
	t := tabwriter.NewWriter(o.out, 0, 0, 2, ' ', 0)
	for _, v := range vs {
		fmt.Fprintf(t, "%d\tserial %d\t%s\t%s\t+%d -%d\t%s\t%s\n", v.N, v.Serial,
			v.At.In(in).Format("2006-01-02 15:04:05 -07:00"), oneLine(v.Who), v.Added, v.Removed, oneLine(v.Document), oneLine(v.Why))
	}
	return t.Flush()
}
