package seen

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"testing"

	"gialai.gov.vn/hopnhat/zones"
)

func TestReverseNet(t *testing.T) {
	const six = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
	for asked, want := range map[string]string{
		"3.2.1.10.in-addr.arpa":       "2.1.10.in-addr.arpa",
		"2.1.10.in-addr.arpa":         "2.1.10.in-addr.arpa",
		"10.in-addr.arpa":             "10.in-addr.arpa",
		"5.0-127.3.2.10.in-addr.arpa": "3.2.10.in-addr.arpa", // RFC 2317
		"in-addr.arpa":                "in-addr.arpa",
		six:                           six[len("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0."):],
		"1.0.0.2.ip6.arpa":            "1.0.0.2.ip6.arpa",
	} {
		if got := reverseNet(name(asked)); got != name(want) {
			t.Errorf("%s lies in %v, want %s", asked, got, want)
		}
	}
}

func TestFindingsAreBounded(t *testing.T) {
	// Whatever the table, few findings tell of all of it.
	var lines, zs []string
	for i := range 50 {
		lines = append(lines, fmt.Sprintf("x a%d.w%d.vn A", i, i), fmt.Sprintf("x 1.1.%d.10.in-addr.arpa PTR", i), fmt.Sprintf("x m%d.vn A NOERROR aa", i),
			fmt.Sprintf("x m%d-denied.vn A NXDOMAIN aa", i), fmt.Sprintf("x misspel%cling.vn A NXDOMAIN aa", 'a'+i%26), fmt.Sprintf("x f%d.net A", i))
		zs = append(zs, fmt.Sprintf("*.w%d.vn A 10.0.0.1", i))
	}
	w := world(t, zone(t, "internet", "vn", append(zs, "misspelling.vn A 10.0.0.1")...))
	c := Compare(asks(t, "", lines...), w, CompareOptions{})
	for _, most := range []int{-1, 0, 3, 1000} {
		ids, names := map[string]int{}, map[string]int{}
		for _, f := range c.Findings(most) {
			ids[f.ID]++
			names[f.ID] += max(1, f.Count)
		}
		for id, want := range map[string]int{"Q-MISSING": 100, "Q-SPELL": 26, "Q-WILD": 50, "Q-FOREIGN": 50, "Q-REVERSE": 50} {
			if names[id] != want || ids[id] > max(most, 0)+1 {
				t.Errorf("%d: %s: %d findings of %d names, want %d", most, id, ids[id], names[id], want)
			}
		}
	}
	sum := map[string]string{}
	for _, s := range c.Sums() {
		sum[s.Class.String()] = fmt.Sprint(s.Names, " ", s.Queries)
	}
	// misspel?ling: 26 names, each asked once or twice.
	for class, want := range map[string]string{"known": "0 0", "wildcard": "50 50", "missing": "100 100", "misspelt": "26 50", "foreign": "50 50", "reverse": "50 50", "delegated": "0 0"} {
		if sum[class] != want {
			t.Errorf("%s: %s, want %s", class, sum[class], want)
		}
	}
}

func TestFindingsSayFloor(t *testing.T) {
	b := NewBuilder(TableLimits{Rows: 1})
	for i := range 9 {
		for range 5 {
			b.Add(Entry{Name: name(fmt.Sprintf("n%d.vn", i)), Type: 1, Asked: true})
		}
	}
	x := b.Table()
	c := Compare(x, world(t, zone(t, "internet", "vn", "ns1.vn A 10.0.0.1", "old.vn A 10.0.0.9")), CompareOptions{})
	fs := c.Findings(0)
	last := fs[len(fs)-1]
	if want := fmt.Sprintf("1 name of the zone vn (internet) asked for %d times or less: old.vn", x.Lost().Floor); last.ID != "Q-NEVER" || last.Found != want {
		t.Errorf("%+v\nwant %s", last, want)
	}
	if fs := x.Findings(); len(fs) != 1 || fs[0].ID != "Q-LOST" || fs[0].Count != int(x.Lost().Rows) {
		t.Errorf("%v", fs)
	}
}

func TestNamesInMessagesArePlain(t *testing.T) {
	// What a client put into a name moves no terminal.
	e := Entry{Name: zones.Root(), Type: 1, Asked: true, View: "a\x1b[2J"}
	e.Name, _ = name("vn").Child("\x1b[2J\xff\u202e\n")
	b := NewBuilder(TableLimits{})
	b.Add(e)
	w := world(t, zone(t, "internet", "vn"))
	for _, f := range Compare(b.Table(), w, CompareOptions{}).Findings(9) {
		if strings.ContainsAny(f.String(), "\x1b\n\u202e") || strings.ToValidUTF8(f.String(), "") != f.String() {
			t.Errorf("%q", f.String())
		}
	}
}

func TestUTF16(t *testing.T) {
	for in, want := range map[string]string{
		"\xff\xfea\x00\xc5\x1e": "a\u1ec5", "\xfe\xff\x00a\xd8\x3d\xde\x00": "a😀", "\xff\xfe\x3d\xd8a\x00": "\ufffda",
		"\xff\xfe\x00\xdea\x00": "\ufffda", "\xff\xfea\x00b": "a", "\xff\xfe": "", "\xff\xfe\x3d\xd8": "\ufffd",
		"\xef\xbb\xbfa": "a", "a\xff\xfe": "a\xff\xfe",
	} {
		got, err := io.ReadAll(plainText(bufio.NewReader(strings.NewReader(in))))
		if err != nil || string(got) != want {
			t.Errorf("%q: %q, want %q (%v)", in, got, want, err)
		}
	}
}
