package seen

import (
	"strconv"
	"strings"
	"time"
)

// lastSecond is the end of the year 9999: what lies past it is no time.
const lastSecond = 253402300799

// stamp is a time that stood in a line.
type stamp struct {
	t       time.Time
	noYear  bool // t is in the year 0
	present bool
}

// at gives the instant in UTC, with the year that a syslog time lacks: the last
// such day that is not past now (a clock may be a day off).
func (s stamp) at(now time.Time) time.Time {
	switch {
	case !s.present, s.noYear && now.IsZero():
		return time.Time{}
	case s.noYear:
		y, most := now.Year(), now.Add(24*time.Hour)
		for try := range 9 { // 29 February: up to eight years back
			t := s.t
			d := time.Date(y-try+1, t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), t.Location())
			if d.Month() == t.Month() && !d.After(most) {
				return d.UTC()
			}
		}
		return time.Time{}
	}
	return s.t.UTC()
}

// sane gives a time that every log may have and every text form can hold, in
// UTC; the zero time for others.
func sane(t time.Time) time.Time {
	if t = t.UTC(); t.Year() < 1970 || t.Year() > 9999 {
		return time.Time{}
	}
	return t
}

// cutStamp reads the time at the head of a line, in the forms that BIND and
// syslog write, and gives what follows it:
//
//	20-Jun-2025 09:12:44.123            BIND, print-time local
//	2025-06-20T09:12:44.123[Z|+07:00]   BIND iso8601, iso8601-utc, iso8601-tzinfo; syslog
//	2025-06-20 09:12:44.123             collectors
//	Jun 20 09:12:44                     syslog, RFC 3164 4.1.2
func cutStamp(s string, loc *time.Location) (st stamp, rest string) {
	switch {
	case len(s) >= 20 && s[2] == '-' && s[6] == '-' && s[11] == ' ':
		if c, n, ok := clock(s[12:]); ok {
			if t, ok := instant(number(s[7:11]), monthOf(s[3:6]), number(s[0:2]), c, loc); ok {
				return stamp{t: t, present: true}, s[12+n:]
			}
		}
	case len(s) >= 19 && s[4] == '-' && s[7] == '-' && (s[10] == 'T' || s[10] == ' '):
		if t, n, ok := clock(s[11:]); ok {
			rest := s[11+n:]
			if zone, n := zoneOf(rest); n > 0 {
				loc, rest = zone, rest[n:]
			}
			if t, ok := instant(number(s[0:4]), number(s[5:7]), number(s[8:10]), t, loc); ok {
				return stamp{t: t, present: true}, rest
			}
		}
	case len(s) >= 15 && s[3] == ' ' && s[6] == ' ':
		if t, n, ok := clock(s[7:]); ok {
			// The year 0 is a leap year, so 29 February stands.
			if t, ok := instant(0, monthOf(s[0:3]), number(strings.TrimPrefix(s[4:6], " ")), t, loc); ok {
				return stamp{t: t, present: true, noYear: true}, s[7+n:]
			}
		}
	}
	return stamp{}, s
}

// clock reads hh:mm:ss with or without a fraction, and tells its length.
func clock(s string) (time.Duration, int, bool) {
	if len(s) < 8 || s[2] != ':' || s[5] != ':' {
		return 0, 0, false
	}
	h, m, sec := number(s[0:2]), number(s[3:5]), number(s[6:8])
	if h < 0 || h > 23 || m < 0 || m > 59 || sec < 0 || sec > 60 {
		return 0, 0, false
	}
	d, n := time.Duration(h)*time.Hour+time.Duration(m)*time.Minute+time.Duration(sec)*time.Second, 8
	if n < len(s) && (s[n] == '.' || s[n] == ',') {
		unit := time.Second
		for n++; n < len(s) && '0' <= s[n] && s[n] <= '9'; n++ {
			unit /= 10
			d += time.Duration(s[n]-'0') * unit
		}
	}
	return d, n, true
}

// zoneOf reads Z, +07:00 or +0700, and tells its length.
func zoneOf(s string) (*time.Location, int) {
	if strings.HasPrefix(s, "Z") {
		return time.UTC, 1
	}
	if len(s) < 5 || s[0] != '+' && s[0] != '-' {
		return nil, 0
	}
	n, mm := 5, s[3:5]
	if s[3] == ':' && len(s) >= 6 {
		n, mm = 6, s[4:6]
	}
	h, m := number(s[1:3]), number(mm)
	if h < 0 || h > 14 || m < 0 || m > 59 {
		return nil, 0
	}
	east := (h*60 + m) * 60
	if s[0] == '-' {
		east = -east
	}
	return time.FixedZone("", east), n
}

// instant puts a date and a time of day together; no 31 June.
func instant(year, month, day int, clock time.Duration, loc *time.Location) (time.Time, bool) {
	if year < 0 || month < 1 || month > 12 || day < 1 {
		return time.Time{}, false
	}
	if d := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC); d.Day() != day || int(d.Month()) != month {
		return time.Time{}, false
	}
	s := int(clock / time.Second)
	return time.Date(year, time.Month(month), day, s/3600, s/60%60, s%60, int(clock%time.Second), loc), true
}

// monthOf reads an English month as BIND and syslog write it; 0 if it is none.
func monthOf(s string) int {
	const months = "JanFebMarAprMayJunJulAugSepOctNovDec"
	if i := strings.Index(months, s); len(s) == 3 && i >= 0 && i%3 == 0 {
		return i/3 + 1
	}
	return 0
}

// number reads digits; -1 if there is anything else.
func number(s string) int {
	if s == "" || len(s) > 9 || strings.Trim(s, "0123456789") != "" {
		return -1
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		return -1
	}
	return n
}
