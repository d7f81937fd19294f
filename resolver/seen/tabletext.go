package seen

import (
	"bufio"
	"encoding/json"
	"io"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"gialai.gov.vn/hopnhat/zones/rdata"
)

// TableFormat is the version of both text forms of a table.
const TableFormat = 1

// The head of the TSV form.
const (
	tsvMagic = "# hopnhat seen "
	tsvHead  = "name\ttype\tview\tcount\tfirst\tlast\tnetworks\tservers\trcodes\tpositive\tanswer"
)

// tableJSON is the JSON form of a table.
type tableJSON struct {
	Format int       `json:"format"`
	Lost   lostJSON  `json:"lost"`
	Rows   []rowJSON `json:"rows"`
}

type lostJSON struct {
	Rows    int64 `json:"rows"`
	Queries int64 `json:"queries"`
	Floor   int64 `json:"floor"`
}

type rowJSON struct {
	Name     string      `json:"name"`
	Type     string      `json:"type"`
	View     string      `json:"view,omitempty"`
	Count    int64       `json:"count"`
	First    string      `json:"first,omitempty"`
	Last     string      `json:"last,omitempty"`
	Networks []countJSON `json:"networks,omitempty"`
	Servers  []countJSON `json:"servers,omitempty"`
	Rcodes   []countJSON `json:"rcodes,omitempty"`
	Positive int64       `json:"positive,omitempty"`
	Answer   *answerJSON `json:"answer,omitempty"`
}

// countJSON counts something by its text; "other" is what a limit left out.
type countJSON struct {
	Of    string `json:"of"`
	Count int64  `json:"count"`
}

type answerJSON struct {
	Time    string   `json:"time,omitempty"`
	Rcode   string   `json:"rcode"`
	AA      bool     `json:"aa,omitempty"`
	Records []string `json:"records,omitempty"` // owner, TTL, type, data
	More    int      `json:"more,omitempty"`
}

const other = "other"

func textTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// text is a row in words.
func (r Row) text() rowJSON {
	j := rowJSON{
		Name: r.Name.Text(), Type: r.Type.String(), View: r.View, Count: r.Count,
		First: textTime(r.First), Last: textTime(r.Last), Positive: r.Positive,
	}
	for _, n := range r.Networks {
		j.Networks = append(j.Networks, countJSON{n.Prefix.String(), n.Count})
	}
	if r.OtherNets > 0 {
		j.Networks = append(j.Networks, countJSON{other, r.OtherNets})
	}
	for _, s := range r.Servers {
		j.Servers = append(j.Servers, countJSON{s.Addr.String(), s.Count})
	}
	if r.OtherServs > 0 {
		j.Servers = append(j.Servers, countJSON{other, r.OtherServs})
	}
	for _, c := range r.Rcodes {
		j.Rcodes = append(j.Rcodes, countJSON{RcodeName(c.Code), c.Count})
	}
	if a := r.Answer; a != nil {
		j.Answer = &answerJSON{Time: textTime(a.Time), Rcode: RcodeName(a.Rcode), AA: a.AA, Records: a.Lines(), More: a.More}
	}
	return j
}

// Lines gives the records of an answer as lines of a zone file: owner, TTL,
// type, data, with absolute names.
func (a *Answer) Lines() []string {
	var out []string
	for _, r := range a.Records {
		b := r.Owner.AppendText(nil)
		b = append(strconv.AppendUint(append(b, ' '), uint64(r.TTL), 10), ' ')
		b = append(append(b, r.Type.String()...), ' ')
		out = append(out, string(rdata.AppendText(b, r.Type, r.Data)))
	}
	return out
}

// WriteJSON writes the table; equal tables give equal octets.
func (t *Table) WriteJSON(w io.Writer) error {
	j := tableJSON{Format: TableFormat, Lost: lostJSON(t.lost), Rows: make([]rowJSON, 0, len(t.rows))}
	for _, r := range t.rows {
		j.Rows = append(j.Rows, r.text())
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	return e.Encode(j)
}

// WriteTSV writes the table as lines of fields between tabs; equal tables give
// equal octets. In the view and the answer \t, \n, \r and \\ stand for a tab, an
// end of line and a backslash; each record of an answer follows a \n.
func (t *Table) WriteTSV(w io.Writer) error {
	b := bufio.NewWriter(w)
	put := func(ss ...string) {
		for _, s := range ss {
			_, _ = b.WriteString(s) // Flush says what went wrong
		}
	}
	num := func(n int64) string { return strconv.FormatInt(n, 10) }
	put(tsvMagic, strconv.Itoa(TableFormat), "\n# lost\t", num(t.lost.Rows), "\t", num(t.lost.Queries), "\t", num(t.lost.Floor), "\n", tsvHead, "\n")
	for _, r := range t.rows {
		j := r.text()
		put(j.Name, "\t", j.Type, "\t", escape(j.View), "\t", num(j.Count), "\t", j.First, "\t", j.Last, "\t",
			counts(j.Networks), "\t", counts(j.Servers), "\t", counts(j.Rcodes), "\t", num(j.Positive), "\t", escape(j.Answer.line()), "\n")
	}
	return b.Flush()
}

// line is an answer in one field: RCODE[ aa][ +MORE][ @TIME], then records.
func (a *answerJSON) line() string {
	if a == nil {
		return ""
	}
	s := a.Rcode
	if a.AA {
		s += " aa"
	}
	if a.More > 0 {
		s += " +" + strconv.Itoa(a.More)
	}
	if a.Time != "" {
		s += " @" + a.Time
	}
	return strings.Join(append([]string{s}, a.Records...), "\n")
}

func counts(cs []countJSON) string {
	var f []string
	for _, c := range cs {
		f = append(f, c.Of+"="+strconv.FormatInt(c.Count, 10))
	}
	return strings.Join(f, " ")
}

func escape(s string) string {
	return strings.NewReplacer("\\", `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`).Replace(s)
}

func unescape(s string) (string, bool) {
	var b strings.Builder
	for {
		head, tail, found := strings.Cut(s, `\`)
		b.WriteString(head)
		if !found {
			return b.String(), true
		}
		if tail == "" {
			return "", false
		}
		i := strings.IndexByte(`\tnr`, tail[0])
		if i < 0 {
			return "", false
		}
		b.WriteByte("\\\t\n\r"[i])
		s = tail[1:]
	}
}

// prefixOf and addrOf read what text wrote.
func prefixOf(s string) (netip.Prefix, bool) {
	p, err := netip.ParsePrefix(s)
	return p, err == nil && p == p.Masked() && p.String() == s
}

func addrOf(s string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(s)
	return a, err == nil && a.Zone() == "" && a.String() == s
}
