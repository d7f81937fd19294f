package book

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"gialai.gov.vn/hopnhat/ipam"
	"gialai.gov.vn/hopnhat/ipam/journal/journaltest"
)

var by = By{Who: "an", Why: "test"}

func newBook(t testing.TB) (*Book, *journaltest.Store) {
	t.Helper()
	var store journaltest.Store
	b, err := Open(context.Background(), store.Open(), ticking())
	if err != nil {
		t.Fatal(err)
	}
	return b, &store
}

func place(t testing.TB, text string) ipam.Place {
	t.Helper()
	block, err := ipam.ParseBlock(text)
	if err != nil {
		t.Fatal(err)
	}
	return ipam.Place{Space: "tslcd", Block: block}
}

func active(t testing.TB, text string) ipam.Allocation {
	t.Helper()
	return ipam.Allocation{Place: place(t, text), Status: ipam.Active}
}

func add(a ipam.Allocation) ipam.Change { return ipam.Change{Op: ipam.Add, Allocation: a} }

func live(b *Book) (out []string) {
	for a := range b.Now().All() {
		out = append(out, a.Block.String()+" "+a.Status.String())
	}
	return out
}

func TestImport(t *testing.T) {
	ctx := context.Background()
	b, _ := newBook(t)
	if _, err := b.Import(ctx, by, 0, nil); err == nil || b.Now().Revision() != 0 {
		t.Errorf("an import of nothing: %v", err)
	}
	// The order does not count: the inner block comes first.
	r, err := b.Import(ctx, by, 0, []ipam.Change{add(active(t, "10.1.1.0/24")), add(active(t, "10.1.0.0/16")), add(active(t, "10.2.0.0/16"))})
	if err != nil || r.Revision != 1 || len(r.Allocated()) != 3 {
		t.Fatalf("%+v, %v", r, err)
	}
	old := active(t, "10.1.1.0/24")
	old.Status = ipam.Deprecated
	keyed := by
	keyed.Key = "plan 2"
	plan := []ipam.Change{
		add(active(t, "10.2.0.0-10.3.0.5")),
		{Op: ipam.Alter, Allocation: old},
		{Op: ipam.Drop, From: place(t, "10.2.0.0/16")},
	}
	first, err := b.Import(ctx, keyed, 1, plan)
	if err != nil || first.Revision != 2 {
		t.Fatalf("%+v, %v", first, err)
	}
	want := []string{"10.1.0.0/16 active", "10.1.1.0/24 deprecated", "10.2.0.0-10.3.0.5 active"}
	if got := live(b); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	// Moved on, and repeated all the same.
	var stale *StaleError
	if _, err := b.Import(ctx, by, 1, []ipam.Change{add(active(t, "10.9.0.0/16"))}); !errors.As(err, &stale) || *stale != (StaleError{On: 1, Now: 2}) || !strings.Contains(err.Error(), "from revision 1 to 2") {
		t.Errorf("a plan of revision 1: %v", err)
	}
	if _, err := b.Import(ctx, by, 7, []ipam.Change{add(active(t, "10.9.0.0/16"))}); !errors.As(err, &stale) || !strings.Contains(err.Error(), "stands at 2") {
		t.Errorf("a plan of revision 7: %v", err)
	}
	again, err := b.Import(ctx, keyed, 1, plan)
	if err != nil || !again.Repeated || again.Moment != first.Moment || len(again.Changes) != 3 {
		t.Errorf("repeated: %+v, %v", again, err)
	}
	if _, err := b.Import(ctx, keyed, 2, plan[:2]); err == nil || !strings.Contains(err.Error(), "plan 2") {
		t.Errorf("the key with another plan: %v", err)
	}
	if got := live(b); !slices.Equal(got, want) || b.Now().Revision() != 2 {
		t.Errorf("%v at %d, want %v", got, b.Now().Revision(), want)
	}
}

