package transfer

import (
	"encoding/binary"
	"io"
)

// readFrame reads one message of a TCP stream (RFC 1035 4.2.2) into buf, which
// has room for the largest. io.EOF means that the stream ended between two
// messages, io.ErrUnexpectedEOF that it ended within one.
func readFrame(r io.Reader, buf []byte) ([]byte, error) {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	b := buf[:binary.BigEndian.Uint16(head[:])]
	if _, err := io.ReadFull(r, b); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return b, nil
}

// frame puts the length before a message, so that one write sends both (RFC
// 7766 8).
func frame(msg []byte) []byte {
	return append(binary.BigEndian.AppendUint16(make([]byte, 0, 2+len(msg)), uint16(len(msg))), msg...)
}
