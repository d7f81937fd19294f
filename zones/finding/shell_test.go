package finding

import (
	"os/exec"
	"testing"

	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/zones"
)

// TestShell holds Shell against a shell: what it quotes is one word, the same.
func TestShell(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringOf(rapid.RuneFrom([]rune(`ab.-+@;&|<>'"\$*?#~(){}[]!% `+"\t`"))).Draw(t, "s")
		if s == "" {
			return
		}
		out, err := exec.Command("sh", "-c", "printf '%s\\n' "+Shell(s)).Output()
		if err != nil || string(out) != s+"\n" {
			t.Fatalf("%q: %v %q", Shell(s), err, out)
		}
	})
}

func TestAsk(t *testing.T) {
	for text, want := range map[string]string{
		"www.tinh.vn":     "www.tinh.vn. A",
		"*.tinh.vn":       "-q '*.tinh.vn.' -t A",
		"-x.tinh.vn":      "-q -x.tinh.vn. -t A",
		`a\.b.tinh.vn`:    `-q 'a\.b.tinh.vn.' -t A`,
		`n'o.tinh.vn`:     `-q 'n\039o.tinh.vn.' -t A`,
		`+short.tinh.vn`:  `-q '\043short.tinh.vn.' -t A`,
		`x\032y.tinh.vn`:  `-q 'x\032y.tinh.vn.' -t A`,
		`_dmarc.tinh.vn`:  "_dmarc.tinh.vn. A",
		`xn--ng.tinh.vn`:  "xn--ng.tinh.vn. A",
		`a|id.tinh.vn`:    `-q 'a\124id.tinh.vn.' -t A`,
		`\@quantri.vn`:    `-q '\@quantri.vn.' -t A`,
		`\225\187.vn`:     `-q '\225\187.vn.' -t A`,
		`a\$b.tinh.vn`:    `-q 'a\$b.tinh.vn.' -t A`,
		`1.2.0.192.in-ad`: "1.2.0.192.in-ad. A",
	} {
		n, err := zones.ParseName(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := Ask(n, zones.TypeA); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
