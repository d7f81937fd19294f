package rdata

import (
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"gialai.gov.vn/hopnhat/zones"
)

// Append parses the RDATA fields of type t and appends the wire form. Names
// are relative to origin (a zero origin refuses relative ones) and come out
// in lower case. `\# LENGTH HEX` (RFC 3597 5) is read for every type, and
// checked for known ones. Errors are *FieldError; dst is returned as it was.
func Append(dst []byte, t zones.Type, fields []Field, origin zones.Name) ([]byte, error) {
	if len(fields) > 0 && !fields[0].Quoted && string(fields[0].Text) == `\#` {
		return appendGeneric(dst, t, fields)
	}
	layout, known := table[t]
	if !known {
		if rare(t) {
			return appendRare(dst, t, fields, origin)
		}
		return dst, &FieldError{0, fmt.Sprintf("the type %v has no text form here", t), `write \# LENGTH HEX (RFC 3597)`}
	}
	p := parser{out: dst, fields: fields, origin: origin}
	for _, f := range layout {
		if err := p.field(f.kind); err != nil {
			return dst, err
		}
	}
	if p.i < len(fields) {
		return dst, &FieldError{p.i, fmt.Sprintf("%s after the end of the %v data", clip(fields[p.i].Text), t), "take it away, or put quotes around a text with blanks"}
	}
	if len(p.out)-len(dst) > 0xffff {
		return dst, &FieldError{0, "more than 65535 octets of data", "shorten it"}
	}
	return p.out, nil
}

func appendGeneric(dst []byte, t zones.Type, fields []Field) ([]byte, error) {
	if len(fields) < 2 {
		return dst, &FieldError{1, `\# without a length`, `write \# LENGTH HEX`}
	}
	n, err := strconv.ParseUint(string(fields[1].Text), 10, 16)
	if err != nil {
		return dst, &FieldError{1, clip(fields[1].Text) + " is not a length in octets", `write \# LENGTH HEX`}
	}
	start := len(dst)
	var digits []byte
	for _, f := range fields[2:] {
		digits = append(digits, f.Text...)
	}
	out, err := hex.AppendDecode(dst, digits)
	if err != nil {
		return dst, &FieldError{2, "not hexadecimal: " + clip(digits), "write two digits 0-9 a-f for each octet"}
	}
	if uint64(len(out)-start) != n {
		return dst, &FieldError{1, fmt.Sprintf("the length says %d octets, the data has %d", n, len(out)-start), "make them agree"}
	}
	if _, known := table[t]; !known && !rare(t) {
		return out, nil
	}
	folded, err := Canonical(t, out[start:])
	if err != nil {
		return dst, &FieldError{2, fmt.Sprintf("the octets are no %v data", t), "check them, or write the type's own form"}
	}
	return append(dst, folded...), nil
}

// parser walks the fields of one record.
type parser struct {
	out    []byte
	fields []Field
	i      int
	origin zones.Name
}

func (p *parser) bad(found, mend string) error { return &FieldError{p.i, found, mend} }

// next takes a field; what names it in the error when it is missing.
func (p *parser) next(what string) (Field, error) {
	if p.i >= len(p.fields) {
		return Field{}, p.bad("the data ends where "+what+" should stand", "add it")
	}
	return p.fields[p.i], nil
}

func (p *parser) number(bits int, what string) error {
	f, err := p.next(what)
	if err != nil {
		return err
	}
	v, perr := strconv.ParseUint(string(f.Text), 10, bits)
	if perr != nil || f.Quoted {
		return p.bad(clip(f.Text)+" is not "+what, fmt.Sprintf("write a number from 0 to %d", uint64(1)<<bits-1))
	}
	p.put(v, bits)
	p.i++
	return nil
}

func (p *parser) put(v uint64, bits int) {
	for s := bits - 8; s >= 0; s -= 8 {
		p.out = append(p.out, byte(v>>s))
	}
}

