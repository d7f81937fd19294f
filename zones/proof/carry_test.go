package proof

import (
	"slices"
	"strings"
	"testing"
	"time"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/mapping"
)

// source and target are the worlds of the table: nguon.vn comes into dich.vn.
const source = `zone nguon.vn
@ NS ns1
@ A 198.51.100.1
ns1 A 198.51.100.53
mail A 198.51.100.25
tin MX 10 mail
www CNAME cong
cong A 198.51.100.80
*.so A 198.51.100.9
y.x.cay A 198.51.100.10
con NS ns.con
ns.con A 198.51.100.60
dai DNAME cay
`

const target0 = `zone dich.vn
@ NS ns1
ns1 A 192.0.2.53
chung A 192.0.2.1
*.sao TXT sao
cu.nha A 192.0.2.7
`

// moved is what a merger adds to the target.
const moved = `mail A 198.51.100.25
tin MX 10 mail
www CNAME cong
cong A 198.51.100.80
*.so A 198.51.100.9
y.x.cay A 198.51.100.10
con NS ns.con
ns.con A 198.51.100.60
dai DNAME cay
@ A 198.51.100.1
`

// star is the rule of most mergers: all names below, and the apex.
func star(types ...zones.Type) mapping.Mapping {
	return mapping.Mapping{
		Targets: []zones.Name{zones.MustName("dich.vn")},
		Rules: []mapping.Rule{{From: mapping.Pattern{Name: zones.MustName("ns1.nguon.vn")}, Drop: true}, {
			From: mapping.Pattern{Name: zones.MustName("nguon.vn")}, Subtree: true, Types: types,
			To: []mapping.Pattern{{Name: zones.MustName("dich.vn")}},
		}, {From: mapping.Pattern{Name: zones.MustName("nguon.vn")}, Subtree: true, Drop: true}},
	}
}

