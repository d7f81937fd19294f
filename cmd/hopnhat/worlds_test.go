package main

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/mapping"
	"gialai.gov.vn/hopnhat/zones/proof"
	"gialai.gov.vn/hopnhat/zones/zonefile"
)

// plainWorld is one zone and a child of it, to be damaged.
const plainWorld = `zone tinh.vn
@ NS ns1
@ NS ns.ngoai.test.
@ A 192.0.2.1
@ MX 10 mail
@ TXT "v=spf1 mx -all"
ns1 A 192.0.2.53
mail A 192.0.2.25
mail AAAA 2001:db8::25
www CNAME cong
cong A 192.0.2.80
a.b.sau A 192.0.2.7
*.so A 192.0.2.9
*.so MX 10 mail
y.x.cay A 192.0.2.10
con NS ns.con
con NS ns1
con DS 1 8 2 abababababababababababababababababababababababababababababababab
ns.con A 192.0.2.60
ns.con AAAA 2001:db8::60
xa NS ns.ngoai.test.
cu DNAME moi
moi A 192.0.2.11
trong.moi A 192.0.2.12
ra CNAME trang.ngoai.test.
dai DNAME ngoai.test.
chu TXT x
huyen NS ns1
huyen NS ns2.ngoai.test.
zone huyen.tinh.vn
@ NS ns1.tinh.vn.
@ NS ns2.ngoai.test.
@ A 192.0.2.30
www A 192.0.2.31
`

// mergeWorld is a source, nguon.vn, that comes into a target, dich.vn;
// mergeCame are the records that bring it there. Its delegation con is given
// no new name, but where a fault brings it.
const mergeWorld = `zone nguon.vn
@ NS ns1
ns1 A 198.51.100.53
mail A 198.51.100.25
tin MX 10 mail
www CNAME cong
cong A 198.51.100.80
cong MX 10 mail
*.rung A 198.51.100.9
con NS ns.con
ns.con A 198.51.100.60
zone dich.vn
@ NS ns1
ns1 A 192.0.2.53
chung A 192.0.2.1
*.sao A 192.0.2.2
*.sao TXT sao
cu.nha A 192.0.2.7
`

const mergeCame = `mail A 198.51.100.25
tin MX 10 mail
www CNAME cong
cong A 198.51.100.80
cong MX 10 mail
*.rung A 198.51.100.9
`

const ds = " DS 1 8 2 abababababababababababababababababababababababababababababababab"

// fault is a damage to one of these worlds, and an id that must come of it.
// In a line of edits "+" puts a record in and "-" takes one out, of the world
// after; "=" puts one into both.
type fault struct {
	name   string
	merged bool   // the worlds of a merger, else the plain one
	edits  string // of tinh.vn, or of dich.vn
	source string // of nguon.vn, in the same form
	both   string // zones that both worlds have beside
	more   string // a zone of the world after alone
	gone   string // the origin of a zone that the world after lacks
	claim  func(m *mapping.Mapping, in func(string) zones.Name)
	id     string
}

