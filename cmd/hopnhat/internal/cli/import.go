package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/imports"
	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/transfer"
)

type importCmd struct {
	*env
	listing
	dryRun   bool
	detailed bool
}

func newImport(e *env) *cobra.Command {
	o := &importCmd{env: e}
	c := &cobra.Command{
		Use:   "import [SOURCE…]",
		Short: "Bring zones in from live servers (AXFR)",
		Long: `import asks the servers of the sources that consolidation.yaml names (axfr:),
all of them or those given, and keeps a copy of each zone in the folder
imported, beside its digest and the time. The plan reads these copies.

It prints what changes since the last import, a line for each record set:

  +  comes      -  goes      ~  changes

All sources are taken or none: a transfer that ends early, a signature that is
wrong, a record that is not accounted for end the command, and nothing is
written. A source with "checks:" is held against the one that it names, and
brings nothing itself.

With --server the lines for all zones of a server are printed, to be pasted
under sources:, found by its catalog zone, a list or its named.conf.`,
		RunE: func(c *cobra.Command, args []string) error {
			if o.server != "" {
				if len(args) > 0 {
					return fmt.Errorf("--server prints lines for consolidation.yaml and takes nothing; leave out %s", args[0])
				}
				return o.listing.print(c.Context(), e)
			}
			return o.run(c.Context(), args)
		},
	}
	o.listing.flags(c)
	f := c.Flags()
	f.BoolVar(&o.dryRun, "dry-run", false, "say what would change, write nothing")
	f.BoolVar(&o.detailed, "detailed-exitcode", false, "exit 2 when something changes")
	return c
}

func (o *importCmd) run(ctx context.Context, names []string) error {
	dir := o.place(nil)
	if dir == "." {
		var err error
		if dir, err = workspace.Find("."); err != nil {
			return err
		}
	}
	w, fs := workspace.Open(dir)
	if w == nil || !w.Readable() {
		o.tell(fs, finding.Warning)
		return &exit{code: 1}
	}
	sources, err := o.choose(w, names)
	if err != nil {
		return err
	}
	var taken []imports.Taken
	failed, changes := false, 0
	for _, s := range sources {
		t, ok := o.fetch(ctx, w, s)
		if !ok {
			failed = true
			continue
		}
		if s.Checks != "" {
			o.check(w, s, t.Zone)
			continue
		}
		if n := o.drift(w, t); n > 0 || w.Brought(s.Name) == nil {
			changes += max(n, 1)
			taken = append(taken, t)
		}
	}
	switch {
	case failed:
		return errors.New("nothing was taken: not every source could be read")
	case len(taken) == 0:
		fmt.Fprintln(o.out, "nothing changed, nothing was written")
		return nil
	case o.dryRun:
		fmt.Fprintf(o.out, "%d sources would be written\n", len(taken))
	default:
		if err := imports.Keep(w.Root, taken); err != nil {
			return err
		}
		fmt.Fprintf(o.out, "%d sources written to %s\n", len(taken), filepath.Join(dir, workspace.ImportedFolder))
	}
	if o.detailed && changes > 0 {
		return &exit{code: 2}
	}
	return nil
}

// choose picks the sources to ask: those named, else all that come from
// servers.
func (o *importCmd) choose(w *workspace.Workspace, names []string) ([]workspace.Source, error) {
	var live []workspace.Source
	var known []string
	for _, s := range w.Sources {
		if s.Kind == "axfr" {
			live = append(live, s)
			known = append(known, s.Name)
		}
	}
	if len(live) == 0 {
		return nil, errors.New("no source of consolidation.yaml comes from a server; write one such as\n  binhdinh: {zone: binhdinh.gov.vn, axfr: 192.0.2.53, key: keys/binhdinh.key}\nfiles and BIND trees are read where they lie, without an import")
	}
	if len(names) == 0 {
		return live, nil
	}
	var out []workspace.Source
	for _, n := range names {
		i := slices.Index(known, n)
		if i < 0 {
			return nil, fmt.Errorf("no source %s comes from a server; those that do are %s", n, strings.Join(known, ", "))
		}
		out = append(out, live[i])
	}
	return out, nil
}

