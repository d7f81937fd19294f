package seen

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"runtime"
	"strings"
	"testing"
	"time"

	dnstap "github.com/dnstap/golang-dnstap"
)

// made is a file system whose one file is made while it is read: no test needs
// a gigabyte of memory or disk.
type made struct{ open func() io.Reader }

func (m made) Open(string) (fs.File, error) { return madeFile{m.open()}, nil }

type madeFile struct{ io.Reader }

func (madeFile) Close() error               { return nil }
func (madeFile) Stat() (fs.FileInfo, error) { return nil, errors.New("nothing is known of it") }

// repeated gives an endless stream of one octet.
type repeated byte

func (r repeated) Read(p []byte) (int, error) {
	if len(p) > 0 {
		p[0] = byte(r)
		for n := 1; n < len(p); n *= 2 {
			copy(p[n:], p[:n])
		}
	}
	return len(p), nil
}

// heapWatch passes octets on and notes the highest live heap.
type heapWatch struct {
	r    io.Reader
	next int
	most uint64
}

func (h *heapWatch) Read(p []byte) (int, error) {
	n, err := h.r.Read(p)
	if h.next -= n; h.next < 0 {
		h.next = 1 << 26
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		h.most = max(h.most, m.HeapAlloc)
	}
	return n, err
}

// readMade reads what open makes and holds SEEN-SUM and SEEN-BOUND.
func readMade(t *testing.T, o Options, open func() io.Reader) result {
	t.Helper()
	var before runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var watches []*heapWatch
	var r result
	r.Account, r.finds = Read(made{func() io.Reader {
		w := &heapWatch{r: open()}
		watches = append(watches, w)
		return w
	}}, "log", o, func(e Entry) { r.entries = append(r.entries, e) })
	holdSum(t, r)
	for _, w := range watches {
		if w.most > before.HeapAlloc+(64<<20) {
			t.Errorf("the heap grew from %d to %d octets", before.HeapAlloc, w.most)
		}
	}
	return r
}

func TestLineOfAGigabyte(t *testing.T) {
	gigabyte := int64(1 << 30)
	if raced { // many times slower, and nothing here runs beside anything
		gigabyte = 1 << 24
	}
	first, last := questionLine(1, "10.1.2.3"), "\n"+questionLine(2, "10.1.2.3")
	windows := string(windowsLog("6/20/2025 9:12:00 AM", "6/20/2025 9:12:44 AM "+winAsk))
	for _, c := range []struct {
		format, head string
		size         int64
	}{{FormatBIND, first, gigabyte}, {FormatWindows, windows, gigabyte >> 4}} {
		r := readMade(t, Options{}, func() io.Reader {
			return io.MultiReader(strings.NewReader(c.head), io.LimitReader(repeated('x'), c.size), strings.NewReader(last))
		})
		if r.Format != c.format || r.count(r.Refused, refLong) != 1 || r.Taken < 1 {
			t.Errorf("%s: %+v\n%s", c.format, r.Account, r.text())
		}
	}
	// Without any other line it is no log at all.
	if r := readMade(t, Options{}, func() io.Reader { return io.LimitReader(repeated('x'), gigabyte>>4) }); !r.has("Q-FORMAT") {
		t.Errorf("%+v\n%s", r.Account, r.text())
	}
	// In UTF-16.
	wide := "\xff\xfe" + strings.ReplaceAll(first, "", "\x00")[1:]
	if r := readMade(t, Options{}, func() io.Reader {
		return io.MultiReader(strings.NewReader(wide), io.LimitReader(repeated('x'), gigabyte>>4))
	}); r.Taken != 1 || r.count(r.Refused, refLong) != 1 {
		t.Errorf("%+v\n%s", r.Account, r.text())
	}
}