// smallFaults has a fault for each id that is about an answer, and for those
// about what records state.
var smallFaults = []fault{
	{name: "a name gone", edits: "-chu TXT x", id: "C-LOST"},
	{name: "an alias's host gone", edits: "-cong A 192.0.2.80", id: "C-LOST"},
	{name: "an alias turned to nothing", edits: "-www CNAME cong\n+www CNAME khong", id: "C-LOST"},
	{name: "a final dot forgotten", edits: "-ra CNAME trang.ngoai.test.\n+ra CNAME trang.ngoai.test", id: "C-LOST"},
	{name: "a delegation gone", edits: "-xa NS ns.ngoai.test.", id: "C-LOST"},
	{name: "a DNAME gone", edits: "-cu DNAME moi", id: "C-LOST"},
	{name: "a DNAME's target gone", edits: "-trong.moi A 192.0.2.12", id: "C-LOST"},
	{name: "a zone gone with its delegation", edits: "-huyen NS ns1\n-huyen NS ns2.ngoai.test.", gone: "huyen.tinh.vn", id: "C-LOST"},
	{name: "another address", edits: "-moi A 192.0.2.11\n+moi A 192.0.2.99", id: "C-CHANGED"},
	{name: "one address more", edits: "+ns1 A 192.0.2.99", id: "C-CHANGED"},
	{name: "an alias turned elsewhere", edits: "-www CNAME cong\n+www CNAME mail", id: "C-CHANGED"},
	{name: "an alias turned out of all zones", edits: "-www CNAME cong\n+www CNAME www.ngoai.test.", id: "C-CHANGED"},
	{name: "an alias turned into the child zone", edits: "-www CNAME cong\n+www CNAME www.huyen", id: "C-CHANGED"},
	{name: "a delegation to other servers", edits: "-xa NS ns.ngoai.test.\n+xa NS ns.khac.test.", id: "C-CHANGED"},
	{name: "a DNAME turned elsewhere", edits: "-dai DNAME ngoai.test.\n+dai DNAME khac.test.", id: "C-CHANGED"},
	{name: "a DS gone", edits: "-con" + ds, id: "C-CHANGED"},
	{name: "a type gone", edits: "-mail AAAA 2001:db8::25", id: "C-TYPE-LOST"},
	{name: "a wildcard's type gone", edits: "-*.so MX 10 mail", id: "C-TYPE-LOST"},
	{name: "a wildcard gone", edits: "-*.so A 192.0.2.9\n-*.so MX 10 mail", id: "C-WILD-LOST"},
	{name: "a wildcard written out", edits: "-*.so A 192.0.2.9\n-*.so MX 10 mail\n+y.so A 192.0.2.9\n+y.so MX 10 mail\n+*.y.so A 192.0.2.9\n+*.y.so MX 10 mail", id: "C-WILD-LOST"},
	{name: "an empty name made", edits: "+p.moc A 192.0.2.3", id: "C-RCODE"},
	{name: "an empty name gone", edits: "-y.x.cay A 192.0.2.10", id: "C-RCODE"},
	{name: "keys gone", edits: "=@ DNSKEY " + key + "\n-@ DNSKEY " + key, id: "M-SIGNED"},

	{name: "an ENT under a wildcard", edits: "+p.q.so A 192.0.2.9\n+p.q.so MX 10 mail", id: "N-ENT"},
	{name: "a name under a wildcard", edits: "+q.so A 192.0.2.9", id: "N-WILD-HOLE"},
	{name: "a wildcard where none was", edits: "+*.sau A 192.0.2.66", id: "N-WILD-CAPTURE"},
	{name: "a wildcard alias at the apex", edits: "+* CNAME cong", id: "N-WILD-CAPTURE"},
	{name: "a delegation over data", edits: "+sau NS ns.ngoai.test.", id: "N-CUT"},
	{name: "a delegation at a name with data", edits: "+chu NS ns.ngoai.test.", id: "N-CUT"},
	{name: "the apex's NS copied", edits: "+sau NS ns1\n+sau NS ns.ngoai.test.", id: "N-APEX"},
	{name: "a DNAME over data", edits: "+b.sau DNAME moi", id: "N-DNAME-OCC"},
	{name: "a child zone that nobody delegates", more: "zone sau.tinh.vn\n@ NS ns1.tinh.vn.", id: "N-CHILD-ZONE"},
	{name: "an alias beside other data", edits: "+chu CNAME cong", id: "N-CNAME-OTHER"},
	{name: "NS at a wildcard", edits: "+*.moc NS ns.ngoai.test.", id: "N-WILD-NS"},
	{name: "an asterisk inside a name", edits: "+f.*.moc A 192.0.2.3", id: "N-WILD-INNER"},
	{name: "an exchange with an asterisk", edits: "+thu MX 10 *.so", id: "N-STAR-LIT"},

	{name: "aliases in a circle", edits: "-www CNAME cong\n+www CNAME www2\n+www2 CNAME www", id: "X-LOOP"},
	{name: "a new alias of itself", edits: "+v CNAME v", id: "X-LOOP"},
	{name: "a DNAME to itself", edits: "-cu DNAME moi\n+cu DNAME cu", id: "X-LOOP"},
	{name: "DNAMEs in a circle", edits: "-cu DNAME moi\n+cu DNAME cu2\n+cu2 DNAME cu", id: "X-LOOP"},
	{name: "a DNAME below itself", edits: "-cu DNAME moi\n+cu DNAME moi.cu", id: "X-DNAME-GROW"},
	{name: "a new DNAME with a longer target", edits: "+lau DNAME a-much-longer-name.than-its-own.moi", id: "X-YX"},
	{name: "a new alias to nothing", edits: "+v CNAME khong", id: "X-DANGLE"},
	{name: "a new chain that is long", edits: chain(12), id: "X-LEN"},
	{name: "an exchange that is an alias", edits: "+thu MX 10 www", id: "X-MX-CNAME"},
	{name: "a target in a zone that is gone", edits: "+thu MX 10 www.bo.vn.", both: "zone bo.vn\n@ NS ns1.tinh.vn.\nwww A 192.0.2.77", gone: "bo.vn", id: "X-TAKEOVER"},
	{name: "a private address", edits: "+trong2 A 10.1.2.3", id: "M-PRIVATE"},

	{name: "glue gone", edits: "-ns.con A 192.0.2.60", id: "D-GLUE"},
	{name: "glue of a new delegation missing", edits: "+moc NS ns.moc", id: "D-GLUE"},
	{name: "delegations that need each other", edits: "+v1 NS ns.v2\n+v2 NS ns.v1", id: "D-CYCLE"},
	{name: "a delegation to oneself", edits: "+v1 NS ns1", id: "D-SELF"},

	{name: "an address left behind", merged: true, edits: "-mail A 198.51.100.25", id: "C-LOST"},
	{name: "an alias's host left behind", merged: true, edits: "-cong A 198.51.100.80\n-cong MX 10 mail", id: "C-LOST"},
	{name: "a type left behind", merged: true, edits: "-cong MX 10 mail", id: "C-TYPE-LOST"},
	{name: "a wildcard left behind", merged: true, edits: "-*.rung A 198.51.100.9", id: "C-WILD-LOST"},
	{name: "a name in data that means another host", merged: true, edits: "-mail A 198.51.100.25\n+mail A 198.51.100.26", id: "M-TARGET-SEM"},
	{name: "both own the name, the target's stands", merged: true, source: "=chung A 198.51.100.7", id: "M-COLLIDE"},
	{name: "both own the name, the source's stands", merged: true, source: "=chung A 198.51.100.7", edits: "-chung A 192.0.2.1\n+chung A 198.51.100.7", id: "M-COLLIDE"},
	{name: "both own the name, with other types", merged: true, source: "=chung MX 10 mail", edits: "+chung MX 10 mail", id: "M-COLLIDE"},
	{name: "decided for the source, which lacks a type", merged: true, source: "=chung A 198.51.100.7", edits: "=chung TXT cu\n-chung TXT cu\n-chung A 192.0.2.1\n+chung A 198.51.100.7", claim: decideFor("chung.dich.vn"), id: "M-HALF"},
	{name: "an imported ENT under a wildcard", merged: true, source: "=a.b.sao A 198.51.100.7", edits: "+a.b.sao A 198.51.100.7", id: "N-ENT"},
	{name: "an imported name under a wildcard", merged: true, source: "=b.sao A 198.51.100.7", edits: "+b.sao A 198.51.100.7", id: "N-WILD-HOLE"},
	{name: "an imported wildcard at the apex", merged: true, source: "=* A 198.51.100.7", edits: "+* A 198.51.100.7", id: "N-WILD-CAPTURE"},
	{name: "an imported delegation without glue", merged: true, edits: "+con NS ns.con", claim: carryCon, id: "D-GLUE"},
	{name: "an imported delegation", merged: true, edits: "+con NS ns.con\n+ns.con A 198.51.100.60", claim: func(m *mapping.Mapping, in func(string) zones.Name) {
		carryCon(m, in)
		decideFor("con.dich.vn")(m, in)
	}, id: "D-LAME-RENAMED"},
	{name: "an imported delegation that nobody decided", merged: true, edits: "+con NS ns.con\n+ns.con A 198.51.100.60", claim: carryCon, id: "M-CHILD"},
	{name: "a DS that came along", merged: true, source: "=ky NS ns.ngoai.test.\n=ky" + ds, edits: "+ky NS ns.ngoai.test.\n+ky" + ds, id: "D-DS-RENAMED"},
	{name: "a label that is reserved", merged: true, source: "=phong A 198.51.100.7", edits: "+phong A 198.51.100.7", claim: func(m *mapping.Mapping, in func(string) zones.Name) {
		m.Reserved = []mapping.Reserved{{Name: in("phong.dich.vn"), Holder: "so-khac"}}
	}, id: "M-RESERVED"},
	{name: "an exchange that became an alias", merged: true, source: "-mail A 198.51.100.25\n+mail CNAME mail.dich.vn.", claim: func(m *mapping.Mapping, in func(string) zones.Name) {
		m.OldNames = []mapping.OldName{{Match: mapping.Pattern{Name: in("mail.nguon.vn")}, Mode: mapping.Alias}}
	}, id: "M-ALIAS"},
}

