package seen_test

import (
	"fmt"
	"os"
	"strings"
	"testing/fstest"

	"gialai.gov.vn/hopnhat/resolver/seen"
	"gialai.gov.vn/hopnhat/zones"
)

// A log becomes a table, the table is kept, and what it holds is compared with
// the zones.
func Example() {
	logs := fstest.MapFS{"query.log": {Data: []byte(
		"20-Jun-2025 09:12:44.123 queries: info: client @0x7f21 10.1.2.3#4711 (kho.vn): query: kho.vn IN A +E(0)K (10.0.0.1)\n" +
			"20-Jun-2025 09:12:45.123 queries: info: client @0x7f21 10.1.2.9#4712 (kho.vn): query: kho.vn IN A +E(0)K (10.0.0.1)\n",
	)}}
	b := seen.NewBuilder(seen.TableLimits{})
	account, findings := seen.Read(logs, "query.log", seen.Options{}, b.Add)
	fmt.Println(account.Format, account.In, account.Taken, findings)

	var saved strings.Builder
	if err := b.Table().WriteTSV(&saved); err != nil {
		fmt.Println(err)
	}
	table, err := seen.ReadTable("seen.tsv", strings.NewReader(saved.String()), 1_000_000)
	if err != nil {
		fmt.Println(err)
	}
	_ = seen.Merge(table, &seen.Table{}).WriteJSON(os.Stdout)

	zone := zones.NewBuilder(zones.ID{Origin: zones.MustName("vn"), View: zones.Internet})
	zone.Add(zones.Record{Owner: zones.MustName("vn"), Type: zones.TypeSOA, Data: "\x00\x00" + strings.Repeat("\x00", 20)})
	z, _ := zone.Freeze()
	world, _ := zones.NewWorld(z)
	for _, f := range seen.Compare(table, world, seen.CompareOptions{}).Findings(20) {
		fmt.Println(f)
	}
	// Output:
	// bind 2 2 []
	// {
	//  "format": 1,
	//  "lost": {
	//   "rows": 0,
	//   "queries": 0,
	//   "floor": 0
	//  },
	//  "rows": [
	//   {
	//    "name": "kho.vn",
	//    "type": "A",
	//    "count": 2,
	//    "first": "2025-06-20T09:12:44.123Z",
	//    "last": "2025-06-20T09:12:45.123Z",
	//    "networks": [
	//     {
	//      "of": "10.1.2.0/24",
	//      "count": 2
	//     }
	//    ],
	//    "servers": [
	//     {
	//      "of": "10.0.0.1",
	//      "count": 2
	//     }
	//    ]
	//   }
	//  ]
	// }
	// warning: kho.vn A was asked 2 times, last on 2025-06-20, by 10.1.2.0/24, and stands in no source; the log does not tell the old server's answer; ask the old server for it while it stands, and those who ask what they want [Q-MISSING]
}
