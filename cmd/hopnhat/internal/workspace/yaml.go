package workspace

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"gialai.gov.vn/hopnhat/zones/finding"
)

// Bounds of the YAML reader: how deep values nest, and how many syntax errors
// are reported in one run.
const (
	maxDepth  = 16
	maxRounds = 20
	maxFinds  = 200    // of one file
	maxLines  = 20_000 // the foreign reader takes time by the square of a mapping's keys
)

type kind uint8

const (
	empty kind = iota // a key without a value
	scalar
	list
	mapping_
)

// node is one value of the file and where it stands. Scalars keep their text
// as written: no YAML type is guessed, so 010, no and 1.10 stay what they are.
type node struct {
	kind      kind
	line, col int
	text      string
	quoted    bool
	keys      []*node // of a mapping, beside vals
	vals      []*node
	items     []*node
}

// parsed is a file read as YAML.
type parsed struct {
	text
	root    *node
	finds   []finding.Finding
	damaged map[string]bool // top-level keys of which an entry could not be read
}

// parse reads YAML without anchors, aliases, tags and several documents. All
// syntax errors are reported: what cannot be read is left out, entry by
// entry, and the rest is read again.
func parse(file string, data []byte) *parsed {
	t, fs := readText(file, data)
	p := &parsed{text: t, finds: fs, damaged: map[string]bool{}}
	if t.lines == nil || p.badIndent() {
		return p
	}
	if n := len(t.lines); n > maxLines {
		p.report(p.finding("W-LIMIT", maxLines+1, 1, fmt.Sprintf("a file of %d lines, more than %d", n, maxLines), "keep what people decide here, and data in sheets and zone files"))
		return p
	}
	s := &slips{p: p, lines: append([]string(nil), t.lines...)}
	for range maxRounds {
		toks, err := tokenize(strings.Join(s.lines, "\n"))
		if err != nil {
			s.explain(err, nil)
			return p
		}
		if s.standIn(toks) {
			if p.tooMany() {
				return p
			}
			continue
		}
		if t := tooDeep(toks); t != nil {
			p.report(p.finding("W-YAML", t.Position.Line, t.Position.Column, "brackets or dashes nested too deep", "close those before, or write the lists out"))
			return p
		}
		s.comments(toks)
		f, err := build(toks)
		if err == nil {
			p.take(f)
			return p
		}
		if !s.leaveOut(s.explain(err, toks)) {
			return p
		}
	}
	return p
}

// tooMany tells whether no more findings are listed.
func (p *parsed) tooMany() bool { return len(p.finds) >= maxFinds }

// report adds a finding, within bounds.
func (p *parsed) report(f finding.Finding) {
	switch {
	case len(p.finds) < maxFinds:
		p.finds = append(p.finds, f)
	case len(p.finds) == maxFinds:
		p.finds = append(p.finds, p.finding("W-LIMIT", 0, 0, "more than "+fmt.Sprint(maxFinds)+" findings; the others are not listed", "mend those and read the file again"))
	}
}

// tokenize and build keep a panic of the foreign reader from ending the
// program: to a person it is one more file that cannot be read.
func tokenize(s string) (toks token.Tokens, err error) {
	defer func() {
		if recover() != nil {
			toks, err = nil, errReader
		}
	}()
	return lexer.Tokenize(s), nil
}

var errReader = errors.New("the YAML reader cannot cope with it")

func build(toks token.Tokens) (f *ast.File, err error) {
	defer func() {
		if recover() != nil {
			f, err = nil, errReader
		}
	}()
	return parser.Parse(toks, 0, parser.AllowDuplicateMapKey())
}

// tooDeep returns the token at which values nest deeper than any file of ours.
func tooDeep(toks token.Tokens) *token.Token {
	flow, dashes := 0, 0
	for _, t := range toks {
		switch t.Type {
		case token.MappingStartType, token.SequenceStartType:
			flow++
		case token.MappingEndType, token.SequenceEndType:
			flow--
		}
		switch {
		case t.Type != token.SequenceEntryType:
			dashes = 0
		case t.Prev == nil || t.Prev.Position.Line != t.Position.Line:
			dashes = 1
		default:
			dashes++
		}
		if flow > maxDepth || dashes > maxDepth {
			return t
		}
	}
	return nil
}

