package zonefile

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// Load reads a master file (RFC 1035 5) and what it includes. fsys is the
// include root: nothing outside it is read (os.Root.FS refuses links that
// leave it too). name is slash-separated and lies inside.
//
// All findings of all files are returned, by place. The Tree is nil only when
// the main file itself cannot be read; with errors it holds what could be
// read (Tree.Failed).
func Load(fsys fs.FS, name string, o Options) (*Tree, []finding.Finding) {
	o = o.withDefaults()
	return load(opener(fsys, o.MaxFile), name, o, false)
}

// source is one file under way.
type source struct {
	index  int // in Tree.files
	name   string
	buf    []byte
	proved bool // the user named it, or a whole record of it was read: its text may be shown
	held   sink // until then
	first  zones.Place
}

// reader reads one tree.
type reader struct {
	opts Options
	open func(name string) ([]byte, error)
	t    *Tree
	sink sink

	st       state
	stIndex  uint32
	stStored bool // Tree.states[stIndex] is st
	owner    zones.Name
	ownerRaw []byte // the text that gave owner, when it was stated under st
	lastTTL  uint32 // the last stated
	lastSeen bool
	noTTL    []int32 // records that wait for the SOA's MINIMUM
	soa      int32   // the first SOA record, or -1

	stack     []string // files under way, the main file first
	includes  int
	generated int
	total     int // octets read
	full      bool

	slab     []byte   // RDATA of the records from slabFrom on
	slabEnds []uint32 // where each one's ends
	slabFrom int

	wire     [zones.MaxName]byte
	fields   []rdata.Field
	raw      map[zones.Name]bool // owners with raw octets, reported
	lex      *lexer              // of the file under way
	badOwner bool                // the owner that later lines inherit could not be read
	lenient  bool                // a line without an owner before it gets the zero Name: an edit is under way
}

func load(open func(string) ([]byte, error), name string, o Options, lenient bool) (*Tree, []finding.Finding) {
	r := &reader{opts: o, open: open, t: &Tree{opts: o}, soa: -1, lenient: lenient}
	r.sink.maxErrors = o.MaxErrors
	r.setOrigin(o.Origin)
	buf, err := open(name)
	if err == nil {
		err = refuse(buf)
	}
	if err != nil {
		f := finding.Finding{ID: "Z-READ", Severity: finding.Error, At: o.place(name, 0, 0)}
		f.Found, f.Mend = explain(err, o)
		if errors.Is(err, fs.ErrNotExist) {
			f.Mend = "check the path"
		}
		return nil, []finding.Finding{f}
	}
	r.read(&source{name: name, buf: buf, index: r.addFile(name, buf), proved: true})
	r.flush()
	r.t.end = r.stateIndex()
	r.settleTTL()
	r.t.failed = r.sink.failed
	return r.t, r.sink.close(o.place(name, 0, 0))
}

func (r *reader) addFile(name string, buf []byte) int {
	r.t.files = append(r.t.files, &File{name, buf})
	r.t.uses = append(r.t.uses, 0)
	return len(r.t.files) - 1
}

// read reads one file from its first entry to its last.
func (r *reader) read(s *source) {
	r.stack = append(r.stack, s.name)
	outer := r.lex
	x := newLexer(s.buf)
	if len(r.t.recs) == 0 {
		lines := bytes.Count(s.buf, []byte("\n"))
		r.t.recs = make([]rec, 0, min(lines+1, len(s.buf)/10, r.opts.MaxRecords, 1<<20))
	}
	r.total += len(s.buf)
	r.t.uses[s.index]++
	for e := (lexed{}); !r.full; {
		r.lex = x
		if !x.next(&e) {
			break
		}
		switch {
		case e.fault != lexFine:
			r.lexFault(s, &e)
		case len(e.toks) == 0:
		case e.isDirective(s.buf):
			r.directive(s, &e)
		default:
			r.record(s, &e)
		}
	}
	r.lex = outer
	r.stack = r.stack[:len(r.stack)-1]
}

