package seen

import (
	"cmp"
	"fmt"
	"iter"
	"math"
	"net/netip"
	"slices"
	"time"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// Key names a row. It is comparable.
type Key struct {
	Name zones.Name
	Type zones.Type
	View string // the old server's name of the view; "" is not known
}

// Compare orders by name (RFC 4034 6.1), type number, view.
func (k Key) Compare(o Key) int {
	return cmp.Or(k.Name.Compare(o.Name), cmp.Compare(k.Type, o.Type), cmp.Compare(k.View, o.View))
}

// Row is what is known of one question. Its slices must not be changed.
type Row struct {
	Key
	Count       int64     // how often it was asked
	First, Last time.Time // UTC; zero if no log says
	Networks    []Network // that asked, sorted
	OtherNets   int64     // questions of networks that are not in the list
	Servers     []Server  // that were asked, sorted
	OtherServs  int64     // questions to servers that are not in the list
	Rcodes      []Rcode   // of the answers in the logs, sorted
	Positive    int64     // answers that held records
	Answer      *Answer   // the last of those that held records, else the last; nil: none known
}

// Network counts the questions of one network.
type Network struct {
	Prefix netip.Prefix
	Count  int64
}

// Server counts the questions to one address.
type Server struct {
	Addr  netip.Addr
	Count int64
}

// Rcode counts the answers with one code.
type Rcode struct {
	Code  int
	Count int64
}

// Lost says what full tables dropped (SEEN-FLOOR). The zero value: nothing.
type Lost struct {
	Rows    int64 // rows dropped; one that came back and went again counts twice
	Queries int64 // questions in them
	Floor   int64 // no dropped name was asked more often than this
}

func (l Lost) plus(o Lost) Lost {
	return Lost{plus(l.Rows, o.Rows), plus(l.Queries, o.Queries), plus(l.Floor, o.Floor)}
}

// Table is an immutable set of rows, each with a key of its own. The zero
// value is empty.
type Table struct {
	rows []Row // sorted by key
	lost Lost
}

// Len counts the rows.
func (t *Table) Len() int { return len(t.rows) }

// Lost says what was dropped.
func (t *Table) Lost() Lost { return t.lost }

// Queries counts all questions, the dropped ones too.
func (t *Table) Queries() int64 {
	n := t.lost.Queries
	for _, r := range t.rows {
		n = plus(n, r.Count)
	}
	return n
}

// Rows yields the rows in the order of their keys.
func (t *Table) Rows() iter.Seq[Row] { return slices.Values(t.rows) }

// Row returns one row.
func (t *Table) Row(k Key) (Row, bool) {
	i, ok := slices.BinarySearchFunc(t.rows, k, func(r Row, k Key) int { return r.Key.Compare(k) })
	if !ok {
		return Row{}, false
	}
	return t.rows[i], true
}

// Top returns at most n rows, those asked most first; equal ones by key.
func (t *Table) Top(n int) []Row {
	rows := slices.Clone(t.rows)
	slices.SortFunc(rows, byCount)
	return rows[:max(0, min(n, len(rows)))]
}

func byCount(a, b Row) int { return cmp.Or(cmp.Compare(b.Count, a.Count), a.Key.Compare(b.Key)) }

// Findings says what the table lacks.
func (t *Table) Findings() []finding.Finding {
	if t.lost == (Lost{}) {
		return nil
	}
	return []finding.Finding{{
		ID: "Q-LOST", Severity: finding.Warning, Count: int(min(t.lost.Rows, math.MaxInt32)),
		Found: fmt.Sprintf("more names were asked than the table holds: %d rows with %d questions were dropped; none of these names was asked more than %d times",
			t.lost.Rows, t.lost.Queries, t.lost.Floor),
		Mend: "raise the limit of rows, or read fewer logs at a time",
	}}
}

// plus adds counts and stays at the top.
func plus(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// Merge puts tables together (SEEN-MERGE). It drops nothing: the result may be
// as long as all of them.
func Merge(tables ...*Table) *Table {
	out := &Table{}
	for _, t := range tables {
		if t == nil {
			continue
		}
		out.rows = append(out.rows, t.rows...)
		out.lost = out.lost.plus(t.lost)
	}
	slices.SortStableFunc(out.rows, func(a, b Row) int { return a.Key.Compare(b.Key) })
	n := 0
	for i, r := range out.rows {
		if i > 0 && out.rows[n-1].Key == r.Key {
			out.rows[n-1] = out.rows[n-1].plus(r)
			continue
		}
		out.rows[n] = r
		n++
	}
	clear(out.rows[n:])
	out.rows = out.rows[:n]
	return out
}

// plus is the sum of two rows of one key; neither is changed.
func (r Row) plus(o Row) Row {
	r.Count = plus(r.Count, o.Count)
	r.First, r.Last = earlier(r.First, o.First), later(r.Last, o.Last)
	r.Networks = unite(r.Networks, o.Networks, comparePrefix, func(n Network) netip.Prefix { return n.Prefix },
		func(a, b Network) Network { return Network{a.Prefix, plus(a.Count, b.Count)} })
	r.Servers = unite(r.Servers, o.Servers, netip.Addr.Compare, func(s Server) netip.Addr { return s.Addr },
		func(a, b Server) Server { return Server{a.Addr, plus(a.Count, b.Count)} })
	r.Rcodes = unite(r.Rcodes, o.Rcodes, cmp.Compare[int], func(c Rcode) int { return c.Code },
		func(a, b Rcode) Rcode { return Rcode{a.Code, plus(a.Count, b.Count)} })
	r.OtherNets, r.OtherServs = plus(r.OtherNets, o.OtherNets), plus(r.OtherServs, o.OtherServs)
	r.Positive = plus(r.Positive, o.Positive)
	r.Answer = better(r.Answer, o.Answer)
	return r
}

func comparePrefix(a, b netip.Prefix) int {
	return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
}

// unite merges two sorted lists into a new one; equal keys are added up.
func unite[T, K any](a, b []T, compare func(K, K) int, key func(T) K, add func(T, T) T) []T {
	if len(b) == 0 {
		return a
	}
	out := make([]T, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		switch c := compare(key(a[0]), key(b[0])); {
		case c < 0:
			out, a = append(out, a[0]), a[1:]
		case c > 0:
			out, b = append(out, b[0]), b[1:]
		default:
			out, a, b = append(out, add(a[0], b[0])), a[1:], b[1:]
		}
	}
	return append(append(out, a...), b...)
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// better chooses the answer to keep: one with records before one without, then
// the later, then by content, so that the order of merging does not matter.
func better(a, b *Answer) *Answer {
	if a == nil || b != nil && b.compare(a) > 0 {
		return b
	}
	return a
}

func (a *Answer) compare(b *Answer) int {
	yes := func(v bool) int {
		if v {
			return 1
		}
		return 0
	}
	return cmp.Or(
		cmp.Compare(yes(a.positive()), yes(b.positive())), a.Time.Compare(b.Time), cmp.Compare(a.Rcode, b.Rcode),
		cmp.Compare(yes(a.AA), yes(b.AA)), cmp.Compare(a.More, b.More), slices.CompareFunc(a.Records, b.Records, zones.Record.Compare),
	)
}
