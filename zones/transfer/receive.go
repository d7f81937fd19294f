package transfer

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// receiver judges the messages of one answer to AXFR or IXFR, one after another
// (RFC 5936 2.2, RFC 1995 4), without knowing where they come from.
//
//	opening --first SOA--> within --records--> within --the same SOA--> done
//	   IXFR: the first SOA is not newer than ours --> done, nothing changed
//	   IXFR: the second record is our SOA --> steps, until the same SOA --> done
//	   any fault ends it: nothing is taken (WHOLE)
type receiver struct {
	id     uint16 // of our question
	asked  zones.Type
	zone   zones.Name
	from   string // the File of places
	limits Limits
	conv   *conversation // nil: not signed
	now    func() time.Time
	advise func(rcode int) (id, found, mend string)

	have  *zones.Zone // what an IXFR is to lead on from; nil for AXFR
	steps *steps      // of an answer that holds differences

	records  []zones.Record
	soa      string // data of the first SOA
	done     bool
	expanded int // octets of records
	high     int // records with a TTL above 2^31-1
	listed   map[string]int
	seen     map[string]bool // slips that are said once
	last     zones.Name
	scratch  []byte
	report   *Report
	finds    []finding.Finding
}

func newReceiver(q Request, id uint16, conv *conversation, report *Report, advise func(int) (id, found, mend string)) *receiver {
	return &receiver{
		id: id, asked: zones.TypeAXFR, zone: q.Zone.Origin, from: file(q.Server, q.Zone.Origin), limits: q.Limits, conv: conv, now: q.Now, advise: advise,
		listed: map[string]int{}, seen: map[string]bool{}, scratch: make([]byte, 0, 1024), report: report,
	}
}

func (r *receiver) place() zones.Place { return zones.Place{File: r.from, Line: r.report.Records} }

// fault is an error that ends the transfer.
func (r *receiver) fault(id, found, mend string) error {
	return finding.Finding{ID: id, Severity: finding.Error, At: r.place(), Found: found, Mend: mend}
}

func (r *receiver) broken(found string) error {
	return r.fault("X-MESSAGE", found, "nothing is taken; transfer again, and if it stays so look at what answers there")
}

// slip says once what does no harm.
func (r *receiver) slip(found, mend string) {
	if !r.seen[found] {
		r.seen[found] = true
		r.finds = append(r.finds, finding.Finding{ID: "X-MESSAGE", Severity: finding.Warning, At: r.place(), Found: found, Mend: mend})
	}
}

// list adds a finding about a record, up to the limit for its id.
func (r *receiver) list(f finding.Finding) {
	if r.listed[f.ID]++; r.listed[f.ID] <= r.limits.Listed {
		f.Severity = severities[f.ID]
		r.finds = append(r.finds, f)
	}
}

// message takes the next message. The error is a finding.Finding and final.
func (r *receiver) message(b []byte) error {
	r.report.Messages++
	r.report.Octets += 2 + len(b)
	if r.report.Octets > r.limits.Octets || r.report.Messages > r.limits.Messages {
		return r.fault("X-LIMIT", fmt.Sprintf("more than %d octets in %d messages", r.report.Octets-1, r.report.Messages), "raise the limit if the zone is that large")
	}
	m, err := parseHeader(b)
	if err != nil {
		return r.broken("a message of " + fmt.Sprint(len(b)) + " octets, which is shorter than a header")
	}
	switch {
	case m.id != r.id:
		return r.broken(fmt.Sprintf("an answer with the id %d where %d was asked", m.id, r.id))
	case !m.has(bitQR):
		return r.broken("a question where an answer was due")
	case m.bits&maskOpcode != 0:
		return r.broken("an answer to another kind of request")
	}
	l, err := m.layout()
	if err != nil {
		return r.broken(fmt.Sprintf("message %d cannot be read", r.report.Messages))
	}
	if err := r.signature(m, l); err != nil {
		return err
	}
	if rc := m.rcode(); rc != rcodeSuccess {
		return r.fault(r.advise(rc))
	}
	if n := len(l.questions); n > 1 || n == 1 && l.questions[0] != (question{r.zone, r.asked, zones.ClassIN}) {
		return r.broken("an answer to another question") // none at all may stand in later messages (RFC 5936 2.2.1), old servers send none in the first
	}
	if r.report.Messages == 1 {
		r.report.Authoritative = m.has(bitAA)
	}
	if m.counts[2] > 0 {
		r.slip("records outside the answer section, which are no part of a transfer (RFC 5936 2.2.4)", "")
	}
	return r.answers(m, l)
}

