package source

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/rdata"
	"gialai.gov.vn/hopnhat/zones/zonefile"
)

// TestWindowsCheckers: each zone of the samples, exported, is clean for BIND
// and NSD. Each checker is first shown to refuse a bad file.
func TestWindowsCheckers(t *testing.T) {
	names, _ := filepath.Glob("testdata/windows/*/*")
	for _, c := range [][]string{
		{"named-checkzone", "-i", "local", "-k", "ignore", "-n", "fail"},
		{"nsd-checkzone"},
	} {
		t.Run(c[0], func(t *testing.T) {
			program, err := exec.LookPath(c[0])
			if err != nil {
				t.Skipf("no %s (Debian packages bind9-utils, nsd): the exports are not held against it", c[0])
			}
			dir, clean := t.TempDir(), 0
			check := func(origin string, b []byte) (string, error) {
				file := filepath.Join(dir, "zone")
				if err := os.WriteFile(file, b, 0o600); err != nil {
					t.Fatal(err)
				}
				out, err := exec.Command(program, append(slices.Clone(c[1:]), origin, file)...).CombinedOutput()
				return string(out), err
			}
			for _, name := range names {
				id := quynhon
				if strings.HasSuffix(name, "winsr.dns") {
					id.Origin = zones.MustName("2.0.192.in-addr.arpa")
				}
				z, _ := Read(os.DirFS("."), Spec{ID: id, Kind: "windows", Path: name, Skip: skipped[filepath.Base(name)]}, zonefile.Options{})
				if z.Zone == nil {
					continue
				}
				text := zonefile.Write(z.Zone)
				if clean == 0 {
					if out, err := check(id.Origin.Text(), append(slices.Clip(text), "x 60 IN A 192.0.2.256\n"...)); err == nil {
						t.Errorf("a bad file passes: %s", out)
					}
				}
				clean++
				if out, err := check(id.Origin.Text(), text); err != nil || strings.Contains(out, "warning") {
					t.Errorf("%s: %v\n%s%s", name, err, out, text)
				}
			}
			if clean < 20 {
				t.Errorf("only %d zones were checked", clean)
			}
		})
	}
}

// winWriter writes a zone as Windows does, plainly and by itself.
type winWriter struct {
	zone    *zones.Zone
	dynamic map[zones.Name]bool // owners whose records have an age
}

