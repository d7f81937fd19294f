package check

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/zones"
)

// slow is RFC 1034 4.3.2 read aloud, over a list of records and names as text.
type slow struct {
	origin  string
	records []string // "owner TYPE target"
}

func (s *slow) of(name, typ string) (data string, ok bool) {
	for _, r := range s.records {
		if f := strings.Fields(r); f[0] == name && (typ == "" || f[1] == typ) {
			return f[2], true
		}
	}
	return "", false
}

func within(name, suffix string) bool { return name == suffix || strings.HasSuffix(name, "."+suffix) }

func (s *slow) exists(name string) bool {
	for _, r := range s.records {
		if within(strings.Fields(r)[0], name) {
			return true
		}
	}
	return name == s.origin
}

// step gives the kind and node of a name, or the name that a DNAME makes of it.
func (s *slow) step(name string) (k kind, node, moved string) {
	if !within(name, s.origin) {
		return outside, "", ""
	}
	labels := strings.Split(strings.TrimSuffix(strings.TrimSuffix(name, s.origin), "."), ".")
	at := s.origin
	if labels[0] == "" {
		labels = nil
	}
	for i := len(labels) - 1; ; i-- {
		if _, cut := s.of(at, "NS"); cut && at != s.origin {
			return referral, at, ""
		}
		if i < 0 {
			break
		}
		if to, ok := s.of(at, "DNAME"); ok {
			return 0, "", strings.Join(labels[:i+1], ".") + "." + to
		}
		if next := labels[i] + "." + at; s.exists(next) {
			at = next
			continue
		}
		at = "*." + at // a cut, DNAME or name below the asterisk does not count
		if !s.exists(at) {
			return missing, name, ""
		}
		break
	}
	if _, ok := s.of(at, ""); ok {
		return data, at, ""
	}
	return empty, at, ""
}

// end follows a name with a list of all the names before.
func (s *slow) end(name string) (k kind, node string, hops int) {
	for seen := map[string]bool{}; ; hops++ {
		if seen[name] {
			return looped, "", 0
		}
		seen[name] = true
		k, node, moved := s.step(name)
		switch target, ok := s.of(node, "CNAME"); {
		case moved != "":
			if len(moved) > 253 {
				return grown, "", 0
			}
			name = moved
		case k == data && ok:
			name = target
		default:
			return k, node, hops
		}
	}
}

// TestTwin: the index with its memory finds what the slow reading finds, for
// all names near to a random zone, whatever was asked before.
func TestTwin(t *testing.T) {
	label := rapid.SampledFrom([]string{"a", "b", "c", "*"})
	name := rapid.Custom(func(t *rapid.T) string {
		n := "v"
		for range rapid.IntRange(0, 3).Draw(t, "depth") {
			n = label.Draw(t, "label") + "." + n
		}
		if rapid.IntRange(0, 9).Draw(t, "out") == 0 {
			n = "x.w"
		}
		return n
	})
	rapid.Check(t, func(t *rapid.T) {
		s := &slow{origin: "v"}
		b := zones.NewBuilder(zones.ID{Origin: zones.MustName("v"), View: zones.Internet})
		b.Add(zones.Record{Owner: zones.MustName("v"), Type: zones.TypeSOA, Data: zones.SOA{MName: zones.Root(), RName: zones.Root()}.Data()})
		s.records = append(s.records, "v SOA .")
		taken := map[string]bool{}
		for range rapid.IntRange(0, 9).Draw(t, "records") {
			owner, target := name.Draw(t, "owner"), name.Draw(t, "target")
			typ := rapid.SampledFrom([]zones.Type{zones.TypePTR, zones.TypeCNAME, zones.TypeCNAME, zones.TypeDNAME, zones.TypeNS}).Draw(t, "type")
			if !within(owner, "v") || taken[owner+typ.String()] || typ == zones.TypeNS && strings.HasPrefix(owner, "*") || typ == zones.TypeDNAME && strings.HasPrefix(owner, "*") {
				continue
			}
			taken[owner+typ.String()] = true
			s.records = append(s.records, fmt.Sprint(owner, " ", typ, " ", target))
			b.Add(zones.Record{Owner: zones.MustName(owner), Type: typ, TTL: 1, Data: zones.MustName(target).Wire()})
		}
		z, err := b.Freeze()
		if err != nil {
			t.Fatal(err)
		}
		w, _ := zones.NewWorld(z)
		x := newIndex(w, zones.Internet)
		for range 20 {
			n := name.Draw(t, "question")
			k, node, hops := s.end(n)
			e := x.end(zones.MustName(n))
			same := e.kind == k
			if k == data || k == referral || k == empty {
				same = same && e.node.Text() == node
			}
			if k != looped && k != grown {
				same = same && e.hops == hops
			}
			if !same {
				t.Fatalf("%s: %v %v after %d, slowly %v %s after %d\n%s", n, e.kind, e.node, e.hops, k, node, hops, strings.Join(s.records, "\n"))
			}
		}
	})
}

