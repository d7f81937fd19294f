package cutover

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"time"
	"unicode/utf8"

	"gialai.gov.vn/hopnhat/zones"
)

// The picture's measures, in pixels. Time runs down; each step has a row, and
// the instants between two rows lie evenly between them.
const (
	svgRow    = 52
	svgTop    = 64 // below the title
	svgPad    = 20
	svgWave   = 40 // a wave's lane
	svgZone   = 22 // a zone's lane
	svgZones  = 16 // lanes of zones; the others are counted
	svgSize   = 14 // of text
	svgSmall  = 12
	svgLetter = 0.62 // width of a letter, of the size: no face of text is wider on average
)

// Colours are seen on the picture's own white ground, whatever the page's is.
const (
	svgInk    = "#1a1a1a"
	svgGrey   = "#5f6368"
	svgLine   = "#d0d4d9"
	svgBar    = "#9db4d6"
	svgWindow = "#fdeec7"
	svgFree   = "#f6dde3"
	svgTurn   = "#b3261e"
	svgMark   = "#1f5fa8"
	svgNow    = "#12773d"
)

// present is the kind of now's row.
const present Kind = -1

// drawing is a picture as it grows.
type drawing struct {
	bytes.Buffer
	l     Timeline
	words Words
	rows  []Step     // by instant; now has one of its own, of the kind present
	zones []zones.ID // that have a lane
	more  int        // that have none
	top   float64    // of the first row
	lanes float64    // where the waves' lanes begin
	text  float64    // where the steps' words begin
	width float64
	low   float64 // the picture's height
}

// SVG draws the timeline: rows are steps, lanes are waves and zones, with the
// waits, the rollback windows, holidays, and now where it is not zero. It
// needs nothing beside it.
func (l Timeline) SVG(w io.Writer, words Words, now time.Time) error {
	d := &drawing{l: l, words: words, rows: l.Steps()}
	if !now.IsZero() {
		i := len(d.rows)
		for i > 0 && d.rows[i-1].At.After(now) {
			i--
		}
		d.rows = slices.Insert(d.rows, i, Step{Kind: present, At: now})
	}
	d.measure()
	fmt.Fprintf(d, `<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%.0f" viewBox="0 0 %[1]f %[2]f" font-family="sans-serif" role="img">`+"\n", d.width, d.low)
	d.WriteString("<title>")
	d.escape(words.Title)
	d.WriteString("</title>\n")
	d.rect(0, 0, d.width, d.low, "#ffffff")
	d.say(svgPad, 32, 18, svgInk, "start", words.Title)
	d.holidays()
	d.windows()
	d.heads()
	d.waits()
	d.steps()
	d.legend()
	d.WriteString("</svg>\n")
	_, err := w.Write(d.Bytes())
	return err
}

// measure settles where everything stands.
func (d *drawing) measure() {
	seen := map[zones.ID]bool{}
	for _, ids := range d.l.changed() {
		for _, id := range ids {
			if !seen[id] {
				seen[id] = true
				d.zones = append(d.zones, id)
			}
		}
	}
	slices.SortFunc(d.zones, zones.ID.Compare)
	if n := len(d.zones); n > svgZones {
		d.zones, d.more = d.zones[:svgZones], n-svgZones
	}
	left := 0.0
	for _, s := range d.rows {
		left = max(left, wide(d.words.instant(s.At), svgSize))
	}
	head := 0.0
	for _, id := range d.zones {
		head = max(head, wide(label(id), svgSmall))
	}
	for _, w := range d.l.waves {
		head = max(head, wide(w.name, svgSmall))
	}
	d.top = svgTop + head
	d.lanes = svgPad + left + 90 // the lengths between steps stand in it
	d.text = d.lanes + float64(len(d.l.waves)*svgWave+len(d.zones)*svgZone) + svgPad
	d.width = d.text + 300
	for _, s := range d.rows {
		d.width = max(d.width, d.text+wide(d.title(s), svgSize)+svgPad, d.text+wide(d.does(s), svgSmall)+svgPad)
	}
	for _, t := range []string{d.words.Wait, d.words.Window, d.words.Holiday, d.words.Scale} {
		d.width = max(d.width, 2*svgPad+30+wide(t, svgSmall))
	}
	d.width = max(d.width, 2*svgPad+wide(d.words.Title, 18))
	d.low = d.top + float64(max(1, len(d.rows)))*svgRow + 5*24 + svgPad
}

