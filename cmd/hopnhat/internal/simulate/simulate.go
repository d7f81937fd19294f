package simulate

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"gialai.gov.vn/hopnhat/zones"
)

// Served is a world that the primary serves from an instant on. Of the first
// in a list the instant does not count: it was always served.
type Served struct {
	At    time.Time
	World zones.World
}

// Server is a server of all zones.
type Server struct {
	Name           string
	Notified       bool          // it follows a second or two after the primary; else by SOA timers
	Refresh, Retry time.Duration // of one that is not notified; 0: as the SOA says
	Late           bool          // of one that is not notified: it comes as late as it may, REFRESH + RETRY
}

// Parent is what the parent zone does at the cutover: its delegations turn
// from the old servers to those of Input.Servers.
type Parent struct {
	Change time.Time     // the delegations change, and the old servers follow no more
	Off    time.Time     // the old servers are turned off
	TTL    time.Duration // of the delegations
}

// OldServers is what the servers are called that the parent named before.
const OldServers = "the old servers"

// Input is one simulation.
type Input struct {
	Served  []Served     // what happens
	Claim   []Served     // what was promised; nil: Served
	View    zones.View   //
	Servers []Server     // the first is the primary; of those not notified the last is that of Behind
	Parent  Parent       //
	Models  []Model      //
	Clients int          // of each model
	Seed    uint64       // all that is random comes from it
	Step    func(string) // told of each client that is done, with its model's name; may be nil
}

// Result is what the clients of one model met.
type Result struct {
	Model     string        `json:"model"`
	Claimed   bool          `json:"claimed"` // the timeline promises something to this model
	Clients   int           `json:"clients"`
	Names     int           `json:"names"`     // different questions
	Questions int64         `json:"questions"` // asked, all seconds together
	Failures  int64         `json:"failures"`  // client-seconds in which a promised question failed
	Old       int64         `json:"old"`       // those in which a question failed that is owed an answer at all times
	Longest   time.Duration `json:"longest"`   // failing stretch of one client
	First     *Failure      `json:"first,omitempty"`
}

// Failure is a promised question that led to nothing.
type Failure struct {
	At    time.Time     `json:"at"`
	Name  string        `json:"name"`
	Type  string        `json:"type"`
	Chain []string      `json:"chain"`  // the names that were asked, Name first
	What  string        `json:"what"`   // NXDOMAIN, NODATA, SERVFAIL or loop
	Age   time.Duration `json:"age"`    // how long the cache had held the answer; 0: just asked
	From  string        `json:"server"` // who gave it
}

func (f Failure) String() string {
	s := f.Way() + ": " + f.What + " from " + f.From
	if f.Age > 0 {
		s += fmt.Sprintf(", held for %v", f.Age)
	}
	return s
}

// Way is the question, and the names to which it led.
func (f Failure) Way() string {
	return strings.Join(append([]string{f.Name + " " + f.Type}, f.Chain[min(1, len(f.Chain)):]...), " > ")
}

// ErrEmpty is an input in which nothing happens.
var ErrEmpty = errors.New("a simulation needs two worlds in turn, a server, a model and a client")

// Run simulates. The result depends on the input alone.
func Run(in Input) ([]Result, error) {
	if len(in.Served) < 2 || len(in.Servers) == 0 || len(in.Models) == 0 || in.Clients < 1 {
		return nil, ErrEmpty
	}
	if in.Claim == nil {
		in.Claim = in.Served
	}
	for _, s := range [][]Served{in.Served, in.Claim} {
		for i := 2; i < len(s); i++ {
			if s[i].At.Before(s[i-1].At) {
				return nil, fmt.Errorf("a world is served at %v, before the one before it", s[i].At)
			}
		}
	}
	u, err := newUniverse(in)
	if err != nil {
		return nil, err
	}
	plans := u.plan()
	var out []Result
	for _, m := range in.Models {
		t := newTally(u, m)
		for _, p := range plans {
			newClient(u, m, p).run(t.take)
			t.close()
			if in.Step != nil {
				in.Step(m.Name())
			}
		}
		out = append(out, t.result(plans))
	}
	return out, nil
}
