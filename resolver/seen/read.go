package seen

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"gialai.gov.vn/hopnhat/zones/finding"
)

// peekLen is how much of a log tells its format, in octets.
const peekLen = 1 << 16

// Read reads one log and hands each question, and each answer, to take, in the
// order of the file. The account is whole even when a finding is an error:
// then it tells what was read until then, and the caller should take nothing.
func Read(fsys fs.FS, name string, o Options, take func(Entry)) (Account, []finding.Finding) {
	o = o.orDefault()
	l := newLedger(&o, name, take)
	open := func() (io.ReadCloser, error) { return openLog(fsys, name, &o) }
	f, err := open()
	if err == nil {
		err = l.read(f, open)
		err = errors.Join(err, f.Close())
	}
	if err != nil && !errors.Is(err, io.EOF) {
		l.fail(err)
	}
	return l.close()
}

// fail says why the reading ended.
func (l *ledger) fail(err error) {
	var f finding.Finding
	switch {
	case errors.As(err, &f):
		l.add(f)
	case errors.Is(err, io.ErrUnexpectedEOF):
		l.add(finding.Finding{
			ID: "Q-CUT", Severity: finding.Warning, Found: "it ends in the middle of " + article(l.acc.Unit),
			Mend: "if it was copied while it grew, copy it again; what was read until there counts",
		})
	default:
		l.add(finding.Finding{
			ID: "Q-READ", Severity: finding.Error, Found: "it cannot be read: " + err.Error(),
			Mend: "look at the path, the file's rights and the disk",
		})
	}
}

func article(unit string) string {
	if unit == "" {
		return "its compressed data"
	}
	return "a " + unit
}

// log is an open log, unpacked.
type log struct {
	*bufio.Reader
	file io.Closer
}

func (l *log) Close() error { return l.file.Close() }

func openLog(fsys fs.FS, name string, o *Options) (io.ReadCloser, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	if st, err := f.Stat(); err == nil && st.IsDir() {
		_ = f.Close()
		return nil, fmt.Errorf("%s is a folder", name)
	}
	counted := &counter{r: f}
	r := bufio.NewReaderSize(counted, peekLen)
	if head, _ := r.Peek(2); bytes.Equal(head, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(r)
		if err != nil {
			_ = f.Close()
			return nil, err
		}
		r = bufio.NewReaderSize(&bounded{r: z, in: counted, o: o}, peekLen)
	}
	return &log{plainText(r), f}, nil
}

// counter counts the octets that were read.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// bounded ends what grows too large out of gzip.
type bounded struct {
	r  io.Reader
	in *counter
	n  int64
	o  *Options
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	b.n += int64(n)
	const free = 64 << 20
	if b.n > b.o.Limits.Expanded || b.n > free && b.n/b.o.Limits.Ratio > b.in.n {
		return 0, finding.Finding{
			ID: "Q-LIMIT", Severity: finding.Error,
			Found: fmt.Sprintf("%d octets of gzip grew to more than %d", b.in.n, b.n),
			Mend:  "no log packs so well; if it is one all the same, unpack it by hand",
		}
	}
	return n, err
}

// read tells the format and reads the log.
func (l *ledger) read(r io.ReadCloser, again func() (io.ReadCloser, error)) error {
	in, ok := r.(*log)
	if !ok {
		return fs.ErrInvalid
	}
	head, err := in.Peek(peekLen)
	if len(head) == 0 {
		l.acc.Unit = "line"
		if errors.Is(err, io.EOF) {
			return nil
		}
		return err
	}
	if l.acc.Format = l.o.Format; l.acc.Format == "" {
		l.acc.Format = formatOf(head, l.o)
	}
	l.acc.Unit = "line"
	switch l.acc.Format {
	case FormatBIND:
		return readBIND(in, l)
	case FormatWindows:
		return readWindows(in, l, again)
	case FormatDNSTap:
		l.acc.Unit = "frame"
		return readDNSTap(in.Reader, l)
	case FormatCapture:
		l.acc.Unit = "packet"
		return readCapture(in, l)
	}
	l.acc.Format = ""
	if err != nil && !errors.Is(err, io.EOF) && l.o.Format == "" {
		return err // the little that could be read tells no format
	}
	return unknownFormat(head, l.o)
}

// formatOf tells the format by the head of a log; "" if it is none.
func formatOf(head []byte, o *Options) string {
	switch {
	case isCapture(head):
		return FormatCapture
	case bytes.HasPrefix(head, []byte{0, 0, 0, 0}):
		return FormatDNSTap
	}
	bind, windows := 0, 0
	for line := range bytes.Lines(head) {
		s := strings.TrimRight(string(line), "\r\n")
		if p := parseBIND(s, o); p.verdict == isQuestion || p.verdict == isAnswer {
			bind++
		} else if p.verdict == isLeft && p.why == leftClass {
			bind++
		}
		if strings.HasPrefix(s, "Message logging key (for packets") || strings.HasPrefix(s, "DNS Server log file creation at ") {
			windows++
		}
		if strings.Contains(s, " PACKET ") {
			if p := parseWindows(s, DayFirst, o); p.verdict != isRefused || p.why == refTime {
				windows++
			}
		}
	}
	switch {
	case windows > bind:
		return FormatWindows
	case bind > 0:
		return FormatBIND
	}
	return ""
}

// unknownFormat says what a file is instead, where its head tells.
func unknownFormat(head []byte, o *Options) error {
	f := finding.Finding{
		ID: "Q-FORMAT", Severity: finding.Error,
		Found: "this is no query log that is read: neither a line of BIND's query log nor of Windows' dns.log is in its first part, and it is no dnstap file and no capture",
		Mend:  "give one of those, or say the format (" + strings.Join(Formats(), ", ") + ") if its first question comes late",
	}
	if o.Format != "" {
		f.Found = "the format " + quote(o.Format) + " is not read"
		f.Mend = "say one of " + strings.Join(Formats(), ", ")
		return f
	}
	for _, k := range []struct{ magic, found, mend string }{
		{"\xfd7zXZ\x00", "it is packed with xz", "unpack it first: xz -d"},
		{"BZh", "it is packed with bzip2", "unpack it first: bzip2 -d"},
		{"\x28\xb5\x2f\xfd", "it is packed with zstd", "unpack it first: zstd -d"},
		{"PK\x03\x04", "it is a zip archive", "unpack it first: unzip"},
		{"\x1f\x8b", "it is gzip inside gzip", "unpack it once: gzip -d"},
		{"ElfFile\x00", "it is an event log (.evtx) of Windows", "give the debug log, dns.log"},
		{"\xa1\xb2\xcd\x34", "it is a capture in a form that libpcap left long ago", "rewrite it: editcap -F pcap IN OUT"},
		{"\x34\xcd\xb2\xa1", "it is a capture in a form that libpcap left long ago", "rewrite it: editcap -F pcap IN OUT"},
	} {
		if bytes.HasPrefix(head, []byte(k.magic)) {
			f.Found, f.Mend = k.found, k.mend
		}
	}
	return f
}