// One bad change, and nothing of the plan is made.
func TestImportIsWhole(t *testing.T) {
	ctx := context.Background()
	b, _ := newBook(t)
	if _, err := b.Import(ctx, by, 0, []ipam.Change{add(active(t, "10.1.0.0/16")), add(active(t, "10.2.0.0/16"))}); err != nil {
		t.Fatal(err)
	}
	before := live(b)
	planned := active(t, "10.1.0.0/16")
	planned.Status = ipam.Planned
	deprecated, noted := planned, active(t, "10.1.0.0/16")
	deprecated.Status, noted.Note = ipam.Deprecated, "x"
	for name, c := range map[string]struct {
		plan []ipam.Change
		want string
	}{
		"taken":         {[]ipam.Change{add(active(t, "10.1.0.0/16"))}, "BOOK-ONE"},
		"twice":         {[]ipam.Change{add(active(t, "10.5.0.0/16")), add(active(t, "10.5.0.0/16"))}, "stands twice"},
		"crosses":       {[]ipam.Change{add(active(t, "10.1.255.0-10.2.0.9"))}, "BOOK-NEST"},
		"wrong way":     {[]ipam.Change{{Op: ipam.Alter, Allocation: planned}}, "STATUS-WAY"},
		"as it is":      {[]ipam.Change{{Op: ipam.Alter, Allocation: active(t, "10.1.0.0/16")}}, "already so"},
		"altered twice": {[]ipam.Change{{Op: ipam.Alter, Allocation: deprecated}, {Op: ipam.Alter, Allocation: noted}}, "stands twice"},
		"alters none":   {[]ipam.Change{{Op: ipam.Alter, Allocation: active(t, "10.9.0.0/16")}}, "nothing is allocated"},
		"drops none":    {[]ipam.Change{{Op: ipam.Drop, From: place(t, "10.9.0.0/16")}}, "nothing is allocated"},
		"clears":        {[]ipam.Change{{Op: ipam.Clear, From: place(t, "10.1.0.0/16")}}, "an import adds"},
		"no change":     {[]ipam.Change{{}}, "unknown kind"},
		"no block":      {[]ipam.Change{add(ipam.Allocation{Place: ipam.Place{Space: "a"}, Status: ipam.Active})}, "without addresses"},
	} {
		plan := append([]ipam.Change{add(active(t, "10.7.0.0/16")), {Op: ipam.Drop, From: place(t, "10.2.0.0/16")}}, c.plan...)
		if _, err := b.Import(ctx, by, 1, plan); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if got := live(b); !slices.Equal(got, before) || b.Now().Revision() != 1 {
			t.Fatalf("%s: %v at %d, want %v", name, got, b.Now().Revision(), before)
		}
	}
	// A drop makes room for an add at the same place: the way back to planned.
	if _, err := b.Import(ctx, by, 1, []ipam.Change{add(planned), {Op: ipam.Drop, From: planned.Place}}); err != nil {
		t.Error(err)
	}
	if got, _ := b.Now().Get(planned.Place); got.Status != ipam.Planned {
		t.Errorf("%v, want it planned", got)
	}
}

// A plan that takes several events is one request: its receipt is the same
// when it is repeated, and one that is too large says what would fit.
func TestImportOfManyEvents(t *testing.T) {
	ctx := context.Background()
	b, store := newBook(t)
	var plan []ipam.Change
	for i := range 30_000 {
		a := active(t, netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}).String())
		a.Note = strings.Repeat("n", 40)
		plan = append(plan, add(a))
	}
	keyed := by
	keyed.Key = "large"
	_, err := b.Import(ctx, keyed, 0, plan)
	var n, fit int
	if err == nil {
		t.Fatal("30,000 changes in one append")
	}
	if _, serr := fmt.Sscanf(err.Error(), "%d changes do not fit one append, which is whole or not at all: the first %d do", &n, &fit); serr != nil || n != len(plan) || b.Now().Revision() != 0 {
		t.Fatalf("%v; %v", err, serr)
	}
	if _, err := b.Import(ctx, keyed, 0, plan[:fit+1]); err == nil {
		t.Errorf("%d changes were taken after the error said that %d fit", fit+1, fit)
	}
	r, err := b.Import(ctx, keyed, 0, plan[:fit])
	if err != nil || r.Revision < 5 || r.Revision > ipam.MaxBatch || len(r.Changes) != fit {
		t.Fatalf("%d changes at %v, %v; want %d", len(r.Changes), r.Moment, err, fit)
	}
	if _, err := b.Allocate(ctx, by, active(t, "10.200.0.0/16")); err != nil { // with the same who and why
		t.Fatal(err)
	}
	reopened, err := Open(ctx, store.Open(), ticking())
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range []*Book{b, reopened} {
		again, err := b.Import(ctx, keyed, 0, plan[:fit])
		if err != nil || !again.Repeated || again.Moment != r.Moment || !slices.EqualFunc(again.Changes, r.Changes, sameChange) {
			t.Errorf("repeated: %d changes at %v, want %d at %v; %v", len(again.Changes), again.Moment, fit, r.Moment, err)
		}
	}
}

func sameChange(a, b ipam.Change) bool {
	return a.Op == b.Op && a.Allocation.Equal(b.Allocation) && a.From == b.From && a.To == b.To
}

func TestUsed(t *testing.T) {
	ctx := context.Background()
	b, _ := newBook(t)
	for _, text := range []string{
		"10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "10.2.0.0-10.2.0.9", "192.0.2.7",
		"2001:db8::/32", "2001:db8:1::/48", "2001:db8:2::5",
	} {
		if _, err := b.Allocate(ctx, by, active(t, text)); err != nil {
			t.Fatal(err)
		}
	}
	for text, want := range map[string]string{
		"10.0.0.0/8":    "65546", // a /16 and ten addresses; the /24 lies in the /16
		"10.1.0.0/16":   "256",
		"10.1.2.0/24":   "0",
		"0.0.0.0/0":     "16777217",                      // a /8 and one address: a pool that is not allocated
		"192.0.2.0/24":  "1",                             //
		"10.2.0.8/29":   "2",                             // of what crosses it, the part inside
		"2001:db8::/32": "1208925819614629174706177",     // 2^80 + 1
		"::/0":          "79228162514264337593543950336", // 2^96
	} {
		if got := b.Now().Used(place(t, text)); got.String() != want {
			t.Errorf("Used(%s) = %v, want %s", text, got, want)
		}
	}
	if got := b.Now().Used(ipam.Place{}); got.Cmp(new(big.Int)) != 0 {
		t.Errorf("Used of no place = %v", got)
	}
}
