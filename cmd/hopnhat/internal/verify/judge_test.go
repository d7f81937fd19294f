package verify

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"gialai.gov.vn/hopnhat/zones"
)

// seen makes a report of words: "KIND ADDRESS STATE"; the states are good,
// wrong (one of ten answers), all-wrong, silent, partly (silent), behind, raised,
// cut, idle.
func seen(text string) (r Report) {
	for line := range strings.SplitSeq(text, ";") {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		kind := map[string]Kind{"own": Own, "secondary": Secondary, "resolver": Resolver}[f[0]]
		p := PointReport{Point: Point{Kind: kind, Address: netip.MustParseAddrPort(f[1])}, Asked: 10, Of: 10, Right: 10}
		switch f[2] {
		case "good":
		case "wrong":
			p.Right, p.Wrong = 9, 1
		case "all-wrong":
			p.Right, p.Wrong = 0, 10
		case "silent":
			p.Right, p.Silent = 0, 10
		case "partly":
			p.Right, p.Silent = 5, 5
		case "behind":
			p.Asked, p.Right = 0, 0
			p.Behind = []Behind{{zones.ID{Origin: zones.MustName("vn"), View: zones.Internet}, 8, 7}}
		case "raised":
			p.Raised = 1
		case "cut":
			p.Cut = true
		case "idle":
			p.Asked, p.Of, p.Right, p.Idle = 0, 0, 0, true
		default:
			panic(f[2])
		}
		r.Points = append(r.Points, p)
	}
	return r
}

func TestJudge(t *testing.T) {
	auto := Quorum{Automatic: true, Points: 2, Here: []netip.Addr{netip.MustParseAddr("192.0.2.53")}}
	const own = "own 127.0.0.1:53 good;"
	for _, c := range []struct {
		what, report string
		q            Quorum
		want         Outcome
		why          string
	}{
		{"all good", own + "secondary 192.0.2.1:53 good; resolver 192.0.2.2:53 good", auto, Good, ""},
		{"our listeners alone", own, auto, Good, ""},
		{"nobody", "", auto, Hold, "no server or resolver was asked"},
		{"nobody has a zone", "secondary 192.0.2.1:53 idle", auto, Hold, "no server or resolver was asked"},
		{"one has no zone", own + "secondary 192.0.2.1:53 idle", auto, Good, ""},
		{"cut uplink", own + "secondary 192.0.2.1:53 silent; secondary 192.0.2.2:53 silent; resolver 192.0.2.3:53 silent", auto, Hold, "look at its own link first"},
		{"cut uplink, all of us", "own 127.0.0.1:53 silent; secondary 192.0.2.1:53 silent; secondary 192.0.2.2:53 silent", auto, Hold, "look at its own link first"},
		{"one broken secondary", own + "secondary 192.0.2.1:53 all-wrong; secondary 192.0.2.2:53 good", auto, Hold, "1 vantage points are wrong and 1 right: not enough"},
		{"one down", own + "secondary 192.0.2.1:53 silent; secondary 192.0.2.2:53 good", auto, Hold, "10 of 10 questions were not answered"},
		{"one behind", own + "secondary 192.0.2.1:53 behind; secondary 192.0.2.2:53 good", auto, Hold, "vn (internet): serial 7, not 8"},
		{"all behind", own + "secondary 192.0.2.1:53 behind; secondary 192.0.2.2:53 behind", auto, Hold, "behind"},
		{"a resolver that keeps too long", own + "resolver 192.0.2.1:53 raised", auto, Hold, "a TTL above any"},
		{"all that keep too long", own + "resolver 192.0.2.1:53 raised; resolver 192.0.2.2:53 raised", auto, Hold, "a TTL above any"},
		{"one lying point of three", own + "secondary 192.0.2.1:53 wrong; secondary 192.0.2.2:53 good; resolver 192.0.2.3:53 good", auto, Hold, "1 of 10 answers are wrong"},
		{"two of three", own + "secondary 192.0.2.1:53 wrong; secondary 192.0.2.2:53 wrong; resolver 192.0.2.3:53 good", auto, RollBack, "2 vantage points are wrong and 1 right"},
		{"two of three, by hand", own + "secondary 192.0.2.1:53 wrong; secondary 192.0.2.2:53 wrong; resolver 192.0.2.3:53 good", Quorum{Points: 2}, Hold, "1 of 10 answers are wrong"},
		{"two of four", own + "secondary 192.0.2.1:53 wrong; secondary 192.0.2.2:53 wrong; resolver 192.0.2.3:53 good; resolver 192.0.2.4:53 good", auto, Hold, "2 vantage points are wrong and 2 right"},
		{"two wrong, the rest silent", own + "secondary 192.0.2.1:53 wrong; secondary 192.0.2.2:53 wrong; resolver 192.0.2.3:53 silent; resolver 192.0.2.4:53 silent", auto, RollBack, ""},
		{"two wrong, two answer in part", own + "secondary 192.0.2.1:53 wrong; secondary 192.0.2.2:53 wrong; resolver 192.0.2.3:53 partly; resolver 192.0.2.4:53 partly", auto, Hold, ""},
		{"one address twice", own + "secondary 192.0.2.1:53 wrong; resolver 192.0.2.1:5353 wrong", auto, Hold, "1 vantage points are wrong and 0 right"},
		{"one address twice, mapped", own + "secondary 192.0.2.1:53 wrong; resolver [::ffff:192.0.2.1]:53 wrong", auto, Hold, "1 vantage points are wrong"},
		{"our listeners are no vantage points", "own 192.0.2.7:53 wrong; own 192.0.2.8:53 wrong; resolver 192.0.2.1:53 good", auto, Hold, ""},
		{"nor is what runs beside us", own + "resolver 127.0.0.1:5353 wrong; resolver 192.0.2.53:53 wrong; resolver 192.0.2.1:53 good", auto, Hold, ""},
		{"a rehearsal, where all runs here", own + "secondary 127.0.0.1:5301 wrong; secondary 127.0.0.1:5302 wrong; secondary [::1]:5301 good", auto, RollBack, ""},
		{"the uplink of which is not cut", own + "secondary 127.0.0.1:5301 silent; secondary 127.0.0.1:5302 silent", auto, Hold, ""},
		{"stopped halfway", own + "secondary 192.0.2.1:53 cut", auto, Hold, "stopped before it was through"},
		{"a quorum of none is one", own + "secondary 192.0.2.1:53 wrong", Quorum{Automatic: true}, RollBack, ""},
	} {
		v := Judge(seen(c.report), c.q)
		var whys []string
		for _, f := range v.Why {
			whys = append(whys, f.String())
		}
		why := strings.Join(whys, "; ")
		if v.Outcome != c.want || !strings.Contains(why, c.why) || (v.Outcome == Good) != (why == "") {
			t.Errorf("%s: %v (%s), want %v with %q", c.what, v.Outcome, why, c.want, c.why)
		}
	}
}

