package seen

import (
	"bytes"
	"fmt"
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/zones"
)

// someEntries draws entries of few names, so that they meet.
func someEntries(names int) *rapid.Generator[Entry] {
	return rapid.Custom(func(t *rapid.T) Entry {
		e := Entry{
			Name: name(fmt.Sprintf(`x\.%d\000\200.vn`, rapid.IntRange(0, names-1).Draw(t, "name"))), Asked: true,
			Type: rapid.SampledFrom([]zones.Type{0, 1, 28, 38, 255, 65535}).Draw(t, "type"),
			View: rapid.SampledFrom([]string{"", "a", "tab\there", `back\slash`, "line\nfeed\r", "mạng số liệu"}).Draw(t, "view"),
		}
		if rapid.Bool().Draw(t, "time") {
			e.Time = noon.Add(time.Duration(rapid.IntRange(-1e9, 1e9).Draw(t, "at")))
		}
		switch n := rapid.IntRange(0, 40).Draw(t, "client"); {
		case n > 20:
			e.Client = netip.AddrFrom4([4]byte{10, 1, byte(n), 7})
		case n > 0:
			e.Client = netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 0, byte(n), 15: 9})
		}
		if n := rapid.IntRange(0, 12).Draw(t, "server"); n > 0 {
			e.Server = netip.AddrFrom4([4]byte{10, 0, 0, byte(n)})
		}
		if rapid.Bool().Draw(t, "answered") {
			e.Answer = &Answer{
				Time: e.Time, Rcode: rapid.IntRange(0, 15).Draw(t, "rcode"), AA: rapid.Bool().Draw(t, "aa"), More: rapid.IntRange(0, 2).Draw(t, "more"),
				Records: rapid.SampledFrom(someRecords()).Draw(t, "records"),
			}
			e.Asked = rapid.Bool().Draw(t, "asked")
		}
		return e
	})
}

// manyEntries draws up to most of them, evenly: SliceOfN alone draws few.
func manyEntries(t *rapid.T, names, most int) []Entry {
	n := rapid.IntRange(0, most).Draw(t, "count")
	return rapid.SliceOfN(someEntries(names), n, n).Draw(t, "entries")
}

func someRecords() [][]zones.Record {
	a := func(s string) zones.Record {
		return zones.Record{Owner: name(`a\032b.vn`), Type: zones.TypeTXT, TTL: 1<<32 - 1, Data: string(rune(len(s))) + s}
	}
	return [][]zones.Record{
		nil,
		{a("x")},
		{a("tab\t\"quoted\" \\ \n")},
		{{Owner: zones.Root(), Type: zones.TypeNS, Data: "\x01a\x00"}, {Owner: name("vn"), Type: 65400, TTL: 7, Data: "\x00\xff"}},
	}
}

func someTable(l TableLimits) *rapid.Generator[*Table] {
	return rapid.Custom(func(t *rapid.T) *Table {
		b := NewBuilder(l)
		for _, e := range manyEntries(t, 4, 40) {
			b.Add(e)
		}
		return b.Table()
	})
}

func wellFormed(t interface{ Fatalf(string, ...any) }, x *Table) {
	for i, r := range x.rows {
		if i > 0 && x.rows[i-1].Key.Compare(r.Key) >= 0 {
			t.Fatalf("row %d is out of order", i)
		}
		sum := r.OtherNets
		for i, n := range r.Networks {
			if sum += n.Count; i > 0 && comparePrefix(r.Networks[i-1].Prefix, n.Prefix) >= 0 {
				t.Fatalf("the networks of %v are out of order", r.Key)
			}
		}
		if sum > r.Count {
			t.Fatalf("%v was asked %d times, and %d times by networks", r.Key, r.Count, sum)
		}
	}
}

func TestMergeLaws(t *testing.T) {
	// SEEN-MERGE, for tables that lost rows too.
	some := someTable(TableLimits{Rows: 6, Networks: 3, Servers: 2})
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := some.Draw(t, "a"), some.Draw(t, "b"), some.Draw(t, "c")
		ab, bc := Merge(a, b), Merge(b, c)
		wellFormed(t, ab)
		for what, pair := range map[string][2]*Table{
			"commutative": {ab, Merge(b, a)}, "associative": {Merge(ab, c), Merge(a, bc)}, "all at once": {Merge(a, b, c), Merge(ab, c)},
			"empty": {Merge(a, &Table{}, nil), Merge(a)},
		} {
			if !sameTable(pair[0], pair[1]) {
				t.Fatalf("not %s:\n%s\n%s", what, tsv(pair[0]), tsv(pair[1]))
			}
		}
		if ab.Queries() != a.Queries()+b.Queries() {
			t.Fatalf("%d questions of %d and %d", ab.Queries(), a.Queries(), b.Queries())
		}
		if before := tsv(a); !slices.Equal(before, tsv(a)) || Merge().Len() != 0 {
			t.Fatalf("merging changed what was merged")
		}
	})
}

