package listen

import (
	"bytes"
	"errors"
	"iter"
	"sync/atomic"
	"testing"
	"time"

	"gialai.gov.vn/hopnhat/resolver"
)

// streamer answers a question of 20 octets with as many messages as its id
// says, one of 21 with messages without end, one of 22 with one and a panic, one of
// 23 with one that is too long for a frame and one more; all else as echo.
type streamer struct{ made, ended atomic.Int64 }

func (*streamer) Handle(dst, msg []byte, from resolver.Peer) []byte { return echo(dst, msg, from) }

func (s *streamer) Stream(msg []byte, _ resolver.Peer) iter.Seq[[]byte] {
	if len(msg) < 20 || len(msg) > 23 {
		return nil
	}
	return func(yield func([]byte) bool) {
		defer s.ended.Add(1)
		buf := make([]byte, 30000)
		for i := 0; len(msg) != 20 || i < int(msg[1]); i++ {
			if len(msg) == 22 && i == 1 {
				panic("twenty-two")
			}
			if len(msg) == 23 {
				if buf = make([]byte, maxMessage+1-i); i == 2 {
					return
				}
			}
			buf[0] = byte(i)
			s.made.Add(1)
			if !yield(buf) {
				return
			}
		}
	}
}

// TestStream: the messages of one answer come in order, between those of the
// questions before and after; one without end stops when its reader does not
// read or goes away, and one that breaks off ends the connection.
func TestStream(t *testing.T) {
	h := &streamer{}
	heard := make(chan error, 10)
	s := start(t, "127.0.0.1:0", h, Options{Write: 100 * time.Millisecond, OnError: func(err error) { heard <- err }})
	c := dialTCP(t, s.Addr())
	_, err := c.Write(framed(query(1, 30), query(5, 20), query(2, 31), query(0, 20), query(3, 12)))
	must(t, err)
	wantFrame(t, c, answered(query(1, 30)))
	for i := range 5 {
		want := make([]byte, 30000)
		want[0] = byte(i)
		wantFrame(t, c, want)
	}
	wantFrame(t, c, answered(query(2, 31)))
	wantFrame(t, c, answered(query(3, 12)))

	for _, leave := range []bool{false, true} {
		h.made.Store(0)
		h.ended.Store(0)
		c = dialTCP(t, s.Addr())
		_, err = c.Write(framed(query(1, 21)))
		must(t, err)
		if leave {
			_, err := readFrame(c)
			must(t, err)
			must(t, c.Close())
		}
		for deadline := time.Now().Add(alive); h.ended.Load() == 0; {
			if time.Now().After(deadline) {
				t.Fatal("the answer goes on")
			}
			askTCP(t, s.Addr())
		}
		if n := h.made.Load(); n > 1000 {
			t.Errorf("%d messages of 30000 octets were made for a peer that read one at most", n)
		}
	}

	for _, broken := range []int{22, 23} {
		c = dialTCP(t, s.Addr())
		_, err = c.Write(framed(query(1, broken), query(2, 14)))
		must(t, err)
		for {
			b, err := readFrame(c)
			if err != nil {
				break
			}
			if len(b) == 14 {
				t.Errorf("%d: the connection goes on after an answer that broke off", broken)
			}
		}
		var p *PanicError
		var u *PeerError
		err := <-heard
		if broken == 22 && (!errors.As(err, &p) || p.Value != "twenty-two" || !bytes.Contains(p.Stack, []byte("Stream"))) ||
			broken == 23 && (!errors.As(err, &u) || !errors.Is(err, errTooLong)) {
			t.Errorf("%d: heard %v", broken, err)
		}
	}
	askTCP(t, s.Addr())
}
