package cli

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/zones/cutover"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// datesWords is a language of cutover plan.
type datesWords struct {
	at, day func(time.Time) string
	kinds   map[string]string

	title, wave, byEnd, empty, alone string
	why                              map[cutover.Kind]string // what each step is for; its waiting behind it
	waits, window, waiting           string
	near                             func(*cutover.TooNearError) string
	missed                           func(time.Time) string
	earliest                         func(time.Time) string
	overlap, open, others            string
}

func datesInEnglish() *datesWords {
	return &datesWords{
		at: workspace.InEnglish, day: workspace.DayInEnglish, kinds: cutoverInEnglish().kinds,
		title: "the cutover of %s; waves that change names: %d",
		wave:  "%s: %s",
		byEnd: "by the end of %s",
		empty: "%s: changes no name",
		alone: "a secondary that hears nothing of it has dropped what it had by %s",
		why: map[cutover.Kind]string{
			cutover.Announce: "%d whole working days lie between it and the switch",
			cutover.Lower:    "TTLs of the zones that change go down to %s",
			cutover.Add:      "what is new stands beside what is old",
			cutover.Switch:   "what points at names points at the new ones",
			cutover.Remove:   "what nothing points at any more goes",
			cutover.Restore:  "TTLs are what they will be",
			cutover.Close:    "nothing of it is left in caches",
		},
		waits:   "; waits %s",
		window:  "; until then, for %s, one step leads back",
		waiting: "a step waits until the last secondary has the one before (REFRESH + RETRY) and caches have dropped what is older",
		near: func(e *cutover.TooNearError) string {
			return fmt.Sprintf("the switch of %s is too near: its step %q should be done already", workspace.InEnglish(e.Cutover), e.Kind)
		},
		missed: func(t time.Time) string {
			return fmt.Sprintf("the switch of %s is past; if it was not made, nothing happens by itself", workspace.InEnglish(t))
		},
		earliest: func(t time.Time) string {
			return "a plan made now can switch no sooner than " + workspace.InEnglish(t) + ": write a new date; what was scheduled, hopnhat cutover status tells"
		},
		overlap: "the wave %s of %s begins before %s has ended: it can switch no sooner than %s; move it, or shorten rollback under timeline",
		others:  "%s: %d more findings; --json lists them",
		open:    "the plan cannot be published yet: %s",
	}
}

func datesInVietnamese() *datesWords {
	return &datesWords{
		at: workspace.InVietnamese, day: workspace.DayInVietnamese, kinds: cutoverInVietnamese().kinds,
		title: "chuyển đổi lúc %s; số đợt có đổi tên: %d",
		wave:  "%s: %s",
		byEnd: "chậm nhất hết %s",
		empty: "%s: không đổi tên nào",
		alone: "máy phụ mất liên lạc bỏ dữ liệu cũ chậm nhất lúc %s",
		why: map[cutover.Kind]string{
			cutover.Announce: "trước lúc chuyển đủ %d ngày làm việc",
			cutover.Lower:    "TTL của các vùng thay đổi hạ xuống %s",
			cutover.Add:      "cái mới đứng cạnh cái cũ",
			cutover.Switch:   "những gì trỏ tới tên thì trỏ sang tên mới",
			cutover.Remove:   "cái không còn gì trỏ tới được gỡ bỏ",
			cutover.Restore:  "TTL trở về mức lâu dài",
			cutover.Close:    "bộ nhớ đệm không còn gì của đợt này",
		},
		waits:   "; chờ %s",
		window:  "; trong %s trước đó một bước là quay lui được",
		waiting: "mỗi bước chờ đến khi máy phụ cuối cùng có bước trước (REFRESH + RETRY) và bộ nhớ đệm đã bỏ cái cũ hơn",
		near: func(e *cutover.TooNearError) string {
			return fmt.Sprintf("lúc chuyển %s quá gần: bước “%s” lẽ ra đã phải xong", workspace.InVietnamese(e.Cutover), cutoverInVietnamese().kinds[e.Kind.String()])
		},
		missed: func(t time.Time) string {
			return fmt.Sprintf("lúc chuyển %s đã qua; nếu chưa chuyển thì không có gì tự xảy ra", workspace.InVietnamese(t))
		},
		earliest: func(t time.Time) string {
			return "lập kế hoạch bây giờ thì sớm nhất chuyển được lúc " + workspace.InVietnamese(t) + ": ghi ngày mới; việc đã lên lịch xem bằng hopnhat cutover status"
		},
		overlap: "đợt %s lúc %s bắt đầu khi %s chưa xong: sớm nhất chuyển được lúc %s; dời ngày, hoặc rút ngắn rollback trong timeline",
		others:  "%s: còn %d dòng nữa, xem bằng --json",
		open:    "kế hoạch chưa công bố được: %s",
	}
}

