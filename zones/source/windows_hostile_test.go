package source

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/zonefile"
)

const headQV = ";  Database file q.vn.dns for q.vn zone.\n@ SOA a b 1 2 3 4 5\n@ NS a\na A 192.0.2.1\n"

func readQV(b []byte, o zonefile.Options, skip ...string) (Zone, []finding.Finding) {
	fsys := fstest.MapFS{"f": {Data: b}}
	return Read(fsys, Spec{ID: zones.ID{Origin: zones.MustName("q.vn"), View: zones.Internet}, Kind: "windows", Path: "f", Skip: skip}, o)
}

// TestWindowsHostile: what was made to hang or to fill the memory ends with an
// error, in time and memory that grow with the file alone.
func TestWindowsHostile(t *testing.T) {
	fill := func(head, s, tail string) []byte {
		size := 10 << 20
		if strings.Contains(s, "\n") { // lines: enough of them to tell a square from a line
			size = 1 << 20
		}
		return []byte(head + strings.Repeat(s, size/len(s)) + tail)
	}
	listing := "Returned records:\n@ 1 SOA a b 1 2 3 4 5\n"
	table := "HostName,RecordType,TimeToLive,RecordData\n"
	for name, b := range map[string][]byte{
		"one long line":                  fill(headQV, "x", "\n"),
		"one long line of words":         fill(headQV+"t TXT ", "x ", "\n"),
		"one long text":                  fill(headQV+"t TXT \"", "x", "\"\n"),
		"one long name":                  fill(headQV+"t CNAME ", "x.", "\n"),
		"one long line in UTF-16":        append([]byte("\xff\xfe"), bytes.Repeat([]byte("x\x00"), 5<<20)...),
		"parentheses never closed":       fill(headQV, "a (\n", ""),
		"parentheses in parentheses":     fill(headQV+"a A ", "(", "\n"),
		"parentheses over indented":      fill(headQV, "a TXT ( \"b\"\n\t\"c\"\n", ""),
		"quotes never closed":            fill(headQV, "a TXT \"\n", ""),
		"owners alone":                   fill(headQV, "a\n", ""),
		"no line has an owner":           fill("", " A 192.0.2.1\n", ""),
		"headers":                        fill("", ";  Database file x for y zone.\n", ""),
		"directives":                     fill(headQV, "$X\n", ""),
		"escapes":                        fill(headQV+"a CNAME ", `\040`, "\n"),
		"listings":                       fill("", "Returned records:\n", ""),
		"failures":                       fill(listing, "Command failed:\n x\n", ""),
		"a line of a listing":            fill(listing, "x", "\n"),
		"nodes of a listing":             fill(listing, "x\n", ""),
		"a cell":                         fill(table+"a,A,60,", "x", "\n"),
		"a cell in quotes":               fill(table+"a,A,60,\"", "x", ""),
		"a row of cells":                 fill(table, "x,", "\n"),
		"headings":                       fill("HostName,RecordType,", "x,", "\n"),
		"quotes of a table never closed": fill(table, "a,\"\n", ""),
		"objects":                        fill(table, "a,A,60,CimInstance\n", ""),
		"dots of a table":                fill(table, "a,CNAME,60,b.c\n", ""),
		"line ends":                      fill("", "\n", ""),
		"carriage returns":               fill(headQV, "\r", ""),
	} {
		t.Run(name, func(t *testing.T) {
			soon(t, func() {
				z, finds := readQV(b, zonefile.Options{})
				lawful(t, z, finds)
				if z.Zone != nil && z.Account.In > 4 && name != "owners alone" {
					t.Errorf("a zone of %d records came of it", z.Account.In)
				}
				if len(finds) > maxErrors+2000 {
					t.Errorf("%d findings", len(finds))
				}
				for _, f := range finds {
					if n := len(f.String()); n > 4*maxText+4*maxLine {
						t.Fatalf("a finding of %d octets", n)
					}
				}
			})
		})
	}
}

