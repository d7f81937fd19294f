package ipam

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func drawText(t *rapid.T, label string) string {
	return rapid.SampledFrom([]string{"", "", "x", "Sở Y tế", "a\nb", strings.Repeat("đ", MaxText/2)}).Draw(t, label)
}

func drawBlock(t *rapid.T) Block {
	m := drawBase(t)
	return m.block(drawRange(t, "block"))
}

func drawPlace(t *rapid.T) Place {
	return Place{Space(rapid.SampledFrom([]string{"tslcd", "internet", "dc/vlan-20"}).Draw(t, "space")), drawBlock(t)}
}

func drawAllocation(t *rapid.T) Allocation {
	a := Allocation{Place: drawPlace(t), Status: Status(rapid.IntRange(1, 4).Draw(t, "status"))}
	if rapid.Bool().Draw(t, "has code") {
		a.Holder.Code, _ = ParseCode(rapid.SampledFrom([]string{"H21", "H08.10.05"}).Draw(t, "code"))
	}
	for _, s := range a.texts() {
		*s = drawText(t, "text")
	}
	if rapid.Bool().Draw(t, "dated") {
		a.Since, a.Until = Date{2025, 9, 1}, Date{9999, 12, 31}
	}
	for _, list := range []*[]string{&a.Documents, &a.Names} {
		*list = rapid.SliceOfN(rapid.SampledFrom([]string{"106/KH-UBND", "mail.example", "www.example", " x "}), 0, 5).Draw(t, "list")
	}
	return a.Clean()
}

func drawEvent(t *rapid.T) Event {
	e := Event{
		Revision: rapid.Uint64().Draw(t, "revision"),
		At:       time.Unix(0, rapid.Int64Min(0).Draw(t, "at")).UTC(),
		Verb:     Verb(rapid.IntRange(1, 9).Draw(t, "verb")),
		Who:      "Nguyễn Văn A",
		Why:      rapid.SampledFrom([]string{"moved", "Kế hoạch 106"}).Draw(t, "why"),
		Document: drawText(t, "document"),
		Key:      rapid.SampledFrom([]string{"", "k1"}).Draw(t, "key"),
	}
	if e.Key != "" {
		e.Request = sha256.Sum256([]byte(e.Key))
	}
	e.Before = sha256.Sum256([]byte(e.Why))
	for range rapid.IntRange(1, 4).Draw(t, "changes") {
		c := Change{Op: Op(rapid.IntRange(1, 5).Draw(t, "op"))}
		switch c.Op {
		case Add, Alter:
			c.Allocation = drawAllocation(t)
		case Drop, Clear:
			c.From = drawPlace(t)
		case Shift:
			c.From = drawPlace(t)
			c.To = Place{"other", c.From.Block}
		}
		e.Changes = append(e.Changes, c)
	}
	return e
}

func sameEvent(a, b Event) bool {
	if len(a.Changes) != len(b.Changes) || !a.At.Equal(b.At) {
		return false
	}
	for i, c := range a.Changes {
		d := b.Changes[i]
		if c.Op != d.Op || c.From != d.From || c.To != d.To || !c.Allocation.Equal(d.Allocation) {
			return false
		}
	}
	return a.Revision == b.Revision && a.Before == b.Before && a.Verb == b.Verb && a.Who == b.Who && a.Why == b.Why &&
		a.Document == b.Document && a.Key == b.Key && a.Request == b.Request
}

