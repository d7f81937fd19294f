package rdata

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strconv"
	"time"

	"gialai.gov.vn/hopnhat/zones"
)

// Text is the presentation form of data; see AppendText.
func Text(t zones.Type, data string) string { return string(AppendText(nil, t, data)) }

// AppendText appends the presentation form of data, names absolute. What is
// not known or does not have its type's form is printed as `\# LENGTH HEX`
// (RFC 3597 5).
func AppendText(dst []byte, t zones.Type, data string) []byte {
	b := []byte(data)
	layout, known := table[t]
	switch {
	case known && walk(layout, b, nil):
		start := len(dst)
		walk(layout, b, func(s span) {
			if len(dst) > start && s.end > s.start && s.field.kind != params && s.field.kind != bitmap {
				dst = append(dst, ' ')
			}
			dst = appendField(dst, s.field.kind, b[s.start:s.end])
		})
		return dst
	case !known && rare(t):
		if text, ok := textRare(t, data); ok {
			return append(dst, text...)
		}
	}
	return appendGenericText(dst, b)
}

func appendGenericText(dst, b []byte) []byte {
	dst = append(dst, `\# `...)
	dst = strconv.AppendInt(dst, int64(len(b)), 10)
	if len(b) > 0 {
		dst = hex.AppendEncode(append(dst, ' '), b)
	}
	return dst
}

func appendField(dst []byte, k kind, b []byte) []byte {
	switch k {
	case u8, algorithm:
		return strconv.AppendUint(dst, uint64(b[0]), 10)
	case u16, certType:
		return strconv.AppendUint(dst, uint64(be16(b)), 10)
	case u32, seconds:
		return strconv.AppendUint(dst, uint64(binary.BigEndian.Uint32(b)), 10)
	case ip4, ip6:
		a, _ := netip.AddrFromSlice(b)
		return a.AppendTo(dst)
	case name:
		n, _, _ := zones.NameFromWire(b)
		return n.AppendText(dst)
	case str:
		return appendQuoted(dst, b[1:])
	case strs:
		for i := 0; i < len(b); i += 1 + int(b[i]) {
			if i > 0 {
				dst = append(dst, ' ')
			}
			dst = appendQuoted(dst, b[i+1:i+1+int(b[i])])
		}
		return dst
	case octets:
		if len(b) == 0 {
			dst = append(dst, ' ')
		}
		return appendQuoted(dst, b)
	case tag:
		return append(dst, b[1:]...)
	case hexRest:
		return hex.AppendEncode(dst, b)
	case b64Rest:
		return base64.StdEncoding.AppendEncode(dst, b)
	case hexOne:
		if b[0] == 0 {
			return append(dst, '-')
		}
		return hex.AppendEncode(dst, b[1:])
	case b32One:
		return base32hex.AppendEncode(dst, b[1:])
	case rrtype:
		return append(dst, zones.Type(be16(b)).String()...)
	case bitmap:
		return appendBitmap(dst, b)
	case instant:
		return time.Unix(int64(binary.BigEndian.Uint32(b)), 0).UTC().AppendFormat(dst, instantForm)
	case params:
		return appendParams(dst, b)
	case location:
		return appendLocation(dst, b)
	case eui48, eui64:
		for i, c := range b {
			if i > 0 {
				dst = append(dst, '-')
			}
			dst = hex.AppendEncode(dst, []byte{c})
		}
		return dst
	case loc64:
		for i := 0; i < 8; i += 2 {
			if i > 0 {
				dst = append(dst, ':')
			}
			dst = hex.AppendEncode(dst, b[i:i+2])
		}
		return dst
	}
	return dst
}

func appendBitmap(dst, b []byte) []byte {
	for len(b) > 0 {
		w, n := int(b[0]), int(b[1])
		for i, c := range b[2 : 2+n] {
			for bit := range 8 {
				if c&(0x80>>bit) != 0 {
					dst = append(append(dst, ' '), zones.Type(w*256+i*8+bit).String()...)
				}
			}
		}
		b = b[2+n:]
	}
	return dst
}

// appendQuoted prints octets as a quoted string (RFC 1035 5.1).
func appendQuoted(dst, b []byte) []byte {
	dst = append(dst, '"')
	for _, c := range b {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < ' ' || c >= 0x7f:
			dst = append(dst, '\\', '0'+c/100, '0'+c/10%10, '0'+c%10)
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}
