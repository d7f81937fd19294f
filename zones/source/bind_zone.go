package source

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/zonefile"
)

// readBind reads the zone of a Spec from a named.conf.
func readBind(fsys fs.FS, spec Spec, name string, o zonefile.Options) (Zone, []finding.Finding) {
	z := Zone{Spec: spec, Files: []string{name}}
	conf, finds := ReadConf(fsys, name, o)
	if conf == nil {
		return z, placed(finds, spec.At)
	}
	z.Files = conf.Files()
	if finding.Failed(finds) {
		return z, finds // BIND would not run with it, and what it serves is not this
	}
	cz, f := conf.choose(spec)
	if f != nil {
		return z, append(finds, *f)
	}
	r := zoneReader{conf: conf, spec: spec, cz: cz, opts: o, moves: maps.Clone(conf.moves)}
	r.at = cz.fileAt.finding("", finding.Note, "", "")
	r.read()
	z.Zone, z.Tree, z.Real = r.zone, r.tree, r.real
	z.Files = append(z.Files, r.files...)
	return z, append(finds, r.finds...)
}

// choose finds the zone that a Spec means.
func (c *Conf) choose(spec Spec) (ConfZone, *finding.Finding) {
	fail := func(id, found, mend string) (ConfZone, *finding.Finding) {
		return ConfZone{}, &finding.Finding{ID: id, Severity: finding.Error, At: spec.At, Found: found, Mend: mend}
	}
	if spec.ID.Origin.IsZero() {
		return fail("B-ZONE", "the source does not say which zone of "+spec.Path+" it means", "name the zone; there are "+c.zoneNames())
	}
	if spec.BindView != "" && spec.BindView != DefaultView && !slices.ContainsFunc(c.views, func(v ConfView) bool { return v.Name == spec.BindView }) {
		return fail("B-VIEW", fmt.Sprintf("%s has no view %s", spec.Path, quote(spec.BindView)), "name one of its views: "+c.viewNames())
	}
	var held []ConfZone
	for _, z := range c.zones {
		if z.Name == spec.ID.Origin && z.Class == "IN" && (spec.BindView == "" || z.View == spec.BindView) {
			if z.InView != "" {
				z = c.zones[c.inView[viewZone{z.InView, z.Name}]]
			}
			if !slices.ContainsFunc(held, func(h ConfZone) bool { return h.at == z.at && h.View == z.View }) {
				held = append(held, z)
			}
		}
	}
	switch len(held) {
	case 1:
		return held[0], nil
	case 0:
		where := spec.Path
		if spec.BindView != "" {
			where = "view " + quote(spec.BindView) + " of " + where
		}
		found := fmt.Sprintf("%s has no zone %s", where, spec.ID.Origin.Text())
		for _, h := range c.hints {
			found += "; " + h
		}
		return fail("B-ZONE", found, "check the name; there are "+c.zoneNames())
	}
	var in []string
	for _, h := range held {
		v := c.views[slices.IndexFunc(c.views, func(v ConfView) bool { return v.Name == h.View && v.Class == "IN" })]
		text := quote(h.View)
		if v.Clients != "" {
			text += " (match-clients " + shorten(v.Clients) + ")"
		}
		in = append(in, text)
	}
	return fail("B-VIEW", fmt.Sprintf("%d views of %s hold the zone %s: %s", len(held), spec.Path, spec.ID.Origin.Text(), strings.Join(in, ", ")),
		"say which of BIND's views this source is")
}

func shorten(s string) string {
	if r := []rune(s); len(r) > 80 {
		return string(r[:80]) + "…"
	}
	return s
}

func (c *Conf) zoneNames() string {
	var names []string
	for _, z := range c.zones {
		if z.Class == "IN" && (z.Type == "primary" || z.Type == "secondary" || z.Type == "mirror") {
			names = append(names, z.Name.Text())
		}
	}
	return list(names, "no zones with records")
}

