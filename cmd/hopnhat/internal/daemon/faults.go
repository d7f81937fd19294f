package daemon

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"gialai.gov.vn/hopnhat/resolver/listen"
)

// faultsEvery is how often a listener's errors are said: one of them, and how many
// more there were. Whoever can cause one must not be able to fill the disk.
const faultsEvery = 10 * time.Second

// faults says what went wrong while a listener served. Answers that could not be
// sent are not among it: that is the asker's network.
type faults struct {
	log     io.Writer
	address string
	now     func() time.Time

	mu   sync.Mutex // guards what follows
	last time.Time
	more int
}

func newFaults(log io.Writer, address string, now func() time.Time) *faults {
	return &faults{log: log, address: address, now: now}
}

func (f *faults) hear(err error) {
	if errors.As(err, new(*listen.PeerError)) {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now()
	if now.Sub(f.last) < faultsEvery {
		f.more++
		return
	}
	fmt.Fprintf(f.log, "listener %s: %v\n", f.address, err)
	if f.more > 0 {
		fmt.Fprintf(f.log, "listener %s: %d more errors since the one before\n", f.address, f.more)
	}
	f.last, f.more = now, 0
}
