//go:build !linux

package clock

import "time"

// System reads the clocks of this machine. Whether they are synchronised, or
// sleep, is not known here.
func System() func() Reading {
	start := time.Now()
	return func() Reading {
		now := time.Now()
		return Reading{Wall: now.Round(0), Running: now.Sub(start)}
	}
}
