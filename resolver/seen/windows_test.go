package seen

import (
	"encoding/binary"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
)

// windowsHead is how each debug log begins (dns.log of Windows Server 2008 R2
// on, as Microsoft's documentation and the key inside the log have it).
const windowsHead = "DNS Server log file creation at %s UTC\r\nLog file wrap at %s\r\n\r\n" +
	"Message logging key (for packets - other items use a subset of these fields):\r\n" +
	"\tField #  Information         Values\r\n\t-------  -----------         ------\r\n" +
	"\t   1     Date\r\n\t   2     Time\r\n\t   3     Thread ID\r\n\t   4     Context\r\n" +
	"\t   5     Internal packet identifier\r\n\t   6     UDP/TCP indicator\r\n\t   7     Send/Receive indicator\r\n" +
	"\t   8     Remote IP\r\n\t   9     Xid (hex)\r\n\t  10     Query/Response      R = Response\r\n" +
	"\t                             blank = Query\r\n\t  11     Opcode              Q = Standard Query\r\n" +
	"\t                             N = Notify\r\n\t                             U = Update\r\n" +
	"\t                             ? = Unknown\r\n\t  12     [ Flags (hex)\r\n\t  13     Flags (char codes)  A = Authoritative Answer\r\n" +
	"\t                             T = Truncated Response\r\n\t                             D = Recursion Desired\r\n" +
	"\t                             R = Recursion Available\r\n\t  14     ResponseCode ]\r\n\t  15     Question Type\r\n\t  16     Question Name\r\n\r\n"

func windowsLog(date string, lines ...string) []byte {
	return []byte(strings.ReplaceAll(windowsHead, "%s", date) + strings.Join(lines, "\r\n") + "\r\n")
}

const (
	winAsk   = `0E74 PACKET  000000D27E3DF8A0 UDP Rcv 10.1.2.3        7d3b   Q [0001   D   NOERROR] A      (4)mail(8)BinhDinh(3)gov(2)vn(0)`
	winReply = `0E74 PACKET  000000D27E3DF8A0 UDP Snd 10.1.2.3        7d3b R Q [8385 A DR NXDOMAIN] A      (4)mail(8)BinhDinh(3)gov(2)vn(0)`
)

func TestWindowsDates(t *testing.T) {
	for _, c := range []struct{ what, first, second, want string }{
		{"the United States", "6/20/2025 9:12:44 AM", "6/20/2025 9:12:45 AM", "2025-06-20T02:12:44Z"},
		{"the United States, evening", "6/20/2025 9:12:44 PM", "6/20/2025 9:12:45 PM", "2025-06-20T14:12:44Z"},
		{"midnight", "6/20/2025 12:00:00 AM", "6/20/2025 12:00:01 AM", "2025-06-19T17:00:00Z"},
		{"noon", "6/20/2025 12:00:00 PM", "6/20/2025 12:00:01 PM", "2025-06-20T05:00:00Z"},
		{"Viet Nam", "20/06/2025 09:12:44", "20/06/2025 09:12:45", "2025-06-20T02:12:44Z"},
		{"Viet Nam, in the morning", "20/06/2025 9:12:44 SA", "20/06/2025 9:12:45 SA", "2025-06-20T02:12:44Z"},
		{"Viet Nam, in the evening", "20/06/2025 9:12:44 CH", "20/06/2025 9:12:45 CH", "2025-06-20T14:12:44Z"},
		{"Germany", "20.06.2025 09:12:44", "20.06.2025 09:12:45", "2025-06-20T02:12:44Z"},
		{"Germany, both orders could be", "05.06.2025 09:12:44", "05.06.2025 09:12:45", "2025-06-05T02:12:44Z"},
		{"Sweden", "2025-06-05 09:12:44", "2025-06-05 09:12:45", "2025-06-05T02:12:44Z"},
		{"Japan", "2025/06/05 9:12:44", "2025/06/05 9:12:45", "2025-06-05T02:12:44Z"},
		{"Windows 2003", "20250605 09:12:44", "20250605 09:12:45", "2025-06-05T02:12:44Z"},
		{"two digits of the year", "20/06/25 09:12:44", "20/06/25 09:12:45", "2025-06-20T02:12:44Z"},
		{"day and month the same", "6/6/2025 9:12:44 AM", "6/6/2025 9:12:45 AM", "2025-06-06T02:12:44Z"},
		{"told by a later line", "6/5/2025 9:12:44 AM", "6/20/2025 9:12:45 AM", "2025-06-05T02:12:44Z"},
		{"told by going on: the day first", "5/6/2025 9:12:44 AM", "6/6/2025 9:12:45 AM", "2025-06-05T02:12:44Z"},
		{"told by going on: the month first", "6/5/2025 9:12:44 AM", "6/6/2025 9:12:45 AM", "2025-06-05T02:12:44Z"},
	} {
		r := read(t, windowsLog(c.first, c.first+" "+winAsk, c.second+" "+winReply), Options{Location: vietnam})
		if r.Format != FormatWindows || r.Taken != 1 || len(r.finds) > 0 {
			t.Errorf("%s: %+v\n%s", c.what, r.Account, r.text())
			continue
		}
		e := r.entries[0]
		if got := textTime(e.Time); got != c.want {
			t.Errorf("%s: %s, want %s", c.what, got, c.want)
		}
		if e.Name != name("mail.binhdinh.gov.vn") || e.Client != client4.Addr() || !e.Asked || e.Type != 1 {
			t.Errorf("%s: %+v", c.what, e)
		}
		if a := r.entries[1].Answer; a == nil || a.Rcode != 3 || !a.AA || r.entries[1].Asked {
			t.Errorf("%s: the answer %+v", c.what, a)
		}
	}
}

