package transfer

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain holds ALONE over all tests.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
