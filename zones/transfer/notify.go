package transfer

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	"gialai.gov.vn/hopnhat/zones"
)

// Bits and codes of messages other than questions (RFC 1996, RFC 2136).
const (
	opNotify = 4 << 11
	opUpdate = 5 << 11
)

// ErrNoAnswer is a server that said nothing in time.
var ErrNoAnswer = errors.New("no answer")

// NotifyError is an answer to NOTIFY that does not acknowledge it.
type NotifyError struct{ what string }

func (e *NotifyError) Error() string { return e.what }

// Notify tells a secondary that a zone changed (RFC 1996), once, over UDP, with
// the SOA as a hint; signed and verified where the request has a key. Nil means
// that it acknowledged; an answer with an error code or a wrong signature is a
// *NotifyError that says so, silence is ErrNoAnswer.
func Notify(ctx context.Context, q Request, soa zones.RRset) error {
	q, err := q.complete()
	if err != nil {
		return err
	}
	conn, err := connect(ctx, q, "udp", q.Timeouts.Query)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(q.Timeouts.Query)); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	id := q.ID()
	msg := query(id, q.Zone.Origin, zones.TypeSOA)
	binary.BigEndian.PutUint16(msg[2:], opNotify|bitAA)
	if !soa.IsZero() {
		var p packer
		p.reset(msg, 0)
		p.record(soa.Owner(), soa.Type(), soa.TTL(), soa.Data(0))
		msg = p.end()
	}
	var conv *conversation
	if q.Key != nil {
		conv = newConversation(*q.Key)
		msg = conv.sign(msg, q.Now())
	}
	if _, err := conn.Write(msg); err != nil {
		return err
	}
	buf := make([]byte, maxMsg)
	for {
		b, err := read(conn, "udp", buf)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case isTimeout(err):
			return ErrNoAnswer
		case err != nil:
			return err // nothing listens there
		}
		m, err := parseHeader(b)
		if err != nil || m.id != id || !m.has(bitQR) || m.bits&maskOpcode != opNotify {
			continue
		}
		l, err := m.layout()
		if err != nil {
			continue
		}
		if conv != nil && (l.tsig != nil || m.rcode() == rcodeSuccess) {
			if err := conv.verify(m, l.tsig, q.Now()); err != nil {
				return &NotifyError{err.Error()}
			}
		}
		if rc := m.rcode(); rc != rcodeSuccess {
			return &NotifyError{"it answers NOTIFY with " + rcodeText(rc)}
		}
		return nil
	}
}
