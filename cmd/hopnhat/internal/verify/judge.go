package verify

import (
	"fmt"
	"net/netip"
	"slices"
)

// Quorum is when to go back without being told.
type Quorum struct {
	Automatic bool         // else a person goes back
	Points    int          // so many vantage points must be wrong; at least 1
	Here      []netip.Addr // addresses of this machine, beside loopback
}

// Outcome is what to do after a verification.
type Outcome int

// The outcomes. The zero value goes nowhere.
const (
	Hold Outcome = iota // no further step; what is served stays
	Good
	RollBack
)

func (o Outcome) String() string { return [...]string{"hold", "good", "roll back"}[o] }

// Verdict is an outcome and why; no reason of Good.
type Verdict struct {
	Outcome Outcome
	Why     []Fault
}

// Judge says what a report means (JUDGE-GOOD, JUDGE-BACK).
//
// A vantage point is a secondary or a resolver, each address once, that is not
// on this machine: what this machine hears of itself does not tell what others
// hear. Where nothing else is listed, as in a rehearsal, secondaries and
// resolvers of this machine are vantage points too, each port of an address
// once. One votes for going back by a wrong answer, whatever else it said, and
// against by right answers alone. One that is silent or behind does not vote:
// silence may be our own link, and who has not fetched a step is not helped by
// going back. A single wrong answer is enough since the steps before were
// verified by the same questions: what a server always answers otherwise has
// held them up, and does not first show at the switch.
func Judge(r Report, q Quorum) Verdict {
	v := Verdict{Outcome: Good}
	if !slices.ContainsFunc(r.Points, func(p PointReport) bool { return !p.Idle }) {
		v.hold(Fault{Kind: Nobody})
	}
	for _, p := range r.Points {
		v.hold(p.faults()...)
	}
	wrong, right, silent := votes(r, q)
	if wrong+right == 0 && silent > 1 {
		v.hold(Fault{Kind: Link})
	}
	if v.Outcome == Good || !q.Automatic {
		return v
	}
	need := max(q.Points, 1)
	if wrong >= need && wrong > right {
		v.Outcome = RollBack
		v.Why = append(v.Why, Fault{Kind: Enough, Count: wrong, Of: right, Need: need})
	} else if wrong > 0 {
		v.hold(Fault{Kind: TooFew, Count: wrong, Of: right, Need: need})
	}
	return v
}

func (v *Verdict) hold(fs ...Fault) {
	if len(fs) > 0 {
		v.Outcome = Hold
		v.Why = append(v.Why, fs...)
	}
}

// faults says why a point is not good; nil when it is.
func (p PointReport) faults() (out []Fault) {
	fault := func(f Fault) {
		f.Role, f.Name, f.Address = p.Point.Kind.String(), p.Point.Name, p.Point.Address.String()
		out = append(out, f)
	}
	if p.Wrong > 0 {
		f := Fault{Kind: WrongAnswers, Count: p.Wrong, Of: p.Asked}
		if len(p.Shown) > 0 {
			w := p.Shown[0]
			f.Such, f.Want, f.Got, f.Dig = fmt.Sprintf("%s %v", w.Name.Text(), w.Type), w.Want, w.Got, w.Dig
		}
		fault(f)
	}
	if len(p.Behind) > 0 {
		b := p.Behind[0]
		fault(Fault{Kind: BehindZones, Count: len(p.Behind), Such: b.Zone.String(), Want: fmt.Sprint(b.Want), Got: fmt.Sprint(b.Has)})
	}
	if p.Silent > 0 {
		fault(Fault{Kind: SilentOnes, Count: p.Silent, Of: p.Asked})
	}
	if p.Raised > 0 {
		fault(Fault{Kind: RaisedTTLs, Count: p.Raised})
	}
	if p.Cut {
		fault(Fault{Kind: Stopped})
	}
	if len(out) == 0 && !p.good() {
		fault(Fault{Kind: Nothing})
	}
	return out
}

// votes counts the vantage points that are wrong, right, and neither. Of points
// at one address the worst counts.
func votes(r Report, q Quorum) (wrong, right, silent int) {
	there := vantages(r, func(p Point) bool { return !q.here(p.Address.Addr()) }, func(a netip.AddrPort) netip.AddrPort {
		return netip.AddrPortFrom(a.Addr().Unmap(), 0)
	})
	if len(there) == 0 {
		there = vantages(r, func(Point) bool { return true }, func(a netip.AddrPort) netip.AddrPort { return a })
	}
	for _, p := range there {
		switch {
		case p.Wrong > 0:
			wrong++
		case p.Right > 0:
			right++
		case !p.Idle:
			silent++
		}
	}
	return wrong, right, silent
}

// vantages sums up the points beyond this server that count, by place.
func vantages(r Report, counts func(Point) bool, place func(netip.AddrPort) netip.AddrPort) map[netip.AddrPort]PointReport {
	out := map[netip.AddrPort]PointReport{}
	for _, p := range r.Points {
		if p.Point.Kind == Own || !counts(p.Point) {
			continue
		}
		at := place(p.Point.Address)
		sum, ok := out[at]
		sum.Idle = p.Idle && (!ok || sum.Idle)
		sum.Wrong += p.Wrong
		sum.Right += p.Right
		out[at] = sum
	}
	return out
}

func (q Quorum) here(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	return a.IsLoopback() || a.IsUnspecified() || slices.ContainsFunc(q.Here, func(h netip.Addr) bool { return h.Unmap().WithZone("") == a })
}
