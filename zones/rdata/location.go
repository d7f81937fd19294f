package rdata

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// LOC (RFC 1876): version, size, two precisions, latitude and longitude in
// thousandths of a second of arc from 2^31, altitude in centimetres from
// 100 km below the reference.
const (
	equator    = 1 << 31
	depth      = 10000000
	secArc     = 1000
	sizeUnset  = 0x12 // 1 m
	horizUnset = 0x16 // 10 km
	vertUnset  = 0x13 // 10 m
)

func (p *parser) location() error {
	lat, err := p.arc("N", "S", 90)
	if err != nil {
		return err
	}
	lon, err := p.arc("E", "W", 180)
	if err != nil {
		return err
	}
	f, err := p.next("an altitude")
	if err != nil {
		return err
	}
	alt, ok := metres(f.Text)
	if !ok || alt < -depth || alt > math.MaxUint32-depth {
		return p.bad(clip(f.Text)+" is not an altitude", "write metres, such as 10m (RFC 1876)")
	}
	p.i++
	sizes := [3]byte{sizeUnset, horizUnset, vertUnset}
	for i := range sizes {
		if p.i == len(p.fields) {
			break
		}
		cm, ok := metres(p.fields[p.i].Text)
		if !ok || cm < 0 || cm > 9000000000 {
			return p.bad(clip(p.fields[p.i].Text)+" is not a size", "write metres, such as 30m (RFC 1876)")
		}
		sizes[i] = mantissa(cm)
		p.i++
	}
	p.out = append(p.out, 0, sizes[0], sizes[1], sizes[2])
	p.out = binary.BigEndian.AppendUint32(p.out, lat)
	p.out = binary.BigEndian.AppendUint32(p.out, lon)
	p.out = binary.BigEndian.AppendUint32(p.out, uint32(alt+depth))
	return nil
}

// arc reads degrees, and minutes and seconds if they stand there, up to the
// letter of the hemisphere.
func (p *parser) arc(plus, minus string, most float64) (uint32, error) {
	unit := float64(3600 * secArc)
	total := 0.0
	for n := 0; ; n++ {
		f, err := p.next("a latitude or longitude")
		if err != nil {
			return 0, err
		}
		s := strings.ToUpper(string(f.Text))
		if n > 0 && (s == plus || s == minus) {
			p.i++
			if total > most*3600*secArc {
				return 0, &FieldError{p.i - 1, "more than " + strconv.Itoa(int(most)) + " degrees", "check the position"}
			}
			if s == minus {
				total = -total
			}
			return uint32(equator + int64(math.Round(total))), nil
		}
		v, perr := strconv.ParseFloat(s, 64)
		if perr != nil || !(v >= 0) || v > 180 || n > 2 || n > 0 && v >= 60 || n < 2 && v != math.Trunc(v) {
			return 0, p.bad(clip(f.Text)+" is no part of a position", fmt.Sprintf("write degrees, minutes, seconds and %s or %s (RFC 1876)", plus, minus))
		}
		total += v * unit
		unit /= 60
		p.i++
	}
}

// metres reads metres with up to two decimals and gives centimetres.
func metres(b []byte) (int64, bool) {
	s := strings.TrimSuffix(strings.TrimSuffix(string(b), "m"), "M")
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(v) || math.Abs(v) > 1e9 {
		return 0, false
	}
	return int64(math.Round(v * 100)), true
}

// mantissa packs centimetres as one digit and a power of ten.
func mantissa(cm int64) byte {
	e := byte(0)
	for cm >= 10 {
		cm /= 10
		e++
	}
	return byte(cm)<<4 | e
}

func appendLocation(dst []byte, b []byte) []byte {
	arc := func(v uint32, plus, minus byte) {
		d := int64(v) - equator
		if d < 0 {
			plus, d = minus, -d
		}
		dst = fmt.Appendf(dst, "%d %d %d.%03d %c ", d/(3600*secArc), d/(60*secArc)%60, d/secArc%60, d%secArc, plus)
	}
	arc(binary.BigEndian.Uint32(b[4:]), 'N', 'S')
	arc(binary.BigEndian.Uint32(b[8:]), 'E', 'W')
	alt := int64(binary.BigEndian.Uint32(b[12:])) - depth
	sign := ""
	if alt < 0 {
		sign, alt = "-", -alt
	}
	dst = fmt.Appendf(dst, "%s%d.%02dm", sign, alt/100, alt%100)
	for _, s := range b[1:4] {
		cm := int64(s >> 4)
		for range s & 15 {
			cm *= 10
		}
		dst = fmt.Appendf(dst, " %d.%02dm", cm/100, cm%100)
	}
	return dst
}

// goodLocation tells whether b is a LOC that a text can say.
func goodLocation(b []byte) bool {
	if len(b) != 16 || b[0] != 0 {
		return false
	}
	for _, s := range b[1:4] {
		m, e := s>>4, s&15
		if m > 9 || e > 9 || m == 0 && e != 0 {
			return false
		}
	}
	within := func(v uint32, degrees int64) bool {
		d := int64(v) - equator
		return -degrees*3600*secArc <= d && d <= degrees*3600*secArc
	}
	return within(binary.BigEndian.Uint32(b[4:]), 90) && within(binary.BigEndian.Uint32(b[8:]), 180)
}
