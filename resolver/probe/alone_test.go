package probe

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestAlone: what is expected of a server is not made by the engine that is
// tested.
func TestAlone(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	deps := strings.Fields(string(out))
	if !slices.Contains(deps, "gialai.gov.vn/hopnhat/resolver/oracle") {
		t.Fatal("the oracle is not listed")
	}
	for _, p := range deps {
		if strings.HasPrefix(p, "gialai.gov.vn/hopnhat/resolver/answer") {
			t.Errorf("the expectations depend on %s", p)
		}
	}
}
