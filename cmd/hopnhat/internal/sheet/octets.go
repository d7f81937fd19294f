package sheet

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"
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
