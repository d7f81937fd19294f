package workspace

import (
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/mapping"
)

var n = zones.MustName

func exact(s string) mapping.Pattern { return mapping.Pattern{Name: n(s)} }
func star(s string) mapping.Pattern  { return mapping.Pattern{Star: true, Name: n(s)} }

// compared leaves out places, which the test looks at by themselves.
var compared = cmp.Options{
	cmp.AllowUnexported(zones.Name{}), cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) }),
	cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b }),
	cmpopts.IgnoreTypes(zones.Place{}), cmpopts.IgnoreUnexported(Consolidation{}, Source{}),
}

// The form of the file that the project began with is read in full; only the
// kind of source that has no reader yet is refused.
func TestForm(t *testing.T) {
	data, err := os.ReadFile("testdata/form/consolidation.yaml")
	if err != nil {
		t.Fatal(err)
	}
	got, fs := readConsolidation("consolidation.yaml", data, func(p string) (string, []byte, error) {
		b, err := os.ReadFile("testdata/form/" + p)
		return p, b, err
	})
	hold(t, fs, nil)

	m := got.Mapping
	note := func(why, by, doc string) mapping.Note { return mapping.Note{Why: why, By: by, Doc: doc} }
	want := mapping.Mapping{
		Cutover: time.Date(2025, 8, 31, 17, 0, 0, 0, time.UTC),
		Targets: []zones.Name{n("gialai.gov.vn"), n("gialai.org.vn")},
		Rules: []mapping.Rule{
			{Note: note("thư công vụ theo Bình Định", "skhcn", "kh106"), From: exact("binhdinh.gov.vn"), Types: []zones.Type{zones.TypeMX, zones.TypeTXT}, To: []mapping.Pattern{exact("gialai.gov.vn")}},
			{Note: note("phần còn lại của gốc vùng không chuyển", "skhcn", "mau"), From: exact("binhdinh.gov.vn"), Drop: true},
			{Note: note("hội không phải cơ quan nhà nước", "skhcn", "mau"), From: exact("hoitinhoc.binhdinh.gov.vn"), To: []mapping.Pattern{exact("hoitinhoc.gialai.org.vn")}},
			{Note: note("anlao nay là xã An Lão", "skhcn", "mau"), From: exact("anlao.binhdinh.gov.vn"), Subtree: true, To: []mapping.Pattern{exact("huyenanlao.gialai.gov.vn")}},
			{Note: note("khai báo bổ sung", "skhcn", "kh106"), From: star("binhdinh.gov.vn"), To: []mapping.Pattern{star("gialai.gov.vn")}},
		},
		OldNames: []mapping.OldName{{Match: star("binhdinh.gov.vn"), Mode: mapping.Follow}},
		Decisions: []mapping.Decision{
			{Note: note("dùng thư điện tử Bình Định", "skhcn", "kh106"), Name: n("gialai.gov.vn"), Type: zones.TypeMX, Take: mapping.Source, State: mapping.StateDecided},
			{Note: note("thư cũ để tra cứu", "skhcn", "kh106"), Name: n("mail.gialai.gov.vn"), Take: mapping.Source, TargetBecomes: n("mailcu.gialai.gov.vn"), State: mapping.StateDecided},
			{Note: note("giữ cả hai hệ thống", "skhcn", "kh106"), Name: n("hnth.gialai.gov.vn"), Take: mapping.Target, SourceBecomes: n("hnth-so.gialai.gov.vn"), State: mapping.StateDecided},
			{Note: note("tạm giữ đến khi chọn Cổng", "vpub", "mau"), Name: n("www.gialai.gov.vn"), Take: mapping.Target, State: mapping.StateProposed},
		},
		Reserved: []mapping.Reserved{
			{Name: n("anlao.gialai.gov.vn"), Holder: "Xã An Lão", Doc: "kh106"},
			{Name: n("pleiku.gialai.gov.vn"), Holder: "Phường Pleiku", Doc: "kh106"},
		},
	}
	if d := cmp.Diff(want, m, compared); d != "" {
		t.Error("mapping: -want +got\n" + d)
	}
	for what, c := range map[string]struct{ got, want zones.Place }{
		"rule":     {m.Rules[4].At, zones.Place{File: "consolidation.yaml", Line: 23, Column: 5}},
		"decision": {m.Decisions[0].At, zones.Place{File: "consolidation.yaml", Line: 27, Column: 5}},
		"old name": {m.OldNames[0].At, zones.Place{File: "consolidation.yaml", Line: 25, Column: 5}},
		"reserved": {m.Reserved[1].At, zones.Place{File: "units.csv", Line: 4, Column: 35}},
		"system":   {got.Systems[4].At, zones.Place{File: "consolidation.yaml", Line: 36, Column: 3}},
	} {
		if c.got != c.want {
			t.Errorf("%s: at %v, want %v", what, c.got, c.want)
		}
	}

	rest := got
	rest.Mapping, rest.Systems = mapping.Mapping{}, nil
	cutover := want.Cutover
	all := []string{"tthc", "van-ban", "cong", "hop", "thu", "lgsp", "ioc", "ttdl", "ten-mien", "ma", "du-lieu"}
	if d := cmp.Diff(Consolidation{
		Timeline:  Timeline{Low: 5 * time.Minute, Rollback: 7 * 24 * time.Hour, Grace: time.Hour, Notice: 7, Parent: 24 * time.Hour},
		Documents: []Document{{Key: "kh106", Title: "Kế hoạch 106/KH-UBND", Date: time.Date(2025, 6, 2, 17, 0, 0, 0, time.UTC)}, {Key: "mau", Title: "Quyết định giả định của bộ mẫu"}},
		People:    []Person{{Key: "skhcn", Title: "Sở Khoa học và Công nghệ"}, {Key: "vpub", Title: "Văn phòng UBND tỉnh"}},
		Sites:     []Site{{Key: "ttdl-binhdinh", Title: "Trung tâm dữ liệu Bình Định", IPv6: true, BackupPower: true}, {Key: "ttdl-gialai", Title: "Trung tâm dữ liệu Gia Lai"}},
		Sources: []Source{
			{Name: "binhdinh", ID: zones.ID{Origin: n("binhdinh.gov.vn"), View: "internet"}, Kind: "bind", Path: "sources/binhdinh/named.conf"},
			{Name: "noibo", ID: zones.ID{Origin: n("binhdinh.gov.vn"), View: "tslcd"}, Kind: "bind", Path: "sources/binhdinh-tslcd/named.conf"},
			{Name: "quynhon", ID: zones.ID{Origin: n("quynhon.binhdinh.gov.vn"), View: "internet"}, Kind: "windows", Path: "sources/quynhon.dns", Skip: []string{"ad-dynamic"}},
		},
		Waves: []Wave{
			{Name: "ten-mien", Date: cutover, Cutover: true, Systems: all, State: mapping.StateDecided},
			{Name: "van-ban-chung", Date: time.Date(2026, 1, 4, 17, 0, 0, 0, time.UTC), Systems: []string{"van-ban"}, State: mapping.StateProposed},
		},
		Questions: []Question{
			{Key: "cong", Ask: "Chọn Cổng nào", Owner: "vpub", Due: time.Date(2025, 8, 14, 17, 0, 0, 0, time.UTC)},
			{Key: "songbao", Ask: "binhdinh.gov.vn còn sống đến khi nào", Owner: "skhcn"},
		},
	}, rest, compared); d != "" {
		t.Error("the rest: -want +got\n" + d)
	}
	if len(got.Systems) != 11 {
		t.Fatalf("%d systems, want 11", len(got.Systems))
	}
	thu := System{
		Key: "thu", No: 5, Quote: "sử dụng hệ thống thư điện tử của tỉnh Bình Định hiện có cho tỉnh Gia Lai (mới)",
		State: mapping.StateDecided, Owner: "skhcn", Doc: "kh106", Site: "ttdl-binhdinh", Names: []mapping.Pattern{exact("mail.gialai.gov.vn"), exact("mailcu.gialai.gov.vn")},
	}
	if d := cmp.Diff(thu, got.Systems[4], compared); d != "" {
		t.Error("system: -want +got\n" + d)
	}
	if s := got.Systems[8]; !s.Covers(n("a.b.gialai.gov.vn")) || s.Covers(n("gialai.gov.vn")) || s.Covers(n("a.gialai.org.vn")) {
		t.Error("Covers: a star stands for one or more labels below, the name itself not")
	}
}

