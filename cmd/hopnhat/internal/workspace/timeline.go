package workspace

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/cutover"
	"gialai.gov.vn/hopnhat/zones/merge"
)

// Timeline is what the section timeline says: how the instants around the
// cutover are computed.
type Timeline struct {
	Low      time.Duration // no TTL is higher around a switch
	Rollback time.Duration // so long after a switch going back stays quick
	Grace    time.Duration // so much later a switch may still be made
	Notice   int           // whole working days between announcement and switch; 0: none is due
	Parent   time.Duration // the longest TTL at the parents, for what changes there

	Refresh, Retry, Expire time.Duration // of the secondaries, where longer than the SOAs'; 0 else

	Fewest bool // a wave is one instant where the mixture proof allows it, else three as always
}

func defaultTimeline() Timeline {
	return Timeline{Low: 5 * time.Minute, Rollback: 7 * day, Grace: time.Hour, Notice: 7, Parent: day}
}

const day = 24 * time.Hour

// parseSpan reads a length of time as zone files write TTLs: 5m, 1h30m, 7d, or
// seconds.
func parseSpan(s string) (time.Duration, error) {
	const most = 1<<31 - 1
	mend := "write it as a TTL: 5m, 1h30m, 7d, 1w, or seconds"
	bad := func(why string) (time.Duration, error) {
		return 0, &slip{quote(s) + " is no length of time" + why, mend}
	}
	units := map[byte]int64{'s': 1, 'm': 60, 'h': 3600, 'd': 86400, 'w': 604800}
	if number, unit, ok := strings.Cut(s, " "); ok && unit != "" {
		if _, known := units[unit[0]|0x20]; known {
			mend = "write it as a TTL, without a space: " + number + strings.ToLower(unit[:1])
		}
	}
	var sum, n int64
	digits, whole := 0, false
	for _, c := range []byte(s) {
		if '0' <= c && c <= '9' {
			if n = n*10 + int64(c-'0'); n > most {
				return bad(": longer than 2147483647 seconds")
			}
			digits++
			continue
		}
		unit := units[c|0x20]
		if unit == 0 || digits == 0 {
			return bad("")
		}
		sum, n, digits, whole = sum+n*unit, 0, 0, true
		if sum > most {
			return bad(": longer than 2147483647 seconds")
		}
	}
	switch {
	case digits > 0 && whole:
		return bad(": a number without its unit")
	case digits > 0:
		sum = n
	case !whole:
		return bad("")
	}
	return time.Duration(sum) * time.Second, nil
}

// span reads a length of time; low is the least that makes sense.
func (d *decoder) span(n *node, what string, low time.Duration) time.Duration {
	return read(d, n, "W-VALUE", what, func(s string) (time.Duration, error) {
		v, err := parseSpan(s)
		if err == nil && v < low {
			err = &slip{fmt.Sprintf("%s is %s, less than %v", what, quote(s), low), "write a longer one"}
		}
		return v, err
	})
}

func (d *decoder) timeline(n *node) Timeline {
	t := defaultTimeline()
	d.fields(n, "timeline",
		may("low-ttl", func(n *node) { t.Low = d.span(n, "low-ttl", time.Second) }),
		may("rollback", func(n *node) { t.Rollback = d.span(n, "rollback", 0) }),
		may("grace", func(n *node) { t.Grace = d.span(n, "grace", 0) }),
		may("notice", func(n *node) { t.Notice = d.number(n, "notice", 0, 366) }),
		may("parent-ttl", func(n *node) { t.Parent = d.span(n, "parent-ttl", 0) }),
		may("steps", func(n *node) { t.Fewest = d.oneOf(n, "steps", "three", "fewest") == 1 }),
		may("refresh", func(n *node) { t.Refresh = d.span(n, "refresh", 0) }),
		may("retry", func(n *node) { t.Retry = d.span(n, "retry", 0) }),
		may("expire", func(n *node) { t.Expire = d.span(n, "expire", 0) }))
	return t
}

