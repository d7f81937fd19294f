package source

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/zonefile"
)

const qvn = `zone "q.vn" { type master; file "q"; };`

// files makes a file system of names and texts.
func files(pairs ...string) fstest.MapFS {
	m := fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1]), Mode: 0o644}
	}
	return m
}

// soon runs f and fails when it hangs. The limit is for liveness only.
func soon(t *testing.T, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("hangs")
	}
}

// TestBad holds what each bad tree gets: the finding, its place, and a piece of
// its words.
func TestBad(t *testing.T) {
	at := zones.Place{File: "consolidation.yaml", Line: 3, Column: 9}
	many := strings.Repeat("a", 400)
	for _, c := range []struct {
		name string
		fsys fs.FS
		zone string // q.vn
		view string
		want string // the first finding above a note: "place: id: piece of what was found"
	}{
		{"no named.conf", files(), "", "", "consolidation.yaml:3:9: S-READ: does not exist"},
		{"named.conf is a folder", files("named.conf/x", ""), "", "", "consolidation.yaml:3:9: S-READ: a folder or a device"},
		{"named.conf is no text", files("named.conf", "a\x00b"), "", "", "consolidation.yaml:3:9: S-READ: NUL"},
		{"named.conf is UTF-16", files("named.conf", "\xff\xfez\x00"), "", "", "consolidation.yaml:3:9: S-READ: UTF-16"},
		{"empty named.conf", files("named.conf", ""), "", "", "consolidation.yaml:3:9: B-ZONE: has no zone q.vn"},

		{"file is missing", files("named.conf", "\n  "+qvn), "", "", "named.conf:2:35: B-FILE: the file \"q\" of zone q.vn is not in the tree"},
		{"file is a folder", files("named.conf", qvn, "q/x", ""), "", "", "named.conf:1:33: B-FILE: q: it is a folder"},
		{"file is empty", files("named.conf", qvn, "q", ""), "", "", "q: Z-SOA: "},
		{"file of another zone", files("named.conf", qvn, "q", "$ORIGIN r.vn.\n$TTL 60\n@ SOA a b 1 2 3 4 5\n@ NS a\n"), "", "", "q:3:1: Z-SOA: "},
		{"two files of the server in one place", files("named.conf", `zone "q.vn" { type master; file "/a/db"; }; zone "r.vn" { type master; file "/b/db"; };`, "db", phucat), "", "", "named.conf:1:33: B-FILE: two files of the server"},
		{"no file", files("named.conf", `zone "q.vn" { type master; };`), "", "", "named.conf:1:6: B-FILE: no file is set"},
		{"secondary in memory", files("named.conf", `zone "q.vn" { type slave; masters { 192.0.2.1; }; };`), "", "", "named.conf:1:6: B-FILE: in memory only"},
		{"file name in quotes of another kind", files("named.conf", "zone \"q.vn\" { type master; file 'q'; };"), "", "", "named.conf:1:33: B-SYNTAX: not in quotes"},

		{"hint", files("named.conf", `zone "q.vn" { type hint; file "q"; };`), "", "", "named.conf:1:31: B-TYPE: root servers"},
		{"forward", files("named.conf", `zone "q.vn" { type forward; forwarders { 192.0.2.1; }; };`), "", "", "named.conf:1:6: B-TYPE: sends queries on"},
		{"stub", files("named.conf", `zone "q.vn" { type stub; masters { 192.0.2.1; }; };`), "", "", "named.conf:1:6: B-TYPE: which servers to ask"},
		{"static-stub", files("named.conf", `zone "q.vn" { type static-stub; server-addresses { 192.0.2.1; }; };`), "", "", "named.conf:1:6: B-TYPE: which servers to ask"},
		{"redirect", files("named.conf", `zone "q.vn" { type redirect; file "q"; };`), "", "", "named.conf:1:35: B-TYPE: do not exist"},
		{"invented type", files("named.conf", "zone \"q.vn\" {\n\ttype boss;\n};"), "", "", "named.conf:2:7: B-ZONE: unknown type of zone: \"boss\""},

		{"no such zone", files("named.conf", qvn), "r.vn", "", "consolidation.yaml:3:9: B-ZONE: has no zone r.vn"},
		{"no such view", files("named.conf", qvn), "", "out", "consolidation.yaml:3:9: B-VIEW: has no view \"out\""},
		{"view without the zone", files("named.conf", `view "a" { }; view "b" { `+qvn+` };`), "", "a", "consolidation.yaml:3:9: B-ZONE: view \"a\" of named.conf has no zone"},
		{"which view", files("named.conf", `view "a" { match-clients { 10/8; }; `+qvn+` }; view "b" { `+qvn+` };`), "", "", "consolidation.yaml:3:9: B-VIEW: \"a\" (match-clients 10/8;), \"b\""},
		{"which view, long clients", files("named.conf", `view "a" { match-clients { `+many+`; }; `+qvn+` }; view "b" { `+qvn+` };`), "", "", "consolidation.yaml:3:9: B-VIEW: aaaa…"},
		{"zone outside views", files("named.conf", `view "a" { }; `+qvn), "", "", "named.conf:1:15: B-VIEW: outside the views"},
		{"in-view from further down", files("named.conf", "view \"a\" { zone \"q.vn\" { in-view b; }; };\nview \"b\" { "+qvn+" };"), "", "", "named.conf:1:34: B-VIEW: "},

		{"include of itself", files("named.conf", qvn+"\ninclude \"named.conf\";"), "", "", "named.conf:2:9: B-INCLUDE: named.conf -> named.conf"},
		{"include in a circle", files("named.conf", "include \"a\";", "a", "include \"b\";", "b", "\n include \"a\";"), "", "", "b:2:10: B-INCLUDE: named.conf -> a -> b -> a"},
		{"pattern that finds itself", files("d/named.conf", "", "named.conf", "include \"*.conf\";"), "", "", "named.conf:1:9: B-INCLUDE: circle"},
		{"include of a missing file", files("named.conf", qvn+` include "keys";`, "q", phucat), "", "", "named.conf:1:49: B-INCLUDE: no such file"},
		{"include missing inside the zone", files("named.conf", `zone "q.vn" { type master; file "q"; include "z"; };`, "q", phucat), "", "", "named.conf:1:33: B-INCLUDE: an included file inside the zone"},
		{"include out of the tree", files("named.conf", `include "../../etc/passwd"; `+qvn, "q", phucat), "", "", "named.conf:1:9: B-INCLUDE: "},
		{"zone file out of the tree", files("named.conf", `zone "q.vn" { type master; file "../../etc/passwd"; };`), "", "", "named.conf:1:33: B-FILE: "},
		{"$INCLUDE out of the tree", files("named.conf", qvn, "q", "$TTL 60\n@ SOA a b 1 2 3 4 5\n@ NS a\n$INCLUDE ../../etc/passwd\n"), "", "", "q:4:10: Z-INCLUDE: "},

		{"open block", files("named.conf", "zone \"q.vn\" {\n type master;"), "", "", "named.conf:1:13: B-SYNTAX: never closed"},
		{"open string", files("named.conf", "zone \"q.vn\" { type master;\n file \"q; };"), "", "", "named.conf:2:7: B-SYNTAX: string opened here is never closed"},
		{"open comment", files("named.conf", qvn+"\n  /* "+qvn), "", "", "named.conf:2:3: B-SYNTAX: comment opened here is never closed"},
		{"brace too many", files("named.conf", qvn+"\n};"), "", "", "named.conf:2:1: B-SYNTAX: closing brace"},
		{"Vietnamese before the column", files("named.conf", "/* Hạ tầng */ }"), "", "", "named.conf:1:15: B-SYNTAX: closing brace"},
		{"deep nesting", files("named.conf", strings.Repeat("a {", 100_000)), "", "", "named.conf:1:99: B-LIMIT: blocks inside each other"},
		{"deep includes", chain(40), "", "", "f15:1:9: B-LIMIT: deep"},
		{"many includes", files("named.conf", strings.Repeat("include \"e\";\n", maxIncludes+5), "e", "\n"), "", "", "named.conf:4097:9: B-LIMIT: files are included"},
		{"includes that double", doubling(14), "", "", ": B-LIMIT: files are included"},
		{"much by one include", files("named.conf", strings.Repeat("include \"e\";", 10), "e", "# "+strings.Repeat("x", 15<<20)), "", "", "named.conf:1:57: B-LIMIT: octets of configuration"},
		{"too large", files("named.conf", strings.Repeat(" ", maxConfFile+1)), "", "", "consolidation.yaml:3:9: S-READ: too large"},
		{"10 MB in a line", files("named.conf", "acl a { "+strings.Repeat("10.0.0.0/8; ", 900_000)+"}}"), "", "", "named.conf:1:10800010: B-SYNTAX: "},
		{"10 MB in a word", files("named.conf", "zone "+strings.Repeat("a", 10<<20)+" { type master; };"), "", "", "named.conf:1:6: B-ZONE: "},
		{"10 MB in a string", files("named.conf", `zone "q.vn" { type master; file "`+strings.Repeat("a/", 5<<20)+`"; };`), "", "", "named.conf:1:33: B-FILE: "},
		{"10 MB of quotes", files("named.conf", strings.Repeat(`"`, 10<<20)), "", "", ": B-LIMIT: words of configuration"},
		{"10 MB of faults", files("named.conf", strings.Repeat("};", 5<<20)), "", "", "named.conf:1:1: B-SYNTAX: closing brace"},
		{"10 MB of comment ends", files("named.conf", strings.Repeat("/*/", 3<<20)+"x"), "", "", "named.conf:1:9437186: B-SYNTAX: a semicolon is missing"},
		{"10 MB of $", files("named.conf", qvn, "q", strings.Repeat("$INCLUDE\n$", 1<<20)), "", "", "q:1:1: Z-DIRECTIVE: "},
		{"many stars", files("named.conf", `include "`+strings.Repeat("*a", 1000)+`"; `+qvn, strings.Repeat("a", 255), "", "q", phucat), "", "", "named.conf:1:9: B-INCLUDE: no such file"},
		{"pattern that is none", files("named.conf", `include "["; `+qvn, "q", phucat), "", "", "named.conf:1:9: B-INCLUDE: no such file"},
		{"control character in a name", files("named.conf", "include \"a\\\x01\";"+qvn, "q", phucat), "", "", "named.conf:1:9: B-INCLUDE: no such file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			origin := "q.vn"
			if c.zone != "" {
				origin = c.zone
			}
			soon(t, func() {
				z, finds := Read(c.fsys, Spec{ID: zones.ID{Origin: zones.MustName(origin), View: "v"}, Kind: "bind", Path: "named.conf", BindView: c.view, At: at}, zonefile.Options{})
				if len(finds) > 10_000+100 { // a limit of zonefile, and what stands beside it
					t.Errorf("%d findings", len(finds))
				}
				var first finding.Finding
				for _, f := range finds {
					if f.Severity > first.Severity {
						first = f
					}
					if len(f.String()) > 4*4096 || f.At.IsZero() || strings.ContainsAny(f.Found+f.Mend, "\x00\x01\n") {
						t.Errorf("too long, without place, or not printable: %.300s", f.String())
					}
				}
				if first.Mend == "" || (z.Zone != nil) != (!finding.Failed(finds)) {
					t.Errorf("zone %v, no way out: %v", z.Zone != nil, first)
				}
				place, rest, _ := strings.Cut(c.want, ": ")
				id, piece, _ := strings.Cut(rest, ": ")
				if first.ID != id || place != "" && first.At.String() != place || !strings.Contains(first.Found, piece) {
					t.Errorf("got %v: %s: %s\nwant %s", first.At, first.ID, first.Found, c.want)
				}
			})
		})
	}
}

