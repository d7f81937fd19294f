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
	in := proof.Input{Before: plan.Before(), After: plan.After(), Mapping: w.Mapping}
	for _, p := range w.parts {
		if p.source != "" && p.zone != nil {
			in.Sources = append(in.Sources, p.id)
		}
	}
	var err error
	in.Steps, err = cutover.Steps(in.Before, in.After)
	return in, err
}
