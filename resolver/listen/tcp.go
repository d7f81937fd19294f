package listen

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"gialai.gov.vn/hopnhat/resolver"
)

const (
	firstBuffer = 1024     // octets of a connection's buffer until a frame wants more
	flushAt     = 16 << 10 // octets of answers that are sent before more are made
)

func (s *Server) serveTCP(all *sync.WaitGroup) {
	for failures := 0; ; {
		c, err := s.tcp.AcceptTCP()
		if err != nil {
			if s.isStopping() {
				return
			}
			s.options.OnError(err)
			if !s.pause(failures) {
				return
			}
			failures++
			continue
		}
		failures = 0
		from := resolver.Peer{Addr: addrPortTCP(c), Transport: resolver.TCP}
		k := &conn{Conn: c, peer: from, group: peerGroup(from.Addr.Addr())}
		evicted, ok := s.conns.add(k)
		s.counts.evicted.Add(uint64(evicted))
		if !ok { // Close came between
			_ = c.Close()
			return
		}
		all.Go(func() { s.serveConn(c, k) })
	}
}

func (s *Server) serveConn(c *net.TCPConn, k *conn) {
	defer s.conns.remove(k)
	v := conversation{server: s, conn: c, peer: k.peer, answered: func() { s.conns.touch(k) }}
	if s.options.TLS != nil {
		secured, err := s.secure(c)
		if err != nil {
			s.counts.handshakes.Add(1)
			_ = c.Close()
			return
		}
		v.conn, v.peer.TLS = secured, s.client(secured)
	}
	if v.run() == errNotRead {
		// Without this the kernel would keep the unread answers for minutes.
		_ = c.SetLinger(0)
		_ = c.Close()
		return
	}
	_ = v.conn.Close()
}

// errStream says that several answers were begun and not ended.
var errStream = errors.New("the answers broke off")

var errTooLong = errors.New("the answer is longer than 65535 octets")

// errNotRead says that the peer does not read its answers.
var errNotRead = errors.New("the peer does not read")

// conversation is one TCP connection: queries as frames in, answers as frames
// out, each after its length in two octets (RFC 1035 4.2.2).
//
//	in:  |used|  length message  length mess|....free....|
//	          ^start                        ^end
type conversation struct {
	server     *Server
	conn       net.Conn
	peer       resolver.Peer
	answered   func() // called after answers were sent
	in         []byte
	start, end int
	out        []byte // frames that wait to be sent
	scratch    []byte // the answer being made
	sent       bool   // answers went out since the deadline was set
}

// run returns nil when the peer ended the connection or time is up, after
// every whole frame that was read has been answered.
func (v *conversation) run() error {
	v.in = make([]byte, firstBuffer)
	v.sent = true
	for {
		if err := v.answerFrames(); err != nil {
			return err
		}
		// Only answers prolong a connection: one octet now and then, empty
		// frames and responses do not.
		if v.sent {
			v.sent = false
			if err := v.conn.SetReadDeadline(v.deadline(v.server.options.Idle)); err != nil {
				return nil
			}
			if v.peer.TLS != nil { // TLS may have to say something of its own while we read
				if err := v.conn.SetWriteDeadline(v.deadline(v.server.options.Idle + v.server.options.Write)); err != nil {
					return nil
				}
			}
			// Close sets this flag before it sets deadlines of its own, so
			// either it is seen here or its deadline comes after ours.
			if v.server.isStopping() {
				return nil
			}
		}
		v.makeRoom()
		n, err := v.conn.Read(v.in[v.end:])
		v.end += n
		if err != nil {
			if errors.Is(err, io.EOF) && n > 0 {
				return v.answerFrames()
			}
			return nil
		}
	}
}

func (v *conversation) deadline(d time.Duration) time.Time { return v.server.options.Now().Add(d) }

// answerFrames answers every whole frame in hand and sends the answers.
func (v *conversation) answerFrames() error {
	for {
		size, known := v.frame()
		if !known || v.end-v.start < size {
			return v.flush()
		}
		msg := v.in[v.start+2 : v.start+size]
		v.start += size
		if len(msg) == 0 {
			continue // an empty frame asks nothing
		}
		if done, err := v.server.stream(msg, v.peer, v.send); err != nil {
			return err
		} else if done {
			continue
		}
		var answer []byte
		if d := v.server.deferrer; d != nil && d.Defers(msg) {
			answer = v.server.deferTCP(msg, v.peer)
		} else if answer = v.server.handle(v.scratch[:0], msg, v.peer); len(answer) > 0 {
			v.scratch = answer
		}
		if len(answer) == 0 {
			continue
		}
		if err := v.send(answer); err != nil {
			return err
		}
	}
}

// send puts an answer to those that wait, and sends them when they are many.
func (v *conversation) send(answer []byte) error {
	if len(answer) > maxMessage {
		v.server.unsendable(v.peer, errTooLong)
		return nil
	}
	v.out = binary.BigEndian.AppendUint16(v.out, uint16(len(answer)))
	v.out = append(v.out, answer...)
	if len(v.out) < flushAt {
		return nil
	}
	return v.flush()
}

// frame gives the size of the next frame with its length, where that has come.
func (v *conversation) frame() (size int, known bool) {
	if v.end-v.start < 2 {
		return 0, false
	}
	return 2 + int(binary.BigEndian.Uint16(v.in[v.start:])), true
}

func (v *conversation) flush() error {
	if len(v.out) == 0 {
		return nil
	}
	if err := v.conn.SetWriteDeadline(v.deadline(v.server.options.Write)); err != nil {
		return err
	}
	if _, err := v.conn.Write(v.out); err != nil {
		if isTimeout(err) {
			return errNotRead
		}
		return err
	}
	v.out = v.out[:0]
	v.sent = true
	v.answered()
	return nil
}

func isTimeout(err error) bool {
	t, ok := errors.AsType[net.Error](err)
	return ok && t.Timeout()
}

// makeRoom moves the begun frame to the front and grows the buffer to hold it
// whole: at most 2+65535 octets.
func (v *conversation) makeRoom() {
	if v.start > 0 {
		v.start, v.end = 0, copy(v.in, v.in[v.start:v.end])
	}
	if size, known := v.frame(); known && size > len(v.in) {
		v.in = append(make([]byte, 0, size), v.in[:v.end]...)[:size]
	}
}
