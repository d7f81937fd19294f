package history

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
)

// A line of the log is the head of the SHA-256 of its JSON, a blank and that
// JSON. "prev" is the same digest of the whole line before it (LOG-CHAIN).
//
//	9f86d081884c7d659a2feaa0c55ad015 {"line":2,"prev":"…","version":{…}}
type logLine struct {
	Line int    `json:"line"`
	Prev string `json:"prev,omitempty"`

	// One of these.
	Log     *formatLine  `json:"history,omitempty"`
	Version *versionLine `json:"version,omitempty"`
	File    *fileLine    `json:"file,omitempty"`
	Event   *eventLine   `json:"event,omitempty"`
}

const format = 1

// formatLine is the first line.
type formatLine struct {
	Format int  `json:"format"`
	Lost   bool `json:"lost,omitempty"` // there was a log before it, which is missing
}

type entryLine struct {
	At       time.Time `json:"at"`
	Who      string    `json:"who"`
	Why      string    `json:"why,omitempty"`
	Document string    `json:"document,omitempty"`
}

// versionHead is what the log and the version's file both say of it.
type versionHead struct {
	Zone    string `json:"zone"`
	View    string `json:"view"`
	N       int    `json:"n"`
	Parent  int    `json:"parent"`
	Base    int    `json:"base,omitempty"` // of a difference: the version that it starts from
	Serial  uint32 `json:"serial"`
	Added   int    `json:"added"`
	Removed int    `json:"removed"`
	Content string `json:"content"`
	entryLine
}

type versionLine struct {
	versionHead
	stored
	Found bool `json:"found,omitempty"` // stated again: a line of it was lost, or its file
}

// stored is a file and what it must hold.
type stored struct {
	Name   string `json:"in"`
	Octets int64  `json:"octets"`
	Sum    string `json:"sha256"`
}

type fileLine struct {
	Of string `json:"of"`
	N  int    `json:"n"`
	stored
	entryLine
	Found bool `json:"found,omitempty"`
}

type eventLine struct {
	N    int    `json:"n"`
	Kind string `json:"kind"`
	entryLine
	Zones []refLine       `json:"zones,omitempty"`
	Data  json.RawMessage `json:"data,omitempty"`
}

type refLine struct {
	Zone string `json:"zone"`
	View string `json:"view"`
	N    int    `json:"n"`
}

const sumDigits = 32

func lineSum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:sumDigits/2])
}

// encodeLine is a line without its end.
func encodeLine(l logLine) ([]byte, error) {
	j, err := marshal(l)
	if err != nil {
		return nil, err
	}
	return append([]byte(lineSum(j)+" "), j...), nil
}

func decodeLine(text []byte) (l logLine, err error) {
	sum, j, ok := bytes.Cut(text, []byte(" "))
	if !ok || lineSum(j) != string(sum) {
		return l, errors.New("its digest is another")
	}
	if err := json.Unmarshal(j, &l); err != nil {
		return l, err
	}
	if l.Line < 1 || l.Line > math.MaxInt32 {
		return l, fmt.Errorf("%d is no number of a line", l.Line)
	}
	return l, nil
}

// head is what the file of that name says: the last line of the log, or one
// before it where a crash came between the two.
type head struct {
	line int
	sum  string
}

// text is the file: the line's number, its digest, and the digest of both.
func (h head) text() string {
	s := fmt.Sprintf("%d %s", h.line, h.sum)
	return s + " " + lineSum([]byte(s)) + "\n"
}

func parseHead(b []byte) (h head, ok bool) {
	words := strings.Fields(string(b))
	if len(words) != 3 {
		return head{}, false
	}
	h.line, ok = number(words[0])
	h.sum = words[1]
	return h, ok && h.text() == string(b)
}

// walked is a log that was read.
type walked struct {
	good   []goodLine
	faults []lineFault
	size   int64  // octets up to where lines are whole
	torn   int64  // octets after them, of a line that was never committed
	last   int    // the number of the last good line
	lost   int    // how many lines after it cannot be read
	prev   string // the digest of the last line, good or not
	open   bool   // the last line lacks its end, and is not torn: it was committed
}

// goodLine is a line and where it stands, as one counts lines in the file.
type goodLine struct {
	logLine
	at int
}

type lineFault struct {
	at   int
	what string
}

// walkLog reads the lines of a log. What follows the last line end, or is
// filled up with zeros, was never committed, unless the head says that it was.
func walkLog(b []byte, h head) (w walked) {
	for physical := 1; len(b) > 0; physical++ {
		text, rest, ended := bytes.Cut(b, []byte("\n"))
		if h.line <= w.last+w.lost && (!ended || len(rest) == 0 && bytes.IndexByte(text, 0) >= 0) {
			w.torn = int64(len(b))
			return w
		}
		what := w.take(text, physical, h)
		if what == "" && !ended {
			what = "the end of the line is missing"
		}
		if what != "" {
			w.faults = append(w.faults, lineFault{physical, what})
		}
		w.prev = lineSum(text)
		w.size += int64(len(text))
		if w.open = !ended; ended {
			w.size++
		}
		b = rest
	}
	return w
}

// take reads the next line and tells what is wrong with it, or before it.
func (w *walked) take(text []byte, at int, h head) (fault string) {
	l, err := decodeLine(text)
	switch {
	case err != nil:
		w.lost++
		return "the line is damaged (" + err.Error() + ")"
	case l.Line <= w.last:
		return fmt.Sprintf("line %d comes again: it is passed over", l.Line)
	case l.Line > w.last+w.lost+1:
		fault = count(l.Line-w.last-w.lost-1, "line is", "lines are") + " missing before this one"
	case l.Prev != w.prev && w.lost == 0:
		fault = "the line before this one is not what it was"
	case l.Line == h.line && lineSum(text) != h.sum:
		fault = fmt.Sprintf("the line is not the one that the file %q names", headName)
	}
	w.good = append(w.good, goodLine{l, at})
	w.last, w.lost = l.Line, 0
	return fault
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
