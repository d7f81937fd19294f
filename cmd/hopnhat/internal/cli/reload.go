package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/control"
)

// reload has a running server read its files again.
type reload struct {
	asker
	grounds
	who      string
	override string
}

func newReload(e *env) *cobra.Command {
	o := &reload{asker: asker{env: e}}
	c := &cobra.Command{
		Use:   "reload [WORKSPACE]",
		Short: "Have the running server publish what was edited",
		Long: `reload does what SIGHUP does, and tells what came of it: the zones that are
served anew, or why an edit is refused, with its place. What was served goes on
until all is read, proved and on disk. The reason goes into the history.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return o.run(c.Context(), args) },
	}
	o.asker.flags(c)
	o.changeFlags(c)
	return c
}

// changeFlags are whose change it is, and why.
func (o *reload) changeFlags(c *cobra.Command) {
	o.grounds.flags(c, false)
	f := c.Flags()
	f.StringVar(&o.who, "who", "", "the `NAME` for whom it is done (default: the user who runs the command, under sudo the one who ran that)")
	f.StringVar(&o.override, "override", "", "publish a change that is too large to be meant, or changes an apex's NS, for this `REASON`")
}

func (o *reload) run(ctx context.Context, args []string) error {
	path, err := o.path(args)
	if err != nil {
		return err
	}
	r, err := o.publish(ctx, path)
	if err == nil && len(r.Refused) > 0 {
		err = &exit{code: 1}
	}
	return err
}

// publish has the server at a socket read again, and prints what came of it.
func (o *reload) publish(ctx context.Context, path string) (*control.Reloaded, error) {
	raw, err := o.ask(ctx, path, control.ReloadCommand, control.Reload{Who: o.person(), Why: o.why, Document: o.document, Override: o.override})
	if err != nil {
		return nil, err
	}
	var r control.Reloaded
	if err := json.Unmarshal(raw, &r); err != nil {
		return nil, fmt.Errorf("the server's answer cannot be read: %w", err)
	}
	if o.json {
		return &r, indent(o.out, r)
	}
	for _, n := range r.Notes {
		fmt.Fprintln(o.err, n)
	}
	for _, z := range r.Zones {
		fmt.Fprintf(o.out, "published: %s\n", changeInEnglish(z))
	}
	switch {
	case len(r.Refused) > 0:
		fmt.Fprintln(o.out, "files with errors are served as they were read before; mend what stands above")
	case len(r.Zones) == 0:
		fmt.Fprintln(o.out, "nothing changed: what is served stands as it did")
	}
	return &r, nil
}

// person is for whom it is done; "" leaves it to the server.
func (o *reload) person() string {
	if o.who == "" && os.Geteuid() == 0 {
		return os.Getenv("SUDO_USER")
	}
	return o.who
}

func changeInEnglish(z control.Change) string {
	s := fmt.Sprintf("%s (%s): serial %d, was %d; %d records gone, %d new", z.Zone, z.View, z.To, z.From, z.Removed, z.Added)
	switch {
	case z.From == 0:
		s = fmt.Sprintf("%s (%s): new, serial %d, %d records", z.Zone, z.View, z.To, z.Added)
	case z.To == 0:
		s = fmt.Sprintf("%s (%s): gone, was serial %d", z.Zone, z.View, z.From)
	}
	return s
}