func sameTable(a, b *Table) bool {
	return a.lost == b.lost && len(a.rows) == len(b.rows) && slices.EqualFunc(a.rows, b.rows, func(x, y Row) bool { return reflect.DeepEqual(x, y) })
}

func tsv(x *Table) []byte {
	var b bytes.Buffer
	if err := x.WriteTSV(&b); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func js(x *Table) []byte {
	var b bytes.Buffer
	if err := x.WriteJSON(&b); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func TestBackLaw(t *testing.T) {
	// SEEN-BACK
	rapid.Check(t, func(t *rapid.T) {
		holdBack(t, someTable(TableLimits{Rows: 6, Networks: 3, Servers: 2}).Draw(t, "table"))
	})
	holdBack(t, &Table{})
}

func holdBack(t interface{ Fatalf(string, ...any) }, x *Table) {
	for _, b := range [][]byte{tsv(x), js(x)} {
		y, err := ReadTable("saved", bytes.NewReader(b), 1<<20)
		if err != nil {
			t.Fatalf("%v\n%s", err, b)
		}
		if !sameTable(x, y) {
			t.Fatalf("came back otherwise:\n%s\n%s", b, tsv(y))
		}
	}
}

// slowRow is what the twin of Builder knows.
type slowRow struct {
	count, positive int64
	first, last     time.Time
	nets            map[netip.Prefix]int64
	servers         map[netip.Addr]int64
	codes           map[int]int64
}

func slowTable(es []Entry) map[Key]*slowRow {
	out := map[Key]*slowRow{}
	for _, e := range es {
		k := Key{e.Name, e.Type, e.View}
		if out[k] == nil {
			out[k] = &slowRow{nets: map[netip.Prefix]int64{}, servers: map[netip.Addr]int64{}, codes: map[int]int64{}}
		}
		r := out[k]
		if e.Answer != nil {
			r.codes[e.Answer.Rcode]++
			if len(e.Answer.Records)+e.Answer.More > 0 {
				r.positive++
			}
		}
		if !e.Asked {
			continue
		}
		r.count++
		if e.Client.Is4() {
			r.nets[netip.PrefixFrom(e.Client, 24).Masked()]++
		} else if e.Client.IsValid() {
			r.nets[netip.PrefixFrom(e.Client, 48).Masked()]++
		}
		if e.Server.IsValid() {
			r.servers[e.Server]++
		}
		if !e.Time.IsZero() && (r.first.IsZero() || e.Time.Before(r.first)) {
			r.first = e.Time
		}
		if e.Time.After(r.last) {
			r.last = e.Time
		}
	}
	return out
}

func TestBuilderLikeTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		es := manyEntries(t, 4, 60)
		cut := rapid.IntRange(0, len(es)).Draw(t, "cut")
		// Two builders merged are one: limits that are not met change nothing.
		var parts []*Table
		for _, part := range [][]Entry{es[:cut], es[cut:]} {
			b := NewBuilder(TableLimits{Networks: 100, Servers: 100})
			for _, e := range part {
				b.Add(e)
			}
			parts = append(parts, b.Table())
		}
		got, want := Merge(parts...), slowTable(es)
		wellFormed(t, got)
		if got.Len() != len(want) || got.Lost() != (Lost{}) || len(got.Findings()) != 0 {
			t.Fatalf("%d rows, want %d", got.Len(), len(want))
		}
		for r := range got.Rows() {
			w := want[r.Key]
			nets, servers, codes := map[netip.Prefix]int64{}, map[netip.Addr]int64{}, map[int]int64{}
			for _, n := range r.Networks {
				nets[n.Prefix] = n.Count
			}
			for _, s := range r.Servers {
				servers[s.Addr] = s.Count
			}
			for _, c := range r.Rcodes {
				codes[c.Code] = c.Count
			}
			if r.Count != w.count || r.Positive != w.positive || !r.First.Equal(w.first) || !r.Last.Equal(w.last) ||
				!maps.Equal(nets, w.nets) || !maps.Equal(servers, w.servers) || !maps.Equal(codes, w.codes) {
				t.Fatalf("%v: got %+v\nwant %+v", r.Key, r, w)
			}
		}
	})
}

