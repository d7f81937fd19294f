package workspace

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParseTime(t *testing.T) {
	utc := func(y, m, d, h, min, s int) time.Time {
		return time.Date(y, time.Month(m), d, h, min, s, 0, time.UTC)
	}
	cutover := utc(2025, 8, 31, 17, 0, 0)
	for s, want := range map[string]time.Time{
		"2025-09-01":                  cutover,
		"2025-09-01 00:00":            cutover,
		"2025-09-01 00:00 +07:00":     cutover,
		"2025-09-01   00:00   +07:00": cutover,
		"2025-09-01 00:00+07:00":      cutover,
		"2025-09-01T00:00:00+07:00":   cutover,
		"2025-08-31T17:00:00Z":        cutover,
		"2025-08-31 17:00 Z":          cutover,
		"2025-08-31 12:30 -04:30":     cutover,
		"1/9/2025":                    cutover,
		"01/9/2025":                   cutover,
		"01/09/2025 00:00":            cutover,
		"1/9/2025 00:00 +07:00":       cutover,
		"1/9/2025 7:30":               {},                        // two digits, or 7:30 might be half past seven in the evening
		"03/6/2025":                   utc(2025, 6, 2, 17, 0, 0), // 3 June: the day comes first, always
		"12/6/2025":                   utc(2025, 6, 11, 17, 0, 0),
		"29/2/2028 23:59:59":          utc(2028, 2, 29, 16, 59, 59),
		"2026-01-05 00:00 +07:00":     utc(2026, 1, 4, 17, 0, 0),
	} {
		got, err := ParseTime(s)
		if (err != nil) != want.IsZero() || !got.Equal(want) {
			t.Errorf("%q: got %v, %v; want %v", s, got, err, want)
		}
	}
	for s, want := range map[string]string{
		"31/2/2025":                 "month 2 of 2025 has 28 days",
		"29/2/2025":                 "month 2 of 2025 has 28 days",
		"2025-02-30":                "month 2 of 2025 has 28 days",
		"31/4/2025":                 "month 4 of 2025 has 30 days",
		"0/9/2025":                  "a day that exists",
		"9/13/2025":                 "there is no month 13; write the day first",
		"2025-13-01":                "there is no month 13; write the year",
		"2025-00-01":                "there is no month 0",
		"1-9-2025":                  "write 2025-09-01, or 1/9/2025",
		"2025/09/01":                "write 1/9/2025, or 2025-09-01",
		"1/9/25":                    "four digits",
		"2025-9-1":                  "write 2025-09-01",
		"1.9.2025":                  "write 2025-09-01",
		"45901":                     "a number, as a spreadsheet keeps dates",
		"1/9/1825":                  "the year 1825",
		"1/9/9999":                  "the year 9999",
		"1/9/12025":                 "is no date",
		"":                          "is no date",
		"open":                      "is no date",
		"1 tháng 9 năm 2025":        "is no date",
		"2025-09-01 24:00":          "write 00:00 of the next day",
		"2025-09-01 24:01":          "no time of day",
		"2025-09-01 7:30":           "07:30",
		"2025-09-01 0h":             "no time of day",
		"2025-09-01 00:60":          "no time of day",
		"2025-09-01 00:00 +7":       "no offset",
		"2025-09-01 00:00 ICT":      "no offset",
		"2025-09-01 00:00 +0700":    "no offset",
		"2025-09-01 00:00 +15:00":   "no offset",
		"2025-09-01 00:00 +07:60":   "no offset",
		"2025-09-01 00:00 +07:00 x": "no offset",
		"+5/9/2025":                 "is no date",
	} {
		got, err := ParseTime(s)
		if err == nil || !strings.Contains(err.Error(), want) || !got.IsZero() {
			t.Errorf("%q: got %v, %v; want an error with %q", s, got, err, want)
		}
	}
}

// Every day, written in each form, is read as time.Date has it.
func TestParseTimeForms(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := time.Date(1900, 1, 1, 0, 0, 0, 0, vietnam).AddDate(0, 0, rapid.IntRange(0, 300*365).Draw(t, "day")).
			Add(time.Duration(rapid.IntRange(0, 24*60-1).Draw(t, "minute")) * time.Minute)
		for _, form := range []string{"2006-01-02 15:04", "2006-01-02 15:04 -07:00", "2/1/2006 15:04", "02/01/2006 15:04 -07:00", time.RFC3339} {
			got, err := ParseTime(want.Format(form))
			if err != nil || !got.Equal(want) {
				t.Fatalf("%s: got %v, %v; want %v", want.Format(form), got, err, want)
			}
		}
		i, err := ParseInstant(Instant{at: want}.String())
		if err != nil || !i.Equal(Instant{at: want}) {
			t.Fatalf("instant %v: got %v, %v", want, i, err)
		}
	})
}

// 2025-09-01 is a Monday (context: the cutover of the plan), 2025-06-03 a
// Tuesday, 2025-08-31 a Sunday, 2024-02-29 a Thursday.
func TestWords(t *testing.T) {
	for s, want := range map[string][2]string{
		"2025-09-01":              {"Monday 1 September 2025, 00:00 (+07:00)", "0 giờ 00 thứ Hai, ngày 1 tháng 9 năm 2025"},
		"3/6/2025 13:05":          {"Tuesday 3 June 2025, 13:05 (+07:00)", "13 giờ 05 thứ Ba, ngày 3 tháng 6 năm 2025"},
		"2025-08-31T17:00:00Z":    {"Sunday 31 August 2025, 17:00 (+00:00)", "17 giờ 00 Chủ nhật, ngày 31 tháng 8 năm 2025 (+00:00)"},
		"2024-02-29 23:59 +07:00": {"Thursday 29 February 2024, 23:59 (+07:00)", "23 giờ 59 thứ Năm, ngày 29 tháng 2 năm 2024"},
	} {
		at, err := ParseTime(s)
		if err != nil {
			t.Fatal(err)
		}
		if got := [2]string{InEnglish(at), InVietnamese(at)}; got != want {
			t.Errorf("%s:\ngot  %q\nwant %q", s, got, want)
		}
	}
}

func TestInstant(t *testing.T) {
	cutover, _ := ParseTime("2025-09-01")
	for s, want := range map[string]bool{
		"before": false, "after": true,
		"2025-08-31 23:59:59": false, "2025-09-01": true, "1/9/2025 00:00:01": true,
		"2025-08-31 17:00 Z": true, "2025-08-31 16:59 Z": false,
	} {
		i, err := ParseInstant(s)
		if err != nil || i.IsAfter(cutover) != want {
			t.Errorf("%s: after the cutover %v, %v; want %v", s, i.IsAfter(cutover), err, want)
		}
		if i.IsAfter(time.Time{}) != (s == "after") {
			t.Errorf("%s: without a cutover only after lies after it", s)
		}
	}
	now, err := ParseInstant("now")
	if err != nil || !now.IsNow() || now.IsAfter(cutover) || now.Equal(Before()) || now.String() != "now" {
		t.Errorf("now: %v, %v", now, err)
	}
	if _, err := ParseFixed("now"); err == nil || !strings.Contains(err.Error(), "no file tells") {
		t.Errorf("now where files alone answer: %v", err)
	}
	for s, want := range map[string]string{"": "neither before nor after", "After": "neither before", "31/2/2025": "nor a date"} {
		if _, err := ParseInstant(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want an error with %q", s, err, want)
		}
	}
}
