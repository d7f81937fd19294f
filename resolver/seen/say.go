package seen

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// shownNames is how many names stand in a message that speaks of many.
const shownNames = 5

// Findings says what a person should look at, at most most findings of an id;
// what is more is counted in one.
func (c *Comparison) Findings(most int) []finding.Finding {
	var out []finding.Finding
	first := func(id string, sev finding.Severity, class Class, say func(Asked) finding.Finding) {
		as := c.Of(class)
		n := min(max(most, 0), len(as))
		for _, a := range as[:n] {
			f := say(a)
			f.ID, f.Severity = id, sev
			if class == Missing && a.Gravity() == Denied {
				f.Severity = finding.Note
			}
			out = append(out, f)
		}
		if rest := as[n:]; len(rest) > 0 {
			if class == Missing && rest[0].Gravity() == Denied {
				sev = finding.Note
			}
			out = append(out, finding.Finding{
				ID: id, Severity: sev, Count: len(rest),
				Found: fmt.Sprintf("%s like these, asked %s in all: %s", num(len(rest), "more name", "more names"), times(total(rest)), someNames(rest)),
				Mend:  "look at the whole list",
			})
		}
	}
	first("Q-MISSING", finding.Warning, Missing, sayMissing)
	first("Q-SPELL", finding.Note, Misspelt, func(a Asked) finding.Finding {
		return finding.Finding{
			Found: a.what() + " was " + a.asked() + "; it looks like " + a.Near.Text() + " misspelt; " + a.said(),
			Mend:  "tell those who ask, or give the name a record of its own",
		}
	})
	for _, g := range grouped(c.Of(Wild), func(a Asked) groupKey { return groupKey{zone: a.Zone, near: a.Near} }) {
		out = append(out, finding.Finding{
			ID: "Q-WILD", Severity: finding.Note, Count: len(g),
			Found: fmt.Sprintf("the wildcard %s in the zone %s answers %s, asked %s in all: %s",
				g[0].Near.Text(), g[0].Zone, num(len(g), "name", "names"), times(total(g)), someNames(g)),
			Mend: "see that each of them may keep its answer; give those that matter a record of their own",
		})
	}
	if as := c.Of(Foreign); len(as) > 0 {
		out = append(out, finding.Finding{
			ID: "Q-FOREIGN", Severity: finding.Note, Count: len(as),
			Found: fmt.Sprintf("%s outside all zones, asked %s in all: %s", num(len(as), "name", "names"), times(total(as)), someNames(as)),
			Mend:  "if the old server resolves for others, they need another resolver; if it served these names, a source is lacking",
		})
	}
	for _, g := range grouped(c.Of(Reverse), func(a Asked) groupKey { return groupKey{name: reverseNet(a.Name)} }) {
		out = append(out, finding.Finding{
			ID: "Q-REVERSE", Severity: finding.Note, Count: len(g),
			Found: fmt.Sprintf("%s at or below %s, which lies in no zone, asked %s in all: %s",
				num(len(g), "name", "names"), reverseNet(g[0].Name).Text(), times(total(g)), someNames(g)),
			Mend: "if these addresses are yours, make their reverse zone",
		})
	}
	return append(limited(out, most), c.sayUnasked()...)
}

func sayMissing(a Asked) finding.Finding {
	f := finding.Finding{Found: a.what() + " was " + a.asked() + ", and stands in no source; " + a.said()}
	switch {
	case !a.Near.IsZero():
		f.Found += "; it looks like " + a.Near.Text()
		fallthrough
	case a.Gravity() == Unknown:
		f.Mend = "ask the old server for it while it stands, and those who ask what they want"
	case a.Gravity() == Denied:
		f.Mend = "nothing breaks; see whether those who ask have an old address in their settings"
	default:
		f.Mend = "bring in its record, or the source that has it, before the old server goes"
	}
	return f
}

// sayUnasked has one finding for each zone.
func (c *Comparison) sayUnasked() []finding.Finding {
	if len(c.Asked) == 0 { // an empty table says nothing about anything
		return nil
	}
	var out []finding.Finding
	for us := c.Unasked; len(us) > 0; {
		n := 1
		for n < len(us) && us[n].Zone == us[0].Zone {
			n++
		}
		found := fmt.Sprintf("%s of the zone %s not asked for", num(n, "name", "names"), us[0].Zone)
		if c.Lost.Floor > 0 {
			found = fmt.Sprintf("%s of the zone %s asked for %s or less", num(n, "name", "names"), us[0].Zone, times(c.Lost.Floor))
		}
		if !c.First.IsZero() {
			found += " from " + day(c.First) + " to " + day(c.Last)
		}
		names := each(us[:min(n, shownNames)], func(u Unasked) string { return u.Name.Text() })
		out = append(out, finding.Finding{
			ID: "Q-NEVER", Severity: finding.Note, At: us[0].From.Place, Count: n,
			Found: found + ": " + strings.Join(names, ", ") + more(n-len(names)),
			Mend:  "see whether they are still needed; a log of some days does not tell",
		})
		us = us[n:]
	}
	return out
}

