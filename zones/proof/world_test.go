package proof

import (
	"strings"
	"testing"
	"testing/fstest"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/zonefile"
)

type fataler interface {
	Helper()
	Fatalf(string, ...any)
}

// load reads one zone: text without $ORIGIN, $TTL and SOA, which are given.
func load(t fataler, name, origin, text string) *zones.Zone {
	t.Helper()
	if !strings.Contains(text, " SOA ") {
		text = "@ SOA ns." + origin + ". root 1 1800 900 604800 300\n" + text
	}
	text = "$TTL 3600\n" + text
	n, err := zones.ParseName(origin)
	if err != nil {
		t.Fatalf("%v", err)
	}
	tree, fs := zonefile.Load(fstest.MapFS{name: {Data: []byte(text)}}, name, zonefile.Options{Origin: n})
	if finding.Failed(fs) {
		t.Fatalf("%v\n%s", fs, text)
	}
	z, fs := tree.Zone(zones.Internet)
	if finding.Failed(fs) {
		t.Fatalf("%v\n%s", fs, text)
	}
	return z
}

// world reads zones, each begun by a line "zone ORIGIN".
func world(t fataler, side, text string) zones.World {
	t.Helper()
	var zs []*zones.Zone
	origin, body := "", ""
	end := func() {
		if origin != "" {
			zs = append(zs, load(t, side+"/"+origin, origin, body))
		}
	}
	for _, l := range strings.Split(text, "\n") {
		l = strings.TrimLeft(l, "\t")
		if o, ok := strings.CutPrefix(l, "zone "); ok {
			end()
			origin, body = o, ""
			continue
		}
		body += l + "\n"
	}
	end()
	w, err := zones.NewWorld(zs...)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return w
}

func ids(r Report) []string {
	var out []string
	for _, f := range r.Faults {
		out = append(out, f.ID)
	}
	return out
}

func dump(t *testing.T, r Report) {
	t.Helper()
	for _, f := range r.Faults {
		t.Logf("%d × %s\n%s", f.Count, f.Finding.String(), strings.Join(f.Dig, "\n"))
	}
	t.Logf("%+v", r.Counts)
}