var carryTable = []struct {
	name string
	old  string // added to the target before
	src  string // added to the source before
	cut  []string
	add  string
	m    func(*mapping.Mapping)
	id   string // "" is no blocking fault
	ask  string // "oldname newname TYPE"
}{
	{name: "all came"},
	{name: "an address left behind", cut: []string{"mail A 198.51.100.25"}, id: "C-LOST", ask: "mail.nguon.vn. mail.dich.vn. A"},
	{name: "an alias's host left behind", cut: []string{"cong A 198.51.100.80"}, id: "C-LOST", ask: "cong.nguon.vn. cong.dich.vn. A"},
	{name: "an alias to the old host", cut: []string{"www CNAME cong"}, add: "www CNAME cong.nguon.vn."},
	{name: "another address", cut: []string{"mail A 198.51.100.25"}, add: "mail A 198.51.100.26", id: "C-CHANGED", ask: "mail.nguon.vn. mail.dich.vn. A"},
	{name: "a wildcard left behind", cut: []string{"*.so A 198.51.100.9"}, id: "C-WILD-LOST"},
	{name: "a name in data renamed to another host", cut: []string{"mail A 198.51.100.25"}, add: "mail A 198.51.100.26", id: "M-TARGET-SEM"},
	{name: "a delegation without its glue", cut: []string{"ns.con A 198.51.100.60"}, id: "D-GLUE", ask: "con.nguon.vn. con.dich.vn. A"},
	{name: "a delegation left behind", cut: []string{"con NS ns.con", "ns.con A 198.51.100.60"}, id: "C-LOST"},
	{name: "a DNAME left behind", cut: []string{"dai DNAME cay"}, id: "C-LOST"},
	{name: "the apex's NS came along", add: "nguon NS ns1.nguon.vn.\nnguon A 1.2.3.4"},
	{name: "both own the name, the target's stands", src: "chung A 198.51.100.7", id: "M-COLLIDE", ask: "chung.nguon.vn. chung.dich.vn. A"},
	{name: "both own the name, the source's stands", src: "chung A 198.51.100.7", cut: []string{"chung A 192.0.2.1"}, add: "chung A 198.51.100.7", id: "M-COLLIDE", ask: "chung.dich.vn. chung.dich.vn. A"},
	{name: "both own the name, the union stands", src: "chung A 198.51.100.7", add: "chung A 198.51.100.7", id: "M-COLLIDE"},
	{name: "both own the name, other types", src: "chung MX 10 mail", add: "chung MX 10 mail", id: "M-COLLIDE", ask: "chung.dich.vn. chung.dich.vn. MX"},
	{name: "both own the name, equal data", src: "chung A 192.0.2.1"},
	{name: "decided: the source", src: "chung A 198.51.100.7", cut: []string{"chung A 192.0.2.1"}, add: "chung A 198.51.100.7", m: decide("chung.dich.vn", mapping.Source)},
	{name: "decided: the source, and it lacks a type", old: "chung TXT cu", src: "chung A 198.51.100.7", cut: []string{"chung A 192.0.2.1", "chung TXT cu"}, add: "chung A 198.51.100.7", m: decide("chung.dich.vn", mapping.Source), id: "M-HALF"},
	{name: "decided: the source, but the target stands", src: "chung A 198.51.100.7", m: decide("chung.dich.vn", mapping.Source), id: "M-COLLIDE"},
	{name: "decided: the target", src: "chung A 198.51.100.7", m: decide("chung.dich.vn", mapping.Target)},
	{name: "decided: both", src: "chung A 198.51.100.7", add: "chung A 198.51.100.7", m: decide("chung.dich.vn", mapping.Both)},
	{name: "decided: both, one missing", src: "chung A 198.51.100.7", m: decide("chung.dich.vn", mapping.Both), id: "M-COLLIDE"},
	{name: "decided: the target moves away", src: "chung A 198.51.100.7", cut: []string{"chung A 192.0.2.1"}, add: "chung A 198.51.100.7\nchung2 A 192.0.2.1", m: becomes("chung.dich.vn", "chung2.dich.vn", "")},
	{name: "decided: the target moves away, and is not there", src: "chung A 198.51.100.7", cut: []string{"chung A 192.0.2.1"}, add: "chung A 198.51.100.7", m: becomes("chung.dich.vn", "chung2.dich.vn", ""), id: "M-COLLIDE"},
	{name: "decided: the source moves away", src: "chung A 198.51.100.7", add: "chung2 A 198.51.100.7", m: becomes("chung.dich.vn", "", "chung2.dich.vn")},
	{name: "decided: the source moves away, and is not there", src: "chung A 198.51.100.7", m: becomes("chung.dich.vn", "", "chung2.dich.vn"), id: "C-LOST", ask: "chung.nguon.vn. chung2.dich.vn. A"},
	{name: "an imported name makes an ENT under a wildcard", src: "a.b.sao A 198.51.100.7", add: "a.b.sao A 198.51.100.7", id: "N-ENT"},
	{name: "an imported name under a wildcard", src: "b.sao A 198.51.100.7", add: "b.sao A 198.51.100.7", id: "N-WILD-HOLE"},
	{name: "an imported wildcard at the apex", src: "* A 198.51.100.7", add: "* A 198.51.100.7", id: "N-WILD-CAPTURE"},
	{name: "an imported wildcard at a name of the target", src: "*.nha A 198.51.100.7", add: "*.nha A 198.51.100.7", id: "N-WILD-CAPTURE"},
	{name: "the same, decided", src: "*.nha A 198.51.100.7", add: "*.nha A 198.51.100.7", m: decide("*.nha.dich.vn", mapping.Source)},
	{name: "a rule for a name of its own", src: "rieng A 198.51.100.7", add: "khac A 198.51.100.7", m: first("rieng.nguon.vn", "khac.dich.vn")},
	{name: "the same with rules swapped", src: "rieng A 198.51.100.7", add: "rieng A 198.51.100.7", m: first("rieng.nguon.vn", "khac.dich.vn"), id: "C-LOST", ask: "rieng.nguon.vn. khac.dich.vn. A"},
	{name: "a delegation by a rule of its own", src: "tach NS ns.tach\nns.tach A 198.51.100.61", add: "xa NS ns.tach.nguon.vn.", m: first("tach.nguon.vn", "xa.dich.vn")},
	{name: "a wildcard by a rule of its own, left behind", src: "*.rieng A 198.51.100.7", m: first("*.rieng.nguon.vn", "*.khac.dich.vn"), id: "C-WILD-LOST"},
	{name: "dropped", cut: []string{"mail A 198.51.100.25"}, m: drop("mail.nguon.vn")},
	{name: "lost, excused", cut: []string{"mail A 198.51.100.25", "tin MX 10 mail"}, add: "tin MX 10 mail.nguon.vn.", m: excuse("mail.nguon.vn", "2030-01-01")},
	{name: "lost, the excuse expired", cut: []string{"mail A 198.51.100.25", "tin MX 10 mail"}, add: "tin MX 10 mail.nguon.vn.", m: excuse("mail.nguon.vn", "2020-01-01"), id: "C-LOST"},
	{name: "a reserved label", src: "phong A 198.51.100.7", add: "phong A 198.51.100.7", m: func(m *mapping.Mapping) {
		m.Reserved = []mapping.Reserved{{Name: zones.MustName("phong.dich.vn"), Holder: "so-khac"}}
	}, id: "M-RESERVED"},
	{name: "a DS came along", src: "ky NS ns.ngoai.\nky DS 1 8 2 abababababababababababababababababababababababababababababababab", add: "ky NS ns.ngoai.\nky DS 1 8 2 abababababababababababababababababababababababababababababababab", id: "D-DS-RENAMED"},
	{name: "a DS stayed behind", src: "ky NS ns.ngoai.\nky DS 1 8 2 abababababababababababababababababababababababababababababababab", add: "ky NS ns.ngoai."},
}

