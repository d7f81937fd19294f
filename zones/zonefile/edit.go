package zonefile

import (
	"bytes"
	"fmt"
	"io/fs"
	"slices"
	"strconv"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// An edit is made of splices: octets that take the place of others. Each edit
// is read again from its own octets and held against the records that it
// should give (EDIT-NET); where lines after it inherited an owner or a TTL
// that it took away, they are given theirs (a repair). What does not come out
// as asked is refused, and nothing changes.

// splice puts text in the place of the octets [from,to) of a file.
type splice struct {
	file     int
	from, to uint32
	text     string
}

// Add writes records into the files: each below the last record of its owner,
// else after the record of its type that comes before it in canonical order,
// in that neighbour's column style. It refuses a record that is there.
//
// Errors of edits are finding.Finding values with a place, or
// *zones.RecordError about the record given.
func (t *Tree) Add(records ...zones.Record) (*Tree, error) {
	for _, r := range records {
		n, err := t.add(r)
		if err != nil {
			return nil, err
		}
		t = n
	}
	return t, nil
}

// Remove takes records out, each with its line; duplicates of it go too. The
// TTLs of the given records are not compared.
func (t *Tree) Remove(records ...zones.Record) (*Tree, error) {
	if err := t.editable(); err != nil {
		return nil, err
	}
	var gone []int
	for _, r := range records {
		found, err := t.find(r)
		if err != nil {
			return nil, err
		}
		gone = append(gone, found...)
	}
	slices.Sort(gone)
	gone = slices.Compact(gone)
	n, _, err := t.settle(t.deletions(gone), without(t.recs, gone), 2+2*len(gone))
	return n, err
}

// Change makes one record another: owner, TTL, type and RDATA may differ. Only
// the words that differ change. Duplicates of the old record go. old's TTL is
// not compared with the file's: the new one is written where it differs.
func (t *Tree) Change(old, new zones.Record) (*Tree, error) {
	if err := t.editable(); err != nil {
		return nil, err
	}
	found, err := t.find(old)
	if err != nil {
		return nil, err
	}
	i := found[0]
	if old.Owner != new.Owner || old.Type != new.Type || old.Data != new.Data {
		if err := t.admits(new); err != nil {
			return nil, err
		}
	}
	want := without(t.recs, found[1:])
	want[i].owner, want[i].typ, want[i].data, want[i].ttl = new.Owner, new.Type, new.Data, cappedTTL(new.TTL)
	var first error
	for _, ways := range []rewriting{styled, plain, whole} {
		edits, err := t.rewrite(i, new, ways)
		if err != nil {
			return nil, err
		}
		n, _, err := t.settle(append(edits, t.deletions(found[1:])...), want, 4+2*len(found))
		if err == nil {
			return n, nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

// SetSerial writes another serial into the SOA record.
func (t *Tree) SetSerial(s zones.Serial) (*Tree, error) {
	for i := range t.recs {
		r := &t.recs[i]
		if r.typ != zones.TypeSOA {
			continue
		}
		soa, err := zones.ParseSOA(r.data)
		if err != nil {
			return nil, err
		}
		if soa.Serial == s {
			return t, nil
		}
		soa.Serial = s
		old := r.record(t.displays())
		new := old
		new.Data = soa.Data()
		return t.Change(old, new)
	}
	return nil, t.noSOA("there is no SOA record, and so no serial to set")
}

func (t *Tree) displays() []string {
	display := make([]string, len(t.files))
	for i, f := range t.files {
		display[i] = t.opts.display(f.name)
	}
	return display
}

func cappedTTL(ttl uint32) uint32 {
	if ttl > zones.MaxTTL {
		return 0
	}
	return ttl
}

// editable refuses to edit what could not be read whole.
func (t *Tree) editable() error {
	if t.failed {
		return finding.Finding{
			ID: "Z-EDIT", Severity: finding.Error, At: t.opts.place(t.files[0].name, 0, 0),
			Found: "the file has errors, so it cannot be edited", Mend: "mend them first",
		}
	}
	return nil
}

// refuse makes the error of an edit that touches a record.
func (t *Tree) refuse(r *rec, found, mend string) error {
	return t.finding(r, "Z-EDIT", finding.Error, found, mend)
}

// find returns the indices of a record and its duplicates, all of which can
// be edited.
func (t *Tree) find(r zones.Record) ([]int, error) {
	var found []int
	for i := range t.recs {
		if q := &t.recs[i]; q.owner == r.Owner && q.typ == r.Type && q.data == r.Data {
			found = append(found, i)
		}
	}
	if len(found) == 0 {
		return nil, &zones.RecordError{Record: r, Err: zones.ErrNotThere}
	}
	for _, i := range found {
		if err := t.mayEdit(i); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// mayEdit refuses to change what is not written on lines of its own.
func (t *Tree) mayEdit(i int) error {
	q := &t.recs[i]
	if q.how&byGenerate != 0 {
		return t.refuse(q, fmt.Sprintf("%v %v is made by a $GENERATE and cannot be edited by itself", q.owner, q.typ), "change the $GENERATE, or write its records one by one")
	}
	if t.uses[q.file] > 1 {
		return t.refuse(q, fmt.Sprintf("%v %v stands in a file that is included %d times", q.owner, q.typ, t.uses[q.file]), "edit the file by hand: the change is made wherever it is included")
	}
	return nil
}

// admits refuses a record that is there, lies outside the zone, or is none.
func (t *Tree) admits(r zones.Record) error {
	if err := t.suits(r); err != nil {
		return err
	}
	for i := range t.recs {
		if q := &t.recs[i]; q.owner == r.Owner && q.typ == r.Type && q.data == r.Data {
			return t.there(r, q)
		}
	}
	return nil
}

func (t *Tree) there(r zones.Record, q *rec) error {
	r.From.Place = t.place(q)
	return &zones.RecordError{Record: r, Err: zones.ErrThere}
}

// suits refuses a record that lies outside the zone, or is none.
func (t *Tree) suits(r zones.Record) error {
	if r.Owner.IsZero() {
		return &zones.RecordError{Record: r, Err: zones.ErrNameEmpty}
	}
	if o := t.opts.Origin; !o.IsZero() && !r.Owner.Within(o) {
		return &zones.RecordError{Record: r, Err: zones.ErrOutOfZone}
	}
	if !r.Type.IsData() {
		return &zones.RecordError{Record: r, Err: fmt.Errorf("%v is not a type of data", r.Type)}
	}
	if err := rdata.Check(r.Type, r.Data); err != nil {
		return &zones.RecordError{Record: r, Err: err}
	}
	return nil
}

// without copies records, leaving some out (indices in ascending order).
func without(recs []rec, gone []int) []rec {
	out := make([]rec, 0, len(recs))
	for i := range recs {
		if len(gone) > 0 && gone[0] == i {
			gone = gone[1:]
			continue
		}
		out = append(out, recs[i])
	}
	return out
}

// deletions are the splices that take records' lines away.
func (t *Tree) deletions(gone []int) (edits []splice) {
	for _, i := range gone {
		r := &t.recs[i]
		edits = append(edits, splice{int(r.file), lineStart(t.files[r.file].buf, r.start), r.end, ""})
	}
	return edits
}

// lineStart skips a byte order mark.
func lineStart(buf []byte, start uint32) uint32 {
	if start == 0 && bytes.HasPrefix(buf, []byte(byteOrderMark)) {
		return uint32(len(byteOrderMark))
	}
	return start
}

// spliced returns the files with splices made; those of one file overlap at
// most in the space between two words.
func (t *Tree) spliced(edits []splice) map[string][]byte {
	bufs := make(map[string][]byte, len(t.files))
	for i, f := range t.files {
		mine := slices.DeleteFunc(slices.Clone(edits), func(e splice) bool { return e.file != i })
		slices.SortStableFunc(mine, func(a, b splice) int { return int(a.from) - int(b.from) })
		if len(mine) == 0 {
			bufs[f.name] = f.buf
			continue
		}
		size := len(f.buf)
		for _, e := range mine {
			size += len(e.text)
		}
		b := make([]byte, 0, size)
		at := uint32(0)
		for _, e := range mine {
			e.from = max(e.from, at) // two may claim one gap
			b = append(append(b, f.buf[at:e.from]...), e.text...)
			at = max(e.to, e.from)
		}
		bufs[f.name] = append(b, f.buf[at:]...)
	}
	return bufs
}

// settle makes an edit and reads the result. Where it differs from the records
// wanted only in that a line inherited another owner or TTL than before, the
// line is given its own. It tells how many lines were.
func (t *Tree) settle(edits []splice, want []rec, maxRepairs int) (*Tree, int, error) {
	bufs := t.spliced(edits)
	for repairs := 0; ; repairs++ {
		n, err := t.again(bufs)
		if err != nil {
			return nil, repairs, err
		}
		i := difference(n.recs, want)
		if i < 0 {
			return n, repairs, nil
		}
		if len(n.recs) != len(want) || repairs == maxRepairs {
			return nil, repairs, n.unsettled(i, want)
		}
		fix := n.repair(i, &want[i], t)
		if fix == nil {
			return nil, repairs, n.unsettled(i, want)
		}
		bufs = n.spliced(fix)
	}
}

// again reads the files with other octets.
func (t *Tree) again(bufs map[string][]byte) (*Tree, error) {
	n, findings := load(func(name string) ([]byte, error) {
		if b, ok := bufs[name]; ok {
			return b, nil
		}
		return nil, fs.ErrNotExist
	}, t.files[0].name, t.opts, true)
	if n == nil || n.failed {
		for _, f := range findings {
			if f.Severity >= finding.Error {
				f.ID, f.Found = "Z-EDIT", "the edit is not made, it would lead to: "+f.Found
				return nil, f
			}
		}
	}
	return n, nil
}

// difference returns the first index at which two lists differ, or -1.
func difference(got, want []rec) int {
	for i := range got {
		if i == len(want) || !got[i].same(&want[i]) {
			return i
		}
	}
	if len(got) < len(want) {
		return len(got)
	}
	return -1
}

func (r *rec) same(o *rec) bool {
	return r.owner == o.owner && r.typ == o.typ && r.ttl == o.ttl && r.data == o.data
}

func (t *Tree) unsettled(i int, want []rec) error {
	if i < len(t.recs) {
		r := &t.recs[i]
		found := fmt.Sprintf("the edit is not made: it would change %v %v too", r.owner, r.typ)
		if i < len(want) && r.owner == want[i].owner && r.typ == want[i].typ && r.data == want[i].data {
			found += fmt.Sprintf(" (its TTL from %d to %d)", want[i].ttl, r.ttl)
		}
		return t.refuse(r, found, "write owner and TTL of this line out, or give the file a $TTL, then edit again")
	}
	return finding.Finding{
		ID: "Z-EDIT", Severity: finding.Error, At: t.opts.place(t.files[0].name, 0, 0),
		Found: "the edit is not made: it would lose another record", Mend: "edit the file by hand",
	}
}

// repair gives a record the owner or the TTL that it used to inherit; nil
// where that is not what is wrong. old is the tree before the edit.
func (t *Tree) repair(i int, want *rec, old *Tree) (edits []splice) {
	r := &t.recs[i]
	return t.giveOwn(i, want, old, r.owner != want.owner, r.ttl != want.ttl)
}

// giveOwn writes owner or TTL of a record that leaves them out; nil where it
// does not, or where something else is wrong.
func (t *Tree) giveOwn(i int, want *rec, old *Tree, owner, ttl bool) (edits []splice) {
	r := &t.recs[i]
	if r.typ != want.typ || r.data != want.data || r.how&byGenerate != 0 || t.uses[r.file] > 1 {
		return nil
	}
	if owner && r.how&ownerLeftOut == 0 || ttl && r.how&ttlLeftOut == 0 {
		return nil
	}
	buf := t.files[r.file].buf
	e, h := t.lexAgain(r)
	if owner {
		text := old.ownerText(want.owner, t.states[r.state].origin, false)
		edits = append(edits, ownerSplice(buf, r, &e, text))
	}
	if ttl {
		edits = append(edits, ttlSplice(buf, r, &e, &h, want.ttl))
	}
	return edits
}

// lexAgain cuts a record's entry into words and tells what they are.
func (t *Tree) lexAgain(r *rec) (lexed, head) {
	buf := t.files[r.file].buf
	var e lexed
	x := newLexer(buf[:r.end])
	x.rewind(int(r.start), 1)
	x.next(&e)
	h := head{ownerAt: -1, ttlAt: -1, classAt: -1, typeAt: -1}
	i := 0
	if !e.indented {
		h.ownerAt, i = 0, 1
	}
	for ; i < len(e.toks); i++ {
		b := buf[e.toks[i].start:e.toks[i].end]
		if '0' <= b[0] && b[0] <= '9' {
			h.ttlAt = i
		} else if _, ok := parseClass(b); ok && h.classAt < 0 {
			h.classAt = i
		} else {
			h.typeAt = i
			return e, h
		}
	}
	return e, h
}

// ownerText is how an owner is written under an origin: as the files write it
// already where they do, else relative or absolute.
func (t *Tree) ownerText(n, origin zones.Name, absolute bool) string {
	for i := range t.recs {
		if t.recs[i].owner == n && t.spells(i, origin) {
			return t.spelling(i)
		}
	}
	return nameText(n, origin, absolute)
}

// spells tells whether a record's line has an owner that is written under an origin.
func (t *Tree) spells(i int, origin zones.Name) bool {
	r := &t.recs[i]
	return r.how&(ownerLeftOut|byGenerate) == 0 && t.states[r.state].origin == origin
}

func (t *Tree) spelling(i int) string {
	r := &t.recs[i]
	e, _ := t.lexAgain(r)
	return string(t.files[r.file].buf[e.toks[0].from():e.toks[0].to()])
}

func nameText(n, origin zones.Name, absolute bool) string {
	if absolute || origin.IsZero() || origin.IsRoot() {
		return n.String()
	}
	return n.In(origin)
}

// ownerSplice writes an owner into a line that begins with spaces.
func ownerSplice(buf []byte, r *rec, e *lexed, owner string) splice {
	from := lineStart(buf, r.start)
	to := from
	for to < r.end && meaning[buf[to]] == octetSpace {
		to++
	}
	gap := buf[from:to]
	return splice{int(r.file), from, to, owner + pad(width(0, []byte(owner)), width(0, gap), gap)}
}

// ttlSplice writes a TTL into a record that leaves it out, in front of class
// or type.
func ttlSplice(buf []byte, r *rec, e *lexed, h *head, ttl uint32) splice {
	text := strconv.FormatUint(uint64(ttl), 10)
	at := h.typeAt
	if h.classAt >= 0 {
		at = h.classAt
	}
	to := e.toks[at].start
	from := to
	for from > r.start && buf[from-1] == ' ' {
		from--
	}
	switch gap := int(to - from); {
	case gap >= len(text)+2: // the columns stay
		return splice{int(r.file), to - uint32(len(text)) - 1, to, text + " "}
	case from > r.start && buf[to-1] == '\t':
		return splice{int(r.file), to, to, text + "\t"}
	}
	return splice{int(r.file), to, to, text + " "}
}
