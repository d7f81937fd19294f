package workspace

import (
	"slices"
	"strings"

	"github.com/goccy/go-yaml/token"

	"gialai.gov.vn/hopnhat/zones/finding"
)

// slips mends a copy of the lines so that reading can go on after an error.
// Each mend keeps lines and columns where they were.
type slips struct {
	p      *parsed
	lines  []string
	warned bool
}

// meaning lists the characters that mean something to YAML at the head of a
// value, and never to us; standIns are characters of private use that take
// their place while the file is read (readText refuses files that hold them).
const meaning = "*&!@`%?"

var standIns = []rune("\ue000\ue001\ue002\ue003\ue004\ue005\ue006")

// original puts back what standIn took away.
func original(s string) string {
	if !strings.ContainsRune(s, '\ue000') && !strings.ContainsAny(s, string(standIns)) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if i := slices.Index(standIns, r); i >= 0 {
			return rune(meaning[i])
		}
		return r
	}, s)
}

// standIn reports values that begin with a character of meaning and mends the
// lines; it tells whether there were any.
func (s *slips) standIn(toks token.Tokens) bool {
	any := false
	for _, t := range toks {
		if s.p.tooMany() {
			break
		}
		switch t.Type {
		case token.AliasType, token.AnchorType, token.TagType, token.MappingKeyType, token.DirectiveType:
		case token.InvalidType:
			if !strings.Contains(t.Error, "reserved character") {
				continue
			}
		default:
			continue
		}
		l := t.Position.Line - 1
		if l < 0 || l >= len(s.lines) {
			continue
		}
		line := []rune(s.lines[l])
		c := t.Position.Column - 1
		if c < 0 || c >= len(line) {
			continue
		}
		i := strings.IndexRune(meaning, line[c])
		if i < 0 {
			continue
		}
		value := plain(line[c:], t)
		s.p.report(s.p.finding("W-YAML", l+1, c+1, bareFound(meaning[i]), bareMend(meaning[i], value)))
		line[c] = standIns[i]
		s.lines[l] = string(line)
		any = true
	}
	return any
}

func bareFound(c byte) string {
	switch c {
	case '*':
		return "a value that begins with * outside quotes (YAML takes it for a reference)"
	case '@':
		return "a value that begins with @ outside quotes (YAML keeps @ to itself)"
	case '?':
		return "a ? before a key, which is not used here"
	}
	return "a value that begins with " + string(c) + " outside quotes, which means something else to YAML"
}

func bareMend(c byte, value string) string {
	switch {
	case c == '@' && value == "@":
		return "names are written in full: the zone's own name in place of @"
	case c == '@':
		return "names are written in full, without @"
	case c == '?':
		return "write key: value"
	}
	return `write "` + strings.ReplaceAll(value, `"`, "") + `"`
}

// plain cuts the unquoted value at the head of rest: up to a comment, or in
// brackets up to a comma or the closing bracket.
func plain(rest []rune, t *token.Token) string {
	flow := 0
	for p := t.Prev; p != nil && p.Position.Line == t.Position.Line; p = p.Prev {
		switch p.Type {
		case token.MappingStartType, token.SequenceStartType:
			flow++
		case token.MappingEndType, token.SequenceEndType:
			flow--
		}
	}
	v := string(rest)
	if i := strings.Index(v, " #"); i >= 0 {
		v = v[:i]
	}
	if flow > 0 {
		if i := strings.IndexAny(v, ",]}"); i >= 0 {
			v = v[:i]
		}
	}
	return strings.TrimSpace(v)
}

// comments warns of a # that may have been meant as text: one space before
// it and none behind.
func (s *slips) comments(toks token.Tokens) {
	if s.warned {
		return
	}
	s.warned = true
	for _, t := range toks {
		l, c := t.Position.Line-1, t.Position.Column-1
		if t.Type != token.CommentType || l < 0 || l >= len(s.lines) {
			continue
		}
		line := []rune(s.lines[l])
		if c < 2 || c+1 >= len(line) || line[c] != '#' || line[c-1] != ' ' || line[c-2] == ' ' || line[c-2] == ':' || strings.ContainsRune(" #-=", line[c+1]) {
			continue
		}
		f := s.p.finding("W-YAML", l+1, c+1, "everything from # on is a comment", `put the value in quotes if the # belongs to it; else leave a space behind the #`)
		f.Severity = finding.Warning
		s.p.report(f)
	}
}

