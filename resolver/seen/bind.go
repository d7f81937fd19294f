package seen

import (
	"io"
	"net/netip"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
)

// verdict is what a line of a log turned out to be.
type verdict uint8

const (
	isQuestion verdict = iota
	isAnswer
	isLeft    // parsed.why is one of left…
	isRefused // parsed.why is one of ref…, found says more
)

// parsed is one line, read.
type parsed struct {
	verdict    verdict
	why, found string
	entry      Entry
	noYear     bool
	port       uint16
	id         uint16
}

func left(why string) parsed           { return parsed{verdict: isLeft, why: why} }
func refused(why, found string) parsed { return parsed{verdict: isRefused, why: why, found: found} }

// readBIND reads BIND's query log.
func readBIND(r io.Reader, l *ledger) error {
	noYear := false
	err := eachLine(r, l, func(line string) parsed {
		p := parseBIND(line, l.o)
		noYear = noYear || p.noYear
		return p
	})
	if noYear && l.o.Now.IsZero() {
		l.add(noYearFinding())
	}
	return err
}

// eachLine hands the lines of a text log to a parser and books what it says.
func eachLine(r io.Reader, l *ledger, parse func(line string) parsed) error {
	in := newLines(r, l.o.Limits.Line)
	for {
		line, long, err := in.next()
		switch {
		case err != nil:
			return err
		case long:
			l.refuse(in.n, line, refLong, "it is longer than the limit of a line")
		default:
			l.book(in.n, line, parse(string(line)))
		}
	}
}

// book counts one line.
func (l *ledger) book(n int64, line []byte, p parsed) {
	p.entry.At = l.place(n)
	k := waitKey{netip.AddrPortFrom(p.entry.Client, p.port), p.id, p.entry.Name, p.entry.Type}
	switch p.verdict {
	case isQuestion:
		l.wait.put(k)
		l.took(p.entry)
	case isAnswer:
		l.answered(p.entry, k)
	case isLeft:
		l.leave(p.why)
	default:
		l.refuse(n, line, p.why, p.found)
	}
}

// parseBIND reads one line. Its layout (ns_client_logv and log_query of BIND's
// lib/ns; 9.9 has neither @0x… nor the version after E, 9.8 no (NAME)):
//
//	[TIME ][HOST named[PID]: ][CATEGORY: ][SEVERITY: ]client [@0xPTR ]ADDR#PORT[/key KEY][ (NAME)][: view VIEW]: MESSAGE
//	MESSAGE = query: NAME CLASS TYPE [+-]FLAGS (SERVER)[ [ECS PREFIX]]
func parseBIND(line string, o *Options) parsed {
	rest := strings.TrimLeft(line, " ")
	if rest == "" {
		return left(leftEmpty)
	}
	st, rest := cutStamp(cutPriority(rest), o.Location)
	head, c, ok := findClient(rest)
	switch {
	case !ok && c.tried:
		return refused(refAddress, "no address and port follow the word client")
	case !ok && (st.present || strings.Contains(rest, "named[") || bindCategory(rest)):
		return left(leftOther)
	case !ok:
		return refused(refUnknown, "it is no line that BIND writes")
	}
	// A time that BIND wrote behind syslog's has the year.
	if !st.present || st.noYear {
		for i := strings.IndexByte(head, ' '); i >= 0; i = strings.IndexByte(head, ' ') {
			head = head[i+1:]
			if inner, _ := cutStamp(head, o.Location); inner.present && !inner.noYear {
				st = inner
				break
			}
		}
	}
	p := parseMessageText(c)
	p.entry.Client, p.port = c.addr.Addr(), c.addr.Port()
	p.entry.Time, p.noYear = st.at(o.Now), st.noYear
	if p.entry.View == "" {
		p.entry.View = c.view
	}
	return p
}