func TestWindowsDateThatCannotBeTold(t *testing.T) {
	b := windowsLog("5/6/2025 9:12:44 AM", "5/6/2025 9:12:44 AM "+winAsk)
	r := read(t, b, Options{})
	if r.Taken != 0 || !r.has("Q-DATE") {
		t.Fatalf("%+v\n%s", r.Account, r.text())
	}
	for order, want := range map[DateOrder]time.Month{DayFirst: time.June, MonthFirst: time.May} {
		if r := read(t, b, Options{DateOrder: order}); r.Taken != 1 || r.entries[0].Time.Month() != want {
			t.Errorf("%v: %+v\n%s", order, r.Account, r.text())
		}
	}
	// A date that the given order forbids is refused with its place.
	r = read(t, windowsLog("6/20/2025 9:12:44 AM", "6/20/2025 9:12:44 AM "+winAsk), Options{DateOrder: DayFirst})
	if r.Taken != 0 || r.count(r.Refused, refTime) != 1 {
		t.Errorf("%+v\n%s", r.Account, r.text())
	}
}

func TestWindowsDetails(t *testing.T) {
	details := strings.Split(`UDP question info at 000000D27E3DF8A0
  Socket = 532
  Remote addr 10.1.2.3, port 4711
  Time Query=1742, Queued=0, Expire=0
  Buf length = 0x0fa0 (4000)
  Msg length = 0x0026 (38)
  Message:
    XID       0x7d3b
    Flags     0x0100
      QR        0 (QUESTION)
      OPCODE    0 (QUERY)
    QCOUNT    1
    QUESTION SECTION:
    Offset = 0x000c, RR count = 0
    Name      "(4)mail(8)binhdinh(3)gov(2)vn(0)"
      QTYPE   A (1)
      QCLASS  1
    ANSWER SECTION:
      empty
`, "\n")
	lines := append([]string{"6/20/2025 9:12:44 AM " + winAsk}, details...)
	lines = append(lines, "6/20/2025 9:12:44 AM 0E74 EVENT   The DNS server has started.", "6/20/2025 9:12:44 AM "+winReply)
	r := read(t, windowsLog("6/20/2025 9:12:00 AM", lines...), Options{})
	if _, refused := r.Sums(); r.Taken != 1 || refused != 0 || r.count(r.LeftOut, leftOther) != 1 {
		t.Errorf("%+v\n%s", r.Account, r.text())
	}
}