// key is a DNSKEY's data.
const key = "257 3 13 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw=="

// chain gives n aliases, one behind the other, with an address at the end.
func chain(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "+d%d CNAME d%d\n", i, i+1)
	}
	fmt.Fprintf(&b, "+d%d A 192.0.2.3", n)
	return b.String()
}

func decideFor(name string) func(*mapping.Mapping, func(string) zones.Name) {
	return func(m *mapping.Mapping, in func(string) zones.Name) {
		m.Decisions = []mapping.Decision{{Name: in(name), Take: mapping.Source}}
	}
}

// carryCon takes out the rule that drops the source's delegation.
func carryCon(m *mapping.Mapping, _ func(string) zones.Name) { m.Rules = m.Rules[1:] }

// numbered gives the zones of a fault names of its own.
func numbered(s string, number int) string {
	for _, z := range []string{"tinh", "nguon", "dich", "bo"} {
		s = strings.ReplaceAll(s, z+".vn", fmt.Sprintf("%s%d.vn", z, number))
	}
	return s
}

// origin is the zone that is damaged.
func (c fault) origin(number int) string {
	if c.merged {
		return numbered("dich.vn", number)
	}
	return numbered("tinh.vn", number)
}

// claims makes the worlds of a fault and what is claimed of them. The names of
// its zones get a number, so that all of them can be served at once.
func (c fault) claims(t testing.TB, number int) proof.Input {
	t.Helper()
	own := func(s string) string { return numbered(s, number) }
	text, first := plainWorld, "tinh.vn"
	in := proof.Input{}
	if c.merged {
		text, first = mergeWorld, "dich.vn"
		name := func(s string) zones.Name { return zones.MustName(own(s)) }
		in.Mapping = mapping.Mapping{Targets: []zones.Name{name("dich.vn")}, Rules: []mapping.Rule{
			{From: mapping.Pattern{Name: name("con.nguon.vn")}, Subtree: true, Drop: true},
			{From: mapping.Pattern{Name: name("ns1.nguon.vn")}, Drop: true},
			{From: mapping.Pattern{Name: name("nguon.vn")}, Subtree: true, To: []mapping.Pattern{{Name: name("dich.vn")}}},
		}}
		in.Sources = []zones.ID{{Origin: name("nguon.vn"), View: zones.Internet}}
		if c.claim != nil {
			c.claim(&in.Mapping, name)
		}
	}
	old, new := zoneLines(text+c.both), zoneLines(text+c.both+"\n"+c.more)
	if c.merged {
		new["dich.vn"] = append(new["dich.vn"], strings.Split(strings.TrimSpace(mergeCame), "\n")...)
	}
	for origin, edits := range map[string]string{first: c.edits, "nguon.vn": c.source} {
		for _, e := range strings.Split(edits, "\n") {
			if e == "" {
				continue
			}
			if e[0] == '=' {
				old[origin] = append(old[origin], e[1:])
			}
			if e[0] != '-' {
				new[origin] = append(new[origin], e[1:])
				continue
			}
			i := slices.Index(new[origin], e[1:])
			if i < 0 {
				t.Fatalf("%s: no line %q", c.name, e)
			}
			new[origin] = slices.Delete(new[origin], i, i+1)
		}
	}
	delete(new, c.gone)
	in.Before, in.After = zonesOf(t, "old", old, own), zonesOf(t, "new", new, own)
	return in
}

