package sheet

import (
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"
)

// LostDots tells whether a cell, where an address should be, has what a
// spreadsheet makes of one: a number, a date, or in a text file what such a
// cell is written as (10100200100, 1.01002E+10, 10,100,200,100, 192,168,1,1,
// 1/2/2025). as has
// every address that it can have been, as far as the digits are there.
func LostDots(c Cell) (as []netip.Addr, lost bool) {
	if _, err := netip.ParseAddr(c.Text); err == nil {
		return nil, false
	}
	switch c.Kind {
	case Number, Date:
		return OctetsOf(c), true
	case Text:
		digits := c.Text
		if thousands.MatchString(c.Text) {
			digits = strings.Trim(strings.NewReplacer(",", "", " ", "", "\u00a0", "", "\u202f", "").Replace(c.Text), " ")
		}
		if whole.MatchString(digits) {
			return OctetsOf(Cell{Text: digits, Kind: Number}), true
		}
		if a, err := netip.ParseAddr(strings.ReplaceAll(c.Text, ",", ".")); err == nil {
			return []netip.Addr{a}, true
		}
		return nil, exponent.MatchString(c.Text) || dated.MatchString(c.Text)
	}
	return nil, false
}

var (
	whole     = regexp.MustCompile(`^[0-9]+$`)
	thousands = regexp.MustCompile(`^[0-9]{1,3}([,\x{20}\x{a0}\x{202f}][0-9]{3})+$`)
	exponent  = regexp.MustCompile(`^[0-9]+([.,][0-9]+)?[Ee]\+?[0-9]+$`)
	dated     = regexp.MustCompile(`^[0-9]{1,4}[-/][0-9]{1,2}([-/][0-9]{1,4})?$|^[0-9]{1,2}[- /]\pL{3,}([- /][0-9]{2,4})?$`)
)

// OctetsOf reads a cell in which a spreadsheet made a number of an IPv4
// address: 10100200100 was 10.100.200.100, with or without zeros in front of
// each octet. It gives every address whose octets, written one behind the
// other, are the cell's digits. One answer is sure; several are not.
func OctetsOf(c Cell) []netip.Addr {
	if c.Kind != Number || strings.Trim(c.Text, "0123456789") != "" || len(c.Text) < 4 || len(c.Text) > 12 {
		return nil
	}
	var out []netip.Addr
	add := func(s string, padded bool) {
		var cut func(s string, octets []byte)
		cut = func(s string, octets []byte) {
			if len(octets) == 4 {
				if a := netip.AddrFrom4([4]byte(octets)); s == "" && !contains(out, a) {
					out = append(out, a)
				}
				return
			}
			for n := 1; n <= 3 && n <= len(s); n++ {
				if padded && n != 3 || !padded && n > 1 && s[0] == '0' {
					continue
				}
				if v, err := strconv.ParseUint(s[:n], 10, 8); err == nil {
					cut(s[n:], append(octets[:len(octets):len(octets)], byte(v)))
				}
			}
		}
		cut(s, nil)
	}
	add(c.Text, false)
	// 010.100.200.100 loses its first zeros only.
	if len(c.Text) >= 10 {
		add(strings.Repeat("0", 12-len(c.Text))+c.Text, true)
	}
	return out
}

func contains(list []netip.Addr, a netip.Addr) bool {
	for _, x := range list {
		if x == a {
			return true
		}
	}
	return false
}

// DayOf gives the day that a cell of the kind Date holds, whatever its format shows.
func DayOf(c Cell) (time.Time, bool) {
	if c.Kind != Date {
		return time.Time{}, false
	}
	serial, err := strconv.ParseFloat(c.Raw, 64)
	if err != nil {
		return time.Time{}, false
	}
	t, err := excelize.ExcelDateToTime(serial, false)
	return t, err == nil
}
