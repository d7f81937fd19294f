package seen

import (
	"fmt"
	"io"
	"strings"
	"time"

	"gialai.gov.vn/hopnhat/zones/finding"
)

// date is a date of a Windows log. Windows writes it as the server's region
// has it: 6/20/2025, 20/06/2025, 20.06.2025, 2025-06-20, or 20250620.
type date struct {
	year int
	a, b int // in the order of writing; when fixed, month and day
	set  bool
}

func parseDate(s string) (date, bool) {
	if len(s) == 8 && number(s) > 0 {
		return date{number(s[0:4]), number(s[4:6]), number(s[6:8]), true}.checked()
	}
	i := strings.IndexAny(s, "/-.")
	if i < 0 {
		return date{}, false
	}
	sep := s[i : i+1]
	f := strings.Split(s, sep)
	if len(f) != 3 {
		return date{}, false
	}
	var n [3]int
	for i, w := range f {
		if n[i] = number(w); n[i] < 0 {
			return date{}, false
		}
	}
	switch {
	case len(f[0]) == 4:
		return date{n[0], n[1], n[2], true}.checked()
	case len(f[2]) == 2:
		n[2] += 2000
	case len(f[2]) != 4:
		return date{}, false
	}
	if sep == "." { // no region writes the month first with dots
		return date{n[2], n[1], n[0], true}.checked()
	}
	return date{year: n[2], a: n[0], b: n[1]}, len(f[0]) <= 2 && len(f[1]) <= 2
}

func (d date) checked() (date, bool) {
	_, ok := instant(d.year, d.a, d.b, 0, time.UTC)
	return d, ok
}

// on gives the instant.
func (d date) on(order DateOrder, clock time.Duration, loc *time.Location) (time.Time, bool) {
	if order == DayFirst && !d.set {
		d.a, d.b = d.b, d.a
	}
	return instant(d.year, d.a, d.b, clock, loc)
}

// cutClock reads 9:12:44, with AM or PM or their Vietnamese words behind it.
func cutClock(s string) (time.Duration, string, bool) {
	w, rest := word(s)
	if i := strings.IndexByte(w, ':'); i == 1 {
		w = "0" + w
	}
	c, n, ok := clock(w)
	if !ok || n != len(w) {
		return 0, s, false
	}
	half, after := word(rest)
	switch strings.ToUpper(half) {
	case "AM", "SA", "A.M.":
		if c >= 12*time.Hour {
			c -= 12 * time.Hour
		}
	case "PM", "CH", "P.M.":
		if c < 12*time.Hour {
			c += 12 * time.Hour
		}
	default:
		return c, rest, true
	}
	return c, after, true
}

// findOrder reads a log's dates until one can be read in one way only. Where
// each can be read in both, the order in which the days lie closer together is
// taken, if there is a difference: a log goes on from day to day.
func findOrder(r io.Reader, l *ledger) (DateOrder, *finding.Finding) {
	in := newLines(r, l.o.Limits.Line)
	var last date
	var spread [2]time.Duration
	known, seen := false, false
	for {
		line, long, err := in.next()
		if err != nil {
			order, f := decideOrder(last, seen, spread)
			return order, f // the reading meets the error again, and says it
		}
		w, _ := word(string(line))
		d, ok := parseDate(w)
		if !ok || long || d.set || len(line) == 0 || line[0] == ' ' || line[0] == '\t' {
			continue
		}
		_, dayFirst := d.on(DayFirst, 0, time.UTC)
		_, monthFirst := d.on(MonthFirst, 0, time.UTC)
		switch {
		case dayFirst && !monthFirst:
			return DayFirst, nil
		case monthFirst && !dayFirst:
			return MonthFirst, nil
		case !dayFirst:
			continue
		}
		if known && d != last {
			for i, o := range []DateOrder{DayFirst, MonthFirst} {
				from, _ := last.on(o, 0, time.UTC)
				to, _ := d.on(o, 0, time.UTC)
				spread[i] += to.Sub(from).Abs()
			}
		}
		seen = seen || d.a != d.b
		last, known = d, true
	}
}

func decideOrder(last date, ambiguous bool, spread [2]time.Duration) (DateOrder, *finding.Finding) {
	switch {
	case !ambiguous, spread[0] < spread[1]:
		return DayFirst, nil
	case spread[1] < spread[0]:
		return MonthFirst, nil
	}
	return DateAuto, &finding.Finding{
		ID: "Q-DATE", Severity: finding.Error,
		Found: fmt.Sprintf("every date can be read with the day or with the month first, such as %d/%d/%d", last.a, last.b, last.year),
		Mend:  "say which comes first on that server: the day or the month",
	}
}

// noYearFinding is said once for a log.
func noYearFinding() finding.Finding {
	return finding.Finding{
		ID: "Q-YEAR", Severity: finding.Warning,
		Found: "times without a year (syslog), and no instant to reckon from: first and last time are left open",
		Mend:  "say when the log was taken",
	}
}
