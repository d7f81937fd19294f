package cli

import (
	"fmt"
	"math/big"
	"strings"

	"github.com/spf13/cobra"

	"gialai.gov.vn/hopnhat/ipam"
	"gialai.gov.vn/hopnhat/ipam/book"
)

func newIPTree(o *ip) *cobra.Command {
	t := &tree{ip: o}
	c := &cobra.Command{
		Use:   "tree [BLOCK]",
		Short: "Show what lies in what, and how full it is",
		Long: `tree prints the blocks of every space, or of the one that --space names, or what
lies in BLOCK, each under the one that it lies in. A block that holds others has
a bar: how much of it they take.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return o.with(c.Context(), false, func(b *opened) error {
				at := ipam.Place{}
				var err error
				if len(args) > 0 {
					at, err = o.at(args[0])
				} else if c.Flags().Changed("space") {
					at.Space, err = o.spaceOf()
				}
				if err != nil {
					return err
				}
				s, err := t.past.of(c.Context(), b)
				if err != nil {
					return err
				}
				return t.run(s, at)
			})
		},
	}
	t.past.flag(c.Flags())
	c.Flags().IntVar(&t.depth, "depth", 0, "how many levels to show (0: all)")
	c.Flags().BoolVar(&t.free, "free", false, "show also what is free in each block")
	return c
}

type tree struct {
	*ip
	past
	depth int
	free  bool
}

// branch is a block with what lies in it.
type branch struct {
	ipam.Allocation
	inner []*branch
}

func (t *tree) run(s *book.Snapshot, at ipam.Place) error {
	type part struct {
		at    ipam.Place
		roots []*branch
	}
	var parts []part
	for _, space := range s.Spaces() {
		if at.Space != "" && at.Space != space {
			continue
		}
		p := part{at: ipam.Place{Space: space, Block: at.Block}}
		var stack []*branch
		for a := range s.Within(p.at) {
			b := &branch{Allocation: a}
			for len(stack) > 0 && !stack[len(stack)-1].Block.Contains(a.Block) {
				stack = stack[:len(stack)-1]
			}
			if len(stack) == 0 {
				p.roots = append(p.roots, b)
			} else {
				up := stack[len(stack)-1]
				up.inner = append(up.inner, b)
			}
			stack = append(stack, b)
		}
		if len(p.roots) > 0 {
			parts = append(parts, p)
		}
	}
	if t.json {
		v := struct {
			Format   int          `json:"format"`
			Revision uint64       `json:"revision"`
			Blocks   []branchJSON `json:"blocks"`
		}{1, s.Revision(), []branchJSON{}}
		for _, p := range parts {
			v.Blocks = append(v.Blocks, t.branches(s, p.roots, 1)...)
		}
		return t.print(v)
	}
	if len(parts) == 0 {
		fmt.Fprintln(t.out, "nothing is allocated there")
		return nil
	}
	for _, p := range parts {
		count := 0
		width := 0
		each(p.roots, 0, func(b *branch, level int) {
			count++
			if t.depth == 0 || level < t.depth {
				width = max(width, 2*level+len(b.Block.String()))
			}
		})
		fmt.Fprintf(t.out, "%s: %d blocks\n", p.at.Space, count)
		t.show(s, p.roots, 0, min(width, 60))
	}
	return nil
}

func each(list []*branch, level int, f func(*branch, int)) {
	for _, b := range list {
		f(b, level)
		each(b.inner, level+1, f)
	}
}

func (t *tree) show(s *book.Snapshot, list []*branch, level, width int) {
	for _, b := range list {
		indent := strings.Repeat("  ", level+1)
		bar := ""
		if len(b.inner) > 0 {
			bar = "  " + usage(s, b.Place)
		}
		fmt.Fprintf(t.out, "%s%-*s  %s%s\n", indent, max(0, width-2*level), b.Block, words(b.Allocation), bar)
		if t.depth > 0 && level+1 >= t.depth {
			continue
		}
		t.show(s, b.inner, level+1, width)
		if t.free && len(b.inner) > 0 {
			n := 0
			for p := range s.Free(b.Place) {
				if n++; n > 8 {
					fmt.Fprintf(t.out, "%s  … more free\n", indent)
					break
				}
				fmt.Fprintf(t.out, "%s  %-*s  free\n", indent, max(0, width-2*level-2), ipam.BlockOf(p))
			}
		}
	}
}

// share is how much of a block is used by what lies in it, from 0 to 1.
func share(s *book.Snapshot, at ipam.Place) float64 {
	f, _ := new(big.Rat).SetFrac(s.Used(at), at.Block.Size()).Float64()
	return f
}

// usage is a bar of ten marks with the share in words.
func usage(s *book.Snapshot, at ipam.Place) string {
	f := share(s, at)
	n := int(f*10 + 0.5)
	words := fmt.Sprintf("%.1f %%", 100*f)
	switch {
	case s.Used(at).Sign() > 0 && f < 0.001:
		words, n = "<0.1 %", max(n, 0)
	case f < 1 && f > 0.999:
		words = ">99.9 %"
	}
	return "[" + strings.Repeat("#", n) + strings.Repeat("-", 10-n) + "] " + words
}

type branchJSON struct {
	allocationJSON
	Used   string       `json:"used"` // addresses that lie in blocks inside
	Size   string       `json:"size"`
	Blocks []branchJSON `json:"blocks"`
}

func (t *tree) branches(s *book.Snapshot, list []*branch, level int) []branchJSON {
	out := []branchJSON{}
	for _, b := range list {
		x := branchJSON{allocationJSON: allocationOf(b.Allocation), Used: s.Used(b.Place).String(), Size: b.Block.Size().String(), Blocks: []branchJSON{}}
		if t.depth == 0 || level < t.depth {
			x.Blocks = t.branches(s, b.inner, level+1)
		}
		out = append(out, x)
	}
	return out
}
