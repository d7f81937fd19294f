package ipam

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Date is a day of the calendar without a zone. It is comparable; the zero
// value is "no date".
type Date struct {
	Year  int // 1 to 9999
	Month time.Month
	Day   int
}

// ParseDate reads 2025-09-01 and, as it is written in Viet Nam, 1/9/2025 (day,
// month, year). The error is a *ParseError.
func ParseDate(text string) (Date, error) {
	const write = "write a day such as 2025-09-01 or 1/9/2025"
	s := strings.TrimSpace(text)
	parts := strings.Split(s, "-")
	if len(parts) != 3 {
		if parts = strings.Split(s, "/"); len(parts) == 3 {
			parts[0], parts[2] = parts[2], parts[0]
		}
	}
	if len(parts) != 3 || len(parts[0]) != 4 || len(parts[1]) > 2 || len(parts[2]) > 2 {
		return Date{}, fault(text, write, "no date")
	}
	var n [3]int
	for i, p := range parts {
		v, err := strconv.Atoi(p)
		if err != nil || !isDigits(p) {
			return Date{}, fault(text, write, "no date")
		}
		n[i] = v
	}
	d := Date{n[0], time.Month(n[1]), n[2]}
	if !d.isValid() {
		return Date{}, fault(text, write, "a day that no calendar has")
	}
	return d, nil
}

// isValid tells whether the calendar has this day.
func (d Date) isValid() bool {
	t := time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC)
	return d.Year >= 1 && d.Year <= 9999 && t.Year() == d.Year && t.Month() == d.Month && t.Day() == d.Day
}

// IsZero tells whether there is no date.
func (d Date) IsZero() bool { return d == Date{} }

// String is 2025-09-01, "" for the zero Date.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return fmt.Sprintf("%04d-%02d-%02d", d.Year, int(d.Month), d.Day)
}

// MarshalText is String.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what ParseDate reads, and the empty text as the zero Date.
func (d *Date) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*d = Date{}
		return nil
	}
	got, err := ParseDate(string(text))
	if err == nil {
		*d = got
	}
	return err
}
