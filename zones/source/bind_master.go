package source

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/zonefile"
)

// master is the file system in which zonefile reads one zone of a BIND tree:
// a $INCLUDE, which zonefile takes from the including file's folder, leads to
// the file that BIND would open. Before a file is handed over, its $INCLUDE
// lines are looked up, so that the file each leads to is known when zonefile
// asks for it.
type master struct {
	paths *paths
	opts  zonefile.Options
	swap  map[string]string // the path that zonefile asks for -> the file
	files []string
	finds []finding.Finding
	moves moves
}

func newMaster(p *paths, moved moves, o zonefile.Options) *master {
	return &master{paths: p, opts: o, swap: map[string]string{}, moves: moved}
}

func (m *master) real(name string) string {
	if s, ok := m.swap[name]; ok {
		return s
	}
	return name
}

// Stat implements fs.StatFS.
func (m *master) Stat(name string) (fs.FileInfo, error) { return fs.Stat(m.paths.fsys, m.real(name)) }

// Open implements fs.FS.
func (m *master) Open(name string) (fs.File, error) {
	file := m.real(name)
	m.files = append(m.files, file)
	f, err := m.paths.fsys.Open(file)
	if err != nil {
		return nil, err
	}
	limit := int64(1 << 30)
	if m.opts.MaxFile > 0 {
		limit = int64(m.opts.MaxFile)
	}
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		f.Close()
		return nil, err
	}
	m.includes(name, file, b)
	return &memFile{File: f, r: bytes.NewReader(b)}, nil
}

// memFile is a file whose content was read.
type memFile struct {
	fs.File
	r *bytes.Reader
}

func (f *memFile) Read(b []byte) (int, error) { return f.r.Read(b) }

// includes looks up the $INCLUDE lines of a file that zonefile knows as name.
func (m *master) includes(name, file string, b []byte) {
	in := &including{name: name, file: file, buf: b}
	for i := 0; i < len(b); {
		n := bytes.IndexByte(b[i:], '$')
		if n < 0 {
			return
		}
		i += n
		at := i
		i++
		const word = "$INCLUDE"
		if len(b)-at < len(word) || !bytes.EqualFold(b[at:at+len(word)], []byte(word)) {
			continue
		}
		if before := bytes.TrimPrefix(b[:at], []byte(byteOrderMark)); len(before) > 0 && before[len(before)-1] != '\n' {
			continue
		}
		line := b[at+len(word):]
		if e := bytes.IndexByte(line, '\n'); e >= 0 {
			line = line[:e]
		}
		if arg, off := firstWord(line); arg != "" {
			m.include(in, arg, at+len(word)+off)
		}
	}
}

// firstWord is the file name of a $INCLUDE line, and where it begins.
func firstWord(line []byte) (string, int) {
	i := 0
	for i < len(line) && (line[i] == ' ' || line[i] == '\t') {
		i++
	}
	if i == 0 || i == len(line) {
		return "", 0
	}
	if line[i] == '"' {
		if e := bytes.IndexByte(line[i+1:], '"'); e >= 0 {
			return string(line[i+1 : i+1+e]), i
		}
		return "", 0
	}
	e := bytes.IndexAny(line[i:], " \t\r;()\"")
	if e < 0 {
		e = len(line) - i
	}
	return string(line[i : i+e]), i
}

// including is a file with $INCLUDE lines.
type including struct {
	name string // as zonefile knows it
	file string // as it is
	buf  []byte
	conf *confFile // made when something is to be said
}

// maxSaid is how much is said about $INCLUDE lines.
const maxSaid = 100

func (m *master) say(in *including, offset int, sev finding.Severity, found, mend string) {
	if len(m.finds) >= maxSaid && sev < finding.Error {
		return
	}
	m.finds = append(m.finds, m.spot(in, offset).finding("B-MASTER", sev, found, mend))
}

func (m *master) spot(in *including, offset int) spot {
	if in.conf == nil {
		in.conf = newConfFile(in.file, shown(m.opts.Prefix, in.file), in.buf)
	}
	return spot{in.conf, offset}
}

// include decides which file one $INCLUDE leads to.
func (m *master) include(in *including, arg string, offset int) {
	asked := path.Join(path.Dir(in.name), arg) // what zonefile will ask for
	if path.IsAbs(arg) {
		asked = strings.TrimPrefix(path.Clean(arg), "/")
	}
	beside := path.Join(path.Dir(in.file), arg) // in the including file's own folder
	hasBeside := !path.IsAbs(arg) && fs.ValidPath(beside) && m.is(beside)
	f, ok := m.paths.find(arg)
	ok = ok && (f.err == nil || !hasBeside)
	want := f.name
	switch {
	case !ok && !hasBeside, !fs.ValidPath(asked):
		return // zonefile says what is wrong
	case !ok:
		want = beside
		if m.paths.directory != "" {
			m.say(in, offset, finding.Warning, fmt.Sprintf("BIND looks for this file at %s; it is taken from the including file's folder", m.paths.server(arg)), "check that BIND serves these records")
		}
	case hasBeside && f.name != beside && f.cut:
		want = beside // a guess gives way to the file that stands there
	case hasBeside && f.name != beside:
		m.say(in, offset, finding.Warning, fmt.Sprintf("BIND takes $INCLUDE from its directory: %s is read, not %s", shown(m.opts.Prefix, f.name), shown(m.opts.Prefix, beside)), "remove the file that is not meant")
	}
	if ok && f.moved && want == f.name {
		if n, ok := m.moves.note(m.spot(in, offset), f, m.opts.Prefix); ok {
			m.finds = append(m.finds, n)
		}
	}
	if old, twice := m.swap[asked]; twice && old != want {
		m.say(in, offset, finding.Error, fmt.Sprintf("two $INCLUDE lines that read alike lead to two files, %s and %s", shown(m.opts.Prefix, old), shown(m.opts.Prefix, want)), "write one of them as an absolute path")
		return
	}
	m.swap[asked] = want
}

func (m *master) is(name string) bool {
	info, err := fs.Stat(m.paths.fsys, name)
	return err == nil && !info.IsDir()
}

// display maps a file's shown name to that of the file it really is.
func (m *master) display() map[string]string {
	d := map[string]string{}
	for asked, file := range m.swap {
		if asked == file {
			continue
		}
		d[shown(m.opts.Prefix, asked)] = shown(m.opts.Prefix, file)
	}
	return d
}

// renamed gives findings the places of the files that were read.
func (m *master) renamed(fs []finding.Finding) []finding.Finding {
	d := m.display()
	fs = slices.Clone(fs)
	for i := range fs {
		if n, ok := d[fs[i].At.File]; ok {
			fs[i].At.File = n
		}
	}
	return fs
}

// zone gives records the places of the files that were read.
func (m *master) zone(z *zones.Zone) *zones.Zone {
	d := m.display()
	if z == nil || len(d) == 0 {
		return z
	}
	b := zones.NewBuilder(z.ID())
	for r := range z.Records() {
		if n, ok := d[r.From.File]; ok {
			r.From.File = n
		}
		b.Add(r)
	}
	if n, err := b.Freeze(); err == nil {
		return n
	}
	return z
}
