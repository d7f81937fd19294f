package control

import (
	"slices"
	"time"
)

// StatusFormat is that of Status, which changes when a member goes or changes
// its meaning.
const StatusFormat = 1

// State is how a cutover stands.
type State string

// The states.
const (
	None       State = "none"        // nothing was scheduled
	Scheduled  State = "scheduled"   // the plan waits for its approvals
	Waiting    State = "waiting"     // approved, the next step's instant is to come
	Due        State = "due"         // the next step is taken now
	Held       State = "held"        // no step is taken until it is released
	Missed     State = "missed"      // the switch was not made in time
	Aborted    State = "aborted"     // before the switch
	RolledBack State = "rolled back" // after it
	Done       State = "done"
)

// Status is what the commands of the cutover answer, as it stands after them.
// Instants are of the server's time zone.
type Status struct {
	Format int       `json:"format"`
	Time   time.Time `json:"time"`   // by the server's clock
	Server int       `json:"server"` // its process
	Folder string    `json:"folder"` // the workspace, or the state folder where there is none
	State  State     `json:"state"`  // of the cutover
	Stale  string    `json:"stale"`  // what changed since the plan was made, so that no step is taken; ""
	Plan   *Plan     `json:"plan"`   // null: none
	Steps  []Step    `json:"steps"`  // by instant
	Next   *Next     `json:"next"`   // null: none
	Held   *Hold     `json:"held"`   // null: not held
	Missed *Miss     `json:"missed"` // null: not missed
	Clock  *Clock    `json:"clock"`  // null: it is trusted, or nothing depends on it
	// Rollback is the command that leads back; "" when nothing does.
	Rollback string `json:"rollback"`
	// Release is the command that lets go on what is held; "" when there is nothing to release.
	Release string `json:"release"`

	Approvals   Approvals    `json:"approvals"`
	Published   *Published   `json:"published"`   // null: nothing yet
	Certificate *Certificate `json:"certificate"` // of what is served; null: none
	Zones       []Zone       `json:"zones"`       // by name and view
	Findings    []Finding    `json:"findings"`    // of the plan, the worst first
}

// Plan is what is scheduled and approved.
type Plan struct {
	Hash      string    `json:"hash"` // in hex, whole
	Cutover   time.Time `json:"cutover"`
	Earliest  time.Time `json:"earliest,omitzero"` // the first safe one, as it was when the plan was made
	Announce  time.Time `json:"announce,omitzero"` // the day by whose end people must know; not there: nobody must
	Window    time.Time `json:"window,omitzero"`   // until when a rollback is possible
	Made      time.Time `json:"made"`
	By        string    `json:"by"`
	Why       string    `json:"why,omitempty"`
	Document  string    `json:"document,omitempty"`
	Preserved bool      `json:"preserved"` // no name is lost at any step or between two
	Verdict   string    `json:"verdict"`   // the proof's one line
	Changes   []Change  `json:"changes"`   // the zones that differ after it
}

// Change is one zone that the cutover changes.
type Change struct {
	Zone    string `json:"zone"`
	View    string `json:"view"`
	From    uint32 `json:"from"` // serials; 0 where the zone comes or goes
	To      uint32 `json:"to"`
	Removed int    `json:"removed"` // records
	Added   int    `json:"added"`
}

// Step is one instant of the timeline. A time that is not there is not known yet.
type Step struct {
	Wave     string    `json:"wave,omitempty"`
	Kind     string    `json:"kind"`
	At       time.Time `json:"at"`                // as planned
	Earliest time.Time `json:"earliest,omitzero"` // as what was taken so far allows
	Taken    time.Time `json:"taken,omitzero"`
	Verified *Verified `json:"verified"` // null: not yet
}

// Verified is what servers answered after a step.
type Verified struct {
	At   time.Time `json:"at"`
	OK   bool      `json:"ok"`
	Says string    `json:"says"`
	// Released is why somebody let the cutover go on all the same.
	Released string `json:"released,omitempty"`
	// Verdict is what Says says, in numbers; null where that is not known.
	Verdict *Verdict `json:"verdict,omitempty"`
}

// Verdict is what came of a verification.
type Verdict struct {
	Right   int     `json:"right"` // answers
	Asked   int     `json:"asked"` // questions
	Servers int     `json:"servers"`
	Faults  []Fault `json:"faults,omitempty"` // why it is not good; none: it is
}