func (p *parser) field(k kind) error {
	switch k {
	case u8:
		return p.number(8, "a number of one octet")
	case u16:
		return p.number(16, "a number of two octets")
	case u32:
		return p.number(32, "a number of four octets")
	case seconds:
		return p.seconds()
	case ip4:
		return p.ip4()
	case ip6:
		return p.ip6()
	case name:
		return p.name()
	case str:
		f, err := p.next("a string")
		if err != nil {
			return err
		}
		return p.str(f)
	case strs:
		return p.strs()
	case octets:
		return p.octets()
	case tag:
		return p.tag()
	case hexRest:
		return p.rest("hexadecimal", func(b []byte) ([]byte, error) { return hex.DecodeString(string(b)) })
	case b64Rest:
		return p.rest("base64", func(b []byte) ([]byte, error) { return base64.StdEncoding.DecodeString(string(b)) })
	case hexOne:
		return p.hexOne()
	case b32One:
		return p.b32One()
	case rrtype:
		return p.rrtype()
	case bitmap:
		return p.bitmap()
	case instant:
		return p.instant()
	case params:
		return p.params()
	case location:
		return p.location()
	case eui48:
		return p.eui(6)
	case eui64:
		return p.eui(8)
	case loc64:
		return p.loc64()
	case certType:
		return p.mnemonic(16, certTypes, "a certificate type")
	case algorithm:
		return p.mnemonic(8, algorithms, "an algorithm")
	}
	return p.bad("an unknown kind of field", "")
}

// seconds reads a time in seconds or with BIND's units, such as 1H30M.
func (p *parser) seconds() error {
	f, err := p.next("a time in seconds")
	if err != nil {
		return err
	}
	v, ok := Seconds(f.Text)
	if !ok || f.Quoted {
		return p.bad(clip(f.Text)+" is not a time", "write seconds, or units such as 1H30M (W D H M S)")
	}
	p.put(uint64(v), 32)
	p.i++
	return nil
}

// Seconds reads a time in seconds: a number, or numbers with the units W D H
// M S in any case, such as 1H30M. It must fit 32 bits.
func Seconds(text []byte) (uint32, bool) {
	var total, n uint64
	digits, units := false, false
	for _, c := range text {
		var unit uint64
		switch c {
		case '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
			n, digits = n*10+uint64(c-'0'), true
			if n > 1<<32-1 {
				return 0, false
			}
			continue
		case 'w', 'W':
			unit = 604800
		case 'd', 'D':
			unit = 86400
		case 'h', 'H':
			unit = 3600
		case 'm', 'M':
			unit = 60
		case 's', 'S':
			unit = 1
		default:
			return 0, false
		}
		if !digits {
			return 0, false
		}
		total, n, digits, units = total+n*unit, 0, false, true
		if total > 1<<32-1 {
			return 0, false
		}
	}
	if digits {
		total += n
	}
	if !digits && !units || total > 1<<32-1 {
		return 0, false
	}
	return uint32(total), true
}

func (p *parser) ip4() error {
	f, err := p.next("an IPv4 address")
	if err != nil {
		return err
	}
	a, perr := netip.ParseAddr(string(f.Text))
	if perr == nil && a.Is4() && !f.Quoted {
		b := a.As4()
		p.out = append(p.out, b[:]...)
		p.i++
		return nil
	}
	mend := "write four numbers from 0 to 255 with dots, such as 192.0.2.1"
	switch {
	case perr == nil && a.Is6():
		mend = "an IPv6 address belongs into an AAAA record"
	case len(f.Text) > 3 && strings.Trim(string(f.Text), "0123456789") == "":
		mend = "a spreadsheet may have taken the dots away: write it as 192.0.2.1"
	case strings.Count(string(f.Text), ".") == 3:
		mend = "each of the four numbers goes from 0 to 255, without leading zeros"
	}
	return p.bad(clip(f.Text)+" is not an IPv4 address", mend)
}

func (p *parser) ip6() error {
	f, err := p.next("an IPv6 address")
	if err != nil {
		return err
	}
	a, perr := netip.ParseAddr(string(f.Text))
	if perr == nil && a.Is6() && a.Zone() == "" && !f.Quoted {
		b := a.As16()
		p.out = append(p.out, b[:]...)
		p.i++
		return nil
	}
	mend := "write it such as 2001:db8::1"
	switch {
	case perr == nil && a.Is4():
		mend = "an IPv4 address belongs into an A record"
	case perr == nil && a.Zone() != "":
		mend = "take the %" + a.Zone() + " away: a zone has no meaning for others"
	}
	return p.bad(clip(f.Text)+" is not an IPv6 address", mend)
}

