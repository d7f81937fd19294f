package seen

import (
	"fmt"
	"io"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// readWindows reads the debug log of Windows DNS. again opens the log a second
// time, where the order of day and month has to be found out first.
func readWindows(r io.Reader, l *ledger, again func() (io.ReadCloser, error)) error {
	order := l.o.DateOrder
	if order == DateAuto {
		c, err := again()
		if err != nil {
			return err
		}
		var f *finding.Finding
		order, f = findOrder(c, l)
		if err = c.Close(); err != nil {
			return err
		}
		if f != nil {
			l.add(*f)
			return nil
		}
	}
	return eachLine(r, l, func(line string) parsed { return parseWindows(line, order, l.o) })
}

// parseWindows reads one line. The layout of a packet, by the key at the head of
// each such log:
//
//	DATE TIME [AM|PM] THREAD PACKET [ID] UDP|TCP Rcv|Snd REMOTE XID [R] OPCODE [FLAGS [ADTR…] RCODE] TYPE NAME
//
// Details of a packet follow on lines of their own, indented, or headed "UDP
// question info at …".
func parseWindows(line string, order DateOrder, o *Options) parsed {
	if strings.TrimSpace(line) == "" {
		return left(leftEmpty)
	}
	date, rest := word(line)
	d, ok := parseDate(date)
	if !ok || line[0] == ' ' || line[0] == '\t' {
		if line[0] == ' ' || line[0] == '\t' || windowsHeading(line) {
			return left(leftDetails)
		}
		return refused(refUnknown, "it is no line that Windows DNS writes")
	}
	clock, rest, ok := cutClock(rest)
	if !ok {
		return refused(refTime, "no time of day follows the date")
	}
	t, ok := d.on(order, clock, o.Location)
	if !ok {
		return refused(refTime, quote(date)+" is no date with "+order.String())
	}
	_, rest = word(rest) // the thread
	context, rest := word(rest)
	if context == "" {
		return refused(refCutLine, "it ends before it says what it is about")
	}
	if context != "PACKET" {
		return left(leftOther)
	}
	p := parsePacketText(rest)
	p.entry.Time = t.UTC()
	return p
}

// String says an order as a person would.
func (d DateOrder) String() string {
	return [...]string{"an order that is not known", "the day first", "the month first"}[min(d, MonthFirst)]
}

func windowsHeading(line string) bool {
	for _, h := range []string{
		"DNS Server log file", "Log file wrap", "Message logging key", "UDP question info", "UDP response info",
		"TCP question info", "TCP response info", "Note:",
	} {
		if strings.HasPrefix(line, h) {
			return true
		}
	}
	return false
}

// word cuts the first word off.
func word(s string) (w, rest string) {
	s = strings.TrimLeft(s, " \t")
	if i := strings.IndexAny(s, " \t"); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}

// parsePacketText reads a packet line from behind the word PACKET.
func parsePacketText(s string) parsed {
	proto, rest := word(s)
	for range 2 { // an identifier, and before it an address in some versions
		if proto != "UDP" && proto != "TCP" {
			proto, rest = word(rest)
		}
	}
	if proto != "UDP" && proto != "TCP" {
		return refused(refCutLine, "neither UDP nor TCP follows the word PACKET")
	}
	direction, rest := word(rest)
	if direction != "Rcv" && direction != "Snd" {
		return refused(refCutLine, "neither Rcv nor Snd follows the protocol")
	}
	remote, rest := word(rest)
	addr, ok := address(remote)
	if !ok {
		return refused(refAddress, quote(remote)+" is no address")
	}
	xid, rest := word(rest)
	id, ok := hex16(xid)
	if !ok {
		return refused(refCutLine, quote(xid)+" is no identifier of a message")
	}
	kind, flags, ok := strings.Cut(rest, "[")
	if !ok {
		return refused(refCutLine, "it ends before its flags")
	}
	flags, rest, ok = strings.Cut(flags, "]")
	if !ok {
		return refused(refCutLine, "it ends inside its flags")
	}
	response, opcode := false, "Q"
	for _, w := range strings.Fields(kind) {
		if w == "R" {
			response = true
		} else {
			opcode = w
		}
	}
	if opcode != "Q" {
		return left(leftOpcode)
	}
	if response == (direction == "Rcv") {
		return left(leftOwn) // what it sends on, and what comes back
	}
	kindOf, rest := word(rest)
	t, ok := windowsType(kindOf)
	if !ok {
		return refused(refType, quote(kindOf)+" is no type")
	}
	name, err := windowsName(strings.TrimLeft(rest, " \t"))
	if err != nil {
		return refused(refName, err.Error())
	}
	p := parsed{entry: Entry{Client: addr, Name: name, Type: t}, id: id}
	if response {
		p.verdict = isAnswer
		p.entry.Answer = windowsAnswer(flags)
	}
	return p
}

// windowsAnswer reads "8385 A DR  NXDOMAIN"; nil if the code is none we know.
func windowsAnswer(flags string) *Answer {
	f := strings.Fields(flags)
	if len(f) < 2 {
		return nil
	}
	rcode, ok := rcodeOf(f[len(f)-1])
	if !ok {
		return nil
	}
	a := Answer{Rcode: rcode}
	for _, w := range f[1 : len(f)-1] {
		a.AA = a.AA || strings.Contains(w, "A")
	}
	return &a
}

func hex16(s string) (uint16, bool) {
	if s == "" || len(s) > 4 {
		return 0, false
	}
	v := uint16(0)
	for _, c := range []byte(s) {
		switch {
		case '0' <= c && c <= '9':
			v = v<<4 | uint16(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			v = v<<4 | uint16(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return v, true
}

// windowsType reads a type: a mnemonic, or a number for one that Windows does
// not know.
func windowsType(s string) (zones.Type, bool) {
	if n := number(s); n >= 0 {
		return zones.Type(n), n <= 65535
	}
	return logType(s)
}

// windowsName reads (4)mail(8)binhdinh(3)gov(2)vn(0): the octets of a label are
// counted, so that a parenthesis among them means nothing.
func windowsName(s string) (zones.Name, error) {
	whole, wire := s, make([]byte, 0, zones.MaxName)
	for {
		if !strings.HasPrefix(s, "(") {
			return zones.Name{}, fmt.Errorf("%s: no (LENGTH) where a label should begin", quote(whole))
		}
		i := strings.IndexByte(s, ')')
		if i < 0 {
			return zones.Name{}, fmt.Errorf("%s: it ends inside a (LENGTH)", quote(whole))
		}
		n := number(s[1:i])
		s = s[i+1:]
		switch {
		case n < 0 || n > zones.MaxLabel:
			return zones.Name{}, fmt.Errorf("%s: a label's length that is none", quote(whole))
		case len(s) < n:
			return zones.Name{}, fmt.Errorf("%s: it ends inside a label", quote(whole))
		case len(wire)+1+n > zones.MaxName:
			return zones.Name{}, zones.ErrNameLong
		}
		wire = append(append(wire, byte(n)), s[:n]...)
		if s = s[n:]; n > 0 {
			continue
		}
		if strings.TrimRight(s, " \t") != "" {
			return zones.Name{}, fmt.Errorf("%s: something follows the name", quote(whole))
		}
		name, _, err := zones.NameFromWire(wire)
		return name, err
	}
}
