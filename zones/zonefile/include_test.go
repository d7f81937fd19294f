package zonefile

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"gialai.gov.vn/hopnhat/zones/finding"
)

func TestInclude(t *testing.T) {
	for _, c := range []struct {
		name     string
		files    []string // the main file is a/z
		root     string
		want     []string
		findings []string
	}{
		{"beside, above, below", []string{
			"a/z", soa + "$INCLUDE b\n$INCLUDE ../c/d\n$INCLUDE e/f\n", "a/b", "b 1 A 192.0.2.1\n", "c/d", "d A 192.0.2.1\n$INCLUDE g\n", "c/g", "g A 192.0.2.1\n", "a/e/f", "f A 192.0.2.1\n",
		}, "", []string{
			"b.gialai.gov.vn. 1 A 192.0.2.1", "d.gialai.gov.vn. 1 A 192.0.2.1", "g.gialai.gov.vn. 1 A 192.0.2.1", "f.gialai.gov.vn. 1 A 192.0.2.1",
		}, nil},
		{"origin and owner come back (RFC 1035 5.1)", []string{
			"a/z", soa + "www 1 A 192.0.2.1\n$INCLUDE b so\n  AAAA 2001:db8::1\nx A 192.0.2.1\n", "a/b", "@ A 192.0.2.2\nmail A 192.0.2.3\n$ORIGIN y.te\n@ A 192.0.2.4\n",
		}, "", []string{
			"www.gialai.gov.vn. 1 A 192.0.2.1", "so.gialai.gov.vn. 1 A 192.0.2.2", "mail.so.gialai.gov.vn. 1 A 192.0.2.3", "y.te.so.gialai.gov.vn. 1 A 192.0.2.4",
			"www.gialai.gov.vn. 1 AAAA 2001:db8::1", "x.gialai.gov.vn. 1 A 192.0.2.1",
		}, nil},
		{"the first line inherits its owner", []string{"a/z", soa + "www 1 A 192.0.2.1\n$INCLUDE b\n", "a/b", "  AAAA 2001:db8::1\n"}, "", []string{
			"www.gialai.gov.vn. 1 A 192.0.2.1", "www.gialai.gov.vn. 1 AAAA 2001:db8::1",
		}, nil},
		{"one that holds the SOA, and $TTL goes on to hold", []string{"a/z", "$INCLUDE b\nwww A 192.0.2.1\n", "a/b", "$TTL 5\n" + soa}, "", []string{
			"gialai.gov.vn. 3600 SOA ns1.gialai.gov.vn. admin.gialai.gov.vn. 1 7200 3600 1209600 300", "www.gialai.gov.vn. 5 A 192.0.2.1",
		}, nil},
		{"one file twice, under two origins", []string{"a/z", soa + "$INCLUDE b so\n$INCLUDE b y.te\n", "a/b", "www 1 A 192.0.2.1\n"}, "", []string{
			"www.so.gialai.gov.vn. 1 A 192.0.2.1", "www.y.te.gialai.gov.vn. 1 A 192.0.2.1",
		}, nil},
		{"quotes", []string{"a/z", soa + "$INCLUDE \"b c\"\n", "a/b c", "b 1 A 192.0.2.1\n"}, "", []string{"b.gialai.gov.vn. 1 A 192.0.2.1"}, nil},
		{"absolute, inside the root", []string{"a/z", soa + "$INCLUDE /etc/zones/c/b\n", "c/b", "b 1 A 192.0.2.1\n"}, "/etc/zones", []string{"b.gialai.gov.vn. 1 A 192.0.2.1"}, nil},
		{"absolute, outside", []string{"a/z", soa + "$INCLUDE /etc/zonesX/c/b\n$INCLUDE /etc/shadow\n"}, "/etc/zones", nil, []string{"error Z-INCLUDE a/z:2:10", "error Z-INCLUDE a/z:3:10"}},
		{"absolute, no root known", []string{"a/z", soa + "$INCLUDE /a/z\n"}, "", nil, []string{"error Z-INCLUDE a/z:2:10"}},
		{"outside the root", []string{"a/z", soa + "$INCLUDE ../../c\n$INCLUDE ..\n"}, "", nil, []string{"error Z-INCLUDE a/z:2:10", "error Z-INCLUDE a/z:3:10"}},
		{"missing, a folder", []string{"a/z", soa + "$INCLUDE b\n$INCLUDE c\n", "a/c/d", ""}, "", nil, []string{"error Z-INCLUDE a/z:2:10", "error Z-INCLUDE a/z:3:10"}},
		{"a circle", []string{"a/z", soa + "$INCLUDE b\n", "a/b", "b 1 A 192.0.2.1\n$INCLUDE ../a/z\n"}, "", []string{"b.gialai.gov.vn. 1 A 192.0.2.1"}, []string{"error Z-INCLUDE a/b:2:10"}},
		{"faults in it have its places", []string{"a/z", soa + "$INCLUDE b\n", "a/b", "b 1 A x\nc A 192.0.2.1\nd A y\n"}, "", []string{"c.gialai.gov.vn. 1 A 192.0.2.1"}, []string{"error Z-RDATA a/b:1:7", "error Z-RDATA a/b:3:5"}},
		{"binary", []string{"a/z", soa + "$INCLUDE b\n", "a/b", "\x00\x00\x00\x02\x00\x00\x00\x01"}, "", nil, []string{"error Z-INCLUDE a/z:2:10"}},
		{"without a path", []string{"a/z", soa + "$INCLUDE\n"}, "", nil, []string{"error Z-DIRECTIVE a/z:2:1"}},
		{"comments only", []string{"a/z", soa + "$INCLUDE b\n", "a/b", "; nothing yet\n"}, "", nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			tree, fs := Load(files(c.files...), "a/z", Options{Origin: gialai, Root: c.root})
			got := showAll(tree.Records())
			if strings.HasPrefix(c.files[1], soa) {
				got = got[1:]
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("records\n got %q\nwant %q", got, c.want)
			}
			if b := brief(fs); !slices.Equal(b, c.findings) {
				t.Errorf("findings\n got %q\nwant %q\n%v", b, c.findings, fs)
			}
		})
	}
}

