package workspace

import (
	"bytes"
	"encoding/csv"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
)

// Whoever changes the sample's address plans changes this file, and runs
//
//	go test ./cmd/hopnhat/internal/workspace -run TestSamplePlans -args -update
var update = flag.Bool("update", false, "write the sample's address plans anew")

// line is one of a plan: a row, or the heading of a section.
type line struct {
	section                                               string
	block, mask, code, unit, space                        string
	system, site, provider, authority, status, doc, names string
	since, note                                           string
	hidden                                                bool // of a workbook
}

// unit is a row of units.csv.
type unit struct{ level, province, name, slug string }

func unitsOf(t *testing.T, level, province string) (out []unit) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(sample, "units.csv"))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if r[0] == level && r[1] == province {
			out = append(out, unit{r[0], r[1], r[2], r[3]})
		}
	}
	return out
}

// commune is what the plans draw for one: WAN, LAN, video, camera and IPv6.
type commune struct {
	unit
	code                      string
	wan, lan, video, cam, six string
	host                      string // of its video end point
}

const (
	central = "Cục Bưu điện Trung ương"
	dcGL    = "Trung tâm dữ liệu Gia Lai"
	dcBD    = "Trung tâm dữ liệu Bình Định"
	vnptDC  = "Dịch vụ thuê của VNPT"
	meeting = "Hội nghị truyền hình"
	lgsp    = "Trục LGSP"
)

// v4 is an address of 10.SECOND.0.0/16, n behind THIRD.0.
func v4(second, third, n int) string {
	return fmt.Sprintf("10.%d.%d.%d", second, third+n/256, n%256)
}

