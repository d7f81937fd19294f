package rdata

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// The SvcParamKeys that have a name (RFC 9460 14.3.2, RFC 9461, RFC 9540).
var (
	paramKeys = map[string]uint16{
		"mandatory": 0, "alpn": 1, "no-default-alpn": 2, "port": 3, "ipv4hint": 4, "ech": 5, "ipv6hint": 6, "dohpath": 7, "ohttp": 8,
	}
	paramNames = []string{"mandatory", "alpn", "no-default-alpn", "port", "ipv4hint", "ech", "ipv6hint", "dohpath", "ohttp"}
)

func paramKey(s string) (uint16, bool) {
	if k, ok := paramKeys[s]; ok {
		return k, true
	}
	if n, ok := strings.CutPrefix(s, "key"); ok && (n == "0" || !strings.HasPrefix(n, "0")) {
		v, err := strconv.ParseUint(n, 10, 16)
		return uint16(v), err == nil && v != 65535
	}
	return 0, false
}

func paramName(k uint16) string {
	if int(k) < len(paramNames) {
		return paramNames[k]
	}
	return "key" + strconv.Itoa(int(k))
}

type param struct {
	key   uint16
	value []byte
}

// params reads key=value tokens. Keys come out sorted (RFC 9460 2.2), a key
// given twice is refused.
func (p *parser) params() error {
	var ps []param
	for p.i < len(p.fields) {
		f := p.fields[p.i]
		key, text, has := strings.Cut(string(f.Text), "=")
		k, ok := paramKey(key)
		if !ok || f.Quoted {
			return p.bad(clip([]byte(key))+" is not a service parameter", "write KEY=VALUE with a key such as alpn, port, ipv4hint (RFC 9460)")
		}
		// KEY="VALUE" comes as two tokens when the quote starts a token.
		if has && text == "" && p.i+1 < len(p.fields) && p.fields[p.i+1].Quoted {
			p.i++
			text = string(p.fields[p.i].Text)
		} else if len(text) > 1 && text[0] == '"' && text[len(text)-1] == '"' {
			text = text[1 : len(text)-1]
		}
		v, err := paramValue(k, []byte(text), has)
		if err != nil {
			return p.bad(key+": "+err.Error(), "see RFC 9460 2.1")
		}
		if slices.ContainsFunc(ps, func(o param) bool { return o.key == k }) {
			return p.bad("the service parameter "+key+" stands twice", "keep one")
		}
		ps = append(ps, param{k, v})
		p.i++
	}
	slices.SortFunc(ps, func(a, b param) int { return int(a.key) - int(b.key) })
	at := len(p.out)
	for _, q := range ps {
		p.out = binary.BigEndian.AppendUint16(p.out, q.key)
		p.out = binary.BigEndian.AppendUint16(p.out, uint16(len(q.value)))
		p.out = append(p.out, q.value...)
	}
	if !goodParams(p.out[at:]) {
		p.i = len(p.fields)
		return p.bad("service parameters that contradict each other", "mandatory names other keys that are there, no-default-alpn needs alpn (RFC 9460 7.1, 8)")
	}
	return nil
}

func paramValue(k uint16, text []byte, has bool) ([]byte, error) {
	raw, ok := unescape(nil, text)
	if !ok {
		return nil, fmt.Errorf("a bad escape in %s", clip(text))
	}
	switch k {
	case 0, 1, 4, 6:
		var out []byte
		items, ok := commaList(raw)
		if !ok || !has {
			return nil, fmt.Errorf("an empty item in the list %s", clip(text))
		}
		for _, it := range items {
			b, err := listItem(k, it)
			if err != nil {
				return nil, err
			}
			out = append(out, b...)
		}
		if k == 0 {
			sortPairs(out)
		}
		return out, nil
	case 2, 8:
		if len(raw) > 0 {
			return nil, fmt.Errorf("it takes no value")
		}
		return nil, nil
	case 3:
		v, err := strconv.ParseUint(string(raw), 10, 16)
		if err != nil {
			return nil, fmt.Errorf("%s is not a port", clip(raw))
		}
		return binary.BigEndian.AppendUint16(nil, uint16(v)), nil
	case 5:
		b, err := base64.StdEncoding.DecodeString(string(raw))
		if err != nil || len(b) == 0 {
			return nil, fmt.Errorf("%s is not base64", clip(raw))
		}
		return b, nil
	}
	return raw, nil
}

// commaList cuts a value at commas; \, and \\ stand for themselves (RFC 9460 A.1).
func commaList(b []byte) (items [][]byte, ok bool) {
	cur := []byte{}
	for i := 0; i < len(b); i++ {
		switch {
		case b[i] == '\\' && i+1 < len(b):
			i++
			cur = append(cur, b[i])
		case b[i] == ',':
			if len(cur) == 0 {
				return nil, false
			}
			items, cur = append(items, cur), nil
		default:
			cur = append(cur, b[i])
		}
	}
	return append(items, cur), len(cur) > 0
}

