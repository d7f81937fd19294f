package cutover

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func drawn(t *testing.T, n int) Timeline {
	rows := rapid.Custom(func(t *rapid.T) []Row { r, _ := genRows(t, 3); return r }).Example(7)
	var ws []Wave
	for i, name := range []string{"tên miền <cũ> & mới", "văn bản", "the end of old names"}[:n] {
		ws = append(ws, Wave{Name: name, At: day(9, 1).AddDate(0, 4*i, 0), Row: rows[i]})
	}
	l, err := PlanWaves(ws, Terms{
		Low: time.Second, Refresh: time.Hour, Retry: 10 * time.Minute, Parent: 24 * time.Hour, Expire: 1209600 * time.Second, Rollback: 5 * 24 * time.Hour, Notice: 7,
		Holidays: []time.Time{day(8, 30), day(8, 31), day(9, 1), day(9, 2)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestTable: each step has a row with its instant, when all have it, and what
// it changes.
func TestTable(t *testing.T) {
	for _, words := range []Words{English(), Vietnamese()} {
		for n := 1; n <= 3; n++ {
			l := drawn(t, n)
			var b bytes.Buffer
			if err := l.Table(&b, words); err != nil {
				t.Fatal(err)
			}
			rows := strings.Split(strings.TrimSpace(b.String()), "\n")
			if len(rows) != 7*n+1 {
				t.Fatalf("%d rows\n%s", len(rows), b.String())
			}
			for i, s := range l.Steps() {
				row := rows[i+1]
				for _, want := range []string{s.Wave, words.Kinds[s.Kind], words.Days[s.At.Weekday()] + " " + s.At.Format(words.Date), words.Does[s.Kind]} {
					if !strings.Contains(row, want) {
						t.Errorf("%q is not in %q", want, row)
					}
				}
				if s.Kind > Announce && s.Kind < Close && !strings.Contains(row, s.Held.Format(words.Date)) {
					t.Errorf("no %v in %q", s.Held, row)
				}
				if s.Kind == Switch && !strings.Contains(row, " e") {
					t.Errorf("the zone e changes: %q", row)
				}
				if s.Kind == Close && !strings.HasSuffix(row, "-  -  -") && !strings.Contains(row, " - ") {
					t.Errorf("nothing changes: %q", row)
				}
			}
		}
	}
}

// TestSVG: the picture is XML, says each instant, and no text leaves it.
func TestSVG(t *testing.T) {
	for _, words := range []Words{English(), Vietnamese()} {
		for n := 0; n <= 3; n++ {
			l := Timeline{}
			if n > 0 {
				l = drawn(t, n)
			}
			for _, now := range []time.Time{{}, day(1, 1), day(8, 31).Add(23 * time.Hour), day(12, 31).AddDate(9, 0, 0)} {
				var b bytes.Buffer
				if err := l.SVG(&b, words, now); err != nil {
					t.Fatal(err)
				}
				if dir := os.Getenv("HOPNHAT_DRAW"); dir != "" {
					if err := os.WriteFile(fmt.Sprintf("%s/%d-%s-%d.svg", dir, n, words.Units[0], now.Year()), b.Bytes(), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				texts := within(t, b.Bytes())
				for _, s := range l.Steps() {
					if !strings.Contains(texts, words.instant(s.At)) || !strings.Contains(texts, words.Kinds[s.Kind]) {
						t.Errorf("%v of %v is not in the picture", s.Kind, s.At)
					}
				}
				if !now.IsZero() && (!strings.Contains(texts, "\n"+words.Now+"\n") || !strings.Contains(texts, words.instant(now))) {
					t.Errorf("now is not in the picture")
				}
			}
		}
	}
}

// within reads a picture; every shape and text must lie in its box.
func within(t *testing.T, b []byte) string {
	d := xml.NewDecoder(bytes.NewReader(b))
	var width, height float64
	var texts strings.Builder
	var at *xml.StartElement
	num := func(e *xml.StartElement, name string) float64 {
		for _, a := range e.Attr {
			if a.Name.Local == name {
				f, err := strconv.ParseFloat(a.Value, 64)
				if err != nil {
					t.Fatalf("%s=%q", name, a.Value)
				}
				return f
			}
		}
		return 0
	}
	inside := func(what string, x, y, to, down float64) {
		if x < -0.5 || y < -0.5 || to > width+0.5 || down > height+0.5 {
			t.Errorf("%s from %.0f,%.0f to %.0f,%.0f, and the picture has %.0f,%.0f", what, x, y, to, down, width, height)
		}
	}
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			return texts.String()
		}
		if err != nil {
			t.Fatalf("no XML: %v", err)
		}
		switch e := tok.(type) {
		case xml.StartElement:
			c := e.Copy()
			at = &c
			switch e.Name.Local {
			case "svg":
				width, height = num(at, "width"), num(at, "height")
			case "rect":
				inside("a rectangle", num(at, "x"), num(at, "y"), num(at, "x")+num(at, "width"), num(at, "y")+num(at, "height"))
			case "line":
				inside("a line", num(at, "x1"), num(at, "y1"), num(at, "x2"), num(at, "y2"))
			case "circle":
				inside("a mark", num(at, "cx")-num(at, "r"), num(at, "cy")-num(at, "r"), num(at, "cx")+num(at, "r"), num(at, "cy")+num(at, "r"))
			}
		case xml.EndElement:
			at = nil
		case xml.CharData:
			if at == nil || at.Name.Local != "text" {
				continue
			}
			s := string(e)
			texts.WriteString(s + "\n")
			long := 0.6 * num(at, "font-size") * float64(utf8.RuneCountInString(s))
			var x, y float64
			for _, a := range at.Attr {
				if a.Name.Local == "transform" {
					if _, err := fmt.Sscanf(a.Value, "translate(%f %f) rotate(-90)", &x, &y); err != nil {
						t.Fatal(err)
					}
					inside("the text "+s, x, y-long, x, y)
				}
				if a.Name.Local == "text-anchor" {
					x, y = num(at, "x"), num(at, "y")
					if a.Value == "end" {
						x -= long
					}
					inside("the text "+s, x, y-num(at, "font-size"), x+long, y)
				}
			}
		}
	}
}