// gialai is the plan of Gia Lai's office, as its clerk keeps it in a text file.
func gialai(t *testing.T) (out []line) {
	all := unitsOf(t, "commune_new", "Gia Lai")
	code := map[string]string{}
	for i, u := range all {
		code[u.slug] = fmt.Sprintf("H21.%d", 101+i)
	}
	departments := map[string]string{}
	for i, u := range unitsOf(t, "department_new", "Gia Lai (mới)") {
		departments[u.slug] = fmt.Sprintf("000.00.%02d.H21", i+1) // the older form
	}
	add := func(ls ...line) { out = append(out, ls...) }
	province := func(l line) line {
		l.code, l.unit = "H21", "UBND tỉnh Gia Lai"
		return l
	}
	add(line{section: "I. DẢI CẤP CHO TỈNH"},
		province(line{block: "10.64.0.0", mask: "255.255.0.0", authority: central, doc: "Công văn 64/CBĐTW (mẫu)", since: "15/3/2019", note: "quy hoạch TSLCD cấp II"}),
		province(line{block: "2001:DB8:6400::/40", authority: central, status: "quy hoạch", doc: "Công văn 64/CBĐTW (mẫu)", since: "1/6/2025"}),
		line{section: "II. TRUNG TÂM DỮ LIỆU"},
		province(line{block: "10.64.0.0/24", system: "Máy chủ dùng chung", site: dcGL}),
		province(line{block: "10.64.0.2 - 10.64.0.3", system: "Máy chủ tên miền", site: dcGL, names: "ns1.gialai.gov.vn, ns2.gialai.gov.vn"}),
		province(line{block: "10.64.0.11-12", system: "Thư điện tử", site: dcGL, names: "mail.gialai.gov.vn,smtp.gialai.gov.vn"}),
		province(line{block: " 10.64.0.14 ", system: "Văn bản điều hành", site: dcGL, names: "QLVB.gialai.gov.vn."}),
		province(line{block: "10.64.8.0/24", system: lgsp, site: dcGL, names: "lgsp.gialai.gov.vn"}),
		province(line{block: "2001:0DB8:0064:0008:0000:0000:0000:0000/64", system: lgsp, site: dcGL}),
		province(line{block: "10.64.20.0/22", status: "dự phòng", note: "để dành cho phòng máy thứ hai"}),
		line{block: "10.64.30.0", mask: "24", unit: "Sở Thông tin và Truyền thông", status: "đã thu hồi", note: "sáp nhập 01/3/2025"},
		line{section: "III. ĐƯỜNG LIÊN KẾT"},
		province(line{block: "10.64.31.0/24", system: "Liên kết"}),
		province(line{block: "10.64.31.0/30", system: "Liên kết TTDL Gia Lai - TTDL Bình Định", provider: "VNPT", since: "5/8/2025"}),
		province(line{block: "10.64.31.4", mask: "255.255.255.252", system: "Liên kết " + central, provider: "VNPT"}),
		province(line{block: "10.99.0.0/24", system: "Liên kết kênh thuê cũ", provider: "Viettel", status: "sẽ thu hồi", note: "tự đặt, không có trong quy hoạch"}),
		line{block: "10.98.0.5", code: departments["skhcn"], unit: "Sở Khoa học và Công nghệ", system: "Giám sát mạng", site: dcGL, note: "tự đặt"},
		line{block: "10.98.1.128/25", code: departments["vpubnd"], unit: "Văn phòng UBND tỉnh", system: "Phòng họp", note: "tự đặt"},
		line{section: "IV. HỘI NGHỊ TRUYỀN HÌNH"},
		province(line{block: "10.64.16.0/24", system: meeting}),
		province(line{block: "10.64.16.1-2", system: meeting, site: dcGL, names: "hnth.gialai.gov.vn", note: "MCU Polycom"}),
		line{block: "10.64.16.22 - 10.64.16.39", unit: "Cấp huyện (cũ)", system: meeting, status: "sẽ thu hồi", note: "bỏ cấp huyện từ 01/7/2025"},
		province(line{block: "10.64.17.0/24", system: meeting, note: "điểm cầu xã, phường"}),
		province(line{block: "10.64.18.0/24", system: meeting, note: "điểm cầu xã, phường"}),
		line{section: "V. XÃ, PHƯỜNG"},
		province(line{block: "10.64.32.0", mask: "/22", system: "WAN xã, phường"}),
		province(line{block: "10.64.64.0", mask: "/18", system: "LAN xã, phường"}),
		province(line{block: "10.100.0.0", mask: "/19", system: "Camera", note: "tự đặt, không có trong quy hoạch"}))
	bySlug := append([]unit(nil), all...)
	sortUnits(bySlug)
	for i, u := range bySlug {
		c := commune{
			unit: u, code: code[u.slug], wan: v4(64, 32, 4*i), lan: v4(64, 64, 128*i), cam: v4(100, 0, 64*i),
			six: fmt.Sprintf("2001:db8:64%02x::", i+1), host: u.slug + ".hnth.gialai.gov.vn",
		}
		c.video = fmt.Sprintf("10.64.17.%d", 10+i)
		if i >= 60 {
			c.video = fmt.Sprintf("10.64.18.%d", i-50)
		}
		if i%19 == 7 {
			c.code = "" // that the clerk did not know
		}
		row := func(l line) line {
			l.code, l.unit, l.since = c.code, c.name, "1/7/2025"
			return l
		}
		wan := row(line{block: c.wan + "/30", system: "WAN", provider: []string{"VNPT", "Viettel"}[i%2]})
		if i%3 == 0 {
			wan.block, wan.mask = c.wan, "255.255.255.252"
		}
		lan := row(line{block: c.lan + "/25", system: "LAN"})
		if i%4 == 1 {
			lan.block, lan.mask = c.lan, "255.255.255.128"
		}
		add(wan, lan, row(line{block: c.video, system: meeting, names: c.host}), row(line{block: c.cam + "/26", system: "Camera"}),
			row(line{block: c.six + "/48", system: "LAN", status: "quy hoạch"}))
	}
	add(line{section: "VI. INTERNET"},
		province(line{block: "198.51.100.0/24", space: "internet", provider: "VNPT", site: dcGL, system: "Máy chủ công khai"}),
		province(line{block: "198.51.100.2", space: "internet", site: dcGL, system: "Máy chủ tên miền", names: "ns1.gialai.gov.vn"}),
		line{block: "198.51.100.37", space: "internet", code: departments["sngv"], unit: "Sở Ngoại vụ", site: dcGL, system: "Trang thông tin", note: "ghi nhầm: máy này của Sở Y tế"},
		line{block: "198.51.100.130-131", space: "internet", unit: "Công an tỉnh", system: "Máy chủ tên miền", names: "ns1.congan.gialai.gov.vn, ns2.congan.gialai.gov.vn"},
		province(line{block: "203.0.113.4", space: "internet", site: dcBD, system: "Máy chủ tên miền", names: "ns2.gialai.gov.vn", since: "5/8/2025", note: "đặt nhờ"}),
		line{block: "192.0.2.0/26", space: "internet", unit: "VNPT Gia Lai", provider: "VNPT", site: vnptDC, system: "Dịch vụ công"},
		province(line{block: "2001:db8:64::/48", space: "internet", provider: "VNPT", site: dcGL}),
		line{section: fmt.Sprintf("Tổng cộng %d xã, phường", len(all))})
	return out
}

