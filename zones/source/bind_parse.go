package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/zonefile"
)

// Limits of a configuration tree.
const (
	maxConfFile  = 16 << 20 // octets of one file
	maxConfTotal = 64 << 20 // octets over all files, each time one is included
	maxIncludes  = 4096     // files included
	maxDepth     = 16       // includes within includes
	maxNesting   = 32       // blocks within blocks
	maxItems     = 4 << 20  // words, strings and blocks over all files
	maxErrors    = 1000     // findings that are listed
)

// item is a word or string of a statement, or a block.
type item struct {
	token
	file  *confFile
	block *block
}

// at is where the item begins.
func (i item) at() spot { return spot{i.file, i.start} }

func (i item) text() string { return i.value(i.file.buf) }

// block is what stands between braces.
type block struct {
	stmts   []stmt
	missing bool // an included file could not be read
	span    [2]int
}

// stmt is the items up to a semicolon. Included files are already in place.
type stmt struct{ items []item }

// keyword is the statement's first word, lower case as BIND compares them.
func (s stmt) keyword() string {
	if s.items[0].kind != word {
		return ""
	}
	return strings.ToLower(s.items[0].text())
}

// at is where the statement begins.
func (s stmt) at() spot { return s.items[0].at() }

// one returns the only argument of a statement.
func (s stmt) one() (item, bool) {
	if len(s.items) != 2 || s.items[1].block != nil {
		return item{}, false
	}
	return s.items[1], true
}

// parser reads a configuration tree into statements.
type parser struct {
	fsys  fs.FS
	opts  zonefile.Options
	paths *paths
	finds []finding.Finding
	over  int // findings left out

	files    map[string]*confFile
	order    []string // of all files read or looked for
	stack    []string
	includes int
	total    int // octets
	items    int
	broken   bool            // the file under way cannot be read on: said
	lax      bool            // two semicolons stand after the include under way
	cut      bool            // the second one ended the file's last statement
	unread   []string        // included files that could not be read
	noted    map[string]bool // files whose byte order mark was warned of
	moves    moves
}

func (p *parser) add(f finding.Finding) {
	if len(p.finds) >= maxErrors && f.Severity < finding.Block {
		p.over++
		return
	}
	p.finds = append(p.finds, f)
}

func (p *parser) fail(at spot, id, found, mend string) {
	if len(p.finds) >= maxErrors {
		p.over++
		return
	}
	p.add(at.finding(id, finding.Error, found, mend))
}

// file reads one configuration file, once.
func (p *parser) file(name string) (*confFile, error) {
	if f := p.files[name]; f != nil {
		return f, nil
	}
	p.order = append(p.order, name)
	b, err := readAll(p.fsys, name, maxConfFile)
	if err != nil {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(b, []byte("\xff\xfe")), bytes.HasPrefix(b, []byte("\xfe\xff")):
		return nil, errUTF16
	case bytes.IndexByte(b, 0) >= 0:
		return nil, errBinary
	}
	f := newConfFile(name, shown(p.opts.Prefix, name), b)
	p.files[name] = f
	return f, nil
}

// read reads a file's statements. inside is the keyword of the block that
// they stand in; "" at the top.
func (p *parser) read(f *confFile, inside string, depth int, into *block) {
	p.total += len(f.buf)
	p.stack = append(p.stack, f.name)
	x := &lexer{buf: f.buf, lax: p.lax}
	broken := p.broken
	p.broken = false
	if bytes.HasPrefix(f.buf, []byte(byteOrderMark)) {
		x.pos = len(byteOrderMark)
		if !p.noted[f.name] {
			p.noted[f.name] = true
			p.add(spot{f, 0}.finding("B-SYNTAX", finding.Warning, "the file begins with a byte order mark, which BIND refuses", "save it as UTF-8 without one"))
		}
	}
	p.body(f, x, inside, depth, into, nil)
	p.cut = x.cut || p.broken
	p.broken = broken
	p.stack = p.stack[:len(p.stack)-1]
}

