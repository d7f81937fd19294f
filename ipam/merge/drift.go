package merge

import (
	"fmt"
	"iter"
	"maps"
	"slices"

	"gialai.gov.vn/hopnhat/ipam"
)

// Known is what stands at places, by place.
type Known map[ipam.Place]ipam.Allocation

// Alter is an allocation that says something else than before.
type Alter struct{ Old, New ipam.Allocation }

// Clash is a place where the plan and the book have both moved on, each its
// own way. An allocation without a place is none.
type Clash struct {
	Plan, Book ipam.Allocation
	Found      string // what is wrong, without a full stop
}

// Drift is what an import would change in a book (DRIFT-THREE). All lists are
// by place.
type Drift struct {
	Adds    []ipam.Allocation
	Drops   []ipam.Allocation
	Alters  []Alter
	Kept    []ipam.Place // changed in the book since the last import, and not in the plan: left alone
	Clashes []Clash
	Same    int // places that plan and book agree on
}

// Compare holds a plan against a book, where base is what the last import of
// the same plan brought: what the plan changed since then is taken over, what
// the book changed since then stays, and where both did, and not alike, it is a
// clash.
func Compare(base, plan, book Known) Drift {
	var out Drift
	places := maps.Clone(base)
	maps.Copy(places, plan)
	for _, at := range slices.SortedFunc(maps.Keys(places), ipam.Place.Compare) {
		b, inBase := base[at]
		p, inPlan := plan[at]
		k, inBook := book[at]
		same := func(ok1, ok2 bool, x, y ipam.Allocation) bool { return ok1 == ok2 && (!ok1 || x.Equal(y)) }
		switch {
		case same(inPlan, inBook, p, k):
			if inPlan {
				out.Same++
			}
		case same(inPlan, inBase, p, b):
			out.Kept = append(out.Kept, at)
		case !same(inBook, inBase, k, b):
			c := Clash{Plan: p, Book: k}
			switch {
			case !inPlan:
				c.Found = fmt.Sprintf("%v was taken out of the plan, and in the book it was changed since", at)
			case !inBook:
				c.Found = fmt.Sprintf("%v was changed in the plan, and in the book it was given back", at)
			case !inBase:
				c.Found = fmt.Sprintf("%v is in the book already, and says something else there: %s", at, Differs(k, p))
			default:
				c.Found = fmt.Sprintf("%v was changed in the plan and in the book: %s", at, Differs(k, p))
			}
			out.Clashes = append(out.Clashes, c)
		case !inPlan:
			out.Drops = append(out.Drops, k)
		case !inBook:
			out.Adds = append(out.Adds, p)
		case !k.Status.CanBecome(p.Status):
			out.Clashes = append(out.Clashes, Clash{p, k, fmt.Sprintf("%v is %v and cannot become %v (STATUS-WAY)", at, k.Status, p.Status)})
		default:
			out.Alters = append(out.Alters, Alter{k, p})
		}
	}
	return out
}

// Changes makes the drift one event's changes: what goes, what changes, what
// comes.
func (d Drift) Changes() []ipam.Change {
	var out []ipam.Change
	for _, a := range slices.Backward(d.Drops) { // inner before outer
		out = append(out, ipam.Change{Op: ipam.Drop, From: a.Place})
	}
	for _, a := range d.Alters {
		out = append(out, ipam.Change{Op: ipam.Alter, Allocation: a.New})
	}
	for _, a := range d.Adds {
		out = append(out, ipam.Change{Op: ipam.Add, Allocation: a})
	}
	return out
}

// Brought is what the last import of a document left, by the events of a
// journal: those of the verb Import that name it.
func Brought(events iter.Seq2[ipam.Event, error], document string) (Known, error) {
	out := Known{}
	for e, err := range events {
		if err != nil {
			return nil, err
		}
		if e.Verb != ipam.Import || e.Document != document {
			continue
		}
		for _, c := range e.Changes {
			switch c.Op {
			case ipam.Add, ipam.Alter:
				out[c.Allocation.Place] = c.Allocation
			case ipam.Drop:
				delete(out, c.From)
			}
		}
	}
	return out, nil
}

// Differs says in which fields two allocations differ, "was → is" each.
func Differs(was, is ipam.Allocation) string {
	text := func(a ipam.Allocation) []string {
		return []string{
			a.Status.String(), a.Holder.Code.String(), a.Holder.Unit, a.Site, a.System, a.Provider, a.Authority, a.Note,
			a.Since.String(), a.Until.String(), fmt.Sprintf("%q", a.Documents), fmt.Sprintf("%q", a.Names),
		}
	}
	names := []string{"status", "code", "unit", "site", "system", "provider", "authority", "note", "since", "until", "documents", "names"}
	old, now := text(was), text(is)
	out := ""
	for i, n := range names {
		if old[i] != now[i] {
			if out != "" {
				out += "; "
			}
			out += fmt.Sprintf("%s %s → %s", n, orNone(old[i]), orNone(now[i]))
		}
	}
	return out
}

func orNone(s string) string {
	if s == "" || s == "[]" {
		return "none"
	}
	return s
}
