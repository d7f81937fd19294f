package sheet

import (
	"fmt"
	"strconv"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// commas are what may separate cells.
const commas = ",;\t|"

// csv reads a text file (RFC 4180, and what offices make of it).
func (r *reader) csv(data []byte) {
	top := zones.Place{File: r.book.File}
	text, name, refused := decode(data)
	if refused != "" {
		mend := "open the file in the spreadsheet and save it as .xlsx, or as CSV UTF-8"
		if strings.HasPrefix(refused, "VNI") || strings.HasPrefix(refused, "TCVN3") {
			mend = "turn it into Unicode (Unikey: Ctrl+Shift+F6), then save it as CSV UTF-8"
		}
		r.fail("T-ENCODING", top, "the encoding is "+refused, mend)
		return
	}
	r.book.Encoding = name
	if name == "windows-1258" { // nothing in the file says so
		r.add(finding.Finding{ID: "T-ENCODING", At: top, Found: "it is read as windows-1258: " + sample(text), Mend: "if these letters are wrong, save it as CSV UTF-8 or .xlsx"})
	}
	s := Sheet{file: r.book.File}
	if rest, ok := strings.CutPrefix(text, "sep="); ok && len(rest) > 1 && strings.ContainsRune("\r\n", rune(rest[1])) {
		r.book.Comma = rune(rest[0])
		i := strings.IndexByte(text, '\n')
		text = strings.Repeat("\n", 1) + text[i+1:]
	} else {
		r.book.Comma = guessComma(text)
	}
	r.split(&s, text)
	r.book.Sheets = []Sheet{s}
}

// sample is the first line with letters beyond ASCII, cut.
func sample(text string) string {
	for line := range strings.Lines(text) {
		for _, c := range line {
			if c >= 0x80 {
				r := []rune(strings.TrimSpace(line))
				return strconv.Quote(string(r[:min(len(r), 60)]))
			}
		}
	}
	return ""
}

// guessComma takes the separator that splits most of the first rows into the
// same number of cells, and into most cells.
func guessComma(text string) rune {
	best, most := ',', 0
	for _, c := range commas {
		counts := map[int]int{}
		n, quoted, lines := 0, false, 0
		for _, x := range text[:min(len(text), 1<<16)] {
			switch {
			case x == '"':
				quoted = !quoted
			case quoted:
			case x == c:
				n++
			case x == '\n':
				counts[n]++
				n = 0
				lines++
			}
			if lines >= 100 {
				break
			}
		}
		counts[n]++
		for cells, rows := range counts {
			if score := rows * min(cells, 20); score > most {
				best, most = c, score
			}
		}
	}
	return best
}

// split cuts a text into rows and cells. A quote opens a cell only at its
// start; two quotes inside are one.
func (r *reader) split(s *Sheet, text string) {
	comma := byte(r.book.Comma)
	line := 1
	row := Row{Number: 1}
	full := false
	add := func(cell string) {
		if len(row.Cells) < r.o.Columns {
			row.Cells = append(row.Cells, Cell{Text: Unguard(strings.TrimSpace(cell))})
		} else if strings.TrimSpace(cell) != "" && !full {
			full = true
			f := tooMany(fmt.Sprintf("more than %d columns", r.o.Columns))
			f.At = s.Place(row.Number, r.o.Columns+1)
			r.add(f)
		}
	}
	for i := 0; i < len(text) && !full; {
		if text[i] == '"' { // a quoted cell
			var b strings.Builder
			from, col := line, len(row.Cells)+1
			j := i + 1
			closed := false
			for j < len(text) {
				if text[j] == '"' {
					if j+1 < len(text) && text[j+1] == '"' {
						b.WriteByte('"')
						j += 2
						continue
					}
					closed = true
					j++
					break
				}
				if text[j] == '\n' {
					line++
				}
				b.WriteByte(text[j])
				j++
			}
			if !closed {
				r.fail("T-QUOTE", s.Place(from, col), Ref(from, col)+": a quote that begins here is not closed", `write "" for a quote inside a cell`)
				return
			}
			end := j
			for end < len(text) && text[end] != comma && text[end] != '\n' && text[end] != '\r' {
				end++
			}
			if strings.TrimSpace(text[j:end]) != "" {
				r.fail("T-QUOTE", s.Place(from, col), Ref(from, col)+": text stands behind a closing quote", `write "" for a quote inside a cell`)
				return
			}
			add(strings.ReplaceAll(b.String(), "\r\n", "\n"))
			i = end
		} else {
			end := i
			for end < len(text) && text[end] != comma && text[end] != '\n' && text[end] != '\r' {
				end++
			}
			add(text[i:end])
			i = end
		}
		if i >= len(text) {
			break
		}
		if text[i] == comma {
			if i++; i == len(text) || text[i] == '\n' || text[i] == '\r' {
				add("")
			} else {
				continue
			}
		}
		if i < len(text) && text[i] == '\r' {
			if i++; i < len(text) && text[i] == '\n' {
				i++
			}
		} else if i < len(text) {
			i++
		}
		line++
		if !r.put(s, row) {
			return
		}
		row = Row{Number: line}
	}
	r.put(s, row)
}
