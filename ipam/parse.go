package ipam

import (
	"fmt"
	"math/bits"
	"net/netip"
	"strconv"
	"strings"
)

// Origin is where a text was read: a file and, in it, a line and column or a
// sheet and cell. The zero Origin is "not from a file".
type Origin struct {
	File   string
	Sheet  string // of a spreadsheet, "" otherwise
	Cell   string // such as "B7", "" where lines are counted
	Line   int    // from 1; 0 where cells are counted
	Column int    // in characters, from 1; 0 is unknown
}

// IsZero tells whether the place is unknown.
func (o Origin) IsZero() bool { return o == Origin{} }

// String is "file:line:column" or "file:sheet!cell", as far as it is known.
func (o Origin) String() string {
	s := o.File
	switch {
	case o.Cell != "" && o.Sheet != "":
		s += ":" + o.Sheet + "!" + o.Cell
	case o.Cell != "":
		s += ":" + o.Cell
	case o.Line > 0:
		s += ":" + strconv.Itoa(o.Line)
		if o.Column > 0 {
			s += ":" + strconv.Itoa(o.Column)
		}
	}
	return s
}

// ParseError says what a text holds that it should not, and what to write.
type ParseError struct {
	At    Origin       // set by who knows the place
	Text  string       // as it was found
	Found string       // what is wrong, without a full stop
	Mend  string       // what to do, without a full stop
	Offer netip.Prefix // the prefix probably meant; invalid when there is none
}

// Error is "place: "text": found; mend".
func (e *ParseError) Error() string {
	s := fmt.Sprintf("%s: %s; %s", strconv.Quote(shorten(e.Text)), e.Found, e.Mend)
	if !e.At.IsZero() {
		s = e.At.String() + ": " + s
	}
	return s
}

// shorten keeps a message readable when a cell holds a novel.
func shorten(s string) string {
	const most = 80
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

func fault(text, mend, found string, args ...any) error {
	return &ParseError{Text: text, Found: fmt.Sprintf(found, args...), Mend: mend}
}

// checkAddr refuses what may not stand in a block.
func checkAddr(a netip.Addr) error {
	switch {
	case !a.IsValid():
		return fault("", "write an address such as 10.1.2.3 or 2001:db8::1", "no address")
	case a.Zone() != "":
		return fault(a.String(), "write "+a.WithZone("").String(), "an address with a zone, which means something on one machine only")
	case a.Is4In6():
		return fault(a.String(), "write "+a.Unmap().String(), "an IPv4 address in IPv6 clothes: the book would hold it twice")
	}
	return nil
}

// ParseAddr reads an IPv4 address in four decimal parts, or an IPv6 address in
// any spelling of RFC 4291, section 2.2. Leading zeros of IPv4, zones and
// IPv4-mapped addresses are refused. The error is a *ParseError.
func ParseAddr(text string) (netip.Addr, error) {
	s := strings.TrimSpace(text)
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}, whyNoAddr(text, s)
	}
	if err := checkAddr(a); err != nil {
		err.(*ParseError).Text = text
		return netip.Addr{}, err
	}
	return a, nil
}

