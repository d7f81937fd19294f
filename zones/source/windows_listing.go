package source

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// winLines reads a .dns file or a listing of dnscmd.
type winLines struct {
	r        *winReader
	lex      *winLexer
	base     zones.Name // what relative names are under
	owner    zones.Name // of the record before
	lost     bool       // that owner could not be read
	ttl      uint32     // of $TTL
	hasTTL   bool
	lists    int // listings begun
	told     int // of those, with the command that made them
	open     bool
	openAt   winSpot
	finished bool // a footer was seen
	counted  int  // records since the header
	levelAt  winSpot
}

// readLines reads all entries.
func (r *winReader) readLines() {
	l := &winLines{r: r, lex: newWinLexer(r.file.buf), base: r.origin}
	for e := (winEntry{}); !l.lex.done() && !r.full; {
		if l.message() {
			continue
		}
		l.lex.next(&e)
		l.entry(&e)
	}
	l.end()
}

// message reads a line that dnscmd writes beside the records, or a comment of
// Windows that says something.
func (l *winLines) message() bool {
	r, at := l.r, l.lex.at
	line := bytes.TrimSpace(l.lex.rest())
	if len(line) == 0 {
		l.lex.pass()
		return true
	}
	if line[0] == ';' {
		l.comment(string(line[:min(len(line), 4096)]), at)
		l.lex.pass()
		return true
	}
	if r.form.kind == formDNS || len(line) > 4096 {
		return false
	}
	low := strings.ToLower(string(line))
	switch {
	case strings.HasPrefix(low, "returned records:"):
		l.cut()
		l.lists, l.open, l.openAt = l.lists+1, true, at
		if l.lists == 1 {
			l.levelAt = at
		}
		if l.lists > 1 && l.told < l.lists {
			r.fail("V-LISTS", at, "a second listing in one file: its names are under the node that was asked for, and the file does not say which",
				"keep the lines with the dnscmd commands in the file, or list the whole zone: dnscmd /ZonePrint "+r.zoneWord()+" > FILE")
		}
		l.owner, l.lost = zones.Name{}, false
	case strings.HasPrefix(low, "command completed successfully"):
		l.open, l.finished = false, true
	case strings.HasPrefix(low, "command failed"):
		l.open, l.finished = false, true
		r.fail("V-COMMAND", at, "the server refused the command: "+quote(string(line)), "mend the command (dnscmd /EnumZones lists the zones) and list the zone again")
		l.lex.pass()
		for !l.lex.done() && len(l.lex.rest()) > 0 && (l.lex.rest()[0] == ' ' || l.lex.rest()[0] == '\t') {
			l.lex.pass() // the error's name and number
		}
		return true
	case commandOf(low) != formDNS:
		l.command(string(line), at)
	default:
		return false
	}
	l.lex.pass()
	return true
}

// comment reads what Windows says in a comment about the file.
func (l *winLines) comment(line string, at winSpot) {
	r := l.r
	if zone, _, _ := headZone(line); zone != "" && at != r.form.zoneAt {
		l.counted = 0
		if n, err := zones.ParseName(zone); err != nil || n != r.origin {
			r.fail("V-ZONE", at, "a second zone begins here: "+quote(zone), "save each zone in a file of its own")
		}
	}
	words := strings.Fields(strings.TrimLeft(line, "; \t"))
	if len(words) < 2 || !strings.EqualFold(words[0], "finished") || !strings.HasPrefix(strings.ToLower(words[1]), "zone") {
		return
	}
	l.finished, l.open = true, false
	for i := 1; i < len(words); i++ {
		if n, err := strconv.Atoi(words[i-1]); err == nil && strings.HasPrefix(strings.ToLower(words[i]), "record") && n != l.counted {
			r.warn("V-COUNT", at, fmt.Sprintf("the server counted %d records, the file has %d", n, l.counted), "list the zone again, and compare")
		}
	}
}

// command reads the command that made the listing after it.
func (l *winLines) command(line string, at winSpot) {
	r := l.r
	zone, node := commandZone(line)
	if n, err := zones.ParseName(zone); err != nil || n != r.origin {
		r.fail("V-ZONE", at, "a listing of the zone "+quote(zone)+" begins here; the source is of "+r.zoneWord(), "save each zone in a file of its own")
		return
	}
	l.cut()
	l.told = l.lists + 1
	l.base, l.owner, l.lost = r.origin, zones.Name{}, false
	switch node {
	case "", "@", ".":
		return
	}
	b, _ := r.escapes(winWord{text: []byte(node), at: at}, true)
	n, err := zones.ParseNameIn(string(b), r.origin)
	if abs, ok := dotless(b); ok && abs.Labels() > 1 && abs.Within(r.origin) && !r.origin.IsRoot() {
		r.warn("V-DOT", at, fmt.Sprintf("the node %s has no final dot and is taken to be the whole name %v", quote(node), abs), "check the names below it")
		n = abs
	}
	if err != nil || !n.Within(r.origin) {
		r.fail("V-ZONE", at, "the node "+quote(node)+" is no name of the zone", "list the node again")
		return
	}
	l.base = n
}

