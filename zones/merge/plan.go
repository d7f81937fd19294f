package merge

import (
	"crypto/sha256"
	"fmt"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/mapping"
)

// Plan is what a mapping makes of a world and its sources. It is immutable,
// and a function of its input alone (PLAN-PURE).
type Plan struct {
	before, after zones.World
	ledger        Ledger
	conflicts     []Conflict
	cuts          []Cut
	corrections   []Correction
	publishable   bool
	input         zones.Digest
}

// Before returns the world of before the cutover: what is served today, with
// the sources' zones as they are.
func (p *Plan) Before() zones.World { return p.before }

// After returns the world of after the cutover. Zones that do not change are
// the same values as in Before.
func (p *Plan) After() zones.World { return p.after }

// Ledger returns what became of each record.
func (p *Plan) Ledger() Ledger { return p.ledger }

// Conflicts returns every question, decided or open, by zone and name. The
// slice must not be changed.
func (p *Plan) Conflicts() []Conflict { return p.conflicts[:len(p.conflicts):len(p.conflicts)] }

// Cuts returns every delegation of every source, by source and name. The
// slice must not be changed.
func (p *Plan) Cuts() []Cut { return p.cuts[:len(p.cuts):len(p.cuts)] }

// Corrections returns the steps from Before to After in canonical order: by
// view, zone, owner and type. The slice must not be changed.
func (p *Plan) Corrections() []Correction {
	return p.corrections[:len(p.corrections):len(p.corrections)]
}

// Publishable tells whether no conflict is open and no finding blocks.
func (p *Plan) Publishable() bool { return p.publishable }

// Open counts the conflicts that no decision settles.
func (p *Plan) Open() (n int) {
	for _, c := range p.conflicts {
		if !c.Settled {
			n++
		}
	}
	return n
}

// Input identifies what the plan was made from: the zones' content and the
// mapping, without the places in files. A plan is void when it changes.
func (p *Plan) Input() zones.Digest { return p.input }

// Digest identifies input and result.
func (p *Plan) Digest() zones.Digest {
	h := sha256.New()
	after := p.after.Digest()
	h.Write(p.input[:])
	h.Write(after[:])
	return zones.Digest(h.Sum(nil))
}

func inputDigest(before zones.World, srcs []Source, mp mapping.Mapping) zones.Digest {
	h := sha256.New()
	d := before.Digest()
	h.Write(d[:])
	say := func(parts ...any) { // %q keeps the parts apart
		for _, p := range parts {
			fmt.Fprintf(h, "%q ", fmt.Sprint(p))
		}
		fmt.Fprintln(h)
	}
	note := func(n mapping.Note) { say(n.Why, n.By, n.Doc) }
	for _, s := range srcs {
		say("source", s.Name, s.Zone.ID())
	}
	say("cutover", mp.Cutover.Unix(), mp.Targets)
	for _, r := range mp.Rules {
		say("rule", r.From, r.Subtree, r.View, r.Types, r.To, r.Drop, r.Holder)
		note(r.Note)
	}
	for _, o := range mp.OldNames {
		say("old", o.Match, o.View, o.Mode, o.Until.Unix())
		note(o.Note)
	}
	for _, d := range mp.Decisions {
		say("decision", d.Name, d.Type, d.View, d.Take, d.TargetBecomes, d.SourceBecomes, d.Holder, d.State)
		note(d.Note)
	}
	for _, r := range mp.Reserved {
		say("reserved", r.Name, r.Holder, r.Doc)
	}
	for _, x := range mp.Exceptions {
		say("exception", x.Name, x.Type, x.View, x.Expires.Unix())
		note(x.Note)
	}
	return zones.Digest(h.Sum(nil))
}
