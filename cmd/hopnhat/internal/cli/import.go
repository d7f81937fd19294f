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

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/export"
	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/imports"
	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/transfer"
)

type importCmd struct {
	*env
	listing
	decisions string
	dryRun    bool
	detailed  bool
}

func newImport(e *env) *cobra.Command {
	o := &importCmd{env: e}
	c := &cobra.Command{
		Use:   "import [SOURCE…]",
		Short: "Bring zones in, from files and from live servers (AXFR)",
		Long: `import reads the sources that consolidation.yaml names, all of them or those
given: files where they lie, live servers (axfr:) by a transfer. It accounts
for each record, and keeps a copy of each zone, and of the files that it was
read from, in the folder imported, beside digest and time. The plan reads the
files themselves, and of a live server the copy.

It prints what changes since the last import, a line for each record set:

  +  comes      -  goes      ~  changes

All sources are taken or none: a record that is refused or not accounted for,
a transfer that ends early, a signature that is wrong end the command, and
nothing is written. A source with "checks:" is held against the one that it
names, and brings nothing itself.

With --decisions the table that "plan --decisions" wrote comes back: rows that
were edited become edits of their lines in consolidation.yaml.

With --server the lines for all zones of a server are printed, to be pasted
under sources:, found by its catalog zone, a list or its named.conf.`,
		RunE: func(c *cobra.Command, args []string) error {
			if o.decisions != "" {
				if len(args) > 0 || o.server != "" {
					return errors.New("--decisions reads a table of decisions and nothing else; leave out sources and --server")
				}
				return o.readDecisions(o.decisions)
			}
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
	f.StringVar(&o.decisions, "decisions", "", "take decisions from this `FILE` (.xlsx or .csv) into consolidation.yaml")
	f.BoolVar(&o.dryRun, "dry-run", false, "say what would change, write nothing")
	f.BoolVar(&o.detailed, "detailed-exitcode", false, "exit 2 when something changes")
	return c
}

func (o *importCmd) run(ctx context.Context, names []string) error {
	dir, err := o.folder(nil)
	if err != nil {
		return err
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
	came := map[string]*zones.Zone{}
	failed, changes := false, 0
	for _, s := range sources {
		get := o.read
		if s.Kind == "axfr" {
			get = o.fetch
		}
		t, ok := get(ctx, w, fs, s)
		if !ok {
			failed = true
			continue
		}
		came[s.Name] = t.Zone
		if s.Checks != "" {
			continue
		}
		old, err := imports.Kept(w, s.Name, s.ID)
		if err != nil {
			return err
		}
		if n := o.drift(old, t); n > 0 || old == nil {
			changes += max(n, 1)
			taken = append(taken, t)
		}
	}
	for _, s := range sources {
		if s.Checks != "" && came[s.Name] != nil {
			other := came[s.Checks]
			if other == nil {
				other = w.Brought(s.Checks)
			}
			o.check(s, other, came[s.Name])
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

// choose picks the sources to read: those named, else all.
func (o *importCmd) choose(w *workspace.Workspace, names []string) ([]workspace.Source, error) {
	if len(w.Sources) == 0 {
		return nil, errors.New("consolidation.yaml names no source; write one such as\n  binhdinh: {zone: binhdinh.gov.vn, axfr: 192.0.2.53, key: keys/binhdinh.key}")
	}
	if len(names) == 0 {
		return w.Sources, nil
	}
	var known []string
	for _, s := range w.Sources {
		known = append(known, s.Name)
	}
	var out []workspace.Source
	for _, n := range names {
		i := slices.Index(known, n)
		if i < 0 {
			return nil, fmt.Errorf("consolidation.yaml names no source %s; its sources are %s", n, strings.Join(known, ", "))
		}
		out = append(out, w.Sources[i])
	}
	return out, nil
}

// read takes what the workspace read from a source's files, and says what
// became of each record.
func (o *importCmd) read(_ context.Context, w *workspace.Workspace, fs []finding.Finding, s workspace.Source) (imports.Taken, bool) {
	r := w.ReadOf(s.Name)
	places := map[string]bool{}
	for _, f := range r.Files {
		places[filepath.Join(w.Dir, filepath.FromSlash(f))] = true
	}
	var told []finding.Finding
	refused := 0
	for _, f := range fs {
		file, _, _ := strings.Cut(f.At.File, "[") // a sheet of a book
		if f.At == s.At || places[filepath.Clean(file)] {
			told = append(told, f)
			if f.Severity >= finding.Error {
				refused++
			}
		}
	}
	from := finding.Warning
	if s.Kind == "sheet" {
		from = finding.Note // what was guessed is to be seen
	}
	o.tell(told, from)
	t := imports.Taken{
		Source: s.Name, From: s.Kind + ":" + s.Path, At: o.now(), Zone: r.Zone, Account: imports.FromSource(r.Account),
	}
	if r.Zone == nil {
		what := fmt.Sprintf("%d errors", refused)
		if t.Account.In > 0 {
			what = t.Account.String()
		}
		fmt.Fprintf(o.err, "%s: %v from %s: %s; each is listed above\n", s.Name, s.ID, s.Path, what)
		return imports.Taken{}, false
	}
	root, err := os.OpenRoot(w.Root)
	if err != nil {
		fmt.Fprintln(o.err, err)
		return imports.Taken{}, false
	}
	defer root.Close()
	for _, f := range r.Files {
		if b, err := root.ReadFile(filepath.FromSlash(f)); err == nil { // those that were looked for in vain are listed too
			t.Files = append(t.Files, export.File{Name: f, Data: b})
		}
	}
	fmt.Fprintf(o.out, "%s: %v from %s, serial %d: %v\n", s.Name, s.ID, s.Path, r.Zone.Serial(), t.Account)
	for _, c := range r.Account.Classes {
		if c.LeftOut > 0 {
			fmt.Fprintf(o.out, "  %s: %d left out\n", c.Class, c.LeftOut)
		}
	}
	return t, o.balanced(t)
}

// balanced tells whether the records of an import add up.
func (o *importCmd) balanced(t imports.Taken) bool {
	if t.Account.Balanced() {
		return true
	}
	fmt.Fprintf(o.err, "%s: the records do not add up, nothing is taken\n", t.Source)
	return false
}

// fetch transfers one zone and says what came.
func (o *importCmd) fetch(ctx context.Context, w *workspace.Workspace, _ []finding.Finding, s workspace.Source) (imports.Taken, bool) {
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
	return t, o.balanced(t)
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
func (o *importCmd) drift(old *zones.Zone, t imports.Taken) int {
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
func (o *importCmd) check(s workspace.Source, other, z *zones.Zone) {
	if other == nil {
		fmt.Fprintf(o.err, "%s cannot be held against %s, which was not read\n", s.Name, s.Checks)
		return
	}
	d, fs := transfer.Compare(other, z)
	o.tell(fs, finding.Note)
	fmt.Fprintf(o.out, "%s against %s: %d records only there, %d only here\n", s.Name, s.Checks, len(d.Removed), len(d.Added))
}
