package probe

import (
	"context"
	"errors"
	"fmt"
	"net"

	"gialai.gov.vn/hopnhat/zones"
)

// ErrUnreadable is an answer to the question that no client could use.
var ErrUnreadable = errUnreadable

// Line asks one server one question after another. It is not safe for
// concurrent use. NewLine makes one.
type Line struct{ udp, tcp *line }

// NewLine makes a line to a server. What stands in c is as Ask takes it; dial
// nil is a net.Dialer. The caller has to Close it.
func (c Client) NewLine(ctx context.Context, dial func(ctx context.Context, network, address string) (net.Conn, error)) *Line {
	s := &survey{ctx: ctx, Options: Options{
		Timeout: orDefault(c.Timeout, defaultTimeout), Tries: orDefault(c.Tries, defaultTries), Dial: dial,
	}}
	if s.Dial == nil {
		s.Dial = (&net.Dialer{}).DialContext
	}
	return &Line{s.line("udp", c.Server), s.line("tcp", c.Server)}
}

// Ask asks over UDP, again where nothing came, and over TCP where the answer
// was cut. An error that is ErrUnreadable is about an answer that came, any
// other says why none did.
func (l *Line) Ask(name zones.Name, typ zones.Type, recurse bool) (Reply, error) {
	r, err := l.udp.ask(name, typ, recurse)
	if !errors.Is(err, errCut) {
		return r, err
	}
	r, err = l.tcp.ask(name, typ, recurse)
	if errors.Is(err, errCut) {
		return r, fmt.Errorf("%w: it is cut over TCP", ErrUnreadable)
	}
	return r, err
}

// Close lets go of what is kept open.
func (l *Line) Close() {
	l.udp.close()
	l.tcp.close()
}
