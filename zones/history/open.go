package history

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// Open reads the log and holds every file against it. It writes nothing: a
// line that a crash left unfinished, say, is cut off by the first write, or by
// Repair. Damage is a finding, with the file, and what is not damaged serves.
// The error says that nothing can be kept there: the folder or the log cannot
// be read although it is there, or a newer program wrote it.
func Open(fsys FS) (*History, []finding.Finding, error) {
	h := &History{fsys: fsys, zones: map[zones.ID]*zoneHistory{}, files: map[string]*fileHistory{}}
	h.log.folders = map[string]bool{}
	o := &opener{h: h, known: map[string]bool{}}
	top, err := fsys.ReadDir(".")
	if errors.Is(err, fs.ErrNotExist) {
		return h, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	for _, e := range top {
		o.top(e.Name())
	}
	if err := o.readLog(); err != nil {
		return nil, nil, err
	}
	o.folders(zonesName, o.zoneFolder)
	o.folders(filesName, o.fileFolder)
	o.settle()
	finding.Sort(o.found)
	return h, o.found, nil
}

// opener is an Open under way.
type opener struct {
	h       *History
	found   []finding.Finding
	there   map[string]bool // names in the folder
	head    head
	damaged bool            // lines of the log are lost: what it does not name may be of use
	known   map[string]bool // paths of files that the log names
}

func (o *opener) tell(id string, s finding.Severity, name string, line int, found, mend string) {
	o.found = append(o.found, finding.Finding{
		ID: id, Severity: s, At: zones.Place{File: o.h.fsys.Path(name), Line: line}, Found: found, Mend: mend,
	})
}

// Findings that are told at more than one place.
func (o *opener) stray(name string) {
	o.tell("H-STRAY", finding.Note, name, 0, "nothing in the history refers to it", "it is passed over; move it elsewhere")
}

func (o *opener) left(name string) {
	o.tell("H-LEFT", finding.Note, name, 0, "a write that was cut short left it", "nothing is to be done: the next write takes it away")
	o.h.log.left = append(o.h.log.left, name)
}

func (o *opener) lost(name, found string) {
	o.tell("H-FILE", finding.Error, name, 0, found, "restore it from a backup; what does not need it serves as before")
}

// top looks at a name in the folder itself.
func (o *opener) top(name string) {
	if o.there == nil {
		o.there = map[string]bool{}
	}
	o.there[name] = true
	switch name {
	case logName, headName, zonesName, filesName:
	case logName + tmpExt, headName + tmpExt:
		o.left(name)
	default:
		o.stray(name)
	}
}

func (o *opener) readLog() error {
	o.readHead()
	l := &o.h.log
	if !o.there[logName] {
		l.line = o.head.line
		if l.lost = o.head.line > 0 || o.holds(zonesName) || o.holds(filesName); l.lost {
			o.damaged = true
			o.tell("H-LOG", finding.Error, logName, 0, "the log is missing; all events are lost",
				"restore it from a backup before anything is written; without it the versions that are whole still serve")
		}
		return nil
	}
	b, err := o.h.fsys.ReadFile(logName)
	if err != nil {
		return err
	}
	w := walkLog(b, o.head)
	for _, f := range w.faults {
		o.tell("H-LOG", finding.Error, logName, f.at, f.what, mendLog)
	}
	if w.torn > 0 {
		o.tell("H-TORN", finding.Warning, logName, 0,
			fmt.Sprintf("%s at its end, of a line that was never committed", count(int(w.torn), "octet", "octets")),
			"nothing is to be done: the next write cuts it off")
	}
	line := w.last + w.lost
	if line < o.head.line {
		o.tell("H-LOG", finding.Error, logName, 0,
			fmt.Sprintf("the log was cut: it ends with line %d, and the file %q names line %d", line, headName, o.head.line), mendLog)
		line = o.head.line
		o.damaged = true
	}
	o.damaged = o.damaged || len(w.faults) > 0
	*l = logState{
		there: true, headless: o.head.line == 0, size: w.size, line: line, prev: w.prev, open: w.open, cut: w.torn > 0,
		left: l.left, folders: l.folders,
	}
	return o.take(w)
}

const mendLog = "restore the log from a backup; the lines that can be read serve as before"

func (o *opener) readHead() {
	if !o.there[headName] {
		if o.there[logName] && o.lines() {
			o.damaged = true
			o.tell("H-HEAD", finding.Error, headName, 0, "the file is missing, which tells where the log must end", "the next write makes it anew; look whether the log ends where it should")
		}
		return
	}
	b, err := o.h.fsys.ReadFile(headName)
	h, ok := parseHead(b)
	if ok {
		o.head = h
		return
	}
	o.damaged = true
	what := "the file is damaged, which tells where the log must end"
	if err != nil {
		what += ": " + err.Error()
	}
	o.tell("H-HEAD", finding.Error, headName, 0, what, "the next write makes it anew; look whether the log ends where it should")
}

// lines tells whether the log has more than its first line, which is there
// before the head.
func (o *opener) lines() bool {
	b, err := o.h.fsys.ReadFile(logName)
	w := walkLog(b, head{})
	return err != nil || w.last+w.lost > 1 || len(w.faults) > 0
}

// holds tells whether a folder has anything in it.
func (o *opener) holds(name string) bool {
	if !o.there[name] {
		return false
	}
	es, err := o.h.fsys.ReadDir(name)
	return err != nil || len(es) > 0
}

// take keeps what the lines say.
func (o *opener) take(w walked) error {
	after := 0 // lines after the last event
	for _, l := range w.good {
		after++
		var err error
		switch {
		case l.Log != nil:
			if l.Log.Format != format {
				return fmt.Errorf("%s:%d: the history has format %d, and this program knows %d; use the newer one", o.h.fsys.Path(logName), l.at, l.Log.Format, format)
			}
			if l.Log.Lost {
				o.tell("H-LOG", finding.Warning, logName, l.at, "the log before this line was lost, with its events", "restore it from a backup, put these lines behind it, or live with it")
			}
		case l.Version != nil:
			err = o.takeVersion(l.Version)
		case l.File != nil:
			err = o.takeFile(l.File)
		case l.Event != nil:
			var ev Event
			if ev, err = l.Event.event(); err == nil {
				o.h.events = append(o.h.events, ev)
				o.h.log.events = max(o.h.log.events, ev.N)
				after = 0
			}
		default:
			err = errors.New("it states nothing that this program knows")
		}
		if err != nil {
			o.damaged = true
			o.tell("H-LOG", finding.Error, logName, l.at, "the line cannot be used: "+err.Error(), mendLog)
		}
	}
	if o.damaged {
		o.h.log.events += max(0, o.h.log.line-len(w.good)) // events that may have been lost keep their numbers
	}
	return nil
}

func (o *opener) takeVersion(l *versionLine) error {
	v, err := l.version()
	if err != nil {
		return err
	}
	o.known[zoneFile(v.ID, l.stored.Name)] = true
	if !goodName(l.stored.Name) {
		return fmt.Errorf("%q is no name of a version's file", l.stored.Name)
	}
	zh := o.h.zones[v.ID]
	if zh == nil {
		zh = &zoneHistory{id: v.ID}
		o.h.zones[v.ID] = zh
	}
	return zh.insert(&version{Version: v, stored: l.stored, base: l.Base}, l.Found)
}

// goodName tells whether a name leads to nowhere else.
func goodName(s string) bool { return s != "" && !strings.ContainsAny(s, "/\\\x00") && s[0] != '.' }

// insert puts a version at its place. One that is there already is replaced
// only by the same, stated again.
func (z *zoneHistory) insert(v *version, again bool) error {
	i, there := slices.BinarySearchFunc(z.versions, v.N, func(v *version, n int) int { return cmp.Compare(v.N, n) })
	switch {
	case !there:
		z.versions = slices.Insert(z.versions, i, v)
	case again && z.versions[i].Digest == v.Digest:
		z.versions[i] = v
	default:
		return fmt.Errorf("version %d of %v was stated before", v.N, v.ID)
	}
	return nil
}

func (o *opener) takeFile(l *fileLine) error {
	if l.Of == "" || l.N < 1 || !goodName(l.stored.Name) {
		return errNumbers
	}
	o.known[copyFile(l.Of, l.stored.Name)] = true
	f := o.h.files[l.Of]
	if f == nil {
		f = &fileHistory{}
		o.h.files[l.Of] = f
	}
	c := &fileCopy{FileVersion: FileVersion{Name: l.Of, N: l.N, Sum: l.Sum, Entry: Entry(l.entryLine)}, stored: l.stored}
	return f.insert(c, l.Found)
}

func (f *fileHistory) insert(c *fileCopy, again bool) error {
	i, there := slices.BinarySearchFunc(f.versions, c.N, func(c *fileCopy, n int) int { return cmp.Compare(c.N, n) })
	switch {
	case !there:
		f.versions = slices.Insert(f.versions, i, c)
	case again && f.versions[i].FileVersion.Sum == c.FileVersion.Sum:
		f.versions[i] = c
	default:
		return fmt.Errorf("version %d of %s was stated before", c.N, c.FileVersion.Name)
	}
	return nil
}

// folders looks at each folder below one of the two.
func (o *opener) folders(above string, look func(folder string, names []string)) {
	if !o.there[above] {
		if above == zonesName && len(o.h.zones) > 0 || above == filesName && len(o.h.files) > 0 {
			o.lost(above, "the folder is missing")
		}
		return
	}
	es, err := o.h.fsys.ReadDir(above)
	if err != nil {
		o.lost(above, "it cannot be read: "+err.Error())
		return
	}
	for _, e := range es {
		below, err := o.h.fsys.ReadDir(above + "/" + e.Name())
		if err != nil {
			o.stray(above + "/" + e.Name())
			continue
		}
		names := make([]string, len(below))
		for i, b := range below {
			names[i] = b.Name()
		}
		look(e.Name(), names)
	}
}

// zoneFolder looks for what the log does not name.
func (o *opener) zoneFolder(folder string, names []string) {
	newest := 0
	for id, zh := range o.h.zones {
		if zoneFolder(id) == folder {
			newest = zh.last().N
		}
	}
	var maybe []*version
	for _, name := range names {
		path := zonesName + "/" + folder + "/" + name
		_, numbered := versionName(name)
		_, ofVersion := versionName(strings.TrimSuffix(name, tmpExt))
		switch v := o.unnamed(folder, name); {
		case o.known[path]:
		case numbered && v != nil:
			maybe = append(maybe, v)
		case ofVersion && !numbered:
			o.left(path)
		default:
			o.stray(path)
		}
	}
	slices.SortFunc(maybe, func(v, w *version) int { return cmp.Compare(v.N, w.N) })
	// A crash leaves one file before its line of the log is there. Where there
	// are more, the log is older than they are.
	older := len(maybe) > 0 && maybe[len(maybe)-1].N > newest+1
	for _, v := range maybe {
		if o.damaged || older {
			o.findAgain(v)
		} else {
			o.left(zoneFile(v.ID, v.Name))
		}
	}
}

// unnamed reads the first line of a version's file that the log does not name;
// nil when it is none.
func (o *opener) unnamed(folder, name string) *version {
	if o.known[zonesName+"/"+folder+"/"+name] {
		return nil
	}
	b, err := o.h.fsys.ReadFile(zonesName + "/" + folder + "/" + name)
	if err != nil {
		return nil
	}
	head, _, err := cutHead(b)
	if err != nil {
		return nil
	}
	v, err := head.version()
	ext := wholeExt
	if head.Base > 0 {
		ext = diffExt
	}
	if err != nil || zoneFolder(v.ID) != folder || fmt.Sprint(v.N)+ext != name {
		return nil
	}
	return &version{Version: v, stored: storedAs(name, b), base: head.Base}
}

// findAgain takes a version that lost its line of the log, if it is whole.
func (o *opener) findAgain(v *version) {
	path := zoneFile(v.ID, v.Name)
	zh := o.h.zones[v.ID]
	if zh == nil {
		zh = &zoneHistory{id: v.ID}
	}
	if zh.insert(v, false) != nil {
		o.stray(path)
		return
	}
	if _, err := o.h.read(zh, v.N); err != nil {
		zh.versions = slices.DeleteFunc(zh.versions, func(w *version) bool { return w == v })
		o.lost(path, fmt.Sprintf("no line of the log is left of version %d, and it is not whole", v.N))
		return
	}
	o.h.zones[v.ID] = zh
	o.h.log.again = append(o.h.log.again, logLine{Version: &versionLine{v.head(v.base), v.stored, true}})
	o.tell("H-FOUND", finding.Warning, path, 0, fmt.Sprintf("no line of the log is left of version %d, but it is whole", v.N), "it serves; the next write states it again")
}

// fileFolder looks for what the log does not name.
func (o *opener) fileFolder(folder string, names []string) {
	of, named := unescape(folder)
	newest := 0
	for name, f := range o.h.files {
		if fileFolder(name) == folder {
			of, named, newest = name, true, f.last().N
		}
	}
	var maybe []*fileCopy
	for _, name := range names {
		path := filesName + "/" + folder + "/" + name
		n, numbered := copyNumber(strings.TrimSuffix(name, tmpExt))
		switch c := o.copied(of, n, path, name); {
		case o.known[path]:
		case !numbered || !named:
			o.stray(path)
		case strings.HasSuffix(name, tmpExt):
			o.left(path)
		case c != nil:
			maybe = append(maybe, c)
		default:
			o.stray(path)
		}
	}
	slices.SortFunc(maybe, func(c, d *fileCopy) int { return cmp.Compare(c.N, d.N) })
	older := len(maybe) > 0 && maybe[len(maybe)-1].N > newest+1
	for _, c := range maybe {
		if o.damaged || older {
			o.findCopy(c)
		} else {
			o.left(copyFile(of, c.stored.Name))
		}
	}
}

// copied reads a version of a file that the log does not name; nil when it is
// none. Who made it is not known any more.
func (o *opener) copied(of string, n int, path, name string) *fileCopy {
	if o.known[path] || n == 0 {
		return nil
	}
	b, err := o.h.fsys.ReadFile(path)
	sum := octetsSum(b)
	if err != nil || copyName(n, sum) != name {
		return nil
	}
	return &fileCopy{FileVersion: FileVersion{Name: of, N: n, Sum: sum}, stored: storedAs(name, b)}
}

// findCopy takes a version of a file that lost its line of the log.
func (o *opener) findCopy(c *fileCopy) {
	of := c.FileVersion.Name
	path := copyFile(of, c.stored.Name)
	f := o.h.files[of]
	if f == nil {
		f = &fileHistory{}
	}
	if f.insert(c, false) != nil {
		o.stray(path)
		return
	}
	o.h.files[of] = f
	o.h.log.again = append(o.h.log.again, logLine{File: c.line(true)})
	o.tell("H-FOUND", finding.Warning, path, 0, fmt.Sprintf("no line of the log is left of version %d, but it is whole", c.N), "it serves; the next write states it again")
}

// settle holds the files against the log, once all versions are known.
func (o *opener) settle() {
	for _, id := range slices.SortedFunc(maps.Keys(o.h.zones), zones.ID.Compare) {
		o.settleZone(o.h.zones[id])
	}
	for _, name := range slices.Sorted(maps.Keys(o.h.files)) {
		o.settleFile(name, o.h.files[name])
	}
	for _, ev := range o.h.events {
		for _, r := range ev.Zones {
			if zh := o.h.zones[r.ID]; zh == nil || zh.at(r.N) == nil {
				o.tell("H-LOG", finding.Error, logName, 0, fmt.Sprintf("event %d speaks of version %d of %v, of which no line is left", ev.N, r.N, r.ID), mendLog)
			}
		}
	}
}

func (o *opener) settleZone(zh *zoneHistory) {
	folder := zonesName + "/" + zoneFolder(zh.id)
	err := o.open(folder, fmt.Sprintf("with %s of %v", count(len(zh.versions), "version", "versions"), zh.id))
	next := 1
	for _, v := range zh.versions {
		if v.N > next {
			o.jump(folder, next, v.N)
		}
		next = v.N + 1
		if err != nil {
			v.fault = errMissing
			continue
		}
		if _, v.fault = o.h.inspect(zoneFile(zh.id, v.Name), v.stored); v.fault != nil {
			o.lost(zoneFile(zh.id, v.Name), fmt.Sprintf("%v: version %d of %v", v.fault, v.N, zh.id))
		}
		o.link(zh, v)
	}
}

// open tells of a folder that cannot be read, once.
func (o *opener) open(folder, with string) error {
	_, err := o.h.fsys.ReadDir(folder)
	switch above, _, _ := strings.Cut(folder, "/"); {
	case err == nil || !o.there[above]:
	case errors.Is(err, fs.ErrNotExist):
		o.lost(folder, "the folder is missing, "+with)
	default:
		o.lost(folder, "the folder cannot be read, "+with+": "+err.Error())
	}
	return err
}

// link finds a version's way from the whole one.
func (o *opener) link(zh *zoneHistory, v *version) {
	if v.base == 0 {
		v.chain = chain{whole: v.Octets}
		return
	}
	base := zh.at(v.base)
	if base != nil {
		v.chain = base.chain.longer(v.Octets)
	}
	if v.fault != nil || base != nil && base.fault == nil {
		return
	}
	v.fault = errBase
	if base == nil || !errors.Is(base.fault, errBase) {
		o.lost(zoneFile(zh.id, v.Name), fmt.Sprintf("version %d of %v cannot be read, nor the differences after it: it is a difference from version %d, which is not whole", v.N, zh.id, v.base))
	}
}

func (o *opener) jump(folder string, from, to int) {
	what := fmt.Sprintf("version %d is missing", from)
	if from+1 < to {
		what = fmt.Sprintf("versions %d to %d are missing", from, to-1)
	}
	o.tell("H-JUMP", finding.Error, folder, 0, what, "restore them, and the log, from a backup; the others serve as before")
}

func (o *opener) settleFile(name string, f *fileHistory) {
	folder := filesName + "/" + fileFolder(name)
	err := o.open(folder, fmt.Sprintf("with %s of %s", count(len(f.versions), "version", "versions"), name))
	next := 1
	for _, c := range f.versions {
		if c.N > next {
			o.jump(folder, next, c.N)
		}
		next = c.N + 1
		if err != nil {
			c.fault = errMissing
			continue
		}
		path := copyFile(name, c.stored.Name)
		if _, c.fault = o.h.inspect(path, c.stored); c.fault != nil {
			o.lost(path, fmt.Sprintf("%v: version %d of %s", c.fault, c.N, name))
		}
	}
}