// title is a step's name, with its wave's.
func (d *drawing) title(s Step) string {
	if s.Kind == present {
		return d.words.Now
	}
	if s.Wave == "" {
		return d.words.Kinds[s.Kind]
	}
	return s.Wave + ": " + d.words.Kinds[s.Kind]
}

func (d *drawing) does(s Step) string {
	if s.Kind == present {
		return ""
	}
	return d.words.Does[s.Kind]
}

// wide is how much room a text needs at most.
func wide(s string, size float64) float64 {
	return float64(utf8.RuneCountInString(s)) * size * svgLetter
}

func (d *drawing) row(i int) float64 { return d.top + float64(i)*svgRow + svgRow/2 }

// at is the height of an instant: between two rows in proportion, beyond the
// ends half a row away.
func (d *drawing) at(t time.Time) float64 {
	n := len(d.rows)
	if n == 0 || t.Before(d.rows[0].At) {
		return d.top
	}
	for i := 1; i < n; i++ {
		a, b := d.rows[i-1].At, d.rows[i].At
		if t.Before(b) {
			return d.row(i-1) + svgRow*float64(t.Sub(a))/float64(b.Sub(a))
		}
	}
	if t.Equal(d.rows[n-1].At) {
		return d.row(n - 1)
	}
	return d.row(n-1) + svgRow/2
}

// lane is where a wave's lane stands.
func (d *drawing) lane(wave int) float64 { return d.lanes + (float64(wave)+0.5)*svgWave }

func (d *drawing) zone(i int) float64 {
	return d.lanes + float64(len(d.l.waves)*svgWave) + (float64(i)+0.5)*svgZone
}

func (d *drawing) rowOf(s Step) float64 {
	return d.row(slices.IndexFunc(d.rows, func(x Step) bool { return x.Wave == s.Wave && x.Kind == s.Kind }))
}

// holidays shades the days on which nobody works, each row of days once.
func (d *drawing) holidays() {
	days := slices.Clone(d.l.terms.Holidays)
	slices.SortFunc(days, time.Time.Compare)
	for i := 0; i < len(days); {
		from := midnight(days[i])
		to := from.AddDate(0, 0, 1)
		for i++; i < len(days) && !midnight(days[i]).After(to); i++ {
			to = midnight(days[i]).AddDate(0, 0, 1)
		}
		if n := len(d.rows); n == 0 || !to.After(d.rows[0].At) || !from.Before(d.rows[n-1].At) {
			continue
		}
		a, b := d.at(from), d.at(to)
		d.rect(svgPad-6, a, d.lanes-svgPad-40, max(b-a, 2), svgFree)
	}
}

// windows shades from each switch to the step after it.
func (d *drawing) windows() {
	for i, s := range d.l.served {
		if s.Kind == Switch && i+1 < len(d.l.served) {
			a, b := d.rowOf(s), d.rowOf(d.l.served[i+1])
			d.rect(d.lanes, a, d.text-d.lanes-8, b-a, svgWindow)
		}
	}
}

