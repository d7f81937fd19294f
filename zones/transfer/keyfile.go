package transfer

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// ParseKeyFile reads the key statements of a text as BIND writes them
// (tsig-keygen, named.conf):
//
//	key "NAME" { algorithm hmac-sha256; secret "BASE64"; };
//
// Other statements are passed over. file is for places. With an error among
// the findings the keys are not whole. No finding repeats a secret.
func ParseKeyFile(file, text string) ([]Key, []finding.Finding) {
	p := keyParser{file: file, text: strings.TrimPrefix(text, "\ufeff"), line: 1, column: 1}
	for p.next(); p.tok != ""; {
		if p.quoted || !strings.EqualFold(p.tok, "key") {
			p.skip()
			continue
		}
		p.key()
	}
	if len(p.keys) == 0 && len(p.finds) == 0 {
		p.fault(zones.Place{File: file}, "no key statement", `write key "NAME" { algorithm hmac-sha256; secret "…"; }; as tsig-keygen prints it`)
	}
	return p.keys, p.finds
}

type keyParser struct {
	file, text   string
	at           int // octet
	line, column int
	tok          string // "" at the end
	quoted       bool
	place        zones.Place // of tok
	keys         []Key
	finds        []finding.Finding
}

func (p *keyParser) fault(at zones.Place, found, mend string) {
	p.finds = append(p.finds, finding.Finding{ID: "X-KEY", Severity: finding.Error, At: at, Found: found, Mend: mend})
}

// advance steps over n octets.
func (p *keyParser) advance(n int) {
	for _, r := range p.text[p.at : p.at+n] {
		if p.column++; r == '\n' {
			p.line, p.column = p.line+1, 1
		}
	}
	p.at += n
}

// next reads a token: a word, a quoted text, or one of { } ;
func (p *keyParser) next() {
	for p.at < len(p.text) {
		rest := p.text[p.at:]
		switch {
		case strings.HasPrefix(rest, "//"), rest[0] == '#':
			if n := strings.IndexByte(rest, '\n'); n >= 0 {
				p.advance(n)
			} else {
				p.advance(len(rest))
			}
		case strings.HasPrefix(rest, "/*"):
			if n := strings.Index(rest, "*/"); n >= 0 {
				p.advance(n + 2)
			} else {
				p.advance(len(rest))
			}
		case strings.ContainsRune(" \t\r\n", rune(rest[0])):
			p.advance(1)
		default:
			p.token(rest)
			return
		}
	}
	p.tok, p.quoted = "", false
	p.place = zones.Place{File: p.file, Line: p.line, Column: p.column}
}

func (p *keyParser) token(rest string) {
	p.place = zones.Place{File: p.file, Line: p.line, Column: p.column}
	p.quoted = rest[0] == '"'
	switch {
	case p.quoted:
		n := strings.IndexByte(rest[1:], '"')
		if n < 0 {
			p.fault(p.place, "a quote that is not closed", `end the text with "`)
			p.tok, p.quoted = "", false
			p.advance(len(rest))
			return
		}
		p.tok = rest[1 : 1+n]
		p.advance(n + 2)
		if p.tok == "" {
			p.tok = " " // the empty token is the end; no name or secret is a blank
		}
	case strings.ContainsRune("{};", rune(rest[0])):
		p.tok = rest[:1]
		p.advance(1)
	default:
		n := strings.IndexAny(rest, " \t\r\n{};\"#")
		if n < 0 {
			n = len(rest)
		}
		if i := strings.Index(rest[:n], "/*"); i > 0 {
			n = i
		}
		_, first := utf8.DecodeRuneInString(rest)
		n = max(n, first)
		p.tok = rest[:n]
		p.advance(n)
	}
}

func (p *keyParser) is(s string) bool { return !p.quoted && p.tok == s }

// skip steps over a statement with its braces, to after its semicolon.
func (p *keyParser) skip() {
	for depth := 0; p.tok != ""; p.next() {
		switch {
		case p.is("{"):
			depth++
		case p.is("}"):
			depth = max(depth-1, 0)
		case p.is(";") && depth == 0:
			p.next()
			return
		}
	}
}

// key reads a key statement, from its word.
func (p *keyParser) key() {
	at := p.place
	p.next()
	name := p.tok
	if p.next(); !p.is("{") {
		p.fault(at, "a key statement without a block", `write key "NAME" { algorithm hmac-sha256; secret "…"; };`)
		p.skip()
		return
	}
	var algorithm, secret string
	for p.next(); !p.is("}"); p.next() {
		word, where := strings.ToLower(p.tok), p.place
		if word == "" {
			p.fault(at, "a key statement that is not closed", "end it with };")
			return
		}
		p.next()
		value := p.tok
		switch word {
		case "algorithm":
			algorithm = value
		case "secret":
			secret = value
		default:
			p.fault(where, "a key has an algorithm and a secret, and nothing else", "remove the rest")
		}
		if p.next(); !p.is(";") {
			p.fault(p.place, "a semicolon is missing", "end the line before with ;")
			p.skip()
			return
		}
	}
	p.skip()
	switch k, err := makeKey(name, algorithm, secret); {
	case algorithm == "" || secret == "":
		p.fault(at, "a key without algorithm or secret", `write key "NAME" { algorithm hmac-sha256; secret "…"; };`)
	case err != nil:
		p.fault(at, err.Error(), "")
	default:
		if k.Weak() {
			p.finds = append(p.finds, finding.Finding{
				ID: "X-KEY", Severity: finding.Warning, At: at,
				Found: fmt.Sprintf("the secret of %s has %d octets and can be guessed", k.Name.Text(), len(k.secret)), Mend: "make a new key: tsig-keygen -a hmac-sha256 NAME",
			})
		}
		p.keys = append(p.keys, k)
	}
}
