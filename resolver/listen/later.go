package listen

import (
	"net/netip"
	"runtime/debug"
	"sync"

	"gialai.gov.vn/hopnhat/resolver"
)

// deferUDP hands a datagram over whose answer is sent when it is there.
func (s *Server) deferUDP(send func([]byte) error, msg []byte, from resolver.Peer, lost func(netip.AddrPort, error)) {
	s.hand(msg, from, func(answer []byte) {
		if len(answer) == 0 {
			return
		}
		if err := send(answer); err != nil {
			lost(from.Addr, err)
		}
	})
}

// deferTCP hands a message over and waits for its answer: those behind it wait
// too (LISTEN-ORDER). nil is no answer.
func (s *Server) deferTCP(msg []byte, from resolver.Peer) []byte {
	c := make(chan []byte, 1)
	s.hand(msg, from, func(answer []byte) { c <- append([]byte(nil), answer...) })
	return <-c
}

// hand gives a message to the Deferrer. A panic of its is no answer, unless it
// has answered before; a second answer is none.
func (s *Server) hand(msg []byte, from resolver.Peer, answer func([]byte)) {
	var once sync.Once
	reply := func(b []byte) { once.Do(func() { answer(b) }) }
	defer func() {
		if v := recover(); v != nil {
			s.counts.panics.Add(1)
			s.options.OnError(&PanicError{from, v, debug.Stack()})
			reply(nil)
		}
	}()
	s.deferrer.Defer(msg, from, reply)
}