// TestLinear: the searches of a check grow with the records and no faster, for
// zones that were made to be hard (CHECK-LINEAR).
func TestLinear(t *testing.T) {
	const n = 3000
	for what, line := range map[string]func(i int) string{
		"one chain":               func(i int) string { return fmt.Sprintf("c%d CNAME c%d", i, i+1) },
		"a circle":                func(i int) string { return fmt.Sprintf("c%d CNAME c%d", i, (i+1)%n) },
		"aliases of one":          func(i int) string { return fmt.Sprintf("c%d CNAME c%d", i, max(1, i/2)) },
		"exchanges along a chain": func(i int) string { return fmt.Sprintf("c%d CNAME c%d\nm%d MX 1 c%d", i, i+1, i, i) },
		"a chain of includes":     func(i int) string { return fmt.Sprintf("c%d TXT \"v=spf1 include:c%d.example.vn -all\"", i, i+1) },
		"a circle of includes":    func(i int) string { return fmt.Sprintf("c%d TXT \"v=spf1 include:c%d.example.vn -all\"", i, (i+1)%n) },
		"includes that branch": func(i int) string {
			return fmt.Sprintf("c%d TXT \"v=spf1 include:c%[2]d.example.vn include:c%[2]d.example.vn include:c%[2]d.example.vn -all\"", i, i+1)
		},
		"a chain of DNAMEs":         func(i int) string { return fmt.Sprintf("c%d DNAME c%d", i, i+1) },
		"a circle of DNAMEs":        func(i int) string { return fmt.Sprintf("c%d DNAME c%d", i, (i+1)%n) },
		"aliases into DNAMEs":       func(i int) string { return fmt.Sprintf("c%d DNAME c%d\nx%d CNAME x.c%d", i, i+1, i, i) },
		"a circle of cuts":          func(i int) string { return fmt.Sprintf("c%d NS ns.c%d", i, (i+1)%n) },
		"below a cut":               func(i int) string { return fmt.Sprintf("cut NS ns\nc%d.cut A 192.0.2.1", i) },
		"below asterisks":           func(i int) string { return fmt.Sprintf("c%d.* TXT x\n*.*.* TXT x", i) },
		"aliases of a wildcard":     func(i int) string { return fmt.Sprintf("c%d CNAME d%d\n* CNAME ns", i, i) },
		"hosts and their exchanges": func(i int) string { return fmt.Sprintf("c%d A 192.0.2.1\nc%d MX 1 c%d", i, i, (i*7)%n) },
	} {
		t.Run(what, func(t *testing.T) {
			var b strings.Builder
			b.WriteString(head)
			for i := range n {
				b.WriteString(line(i) + "\n")
			}
			z := parse(t, "example.vn", b.String())
			w, _ := zones.NewWorld(z)
			x := newIndex(w, z.View())
			fs := run(x, z, Options{})
			if strings.Contains(what, "a circle") && len(fs) != 1 {
				t.Errorf("one circle: %v", fs)
			}
			_, _, records := z.Counts()
			t.Logf("%d records, %d searches, %d findings", records, x.steps, len(fs))
			if x.steps > 2*maxDNAME*records && strings.Contains(what, "DNAME") || x.steps > 80*records && !strings.Contains(what, "DNAME") {
				t.Errorf("%d searches for %d records", x.steps, records)
			}
		})
	}
}

// BenchmarkZone checks a zone of 100 000 names as they come: hosts, aliases,
// exchanges, a few policies.
func BenchmarkZone(b *testing.B) {
	var text strings.Builder
	text.WriteString(head)
	const names = 100_000
	for i := range names {
		switch i % 10 {
		case 0:
			fmt.Fprintf(&text, "h%d CNAME h%d\n", i, i+1)
		case 5:
			fmt.Fprintf(&text, "h%d MX 10 h%d\nh%d TXT \"v=spf1 mx -all\"\n", i, i-1, i)
		default:
			fmt.Fprintf(&text, "h%d A 192.0.2.%d\n", i, i%250)
		}
	}
	z := parse(b, "example.vn", text.String())
	b.ReportAllocs()
	for b.Loop() {
		if fs := Zone(z, Options{}); len(fs) > 0 {
			b.Fatal(fs[0])
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/names, "ns/name")
}
