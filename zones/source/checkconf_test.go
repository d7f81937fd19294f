package source

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/zonefile"
)

// facts is what a configuration says about its zones, without the words that
// BIND changes when it prints it (master becomes primary in BIND 9.20) and
// without places.
func facts(c *Conf) (out []string) {
	for _, v := range c.Views() {
		out = append(out, "view "+v.Name+" "+v.Class)
	}
	for _, z := range c.Zones() {
		out = append(out, fmt.Sprintf("zone %v %s %s %s file %q in %q format %q journal %q inline %v updates %v policy %q",
			z.Name, z.Class, z.View, z.Type, z.File, z.InView, z.Format, z.Journal, z.Inline, z.Updates, z.Policy))
	}
	return out
}

// TestCanonicalPrint reads each sample tree as BIND prints it (named-checkconf
// -p: one file, includes in place, its own layout): the same zones in the same
// order with the same files.
func TestCanonicalPrint(t *testing.T) {
	checkconf := bind(t, "named-checkconf")
	for _, tr := range trees {
		t.Run(tr.name, func(t *testing.T) {
			conf := install(t, open(t, filepath.Join("testdata", tr.name)), tr)
			root := "/"
			installed, finds := ReadConf(os.DirFS(root), strings.TrimPrefix(conf, "/"), zonefile.Options{Root: root})
			if finding.Failed(finds) {
				t.Fatal(finds)
			}
			out, err := exec.Command(checkconf, "-p", conf).Output()
			if err != nil {
				t.Fatal(err)
			}
			printed, finds := ReadConf(fstest.MapFS{"named.conf": {Data: out}}, "named.conf", zonefile.Options{})
			if len(finds) > 0 {
				t.Fatalf("%v\n%s", finds, out)
			}
			got, want := facts(printed), facts(installed)
			if !slices.Equal(got, want) || len(want) == 0 {
				t.Errorf("as printed\n%s\nas written\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

// TestOneTokenLess takes away each token of a sample tree in turn: what BIND
// still reads we read too, with the same zones. BIND knows every option and
// refuses more; where it alone refuses, no zone is lost to us.
func TestOneTokenLess(t *testing.T) {
	checkconf := bind(t, "named-checkconf")
	for _, c := range []struct{ tree, file string }{
		{"views", "named.conf"},
		{"flat", "vung.d/20-anlao.conf"},
	} {
		t.Run(c.tree+" "+c.file, func(t *testing.T) {
			t.Parallel()
			tr := trees[slices.IndexFunc(trees, func(tr tree) bool { return tr.name == c.tree })]
			conf := install(t, open(t, filepath.Join("testdata", c.tree)), tr)
			cut := filepath.Join(strings.TrimSuffix(conf, tr.conf), c.file)
			whole, err := os.ReadFile(cut)
			if err != nil {
				t.Fatal(err)
			}
			untouched, _ := ReadConf(os.DirFS("/"), strings.TrimPrefix(conf, "/"), zonefile.Options{Root: "/"})
			all := lines(untouched)
			accepted, refused := 0, 0
			x := &lexer{buf: whole}
			for tok, ok := x.next(); ok; tok, ok = x.next() {
				if tok.kind == blank || tok.kind == comment {
					continue
				}
				text := string(whole[:tok.start]) + " " + string(whole[tok.end:])
				if err := os.WriteFile(cut, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
				out, err := exec.Command(checkconf, "-l", conf).Output()
				ours, finds := ReadConf(os.DirFS("/"), strings.TrimPrefix(conf, "/"), zonefile.Options{Root: "/"})
				where := fmt.Sprintf("without %q at octet %d", whole[tok.start:tok.end], tok.start)
				if err != nil {
					refused++
					if got := lines(ours); !finding.Failed(finds) && !slices.Equal(got, all) {
						t.Errorf("%s: BIND refuses it, we read it and lose zones\n got %q\nwhole %q", where, got, all)
					}
					continue
				}
				accepted++
				if finding.Failed(finds) {
					t.Errorf("%s: BIND reads it, we find %v", where, finds)
				} else if got, want := lines(ours), listed(out); !slices.Equal(got, want) {
					t.Errorf("%s\n got %q\nBIND %q", where, got, want)
				}
			}
			if accepted == 0 || refused == 0 {
				t.Errorf("BIND accepted %d and refused %d: the test shows nothing", accepted, refused)
			}
			t.Logf("BIND accepted %d and refused %d", accepted, refused)
		})
	}
}

// listed is the output of named-checkconf -l as lines gives it.
func listed(out []byte) []string {
	var want []string
	for _, w := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		if f := strings.Fields(w); len(f) > 1 {
			f[1] = strings.ToUpper(f[1]) // BIND prints the class as written
			want = append(want, strings.Join(f, " "))
		}
	}
	slices.Sort(want)
	return want
}

// TestSmallConfs gives small configurations to BIND and to ours: both refuse
// them, or both read the same zones.
func TestSmallConfs(t *testing.T) {
	checkconf := bind(t, "named-checkconf")
	const zone = `zone "q.vn" { type master; file "x"; };`
	read := []string{
		zone,
		`zone q.vn IN { type primary; file "x"; };`,
		"\r\n" + zone + "\r\n",
		`zone"q.vn"{type master;file"x";};`,
		`ZONE "Q.vn" in { TYPE Master; FILE "x"; };`,
		"zone \"q.vn\" { type master; file \"x\ny\"; };",
		"# c }\nzone \"q.vn\" { type master; // c } ;\n file \"x\"; };",
		`/* " { **/ zone /**/"q.vn"/**/{/**/type /* /* */ master; file "x";/**/}/**/; # end`,
		"zone q.vn// }\n{ type master; file \"x\"; };",
		"zone q.vn# }\n{ type master; file \"x\"; };",
		`/*/ "never read" /*/`,
		`zone "q.vn" { include "type.cut";; file "x"; };`,
		`zone "q!r/s.vn" { type master; file "a\\"; }; # "`,
		`zone "q.vn" { type master; file "a\"b"; };`,
		`zone "q.vn" { type master; file "x"; }; // /* not open`,
		zone + ` zone "a.q.vn" { type forward; }; zone "." { type hint; file "r"; };`,
		`zone "q.vn" { type master; file "x"; allow-update { !any; 10.0.0.1; }; };`,
		`include "one.inc";`,
		`include "d/*.inc"; ` + zone,
		`include "d/[23].inc";`,
		`include "d/?.inc";`,
		`zone "q.vn" { include "type.inc"; file "x"; };`,
		`include "cut.inc";;`,
		`view "a" { include "one.inc"; }; view "b" { zone "one.vn" { in-view "a"; }; };`,
		`include "v/*.inc";`,
		`options { masterfile-format text; }; view "a" { match-clients { any; }; ` + zone + ` };`,
	}
	refused := []string{
		`zone "q.vn" { type master; file "x"; } /* open`,
		`zone "q.vn" { type master; file "x; };`,
		`zone "q.vn" { type master; file "x"; }`,
		`zone "q.vn" { type master; file "x" };`,
		`zone "q.vn" { type master; file "x";`,
		`zone "q.vn" { type master; file "x"; };` + ` }`,
		zone + ` ;`,
		zone + ` zone "Q.VN." { type master; file "y"; };`,
		`zone "q.vn" "IN" { type master; file "x"; };`,
		`"zone" "q.vn" { type master; file "x"; };`,
		`zone "q.vn" { type master; file x; };`,
		`zone "q.vn" { type "master"; file "x"; };`,
		`zone "q.vn" { type master; type slave; file "x"; };`,
		`zone "q.vn" { type master; file "x"; file "y"; };`,
		`zone "q.vn" { type master; file "x"; journal "a"; journal "b"; };`,
		`zone "q.vn" { file "x"; };`,
		`zone "q.vn" { type invented; file "x"; };`,
		`zone "q..vn" { type master; file "x"; };`,
		`zone "" { type master; file "x"; };`,
		`zone 10/8.q.vn { type master; file "x"; };`,
		`zone "` + strings.Repeat("a", 64) + `.vn" { type master; file "x"; };`,
		`options { directory "."; directory ".."; };`,
		`options { directory /tmp; };`,
		`options { }; options { };`,
		`include one.inc;`,
		`include "self.inc";`,
		`include "cut.inc";`,
		`include "c/*.inc";;`,
		`include "e/*.inc";;`,
		`include "one.inc";;`,
		`include "inner.inc";;`,
		`notify yes ` + zone,
		`include "one.inc" ` + zone,
		`include; ` + zone,
		`include { };`,
		`include "one.inc" "d/1.inc";`,
		`{ directory "."; };`,
		`options { recursion no directory "."; };`,
		`zone "q.vn" { type master; notify yes file "x"; };`,
		`view "a" { recursion yes ` + zone + ` };`,
		`view "a" { recursion yes include "one.inc"; };`,
		`zone/* */ "q.vn" { type master; file "x"; };`,
		`zone "q.vn" { type/**/master; file "x"; };`,
		`zone "q.vn" { type master/**/; file "x"; };`,
		`zone q!r.vn { type master; file "x"; };`,
		zone + ` /`,
		`view "a" { }; ` + zone,
		`view "a" { }; view "a" { };`,
		`view "a" { zone "q.vn" { in-view "b"; }; }; view "b" { ` + zone + ` };`,
		`view "a" { zone "q.vn" { in-view "a"; }; };`,
		`view "a" { ` + zone + ` }; view "b" { zone "q.vn" { in-view "a"; }; }; view "c" { zone "q.vn" { in-view "b"; }; };`,
		`view "a" CH { zone "q.vn" IN { type master; file "x"; }; };`,
		`include "w/*.inc";`,
	}
	for i, text := range slices.Concat(read, refused) {
		dir := t.TempDir()
		for name, text := range map[string]string{
			"one.inc":   `zone "one.vn" { type master; file "one"; };`,
			"d/1.inc":   `zone "d1.vn" { type master; file "1"; };`,
			"d/2.inc":   `zone "d2.vn" { type master; file "2"; };`,
			"d/3.inc":   `zone "d3.vn" { type master; file "3"; };`,
			"d/.4.inc":  `this is not read {`,
			"type.inc":  `type master;`,
			"cut.inc":   `zone "cut.vn" { type master; file "cut"; }`,
			"type.cut":  `type master`,
			"inner.inc": `include "cut.inc"`,
			"e/1.inc":   `zone "e1.vn" { type master; file "1"; }`,
			"e/2.inc":   `zone "e2.vn" { type master; file "2"; }`,
			"c/1.inc":   `zone "c1.vn" { type master; file "1"; };`,
			"c/2.inc":   `zone "c2.vn" { type master; file "2"; }`,
			"self.inc":  `include "self.inc";`,
			"v/1.inc":   `view "b" { zone "q.vn" { in-view "a"; }; };`,
			"v/2.inc":   `view "a" { ` + zone + ` };`,
			"w/1.inc":   `view "a" { ` + zone + ` };`,
			"w/2.inc":   `view "b" { zone "q.vn" { in-view "a"; }; };`,
			"n.conf":    text,
		} {
			put(t, dir, name, text)
		}
		cmd := exec.Command(checkconf, "-l", "n.conf")
		cmd.Dir = dir
		out, err := cmd.Output()
		c, finds := ReadConf(os.DirFS(dir), "n.conf", zonefile.Options{})
		if (err != nil) != (i >= len(read)) {
			t.Errorf("%d: this BIND changed its mind about %s: %v %s", i, text, err, out)
		}
		switch failed := finding.Failed(finds); {
		case failed != (err != nil):
			t.Errorf("%d: %s\nBIND: %v %s\nours: %v", i, text, err, out, finds)
		case !failed:
			if got, want := lines(c), listed(out); !slices.Equal(got, want) {
				t.Errorf("%d: %s\n got %q\nBIND %q", i, text, got, want)
			}
		}
		for _, f := range finds {
			if f.At.Line == 0 || f.At.Column == 0 || f.Found == "" || f.Mend == "" {
				t.Errorf("%d: no place or no way out: %v", i, f)
			}
		}
	}
}
