package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"gialai.gov.vn/hopnhat/zones"
)

type zoneDiff struct {
	*env
	zoneFile
	past     recorded
	detailed bool
}

func newZoneDiff(e *env) *cobra.Command {
	o := &zoneDiff{env: e, past: recorded{env: e}}
	c := &cobra.Command{
		Use:   "diff {FILE-BEFORE FILE-AFTER | ZONE@N [ZONE@M]}",
		Short: "Compare two zones record by record",
		Long: `diff prints a line for each record that goes (-) or comes (+), in canonical
order, counts last. Order, comments and spelling do not matter. Either side may
be a file, or a version that was published, which ` + "`hopnhat zone history`" + ` lists;
a version alone is held against the newest one.`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(c *cobra.Command, args []string) error { return o.run(args, givenView(c)) },
	}
	o.flags(c)
	o.past.flags(c)
	c.Flags().BoolVar(&o.detailed, "detailed-exitcode", false, "exit 2 when the zones differ")
	return c
}

func (o *zoneDiff) run(args []string, view string) error {
	r := zoneReader{zoneFile: o.zoneFile, recorded: &o.past, view: view}
	zone, _, ok := asVersion(args[0])
	if len(args) == 1 && !ok {
		return fmt.Errorf("%s is held against nothing: name a second file", args[0])
	}
	before, err := r.zone(args[0])
	if err != nil {
		return err
	}
	if len(args) == 1 {
		r.newest = true
		args = append(args, zone)
	}
	if r.origin == "" {
		r.origin = before.Origin().Text()
	}
	after, err := r.zone(args[1])
	if err != nil {
		return err
	}
	d := zones.Diff(before, after)
	o.difference(d)
	if o.detailed && !d.Empty() {
		return &exit{code: 2}
	}
	return nil
}

// difference prints a change of a zone, record by record.
func (e *env) difference(d zones.Delta) {
	i, j := 0, 0
	for i < len(d.Removed) || j < len(d.Added) {
		if j == len(d.Added) || i < len(d.Removed) && d.Removed[i].Compare(d.Added[j]) < 0 {
			fmt.Fprintln(e.out, "- "+recordText(d.Removed[i]))
			i++
		} else {
			fmt.Fprintln(e.out, "+ "+recordText(d.Added[j]))
			j++
		}
	}
	fmt.Fprintf(e.out, "%d removed, %d added\n", len(d.Removed), len(d.Added))
}
