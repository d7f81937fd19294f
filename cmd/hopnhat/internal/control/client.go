package control

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os/user"
	"strconv"
	"syscall"
)

// reply is one line of a server's.
type reply struct {
	Version  int             `json:"version,omitempty"`
	Progress *string         `json:"progress,omitempty"`
	Answer   json.RawMessage `json:"answer,omitempty"`
	Error    *problem        `json:"error,omitempty"`
}

// problem is why there is no answer.
type problem struct {
	Kind string `json:"kind"`
	Text string `json:"text"`
}

// The kinds of problems.
const (
	kindFailed       = "failed"        // by the handler
	kindRequest      = "request"       // not understood
	kindNotPermitted = "not-permitted" //
	kindBusy         = "busy"          // too many ask at once
)

// Errors that a caller decides by.
var (
	ErrNobody       = errors.New("no server listens")
	ErrNotPermitted = errors.New("not permitted")
	ErrBusy         = errors.New("the server is busy")
	ErrGone         = errors.New("the server went away before it answered")
)

// ServerError is what the server says why it did not do what it was asked.
type ServerError struct{ Text string }

func (e *ServerError) Error() string { return e.Text }

// maxReply is how many octets a line of a server's may have.
const maxReply = 32 << 20

// Call asks the server at a control socket; say hears how far it is, and may be
// nil. The error is one of those above, or says why the server refused.
func Call(ctx context.Context, path string, r Request, say func(string)) (json.RawMessage, error) {
	if err := r.fault(); err != nil {
		return nil, err
	}
	line, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	c, err := dial(ctx, path)
	if err != nil {
		return nil, unreached(path, err)
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { _ = c.Close() })()
	// A server that is too busy, or refuses, has closed by now; it said why.
	_, sent := c.Write(append(line, '\n'))
	answer, err := read(c, say)
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case errors.Is(err, ErrGone) && sent != nil:
		return nil, fmt.Errorf("%s: %w: %w", path, err, sent)
	case errors.Is(err, ErrGone):
		return nil, fmt.Errorf("%s: %w: what was done is not known; when it runs again, `hopnhat cutover status` tells", path, err)
	}
	return answer, err
}

// GetStatus asks for the status.
func GetStatus(ctx context.Context, path string) (*Status, error) {
	r, err := NewRequest(StatusCommand, Nothing{})
	if err != nil {
		return nil, err
	}
	raw, err := Call(ctx, path, r, nil)
	if err != nil {
		return nil, err
	}
	return ParseStatus(raw)
}

// ParseStatus reads the answer of a command of the cutover.
func ParseStatus(raw json.RawMessage) (*Status, error) {
	var s Status
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, fmt.Errorf("the server's status cannot be read: %w", err)
	}
	if s.Format != StatusFormat {
		return nil, fmt.Errorf("the server's status has format %d, this program reads %d: use the hopnhat that the server was started from", s.Format, StatusFormat)
	}
	return &s, nil
}

// read takes lines up to the last.
func read(c io.Reader, say func(string)) (json.RawMessage, error) {
	lines := bufio.NewScanner(c)
	lines.Buffer(make([]byte, 0, 4<<10), maxReply)
	lines.Split(whole)
	for lines.Scan() {
		var r reply
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return nil, fmt.Errorf("the server's answer cannot be read: %w", err)
		}
		switch {
		case r.Progress != nil:
			if say != nil {
				say(*r.Progress)
			}
		case r.Error != nil:
			return nil, r.Error.err()
		case r.Answer != nil:
			return bytes.Clone(r.Answer), nil
		default:
			return nil, errors.New("the server's answer cannot be read: it says nothing")
		}
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return nil, fmt.Errorf("the server's answer is longer than %d octets", maxReply)
	}
	return nil, ErrGone
}

// whole splits off lines; what has no end was cut off.
func whole(data []byte, _ bool) (int, []byte, error) {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1, data[:i], nil
	}
	return 0, nil, nil
}

func (p *problem) err() error {
	switch p.Kind {
	case kindNotPermitted:
		return &told{ErrNotPermitted, p.Text}
	case kindBusy:
		return &told{ErrBusy, p.Text}
	}
	return &ServerError{p.Text}
}

// told is an error of a kind in the server's words.
type told struct {
	kind error
	text string
}

func (e *told) Error() string { return e.text }
func (e *told) Unwrap() error { return e.kind }

// unreached says why nobody was reached, and what to do.
func unreached(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("%w at %s: start `hopnhat serve`, or name the socket of the one that runs by --socket (or its folder by --state)", ErrNobody, path)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%w at %s: the one that made the socket is gone; start `hopnhat serve` again", ErrNobody, path)
	case errors.Is(err, fs.ErrPermission):
		who := "root or the server's user"
		if gid, ok := groupOf(path); ok {
			who = "a member of the group " + groupName(gid) + " (log in again after you were made one), or root"
		}
		return fmt.Errorf("%s: %w: be %s", path, ErrNotPermitted, who)
	case errors.Is(err, syscall.EAGAIN):
		return fmt.Errorf("%s: %w: too many ask at once; try again", path, ErrBusy)
	}
	var op *net.OpError
	if errors.As(err, &op) { // its address may be a descriptor's
		err = op.Err
	}
	return fmt.Errorf("%s: %w", path, err)
}

func groupName(gid int) string {
	if g, err := user.LookupGroupId(strconv.Itoa(gid)); err == nil {
		return g.Name
	}
	return strconv.Itoa(gid)
}
