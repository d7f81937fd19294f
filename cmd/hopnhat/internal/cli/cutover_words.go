package cli

import (
	"time"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/control"
)

// cutoverWords is a language of the cutover's commands.
type cutoverWords struct {
	clock  string // a layout of time
	states map[control.State]string
	kinds  map[string]string        // of steps
	causes map[control.Cause]string // what holds, or is waited for
	roles  map[string]string        // who is asked
	faults map[string]string        // of a verification: Count, Of, Need, Such, Want, Got and Dig of control.Fault
	clocks map[string]string        // of what is wrong with the clock: by how much, until or to when
	soon   func(time.Duration) string
	change func(control.Change) string

	of, none, next, waits, stale, plans, because, proof, lost, preserved, version string
	had, byWhom, back, announce, published, edit                                  string
	fits, misfits, served, columns, well, failed                                  string

	right, unverified, suchAs string // a verification

	alarmHeld, alarmMissed, alarmFailed, alarmClock, goBack, goOn, goOnWithout, byItself, newDate string

	noPlan, otherPlan, whole, typeHash, notApproved, approved, toApprove string

	nowDone, abortDone, rollbackDone, holdDone, releaseDone string
}

func cutoverInEnglish() *cutoverWords {
	return &cutoverWords{
		clock: "2006-01-02 15:04:05 -07:00",
		states: map[control.State]string{
			control.None: "none is scheduled", control.Scheduled: "scheduled, waits for approvals", control.Waiting: "waits for its next step",
			control.Due: "a step is being taken", control.Held: "HELD", control.Missed: "MISSED", control.Aborted: "aborted",
			control.RolledBack: "rolled back", control.Done: "done",
		},
		kinds: map[string]string{
			"announce": "announce", "lower": "lower", "add": "add", "switch": "switch", "remove": "remove", "restore": "restore", "close": "close",
			"rolledback": "the rollback", "aborted": "what was before, by the abort",
		},
		causes: map[control.Cause]string{
			control.ByApprovals: "the plan has %d of %d approvals",
			control.Unverified:  "the verification of the step before",
			control.ByPlan:      "the files lead to another plan than the one that was scheduled",
		},
		roles: map[string]string{"listener": "this server", "secondary": "secondary", "resolver": "resolver"},
		faults: map[string]string{
			"wrong":   "%[1]d of %[2]d answers are wrong, such as %[4]s: expected %[5]s, got %[6]s; see %[7]s",
			"behind":  "%[1]d zones are behind, such as %[4]s: serial %[6]s, not %[5]s",
			"silent":  "%[1]d of %[2]d questions were not answered",
			"raised":  "%[1]d answers have a TTL above any that was served: it keeps answers longer than the timeline counts on",
			"stopped": "the verification was stopped before it was through",
			"nothing": "nothing was asked",
			"nobody":  "no server or resolver was asked",
			"link":    "nothing beyond this server answered: look at its own link first",
			"enough":  "%[1]d vantage points are wrong and %[2]d right; %[3]d wrong ones and a majority go back",
			"few":     "%[1]d vantage points are wrong and %[2]d right: not enough to go back by itself (%[3]d wrong ones and a majority)",
		},
		right:      "%d of %d answers of %d servers are right",
		unverified: "the verification failed: ",
		suchAs:     ", such as",
		clocks: map[string]string{
			"jumped": "the clock jumped forward by %s to %s", "jumped back": "the clock jumped back by %s to %s", "slept": "the machine slept for %s until %s",
			"earlier":        "the clock is %s before the last event of the log, at %s",
			"unsynchronised": "the clock is not synchronised: see that a time service runs (timedatectl, chronyc tracking)",
		},
		soon:   spanInEnglish,
		change: changeInEnglish,

		of:        "cutover of %s: %s",
		none:      "cutover: %s",
		next:      "next: %s at %s (%s)",
		waits:     "; it waits: %s",
		stale:     "the plan is stale, no step is taken: %s; schedule it again",
		plans:     "plan %s, made %s by %s",
		because:   ": ",
		proof:     "proof: %s",
		preserved: inEnglish().preserved,
		version:   ", version ",
		lost:      "proof: names are LOST: %s",
		had:       "approvals: %d of %d",
		byWhom:    "%s at %s",
		back:      "a rollback is possible until %s",
		announce:  "to be announced by the end of %s",
		published: "published last: %s at %s by %s",
		edit:      "an edit",
		fits:      "certificate %s fits what is served (%s)",
		misfits:   "certificate %s does NOT fit what is served (%s)",
		served:    "%s (%s): serial %d",
		columns:   "wave\tstep\tplanned\tearliest\ttaken\tverified",
		well:      "well: %s",
		failed:    "FAILED: %s",

		alarmHeld:   "ALARM: held since %s: %s; no step is taken by itself",
		alarmMissed: "ALARM: the switch of %s was missed (grace %s); nothing changes by itself",
		alarmFailed: "ALARM: servers do not answer as they should after the step %s: %s",
		alarmClock:  "ALARM: no switch is made: %s; look at the time and set it right",
		goBack:      "; to go back: %s",
		goOn:        "; to go on: %s",
		goOnWithout: "; to go on: mend what does not answer, or take it out of hopnhat.yaml and run `hopnhat reload`; then: %s",
		byItself:    "; mend that and it goes on, without a command",
		newDate:     "; write a new date into consolidation.yaml and run `hopnhat cutover schedule`, or: %s",

		noPlan:      "there is no plan to approve; make one by `hopnhat cutover schedule`",
		otherPlan:   "the plan is now %s, not %s: look at it by `hopnhat cutover status` and approve that",
		whole:       "this is no terminal to ask on: to approve what is shown above give the whole hash, %s",
		typeHash:    "to approve this plan type the first %d digits of its hash, or more: ",
		notApproved: "not approved",
		approved:    "approved",
		toApprove:   "to approve it: %s",

		nowDone: "the switch comes as early as is safe", abortDone: "aborted", rollbackDone: "rolled back", holdDone: "held", releaseDone: "released",
	}
}