// chain is files that include one another, n deep.
func chain(n int) fs.FS {
	m := files("named.conf", `include "f1";`)
	for i := 1; i < n; i++ {
		m[fmt.Sprint("f", i)] = &fstest.MapFile{Data: fmt.Appendf(nil, `include "f%d";`, i+1)}
	}
	return m
}

// doubling is n files of which each includes the next twice.
func doubling(n int) fs.FS {
	m := files("named.conf", `include "f1"; include "f1";`, fmt.Sprint("f", n), "\n")
	for i := 1; i < n; i++ {
		m[fmt.Sprint("f", i)] = &fstest.MapFile{Data: fmt.Appendf(nil, `include "f%d"; include "f%d";`, i+1, i+1)}
	}
	return m
}

// TestKindsThatAreNotRead are refused with the place that names them.
func TestKindsThatAreNotRead(t *testing.T) {
	at := zones.Place{File: "hopnhat.yaml", Line: 7, Column: 5}
	for _, kind := range []string{"axfr", "sheet", "xlsx", "xls", "ods", "csv", "ldap", "BIND", "", "a\x1b[31m\n" + strings.Repeat("b", 500)} {
		z, finds := Read(files("x", phucat), Spec{Kind: kind, Path: "x", At: at}, zonefile.Options{})
		f := only(t, finds, "S-KIND")
		if z.Zone != nil || f.Severity != finding.Error || f.At != at || !strings.Contains(f.Found, "bind, file") || f.Mend == "" {
			t.Errorf("%q: %v", kind, f)
		}
		if s := f.String(); len(s) > 600 || strings.ContainsAny(s, "\x1b\n") {
			t.Errorf("%q is shown as %q", kind, s)
		}
	}
}