// explain reports a syntax error in words of this file and returns the line
// that is at fault, from 1; 0 where that is unknown.
func (s *slips) explain(err error, toks token.Tokens) int {
	msg, t := syntax(err)
	line, col := 0, 0
	if t != nil && t.Position != nil {
		line, col = min(t.Position.Line, len(s.lines)), t.Position.Column
	}
	found, mend := "this cannot be read: "+msg, "compare with the lines above and below"
	has := func(parts ...string) bool {
		return slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(msg, p) })
	}
	switch {
	case has("must be specified", "end token", "not found", "unexpected scalar value type"):
		if q := spanning(toks, line); q != nil {
			line, col = q.Position.Line, q.Position.Column
			found, mend = "quotes that go on to the next line", "put the closing quote at the end of the value"
		} else if o := unclosed(toks, t); o != nil {
			line, col = o.Position.Line, o.Position.Column
			found, mend = "a "+o.Value+" that is not closed", "add the closing bracket, or a comma that is missing in between"
			if c := commentOn(toks, line, col); c != nil {
				col = c.Position.Column
				found, mend = "the # begins a comment, so the closing bracket behind it is not read", "put the value that holds the # in quotes"
			}
		}
	case has("could not find end character"):
		found, mend = "quotes that are not closed", "put the closing quote at the end of the value"
	case has("could not find '"):
		found, mend = "a closing bracket without an opening one", "delete it, or put the value in quotes"
	case has("mapping value is not allowed"):
		found = "a second key and colon in one value, or a line indented unlike its neighbours"
		mend = `put a value that holds ": " in quotes; else indent the line like those above`
	case has("unexpected key name", "non-map value"):
		found, mend = "a line that is not of the form key: value", "write a space after the colon; a list's lines begin with a dash and a space"
	case has("block sequence entries"):
		found, mend = "a dash behind a key", "begin the list on the next line, or write [one, two]"
	case has("unknown escape"):
		col--
		found, mend = `a backslash within "..." that YAML does not know`, `use '...' in place of "...", or write \\`
	case has("invalid header"):
		found, mend = "a value that begins with > or | outside quotes", "put the value in quotes"
	case has("value is not allowed", "pre-defined"):
		found = "text that does not fit here: a line indented unlike its neighbours, or something behind the closing quote"
		mend = "indent the line like the lines of its list, or put the whole value in quotes"
	}
	line, col = s.inFile(line, col)
	s.p.report(s.p.finding("W-YAML", line, col, found, mend))
	return line
}

// inFile keeps a place that the foreign reader gave within the file.
func (s *slips) inFile(line, col int) (int, int) {
	if line < 1 || line > len(s.lines) {
		return 0, 0
	}
	return line, max(1, min(col, len([]rune(s.lines[line-1]))+1))
}

// spanning returns the last quoted value before or on a line that goes over
// a line's end.
func spanning(toks token.Tokens, line int) *token.Token {
	var last *token.Token
	for _, t := range toks {
		if (t.Type == token.DoubleQuoteType || t.Type == token.SingleQuoteType) && t.Position.Line <= line &&
			strings.Contains(strings.TrimSpace(t.Origin), "\n") {
			last = t
		}
	}
	return last
}

// unclosed returns the innermost bracket that is open at a token.
func unclosed(toks token.Tokens, at *token.Token) *token.Token {
	var open []*token.Token
	for _, t := range toks {
		if t == at && len(open) > 0 {
			break
		}
		switch t.Type {
		case token.MappingStartType, token.SequenceStartType:
			open = append(open, t)
		case token.MappingEndType, token.SequenceEndType:
			if len(open) > 0 {
				open = open[:len(open)-1]
			}
		}
	}
	if len(open) == 0 {
		return nil
	}
	return open[len(open)-1]
}

// commentOn returns a comment on a line behind a column, when it holds a
// closing bracket.
func commentOn(toks token.Tokens, line, col int) *token.Token {
	for _, t := range toks {
		if t.Type == token.CommentType && t.Position.Line == line && t.Position.Column > col && strings.ContainsAny(t.Value, "]}") {
			return t
		}
	}
	return nil
}

// leaveOut blanks the entry that holds a line, so that the others can be
// read, and notes that its section is damaged.
func (s *slips) leaveOut(line int) bool {
	at := line - 1
	if at < 0 {
		return false
	}
	indent := func(i int) int { return len(s.lines[i]) - len(strings.TrimLeft(s.lines[i], " ")) }
	blank := func(i int) bool {
		t := strings.TrimSpace(s.lines[i])
		return t == "" || t[0] == '#'
	}
	header := func(i int) bool { return !blank(i) && indent(i) == 0 && s.lines[i][0] != '-' }
	section := at
	for section > 0 && !header(section) {
		section--
	}
	key, _, _ := strings.Cut(original(s.lines[section]), ":")
	s.p.damaged[strings.TrimSpace(key)] = true
	from, to := at, at+1
	if header(at) {
		for to < len(s.lines) && !header(to) {
			to++
		}
	} else {
		child := min(section+1, at) // the first line may be no header
		for child < at && blank(child) {
			child++
		}
		depth := indent(child)
		dash := strings.HasPrefix(strings.TrimSpace(s.lines[at]), "- ")
		for !dash && from > section+1 && (blank(from) || indent(from) > depth) {
			from--
		}
		for to < len(s.lines) && (blank(to) || indent(to) > depth) {
			to++
		}
	}
	changed := false
	for i := from; i < to; i++ {
		changed = changed || s.lines[i] != ""
		s.lines[i] = ""
	}
	return changed
}
