package check

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/zonefile"
)

// lines are the records of the tables, to be put together at random.
func lines() (out []string) {
	for _, c := range cases() {
		for line := range strings.Lines(c.bad + "\n" + c.good) {
			line = strings.TrimSuffix(line, "\n")
			if len(line) < 240 && !strings.HasPrefix(line, "$") && !strings.Contains(line, "ptr") && !strings.HasPrefix(line, "c0") {
				out = append(out, line)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// load reads a master file; nil where it is none of a zone.
func load(text string) *zones.Zone {
	tree, _ := zonefile.Load(fstest.MapFS{"z": {Data: []byte(text)}}, "z", zonefile.Options{Origin: zones.MustName("example.vn"), MaxGenerate: 100})
	if tree == nil {
		return nil
	}
	z, _ := tree.Zone(zones.Internet)
	return z
}

// told is what findings say, without the numbers of records that may differ in order.
func told(z *zones.Zone) (out []string) {
	for _, f := range Zone(z, Options{}) {
		out = append(out, f.String())
	}
	return out
}

// TestUnrelated: a good A record that nothing names adds no finding and removes none.
func TestUnrelated(t *testing.T) {
	pool := rapid.SampledFrom(lines())
	owner := rapid.SampledFrom([]string{"unrelated", "un.related", "*.unrelated"})
	rapid.Check(t, func(t *rapid.T) {
		text := head + strings.Join(rapid.SliceOfN(pool, 0, 12).Draw(t, "records"), "\n") + "\n"
		z, more := load(text), load(text+owner.Draw(t, "owner")+" A 192.0.2.99\n")
		if z == nil || more == nil {
			t.Skip("no zone")
		}
		if a, b := told(z), told(more); !slices.Equal(a, b) {
			t.Fatalf("without\n%s\nwith\n%s\n%s", strings.Join(a, "\n"), strings.Join(b, "\n"), text)
		}
	})
}

// TestOrder: the order of the records in a file does not matter to what is found.
func TestOrder(t *testing.T) {
	pool := rapid.SampledFrom(lines())
	ids := func(z *zones.Zone) (out []string) {
		for _, f := range Zone(z, Options{}) {
			out = append(out, f.ID)
		}
		slices.Sort(out)
		return out
	}
	rapid.Check(t, func(t *rapid.T) {
		records := rapid.SliceOfN(pool, 0, 12).Draw(t, "records")
		z := load(head + strings.Join(records, "\n") + "\n")
		other := load(head + strings.Join(rapid.Permutation(records).Draw(t, "order"), "\n") + "\n")
		if z == nil || other == nil {
			t.Skip("no zone")
		}
		if a, b := ids(z), ids(other); !slices.Equal(a, b) {
			t.Fatalf("%v and %v\n%s", a, b, strings.Join(records, "\n"))
		}
	})
}

// FuzzZone: whatever freezes is checked without panic, and each finding stands at
// a record of the zone (CHECK-PLACE). One record is raw, which no reader would let pass.
func FuzzZone(f *testing.F) {
	for _, c := range cases() {
		if len(c.bad) < 400 {
			f.Add(c.bad, "x", uint16(zones.TypeTXT), "\x01x")
		}
	}
	for _, typ := range []zones.Type{zones.TypeCNAME, zones.TypeDNAME, zones.TypeNS, zones.TypeTLSA, zones.TypeCAA, zones.TypeHTTPS, zones.TypeTXT, zones.TypeMX, zones.TypePTR} {
		f.Add("y CNAME x\n@ MX 1 a.x", "x", uint16(typ), "")
		f.Add("y CNAME x\nx TXT z", "x", uint16(typ), "\x40")
	}
	f.Fuzz(func(t *testing.T, text, owner string, typ uint16, data string) {
		z := load(head + text + "\n")
		if z == nil {
			if z = load(head); z == nil {
				t.Fatal("the head is no zone")
			}
		}
		b := zones.NewBuilder(z.ID())
		for s := range z.All() {
			b.AddSet(s)
		}
		if n, err := zones.ParseNameIn(owner, z.Origin()); err == nil {
			b.Add(zones.Record{Owner: n, Type: zones.Type(typ), TTL: 1, Data: data, From: zones.Provenance{Place: zones.Place{File: "raw", Line: 1}}})
		}
		if raw, err := b.Freeze(); err == nil {
			z = raw
		}
		places := map[zones.Place]bool{}
		for r := range z.Records() {
			places[r.From.Place] = true
		}
		for _, f := range Zone(z, Options{}) {
			if !places[f.At] {
				t.Errorf("%v is no place of a record", f)
			}
			if d, ok := defined[f.ID]; !ok || f.Found == "" || f.Mend != d.mend || f.Count < 1 {
				t.Errorf("%#v", f)
			}
		}
	})
}
