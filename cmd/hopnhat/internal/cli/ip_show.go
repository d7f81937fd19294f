package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/sheet"
	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/ipam"
	"gialai.gov.vn/hopnhat/ipam/agree"
	"gialai.gov.vn/hopnhat/ipam/book"
	"gialai.gov.vn/hopnhat/zones"
)

func newIPShow(o *ip) *cobra.Command {
	var when past
	c := &cobra.Command{
		Use:   "show BLOCK",
		Short: "Show who holds a block or an address, what it lies in and what lies in it",
		Long: `show prints the block or address, the blocks that it lies in, and what lies in
it; with --at, as it stood at a past instant.
Exit code: 0 it is allocated or lies in an allocated block, 1 nobody holds it.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return o.with(c.Context(), false, func(b *opened) error {
				s, err := when.of(c.Context(), b)
				if err != nil {
					return err
				}
				return o.show(s, args[0])
			})
		},
	}
	when.flag(c.Flags())
	return c
}

func (o *ip) show(s *book.Snapshot, text string) error {
	p, err := o.at(text)
	if err != nil {
		return err
	}
	list := append(s.Above(p), slices.Collect(s.Within(p))...)
	var above, inside []ipam.Allocation
	var exact *ipam.Allocation
	for i, a := range list {
		switch {
		case a.Block == p.Block:
			exact = &list[i]
		case a.Block.Contains(p.Block):
			above = append(above, a)
		default:
			inside = append(inside, a)
		}
	}
	held := exact != nil || len(above) > 0
	switch {
	case o.json:
		v := struct {
			Format     int              `json:"format"`
			Revision   uint64           `json:"revision"`
			Allocation *allocationJSON  `json:"allocation"`
			Above      []allocationJSON `json:"above"`
			Inside     []allocationJSON `json:"inside"`
		}{1, s.Revision(), nil, allocationsOf(above), allocationsOf(inside)}
		if exact != nil {
			a := allocationOf(*exact)
			v.Allocation = &a
		}
		if err := o.print(v); err != nil {
			return err
		}
	default:
		for _, a := range above {
			fmt.Fprintf(o.out, "in  %v: %s\n", a.Block, words(a))
		}
		if exact != nil {
			o.whole(*exact)
			if len(inside) > 0 {
				fmt.Fprintf(o.out, "  used       %s\n", usage(s, p))
			}
		} else {
			fmt.Fprintf(o.out, "%v: not allocated itself\n", p)
		}
		const most = 50
		for i, a := range inside {
			if i == most {
				fmt.Fprintf(o.out, "  … %d more inside: hopnhat ip tree %v\n", len(inside)-most, p.Block)
				break
			}
			fmt.Fprintf(o.out, "  %v: %s\n", a.Block, words(a))
		}
	}
	if !held {
		return &exit{code: 1}
	}
	return nil
}

// whole prints all that is said of an allocation.
func (o *ip) whole(a ipam.Allocation) {
	fmt.Fprintln(o.out, a.Place)
	for _, f := range [][2]string{
		{"status", a.Status.String()},
		{"holder", a.Holder.String()},
		{"system", a.System},
		{"site", a.Site},
		{"provider", a.Provider},
		{"allotted by", a.Authority},
		{"since", a.Since.String()},
		{"until", a.Until.String()},
		{"documents", strings.Join(a.Documents, ", ")},
		{"names", strings.Join(a.Names, ", ")},
		{"note", a.Note},
	} {
		if f[1] != "" {
			fmt.Fprintf(o.out, "  %-11s%s\n", f[0], strings.ReplaceAll(f[1], "\n", "\n             "))
		}
	}
}

func newIPFind(o *ip) *cobra.Command {
	var when past
	c := &cobra.Command{
		Use:   "find TEXT…",
		Short: "Find blocks by address, name, code or any text, without diacritics too",
		Long: `find prints the blocks of all spaces that hold an address or a block, that a name
points at, that an organisation's code (or one below it) holds, or in whose
texts all the words stand: diacritics and capitals do not count, and d finds đ.
Of a workspace the names in its zones count too, before and after the cutover.
Exit code: 0 something was found, 1 nothing.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return o.with(c.Context(), false, func(b *opened) error {
				s, err := when.of(c.Context(), b)
				if err != nil {
					return err
				}
				text := strings.Join(args, " ")
				found := find(s, text)
				for _, a := range o.pointed(s, text) {
					if !slices.ContainsFunc(found, func(x ipam.Allocation) bool { return x.Place == a.Place }) {
						found = append(found, a)
					}
				}
				if err := o.list(found); err != nil {
					return err
				}
				if len(found) == 0 {
					return &exit{code: 1}
				}
				return nil
			})
		},
	}
	when.flag(c.Flags())
	return c
}