// zoneLines reads zones, each begun by "zone ORIGIN", as lines by origin.
func zoneLines(text string) map[string][]string {
	out, origin := map[string][]string{}, ""
	for _, l := range strings.Split(text, "\n") {
		if o, ok := strings.CutPrefix(l, "zone "); ok {
			origin = o
		} else if l != "" {
			out[origin] = append(out[origin], l)
		}
	}
	return out
}

// zonesOf makes a world of lines.
func zonesOf(t testing.TB, side string, by map[string][]string, own func(string) string) zones.World {
	t.Helper()
	var zs []*zones.Zone
	for origin, ls := range by {
		origin = own(origin)
		text := "$TTL 3600\n@ SOA ns." + origin + ". root 1 1800 900 604800 300\n" + own(strings.Join(ls, "\n")) + "\n"
		tree, fs := zonefile.Load(fstest.MapFS{side: {Data: []byte(text)}}, side, zonefile.Options{Origin: zones.MustName(origin)})
		z, more := tree.Zone(zones.Internet)
		if fs = append(fs, more...); finding.Failed(fs) {
			t.Fatalf("%v\n%s", fs, text)
		}
		zs = append(zs, z)
	}
	w, err := zones.NewWorld(zs...)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// TestSmallFaults: each fault gives its id, and each id of the proof has one.
func TestSmallFaults(t *testing.T) {
	found := map[string]bool{}
	for i, c := range smallFaults {
		r := proof.Prove(c.claims(t, i), proof.Options{})
		ids := []string{}
		for _, f := range r.Faults {
			ids = append(ids, f.ID)
		}
		if !slices.Contains(ids, c.id) {
			t.Errorf("%s: no %s in %v", c.name, c.id, ids)
		}
		found[c.id] = true
	}
	b, err := os.ReadFile("../../zones/proof/ids.go")
	if err != nil {
		t.Fatal(err)
	}
	all := regexp.MustCompile(`(?m)^\t"([A-Z]-[A-Z0-9-]+)":`).FindAllStringSubmatch(string(b), -1)
	for _, m := range all {
		if _, stated := unasked[m[1]]; found[m[1]] == stated {
			t.Errorf("%s: has a fault %v, is told to have no answer %v", m[1], found[m[1]], stated)
		}
	}
	if len(all) < 35 {
		t.Errorf("%d ids only", len(all))
	}
}

// unasked are ids that no single answer shows.
var unasked = map[string]string{
	"M-TOTAL":  "a record without a rule has no new name to ask for",
	"M-LEN":    "the new name cannot be asked for",
	"M-EXPIRE": "about a declaration",
	"M-RULE":   "about a declaration",
	"T-MIX":    "about answers of two worlds that one cache holds",
}
