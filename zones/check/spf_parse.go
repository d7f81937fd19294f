package check

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// term is a mechanism or modifier of an SPF record that makes a look-up.
type term struct {
	text string // as it is written
	name string // a, mx, ptr, include, exists, redirect
	spec string // the domain-spec; "" where it is left out
}

// isSPF tells whether a text is an SPF record (RFC 7208 4.5).
func isSPF(text string) bool {
	return len(text) >= 6 && strings.EqualFold(text[:6], "v=spf1") && (len(text) == 6 || text[6] == ' ')
}

// parseSPF reads an SPF record (RFC 7208 12) and returns the terms that make
// look-ups when no earlier one matches. The error names the first term that
// breaks the grammar, which makes the result permerror (RFC 7208 4.6).
func parseSPF(text string) ([]term, error) {
	var out []term
	var redirect *term
	seen := map[string]bool{}
	all := false
	for _, w := range strings.Split(text[6:], " ") {
		if w == "" {
			continue
		}
		i := 0
		for i < len(w) && (letter(w[i]) || i > 0 && (digit(w[i]) || strings.IndexByte("-_.", w[i]) >= 0)) {
			i++
		}
		if i > 0 && i < len(w) && w[i] == '=' { // a modifier (RFC 7208 6)
			name, spec := strings.ToLower(w[:i]), w[i+1:]
			if name == "redirect" || name == "exp" {
				if seen[name] {
					return nil, fmt.Errorf("%s= stands twice (RFC 7208 6)", name)
				}
				seen[name] = true
				if err := domainSpec(spec); err != nil {
					return nil, fmt.Errorf("%s: %w", clip(w), err)
				}
				if name == "redirect" {
					redirect = &term{w, name, spec}
				}
			} else if _, err := macroString(spec); err != nil {
				return nil, fmt.Errorf("%s: %w", clip(w), err)
			}
			continue
		}
		t, err := mechanism(w)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", clip(w), err)
		}
		switch {
		case t.name == "all":
			all = true
		case t.name != "" && !all: // what stands behind "all" is never asked (RFC 7208 5.1)
			out = append(out, t)
		}
	}
	if redirect != nil && !all { // RFC 7208 6.1
		out = append(out, *redirect)
	}
	return out, nil
}

// mechanism reads one (RFC 7208 5). One that makes no look-up has no name, but
// for "all".
func mechanism(w string) (term, error) {
	body := w
	if strings.IndexByte("+-?~", w[0]) >= 0 {
		body = w[1:]
	}
	end := strings.IndexAny(body, ":/")
	if end < 0 {
		end = len(body)
	}
	name, rest := strings.ToLower(body[:end]), body[end:]
	t := term{text: w, name: name}
	switch name {
	case "all":
		if rest != "" {
			return t, fmt.Errorf("all takes nothing")
		}
		return t, nil
	case "ip4", "ip6":
		return term{}, network(name, rest)
	case "include", "exists":
		if !strings.HasPrefix(rest, ":") {
			return t, fmt.Errorf("%s needs a domain", name)
		}
		t.spec = rest[1:]
		return t, domainSpec(t.spec)
	case "a", "mx", "ptr":
		if name != "ptr" {
			var ok bool
			if rest, ok = cutCIDR(rest); !ok {
				return t, fmt.Errorf("a prefix length is /0 to /32, or //0 to //128")
			}
		}
		if rest == "" {
			return t, nil
		}
		if rest[0] != ':' {
			return t, fmt.Errorf("a colon and a domain, or nothing, was expected")
		}
		t.spec = rest[1:]
		return t, domainSpec(t.spec)
	}
	return t, fmt.Errorf("no mechanism of this name is known (RFC 7208 4.6.2)")
}

// cutCIDR takes the dual-cidr-length from the end (RFC 7208 5.6); other slashes
// belong to the domain-spec.
func cutCIDR(s string) (rest string, ok bool) {
	ok = true
	for _, l := range []struct {
		mark string
		most int
	}{{"//", 128}, {"/", 32}} {
		if i := strings.LastIndex(s, l.mark); i >= 0 {
			if n := s[i+len(l.mark):]; n != "" && strings.Trim(n, "0123456789") == "" {
				ok = ok && prefix(n, l.most)
				s = s[:i]
			}
		}
	}
	return s, ok
}