// The same file as Windows editors save it reads the same.
func TestFormEncodings(t *testing.T) {
	data, err := os.ReadFile("testdata/form/consolidation.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want, _ := readConsolidation("c", data, nil)
	crlf := []byte(bom)
	for _, b := range data {
		if b == '\n' {
			crlf = append(crlf, '\r')
		}
		crlf = append(crlf, b)
	}
	got, fs := readConsolidation("c", crlf, nil)
	hold(t, fs, nil)
	if d := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b }), cmp.AllowUnexported(zones.Name{}, Consolidation{}, Source{}, sheet{}, filter{}), cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })); d != "" {
		t.Error("BOM and CRLF: -want +got\n" + d)
	}
	var le, be []byte
	for _, b := range []byte("version: 1\n") {
		le, be = append(le, b, 0), append(be, 0, b)
	}
	for what, c := range map[string]struct {
		data []byte
		want string
	}{
		"UTF-16LE":        {append([]byte{0xff, 0xfe}, le...), "0:0 W-TEXT UTF-16"},
		"UTF-16BE":        {append([]byte{0xfe, 0xff}, be...), "0:0 W-TEXT UTF-16"},
		"UTF-16LE, bare":  {le, "0:0 W-TEXT Notepad"},
		"UTF-16BE, bare":  {be, "0:0 W-TEXT Notepad"},
		"TCVN3":           {[]byte("version: 1\npeople: {skhcn: S\xeb}\n"), "2:18 W-TEXT octets that are not UTF-8"},
		"a NUL":           {[]byte("version: 1\nx: \x00\n"), "2:4 W-TEXT U+0000"},
		"turns direction": {[]byte("version: 1\nx: a\u202eb\n"), "2:5 W-TEXT U+202E"},
		"private use":     {[]byte("version: 1\nx: a\ue000b\n"), "2:5 W-TEXT U+E000"},
		"too long":        {make([]byte, maxFile+1), "0:0 W-TEXT more than"},
	} {
		t.Run(what, func(t *testing.T) {
			_, fs := readConsolidation("c", c.data, nil)
			hold(t, fs, []string{c.want})
		})
	}
}
