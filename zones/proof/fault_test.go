package proof

import (
	"slices"
	"strings"
	"testing"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// before is the world that the table damages. Line 1 is $TTL, line 2 the SOA.
const before = `zone tinh.vn
@ NS ns1
@ NS ns2
@ A 192.0.2.1
@ MX 10 mail
@ TXT "v=spf1 mx -all"
ns1 A 192.0.2.53
ns2 A 192.0.2.54
mail A 192.0.2.25
mail AAAA 2001:db8::25
www CNAME cong
cong A 192.0.2.80
cong AAAA 2001:db8::80
a.b.sau A 192.0.2.7
*.so A 192.0.2.9
*.so MX 10 mail
y.x.cay A 192.0.2.10
*.cay TXT cay
con NS ns.con
con NS ns1
con DS 1 8 2 abababababababababababababababababababababababababababababababab
ns.con A 192.0.2.60
xa NS ns.ngoai.vn.
cu DNAME moi
moi A 192.0.2.11
trong.moi A 192.0.2.12
ngoai CNAME trang.ngoai.vn.
dai DNAME ngoai.vn.
loop1 CNAME loop2
loop2 CNAME loop1
bi-mat TXT x
zone huyen.tinh.vn
@ NS ns1.tinh.vn.
@ A 192.0.2.30
www A 192.0.2.31
`

// faultTable: each damage done to a copy, and the id, cause and question that
// must come of it. It was written from docs/checks.md, not from output.
var faultTable = []struct {
	name string
	cut  []string // lines taken out
	add  string   // lines put in, of tinh.vn
	more string   // zones put in
	id   string
	at   string // where the fault is stated
	ask  string // "name TYPE" of the witness
}{
	{name: "an address dropped, the other type stays", cut: []string{"mail AAAA 2001:db8::25"}, id: "C-TYPE-LOST", at: "old/tinh.vn", ask: "mail.tinh.vn. AAAA"},
	{name: "a name dropped", cut: []string{"bi-mat TXT x"}, id: "C-LOST", at: "old/tinh.vn", ask: "bi-mat.tinh.vn. TXT"},
	{name: "an address altered", cut: []string{"moi A 192.0.2.11"}, add: "moi A 192.0.2.99", id: "C-CHANGED", at: "new/tinh.vn", ask: "moi.tinh.vn. A"},
	{name: "an address added to a set", add: "ns1 A 192.0.2.99", id: "C-CHANGED", at: "new/tinh.vn", ask: "ns1.tinh.vn. A"},
	{name: "a host of an alias dropped", cut: []string{"cong A 192.0.2.80", "cong AAAA 2001:db8::80"}, id: "C-LOST", at: "old/tinh.vn", ask: "cong.tinh.vn. A"},
	{name: "an alias turned to nothing", cut: []string{"www CNAME cong"}, add: "www CNAME khong", id: "C-LOST", at: "new/tinh.vn", ask: "www.tinh.vn. A"},
	{name: "an alias turned elsewhere", cut: []string{"www CNAME cong"}, add: "www CNAME mail", id: "C-CHANGED", at: "new/tinh.vn", ask: "www.tinh.vn. A"},
	{name: "an alias turned out of the zone", cut: []string{"www CNAME cong"}, add: "www CNAME www.ngoai.vn.", id: "C-CHANGED", at: "new/tinh.vn", ask: "www.tinh.vn. A"},
	{name: "a final dot forgotten", cut: []string{"ngoai CNAME trang.ngoai.vn."}, add: "ngoai CNAME trang.ngoai.vn", id: "C-LOST", at: "new/tinh.vn", ask: "ngoai.tinh.vn. A"},
	{name: "an alias dropped", cut: []string{"www CNAME cong"}, id: "C-LOST", at: "old/tinh.vn", ask: "www.tinh.vn. A"},
	{name: "an alias into a circle", cut: []string{"www CNAME cong"}, add: "www CNAME www2\nwww2 CNAME www", id: "X-LOOP", at: "new/tinh.vn", ask: "www.tinh.vn. A"},
	{name: "a new name in a circle", add: "v1 CNAME v2\nv2 CNAME v1", id: "X-LOOP", at: "new/tinh.vn", ask: "v1.tinh.vn. A"},
	{name: "a new alias to nothing", add: "v CNAME khong", id: "X-DANGLE", at: "new/tinh.vn", ask: "v.tinh.vn. A"},
	{name: "the alias's other name became an alias", cut: []string{"cong A 192.0.2.80", "cong AAAA 2001:db8::80"}, add: "cong CNAME www", id: "X-LOOP", at: "new/tinh.vn", ask: "cong.tinh.vn. A"},
	{name: "data put beside an alias that stays", add: "www A 192.0.2.80", id: "N-CNAME-OTHER", at: "new/tinh.vn", ask: "www.tinh.vn. CNAME"},
	{name: "a wildcard dropped", cut: []string{"*.so A 192.0.2.9", "*.so MX 10 mail"}, id: "C-WILD-LOST", at: "old/tinh.vn", ask: ""},
	{name: "a wildcard's type dropped", cut: []string{"*.so MX 10 mail"}, id: "C-TYPE-LOST", at: "old/tinh.vn", ask: "x.so.tinh.vn. MX"},
	{name: "a wildcard altered", cut: []string{"*.so A 192.0.2.9"}, add: "*.so A 192.0.2.99", id: "C-CHANGED", at: "new/tinh.vn"},
	{name: "a wildcard written out", cut: []string{"*.so A 192.0.2.9", "*.so MX 10 mail"}, add: "y.so A 192.0.2.9\ny.so MX 10 mail\n*.y.so A 192.0.2.9\n*.y.so MX 10 mail", id: "C-WILD-LOST", at: "old/tinh.vn"},
	{name: "an ENT under a wildcard", add: "p.q.so A 192.0.2.9\np.q.so MX 10 mail", id: "N-ENT", at: "new/tinh.vn", ask: "q.so.tinh.vn. A"},
	{name: "a name under a wildcard", add: "q.so A 192.0.2.9", id: "N-WILD-HOLE", at: "new/tinh.vn", ask: "q.so.tinh.vn. MX"},
	{name: "a nearer wildcard", add: "*.q.so A 192.0.2.77", id: "N-ENT", at: "new/tinh.vn"},
	{name: "a wildcard under a name that had none", add: "*.sau A 192.0.2.66", id: "N-WILD-CAPTURE", at: "new/tinh.vn"},
	{name: "a wildcard at the apex", add: "* A 192.0.2.66", id: "N-WILD-CAPTURE", at: "new/tinh.vn"},
	{name: "a wildcard alias at the apex", add: "* CNAME cong", id: "N-WILD-CAPTURE", at: "new/tinh.vn"},
	{name: "a delegation over data", add: "sau NS ns.ngoai.vn.", id: "N-CUT", at: "new/tinh.vn"},
	{name: "a delegation over one name", add: "bi-mat NS ns.ngoai.vn.", id: "N-CUT", at: "new/tinh.vn", ask: "bi-mat.tinh.vn. TXT"},
	{name: "an apex's NS copied", add: "sau NS ns1", id: "N-APEX", at: "new/tinh.vn"},
	{name: "a delegation dropped", cut: []string{"xa NS ns.ngoai.vn."}, id: "C-LOST", at: "old/tinh.vn"},
	{name: "a delegation to others", cut: []string{"xa NS ns.ngoai.vn."}, add: "xa NS ns.khac.vn.", id: "C-CHANGED", at: "new/tinh.vn"},
	{name: "a server of a delegation dropped", cut: []string{"con NS ns1"}, id: "C-CHANGED", at: "new/tinh.vn"},
	{name: "glue dropped", cut: []string{"ns.con A 192.0.2.60"}, id: "D-GLUE", at: "new/tinh.vn"},
	{name: "glue altered", cut: []string{"ns.con A 192.0.2.60"}, add: "ns.con A 192.0.2.61", id: "D-GLUE", at: "new/tinh.vn"},
	{name: "DS dropped", cut: []string{"con DS 1 8 2 abababababababababababababababababababababababababababababababab"}, id: "C-CHANGED", at: "new/tinh.vn"},
	{name: "a DNAME dropped", cut: []string{"cu DNAME moi"}, id: "C-LOST", at: "old/tinh.vn", ask: "trong.cu.tinh.vn. A"},
	{name: "a DNAME over data", add: "b.sau DNAME moi", id: "N-DNAME-OCC", at: "new/tinh.vn", ask: "a.b.sau.tinh.vn. A"},
	{name: "a DNAME turned elsewhere", cut: []string{"dai DNAME ngoai.vn."}, add: "dai DNAME khac.vn.", id: "C-CHANGED", at: "new/tinh.vn"},
	{name: "a DNAME below itself", cut: []string{"cu DNAME moi"}, add: "cu DNAME moi.cu", id: "X-DNAME-GROW", at: "new/tinh.vn"},
	{name: "a DNAME to itself", cut: []string{"cu DNAME moi"}, add: "cu DNAME cu", id: "X-LOOP", at: "new/tinh.vn"},
	{name: "DNAMEs in a circle", cut: []string{"cu DNAME moi"}, add: "cu DNAME cu2\ncu2 DNAME cu", id: "X-LOOP", at: "new/tinh.vn"},
	{name: "a DNAME's target dropped", cut: []string{"trong.moi A 192.0.2.12"}, id: "C-LOST", at: "old/tinh.vn"},
	{name: "a DNAME with a longer target", cut: []string{"dai DNAME ngoai.vn."}, add: "dai DNAME a-much-longer-name.than-it-was.ngoai.vn.", id: "C-CHANGED", at: "new/tinh.vn"},
	{name: "the zone gone", cut: []string{"zone huyen"}, id: "C-LOST", at: "old/huyen.tinh.vn"},
	{name: "a child zone beside a parent that does not delegate it", more: "zone sau.tinh.vn\n@ NS ns1.tinh.vn.\n", id: "N-CHILD-ZONE", at: "new/sau.tinh.vn"},
	{name: "an exchange turned", cut: []string{"@ MX 10 mail"}, add: "@ MX 10 cong", id: "C-CHANGED", at: "new/tinh.vn", ask: "tinh.vn. MX"},
	{name: "a preference altered", cut: []string{"@ MX 10 mail"}, add: "@ MX 20 mail", id: "C-CHANGED", at: "new/tinh.vn", ask: "tinh.vn. MX"},
	{name: "an SPF record altered", cut: []string{`@ TXT "v=spf1 mx -all"`}, add: `@ TXT "v=spf1 mx ~all"`, id: "C-CHANGED", at: "new/tinh.vn", ask: "tinh.vn. TXT"},
	{name: "an apex server dropped", cut: []string{"@ NS ns2"}, id: "C-CHANGED", at: "new/tinh.vn", ask: "tinh.vn. NS"},
	{name: "an empty name gone", cut: []string{"y.x.cay A 192.0.2.10"}, id: "C-LOST", at: "old/tinh.vn", ask: "y.x.cay.tinh.vn. A"},
	{name: "an empty name made", add: "p.moc A 192.0.2.3", id: "C-RCODE", at: "new/tinh.vn", ask: "moc.tinh.vn. A"},
}

func damage(text string, cut []string, add, more string) string {
	ls := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if slices.Contains(cut, "zone huyen") {
		ls = ls[:slices.Index(ls, "zone huyen.tinh.vn")]
		cut = nil
	}
	for _, c := range cut {
		i := slices.Index(ls, c)
		if i < 0 {
			panic("no line " + c)
		}
		ls = slices.Delete(ls, i, i+1)
	}
	if add != "" {
		i := slices.Index(ls, "bi-mat TXT x")
		if i < 0 {
			i = len(ls) - 1
		}
		ls = slices.Insert(ls, i+1, strings.Split(add, "\n")...)
	}
	return strings.Join(ls, "\n") + "\n" + more
}

func TestSelf(t *testing.T) {
	w := world(t, "old", before)
	r := Prove(Input{Before: w, After: w}, Options{})
	if len(r.Faults) != 0 || r.Counts.Levels[L0] == 0 || r.Counts.Levels[L1]+r.Counts.Levels[L2]+r.Counts.Levels[L3] != 0 {
		dump(t, r)
		t.Fatal("a world against itself")
	}
}

func TestFaults(t *testing.T) {
	old := world(t, "old", before)
	o := newTwin(old, zones.Internet)
	for _, c := range faultTable {
		t.Run(c.name, func(t *testing.T) {
			after := damage(before, c.cut, c.add, c.more)
			r := Prove(Input{Before: old, After: world(t, "new", after)}, Options{})
			i := slices.IndexFunc(r.Faults, func(f Fault) bool {
				return f.ID == c.id && (c.ask == "" || f.Witness.Name.String()+" "+f.Witness.Type.String() == c.ask)
			})
			if i < 0 {
				dump(t, r)
				t.Fatalf("%s was not found at %q, but %v", c.id, c.ask, ids(r))
			}
			f := r.Faults[i]
			if f.At.File != c.at || f.At.Line == 0 {
				t.Errorf("the cause stands at %v, want %v", f.At, c.at)
			}
			if f.Found == "" || f.Mend == "" || len(f.Dig) != 2 {
				t.Errorf("%+v", f)
			}
			n := newTwin(world(t, "new", after), zones.Internet)
			for _, f := range r.Faults {
				x, y := o.ask(f.Witness.OldName, f.Witness.Type), n.ask(f.Witness.Name, f.Witness.Type)
				if f.Severity == finding.Block && !stated[f.ID] && !breaks(x, y) {
					t.Errorf("the twin does not see it: %v", f.Finding)
				}
			}
			if t.Failed() || testing.Verbose() {
				dump(t, r)
			}
		})
	}
}
