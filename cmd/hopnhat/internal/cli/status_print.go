package cli

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/transfer"
)

// statusReport is what status prints.
type statusReport struct {
	Format int            `json:"format"`
	Time   time.Time      `json:"time"`
	Zones  []statusZone   `json:"zones"`
	Counts map[string]int `json:"counts"` // of secondaries and zones, by state

	Cutover *statusCutover `json:"cutover,omitempty"` // what the server says; not there: nothing

	in *time.Location // to print instants in; nil: the machine's
}

// statusCutover is how the server's cutover stands.
type statusCutover struct {
	State string `json:"state"`
	Alarm string `json:"alarm"` // "": nobody needs to look
}

type statusZone struct {
	Zone   string        `json:"zone"`
	View   string        `json:"view"`
	Server statusServer  `json:"server"`
	Serial *zones.Serial `json:"serial"` // that the secondaries are held against; null: not known
	Since  *time.Time    `json:"since"`  // when it was published; null: not known

	Secondaries []statusServer `json:"secondaries"`
}

// statusServer is how one server stands. The state "unknown" is an answer that
// there is nothing to hold against.
type statusServer struct {
	Name    string        `json:"name,omitempty"`
	Address string        `json:"address"`
	State   string        `json:"state"`
	Serial  *zones.Serial `json:"serial"` // null: it gave none
	By      uint32        `json:"by"`     // serials behind or ahead
	Refresh uint32        `json:"refresh,omitempty"`
	Network string        `json:"network"`
	Millis  float64       `json:"milliseconds"`
	Error   string        `json:"error,omitempty"`

	silent bool
}

const unknown = "unknown"

func (o *status) report(fs []followed) statusReport {
	r := statusReport{Format: 1, Time: o.now().UTC().Round(time.Millisecond), Counts: map[string]int{}, in: o.in}
	for _, f := range fs {
		z := statusZone{Zone: f.id.Origin.Text(), View: string(f.id.View), Server: serverOf(f.ours), Secondaries: []statusServer{}}
		z.Server.Address = f.server.String()
		switch {
		case f.ours.Err == nil:
			z.Serial = &f.ours.SOA.Serial
		case f.published != nil:
			z.Serial = &f.published.Serial // a server that is down published it
		}
		if f.published != nil && !f.published.Since.IsZero() && *z.Serial == f.published.Serial {
			z.Since = &f.published.Since
		}
		for i, s := range f.secondaries {
			x := serverOf(f.theirs[i])
			x.Name, x.Address, x.silent = s.Name, s.Address.String(), s.Silent
			if z.Serial != nil {
				lag, by := f.theirs[i].Against(*z.Serial)
				x.State, x.By = lag.String(), by
			}
			r.Counts[x.State]++
			z.Secondaries = append(z.Secondaries, x)
		}
		r.Zones = append(r.Zones, z)
	}
	return r
}

// serverOf is how a server stands by itself.
func serverOf(s transfer.Standing) statusServer {
	x := statusServer{State: unknown, Network: s.Network, Millis: float64(s.Took.Microseconds()) / 1000}
	if s.Err == nil {
		x.Serial, x.Refresh = &s.SOA.Serial, s.SOA.Refresh
		return x
	}
	x.Error = s.Err.Error()
	x.State = transfer.Unreachable.String()
	if s.Answered {
		x.State = transfer.Failing.String()
	}
	var late net.Error
	switch {
	case errors.Is(s.Err, syscall.ECONNREFUSED):
		x.Error = "nothing listens there"
	case errors.As(s.Err, &late) && late.Timeout():
		x.Error = "no answer"
	}
	return x
}

// well tells whether all servers answer with the serial that they should have,
// and no cutover needs somebody.
func (r statusReport) well() bool {
	if r.Cutover != nil && r.Cutover.Alarm != "" {
		return false
	}
	for _, z := range r.Zones {
		if z.Server.Error != "" {
			return false
		}
		for _, s := range z.Secondaries {
			if s.State != transfer.InStep.String() {
				return false
			}
		}
	}
	return true
}

func (r statusReport) printJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

func (r statusReport) print(w io.Writer) {
	for _, z := range r.Zones {
		serial := "no serial is known"
		if z.Serial != nil {
			serial = fmt.Sprintf("serial %d", *z.Serial)
		}
		if z.Since != nil {
			serial += fmt.Sprintf(" since %s (%s)", z.Since.In(cmp.Or(r.in, time.Local)).Format("2006-01-02 15:04:05 -07:00"), age(r.Time.Sub(*z.Since)))
		}
		down := ""
		if z.Server.Error != "" {
			down = fmt.Sprintf("; %s does not give it: %s", z.Server.Address, z.Server.Error)
		}
		fmt.Fprintf(w, "%s (%s): %s%s\n", z.Zone, z.View, serial, down)
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		for _, s := range z.Secondaries {
			who := s.Address
			if s.Name != "" {
				who = s.Name + "\t" + who
			}
			fmt.Fprintf(t, "  %s\t%s\n", who, s.says())
		}
		_ = t.Flush()
	}
	var counts []string
	for _, state := range []string{transfer.InStep.String(), transfer.Behind.String(), transfer.Ahead.String(), transfer.Failing.String(), transfer.Unreachable.String(), unknown} {
		if n := r.Counts[state]; n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, state))
		}
	}
	if len(counts) == 0 {
		counts = []string{"none"}
	}
	fmt.Fprintf(w, "secondaries, zone by zone: %s\n", strings.Join(counts, ", "))
	if c := r.Cutover; c != nil && c.Alarm != "" {
		fmt.Fprintln(w, c.Alarm)
	}
}

// age is how long ago something was, roughly.
func age(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", d/time.Hour)
	}
	return fmt.Sprintf("%d days", d/(24*time.Hour))
}

// says is the rest of a secondary's line.
func (s statusServer) says() string {
	if s.Error != "" {
		return s.State + "\t" + s.Error
	}
	text := s.State
	switch text {
	case transfer.Behind.String():
		text += fmt.Sprintf(" by %d", s.By)
	case transfer.Ahead.String():
		text += fmt.Sprintf(" by %d: it will take no change until its primary has a later serial", s.By)
	}
	text += fmt.Sprintf("\tserial %d, %s %.1f ms", *s.Serial, s.Network, s.Millis)
	if s.State == transfer.Behind.String() {
		text += fmt.Sprintf("; its refresh is %v", time.Duration(s.Refresh)*time.Second)
		if s.silent {
			text += ", and it gets no NOTIFY"
		}
	}
	return text
}
