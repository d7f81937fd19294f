package source

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/zonefile"
)

// tree is a sample configuration tree of testdata.
type tree struct {
	name string
	conf string // the named.conf inside the folder
	home string // the server's folder that testdata/name is a copy of
	note string // the one note on where the server's files were found
}

var trees = []tree{
	{"debian", "etc/bind/named.conf", "/", "the server's folder / is taken to be P"},
	{"flat", "named.conf", "/etc/bind", "the server's folder /etc/bind is taken to be P"},
	{"views", "named.conf", "/etc/bind", "the server's folder /etc/bind is taken to be P"},
	{"chroot", "var/named/chroot/etc/named.conf", "/", "the server's folder / is taken to be P/var/named/chroot"},
}

func open(t testing.TB, dir string) fs.FS {
	t.Helper()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return root.FS()
}

// crlf is the file system with the line ends of another system.
func crlf(t testing.TB, fsys fs.FS) fs.FS {
	m := fstest.MapFS{}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(fsys, name)
		m[name] = &fstest.MapFile{Data: []byte(strings.ReplaceAll(string(b), "\n", "\r\n")), Mode: 0o644}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// lines gives a zone as `named-checkconf -l` does.
func lines(c *Conf) (out []string) {
	for _, z := range c.Zones() {
		kind := z.Written
		if z.InView != "" {
			kind = "in-view " + z.InView
		}
		out = append(out, strings.Join([]string{z.Text, z.Class, z.View, kind}, " "))
	}
	slices.Sort(out)
	return out
}

// TestTreesAgainstCheckconf holds the list of zones against that of BIND, and
// the serials of the zones against those that BIND loads.
func TestTreesAgainstCheckconf(t *testing.T) {
	checkconf, err := exec.LookPath("named-checkconf")
	if err != nil {
		t.Skip("no named-checkconf (Debian package bind9-utils): the sample trees are not held against BIND")
	}
	for _, tr := range trees {
		for _, ends := range []string{"LF", "CRLF"} {
			t.Run(tr.name+" "+ends, func(t *testing.T) {
				fsys := open(t, filepath.Join("testdata", tr.name))
				if ends == "CRLF" {
					fsys = crlf(t, fsys)
				}
				c, finds := ReadConf(fsys, tr.conf, zonefile.Options{})
				if finding.Failed(finds) {
					t.Fatal(finds)
				}
				conf := install(t, fsys, tr)
				out, err := exec.Command(checkconf, "-l", conf).CombinedOutput()
				if err != nil {
					t.Fatalf("BIND refuses the sample tree: %v\n%s", err, out)
				}
				want := listed(out)
				if got := lines(c); !slices.Equal(got, want) {
					t.Errorf("zones\n got %q\nBIND %q", got, want)
				}
				serials(t, checkconf, conf, fsys, tr, c)
			})
		}
	}
}

// serials compares what BIND loads (-z reads the primaries) with what Read
// reads.
func serials(t *testing.T, checkconf, conf string, fsys fs.FS, tr tree, c *Conf) {
	out, _ := exec.Command(checkconf, "-z", conf).CombinedOutput()
	loaded := regexp.MustCompile(`(?m)^zone (\S+)/IN(?:/\S+)?: loaded serial (\d+)`)
	bind := map[string]int{}
	for _, m := range loaded.FindAllStringSubmatch(string(out), -1) {
		bind[strings.ToLower(m[1])+" "+m[2]]++ // BIND keeps the letters as written (RFC 4343 3)
	}
	ours := map[string]int{}
	for _, z := range c.Zones() {
		if z.Type != "primary" || z.Class != "IN" {
			continue
		}
		got, finds := Read(fsys, Spec{ID: zones.ID{Origin: z.Name, View: zones.Internet}, Kind: "bind", Path: tr.conf, BindView: z.View}, zonefile.Options{})
		if got.Zone == nil {
			t.Errorf("%s: %v", z.Text, finds)
			continue
		}
		ours[z.Name.Text()+" "+fmt.Sprint(got.Zone.Serial())]++
	}
	if len(bind) == 0 || fmt.Sprint(bind) != fmt.Sprint(ours) {
		t.Errorf("serials\n got %v\nBIND %v\n%s", ours, bind, out)
	}
}

// install copies a tree to where BIND can read it: the server's "/" is a
// temporary folder, and every absolute path in quotes leads below it.
func install(t *testing.T, fsys fs.FS, tr tree) string {
	root := t.TempDir()
	home := filepath.Join(root, tr.home)
	inner := "" // what named would be confined to
	if tr.name == "chroot" {
		inner = "var/named/chroot"
	}
	slash := filepath.Join(home, inner)
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		to := filepath.Join(home, filepath.FromSlash(name))
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(to, 0o755)
		}
		b, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		return os.WriteFile(to, []byte(strings.ReplaceAll(string(b), `"/`, `"`+pick(tr.home == "/", slash, root)+"/")), 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"var/cache/bind", "var/named"} {
		if err := os.MkdirAll(filepath.Join(slash, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(home, filepath.FromSlash(tr.conf))
}

func pick[T any](first bool, a, b T) T {
	if first {
		return a
	}
	return b
}

func TestReadTrees(t *testing.T) {
	for _, c := range []struct {
		tree, zone, view string
		serial           zones.Serial
		owner            string // one of its records
		at               string // and where it stands
		files            string
		ids              string // of the findings
	}{
		{
			"debian", "binhdinh.gov.vn", "", 2025060301, "anlao.huyen.binhdinh.gov.vn", "P/var/cache/bind/zones/huyen.inc:1:1",
			"etc/bind/named.conf etc/bind/named.conf.default-zones etc/bind/named.conf.local etc/bind/named.conf.options etc/bind/zones/db.binhdinh.gov.vn etc/bind/zones/so-nganh.inc var/cache/bind/zones/huyen.inc",
			"B-PATH",
		},
		{"debian", "binhdinh.gov.vn", "_default", 2025060301, "skhcn.binhdinh.gov.vn", "P/etc/bind/zones/so-nganh.inc:2:1", "", "B-PATH"},
		{"debian", "2.0.192.in-addr.arpa", "", 7, "25.2.0.192.in-addr.arpa", "P/var/cache/bind/zones/192.0.2.rev:4:1", "", "B-PATH"},
		{"debian", "0/25.113.0.203.in-addr.arpa", "", 7, "5.0/25.113.0.203.in-addr.arpa", "P/var/cache/bind/zones/203.0.113.0-25.rev:4:1", "", "B-PATH"},
		{"debian", "hoitinhoc.vn", "", 41, "www.hoitinhoc.vn", "P/var/lib/bind/hoitinhoc.vn.db:12:1", "", "B-PATH B-DYNAMIC"},
		{
			"flat", "quynhon.binhdinh.gov.vn", "", 3, "www.quynhon.binhdinh.gov.vn", "P/db/quynhon:4:1",
			"db/quynhon named.conf rndc.key vung.d/10-quynhon.conf vung.d/20-anlao.conf vung.d/chung.inc", "B-PATH",
		},
		{"flat", "anlao.binhdinh.gov.vn", "", 4, "www.anlao.binhdinh.gov.vn", "P/db/chung.inc:1:1", "", "B-PATH"},
		{"views", "binhdinh.gov.vn", "tslcd", 11, "mail.binhdinh.gov.vn", "P/tslcd/db.binhdinh:5:1", "", "B-PATH"},
		{"views", "binhdinh.gov.vn", "internet", 2025060301, "mail.binhdinh.gov.vn", "P/internet/db.binhdinh:5:1", "", "B-PATH B-SIGNED"},
		{"views", "binhdinh.gov.vn", "dien-tap", 2025060301, "mail.binhdinh.gov.vn", "P/internet/db.binhdinh:5:1", "", "B-PATH B-SIGNED"},
		{"views", "noibo.binhdinh.gov.vn", "", 5, "csdl.noibo.binhdinh.gov.vn", "P/tslcd/db.noibo:4:1", "", "B-PATH"},
		{"chroot", "localhost", "", 0, "localhost", "P/var/named/chroot/var/named/named.localhost:9:2", "", "B-PATH"},
		{"chroot", "phucat.binhdinh.gov.vn", "", 9, "www.phucat.binhdinh.gov.vn", "P/var/named/chroot/var/named/slaves/phucat.db:6:1", "", "B-PATH B-DYNAMIC"},
	} {
		t.Run(c.tree+" "+c.zone+" "+c.view, func(t *testing.T) {
			tr := trees[slices.IndexFunc(trees, func(tr tree) bool { return tr.name == c.tree })]
			id := zones.ID{Origin: zones.MustName(c.zone), View: "v"}
			z, finds := Read(open(t, "testdata/"+c.tree), Spec{ID: id, Kind: "bind", Path: tr.conf, BindView: c.view}, zonefile.Options{Prefix: "P"})
			if z.Zone == nil {
				t.Fatal(finds)
			}
			if z.Zone.ID() != id || z.Zone.Serial() != c.serial {
				t.Errorf("%v serial %d", z.Zone.ID(), z.Zone.Serial())
			}
			set, ok := z.Zone.Lookup(zones.MustName(c.owner), zones.TypeA)
			if !ok {
				set, ok = z.Zone.Lookup(zones.MustName(c.owner), zones.TypePTR)
			}
			if !ok {
				t.Fatal("no record at", c.owner)
			}
			if at := set.From(0).Place.String(); at != c.at {
				t.Errorf("%s stands at %s, not %s", c.owner, at, c.at)
			}
			if got := strings.Join(z.Files, " "); c.files != "" && got != c.files {
				t.Errorf("files\n got %s\nwant %s", got, c.files)
			}
			var ids []string
			for _, f := range finds {
				ids = append(ids, f.ID)
				if f.ID == "B-PATH" && f.Found != tr.note {
					t.Errorf("note %q, want %q", f.Found, tr.note)
				}
				if !strings.HasPrefix(f.At.File, "P/") || f.At.Line == 0 {
					t.Errorf("no place: %v", f)
				}
			}
			if got := strings.Join(ids, " "); got != c.ids {
				t.Errorf("findings %s, want %s\n%v", got, c.ids, finds)
			}
		})
	}
}
