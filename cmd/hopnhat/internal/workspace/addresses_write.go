package workspace

import (
	"strconv"
	"strings"

	table "gialai.gov.vn/hopnhat/cmd/hopnhat/internal/sheet"
	"gialai.gov.vn/hopnhat/ipam"
)

// statusWord is the word that an exported table has for a status.
func statusWord(s ipam.Status) string {
	return map[ipam.Status]string{
		ipam.Active: "đang dùng", ipam.Reserved: "dự phòng", ipam.Planned: "quy hoạch",
		ipam.Deprecated: "sẽ thu hồi", ipam.Released: "đã thu hồi",
	}[s]
}

// PlanTable is allocations as a table that ReadPlan reads as the same ones:
// each of revision of the book. A single address is written with the length of
// its prefix, since a spreadsheet takes 10.100.200.100 for a number.
func PlanTable(list []ipam.Allocation, revision func(ipam.Place) uint64) table.Table {
	t := table.Table{
		Name: "Địa chỉ",
		Headings: []string{
			"Dải địa chỉ", "VRF", "Mã định danh", "Đơn vị", "Địa điểm", "Hệ thống", "Trạng thái", "Nhà cung cấp", "Đơn vị cấp",
			"Văn bản", "Tên miền", "Từ ngày", "Đến ngày", "Ghi chú", "Bản sổ",
		},
		Widths: []float64{30, 16, 18, 36, 24, 24, 12, 16, 24, 20, 36, 12, 12, 40, 8},
	}
	for _, a := range list {
		block := a.Block.String()
		if p, ok := a.Block.Prefix(); ok {
			block = p.String()
		}
		t.Rows = append(t.Rows, []string{
			block, string(a.Space), a.Holder.Code.String(), a.Holder.Unit, a.Site, a.System, statusWord(a.Status), a.Provider, a.Authority,
			strings.Join(a.Documents, "\n"), strings.Join(a.Names, "\n"), a.Since.String(), a.Until.String(), a.Note,
			strconv.FormatUint(revision(a.Place), 10),
		})
	}
	return t
}