// body reads statements up to the brace that closes the block, or, where
// open is nil, up to the end of the file.
func (p *parser) body(f *confFile, x *lexer, inside string, depth int, into *block, open *spot) {
	for {
		t, ok := x.sense()
		switch {
		case !ok:
			if open != nil && !p.broken {
				p.fail(*open, "B-SYNTAX", "the block opened here is never closed", "write }; after its last statement")
			}
			return
		case t.kind == closing && open != nil:
			into.span[1] = t.start
			return
		case t.kind == closing:
			p.fail(spot{f, t.start}, "B-SYNTAX", "a closing brace that nothing opened", "remove it, or open a block before it")
			if n, ok := peek(x); ok && n.kind == semicolon {
				x.sense()
			}
		case t.kind == semicolon:
			p.fail(spot{f, t.start}, "B-SYNTAX", "a semicolon without a statement", "remove it")
		default:
			x.pos = t.start
			s := p.statement(f, x, depth)
			if len(s.items) == 0 {
				return
			}
			if s.keyword() == "include" && len(s.items) == 2 && (s.items[1].kind == word || s.items[1].kind == quoted) {
				n, ok := peek(x)
				p.lax, p.cut = ok && n.kind == semicolon, true // it ends the last statement of the included file, as BIND has it
				if p.lax {
					x.sense()
				}
				lax := p.lax
				p.include(s, inside, depth, into)
				if lax && !p.cut {
					p.fail(spot{f, n.start}, "B-SYNTAX", "a semicolon without a statement", "remove it")
				}
				p.lax = false
				continue
			}
			p.shape(s, inside)
			if inside == "options" && s.keyword() == "directory" {
				if dir, ok := s.one(); ok && p.paths.directory == "" {
					p.paths.directory = dir.text() // holds for the includes after it
				}
			}
			into.stmts = append(into.stmts, s)
		}
	}
}

// peek returns the next token that says something without taking it.
func peek(x *lexer) (token, bool) {
	y := *x
	return y.sense()
}

// starters are the words that begin a statement about zones in a block, and
// never stand further back in one. In other blocks the words are not known.
var starters = map[string][]string{
	"":        {"include", "options", "view", "zone"},
	"options": {"directory", "include", "options", "view", "zone"},
	"view":    {"include", "options", "view", "zone"},
	"zone":    {"file", "in-view", "include", "journal", "options", "type", "view", "zone"},
}

// shape refuses a statement in which one about zones would be lost.
func (p *parser) shape(s stmt, inside string) {
	starts, known := starters[inside]
	if !known {
		return
	}
	switch first := s.items[0]; {
	case first.block != nil:
		p.fail(s.at(), "B-SYNTAX", "a block without a keyword before it", "write the keyword, such as options, before {")
	case first.kind != word:
		p.fail(s.at(), "B-SYNTAX", "a statement does not begin with a keyword: "+quote(first.text()), "write the keyword, without quotes")
	case s.keyword() == "include" && len(s.items) < 3:
		p.fail(s.at(), "B-SYNTAX", "include without a file", `write include "FILE";`)
	case s.keyword() == "include":
		p.fail(s.items[2].at(), "B-SYNTAX", "a semicolon is missing before this", "write ; after the file name")
	}
	for _, i := range s.items[min(2, len(s.items)):] {
		if i.block == nil && i.kind == word && slices.Contains(starts, strings.ToLower(i.text())) && s.keyword() != "include" {
			p.fail(i.at(), "B-SYNTAX", "a semicolon is missing before this", "write ; after the statement before it")
			return
		}
	}
}

// endsAtBlock are the statements in which nothing follows the block.
func endsAtBlock(keyword string) bool {
	switch keyword {
	case "zone", "view", "options", "acl", "key", "logging", "server", "masters", "primaries":
		return true
	}
	return false
}

