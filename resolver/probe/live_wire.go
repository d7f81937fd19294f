package probe

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"syscall"
	"time"

	"github.com/miekg/dns"

	"gialai.gov.vn/hopnhat/zones"
)

// Errors of answers.
var (
	errNotOurs    = errors.New("an answer to another question")
	errUnreadable = errors.New("an answer that cannot be read")
	errCut        = errors.New("a truncated answer")
	errStopped    = errors.New("the survey was stopped")
)

// line is a way to one server over one transport. It is not safe for
// concurrent use. Over TCP one connection carries all questions.
type line struct {
	*survey
	network string
	addr    netip.AddrPort
	conn    net.Conn // of TCP, kept
	buf     []byte   // for answers, kept
}

func (s *survey) line(network string, a netip.AddrPort) *line {
	return &line{survey: s, network: network, addr: s.reached(a)}
}

func (l *line) close() {
	if l.conn != nil {
		_ = l.conn.Close()
		l.conn = nil
	}
}

// ask asks one question, Tries times if need be. A truncated answer over UDP
// comes with errCut and what it holds.
func (l *line) ask(name zones.Name, typ zones.Type, recurse bool) (Reply, error) {
	var r Reply
	var err error
	for range l.Tries {
		if l.ctx.Err() != nil {
			return Reply{}, errStopped
		}
		r, err = l.once(name, typ, recurse)
		if err == nil || errors.Is(err, errCut) {
			return r, err
		}
		l.close()
	}
	if l.ctx.Err() != nil {
		return Reply{}, errStopped
	}
	return Reply{}, err
}

func (l *line) once(name zones.Name, typ zones.Type, recurse bool) (Reply, error) {
	q := new(dns.Msg)
	q.Id = dns.Id()
	q.Question = []dns.Question{{Name: name.String(), Qtype: uint16(typ), Qclass: dns.ClassINET}}
	q.RecursionDesired = recurse
	q.SetEdns0(payload, false)
	msg, err := q.Pack()
	if err != nil {
		return Reply{}, err
	}
	if l.conn == nil {
		ctx, cancel := context.WithTimeout(l.ctx, l.Timeout)
		c, err := l.Dial(ctx, l.network, l.addr.String())
		cancel()
		if err != nil {
			return Reply{}, err
		}
		l.conn = c
	}
	if l.network == "udp" { // a port of its own for each question (RFC 5452 9.2)
		defer l.close()
	}
	if err := l.conn.SetDeadline(time.Now().Add(l.Timeout)); err != nil {
		return Reply{}, err
	}
	conn := l.conn
	stop := context.AfterFunc(l.ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if l.network == "tcp" {
		msg = append(binary.BigEndian.AppendUint16(nil, uint16(len(msg))), msg...)
	}
	if _, err := l.conn.Write(msg); err != nil {
		return Reply{}, err
	}
	if l.buf == nil {
		l.buf = make([]byte, 1<<16)
	}
	for {
		b, err := l.read(l.buf)
		if err != nil {
			return Reply{}, err
		}
		r, err := hear(b, q.Id, name, typ)
		if errors.Is(err, errNotOurs) {
			continue // until the deadline: anybody can send such
		}
		return r, err
	}
}

func (l *line) read(buf []byte) ([]byte, error) {
	if l.network == "udp" {
		n, err := l.conn.Read(buf)
		return buf[:n], err
	}
	if _, err := io.ReadFull(l.conn, buf[:2]); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint16(buf))
	_, err := io.ReadFull(l.conn, buf[:n])
	return buf[:n], err
}

// hear reads the octets of an answer. Any octets may come: what is not an
// answer to the question is errNotOurs, what cannot be read errUnreadable.
func hear(b []byte, id uint16, name zones.Name, typ zones.Type) (Reply, error) {
	const header = 12
	if len(b) < header || binary.BigEndian.Uint16(b) != id || b[2]&0x80 == 0 || b[2]&0x78 != 0 { // QR, opcode
		return Reply{}, errNotOurs
	}
	cut := b[2]&0x02 != 0
	m := new(dns.Msg)
	if err := m.Unpack(b); err != nil {
		if cut {
			return Reply{}, errCut
		}
		return Reply{}, fmt.Errorf("%w: %w", errUnreadable, err)
	}
	switch {
	case len(m.Question) == 0 && m.Rcode != dns.RcodeSuccess: // some refuse without it
	case len(m.Question) != 1 || m.Question[0].Qtype != uint16(typ) || m.Question[0].Qclass != dns.ClassINET:
		return Reply{}, errNotOurs
	default:
		if n, err := zones.ParseName(m.Question[0].Name); err != nil || n != name {
			return Reply{}, errNotOurs
		}
	}
	for _, rrs := range [][]dns.RR{m.Answer, m.Ns, m.Extra} {
		for _, rr := range rrs {
			if h := rr.Header(); h.Rrtype != dns.TypeOPT && h.Class != dns.ClassINET {
				return Reply{}, fmt.Errorf("%w: a record of class %d", errUnreadable, h.Class)
			}
		}
	}
	r, err := reply(m)
	if err != nil {
		return Reply{}, fmt.Errorf("%w: %w", errUnreadable, err)
	}
	if cut {
		return r, errCut
	}
	return r, nil
}

// whole asks over UDP and, where the answer is cut, over TCP.
func (s *survey) whole(a netip.AddrPort, name zones.Name, typ zones.Type, recurse bool) (Reply, error) {
	l := s.line("udp", a)
	r, err := l.ask(name, typ, recurse)
	if errors.Is(err, errCut) {
		l = s.line("tcp", a)
		defer l.close()
		r, err = l.ask(name, typ, recurse)
	}
	return r, err
}

// why says in a few words why there was no answer.
func why(err error) string {
	var ne net.Error
	switch {
	case errors.Is(err, errStopped):
		return errStopped.Error()
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens there"
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.EADDRNOTAVAIL):
		return noRoute
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "the connection was closed without an answer"
	case errors.As(err, &ne) && ne.Timeout():
		return "no answer"
	}
	return err.Error()
}

// noRoute is what is said of an address that no packet leaves this machine
// for, such as IPv6 where there is none.
const noRoute = "no route leads there from here"
