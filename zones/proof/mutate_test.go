package proof

import (
	"fmt"
	"slices"
	"strings"
	"testing/fstest"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/zonefile"
)

// whole1 has every feature of a world, a record a line: owner, type, data. A
// line "zone x" begins a child zone.
const whole1 = `@ NS ns1
@ A 192.0.2.1
@ MX 10 mail
@ TXT "v=spf1 mx -all"
ns1 A 192.0.2.53
mail A 192.0.2.25
mail AAAA 2001:db8::25
www CNAME cong
cong A 192.0.2.80
cong A 192.0.2.81
web CNAME www
a.b.sau A 192.0.2.7
*.so A 192.0.2.9
*.so MX 10 mail
*.ao CNAME cong
con NS ns.con
ns.con A 192.0.2.60
ky NS ns.ngoai.vn.
ky DS 1 8 2 abababababababababababababababababababababababababababababababab
xa NS ns.ngoai.vn.
cu DNAME moi
moi A 192.0.2.11
trong.moi A 192.0.2.12
ngoai CNAME trang.ngoai.vn.
_sip._tcp SRV 1 1 5060 mail
thu MX 10 mail
bi-mat TXT x
huyen NS ns.ngoai.vn.
zone huyen
@ NS ns.ngoai.vn.
@ A 192.0.2.30
www A 192.0.2.31
web CNAME www
a.b A 192.0.2.32`

// zline is one record: owner, type and data of a zone, whose name stands
// before the origin of all; "" is that origin's own.
type zline struct{ owner, typ, data, zone string }

func (l zline) String() string {
	if l.zone != "" {
		return l.owner + " " + l.typ + " " + l.data + " (zone " + l.zone + ")"
	}
	return l.owner + " " + l.typ + " " + l.data
}

// feature is what a line shows.
func (l zline) feature() string {
	switch {
	case l.owner == "huyen" && l.typ == "NS":
		return "delegation of a served child"
	case strings.HasSuffix(l.inAll(), "huyen"):
		return "child zone"
	case l.owner == "@":
		return "apex"
	case l.owner == "ns.con":
		return "glue"
	case l.owner == "a.b.sau":
		return "name below empty names"
	case strings.HasPrefix(l.owner, "*") && l.typ == "CNAME":
		return "wildcard alias"
	case strings.HasPrefix(l.owner, "*"):
		return "wildcard"
	case l.typ == "CNAME" && l.owner == "web":
		return "chain"
	case l.typ == "CNAME":
		return "alias"
	case l.typ == "NS" && l.owner == "con":
		return "delegation with glue"
	case l.typ == "NS" && l.owner == "ky":
		return "delegation with DS"
	case l.typ == "NS":
		return "delegation"
	case l.typ == "MX", l.typ == "SRV":
		return "pointer"
	case l.typ == "A", l.typ == "AAAA":
		return "name"
	}
	return l.typ // TXT, DS, DNAME
}

// target splits data that ends in a name.
func (l zline) target() (head, name string, ok bool) {
	switch l.typ {
	case "CNAME", "NS", "DNAME", "MX", "SRV":
		i := strings.LastIndex(l.data, " ") + 1
		return l.data[:i], l.data[i:], true
	}
	return "", "", false
}

func (l zline) to(name string) zline {
	head, _, _ := l.target()
	l.data = head + name
	return l
}

// at is whether two lines stand at one name.
func (l zline) at(m zline) bool { return l.owner == m.owner && l.zone == m.zone }

// with adds a line to the zone of another.
func (l zline) with(ls []zline, owner, typ, data string) []zline {
	return append(slices.Clone(ls), zline{owner, typ, data, l.zone})
}

// what an operator can do nothing with
var (
	noTarget = []string{"name", "TXT", "DS", "glue", "name below empty names"}
	names    = []string{"alias", "chain", "wildcard alias", "DNAME", "delegation", "delegation with glue", "delegation with DS", "delegation of a served child"}
	noApex   = []string{"apex"}
)