// TestPaths: nothing outside the file system is named or read.
func TestPaths(t *testing.T) {
	at := zones.Place{File: "hopnhat.yaml", Line: 7, Column: 5}
	for _, kind := range Kinds() {
		for path, want := range map[string]string{
			"":                   "no file is named",
			".":                  "no file is named",
			"..":                 "outside the include root",
			"../x":               "outside the include root",
			"a/../../x":          "outside the include root",
			"/etc/passwd":        "outside the include root",
			"/srv/treeless/x":    "outside the include root",
			"a\x00b":             "no path of a file",
			"missing":            "does not exist",
			"/srv/tree/missing":  "does not exist",
			"d":                  "",
			"x/below":            "",
			"missing/../missing": "does not exist",
		} {
			z, finds := Read(files("x", phucat, "d/y", ""), Spec{Kind: kind, Path: path, At: at}, zonefile.Options{Root: "/srv/tree"})
			if len(finds) == 0 || z.Zone != nil || finds[0].At != at || finds[0].Severity != finding.Error || !strings.Contains(finds[0].Found, want) {
				t.Errorf("%s %q: %v", kind, path, finds)
			}
		}
	}
}

// TestLinksThatLeave: a link out of the tree is not followed.
func TestLinksThatLeave(t *testing.T) {
	dir, out := t.TempDir(), t.TempDir()
	put(t, out, "secret", phucat)
	put(t, dir, "named.conf", `include "keys"; zone "phucat.vn" { type master; file "db"; };`)
	for _, name := range []string{"keys", "db", "plain"} {
		if err := os.Symlink(filepath.Join(out, "secret"), filepath.Join(dir, name)); err != nil {
			t.Skip("no symbolic links here:", err)
		}
	}
	for kind, path := range map[string]string{"bind": "named.conf", "file": "plain"} {
		z, finds := readKind(t, dir, kind, path, "phucat.vn")
		if z.Zone != nil || !finding.Failed(finds) {
			t.Errorf("%s: a link that leaves the tree was followed: %v", kind, finds)
		}
		for _, f := range finds {
			if strings.Contains(f.String(), "192.0.2") || !strings.Contains(f.Found, "link that leaves it") {
				t.Errorf("%s: %v", kind, f)
			}
		}
	}
}