// fetch transfers one zone and says what came.
func (o *importCmd) fetch(ctx context.Context, w *workspace.Workspace, s workspace.Source) (imports.Taken, bool) {
	q := transfer.Request{Server: s.Server, Zone: s.ID, Now: o.now}
	if s.KeyFile != "" {
		k, ok := o.key(w, s)
		if !ok {
			return imports.Taken{}, false
		}
		q.Key = &k
	}
	z, r, fs := transfer.Fetch(ctx, q)
	o.tell(fs, finding.Warning)
	if z == nil || finding.Failed(fs) {
		return imports.Taken{}, false
	}
	t := imports.Taken{
		Source: s.Name, From: fmt.Sprintf("axfr://%v/%s", s.Server, s.ID.Origin.Text()), At: o.now(), Zone: z,
		Account: imports.Account{In: r.Records, Taken: r.Taken, Duplicates: r.Duplicates, Refused: r.Refused},
	}
	fmt.Fprintf(o.out, "%s: %v from %v, serial %d: %v\n", s.Name, s.ID, s.Server, r.Serial, t.Account)
	if !t.Account.Balanced() {
		fmt.Fprintf(o.err, "%s: the records do not add up, nothing is taken\n", s.Name)
		return imports.Taken{}, false
	}
	return t, true
}

// key reads the first key of a key file inside the workspace.
func (o *importCmd) key(w *workspace.Workspace, s workspace.Source) (transfer.Key, bool) {
	root, err := os.OpenRoot(w.Root)
	if err != nil {
		fmt.Fprintln(o.err, err)
		return transfer.Key{}, false
	}
	defer root.Close()
	text, err := root.ReadFile(filepath.FromSlash(s.KeyFile))
	if err != nil {
		o.tell([]finding.Finding{{ID: "S-READ", Severity: finding.Error, At: s.At, Found: "the key file " + s.KeyFile + " cannot be read: " + err.Error(), Mend: "give the path of a file inside the workspace, as tsig-keygen prints it"}}, finding.Error)
		return transfer.Key{}, false
	}
	keys, fs := transfer.ParseKeyFile(filepath.Join(w.Dir, s.KeyFile), string(text))
	o.tell(fs, finding.Warning)
	if finding.Failed(fs) || len(keys) == 0 {
		return transfer.Key{}, false
	}
	return keys[0], true
}

// drift prints what changes since the last import and counts it.
func (o *importCmd) drift(w *workspace.Workspace, t imports.Taken) int {
	old := w.Brought(t.Source)
	all := imports.Drift(old, t.Zone)
	if old == nil {
		fmt.Fprintf(o.out, "  the first import: %d record sets\n", len(all))
		return len(all)
	}
	for _, c := range all {
		switch c.Sign {
		case '-':
			fmt.Fprintf(o.out, "- %v: %s\n", c.Key, data(c.Old))
		case '+':
			fmt.Fprintf(o.out, "+ %v: %s\n", c.Key, data(c.New))
		default:
			fmt.Fprintf(o.out, "~ %v: %s, was %s\n", c.Key, data(c.New), data(c.Old))
		}
	}
	return len(all)
}

func data(s zones.RRset) string {
	var out []string
	for _, r := range s.Records() {
		_, text, _ := strings.Cut(recordText(r), "\tIN\t")
		_, text, _ = strings.Cut(text, "\t")
		out = append(out, text)
	}
	return fmt.Sprintf("%s (TTL %d)", strings.Join(out, ", "), s.TTL())
}

// check holds a zone that came against the source that brings the same zone.
func (o *importCmd) check(w *workspace.Workspace, s workspace.Source, z *zones.Zone) {
	other := w.Brought(s.Checks)
	if other == nil {
		fmt.Fprintf(o.err, "%s cannot be held against %s, which was not read\n", s.Name, s.Checks)
		return
	}
	d, fs := transfer.Compare(other, z)
	o.tell(fs, finding.Note)
	fmt.Fprintf(o.out, "%s against %s: %d records only there, %d only here\n", s.Name, s.Checks, len(d.Removed), len(d.Added))
}
