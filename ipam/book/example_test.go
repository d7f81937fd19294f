package book_test

import (
	"context"
	"fmt"
	"time"

	"gialai.gov.vn/hopnhat/ipam"
	"gialai.gov.vn/hopnhat/ipam/book"
	"gialai.gov.vn/hopnhat/ipam/journal/journaltest"
)

// daily is a clock that stands at 8 in the morning, a day later at each call.
func daily() func() time.Time {
	day := time.Date(2025, 6, 30, 8, 0, 0, 0, time.UTC)
	return func() time.Time {
		day = day.AddDate(0, 0, 1)
		return day
	}
}

func at(text string) ipam.Place {
	block, err := ipam.ParseBlock(text)
	if err != nil {
		panic(err)
	}
	return ipam.Place{Space: "tslcd", Block: block}
}

// The next free /29 of a pool, for a unit; asked again by its key, it is the
// same one.
func ExampleBook_AllocateNext() {
	ctx := context.Background()
	var store journaltest.Store // bolt.Open keeps the journal in a file
	b, err := book.Open(ctx, store.Open(), daily())
	if err != nil {
		fmt.Println(err)
		return
	}
	by := book.By{Who: "an", Why: "the plan of 2025"}
	for _, text := range []string{"10.21.0.0/24", "10.21.0.0/29"} {
		if _, err := b.Allocate(ctx, by, ipam.Allocation{Place: at(text), Status: ipam.Active}); err != nil {
			fmt.Println(err)
		}
	}
	by = book.By{Who: "binh", Why: "cameras of the commune", Document: "12/CV", Key: "ticket 4711"}
	code, _ := ipam.ParseCode("H21.10.05")
	cameras := ipam.Allocation{Status: ipam.Reserved, Holder: ipam.Holder{Code: code}}
	for range 2 {
		r, err := b.AllocateNext(ctx, by, cameras, at("10.21.0.0/24"), 29, book.First)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(r.Allocated()[0], "at revision", r.Revision, "repeated", r.Repeated)
	}
	for p := range b.Now().Free(at("10.21.0.0/24")) {
		fmt.Println("free", p)
	}
	_, err = b.Allocate(ctx, book.By{Who: "an", Why: "a mistake"}, ipam.Allocation{Place: at("10.21.0.4-10.21.0.11"), Status: ipam.Active})
	fmt.Println(err)
	// Output:
	// 10.21.0.8/29 in tslcd at revision 3 repeated false
	// 10.21.0.8/29 in tslcd at revision 3 repeated true
	// free 10.21.0.16/28
	// free 10.21.0.32/27
	// free 10.21.0.64/26
	// free 10.21.0.128/25
	// 10.21.0.4-10.21.0.11 in tslcd: lies partly in 10.21.0.0/29 and partly outside (BOOK-NEST): give a block inside it, around it or beside it
}

// begin is a book with a journal in memory, and what a program prints of it.
func begin() (b *book.Book, did func(book.Receipt, error)) {
	var store journaltest.Store // bolt.Open keeps the journal in a file
	b, err := book.Open(context.Background(), store.Open(), daily())
	if err != nil {
		panic(err)
	}
	return b, func(r book.Receipt, err error) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Print("revision ", r.Revision, ":")
		for a := range b.Now().All() {
			fmt.Print(" ", a.Place, " ", a.Status, " ", a.Holder.Unit, ";")
		}
		fmt.Println()
	}
}

// held is an active block of a unit.
func held(text, unit string) ipam.Allocation {
	return ipam.Allocation{Place: at(text), Status: ipam.Active, Holder: ipam.Holder{Unit: unit}}
}

// The life of a block: kept for somebody, given, described anew, given back.
func ExampleBook_Assign() {
	ctx, by := context.Background(), book.By{Who: "an", Why: "the plan of 2025"}
	b, did := begin()
	did(b.Reserve(ctx, by, held("10.21.0.0/24", "cameras")))
	did(b.Assign(ctx, by, held("10.21.0.0/24", "Ia Ly")))
	did(b.Assign(ctx, by, ipam.Allocation{Place: at("10.21.0.0/24"), Status: ipam.Planned}))
	did(b.Release(ctx, by, at("10.21.0.0/24"), false))
	// Output:
	// revision 1: 10.21.0.0/24 in tslcd reserved cameras;
	// revision 2: 10.21.0.0/24 in tslcd active Ia Ly;
	// 10.21.0.0/24 in tslcd: is active and cannot become planned (STATUS-WAY)
	// revision 3:
}