// cut reports a listing that another begins in.
func (l *winLines) cut() {
	if l.open {
		l.r.fail("V-CUT", l.openAt, `the listing that begins here has no end ("Command completed successfully.")`, "list the zone again, and save all of it")
	}
	l.open = false
}

// end reports what is missing when all was read.
func (l *winLines) end() {
	r := l.r
	l.cut()
	switch {
	case r.full:
	case r.form.kind == formPrint && !l.finished:
		r.fail("V-CUT", winSpot{}, `the listing has no end ("Finished zone", "Command completed successfully.")`, "list the zone again, and save all of it")
	case r.form.kind == formBare:
		r.warn("V-CUT", winSpot{}, "the listing has neither its header nor its end: nothing tells whether it is whole", "list the zone again, and save all of it: dnscmd /ZonePrint "+r.zoneWord()+" > FILE")
	case r.form.kind == formEnum && l.lists == 0 && !l.finished:
		r.fail("V-CUT", winSpot{}, "the command is there, and no listing after it", "list the zone again, and save all of it")
	case r.form.kind == formEnum && l.lists > 0:
		r.warn("V-LEVEL", l.levelAt, "dnscmd /EnumRecords lists a node and the names one label below it: those further below may be missing", "list the whole zone: dnscmd /ZonePrint "+r.zoneWord()+" > FILE")
	case r.form.kind == formDNS:
		if b := r.file.buf; len(b) > 0 && b[len(b)-1] != '\n' && r.account.In > 0 {
			last := bytes.LastIndexByte(b, '\n') + 1
			if line := bytes.TrimSpace(b[last:]); len(line) > 0 && line[0] != ';' {
				r.warn("V-CUT", winSpot{last, bytes.Count(b, []byte("\n")) + 1, last}, "the last line has no line end: the file may have been cut here", "compare it with the file on the server")
			}
		}
	}
}

// faults says what is wrong with an entry that is no record.
var faults = [...]struct{ found, mend string }{
	entryQuote: {"a quoted string is not closed on its line", `put the closing " on the same line`},
	entryOpen:  {"the parenthesis opened here is never closed", "put ) after the record's last field (a ) behind a ; is part of the comment)"},
	entryClose: {"a closing parenthesis that nothing opened", "remove it, or open one before it"},
	entryCR:    {"a carriage return that no line feed follows", "save the file with line ends CR LF"},
	entryLong:  {"a record of more words than any record has", "export the zone again"},
}

// entry reads one entry.
func (l *winLines) entry(e *winEntry) {
	r := l.r
	if len(e.words) == 0 {
		if e.fault != entryFine {
			r.fail("V-SYNTAX", e.faultAt, faults[e.fault].found, faults[e.fault].mend)
		}
		return
	}
	head := e.words[0]
	if !e.indented && !head.quoted && len(head.text) > 0 && head.text[0] == '$' && r.form.kind == formDNS {
		l.directive(e)
		return
	}
	w := &winRow{at: head.at, base: l.base}
	listing := r.form.kind != formDNS
	if listing && len(e.words) == 1 && !e.indented && e.fault == entryFine && !head.quoted {
		w.owner = head
		if _, err := zones.ParseNameIn(string(head.text), l.base); err == nil {
			b, _ := r.escapes(head, true)
			l.owner, _ = zones.ParseNameIn(string(b), l.base)
			l.lost = l.owner.IsZero()
			r.note("node", head.at)
			return
		}
	}
	if !r.count(head.at) {
		return
	}
	l.counted++
	if !l.head(e, w) {
		return
	}
	r.row(w)
}