// whyNoAddr finds the reason that helps most.
func whyNoAddr(text, s string) error {
	const write = "write an address such as 10.1.2.3 or 2001:db8::1"
	switch parts := strings.Split(s, "."); {
	case s == "":
		return fault(text, write, "nothing is written")
	case strings.Contains(s, ":"):
		if host, _, ok := strings.Cut(s, "]"); ok && strings.HasPrefix(host, "[") {
			return fault(text, "write "+host[1:], "an IPv6 address in brackets")
		}
		return fault(text, "write up to eight groups of one to four hexadecimal digits, at most one \"::\", as in 2001:db8::1", "no IPv6 address")
	case len(parts) == 1 && isDigits(s) && len(s) >= 7:
		return fault(text, "set the cell to text and type the address again, with its dots", "a number: a spreadsheet drops the dots of an address that looks like thousands")
	case len(parts) != 4:
		return fault(text, write, "no address: %d parts where IPv4 has 4", len(parts))
	default:
		for _, p := range parts {
			n, err := strconv.Atoi(p)
			switch {
			case !isDigits(p):
				return fault(text, write, "no address: %q is no number", shorten(p))
			case len(p) > 1 && p[0] == '0':
				return fault(text, "write "+strings.TrimLeft(p[:len(p)-1], "0")+p[len(p)-1:]+" if it is decimal", "%q has a leading zero, which some programs read as octal: it could be two addresses", shorten(p))
			case err != nil || n > 255:
				return fault(text, "write numbers from 0 to 255", "%s is above 255", shorten(p))
			}
		}
	}
	return fault(text, write, "no address")
}

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// ParsePrefix reads "10.1.2.0/24", "10.1.2.0 255.255.255.0",
// "10.1.2.0/255.255.255.0" and "2001:DB8:0::/48", in any spelling that
// ParseAddr reads. Host bits that are set are refused, with the masked prefix
// in the error's Offer. The error is a *ParseError.
func ParsePrefix(text string) (netip.Prefix, error) {
	s := strings.TrimSpace(text)
	addr, length, ok := strings.Cut(s, "/")
	if !ok {
		if f := strings.Fields(s); len(f) == 2 {
			addr, length, ok = f[0], f[1], true
		}
	}
	if !ok {
		a, err := ParseAddr(s)
		if err != nil {
			return netip.Prefix{}, atText(err, text)
		}
		p := netip.PrefixFrom(a, a.BitLen())
		return netip.Prefix{}, &ParseError{Text: text, Found: "an address without a length", Mend: "write " + p.String() + " for this address alone, or the length of its network", Offer: p}
	}
	a, err := ParseAddr(addr)
	if err != nil {
		return netip.Prefix{}, atText(err, text)
	}
	n, err := parseLength(text, strings.TrimSpace(length), a)
	if err != nil {
		return netip.Prefix{}, err
	}
	p := netip.PrefixFrom(a, n)
	if m := p.Masked(); m != p {
		return netip.Prefix{}, &ParseError{Text: text, Found: fmt.Sprintf("%v is an address inside the network, not its start", a), Mend: "write " + m.String() + " for the network", Offer: m}
	}
	return p, nil
}

// atText makes an error show the whole text.
func atText(err error, text string) error {
	if pe, ok := err.(*ParseError); ok {
		pe.Text = text
	}
	return err
}

// parseLength reads the part behind the address: a length, or a mask of IPv4.
func parseLength(text, s string, a netip.Addr) (int, error) {
	if a.Is4() && strings.Contains(s, ".") {
		return parseMask(text, s)
	}
	width := a.BitLen()
	n, err := strconv.Atoi(s)
	switch {
	case !isDigits(s):
		return 0, fault(text, fmt.Sprintf("write /0 to /%d", width), "%q is no prefix length", shorten(s))
	case len(s) > 1 && s[0] == '0':
		return 0, fault(text, "write the length without it", "the length %q has a leading zero", shorten(s))
	case err != nil || n > width:
		return 0, fault(text, fmt.Sprintf("write /0 to /%d", width), "/%s is longer than an address", shorten(s))
	}
	return n, nil
}

func parseMask(text, s string) (int, error) {
	m, err := netip.ParseAddr(s)
	if err != nil || !m.Is4() {
		return 0, fault(text, "write a mask such as 255.255.255.0, or a length such as /24", "%q is no network mask", shorten(s))
	}
	u := uint32(toNumber(m).lo)
	n := bits.LeadingZeros32(^u)
	if u == ^uint32(0)<<(32-n) {
		return n, nil
	}
	if u&(u+1) == 0 { // ones at the low end only
		w := bits.LeadingZeros32(u)
		return 0, fault(text, fmt.Sprintf("write /%d if that is meant", w), "%s is an inverse mask, as access lists have it", s)
	}
	return 0, fault(text, "write a mask such as 255.255.255.0, or a length such as /24", "%s is no network mask: its ones do not stand together at the front", s)
}

// ParseBlock reads what ParsePrefix reads, a plain address, and ranges:
// "10.1.2.10-10.1.2.20", "10.1.2.10 - 20" (the last part alone) and
// "2001:db8::1-2001:db8::f"; an en dash is a hyphen. The error is a *ParseError.
func ParseBlock(text string) (Block, error) {
	s := strings.TrimSpace(strings.ReplaceAll(text, "–", "-"))
	if from, to, ok := strings.Cut(s, "-"); ok {
		first, err := ParseAddr(from)
		if err != nil {
			return Block{}, atText(err, text)
		}
		to = strings.TrimSpace(to)
		if first.Is4() && isDigits(to) {
			head := first.String()
			to = head[:strings.LastIndexByte(head, '.')+1] + to
		}
		last, err := ParseAddr(to)
		if err != nil {
			return Block{}, atText(err, text)
		}
		b, err := NewBlock(first, last)
		return b, atText(err, text)
	}
	if !strings.ContainsAny(s, "/ \t") {
		a, err := ParseAddr(s)
		return BlockOfAddr(a), atText(err, text)
	}
	p, err := ParsePrefix(s)
	return BlockOf(p), atText(err, text)
}
