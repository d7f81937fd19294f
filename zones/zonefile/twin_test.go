package zonefile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/miekg/dns"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// miekgRecords reads a master file with miekg/dns and gives the records as we
// have them, by way of the wire.
func miekgRecords(r io.Reader, fsys fstest.MapFS) (out []zones.Record, err error) {
	p := dns.NewZoneParser(r, gialai.String(), "z")
	if fsys != nil {
		p.SetIncludeAllowed(true)
		p.SetIncludeFS(fsys)
	}
	buf := make([]byte, 1<<17)
	for rr, ok := p.Next(); ok; rr, ok = p.Next() {
		n, err := dns.PackRR(rr, buf, 0, nil, false)
		if err != nil {
			return nil, err
		}
		owner, at, err := zones.NameFromWire(buf[:n])
		if err != nil {
			return nil, err
		}
		typ := zones.Type(rr.Header().Rrtype)
		data, err := rdata.Canonical(typ, buf[at+10:n])
		if err != nil {
			return nil, fmt.Errorf("%v: %w", rr, err)
		}
		out = append(out, zones.Record{Owner: owner, TTL: rr.Header().Ttl, Type: typ, Data: data})
	}
	return out, p.Err()
}

// TestTwinMiekg: on files free of its traps miekg/dns reads the same records
// in the same order.
func TestTwinMiekg(t *testing.T) {
	for seed := range uint64(1000) {
		g := randomZone(seed, forMiekg)
		fsys := g.files()
		tree, fs := Load(fsys, "z", Options{Origin: gialai})
		if tree.Failed() {
			t.Fatal(fs)
		}
		want, err := miekgRecords(strings.NewReader(g.out["z"].String()), fsys)
		if err != nil {
			t.Fatalf("seed %d: miekg: %v\n%s", seed, err, dump(g))
		}
		if err := sameRecords(tree.Records(), want); err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, dump(g))
		}
	}
}

// tool finds a program that scripts/install-test-deps installs.
func tool(t *testing.T, name string) string {
	t.Helper()
	for _, p := range []string{name, "/usr/sbin/" + name, "/usr/bin/" + name} {
		if p, err := exec.LookPath(p); err == nil {
			return p
		}
	}
	t.Skip(name + " is not installed (scripts/install-test-deps installs it): its reading is not compared")
	return ""
}

// compile turns a master file into canonical text with BIND.
func compile(t *testing.T, dir, file string) (string, error) {
	t.Helper()
	cmd := exec.Command(tool(t, "named-compilezone"), "-i", "none", "-k", "ignore", "-m", "ignore", "-M", "ignore", "-n", "ignore",
		"-r", "ignore", "-S", "ignore", "-s", "full", "-w", dir, "-o", "-", gialai.Text(), file)
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = fmt.Errorf("%w\n%s", err, exit.Stderr)
	}
	return string(out), err
}

func writeFiles(t *testing.T, m fstest.MapFS) string {
	t.Helper()
	dir := t.TempDir()
	for name, f := range m {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// asBIND gives records as BIND prints them: sorted, without duplicates.
func asBIND(rs []zones.Record) []zones.Record {
	return slices.CompactFunc(sorted(rs), zones.Record.Same)
}

// TestTwinBIND: named-compilezone reads the same records.
func TestTwinBIND(t *testing.T) {
	for seed := range uint64(150) {
		g := randomZone(seed, forBIND)
		fsys := g.files()
		dir := writeFiles(t, fsys)
		text, err := compile(t, dir, "z")
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, dump(g))
		}
		want, err := miekgRecords(strings.NewReader(text), nil)
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
		tree, fs := Load(fsys, "z", Options{Origin: gialai})
		if tree.Failed() {
			t.Fatal(fs)
		}
		if err := sameRecords(asBIND(tree.Records()), asBIND(want)); err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, dump(g))
		}
	}
}

// TestTwinBINDGenerate: the words of $GENERATE come out as in BIND.
func TestTwinBINDGenerate(t *testing.T) {
	const file = soa + `@ NS ns.example.net.
$GENERATE 0-20/3 a$ 60 IN A 192.0.2.$
$GENERATE 8-17 ${0,3}.b${-8,2,x} A 192.0.2.${1}
$GENERATE 250-260 ${0,0,o}.c${3,5,X} CNAME ${0,4,d}.d
$GENERATE 250-260 ${0,1,n}.e CNAME x${0,7,N}.d
$GENERATE 14-18 ${0,0,n}.f${0,3,n} PTR x$$y\$z.$.
$GENERATE 1-3 g$ MX "10 mx$"
$GENERATE 1-3 h$ TXT "\"a $; b\" c$"
$GENERATE 1-2 k${5}-$-${0}-$.${-3,3,x}.${-3,3,d} A 192.0.2.$
$GENERATE 1-2 i$ 1H IN AAAA 2001:db8::$
$GENERATE 1-2 \$j$ A 192.0.2.1
`
	dir := writeFiles(t, files("z", file))
	text, err := compile(t, dir, "z")
	if err != nil {
		t.Fatal(err)
	}
	want, err := miekgRecords(strings.NewReader(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	tree, fs := Load(files("z", file), "z", Options{Origin: gialai})
	if len(fs) > 0 {
		t.Fatal(fs)
	}
	if err := sameRecords(asBIND(tree.Records()), asBIND(want)); err != nil {
		t.Error(err)
	}
}
