package source

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/zonefile"
)

// DefaultView is BIND's name for the view of a configuration without views.
const DefaultView = "_default"

// Conf is what a named.conf and its includes say about zones. It is
// immutable.
type Conf struct {
	views  []ConfView
	zones  []ConfZone
	files  []string
	hints  []string // why a zone may be served that does not stand here
	opts   zonefile.Options
	paths  *paths
	moves  moves // the notes that were made
	inView map[viewZone]int
}

type viewZone struct {
	view string
	name zones.Name
}

// ConfView is one view statement.
type ConfView struct {
	Name    string
	Class   string // IN, CH or HS
	Clients string // the addresses of match-clients, as text; "" means any
	At      zones.Place
}

// ConfZone is one zone statement with what it inherits from its view and
// from the options.
type ConfZone struct {
	Name    zones.Name
	Text    string // the name as written
	Class   string // IN, CH or HS
	View    string // DefaultView where there are no views
	Type    string // primary, secondary, …; "in-view" for a zone of another view
	Written string // the type as written: master, slave, …
	File    string // as written; "" if none
	InView  string // of type in-view: the view that holds the zone
	Format  string // masterfile-format; "" if none is set
	Journal string // as written; "" if none
	Policy  string // dnssec-policy or auto-dnssec, "" if the zone is not signed by BIND
	Inline  bool   // inline-signing
	Updates bool   // allow-update or update-policy
	At      zones.Place

	partial bool // an included file inside it could not be read
	at      spot // of the name
	fileAt  spot // of the file's name, else of the zone's
}

// ReadConf reads a named.conf and what it includes. fsys is the include root,
// name a slash path inside. o gives the prefix for places and the path that
// fsys stands for. Conf is nil only when the file itself cannot be read.
func ReadConf(fsys fs.FS, name string, o zonefile.Options) (*Conf, []finding.Finding) {
	p := &parser{
		fsys: fsys, opts: o, files: map[string]*confFile{}, noted: map[string]bool{}, moves: moves{},
		paths: &paths{fsys: fsys, root: o.Root, folder: path.Dir(name)},
	}
	c := &Conf{opts: o, paths: p.paths, inView: map[viewZone]int{}}
	f, err := p.file(name)
	if err != nil {
		return nil, []finding.Finding{{
			ID: "S-READ", Severity: finding.Error, At: zones.Place{File: shown(o.Prefix, name)},
			Found: reason(err), Mend: "give the path of a named.conf",
		}}
	}
	top := &block{}
	p.read(f, "", 0, top)
	r := &confReader{parser: p, conf: c}
	r.top(top)
	c.moves = p.moves
	slices.Sort(p.order)
	c.files = slices.Compact(p.order)
	for _, u := range p.unread {
		c.hints = append(c.hints, "the included file "+quote(u)+" was not read")
	}
	finding.Sort(p.finds)
	if p.over > 0 {
		p.finds = append(p.finds, finding.Finding{
			ID: "B-LIMIT", Severity: finding.Error, At: zones.Place{File: f.shown}, Count: p.over,
			Found: fmt.Sprintf("%d more findings, not listed", p.over), Mend: "mend those above and read the file again",
		})
	}
	return c, printable(p.finds)
}

// Views returns the views in the order of the file; none where BIND would use
// DefaultView.
func (c *Conf) Views() []ConfView { return slices.Clone(c.views) }

// Zones returns the zones in the order of the file.
func (c *Conf) Zones() []ConfZone { return slices.Clone(c.zones) }

// Files lists the configuration files that were read or looked for, as slash
// paths inside the file system, sorted.
func (c *Conf) Files() []string { return slices.Clone(c.files) }

// confReader says what statements mean.
type confReader struct {
	*parser
	conf    *Conf
	options ConfZone // what zones inherit
}

// top reads the statements at the top.
func (r *confReader) top(b *block) {
	var first *spot
	for _, s := range b.stmts {
		if s.keyword() == "options" {
			if first != nil {
				r.fail(s.at(), "B-SYNTAX", "a second options statement (the first is at "+first.place().String()+")", "join them")
				continue
			}
			at := s.at()
			first = &at
			r.readOptions(s)
		}
	}
	for _, s := range b.stmts {
		switch s.keyword() {
		case "view":
			r.view(s)
		case "dlz":
			r.conf.hints = append(r.conf.hints, "the server has a dlz statement ("+s.at().place().String()+"): zones may stand in a database")
		}
	}
	for _, s := range b.stmts {
		if s.keyword() != "zone" {
			continue
		}
		if len(r.conf.views) > 0 {
			r.fail(s.at(), "B-VIEW", "a zone outside the views: BIND refuses this, as there are views", "move the zone into each view that is to serve it")
			continue
		}
		r.zone(s, ConfView{Name: DefaultView, Class: "IN"}, r.options)
	}
}

