package cli

import (
	"os"
	"testing"
	"time"
)

// TestMain puts the machine into a time zone far from that of every cutover's date,
// which is the one that matters.
func TestMain(m *testing.M) {
	time.Local = time.FixedZone("", -5*3600)
	os.Exit(m.Run())
}
