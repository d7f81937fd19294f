package rdata

import (
	"strings"

	"github.com/miekg/dns"

	"gialai.gov.vn/hopnhat/zones"
)

// The types below are rare enough to be read and printed by miekg/dns. What
// it returns is packed, unpacked and compared, since it takes some texts that
// then do not pack; names are found by our own walk (names.go).
func rare(t zones.Type) bool {
	switch t {
	case zones.TypeGPOS, zones.TypeAPL, zones.TypeIPSECKEY, zones.TypeHIP, zones.TypeAMTRELAY:
		return true
	}
	return false
}

func appendRare(dst []byte, t zones.Type, fields []Field, origin zones.Name) ([]byte, error) {
	if t == zones.TypeAMTRELAY && len(fields) > 1 && string(fields[1].Text) != "0" {
		// miekg/dns v1.1.73 loses the relay when the D bit is set.
		return dst, &FieldError{1, "an AMTRELAY with the D bit is not read in this form", "write it as \\# LENGTH HEX"}
	}
	var b strings.Builder
	b.WriteString(". 0 IN " + t.String())
	for _, f := range fields {
		if strings.ContainsAny(string(f.Text), "\n\r\"") || !f.Quoted && strings.ContainsAny(string(f.Text), ";()") {
			return dst, &FieldError{0, clip(f.Text) + " does not belong here", "see the type's RFC, or write it as \\# LENGTH HEX"}
		}
		b.WriteByte(' ')
		if f.Quoted {
			b.WriteString(`"` + string(f.Text) + `"`)
		} else {
			b.Write(f.Text)
		}
	}
	o := "."
	if !origin.IsZero() {
		o = origin.String()
	}
	zp := dns.NewZoneParser(strings.NewReader(b.String()+"\n"), o, "")
	rr, ok := zp.Next()
	if !ok {
		why := "the data is not complete"
		if err := zp.Err(); err != nil {
			why = strings.TrimPrefix(err.Error(), "dns: ")
		}
		return dst, &FieldError{0, "no " + t.String() + " data: " + why, "see the type's RFC, or write it as \\# LENGTH HEX"}
	}
	data, err := packRR(rr)
	if err == nil {
		var canonical string
		if canonical, err = foldRare(t, data); err == nil && checkRare(t, canonical) == nil {
			return append(dst, canonical...), nil
		}
	}
	return dst, &FieldError{0, "no " + t.String() + " data", "see the type's RFC, or write it as \\# LENGTH HEX"}
}

func packRR(rr dns.RR) (string, error) {
	buf := make([]byte, dns.MaxMsgSize+32)
	n, err := dns.PackRR(rr, buf, 0, nil, false)
	if err != nil {
		return "", err
	}
	_, at, err := zones.NameFromWire(buf[:n])
	if err != nil {
		return "", err
	}
	return string(buf[at+10 : n]), nil
}

func unpackRR(t zones.Type, data string) (dns.RR, error) {
	h := []byte{0, byte(t >> 8), byte(t), 0, 1, 0, 0, 0, 0, byte(len(data) >> 8), byte(len(data))}
	rr, _, err := dns.UnpackRR(append(h, data...), 0)
	return rr, err
}

func checkRare(t zones.Type, data string) error {
	if len(data) == 0 && t != zones.TypeAPL {
		return ErrWire
	}
	rr, err := unpackRR(t, data)
	if err != nil {
		return ErrWire
	}
	back, err := packRR(rr)
	if err != nil || back != data {
		return ErrWire
	}
	if _, ok := rareNames(t, data); !ok {
		return ErrWire
	}
	return nil
}

func textRare(t zones.Type, data string) (string, bool) {
	rr, err := unpackRR(t, data)
	if err != nil || checkRare(t, data) != nil {
		return "", false
	}
	text := strings.TrimPrefix(rr.String(), rr.Header().String())
	// What does not read back as it was is printed in the generic form.
	fields, err := Split(text)
	if err != nil {
		return "", false
	}
	back, err := appendRare(nil, t, fields, zones.Root())
	return text, err == nil && string(back) == data
}

// canonicalRare checks data and lowers the names inside.
func canonicalRare(t zones.Type, data string) (string, error) {
	if err := checkRare(t, data); err != nil {
		return "", err
	}
	return foldRare(t, data)
}

// foldRare lowers the names inside.
func foldRare(t zones.Type, data string) (string, error) {
	ns, ok := rareNames(t, data)
	if !ok {
		return "", ErrWire
	}
	b := []byte(data)
	for _, n := range ns {
		copy(b[n.Start:n.End], n.Name.Wire())
	}
	return string(b), nil
}

// rareNames finds the names inside a rare type's data; false when it is broken.
func rareNames(t zones.Type, data string) (ns []Embedded, ok bool) {
	at := len(data)
	switch t {
	case zones.TypeIPSECKEY: // precedence, gateway type, algorithm, gateway (RFC 4025 2.1)
		if len(data) < 3 {
			return nil, false
		}
		if data[1] == 3 {
			at = 3
		}
	case zones.TypeAMTRELAY: // precedence, D and type, relay (RFC 8777 4.1)
		if len(data) < 2 {
			return nil, false
		}
		if data[1]&0x7f == 3 {
			at = 2
		}
	case zones.TypeHIP: // lengths, HIT, key, rendezvous servers (RFC 8005 5)
		if len(data) < 4 {
			return nil, false
		}
		at = 4 + int(data[0]) + int(data[2])<<8 + int(data[3])
		if at > len(data) {
			return nil, false
		}
	}
	for at < len(data) {
		n, used, err := zones.NameIn(data[at:])
		if err != nil {
			return nil, false
		}
		ns = append(ns, Embedded{at, at + used, n, Other})
		at += used
		if t != zones.TypeHIP {
			break
		}
	}
	return ns, true
}