// pointed gives the blocks that hold the addresses which the zones of the
// workspace give a name; none where there is no workspace, or no such name.
func (o *ip) pointed(s *book.Snapshot, text string) (out []ipam.Allocation) {
	name, err := zones.ParseName(strings.ToLower(text))
	if err != nil || name.Labels() < 2 {
		return nil
	}
	dir, err := o.folder(nil)
	if err != nil {
		return nil
	}
	w, _ := workspace.Open(dir)
	if w == nil || !w.Readable() {
		return nil
	}
	for _, at := range w.Addressed(name) {
		for _, space := range s.Spaces() {
			if !agree.Reaches(zones.View(at.Space), space) {
				continue
			}
			if a, ok := s.Lookup(space, at.Block.First()); ok {
				out = append(out, a)
			}
		}
	}
	return out
}

// find gives what a text means, the nearest meaning first: addresses, a code, a
// name, words.
func find(s *book.Snapshot, text string) []ipam.Allocation {
	var out []ipam.Allocation
	seen := map[ipam.Place]bool{}
	add := func(a ipam.Allocation) {
		if !seen[a.Place] {
			seen[a.Place] = true
			out = append(out, a)
		}
	}
	if b, err := ipam.ParseBlock(text); err == nil {
		for _, space := range s.Spaces() {
			p := ipam.Place{Space: space, Block: b}
			for _, a := range s.Above(p) {
				add(a)
			}
			for a := range s.Within(p) {
				add(a)
			}
		}
		return out
	}
	if c, err := ipam.ParseCode(text); err == nil {
		for a := range s.Held(c) {
			add(a)
		}
	}
	for a := range s.Named(strings.ToLower(strings.TrimSuffix(text, "."))) {
		add(a)
	}
	want := strings.Fields(sheet.Fold(text))
	if len(want) == 0 {
		return out
	}
	for a := range s.All() {
		all := sheet.Fold(strings.Join(slices.Concat([]string{
			string(a.Space), a.Status.String(), a.Holder.Code.String(), a.Holder.Unit, a.Site, a.System, a.Provider, a.Authority, a.Note,
		}, a.Documents, a.Names), " "))
		if !slices.ContainsFunc(want, func(w string) bool { return !strings.Contains(all, w) }) {
			add(a)
		}
	}
	return out
}

// list prints allocations, a line each.
func (o *ip) list(found []ipam.Allocation) error {
	if o.json {
		return o.print(struct {
			Format      int              `json:"format"`
			Allocations []allocationJSON `json:"allocations"`
		}{1, allocationsOf(found)})
	}
	for _, a := range found {
		fmt.Fprintf(o.out, "%v: %s\n", a.Place, words(a))
	}
	fmt.Fprintf(o.out, "%d found\n", len(found))
	return nil
}

