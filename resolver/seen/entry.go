package seen

import (
	"net/netip"
	"slices"
	"time"

	"gialai.gov.vn/hopnhat/zones"
)

// Entry is what one line, frame or packet tells.
type Entry struct {
	At     zones.Place // file:line, or "file: packet 7" in File
	Time   time.Time   // UTC; zero if the log does not say
	Client netip.Addr  // who asked; zero if not known
	Server netip.Addr  // the address that was asked; zero if not known
	View   string      // the old server's name of the view, or Options.View
	Name   zones.Name
	Type   zones.Type
	Asked  bool    // a question; false: the answer to one that has counted already
	Answer *Answer // what the server said; nil if this does not tell
}

// Answer is what a server said to one question.
type Answer struct {
	Time    time.Time // UTC; zero if the log does not say
	Rcode   int       // RFC 1035 4.1.1; the four bits of the header
	AA      bool
	Records []zones.Record // the answer section, sorted; no provenance
	More    int            // records that are not held: past a limit, cut or broken
}

// positive tells whether the answer held records.
func (a *Answer) positive() bool { return a != nil && len(a.Records)+a.More > 0 }

// DateOrder says how a date such as 5/6/2025 is meant.
type DateOrder uint8

// The orders. DateAuto tells them apart by the file, or fails.
const (
	DateAuto DateOrder = iota
	DayFirst
	MonthFirst
)

// The formats, as Options.Format and Account.Format have them.
const (
	FormatBIND    = "bind"
	FormatWindows = "windows"
	FormatDNSTap  = "dnstap"
	FormatCapture = "capture"
)

// Formats lists the formats that Read knows.
func Formats() []string { return []string{FormatBIND, FormatWindows, FormatDNSTap, FormatCapture} }

// Options say how to read a log. The zero value is good for one whose times
// are UTC and complete.
type Options struct {
	Prefix    string         // goes before the file's name in places
	Format    string         // one of Formats; "" tells it by the content
	Location  *time.Location // of times without a zone; nil is UTC
	Now       time.Time      // times without a year are the last ones before it
	DateOrder DateOrder      // of the Windows log
	View      string         // for logs that name no view
	Ports     []uint16       // in captures; nil is 53
	Servers   []netip.Addr   // in captures and dnstap: only questions to these; nil is all
	Limits    Limits
}

// Limits bound what a log may cost. A zero field stands for the default.
type Limits struct {
	Line     int   // octets of a line; longer ones are refused: 65536
	Frame    int   // octets of a dnstap frame or a captured packet: 262144
	Expanded int64 // octets that a gzip file may grow to: 2^38
	Ratio    int64 // how many times its own size, once past 64 MiB: 200
	Waiting  int   // questions that wait for their answer: 16384
	Streams  int   // TCP streams followed at one time: 4096
	Held     int   // octets held in all of them: 16 MiB
	Shown    int   // refused units that are shown with their place: 10
}

func (l Limits) orDefault() Limits {
	set := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	set(&l.Line, 1<<16)
	set(&l.Frame, 1<<18)
	set(&l.Waiting, 1<<14)
	set(&l.Streams, 1<<12)
	set(&l.Held, 1<<24)
	set(&l.Shown, 10)
	if l.Expanded <= 0 {
		l.Expanded = 1 << 38
	}
	if l.Ratio <= 0 {
		l.Ratio = 200
	}
	return l
}

func (o Options) orDefault() Options {
	o.Limits = o.Limits.orDefault()
	if o.Location == nil {
		o.Location = time.UTC
	}
	if len(o.Ports) == 0 {
		o.Ports = []uint16{53}
	}
	return o
}

// wants tells whether questions to a server are to be taken.
func (o *Options) wants(server netip.Addr) bool {
	return len(o.Servers) == 0 || slices.Contains(o.Servers, server)
}
