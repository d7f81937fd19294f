package seen

import (
	"errors"
	"io"
	"net/netip"
	"time"

	dnstap "github.com/dnstap/golang-dnstap"
	framestream "github.com/farsightsec/golang-framestream"
	"google.golang.org/protobuf/proto"

	"gialai.gov.vn/hopnhat/zones/finding"
)

// readDNSTap reads a file of Frame Streams with dnstap messages.
func readDNSTap(r io.Reader, l *ledger) error {
	in, err := framestream.NewReader(r, &framestream.ReaderOptions{ContentTypes: [][]byte{dnstap.FSContentType}})
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	if err != nil {
		return finding.Finding{
			ID: "Q-FORMAT", Severity: finding.Error,
			Found: "it begins like Frame Streams, but holds no dnstap: " + err.Error(),
			Mend:  "give a file that dnstap-output, fstrm_capture or the like wrote",
		}
	}
	frame := make([]byte, l.o.Limits.Frame)
	for n := int64(1); ; n++ {
		size, err := in.ReadFrame(frame)
		switch {
		case errors.Is(err, framestream.ErrDataFrameTooLarge):
			l.refuse(n, nil, refLong, "it is longer than the limit of a frame")
			continue
		case errors.Is(err, io.ErrUnexpectedEOF):
			l.refuse(n, nil, refEnd, "the file ends inside it")
			return err
		case errors.Is(err, framestream.ErrDecode):
			l.refuse(n, nil, refFrame, "it is a control frame that is broken")
			return nil
		case err != nil:
			return err
		}
		l.bookFrame(n, frame[:size])
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
