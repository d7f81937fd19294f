package zonefile

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// slowEntry is an entry as the twin of the tokenizer sees it.
type slowEntry struct {
	start, end int
	words      []string // quotes included
	fault      lexFault
	depth      int // parentheses open at its end
}

// slowLex is the tokenizer written octet by octet, without recovery: it stops
// where a parenthesis is never closed.
func slowLex(b []byte) (out []slowEntry) {
	pos := 0
	for pos < len(b) {
		e := slowEntry{start: pos}
		if pos == 0 && strings.HasPrefix(string(b), byteOrderMark) {
			pos = 3
		}
		word, inWord, inQuote, inComment, escaped := "", false, false, false, false
		end := func() {
			if inWord {
				e.words = append(e.words, word)
			}
			word, inWord = "", false
		}
		fail := func(f lexFault) {
			if e.fault == lexFine {
				e.fault = f
			}
		}
		for pos < len(b) {
			c := b[pos]
			pos++
			if c == '\n' {
				if inQuote {
					fail(lexQuote)
					word, inWord, inQuote = "", false, false
				}
				end()
				inComment, escaped = false, false
				if e.depth == 0 {
					break
				}
				continue
			}
			switch {
			case inComment:
			case inQuote:
				word += string([]byte{c})
				if escaped {
					escaped = false
				} else if c == '\\' {
					escaped = true
				} else if c == '"' {
					inQuote = false
					end()
				}
			case escaped:
				escaped = false
				if c == '\r' { // no escape reaches over a line end
					end()
					if pos < len(b) && b[pos] != '\n' {
						fail(lexCR)
					}
					continue
				}
				word += string([]byte{c})
			case c == ' ' || c == '\t':
				end()
			case c == '\r':
				end()
				if pos < len(b) && b[pos] != '\n' {
					fail(lexCR)
				}
			case c == ';':
				end()
				inComment = true
			case c == '"':
				end()
				word, inWord, inQuote = `"`, true, true
			case c == '(':
				end()
				e.depth++
			case c == ')':
				end()
				if e.depth == 0 {
					fail(lexClose)
				} else {
					e.depth--
				}
			default:
				word, inWord = word+string([]byte{c}), true
				escaped = c == '\\'
			}
		}
		if inQuote {
			fail(lexQuote)
		} else {
			end()
		}
		e.end = pos
		out = append(out, e)
	}
	return out
}

// FuzzTokenize: the tokenizer agrees with its slow twin up to the first
// parenthesis that is never closed; its entries cover the file in any case.
func FuzzTokenize(f *testing.F) {
	for _, c := range loadTests {
		f.Add([]byte(c.in))
	}
	for _, s := range []string{"\\", "\"\\", "\"\\\"", "a\\\r\nb", "a\\\rb", "(\n(\n)\n)\n", ")", byteOrderMark + "(", "a\"b\"c;d", "a(b)c\r", "(\"\n)", "\r\r\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := sameTokens(b); err != nil {
			t.Error(err)
		}
	})
}

func sameTokens(b []byte) error {
	slow := slowLex(b)
	x := newLexer(b)
	at, line, agree := 0, 1, true
	for e := (lexed{}); x.next(&e); {
		if int(e.start) != at || e.end <= e.start || int(e.line) != line {
			return fmt.Errorf("entry [%d,%d) of line %d follows octet %d, line %d", e.start, e.end, e.line, at, line)
		}
		at = int(e.end)
		line += bytes.Count(b[e.start:e.end], []byte("\n"))
		if !agree || len(slow) == 0 {
			continue
		}
		s := slow[0]
		slow = slow[1:]
		if s.depth > 0 {
			agree = false
			if e.fault != lexOpen && e.fault != lexQuote {
				return fmt.Errorf("an open parenthesis gave fault %d", e.fault)
			}
			continue
		}
		var words []string
		for _, tok := range e.toks {
			words = append(words, string(b[tok.from():tok.to()]))
			if n := 1 + bytes.Count(b[:tok.from()], []byte("\n")); int(tok.line) != n {
				return fmt.Errorf("a word of line %d says %d", n, tok.line)
			}
		}
		if s.end != int(e.end) || s.fault != e.fault || fmt.Sprintf("%q", words) != fmt.Sprintf("%q", s.words) {
			return fmt.Errorf("entry %d-%d fault %d %q, the twin has %d-%d fault %d %q", e.start, e.end, e.fault, words, s.start, s.end, s.fault, s.words)
		}
	}
	if at != len(b) {
		return fmt.Errorf("the entries end at %d of %d", at, len(b))
	}
	return nil
}

// TestTokenizeAllocations: no allocation per entry or word; the one is the
// list of words of an entry.
func TestTokenizeAllocations(t *testing.T) {
	text := []byte(bigZone(1000))
	if n := testing.AllocsPerRun(5, func() {
		x := newLexer(text)
		for e := (lexed{}); x.next(&e); {
		}
	}); n > 2 {
		t.Errorf("%v allocations", n)
	}
}
