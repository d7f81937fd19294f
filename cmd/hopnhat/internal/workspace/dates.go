package workspace

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// vietnam is the zone of instants that name none: fixed, so that no tzdata is
// needed.
var vietnam = time.FixedZone("+07:00", 7*60*60)

const dateForms = "write 2025-09-01 00:00 or 1/9/2025 00:00 (day first), with +07:00 behind it if you like"

// ParseTime reads an instant: 2025-09-01 or 1/9/2025 (the day first, always),
// then HH:MM if not midnight, then an offset such as +07:00, which is the
// default; RFC 3339 too. The error says what to write.
func ParseTime(s string) (time.Time, error) {
	day, clock, offset := split(s)
	y, m, d, err := parseDay(day)
	if err != nil {
		return time.Time{}, err
	}
	sec, err := parseClock(clock)
	if err != nil {
		return time.Time{}, err
	}
	zone, err := parseOffset(offset)
	if err != nil {
		return time.Time{}, err
	}
	return time.Date(y, time.Month(m), d, 0, 0, sec, 0, zone), nil
}

// split cuts an instant into its day, clock and offset.
func split(s string) (day, clock, offset string) {
	s = strings.Join(strings.Fields(s), " ")
	day, rest, ok := strings.Cut(s, " ")
	if i := strings.IndexByte(day, 'T'); !ok && i == len("2025-09-01") {
		day, rest = s[:i], s[i+1:]
	}
	if clock, offset, ok = strings.Cut(rest, " "); ok {
		return day, clock, offset
	}
	if i := strings.IndexAny(rest, "+-Z"); i >= 0 {
		return day, rest[:i], rest[i:]
	}
	return day, rest, ""
}

func parseDay(s string) (y, m, d int, err error) {
	bad := func(found, mend string) (int, int, int, error) {
		return 0, 0, 0, &slip{quote(s) + " is no date" + found, mend}
	}
	var parts []string
	slash := strings.Contains(s, "/")
	if slash {
		parts = strings.Split(s, "/")
	} else {
		parts = strings.Split(s, "-")
	}
	var v [3]int
	if len(parts) != 3 {
		if _, err := strconv.Atoi(s); err == nil && len(s) == 5 {
			return bad(": a number, as a spreadsheet keeps dates", dateForms)
		}
		return bad("", dateForms)
	}
	for i, p := range parts {
		n, ok := digits(p, 4)
		if !ok {
			return bad("", dateForms)
		}
		v[i] = n
	}
	iso := false
	switch {
	case slash && len(parts[2]) == 4 && len(parts[0]) <= 2 && len(parts[1]) <= 2:
		d, m, y = v[0], v[1], v[2]
	case !slash && len(parts[0]) == 4 && len(parts[1]) == 2 && len(parts[2]) == 2:
		y, m, d = v[0], v[1], v[2]
		iso = true
	case !slash && len(parts[2]) == 4:
		return bad("", fmt.Sprintf("with hyphens the year comes first: write %s-%02d-%02d, or %d/%d/%s", parts[2], v[1], v[0], v[0], v[1], parts[2]))
	case slash && len(parts[0]) == 4:
		return bad("", fmt.Sprintf("with slashes the day comes first: write %d/%d/%s, or %s-%02d-%02d", v[2], v[1], parts[0], parts[0], v[1], v[2]))
	case len(parts[2]) == 2 || len(parts[0]) == 2:
		return bad("", "write the year with four digits, months and days of 2025-09-01 with two")
	default:
		return bad("", dateForms)
	}
	switch {
	case y < 1900 || y > 2199:
		return bad(fmt.Sprintf(": the year %d", y), "write a year from 1900 to 2199")
	case m < 1 || m > 12:
		mend := "write the day first, then the month, then the year"
		if iso {
			mend = "write the year, then the month, then the day"
		}
		return bad(fmt.Sprintf(": there is no month %d", m), mend)
	}
	if last := time.Date(y, time.Month(m)+1, 0, 0, 0, 0, 0, time.UTC).Day(); d < 1 || d > last {
		return bad(fmt.Sprintf(": month %d of %d has %d days", m, y, last), "write a day that exists")
	}
	return y, m, d, nil
}

// parseClock reads HH:MM or HH:MM:SS and returns seconds after midnight.
func parseClock(s string) (int, error) {
	if s == "" {
		return 0, nil
	}
	parts := strings.Split(s, ":")
	var v [3]int
	ok := len(parts) == 2 || len(parts) == 3
	for i := 0; ok && i < len(parts); i++ {
		v[i], ok = digits(parts[i], 2)
		ok = ok && len(parts[i]) == 2
	}
	switch {
	case ok && v[0] == 24 && v[1] == 0 && v[2] == 0:
		return 0, &slip{quote(s) + " is no time of day", "write 00:00 of the next day"}
	case !ok || v[0] > 23 || v[1] > 59 || v[2] > 59:
		return 0, &slip{quote(s) + " is no time of day", "write hours and minutes with two digits each, such as 07:30"}
	}
	return v[0]*3600 + v[1]*60 + v[2], nil
}

func parseOffset(s string) (*time.Location, error) {
	switch s {
	case "", "+07:00":
		return vietnam, nil
	case "Z", "+00:00", "-00:00":
		return time.UTC, nil
	}
	h, okh := 0, false
	m, okm := 0, false
	if len(s) == len("+07:00") && (s[0] == '+' || s[0] == '-') && s[3] == ':' {
		h, okh = digits(s[1:3], 2)
		m, okm = digits(s[4:], 2)
	}
	if !okh || !okm || h > 14 || m > 59 {
		return nil, &slip{quote(s) + " is no offset from UTC", "write such as +07:00, or nothing for +07:00"}
	}
	sec := h*3600 + m*60
	if s[0] == '-' {
		sec = -sec
	}
	return time.FixedZone(s, sec), nil
}

// digits reads 1 to limit digits and nothing else.
func digits(s string, limit int) (int, bool) {
	if s == "" || len(s) > limit {
		return 0, false
	}
	n := 0
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

// InEnglish says an instant in words: "Monday 1 September 2025, 00:00 (+07:00)".
func InEnglish(t time.Time) string {
	return t.Format("Monday 2 January 2006, 15:04 (-07:00)")
}

// DayInEnglish says the day alone.
func DayInEnglish(t time.Time) string { return t.Format("Monday 2 January 2006") }

// InVietnamese says an instant in words: "0 giờ 00 thứ Hai, ngày 1 tháng 9
// năm 2025", with the offset where it is not +07:00.
func InVietnamese(t time.Time) string {
	s := fmt.Sprintf("%d giờ %02d %s", t.Hour(), t.Minute(), DayInVietnamese(t))
	if o := t.Format("-07:00"); o != "+07:00" {
		s += " (" + o + ")"
	}
	return s
}

// DayInVietnamese says the day alone: "thứ Hai, ngày 1 tháng 9 năm 2025".
func DayInVietnamese(t time.Time) string {
	week := [...]string{"Chủ nhật", "thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy"}
	return fmt.Sprintf("%s, ngày %d tháng %d năm %d", week[t.Weekday()], t.Day(), int(t.Month()), t.Year())
}

// InNumbers writes an instant as 2025-09-01 00:00:00 +07:00.
func InNumbers(t time.Time) string { return t.In(vietnam).Format("2006-01-02 15:04:05 -07:00") }
