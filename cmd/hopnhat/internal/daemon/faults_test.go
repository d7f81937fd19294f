package daemon

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"gialai.gov.vn/hopnhat/resolver/listen"
)

// TestFaults: of many errors one in ten seconds is said, with the number of the
// others; what an asker's network did is not.
func TestFaults(t *testing.T) {
	var log bytes.Buffer
	now := time.Date(2025, 9, 1, 0, 0, 0, 0, time.UTC)
	f := newFaults(&log, "127.0.0.1:53", func() time.Time { return now })
	f.hear(&listen.PeerError{Err: errors.New("unreachable")})
	for range 1000 {
		f.hear(&listen.PanicError{Value: "a bug"})
	}
	now = now.Add(faultsEvery)
	f.hear(errors.New("too many open files"))
	lines := strings.Split(log.String(), "\n")
	if len(lines) < 3 || !strings.Contains(lines[0], "a bug") || strings.Count(log.String(), "a bug") != 1 ||
		!strings.Contains(log.String(), "too many open files") || !strings.Contains(log.String(), "999 more errors") || strings.Contains(log.String(), "unreachable") {
		t.Errorf("%s", log.String())
	}
}
