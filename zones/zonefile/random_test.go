package zonefile

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing/fstest"
)

// A random zone file is written together with the records that it means, so
// that reading is held against something that never read it.

// genRec is one record of a random file: its canonical form, and how it was written.
type genRec struct {
	owner  string // absolute
	ttl    uint32
	typ    string
	fields []string // absolute names, quoted strings
	file   string
	line   int // the first of its lines
	lines  int
	ownerLeftOut, ttlLeftOut,
	generated bool
	ownerFrom    int  // the record that had the owner before, where it is left out; else -1
	ttlInherited bool // the TTL is that of the record before
}

func (r *genRec) text() string { return strings.Join(r.fields, " ") }

// gen writes random zone files.
type gen struct {
	rnd  *rand.Rand
	out  map[string]*strings.Builder
	recs []genRec
	n    int // makes things unique

	// for the whole tree
	eol        string
	tabs       bool
	class, ttl int // of 10: how often they are stated
	reader     audience

	// as a reader has them
	file      string
	line      int
	origin    string
	dollarTTL int64 // -1: none
	lastTTL   int64 // -1: none
	last      string
	lastRec   int // the record that had the owner last
}

// audience says who must be able to read a file in the same way.
type audience int

const (
	forUs    audience = iota
	forBIND           // no byte order mark, no missing last newline (which BIND refuses behind a directive), no apex name server without an address
	forMiekg          // nor a parenthesis glued to a word, quoted file names, nor $TTL or an owner left out at the start in an included file, nor $GENERATE (it has a TTL of its own)
)

const genOrigin = "gialai.gov.vn."

func (g *gen) one(n int) bool          { return g.rnd.IntN(n) == 0 }
func (g *gen) pick(s ...string) string { return s[g.rnd.IntN(len(s))] }
func (g *gen) files() fstest.MapFS {
	m := fstest.MapFS{}
	for name, b := range g.out {
		m[name] = &fstest.MapFile{Data: []byte(b.String())}
	}
	return m
}

// randomZone writes a tree of files from a seed; the main file is "z".
func randomZone(seed uint64, reader audience) *gen {
	g := &gen{
		rnd: rand.New(rand.NewPCG(seed, 20261123)), out: map[string]*strings.Builder{}, file: "z", line: 1,
		eol: "\n", origin: genOrigin, dollarTTL: -1, lastTTL: -1, reader: reader,
	}
	g.tabs, g.class, g.ttl = g.one(2), g.rnd.IntN(11), g.rnd.IntN(11)
	if g.one(3) {
		g.eol = "\r\n"
	}
	g.out["z"] = &strings.Builder{}
	if reader == forUs && g.one(4) {
		g.put(byteOrderMark)
	}
	g.noise()
	if reader == forMiekg || g.one(2) {
		g.setTTL()
	}
	ns := func() { g.record(genOrigin, "NS", g.data("NS"), false) }
	if g.one(4) && (g.dollarTTL >= 0) {
		ns()
	}
	g.soa()
	ns()
	for range g.rnd.IntN(14) {
		g.item(0)
	}
	if g.one(4) && reader != forBIND { // no newline at the end
		b := g.out["z"].String()
		g.out["z"].Reset()
		g.out["z"].WriteString(strings.TrimSuffix(b, g.eol))
	}
	return g
}

func (g *gen) put(s string) { g.out[g.file].WriteString(s) }

func (g *gen) endLine() {
	if g.one(5) {
		g.put(g.pick(" ", "\t", "   ") + g.comment())
	} else if g.one(12) {
		g.put(g.pick(" ", "\t"))
	}
	g.put(g.eol)
	g.line++
}

