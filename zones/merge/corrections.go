package merge

import (
	"fmt"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// The signs of corrections.
const (
	Add    = '+' // an RRset comes
	Remove = '-' // an RRset goes
	Change = '~' // an RRset changes its data or TTL
	Move   = '>' // an RRset served today goes to another name
)

// Correction is one step from the world before to the world after, with a
// sentence for people. Applying all of them, each by its records, makes the
// world after of the world before.
type Correction struct {
	Sign     rune
	Zone     zones.ID
	Key      zones.Key
	From, To string // data and TTL before and after, as text; with Move the old and the new name
	Sentence string
	Removed  []zones.Record
	Added    []zones.Record
}

// String gives "sign zone: sentence".
func (c Correction) String() string { return fmt.Sprintf("%c %s", c.Sign, c.Sentence) }

// corrections lists the differences of the two worlds, zone by zone.
func (m *merger) corrections() []Correction {
	whys := map[zones.Place]string{}
	for _, d := range m.in.Mapping.Decisions {
		whys[d.At] = d.Why
	}
	froms := map[setKey]string{} // an arrival's sentence
	for _, e := range m.ledger.entries {
		if e.Stands() {
			k := setKey{e.Target, zones.Key{Owner: e.New.Owner, Type: e.New.Type}}
			if froms[k] == "" {
				froms[k] = fmt.Sprintf("from %s (%v)%s", e.Record.Owner.Text(), e.Record.From.Place,
					by("rule", e.Rule, e.Why)+by("decision", e.Decision, whys[e.Decision]))
			}
		}
	}
	gone := map[setKey]string{} // why a target's RRset goes or moves
	for _, t := range m.ledger.traces {
		k := setKey{t.Zone, zones.Key{Owner: t.Record.Owner, Type: t.Record.Type}}
		if t.Fate == Removed || t.Fate == Moved {
			gone[k] = by("decision", t.Decision, t.Why)
		}
	}
	var cs []Correction
	for z := range m.before.All() {
		n := m.after.Zone(z.ID())
		if n == z {
			continue
		}
		d := &differ{merger: m, froms: froms, gone: gone, id: z.ID()}
		_, d.old = m.source[z.ID()]
		cs = append(cs, d.zone(z, n)...)
	}
	return cs
}

// by says which line of the mapping did it, and why; "" where none did.
func by(what string, at zones.Place, why string) string {
	if at.IsZero() {
		return ""
	}
	s := fmt.Sprintf(", by the %s at %v", what, at)
	if why != "" {
		s += " (" + why + ")"
	}
	return s
}

type differ struct {
	*merger
	froms, gone map[setKey]string
	id          zones.ID
	old         bool // an old zone
}

func (d *differ) zone(z, n *zones.Zone) []Correction {
	var cs []Correction
	delta := zones.Diff(z, n)
	removed, added := split(delta.Removed), split(delta.Added)
	i, j := 0, 0
	for i < len(removed) || j < len(added) {
		var out, in []zones.Record
		c := 0
		if i < len(removed) && j < len(added) {
			c = keyOf(removed[i]).Compare(keyOf(added[j]))
		} else if i == len(removed) {
			c = 1
		} else {
			c = -1
		}
		if c <= 0 {
			out = removed[i]
			i++
		}
		if c >= 0 {
			in = added[j]
			j++
		}
		cs = append(cs, d.correction(z, n, out, in))
	}
	return d.joinMoves(cs)
}

// joinMoves makes one step of an RRset's going and its coming elsewhere in
// the zone.
func (d *differ) joinMoves(cs []Correction) []Correction {
	removal := map[zones.Key]int{}
	for i, c := range cs {
		if c.Sign == Remove {
			removal[c.Key] = i
		}
	}
	joined := map[int]bool{}
	for i, c := range cs {
		if from := d.movedTo[setKey{d.id, c.Key}]; c.Sign == Move && from[0].zone == d.id {
			if j, ok := removal[from[0].key]; ok {
				cs[i].Removed = cs[j].Removed
				joined[j] = true
			}
		}
	}
	out := cs[:0]
	for i, c := range cs {
		if !joined[i] {
			out = append(out, c)
		}
	}
	return out
}

func keyOf(rs []zones.Record) zones.Key { return zones.Key{Owner: rs[0].Owner, Type: rs[0].Type} }

// split cuts records in canonical order by RRset.
func split(rs []zones.Record) (out [][]zones.Record) {
	for i := 0; i < len(rs); {
		j := i
		for j < len(rs) && rs[j].Owner == rs[i].Owner && rs[j].Type == rs[i].Type {
			j++
		}
		out = append(out, rs[i:j:j])
		i = j
	}
	return out
}

func (d *differ) correction(z, n *zones.Zone, out, in []zones.Record) Correction {
	c := Correction{Zone: d.id, Removed: out, Added: in}
	if len(out) > 0 {
		c.Key = keyOf(out)
	} else {
		c.Key = keyOf(in)
	}
	k := setKey{d.id, c.Key}
	was, _ := z.Lookup(c.Key.Owner, c.Key.Type)
	is, _ := n.Lookup(c.Key.Owner, c.Key.Type)
	c.From, c.To = dataText(was), dataText(is)
	where := fmt.Sprintf("%v in %v", c.Key, d.id)
	switch {
	case was.IsZero():
		c.Sign = Add
		if f := d.arrivals(k); f != "" {
			c.Sentence = fmt.Sprintf("%s comes %s", where, f)
		} else if from := d.movedTo[k]; len(from) > 0 {
			c.Sign, c.From = Move, from[0].key.Owner.Text()
			c.To = c.Key.Owner.Text()
			c.Sentence = fmt.Sprintf("%s takes the records of %s%s", where, from[0].key.Owner.Text(), d.gone[from[0]])
		} else {
			c.Sentence = where + " becomes an alias of its new name"
		}
	case is.IsZero():
		c.Sign = Remove
		c.Sentence = where + " goes" + d.gone[k]
		if f, ok := d.fates[k]; ok && !f.gone {
			c.Sentence = fmt.Sprintf("%s moves to %s%s", where, f.at.Text(), d.gone[k])
		} else if d.old {
			c.Sentence = where + d.ending(n, c.Key)
		}
	case c.Key.Type == zones.TypeSOA:
		c.Sign, c.Sentence = Change, fmt.Sprintf("%s gets the serial %d, it had %d", where, n.Serial(), z.Serial())
	default:
		c.Sign = Change
		switch f := d.froms[k]; {
		case d.old:
			c.Sentence = where + " follows its new name"
		case f != "":
			c.Sentence = fmt.Sprintf("%s changes: records come %s", where, f)
			if d.gone[k] != "" {
				c.Sentence += ", in place of those that stand today"
			}
		default:
			c.Sentence = where + " follows a name that moved"
		}
	}
	return c
}

// ending says why an RRset of an old zone ends.
func (d *differ) ending(n *zones.Zone, k zones.Key) string {
	for _, x := range d.in.Mapping.Exceptions {
		if x.Name == k.Owner && (x.Type == 0 || x.Type == k.Type) && (x.View == "" || x.View == d.id.View) {
			return " ends" + by("exception", x.At, x.Why)
		}
	}
	if _, ok := n.Lookup(k.Owner, zones.TypeCNAME); ok {
		return " gives way to an alias of its new name"
	}
	return " is not at the new name any more"
}

// arrivals says where a new RRset comes from, "" if from no source.
func (d *differ) arrivals(k setKey) string {
	if d.old {
		return ""
	}
	return d.froms[k]
}

// dataText writes an RRset's TTL and data on one line.
func dataText(s zones.RRset) string {
	if s.IsZero() {
		return ""
	}
	parts := make([]string, s.Len())
	for i := range parts {
		parts[i] = rdata.Text(s.Type(), s.Data(i))
	}
	return fmt.Sprintf("%d %s", s.TTL(), strings.Join(parts, " | "))
}

// Counts says how many corrections have each sign.
type Counts struct{ Add, Remove, Change, Move int }

// Count counts corrections by sign.
func Count(cs []Correction) (n Counts) {
	for _, c := range cs {
		switch c.Sign {
		case Add:
			n.Add++
		case Remove:
			n.Remove++
		case Change:
			n.Change++
		case Move:
			n.Move++
		}
	}
	return n
}

// String gives the line that ends a plan.
func (n Counts) String() string {
	return fmt.Sprintf("+ %d to add, - %d to remove, ~ %d to change, > %d to move", n.Add, n.Remove, n.Change, n.Move)
}
