package seen

import (
	"bufio"
	"errors"
	"io"
	"net/netip"
	"time"

	dnstap "github.com/dnstap/golang-dnstap"
	framestream "github.com/farsightsec/golang-framestream"
	"google.golang.org/protobuf/proto"

	"gialai.gov.vn/hopnhat/zones/finding"
)

// readDNSTap reads a file of Frame Streams with dnstap messages; several may
// follow each other in one file.
func readDNSTap(r *bufio.Reader, l *ledger) error {
	frame, n := make([]byte, l.o.Limits.Frame), int64(0)
	for {
		in, err := framestream.NewReader(r, &framestream.ReaderOptions{ContentTypes: [][]byte{dnstap.FSContentType}})
		switch {
		case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
			return io.ErrUnexpectedEOF
		case err != nil && n > 0:
			return l.damaged(n, err)
		case err != nil:
			return finding.Finding{
				ID: "Q-FORMAT", Severity: finding.Error,
				Found: "it begins like Frame Streams, but holds no dnstap: " + err.Error(),
				Mend:  "give a file that dnstap-output, fstrm_capture or the like wrote",
			}
		}
		if n, err = l.frames(in, frame, n); err != nil {
			return err
		}
		if _, err := r.Peek(1); err != nil {
			return err
		}
	}
}

// frames reads one stream to its end, which may lack the frame that says so. n
// is how many frames came before.
func (l *ledger) frames(in *framestream.Reader, frame []byte, n int64) (int64, error) {
	for {
		size, err := in.ReadFrame(frame)
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		n++
		switch {
		case errors.Is(err, framestream.ErrDataFrameTooLarge):
			l.refuse(n, nil, refLong, "it is longer than the limit of a frame")
		case errors.Is(err, io.ErrUnexpectedEOF):
			l.refuse(n, nil, refEnd, "the file ends inside it")
			return n, err
		case errors.Is(err, framestream.ErrDecode):
			return n, l.damaged(n-1, err)
		case err != nil:
			return n, err
		default:
			l.bookFrame(n, frame[:size])
		}
	}
}

// damaged ends the reading: nothing tells where the next frame begins.
func (l *ledger) damaged(n int64, err error) error {
	return finding.Finding{
		ID: "Q-LIMIT", Severity: finding.Error, At: l.place(n + 1),
		Found: "a control frame that is none (" + err.Error() + "): the file is damaged from here on",
		Mend:  "take the frames again, or cut the file before this one",
	}
}

// bookFrame counts one frame.
func (l *ledger) bookFrame(n int64, frame []byte) {
	var d dnstap.Dnstap
	if err := proto.Unmarshal(frame, &d); err != nil || d.Message == nil {
		l.refuse(n, nil, refFrame, "it holds no dnstap message")
		return
	}
	m := d.Message
	var msg []byte
	e, port := Entry{}, uint16(m.GetQueryPort())
	switch m.GetType() {
	case dnstap.Message_CLIENT_QUERY, dnstap.Message_AUTH_QUERY:
		msg, e.Time = m.QueryMessage, tapTime(m.QueryTimeSec, m.QueryTimeNsec)
	case dnstap.Message_CLIENT_RESPONSE, dnstap.Message_AUTH_RESPONSE:
		msg, e.Time = m.ResponseMessage, tapTime(m.ResponseTimeSec, m.ResponseTimeNsec)
		if e.Time.IsZero() {
			e.Time = tapTime(m.QueryTimeSec, m.QueryTimeNsec)
		}
	default:
		l.leave(leftKind)
		return
	}
	if len(msg) == 0 {
		l.refuse(n, nil, refMessage, "it holds no DNS message, only what is about it")
		return
	}
	e.Client, e.Server = tapAddr(m.QueryAddress), tapAddr(m.ResponseAddress)
	l.bookMessage(n, msg, e, port, refMessage)
}

func tapTime(sec *uint64, nsec *uint32) time.Time {
	if sec == nil || *sec == 0 || *sec > lastSecond {
		return time.Time{}
	}
	n := uint32(0)
	if nsec != nil && *nsec < 1e9 {
		n = *nsec
	}
	return time.Unix(int64(*sec), int64(n)).UTC()
}

func tapAddr(b []byte) netip.Addr {
	a, _ := netip.AddrFromSlice(b)
	return a.Unmap()
}
