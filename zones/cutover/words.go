package cutover

import (
	"fmt"
	"strings"
	"time"
)

// Words are what a table or a picture says, in one language.
type Words struct {
	Title                                        string
	Wave, Step, Instant, What, Zones, Held, Away string    // headings
	Kinds                                        [7]string // by Kind
	Does                                         [7]string // what happens at a step, by Kind
	Days                                         [7]string // from Sunday
	Date                                         string    // a layout of package time
	Units                                        [4]string // day, hour, minute, second
	Wait, Window, Holiday, Now, More             string    // More: "and %d more"
	Scale                                        string    // that lengths are not to scale
}

// English gives the words in English.
func English() Words {
	return Words{
		Title: "Timeline of the cutover",
		Wave:  "WAVE", Step: "STEP", Instant: "INSTANT", What: "WHAT HAPPENS", Zones: "ZONES CHANGED", Held: "ALL HAVE IT BY", Away: "CUT OFF UNTIL",
		Kinds: [7]string{"announce", "lower", "add", "switch", "remove", "restore", "close"},
		Does: [7]string{
			"the stop is announced, by the end of the day", "TTLs go down", "what is new is added", "the cutover: what points at it changes",
			"what goes is removed; no way back", "TTLs as ever", "all servers have it",
		},
		Days: [7]string{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"}, Date: "2006-01-02 15:04:05", Units: [4]string{"d", "h", "min", "s"},
		Wait: "wait: until no cache and no server holds what was before", Window: "rollback window", Holiday: "holiday", Now: "now", More: "and %d more",
		Scale: "lengths are not to scale; the time between two steps is written there",
	}
}

// Vietnamese gives the words in Vietnamese.
func Vietnamese() Words {
	return Words{
		Title: "Lịch trình chuyển đổi",
		Wave:  "ĐỢT", Step: "BƯỚC", Instant: "THỜI ĐIỂM", What: "VIỆC DIỄN RA", Zones: "VÙNG THAY ĐỔI", Held: "MỌI MÁY CHỦ CÓ TRƯỚC", Away: "MÁY MẤT LIÊN LẠC ĐẾN",
		Kinds: [7]string{"thông báo", "hạ TTL", "thêm", "chuyển", "gỡ bỏ", "trả lại TTL", "kết thúc"},
		Does: [7]string{
			"thông báo ngừng dịch vụ, chậm nhất cuối ngày", "TTL được hạ xuống", "thêm những gì mới", "chuyển đổi: bản ghi trỏ sang cái mới",
			"gỡ bỏ những gì thôi dùng; không quay lui được nữa", "TTL như thường lệ", "mọi máy chủ đã có",
		},
		Days: [7]string{"CN", "T2", "T3", "T4", "T5", "T6", "T7"}, Date: "02/01/2006 15:04:05", Units: [4]string{"ngày", "giờ", "phút", "giây"},
		Wait: "chờ: đến khi không bộ nhớ đệm và máy chủ nào còn giữ cái cũ", Window: "thời gian có thể quay lui", Holiday: "ngày lễ", Now: "bây giờ", More: "và %d vùng nữa",
		Scale: "độ dài không theo tỉ lệ; thời gian giữa hai bước được ghi tại chỗ",
	}
}

// instant gives a time in its own zone, with the weekday.
func (w Words) instant(t time.Time) string { return w.Days[t.Weekday()] + " " + t.Format(w.Date) }

// length gives a duration in the two largest units that it has.
func (w Words) length(d time.Duration) string {
	var parts []string
	for i, u := range []time.Duration{24 * time.Hour, time.Hour, time.Minute, time.Second} {
		if n := d / u; n > 0 && len(parts) < 2 {
			parts = append(parts, fmt.Sprint(int64(n), " ", w.Units[i]))
		}
		d %= u
	}
	if len(parts) == 0 {
		return "0 " + w.Units[3]
	}
	return strings.Join(parts, " ")
}
