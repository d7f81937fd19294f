package source

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/zonefile"
)

// maxWinRecords is how many records a Windows file may state where no limit is set.
const maxWinRecords = 1_000_000

// winReader reads one file of a Windows DNS server.
type winReader struct {
	file   winFile
	spec   Spec
	origin zones.Name // the zone's
	skip   map[string]bool
	form   winForm
	most   int // records
	sink   winSink

	account Account
	records []zones.Record
	later   []winRow     // rows whose names can only be read when all owners are known
	doubts  []winDoubt   // names without a final dot, to be judged at the end
	foreign []winForeign // records outside the zone, to be judged at the end
	left    map[string]*winLeft
	lines   []winSpot // beside records
	known   map[zones.Name]bool
	soa     *zones.Record
	soaTTL  []int // records without a TTL
	full    bool  // a limit was reached
}

// winLeft is what is said of a class: how many were met and where the first was.
type winLeft struct {
	n  int
	at winSpot
}

// readWindows reads a file of a Windows DNS server: what it is, its content says.
func readWindows(fsys fs.FS, spec Spec, name string, o zonefile.Options) (Zone, []finding.Finding) {
	z := Zone{Spec: spec, Files: []string{name}}
	r := &winReader{spec: spec, origin: spec.ID.Origin, most: o.MaxRecords, left: map[string]*winLeft{}}
	r.file.shown = shown(o.Prefix, name)
	r.sink.most = o.MaxErrors
	limit := o.MaxFile
	for _, d := range []struct {
		field *int
		value int
	}{{&limit, maxWindows}, {&r.most, maxWinRecords}, {&r.sink.most, maxErrors}} {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
	if !r.skips() {
		return z, r.sink.list
	}
	b, err := readAll(fsys, name, limit)
	if err != nil {
		f := finding.Finding{
			ID: "S-READ", Severity: finding.Error, At: spec.At,
			Found: r.file.shown + ": " + winReason(err, limit), Mend: "check the path, and that who runs this may read the file",
		}
		if spec.At.IsZero() {
			f.At, f.Found = zones.Place{File: r.file.shown}, winReason(err, limit)
		}
		return z, []finding.Finding{f}
	}
	r.file.buf = decodeText(b)
	if r.form = recognise(r.file.buf); r.form.refuse != "" {
		r.fail("V-FORMAT", r.form.at, r.form.refuse, r.form.mend(r.zoneWord()))
	} else {
		r.read()
	}
	z.Account = r.account
	if r.sink.errors == 0 {
		z.Zone = r.freeze()
	}
	z.Account = r.account
	return z, r.close()
}

func winReason(err error, limit int) string {
	if errors.Is(err, errTooLarge) {
		return fmt.Sprintf("the file has more than %d octets", limit)
	}
	return reason(err)
}

// skips reads Spec.Skip.
func (r *winReader) skips() bool {
	r.skip = map[string]bool{}
	for _, w := range r.spec.Skip {
		if !slices.Contains(SkipWords(), w) {
			r.sink.add(unknownSkip(r.spec, w))
		}
		r.skip[w] = true
	}
	return r.sink.errors == 0
}

// unknownSkip is the finding about a word of Spec.Skip that is none.
func unknownSkip(spec Spec, word string) finding.Finding {
	f := finding.Finding{
		ID: "V-SKIP", Severity: finding.Error, At: spec.At,
		Found: "there are no records of the kind " + quote(word) + " to leave out",
		Mend:  "the words are " + strings.Join(SkipWords(), ", "),
	}
	if spec.Kind != "windows" {
		f.Found, f.Mend = "skip is not known for a source of kind "+spec.Kind, "take the word away; what is not wanted of this source, a rule drops"
	}
	return f
}

// zoneWord is the zone's name on a command line.
func (r *winReader) zoneWord() string {
	if r.origin.IsZero() {
		return "ZONE"
	}
	return r.origin.Text()
}

// read reads all records.
func (r *winReader) read() {
	if i := bytes.IndexByte(r.file.buf, 0); i >= 0 {
		r.fail("V-FORMAT", winSpot{}, "the file has NUL octets and is no text", mendExport(r.zoneWord()))
		return
	}
	r.names()
	if r.sink.errors > 0 {
		return
	}
	if r.form.kind == formCSV {
		r.readCSV()
	} else {
		r.readLines()
	}
	if r.full {
		return
	}
	r.settle()
	if s := r.account.Sum(); s.Taken+s.LeftOut == 0 && s.Refused > 0 && r.form.kind == formDNS {
		r.sink.list = slices.Insert(r.sink.list, 0, finding.Finding{
			ID: "V-FORMAT", Severity: finding.Error, At: r.file.place(winSpot{}),
			Found: "nothing in this file is a record of Windows DNS", Mend: mendExport(r.zoneWord()),
		})
		r.sink.errors++
	}
	r.check()
}

// names finds out which zone is read.
func (r *winReader) names() {
	named, at := r.form.zone, r.form.zoneAt
	if named == "" {
		if r.origin.IsZero() {
			r.fail("V-ZONE", winSpot{}, "neither the source nor the file says which zone this is", "name the zone in the source")
		}
		return
	}
	n, err := zones.ParseName(named)
	switch {
	case err != nil:
		r.fail("V-ZONE", at, "the file says that it holds the zone "+quote(named)+": "+err.Error(), "name the zone in the source, and mend or remove this line")
	case r.origin.IsZero():
		r.origin = n
	case n != r.origin:
		r.fail("V-ZONE", at, fmt.Sprintf("the file is of the zone %s, the source of %s", n.Text(), r.origin.Text()), "name the file of "+r.origin.Text()+", or mend the source")
	}
	if r.form.scope != "" {
		r.warn("V-SCOPE", at, fmt.Sprintf("the file is the scope %s of the zone, which Windows gives by its policies to some clients only", quote(r.form.scope)), "name the file of the default scope, unless this one is meant for the source's view")
	}
}

func (r *winReader) report(id string, sev finding.Severity, at winSpot, found, mend string) {
	r.sink.add(finding.Finding{ID: id, Severity: sev, At: r.file.place(at), Line: r.file.text(at), Found: found, Mend: mend})
}

func (r *winReader) fail(id string, at winSpot, found, mend string) {
	r.report(id, finding.Error, at, found, mend)
}

func (r *winReader) warn(id string, at winSpot, found, mend string) {
	r.report(id, finding.Warning, at, found, mend)
}

// close gives all findings by place, with a line for what was not listed.
func (r *winReader) close() []finding.Finding {
	top := r.file.place(winSpot{})
	finding.Sort(r.sink.list)
	out := r.sink.list
	if n := r.sink.errors - r.sink.most; n > 0 {
		out = append(out, finding.Finding{
			ID: "V-LIMIT", Severity: finding.Error, At: top, Count: n,
			Found: fmt.Sprintf("%d more errors, not listed", n), Mend: "mend those above and read the file again",
		})
	}
	for _, id := range []string{"M-TTL", "V-DOT", "V-ESCAPE", "V-TTL", "V-UTF8", "Z-DUP"} {
		if n := r.sink.alike[id] - maxSaid; n > 0 {
			out = append(out, finding.Finding{ID: id, At: top, Count: n, Found: fmt.Sprintf("%d more of the same kind, not listed", n)})
		}
	}
	return out
}
