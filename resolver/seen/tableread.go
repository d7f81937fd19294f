package seen

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// maxRowText bounds a row of a saved table, in octets.
const maxRowText = 1 << 22

// ReadTable reads what WriteTSV or WriteJSON wrote. Tables of more than most
// rows are refused. name is for the place in the error, a finding.Finding.
func ReadTable(name string, r io.Reader, most int) (*Table, error) {
	in := bufio.NewReaderSize(r, maxRowText)
	head, err := in.Peek(1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, tableFault(name, 0, err.Error())
	}
	g := &gather{name: name, most: most}
	if bytes.Equal(head, []byte("{")) {
		err = g.readJSON(in)
	} else {
		err = g.readTSV(in)
	}
	if err != nil {
		return nil, err
	}
	return g.table()
}

func tableFault(name string, line int, found string) error {
	return finding.Finding{
		ID: "Q-TABLE", Severity: finding.Error, At: zones.Place{File: name, Line: line}, Found: found,
		Mend: "read the logs again; a saved table is not for editing",
	}
}

// gather holds the rows of a table that is being read.
type gather struct {
	name string
	most int
	line int // of TSV; of JSON the row's number is said instead
	t    Table
}

func (g *gather) fault(format string, a ...any) error {
	return tableFault(g.name, g.line, fmt.Sprintf(format, a...))
}

func (g *gather) add(j rowJSON) error {
	if len(g.t.rows) >= g.most {
		return g.fault("more than %d rows", g.most)
	}
	r, err := j.row()
	if err != nil {
		return g.fault("row %d: %v", len(g.t.rows)+1, err)
	}
	g.t.rows = append(g.t.rows, r)
	return nil
}

// table holds the rows to their order: one key, one row.
func (g *gather) table() (*Table, error) {
	slices.SortStableFunc(g.t.rows, func(a, b Row) int { return a.Key.Compare(b.Key) })
	for i := 1; i < len(g.t.rows); i++ {
		if g.t.rows[i].Key == g.t.rows[i-1].Key {
			return nil, tableFault(g.name, 0, "two rows for "+g.t.rows[i].Name.Text()+" "+g.t.rows[i].Type.String())
		}
	}
	if l := g.t.lost; l.Rows < 0 || l.Queries < 0 || l.Floor < 0 {
		return nil, tableFault(g.name, 0, "a count below zero")
	}
	return &g.t, nil
}

func (g *gather) readJSON(in io.Reader) error {
	limit := &rowLimit{r: in}
	d := json.NewDecoder(limit)
	d.DisallowUnknownFields()
	fault := func(err error) error { return g.fault("no table in JSON: %v", err) }
	if _, err := d.Token(); err != nil {
		return fault(err)
	}
	format := 0
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return fault(err)
		}
		switch key {
		case "format":
			err = d.Decode(&format)
		case "lost":
			var l lostJSON
			err = d.Decode(&l)
			g.t.lost = Lost(l)
		case "rows":
			if err := g.jsonRows(d, limit); err != nil {
				return err
			}
		default:
			err = fmt.Errorf("the key %v is not known", key)
		}
		if err != nil {
			return fault(err)
		}
	}
	if _, err := d.Token(); err != nil {
		return fault(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return g.fault("something follows the table")
	}
	if format != TableFormat {
		return g.fault("the format %d is not %d", format, TableFormat)
	}
	return nil
}

func (g *gather) jsonRows(d *json.Decoder, limit *rowLimit) error {
	if t, err := d.Token(); err != nil || t != json.Delim('[') {
		return g.fault("no table in JSON: the rows are no list")
	}
	for d.More() {
		var j rowJSON
		if err := d.Decode(&j); err != nil {
			return g.fault("row %d: %v", len(g.t.rows)+1, err)
		}
		if err := g.add(j); err != nil {
			return err
		}
		limit.n = 0
	}
	if _, err := d.Token(); err != nil {
		return g.fault("no table in JSON: %v", err)
	}
	return nil
}

// rowLimit ends a document with a row that is too long: the decoder would hold
// one of any length. n is set to 0 after each row.
type rowLimit struct {
	r io.Reader
	n int
}