// slowJudge is Judge by its rules, one after another, without sums.
func slowJudge(r Report, q Quorum) Outcome {
	asked, allGood := 0, true
	for _, p := range r.Points {
		if p.Idle {
			continue
		}
		asked++
		if p.Asked != p.Right || p.Right == 0 || p.Raised > 0 || p.Cut || len(p.Behind) > 0 {
			allGood = false
		}
	}
	if asked > 0 && allGood {
		return Good
	}
	if !q.Automatic {
		return Hold
	}
	far := func(p PointReport) bool { return !p.Point.Address.Addr().IsLoopback() }
	anyFar := false
	for _, p := range r.Points {
		anyFar = anyFar || p.Point.Kind != Own && far(p)
	}
	bad, good := map[string]bool{}, map[string]bool{}
	for _, p := range r.Points {
		if p.Point.Kind == Own || anyFar && !far(p) {
			continue
		}
		where := p.Point.Address.String()
		if anyFar {
			where = p.Point.Address.Addr().String()
		}
		if p.Wrong > 0 {
			bad[where] = true
		} else if p.Right > 0 {
			good[where] = true
		}
	}
	for where := range bad {
		delete(good, where)
	}
	if len(bad) >= q.Points && len(bad) > len(good) {
		return RollBack
	}
	return Hold
}

// TestJudgeTwin holds the two against each other on every report of up to four
// points.
func TestJudgeTwin(t *testing.T) {
	var all []string
	for _, where := range []string{"own 192.0.2.9:53", "secondary 192.0.2.1:53", "resolver 192.0.2.1:5353", "resolver 192.0.2.2:53", "secondary 127.0.0.1:53", "resolver 127.0.0.1:54"} {
		for _, state := range []string{"good", "wrong", "silent", "behind", "partly", "idle"} {
			all = append(all, where+" "+state)
		}
	}
	n, by := 0, map[Outcome]int{}
	check := func(lines ...string) {
		r := seen(strings.Join(lines, ";"))
		for _, q := range []Quorum{{}, {Automatic: true, Points: 1}, {Automatic: true, Points: 2}, {Automatic: true, Points: 3}} {
			n++
			got := Judge(r, q).Outcome
			by[got]++
			if want := slowJudge(r, q); got != want {
				t.Fatalf("%q %+v: %v, want %v", lines, q, got, want)
			}
		}
	}
	check()
	for i, a := range all {
		check(a)
		for j, b := range all[i:] {
			check(a, b)
			for k, c := range all[i+j:] {
				check(a, b, c)
				if k%7 == 0 {
					for _, d := range all[i+j+k:] {
						check(a, b, c, d)
					}
				}
			}
		}
	}
	t.Log(n, fmt.Sprint(by))
	if len(by) != 3 {
		t.Errorf("not every outcome came up: %v", by)
	}
}