// statement reads one statement; none where the file cannot be read on.
func (p *parser) statement(f *confFile, x *lexer, depth int) (s stmt) {
	for {
		before := x.pos
		t, ok := x.sense()
		at := spot{f, t.start}
		if p.items++; p.items > maxItems {
			if p.items == maxItems+1 {
				p.fail(at, "B-LIMIT", fmt.Sprintf("more than %d words of configuration", maxItems), "name a file with the zones that are wanted")
			}
			p.broken, x.pos = true, len(x.buf)
			return stmt{}
		}
		switch {
		case !ok:
			if x.cut = len(s.items) > 0 && x.lax; len(s.items) > 0 && !x.lax {
				p.missing(f, s, before)
			}
			return s
		case t.kind == semicolon:
			return s
		case t.kind == closing:
			p.missing(f, s, before)
			x.pos = t.start
			return s
		case t.kind == cutString:
			p.fail(at, "B-SYNTAX", "the string opened here is never closed", `put the closing " after it`)
			p.broken = true
			return stmt{}
		case t.kind == cutNote:
			p.fail(at, "B-SYNTAX", "the comment opened here is never closed", "put */ after it")
			p.broken = true
			return stmt{}
		case t.kind == glued:
			p.fail(at, "B-SYNTAX", "a comment right after a word, where BIND sees none", "put a space before /*")
		case t.kind == opening:
			b := &block{span: [2]int{t.end, len(f.buf)}}
			if depth >= maxNesting {
				p.fail(at, "B-LIMIT", fmt.Sprintf("more than %d blocks inside each other", maxNesting), "check the braces before this place")
				x.pos = len(x.buf)
				p.broken = true
				return stmt{}
			}
			name := ""
			if len(s.items) > 0 {
				name = s.keyword()
			}
			p.body(f, x, name, depth+1, b, &at)
			s.items = append(s.items, item{t, f, b})
			if n, ok := peek(x); endsAtBlock(name) && (ok || !x.lax) && n.kind != semicolon {
				p.missing(f, s, b.span[1]+1)
				return s
			}
		default:
			s.items = append(s.items, item{t, f, nil})
		}
	}
}

// missing reports that a statement has no semicolon at the end.
func (p *parser) missing(f *confFile, s stmt, end int) {
	if p.broken {
		return
	}
	last := min(end, len(f.buf))
	if i := s.items[len(s.items)-1]; i.block == nil {
		last = i.end
	}
	p.fail(spot{f, last}, "B-SYNTAX", "a semicolon is missing after this", "write ; here")
}

// Reasons not to read a configuration file.
var (
	errTooLarge   = errors.New("the file is too large")
	errUTF16      = errors.New("the file is UTF-16 text; save it as UTF-8")
	errBinary     = errors.New("the file has NUL octets and is no text")
	errNotRegular = errors.New("it is a folder or a device, not a file")
)

// readAll reads a regular file of at most limit octets.
func readAll(fsys fs.FS, name string, limit int) ([]byte, error) {
	info, err := fs.Stat(fsys, name) // before Open, which a FIFO would block
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errNotRegular
	case info.Size() > int64(limit):
		return nil, errTooLarge
	}
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, int64(limit)+1))
	if err == nil && len(b) > limit {
		return nil, errTooLarge
	}
	return b, err
}

// reason is an error of the file system in words.
func reason(err error) string {
	var p *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "the file does not exist"
	case errors.Is(err, fs.ErrPermission):
		return "the file may not be read"
	case escapes(err):
		return "the file lies outside the include root, or is a link that leaves it"
	case errors.As(err, &p):
		return p.Err.Error()
	}
	return err.Error()
}

// escapes tells whether os.Root refused a path.
func escapes(err error) bool {
	return errors.Is(err, fs.ErrInvalid) || strings.Contains(err.Error(), "escapes")
}