// binhdinh is the plan of Bình Định's office: sheets of a workbook. Its codes
// are those of the old province.
func binhdinh(t *testing.T) map[string][]line {
	province := func(l line) line {
		l.code, l.unit = "H08", "UBND tỉnh Bình Định"
		return l
	}
	main := []line{
		province(line{block: "10.52.0.0/16", authority: central, doc: "Công văn 52/CBĐTW (mẫu)", since: "10/6/2018", note: "quy hoạch TSLCD cấp II"}),
		province(line{block: "2001:db8:5200::/40", authority: central, doc: "Công văn 52/CBĐTW (mẫu)", since: "20/11/2022"}),
		province(line{block: "10.52.0.0/24", system: "Máy chủ dùng chung", site: dcBD}),
		province(line{block: "10.52.0.2 - 10.52.0.3", system: "Máy chủ tên miền", site: dcBD, names: "ns1.binhdinh.gov.vn\nns2.binhdinh.gov.vn"}),
		province(line{block: "10.52.0.11", system: "Thư điện tử", site: dcBD, names: "mail.binhdinh.gov.vn"}),
		{block: "10.52.0.60", unit: "VNPT Bình Định", system: "Dịch vụ công", provider: "VNPT", site: vnptDC, names: "dichvucong.binhdinh.gov.vn", note: "đường riêng"},
		province(line{block: "2001:db8:52:ff::/64", system: "Máy chủ dùng chung", site: dcBD}),
		province(line{block: "10.52.8.0/24", system: lgsp, site: dcBD}),
		province(line{block: "10.52.8.1", system: lgsp, site: dcBD, names: "lgsp.binhdinh.gov.vn"}),
		province(line{block: "10.52.8.2", system: lgsp, site: dcBD, names: "api.lgsp.binhdinh.gov.vn", note: "địa chỉ nguồn đã đăng ký với các bộ: KHÔNG ĐỔI"}),
		province(line{block: "10.52.8.101 - 10.52.8.116", system: lgsp, site: dcBD, names: links(), note: "16 kết nối bộ, ngành"}),
		province(line{block: "2001:DB8:52:8::/64", system: lgsp, site: dcBD}),
		province(line{block: "10.52.16.0/24", system: meeting}),
		province(line{block: "10.52.16.1", system: meeting, site: dcBD, names: "hnth.binhdinh.gov.vn", note: "MCU, 50 điểm cầu"}),
		{block: "10.52.16.40 - 10.52.16.51", unit: "Cấp huyện (cũ)", system: meeting, status: "sẽ thu hồi"},
		province(line{block: "10.52.17.0/24", system: meeting, note: "điểm cầu sở, ngành"}),
	}
	for i, u := range unitsOf(t, "department_before_2025-03", "Bình Định") {
		main = append(main, line{block: fmt.Sprintf("10.52.17.%d", 31+i), code: fmt.Sprintf("H08.%02d", i+1), unit: u.name, system: meeting, names: u.slug + ".hnth.binhdinh.gov.vn"})
	}
	main = append(main,
		province(line{block: "10.52.18.0/24", system: meeting, note: "điểm cầu xã, phường"}),
		province(line{block: "10.52.31.0/30", system: "Liên kết " + central, provider: "VNPT"}),
		province(line{block: "10.64.31.0/30", system: "Liên kết TTDL Bình Định - TTDL Gia Lai", provider: "VNPT", since: "5/8/2025"}),
		province(line{block: "10.99.0.0/24", system: "Liên kết MPLS", provider: "VNPT"}),
		line{block: "10.98.0.5", code: "H08.13", unit: "Sở Khoa học và Công nghệ", system: "Máy chủ giờ", site: dcBD},
		line{block: "10.98.1.100 - 10.98.1.200", code: "H08.01", unit: "Văn phòng UBND tỉnh", system: "Máy in, phòng họp"},
		line{block: "10.52.40.0/24", code: "H08.11", unit: "Sở Thông tin và Truyền thông", status: "đã trả", note: "dòng cũ", hidden: true},
		province(line{block: "10.52.32.0/22", system: "WAN xã, phường"}),
		province(line{block: "10.52.64.0/18", system: "LAN xã, phường"}),
		province(line{block: "10.100.0.0/20", system: "Camera IOC"}))
	var communes []line
	for i, u := range unitsOf(t, "commune_new", "Bình Định") {
		row := func(l line) line {
			l.code, l.unit, l.since = fmt.Sprintf("H08.%d", 201+i), u.name, "1/7/2025"
			return l
		}
		communes = append(communes,
			row(line{block: v4(52, 32, 4*i) + "/30", system: "WAN", provider: "VNPT"}),
			row(line{block: v4(52, 64, 128*i) + " 255.255.255.128", system: "LAN"}),
			row(line{block: fmt.Sprintf("10.52.18.%d", 10+i), system: meeting, names: u.slug + ".hnth.binhdinh.gov.vn"}),
			row(line{block: v4(100, 0, 64*i) + "/26", system: "Camera"}),
			row(line{block: fmt.Sprintf("2001:db8:52%02x::/48", i+1), system: "LAN"}))
	}
	internet := []line{
		province(line{block: "203.0.113.0/26", provider: "VNPT", site: dcBD, system: "Máy chủ công khai"}),
		province(line{block: "203.0.113.2 - 203.0.113.3", site: dcBD, system: "Máy chủ tên miền", names: "ns1.binhdinh.gov.vn\nns2.binhdinh.gov.vn"}),
		province(line{block: "203.0.113.64/27", provider: "VNPT", site: dcBD, system: "Trang cấp huyện (cũ)"}),
		province(line{block: "203.0.113.100 - 203.0.113.120", provider: "VNPT", site: dcBD, system: "Trang sở, ngành"}),
		province(line{block: "203.0.113.128/26", provider: "VNPT", site: dcBD, system: "Trang xã (cũ), IOC"}),
		province(line{block: "203.0.113.192/26", provider: "VNPT", site: dcBD, system: "Trang xã, phường mới"}),
		{block: "192.0.2.0/26", unit: "VNPT Bình Định", provider: "VNPT", site: vnptDC, system: "Dịch vụ công"},
		{block: "192.0.2.64/27", unit: "VNPT Bình Định", provider: "VNPT", site: vnptDC, system: "Cổng thông tin"},
		province(line{block: "2001:db8:52::/48", provider: "VNPT", site: dcBD}),
		{block: "2001:db8:ffff::/48", unit: "VNPT Bình Định", provider: "VNPT", site: vnptDC},
	}
	for i := range internet {
		internet[i].space = "internet"
	}
	return map[string][]line{"TSLCD": main, "Xã, phường": communes, "Internet": internet}
}

