package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"os/user"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/ipam"
	"gialai.gov.vn/hopnhat/ipam/book"
	"gialai.gov.vn/hopnhat/ipam/journal/bolt"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// bookFile is the book's journal in the state folder of a workspace.
const bookFile = "addresses.db"

// ip is what the commands of the book share.
type ip struct {
	*env
	file  string // --book
	space string // --space
	wait  time.Duration
	json  bool
}

func newIP(e *env) *cobra.Command {
	o := &ip{env: e}
	c := &cobra.Command{
		Use:   "ip",
		Short: "Keep the book of addresses: who holds which block, since when and why",
		Long: `ip keeps the book of addresses: blocks of IPv4 and IPv6 by space (VRF, VLAN),
who holds them, for what, by which document. Nothing is ever given twice, and
nothing is forgotten: each change is an entry of a journal, chained by hashes,
with who, why and when.

The book lies in the state folder of the workspace (var/addresses.db), or where
--book says. A command waits for another that writes, and says whose process
it is when it does not end.`,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	f := c.PersistentFlags()
	f.StringVar(&o.file, "book", "", "the book's `FILE` (default: addresses.db in the workspace's state folder)")
	f.StringVar(&o.space, "space", string(workspace.DefaultSpace), "the `SPACE` (VRF, VLAN) of blocks")
	f.DurationVar(&o.wait, "wait", 10*time.Second, "how long to wait for another process that has the book open")
	f.BoolVar(&o.json, "json", false, "print JSON")
	c.AddCommand(
		newIPImport(o), newIPExport(o), newIPTree(o), newIPShow(o), newIPFind(o), newIPHistory(o),
		newIPAllocate(o), newIPReserve(o), newIPAssign(o), newIPRelease(o), newIPSplit(o), newIPMerge(o), newIPMove(o), newIPRenumber(o),
		newIPOverlaps(o), newIPCheck(o), newIPBackup(o), newIPRestore(o), newIPCompact(o))
	return c
}

// plans reads the workspace without its zones.
func (o *ip) plans() (*workspace.Workspace, error) {
	dir, err := o.folder(nil)
	if err != nil {
		return nil, err
	}
	w, finds := workspace.OpenPlans(dir)
	if w == nil || !w.Readable() {
		o.tell(finds, finding.Warning)
		return nil, &exit{code: 1}
	}
	return w, nil
}

// path is where the book lies.
func (o *ip) path() (string, error) {
	if o.file != "" {
		return o.file, nil
	}
	w, err := o.plans()
	if errors.Is(err, workspace.ErrNone) {
		return "", fmt.Errorf("%w, or name the book with --book", err)
	}
	if err != nil {
		return "", err
	}
	return filepath.Join(w.StateDir(), bookFile), nil
}

// opened is the book with the file that it lies in.
type opened struct {
	*book.Book
	journal *bolt.Journal
	path    string
}

// open opens the book. To read it must be there; to write it is made.
func (o *ip) open(ctx context.Context, write bool) (*opened, error) {
	path, err := o.path()
	if err != nil {
		return nil, err
	}
	if write {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return nil, err
		}
	}
	j, err := bolt.Open(path, bolt.Options{Wait: o.wait, ReadOnly: !write})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no book of addresses yet at %s: bring the plans in with `hopnhat ip import`, or allocate a block", path)
	}
	if err != nil {
		return nil, err
	}
	b, err := book.Open(ctx, j, o.now)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), j.Close())
	}
	return &opened{b, j, path}, nil
}

// with runs f on the open book.
func (o *ip) with(ctx context.Context, write bool, f func(*opened) error) error {
	b, err := o.open(ctx, write)
	if err != nil {
		return err
	}
	return errors.Join(f(b), b.journal.Close())
}

// past is --at: the book as it stood at an instant, in place of now.
type past struct{ at string }

func (p *past) flag(f *pflag.FlagSet) {
	f.StringVar(&p.at, "at", "", "as it stood at this `INSTANT`: a date, or a date with a clock")
}

// instant is the one that --at names, the zero time where it names none.
func (p *past) instant() (time.Time, error) {
	if p.at == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(inSeconds, p.at)
	if err == nil {
		t = t.Add(time.Second - 1) // as history prints it: the whole second counts
	} else if t, err = time.Parse(time.RFC3339Nano, p.at); err != nil {
		t, err = workspace.ParseTime(p.at)
	}
	if err != nil {
		return t, fmt.Errorf("--at: %w", err)
	}
	return t, nil
}