// TestIncludeShowsNothing: of a file that is no master file nothing is shown,
// neither its lines nor its words.
func TestIncludeShowsNothing(t *testing.T) {
	secret := "root:$y$j9T$hunter2:19000:0:99999:7:::\n$hunter2 x\nhunter2 IN hunter2\n  hunter2\n(\"hunter2\n$INCLUDE hunter2\n$TTL hunter2\n$GENERATE 1-hunter2 a A 192.0.2.1\n"
	_, fs := Load(files("z", soa+"$INCLUDE s\n", "s", secret), "z", Options{Origin: gialai})
	if b := brief(fs); !slices.Equal(b, []string{"error Z-INCLUDE z:2:10"}) {
		t.Errorf("got %q", b)
	}
	for _, f := range fs {
		if strings.Contains(f.String(), "hunter2") || strings.Contains(f.String(), "root") {
			t.Errorf("shows the file: %v", f)
		}
	}
	// After one whole record the same lines are shown: the test above looked at the right thing.
	_, fs = Load(files("z", soa+"$INCLUDE s\n", "s", secret+"\na 1 A 192.0.2.1\n"), "z", Options{Origin: gialai})
	if len(fs) < 5 || !strings.Contains(fs[0].String(), "hunter2") {
		t.Errorf("got %v", fs)
	}
}

func TestIncludeBounds(t *testing.T) {
	// b includes c twice, c includes d twice, ...: 2^n readings.
	pairs := []string{"z", soa + "$INCLUDE a\n"}
	for c := 'a'; c < 'z'-1; c++ {
		pairs = append(pairs, string(c), "x 1 A 192.0.2.1\n$INCLUDE "+string(c+1)+"\n$INCLUDE "+string(c+1)+"\n")
	}
	pairs = append(pairs, string('z'-1), "x 1 A 192.0.2.1\n")
	tree, fs := Load(files(pairs...), "z", Options{Origin: gialai, MaxIncludes: 200, MaxErrors: 5})
	if tree.Len() > 300 || len(fs) != 6 || fs[5].ID != "Z-LIMIT" {
		t.Errorf("%d records, findings %v", tree.Len(), brief(fs))
	}
	_, fs = Load(files(pairs...), "z", Options{Origin: gialai, MaxDepth: 3})
	if !finding.Failed(fs) || !strings.Contains(fs[0].Found, "more than 3 files deep") {
		t.Errorf("got %v", fs)
	}
	_, fs = Load(files(pairs...), "z", Options{Origin: gialai, MaxTotal: 200})
	if !finding.Failed(fs) || !strings.Contains(fs[0].Found, "more than 200 octets") {
		t.Errorf("got %v", fs)
	}
	_, fs = Load(files(pairs...), "z", Options{Origin: gialai, MaxDepth: 100, MaxRecords: 50})
	if !finding.Failed(fs) || !strings.Contains(fs[0].Found, "more than 50 records") {
		t.Errorf("got %v", fs)
	}
}