// badIndent reports lines that are indented by something else than spaces.
func (p *parsed) badIndent() bool {
	for _, c := range []struct{ char, found, mend string }{
		{"\t", "a tab as indentation", "use spaces; this line and others like it"},
		{"\u00a0", "a no-break space as indentation, as Word and web pages have it", "use spaces of the space bar"},
	} {
		at := -1
		n := 0
		for i, l := range p.lines {
			rest := strings.TrimLeft(l, " \t\u00a0")
			if rest == "" || rest[0] == '#' || !strings.Contains(l[:len(l)-len(rest)], c.char) {
				continue
			}
			if n++; at < 0 {
				at = i
			}
		}
		if n > 0 {
			f := p.finding("W-YAML", at+1, len([]rune(p.lines[at][:strings.Index(p.lines[at], c.char)]))+1, c.found, c.mend)
			f.Count = n
			p.report(f)
			return true
		}
	}
	return false
}

// take turns the foreign tree into nodes.
func (p *parsed) take(f *ast.File) {
	for _, d := range f.Docs {
		switch {
		case d.Body == nil:
		case p.root == nil:
			p.root = p.node(d.Body)
		default:
			n := p.node(d.Body)
			p.report(p.finding("W-YAML", n.line, n.col, "a second document in the file", "delete the line --- above it"))
			return
		}
	}
}

func (p *parsed) node(a ast.Node) *node {
	t := a.GetToken()
	n := &node{line: t.Position.Line, col: t.Position.Column}
	switch a := a.(type) {
	case *ast.MappingNode:
		n.kind = mapping_
		for _, v := range a.Values {
			p.pair(n, v)
		}
		if !a.IsFlowStyle && len(n.keys) > 0 {
			n.line, n.col = n.keys[0].line, n.keys[0].col
		}
	case *ast.MappingValueNode:
		n.kind = mapping_
		p.pair(n, a)
		n.line, n.col = n.keys[0].line, n.keys[0].col
	case *ast.SequenceNode:
		n.kind = list
		for _, v := range a.Values {
			n.items = append(n.items, p.node(v))
		}
	case *ast.NullNode:
		if t.Type != token.ImplicitNullType {
			n.kind, n.text = scalar, t.Value
		} else if n.line >= 1 && n.line <= len(p.lines) { // it stands behind what lacks it
			n.col = max(1, min(n.col, utf8.RuneCountInString(p.lines[n.line-1])))
		}
	case *ast.LiteralNode:
		n.kind, n.quoted, n.text = scalar, true, strings.TrimSpace(original(a.Value.Value))
	case *ast.StringNode:
		n.kind, n.text = scalar, original(a.Value)
		n.quoted = t.Type == token.SingleQuoteType || t.Type == token.DoubleQuoteType
	case ast.ScalarNode:
		n.kind, n.text = scalar, original(t.Value)
	default:
		p.report(p.finding("W-YAML", n.line, n.col, fmt.Sprintf("a YAML %s, which is not used here", a.Type().YAMLName()), "write the value out"))
		n.kind, n.text = scalar, original(t.Value)
	}
	return n
}

func (p *parsed) pair(n *node, v *ast.MappingValueNode) {
	if v.Key == nil || v.Value == nil {
		return
	}
	k := p.node(v.Key)
	val := p.node(v.Value)
	if val.kind == empty {
		val.line, val.col = k.line, k.col
	}
	n.keys, n.vals = append(n.keys, k), append(n.vals, val)
}

// syntax returns the foreign reader's message and the token it stopped at.
func syntax(err error) (string, *token.Token) {
	var s *yaml.SyntaxError
	if errors.As(err, &s) {
		return s.Message, s.Token
	}
	var n *yaml.UnexpectedNodeTypeError
	if errors.As(err, &n) {
		return "unexpected " + n.Actual.YAMLName(), n.Token
	}
	return err.Error(), nil
}
