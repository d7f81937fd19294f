package merge_test

import (
	"fmt"

	"gialai.gov.vn/hopnhat/ipam"
	"gialai.gov.vn/hopnhat/ipam/merge"
)

func at(text string) ipam.Place {
	block, err := ipam.ParseBlock(text)
	if err != nil {
		panic(err)
	}
	return ipam.Place{Space: "tslcd", Block: block}
}

func row(text, code string, line int) merge.Row {
	c, err := ipam.ParseCode(code)
	if err != nil {
		panic(err)
	}
	return merge.Row{
		Allocation: ipam.Allocation{Place: at(text), Status: ipam.Active, Holder: ipam.Holder{Code: c}},
		At:         ipam.Origin{File: "plan.csv", Line: line},
	}
}

// Two plans drew one network; what the decision moves takes along what lies in it.
func ExampleApply() {
	gialai := merge.Plan{Name: "gialai", Rows: []merge.Row{row("10.100.0.0/24", "H21", 2), row("10.100.0.64/26", "H21.101", 3)}}
	binhdinh := merge.Plan{Name: "binhdinh", Rows: []merge.Row{row("10.100.0.0/24", "H08", 7)}}
	for _, o := range merge.Apply(nil, gialai, binhdinh).Open {
		fmt.Println("open:", o)
	}
	r := merge.Apply([]merge.Decision{
		{Plan: "gialai", Place: at("10.100.0.0/24"), Take: merge.Renumber, Pool: at("10.64.0.0/16").Block},
	}, gialai, binhdinh)
	for _, a := range r.Allocations {
		fmt.Println(a.Place, a.Holder)
	}
	// Output:
	// open: tslcd: the same block: 10.100.0.0/24 (H08, binhdinh, plan.csv:7) and 10.100.0.0/24 (H21, gialai, plan.csv:2)
	// open: tslcd: nested: 10.100.0.0/24 (H08, binhdinh, plan.csv:7) and 10.100.0.64/26 (H21.101, gialai, plan.csv:3)
	// 10.64.0.0/24 in tslcd H21
	// 10.64.0.64/26 in tslcd H21.101
	// 10.100.0.0/24 in tslcd H08
}