func links() string {
	var out []string
	for i := range 16 {
		out = append(out, fmt.Sprintf("bo%d.lgsp.binhdinh.gov.vn", i+1))
	}
	return strings.Join(out, ", ")
}

func sortUnits(us []unit) {
	for i := range us {
		for j := i; j > 0 && us[j].slug < us[j-1].slug; j-- {
			us[j], us[j-1] = us[j-1], us[j]
		}
	}
}

// gialaiCSV is the plan as a spreadsheet of a Vietnamese desktop saves it.
func gialaiCSV(t *testing.T) []byte {
	var b bytes.Buffer
	b.WriteString("\ufeff")
	row := func(cells ...string) {
		for i, c := range cells {
			if strings.ContainsAny(c, ";\"\n") {
				cells[i] = `"` + strings.ReplaceAll(c, `"`, `""`) + `"`
			}
		}
		b.WriteString(strings.Join(cells, ";") + "\r\n")
	}
	alone := func(text string) { row(append([]string{text}, make([]string, 14)...)...) }
	alone("SỞ KHOA HỌC VÀ CÔNG NGHỆ TỈNH GIA LAI")
	alone("BẢNG QUY HOẠCH ĐỊA CHỈ IP MẠNG TRUYỀN SỐ LIỆU CHUYÊN DÙNG")
	alone("Cập nhật 15/08/2025")
	alone("")
	row("STT", "Đơn vị sử dụng", "Mã định danh", "Địa chỉ IP", "Mặt nạ", "VRF", "Mục đích sử dụng", "Nơi đặt", "Nhà mạng", "Cấp bởi", "Trạng thái", "Số văn bản", "Tên miền", "Ngày cấp", "Ghi chú")
	n := 0
	for _, l := range gialai(t) {
		if l.section != "" {
			alone(l.section)
			continue
		}
		n++
		row(strconv.Itoa(n), l.unit, l.code, l.block, l.mask, l.space, l.system, l.site, l.provider, l.authority, l.status, l.doc, l.names, l.since, l.note)
	}
	return b.Bytes()
}