// lexFault reports an entry that could not be cut into words.
func (r *reader) lexFault(s *source, e *lexed) {
	switch e.fault {
	case lexQuote:
		r.fail(s, "Z-QUOTE", e.spot(), "a quoted string is not closed on its line",
			`put the closing " on the same line; a long text is several quoted strings inside parentheses`)
	case lexOpen:
		r.fail(s, "Z-PAREN", e.spot(), "the parenthesis opened here is never closed",
			"put ) after the record's last field (a ) behind a ; is part of the comment)")
	case lexClose:
		r.fail(s, "Z-PAREN", e.spot(), "a closing parenthesis that nothing opened", "remove it, or open one before it")
	case lexCR:
		r.fail(s, "Z-CR", e.spot(), "a carriage return that no line feed follows", "save the file with line ends LF or CR LF")
	}
	// Lines that inherit this entry's owner would otherwise get the owner before.
	if !e.indented && len(e.toks) > 0 && e.toks[0].start < e.at && !e.isDirective(s.buf) {
		if n, err := zones.ParseNameIn(string(s.text(e.toks[0])), r.st.origin); err == nil {
			r.setOwner(n, nil)
			return
		}
		r.badOwner = true
	}
}

func (s *source) text(t token) []byte { return s.buf[t.start:t.end] }

// setOrigin makes a new state with another origin.
func (r *reader) setOrigin(n zones.Name) {
	r.st.origin, r.st.tail = n, lastTwo(n)
	r.stStored = false
	r.ownerRaw = nil
}

// lastTwo returns the wire form of a name's last two labels without the root.
func lastTwo(n zones.Name) string {
	for n.Labels() > 2 {
		n, _ = n.Parent()
	}
	if n.IsZero() || n.Labels() < 2 {
		return ""
	}
	return strings.TrimSuffix(n.Wire(), "\x00")
}

func (r *reader) setOwner(n zones.Name, raw []byte) { r.owner, r.ownerRaw, r.badOwner = n, raw, false }

func (r *reader) stateIndex() uint32 {
	if !r.stStored {
		r.t.states = append(r.t.states, r.st)
		r.stIndex, r.stStored = uint32(len(r.t.states)-1), true
	}
	return r.stIndex
}

// flush turns the RDATA gathered so far into strings: one allocation for many.
func (r *reader) flush() {
	all, from := string(r.slab), uint32(0)
	for i, end := range r.slabEnds {
		r.t.recs[r.slabFrom+i].data = all[from:end]
		from = end
	}
	r.slab, r.slabEnds, r.slabFrom = r.slab[:0], r.slabEnds[:0], len(r.t.recs)
}

// slabSize is how much RDATA is gathered before it is made strings.
const slabSize = 64 << 10

// settleTTL gives the records without any stated TTL the SOA's MINIMUM.
func (r *reader) settleTTL() {
	if len(r.noTTL) == 0 {
		return
	}
	f := r.t.finding(&r.t.recs[r.noTTL[0]], "Z-NOTTL", finding.Warning, "", "")
	f.Count = len(r.noTTL)
	var soa zones.SOA
	var err error
	if r.soa >= 0 {
		soa, err = zones.ParseSOA(r.t.recs[r.soa].data)
	}
	if r.soa < 0 || err != nil {
		if r.sink.failed {
			return // an SOA at fault was reported
		}
		f.Severity, f.Found, f.Mend = finding.Error, "no TTL is stated here or before, there is no $TTL, and no SOA gives a MINIMUM", "write a $TTL at the head of the file"
		r.sink.add(f)
		return
	}
	ttl := soa.Minimum
	if ttl > zones.MaxTTL {
		ttl = 0
	}
	for _, i := range r.noTTL {
		r.t.recs[i].ttl = ttl
	}
	f.Found = fmt.Sprintf("no TTL is stated here or before and there is no $TTL: the SOA's MINIMUM, %d, is taken", ttl)
	f.Mend = fmt.Sprintf("write $TTL %d at the head of the file", ttl)
	r.sink.add(f)
}

// report adds a finding about the octet at offset of a source.
func (r *reader) report(s *source, id string, sev finding.Severity, at spot, found, mend string) {
	line, column := lineAt(s.buf, int(at.offset))
	f := finding.Finding{ID: id, Severity: sev, At: r.opts.place(s.name, int(at.line), column), Line: line, Found: found, Mend: mend}
	if s.proved {
		r.sink.add(f)
		return
	}
	s.held.maxErrors = r.opts.MaxErrors
	if sev >= finding.Error && !s.held.failed {
		s.first = f.At
	}
	s.held.add(f)
}

func (r *reader) fail(s *source, id string, at spot, found, mend string) {
	r.report(s, id, finding.Error, at, found, mend)
}

func (r *reader) warn(s *source, id string, at spot, found, mend string) {
	r.report(s, id, finding.Warning, at, found, mend)
}

// prove notes that a whole record of the file was read: it is a master file,
// and its text may be shown.
func (r *reader) prove(s *source) {
	s.proved = true
	for _, f := range s.held.list {
		r.sink.add(f)
	}
	s.held = sink{}
}