func (c *Conf) viewNames() string {
	var names []string
	for _, v := range c.views {
		names = append(names, quote(v.Name))
	}
	return list(names, "it has none")
}

// list joins a few names.
func list(names []string, none string) string {
	slices.Sort(names)
	names = slices.Compact(names)
	const most = 10
	switch n := len(names); {
	case n == 0:
		return none
	case n > most:
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", n-most)
	}
	return strings.Join(names, ", ")
}

// zoneReader reads the file of one zone.
type zoneReader struct {
	conf    *Conf
	spec    Spec
	cz      ConfZone
	opts    zonefile.Options
	moves   moves
	at      finding.Finding // the place that names the file, and its line
	file    found
	log     *journal // nil where there is none
	logName string   // of the journal, as a person knows it
	zone    *zones.Zone
	tree    *zonefile.Tree
	real    func(string) string
	files   []string
	finds   []finding.Finding
}

// newFileReader is a reader for a master file that no named.conf names.
func newFileReader(fsys fs.FS, spec Spec, name string, o zonefile.Options) *zoneReader {
	r := &zoneReader{
		conf: &Conf{paths: &paths{fsys: fsys, root: o.Root, folder: path.Dir(name)}},
		spec: spec, opts: o, file: found{name: name},
		cz: ConfZone{Name: spec.ID.Origin, View: DefaultView, Type: "primary"},
	}
	r.at.At = spec.At
	if spec.At.IsZero() {
		r.at.At = zones.Place{File: r.shown()}
	}
	return r
}

func (r *zoneReader) say(id string, sev finding.Severity, found, mend string) {
	f := r.at
	f.ID, f.Severity, f.Found, f.Mend = id, sev, found, mend
	r.finds = append(r.finds, f)
}

func (r *zoneReader) fail(id, found, mend string) { r.say(id, finding.Error, found, mend) }

func (r *zoneReader) read() {
	if r.cz.partial {
		r.fail("B-INCLUDE", "an included file inside the zone "+r.cz.Text+" was not read", "copy it into the tree")
		return
	}
	if !r.hasRecords() || !r.locate() {
		return
	}
	r.openJournal()
	b, err := head(r.conf.paths.fsys, r.file.name)
	if err != nil {
		r.fail("B-FILE", r.shown()+": "+reason(err), "put the file itself into the tree, readable to who runs this")
		return
	}
	if format := binaryFormat(b); format != "" {
		r.refuseBinary(format)
		return
	}
	r.signed()
	r.load()
	r.fresh()
}

// hasRecords explains the types of zones that have no records of their own.
func (r *zoneReader) hasRecords() bool {
	z := r.cz
	var what, do string
	switch z.Type {
	case "primary", "secondary", "mirror":
		if z.File != "" {
			return true
		}
		if z.Type == "primary" {
			what, do = "no file is set (a database or dlz zone?)", "transfer the zone into a file (dig @SERVER "+z.Name.Text()+" AXFR) and name it in a source of kind file"
		} else {
			what, do = "a "+z.Written+" without a file: BIND keeps the records in memory only", "take the zone where it is primary, or transfer it into a file (dig @SERVER "+z.Name.Text()+" AXFR) and name it in a source of kind file"
		}
		r.fail("B-FILE", "zone "+z.Text+": "+what, do)
		return false
	case "hint":
		what = "it only says where the root servers are"
	case "forward":
		what = "it only sends queries on to other servers"
	case "stub", "static-stub":
		what = "it only says which servers to ask"
	case "redirect":
		what = "it holds answers for names that do not exist, not a zone"
	default:
		what = "it has no records"
	}
	do = "name the server that is primary for the zone, or leave the source out"
	r.fail("B-TYPE", fmt.Sprintf("zone %s is of type %s: %s", z.Text, z.Written, what), do)
	return false
}

