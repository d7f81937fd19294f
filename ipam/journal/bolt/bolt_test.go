package bolt

import (
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"gialai.gov.vn/hopnhat/ipam"
	"gialai.gov.vn/hopnhat/ipam/journal/journaltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestContract(t *testing.T) {
	journaltest.Run(t, func(t *testing.T) journaltest.Opener {
		path := filepath.Join(t.TempDir(), "book.db")
		return func() (ipam.Journal, error) { return Open(path, Options{}) }
	})
}
