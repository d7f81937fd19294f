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

// Verdict is an outcome and why, a sentence for each reason; none of Good.
type Verdict struct {
	Outcome Outcome
	Why     []string
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
		v.say("no server or resolver was asked")
	}
	for _, p := range r.Points {
		for _, s := range p.faults() {
			v.say("%v: %s", p.Point, s)
		}
	}
	wrong, right, silent := votes(r, q)
	if wrong+right == 0 && silent > 1 {
		v.say("nothing beyond this server answered: look at its own link first")
	}
	if v.Outcome == Good || !q.Automatic {
		return v
	}
	need := max(q.Points, 1)
	if wrong >= need && wrong > right {
		v.Outcome = RollBack
		v.Why = append(v.Why, fmt.Sprintf("%d vantage points are wrong and %d right; %d wrong ones and a majority go back", wrong, right, need))
	} else if wrong > 0 {
		v.say("%d vantage points are wrong and %d right: not enough to go back by itself (%d wrong ones and a majority)", wrong, right, need)
	}
	return v
}

func (v *Verdict) say(format string, args ...any) {
	v.Outcome = Hold
	v.Why = append(v.Why, fmt.Sprintf(format, args...))
}

// faults says why a point is not good; nil when it is.
func (p PointReport) faults() (out []string) {
	if p.Wrong > 0 {
		s := fmt.Sprintf("%d of %d answers are wrong", p.Wrong, p.Asked)
		if len(p.Shown) > 0 {
			s += ", such as " + p.Shown[0].String()
		}
		out = append(out, s)
	}
	if len(p.Behind) > 0 {
		out = append(out, fmt.Sprintf("%d zones are behind, such as %v", len(p.Behind), p.Behind[0]))
	}
	if p.Silent > 0 {
		out = append(out, fmt.Sprintf("%d of %d questions were not answered", p.Silent, p.Asked))
	}
	if p.Raised > 0 {
		out = append(out, fmt.Sprintf("%d answers have a TTL above any that was served: it keeps answers longer than the timeline counts on", p.Raised))
	}
	if p.Cut {
		out = append(out, "the verification was stopped before it was through")
	}
	if len(out) == 0 && !p.good() {
		out = append(out, "nothing was asked")
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