// locate finds the zone's file.
func (r *zoneReader) locate() bool {
	p := r.conf.paths
	f, ok := p.find(r.cz.File)
	if !ok {
		likely := p.likely(r.cz.File)
		r.files = append(r.files, likely)
		what, do := fmt.Sprintf("the file %s of zone %s is not in the tree", quote(r.cz.File), r.cz.Text),
			"copy it from the server ("+p.server(r.cz.File)+") to "+shown(r.opts.Prefix, likely)
		if r.cz.Type != "primary" {
			what += "; the zone is a " + r.cz.Written + ", whose file BIND writes after a transfer"
			do += ", or take the zone where it is primary"
		}
		r.fail("B-FILE", what, do)
		return false
	}
	r.file = f
	r.files = append(r.files, f.name)
	if f.err != nil {
		r.fail("B-FILE", r.shown()+": "+reason(f.err), "put the file itself into the tree, readable to who runs this")
		return false
	}
	if f.cut {
		if other, ok := r.rival(); ok {
			r.fail("B-FILE", fmt.Sprintf("%s would stand for two files of the server: %s of zone %s and %s of zone %s",
				r.shown(), f.server, r.cz.Text, p.server(other.File), other.Text), "copy the server's folders with their whole paths below "+shown(r.opts.Prefix, p.folder))
			return false
		}
	}
	if f.moved {
		if n, ok := r.moves.note(r.cz.fileAt, f, r.opts.Prefix); ok {
			r.finds = append(r.finds, n)
		}
	}
	return true
}

// rival is a zone whose file is another one on the server and the same here.
func (r *zoneReader) rival() (ConfZone, bool) {
	p := r.conf.paths
	for _, z := range r.conf.zones {
		if z.File == "" || path.Base(z.File) != path.Base(r.cz.File) || p.server(z.File) == r.file.server {
			continue
		}
		if f, ok := p.find(z.File); ok && f.name == r.file.name {
			return z, true
		}
	}
	return ConfZone{}, false
}

func (r *zoneReader) shown() string { return shown(r.opts.Prefix, r.file.name) }

// origin is the zone's name on a command line.
func (r *zoneReader) origin() string {
	if r.cz.Name.IsZero() {
		return "ZONE" // only a source of kind file may leave it out
	}
	return argument(r.cz.Name.Text())
}

// refuseBinary says how a raw file becomes text.
func (r *zoneReader) refuseBinary(format string) {
	out := r.shown() + ".text"
	args := "-f " + format + " -F text -o " + argument(out) + " " + r.origin() + " " + argument(r.shown())
	if r.log != nil && !r.log.empty {
		args = "-J " + argument(r.logName) + " " + args
	}
	do := "turn it into text: `named-compilezone " + args + "`, and name " + out + " in a source of kind file"
	if format == "map" {
		do += " (map needs a named-compilezone of BIND 9.16 or older)"
	}
	what := fmt.Sprintf("%s is in BIND's %s format", r.shown(), format)
	if r.cz.Type == "secondary" && r.cz.Format == "" {
		what += ", as a secondary's files are unless masterfile-format text is set"
	}
	r.fail("B-RAW", what, do)
}

// signed says which file of a signed zone is read.
func (r *zoneReader) signed() {
	beside := r.file.name + ".signed"
	_, err := fs.Stat(r.conf.paths.fsys, beside)
	unsigned, isSigned := strings.CutSuffix(r.file.name, ".signed")
	switch {
	case r.cz.Inline || err == nil && r.cz.Policy != "":
		r.say("B-SIGNED", finding.Note, fmt.Sprintf("BIND signs zone %s; %s holds it unsigned and is read, not %s", r.cz.Text, r.shown(), path.Base(beside)), "")
	case isSigned:
		do := ""
		if _, err := fs.Stat(r.conf.paths.fsys, unsigned); err == nil {
			do = shown(r.opts.Prefix, unsigned) + " seems to hold it unsigned"
		}
		r.say("B-SIGNED", finding.Note, fmt.Sprintf("%s holds zone %s with its signatures", r.shown(), r.cz.Text), do)
	case r.cz.Policy != "":
		r.say("B-SIGNED", finding.Note, fmt.Sprintf("BIND signs zone %s (%s); %s is read, and may hold signatures", r.cz.Text, r.cz.Policy, r.shown()), "")
	}
}