// EVENT-CANON: decode undoes encode, and no cut or flipped encoding reads as
// the same event.
func TestEventRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := drawEvent(t)
		data := e.Append([]byte("head"))[4:]
		got, err := DecodeEvent(data)
		if err != nil || !sameEvent(got, e) {
			t.Fatalf("%+v\nread as %+v\n%v", e, got, err)
		}
		if _, err := DecodeEvent(data[:rapid.IntRange(0, len(data)-1).Draw(t, "cut")]); err == nil {
			t.Fatal("a cut event was read")
		}
		if _, err := DecodeEvent(append(bytes.Clone(data), 0)); err == nil {
			t.Fatal("an event with an octet behind it was read")
		}
		flipped := bytes.Clone(data)
		flipped[rapid.IntRange(0, len(data)-1).Draw(t, "flip")] ^= byte(rapid.IntRange(1, 255).Draw(t, "by"))
		if got, err := DecodeEvent(flipped); err == nil && sameEvent(got, e) {
			t.Fatal("a flipped octet was not seen")
		}
	})
}

// Law: what is read encodes to the octets that were read.
func FuzzDecodeEvent(f *testing.F) {
	for i := range 8 {
		f.Add(rapid.Custom(drawEvent).Example(i).Append(nil))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := DecodeEvent(data)
		if err != nil {
			return
		}
		if !bytes.Equal(e.Append(nil), data) {
			t.Fatalf("%x is read and written as %x", data, e.Append(nil))
		}
	})
}

func sampleEvent(addr string) Event {
	return Event{
		At: time.Unix(1_750_000_000, 0).UTC(), Verb: Allocate, Who: "an", Why: "new office",
		Changes: []Change{{Op: Add, Allocation: Allocation{Place: Place{"tslcd", BlockOfAddr(netip.MustParseAddr(addr))}, Status: Active}}},
	}
}

func TestEventCheck(t *testing.T) {
	if err := sampleEvent("10.0.0.1").Check(); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*Event){
		"no verb":      func(e *Event) { e.Verb = 0 },
		"new verb":     func(e *Event) { e.Verb = Import + 1 },
		"nobody":       func(e *Event) { e.Who = " " },
		"no reason":    func(e *Event) { e.Why = "" },
		"long reason":  func(e *Event) { e.Why = strings.Repeat("x", MaxText+1) },
		"not UTF-8":    func(e *Event) { e.Document = "\xff" },
		"control":      func(e *Event) { e.Changes[0].Allocation.Note = "a\x00b" },
		"comma":        func(e *Event) { e.Changes[0].Allocation.Names = []string{"a, b"} },
		"no key":       func(e *Event) { e.Request[0] = 1 },
		"no time":      func(e *Event) { e.At = time.Time{} },
		"far future":   func(e *Event) { e.At = time.Date(2500, 1, 1, 0, 0, 0, 0, time.UTC) },
		"no change":    func(e *Event) { e.Changes = nil },
		"no op":        func(e *Event) { e.Changes[0].Op = 0 },
		"no space":     func(e *Event) { e.Changes[0].Allocation.Space = "" },
		"no block":     func(e *Event) { e.Changes[0].Allocation.Block = Block{} },
		"released":     func(e *Event) { e.Changes[0].Allocation.Status = Released },
		"two places":   func(e *Event) { e.Changes[0].From = e.Changes[0].Allocation.Place },
		"unsorted":     func(e *Event) { e.Changes[0].Allocation.Names = []string{"b", "a"} },
		"double":       func(e *Event) { e.Changes[0].Allocation.Names = []string{"a", "a"} },
		"long list":    func(e *Event) { e.Changes[0].Allocation.Names = make([]string, MaxList+1) },
		"bad date":     func(e *Event) { e.Changes[0].Allocation.Until = Date{2025, 2, 30} },
		"drop nothing": func(e *Event) { e.Changes[0] = Change{Op: Drop} },
		"shift sizes": func(e *Event) {
			from := e.Changes[0].Allocation.Place
			e.Changes[0] = Change{Op: Shift, From: from, To: Place{"tslcd", BlockOf(netip.MustParsePrefix("10.0.0.0/24"))}}
		},
	} {
		e := sampleEvent("10.0.0.1")
		spoil(&e)
		if e.Check() == nil {
			t.Errorf("%s: no error", name)
		}
		if _, _, err := (Chain{}).Seal(e); err == nil {
			t.Errorf("%s: sealed", name)
		}
	}
}

