package transfer

import (
	"context"
	"errors"
	"sync"
	"time"

	"gialai.gov.vn/hopnhat/zones"
)

// udpTries is how often a question is sent over UDP.
const udpTries = 3

// pollsAtOnce is how many servers Poll waits for at the same time.
const pollsAtOnce = 64

// Standing is what a server answers for the SOA of a zone.
type Standing struct {
	SOA      zones.SOA     // of no meaning with Err
	Answered bool          // it said something, be it an error
	Network  string        // "udp" or "tcp", that the answer came by; TLS is over TCP
	Took     time.Duration // from the question that was answered to the answer
	Err      error         // nil: it gave the SOA
}

// Lag is where a secondary stands beside its primary.
type Lag int

// InStep comes first: only that is well.
const (
	InStep Lag = iota
	Behind
	Ahead       // it has a serial that its primary has not reached: it will take no change
	Failing     // it answers, and not with the zone
	Unreachable // it does not answer
)

func (l Lag) String() string {
	return [...]string{"in step", "behind", "ahead", "failing", "unreachable"}[l]
}

// Against holds a standing against the primary's serial. By is how far the two
// are apart (RFC 1982); serials that cannot be compared count as ahead, since
// the secondary will take no change.
func (s Standing) Against(primary zones.Serial) (l Lag, by uint32) {
	switch {
	case s.Err != nil && !s.Answered:
		return Unreachable, 0
	case s.Err != nil:
		return Failing, 0
	case s.SOA.Serial == primary:
		return InStep, 0
	case s.SOA.Serial.Before(primary):
		return Behind, uint32(primary - s.SOA.Serial)
	}
	return Ahead, uint32(s.SOA.Serial - primary)
}

// Poll asks each server for the SOA of its zone as AskSOA does, many at once.
// What came stands in the order of the requests.
func Poll(ctx context.Context, qs []Request) []Standing {
	out := make([]Standing, len(qs))
	slots := make(chan struct{}, pollsAtOnce)
	var all sync.WaitGroup
	for i, q := range qs {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			out[i] = stand(ctx, q)
		})
	}
	all.Wait()
	return out
}

func (s Standing) refused() bool {
	said, ok := errors.AsType[*answerError](s.Err)
	return ok && said.refused
}

// stand asks one server, over UDP and, where that gives no whole answer, over
// TCP; over TLS there is no UDP.
func stand(ctx context.Context, q Request) Standing {
	q, err := q.complete()
	if err != nil {
		return Standing{Err: err}
	}
	try := func(network string) Standing {
		began := q.Now()
		soa, err := q.ask(ctx, network)
		var said *answerError
		return Standing{SOA: soa, Answered: err == nil || errors.As(err, &said), Network: network, Took: q.Now().Sub(began), Err: err}
	}
	if q.TLS != nil {
		return try("tcp")
	}
	for range udpTries {
		s := try("udp")
		switch {
		case s.refused():
			if over := try("tcp"); over.Answered {
				return over
			}
			return s
		case s.Answered: // an error would be no better over TCP
			return s
		case ctx.Err() != nil:
			return Standing{Err: context.Cause(ctx)}
		case !isTimeout(s.Err): // truncated, or nothing listens
			return try("tcp")
		}
	}
	return try("tcp")
}
