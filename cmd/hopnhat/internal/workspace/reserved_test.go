package workspace

import (
	"strings"
	"testing"

	"gialai.gov.vn/hopnhat/zones"
)

func TestSheet(t *testing.T) {
	s := sheet{
		column: "slug", holder: "name_vi", zone: zones.MustName("gialai.gov.vn"), doc: "kh106",
		where: []filter{{"level", []string{"xa", "phuong"}}}, at: zones.Place{File: "consolidation.yaml", Line: 7, Column: 5},
	}
	const head = "level,name_vi,slug\n"
	for what, c := range map[string]struct {
		csv  string
		want string   // name=holder@line:column
		find []string // as hold has them
	}{
		"plain":        {head + "xa,Xã A,a\nhuyen,H,h\nphuong,Phường B,b\n", "a=Xã A@2:9 b=Phường B@4:17", nil},
		"semicolons":   {"level;name_vi;slug\r\nxa;Xã A;a\r\n", "a=Xã A@2:9", nil},
		"mark, quotes": {bom + head + `xa,"Xã ""A"", cũ",a` + "\n", `a=Xã "A", cũ@2:19`, nil},
		"decomposed":   {head + "xa,Xa\u0303 A,a\n", "a=Xã A@2:10", nil},
		"empty label":  {head + "xa,Xã A,\nxa,Xã B,b\n", "b=Xã B@3:9", []string{"2:9 W-SHEET the column slug is empty here"}},
		"short row":    {head + "xa\n", "", []string{"2:1 W-SHEET the column slug is empty here"}},
		"two labels":   {head + "xa,Xã A,a.b\n", "", []string{`2:9 W-SHEET "a.b" is not one label`}},
		"no name":      {head + "xa,Xã A,a b\n", "", []string{"2:9 W-SHEET holds a space"}},
		"no holder":    {head + "xa,,a\n", "", []string{"2:5 W-SHEET the column name_vi is empty in this row"}},
		"long label":   {head + "xa,X," + strings.Repeat("a", 64) + "\n", "", []string{"2:6 W-SHEET more than 63 octets"}},
		"column":       {"level,name_vi,slugs\n", "", []string{"7:5 W-SHEET has no column \"slug\"; did you mean slugs?"}},
		"no row":       {head + "xã,Xã A,a\n", "", []string{"7:5 W-SHEET warning: none of the 1 rows of u.csv counts"}},
		"bad quotes":   {head + "xa,X\"ã,a\nxa,Xã B,b\n", "", []string{"2:1 W-SHEET double a quote"}},
		"empty":        {"", "", []string{"1:1 W-SHEET no row of column names"}},
	} {
		t.Run(what, func(t *testing.T) {
			labels, fs := s.read("u.csv", []byte(c.csv))
			var got []string
			for _, l := range labels {
				if l.Doc != "kh106" || l.At.File != "u.csv" {
					t.Errorf("%+v", l)
				}
				got = append(got, l.Name.In(s.zone)+"="+l.Holder+"@"+strings.TrimPrefix(l.At.String(), "u.csv:"))
			}
			if g := strings.Join(got, " "); g != c.want {
				t.Errorf("got %q, want %q", g, c.want)
			}
			hold(t, fs, c.find)
		})
	}
}

// A holder that holds no label is reported, and only when all labels are
// known.
func TestHolders(t *testing.T) {
	file := whole(`reserved:
  - {sheet: u.csv, column: slug, holder: name_vi, zone: gialai.gov.vn, doc: kh106}
  - {name: b.gialai.gov.vn, holder: Xã B, doc: kh106}
rules:
  - {from: a.binhdinh.gov.vn, to: a.gialai.gov.vn, holder: Xã A, why: x, by: skhcn, doc: kh106}
  - {from: b.binhdinh.gov.vn, to: b.gialai.gov.vn, holder: Xã Bê, why: x, by: skhcn, doc: kh106}
`)
	open := func(csv string) opener {
		return func(p string) (string, []byte, error) { return "w/" + p, []byte(csv), nil }
	}
	c, fs := readConsolidation("c", []byte(file), open("name_vi,slug\nXã A,a\n"))
	hold(t, fs, []string{"6:60 W-REF no label is reserved for \"Xã Bê\"; did you mean Xã B?"})
	if len(c.Mapping.Reserved) != 2 {
		t.Errorf("%d labels, want 2", len(c.Mapping.Reserved))
	}
	_, fs = readConsolidation("c", []byte(file), open("name_vi,slug\nXã A,\n"))
	hold(t, fs, []string{"2:6 W-SHEET the column slug is empty here"})
}
