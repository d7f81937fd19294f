package daemon

import (
	"time"

	"gialai.gov.vn/hopnhat/zones/cutover"
)

// prepare compiles what a step will be answered from a while before its instant.
func (dir *director) prepare(cutover.Decision, time.Time) {}