// signature holds the message against the key.
func (r *receiver) signature(m message, l layout) error {
	if r.conv == nil {
		if l.tsig != nil && m.rcode() == rcodeSuccess {
			return r.fault("X-TSIG", "a signed answer to a question without a key", "transfer again, with the key")
		}
		return nil
	}
	if l.tsig == nil && m.rcode() != rcodeSuccess {
		return nil // an error is an error; what it says is not trusted further
	}
	if l.tsig != nil {
		r.report.Signed++
	}
	if err := r.conv.verify(m, l.tsig, r.now()); err != nil {
		return r.tsigFault(err)
	}
	return nil
}

func (r *receiver) tsigFault(err error) error {
	if e, ok := err.(*tsigError); ok {
		if _, _, lines := r.advise(tsigBadKey); e.allow {
			return r.fault("X-TSIG", e.what, e.mend+"; "+lines)
		}
		return r.fault("X-TSIG", e.what, e.mend)
	}
	return r.fault("X-TSIG", err.Error(), "")
}

// answers takes the records of a message.
func (r *receiver) answers(m message, l layout) error {
	if r.soa == "" && m.counts[1] == 0 {
		return r.fault(r.advise(-1))
	}
	off := l.answers
	for range m.counts[1] {
		rec, err := m.record(off)
		if err != nil {
			return r.broken("a record cannot be read")
		}
		off = rec.next
		if r.done {
			return r.broken("records after the SOA that ends the transfer")
		}
		if err := r.take(m, rec); err != nil {
			return err
		}
	}
	if r.done && r.conv != nil {
		if err := r.conv.end(); err != nil {
			return r.tsigFault(err)
		}
	}
	return nil
}

// take takes one record.
func (r *receiver) take(m message, rec record) error {
	r.report.Records++
	if r.report.Records > r.limits.Records+1 { // the SOA that ends the transfer comes on top
		return r.fault("X-LIMIT", fmt.Sprintf("more than %d records", r.limits.Records), "raise the limit if the zone is that large")
	}
	owner, _, ok := readName(m.b, rec.start)
	if !ok {
		return r.broken("the owner of a record cannot be read")
	}
	if owner == r.last {
		owner = r.last // one string for the records of one owner
	}
	r.last = owner
	if rec.class == zones.ClassIN && rec.rtype == zones.TypeSOA && owner == r.zone {
		return r.apex(m, rec)
	}
	if r.soa == "" {
		return r.fault("X-SOA", fmt.Sprintf("the first record is %v %v, not the SOA of %v", owner, rec.rtype, r.zone.Text()), "nothing is taken; look at what answers there")
	}
	switch {
	case !owner.Within(r.zone):
		r.refuse(owner, rec, "lies outside the zone", "the server should not send it; if the record is needed, it belongs to another zone")
	case rec.class != zones.ClassIN:
		r.refuse(owner, rec, fmt.Sprintf("is of class %d", rec.class), "only class IN is served")
	case !rec.rtype.IsData():
		r.refuse(owner, rec, "is of a type that cannot stand in a zone", "look at the zone on the server")
	case rec.rtype == zones.TypeSOA:
		r.refuse(owner, rec, "stands below the apex", "a zone has one SOA, at its apex (RFC 1035 5.2)")
	default:
		return r.keep(m, rec, owner)
	}
	return nil
}

// refuse leaves a record out and says so.
func (r *receiver) refuse(owner zones.Name, rec record, why, mend string) {
	r.report.Refused++
	r.list(finding.Finding{ID: "X-ZONE", At: r.place(), Found: fmt.Sprintf("%v %v %s and is not taken", owner, rec.rtype, why), Mend: mend})
}

