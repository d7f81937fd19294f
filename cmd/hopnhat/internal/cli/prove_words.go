package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/ipam/agree"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/proof"
)

// wording is a language of prove: the sentences of a finding and those of the
// summary.
type wording struct {
	classes string // how many classes of names one cause breaks
	fault   func(proof.Fault) finding.Finding
	agreed  func(agree.Fault) finding.Finding
	day     func(time.Time) string

	preserved string
	lost      string // causes that block, in number
	beside    string // errors, warnings
	decided   string // names before, names after, classes
	levels    [proof.L4 + 1]string
	more      string // differences that decisions ask for; new names
	steps     string // how many steps
	exception string // name, who, why
	expires   string
	digest    string // before, after
	unproved  string
	system    string // number, key, names, with IPv6, records in no block, at addresses of others
	addresses string // records, findings that block, errors, warnings
}

func inEnglish() *wording {
	return &wording{
		classes:   "%d classes of names",
		fault:     func(f proof.Fault) finding.Finding { return f.Finding },
		agreed:    func(f agree.Fault) finding.Finding { return f.Finding },
		day:       workspace.DayInEnglish,
		preserved: "PRESERVED: every name answers as it did, or as was decided",
		lost:      "LOST: causes that block: %d",
		beside:    "%d errors and %d warnings beside",
		decided:   "%d names before, %d after; %d classes of names decided, every type of each",
		levels: [...]string{
			"answers that are the same", "the same data under another TTL", "the same data at the end of another chain",
			"the same but for names that were renamed", "declared exceptions",
		},
		more:      "differences that decisions ask for: %d; names that answer where nothing did: %d",
		steps:     "switched in %d steps, any two neighbours of which may be mixed in caches",
		exception: "exception: %s (%s): %s",
		expires:   "until ",
		digest:    "digests: before %s, after %s",
		unproved:  "not proved, since it stands outside the files: the parent's records, what secondaries serve, caches that ignore TTLs, certificates",
		system:    "system %d %s: %d names with addresses, %d of them with IPv6; addresses outside every block %d, of another organisation %d",
		addresses: "addresses of names held against the book: %d records; %d findings that block, %d errors, %d warnings",
	}
}

func inVietnamese() *wording {
	w := &wording{
		classes:   "%d lớp tên",
		day:       func(t time.Time) string { return t.Format("2/1/2006") },
		preserved: "GIỮ NGUYÊN: mọi tên trả lời như trước, hoặc như đã quyết định",
		lost:      "MẤT: số nguyên nhân phải chặn: %d",
		beside:    "kèm %d lỗi và %d cảnh báo",
		decided:   "%d tên trước, %d tên sau; đã xét %d lớp tên, mọi loại bản ghi của từng lớp",
		levels: [...]string{
			"trả lời y nguyên", "cùng dữ liệu, khác TTL", "cùng dữ liệu ở cuối chuỗi khác",
			"chỉ khác ở những tên đã đổi", "ngoại lệ đã khai",
		},
		more:      "khác biệt theo quyết định đã ghi: %d; tên mới có trả lời: %d",
		steps:     "chuyển trong %d bước, bộ nhớ đệm giữ lẫn hai bước liền nhau không gãy tên nào",
		exception: "ngoại lệ: %s (%s): %s",
		expires:   "hạn ",
		digest:    "dấu vân tay: trước %s, sau %s",
		unproved:  "không chứng minh được, vì nằm ngoài tệp: bản ghi ở vùng cha, máy chủ phụ đang phục vụ gì, bộ nhớ đệm không theo TTL, chứng thư số",
		system:    "hệ thống %d %s: %d tên có địa chỉ, trong đó %d tên có IPv6; địa chỉ ngoài mọi dải %d, của đơn vị khác %d",
		addresses: "đối chiếu địa chỉ của tên miền với sổ: %d bản ghi; %d lỗi phải chặn, %d lỗi, %d cảnh báo",
	}
	w.agreed = func(f agree.Fault) finding.Finding {
		x := f.Finding
		if v, ok := agreementInVietnamese()[f.ID]; ok {
			x.Found, x.Mend = v.says+": "+f.About, v.mend
		}
		return x
	}
	say := checksInVietnamese()
	w.fault = func(f proof.Fault) finding.Finding {
		x := f.Finding
		v, ok := say[f.ID]
		if !ok {
			return x
		}
		x.Mend = v.mend
		if f.Subject == "" {
			x.Found = v.says + ": " + f.Witness.Name.Text()
			return x
		}
		side := "cũ"
		if f.InNew {
			side = "mới"
		}
		x.Found = fmt.Sprintf("%s (%s): %s: %s %v trước trả %s, nay trả %s", f.Subject, side, v.says,
			f.Witness.Name.Text(), f.Witness.Type, answerInVietnamese(f.Witness.Old), answerInVietnamese(f.Witness.New))
		return x
	}
	return w
}

// answerInVietnamese turns the words that proof has for answers.
func answerInVietnamese(s string) string {
	return strings.NewReplacer(
		"NOERROR without data", "NOERROR không có dữ liệu", "a referral to", "ủy quyền sang", "a chain to", "chuỗi bí danh sang",
		"at the end of a chain by", "ở cuối chuỗi qua", "a chain in a circle", "chuỗi vòng tròn", "no new name", "không có tên mới", "in all", "tất cả",
	).Replace(s)
}

// verdict is the one line; others block besides the proof.
func (w *wording) verdict(r *proof.Report, holds bool, others int) string {
	counts := map[finding.Severity]int{}
	for _, f := range r.Faults {
		counts[f.Severity]++
	}
	word := w.preserved
	if !holds {
		word = fmt.Sprintf(w.lost, counts[finding.Block]+others)
	}
	return fmt.Sprintf("%s ("+w.beside+")", word, counts[finding.Error], counts[finding.Warning])
}

// summary is for the one who must sign.
func (w *wording) summary(a *ask, r *proof.Report) string {
	var b strings.Builder
	fmt.Fprintln(&b, w.verdict(r, a.holds(r), len(a.others)+a.blocking()))
	c := r.Counts
	fmt.Fprintf(&b, w.decided+"\n", c.Nodes[0], c.Nodes[1], c.Classes)
	for i, n := range c.Levels {
		fmt.Fprintf(&b, "  %s %s: %d\n", level(i), w.levels[i], n)
	}
	fmt.Fprintf(&b, w.more+"\n", c.Decided, c.Added)
	if n := len(a.in.Steps); n > 0 && a.opts.Mixture {
		fmt.Fprintf(&b, w.steps+"\n", n+1)
	}
	for _, e := range a.in.Mapping.Exceptions {
		why := e.Why
		if !e.Expires.IsZero() {
			why += ", " + w.expires + w.day(e.Expires)
		}
		name := e.Name.Text()
		if e.Type != 0 {
			name += " " + e.Type.String()
		}
		fmt.Fprintf(&b, w.exception+"\n", name, e.By, why)
	}
	for _, id := range sortedKeys(c.More) {
		fmt.Fprintf(&b, "  %s: +%d\n", id, c.More[id])
	}
	fmt.Fprintf(&b, w.digest+"\n", short(r.Before.String()), short(r.After.String()))
	fmt.Fprintln(&b, w.unproved)
	return b.String()
}

func short(s string) string { return s[:min(len(s), 16)] }

func sortedKeys(m map[string]int) []string {
	ks := make([]string, 0, len(m))
	for k := range m {
		ks = append(ks, k)
	}
	slices.Sort(ks)
	return ks
}