// TestSecretsAreNotShown: a line that may hold a key is left out of findings.
func TestSecretsAreNotShown(t *testing.T) {
	for _, text := range []string{
		`key "k" { algorithm hmac-sha256; secret "Zm9vYmFy" };`,
		"key \"k\" { algorithm hmac-sha256; secret\n\"Zm9vYmFy\" };",
		"key \"k\" { algorithm hmac-sha256; SECRET\n\n\t\"Zm9vYmFy\" };",
		"key \"k\" {\n secret \"Zm9vYmFy;\n};",
	} {
		c, finds := ReadConf(files("named.conf", text), "named.conf", zonefile.Options{})
		if c == nil || !finding.Failed(finds) {
			t.Errorf("%s: %v", text, finds)
		}
		for _, f := range finds {
			if strings.Contains(f.String(), "Zm9v") {
				t.Errorf("shown: %v", f)
			}
		}
	}
}

// TestFolderInTheWay: a folder of that name, where BIND would look first, does
// not hide the file beside the one that includes it.
func TestFolderInTheWay(t *testing.T) {
	fsys := files("etc/named.conf", `options { directory "/var/bind"; }; include "/etc/more/one.conf";`,
		"etc/more/one.conf", `include "inc";`, "var/bind/inc/x", "",
		"etc/more/inc", `zone "q.vn" { type master; file "/etc/z/db"; };`,
		"etc/z/db", phucat+"$INCLUDE part\n", "var/bind/part/x", "", "etc/z/part", "moi A 192.0.2.7\n")
	z, finds := Read(fsys, Spec{ID: zones.ID{Origin: zones.MustName("q.vn"), View: "v"}, Kind: "bind", Path: "etc/named.conf"}, zonefile.Options{})
	if z.Zone == nil {
		t.Fatal(finds)
	}
	if set, ok := z.Zone.Lookup(zones.MustName("moi.q.vn"), zones.TypeA); !ok || set.From(0).File != "etc/z/part" {
		t.Error("the file beside is not read")
	}
}