func TestFloorLaw(t *testing.T) {
	// SEEN-FLOOR, and the limits themselves.
	rapid.Check(t, func(t *rapid.T) {
		limits := TableLimits{Rows: rapid.IntRange(1, 8).Draw(t, "rows"), Networks: 2, Servers: 2}
		es := manyEntries(t, 12, 120)
		b := NewBuilder(limits)
		questions := int64(0)
		for _, e := range es {
			if b.Add(e); e.Asked {
				questions++
			}
			if len(b.rows) > 2*limits.Rows+1 {
				t.Fatalf("%d rows with a limit of %d", len(b.rows), limits.Rows)
			}
		}
		x := b.Table()
		wellFormed(t, x)
		if x.Len() > limits.Rows || x.Queries() != questions {
			t.Fatalf("%d rows, %d questions of %d", x.Len(), x.Queries(), questions)
		}
		for k, w := range slowTable(es) {
			r, ok := x.Row(k)
			if w.count-r.Count > x.Lost().Floor || r.Count > w.count {
				t.Fatalf("%v (held: %v) was asked %d times, the table says %d and a floor of %d", k, ok, w.count, r.Count, x.Lost().Floor)
			}
			if len(r.Networks) > limits.Networks || len(r.Servers) > limits.Servers {
				t.Fatalf("%v: %d networks, %d servers", k, len(r.Networks), len(r.Servers))
			}
		}
		if x.Lost().Rows > 0 != (len(x.Findings()) == 1) {
			t.Fatalf("%+v and %v", x.Lost(), x.Findings())
		}
	})
}

func TestTop(t *testing.T) {
	x := asks(t, "", "x a.vn A", "xxx b.vn A", "xx c.vn A", "xx d.vn A")
	for n, want := range map[int]string{-1: "", 0: "", 2: "b c", 9: "b c d a"} {
		var got []string
		for _, r := range x.Top(n) {
			got = append(got, r.Name.First())
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%d: %v", n, got)
		}
	}
}

// slowWaiting is the twin of waiting: a list of open and answered questions.
type slowWaiting struct {
	size int
	list []slowWait
}

type slowWait struct {
	k        waitKey
	answered bool
}

func (w *slowWaiting) put(k waitKey) {
	if w.list = append(w.list, slowWait{k, false}); len(w.list) > w.size {
		w.list = w.list[1:]
	}
}

func (w *slowWaiting) take(k waitKey) bool {
	for i, e := range w.list {
		if e.k == k && !e.answered {
			w.list[i].answered = true
			return true
		}
	}
	return false
}

func TestWaitingLikeTwin(t *testing.T) {
	// SEEN-ONCE
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 6).Draw(t, "size")
		fast, slow := newWaiting(size), &slowWaiting{size: size}
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			k := waitKey{id: uint16(rapid.IntRange(0, 3).Draw(t, "id"))}
			if rapid.Bool().Draw(t, "ask") {
				fast.put(k)
				slow.put(k)
			} else if got, want := fast.take(k), slow.take(k); got != want {
				t.Fatalf("an answer to %d: %v, want %v", k.id, got, want)
			}
		}
		if len(fast.held) > size || len(fast.ring) > size {
			t.Fatalf("%d held", len(fast.held))
		}
	})
}