func cutoverInVietnamese() *cutoverWords {
	return &cutoverWords{
		clock: "2/1/2006 15:04:05 -07:00",
		states: map[control.State]string{
			control.None: "chưa lên lịch", control.Scheduled: "đã lên lịch, chờ phê duyệt", control.Waiting: "chờ bước kế tiếp",
			control.Due: "đang thực hiện một bước", control.Held: "TẠM DỪNG", control.Missed: "LỠ HẸN", control.Aborted: "đã hủy",
			control.RolledBack: "đã quay lui", control.Done: "đã xong",
		},
		kinds: map[string]string{
			"announce": "thông báo", "lower": "hạ TTL", "add": "thêm", "switch": "chuyển", "remove": "gỡ bỏ", "restore": "trả lại TTL", "close": "kết thúc",
			"rolledback": "quay lui", "aborted": "như trước, do hủy",
		},
		causes: map[control.Cause]string{
			control.ByApprovals: "kế hoạch mới có %d trên %d phê duyệt",
			control.Unverified:  "việc kiểm tra bước trước",
			control.ByPlan:      "các tệp dẫn đến một kế hoạch khác với kế hoạch đã lên lịch",
		},
		roles: map[string]string{"listener": "máy chủ này", "secondary": "máy phụ", "resolver": "máy phân giải"},
		faults: map[string]string{
			"wrong":   "%[1]d trên %[2]d câu trả lời sai, chẳng hạn %[4]s: phải là %[5]s, lại nhận %[6]s; xem %[7]s",
			"behind":  "%[1]d vùng chưa theo kịp, chẳng hạn %[4]s: serial %[6]s, không phải %[5]s",
			"silent":  "%[1]d trên %[2]d câu hỏi không được trả lời",
			"raised":  "%[1]d câu trả lời có TTL lớn hơn mọi TTL đã phục vụ: nơi ấy giữ câu trả lời lâu hơn tiến trình tính đến",
			"stopped": "việc kiểm tra bị dừng giữa chừng",
			"nothing": "không hỏi được gì",
			"nobody":  "không có máy chủ hay máy phân giải nào được hỏi",
			"link":    "không nơi nào ngoài máy chủ này trả lời: trước hết hãy xem đường truyền của chính nó",
			"enough":  "%[1]d nơi quan sát sai, %[2]d đúng; có %[3]d nơi sai và quá bán thì tự quay lui",
			"few":     "%[1]d nơi quan sát sai, %[2]d đúng: chưa đủ để tự quay lui (cần %[3]d nơi sai và quá bán)",
		},
		right:      "%d trên %d câu trả lời của %d máy chủ là đúng",
		unverified: "kiểm tra không đạt: ",
		suchAs:     ", chẳng hạn",
		clocks: map[string]string{
			"jumped": "đồng hồ nhảy tới %s, đến %s", "jumped back": "đồng hồ nhảy lùi %s, về %s", "slept": "máy đã ngủ %s, đến %s",
			"earlier":        "đồng hồ sớm hơn sự kiện cuối của nhật ký %s, lúc nó chỉ %s",
			"unsynchronised": "đồng hồ chưa được đồng bộ: hãy xem dịch vụ giờ có chạy không (timedatectl, chronyc tracking)",
		},
		soon:   spanInVietnamese,
		change: changeInVietnamese,

		of:        "chuyển đổi ngày %s: %s",
		none:      "chuyển đổi: %s",
		next:      "bước kế tiếp: %s lúc %s (%s)",
		waits:     "; đang chờ: %s",
		stale:     "kế hoạch đã cũ, không bước nào được thực hiện: %s; hãy lên lịch lại",
		plans:     "kế hoạch %s, lập lúc %s, người lập %s",
		because:   ": ",
		proof:     "chứng minh: %s",
		preserved: inVietnamese().preserved,
		version:   ", phiên bản ",
		lost:      "chứng minh: có tên bị MẤT: %s",
		had:       "phê duyệt: %d trên %d",
		byWhom:    "%s lúc %s",
		back:      "có thể quay lui đến %s",
		announce:  "phải thông báo chậm nhất hết ngày %s",
		published: "công bố gần nhất: %s lúc %s, người thực hiện %s",
		edit:      "một lần sửa",
		fits:      "chứng thư %s khớp với dữ liệu đang phục vụ (%s)",
		misfits:   "chứng thư %s KHÔNG khớp với dữ liệu đang phục vụ (%s)",
		served:    "%s (%s): serial %d",
		columns:   "đợt\tbước\ttheo kế hoạch\tsớm nhất\tđã thực hiện\tkiểm tra",
		well:      "tốt: %s",
		failed:    "HỎNG: %s",

		alarmHeld:   "BÁO ĐỘNG: tạm dừng từ %s: %s; không bước nào tự thực hiện",
		alarmMissed: "BÁO ĐỘNG: đã lỡ lần chuyển lúc %s (cho phép trễ %s); không có gì tự thay đổi",
		alarmFailed: "BÁO ĐỘNG: máy chủ không trả lời đúng sau bước %s: %s",
		alarmClock:  "BÁO ĐỘNG: không chuyển: %s; hãy xem giờ và chỉnh cho đúng",
		goBack:      "; để quay lui: %s",
		goOn:        "; để đi tiếp: %s",
		goOnWithout: "; để đi tiếp: hãy sửa máy không trả lời, hoặc bỏ nó khỏi hopnhat.yaml rồi chạy `hopnhat reload`; sau đó: %s",
		byItself:    "; sửa xong thì đi tiếp, không cần lệnh nào",
		newDate:     "; hãy ghi ngày mới vào consolidation.yaml rồi chạy `hopnhat cutover schedule`, hoặc: %s",

		noPlan:      "chưa có kế hoạch để phê duyệt; hãy lập bằng `hopnhat cutover schedule`",
		otherPlan:   "kế hoạch hiện nay là %s, không phải %s: hãy xem bằng `hopnhat cutover status` rồi phê duyệt kế hoạch đó",
		whole:       "không có màn hình để hỏi lại: muốn phê duyệt kế hoạch ở trên hãy ghi đủ mã băm, %s",
		typeHash:    "để phê duyệt kế hoạch này hãy gõ ít nhất %d chữ số đầu của mã băm: ",
		notApproved: "chưa phê duyệt",
		approved:    "đã phê duyệt",
		toApprove:   "để phê duyệt: %s",

		nowDone: "sẽ chuyển ngay khi an toàn", abortDone: "đã hủy", rollbackDone: "đã quay lui", holdDone: "đã tạm dừng", releaseDone: "đã cho đi tiếp",
	}
}
