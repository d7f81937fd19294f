package cutover

import "time"

// noticeDay is the day by whose end a stop must be announced, so that a number
// of whole working days lies between: the last working day before them. Days
// are those of the stop's own time zone.
func noticeDay(stop time.Time, days int, holidays []time.Time) time.Time {
	d := midnight(stop)
	for left := days + 1; left > 0; {
		d = d.AddDate(0, 0, -1)
		if works(d, holidays) {
			left--
		}
	}
	return d
}

// works tells whether a day is neither of a weekend nor a holiday.
func works(d time.Time, holidays []time.Time) bool {
	if d.Weekday() == time.Saturday || d.Weekday() == time.Sunday {
		return false
	}
	for _, h := range holidays {
		if h.Year() == d.Year() && h.YearDay() == d.YearDay() {
			return false
		}
	}
	return true
}

func midnight(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())
}
