package listen

import (
	"errors"
	"net"
	"net/netip"

	"gialai.gov.vn/hopnhat/resolver"
)

const (
	// batch is how many datagrams one system call reads or writes: 8 cost more,
	// 64 win nothing.
	batch = 32
	// maxMessage is the longest message there is, by UDP or TCP.
	maxMessage = 65535
	// answerSpace is what an answer by UDP usually fits in.
	answerSpace = 4096
	// stagger keeps the heads of neighbouring buffers out of the same set of
	// the cache, which a power of two between them would put them in.
	stagger = 5 * 64
)

// datagrams is one UDP socket with its buffers, used by one goroutine:
//
//	read -> for each: message, space, answer -> flush -> read …
type datagrams interface {
	// read waits for datagrams and returns how many it got.
	read() (int, error)
	// message is the i-th datagram and where it came from, valid until read.
	message(i int) ([]byte, netip.AddrPort)
	// space is an empty slice that the answer to the i-th may be appended to.
	space(i int) []byte
	// answer queues msg as the answer to the i-th, once at most.
	answer(i int, msg []byte)
	// later returns what sends an answer to the i-th after the next read, from
	// any goroutine. It does not keep the answer.
	later(i int) func(msg []byte) error
	// flush sends what is queued. lost hears of each answer that could not be sent.
	flush(lost func(to netip.AddrPort, err error))
}

func (s *Server) serveUDP(d datagrams) {
	lost := func(to netip.AddrPort, err error) {
		if !errors.Is(err, net.ErrClosed) {
			s.unsendable(resolver.Peer{Addr: to, Transport: resolver.UDP}, err)
		}
	}
	for failures := 0; ; {
		err := s.answerBatch(d, lost)
		if err == nil {
			failures = 0
			continue
		}
		if s.isStopping() {
			return
		}
		s.options.OnError(err)
		if !s.pause(failures) {
			return
		}
		failures++
	}
}

// answerBatch is the hot path. It allocates nothing of its own.
func (s *Server) answerBatch(d datagrams, lost func(netip.AddrPort, error)) error {
	n, err := d.read()
	if err != nil {
		return err
	}
	for i := range n {
		msg, from := d.message(i)
		if from.Port() == 0 {
			continue // forged: nothing can be sent there
		}
		peer := resolver.Peer{Addr: from, Transport: resolver.UDP}
		if s.deferrer != nil && s.deferrer.Defers(msg) {
			s.deferUDP(d.later(i), msg, peer, lost)
			continue
		}
		out := s.handle(d.space(i), msg, peer)
		if len(out) > 0 {
			d.answer(i, out)
		}
	}
	d.flush(lost)
	return nil
}
