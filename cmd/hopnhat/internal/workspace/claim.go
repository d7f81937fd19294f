package workspace

import (
	"gialai.gov.vn/hopnhat/zones/cutover"
	"gialai.gov.vn/hopnhat/zones/merge"
	"gialai.gov.vn/hopnhat/zones/proof"
)

// Claim is what must hold of a plan: every name that is served today or
// brought in goes on answering, and answers at its new name too.
// They are switched to in three steps.
func (w *Workspace) Claim(plan *merge.Plan) (proof.Input, error) {
	in := w.claim(plan.Before(), plan.After(), w.Mapping)
	var err error
	in.Steps, err = cutover.Steps(in.Before, in.After)
	return in, err
}
