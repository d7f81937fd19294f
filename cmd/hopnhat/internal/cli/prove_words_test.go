package cli

import (
	"testing"

	"gialai.gov.vn/hopnhat/zones/proof"
)

// TestChecksInVietnamese: every check of the proof has its Vietnamese words,
// and no others are there.
func TestChecksInVietnamese(t *testing.T) {
	say := checksInVietnamese()
	for _, c := range proof.Checks() {
		if v := say[c.ID]; v.says == "" || v.mend == "" {
			t.Errorf("%s has no Vietnamese words", c.ID)
		}
		delete(say, c.ID)
	}
	for id := range say {
		t.Errorf("%s is no check of the proof", id)
	}
}
