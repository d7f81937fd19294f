package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"gialai.gov.vn/hopnhat/zones"
)

type zoneDiff struct {
	*env
	zoneFile
	detailed bool
}

func newZoneDiff(e *env) *cobra.Command {
	o := &zoneDiff{env: e}
	c := &cobra.Command{
		Use:   "diff FILE-BEFORE FILE-AFTER",
		Short: "Compare two zone files record by record",
		Long: `diff prints a line for each record that goes (-) or comes (+), in canonical
order, counts last. Order, comments and spelling do not matter.`,
		Args: cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error { return o.run(args[0], args[1]) },
	}
	o.flags(c)
	c.Flags().BoolVar(&o.detailed, "detailed-exitcode", false, "exit 2 when the zones differ")
	return c
}

func (o *zoneDiff) run(before, after string) error {
	var zs [2]*zones.Zone
	for i, file := range []string{before, after} {
		one := o.zoneFile
		if i == 1 && one.origin == "" {
			one.origin = zs[0].Origin().Text()
		}
		_, z, fs, err := one.read(file)
		if err != nil {
			return err
		}
		if err := o.failed(fs); err != nil {
			return err
		}
		zs[i] = z
	}
	d := zones.Diff(zs[0], zs[1])
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