// TestWindowsLimits: each limit ends the reading with one error and its place.
func TestWindowsLimits(t *testing.T) {
	rows := strings.Repeat("a A 192.0.2.1\n", 1000)
	for _, c := range []struct {
		name, text string
		o          zonefile.Options
		want       string
	}{
		{"records of a file", headQV + rows, zonefile.Options{MaxRecords: 100}, "f:102:1: error: more than 100 records"},
		{"records of a table", "HostName,RecordType,TTL,Data\n" + strings.Repeat("a,A,60,192.0.2.1\n", 1000), zonefile.Options{MaxRecords: 100}, "f:102:1: error: more than 100 records"},
		{"octets", headQV + rows, zonefile.Options{MaxFile: 100}, "the file has more than 100 octets"},
		{"errors", headQV + strings.Repeat("a A x\n", 1000), zonefile.Options{MaxErrors: 10}, "990 more errors, not listed"},
	} {
		z, finds := readQV([]byte(c.text), c.o)
		all := fmt.Sprint(finds)
		if z.Zone != nil || !strings.Contains(all, c.want) || len(finds) > 12 {
			t.Errorf("%s: %s", c.name, all)
		}
	}
}

// TestWindowsNoEnd: a file that grows while it is read, such as a table of a
// billion rows, ends at the limit of octets and takes memory by that limit.
func TestWindowsNoEnd(t *testing.T) {
	row := []byte("a,A,60,192.0.2.1\n")
	b := append([]byte("HostName,RecordType,TTL,Data\n"), bytes.Repeat(row, (8<<20)/len(row))...)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	z, finds := readQV(b, zonefile.Options{MaxFile: 4 << 20})
	runtime.ReadMemStats(&after)
	if z.Zone != nil || !finding.Failed(finds) {
		t.Fatal("read past the limit")
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > 64<<20 {
		t.Errorf("%d octets for a file of which %d may be read", got, 4<<20)
	}
	z, finds = readQV(b, zonefile.Options{MaxRecords: 1000})
	runtime.ReadMemStats(&before)
	if z.Zone != nil || z.Account.In != 1000 {
		t.Fatalf("%d records: %v", z.Account.In, finds)
	}
	if got := before.TotalAlloc - after.TotalAlloc; got > 64<<20 {
		t.Errorf("%d octets for 1000 records", got)
	}
}

// TestWindowsSkip: a word that is none is refused, for every kind of source.
func TestWindowsSkip(t *testing.T) {
	at := zones.Place{File: "consolidation.yaml", Line: 4, Column: 2}
	for _, c := range []struct{ kind, word, want string }{
		{"windows", "wims", `"wims" to leave out; the words are ad-locator, ad-dynamic, outside-glue, wins`},
		{"windows", "record", "the words are"},
		{"windows", "other-zone", "the words are"},
		{"file", "wins", "skip is not known for a source of kind file"},
		{"bind", "wins", "skip is not known for a source of kind bind"},
	} {
		z, finds := Read(files("f", headQV), Spec{Kind: c.kind, Path: "f", Skip: []string{c.word}, At: at}, zonefile.Options{})
		f := only(t, finds, "V-SKIP")
		if z.Zone != nil || f.At != at || !strings.Contains(f.String(), c.want) {
			t.Errorf("%s %s: %v", c.kind, c.word, f)
		}
	}
}

// TestAccountOfOtherKinds: a zone that was read whole is its own account.
func TestAccountOfOtherKinds(t *testing.T) {
	z, finds := Read(files("f", phucat), Spec{ID: zones.ID{Origin: zones.MustName("phucat.vn"), View: "v"}, Kind: "file", Path: "f"}, zonefile.Options{})
	lawful(t, z, finds)
	if z.Account.In != 4 || z.Account.Sum().Taken != 4 {
		t.Errorf("%+v", z.Account)
	}
	z, finds = Read(files("f", "x"), Spec{ID: zones.ID{Origin: zones.MustName("phucat.vn"), View: "v"}, Kind: "file", Path: "f"}, zonefile.Options{})
	if z.Account.In != 0 || z.Zone != nil {
		t.Errorf("%+v %v", z.Account, finds)
	}
}

// FuzzWindows holds, of any file in any form:
//
//   - WHOLE and ACCOUNT (see lawful), with and without words of skip;
//   - reading twice gives the same; findings are bounded, and each has a place
//     in the file;
//   - what is left out by rule changes no other record: the zone without a
//     class has the records of the zone with it, less that class;
//   - the zone, written as a master file, is read as the same zone.
func FuzzWindows(f *testing.F) {
	for _, dir := range []string{"same", "traps"} {
		names, _ := filepath.Glob("testdata/windows/" + dir + "/*")
		for _, name := range names {
			if strings.HasSuffix(name, ".want") {
				continue
			}
			b, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(bytes.ReplaceAll(b, []byte("quynhon.binhdinh.gov.vn"), []byte("q.vn")))
		}
	}
	for _, s := range []string{
		headQV, "Returned records:\n@ 1 SOA a. b. 1 2 3 4 5\n\nCommand completed successfully.\n",
		"dnscmd /enumrecords q.vn x\nReturned records:\n@ 60 A 192.0.2.1\nCommand completed successfully\n",
		";  Zone:  q.vn\n@ 5 SOA a b 1 2 3 4 5\n; Finished zone: 1 nodes and 1 records\n",
		"HostName;RecordType;TTL;Data\n@;SOA;60;a. b. 1 2 3 4 5\n@;TXT;60;\"\"\"a\"\" \"\"b\"\"\"\nx;MX;1.00:00:00;[1][y]\n",
		"\xfe\xff\x00@\x00 \x00S\x00O\x00A", "\xff\xfe\x00\xd8", "sep=;\nhostname\tRecordType\tData\n\"a\"x\tA\t1.2.3.4", "@ [AGE:1] 0 SOA (\na b 1 2 3 4 5 )\n$ORIGIN x\n a\\056b CNAME c\\134.q.vn\n",
		"@ SOA a b 1 2 3 4 5\n_ldap._tcp [Age:9] SRV 0 0 1 a.q.vn\n_msdcs [AGE:9] A 192.0.2.1\nn NS n.x.\nn.x. A 192.0.2.1\n@ 0 WINS L2 C9 ( 192.0.2.9 )\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<16 {
			return
		}
		o := zonefile.Options{MaxErrors: maxErrors}
		z, finds := readQV(b, o)
		lawful(t, z, finds)
		again, more := readQV(b, o)
		if fmt.Sprint(finds) != fmt.Sprint(more) || fmt.Sprint(z.Account) != fmt.Sprint(again.Account) || z.Zone != nil && !again.Zone.Equal(z.Zone) {
			t.Fatalf("two readings differ: %v, %v", finds, more)
		}
		lines := bytes.Split(decodeText(b), []byte("\n"))
		for _, f := range finds {
			if p := f.At; p.File != "f" || p.Line > len(lines) || p.Line > 0 && (p.Column < 1 || p.Column > utf8.RuneCount(lines[p.Line-1])+1) {
				t.Fatalf("no such place: %v", f)
			}
		}
		less, finds := readQV(b, o, SkipWords()...)
		lawful(t, less, finds)
		if z.Zone == nil {
			return
		}
		if less.Zone != nil {
			if less.Account.In != z.Account.In {
				t.Fatalf("%+v, and with all words of skip %+v", z.Account, less.Account)
			}
			if d := zones.Diff(z.Zone, less.Zone); len(d.Added) > 0 && !ttlOnly(d) {
				t.Fatalf("leaving records out adds some: %v", d.Added)
			}
		}
		back, finds := Read(fstest.MapFS{"z": {Data: zonefile.Write(z.Zone)}}, Spec{ID: z.Zone.ID(), Kind: "file", Path: "z"}, zonefile.Options{})
		if back.Zone == nil || !back.Zone.Equal(z.Zone) {
			t.Fatalf("written and read again it is another zone: %v\n%s", finds, zonefile.Write(z.Zone))
		}
	})
}

// ttlOnly tells whether what comes differs in the TTL alone: an RRset of which
// the record with the lowest TTL was left out has another.
func ttlOnly(d zones.Delta) bool {
	type key struct {
		zones.Key
		data string
	}
	gone := map[key]bool{}
	for _, r := range d.Removed {
		gone[key{zones.Key{Owner: r.Owner, Type: r.Type}, r.Data}] = true
	}
	for _, r := range d.Added {
		if !gone[key{zones.Key{Owner: r.Owner, Type: r.Type}, r.Data}] {
			return false
		}
	}
	return true
}