// Exactly this block, or an error that says who has it.
func ExampleBook_Allocate() {
	ctx, by := context.Background(), book.By{Who: "an", Why: "the plan of 2025"}
	b, did := begin()
	did(b.Allocate(ctx, by, held("10.21.0.0/24", "Ia Ly")))
	did(b.Allocate(ctx, by, held("10.21.0.0/24", "Ia Phí")))
	// Output:
	// revision 1: 10.21.0.0/24 in tslcd active Ia Ly;
	// 10.21.0.0/24 in tslcd: already active, held by Ia Ly since revision 1 (BOOK-ONE): give another block, or release this one
}

// A block in halves, and the halves as one block again.
func ExampleBook_Split() {
	ctx, by := context.Background(), book.By{Who: "an", Why: "two offices"}
	b, did := begin()
	did(b.Allocate(ctx, by, held("10.21.0.0/24", "Ia Ly")))
	did(b.Split(ctx, by, at("10.21.0.0/24"), 25))
	did(b.Merge(ctx, by, "tslcd", []ipam.Block{at("10.21.0.128/25").Block, at("10.21.0.0/25").Block}, held("10.21.0.0/24", "Ia Phí")))
	// Output:
	// revision 1: 10.21.0.0/24 in tslcd active Ia Ly;
	// revision 2: 10.21.0.0/25 in tslcd active Ia Ly; 10.21.0.128/25 in tslcd active Ia Ly;
	// revision 3: 10.21.0.0/24 in tslcd active Ia Phí;
}

// A block moves to other addresses, then to another space, with what lies in it.
func ExampleBook_Renumber() {
	ctx, by := context.Background(), book.By{Who: "an", Why: "two plans overlap"}
	b, did := begin()
	did(b.Allocate(ctx, by, held("10.21.0.0/24", "Ia Ly")))
	did(b.Allocate(ctx, by, held("10.21.0.7", "camera")))
	did(b.Renumber(ctx, by, at("10.21.0.0/24"), at("10.64.3.0/24")))
	did(b.Move(ctx, by, at("10.64.3.0/24"), "camera"))
	// Output:
	// revision 1: 10.21.0.0/24 in tslcd active Ia Ly;
	// revision 2: 10.21.0.0/24 in tslcd active Ia Ly; 10.21.0.7 in tslcd active camera;
	// revision 3: 10.64.3.0/24 in tslcd active Ia Ly; 10.64.3.7 in tslcd active camera;
	// revision 4: 10.64.3.0/24 in camera active Ia Ly; 10.64.3.7 in camera active camera;
}

// Who held an address on a day, and all that ever was there.
func ExampleSnapshot_History() {
	ctx := context.Background()
	var store journaltest.Store
	b, err := book.Open(ctx, store.Open(), daily())
	if err != nil {
		fmt.Println(err)
		return
	}
	by := book.By{Who: "an", Why: "the mail server moves"}
	mail := ipam.Allocation{Place: at("10.21.3.25"), Status: ipam.Active, Names: []string{"mail.gialai.gov.vn"}}
	old := mail
	old.Names = []string{"mail.binhdinh.gov.vn"}
	if _, err := b.Allocate(ctx, by, old); err != nil { // 1 July
		fmt.Println(err)
	}
	if _, err := b.Assign(ctx, by, mail); err != nil { // 2 July
		fmt.Println(err)
	}
	if _, err := b.Release(ctx, by, mail.Place, false); err != nil { // 3 July
		fmt.Println(err)
	}
	s := b.Now()
	for _, v := range s.History(mail.Place) {
		fmt.Println(v.Names, "from", v.Since.At.Format(time.DateOnly), "to", v.Until.At.Format(time.DateOnly))
	}
	noon := time.Date(2025, 7, 1, 12, 0, 0, 0, time.UTC)
	for _, a := range s.At(mail.Place, noon) {
		fmt.Println("at noon of 1 July:", a.Names)
	}
	// The whole book of that noon.
	then, err := b.At(ctx, noon)
	if err != nil {
		fmt.Println(err)
		return
	}
	got, ok := then.Lookup("tslcd", mail.Block.First())
	fmt.Println("revision", then.Revision(), got.Names, ok)
	// Output:
	// [mail.binhdinh.gov.vn] from 2025-07-01 to 2025-07-02
	// [mail.gialai.gov.vn] from 2025-07-02 to 2025-07-03
	// at noon of 1 July: [mail.binhdinh.gov.vn]
	// revision 1 [mail.binhdinh.gov.vn] true
}