func listItem(k uint16, it []byte) ([]byte, error) {
	switch k {
	case 0:
		m, ok := paramKey(string(it))
		if !ok || m == 0 {
			return nil, fmt.Errorf("%s cannot be mandatory", clip(it))
		}
		return binary.BigEndian.AppendUint16(nil, m), nil
	case 1:
		if len(it) > 255 {
			return nil, fmt.Errorf("a protocol of more than 255 octets")
		}
		return append([]byte{byte(len(it))}, it...), nil
	}
	a, err := netip.ParseAddr(string(it))
	if err != nil || a.Zone() != "" || a.Is4() != (k == 4) {
		return nil, fmt.Errorf("%s is not an address of its kind", clip(it))
	}
	return a.AsSlice(), nil
}

func sortPairs(b []byte) {
	var vs []uint16
	for i := 0; i+1 < len(b); i += 2 {
		vs = append(vs, binary.BigEndian.Uint16(b[i:]))
	}
	slices.Sort(vs)
	for i, v := range vs {
		binary.BigEndian.PutUint16(b[2*i:], v)
	}
}

// goodParams tells whether SvcParams on the wire keep the rules of RFC 9460
// 2.2, 7 and 8: sorted, single, each value well formed, mandatory keys there.
func goodParams(b []byte) bool {
	last := -1
	have := map[uint16]bool{}
	var mandatory []byte
	for len(b) > 0 {
		if len(b) < 4 {
			return false
		}
		k, n := binary.BigEndian.Uint16(b), int(binary.BigEndian.Uint16(b[2:]))
		if int(k) <= last || len(b) < 4+n || k == 65535 || !goodParam(k, b[4:4+n]) {
			return false
		}
		if k == 0 {
			mandatory = b[4 : 4+n]
		}
		have[k], last, b = true, int(k), b[4+n:]
	}
	for i := 0; i < len(mandatory); i += 2 {
		if !have[binary.BigEndian.Uint16(mandatory[i:])] {
			return false
		}
	}
	return !have[2] || have[1]
}

func goodParam(k uint16, v []byte) bool {
	switch k {
	case 0:
		for i := 0; i+1 < len(v); i += 2 {
			m := binary.BigEndian.Uint16(v[i:])
			if m == 0 || i > 0 && m <= binary.BigEndian.Uint16(v[i-2:]) {
				return false
			}
		}
		return len(v) > 0 && len(v)%2 == 0
	case 1:
		if len(v) == 0 {
			return false
		}
		for len(v) > 0 {
			if v[0] == 0 || len(v) < 1+int(v[0]) {
				return false
			}
			v = v[1+int(v[0]):]
		}
		return true
	case 2, 8:
		return len(v) == 0
	case 3:
		return len(v) == 2
	case 4:
		return len(v) > 0 && len(v)%4 == 0
	case 5:
		return len(v) > 0
	case 6:
		return len(v) > 0 && len(v)%16 == 0
	}
	return true
}

// appendParams prints SvcParams that goodParams accepts.
func appendParams(dst, b []byte) []byte {
	for len(b) > 0 {
		k, n := binary.BigEndian.Uint16(b), int(binary.BigEndian.Uint16(b[2:]))
		v := b[4 : 4+n]
		b = b[4+n:]
		dst = append(append(dst, ' '), paramName(k)...)
		if len(v) == 0 {
			continue
		}
		dst = append(dst, '=')
		switch k {
		case 0:
			for i := 0; i < n; i += 2 {
				dst = comma(dst, i)
				dst = append(dst, paramName(binary.BigEndian.Uint16(v[i:]))...)
			}
		case 1:
			var list []byte
			for len(v) > 0 {
				list = comma(list, len(list))
				item := v[1 : 1+int(v[0])]
				item = bytes.ReplaceAll(item, []byte(`\`), []byte(`\\`))
				item = bytes.ReplaceAll(item, []byte(`,`), []byte(`\,`))
				list = append(list, item...)
				v = v[1+int(v[0]):]
			}
			dst = appendQuoted(dst, list)
		case 3:
			dst = strconv.AppendUint(dst, uint64(binary.BigEndian.Uint16(v)), 10)
		case 4, 6:
			step := 4 + 12*(int(k)/6)
			for i := 0; i < n; i += step {
				dst = comma(dst, i)
				a, _ := netip.AddrFromSlice(v[i : i+step])
				dst = a.AppendTo(dst)
			}
		case 5:
			dst = base64.StdEncoding.AppendEncode(dst, v)
		default:
			dst = appendQuoted(dst, v)
		}
	}
	return dst
}

func comma(dst []byte, i int) []byte {
	if i > 0 {
		return append(dst, ',')
	}
	return dst
}