// load reads the master file.
func (r *zoneReader) load() {
	m := newMaster(r.conf.paths, r.moves, r.opts)
	o := r.opts
	o.Origin, o.Root = r.cz.Name, "/" // master resolves what is absolute
	tree, finds := zonefile.Load(m, r.file.name, o)
	if tree != nil {
		var more []finding.Finding
		r.zone, more = tree.Zone(r.spec.ID.View)
		finds = append(finds, more...)
	} else {
		finds = placed(finds, r.cz.fileAt.place())
	}
	r.files = append(r.files, m.files...)
	r.finds = append(r.finds, m.finds...)
	r.finds = append(r.finds, m.renamed(finds)...)
	r.zone = m.zone(r.zone)
	r.tree, r.real = tree, m.real
}

// openJournal reads the header of the zone's journal, if there is one.
func (r *zoneReader) openJournal() {
	name := r.file.name + ".jnl"
	if r.cz.Journal != "" {
		f, ok := r.conf.paths.find(r.cz.Journal)
		if !ok {
			r.say("B-JOURNAL", finding.Warning, "the journal "+quote(r.cz.Journal)+" of zone "+r.cz.Text+" is not in the tree; changes that it holds would be missed",
				"make sure that the copy was made after `"+r.sync()+"`, or copy the journal too")
			return
		}
		name = f.name
	}
	r.logName = shown(r.opts.Prefix, name)
	b, err := head(r.conf.paths.fsys, name)
	if errors.Is(err, fs.ErrNotExist) {
		if r.cz.Updates || r.cz.Type != "primary" {
			r.say("B-DYNAMIC", finding.Note, fmt.Sprintf("zone %s changes while BIND runs, and no journal lies beside %s", r.cz.Text, r.shown()),
				"make sure that the copy was made after `"+r.sync()+"` and has the serial that the server answers: BIND writes the file after rndc has returned")
		}
		return
	}
	r.files = append(r.files, name)
	if err != nil {
		r.fail("B-JOURNAL", r.logName+": "+reason(err), "make the journal readable, so that it can be compared with the zone")
		return
	}
	j, ok := parseJournal(b)
	if !ok {
		r.fail("B-JOURNAL", r.logName+" has the place of a journal and is none", "copy it again from the server, or remove it if BIND does not use it")
		return
	}
	r.log = &j
}

// sync is the command that writes a journal into its zone file.
func (r *zoneReader) sync() string {
	s := "rndc sync " + r.origin()
	if r.cz.View != DefaultView {
		s += " IN " + argument(r.cz.View)
	}
	return s
}

// fresh compares a journal with the zone that was read (FRESH).
func (r *zoneReader) fresh() {
	if r.log == nil || r.log.empty || r.zone == nil {
		return
	}
	serial, end := r.zone.Serial(), r.log.end
	switch {
	case serial == end:
	case end.Before(serial):
		r.say("B-JOURNAL", finding.Note, fmt.Sprintf("the journal %s ends with serial %d, before the zone file's %d; the file counts", r.logName, end, serial), "")
	default:
		out := r.shown() + ".text"
		r.fail("B-JOURNAL", fmt.Sprintf("the journal %s holds changes up to serial %d, the zone file has %d", r.logName, end, serial),
			fmt.Sprintf("run `%s` on the server, wait until the file has serial %d (BIND writes it after rndc has returned) and copy the tree again, or here `named-compilezone -J %s -F text -o %s %s %s` and name %s in a source of kind file (`named-journalprint %s` shows the changes)",
				r.sync(), end, argument(r.logName), argument(out), r.origin(), argument(r.shown()), out, argument(r.logName)))
	}
}