// cutPriority passes over the head of syslog's wire form: <30> or <30>1 .
func cutPriority(s string) string {
	if !strings.HasPrefix(s, "<") {
		return s
	}
	i := strings.IndexByte(s[:min(len(s), 6)], '>')
	if i < 2 || number(s[1:i]) < 0 {
		return s
	}
	return strings.TrimPrefix(s[i+1:], "1 ")
}

// bindCategory tells whether a line begins as print-category or print-severity
// make it begin.
func bindCategory(s string) bool {
	for _, w := range []string{
		"queries: ", "query-errors: ", "general: ", "client: ", "security: ", "network: ", "notify: ", "xfer-out: ", "xfer-in: ",
		"resolver: ", "lame-servers: ", "edns-disabled: ", "dnssec: ", "config: ", "database: ", "update: ", "update-security: ",
		"rate-limit: ", "rpz: ", "unmatched: ", "zoneload: ", "default: ", "responses: ",
		"info: ", "notice: ", "warning: ", "error: ", "critical: ", "debug ",
	} {
		if strings.HasPrefix(s, w) {
			return true
		}
	}
	return false
}

// maxView bounds the name of a view, in octets: each row holds it.
const maxView = 255

// bindClient is a line from the word client on.
type bindClient struct {
	addr    netip.AddrPort
	view    string
	message string
	cut     bool // the line ends before its message
	tried   bool
}

// findClient finds the word client with an address behind it; a host may be
// called so too.
func findClient(s string) (head string, c bindClient, ok bool) {
	for from := 0; ; {
		i := strings.Index(s[from:], "client ")
		if i < 0 {
			return "", c, false
		}
		i += from
		from = i + len("client ")
		if i > 0 && s[i-1] != ' ' && s[i-1] != '\t' {
			continue
		}
		c.tried = true
		if c, ok := parseClient(s[from:]); ok {
			return s[:i], c, true
		}
	}
}

func parseClient(s string) (c bindClient, ok bool) {
	c.tried = true
	if strings.HasPrefix(s, "@") {
		if _, s, ok = strings.Cut(s, " "); !ok {
			return c, false
		}
	}
	host, s, ok := strings.Cut(s, "#")
	if !ok {
		return c, false
	}
	addr, ok := address(host)
	if !ok {
		return c, false
	}
	digits := len(s) - len(strings.TrimLeft(s, "0123456789"))
	port := number(s[:digits])
	if port < 0 || port > 65535 {
		return c, false
	}
	c.addr = netip.AddrPortFrom(addr, uint16(port))
	s = s[digits:]
	if rest, found := strings.CutPrefix(s, "/key "); found {
		i := strings.IndexAny(rest, " :")
		if i < 0 {
			c.cut = true
			return c, true
		}
		s = rest[i:]
	}
	if rest, found := strings.CutPrefix(s, " ("); found {
		i := closing(rest)
		if i < 0 {
			c.cut = true
			return c, true
		}
		s = rest[i+1:]
	}
	if rest, found := strings.CutPrefix(s, ": view "); found {
		if c.view, s, found = strings.Cut(rest, ": "); !found {
			c.cut = true
			return c, true
		}
		c.message = s
		return c, len(c.view) <= maxView
	}
	c.message, ok = strings.CutPrefix(s, ": ")
	c.cut = !ok
	return c, true
}

// closing finds the parenthesis that ends a name: BIND escapes those inside.
func closing(s string) int {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case ')':
			return i
		}
	}
	return -1
}

// address reads an IP address; a zone goes, IPv4 in IPv6 becomes IPv4.
func address(s string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(s)
	return a.WithZone("").Unmap(), err == nil
}

// parseMessageText reads what a client line says.
func parseMessageText(c bindClient) parsed {
	if c.cut || strings.HasPrefix("query: ", c.message) {
		return refused(refCutLine, "it ends before its question")
	}
	if q, ok := strings.CutPrefix(c.message, "query: "); ok {
		return parseQueryText(q)
	}
	if q, ok := strings.CutPrefix(c.message, "response: "); ok {
		return parseResponseText(q)
	}
	return left(leftOther)
}