// of gives the book as it stands, or as it stood.
func (p *past) of(ctx context.Context, b *opened) (*book.Snapshot, error) {
	t, err := p.instant()
	if err != nil {
		return nil, err
	}
	if t.IsZero() {
		return b.Now(), nil
	}
	return b.At(ctx, t)
}

// inSeconds is how workspace.InNumbers writes an instant.
const inSeconds = "2006-01-02 15:04:05 -07:00"

// events reads the journal behind a revision.
func (b *opened) events(ctx context.Context, after uint64) iter.Seq2[ipam.Event, error] {
	return func(yield func(ipam.Event, error) bool) {
		for r, err := range b.journal.Read(ctx, after) {
			var e ipam.Event
			if err == nil {
				e, err = ipam.DecodeEvent(r.Data)
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// event is one entry of the journal.
func (b *opened) event(ctx context.Context, revision uint64) (ipam.Event, error) {
	for e, err := range b.events(ctx, revision-1) {
		return e, err
	}
	return ipam.Event{}, fmt.Errorf("the journal has no revision %d", revision)
}

// spaceOf reads --space.
func (o *ip) spaceOf() (ipam.Space, error) {
	s, err := ipam.ParseSpace(o.space)
	if err != nil {
		return "", fmt.Errorf("--space: %w", err)
	}
	return s, nil
}

// at reads a block of the space.
func (o *ip) at(text string) (ipam.Place, error) {
	s, err := o.spaceOf()
	if err != nil {
		return ipam.Place{}, err
	}
	b, err := ipam.ParseBlock(text)
	return ipam.Place{Space: s, Block: b}, err
}

// reason is who asks for a change, and why.
type reason struct{ by, why, doc, key string }

func (r *reason) flags(f *pflag.FlagSet) {
	name := ""
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	f.StringVar(&r.by, "by", name, "`WHO` asks for it")
	f.StringVar(&r.why, "why", "", "the `REASON`")
	f.StringVar(&r.doc, "doc", "", "the `DOCUMENT` that says so")
	f.StringVar(&r.key, "key", "", "makes the command safe to repeat: with the same `KEY` it is done once")
}

func (r *reason) value() book.By {
	return book.By{Who: r.by, Why: r.why, Document: r.doc, Key: r.key}
}

// print writes JSON.
func (o *ip) print(v any) error {
	enc := json.NewEncoder(o.out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// placeJSON and allocationJSON are the forms of a block and of who holds it in
// all that the commands print.
type placeJSON struct {
	Space string `json:"space"`
	Block string `json:"block"`
}

type allocationJSON struct {
	placeJSON
	Status    string   `json:"status"`
	Code      string   `json:"code"`
	Unit      string   `json:"unit"`
	Site      string   `json:"site"`
	System    string   `json:"system"`
	Provider  string   `json:"provider"`
	Authority string   `json:"authority"`
	Note      string   `json:"note"`
	Since     string   `json:"since"`
	Until     string   `json:"until"`
	Documents []string `json:"documents"`
	Names     []string `json:"names"`
}

func placeOf(p ipam.Place) placeJSON { return placeJSON{string(p.Space), p.Block.String()} }

func allocationOf(a ipam.Allocation) allocationJSON {
	return allocationJSON{
		placeOf(a.Place), a.Status.String(), a.Holder.Code.String(), a.Holder.Unit, a.Site, a.System, a.Provider, a.Authority, a.Note,
		a.Since.String(), a.Until.String(), append([]string{}, a.Documents...), append([]string{}, a.Names...),
	}
}

func allocationsOf(list []ipam.Allocation) []allocationJSON {
	out := []allocationJSON{}
	for _, a := range list {
		out = append(out, allocationOf(a))
	}
	return out
}

// words says in one line what an allocation is, without its place.
func words(a ipam.Allocation) string {
	s := a.Status.String()
	for _, part := range []string{a.Holder.String(), a.System, a.Site} {
		if part != "" {
			s += ", " + part
		}
	}
	if len(a.Names) > 0 {
		s += " (" + a.Names[0]
		if n := len(a.Names) - 1; n > 0 {
			s += fmt.Sprintf(" and %d more", n)
		}
		s += ")"
	}
	return s
}