// Fault is one reason, as verify.Fault has it.
type Fault struct {
	Kind    string `json:"kind"`
	Role    string `json:"role,omitempty"`
	Name    string `json:"name,omitempty"`
	Address string `json:"address,omitempty"`
	Count   int    `json:"count,omitempty"`
	Of      int    `json:"of,omitempty"`
	Need    int    `json:"need,omitempty"`
	Such    string `json:"such,omitempty"`
	Want    string `json:"want,omitempty"`
	Got     string `json:"got,omitempty"`
	Dig     string `json:"dig,omitempty"`
}

// Cause is what holds a timeline, or what its next step waits for.
type Cause string

// The causes that have a word; what has none is said by its text alone.
const (
	ByVerification Cause = "verification" // it failed
	ByClock        Cause = "clock"
	ByApprovals    Cause = "approvals"  // too few
	Unverified     Cause = "unverified" // the step before
	ByPlan         Cause = "plan"       // the files lead to another
	ByFiles        Cause = "files"      // they cannot be used
)

// Next is the step that is taken next.
type Next struct {
	Wave  string    `json:"wave,omitempty"`
	Kind  string    `json:"kind"`
	At    time.Time `json:"at"`
	Waits string    `json:"waits,omitempty"` // what it waits for beside its instant
	Cause Cause     `json:"cause,omitempty"` // of waits
}

// Hold is why nothing more is done by itself.
type Hold struct {
	Why   string    `json:"why"`
	Since time.Time `json:"since"`
	Cause Cause     `json:"cause,omitempty"` // of why
	// Verdict is that of a verification that failed; null where that is not known.
	Verdict *Verdict `json:"verdict,omitempty"`
}

// Clock is why no switch is made by the server's clock.
type Clock struct {
	Kind string    `json:"kind"`         // jumped, slept, earlier, unsynchronised
	At   time.Time `json:"at,omitzero"`  // on the wall; not of unsynchronised
	By   string    `json:"by,omitempty"` // how much, with a minus where back
	Says string    `json:"says"`
}

// Miss is a switch that was not made in time.
type Miss struct {
	At    time.Time `json:"at"`
	Grace string    `json:"grace"`
}

// Approvals are those of the plan's hash.
type Approvals struct {
	Needed int        `json:"needed"`
	By     []Approval `json:"by"`
}

// Approval is one user's.
type Approval struct {
	User     string    `json:"user"`
	UID      int       `json:"uid"`
	At       time.Time `json:"at"`
	Why      string    `json:"why,omitempty"`
	Document string    `json:"document,omitempty"`
}

// Published is the last publication.
type Published struct {
	Step string    `json:"step,omitempty"` // "" is an edit
	Wave string    `json:"wave,omitempty"`
	At   time.Time `json:"at"`
	Who  string    `json:"who"`
	Why  string    `json:"why,omitempty"`
}

// Certificate is the proof that what is served rests upon.
type Certificate struct {
	File   string `json:"file"`
	Digest string `json:"digest"` // of the world that it certifies
	Fits   bool   `json:"fits"`   // what is served has that digest
}

// Zone is a zone as it is served.
type Zone struct {
	Zone   string `json:"zone"`
	View   string `json:"view"`
	Serial uint32 `json:"serial"`
	Digest string `json:"digest,omitempty"`
}

// Finding is something that the server found.
type Finding struct {
	ID       string `json:"id"`
	Severity string `json:"severity"` // block, error, warning, note
	Text     string `json:"text"`
}

// Reloaded is what reload answers, where not all was refused.
type Reloaded struct {
	Format  int      `json:"format"`
	Zones   []Change `json:"zones"`             // what was published; none: nothing changed
	Refused []string `json:"refused,omitempty"` // files among which are some with errors: what stands in those is served as it was
	Notes   []string `json:"notes"`
}

// Has tells whether a zone was published.
func (r *Reloaded) Has(zone, view string) bool {
	return slices.ContainsFunc(r.Zones, func(c Change) bool { return c.Zone == zone && c.View == view })
}

// Alarms tells whether somebody must look: nothing more is done by itself, servers do
// not answer as they should, or the clock is not trusted.
func (s *Status) Alarms() bool {
	return s.State == Held || s.Held != nil || s.State == Missed || s.Failed() != nil || s.Clock != nil
}

// Failed is the step whose verification failed, was not followed by one that did
// not, and that nobody released; nil if there is none. What was left behind by
// an abort or a rollback does not count: one that fails itself is held.
func (s *Status) Failed() *Step {
	if s.State == None || s.State == Aborted || s.State == RolledBack {
		return nil
	}
	var last *Step
	for i := range s.Steps {
		if v := s.Steps[i].Verified; v != nil && (last == nil || !v.At.Before(last.Verified.At)) {
			last = &s.Steps[i]
		}
	}
	if last == nil || last.Verified.OK || last.Verified.Released != "" {
		return nil
	}
	return last
}