func (g *gen) comment() string {
	return g.pick("; máy chủ thư của Sở", "; (", "; )", `; "`, ";", "; a A 192.0.2.1", `; \`)
}

func (g *gen) noise() {
	for g.one(4) {
		g.put(g.pick("", "  ", "\t", g.comment(), "   "+g.comment(), ";;;; ----"))
		g.put(g.eol)
		g.line++
	}
}

func (g *gen) gap() string {
	if g.tabs {
		return strings.Repeat("\t", 1+g.rnd.IntN(2))
	}
	if g.one(2) {
		return " "
	}
	return strings.Repeat(" ", 1+g.rnd.IntN(12))
}

func (g *gen) setTTL() {
	g.dollarTTL = int64(60 * (1 + g.rnd.IntN(60)))
	text := fmt.Sprint(g.dollarTTL)
	if g.one(3) {
		text = fmt.Sprintf("%d%s", g.dollarTTL/60, g.pick("m", "M"))
	}
	g.put(g.pick("$TTL", "$ttl") + g.pick(" ", "\t") + text)
	g.endLine()
}

// item writes a record or a directive.
func (g *gen) item(depth int) {
	g.noise()
	switch k := g.rnd.IntN(30); {
	case k == 0 && (depth == 0 || g.reader != forMiekg):
		g.setTTL()
	case k == 1:
		g.setOrigin()
	case k == 2 && g.reader != forMiekg && (g.dollarTTL >= 0 || g.lastTTL >= 0):
		g.generate()
	case k == 3 && depth < 2:
		g.include(depth)
	default:
		g.any()
	}
}

// under puts a relative or absolute name under the origin.
func (g *gen) under(rel string) string {
	if g.origin == "." {
		return rel + "."
	}
	return rel + "." + g.origin
}

func (g *gen) setOrigin() {
	g.n++
	next, text := "", ""
	switch g.rnd.IntN(3) {
	case 0:
		next, text = genOrigin, genOrigin
	case 1:
		text = fmt.Sprintf("o%d", g.n)
		next = g.under(text)
		if len(next) > 100 {
			next, text = genOrigin, genOrigin
		}
	default:
		next = fmt.Sprintf("p%d.%s", g.n, genOrigin)
		text = next
	}
	g.origin = next
	g.put("$ORIGIN " + text)
	g.endLine()
}

func (g *gen) include(depth int) {
	g.n++
	name := fmt.Sprintf("inc%d", g.n)
	outer, file, line, last, lastRec := g.origin, g.file, 0, g.last, g.lastRec
	text := "$INCLUDE " + name
	if g.reader != forMiekg && g.one(2) {
		text = `$INCLUDE "` + name + `"`
	}
	inner := g.origin
	if g.one(2) {
		inner = g.under("i" + name)
		text += " i" + name
	}
	g.put(text)
	g.endLine()
	line = g.line
	g.out[name] = &strings.Builder{}
	g.file, g.line, g.origin = name, 1, inner
	if g.reader == forMiekg {
		g.last = ""
	}
	for range 1 + g.rnd.IntN(4) {
		g.item(depth + 1)
	}
	g.file, g.line, g.origin, g.last, g.lastRec = file, line, outer, last, lastRec
}

func (g *gen) generate() {
	g.n++
	ttl := g.dollarTTL
	if ttl < 0 {
		ttl = g.lastTTL
	}
	a, b := g.rnd.IntN(5), 5+g.rnd.IntN(4)
	line := g.line
	label := fmt.Sprintf("g%dx", g.n)
	g.put(fmt.Sprintf("$GENERATE %d-%d %s$ A 192.0.2.$", a, b, label))
	g.endLine()
	for i := a; i <= b; i++ {
		g.recs = append(g.recs, genRec{
			owner: g.under(fmt.Sprintf("%s%d", label, i)), ttl: uint32(ttl), typ: "A", fields: []string{fmt.Sprintf("192.0.2.%d", i)},
			file: g.file, line: line, lines: 1, ttlLeftOut: true, generated: true,
			ownerFrom: -1, ttlInherited: g.dollarTTL < 0,
		})
	}
}

// name makes a name that no other record has.
func (g *gen) name() string {
	g.n++
	switch g.rnd.IntN(6) {
	case 0:
		return fmt.Sprintf("h%d.example.net.", g.n)
	case 1:
		return fmt.Sprintf("h%d.%s", g.n, genOrigin)
	case 2:
		return g.under(fmt.Sprintf(`a\.b%d`, g.n))
	}
	return g.under(fmt.Sprintf("h%d", g.n))
}

// written is how a name may be written under the origin.
func (g *gen) written(name string) string {
	if name == g.origin {
		return g.pick("@", "@", name)
	}
	if rel, ok := strings.CutSuffix(name, "."+g.origin); ok && g.rnd.IntN(4) > 0 {
		name = rel
	}
	if g.one(6) {
		name = strings.Map(func(r rune) rune {
			if 'a' <= r && r <= 'z' {
				r -= 'a' - 'A'
			}
			return r
		}, name)
	}
	return name
}

func (g *gen) soa() {
	times := []string{fmt.Sprint(2025010100 + g.rnd.IntN(100)), "7200", "3600", "1209600", fmt.Sprint(300 + g.rnd.IntN(100))}
	g.record(genOrigin, "SOA", append([]string{"ns1." + genOrigin, "admin." + genOrigin}, times...), g.dollarTTL < 0)
}

func (g *gen) any() {
	g.n++
	owner := ""
	switch g.rnd.IntN(8) {
	case 0:
		owner = genOrigin
	case 1:
		owner = g.under(fmt.Sprintf("tỉnh%d", g.n))
	case 2:
		owner = g.under(fmt.Sprintf(`x\.y%d`, g.n))
	case 3, 4, 5:
		if g.last != "" {
			owner = g.last
		}
	}
	if owner == "" {
		owner = g.under(fmt.Sprintf("w%d", g.n))
	}
	typ := g.pick("A", "A", "A", "AAAA", "MX", "TXT", "SRV", "CAA", "TYPE65400", "NS", "PTR")
	g.record(owner, typ, g.data(typ), false)
}

func (g *gen) data(typ string) []string {
	switch typ {
	case "A":
		return []string{g.value("A")}
	case "AAAA":
		return []string{g.value("AAAA")}
	case "MX":
		return []string{g.value("n"), g.name()}
	case "TXT":
		f := []string{}
		for range 1 + g.rnd.IntN(4) {
			f = append(f, g.value("s"))
		}
		return f
	case "SRV":
		return []string{g.value("n"), g.value("n"), g.value("n"), g.name()}
	case "CAA":
		return []string{"0", "issue", g.value("s")}
	case "TYPE65400":
		return []string{`\#`, "3", g.value("x")}
	case "NS":
		if g.reader != forUs {
			g.n++
			return []string{fmt.Sprintf("h%d.example.net.", g.n)}
		}
	}
	return []string{g.name()}
}