// heads names the lanes, and draws them.
func (d *drawing) heads() {
	if len(d.rows) == 0 {
		return
	}
	end := d.row(len(d.rows) - 1)
	head := func(x float64, name string) {
		fmt.Fprintf(d, `<text transform="translate(%.1f %.1f) rotate(-90)" font-size="%d" fill="%s">`, x+4, d.top-8, svgSmall, svgGrey)
		d.escape(name)
		d.WriteString("</text>\n")
		d.line(x, d.top, x, end, svgLine, 1)
	}
	for i, w := range d.l.waves {
		head(d.lane(i), w.name)
	}
	for i, id := range d.zones {
		head(d.zone(i), label(id))
	}
	if d.more > 0 {
		d.say(d.text, d.top-8, svgSmall, svgGrey, "start", fmt.Sprintf(d.words.More, d.more))
	}
}

// waits draws, for each step, until when caches hold what was before the one
// before it.
func (d *drawing) waits() {
	for i, w := range d.l.waves {
		for k := w.from + 1; k < w.to; k++ {
			p, s := d.l.served[k-1], d.l.served[k]
			if end := p.At.Add(s.After); s.After > 0 {
				a, b := d.rowOf(p), min(d.at(end), d.rowOf(s))
				d.rect(d.lane(i)-5, a, 10, max(b-a, 2), svgBar)
			}
		}
	}
}

func (d *drawing) steps() {
	changed := d.l.changed()
	for i, s := range d.rows {
		y := d.row(i)
		colour := svgMark
		if s.Kind == Switch {
			colour = svgTurn
		}
		d.say(svgPad, y+5, svgSize, svgInk, "start", d.words.instant(s.At))
		if i > 0 {
			d.say(d.lanes-svgPad, y-svgRow/2+4, svgSmall, svgGrey, "end", d.words.length(s.At.Sub(d.rows[i-1].At)))
		}
		if s.Kind == present {
			d.line(d.lanes-svgPad, y, d.text-8, y, svgNow, 3)
			d.say(d.text, y+5, svgSize, svgNow, "start", d.title(s))
			continue
		}
		wave := slices.IndexFunc(d.l.waves, func(w wave) bool { return w.name == s.Wave })
		d.line(d.lanes-svgPad, y, d.text-8, y, svgLine, 1)
		fmt.Fprintf(d, `<circle cx="%.1f" cy="%.1f" r="7" fill="%s"/>`+"\n", d.lane(wave), y, colour)
		for k, x := range d.l.served {
			if x.Wave != s.Wave || x.Kind != s.Kind {
				continue
			}
			for n, id := range d.zones {
				if slices.Contains(changed[k], id) {
					fmt.Fprintf(d, `<circle cx="%.1f" cy="%.1f" r="4" fill="%s"/>`+"\n", d.zone(n), y, colour)
				}
			}
		}
		d.say(d.text, y-2, svgSize, colour, "start", d.title(s))
		d.say(d.text, y+14, svgSmall, svgGrey, "start", d.does(s))
	}
}

func (d *drawing) legend() {
	y := d.low - 4*24 - svgPad
	for _, e := range []struct{ colour, text string }{{svgBar, d.words.Wait}, {svgWindow, d.words.Window}, {svgFree, d.words.Holiday}, {"", d.words.Scale}} {
		if e.colour != "" {
			d.rect(svgPad, y-10, 22, 12, e.colour)
		}
		d.say(svgPad+30, y, svgSmall, svgGrey, "start", e.text)
		y += 24
	}
}

func (d *drawing) rect(x, y, w, h float64, colour string) {
	fmt.Fprintf(d, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>`+"\n", x, y, w, h, colour)
}

func (d *drawing) line(x, y, to, down float64, colour string, thick int) {
	fmt.Fprintf(d, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s" stroke-width="%d"/>`+"\n", x, y, to, down, colour, thick)
}

func (d *drawing) say(x, y, size float64, colour, anchor, s string) {
	fmt.Fprintf(d, `<text x="%.1f" y="%.1f" font-size="%.0f" fill="%s" text-anchor="%s">`, x, y, size, colour, anchor)
	d.escape(s)
	d.WriteString("</text>\n")
}

func (d *drawing) escape(s string) { _ = xml.EscapeText(d, []byte(s)) } // a buffer takes all