func TestWindowsLines(t *testing.T) {
	const at = "6/20/2025 9:12:44 AM 0E74 "
	for _, c := range []struct{ line, why, want string }{
		{"PACKET  0000 TCP Rcv 2001:db8:1:2::3 00a1   Q [0000       NOERROR] AAAA   (2)vn(0)", "", "vn AAAA 2001:db8:1:2::3"},
		{"PACKET  UDP Rcv 10.1.2.3 00a1   Q [0000       NOERROR] SOA    (0)", "", ". SOA 10.1.2.3"},
		{"PACKET  0000 UDP Rcv 10.1.2.3 00a1   Q [0000       NOERROR] 65     (2)vn(0)", "", "vn HTTPS 10.1.2.3"},
		{"PACKET  0000 UDP Rcv 10.1.2.3 00a1   Q [0000       NOERROR] ALL    (2)vn(0)", "", "vn ANY 10.1.2.3"},
		{"PACKET  0000 UDP Rcv 10.1.2.3 00a1   Q [0000       NOERROR] SRV    (5)_ldap(4)_tcp(2)dc(6)_msdcs(2)vn(0)", "", "_ldap._tcp.dc._msdcs.vn SRV 10.1.2.3"},
		{"PACKET  0000 UDP Rcv 10.1.2.3 00a1   Q [0000       NOERROR] A      (7)a(b) c.(2)vn(0)", "", `a\(b\)\032c\..vn A 10.1.2.3`},
		{"PACKET  0000 UDP Snd 10.1.2.3 00a1 R Q [8081   DR  NOERROR] A      (2)vn(0)", "", "vn A 10.1.2.3"}, // its question is not in the log
		{"PACKET  0000 UDP Snd 10.9.9.9 00a1   Q [0001   D   NOERROR] A      (2)vn(0)", leftOwn, ""},
		{"PACKET  0000 UDP Rcv 10.9.9.9 00a1 R Q [8081   DR  NOERROR] A      (2)vn(0)", leftOwn, ""},
		{"PACKET  0000 UDP Rcv 10.1.2.3 00a1   U [0028       NOERROR] SOA    (2)vn(0)", leftOpcode, ""},
		{"PACKET  0000 UDP Rcv 10.1.2.3 00a1   N [0028       NOERROR] SOA    (2)vn(0)", leftOpcode, ""},
		{"PACKET  0000 UDP Rcv 10.1.2.3 00a1   Q [0001   D   NOERROR] QQ     (2)vn(0)", refType, ""},
		{"PACKET  0000 UDP Rcv 10.1.2.3 00a1   Q [0001   D   NOERROR] A      vn", refName, ""},
		{"PACKET  0000 UDP Rcv 10.1.2.3 00a1   Q [0001   D   NOERROR] A      (3)vn(0)", refName, ""},
		{"PACKET  0000 UDP Rcv 10.1.2.3 00a1   Q [0001   D   NOERROR] A      (64)" + strings.Repeat("x", 64) + "(0)", refName, ""},
		{"PACKET  0000 UDP Rcv 10.1.2.3 00a1   Q [0001   D   NOERROR] A      (2)vn(0)x", refName, ""},
		{"PACKET  0000 UDP Rcv 10.1.2.3 00a1   Q [0001   D   NOERROR] A      (999999999999)vn(0)", refName, ""},
		{"PACKET  0000 UDP Rcv 10.1.2.3 00a1   Q [0001   D", refCutLine, ""},
		{"PACKET  0000 UDP Rcv 10.1.2.3 zz   Q [0001   D   NOERROR] A (2)vn(0)", refCutLine, ""},
		{"PACKET  0000 UDP Rcv 10.1.2 00a1   Q [0001   D   NOERROR] A (2)vn(0)", refAddress, ""},
		{"PACKET  0000 UDP", refCutLine, ""},
		{"PACKET", refCutLine, ""},
		{"", refCutLine, ""},
	} {
		r := read(t, windowsLog("6/20/2025 9:12:00 AM", at+winAsk[5:], at+c.line), Options{})
		switch {
		case c.why == "":
			if len(r.entries) != 2 {
				t.Errorf("%s: not taken\n%s", c.line, r.text())
				continue
			}
			e := r.entries[1]
			if got := e.Name.Text() + " " + e.Type.String() + " " + e.Client.String(); got != c.want {
				t.Errorf("%s: got %s", c.line, got)
			}
		case r.Taken != 1 || r.count(r.LeftOut, c.why)+r.count(r.Refused, c.why) != 1:
			t.Errorf("%s: want %q\n%+v\n%s", c.line, c.why, r.Account, r.text())
		}
	}
}

func TestWindowsEncodings(t *testing.T) {
	plain := windowsLog("6/20/2025 9:12:00 AM", "6/20/2025 9:12:44 AM "+winAsk, "6/20/2025 9:12:44 AM "+winReply)
	wide := func(order binary.AppendByteOrder) []byte {
		b := order.AppendUint16(nil, 0xfeff)
		for _, u := range utf16.Encode([]rune(string(plain))) {
			b = order.AppendUint16(b, u)
		}
		return b
	}
	for what, b := range map[string][]byte{
		"UTF-8 with a BOM": append([]byte("\xef\xbb\xbf"), plain...),
		"UTF-16LE":         wide(binary.LittleEndian), "UTF-16BE": wide(binary.BigEndian), "gzip": zip(t, plain),
		"gzip of UTF-16": zip(t, wide(binary.LittleEndian)),
	} {
		if r := read(t, b, Options{}); r.Format != FormatWindows || r.Taken != 1 || len(r.finds) > 0 {
			t.Errorf("%s: %+v\n%s", what, r.Account, r.text())
		}
	}
}