// what names what was asked.
func (a Asked) what() string {
	s := a.Name.Text() + " " + strings.Join(each(a.Types[:min(len(a.Types), shownNames)], zones.Type.String), ", ") +
		more(len(a.Types)-shownNames)
	if a.View != "" {
		s += " (view " + quote(a.View) + ")"
	}
	return s
}

// asked says how often, when last and by whom.
func (a Asked) asked() string {
	s := "asked " + times(a.Count)
	if a.Count == 0 { // only its answer was kept
		s = "answered"
	}
	if !a.Last.IsZero() {
		s += ", last on " + day(a.Last)
	}
	nets := slices.Clone(a.Networks)
	slices.SortFunc(nets, func(x, y Network) int {
		return cmp.Or(cmp.Compare(y.Count, x.Count), comparePrefix(x.Prefix, y.Prefix))
	})
	if n := min(3, len(nets)); n > 0 {
		s += ", by " + strings.Join(each(nets[:n], func(n Network) string { return n.Prefix.String() }), ", ")
		switch rest := len(nets) - n; {
		case a.OtherNets > 0:
			s += " and more networks"
		case rest > 0:
			s += fmt.Sprintf(" and %d more networks", rest)
		}
	}
	return s
}

// said tells the old server's answer.
func (a Asked) said() string {
	switch {
	case a.Answer == nil:
		return "the log does not tell the old server's answer"
	case len(a.Answer.Records) > 0:
		ls := a.Answer.Lines()
		n := min(3, len(ls))
		return "the old server answered " + strings.Join(ls[:n], ", ") + more(len(ls)-n+a.Answer.More)
	case a.Answer.More > 0:
		return "the old server answered with " + num(a.Answer.More, "record that is", "records that are") + " not held"
	}
	return "the old server answered " + RcodeName(a.Answer.Rcode)
}

func num(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func times(n int64) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

func more(n int) string {
	if n <= 0 {
		return ""
	}
	return fmt.Sprintf(" and %d more", n)
}

func total(as []Asked) (n int64) {
	for _, a := range as {
		n = plus(n, a.Count)
	}
	return n
}

// someNames shows those asked most.
func someNames(as []Asked) string {
	as = slices.Clone(as)
	slices.SortFunc(as, func(a, b Asked) int { return byCount(a.Row, b.Row) })
	n := min(shownNames, len(as))
	return strings.Join(each(as[:n], func(a Asked) string { return a.Name.Text() }), ", ") + more(len(as)-n)
}

// grouped puts those together that share a key, the groups asked most first.
func grouped(as []Asked, key func(Asked) groupKey) [][]Asked {
	at := map[groupKey]int{}
	var out [][]Asked
	for _, a := range as {
		i, ok := at[key(a)]
		if !ok {
			i = len(out)
			at[key(a)] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], a)
	}
	slices.SortStableFunc(out, func(a, b []Asked) int {
		return cmp.Or(cmp.Compare(total(b), total(a)), a[0].Name.Compare(b[0].Name))
	})
	return out
}

// reverseNet is the name of the /24 or the /64 around a reverse name, or the
// name itself where it is shorter.
func reverseNet(n zones.Name) zones.Name {
	most := arpa4.Labels() + 3
	if n.Within(arpa6) {
		most = arpa6.Labels() + 16
	}
	for n.Labels() > most {
		n, _ = n.Parent()
	}
	return n
}

// limited keeps the first findings of the ids that come in groups.
func limited(fs []finding.Finding, most int) []finding.Finding {
	seen, over := map[string]int{}, map[string]int{}
	out := fs[:0]
	for _, f := range fs {
		if f.ID == "Q-WILD" || f.ID == "Q-REVERSE" {
			if seen[f.ID]++; seen[f.ID] > max(most, 0) {
				over[f.ID]++
				continue
			}
		}
		out = append(out, f)
	}
	for _, id := range []string{"Q-WILD", "Q-REVERSE"} {
		if n := over[id]; n > 0 {
			out = append(out, finding.Finding{
				ID: id, Severity: finding.Note, Count: min(n, math.MaxInt32),
				Found: fmt.Sprintf("%d more findings like these", n), Mend: "look at the whole list",
			})
		}
	}
	return out
}