func decide(name string, t mapping.Take) func(*mapping.Mapping) {
	return func(m *mapping.Mapping) {
		m.Decisions = append(m.Decisions, mapping.Decision{Name: zones.MustName(name), Take: t})
	}
}

func becomes(name, target, source string) func(*mapping.Mapping) {
	return func(m *mapping.Mapping) {
		d := mapping.Decision{Name: zones.MustName(name)}
		if target != "" {
			d.TargetBecomes = zones.MustName(target)
		}
		if source != "" {
			d.SourceBecomes = zones.MustName(source)
		}
		m.Decisions = append(m.Decisions, d)
	}
}

func first(from, to string) func(*mapping.Mapping) {
	return func(m *mapping.Mapping) {
		m.Rules = slices.Insert(m.Rules, 0, mapping.Rule{From: mapping.Pattern{Name: zones.MustName(from)}, To: []mapping.Pattern{{Name: zones.MustName(to)}}})
	}
}

func drop(name string) func(*mapping.Mapping) {
	return func(m *mapping.Mapping) {
		m.Rules = slices.Insert(m.Rules, 0, mapping.Rule{From: mapping.Pattern{Name: zones.MustName(name)}, Drop: true})
		m.Rules = slices.Insert(m.Rules, 0, mapping.Rule{From: mapping.Pattern{Name: zones.MustName("tin.nguon.vn")}, Drop: true})
	}
}

func excuse(name, until string) func(*mapping.Mapping) {
	return func(m *mapping.Mapping) {
		t, err := time.Parse(time.DateOnly, until)
		if err != nil {
			panic(err)
		}
		m.Exceptions = append(m.Exceptions, mapping.Exception{Name: zones.MustName(name), Expires: t})
	}
}

func TestCarry(t *testing.T) {
	for _, c := range carryTable {
		t.Run(c.name, func(t *testing.T) {
			old := world(t, "old", source+c.src+"\n"+target0+c.old+"\n")
			after := target0 + c.old + "\n" + moved + c.add + "\n"
			for _, l := range c.cut {
				if !strings.Contains(after, "\n"+l+"\n") {
					t.Fatalf("no line %q", l)
				}
				after = strings.Replace(after, "\n"+l+"\n", "\n", 1)
			}
			in := Input{Before: old, After: world(t, "new", source+c.src+"\n"+after), Mapping: star()}
			if c.m != nil {
				c.m(&in.Mapping)
			}
			now := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
			r := Prove(in, Options{Now: now})
			defer func() {
				if t.Failed() {
					dump(t, r)
				}
			}()
			if c.id == "" {
				if !r.Preserved() {
					t.Fatalf("%v", ids(r))
				}
				return
			}
			if r.Preserved() && defined[c.id].severity == finding.Block {
				t.Error("preserved")
			}
			if !slices.ContainsFunc(r.Faults, func(f Fault) bool {
				return f.ID == c.id && (c.ask == "" || f.Witness.OldName.String()+" "+f.Witness.Name.String()+" "+f.Witness.Type.String() == c.ask)
			}) {
				t.Fatalf("%s was not found, but %v", c.id, ids(r))
			}
		})
	}
}