func newIPHistory(o *ip) *cobra.Command {
	after := uint64(0)
	var when past
	c := &cobra.Command{
		Use:   "history [BLOCK]",
		Short: "Show what became of a block, or the whole audit",
		Long: `history prints all that ever stood at a block or address, around it or in it,
with who changed it, when, why and by which document. Without BLOCK it prints
every entry of the journal behind the revision --after. With --at it prints
what stood there at that instant, and without BLOCK the entries up to it.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			at, err := when.instant()
			if err != nil {
				return err
			}
			return o.with(c.Context(), false, func(b *opened) error {
				if len(args) == 0 {
					return o.audit(c.Context(), b, after, at)
				}
				return o.history(c.Context(), b, args[0], at)
			})
		},
	}
	c.Flags().Uint64Var(&after, "after", 0, "without BLOCK: only entries behind this `REVISION`")
	when.flag(c.Flags())
	return c
}

// entryJSON is an entry of the journal, without its changes.
type entryJSON struct {
	Revision uint64 `json:"revision"`
	At       string `json:"at"`
	Verb     string `json:"verb"`
	Who      string `json:"who"`
	Why      string `json:"why"`
	Document string `json:"document"`
	Key      string `json:"key"`
}

func entryOf(e ipam.Event) entryJSON {
	return entryJSON{e.Revision, workspace.InNumbers(e.At), e.Verb.String(), e.Who, e.Why, e.Document, e.Key}
}

func entryLine(e ipam.Event) string {
	s := fmt.Sprintf("%s %s by %s: %s", workspace.InNumbers(e.At), e.Verb, e.Who, e.Why)
	if e.Document != "" {
		s += " (" + e.Document + ")"
	}
	return s
}

func (o *ip) audit(ctx context.Context, b *opened, after uint64, at time.Time) error {
	type entry struct {
		entryJSON
		Changes []string `json:"changes"`
	}
	all := []entry{}
	for e, err := range b.events(ctx, after) {
		if err != nil {
			return err
		}
		if !at.IsZero() && e.At.After(at) {
			break
		}
		x := entry{entryOf(e), []string{}}
		for _, c := range e.Changes {
			x.Changes = append(x.Changes, changeLine(c))
		}
		if o.json {
			all = append(all, x)
			continue
		}
		fmt.Fprintf(o.out, "revision %d: %s\n", e.Revision, entryLine(e))
		for i, l := range x.Changes {
			if i == 20 {
				fmt.Fprintf(o.out, "  … %d more changes\n", len(x.Changes)-i)
				break
			}
			fmt.Fprintln(o.out, "  "+l)
		}
	}
	if o.json {
		return o.print(struct {
			Format  int     `json:"format"`
			Entries []entry `json:"entries"`
		}{1, all})
	}
	return nil
}

// history prints what stood at a block, or, with an instant, what stood there then.
func (o *ip) history(ctx context.Context, b *opened, text string, at time.Time) error {
	p, err := o.at(text)
	if err != nil {
		return err
	}
	versions := b.Now().History(p)
	if !at.IsZero() {
		versions = slices.DeleteFunc(versions, func(v book.Version) bool { return !v.Stood(at) })
	}
	entries := map[uint64]ipam.Event{}
	entry := func(revision uint64) (ipam.Event, error) {
		if e, ok := entries[revision]; ok {
			return e, nil
		}
		e, err := b.event(ctx, revision)
		entries[revision] = e
		return e, err
	}
	type version struct {
		allocationJSON
		Began entryJSON  `json:"began"`
		Ended *entryJSON `json:"ended"`
	}
	all := []version{}
	for _, v := range versions {
		began, err := entry(v.Since.Revision)
		if err != nil {
			return err
		}
		x := version{allocationOf(v.Allocation), entryOf(began), nil}
		if o.json {
			if !v.IsLive() {
				ended, err := entry(v.Until.Revision)
				if err != nil {
					return err
				}
				e := entryOf(ended)
				x.Ended = &e
			}
			all = append(all, x)
			continue
		}
		fmt.Fprintf(o.out, "%v: %s\n  revision %d: %s\n", v.Block, words(v.Allocation), v.Since.Revision, entryLine(began))
		if !v.IsLive() {
			ended, err := entry(v.Until.Revision)
			if err != nil {
				return err
			}
			fmt.Fprintf(o.out, "  until revision %d: %s\n", v.Until.Revision, entryLine(ended))
		}
	}
	if o.json {
		return o.print(struct {
			Format   int       `json:"format"`
			Versions []version `json:"versions"`
		}{1, all})
	}
	switch {
	case len(versions) > 0:
	case at.IsZero():
		fmt.Fprintf(o.out, "%v: nothing ever stood there\n", p)
	default:
		fmt.Fprintf(o.out, "%v: nothing stood there at %s\n", p, workspace.InNumbers(at))
	}
	return nil
}