// apex takes an SOA of the zone: the first, or the one that ends the transfer.
func (r *receiver) apex(m message, rec record) error {
	data, ok := m.expand(rec, r.scratch)
	soa, err := zones.ParseSOA(data)
	switch {
	case !ok || err != nil:
		return r.fault("X-SOA", "the SOA of the zone cannot be read", "nothing is taken; look at the zone on the server")
	case r.soa == "":
		r.soa, r.report.Serial = data, soa.Serial
		r.done = r.have != nil && !r.have.Serial().Before(soa.Serial) // RFC 1995 2: nothing newer is there
		return r.keep(m, rec, r.zone)
	case r.have != nil && r.report.Records == 2 && soa.Serial == r.have.Serial():
		r.steps, r.records = newSteps(r.have, soa.Serial), nil
		fallthrough
	case r.steps != nil:
		return r.step(m, rec, data, soa)
	case data != r.soa:
		return r.fault("X-SOA", fmt.Sprintf("the last SOA (serial %d) is not the first (serial %d)", soa.Serial, r.report.Serial),
			"nothing is taken; the zone changed during the transfer: transfer again")
	}
	r.report.Records--
	r.done = true
	return nil
}

// keep takes a record into the zone.
func (r *receiver) keep(m message, rec record, owner zones.Name) error {
	data, ok := m.expand(rec, r.scratch)
	if !ok {
		r.report.Refused++
		r.list(finding.Finding{
			ID: "X-RDATA", At: r.place(),
			Found: fmt.Sprintf("the data of %v %v do not have the form of the type", owner, rec.rtype),
			Mend:  "mend the record on the server; nothing is taken with it",
		})
		return nil
	}
	if r.expanded += len(owner.Wire()) + len(data) + 10; r.expanded > r.limits.Octets {
		return r.fault("X-LIMIT", fmt.Sprintf("the records have more than %d octets", r.limits.Octets), "raise the limit if the zone is that large")
	}
	if rec.ttl > zones.MaxTTL {
		r.high++
	}
	one := zones.Record{
		Owner: owner, Type: rec.rtype, TTL: rec.ttl, Data: data,
		From: zones.Provenance{Place: r.place()},
	}
	if r.steps == nil {
		r.records = append(r.records, one)
	} else if err := r.steps.record(one); err != nil {
		return r.mismatch(err)
	}
	return nil
}

// freeze makes the zone of what came; nil with an error among the findings.
func (r *receiver) freeze(id zones.ID) *zones.Zone {
	var z *zones.Zone
	if r.steps != nil {
		z = r.led()
	} else if !finding.Failed(r.finds) {
		b := zones.NewBuilder(id)
		b.Add(r.records...)
		var err error
		if z, err = b.Freeze(); err != nil {
			r.finds = append(r.finds, finding.Finding{ID: "X-RDATA", Severity: finding.Error, At: zones.Place{File: r.from}, Found: err.Error()})
		} else {
			_, _, r.report.Taken = z.Counts()
			r.report.Duplicates = len(r.records) - r.report.Taken
			r.notes(z)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(r.listed)) {
		if n := r.listed[key] - r.limits.Listed; n > 0 {
			r.finds = append(r.finds, finding.Finding{
				ID: key, Severity: severities[key], At: zones.Place{File: r.from}, Count: n,
				Found: fmt.Sprintf("%d more of that kind", n),
			})
		}
	}
	return z
}

// severities of the findings that are listed record by record.
var severities = map[string]finding.Severity{"X-RDATA": finding.Error, "X-ZONE": finding.Warning, "X-TTL": finding.Note}

// notes says what a zone cannot hold as it came.
func (r *receiver) notes(z *zones.Zone) {
	at := zones.Place{File: r.from}
	if n := r.report.Duplicates; n > 0 {
		r.finds = append(r.finds, finding.Finding{ID: "X-DUP", At: at, Count: n, Found: fmt.Sprintf("%d records came more than once and stand once", n)})
	}
	said := map[zones.Key]bool{}
	for _, rec := range r.records {
		k := zones.Key{Owner: rec.Owner, Type: rec.Type}
		// Signatures have the TTLs of what they cover.
		if s, _ := z.Lookup(k.Owner, k.Type); rec.TTL != s.TTL() && rec.TTL <= zones.MaxTTL && rec.Type != zones.TypeRRSIG && !said[k] {
			said[k] = true
			r.list(finding.Finding{ID: "X-TTL", At: rec.From.Place, Found: fmt.Sprintf("%v came with several TTLs; the lowest, %d, stands (RFC 2181 5.2)", k, s.TTL())})
		}
	}
	if r.high > 0 {
		r.finds = append(r.finds, finding.Finding{ID: "X-TTL", At: at, Count: r.high, Found: fmt.Sprintf("%d TTLs above 2^31-1 count as 0 (RFC 2181 8)", r.high)})
	}
}