// prefix reads a prefix length without leading zeros.
func prefix(s string, most int) bool {
	n, err := strconv.Atoi(s)
	return err == nil && n >= 0 && n <= most && strconv.Itoa(n) == s
}

func network(name, rest string) error {
	text, ok := strings.CutPrefix(rest, ":")
	addr, length, cut := strings.Cut(text, "/")
	a, err := netip.ParseAddr(addr)
	switch {
	case !ok || err != nil || a.Zone() != "" || a.Is4() != (name == "ip4"):
		return fmt.Errorf("an address of its kind must follow %s:, as in %s:%s", name, name, map[string]string{"ip4": "192.0.2.0/24", "ip6": "2001:db8::/32"}[name])
	case cut && !prefix(length, a.BitLen()):
		return fmt.Errorf("no prefix length from 0 to %d", a.BitLen())
	}
	return nil
}

// domainSpec checks a domain-spec: a macro-string that ends in a macro or in a
// dot and a top label (RFC 7208 7.1).
func domainSpec(s string) error {
	if s == "" {
		return fmt.Errorf("the domain is missing")
	}
	if last, err := macroString(s); err != nil || last == len(s) {
		return err
	}
	head := strings.TrimSuffix(s, ".")
	dot := strings.LastIndexByte(head, '.')
	top := head[dot+1:]
	if dot < 0 || top == "" {
		return fmt.Errorf("a domain of two labels or more was expected")
	}
	digits := true
	for i := range len(top) {
		if !letter(top[i]) && !digit(top[i]) && (top[i] != '-' || i == 0 || i == len(top)-1) {
			return fmt.Errorf("the last label is none of a domain")
		}
		digits = digits && digit(top[i])
	}
	if digits {
		return fmt.Errorf("an address stands where a domain was expected; ip4: takes addresses")
	}
	return nil
}

// macroString checks a macro-string (RFC 7208 7.1) and tells where its last macro
// ends; 0 for none.
func macroString(s string) (last int, err error) {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c <= ' ' || c > '~':
			return 0, fmt.Errorf("a character that is not printable ASCII")
		case c != '%':
			continue
		}
		i++
		if i < len(s) && strings.IndexByte("%_-", s[i]) >= 0 {
			last = i + 1
			continue
		}
		end := strings.IndexByte(s[i:], '}')
		if i >= len(s) || s[i] != '{' || end < 0 {
			return 0, fmt.Errorf("a %% that begins no macro (RFC 7208 7.1)")
		}
		m := s[i+1 : i+end]
		i += end
		last = i + 1
		if m == "" || strings.IndexByte("slodiphcrtv", m[0]|0x20) < 0 {
			return 0, fmt.Errorf("an unknown macro letter")
		}
		m = m[1:]
		n := 0
		for n < len(m) && digit(m[n]) {
			n++
		}
		if n > 0 && strings.Trim(m[:n], "0") == "" {
			return 0, fmt.Errorf("a macro that keeps no label")
		}
		m = strings.TrimPrefix(strings.TrimPrefix(m[n:], "r"), "R")
		if strings.Trim(m, ".-+,/_=") != "" {
			return 0, fmt.Errorf("an unknown transformation in a macro")
		}
	}
	return last, nil
}

// expand puts the domain in place of %{d}; false where another macro is left,
// which only a message tells.
func expand(spec, domain string) (string, bool) {
	for _, m := range []string{"%{d}", "%{D}"} {
		spec = strings.ReplaceAll(spec, m, domain)
	}
	return spec, !strings.Contains(spec, "%")
}

func letter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
func digit(c byte) bool  { return '0' <= c && c <= '9' }

// clip quotes what a file said, so that it can be shown.
func clip(s string) string {
	if len(s) > 60 {
		return strconv.Quote(s[:60]) + "…"
	}
	return strconv.Quote(s)
}