func (l *rowLimit) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	if l.n += n; l.n > maxRowText {
		return 0, errors.New("a row that is too long")
	}
	return n, err
}

func (g *gather) readTSV(in *bufio.Reader) error {
	for g.line = 1; ; g.line++ {
		b, err := in.ReadSlice('\n')
		if errors.Is(err, io.EOF) {
			switch {
			case len(b) > 0:
				return g.fault("it ends inside a line")
			case g.line < 4:
				return g.fault("it is no saved table: its first line should be %s%d", tsvMagic, TableFormat)
			}
			g.line = 0
			return nil
		}
		if err != nil {
			return g.fault("%v", err)
		}
		s := string(b[:len(b)-1])
		switch g.line {
		case 1:
			if s != tsvMagic+strconv.Itoa(TableFormat) {
				return g.fault("it is no saved table: its first line should be %s%d", tsvMagic, TableFormat)
			}
		case 2:
			if err := g.lost(s); err != nil {
				return err
			}
		case 3:
			if s != tsvHead {
				return g.fault("the heads of the columns are others")
			}
		default:
			j, err := rowOf(s)
			if err != nil {
				return g.fault("%v", err)
			}
			if err := g.add(j); err != nil {
				return err
			}
		}
	}
}

func (g *gather) lost(s string) error {
	f := strings.Split(s, "\t")
	if len(f) != 4 || f[0] != "# lost" {
		return g.fault("its second line should say what was lost")
	}
	for i, p := range []*int64{&g.t.lost.Rows, &g.t.lost.Queries, &g.t.lost.Floor} {
		n, err := count(f[i+1])
		if err != nil {
			return g.fault("%v", err)
		}
		*p = n
	}
	return nil
}

func count(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || strconv.FormatInt(n, 10) != s {
		return 0, fmt.Errorf("%s is no count", quote(s))
	}
	return n, nil
}

// rowOf reads one line of TSV.
func rowOf(s string) (j rowJSON, err error) {
	f := strings.Split(s, "\t")
	if len(f) != 11 {
		return j, fmt.Errorf("%d columns, not 11", len(f))
	}
	j = rowJSON{Name: f[0], Type: f[1], First: f[4], Last: f[5]}
	var ok1, ok2 bool
	var answer string
	j.View, ok1 = unescape(f[2])
	answer, ok2 = unescape(f[10])
	if !ok1 || !ok2 {
		return j, errors.New(`a \ that stands for nothing`)
	}
	if j.Count, err = count(f[3]); err != nil {
		return j, err
	}
	if j.Positive, err = count(f[9]); err != nil {
		return j, err
	}
	for i, list := range []*[]countJSON{&j.Networks, &j.Servers, &j.Rcodes} {
		for w := range strings.SplitSeq(f[6+i], " ") {
			if f[6+i] == "" {
				break
			}
			of, n, _ := strings.Cut(w, "=")
			c, err := count(n)
			if err != nil {
				return j, err
			}
			*list = append(*list, countJSON{of, c})
		}
	}
	if answer != "" {
		j.Answer, err = answerOf(answer)
	}
	return j, err
}

// answerOf reads the field of an answer.
func answerOf(s string) (*answerJSON, error) {
	lines := strings.Split(s, "\n")
	words := strings.Split(lines[0], " ")
	a := &answerJSON{Rcode: words[0]}
	if len(lines) > 1 {
		a.Records = lines[1:]
	}
	for _, w := range words[1:] {
		switch {
		case w == "aa":
			a.AA = true
		case strings.HasPrefix(w, "+"):
			n, err := count(w[1:])
			if err != nil || n > math.MaxInt32 {
				return nil, fmt.Errorf("%s is no count", quote(w))
			}
			a.More = int(n)
		case strings.HasPrefix(w, "@"):
			a.Time = w[1:]
		default:
			return nil, fmt.Errorf("%s in an answer", quote(w))
		}
	}
	return a, nil
}

func timeOf(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || sane(t).IsZero() {
		return t, fmt.Errorf("%s is no time", quote(s))
	}
	return t.UTC(), nil
}

