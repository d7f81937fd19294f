package control

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime/debug"
	"sync"
	"time"
)

// Handler does what is asked. It is called by several goroutines at once. say
// tells the peer how far it is; it never blocks, and what a slow peer does not
// take is left out. The context ends when the server closes or the peer goes
// away; what has begun to change the world is better ended than left half done.
// The answer is sent as JSON.
type Handler interface {
	Handle(ctx context.Context, p Peer, r Request, say func(string)) (any, error)
}

// limits bound what peers can ask of a server (BOUNDED).
type limits struct {
	open    int           // connections, of all users
	each    int           // of one user other than root and the server's own
	request time.Duration // until a request is there, whole
	write   time.Duration // until a peer takes one line
	said    int           // lines of progress that wait for a slow peer
}

func usual() limits {
	return limits{open: 64, each: 8, request: 10 * time.Second, write: 10 * time.Second, said: 256}
}

// maxSaid is how many octets of one line of progress are sent.
const maxSaid = 4 << 10

// Server answers at a control socket until it is closed.
type Server struct {
	listener *net.UnixListener
	path     string
	made     os.FileInfo
	gate     gate
	handler  Handler
	limits   limits
	ctx      context.Context
	stop     context.CancelFunc
	done     sync.WaitGroup // the loop that accepts, and every connection

	logging sync.Mutex
	log     io.Writer

	mu   sync.Mutex
	open map[*net.UnixConn]int // the peer's user, -1 while it is not known
}

// Listen opens the control socket at path, for the members of a group by its
// name; without one for root and the server's own user alone. A line about each
// request but status goes to log.
func Listen(path, group string, h Handler, log io.Writer) (*Server, error) {
	g, err := newGate(group, os.Geteuid(), systemAccounts())
	if err != nil {
		return nil, err
	}
	return listen(path, g, h, log, usual())
}

func listen(path string, g gate, h Handler, log io.Writer, lim limits) (*Server, error) {
	l, made, err := bind(path, g)
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	s := &Server{listener: l, path: path, made: made, gate: g, handler: h, log: log, limits: lim, open: map[*net.UnixConn]int{}}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.done.Go(s.accept)
	return s, nil
}

// Path is where the server listens.
func (s *Server) Path() string { return s.path }

// Close takes the socket away, ends the contexts of what is under way and waits
// for it.
func (s *Server) Close() error {
	err := unlink(s.path, s.made)
	s.stop()
	if e := s.listener.Close(); !errors.Is(e, net.ErrClosed) {
		err = errors.Join(err, e)
	}
	s.mu.Lock()
	for c := range s.open {
		_ = c.SetReadDeadline(time.Unix(1, 0))
	}
	s.mu.Unlock()
	s.done.Wait()
	return err
}

func (s *Server) accept() {
	for {
		c, err := s.listener.AcceptUnix()
		switch {
		case s.ctx.Err() != nil:
			if c != nil {
				_ = c.Close()
			}
			return
		case err != nil: // out of descriptors, as a rule
			s.tell("%s: %v", s.path, err)
			select {
			case <-s.ctx.Done():
			case <-time.After(time.Second):
			}
			continue
		}
		if !s.enter(c) {
			s.refuse(c, problem{Kind: kindBusy, Text: "the server is busy with other control connections: try again"})
			continue
		}
		s.done.Go(func() {
			defer s.leave(c)
			s.serve(c)
		})
	}
}

