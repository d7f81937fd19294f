package zonefile

import (
	"iter"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
)

// Options say how a master file is read. The zero value reads a file whose
// names are all absolute or follow a $ORIGIN.
type Options struct {
	Origin zones.Name // the origin at the start, and the apex of Tree.Zone
	Prefix string     // put before file names in places: a folder as the user gave it
	Root   string     // the absolute path that fsys stands for; "" refuses an absolute $INCLUDE

	// Limits; 0 means the value in brackets.
	MaxFile     int // octets of one file [1 GiB]
	MaxTotal    int // octets read over all files, each time one is included [2 GiB]
	MaxRecords  int // records over all files [50 million]
	MaxDepth    int // $INCLUDE within $INCLUDE [16]
	MaxIncludes int // $INCLUDE lines followed [4096]
	MaxGenerate int // records made by $GENERATE, per line and in all [65536]
	MaxErrors   int // errors that are listed; later ones are counted [10000]
}

func (o Options) withDefaults() Options {
	for _, d := range []struct {
		field *int
		value int
	}{
		{&o.MaxFile, 1 << 30},
		{&o.MaxTotal, 1<<31 - 1},
		{&o.MaxRecords, 50_000_000},
		{&o.MaxDepth, 16},
		{&o.MaxIncludes, 4096},
		{&o.MaxGenerate, 65536},
		{&o.MaxErrors, 10_000},
	} {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
	o.MaxFile = min(o.MaxFile, 1<<31-1)           // offsets are 32 bits wide,
	o.MaxRecords = min(o.MaxRecords, 1<<31-1)     // indices of records too,
	o.MaxIncludes = min(o.MaxIncludes, 1<<16-100) // those of files 16
	return o
}

// place makes the place of a line and column (in characters) of a file.
func (o Options) place(name string, line, column int) zones.Place {
	return zones.Place{File: o.display(name), Line: line, Column: column}
}

// display is the name of a file as a person knows it.
func (o Options) display(name string) string {
	if o.Prefix == "" || strings.HasSuffix(o.Prefix, "/") {
		return o.Prefix + name
	}
	return o.Prefix + "/" + name
}

// File is one master file, octet for octet (LOSSLESS). It is immutable.
type File struct {
	name string
	buf  []byte
}

// Name returns the slash-separated path inside the include root.
func (f *File) Name() string { return f.name }

// Bytes returns the content. It must not be changed.
func (f *File) Bytes() []byte { return f.buf[:len(f.buf):len(f.buf)] }

// EntryKind tells what the lines of an Entry are.
type EntryKind uint8

// The kinds of entries.
const (
	Blank     EntryKind = iota // blank lines and comments on lines of their own
	Directive                  // $ORIGIN, $TTL, $INCLUDE, $GENERATE, and what else begins with $
	Record                     // a record, or what should have been one
)

// Entry is the smallest run of whole lines that stands by itself: a line, or
// the lines that parentheses hold together. Comments belong to the entry on
// whose lines they stand.
type Entry struct {
	Kind       EntryKind
	Start, End int // octets of File.Bytes, the line end included
	Line       int // of the first octet
}

// Entries yields the entries of a file in order. They cover it without a gap
// and without an overlap.
func (f *File) Entries() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		x := newLexer(f.buf)
		for e := (lexed{}); x.next(&e); {
			if !yield(Entry{e.kind(f.buf), int(e.start), int(e.end), int(e.line)}) {
				return
			}
		}
	}
}

func (e *lexed) kind(buf []byte) EntryKind {
	switch {
	case e.fault == lexFine && len(e.toks) == 0:
		return Blank
	case e.isDirective(buf):
		return Directive
	}
	return Record
}

// isDirective tells whether the entry begins with a word in $.
func (e *lexed) isDirective(buf []byte) bool {
	return len(e.toks) > 0 && !e.indented && !e.toks[0].quoted && buf[e.toks[0].start] == '$'
}

// Tree is a master file with all that it includes, and the records they
// state. It is immutable and safe for use by several goroutines; edits return
// a new Tree that shares what did not change.
type Tree struct {
	opts   Options
	files  []*File // the main file first, then each as it was first included
	uses   []int   // beside files: how often each was read
	end    uint32  // index into states: at the end of the main file
	recs   []rec   // in the order in which they were read
	states []state // what directives had set
	failed bool    // Load reported an error
}

// state is what directives set for the lines after them.
type state struct {
	origin  zones.Name
	tail    string // the origin's last two labels in wire form, without the root; "" for shorter ones
	ttl     uint32 // of $TTL
	ttlSeen bool   // there was a $TTL
}

// rec is one record and where it stands.
type rec struct {
	owner      zones.Name
	data       string
	ttl        uint32
	typ        zones.Type
	file       uint16 // index into Tree.files
	column     uint32 // of its first token, in characters
	start, end uint32 // its entry in the file
	line       uint32 // of its first token
	state      uint32 // index into Tree.states
	how        how
}

// how says how a record was written.
type how uint8

const (
	ownerLeftOut how = 1 << iota // the owner is that of the record before
	ttlLeftOut
	byGenerate // made by the $GENERATE that stands in its entry
)

// Files returns the main file, then each included file once.
func (t *Tree) Files() []*File { return append([]*File(nil), t.files...) }

// File returns the file of a name, or nil.
func (t *Tree) File(name string) *File {
	if i := t.fileIndex(name); i >= 0 {
		return t.files[i]
	}
	return nil
}

func (t *Tree) fileIndex(name string) int {
	for i, f := range t.files {
		if f.name == name {
			return i
		}
	}
	return -1
}

// Failed tells whether reading the tree gave an error. Such a tree has its
// files whole and the records that could be read; Zone gives no zone for it,
// and edits refuse it.
func (t *Tree) Failed() bool { return t.failed }

// Len counts the records, duplicates included.
func (t *Tree) Len() int { return len(t.recs) }

// Records returns the records in the order in which they were read, each with
// the place of its first word. Duplicates and differing TTLs are as the files
// have them; a TTL above zones.MaxTTL is 0.
func (t *Tree) Records() []zones.Record {
	rs, display := make([]zones.Record, len(t.recs)), t.display()
	for i := range t.recs {
		rs[i] = t.recs[i].record(display)
	}
	return rs
}

// display lists the files as they are shown.
func (t *Tree) display() []string {
	out := make([]string, len(t.files))
	for i, f := range t.files {
		out[i] = t.opts.display(f.name)
	}
	return out
}

func (r *rec) record(display []string) zones.Record {
	return zones.Record{
		Owner: r.owner, Type: r.typ, TTL: r.ttl, Data: r.data,
		From: zones.Provenance{Place: zones.Place{File: display[r.file], Line: int(r.line), Column: int(r.column)}},
	}
}

// place is where a record's first word stands.
func (t *Tree) place(r *rec) zones.Place {
	return t.opts.place(t.files[r.file].name, int(r.line), int(r.column))
}