// row is the row that text put into words.
func (j rowJSON) row() (r Row, err error) {
	if r.Name, err = zones.ParseName(j.Name); err != nil {
		return r, fmt.Errorf("%s is no name: %w", quote(j.Name), err)
	}
	var ok bool
	if r.Type, ok = zones.ParseType(j.Type); !ok {
		return r, fmt.Errorf("%s is no type", quote(j.Type))
	}
	if len(j.View) > maxView || !utf8.ValidString(j.View) {
		return r, errors.New("a view with a name too long, or no text")
	}
	if j.Count < 0 || j.Positive < 0 {
		return r, errors.New("a count below zero")
	}
	r.View, r.Count, r.Positive = j.View, j.Count, j.Positive
	if r.First, err = timeOf(j.First); err != nil {
		return r, err
	}
	if r.Last, err = timeOf(j.Last); err != nil {
		return r, err
	}
	if r.Networks, r.OtherNets, err = listOf(j.Networks, true, prefixOf, func(p netip.Prefix, n int64) Network { return Network{p, n} },
		func(a, b Network) int { return comparePrefix(a.Prefix, b.Prefix) }); err != nil {
		return r, err
	}
	if r.Servers, r.OtherServs, err = listOf(j.Servers, true, addrOf, func(a netip.Addr, n int64) Server { return Server{a, n} },
		func(a, b Server) int { return a.Addr.Compare(b.Addr) }); err != nil {
		return r, err
	}
	if r.Rcodes, _, err = listOf(j.Rcodes, false, rcodeOf, func(c int, n int64) Rcode { return Rcode{c, n} },
		func(a, b Rcode) int { return cmp.Compare(a.Code, b.Code) }); err != nil {
		return r, err
	}
	if j.Answer != nil {
		r.Answer, err = j.Answer.answer()
	}
	return r, err
}

// listOf reads a list of counts; two of one thing are refused.
func listOf[K, T any](cs []countJSON, others bool, parse func(string) (K, bool), join func(K, int64) T, compare func(a, b T) int) (out []T, rest int64, err error) {
	for _, c := range cs {
		if c.Count < 0 {
			return nil, 0, errors.New("a count below zero")
		}
		if others && c.Of == other {
			rest = plus(rest, c.Count)
			continue
		}
		k, ok := parse(c.Of)
		if !ok {
			return nil, 0, fmt.Errorf("%s is not what this column holds", quote(c.Of))
		}
		out = append(out, join(k, c.Count))
	}
	slices.SortFunc(out, compare)
	for i := 1; i < len(out); i++ {
		if compare(out[i-1], out[i]) == 0 {
			return nil, 0, errors.New("the same twice in one list")
		}
	}
	return out, rest, nil
}

func (j *answerJSON) answer() (*Answer, error) {
	a := &Answer{AA: j.AA, More: j.More}
	var ok bool
	if a.Rcode, ok = rcodeOf(j.Rcode); !ok {
		return nil, fmt.Errorf("%s is no response code", quote(j.Rcode))
	}
	if a.More < 0 || a.More > math.MaxInt32 {
		return nil, errors.New("a count below zero, or too high")
	}
	var err error
	if a.Time, err = timeOf(j.Time); err != nil {
		return nil, err
	}
	for _, s := range j.Records {
		r, err := recordOf(s)
		if err != nil {
			return nil, fmt.Errorf("%s is no record: %w", quote(s), err)
		}
		a.Records = append(a.Records, r)
	}
	slices.SortFunc(a.Records, zones.Record.Compare)
	return a, nil
}

// recordOf reads a line that Answer.Lines wrote.
func recordOf(s string) (r zones.Record, err error) {
	f := strings.SplitN(s, " ", 4)
	if len(f) != 4 {
		return r, errors.New("it has not owner, TTL, type and data")
	}
	if r.Owner, err = zones.ParseName(f[0]); err != nil {
		return r, err
	}
	ttl, err := strconv.ParseUint(f[1], 10, 32)
	if err != nil {
		return r, err
	}
	r.TTL = uint32(ttl)
	var ok bool
	if r.Type, ok = zones.ParseType(f[2]); !ok {
		return r, errors.New("no such type")
	}
	r.Data, err = rdata.Parse(r.Type, f[3], zones.Name{})
	return r, err
}