// binhdinhXLSX writes the workbook: a title in merged cells, the unit of a
// commune once over its five rows, dates as dates, a row and a sheet hidden.
func binhdinhXLSX(t *testing.T, file string) {
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	f := excelize.NewFile()
	defer f.Close()
	day, err := f.NewStyle(&excelize.Style{NumFmt: 14})
	must(err)
	text, err := f.NewStyle(&excelize.Style{NumFmt: 49})
	must(err)
	bold, err := f.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}})
	must(err)
	plans := binhdinh(t)
	for i, name := range []string{"TSLCD", "Xã, phường", "Internet"} {
		if i == 0 {
			must(f.SetSheetName("Sheet1", name))
		} else {
			_, err := f.NewSheet(name)
			must(err)
		}
		must(f.SetCellStr(name, "A1", "QUY HOẠCH ĐỊA CHỈ IP TỈNH BÌNH ĐỊNH - "+strings.ToUpper(name)))
		must(f.MergeCell(name, "A1", "M1"))
		must(f.SetCellStr(name, "A2", "(Trung tâm Chuyển đổi số, rà soát tháng 8 năm 2025)"))
		must(f.MergeCell(name, "A2", "M2"))
		head := []string{"TT", "Tên đơn vị", "Mã đơn vị", "Dải IP", "Dịch vụ", "Vị trí", "Nhà cung cấp", "Đơn vị cấp", "Tình trạng", "Công văn", "Tên máy chủ", "Từ ngày", "Ghi chú", "VLAN"}
		must(f.SetSheetRow(name, "A4", &head))
		must(f.SetCellStyle(name, "A4", "N4", bold))
		must(f.SetColWidth(name, "B", "M", 22))
		for k, l := range plans[name] {
			r := 5 + k
			cell := func(col string) string { return fmt.Sprintf("%s%d", col, r) }
			must(f.SetCellInt(name, cell("A"), int64(k+1)))
			for col, v := range map[string]string{"B": l.unit, "C": l.code, "D": l.block, "E": l.system, "F": l.site, "G": l.provider, "H": l.authority, "I": l.status, "J": l.doc, "K": l.names, "M": l.note, "N": l.space} {
				if v == "" || name == "Xã, phường" && k%5 > 0 && (col == "B" || col == "C") {
					continue
				}
				must(f.SetCellStr(name, cell(col), v))
				must(f.SetCellStyle(name, cell(col), cell(col), text))
			}
			if l.since != "" {
				d, err := time.Parse("2/1/2006", l.since)
				must(err)
				must(f.SetCellValue(name, cell("L"), d))
				must(f.SetCellStyle(name, cell("L"), cell("L"), day))
			}
			if name == "Xã, phường" && k%5 == 0 {
				must(f.MergeCell(name, cell("B"), fmt.Sprintf("B%d", r+4)))
				must(f.MergeCell(name, cell("C"), fmt.Sprintf("C%d", r+4)))
			}
			if l.hidden {
				must(f.SetRowVisible(name, r, false))
			}
		}
	}
	_, err = f.NewSheet("Nháp 2019")
	must(err)
	must(f.SetSheetRow("Nháp 2019", "A1", &[]string{"Dải IP", "Tên đơn vị"}))
	must(f.SetSheetRow("Nháp 2019", "A2", &[]string{"10.0.0.0/8", "bản nháp, không dùng"}))
	must(f.SetSheetVisible("Nháp 2019", false))
	must(f.SaveAs(file))
}

