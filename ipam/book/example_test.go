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
