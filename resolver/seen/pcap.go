package seen

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"gialai.gov.vn/hopnhat/zones/finding"
)

// isCapture tells pcap and pcapng by their first octets.
func isCapture(head []byte) bool {
	_, _, ok := pcapMagic(head)
	return ok || bytes.HasPrefix(head, []byte("\x0a\x0d\x0d\x0a"))
}

// pcapMagic tells the octet order of a pcap file and the unit of its fractions.
func pcapMagic(head []byte) (binary.ByteOrder, time.Duration, bool) {
	if len(head) < 4 {
		return nil, 0, false
	}
	switch binary.BigEndian.Uint32(head) {
	case 0xa1b2c3d4:
		return binary.BigEndian, time.Microsecond, true
	case 0xa1b23c4d:
		return binary.BigEndian, time.Nanosecond, true
	case 0xd4c3b2a1:
		return binary.LittleEndian, time.Microsecond, true
	case 0x4d3cb2a1:
		return binary.LittleEndian, time.Nanosecond, true
	}
	return nil, 0, false
}

// packet is one captured packet, good until the next is read.
type packet struct {
	n    int64 // its number in the file, from 1
	time time.Time
	link int  // LINKTYPE_…
	cut  bool // the capture kept its head only
	data []byte
}

// capture reads the packets of one file.
type capture struct {
	*ledger
	in      *bufio.Reader
	buf     []byte
	n       int64 // packets so far
	streams streams
}

func readCapture(in io.Reader, l *ledger) error {
	c := &capture{ledger: l, in: bufio.NewReaderSize(in, 1<<16), streams: newStreams(&l.o.Limits)}
	head, _ := c.in.Peek(4)
	order, unit, ok := pcapMagic(head)
	var err error
	if ok {
		err = c.readPCAP(order, unit)
	} else {
		err = c.readPCAPNG()
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		c.refuse(c.n+1, nil, refEnd, "the file ends inside it")
	}
	return err
}

// readPCAP reads the file of libpcap (draft-ietf-opsawg-pcap): a header of 24
// octets, then packets, each behind 16 octets.
func (c *capture) readPCAP(order binary.ByteOrder, unit time.Duration) error {
	var h [24]byte
	if _, err := io.ReadFull(c.in, h[:]); err != nil {
		return io.ErrUnexpectedEOF
	}
	link := int(order.Uint32(h[20:]) & 0xffff) // above it: the length of a checksum
	for {
		var h [16]byte
		if _, err := io.ReadFull(c.in, h[:]); err != nil {
			return err
		}
		held, whole := order.Uint32(h[8:]), order.Uint32(h[12:])
		data, err := c.take(held)
		if err != nil {
			return err
		}
		c.n++
		t := time.Unix(int64(order.Uint32(h[0:])), int64(order.Uint32(h[4:]))*int64(unit)).UTC()
		c.packet(packet{n: c.n, time: t, link: link, cut: held < whole, data: data})
	}
}

// take reads the octets of a packet.
func (c *capture) take(n uint32) ([]byte, error) {
	if int64(n) > int64(c.o.Limits.Frame) {
		return nil, finding.Finding{
			ID: "Q-LIMIT", Severity: finding.Error, At: c.place(c.n + 1),
			Found: fmt.Sprintf("a packet of %d octets, more than the limit of %d: the file is damaged from here on", n, c.o.Limits.Frame),
			Mend:  "take the capture again, or cut it before this packet (editcap -r)",
		}
	}
	if len(c.buf) < int(n) {
		c.buf = make([]byte, int(n))
	}
	if _, err := io.ReadFull(c.in, c.buf[:n]); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return c.buf[:n], nil
}
