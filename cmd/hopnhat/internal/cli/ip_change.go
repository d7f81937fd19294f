package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/ipam"
	"gialai.gov.vn/hopnhat/ipam/book"
)

// fields are what an allocation says, as flags.
type fields struct {
	status, code, unit, site, system, provider, authority, note, since, until string
	documents, names                                                          []string
}

func (x *fields) flags(f *pflag.FlagSet) {
	f.StringVar(&x.status, "status", "", "planned, reserved, active or deprecated (default: active)")
	f.StringVar(&x.code, "code", "", "the holder's `CODE`, such as H21.10.05")
	f.StringVar(&x.unit, "unit", "", "the holder's `NAME`")
	f.StringVar(&x.site, "site", "", "where it is used")
	f.StringVar(&x.system, "system", "", "what uses it")
	f.StringVar(&x.provider, "provider", "", "who carries the line")
	f.StringVar(&x.authority, "authority", "", "who allotted it")
	f.StringVar(&x.note, "note", "", "anything else")
	f.StringVar(&x.since, "since", "", "in force from this `DAY`: 2025-09-01 or 1/9/2025")
	f.StringVar(&x.until, "until", "", "to be given back on this `DAY`")
	f.StringSliceVar(&x.documents, "document", nil, "a `DOCUMENT` of the block (repeatable)")
	f.StringSliceVar(&x.names, "name", nil, "a `NAME` that points there (repeatable)")
}

// onto writes the flags that were given over an allocation.
func (x *fields) onto(a ipam.Allocation, f *pflag.FlagSet) (ipam.Allocation, error) {
	var err error
	keep := func(flag string, e error) {
		if e != nil && err == nil {
			err = fmt.Errorf("--%s: %w", flag, e)
		}
	}
	f.Visit(func(g *pflag.Flag) {
		var e error
		switch g.Name {
		case "status":
			a.Status, e = ipam.ParseStatus(x.status)
		case "code":
			if a.Holder.Code = (ipam.Code{}); x.code != "" {
				a.Holder.Code, e = ipam.ParseCode(x.code)
			}
		case "unit":
			a.Holder.Unit = x.unit
		case "site":
			a.Site = x.site
		case "system":
			a.System = x.system
		case "provider":
			a.Provider = x.provider
		case "authority":
			a.Authority = x.authority
		case "note":
			a.Note = x.note
		case "since":
			e = a.Since.UnmarshalText([]byte(x.since))
		case "until":
			e = a.Until.UnmarshalText([]byte(x.until))
		case "document":
			a.Documents = x.documents
		case "name":
			a.Names = x.names
		}
		keep(g.Name, e)
	})
	return a.Clean(), err
}

// change is a command that makes one change of the book.
type change struct {
	*ip
	reason
	fields
	cmd *cobra.Command
}

// newChange makes such a command; run gives what was done.
func newChange(o *ip, c *cobra.Command, withFields bool, run func(ctx context.Context, x *change, b *opened, args []string) (book.Receipt, error)) *cobra.Command {
	x := &change{ip: o, cmd: c}
	x.reason.flags(c.Flags())
	if withFields {
		x.fields.flags(c.Flags())
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		if x.why == "" {
			return fmt.Errorf("say why: --why \"…\", and --doc when a document says so; the book keeps it")
		}
		if x.by == "" {
			return fmt.Errorf("say who asks for it: --by NAME")
		}
		return o.with(c.Context(), true, func(b *opened) error {
			r, err := run(c.Context(), x, b, args)
			if err != nil {
				return err
			}
			return o.receipt(r)
		})
	}
	return c
}

// receipt prints what was done.
func (o *ip) receipt(r book.Receipt) error {
	if o.json {
		type line struct {
			Op         string          `json:"op"`
			Allocation *allocationJSON `json:"allocation,omitempty"`
			From       *placeJSON      `json:"from,omitempty"`
			To         *placeJSON      `json:"to,omitempty"`
		}
		v := struct {
			Format   int    `json:"format"`
			Revision uint64 `json:"revision"`
			At       string `json:"at"`
			Repeated bool   `json:"repeated"`
			Changes  []line `json:"changes"`
		}{1, r.Revision, workspace.InNumbers(r.At), r.Repeated, []line{}}
		for _, c := range r.Changes {
			l := line{Op: opWord(c.Op)}
			if c.Op == ipam.Add || c.Op == ipam.Alter {
				a := allocationOf(c.Allocation)
				l.Allocation = &a
			} else {
				p := placeOf(c.From)
				l.From = &p
			}
			if c.Op == ipam.Shift {
				p := placeOf(c.To)
				l.To = &p
			}
			v.Changes = append(v.Changes, l)
		}
		return o.print(v)
	}
	for _, c := range r.Changes {
		fmt.Fprintln(o.out, changeLine(c))
	}
	if r.Repeated {
		fmt.Fprintf(o.out, "revision %d: done already by an earlier request with this key\n", r.Revision)
		return nil
	}
	fmt.Fprintf(o.out, "revision %d\n", r.Revision)
	return nil
}

