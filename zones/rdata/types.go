package rdata

import "gialai.gov.vn/hopnhat/zones"

// To add a type whose fields are of known kinds, add a line here: its fields
// in wire order; names carry the role that a rewriting needs.

// kind is one kind of field.
type kind uint8

const (
	u8        kind = iota // decimal, 1 octet
	u16                   // decimal, 2 octets
	u32                   // decimal, 4 octets
	seconds               // u32 that may be written with units, 1H30M (SOA)
	ip4                   // 4 octets
	ip6                   // 16 octets
	name                  // uncompressed name
	str                   // one character-string (RFC 1035 3.3)
	strs                  // one or more character-strings to the end
	octets                // one quoted string to the end, no length octet (CAA, URI)
	tag                   // CAA's property tag: length octet, letters and digits (RFC 8659 4.1)
	hexRest               // hexadecimal to the end, may be split by blanks
	b64Rest               // base64 to the end, may be split by blanks
	hexOne                // length octet and hexadecimal in one token, "-" is none (NSEC3 salt)
	b32One                // length octet and base32hex in one token (NSEC3 hash)
	rrtype                // 2 octets, a mnemonic (RRSIG)
	bitmap                // type bit maps to the end (RFC 4034 4.1.2)
	instant               // 4 octets, YYYYMMDDHHmmSS (RRSIG)
	params                // SvcParams to the end (RFC 9460 2.1)
	location              // LOC (RFC 1876)
	eui48                 // 6 octets with hyphens
	eui64                 // 8 octets with hyphens
	loc64                 // 8 octets as four groups (RFC 6742)
	certType              // 2 octets, mnemonic or number (RFC 4398)
	algorithm             // 1 octet, mnemonic or number
)

type field struct {
	kind kind
	role Role
}

func plain(ks ...kind) []field {
	fs := make([]field, len(ks))
	for i, k := range ks {
		fs[i] = field{kind: k}
	}
	return fs
}

func one(r Role) []field { return []field{{name, r}} }

// table says which fields a type has. Types that are not here are opaque
// (RFC 3597), but for those that the slow path of rare.go reads. It is never
// written to.
var table = map[zones.Type][]field{
	zones.TypeA:          plain(ip4),
	zones.TypeNS:         one(Host),
	zones.TypeMD:         one(Exchange),
	zones.TypeMF:         one(Exchange),
	zones.TypeCNAME:      one(Alias),
	zones.TypeSOA:        {{name, Host}, {name, Mailbox}, {u32, 0}, {seconds, 0}, {seconds, 0}, {seconds, 0}, {seconds, 0}},
	zones.TypeMB:         one(Mailbox),
	zones.TypeMG:         one(Mailbox),
	zones.TypeMR:         one(Mailbox),
	zones.TypePTR:        one(Pointer),
	zones.TypeHINFO:      plain(str, str),
	zones.TypeMINFO:      {{name, Mailbox}, {name, Mailbox}},
	zones.TypeMX:         {{u16, 0}, {name, Exchange}},
	zones.TypeTXT:        plain(strs),
	zones.TypeRP:         {{name, Mailbox}, {name, Other}},
	zones.TypeAFSDB:      {{u16, 0}, {name, Exchange}},
	zones.TypeX25:        plain(str),
	zones.TypeRT:         {{u16, 0}, {name, Exchange}},
	zones.TypePX:         {{u16, 0}, {name, Other}, {name, Other}},
	zones.TypeAAAA:       plain(ip6),
	zones.TypeLOC:        plain(location),
	zones.TypeSRV:        {{u16, 0}, {u16, 0}, {u16, 0}, {name, Service}},
	zones.TypeNAPTR:      {{u16, 0}, {u16, 0}, {str, 0}, {str, 0}, {str, 0}, {name, Service}},
	zones.TypeKX:         {{u16, 0}, {name, Exchange}},
	zones.TypeCERT:       plain(certType, u16, algorithm, b64Rest),
	zones.TypeDNAME:      one(Alias),
	zones.TypeDS:         plain(u16, algorithm, u8, hexRest),
	zones.TypeSSHFP:      plain(u8, u8, hexRest),
	zones.TypeRRSIG:      {{rrtype, 0}, {algorithm, 0}, {u8, 0}, {u32, 0}, {instant, 0}, {instant, 0}, {u16, 0}, {name, Other}, {b64Rest, 0}},
	zones.TypeNSEC:       {{name, Other}, {bitmap, 0}},
	zones.TypeDNSKEY:     plain(u16, u8, algorithm, b64Rest),
	zones.TypeDHCID:      plain(b64Rest),
	zones.TypeNSEC3:      plain(u8, u8, u16, hexOne, b32One, bitmap),
	zones.TypeNSEC3PARAM: plain(u8, u8, u16, hexOne),
	zones.TypeTLSA:       plain(u8, u8, u8, hexRest),
	zones.TypeSMIMEA:     plain(u8, u8, u8, hexRest),
	zones.TypeTALINK:     {{name, Other}, {name, Other}},
	zones.TypeCDS:        plain(u16, algorithm, u8, hexRest),
	zones.TypeCDNSKEY:    plain(u16, u8, algorithm, b64Rest),
	zones.TypeOPENPGPKEY: plain(b64Rest),
	zones.TypeCSYNC:      plain(u32, u16, bitmap),
	zones.TypeZONEMD:     plain(u32, u8, u8, hexRest),
	zones.TypeSVCB:       {{u16, 0}, {name, Service}, {params, 0}},
	zones.TypeHTTPS:      {{u16, 0}, {name, Service}, {params, 0}},
	zones.TypeSPF:        plain(strs),
	zones.TypeAVC:        plain(strs),
	zones.TypeNID:        plain(u16, loc64),
	zones.TypeL32:        plain(u16, ip4),
	zones.TypeL64:        plain(u16, loc64),
	zones.TypeLP:         {{u16, 0}, {name, Other}},
	zones.TypeEUI48:      plain(eui48),
	zones.TypeEUI64:      plain(eui64),
	zones.TypeURI:        plain(u16, u16, octets),
	zones.TypeCAA:        plain(u8, tag, octets),
}
