package ipam

import (
	"slices"
	"strings"
)

// Status is where an allocation stands in its life:
//
//	planned ──> reserved ──> active <──> deprecated
//	   │  └────────────────────^  │           │
//	   └───────> released <───────┴───────────┘   (from reserved too)
//
// The zero value is invalid.
type Status uint8

// The statuses. Released is the end: a released block is free again and lives
// in the history only.
const (
	Planned    Status = iota + 1 // drawn, promised to nobody
	Reserved                     // kept for somebody or something
	Active                       // in use
	Deprecated                   // in use, to be given up
	Released                     // given back
)

var statusNames = [...]string{"", "planned", "reserved", "active", "deprecated", "released"}

// ways[s] are the statuses that may follow s (STATUS-WAY). To stay is always allowed.
var ways = [...][]Status{
	Planned:    {Reserved, Active, Released},
	Reserved:   {Active, Released},
	Active:     {Deprecated, Released},
	Deprecated: {Active, Released},
	Released:   nil,
}

// IsValid tells whether s is one of the five.
func (s Status) IsValid() bool { return s >= Planned && s <= Released }

// IsLive tells whether a block of this status is taken.
func (s Status) IsLive() bool { return s >= Planned && s <= Deprecated }

// CanBecome tells whether an allocation of status s may take status t next.
func (s Status) CanBecome(t Status) bool {
	return s.IsValid() && (s == t || slices.Contains(ways[s], t))
}

// String is the lower-case English word, "invalid status" for no status.
func (s Status) String() string {
	if !s.IsValid() {
		return "invalid status"
	}
	return statusNames[s]
}

// ParseStatus reads the word that String writes, in letters of any case. The
// error is a *ParseError.
func ParseStatus(text string) (Status, error) {
	s := strings.ToLower(strings.TrimSpace(text))
	if i := slices.Index(statusNames[1:], s); i >= 0 {
		return Status(i + 1), nil
	}
	return 0, fault(text, "write "+strings.Join(statusNames[1:], ", "), "no status")
}

// MarshalText is String, empty for the invalid status.
func (s Status) MarshalText() ([]byte, error) {
	if !s.IsValid() {
		return []byte{}, nil
	}
	return []byte(s.String()), nil
}

// UnmarshalText reads what ParseStatus reads.
func (s *Status) UnmarshalText(text []byte) error {
	got, err := ParseStatus(string(text))
	if err == nil {
		*s = got
	}
	return err
}