func opWord(op ipam.Op) string {
	return map[ipam.Op]string{ipam.Add: "add", ipam.Alter: "alter", ipam.Drop: "drop", ipam.Shift: "shift", ipam.Clear: "clear"}[op]
}

// changeLine is one change as a line.
func changeLine(c ipam.Change) string {
	switch c.Op {
	case ipam.Add:
		return fmt.Sprintf("+ %v: %s", c.Allocation.Place, words(c.Allocation))
	case ipam.Alter:
		return fmt.Sprintf("~ %v: %s", c.Allocation.Place, words(c.Allocation))
	case ipam.Shift:
		return fmt.Sprintf("~ %v, with all in it, becomes %v", c.From, c.To)
	case ipam.Clear:
		return fmt.Sprintf("- %v, with all in it", c.From)
	}
	return fmt.Sprintf("- %v", c.From)
}

// pool are the flags of who asks for the next free block.
type pool struct {
	from string
	bits int
	fit  string
}

func (p *pool) flags(f *pflag.FlagSet) {
	f.StringVar(&p.from, "from", "", "the next free block of this `POOL`, in place of a BLOCK")
	f.IntVar(&p.bits, "bits", -1, "its prefix `LENGTH` (default: one address, the pool's first and last left out)")
	f.StringVar(&p.fit, "fit", "first", "which one: `first` (the lowest) or best (of the smallest gap that holds it)")
}

// place reads what a new allocation is to be: exactly a block, or the next free.
func (x *change) make(ctx context.Context, b *opened, p *pool, args []string, reserve bool) (book.Receipt, error) {
	a, err := x.onto(ipam.Allocation{Status: ipam.Active}, x.cmd.Flags())
	if err != nil {
		return book.Receipt{}, err
	}
	if reserve {
		a.Status = ipam.Reserved
	}
	switch {
	case len(args) == 1 && p.from != "":
		return book.Receipt{}, fmt.Errorf("give a BLOCK or --from POOL, not both")
	case len(args) == 0 && p.from == "":
		return book.Receipt{}, fmt.Errorf("give a BLOCK, such as 10.1.2.0/24, or --from POOL --bits 24 for the next free one")
	case len(args) == 1:
		if a.Place, err = x.at(args[0]); err != nil {
			return book.Receipt{}, err
		}
		return b.Allocate(ctx, x.value(), a)
	}
	from, err := x.at(p.from)
	if err != nil {
		return book.Receipt{}, fmt.Errorf("--from: %w", err)
	}
	fit := book.First
	switch p.fit {
	case "first":
	case "best":
		fit = book.Best
	default:
		return book.Receipt{}, fmt.Errorf("--fit %s: write first or best", p.fit)
	}
	bits := p.bits
	if bits < 0 {
		bits = from.Block.First().BitLen()
	}
	return b.AllocateNext(ctx, x.value(), a, from, bits, fit)
}

func newIPAllocate(o *ip) *cobra.Command {
	p := &pool{}
	c := &cobra.Command{
		Use:     "allocate [BLOCK | --from POOL --bits LENGTH]",
		Short:   "Give a block to somebody: exactly this one, or the next free one of a pool",
		Example: "  hopnhat ip allocate 10.1.2.0/24 --code H21.10 --unit \"Sở Y tế\" --why \"mạng nội bộ\" --doc 12/QĐ-SKHCN\n  hopnhat ip allocate --from 10.1.0.0/16 --bits 26 --system camera --why \"điểm mới\"",
		Args:    cobra.MaximumNArgs(1),
	}
	p.flags(c.Flags())
	return newChange(o, c, true, func(ctx context.Context, x *change, b *opened, args []string) (book.Receipt, error) {
		return x.make(ctx, b, p, args, false)
	})
}

func newIPReserve(o *ip) *cobra.Command {
	p := &pool{}
	c := &cobra.Command{
		Use:   "reserve [BLOCK | --from POOL --bits LENGTH]",
		Short: "Keep a block for somebody: nobody else gets it",
		Args:  cobra.MaximumNArgs(1),
	}
	p.flags(c.Flags())
	return newChange(o, c, true, func(ctx context.Context, x *change, b *opened, args []string) (book.Receipt, error) {
		return x.make(ctx, b, p, args, true)
	})
}

func newIPAssign(o *ip) *cobra.Command {
	c := &cobra.Command{
		Use:     "assign BLOCK",
		Short:   "Change what the book says of a block: holder, status, names …",
		Long:    "assign changes what its flags name and leaves the rest as it is; an empty value takes it away.",
		Example: "  hopnhat ip assign 10.1.2.0/24 --status deprecated --until 31/12/2025 --why \"chuyển sang dải mới\"",
		Args:    cobra.ExactArgs(1),
	}
	return newChange(o, c, true, func(ctx context.Context, x *change, b *opened, args []string) (book.Receipt, error) {
		at, err := x.at(args[0])
		if err != nil {
			return book.Receipt{}, err
		}
		old, ok := b.Now().Get(at)
		if !ok {
			return book.Receipt{}, o.nothing(b, at)
		}
		a, err := x.onto(old, x.cmd.Flags())
		if err != nil {
			return book.Receipt{}, err
		}
		return b.Assign(ctx, x.value(), a)
	})
}