func TestGzipBomb(t *testing.T) {
	if raced {
		t.Skip("it packs and unpacks 128 MiB, and nothing in it runs beside anything: not under the race detector")
	}
	// A stream that packs a thousandfold, far past the 64 MiB that are free.
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := io.WriteString(z, questionLine(1, "10.1.2.3")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(z, io.LimitReader(repeated('x'), 1<<27)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	open := func() io.Reader { return bytes.NewReader(packed.Bytes()) }
	if r := readMade(t, Options{}, open); !r.has("Q-LIMIT") || r.In > 2 {
		t.Errorf("%+v\n%s", r.Account, r.text())
	}
	if r := readMade(t, Options{Limits: Limits{Expanded: 1 << 20}}, open); !r.has("Q-LIMIT") || r.In > 2 {
		t.Errorf("%+v\n%s", r.Account, r.text())
	}
	// One inside another is told by its name.
	if r := read(t, zip(t, packed.Bytes()), Options{}); !r.has("Q-FORMAT") || !strings.Contains(r.text(), "gzip inside gzip") {
		t.Errorf("%s", r.text())
	}
	// A log that is larger than what it takes to be suspected, and honest.
	var honest strings.Builder
	for i := range 1000 {
		honest.WriteString(questionLine(i, "10.1.2.3"))
	}
	if r := read(t, zip(t, []byte(honest.String())), Options{}); r.Taken != 1000 || len(r.finds) > 0 {
		t.Errorf("%+v\n%s", r.Account, r.text())
	}
}

func TestGzipCut(t *testing.T) {
	b := zip(t, []byte(questionLine(1, "10.1.2.3")+questionLine(2, "10.1.2.3")))
	for n := 2; n < len(b); n++ {
		if r := read(t, b[:n], Options{}); !r.has("Q-CUT") && !r.has("Q-READ") {
			t.Fatalf("%d of %d octets: %+v\n%s", n, len(b), r.Account, r.text())
		}
	}
	b[len(b)-6] ^= 1 // its checksum
	if r := read(t, b, Options{}); !r.has("Q-READ") {
		t.Errorf("a wrong checksum: %+v\n%s", r.Account, r.text())
	}
}

func TestHugeFrames(t *testing.T) {
	// Lengths of 4 GiB with as many octets behind them as one likes to send.
	good := frames(t, string(dnstap.FSContentType), dnstapConversation(t)...)
	tap := append(bytes.Clone(good[:len(good)-12]), 0xff, 0xff, 0xff, 0xff)
	ng := append(ngSection(binary.LittleEndian), 9, 9, 9, 9, 0xfc, 0xff, 0xff, 0xff)
	pcap := append(little(linkEthernet, talk(t)...), 1, 2, 3, 4, 5, 6, 7, 8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
	for what, b := range map[string][]byte{"dnstap": tap, "pcapng": ng, "pcap": pcap} {
		r := readMade(t, Options{}, func() io.Reader { return io.MultiReader(bytes.NewReader(b), io.LimitReader(repeated('x'), 1<<27)) })
		if !r.has("Q-LINE") && !r.has("Q-CUT") && !r.has("Q-LIMIT") {
			t.Errorf("%s: nothing is said: %+v", what, r.Account)
		}
	}
}

func TestManyNames(t *testing.T) {
	// A flood of names that nobody has: a table stays at its size.
	b := NewBuilder(TableLimits{Rows: 1000})
	n := 0
	acc, fs := Read(made{func() io.Reader {
		pr, pw := io.Pipe()
		go func() {
			for i := range 50_000 {
				if _, err := io.WriteString(pw, questionLine(i, "10.1.2.3")); err != nil {
					return
				}
			}
			_ = pw.Close()
		}()
		return pr
	}}, "log", Options{}, func(e Entry) {
		b.Add(e)
		n = max(n, len(b.rows))
	})
	if x := b.Table(); acc.Taken != 50_000 || len(fs) > 0 || n > 2000 || x.Len() != 1000 || x.Queries() != 50_000 {
		t.Errorf("%+v, at most %d rows, %d at the end", acc, n, x.Len())
	}
}

func TestManyFaultsAreCounted(t *testing.T) {
	s := questionLine(1, "10.1.2.3") + strings.Repeat("rubbish\n", 500)
	r := read(t, []byte(s), Options{Limits: Limits{Shown: 3}})
	if len(r.finds) != 4 || r.finds[3].Count != 497 || !strings.Contains(r.finds[3].Found, "500") {
		t.Errorf("%s", r.text())
	}
}

func TestWhatItIsInstead(t *testing.T) {
	for head, want := range map[string]string{
		"\xfd7zXZ\x00rest": "xz -d", "BZh91AY": "bzip2 -d", "\x28\xb5\x2f\xfdrest": "zstd -d", "PK\x03\x04rest": "unzip",
		"ElfFile\x00rest": "dns.log", "$ORIGIN vn.\n@ SOA a b 1 2 3 4 5\n": Formats()[3], "\xa1\xb2\xcd\x34rest": "editcap",
	} {
		if r := read(t, []byte(head), Options{}); !r.has("Q-FORMAT") || !strings.Contains(r.text(), want) {
			t.Errorf("%q: %s", head, r.text())
		}
	}
	if r := read(t, nil, Options{}); !r.has("Q-EMPTY") || len(r.finds) != 1 {
		t.Errorf("an empty log: %s", r.text())
	}
	if r := read(t, []byte("hello\n"), Options{Format: "what"}); !r.has("Q-FORMAT") {
		t.Errorf("a format that is none: %s", r.text())
	}
	// A format that is given is taken, however late the first question comes.
	late := strings.Repeat("rubbish\n", peekLen/4) + questionLine(1, "10.1.2.3")
	if r := read(t, []byte(late), Options{Format: FormatBIND}); r.Taken != 1 {
		t.Errorf("%+v", r.Account)
	}
	if r := read(t, []byte(late), Options{}); !r.has("Q-FORMAT") {
		t.Errorf("%+v\n%s", r.Account, r.text())
	}
}

func TestErrorsOfTheDisk(t *testing.T) {
	broken := errors.New("the disk is gone")
	r := readMade(t, Options{}, func() io.Reader {
		return io.MultiReader(strings.NewReader(questionLine(1, "10.1.2.3")), failing{broken})
	})
	if r.Taken != 1 || !r.has("Q-READ") || !strings.Contains(r.text(), broken.Error()) {
		t.Errorf("%+v\n%s", r.Account, r.text())
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// fuzzSeeds are logs of every format.
func fuzzSeeds(t testing.TB) [][]byte {
	bind := []byte(questionLine(1, "10.1.2.3") + "client @0x7f 10.1.2.3#4711 (x1.vn): response: x1.vn IN A NXDOMAIN + 0 1 1 (10.0.0.1)\nJun 20 09:12:44 ns1 named[812]: client 10.1.2.3#1 (y.vn): view a b: query: y.vn IN TYPE38 +E(0) (10.0.0.1)\n\nzone x/IN: loaded\n")
	seeds := [][]byte{
		bind, zip(t, bind), windowsLog("20/06/2025 9:12:44 SA", "20/06/2025 9:12:44 SA "+winAsk, "20/06/2025 9:12:44 SA "+winReply),
		frames(t, string(dnstap.FSContentType), dnstapConversation(t)...),
		little(linkEthernet, talk(t)...), pcapFile(binary.BigEndian, true, linkEthernet, 60, talk(t)...),
		little(linkEthernet, overTCP(client4, server4, 1, tcpSYN, nil), overTCP(client4, server4, 2, tcpACK, framed(ask(t, 1, "a.vn.", 1)))),
	}
	ng := append(ngSection(binary.LittleEndian), ngFace(binary.LittleEndian, linkEthernet, 0, []byte{9, 9})...)
	for _, p := range talk(t) {
		ng = append(ng, ngEnhanced(binary.LittleEndian, 0, uint64(noon.UnixNano()), p)...)
	}
	return append(seeds, ng)
}

// FuzzRead: whatever the log, nothing panics, SEEN-SUM holds, the entries make a
// well-formed table, and that comes back from its text (SEEN-BACK).
func FuzzRead(f *testing.F) {
	for _, s := range fuzzSeeds(f) {
		for _, format := range []uint8{0, 1, 2, 3, 4} {
			f.Add(s, format)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, format uint8) {
		o := Options{
			Location: vietnam, Now: time.Date(2025, 7, 1, 0, 0, 0, 0, time.UTC),
			Limits: Limits{Line: 512, Frame: 4096, Expanded: 1 << 20, Waiting: 8, Streams: 4, Held: 4096, Shown: 3},
		}
		if format > 0 {
			o.Format = Formats()[format%4]
		}
		r := read(t, b, o)
		table := NewBuilder(TableLimits{Rows: 8, Networks: 2, Servers: 2})
		for _, e := range r.entries {
			table.Add(e)
		}
		x := table.Table()
		wellFormed(t, x)
		if x.Queries() != r.Taken {
			t.Fatalf("%d questions in the table, %d taken", x.Queries(), r.Taken)
		}
		holdBack(t, x)
		if len(r.finds) > 3+4 {
			t.Fatalf("%d findings", len(r.finds))
		}
		for _, f := range r.finds {
			if !strings.HasPrefix(f.ID, "Q-") || f.Found == "" || f.Mend == "" || f.At.IsZero() {
				t.Fatalf("a finding that says too little: %+v", f)
			}
		}
	})
}

// FuzzTable: what ReadTable takes is well-formed and comes back equal from both
// text forms.
func FuzzTable(f *testing.F) {
	x := asks(f, "a\tb", "x mail.vn A NOERROR aa : mail.vn A 10.0.0.1", "xx x.vn MX NXDOMAIN")
	f.Add(tsv(x))
	f.Add(js(x))
	f.Add(tsv(&Table{}))
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := ReadTable("saved", bytes.NewReader(b), 100)
		if err != nil {
			return
		}
		for i := 1; i < x.Len(); i++ {
			if x.rows[i-1].Key.Compare(x.rows[i].Key) >= 0 {
				t.Fatalf("row %d is out of order", i)
			}
		}
		holdBack(t, x)
		if !sameTable(Merge(x, &Table{}), Merge(x)) {
			t.Fatal("the empty table changes it")
		}
	})
}
