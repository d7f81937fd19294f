package proof

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/mapping"
)

// TestStated: what NEW states that is unfit to serve, whether or not an answer
// of OLD differs.
func TestStated(t *testing.T) {
	old := world(t, "old", before)
	long := ""
	for i := range 12 {
		long += "d" + string(rune('a'+i)) + " CNAME d" + string(rune('b'+i)) + "\n"
	}
	for _, c := range []struct {
		id  string
		cut []string
		add string
	}{
		{"N-WILD-NS", nil, "*.moi2 NS ns.ngoai.vn."},
		{"N-WILD-INNER", nil, "f.*.moi2 A 1.2.3.4"},
		{"N-STAR-LIT", nil, "thu MX 10 *.so"},
		{"M-PRIVATE", nil, "trong2 A 10.1.2.3"},
		{"X-MX-CNAME", nil, "thu MX 10 www"},
		{"X-MX-CNAME", []string{"mail A 192.0.2.25", "mail AAAA 2001:db8::25"}, "mail CNAME mail3\nmail3 A 192.0.2.25\nmail3 AAAA 2001:db8::25"},
		{"X-LEN", nil, long + "dm A 1.2.3.4"},
		{"X-DANGLE", nil, "thu MX 10 khong-co"},
		{"X-TAKEOVER", []string{"zone huyen"}, "thu MX 10 www.huyen2.vn."},
		{"D-GLUE", nil, "moi2 NS ns.moi2"},
		{"D-CYCLE", nil, "v1 NS ns.v2\nv2 NS ns.v1"},
		{"D-SELF", nil, "v1 NS ns2"},
	} {
		t.Run(c.id, func(t *testing.T) {
			o := old
			if c.id == "X-TAKEOVER" { // a zone of OLD that NEW does not serve
				o = world(t, "old", before+"zone huyen2.vn\n@ NS ns1.tinh.vn.\nwww A 192.0.2.77\n")
			}
			r := Prove(Input{Before: o, After: world(t, "new", damage(before, c.cut, c.add, ""))}, Options{})
			if !slices.Contains(ids(r), c.id) {
				dump(t, r)
				t.Fatalf("no %s in %v", c.id, ids(r))
			}
		})
	}
}

// TestTotal: records without a rule, names too long, exceptions that expired
// or excuse nothing.
func TestTotal(t *testing.T) {
	deep := strings.Repeat(strings.Repeat("d", 60)+".", 3) + "dd"
	src := strings.Replace(source, "mail A", deep+" A 1.2.3.4\nmail A", 1)
	m := star()
	m.Rules = []mapping.Rule{{From: mapping.Pattern{Name: zones.MustName("nguon.vn"), Star: true}, To: []mapping.Pattern{{Name: zones.MustName(strings.Repeat("t", 63) + ".dich.vn"), Star: true}}}}
	m.Exceptions = []mapping.Exception{
		{Name: zones.MustName("khong.nguon.vn")},
		{Name: zones.MustName("mail.nguon.vn"), Expires: time.Unix(1e9, 0)},
	}
	old := world(t, "old", src+target0)
	r := Prove(Input{Before: old, After: old, Mapping: m, Sources: []zones.ID{{Origin: zones.MustName("nguon.vn"), View: zones.Internet}}}, Options{Now: time.Unix(2e9, 0)})
	for id, name := range map[string]string{"M-TOTAL": "nguon.vn.", "M-LEN": deep + ".nguon.vn.", "M-EXPIRE": "mail.nguon.vn.", "M-RULE": "khong.nguon.vn."} {
		if !slices.ContainsFunc(r.Faults, func(f Fault) bool { return f.ID == id && f.Witness.Name.String() == name }) {
			t.Errorf("no %s at %s in %v", id, name, ids(r))
		}
	}
}

// TestDeclared: an edit's own records are excused, and nothing else.
func TestDeclared(t *testing.T) {
	old := world(t, "old", before)
	in := Input{Before: old, After: world(t, "new", damage(before, []string{"moi A 192.0.2.11", "bi-mat TXT x"}, "moi A 192.0.2.12", ""))}
	in.Declared = []zones.Key{{Owner: zones.MustName("moi.tinh.vn"), Type: zones.TypeA}}
	r := Prove(in, Options{})
	if len(r.Faults) != 1 || r.Faults[0].Witness.Name.Text() != "bi-mat.tinh.vn" || r.Counts.Levels[L4] == 0 {
		dump(t, r)
		t.Fatal(ids(r), r.Counts.Levels)
	}
}

// TestRelabelled: names are nothing but names. Where every label is another,
// in the same order, so is every finding.
func TestRelabelled(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := genWorlds(t)
		other := func(s string) string {
			var out []string
			for _, l := range strings.Split(s, "\n") {
				fs := strings.Fields(l)
				for i, f := range fs {
					if i == 0 || i == 2 && fs[1] != "A" && fs[1] != "TXT" || i == 1 && fs[0] == "zone" {
						ls := strings.Split(f, ".")
						for k, x := range ls {
							if y, ok := map[string]string{"a": "r", "b": "s", "c": "t", "e": "u", "f": "v"}[x]; ok {
								ls[k] = y
							}
						}
						fs[i] = strings.Join(ls, ".")
					}
				}
				out = append(out, strings.Join(fs, " "))
			}
			return strings.Join(out, "\n")
		}
		r := Prove(Input{Before: world(t, "old", a), After: world(t, "new", b)}, Options{})
		q := Prove(Input{Before: world(t, "old", other(a)), After: world(t, "new", other(b))}, Options{})
		if !slices.Equal(ids(r), ids(q)) || r.Counts.Levels != q.Counts.Levels || r.Counts.Classes != q.Counts.Classes {
			t.Fatalf("%v %v\n%v %v\n%s\n%s", ids(r), r.Counts, ids(q), q.Counts, a, other(a))
		}
	})
}

// TestParentDS: DS is the parent's to answer, though the child is served too
// (RFC 4035 3.1.4.1).
func TestParentDS(t *testing.T) {
	const ds = "con DS 1 8 2 abababababababababababababababababababababababababababababababab\n"
	parent, child := "zone cha.vn\n@ NS ns.ngoai.\ncon NS ns.ngoai.\n", "zone con.cha.vn\n@ NS ns.ngoai.\n"
	r := Prove(Input{Before: world(t, "old", parent+ds+child), After: world(t, "new", parent+child)}, Options{})
	if len(r.Faults) != 1 || r.Preserved() || r.Faults[0].Witness.Name.Text() != "con.cha.vn" || r.Faults[0].Witness.Type != zones.TypeDS || r.Faults[0].At.File != "old/cha.vn" {
		dump(t, r)
		t.Fatal(ids(r))
	}
}
