package cli

import (
	"fmt"
	"io"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/simulate"
)

// simulationWords is a language of cutover simulate.
type simulationWords struct {
	view     string // view
	without  string // protection
	model    func(string) string
	outside  string
	asked    string // clients, different questions, questions in all
	none     string
	failures string // client-seconds, those of names that stay, longest stretch
	first    string // instant
	failure  func(simulate.Failure) string
}

func simulationInEnglish() simulationWords {
	return simulationWords{
		view: "view %s", without: ", without %s",
		model:    func(m string) string { return m },
		outside:  " (outside the claim)",
		asked:    "%d clients, %d different questions, asked %d times in all",
		none:     "none failed",
		failures: "client-seconds with a failure: %d, of names that are there before and after: %d; longest stretch: %v",
		first:    "first at %s: ",
		failure:  simulate.Failure.String,
	}
}

func simulationInVietnamese() simulationWords {
	return simulationWords{
		view: "view %s", without: ", bỏ %s",
		model: func(m string) string {
			if vi, ok := modelsInVietnamese()[m]; ok {
				return vi
			}
			return m
		},
		outside:  " (ngoài phạm vi cam kết)",
		asked:    "%d máy hỏi, %d câu hỏi khác nhau, tổng cộng %d lượt hỏi",
		none:     "không câu nào hỏng",
		failures: "số giây máy hỏi gặp lỗi: %d, trong đó tên có cả trước và sau: %d; đoạn dài nhất: %v",
		first:    "lần đầu lúc %s: ",
		failure: func(f simulate.Failure) string {
			s := f.Way() + ": " + f.What + ", do " + serversInVietnamese()[f.From]
			if f.Age > 0 {
				s += fmt.Sprintf(", giữ trong bộ nhớ đệm đã %v", f.Age)
			}
			return s
		},
	}
}

// modelsInVietnamese has every model; a test holds it to that.
func modelsInVietnamese() map[string]string {
	return map[string]string{
		"TTL-respecting":                    "giữ đúng TTL",
		"TTLs capped to 1 min":              "TTL không quá 1 phút",
		"TTLs capped to 1 h":                "TTL không quá 1 giờ",
		"negative caching, names below too": "nhớ tên không có, cả tên bên dưới (RFC 8020)",
		"aggressive use of NSEC":            "suy ra từ NSEC (RFC 8198)",
		"behind a secondary without NOTIFY": "sau máy phụ không nhận NOTIFY",
		"parent-centric":                    "theo ủy quyền của vùng cha",
		"TTLs raised to 5 min":              "nâng TTL lên ít nhất 5 phút",
		"TTLs raised to 1 h":                "nâng TTL lên ít nhất 1 giờ",
		"serve-stale for 1 d":               "trả lời cũ đến 1 ngày sau khi hết TTL (RFC 8767)",
	}
}

// serversInVietnamese has every server of a simulation.
func serversInVietnamese() map[string]string {
	return map[string]string{
		"the primary":                     "máy chính",
		"a secondary with NOTIFY":         "máy phụ có NOTIFY",
		"a secondary without NOTIFY":      "máy phụ không có NOTIFY",
		"a late secondary without NOTIFY": "máy phụ không có NOTIFY, chậm nhất có thể",
		"the old servers":                 "các máy cũ",
	}
}

func (w simulationWords) print(to io.Writer, s simulated) {
	head := fmt.Sprintf(w.view, s.View)
	if s.Without != "" {
		head += fmt.Sprintf(w.without, s.Without)
	}
	if len(s.Models) > 0 {
		r := s.Models[0]
		head += ": " + fmt.Sprintf(w.asked, r.Clients, r.Names, r.Questions)
	}
	fmt.Fprintln(to, head)
	for _, r := range s.Models {
		name := w.model(r.Model)
		if !r.Claimed {
			name += w.outside
		}
		if r.Failures == 0 {
			fmt.Fprintf(to, "  %s: %s\n", name, w.none)
			continue
		}
		fmt.Fprintf(to, "  %s: %s\n", name, fmt.Sprintf(w.failures, r.Failures, r.Old, r.Longest))
		if r.First != nil {
			fmt.Fprintf(to, "    %s%s\n", fmt.Sprintf(w.first, r.First.At.Format("2006-01-02 15:04:05 MST")), w.failure(*r.First))
		}
	}
}
