package journaltest

import (
	"testing"

	"gialai.gov.vn/hopnhat/ipam"
)

func TestMemory(t *testing.T) {
	Run(t, func(*testing.T) Opener {
		var s Store
		return func() (ipam.Journal, error) { return s.Open(), nil }
	})
}