// value makes a value of a kind that no other record has.
func (g *gen) value(kind string) string {
	g.n++
	switch kind {
	case "A":
		return fmt.Sprintf("10.%d.%d.%d", g.rnd.IntN(256), g.n/256%256, g.n%256)
	case "AAAA":
		return fmt.Sprintf("2001:db8::%x:%x", 1+g.rnd.IntN(65535), g.n)
	case "n":
		return fmt.Sprint(g.n)
	case "x":
		return fmt.Sprintf("%06x", g.n)
	}
	return g.pick(fmt.Sprintf(`"s%d"`, g.n), fmt.Sprintf(`"v=DKIM%d; k=rsa"`, g.n), fmt.Sprintf(`"(%d"`, g.n), fmt.Sprintf(`"\"q%d\\"`, g.n), fmt.Sprintf(`"ố%d"`, g.n))
}

// altered returns the record with one field changed, and which.
func (g *gen) altered(r genRec) (genRec, int) {
	f := append([]string(nil), r.fields...)
	i := g.rnd.IntN(len(f))
	switch {
	case r.typ == "SOA":
		i = 2 + g.rnd.IntN(5)
		f[i] = fmt.Sprint(3000 + g.rnd.IntN(1000))
	case r.typ == "CAA":
		i = 2
		f[i] = g.value("s")
	case r.typ == "TYPE65400":
		i = 2
		f[i] = g.value("x")
	case f[i][0] == '"':
		f[i] = g.value("s")
	case r.typ == "A" || r.typ == "AAAA":
		f[i] = g.value(r.typ)
	case strings.HasSuffix(f[i], "."):
		f[i] = g.name()
	default:
		f[i] = g.value("n")
	}
	r.fields = f
	return r, i
}

