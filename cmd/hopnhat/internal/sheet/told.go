package sheet

import (
	"fmt"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// mostTold is how many rows or areas one finding names.
const mostTold = 20

// told gathers rows or areas of a sheet that one finding tells of.
type told struct {
	at    zones.Place // of the first
	n     int
	rows  []int    // in order
	areas []string // what is told otherwise than by rows, such as B2:B4
}

func (t *told) row(at zones.Place, n int) {
	t.count(at)
	t.rows = append(t.rows, n)
}

func (t *told) area(at zones.Place, ref string) {
	t.count(at)
	t.areas = append(t.areas, ref)
}

func (t *told) count(at zones.Place) {
	if t.n++; t.n == 1 {
		t.at = at
	}
}

func (t *told) String() string {
	if len(t.rows) > 0 {
		return Spans(t.rows)
	}
	return few(t.areas)
}

// Spans lists row numbers, which are in order: 3, 7-12, … (+5).
func Spans(rows []int) string {
	var list []string
	for i := 0; i < len(rows); {
		j := i
		for j+1 < len(rows) && rows[j+1] == rows[j]+1 {
			j++
		}
		if i == j {
			list = append(list, fmt.Sprint(rows[i]))
		} else {
			list = append(list, fmt.Sprintf("%d-%d", rows[i], rows[j]))
		}
		i = j + 1
	}
	return few(list)
}

func few(list []string) string {
	if more := len(list) - mostTold; more > 0 {
		list = append(list[:mostTold:mostTold], fmt.Sprintf("… (+%d)", more))
	}
	return strings.Join(list, ", ")
}

// tell says it once, if there is any.
func (r *reader) tell(id string, t *told, found, mend string) {
	if t.n > 0 {
		r.add(finding.Finding{ID: id, Severity: finding.Warning, At: t.at, Count: t.n, Found: fmt.Sprintf(found, t), Mend: mend})
	}
}