// holidays reads one day, or the days of a range.
func (d *decoder) holidays(n *node) []time.Time {
	return read(d, n, "W-DATE", "a holiday", parseDays)
}

// parseDays reads DAY or DAY..DAY, each as ParseTime does and without a clock.
func parseDays(s string) ([]time.Time, error) {
	from, to, isRange := strings.Cut(s, "..")
	first, err := parseHoliday(from)
	if err != nil {
		return nil, err
	}
	last := first
	if isRange {
		if last, err = parseHoliday(to); err != nil {
			return nil, err
		}
	}
	switch {
	case last.Before(first):
		return nil, &slip{quote(s) + " ends before it begins", "write the earlier day first: " + strings.TrimSpace(to) + ".." + strings.TrimSpace(from)}
	case last.After(first.AddDate(0, 0, 365)):
		return nil, &slip{quote(s) + " is longer than a year", "write the days that are free, such as 30/8/2025..2/9/2025"}
	}
	var out []time.Time
	for t := first; !t.After(last); t = t.AddDate(0, 0, 1) {
		out = append(out, t)
	}
	return out, nil
}

func parseHoliday(s string) (time.Time, error) {
	const mend = "write a day alone, such as 2/9/2025 or 2025-09-02, or a range such as 30/8/2025..2/9/2025"
	t, err := ParseTime(s)
	var e *slip
	if errors.As(err, &e) {
		return t, &slip{e.found, strings.Replace(e.mend, dateForms, mend, 1)}
	}
	if strings.ContainsAny(strings.TrimSpace(s), " :T") {
		return t, &slip{quote(s) + " is more than a day", mend}
	}
	return t, err
}

// Timeline computes the steps of all waves, against every serial that was seen
// of a zone.
func (w *Workspace) Timeline(plan *merge.Plan, seen map[zones.ID][]zones.Serial) (cutover.Timeline, error) {
	ws, _, err := w.Waves(plan)
	if err != nil {
		return cutover.Timeline{}, err
	}
	t := w.TermsOf(ws)
	t.Served = seen
	return cutover.PlanWaves(ws, t)
}

// TermsOf is Terms for given waves: with the parents' TTL where a wave changes
// something at a parent.
func (w *Workspace) TermsOf(ws []cutover.Wave) cutover.Terms {
	t := w.Terms()
	if slices.ContainsFunc(ws, func(x cutover.Wave) bool { return len(x.Row.AtParent()) > 0 }) {
		t.Parent = w.Consolidation.Timeline.Parent
	}
	return t
}

// Moved is the workspace with another date of the cutover. Waves of later
// dates stay where they are, and must lie behind it.
func (w *Workspace) Moved(at time.Time) (*Workspace, error) {
	for _, s := range w.stages {
		if !s.wave.Date.After(at) {
			return nil, fmt.Errorf("the wave %s of %s would not lie behind a cutover on %s: move it too, in %s", s.wave.Name, InEnglish(s.wave.Date), InEnglish(at), ConsolidationFile)
		}
	}
	n := *w
	n.Mapping.Cutover = at
	n.Consolidation.Waves = slices.Clone(w.Consolidation.Waves)
	for i, x := range n.Consolidation.Waves {
		if x.Cutover || x.Date.Equal(w.Mapping.Cutover) {
			n.Consolidation.Waves[i].Date = at
		}
	}
	return &n, nil
}

// Terms is what the timeline is computed from beside the worlds, without the
// parents' TTL, which counts only where something changes there (TermsOf).
func (w *Workspace) Terms() cutover.Terms {
	t := w.Consolidation.Timeline
	return cutover.Terms{
		Cutover: w.Mapping.Cutover, Refresh: t.Refresh, Retry: t.Retry, Expire: t.Expire,
		Low: t.Low, Rollback: t.Rollback, Grace: t.Grace, Notice: t.Notice, Holidays: w.Holidays,
	}
}