// operators make a mutant of a world at one line. not are the features at
// which an operator has nothing to do; TestMutants holds that there are no
// others.
var operators = []struct {
	name string
	not  []string
	make func(ls []zline, i int) []zline
}{
	{"delete a record", nil, func(ls []zline, i int) []zline { return slices.Delete(slices.Clone(ls), i, i+1) }},
	{"delete an RRset", nil, func(ls []zline, i int) []zline {
		return slices.DeleteFunc(slices.Clone(ls), func(l zline) bool { return l.at(ls[i]) && l.typ == ls[i].typ })
	}},
	{"delete a name", noApex, func(ls []zline, i int) []zline {
		if ls[i].owner == "@" {
			return nil
		}
		return slices.DeleteFunc(slices.Clone(ls), func(l zline) bool { return l.at(ls[i]) })
	}},
	{"alter data", names, func(ls []zline, i int) []zline {
		l := ls[i]
		switch l.typ {
		case "A":
			l.data = "198.51.100.99"
		case "AAAA":
			l.data = "2001:db8::99"
		case "TXT":
			l.data = "khac"
		case "MX":
			l.data = strings.Replace(l.data, "10", "20", 1)
		case "SRV":
			l.data = strings.Replace(l.data, "5060", "5061", 1)
		case "DS":
			l.data = strings.Replace(l.data, "ab", "cd", 1)
		default:
			return nil
		}
		return put(ls, i, l)
	}},
	{"rename the owner", noApex, func(ls []zline, i int) []zline {
		if ls[i].owner == "@" {
			return nil
		}
		l := ls[i]
		l.owner += "2"
		return put(ls, i, l)
	}},
	{"retarget inside", noTarget, func(ls []zline, i int) []zline {
		if _, _, ok := ls[i].target(); !ok {
			return nil
		}
		return put(ls, i, ls[i].to("bi-mat"))
	}},
	{"retarget outside", noTarget, func(ls []zline, i int) []zline {
		if _, _, ok := ls[i].target(); !ok {
			return nil
		}
		return put(ls, i, ls[i].to("x.ngoai.vn."))
	}},
	{"retarget to itself", noTarget, func(ls []zline, i int) []zline {
		if _, _, ok := ls[i].target(); !ok {
			return nil
		}
		return put(ls, i, ls[i].to(ls[i].owner))
	}},
	{"leave off a dot", noTarget, func(ls []zline, i int) []zline {
		_, n, ok := ls[i].target()
		if !ok {
			return nil
		}
		if m, dotted := strings.CutSuffix(n, "."); dotted {
			return put(ls, i, ls[i].to(m))
		}
		return put(ls, i, ls[i].to(n+".nguon.vn")) // written out, and the dot forgotten
	}},
	{"add an address", nil, func(ls []zline, i int) []zline { return ls[i].with(ls, ls[i].owner, "A", "198.51.100.77") }},
	{"make an empty name beside", nil, func(ls []zline, i int) []zline {
		return ls[i].with(ls, "p.q"+parentOf(ls[i].owner), "A", "198.51.100.7")
	}},
	{"make an empty name below", nil, func(ls []zline, i int) []zline {
		return ls[i].with(ls, below("p.q", ls[i].owner), "A", "198.51.100.7")
	}},
	{"add a name below", nil, func(ls []zline, i int) []zline { return ls[i].with(ls, below("m", ls[i].owner), "A", "198.51.100.7") }},
	{"add a wildcard beside", nil, func(ls []zline, i int) []zline {
		return ls[i].with(ls, "*"+parentOf(ls[i].owner), "A", "198.51.100.7")
	}},
	{"add a wildcard below", nil, func(ls []zline, i int) []zline {
		return ls[i].with(ls, below("*", ls[i].owner), "A", "198.51.100.7")
	}},
	{"delegate the name", noApex, func(ls []zline, i int) []zline {
		if ls[i].owner == "@" {
			return nil
		}
		return ls[i].with(ls, ls[i].owner, "NS", "ns2.ngoai.vn.")
	}},
	{
		"delegate the name above",
		append([]string{"TXT", "DS", "alias", "chain", "apex"}, names[3:]...),
		func(ls []zline, i int) []zline {
			up := strings.TrimPrefix(parentOf(ls[i].owner), ".")
			if up == "" {
				return nil
			}
			return ls[i].with(ls, up, "NS", "ns2.ngoai.vn.")
		},
	},
	{"add a DNAME", nil, func(ls []zline, i int) []zline { return ls[i].with(ls, ls[i].owner, "DNAME", "ngoai.vn.") }},
	{"copy the apex's NS", noApex, func(ls []zline, i int) []zline {
		if ls[i].owner == "@" {
			return nil
		}
		return ls[i].with(ls, ls[i].owner, "NS", ls[0].data)
	}},
	{"alter the TTL", nil, func(ls []zline, i int) []zline {
		l := ls[i]
		l.typ = "60 " + l.typ
		return put(ls, i, l)
	}},
	{"write in capitals", nil, func(ls []zline, i int) []zline {
		l := ls[i]
		l.owner = strings.ToUpper(l.owner)
		if _, n, ok := l.target(); ok {
			l = l.to(strings.ToUpper(n))
		}
		return put(ls, i, l)
	}},
	{"say it twice", nil, func(ls []zline, i int) []zline { return append(slices.Clone(ls), ls[i]) }},
	{"truncate", nil, func(ls []zline, i int) []zline { return slices.Clone(ls[:max(1, i)]) }},
	{"drop the zone", nil, func(ls []zline, i int) []zline {
		return slices.DeleteFunc(slices.Clone(ls), func(l zline) bool { return l.zone == ls[i].zone })
	}},
	{"serve a child zone", noApex, func(ls []zline, i int) []zline {
		if ls[i].owner == "@" {
			return nil
		}
		return append(slices.Clone(ls), zline{"@", "NS", "ns.ngoai.vn.", ls[i].inAll()})
	}},
	{"make a zone of the name", []string{"apex"}, func(ls []zline, i int) []zline {
		if ls[i].owner == "@" {
			return nil
		}
		out, child := []zline{}, ls[i].inAll()
		for _, l := range ls {
			head, is := strings.CutSuffix(l.owner, "."+ls[i].owner)
			switch {
			case l.zone != ls[i].zone || !is && l.owner != ls[i].owner:
			case is:
				l.owner, l.zone = head, child
			default:
				l.owner, l.zone = "@", child
			}
			out = append(out, l)
		}
		out = append(out, zline{"@", "NS", "ns.ngoai.vn.", child})
		return ls[i].with(out, ls[i].owner, "NS", "ns.ngoai.vn.")
	}},
}

