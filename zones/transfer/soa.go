package transfer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// AskSOA asks a server for the SOA of a zone, over UDP and, where that gives
// no whole answer or REFUSED, over TCP; or over TLS alone; signed and verified where the request has a key.
// The error says what came instead.
func AskSOA(ctx context.Context, q Request) (zones.SOA, error) {
	s := stand(ctx, q)
	return s.SOA, s.Err
}

// answerError is an answer that would be no better over TCP, but for REFUSED.
type answerError struct {
	what    string
	refused bool // REFUSED, which Knot says of a catalog over UDP to everybody
}

func (e *answerError) Error() string { return e.what }

var errTruncated = errors.New("the answer is truncated")

// ask asks once. Over UDP what is no answer to the question is passed over
// until the time is up.
func (q Request) ask(ctx context.Context, network string) (zones.SOA, error) {
	conn, err := connect(ctx, q, network, q.Timeouts.Query)
	if err != nil {
		return zones.SOA{}, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(q.Timeouts.Query)); err != nil {
		return zones.SOA{}, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	id := q.ID()
	msg := query(id, q.Zone.Origin, zones.TypeSOA)
	var conv *conversation
	if q.Key != nil {
		conv = newConversation(*q.Key)
		msg = conv.sign(msg, q.Now())
	}
	if network == "tcp" {
		msg = frame(msg)
	}
	if _, err := conn.Write(msg); err != nil {
		return zones.SOA{}, err
	}
	buf := make([]byte, maxMsg)
	for {
		b, err := read(conn, network, buf)
		if err != nil {
			return zones.SOA{}, err
		}
		m, err := parseHeader(b)
		if err != nil || m.id != id || !m.has(bitQR) || m.bits&maskOpcode != 0 {
			if network == "udp" {
				continue
			}
			return zones.SOA{}, errMessage
		}
		return q.judge(m, conv)
	}
}

func read(conn net.Conn, network string, buf []byte) ([]byte, error) {
	if network == "tcp" {
		return readFrame(conn, buf)
	}
	n, err := conn.Read(buf)
	return buf[:n], err
}

// judge takes the SOA out of an answer.
func (q Request) judge(m message, conv *conversation) (zones.SOA, error) {
	bad := func(format string, args ...any) (zones.SOA, error) {
		return zones.SOA{}, &answerError{what: fmt.Sprintf(format, args...)}
	}
	l, err := m.layout()
	switch {
	case err != nil && m.has(bitTC):
		return zones.SOA{}, errTruncated
	case err != nil:
		return bad("%v", err)
	case conv != nil && (l.tsig != nil || m.rcode() == rcodeSuccess):
		if err := conv.verify(m, l.tsig, q.Now()); err != nil {
			return bad("%v", err)
		}
	}
	switch {
	case m.rcode() != rcodeSuccess:
		return zones.SOA{}, &answerError{"the server answers " + rcodeText(m.rcode()), m.rcode() == rcodeRefused}
	case m.has(bitTC):
		return zones.SOA{}, errTruncated
	case len(l.questions) != 1 || l.questions[0] != question{q.Zone.Origin, zones.TypeSOA, zones.ClassIN}:
		return bad("an answer to another question")
	}
	off := l.answers
	for range m.counts[1] {
		rec, err := m.record(off)
		if err != nil {
			return bad("%v", err)
		}
		off = rec.next
		if owner, _, ok := readName(m.b, rec.start); !ok || owner != q.Zone.Origin || rec.rtype != zones.TypeSOA || rec.class != zones.ClassIN {
			continue
		}
		data, ok := m.expand(rec, nil)
		if soa, err := zones.ParseSOA(data); ok && err == nil {
			return soa, nil
		}
	}
	return bad("the answer holds no SOA of the zone")
}

// again asks for the serial after a transfer and says whether it changed.
func again(ctx context.Context, q Request, report *Report) []finding.Finding {
	soa, err := AskSOA(ctx, q)
	f := finding.Finding{ID: "X-SERIAL", At: zones.Place{File: file(q.Server, q.Zone.Origin)}}
	switch {
	case err != nil:
		f.Found = "the serial could not be asked again after the transfer: " + err.Error()
		f.Mend = fmt.Sprintf("compare it by hand with %d, the serial that was transferred", report.Serial)
		f.Dig = []string{fmt.Sprintf("dig -p %d @%s %s SOA +norecurse", q.Server.Port(), q.Server.Addr(), q.Zone.Origin.Text())}
	case soa.Serial != report.Serial:
		report.After = &soa.Serial
		f.Severity = finding.Warning
		f.Found = fmt.Sprintf("the zone changed during the transfer: serial %d was transferred, %d stands now", report.Serial, soa.Serial)
		f.Mend = "transfer again; freeze the zone first if it changes all the time (rndc freeze, knotc zone-freeze)"
	default:
		report.After = &soa.Serial
		return nil
	}
	return []finding.Finding{f}
}