// nothing is the error of a block that is not allocated.
func (o *ip) nothing(b *opened, at ipam.Place) error {
	msg := fmt.Sprintf("nothing is allocated at %v", at)
	if above := b.Now().Above(at); len(above) > 0 {
		msg += fmt.Sprintf("; it lies in %v (%s)", above[len(above)-1].Place, words(above[len(above)-1]))
	}
	for _, s := range b.Now().Spaces() {
		if _, ok := b.Now().Get(ipam.Place{Space: s, Block: at.Block}); ok && s != at.Space {
			msg += fmt.Sprintf("; the space %s has it: say --space %s", s, s)
		}
	}
	return fmt.Errorf("%s", msg)
}

func newIPRelease(o *ip) *cobra.Command {
	all := false
	c := &cobra.Command{
		Use:   "release BLOCK",
		Short: "Give a block back",
		Args:  cobra.ExactArgs(1),
	}
	c.Flags().BoolVar(&all, "all", false, "with all that lies in it")
	return newChange(o, c, false, func(ctx context.Context, x *change, b *opened, args []string) (book.Receipt, error) {
		at, err := x.at(args[0])
		if err != nil {
			return book.Receipt{}, err
		}
		return b.Release(ctx, x.value(), at, all)
	})
}

func newIPSplit(o *ip) *cobra.Command {
	bits := 0
	c := &cobra.Command{
		Use:   "split BLOCK --bits LENGTH",
		Short: "Make one allocation into several of a longer prefix",
		Args:  cobra.ExactArgs(1),
	}
	c.Flags().IntVar(&bits, "bits", 0, "the prefix `LENGTH` of the parts")
	_ = c.MarkFlagRequired("bits")
	return newChange(o, c, false, func(ctx context.Context, x *change, b *opened, args []string) (book.Receipt, error) {
		at, err := x.at(args[0])
		if err != nil {
			return book.Receipt{}, err
		}
		return b.Split(ctx, x.value(), at, bits)
	})
}

func newIPMerge(o *ip) *cobra.Command {
	c := &cobra.Command{
		Use:   "merge BLOCK BLOCK…",
		Short: "Make several allocations beside each other into one",
		Long:  "merge makes neighbouring blocks into one, which says what the first said, with what the flags name written over it.",
		Args:  cobra.MinimumNArgs(2),
	}
	return newChange(o, c, true, func(ctx context.Context, x *change, b *opened, args []string) (book.Receipt, error) {
		var blocks []ipam.Block
		var first ipam.Place
		for i, text := range args {
			at, err := x.at(text)
			if err != nil {
				return book.Receipt{}, err
			}
			if i == 0 {
				first = at
			}
			blocks = append(blocks, at.Block)
		}
		old, ok := b.Now().Get(first)
		if !ok {
			return book.Receipt{}, o.nothing(b, first)
		}
		a, err := x.onto(old, x.cmd.Flags())
		if err != nil {
			return book.Receipt{}, err
		}
		return b.Merge(ctx, x.value(), first.Space, blocks, a)
	})
}

func newIPMove(o *ip) *cobra.Command {
	to := ""
	c := &cobra.Command{
		Use:   "move BLOCK --to SPACE",
		Short: "Move a block, and all in it, to another space",
		Args:  cobra.ExactArgs(1),
	}
	c.Flags().StringVar(&to, "to", "", "the other `SPACE`")
	_ = c.MarkFlagRequired("to")
	return newChange(o, c, false, func(ctx context.Context, x *change, b *opened, args []string) (book.Receipt, error) {
		at, err := x.at(args[0])
		if err != nil {
			return book.Receipt{}, err
		}
		space, err := ipam.ParseSpace(to)
		if err != nil {
			return book.Receipt{}, fmt.Errorf("--to: %w", err)
		}
		return b.Move(ctx, x.value(), at, space)
	})
}

func newIPRenumber(o *ip) *cobra.Command {
	to := ""
	c := &cobra.Command{
		Use:   "renumber BLOCK NEW",
		Short: "Give a block, and all in it, other addresses",
		Long:  "renumber moves a block, and all in it at the same distance from its start, to NEW, a block of the same size where nothing is allocated.",
		Args:  cobra.ExactArgs(2),
	}
	c.Flags().StringVar(&to, "to-space", "", "the `SPACE` of NEW (default: that of BLOCK)")
	return newChange(o, c, false, func(ctx context.Context, x *change, b *opened, args []string) (book.Receipt, error) {
		from, err := x.at(args[0])
		if err != nil {
			return book.Receipt{}, err
		}
		dest, err := x.at(args[1])
		if err != nil {
			return book.Receipt{}, err
		}
		if to != "" {
			if dest.Space, err = ipam.ParseSpace(to); err != nil {
				return book.Receipt{}, fmt.Errorf("--to-space: %w", err)
			}
		}
		return b.Renumber(ctx, x.value(), from, dest)
	})
}
