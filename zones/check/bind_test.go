package check

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/zonefile"
)

// ours is what zone check says of a file: its exit code and the ids.
func ours(text string) (code int, ids string) {
	tree, fs := zonefile.Load(fstest.MapFS{"z": {Data: []byte(text)}}, "z", zonefile.Options{Origin: zones.MustName("example.vn")})
	z, more := tree.Zone(zones.Internet)
	if fs = append(fs, more...); z != nil {
		fs = append(fs, Zone(z, Options{})...)
	}
	var list []string
	for _, f := range fs {
		if f.Severity > finding.Note {
			list = append(list, f.ID)
		}
	}
	if finding.Failed(fs) {
		code = 1
	}
	return code, strings.Join(list, " ")
}

// TestBIND holds the checks against named-checkzone 9.18: where both speak, and
// where one is silent or milder, why.
func TestBIND(t *testing.T) {
	const (
		same   = ""
		loads  = "BIND tells whether it can load the zone; this one loads and is answered wrongly"
		milder = "BIND warns, since the zone loads; who follows the record gets nothing"
		silent = "BIND does not look at what clients make of the record"
		ttl    = "both take one TTL and warn"
	)
	bin, err := exec.LookPath("named-checkzone")
	if err != nil {
		if bin, err = exec.LookPath("/usr/sbin/named-checkzone"); err != nil {
			t.Skip("named-checkzone is not installed (scripts/install-test-deps installs it): nothing to hold the checks against")
		}
	}
	for _, c := range []struct {
		what, text string
		bind, we   int
		ids, why   string
	}{
		{"a good zone", "www A 192.0.2.2", 0, 0, "", same},
		{"CNAME beside others", "x CNAME ns\nx TXT y", 1, 1, "N-CNAME-OTHER", same},
		{"CNAME at the apex", "@ CNAME ns.example.", 1, 1, "N-CNAME-OTHER", same},
		{"two CNAMEs", "x CNAME ns\nx CNAME y.example.", 1, 1, "N-CNAME-OTHER", same},
		{"two DNAMEs", "x DNAME a.example.\nx DNAME b.example.", 1, 1, "N-CNAME-OTHER", same},
		{"a server is an alias", "@ NS ns2\nns2 CNAME ns", 1, 1, "X-MX-CNAME", same},
		{"a server that does not exist", "@ NS ns2", 1, 1, "X-DANGLE", same},
		{"a server without address", "@ NS ns2\nns2 TXT x", 1, 1, "G-ADDR", same},
		{"NS at a wildcard", "*.x NS ns", 1, 1, "N-WILD-NS", same},
		{"DS at the apex", "@ DS 1 8 2 " + hash(32), 1, 1, "G-DS", same},
		{"mandatory names what is not there", "@ HTTPS 1 ns mandatory=alpn", 1, 1, "Z-RDATA", same},
		{"an address that is none", "x A 192.0.2.256", 1, 1, "Z-RDATA", same},
		{"a second SOA", "@ SOA ns hm 2 10800 3600 604800 3600", 1, 1, "Z-SOA", same},
		{"a set above 65535 octets", many("x TXT \"%0250d\"\n", 300), 1, 1, "G-SIZE", same},
		{"an asterisk inside", "a.*.x TXT x", 0, 0, "N-WILD-INNER", same},
		{"TTLs differ", "x 60 A 192.0.2.1\nx 70 A 192.0.2.2", 0, 0, "M-TTL", ttl},
		{"a record twice", "x A 192.0.2.1\nx A 192.0.2.1", 0, 0, "", same},

		{"an exchange that does not exist", "@ MX 10 m", 0, 1, "X-DANGLE", milder},
		{"an exchange without address", "@ MX 10 m\nm TXT x", 0, 1, "G-ADDR", milder},
		{"an exchange is an alias", "@ MX 10 m\nm CNAME ns", 0, 1, "X-MX-CNAME", milder},
		{"an exchange is an address", "@ MX 10 192.0.2.1.", 0, 1, "G-ADDR", milder},
		{"a service that does not exist", "_sip._tcp SRV 1 1 5060 x", 0, 1, "X-DANGLE", milder},
		{"glue is missing", "sub NS ns.sub", 0, 1, "D-GLUE", milder},
		{"delegations that need each other", "a NS ns.b\nb NS ns.a", 0, 1, "D-CYCLE", milder},
		{"a missing dot", "@ MX 1 mail.example.vn", 0, 1, "Z-DOUBLE Z-DOUBLE", milder},
		{"an owner outside", "x.example. A 192.0.2.1", 0, 1, "Z-ZONE", "BIND leaves the record out with a warning; to lose it is what the tool is there to prevent"},

		{"an alias that leads nowhere", "x CNAME y", 0, 1, "X-DANGLE", loads},
		{"a circle", "x CNAME y\ny CNAME x", 0, 1, "X-LOOP", loads},
		{"a DNAME below itself", "x DNAME y.x", 0, 1, "X-DNAME-GROW", loads},
		{"DNAME at a wildcard", "*.x DNAME y.example.", 0, 1, "N-WILD-NS", loads},
		{"a DNAME that hides", "x DNAME y.example.\nwww.x A 192.0.2.2", 0, 1, "N-DNAME-OCC", loads},
		{"a cut that hides", "sub NS ns\nwww.sub A 192.0.2.2", 0, 0, "N-CUT", loads},
		{"owners without dot", "$ORIGIN example.vn\na A 192.0.2.1", 0, 0, "Z-DOUBLE Z-DOUBLE", loads},

		{"an exchange without dot", "@ MX 1 mail\nmail.example.vn A 192.0.2.1", 0, 1, "Z-DOUBLE Z-DOUBLE", milder},

		{"two SPF", "@ TXT \"v=spf1 -all\"\n@ TXT \"v=spf1 ~all\"", 0, 1, "S-SPF-2", silent},
		{"a DKIM key", "s._domainkey TXT \"p=x\"", 0, 1, "S-DKIM", silent},
		{"null MX", "@ MX 0 .\n@ MX 10 ns", 0, 1, "S-NULLMX", silent},
		{"CAA", "@ CAA 0 isue \"x\"", 0, 1, "S-CAA", silent},
		{"TLSA", "_25._tcp.ns TLSA 3 1 1 abab", 0, 1, "S-TLSA", silent},
		{"HTTPS", "@ HTTPS 0 x.example.\n@ HTTPS 1 y.example. alpn=h2", 0, 0, "S-SVCB", silent},
		{"a private address", "x A 10.0.0.1", 0, 0, "M-PRIVATE", silent},
		{"a host's name with an underscore", "a_b A 192.0.2.1", 0, 0, "", "BIND warns of names that are no hosts' (RFC 952); RFC 2181 11 lets a name be any octets, and Windows zones have many"},
	} {
		t.Run(c.what, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "z")
			text := head + c.text + "\n"
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := exec.Command(bin, "-i", "local", "example.vn", file).CombinedOutput()
			code := 0
			var exit *exec.ExitError
			if errors.As(err, &exit) {
				code = exit.ExitCode()
			} else if err != nil {
				t.Fatal(err)
			}
			if code != c.bind {
				t.Errorf("named-checkzone exits with %d, the table says %d\n%s", code, c.bind, out)
			}
			if code, ids := ours(text); code != c.we || ids != c.ids {
				t.Errorf("we exit with %d (%s), the table says %d (%s)", code, ids, c.we, c.ids)
			}
			if (c.bind != c.we) && c.why == same {
				t.Error("no reason for the difference")
			}
		})
	}
}
