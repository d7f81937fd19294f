package seen

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// lines cuts a stream into lines of bounded length.
type lines struct {
	r *bufio.Reader
	n int64
}

func newLines(r io.Reader, most int) *lines {
	return &lines{r: bufio.NewReaderSize(r, max(most, 16))}
}

// next gives a line without its end, good until the next call. A line that is
// too long comes as its head, long set, the rest passed over.
func (l *lines) next() (line []byte, long bool, err error) {
	line, err = l.r.ReadSlice('\n')
	if len(line) == 0 && err != nil {
		return nil, false, err
	}
	l.n++
	if errors.Is(err, bufio.ErrBufferFull) {
		line = bytes.Clone(line[:min(256, len(line))])
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = l.r.ReadSlice('\n')
		}
		return line, true, ended(err)
	}
	line = bytes.TrimSuffix(line, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r")), false, ended(err)
}

// ended passes an error by when it is only the end: the next call says it again.
func ended(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// plainText gives a stream as octets close to ASCII: a UTF-8 BOM goes, UTF-16
// with a BOM (what PowerShell writes) becomes UTF-8.
func plainText(r *bufio.Reader) *bufio.Reader {
	head, _ := r.Peek(3)
	switch {
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		_, _ = r.Discard(3)
	case bytes.HasPrefix(head, []byte("\xff\xfe")), bytes.HasPrefix(head, []byte("\xfe\xff")):
		_, _ = r.Discard(2)
		return bufio.NewReaderSize(&utf16Reader{r: r, big: head[0] == 0xfe}, peekLen)
	}
	return r
}

// utf16Reader reads UTF-16 as UTF-8; half a pair becomes U+FFFD.
type utf16Reader struct {
	r    *bufio.Reader
	big  bool
	rest []byte
	err  error
}

func (u *utf16Reader) Read(p []byte) (int, error) {
	for len(u.rest) == 0 {
		if u.err != nil {
			return 0, u.err
		}
		u.fill()
	}
	n := copy(p, u.rest)
	u.rest = u.rest[n:]
	return n, nil
}

func (u *utf16Reader) fill() {
	out := make([]byte, 0, 4096+utf8.UTFMax)
	for len(out) < 4096 && u.err == nil {
		c, ok := u.unit()
		if !ok {
			break
		}
		r := rune(c)
		if utf16.IsSurrogate(r) {
			r = utf8.RuneError
			if next, err := u.r.Peek(2); err == nil {
				if pair := utf16.DecodeRune(rune(c), rune(u.order(next))); pair != utf8.RuneError {
					r = pair
					_, _ = u.r.Discard(2)
				}
			}
		}
		out = utf8.AppendRune(out, r)
	}
	u.rest = out
}

func (u *utf16Reader) order(b []byte) uint16 {
	if u.big {
		return uint16(b[0])<<8 | uint16(b[1])
	}
	return uint16(b[1])<<8 | uint16(b[0])
}

// unit reads one code unit; a last lone octet is passed over.
func (u *utf16Reader) unit() (uint16, bool) {
	var b [2]byte
	if _, err := io.ReadFull(u.r, b[:]); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = io.EOF
		}
		u.err = err
		return 0, false
	}
	return u.order(b[:]), true
}