func (p *parser) name() error {
	f, err := p.next("a name")
	if err != nil {
		return err
	}
	n, perr := zones.ParseNameIn(string(f.Text), p.origin)
	if perr != nil {
		mend := "write a name such as www or www.example.vn."
		if errors.Is(perr, zones.ErrNameRelative) {
			mend = "end it with a dot"
		}
		return p.bad(clip(f.Text)+" is not a name: "+perr.Error(), mend)
	}
	p.out = append(p.out, n.Wire()...)
	p.i++
	return nil
}

// str appends one character-string with its length octet.
func (p *parser) str(f Field) error {
	at := len(p.out)
	out, ok := unescape(append(p.out, 0), f.Text)
	if !ok {
		return p.bad("a bad escape in "+clip(f.Text), `write \" for a quote, \\ for a backslash, \DDD (000 to 255) for an octet`)
	}
	n := len(out) - at - 1
	if n > 255 {
		return p.bad(fmt.Sprintf("a string of %d octets", n), `cut it into strings of at most 255 octets: "first" "second"`)
	}
	out[at] = byte(n)
	p.out = out
	p.i++
	return nil
}

func (p *parser) strs() error {
	if _, err := p.next("a string"); err != nil {
		return err
	}
	for p.i < len(p.fields) {
		if err := p.str(p.fields[p.i]); err != nil {
			return err
		}
	}
	return nil
}

func (p *parser) octets() error {
	f, err := p.next("a quoted text")
	if err != nil {
		return err
	}
	out, ok := unescape(p.out, f.Text)
	if !ok {
		return p.bad("a bad escape in "+clip(f.Text), `write \" for a quote, \DDD (000 to 255) for an octet`)
	}
	p.out = out
	p.i++
	return nil
}

func (p *parser) tag() error {
	f, err := p.next("a property tag")
	if err != nil {
		return err
	}
	if !goodTag(f.Text) {
		return p.bad(clip(f.Text)+" is not a property tag", "write issue, issuewild or iodef (RFC 8659)")
	}
	p.out = append(append(p.out, byte(len(f.Text))), f.Text...)
	p.i++
	return nil
}

func goodTag(b []byte) bool {
	for _, c := range b {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9') {
			return false
		}
	}
	return len(b) > 0 && len(b) < 256
}

// rest joins all that is left and decodes it.
func (p *parser) rest(what string, decode func([]byte) ([]byte, error)) error {
	if _, err := p.next("data in " + what); err != nil {
		return err
	}
	var all []byte
	for _, f := range p.fields[p.i:] {
		all = append(all, f.Text...)
	}
	b, err := decode(all)
	if err != nil || len(b) == 0 {
		return p.bad(clip(all)+" is not "+what, "check that nothing was lost in copying")
	}
	p.out = append(p.out, b...)
	p.i = len(p.fields)
	return nil
}

func (p *parser) hexOne() error {
	f, err := p.next("a salt")
	if err != nil {
		return err
	}
	if string(f.Text) == "-" {
		p.out = append(p.out, 0)
		p.i++
		return nil
	}
	b, derr := hex.DecodeString(string(f.Text))
	if derr != nil || len(b) == 0 || len(b) > 255 {
		return p.bad(clip(f.Text)+" is not a salt", "write hexadecimal, or - for none")
	}
	p.out = append(append(p.out, byte(len(b))), b...)
	p.i++
	return nil
}

var base32hex = base32.HexEncoding.WithPadding(base32.NoPadding)

func (p *parser) b32One() error {
	f, err := p.next("a hash")
	if err != nil {
		return err
	}
	b, derr := base32hex.DecodeString(strings.ToUpper(string(f.Text)))
	if derr != nil || len(b) == 0 || len(b) > 255 {
		return p.bad(clip(f.Text)+" is not a hash", "write base32hex without padding")
	}
	p.out = append(append(p.out, byte(len(b))), b...)
	p.i++
	return nil
}

