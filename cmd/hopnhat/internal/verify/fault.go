package verify

import "fmt"

// Fault is one reason why a verification is not good, in numbers: each language makes
// its own sentence of it.
type Fault struct {
	Kind string
	// The point; Role "" is none.
	Role    string // listener, secondary, resolver
	Name    string // "" where it has none
	Address string
	// How much; what Kind has no use for is zero.
	Count int
	Of    int
	Need  int
	// An example; Such "" is none.
	Such string // what was asked, or a zone
	Want string // what was to come, or the serial
	Got  string
	Dig  string // the command that shows it
}

// The kinds, with what Count, Of and Need are.
const (
	WrongAnswers = "wrong"   // answers, questions
	BehindZones  = "behind"  // zones
	SilentOnes   = "silent"  // questions without an answer, questions
	RaisedTTLs   = "raised"  // answers with a TTL above any that was served
	Stopped      = "stopped" // before it was through
	Nothing      = "nothing" // was asked of the point
	Nobody       = "nobody"  // was asked
	Link         = "link"    // nothing beyond this server answered
	Enough       = "enough"  // wrong vantage points, right ones, wrong ones that go back
	TooFew       = "few"     // the same, and they are too few to go back
)

// String is a sentence without its full stop.
func (f Fault) String() string {
	if f.Role == "" {
		return f.what()
	}
	if f.Name == "" {
		return fmt.Sprintf("%s %s: %s", f.Role, f.Address, f.what())
	}
	return fmt.Sprintf("%s %s (%s): %s", f.Role, f.Name, f.Address, f.what())
}

// what is the sentence without the point.
func (f Fault) what() string {
	switch f.Kind {
	case WrongAnswers:
		s := fmt.Sprintf("%d of %d answers are wrong", f.Count, f.Of)
		if f.Such != "" {
			s += fmt.Sprintf(", such as %s: expected %s, got %s; see %s", f.Such, f.Want, f.Got, f.Dig)
		}
		return s
	case BehindZones:
		return fmt.Sprintf("%d zones are behind, such as %s: serial %s, not %s", f.Count, f.Such, f.Got, f.Want)
	case SilentOnes:
		return fmt.Sprintf("%d of %d questions were not answered", f.Count, f.Of)
	case RaisedTTLs:
		return fmt.Sprintf("%d answers have a TTL above any that was served: it keeps answers longer than the timeline counts on", f.Count)
	case Stopped:
		return "the verification was stopped before it was through"
	case Nothing:
		return "nothing was asked"
	case Nobody:
		return "no server or resolver was asked"
	case Link:
		return "nothing beyond this server answered: look at its own link first"
	case Enough:
		return fmt.Sprintf("%d vantage points are wrong and %d right; %d wrong ones and a majority go back", f.Count, f.Of, f.Need)
	case TooFew:
		return fmt.Sprintf("%d vantage points are wrong and %d right: not enough to go back by itself (%d wrong ones and a majority)", f.Count, f.Of, f.Need)
	}
	return f.Kind
}