// inAll is a line's owner before the origin of all.
func (l zline) inAll() string {
	switch {
	case l.zone == "":
		return l.owner
	case l.owner == "@":
		return l.zone
	}
	return l.owner + "." + l.zone
}

func put(ls []zline, i int, l zline) []zline {
	ls = slices.Clone(ls)
	ls[i] = l
	return ls
}

// parentOf is what stands behind an owner's first label, with its dot.
func parentOf(owner string) string {
	if _, up, ok := strings.Cut(owner, "."); ok {
		return "." + up
	}
	return ""
}

func below(label, owner string) string {
	if owner == "@" {
		return label
	}
	return label + "." + owner
}

func linesOf(text string) (out []zline) {
	zone := ""
	for _, l := range strings.Split(text, "\n") {
		if z, ok := strings.CutPrefix(l, "zone "); ok {
			zone = z
			continue
		}
		f := strings.SplitN(l, " ", 3)
		out = append(out, zline{f[0], f[1], f[2], zone})
	}
	return out
}

// flat is what lines come to where their child zones' records are brought
// into one zone: no apex, no DS, no delegation of what is served.
func flat(ls []zline) (out []zline) {
	zoned := map[string]bool{}
	for _, l := range ls {
		zoned[l.zone] = true
	}
	for _, l := range ls {
		if l.zone == "" && (l.owner == "@" || l.typ == "DS" || zoned[l.owner]) || l.owner == "@" && l.typ == "NS" {
			continue
		}
		if _, n, ok := l.target(); ok && l.zone != "" && !strings.HasSuffix(n, ".") {
			l = l.to(n + "." + l.zone)
		}
		l.owner, l.zone = l.inAll(), ""
		out = append(out, l)
	}
	return out
}

// zoneText loads lines as a zone, whatever zone they say; nil where no server
// would.
func zoneText(origin string, ls []zline) *zones.Zone {
	var b strings.Builder
	fmt.Fprintf(&b, "$TTL 3600\n@ SOA ns.%s. root 1 1800 900 604800 300\n", origin)
	for _, l := range ls {
		fmt.Fprintln(&b, l.owner, l.typ, l.data)
	}
	tree, fs := zonefile.Load(fstest.MapFS{origin: {Data: []byte(b.String())}}, origin, zonefile.Options{Origin: zones.MustName(origin)})
	if tree == nil || finding.Failed(fs) {
		return nil
	}
	z, fs := tree.Zone(zones.Internet)
	if finding.Failed(fs) {
		return nil
	}
	return z
}

// worldText loads lines as the zones that they say.
func worldText(origin string, ls []zline) (zones.World, bool) {
	var w zones.World
	by := map[string][]zline{}
	for _, l := range ls {
		by[l.zone] = append(by[l.zone], l)
	}
	for zone, ls := range by {
		name := origin
		if zone != "" {
			name = zone + "." + origin
		}
		z := zoneText(name, ls)
		if z == nil {
			return w, false
		}
		w = w.With(z)
	}
	return w, true
}
