package ipam_test

import (
	"fmt"
	"net/netip"
	"time"

	"gialai.gov.vn/hopnhat/ipam"
)

func block(text string) ipam.Block {
	b, err := ipam.ParseBlock(text)
	if err != nil {
		panic(err)
	}
	return b
}

func ExampleParsePrefix() {
	p, err := ipam.ParsePrefix("10.1.2.0 255.255.255.0")
	fmt.Println(p, err)
	_, err = ipam.ParsePrefix("10.1.2.3/24")
	fmt.Println(err)
	// Output:
	// 10.1.2.0/24 <nil>
	// "10.1.2.3/24": 10.1.2.3 is an address inside the network, not its start; write 10.1.2.0/24 for the network
}

func ExampleParseBlock() {
	b, _ := ipam.ParseBlock("10.1.2.10 - 20")
	fmt.Println(b, b.Prefixes())
	// Output: 10.1.2.10-10.1.2.20 [10.1.2.10/31 10.1.2.12/30 10.1.2.16/30 10.1.2.20/32]
}

func ExampleFree() {
	fmt.Println(ipam.Free(block("10.1.0.0/22"), []ipam.Block{block("10.1.1.0/24"), block("10.1.2.0/25")}))
	// Output: [10.1.0.0/24 10.1.2.128/25 10.1.3.0/24]
}

func ExampleParseAddr() {
	a, err := ipam.ParseAddr("2001:0DB8:0000::0001")
	fmt.Println(a, err)
	_, err = ipam.ParseAddr("10.1.2")
	fmt.Println(err)
	// Output:
	// 2001:db8::1 <nil>
	// "10.1.2": no address: 3 parts where IPv4 has 4; write an address such as 10.1.2.3 or 2001:db8::1
}

func ExampleFirstFit() {
	pool := block("10.1.0.0/22")
	p, ok := ipam.FirstFit(pool, []ipam.Block{block("10.1.0.0/24"), block("10.1.1.7")}, 25)
	fmt.Println(p, ok)
	_, ok = ipam.FirstFit(pool, []ipam.Block{block("10.1.1.7")}, 22)
	fmt.Println(ok)
	// Output:
	// 10.1.1.128/25 true
	// false
}

func ExampleBestFit() {
	pool, used := block("10.1.0.0/22"), []ipam.Block{block("10.1.1.0/24"), block("10.1.2.0/25")}
	first, _ := ipam.FirstFit(pool, used, 26)
	best, _ := ipam.BestFit(pool, used, 26)
	fmt.Println(first, best)
	// Output: 10.1.0.0/26 10.1.2.128/26
}

func ExampleSet() {
	var taken ipam.Set
	pool := block("2001:db8::/32")
	for range 3 {
		p, _ := taken.FirstFit(pool, 48)
		taken, _ = taken.With(ipam.BlockOf(p))
		fmt.Println(p)
	}
	// Output:
	// 2001:db8::/48
	// 2001:db8:1::/48
	// 2001:db8:2::/48
}

func ExampleSplit() {
	for p := range ipam.Split(netip.MustParsePrefix("10.1.2.0/24"), 25) {
		fmt.Println(p)
	}
	// Output:
	// 10.1.2.0/25
	// 10.1.2.128/25
}

func ExampleJoin() {
	fmt.Println(ipam.Join(block("10.1.2.128/25"), block("10.1.2.0/25")))
	_, err := ipam.Join(block("10.1.2.0/25"), block("10.1.3.0/24"))
	fmt.Println(err)
	// Output:
	// 10.1.2.0/24 <nil>
	// 10.1.2.0/25 ends at 10.1.2.127 and 10.1.3.0/24 starts at 10.1.3.0, a gap lies between: name the blocks of the gap too
}

func ExampleParseCode() {
	c, _ := ipam.ParseCode("000.05.10.H21")
	older, _ := c.Older()
	fmt.Println(c, older)
	// Output: H21.10.05 000.05.10.H21
}

func ExampleStatus_CanBecome() {
	fmt.Println(ipam.Active.CanBecome(ipam.Deprecated), ipam.Active.CanBecome(ipam.Planned))
	// Output: true false
}

func ExampleBlock_Prefixes() {
	fmt.Println(block("10.1.2.0 255.255.255.0").Prefixes(), block("10.1.2.1-6").Prefixes())
	// Output: [10.1.2.0/24] [10.1.2.1/32 10.1.2.2/31 10.1.2.4/31 10.1.2.6/32]
}

func ExampleHolder() {
	c, _ := ipam.ParseCode("H21.10.05")
	h := ipam.Holder{Code: c, Unit: "Trạm Y tế"}
	department, _ := c.Parent()
	fmt.Println(h, "below", department, department.Contains(h.Code))
	// Output: H21.10.05 Trạm Y tế below H21.10 true
}

func ExampleDecodeEvent() {
	e := ipam.Event{
		Revision: 1, At: time.Date(2025, 9, 1, 0, 0, 0, 0, time.UTC), Verb: ipam.Release, Who: "an", Why: "the office was closed",
		Changes: []ipam.Change{{Op: ipam.Drop, From: ipam.Place{Space: "tslcd", Block: block("10.1.2.0/24")}}},
	}
	data := e.Append(nil)
	back, err := ipam.DecodeEvent(data)
	fmt.Println(back.Verb, back.Changes[0].From, back.Who, err)
	// Output: release 10.1.2.0/24 in tslcd an <nil>
}

func ExampleChain() {
	var end ipam.Chain
	record, end, err := end.Seal(ipam.Event{
		At: time.Date(2025, 9, 1, 0, 0, 0, 0, time.UTC), Verb: ipam.Allocate, Who: "an", Why: "a new office",
		Changes: []ipam.Change{{Op: ipam.Add, Allocation: ipam.Allocation{
			Place: ipam.Place{Space: "tslcd", Block: block("10.1.2.0/24")}, Status: ipam.Active,
		}}},
	})
	fmt.Println(end.Revision, err)
	e, _, err := ipam.Chain{}.Follow(record)
	fmt.Println(e.Revision, e.Who, e.Changes[0].Allocation.Place, err)
	// Output:
	// 1 <nil>
	// 1 an 10.1.2.0/24 in tslcd <nil>
}