func (r *confReader) readOptions(s stmt) {
	if len(s.items) != 2 || s.items[1].block == nil {
		r.fail(s.at(), "B-SYNTAX", "options without a block", "write options { … };")
		return
	}
	r.paths.directory = ""
	for _, o := range s.items[1].block.stmts {
		if o.keyword() == "directory" {
			r.set(o, &r.paths.directory, quoted, nil)
		}
		r.common(o, &r.options)
	}
}

// set takes the one argument of a statement; a second such statement is refused.
func (r *confReader) set(s stmt, into *string, k kind, at *spot) {
	arg, ok := s.one()
	switch {
	case !ok && len(s.items) > 2:
		r.fail(s.items[2].at(), "B-SYNTAX", fmt.Sprintf("%s has more than one argument", s.keyword()), "write one; is a semicolon missing before this?")
	case !ok:
		r.fail(s.at(), "B-SYNTAX", fmt.Sprintf("%s without its argument", s.keyword()), "write one")
	case k == quoted && arg.kind != quoted:
		r.fail(arg.at(), "B-SYNTAX", fmt.Sprintf("the argument of %s is not in quotes: %s", s.keyword(), quote(arg.text())), "write it in quotes")
	case k == word && arg.kind != word:
		r.fail(arg.at(), "B-SYNTAX", fmt.Sprintf("the argument of %s stands in quotes: %s", s.keyword(), quote(arg.text())), "write it without quotes")
	case *into != "":
		r.fail(s.at(), "B-SYNTAX", fmt.Sprintf("a second %s in one block", s.keyword()), "keep one of them")
	default:
		*into = arg.text()
		if at != nil {
			*at = arg.at()
		}
	}
}

// common reads what options, views and zones may all say.
func (r *confReader) common(s stmt, z *ConfZone) {
	arg, one := s.one()
	switch s.keyword() {
	case "masterfile-format":
		z.Format = ""
		r.set(s, &z.Format, word, nil)
		z.Format = strings.ToLower(z.Format)
	case "dnssec-policy", "auto-dnssec":
		if one {
			z.Policy = s.keyword() + " " + arg.text()
			if t := strings.ToLower(arg.text()); t == "none" || t == "off" {
				z.Policy = ""
			}
		}
	case "inline-signing":
		if one {
			switch strings.ToLower(arg.text()) {
			case "yes", "true", "1":
				z.Inline = true
			default:
				z.Inline = false
			}
		}
	case "allow-update":
		z.Updates = len(s.items) == 2 && s.items[1].block != nil && !isNone(s.items[1].block)
	case "update-policy":
		z.Updates = true
	case "catalog-zones":
		r.conf.hints = append(r.conf.hints, "the server takes zones from a catalog zone ("+s.at().place().String()+")")
	case "allow-new-zones":
		if one && strings.EqualFold(arg.text(), "yes") {
			r.conf.hints = append(r.conf.hints, "the server takes zones by rndc addzone ("+s.at().place().String()+"); they stand in a .nzf or .nzd file")
		}
	}
}

// isNone tells whether an address list is { none; }; BIND prints it in quotes.
func isNone(b *block) bool {
	return len(b.stmts) == 1 && len(b.stmts[0].items) == 1 && b.stmts[0].items[0].block == nil &&
		strings.EqualFold(b.stmts[0].items[0].text(), "none")
}

// class reads a class word; "" if it is none.
func class(s string) string {
	switch strings.ToUpper(s) {
	case "IN":
		return "IN"
	case "CH", "CHAOS":
		return "CH"
	case "HS", "HESIOD":
		return "HS"
	}
	return ""
}

// head reads "keyword name [class] {": the name, the class and the block.
func (r *confReader) head(s stmt, id string) (name item, cl string, b *block, ok bool) {
	last := s.items[len(s.items)-1]
	switch {
	case len(s.items) < 2 || s.items[1].block != nil || s.items[1].kind == mark:
		r.fail(s.at(), id, s.keyword()+" without a name", "write "+s.keyword()+" \"NAME\" { … };")
		return
	case last.block == nil:
		r.fail(s.items[1].at(), id, fmt.Sprintf("%s %s without a block", s.keyword(), quote(s.items[1].text())), "write { … }; after the name")
		return
	case len(s.items) > 4:
		r.fail(s.items[2].at(), "B-SYNTAX", fmt.Sprintf("more than a name and a class before the block of %s", s.keyword()), `a name with "/", "!" or blanks stands in quotes`)
		return
	case len(s.items) == 4:
		if s.items[2].kind == word {
			cl = class(s.items[2].text())
		}
		if cl == "" {
			r.fail(s.items[2].at(), "B-SYNTAX", "here should stand a class (IN) or the block", `a name with "/", "!" or blanks stands in quotes`)
			return
		}
	}
	return s.items[1], cl, last.block, true
}

