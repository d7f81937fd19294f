package book

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"gialai.gov.vn/hopnhat/ipam"
	"gialai.gov.vn/hopnhat/ipam/journal/journaltest"
)

// Verify finds a journal that tells another history, and a book in memory that
// is not what its journal says.
func TestVerifyCatches(t *testing.T) {
	ctx := context.Background()
	fill := func(texts ...string) (*Book, *journaltest.Store) {
		b, store := newBook(t)
		for _, text := range texts {
			if _, err := b.Allocate(ctx, by, active(t, text)); err != nil {
				t.Fatal(err)
			}
		}
		return b, store
	}
	b, _ := fill("10.0.0.0/24", "10.0.0.8", "10.0.0.9")
	if end, err := b.Verify(ctx); err != nil || end.Revision != 3 || end.Hash != b.Now().Hash() {
		t.Fatalf("%+v, %v", end, err)
	}
	for name, texts := range map[string][]string{
		"shorter": {"10.0.0.0/24", "10.0.0.8"},
		"another": {"10.0.0.0/24", "10.0.0.8", "10.0.0.10"},
		"empty":   nil,
	} {
		_, other := fill(texts...)
		swapped := &Book{journal: other.Open(), clock: ticking()}
		swapped.now.Store(b.Now())
		var ce *ipam.ChainError
		if _, err := swapped.Verify(ctx); !errors.As(err, &ce) {
			t.Errorf("%s journal: %v", name, err)
		}
	}
	for name, spoil := range map[string]func(f *fold, e *entry){
		"another holder": func(f *fold, e *entry) { e.Site = "elsewhere"; f.insert("live", e) },
		"another parent": func(f *fold, e *entry) { e.up = ipam.Block{}; f.insert("live", e) },
		"one missing":    func(f *fold, e *entry) { f.delete("live", e) },
		"one more":       func(f *fold, e *entry) { e.Block = active(t, "10.0.0.77").Block; f.insert("live", e) },
	} {
		b, _ := fill("10.0.0.0/24", "10.0.0.8", "10.0.0.9")
		e := *b.Now().at(place(t, "10.0.0.9"))
		f := b.Now().fold()
		spoil(f, &e)
		b.now.Store(f.publish())
		var se *StateError
		if _, err := b.Verify(ctx); !errors.As(err, &se) || se.Place != e.Place {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What a verb refuses says where and what to do.
func TestRefusals(t *testing.T) {
	ctx := context.Background()
	b, _ := newBook(t)
	other := active(t, "10.0.1.0/24")
	other.Holder.Unit = "somebody else"
	for _, a := range []ipam.Allocation{active(t, "10.0.0.0/24"), other, active(t, "10.0.0.0/28"), active(t, "10.8.0.0-10.8.0.5"), active(t, "2001:db8::/32")} {
		if _, err := b.Allocate(ctx, by, a); err != nil {
			t.Fatal(err)
		}
	}
	next := func(pool string, bits int) error {
		_, err := b.AllocateNext(ctx, by, ipam.Allocation{Status: ipam.Active}, place(t, pool), bits, First)
		return err
	}
	split := func(text string, bits int) error {
		_, err := b.Split(ctx, by, place(t, text), bits)
		return err
	}
	merge := func(texts ...string) error {
		var blocks []ipam.Block
		for _, text := range texts {
			blocks = append(blocks, place(t, text).Block)
		}
		_, err := b.Merge(ctx, by, "tslcd", blocks, ipam.Allocation{Status: ipam.Active})
		return err
	}
	allocate := func(by By, a ipam.Allocation) error {
		_, err := b.Allocate(ctx, by, a)
		return err
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	_, cerr := b.Allocate(cancelled, by, active(t, "10.99.0.0/16"))
	_, rerr := b.Release(ctx, by, place(t, "10.0.0.0/24"), false)
	_, merr := b.Move(ctx, by, place(t, "10.0.0.0/24"), "tslcd")
	_, nerr := b.Renumber(ctx, by, place(t, "10.0.0.0/24"), place(t, "10.9.0.0/25"))
	before := b.Now().Revision()
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"no such length":    {next("10.0.0.0/24", 33), "10.0.0.0/24 in tslcd: /33 is no length of its family: give 0 to 32"},
		"negative length":   {next("10.0.0.0/24", -1), "is no length of its family"},
		"no room":           {next("10.0.0.0/28", 27), "no free /27 is left"},
		"split in one":      {split("10.0.0.0/24", 24), "give /25 to /32"},
		"split in too many": {split("2001:db8::/32", 43), "give /33 to /42"},
		"split a range":     {split("10.8.0.0-10.8.0.5", 32), "a range that is no prefix"},
		"split across":      {split("10.0.0.0/24", 30), "10.0.0.0/28 in tslcd: does not lie inside one /30"},
		"split what is not": {split("10.7.0.0/24", 30), "nothing is allocated there"},
		"merge one":         {merge("10.0.0.0/24"), "name two or more"},
		"merge holders":     {merge("10.0.0.0/24", "10.0.1.0/24"), "assign them to one holder first"},
		"merge with a gap":  {merge("10.0.0.0/24", "10.8.0.0-10.8.0.5"), "a gap lies between"},
		"merge what is not": {merge("10.0.0.0/24", "10.0.2.0/24", "10.0.1.0/24"), "held by somebody else"},
		"release the full":  {rerr, "10.0.0.0/28 lies in it: release that first, or all at once"},
		"move to itself":    {merr, "already there"},
		"another size":      {nerr, "give a block of the same family and size"},
		"nobody":            {allocate(By{Why: "x"}, active(t, "10.50.0.0/16")), "say who"},
		"no reason":         {allocate(By{Who: "x"}, active(t, "10.50.0.0/16")), "say why"},
		"long key":          {allocate(By{Who: "x", Why: "y", Key: strings.Repeat("k", 201)}, active(t, "10.50.0.0/16")), "write at most 200"},
		"no space":          {allocate(by, ipam.Allocation{Status: ipam.Active}), "no name of a space"},
		"not live":          {allocate(by, ipam.Allocation{Place: place(t, "10.50.0.0/16"), Status: ipam.Released}), "is not one of"},
		"cancelled":         {cerr, "context canceled"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, c.err, c.want)
		}
	}
	if b.Now().Revision() != before || before != 5 {
		t.Errorf("the book stands at revision %d", b.Now().Revision())
	}
	// The most parts that there may be fit one append.
	if r, err := b.Split(ctx, by, place(t, "2001:db8::/32"), 42); err != nil || len(r.Allocated()) != MaxParts {
		t.Errorf("%d parts, %v", len(r.Allocated()), err)
	}
	if got := slices.Collect(b.Now().Within(place(t, "2001:db8::/32"))); len(got) != MaxParts {
		t.Errorf("%d parts stand", len(got))
	}
}
