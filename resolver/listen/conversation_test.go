package listen

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/resolver"
)

// wantStream is the slow and obvious twin of conversation: what a peer gets
// back for a whole stream.
func wantStream(stream []byte, h resolver.Handler) []byte {
	var out []byte
	for len(stream) >= 2 {
		n := int(binary.BigEndian.Uint16(stream))
		if len(stream) < 2+n {
			break
		}
		if n > 0 {
			if a := h.Handle(nil, stream[2:2+n], resolver.Peer{}); len(a) > 0 {
				out = append(out, framed(a)...)
			}
		}
		stream = stream[2+n:]
	}
	return out
}

// script is a connection that brings the pieces of a stream, then its end.
type script struct {
	net.Conn // nil: nothing else may be called
	stream   []byte
	cuts     []byte // the lengths of the pieces, over and over
	at       int
	eof      bool // the end comes with the last octets
	out      bytes.Buffer
	reads    int // calls of Read
	waits    int // deadlines for Read
}

func (s *script) Read(b []byte) (int, error) {
	if len(b) == 0 {
		panic("a read into nothing never ends")
	}
	s.reads++
	if len(s.stream) == 0 {
		return 0, io.EOF
	}
	n := len(s.stream)
	if len(s.cuts) > 0 {
		n = 1 + int(s.cuts[s.at%len(s.cuts)])
		s.at++
	}
	n = copy(b, s.stream[:min(n, len(s.stream))])
	if s.stream = s.stream[n:]; len(s.stream) == 0 && s.eof {
		return n, io.EOF
	}
	return n, nil
}

func (s *script) Write(b []byte) (int, error) { return s.out.Write(b) }

func (s *script) SetReadDeadline(time.Time) error {
	s.waits++
	return nil
}

func (s *script) SetWriteDeadline(time.Time) error { return nil }

// FuzzTCPStream: whatever comes, in whatever pieces, the answers are those of
// the whole frames, in order, and the buffers stay bounded.
func FuzzTCPStream(f *testing.F) {
	f.Add(framed(query(1, 20), query(2, 12)), []byte{0}, false)
	f.Add(framed(query(1, 1100), nil, query(2, 12), []byte{1}), []byte{3, 255, 0}, true)
	f.Add(bytes.Repeat(framed(query(1, 12)), 90), []byte{250}, false)
	f.Add(make([]byte, 99), []byte{1}, false)
	f.Add([]byte{0xff, 0xff, 1}, []byte{}, true)
	f.Add(append(framed(answered(query(1, 12))), 0), []byte{}, false)
	f.Fuzz(func(t *testing.T, stream, cuts []byte, eof bool) { testStream(t, stream, cuts, eof) })
}

// The same for streams too long for a fuzzer to be quick with.
func TestLongStreams(t *testing.T) {
	for _, stream := range [][]byte{
		framed(query(1, 65535), query(2, 65535)),
		bytes.Repeat(framed(query(1, 12)), 6000),
		bytes.Repeat(framed(query(1, firstBuffer-1)), 200),
		make([]byte, 200001),
	} {
		for _, cuts := range [][]byte{nil, {0}, {255}, {3, 1, 200}} {
			testStream(t, stream, cuts, true)
			testStream(t, stream, cuts, false)
		}
	}
}

func testStream(t *testing.T, stream, cuts []byte, eof bool) {
	t.Helper()
	s := idleServer()
	c := &script{stream: stream, cuts: cuts, eof: eof}
	v := conversation{server: s, conn: c, answered: func() {}}
	if err := v.run(); err != nil {
		t.Fatalf("run: %v", err)
	}
	if want := wantStream(stream, echo); !bytes.Equal(c.out.Bytes(), want) {
		t.Fatalf("%d octets of answers, want %d", c.out.Len(), len(want))
	}
	for _, b := range [][]byte{v.in, v.out, v.scratch} { // LISTEN-BOUNDED
		if cap(b) > 2*(maxMessage+2)+flushAt {
			t.Fatalf("a buffer of %d octets", cap(b))
		}
	}
}

// LISTEN-BOUNDED: the time to the next query begins with the connection and
// with each answer, and with nothing else.
func TestTimeBegins(t *testing.T) {
	q, r := framed(query(1, 20)), framed(answered(query(1, 20)))
	for name, c := range map[string]struct {
		stream []byte
		waits  int
	}{
		"nothing": {nil, 1}, "empty frames": {make([]byte, 2000), 1}, "responses": {bytes.Repeat(r, 50), 1},
		"half a query": {q[:15], 1}, "three queries": {bytes.Repeat(q, 3), 4}, "a query among others": {bytes.Join([][]byte{r, q, r}, nil), 2},
	} {
		v := conversation{server: idleServer(), conn: &script{stream: c.stream, cuts: []byte{0}}, answered: func() {}}
		must(t, v.run())
		if got := v.conn.(*script).waits; got != c.waits {
			t.Errorf("%s: the time began %d times, want %d", name, got, c.waits)
		}
	}
}

// A connection that Close had no deadline for yet must not wait for a query.
func TestStoppingReadsNothing(t *testing.T) {
	s := idleServer()
	close(s.stopping)
	c := &script{stream: framed(query(1, 20))}
	v := conversation{server: s, conn: c, answered: func() {}}
	must(t, v.run())
	if c.reads != 0 {
		t.Errorf("%d reads after Close", c.reads)
	}
}

// idleServer serves nothing; a conversation can be held with it.
func idleServer() *Server {
	return &Server{handler: echo, options: Options{}.withDefaults(), stopping: make(chan struct{})}
}

// The same law over real connections, many of them to one Server, which has to
// be whole afterwards.
func TestTCPStreams(t *testing.T) {
	s := start(t, "127.0.0.1:0", echo, Options{})
	rapid.Check(t, func(r *rapid.T) {
		var stream []byte
		for range rapid.IntRange(0, 20).Draw(r, "frames") {
			switch rapid.IntRange(0, 4).Draw(r, "kind") {
			case 0:
				stream = append(stream, rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(r, "octets")...)
			case 1:
				stream = append(stream, 0, 0)
			default:
				stream = append(stream, framed(query(rapid.Uint16().Draw(r, "id"), rapid.IntRange(12, 3000).Draw(r, "length")))...)
			}
		}
		c, err := net.DialTCP("tcp", nil, net.TCPAddrFromAddrPort(s.Addr()))
		if err != nil {
			r.Fatal(err)
		}
		defer c.Close()
		if err := c.SetDeadline(time.Now().Add(alive)); err != nil {
			r.Fatal(err)
		}
		for rest := stream; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(r, "piece")
			if _, err := c.Write(rest[:n]); err != nil {
				r.Fatal(err)
			}
			rest = rest[n:]
		}
		if err := c.CloseWrite(); err != nil {
			r.Fatal(err)
		}
		got, err := io.ReadAll(c)
		if want := wantStream(stream, echo); err != nil || !bytes.Equal(got, want) {
			r.Fatalf("%d octets of answers, want %d: %v", len(got), len(want), err)
		}
	})
	askTCP(t, s.Addr())
}