func (p *parser) rrtype() error {
	f, err := p.next("a type")
	if err != nil {
		return err
	}
	t, ok := zones.ParseType(string(f.Text))
	if !ok {
		return p.bad(clip(f.Text)+" is not a type of record", "write a mnemonic or TYPEnnn")
	}
	p.put(uint64(t), 16)
	p.i++
	return nil
}

func (p *parser) bitmap() error {
	var set [8192]byte
	for p.i < len(p.fields) {
		t, ok := zones.ParseType(string(p.fields[p.i].Text))
		if !ok {
			return p.bad(clip(p.fields[p.i].Text)+" is not a type of record", "write mnemonics or TYPEnnn")
		}
		set[t/8] |= 0x80 >> (t % 8)
		p.i++
	}
	for w := range 256 {
		block := set[w*32 : w*32+32]
		n := 32
		for n > 0 && block[n-1] == 0 {
			n--
		}
		if n > 0 {
			p.out = append(append(p.out, byte(w), byte(n)), block[:n]...)
		}
	}
	return nil
}

const instantForm = "20060102150405"

func (p *parser) instant() error {
	f, err := p.next("an instant")
	if err != nil {
		return err
	}
	if v, nerr := strconv.ParseUint(string(f.Text), 10, 32); nerr == nil && len(f.Text) < len(instantForm) {
		p.put(v, 32)
	} else {
		at, terr := time.Parse(instantForm, string(f.Text))
		if terr != nil {
			return p.bad(clip(f.Text)+" is not an instant", "write YYYYMMDDHHmmSS in UTC (RFC 4034 3.2)")
		}
		p.put(uint64(uint32(at.Unix())), 32)
	}
	p.i++
	return nil
}

func (p *parser) eui(n int) error {
	f, err := p.next("an EUI address")
	if err != nil {
		return err
	}
	b, derr := hex.DecodeString(strings.ReplaceAll(string(f.Text), "-", ""))
	if derr != nil || len(b) != n || len(f.Text) != 3*n-1 {
		return p.bad(clip(f.Text)+" is not an EUI address", fmt.Sprintf("write %d octets in hexadecimal with hyphens (RFC 7043)", n))
	}
	p.out = append(p.out, b...)
	p.i++
	return nil
}

func (p *parser) loc64() error {
	f, err := p.next("a locator")
	if err != nil {
		return err
	}
	groups := strings.Split(string(f.Text), ":")
	if len(groups) != 4 {
		return p.bad(clip(f.Text)+" is not a locator", "write four groups such as 2001:db8:0:1 (RFC 6742)")
	}
	for _, g := range groups {
		v, verr := strconv.ParseUint(g, 16, 16)
		if verr != nil || len(g) > 4 {
			return p.bad(clip(f.Text)+" is not a locator", "write four groups such as 2001:db8:0:1 (RFC 6742)")
		}
		p.out = binary.BigEndian.AppendUint16(p.out, uint16(v))
	}
	p.i++
	return nil
}

func (p *parser) mnemonic(bits int, names map[string]uint16, what string) error {
	f, err := p.next(what)
	if err != nil {
		return err
	}
	if v, ok := names[strings.ToUpper(string(f.Text))]; ok {
		p.put(uint64(v), bits)
		p.i++
		return nil
	}
	return p.number(bits, what)
}

// The mnemonics of RFC 4398 2.1 and of RFC 4034 A.1 with its successors.
var (
	certTypes = map[string]uint16{
		"PKIX": 1, "SPKI": 2, "PGP": 3, "IPKIX": 4, "ISPKI": 5, "IPGP": 6, "ACPKIX": 7, "IACPKIX": 8, "URI": 253, "OID": 254,
	}
	algorithms = map[string]uint16{
		"RSAMD5": 1, "DH": 2, "DSA": 3, "RSASHA1": 5, "DSA-NSEC3-SHA1": 6, "RSASHA1-NSEC3-SHA1": 7, "NSEC3RSASHA1": 7,
		"RSASHA256": 8, "RSASHA512": 10, "ECC-GOST": 12, "ECDSAP256SHA256": 13, "ECDSAP384SHA384": 14,
		"ED25519": 15, "ED448": 16, "INDIRECT": 252, "PRIVATEDNS": 253, "PRIVATEOID": 254,
	}
)