// TestIncludeLinks: links inside the root are followed, links that leave it
// are refused.
func TestIncludeLinks(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) {
		t.Helper()
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	link := func(to, name string) {
		t.Helper()
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	write("outside", "hunter2 1 A 192.0.2.9\n")
	write("w/zones/z", soa+"$INCLUDE in\n$INCLUDE out\n$INCLUDE absolute\n$INCLUDE ../../outside\n$INCLUDE pipe\n")
	write("w/in", "a 1 A 192.0.2.1\n")
	link("../in", "w/zones/in")
	link("../../outside", "w/zones/out")
	link(filepath.Join(dir, "outside"), "w/zones/absolute")
	if err := syscall.Mkfifo(filepath.Join(dir, "w/zones/pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	root, name, abs, err := OpenRoot(filepath.Join(dir, "w/zones/z"), filepath.Join(dir, "w"))
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if name != "zones/z" || abs != filepath.Join(dir, "w") {
		t.Errorf("name %q, root %q", name, abs)
	}
	tree, fs := Load(root.FS(), name, Options{Origin: gialai, Prefix: "ws", Root: abs})
	if got := showAll(tree.Records())[1:]; !slices.Equal(got, []string{"a.gialai.gov.vn. 1 A 192.0.2.1"}) {
		t.Errorf("got %q", got)
	}
	if b := brief(fs); !slices.Equal(b, []string{"error Z-INCLUDE ws/zones/z:3:10", "error Z-INCLUDE ws/zones/z:4:10", "error Z-INCLUDE ws/zones/z:5:10", "error Z-INCLUDE ws/zones/z:6:10"}) {
		t.Errorf("got %v", fs)
	}
	for i, f := range fs {
		if want := []string{"include root", "include root", "include root", "not a regular file"}[i]; !strings.Contains(f.Found+f.Mend, want) {
			t.Errorf("%v", f)
		}
	}
}

func TestOpenRoot(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{"cwd/sub", "else"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []string{"cwd/sub/z", "cwd/z", "else/z"} {
		if err := os.WriteFile(filepath.Join(dir, f), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(dir, "else/z"), filepath.Join(dir, "cwd/link")); err != nil {
		t.Fatal(err)
	}
	t.Chdir(filepath.Join(dir, "cwd"))
	for _, c := range []struct{ file, root, name, abs, err string }{
		{"z", "", "z", "cwd", ""},
		{"sub/z", "", "sub/z", "cwd", ""},
		{"./sub/../sub/z", "", "sub/z", "cwd", ""},
		{"../else/z", "", "z", "else", ""},
		{"link", "", "z", "else", ""},
		{"link", "..", "else/z", "", ""},
		{"../else/z", "..", "else/z", "", ""},
		{"sub/z", "sub", "z", "cwd/sub", ""},
		{"z", "sub", "", "", "does not lie in the include root sub"},
		{"link", ".", "", "", "does not lie in the include root ."},
		{"none", "", "", "", "no such file"},
		{"z", "none", "", "", "no such file"},
	} {
		root, name, abs, err := OpenRoot(c.file, c.root)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%+v: %v", c, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%+v: %v", c, err)
			continue
		}
		if want, _ := filepath.EvalSymlinks(filepath.Join(dir, c.abs)); name != c.name || linked(abs) != want {
			t.Errorf("%+v: %q in %q", c, name, abs)
		}
		if f, err := root.Open(name); err != nil {
			t.Error(err)
		} else {
			f.Close()
		}
		root.Close()
	}
}