// parseQuestionText reads NAME CLASS TYPE and gives what follows.
func parseQuestionText(q string) (p parsed, rest string) {
	f := strings.SplitN(q, " ", 4)
	if len(f) < 4 {
		return refused(refCutLine, "it ends inside its question"), ""
	}
	name, err := zones.ParseName(f[0])
	if err != nil {
		return refused(refName, quote(f[0])+" is no name: "+err.Error()), ""
	}
	t, ok := logType(f[2])
	if !ok {
		return refused(refType, quote(f[2])+" is no type"), ""
	}
	if f[1] != "IN" {
		if strings.Trim(f[1], "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != "" {
			return refused(refType, quote(f[1])+" is no class"), ""
		}
		return left(leftClass), ""
	}
	p.entry.Name, p.entry.Type = name, t
	return p, f[3]
}

func parseQueryText(q string) parsed {
	p, rest := parseQuestionText(q)
	if rest == "" {
		if p.verdict == isQuestion {
			return refused(refCutLine, "it ends before the flags")
		}
		return p
	}
	flags, rest, _ := strings.Cut(rest, " ")
	if flags[:min(1, len(flags))] != "+" && flags[:min(1, len(flags))] != "-" || strings.Trim(flags[1:], "SETDCVK()0123456789") != "" {
		return refused(refCutLine, quote(flags)+" are no flags of a query")
	}
	if rest, ok := strings.CutPrefix(rest, "("); ok {
		host, _, ok := strings.Cut(rest, ")")
		if !ok {
			return refused(refCutLine, "it ends inside the server's address")
		}
		if p.entry.Server, ok = address(host); !ok {
			return refused(refAddress, quote(host)+" is no address of a server")
		}
	}
	return p
}

// parseResponseText reads NAME CLASS TYPE RCODE and what follows, which the
// response log of 9.20 has; only the code matters.
func parseResponseText(q string) parsed {
	p, rest := parseQuestionText(q)
	if p.verdict != isQuestion {
		return p
	}
	word, _, _ := strings.Cut(rest, " ")
	rcode, ok := rcodeOf(word)
	if !ok {
		return refused(refUnknown, quote(word)+" is no response code")
	}
	p.verdict = isAnswer
	p.entry.Answer = &Answer{Rcode: rcode}
	return p
}

// rcodeNames are the words of RFC 1035 4.1.1 and RFC 2136 2.2, by number.
var rcodeNames = [16]string{
	"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH", "NOTZONE",
	"RCODE11", "RCODE12", "RCODE13", "RCODE14", "RCODE15",
}

// RcodeName is the word for a response code.
func RcodeName(rcode int) string { return rcodeNames[rcode&15] }

func rcodeOf(word string) (int, bool) {
	for i, w := range rcodeNames {
		if strings.EqualFold(w, word) {
			return i, true
		}
	}
	return 0, false
}

// moreTypes are mnemonics that old servers write and zones.ParseType leaves out.
var moreTypes = map[string]zones.Type{
	"NSAP-PTR": 23, "EID": 31, "NIMLOC": 32, "ATMA": 34, "A6": 38, "SINK": 40, "NINFO": 56, "RKEY": 57,
	"UINFO": 100, "UID": 101, "GID": 102, "UNSPEC": 103, "NXNAME": 128, "ALL": zones.TypeANY, "DOA": 259,
	"RESINFO": 261, "WALLET": 262, "TA": 32768, "DLV": 32769, "KEYDATA": 65533, "WINS": 65281, "WINSR": 65282, "WINS-R": 65282,
	"RESERVED0": 0,
}

// logType reads a type as logs write it.
func logType(s string) (zones.Type, bool) {
	if t, ok := moreTypes[s]; ok {
		return t, true
	}
	return zones.ParseType(s)
}