// name is a name as Windows writes it: octets that mean something are octal.
func (w winWriter) name(n zones.Name, origin zones.Name) string {
	switch {
	case n.IsRoot():
		return "."
	case n == origin:
		return "@"
	}
	var labels []string
	for ; n != origin && !n.IsRoot(); n, _ = n.Parent() {
		var b strings.Builder
		for _, c := range []byte(n.First()) {
			if c <= ' ' || strings.IndexByte(`"();\`, c) >= 0 {
				fmt.Fprintf(&b, `\%03o`, c)
			} else {
				b.WriteByte(c)
			}
		}
		labels = append(labels, b.String())
	}
	s := strings.Join(labels, ".")
	if n != origin || origin.IsRoot() {
		return s + "."
	}
	return s
}

// data is RDATA as Windows writes it; table leaves out parentheses.
func (w winWriter) data(r zones.Record, table bool) string {
	full := func(n zones.Name) string { return w.name(n, zones.Root()) }
	switch r.Type {
	case zones.TypeTXT:
		var texts []string
		for d := r.Data; d != ""; d = d[1+int(d[0]):] {
			texts = append(texts, `"`+strings.NewReplacer(`"`, `\"`, `\`, `\\`).Replace(d[1:1+int(d[0])])+`"`)
		}
		if table {
			return strings.Join(texts, " ")
		}
		return "( " + strings.Join(texts, "\n\t\t") + " )"
	case zones.TypeNS, zones.TypeCNAME:
		n, _, _ := zones.NameFromWire([]byte(r.Data))
		return full(n)
	case zones.TypeSOA:
		a, err := zones.ParseSOA(r.Data)
		if err != nil {
			panic(err)
		}
		return fmt.Sprintf("%s %s %d %d %d %d %d", full(a.MName), full(a.RName), a.Serial, a.Refresh, a.Retry, a.Expire, a.Minimum)
	case zones.TypeMX:
		n, _, _ := zones.NameFromWire([]byte(r.Data[2:]))
		return fmt.Sprintf("%d %s", int(r.Data[0])<<8|int(r.Data[1]), full(n))
	}
	return rdata.Text(r.Type, r.Data)
}

func (w winWriter) age(r zones.Record, word string) string {
	if w.dynamic[r.Owner] && r.Type != zones.TypeSOA && r.Type != zones.TypeNS {
		return fmt.Sprintf("[%s:3728214] ", word)
	}
	return ""
}

func (w winWriter) dns() string {
	origin := w.zone.Origin()
	soa := w.zone.SOA()
	var b strings.Builder
	fmt.Fprintf(&b, ";\n;  Database file (null) for %s zone.\n;      Zone version:  %d\n;\n\n", origin.Text(), soa.Serial)
	last := zones.Name{}
	for _, r := range w.records() {
		owner := w.name(r.Owner, origin)
		if r.Owner == last {
			owner = ""
		}
		last = r.Owner
		ttl := ""
		if r.TTL != soa.Minimum {
			ttl = fmt.Sprintf("%d\t", r.TTL)
		}
		fmt.Fprintf(&b, "%-23s %s%s%v\t%s\n", owner, w.age(r, "AGE"), ttl, r.Type, w.data(r, false))
	}
	return strings.ReplaceAll(b.String(), "\n", "\r\n")
}

func (w winWriter) print() string {
	origin := w.zone.Origin()
	var b strings.Builder
	fmt.Fprintf(&b, ";\n;  Zone:   %s\n;  Server: dc1\n;\n", origin.Text())
	last := zones.Name{}
	for _, r := range w.records() {
		owner := w.name(r.Owner, origin)
		if r.Owner == last {
			owner = "\t\t"
		}
		last = r.Owner
		fmt.Fprintf(&b, "%s %s%d %v\t%s\n", owner, w.age(r, "Aging"), r.TTL, r.Type, w.data(r, false))
	}
	b.WriteString(";\n;  Finished zone\n;\n\nCommand completed successfully.\n")
	return b.String()
}

// enum writes a listing for each node that has children.
func (w winWriter) enum() string {
	origin := w.zone.Origin()
	var b strings.Builder
	nodes := map[zones.Name][]zones.Record{}
	for _, r := range w.records() {
		node := origin
		if r.Owner != origin {
			node, _ = r.Owner.Parent()
		}
		nodes[node] = append(nodes[node], r)
	}
	var order []zones.Name
	for n := range nodes {
		order = append(order, n)
	}
	slices.SortFunc(order, zones.Name.Compare)
	for _, node := range order {
		fmt.Fprintf(&b, "C:\\> dnscmd /EnumRecords %s %s\n\nReturned records:\n", origin.Text(), w.name(node, origin))
		for _, r := range nodes[node] {
			fmt.Fprintf(&b, "%s %s%d %v\t%s\n", w.name(r.Owner, node), w.age(r, "Aging"), r.TTL, r.Type, w.data(r, false))
		}
		b.WriteString("\nCommand completed successfully.\n\n")
	}
	return b.String()
}

func (w winWriter) csv(comma string) string {
	var b strings.Builder
	row := func(cells ...string) {
		for i, c := range cells {
			cells[i] = `"` + strings.ReplaceAll(c, `"`, `""`) + `"`
		}
		b.WriteString(strings.Join(cells, comma) + "\r\n")
	}
	row("HostName", "RecordType", "TimeToLive", "Timestamp", "RecordData")
	for _, r := range w.records() {
		days, s := r.TTL/86400, r.TTL%86400
		span := fmt.Sprintf("%02d:%02d:%02d", s/3600, s/60%60, s%60)
		if days > 0 {
			span = fmt.Sprintf("%d.%s", days, span)
		}
		stamp := ""
		if w.age(r, "") != "" {
			stamp = "28/08/2025 06:00:00"
		}
		row(w.name(r.Owner, w.zone.Origin()), r.Type.String(), span, stamp, w.data(r, true))
	}
	return b.String()
}

// records are those of the zone, the SOA first.
func (w winWriter) records() []zones.Record {
	rs := slices.Collect(w.zone.Records())
	i := slices.IndexFunc(rs, func(r zones.Record) bool { return r.Type == zones.TypeSOA })
	soa := rs[i]
	return append([]zones.Record{soa}, slices.Delete(rs, i, i+1)...)
}

// TestWindowsRoundTrip writes random zones in every form and encoding and reads
// each one back; where Windows' own notation is taken away, zonefile reads the
// .dns file as the same zone.
func TestWindowsRoundTrip(t *testing.T) {
	label := rapid.OneOf(
		rapid.SampledFrom([]string{"www", "máy-in", "a b", "(x)", `c\d`, "e;f", `g"h`, "_tcp", "_ldap", "_msdcs", "*", "40", "in", "a", "mx"}),
		rapid.StringMatching(`[a-z0-9]([-a-z0-9]{0,10}[a-z0-9])?`))
	rapid.Check(t, func(t *rapid.T) {
		origin := zones.MustName(rapid.SampledFrom([]string{"q.vn", "quynhon.binhdinh.gov.vn", "2.0.192.in-addr.arpa"}).Draw(t, "origin"))
		under := rapid.Custom(func(t *rapid.T) zones.Name {
			n := origin
			for range rapid.IntRange(0, 3).Draw(t, "labels") {
				n, _ = n.Child(label.Draw(t, "label"))
			}
			return n
		})
		target := rapid.OneOf(under, rapid.SampledFrom([]zones.Name{zones.MustName("mcu.binhdinh.gov.vn"), zones.MustName("x"), zones.Root(), zones.MustName("vn.q.vn.vn")}))
		minimum := rapid.SampledFrom([]uint32{0, 60, 3600, 86400, 604800}).Draw(t, "minimum")
		ttls := map[zones.Key]uint32{}
		w := winWriter{dynamic: map[zones.Name]bool{}}
		b := zones.NewBuilder(zones.ID{Origin: origin, View: zones.Internet})
		add := func(r zones.Record) {
			k := zones.Key{Owner: r.Owner, Type: r.Type}
			if _, ok := ttls[k]; !ok {
				ttls[k] = rapid.SampledFrom([]uint32{minimum, minimum, 0, 1, 3661, 90061, 2147483647}).Draw(t, "ttl")
			}
			r.TTL = ttls[k]
			b.Add(r)
		}
		add(zones.Record{Owner: origin, Type: zones.TypeSOA, Data: zones.SOA{
			MName: target.Draw(t, "mname"), RName: zones.MustName("hostmaster.q.vn"), Serial: 7, Refresh: 900, Retry: 600, Expire: 86400, Minimum: minimum,
		}.Data()})
		for range rapid.IntRange(0, 12).Draw(t, "records") {
			r := zones.Record{Owner: under.Draw(t, "owner")}
			switch rapid.IntRange(0, 4).Draw(t, "type") {
			case 0:
				r.Type, r.Data = zones.TypeA, "\xc0\x00\x02"+string([]byte{rapid.Byte().Draw(t, "a")})
			case 1:
				r.Type, r.Data = zones.TypeNS, target.Draw(t, "ns").Wire()
			case 2:
				r.Type, r.Data = zones.TypeCNAME, target.Draw(t, "cname").Wire()
			case 3:
				r.Type, r.Data = zones.TypeMX, "\x00"+string([]byte{rapid.Byte().Draw(t, "preference")})+target.Draw(t, "mx").Wire()
			case 4:
				r.Type = zones.TypeTXT
				for range rapid.IntRange(1, 3).Draw(t, "texts") {
					s := rapid.StringMatching(`[ -~]{0,20}`).Draw(t, "text")
					r.Data += string([]byte{byte(len(s))}) + s
				}
			}
			w.dynamic[r.Owner] = rapid.Bool().Draw(t, "dynamic")
			add(r)
		}
		z, err := b.Freeze()
		if err != nil {
			t.Fatal(err)
		}
		w.zone = z
		encode := rapid.SampledFrom([]func(string) string{
			func(s string) string { return s },
			func(s string) string { return byteOrderMark + s },
			func(s string) string { return wide("\ufeff"+s, 1) },
			func(s string) string { return wide("\ufeff"+s, 0) },
			func(s string) string { return wide(s, 1) },
		}).Draw(t, "encoding")
		if text := w.dns(); !strings.Contains(text, `\`) {
			text = fmt.Sprintf("$TTL %d\n%s", minimum, strings.ReplaceAll(text, "[AGE:3728214] ", ""))
			got, finds := Read(files("f", text), Spec{ID: z.ID(), Kind: "file", Path: "f"}, zonefile.Options{})
			if got.Zone == nil || !got.Zone.Equal(z) {
				t.Fatalf("zonefile: %v\n%s", finds, text)
			}
		}
		var account string
		for _, form := range []struct{ name, text string }{
			{"dns", w.dns()}, {"print", w.print()}, {"enum", w.enum()}, {"csv", w.csv(",")}, {"csv with ;", w.csv(";")}, {"csv with tabs", w.csv("\t")},
		} {
			got, finds := Read(files("f", encode(form.text)), Spec{ID: z.ID(), Kind: "windows", Path: "f"}, zonefile.Options{})
			lawful(t, got, finds)
			if got.Zone == nil || !got.Zone.Equal(z) {
				t.Fatalf("%s: %v\n%s", form.name, finds, form.text)
			}
			classes := fmt.Sprint(got.Account)
			if account == "" {
				account = classes
			}
			if classes != account {
				t.Fatalf("%s: account %s, not %s", form.name, classes, account)
			}
		}
	})
}

// wide writes text in UTF-16; high is where in a pair the higher octet stands.
func wide(s string, high int) string {
	var b strings.Builder
	for _, u := range utf16.Encode([]rune(s)) {
		pair := [2]byte{}
		pair[high], pair[1-high] = byte(u>>8), byte(u)
		b.Write(pair[:])
	}
	return b.String()
}