// An allocation at every bound fits an event.
func TestLargestAllocationFits(t *testing.T) {
	e := sampleEvent("2001:db8::1")
	a := &e.Changes[0].Allocation
	for _, s := range a.texts() {
		*s = strings.Repeat("x", MaxText)
	}
	for i := range MaxList {
		a.Names = append(a.Names, fmt.Sprintf("%02d", i)+strings.Repeat("x", MaxText-2))
	}
	a.Documents = a.Names
	e.Who, e.Why, e.Document = strings.Repeat("x", MaxWho), strings.Repeat("x", MaxText), strings.Repeat("x", MaxText)
	if _, _, err := (Chain{}).Seal(e); err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		b := *a
		b.Block = BlockOfAddr(netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}))
		e.Changes = append(e.Changes, Change{Op: Add, Allocation: b})
	}
	if _, _, err := (Chain{}).Seal(e); err == nil {
		t.Error("an event beyond the bound was sealed")
	}
}

func TestChain(t *testing.T) {
	var c, ends Chain
	var records [][]byte
	for i := range 5 {
		e := sampleEvent(fmt.Sprintf("10.0.0.%d", i))
		e.At = e.At.Add(-time.Duration(i) * time.Hour) // a clock that was set back
		r, next, err := c.Seal(e)
		if err != nil || next.Revision != uint64(i+1) || next.Hash != sha256.Sum256(r) || next.At.Before(c.At) {
			t.Fatalf("%+v %v", next, err)
		}
		c, records = next, append(records, r)
	}
	follow := func(records [][]byte) (end Chain, err error) {
		for _, r := range records {
			if _, end, err = end.Follow(r); err != nil {
				return end, err
			}
		}
		return end, nil
	}
	if ends, err := follow(records); err != nil || ends != c {
		t.Fatalf("%+v, want %+v; %v", ends, c, err)
	}
	other, _, _ := (Chain{Revision: 2, Hash: ends.Hash}).Seal(sampleEvent("10.9.9.9"))
	for name, f := range map[string]struct {
		records [][]byte
		at      uint64
	}{
		"one missing":  {[][]byte{records[0], records[2]}, 2},
		"one twice":    {[][]byte{records[0], records[0]}, 2},
		"one replaced": {[][]byte{records[0], records[1], other, records[3]}, 3},
		"first gone":   {records[1:], 1},
		"cut":          {[][]byte{records[0], records[1][:20]}, 2},
	} {
		var ce *ChainError
		if _, err := follow(f.records); !errors.As(err, &ce) || ce.Revision != f.at {
			t.Errorf("%s: %v, want revision %d", name, err, f.at)
		}
	}
	back := sampleEvent("10.0.0.1")
	back.Revision, back.Before, back.At = 2, sha256.Sum256(records[0]), time.Unix(1, 0)
	if _, err := follow([][]byte{records[0], back.Append(nil)}); err == nil {
		t.Error("an instant that goes back was followed (CHAIN-CLOCK)")
	}
}

func TestCheckBatch(t *testing.T) {
	rep := func(n, size int) [][]byte {
		out := make([][]byte, n)
		for i := range out {
			out[i] = make([]byte, size)
		}
		return out
	}
	for _, c := range []struct {
		n, size int
		ok      bool
	}{{0, 0, false}, {1, 0, false}, {1, 1, true}, {MaxBatch, 1, true}, {MaxBatch + 1, 1, false}, {1, MaxEventOctets, true}, {1, MaxEventOctets + 1, false}, {15, MaxEventOctets, true}, {16, MaxEventOctets, false}} {
		if err := CheckBatch(rep(c.n, c.size)); (err == nil) != c.ok {
			t.Errorf("%d events of %d octets: %v", c.n, c.size, err)
		}
	}
}