// record writes one record.
func (g *gen) record(owner, typ string, fields []string, needTTL bool) {
	r := genRec{owner: owner, typ: typ, fields: fields, file: g.file, line: g.line, ownerFrom: -1}
	if owner == g.last && g.rnd.IntN(3) > 0 {
		r.ownerLeftOut, r.ownerFrom = true, g.lastRec
		g.put(g.gap())
	} else {
		g.put(g.written(owner) + g.gap())
	}
	g.last, g.lastRec = owner, len(g.recs)
	ttl := int64(60 * (1 + g.rnd.IntN(1000)))
	if g.one(2) && g.lastTTL >= 0 {
		ttl = g.lastTTL
	}
	state := g.rnd.IntN(10) < g.ttl || needTTL || g.dollarTTL < 0 && g.lastTTL < 0
	// Records of one owner and type need one TTL.
	inherited := g.dollarTTL
	if inherited < 0 {
		inherited = g.lastTTL
	}
	for i := range g.recs {
		if q := &g.recs[i]; q.owner == owner && q.typ == typ {
			ttl = int64(q.ttl)
			state = state || ttl != inherited
		}
	}
	text := fmt.Sprint(ttl)
	if ttl%60 == 0 && g.one(4) {
		text = fmt.Sprintf("%d%s", ttl/60, g.pick("m", "M"))
	}
	if state {
		g.lastTTL = ttl
	} else {
		ttl = inherited
		r.ttlLeftOut, r.ttlInherited = true, g.dollarTTL < 0
	}
	r.ttl = uint32(ttl)
	class := g.rnd.IntN(10) < g.class
	in := g.pick("IN", "IN", "in", "In")
	first := g.one(2)
	if class && first {
		g.put(in + g.gap())
	}
	if state {
		g.put(text + g.gap())
	}
	if class && !first {
		g.put(in + g.gap())
	}
	if g.one(10) {
		g.put(strings.ToLower(typ))
	} else {
		g.put(typ)
	}
	g.fields(&r)
	r.lines = g.line - r.line
	g.recs = append(g.recs, r)
}

// glue is a space only for those who need one in front of a parenthesis.
func (g *gen) glue() string {
	if g.reader == forMiekg {
		return " "
	}
	return ""
}

// fields writes the RDATA, on one line or in parentheses.
func (g *gen) fields(r *genRec) {
	open, opened := g.one(3) || r.typ == "SOA" && g.one(2), false
	for i, f := range r.fields {
		if open && !opened && (g.one(2) || i == len(r.fields)-1) {
			g.put(g.pick(" (", " ( ", g.glue()+"("))
			opened = true
		}
		if opened && g.one(2) {
			g.endLine()
			for g.one(6) {
				g.put(g.pick("", "  ") + g.pick("", g.comment()) + g.eol)
				g.line++
			}
			g.put(g.gap())
		} else {
			g.put(g.gap())
		}
		if strings.HasSuffix(f, ".") && f[0] != '"' {
			f = g.written(f)
		}
		if strings.HasPrefix(f, `"s`) && g.one(2) {
			f = strings.Trim(f, `"`)
		}
		g.put(f)
	}
	if opened {
		if g.one(3) {
			g.endLine()
			g.put(g.gap())
		}
		g.put(g.pick(")", " )"))
	}
	g.endLine()
}
