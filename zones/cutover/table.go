package cutover

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"gialai.gov.vn/hopnhat/zones"
)

// Line is a step with the zones that change at it, serials included.
type Line struct {
	Step
	Changed []zones.ID
}

// Lines gives all steps by instant, each with what it changes.
func (l Timeline) Lines() []Line {
	var lines []Line
	changed := l.changed()
	for _, s := range l.all {
		line := Line{Step: s}
		for i, x := range l.served {
			if x.Wave == s.Wave && x.Kind == s.Kind {
				line.Changed = changed[i]
			}
		}
		lines = append(lines, line)
	}
	return lines
}

// changed gives the zones that each step served changes.
func (l Timeline) changed() [][]zones.ID {
	var all [][]zones.ID
	was := l.before
	for _, s := range l.served {
		var ids []zones.ID
		for z := range s.World.All() {
			if o := was.Zone(z.ID()); o == nil || !o.Equal(z) {
				ids = append(ids, z.ID())
			}
		}
		for z := range was.All() {
			if s.World.Zone(z.ID()) == nil {
				ids = append(ids, z.ID())
			}
		}
		all, was = append(all, ids), s.World
	}
	return all
}

// named is how many zones a row of the table names.
const named = 3

// Table writes the steps as a table, each instant in its own time zone.
func (l Timeline) Table(w io.Writer, words Words) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	waves := len(l.waves) > 1 || len(l.waves) == 1 && l.waves[0].name != ""
	row := func(wave string, cells ...string) {
		if waves {
			cells = append([]string{wave}, cells...)
		}
		for i, c := range cells {
			cells[i] = strings.Map(plainRune, c)
		}
		fmt.Fprintln(t, strings.Join(cells, "\t"))
	}
	row(words.Wave, words.Step, words.Instant, words.What, words.Zones, words.Held, words.Away)
	for _, s := range l.Lines() {
		held, alone := "-", "-"
		if s.Held.After(s.At) {
			held = words.instant(s.Held)
		}
		if s.Alone.After(s.At) {
			alone = words.instant(s.Alone)
		}
		row(s.Wave, words.Kinds[s.Kind], words.instant(s.At), words.Does[s.Kind], words.list(s.Changed), held, alone)
	}
	return t.Flush()
}

// list names the first zones, and counts the others.
func (w Words) list(ids []zones.ID) string {
	if len(ids) == 0 {
		return "-"
	}
	var names []string
	for _, id := range ids[:min(named, len(ids))] {
		names = append(names, label(id))
	}
	if more := len(ids) - named; more > 0 {
		names = append(names, fmt.Sprintf(w.More, more))
	}
	return strings.Join(names, ", ")
}

// label names a zone, with its view where that is not the one of all.
func label(id zones.ID) string {
	if id.View == zones.Internet {
		return id.Origin.Text()
	}
	return id.String()
}

// plainRune leaves out what would break a row.
func plainRune(r rune) rune {
	if r < ' ' || r == 0x7f {
		return ' '
	}
	return r
}
