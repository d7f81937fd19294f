package control

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Version is that of the protocol.
const Version = 1

// File is the socket's usual name in a state folder.
const File = "control.sock"

// The commands.
const (
	StatusCommand   = "status"
	ReloadCommand   = "reload"
	ScheduleCommand = "cutover.schedule"
	ApproveCommand  = "cutover.approve"
	NowCommand      = "cutover.now"
	AbortCommand    = "cutover.abort"
	RollbackCommand = "cutover.rollback"
	HoldCommand     = "cutover.hold"
	ReleaseCommand  = "cutover.release"
)

// Request is what is asked of a server.
type Request struct {
	Version int             `json:"version"`
	Command string          `json:"command"`
	Args    json.RawMessage `json:"args,omitempty"`
}

// Nothing is the arguments of a command that has none.
type Nothing struct{}

// Reload asks to read the files again and publish what changed.
type Reload struct {
	Who      string `json:"who,omitempty"` // for whom; "" is the peer's own user
	Why      string `json:"why,omitempty"`
	Document string `json:"document,omitempty"`
	Override string `json:"override,omitempty"` // why a change is published that the brake stops
}

// Reason is the arguments of the commands that change the cutover's state.
type Reason struct {
	Why      string `json:"why,omitempty"`
	Document string `json:"document,omitempty"`
}

// Approve names the plan that is approved.
type Approve struct {
	Plan     string `json:"plan"` // its hash in hex, or at least PlanDigits of its first digits
	Why      string `json:"why,omitempty"`
	Document string `json:"document,omitempty"`
}

// PlanDigits is how much of a plan's hash tells it from others.
const PlanDigits = 8

const (
	maxRequest = 64 << 10 // octets of a request
	maxText    = 8 << 10  // octets of one text in it
)

// argued checks the arguments of one command.
type argued func(json.RawMessage) error

// commands gives each command the check of its arguments.
func commands() map[string]argued {
	return map[string]argued{
		StatusCommand:   check(func(Nothing) error { return nil }),
		ReloadCommand:   check(Reload.fault),
		ScheduleCommand: check(Reason.fault),
		ApproveCommand:  check(Approve.fault),
		NowCommand:      check(Reason.required),
		AbortCommand:    check(Reason.required),
		RollbackCommand: check(Reason.required),
		HoldCommand:     check(Reason.required),
		ReleaseCommand:  check(Reason.required),
	}
}

// NewRequest is a request of this version.
func NewRequest(command string, args any) (Request, error) {
	raw, err := json.Marshal(args)
	if err != nil {
		return Request{}, err
	}
	r := Request{Version: Version, Command: command, Args: raw}
	return r, r.fault()
}

// ParseRequest reads one request, and refuses what a handler need not look at
// (CHECKED).
func ParseRequest(line []byte) (Request, error) {
	var head struct { // of any version
		Version int `json:"version"`
	}
	if len(line) > maxRequest {
		return Request{}, fmt.Errorf("the request is longer than %d octets", maxRequest)
	}
	if !utf8.Valid(line) {
		return Request{}, errors.New("the request is not UTF-8")
	}
	if err := json.Unmarshal(line, &head); err != nil {
		return Request{}, fmt.Errorf("the request is no JSON object: %w", err)
	}
	if head.Version != Version {
		return Request{}, fmt.Errorf("the request is of version %d; this server speaks version %d: use the hopnhat that it was started from", head.Version, Version)
	}
	var r Request
	if err := strict(line, &r); err != nil {
		return Request{}, fmt.Errorf("the request is not as it should be: %w", err)
	}
	return r, r.fault()
}

func (r Request) fault() error {
	known := commands()
	c, ok := known[r.Command]
	if !ok {
		var names []string
		for n := range known {
			names = append(names, n)
		}
		slices.Sort(names)
		return fmt.Errorf("there is no command %q; there are %s", short(r.Command), strings.Join(names, ", "))
	}
	if err := c(r.Args); err != nil {
		return fmt.Errorf("%s: %w", r.Command, err)
	}
	return nil
}

// Args reads the arguments of a request; none are the zero value.
func Args[T any](r Request) (a T, err error) {
	if len(r.Args) == 0 || string(r.Args) == "null" {
		return a, nil
	}
	err = strict(r.Args, &a)
	return a, err
}

func check[T any](fault func(T) error) argued {
	return func(raw json.RawMessage) error {
		a, err := Args[T](Request{Args: raw})
		if err != nil {
			return err
		}
		return fault(a)
	}
}

// strict reads one JSON value, of which every member is known.
func strict(b []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more follows after its end")
	}
	return nil
}

func (a Reload) fault() error {
	return texts("who", a.Who, "why", a.Why, "document", a.Document, "override", a.Override)
}

func (a Reason) fault() error { return texts("why", a.Why, "document", a.Document) }

func (a Reason) required() error {
	if strings.TrimSpace(a.Why) == "" {
		return errors.New("it needs a reason (--why)")
	}
	return a.fault()
}

func (a Approve) fault() error {
	if !isHash(a.Plan) {
		return fmt.Errorf("%q names no plan: write its hash, or at least the first %d digits of it", short(a.Plan), PlanDigits)
	}
	return texts("why", a.Why, "document", a.Document)
}

// Names tells whether an approval means the plan of a hash in hex.
func (a Approve) Names(hash string) bool {
	return isHash(a.Plan) && strings.HasPrefix(strings.ToLower(hash), strings.ToLower(a.Plan))
}

// isHash tells whether a text can be a hash of 32 octets, or the head of one.
func isHash(s string) bool {
	return len(s) >= PlanDigits && len(s) <= 64 && strings.Trim(s, "0123456789abcdefABCDEF") == ""
}

// texts checks what people wrote: it goes into logs and histories of one line.
func texts(named ...string) error {
	for i := 0; i < len(named); i += 2 {
		name, s := named[i], named[i+1]
		if len(s) > maxText {
			return fmt.Errorf("%s is longer than %d octets", name, maxText)
		}
		if i := strings.IndexFunc(s, func(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }); i >= 0 {
			return fmt.Errorf("%s has a line break or control character at octet %d: write it as one line", name, i+1)
		}
	}
	return nil
}

// short is the head of a text that somebody sent.
func short(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}
