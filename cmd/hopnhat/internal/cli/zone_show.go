package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/rdata"
	"gialai.gov.vn/hopnhat/zones/zonefile"
)

type zoneShow struct {
	*env
	zoneFile
	past recorded
	from bool
}

func newZoneShow(e *env) *cobra.Command {
	o := &zoneShow{env: e, past: recorded{env: e}}
	c := &cobra.Command{
		Use:   "show {FILE|ZONE@N} [NAME [TYPE]]",
		Short: "Print a zone in canonical order, or one name of it",
		Long: `show prints a zone file, or a version that was published: ` + "`hopnhat zone history`" + `
lists those.`,
		Args: cobra.RangeArgs(1, 3),
		RunE: func(c *cobra.Command, args []string) error { return o.run(args, givenView(c)) },
	}
	o.flags(c)
	o.past.flags(c)
	c.Flags().BoolVar(&o.from, "from", false, "put the file and line of each record before it")
	return c
}

func (o *zoneShow) run(args []string, view string) error {
	r := zoneReader{zoneFile: o.zoneFile, recorded: &o.past, view: view}
	z, err := r.zone(args[0])
	if err != nil {
		return err
	}
	if len(args) == 1 && !o.from {
		_, err := o.out.Write(zonefile.Write(z))
		return err
	}
	var only zones.Name
	var typ zones.Type
	if len(args) > 1 {
		if only, err = zones.ParseNameIn(args[1], z.Origin()); err != nil {
			return fmt.Errorf("%s: %w", args[1], err)
		}
	}
	if len(args) > 2 {
		var ok bool
		if typ, ok = zones.ParseType(args[2]); !ok {
			return fmt.Errorf("%s is not a type of record", args[2])
		}
	}
	found := o.print(z, only, typ)
	// Without the final dot a name stands below the origin; one that ends in that is meant
	// as it reads.
	if !found && len(args) > 1 {
		if whole, err := zones.ParseName(args[1]); err == nil && whole.Within(z.Origin()) {
			found = o.print(z, whole, typ)
		}
	}
	if !found {
		fmt.Fprintf(o.err, "no such record in %v\n", z.ID())
		return &exit{code: 1}
	}
	return nil
}

// print prints the records of a name, or of all where it is zero, and of a type, or of
// all where that is zero, and tells whether there are any.
func (o *zoneShow) print(z *zones.Zone, only zones.Name, typ zones.Type) (found bool) {
	for r := range z.Records() {
		if !only.IsZero() && r.Owner != only || typ != 0 && r.Type != typ {
			continue
		}
		found = true
		if o.from {
			fmt.Fprintf(o.out, "%s\t", r.From.Place)
		}
		fmt.Fprintln(o.out, recordText(r))
	}
	return found
}

// recordText is a record as a master file has it, on one line.
func recordText(r zones.Record) string {
	return fmt.Sprintf("%v\t%d\tIN\t%v\t%s", r.Owner, r.TTL, r.Type, rdata.Text(r.Type, r.Data))
}