func TestReadTableTraps(t *testing.T) {
	head := tsvMagic + "1\n# lost\t0\t0\t0\n" + tsvHead + "\n"
	const row = "x.vn\tA\t\t1\t\t\t\t\t\t0\t\n"
	if _, err := ReadTable("saved", strings.NewReader(head+row), 1); err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{
		"", "\n", "hello\n", tsvMagic + "2\n", tsvMagic + "1\n", head[:len(head)-1], head + "x", head + "x\n", head + row + row,
		head + strings.Replace(row, "x.vn", "x..vn", 1), head + strings.Replace(row, "\tA\t", "\tQQ\t", 1),
		head + strings.Replace(row, "\t1\t", "\t-1\t", 1), head + strings.Replace(row, "\t1\t", "\t01\t", 1),
		head + strings.Replace(row, "A\t\t", "A\t\\x\t", 1), head + strings.Replace(row, "A\t\t", "A\t\\\t", 1),
		head + strings.Replace(row, "A\t\t", "A\t"+strings.Repeat("v", 256)+"\t", 1),
		head + strings.Replace(row, "0\t\n", "0\tWHAT\n", 1), head + strings.Replace(row, "0\t\n", "0\tNOERROR zz\n", 1),
		head + strings.Replace(row, "0\t\n", "0\tNOERROR\\nx.vn. 1 A nowhere\n", 1), head + strings.Replace(row, "0\t\n", "0\tNOERROR @yesterday\n", 1),
		head + "x.vn\tA\t\t1\tyesterday\t\t\t\t\t0\t\n", head + "x.vn\tA\t\t1\t\t\t10.0.0.1/24=1\t\t\t0\t\n",
		head + "x.vn\tA\t\t1\t\t\t10.0.0.0/24=1 10.0.0.0/24=1\t\t\t0\t\n", head + "x.vn\tA\t\t1\t\t\t\t10.0.0.01=1\t\t0\t\n",
		head + strings.Repeat("x", maxRowText+1),
		"{", "{}", `{"format":2,"rows":[]}`, `{"format":1,"rows":[{"name":"x..vn","type":"A"}]}`, `{"format":1,"rows":{}}`, `{"format":1,"lost":{"rows":-1},"rows":[]}`,
		`{"format":1,"rows":[],"more":1}`, `{"format":1,"rows":[]} x`, `{"format":1,"rows":[{"name":"x.vn","type":"A","what":1}]}`,
		`{"format":1,"rows":[{"name":"x.vn","type":"A","count":-1}]}`, `{"format":1,"rows":[{"name":"x.vn","type":"A"},{"name":"X.vn","type":"A"}]}`,
		`{"format":1,"rows":[{"name":"` + strings.Repeat("x", maxRowText+1) + `"}]}`,
	} {
		x, err := ReadTable("saved", strings.NewReader(s), 1)
		if x != nil || err == nil || !strings.HasSuffix(err.Error(), "[Q-TABLE]") || !strings.HasPrefix(err.Error(), "saved") {
			t.Errorf("%q: %v", excerpt([]byte(s)), err)
		}
	}
	if _, err := ReadTable("saved", strings.NewReader(head+row+strings.Replace(row, "x", "y", 1)), 1); err == nil {
		t.Error("more rows than the limit")
	}
}

func TestCompareHoldsAll(t *testing.T) {
	// SEEN-ALL: nothing that was asked is lost on the way into a comparison.
	names := []string{
		"mail", "maill", "mial", "www", "kho", "a.cong", "b.a.cong", "cong", "x.xa", "xa", "y.cu", "so", "_sip._tcp", "web1", "web2",
	}
	w := world(t, zone(t, "internet", "binhdinh.gov.vn", binhdinh...), zone(t, "data", "binhdinh.gov.vn", "noibo.binhdinh.gov.vn A 10.0.0.5"))
	rapid.Check(t, func(t *rapid.T) {
		b := NewBuilder(TableLimits{})
		for range rapid.IntRange(0, 40).Draw(t, "entries") {
			e := someEntries(3).Draw(t, "entry")
			e.View = rapid.SampledFrom([]string{"", "internet", "data", "other"}).Draw(t, "view")
			if s := rapid.SampledFrom(append(names, "")).Draw(t, "name"); s != "" {
				e.Name = name(s + ".binhdinh.gov.vn")
			}
			b.Add(e)
		}
		x := b.Table()
		c := Compare(x, w, CompareOptions{})
		rows := map[Key]int64{}
		for _, a := range c.Asked {
			for _, typ := range a.Types {
				rows[Key{a.Name, typ, a.View}]++
			}
			if a.Class == Misspelt { // SEEN-NEAR
				d := slowSlips(reversed(a.Name), reversed(a.Near), map[[2]int]int{})
				if d < 1 || d > 2 || a.Positive > 0 || a.Gravity() < Unknown {
					t.Fatalf("%v is no slip of %v", a.Name, a.Near)
				}
			}
		}
		for k, n := range rows {
			if _, ok := x.Row(k); !ok || n != 1 {
				t.Fatalf("%v stands %d times", k, n)
			}
		}
		sum := int64(0)
		for _, s := range c.Sums() {
			sum += s.Queries
		}
		if len(rows) != x.Len() || sum != x.Queries() {
			t.Fatalf("%d rows of %d, %d questions of %d", len(rows), x.Len(), sum, x.Queries())
		}
		// The order of the findings does not hang on chance.
		if a, b := fmt.Sprint(c.Findings(3)), fmt.Sprint(Compare(x, w, CompareOptions{}).Findings(3)); a != b {
			t.Fatalf("twice the same, and yet\n%s\n%s", a, b)
		}
	})
}
