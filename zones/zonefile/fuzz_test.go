package zonefile

import (
	"strings"
	"testing"
	"testing/fstest"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// small are limits under which a fuzzed file stays quick to read.
var small = Options{Origin: gialai, MaxFile: 1 << 16, MaxTotal: 1 << 18, MaxRecords: 1 << 12, MaxDepth: 4, MaxIncludes: 16, MaxGenerate: 1 << 10, MaxErrors: 50}

// twoFiles splits fuzzed input at the first NUL: the main file and one to include.
func twoFiles(b string) fstest.MapFS {
	main, inc, _ := strings.Cut(b, "\x00")
	return files("z", main, "i", inc)
}

func seeds(f *testing.F, add func(string)) {
	for _, c := range loadTests {
		add(c.in)
	}
	for _, c := range editTests {
		add(c.in)
	}
	for seed := range uint64(30) {
		g := randomZone(seed, forUs)
		add(g.out["z"].String())
		for name, b := range g.out {
			if name != "z" {
				add(strings.ReplaceAll(g.out["z"].String(), name, "i") + "\x00" + b.String())
			}
		}
	}
	for _, s := range []string{
		"$INCLUDE i\n$INCLUDE z\x00a 1 A 192.0.2.1\n$INCLUDE z\n", "$GENERATE 1-3 a${1,2,n} 1 A 192.0.2.$\n",
		"\xff\xfe@\x00", strings.Repeat("(\n", 300), strings.Repeat("a A (\n", 100) + ")", "a 1 HTTPS 1 . alpn=\"h2\" key667=\"\\\"\"\n",
	} {
		add(s)
	}
}

// FuzzLoad: reading never panics, stays within its limits, keeps every octet,
// says the same twice, and all its places lie inside the files.
func FuzzLoad(f *testing.F) {
	seeds(f, func(s string) { f.Add(s) })
	f.Fuzz(func(t *testing.T, b string) {
		fsys := twoFiles(b)
		tree, fs := Load(fsys, "z", small)
		if tree == nil {
			if !finding.Failed(fs) {
				t.Fatal("no tree and no error")
			}
			return
		}
		for _, file := range tree.Files() {
			if string(file.Bytes()) != string(fsys[file.Name()].Data) {
				t.Errorf("%s: octets differ", file.Name())
			}
		}
		_, more := tree.Zone(zones.Internet)
		for _, x := range append(fs, more...) {
			checkPlace(t, fsys, x.At)
			if x.Found == "" || x.ID == "" || x.Severity >= finding.Error && x.Mend == "" {
				t.Errorf("finding %v says too little", x)
			}
		}
		if len(fs) > small.MaxErrors+1+10*(maxAlike+1) || tree.Len() > small.MaxRecords {
			t.Errorf("%d findings, %d records", len(fs), tree.Len())
		}
		rs := tree.Records()
		for _, r := range rs {
			checkPlace(t, fsys, r.From.Place)
			if r.TTL > zones.MaxTTL || r.Owner.IsZero() {
				t.Errorf("record %+v", r)
			}
		}
		if tree.Failed() {
			return
		}
		again, _ := Load(fsys, "z", small)
		if err := sameRecords(again.Records(), rs); err != nil {
			t.Error(err)
		}
	})
}

// checkPlace checks that a place lies inside its file: a column is at most one
// behind the end of its line.
func checkPlace(t *testing.T, fsys fstest.MapFS, p zones.Place) {
	file, ok := fsys[p.File]
	if !ok {
		t.Errorf("place %v is in no file", p)
		return
	}
	if p.Line == 0 {
		return
	}
	lines := strings.Split(strings.TrimPrefix(string(file.Data), byteOrderMark), "\n")
	if p.Line < 0 || p.Line > len(lines) || p.Column < 1 || p.Column > len([]rune(lines[p.Line-1]))+1 {
		t.Errorf("place %v is outside the file", p)
	}
}

// FuzzEdit: an edit of a file that was read without an error gives the records
// asked for, or is refused; and taking back what was added gives the file back.
func FuzzEdit(f *testing.F) {
	seeds(f, func(s string) { f.Add(s, byte(0), uint16(1)); f.Add(s, byte(3), uint16(7)) })
	f.Fuzz(func(t *testing.T, b string, op byte, at uint16) {
		tree, fs := Load(twoFiles(b), "z", small)
		if tree == nil || finding.Failed(fs) || tree.Len() == 0 || tree.Len() > 200 {
			return
		}
		rs := tree.Records()
		r := rs[int(at)%len(rs)]
		n := r
		var want []zones.Record
		var got *Tree
		var err error
		switch op % 4 {
		case 0:
			n = zones.Record{Owner: r.Owner, TTL: 4711, Type: zones.TypeTXT, Data: "\x05fuzz!"}
			if at%2 == 1 {
				n.Owner = zones.MustName("fuzz." + gialai.String())
			}
			got, err = tree.Add(n)
			want = append(append(want, rs...), n)
		case 1:
			got, err = tree.Remove(r)
			for _, x := range rs {
				if x.Owner != r.Owner || x.Type != r.Type || x.Data != r.Data {
					want = append(want, x)
				}
			}
		case 2:
			n.Owner = zones.MustName("fuzz." + gialai.String())
			got, err = tree.Change(r, n)
		default:
			n.TTL = (r.TTL + 1) % zones.MaxTTL
			got, err = tree.Change(r, n)
		}
		if err != nil {
			return
		}
		if want == nil && op%4 > 1 {
			done := false
			for _, x := range rs {
				if x.Owner == r.Owner && x.Type == r.Type && x.Data == r.Data {
					if !done {
						want = append(want, n)
					}
					done = true
					continue
				}
				want = append(want, x)
			}
		}
		if err := sameRecords(sorted(got.Records()), sorted(want)); err != nil {
			t.Error(err)
		}
		if op%4 == 0 {
			back, err := got.Remove(n)
			if err != nil {
				t.Fatal(err)
			}
			if err := sameRecords(back.Records(), rs); err != nil {
				t.Error(err)
			}
		}
	})
}