// mostOfOne is how many warnings of one kind are printed.
const mostOfOne = 3

// refused words why there is no timeline.
func (w *datesWords) refused(err error) error {
	var o *cutover.OverlapError
	if errors.As(err, &o) {
		return fmt.Errorf(w.overlap, o.Wave, w.at(o.At), o.Before, w.at(o.Earliest))
	}
	return err
}

func (w *datesWords) print(out io.Writer, d *cutoverDates) error {
	fmt.Fprintf(out, w.title+"\n", w.at(d.terms.Cutover), len(d.line.Waves()))
	for _, x := range d.waves {
		var steps []cutover.Step
		for _, s := range d.line.Steps() {
			if s.Wave == x.Name {
				steps = append(steps, s)
			}
		}
		if len(steps) == 0 {
			fmt.Fprintf(out, w.empty+"\n", x.Name)
			continue
		}
		fmt.Fprintf(out, w.wave+"\n", x.Name, w.at(x.At))
		t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		var alone time.Time
		for _, s := range steps {
			when := w.at(s.At.In(d.terms.Cutover.Location()))
			if s.Kind == cutover.Announce {
				when = fmt.Sprintf(w.byEnd, w.day(s.At))
			}
			if s.Kind == cutover.Switch {
				alone = s.Alone
			}
			fmt.Fprintf(t, "  %s\t%s\t%s\n", w.kinds[s.Kind.String()], when, w.reason(s, d.terms))
		}
		if err := t.Flush(); err != nil {
			return err
		}
		fmt.Fprintf(out, "  "+w.alone+"\n", w.at(alone.In(d.terms.Cutover.Location())))
	}
	fmt.Fprintln(out, w.waiting)
	said := map[string]int{}
	for _, f := range d.found {
		if f.Severity == finding.Warning {
			said[f.ID]++
		}
		if f.Severity >= finding.Warning && said[f.ID] <= mostOfOne || f.Severity > finding.Warning {
			fmt.Fprintln(out, f.String())
		}
	}
	for _, id := range slices.Sorted(maps.Keys(said)) {
		if n := said[id] - mostOfOne; n > 0 {
			fmt.Fprintf(out, w.others+"\n", id, n)
		}
	}
	if !d.publishable() {
		fmt.Fprintf(out, w.open+"\n", d.blocked())
	}
	return nil
}

// reason says what a step is for and what it waits for.
func (w *datesWords) reason(s cutover.Step, t cutover.Terms) string {
	text := w.why[s.Kind]
	switch s.Kind {
	case cutover.Announce:
		return fmt.Sprintf(text, t.Notice)
	case cutover.Lower:
		text = fmt.Sprintf(text, span(t.Low))
	}
	switch {
	case s.Kind == cutover.Remove && t.Rollback > s.After:
		text += fmt.Sprintf(w.window, span(t.Rollback))
	case s.After > 0:
		text += fmt.Sprintf(w.waits, span(s.After))
	}
	return text
}

// span writes a length of time as TTLs are written: 1d4h30m.
func span(d time.Duration) string {
	if d == 0 {
		return "0s"
	}
	var b strings.Builder
	for _, u := range []struct {
		d    time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}} {
		if n := d / u.d; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, u.name)
			d -= n * u.d
		}
	}
	return b.String()
}