// codesCSV are the organisations of the new province: label, code of today, the
// closed one.
func codesCSV(t *testing.T) []byte {
	var b bytes.Buffer
	b.WriteString("ten,ma,ma_cu,don_vi\n")
	closed := map[string]string{}
	for i, u := range unitsOf(t, "department_before_2025-03", "Bình Định") {
		closed[u.slug] = fmt.Sprintf("H08.%02d", i+1)
	}
	put := func(slug, code, was, name string) {
		if strings.Contains(name, ",") {
			name = `"` + name + `"`
		}
		fmt.Fprintf(&b, "%s,%s,%s,%s\n", slug, code, was, name)
	}
	for i, u := range unitsOf(t, "department_new", "Gia Lai (mới)") {
		put(u.slug, fmt.Sprintf("H21.%02d", i+1), closed[u.slug], u.name)
	}
	for i, u := range unitsOf(t, "commune_new", "Gia Lai") {
		put(u.slug, fmt.Sprintf("H21.%d", 101+i), "", u.name)
	}
	for i, u := range unitsOf(t, "commune_new", "Bình Định") {
		put(u.slug, fmt.Sprintf("H21.%d", 201+i), fmt.Sprintf("H08.%d", 201+i), u.name)
	}
	return b.Bytes()
}

// writePlans writes the sample's plans; the workbook goes through LibreOffice,
// so that it is what that writes.
func writePlans(t *testing.T, dir string) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	tmp := t.TempDir()
	made := filepath.Join(tmp, "binhdinh.xlsx")
	binhdinhXLSX(t, made)
	cmd := exec.Command("soffice", "-env:UserInstallation=file://"+tmp+"/profile", "--headless", "--convert-to", "xlsx:Calc MS Excel 2007 XML", "--outdir", dir, made)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for name, data := range map[string][]byte{"gialai.csv": gialaiCSV(t), "madinhdanh.csv": codesCSV(t)} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
