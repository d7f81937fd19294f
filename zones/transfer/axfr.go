package transfer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// Fetch asks a server for a whole zone (AXFR, RFC 5936) and returns it as it
// is there: glue and occluded names too (RFC 5936 3.5). The zone is nil when
// one of the findings is an error (WHOLE). After a good transfer the serial
// is asked again. Fetch returns soon after ctx ends; it leaves nothing
// running.
func Fetch(ctx context.Context, q Request) (*zones.Zone, Report, []finding.Finding) {
	report := Report{Zone: q.Zone, Server: q.Server}
	q, err := q.complete()
	if err != nil {
		return nil, report, []finding.Finding{{ID: "X-CONNECT", Severity: finding.Error, Found: err.Error(), Mend: "name the server's address with its port, the zone, and a whole key or none"}}
	}
	report.Started = q.Now()
	r, finds := fetch(ctx, q, nil, &report)
	var z *zones.Zone
	if r != nil {
		z = r.freeze(q.Zone)
		finds = r.finds
	}
	if z != nil {
		finds = append(finds, again(ctx, q, &report)...)
	}
	report.Took = q.Now().Sub(report.Started)
	return z, report, finds
}

// fetch asks for a zone by AXFR, or for what changed since have by IXFR. The
// receiver is nil, and an error among the findings, unless the answer came whole.
func fetch(ctx context.Context, q Request, have *zones.Zone, report *Report) (*receiver, []finding.Finding) {
	total := time.Now().Add(q.Timeouts.Total)
	conn, err := connect(ctx, q, "tcp", q.Timeouts.Connect)
	if err != nil {
		return nil, []finding.Finding{q.unreachable(ctx, err)}
	}
	defer conn.Close()
	if a, err := netip.ParseAddrPort(conn.LocalAddr().String()); err == nil {
		report.Local = a.Addr().Unmap()
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()

	id := q.ID()
	msg := query(id, q.Zone.Origin, zones.TypeAXFR)
	if have != nil {
		msg = queryIXFR(id, have)
	}
	var conv *conversation
	if q.Key != nil {
		conv = newConversation(*q.Key)
		msg = conv.sign(msg, q.Now())
	}
	r := newReceiver(q, id, conv, report, func(rcode int) (string, string, string) { return q.advise(rcode, report.Local) })
	if have != nil {
		r.asked, r.have = zones.TypeIXFR, have
	}
	fail := func(err error) (*receiver, []finding.Finding) {
		var f finding.Finding
		if !errors.As(err, &f) {
			f = q.interrupted(ctx, err, r, time.Now().After(total))
		}
		return nil, append(r.finds, f)
	}
	next := func() error { // the deadline of the next step
		if err := ctx.Err(); err != nil {
			return err
		}
		err := conn.SetDeadline(earlier(total, time.Now().Add(q.Timeouts.Message)))
		if ctx.Err() != nil { // it may have ended in between, and its deadline been overwritten
			return ctx.Err()
		}
		return err
	}
	if err := next(); err != nil {
		return fail(err)
	}
	if _, err := conn.Write(frame(msg)); err != nil {
		return fail(err)
	}
	in, buf := bufio.NewReaderSize(conn, 1<<16), make([]byte, maxMsg)
	for !r.done {
		if err := next(); err != nil {
			return fail(err)
		}
		b, err := readFrame(in, buf)
		if err != nil {
			return fail(err)
		}
		if err := r.message(b); err != nil {
			return fail(err)
		}
	}
	_ = conn.Close()
	return r, r.finds
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// connect opens a connection within a time.
func connect(ctx context.Context, q Request, network string, within time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	conn, err := q.Dial(ctx, network, q.Server.String())
	if err != nil || q.TLS == nil || network == "udp" {
		return conn, err
	}
	return q.TLS.agree(ctx, conn, q.Now)
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) || errors.As(err, &ne) && ne.Timeout()
}

// unreachable explains why there is no connection.
func (q Request) unreachable(ctx context.Context, err error) finding.Finding {
	f := q.problem("X-CONNECT", "no connection over TCP: "+err.Error(), "look at the address, the route and the firewall: transfers run over TCP")
	switch {
	case ctx.Err() != nil:
		return q.stopped(ctx)
	case errors.As(err, new(*tlsError)):
		f.ID, f.Found, f.Mend = "X-TLS", err.Error(), q.TLS.mend(err)
	case isTimeout(err):
		f.ID = "X-TIMEOUT"
		f.Found = fmt.Sprintf("nothing answers over TCP within %v", q.Timeouts.Connect)
		f.Mend = fmt.Sprintf("open TCP port %d in the firewall: transfers run over TCP, even where questions over UDP pass", q.Server.Port())
	case errors.Is(err, syscall.ECONNREFUSED):
		f.Found = "connection refused: no server listens there on TCP"
		f.Mend = fmt.Sprintf("look at the address and port; the server must listen on TCP %v (BIND: listen-on, listen-on-v6; Knot: server.listen; NSD: ip-address; Windows: Interfaces), and the firewall let it pass", q.Server)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		f.Found = "the local address " + q.Local.String() + " is not one of this machine"
		f.Mend = "give an address that this machine has, or none"
	}
	return f
}

// interrupted explains why a connection ended. Where the server had said
// nothing, it may be its way of refusing.
func (q Request) interrupted(ctx context.Context, err error, r *receiver, late bool) finding.Finding {
	f := q.problem("X-SHORT", "", "nothing is taken; transfer again, and if it stays so look at the server's log")
	f.At = r.place()
	came := fmt.Sprintf("after %d records in %d messages", r.report.Records, r.report.Messages)
	switch {
	case ctx.Err() != nil:
		return q.stopped(ctx)
	case isTimeout(err) && late:
		f.ID, f.Found = "X-TIMEOUT", fmt.Sprintf("the transfer is not complete after %v: %s", q.Timeouts.Total, came)
		f.Mend = "nothing is taken; see what slows the server or the line, or allow more time"
	case isTimeout(err) && r.report.Messages == 0:
		f.ID, f.Found = "X-TIMEOUT", fmt.Sprintf("the server took the question and does not answer within %v", q.Timeouts.Message)
		f.Mend = "see whether the server or a firewall drops transfers in silence; " + q.allow(r.report.Local)
	case isTimeout(err):
		f.ID, f.Found = "X-TIMEOUT", fmt.Sprintf("no whole message for %v, %s", q.Timeouts.Message, came)
	case r.report.Messages == 0 && q.TLS != nil && isAlert(err):
		f.ID, f.Found = "X-TLS", "the server does not accept our side of TLS: "+err.Error() // in TLS 1.3 it says so after the handshake
		f.Mend = q.TLS.mend(err)
	case r.report.Messages == 0:
		f.ID, f.Found = "X-CONNECT", "the server closed the connection without an answer"
		f.Mend = "some servers refuse so; " + q.allow(r.report.Local)
		if q.TLS != nil && q.TLS.Certificate == nil { // BIND 9.18 gives no reason when it misses one
			f.Mend = "the server may want a certificate of ours: name one with its key; or " + f.Mend
		}
	case errors.Is(err, io.EOF):
		f.Found = "the connection ended before the last SOA, " + came
	case errors.Is(err, io.ErrUnexpectedEOF):
		f.Found = "the connection ended within a message, " + came
	default:
		f.Found = "the connection broke " + came + ": " + err.Error()
	}
	return f
}

func (q Request) stopped(ctx context.Context) finding.Finding {
	return q.problem("X-TIMEOUT", "the transfer was stopped: "+context.Cause(ctx).Error(), "nothing is taken; start it again")
}

// problem is an error about the transfer as a whole.
func (q Request) problem(id, found, mend string) finding.Finding {
	return finding.Finding{
		ID: id, Severity: finding.Error, At: zones.Place{File: file(q.Server, q.Zone.Origin)},
		Found: found, Mend: mend, Dig: []string{q.dig()},
	}
}
