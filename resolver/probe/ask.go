package probe

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// Client asks one server. The zero values of Timeout, Tries and Parallel are
// replaced by the defaults below.
type Client struct {
	Server   netip.AddrPort
	Timeout  time.Duration // for one try; 2 s
	Tries    int           // over UDP, before a question counts as unanswered; 3
	Parallel int           // questions under way at once; 16
}

const (
	defaultTimeout  = 2 * time.Second
	defaultTries    = 3
	defaultParallel = 16
	payload         = 1232 // octets that we take over UDP (RFC 6891 6.2.5)
)

// ErrNoServer is a server that answers nothing at all.
var ErrNoServer = errors.New("the server does not answer")

// Result is what became of one expectation. Problem is "" when the server
// answered as expected, else one sentence.
type Result struct {
	Expectation
	Problem string
}

// Ask asks all questions in parallel and judges the answers, which come back
// in the order of es. progress is called after each, from several goroutines;
// it may be nil. A server that does not answer the first question at all is
// ErrNoServer; a context that ends stops the asking and is returned.
func (c Client) Ask(ctx context.Context, es []Expectation, progress func()) ([]Result, error) {
	c.Timeout = orDefault(c.Timeout, defaultTimeout)
	c.Tries = orDefault(c.Tries, defaultTries)
	c.Parallel = orDefault(c.Parallel, defaultParallel)
	if len(es) == 0 {
		return nil, nil
	}
	if _, err := c.exchange(ctx, es[0].Name, es[0].Type, false); err != nil {
		return nil, fmt.Errorf("%v: %w: %w", c.Server, ErrNoServer, err)
	}
	out := make([]Result, len(es))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(c.Parallel, len(es)) {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(es)) && ctx.Err() == nil; i = next.Add(1) - 1 {
				out[i] = c.one(ctx, es[i])
				if progress != nil {
					progress()
				}
			}
		})
	}
	wg.Wait()
	return out, ctx.Err()
}

func orDefault[T int | time.Duration](v, d T) T {
	if v <= 0 {
		return d
	}
	return v
}

func (c Client) one(ctx context.Context, e Expectation) Result {
	m, err := c.exchange(ctx, e.Name, e.Type, false)
	if err != nil {
		return Result{e, "no answer: " + err.Error()}
	}
	r, err := reply(m)
	if err != nil {
		return Result{e, "an answer that cannot be read: " + err.Error()}
	}
	return Result{e, e.Compare(r)}
}

// exchange asks over UDP, again after a time-out, and over TCP when the answer
// was cut.
func (c Client) exchange(ctx context.Context, name zones.Name, typ zones.Type, recurse bool) (*dns.Msg, error) {
	q := new(dns.Msg)
	q.Id = dns.Id()
	q.Question = []dns.Question{{Name: name.String(), Qtype: uint16(typ), Qclass: dns.ClassINET}}
	q.RecursionDesired = recurse
	q.SetEdns0(payload, false)
	udp := dns.Client{Net: "udp", Timeout: c.Timeout, UDPSize: payload}
	var m *dns.Msg
	var err error
	for range c.Tries {
		if m, _, err = udp.ExchangeContext(ctx, q, c.Server.String()); err == nil || ctx.Err() != nil {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	if m.Truncated {
		tcp := dns.Client{Net: "tcp", Timeout: c.Timeout}
		if m, _, err = tcp.ExchangeContext(ctx, q, c.Server.String()); err != nil {
			return nil, fmt.Errorf("over TCP: %w", err)
		}
	}
	if len(m.Question) != 1 || m.Question[0].Qtype != uint16(typ) {
		return nil, errors.New("the answer is to another question")
	}
	return m, nil
}

// reply takes the records of a message over into our form.
func reply(m *dns.Msg) (Reply, error) {
	r := Reply{Rcode: m.Rcode, AA: m.Authoritative}
	for _, s := range []struct {
		from []dns.RR
		to   *[]zones.Record
	}{{m.Answer, &r.Answer}, {m.Ns, &r.Authority}, {m.Extra, &r.Additional}} {
		for _, rr := range s.from {
			if rr.Header().Rrtype == dns.TypeOPT {
				continue
			}
			rec, err := record(rr)
			if err != nil {
				return Reply{}, err
			}
			*s.to = append(*s.to, rec)
		}
	}
	return r, nil
}

func record(rr dns.RR) (zones.Record, error) {
	buf := make([]byte, dns.Len(rr)+1)
	n, err := dns.PackRR(rr, buf, 0, nil, false)
	if err != nil {
		return zones.Record{}, err
	}
	owner, at, err := zones.NameFromWire(buf[:n])
	if err != nil {
		return zones.Record{}, err
	}
	const fixed = 10 // type, class, TTL, length (RFC 1035 3.2.1)
	h := rr.Header()
	data, err := rdata.Canonical(zones.Type(h.Rrtype), buf[at+fixed:n])
	if err != nil {
		return zones.Record{}, err
	}
	return zones.Record{Owner: owner, Type: zones.Type(h.Rrtype), TTL: h.Ttl, Data: data}, nil
}
