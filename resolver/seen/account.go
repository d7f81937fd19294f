package seen

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// Account says what became of each unit of a log (SEEN-SUM).
type Account struct {
	File    string // as places have it
	Format  string // one of Formats; "" if it was not recognised
	Unit    string // "line", "frame" or "packet"
	In      int64  // units read
	Taken   int64  // units that are questions, each counted once
	LeftOut []Tally
	Refused []Tally
}

// Tally counts the units that share a reason. An Account's are sorted by it.
type Tally struct {
	Why   string
	Count int64
}

// Sums adds up what was left out and what was refused.
func (a Account) Sums() (leftOut, refused int64) {
	for _, t := range a.LeftOut {
		leftOut += t.Count
	}
	for _, t := range a.Refused {
		refused += t.Count
	}
	return leftOut, refused
}

// The reasons to leave a unit out.
const (
	leftEmpty     = "empty lines"
	leftOther     = "messages that are not about a question"
	leftDetails   = "headers and details"
	leftResponses = "responses to questions that were counted"
	leftOwn       = "questions that the server itself asked, and their answers"
	leftClass     = "classes other than IN"
	leftOpcode    = "opcodes other than QUERY"
	leftKind      = "dnstap messages of other kinds"
	leftPorts     = "other ports"
	leftServers   = "other servers"
	leftNotIP     = "not IP"
	leftNotUDP    = "neither UDP nor TCP"
	leftFragment  = "fragments of IP packets"
	leftTCP       = "TCP segments that complete no message"
	leftGap       = "TCP segments after a gap, or of a stream whose beginning is not there"
	leftLink      = "links of a kind that is not read"
)

// The reasons to refuse a unit.
const (
	refLong     = "longer than the limit"
	refUnknown  = "not a line of this format"
	refCutLine  = "cut short"
	refName     = "no name"
	refType     = "no type"
	refAddress  = "no address"
	refTime     = "no time"
	refMessage  = "not a DNS message"
	refSnap     = "cut by the capture's snap length"
	refPacket   = "a broken packet"
	refFrame    = "not a dnstap message"
	refEnd      = "cut off at the end of the file"
	refTruncTCP = "a broken stream"
)

// ledger gathers an Account and its findings, and hands entries on.
type ledger struct {
	o       *Options
	acc     Account
	name    string // the file as places have it
	left    map[string]int64
	refused map[string]int64
	shown   int
	finds   []finding.Finding
	take    func(Entry)
	wait    *waiting
}

func newLedger(o *Options, name string, take func(Entry)) *ledger {
	name = o.Prefix + name
	return &ledger{
		o: o, name: name, acc: Account{File: name}, take: take,
		left: map[string]int64{}, refused: map[string]int64{}, wait: newWaiting(o.Limits.Waiting),
	}
}

// place is where unit n stands; units count from 1.
func (l *ledger) place(n int64) zones.Place {
	if l.acc.Unit == "line" {
		return zones.Place{File: l.name, Line: int(n)}
	}
	return zones.Place{File: l.name + ": " + l.acc.Unit + " " + strconv.FormatInt(n, 10)}
}

// took counts a question.
func (l *ledger) took(e Entry) {
	l.acc.In++
	l.acc.Taken++
	e.Asked = true
	l.hand(e)
}

// answered counts a response: as the answer to a question that was counted, or,
// where the log does not hold that question, as a question (SEEN-ONCE).
func (l *ledger) answered(e Entry, k waitKey) {
	l.acc.In++
	if l.wait.take(k) {
		l.left[leftResponses]++
	} else {
		l.acc.Taken++
		e.Asked = true
	}
	l.hand(e)
}

func (l *ledger) hand(e Entry) {
	if e.View = strings.ToValidUTF8(e.View, "?"); e.View == "" {
		e.View = l.o.View
	}
	e.Time = sane(e.Time)
	if e.Answer != nil {
		e.Answer.Time = e.Time
	}
	if l.take != nil {
		l.take(e)
	}
}

func (l *ledger) leave(why string) {
	l.acc.In++
	l.left[why]++
}

// refuse counts a unit that is not understood, and shows the first ones.
func (l *ledger) refuse(n int64, line []byte, why, found string) {
	l.acc.In++
	l.refused[why]++
	if l.shown++; l.shown > l.o.Limits.Shown {
		return
	}
	l.finds = append(l.finds, finding.Finding{
		ID: "Q-LINE", Severity: finding.Warning, At: l.place(n), Line: excerpt(line),
		Found: "this " + l.acc.Unit + " is not counted: " + found,
		Mend:  "look whether its name matters; the others are counted",
	})
}

func (l *ledger) add(f finding.Finding) {
	if f.At.IsZero() {
		f.At = zones.Place{File: l.name}
	}
	l.finds = append(l.finds, f)
}

// close freezes the account.
func (l *ledger) close() (Account, []finding.Finding) {
	l.acc.LeftOut, l.acc.Refused = tallies(l.left), tallies(l.refused)
	if more := l.shown - l.o.Limits.Shown; more > 0 {
		var why []string
		for _, t := range l.acc.Refused {
			why = append(why, fmt.Sprintf("%s: %d", t.Why, t.Count))
		}
		l.add(finding.Finding{
			ID: "Q-LINE", Severity: finding.Warning, Count: more,
			Found: fmt.Sprintf("%d more %ss are not counted (all: %s)", more, l.acc.Unit, strings.Join(why, ", ")),
			Mend:  "look whether the format is the one that was taken (" + l.acc.Format + ")",
		})
	}
	if l.acc.Taken == 0 && !finding.Failed(l.finds) {
		l.add(finding.Finding{
			ID: "Q-EMPTY", Severity: finding.Warning, Found: "nothing was asked in this log",
			Mend: "look whether query logging was on, and whether this is the right file",
		})
	}
	return l.acc, l.finds
}

func tallies(m map[string]int64) (out []Tally) {
	for why, n := range m {
		out = append(out, Tally{why, n})
	}
	slices.SortFunc(out, func(a, b Tally) int { return cmp.Compare(a.Why, b.Why) })
	return out
}

// excerpt is the head of a line, fit for a message.
func excerpt(line []byte) string {
	const most = 200
	if len(line) <= most {
		return strings.ToValidUTF8(string(line), "\uFFFD")
	}
	line = line[:most]
	for len(line) > 0 && !utf8.RuneStart(line[len(line)-1]) {
		line = line[:len(line)-1]
	}
	return strings.ToValidUTF8(string(line), "\uFFFD") + " …"
}

// quote shows a word of a log in a message.
func quote(s string) string {
	const most = 80
	if len(s) > most {
		s = s[:most] + "…"
	}
	return strconv.Quote(strings.ToValidUTF8(s, "\uFFFD"))
}
