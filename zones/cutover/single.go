package cutover

import (
	"gialai.gov.vn/hopnhat/zones/proof"
)

// Single tells whether one step is enough for a wave (Wave.Single): the world
// after keeps what the world before answers, and no mixture of the two breaks,
// with nothing between them. The input's steps are passed over.
func Single(in proof.Input, o proof.Options) bool {
	in.Steps, o.Mixture = nil, true
	r := proof.Prove(in, o)
	return r.Preserved()
}