// enter makes room for a connection, if there is some.
func (s *Server) enter(c *net.UnixConn) bool {
	uid, _, _, err := peerOf(c)
	if err != nil {
		uid = -1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	same := 0
	for _, u := range s.open {
		if u == uid {
			same++
		}
	}
	// The last places are root's and the server's own, who can end the others.
	own := uid == 0 || uid == s.gate.own
	if !own && (same >= s.limits.each || len(s.open) >= s.limits.open-s.limits.each) || len(s.open) >= s.limits.open {
		return false
	}
	s.open[c] = uid
	if s.ctx.Err() != nil {
		_ = c.SetReadDeadline(time.Unix(1, 0))
	}
	return true
}

func (s *Server) leave(c *net.UnixConn) {
	s.mu.Lock()
	delete(s.open, c)
	s.mu.Unlock()
	_ = c.Close()
}

// refuse says one thing to a peer that is not listened to.
func (s *Server) refuse(c *net.UnixConn, p problem) {
	_ = s.write(c, reply{Version: Version, Error: &p})
	_ = c.Close()
}

func (s *Server) serve(c *net.UnixConn) {
	p, err := s.peer(c)
	if err != nil {
		s.tell("%s: who asks cannot be told: %v", s.path, err)
		return
	}
	if !s.gate.permits(p) {
		s.tell("%s asked and may not", p)
		_ = s.write(c, reply{Version: Version, Error: &problem{Kind: kindNotPermitted, Text: s.gate.refusal(p)}})
		return
	}
	r, err := s.request(c)
	if errors.Is(err, errGone) {
		return
	}
	if err != nil {
		s.tell("%s asked what cannot be read: %v", p, err)
		_ = s.write(c, reply{Version: Version, Error: &problem{Kind: kindRequest, Text: err.Error()}})
		return
	}
	_ = s.write(c, s.answer(c, p, r))
}

func (s *Server) peer(c *net.UnixConn) (p Peer, err error) {
	if p.UID, p.GID, p.PID, err = peerOf(c); err == nil {
		p.User = s.gate.name(p.UID)
	}
	return p, err
}

// errGone is a peer that left without having asked.
var errGone = errors.New("the peer went away")

// request reads one line.
func (s *Server) request(c *net.UnixConn) (Request, error) {
	if err := c.SetReadDeadline(time.Now().Add(s.limits.request)); err != nil {
		return Request{}, err
	}
	if s.ctx.Err() != nil { // it may have ended before the line above
		return Request{}, errGone
	}
	b := bufio.NewReaderSize(io.LimitReader(c, maxRequest+1), 4<<10)
	line, err := b.ReadBytes('\n')
	var late net.Error
	switch {
	case len(line) > maxRequest:
		return Request{}, fmt.Errorf("the request is longer than %d octets", maxRequest)
	case err != nil && len(line) == 0:
		return Request{}, errGone
	case errors.As(err, &late) && late.Timeout():
		return Request{}, fmt.Errorf("the request did not come to its end within %v", s.limits.request)
	case err != nil:
		return Request{}, errGone
	case b.Buffered() > 0:
		return Request{}, errors.New("more follows after the request")
	}
	return ParseRequest(line)
}

// answer has the handler do what is asked, while the peer is listened to: it
// may go away.
func (s *Server) answer(c *net.UnixConn, p Peer, r Request) reply {
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	if err := c.SetReadDeadline(time.Time{}); err != nil || s.ctx.Err() != nil {
		return reply{Version: Version, Error: &problem{Kind: kindFailed, Text: "the server is stopping"}}
	}
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		_, _ = c.Read(make([]byte, 1)) // nothing more may come
		cancel()
	}()
	said := make(chan string, s.limits.said)
	written := make(chan struct{})
	go func() {
		defer close(written)
		for text := range said {
			if s.write(c, reply{Progress: &text}) != nil {
				cancel()
				for range said { // nobody takes it
				}
			}
		}
	}()
	v, err := s.handle(ctx, p, r, said)
	<-written
	_ = c.SetReadDeadline(time.Unix(1, 0))
	<-watched
	return s.result(p, r, v, err)
}

// handle calls the handler. After it nothing is said.
func (s *Server) handle(ctx context.Context, p Peer, r Request, said chan string) (v any, err error) {
	var mu sync.Mutex
	over := false
	say := func(text string) {
		mu.Lock()
		defer mu.Unlock()
		if over {
			return
		}
		select {
		case said <- text[:min(len(text), maxSaid)]:
		default: // a slow peer
		}
	}
	defer func() {
		if x := recover(); x != nil {
			s.tell("%s: %s: %v\n%s", p, r.Command, x, debug.Stack())
			err = errors.New("the server failed inside; its log says where")
		}
		mu.Lock()
		over = true
		close(said)
		mu.Unlock()
	}()
	return s.handler.Handle(ctx, p, r, say)
}

func (s *Server) result(p Peer, r Request, v any, err error) reply {
	out := reply{Version: Version}
	if err == nil {
		out.Answer, err = json.Marshal(v)
	}
	if err == nil && len(out.Answer) > maxReply/2 {
		err = fmt.Errorf("the answer has %d octets, which is more than a client takes", len(out.Answer))
	}
	if err != nil {
		out.Answer, out.Error = nil, &problem{Kind: kindFailed, Text: err.Error()}
		s.tell("%s: %s failed: %v", p, r.Command, err)
	} else if r.Command != StatusCommand {
		s.tell("%s: %s done", p, r.Command)
	}
	return out
}

// write sends one line.
func (s *Server) write(c *net.UnixConn, r reply) error {
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if err := c.SetWriteDeadline(time.Now().Add(s.limits.write)); err != nil {
		return err
	}
	_, err = c.Write(append(b, '\n'))
	return err
}

func (s *Server) tell(format string, args ...any) {
	s.logging.Lock()
	defer s.logging.Unlock()
	fmt.Fprintf(s.log, "control: "+format+"\n", args...)
}