// head reads what stands in front of the data; false when the record was refused.
func (l *winLines) head(e *winEntry, w *winRow) bool {
	r, words := l.r, e.words
	i := 0
	switch {
	case e.indented && l.lost, e.indented && l.owner.IsZero():
		what := "the line begins with a space, and there is no owner before it"
		if l.lost {
			what = "the owner of this record, which stands on a line before, could not be read"
		}
		r.bad(w, "V-OWNER", w.at, what, "write the owner at the very start of the line")
		return false
	case e.indented:
		w.name = l.owner
	default:
		w.owner = words[0]
		i = 1
		if l.lost = !r.setOwner(w); l.lost {
			return false
		}
		l.owner = w.name
	}
	if e.fault != entryFine {
		r.bad(w, "V-SYNTAX", e.faultAt, faults[e.fault].found, faults[e.fault].mend)
		return false
	}
	for ; i < len(words); i++ {
		b := words[i].text
		switch {
		case words[i].quoted || len(b) == 0:
			r.bad(w, "V-SYNTAX", words[i].at, "a text where TTL, class or type should stand", l.formMend())
			return false
		case b[0] == '[':
			age, ok := ageOf(b)
			if !ok {
				r.bad(w, "V-AGE", words[i].at, quote(string(b))+" is no age", "Windows writes [AGE:n] or [Aging:n], n in hours since 1601")
				return false
			}
			w.aged = age > 0
		case '0' <= b[0] && b[0] <= '9':
			v, err := strconv.ParseUint(string(b), 10, 32)
			if err != nil || w.hasTTL {
				r.bad(w, "V-TTL", words[i].at, quote(string(b))+" is no TTL", "write seconds")
				return false
			}
			r.ttl(w, words[i], v)
		case len(b) == 2 && strings.EqualFold(string(b), "IN"):
		case len(b) == 2 && (strings.EqualFold(string(b), "CH") || strings.EqualFold(string(b), "HS") || strings.EqualFold(string(b), "CS")):
			r.bad(w, "V-SYNTAX", words[i].at, "the class "+strings.ToUpper(string(b)), "write IN or leave the class out: zones of other classes are not served")
			return false
		default:
			w.typ, w.data = words[i], words[i+1:]
			if !w.hasTTL && l.hasTTL {
				w.ttl, w.hasTTL = l.ttl, true
			}
			return true
		}
	}
	r.bad(w, "V-SYNTAX", words[len(words)-1].at, "the line ends without a type", l.formMend())
	return false
}

// formMend says how a line of the file should look.
func (l *winLines) formMend() string {
	if l.r.form.kind == formDNS {
		return "a line is [owner] [[AGE:n]] [TTL] [IN] type data"
	}
	return "a line is [owner] [[Aging:n]] TTL type data; take away what is no record, such as a message"
}

// ageOf reads [AGE:n] and [Aging:n]. 0 means none.
func ageOf(b []byte) (uint64, bool) {
	s, ok := strings.CutSuffix(strings.ToLower(string(b)), "]")
	if !ok {
		return 0, false
	}
	n, ok := strings.CutPrefix(s, "[age:")
	if !ok {
		if n, ok = strings.CutPrefix(s, "[aging:"); !ok {
			return 0, false
		}
	}
	v, err := strconv.ParseUint(n, 10, 64)
	return v, err == nil
}

// directive reads a line that begins with $. Windows writes none; it reads
// these.
func (l *winLines) directive(e *winEntry) {
	r, word := l.r, strings.ToUpper(string(e.words[0].text))
	at := e.words[0].at
	switch {
	case e.fault != entryFine:
		r.fail("V-SYNTAX", e.faultAt, faults[e.fault].found, faults[e.fault].mend)
	case word == "$ORIGIN" && len(e.words) == 2:
		b, ok := r.escapes(e.words[1], true)
		if !ok {
			return
		}
		n, err := zones.ParseNameIn(string(b), l.base)
		if err != nil {
			r.fail("V-DIRECTIVE", e.words[1].at, "the origin "+quote(string(e.words[1].text))+": "+err.Error(), "write a name that ends with a dot")
			return
		}
		if abs, ok := dotless(b); ok && abs.Labels() > 1 && abs.Within(r.origin) && !r.origin.IsRoot() {
			r.report("V-DOT", finding.Error, e.words[1].at, fmt.Sprintf("the origin %s has no final dot and is %v", quote(string(b)), n), "put a dot behind it, or write the name under the origin before it")
			return
		}
		l.base = n
	case word == "$TTL" && len(e.words) == 2:
		v, err := strconv.ParseUint(string(e.words[1].text), 10, 32)
		if err != nil {
			r.fail("V-TTL", e.words[1].at, quote(string(e.words[1].text))+" is no TTL", "write seconds")
			return
		}
		var w winRow
		r.ttl(&w, e.words[1], v)
		l.ttl, l.hasTTL = w.ttl, true
	case word == "$INCLUDE":
		r.fail("V-DIRECTIVE", at, "$INCLUDE: Windows writes zones without it", "read this file as a master file (a source of kind file), if it is one")
	case word == "$GENERATE":
		r.fail("V-DIRECTIVE", at, "$GENERATE: Windows does not know it", "read this file as a master file (a source of kind file), if it is one")
	default:
		r.fail("V-DIRECTIVE", at, "the directive "+quote(word)+" is not known, or its arguments are wrong", "write $ORIGIN NAME or $TTL SECONDS")
	}
}