// view reads a view and its zones.
func (r *confReader) view(s stmt) {
	name, cl, b, ok := r.head(s, "B-VIEW")
	if !ok {
		return
	}
	if cl == "" {
		cl = "IN"
	}
	v := ConfView{Name: name.text(), Class: cl, At: name.at().place()}
	for _, w := range r.conf.views {
		if w.Name == v.Name && w.Class == v.Class {
			r.fail(name.at(), "B-VIEW", fmt.Sprintf("a second view %s (the first is at %v)", quote(v.Name), w.At), "rename one, or join them")
			return
		}
	}
	inherited := r.options
	for _, o := range b.stmts {
		r.common(o, &inherited)
		if i := len(o.items) - 1; o.keyword() == "match-clients" && o.items[i].block != nil {
			span := o.items[i].block.span
			v.Clients = tidy(o.items[i].file.buf[span[0]:span[1]])
		}
	}
	r.conf.views = append(r.conf.views, v)
	for _, o := range b.stmts {
		if o.keyword() == "zone" {
			r.zone(o, v, inherited)
		}
	}
}

// tidy is a block's text on one line, without comments.
func tidy(b []byte) string {
	var out [][]byte
	x := &lexer{buf: b}
	for t, ok := x.next(); ok; t, ok = x.next() {
		switch {
		case t.kind == comment || t.kind == glued || t.kind == cutNote:
			out = append(out, []byte(" "))
		default:
			out = append(out, b[t.start:t.end])
		}
	}
	return strings.Join(strings.Fields(string(bytes.Join(out, nil))), " ")
}

// zoneType maps the words for a type to one; "" if it is none.
func zoneType(s string) string {
	switch s = strings.ToLower(s); s {
	case "master", "primary":
		return "primary"
	case "slave", "secondary":
		return "secondary"
	case "mirror", "hint", "stub", "static-stub", "forward", "redirect", "delegation-only":
		return s
	}
	return ""
}

// zone reads a zone statement.
func (r *confReader) zone(s stmt, v ConfView, inherited ConfZone) {
	name, cl, b, ok := r.head(s, "B-ZONE")
	if !ok {
		return
	}
	z := inherited
	z.Text, z.View, z.Class, z.at, z.fileAt = name.text(), v.Name, cl, name.at(), name.at()
	z.At, z.partial = name.at().place(), b.missing
	if z.Class == "" {
		z.Class = v.Class
	}
	var err error
	if z.Name, err = zones.ParseName(z.Text); err != nil {
		r.fail(name.at(), "B-ZONE", fmt.Sprintf("%s is no name of a zone: %v", quote(z.Text), err), "mend the name")
		return
	}
	if z.Class != v.Class {
		r.fail(name.at(), "B-ZONE", fmt.Sprintf("zone %s is of class %s, its view of %s", z.Text, z.Class, v.Class), "give both one class")
		return
	}
	var typeAt, inViewAt spot
	template := false
	for _, o := range b.stmts {
		switch o.keyword() {
		case "type":
			r.set(o, &z.Written, word, &typeAt)
		case "file":
			r.set(o, &z.File, quoted, &z.fileAt)
		case "journal":
			r.set(o, &z.Journal, quoted, nil)
		case "in-view":
			if arg, ok := o.one(); ok {
				z.InView, inViewAt = arg.text(), arg.at()
			}
		case "template":
			template = true
		}
		r.common(o, &z)
	}
	z.Type = zoneType(z.Written)
	switch {
	case z.InView != "" && z.Written != "":
		r.fail(inViewAt, "B-ZONE", "in-view and type in one zone", "keep one of them")
		return
	case z.InView != "":
		z.Type = "in-view"
		if i, ok := r.conf.inView[viewZone{z.InView, z.Name}]; !ok || r.conf.zones[i].InView != "" {
			r.fail(inViewAt, "B-VIEW", fmt.Sprintf("view %s does not hold the zone %s itself, or stands further down", quote(z.InView), z.Text),
				"name a view that stands above and holds the zone")
			return
		}
	case z.Written == "" && template:
		r.fail(name.at(), "B-ZONE", fmt.Sprintf("zone %s takes its type from a template, which is not read", z.Text), "write type and file into the zone")
		return
	case z.Written == "" && !z.partial:
		r.fail(name.at(), "B-ZONE", fmt.Sprintf("zone %s has no type", z.Text), "write type primary; (or what it is) into it")
		return
	case z.Type == "" && z.Written != "":
		r.fail(typeAt, "B-ZONE", "unknown type of zone: "+quote(z.Written), "write primary, secondary, mirror, hint, stub, static-stub, forward, redirect or delegation-only")
		return
	}
	key := viewZone{v.Name, z.Name}
	if z.Class != "IN" {
		r.conf.zones = append(r.conf.zones, z) // for the list; no source names it
		return
	}
	if i, twice := r.conf.inView[key]; twice {
		r.fail(name.at(), "B-ZONE", fmt.Sprintf("zone %s stands in view %s a second time (the first is at %v)", z.Text, v.Name, r.conf.zones[i].At), "keep one of them")
		return
	}
	r.conf.inView[key] = len(r.conf.zones)
	r.conf.zones = append(r.conf.zones, z)
}
