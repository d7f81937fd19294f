package history_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/history"
	"gialai.gov.vn/hopnhat/zones/history/historytest"
)

// lived gives the folder of a whole life, and what it must hold.
func lived(t testing.TB) (*historytest.FS, *model) {
	t.Helper()
	deeds, after := life(t)
	fsys := historytest.New()
	h, err := clean(fsys)
	for i := range deeds {
		if err == nil {
			err = deeds[i](h)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return fsys, after[len(after)-1]
}

// right tells what is wrong with what a damaged history gives out: it may
// refuse a version, with the file at fault, and never gives another one.
func right(h *history.History, m *model) error {
	for _, id := range h.IDs() {
		for _, v := range h.Versions(id) {
			z, err := h.Zone(id, v.N)
			switch {
			case err != nil && !strings.Contains(err.Error(), "zones/"):
				return fmt.Errorf("version %d of %v: the error names no file: %w", v.N, id, err)
			case err == nil && (v.N > len(m.zones[id]) || !z.Equal(m.zones[id][v.N-1])):
				return fmt.Errorf("version %d of %v is another one", v.N, id)
			}
		}
	}
	for _, v := range h.FileVersions(fileName) {
		b, err := h.File(fileName, v.N)
		if err == nil && (v.N > len(m.files) || string(b) != string(m.files[v.N-1])) {
			return fmt.Errorf("version %d of the file is another one: %q", v.N, b)
		}
	}
	return nil
}

// served counts the versions that can be read.
func served(h *history.History) (n int) {
	for _, id := range h.IDs() {
		for _, v := range h.Versions(id) {
			if _, err := h.Zone(id, v.N); err == nil {
				n++
			}
		}
	}
	return n
}

// goesOn tells whether a history can be added to, and what was added is there
// when it is opened anew.
func goesOn(t testing.TB, fsys *historytest.FS, h *history.History) error {
	z := hosts(t, "gialai.gov.vn", "internet", 99, 5)
	v, err := h.Record(z, entry(40))
	if err != nil {
		return err
	}
	ev, err := h.Append(history.Event{Kind: "after", Entry: entry(41), Zones: []history.Ref{{ID: v.ID, N: v.N}}})
	if err != nil {
		return err
	}
	g, _, err := history.Open(fsys)
	if err != nil {
		return err
	}
	for _, one := range []*history.History{h, g} {
		evs := one.Events()
		if len(evs) == 0 || evs[len(evs)-1].N != ev.N || evs[len(evs)-1].Kind != "after" {
			return fmt.Errorf("the last event is not there: %v", evs)
		}
		w, err := one.World(evs[len(evs)-1])
		if err != nil {
			return err
		}
		if !w.Zone(v.ID).Equal(z) {
			return fmt.Errorf("version %d is another one", v.N)
		}
	}
	return nil
}

// damaged opens a folder after damage that must be found in a file.
func damaged(t testing.TB, fsys *historytest.FS, m *model, file string) (*history.History, error) {
	t.Helper()
	h, fs, err := history.Open(fsys)
	if err != nil {
		return nil, err
	}
	if finding.Worst(fs) < finding.Warning {
		return nil, fmt.Errorf("nothing is found: %v", fs)
	}
	if !slices.ContainsFunc(fs, func(f finding.Finding) bool {
		return f.Severity >= finding.Warning && f.Mend != "" && (f.At.File == file || strings.HasPrefix(file, f.At.File+"/"))
	}) {
		return nil, fmt.Errorf("no finding names %s: %v", file, fs)
	}
	return h, right(h, m)
}

// TestOctets: each octet of each file, changed.
func TestOctets(t *testing.T) {
	base, m := lived(t)
	for name, b := range base.Files() {
		step := 2
		if name == "head" {
			step = 1
		}
		for i := 0; i < len(b); i += step {
			was := b[i]
			for _, c := range []byte{[]byte{was ^ 1, was ^ 0x20, 0, was + 7}[i%4], '\n'} {
				if c == was {
					continue
				}
				b[i] = c
				fsys := base.Clone()
				fsys.Put(name, b)
				h, err := damaged(t, fsys, m, name)
				if err == nil && i%7 == 0 {
					err = goesOn(t, fsys, h)
				}
				if err != nil {
					t.Fatalf("%s: octet %d is %q: %v", name, i, c, err)
				}
				if name == "log" && len(h.Events()) < 2 && i%7 != 0 {
					t.Fatalf("octet %d of the log costs %d events", i, m.events-len(h.Events()))
				}
			}
			b[i] = was
		}
	}
}

// TestMissing: each file and each folder, missing. All zones serve as long as
// their files are there.
func TestMissing(t *testing.T) {
	base, m := lived(t)
	all := served(opened(t, base))
	for _, name := range append(slices.Sorted(maps.Keys(base.Files())), base.Folders()...) {
		fsys := base.Clone()
		fsys.Delete(name)
		h, err := damaged(t, fsys, m, name)
		if err != nil {
			t.Fatalf("without %s: %v", name, err)
		}
		if n := served(h); !strings.HasPrefix(name, "zones") && n != all {
			t.Errorf("without %s %d versions serve, of %d", name, n, all)
		} else if strings.HasPrefix(name, "zones/") && n < 3 {
			t.Errorf("without %s %d versions serve", name, n)
		}
		if err := goesOn(t, fsys, h); err != nil {
			t.Fatalf("without %s: %v", name, err)
		}
		// What was found without the log is stated again, so it serves later too.
		h, fs, err := history.Open(fsys)
		if err == nil {
			err = right(h, later(t, m))
		}
		if err != nil || finding.Worst(fs) < finding.Warning && name != "head" {
			t.Errorf("without %s, opened anew: %v %v", name, fs, err)
		}
		if name == "log" && served(h) != all+1 {
			t.Errorf("without the log, opened anew: %d versions serve", served(h))
		}
	}
}

// later is a model with what goesOn adds.
func later(t testing.TB, m *model) *model {
	c := m.clone()
	z := hosts(t, "gialai.gov.vn", "internet", 99, 5)
	c.zones[z.ID()] = append(c.zones[z.ID()], z)
	return c
}

func opened(t testing.TB, fsys history.FS) *history.History {
	t.Helper()
	h, err := clean(fsys)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// TestCut: each file, cut at each octet; the log at each line's end too.
func TestCut(t *testing.T) {
	base, m := lived(t)
	for name, b := range base.Files() {
		step := 1
		if name == "log" {
			step = 3
		}
		for n := len(b) - 1; n >= 0; n -= step {
			fsys := base.Clone()
			fsys.Put(name, b[:n])
			h, err := damaged(t, fsys, m, name)
			if err == nil && n%9 == 0 {
				err = goesOn(t, fsys, h)
			}
			if err != nil {
				t.Fatalf("%s, cut at %d of %d: %v", name, n, len(b), err)
			}
		}
	}
}

// TestLines: lines of the log that are missing, doubled, exchanged.
func TestLines(t *testing.T) {
	base, m := lived(t)
	lines := strings.SplitAfter(string(base.Files()["log"]), "\n")
	lines = lines[:len(lines)-1]
	try := func(what string, ls []string) {
		fsys := base.Clone()
		fsys.Put("log", []byte(strings.Join(ls, "")))
		h, err := damaged(t, fsys, m, "log")
		if err == nil {
			err = goesOn(t, fsys, h)
		}
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	for i := range lines {
		try(fmt.Sprint("without line ", i+1), slices.Delete(slices.Clone(lines), i, i+1))
		try(fmt.Sprint("two of line ", i+1), slices.Insert(slices.Clone(lines), i, lines[i]))
		try(fmt.Sprint("without what follows line ", i), lines[:i])
		try(fmt.Sprint("a line that is none after ", i), slices.Insert(slices.Clone(lines), i, "what is this\n"))
		if i > 0 {
			swapped := slices.Clone(lines)
			swapped[i-1], swapped[i] = swapped[i], swapped[i-1]
			try(fmt.Sprint("line ", i, " and the next exchanged"), swapped)
		}
	}
}

// TestStray: what does not belong there is told of, once each, and costs
// neither time nor room.
func TestStray(t *testing.T) {
	base, m := lived(t)
	names := []string{
		"notes.txt", ".log.swp", "zones/readme", "zones/internet~gialai.gov.vn/2147483647.zone", "zones/internet~gialai.gov.vn/2147483648.zone",
		"zones/internet~gialai.gov.vn/99999999999999999999999.zone", "zones/internet~gialai.gov.vn/007.zone", "zones/internet~gialai.gov.vn/-1.diff",
		"zones/internet~gialai.gov.vn/1.zone.bak", "files/consolidation.yaml/999999999-9f86d081884c7d65", "zones/internet~nowhere.vn/3.zone",
		"files/%zz/1-9f86d081884c7d65", "files/other/1-9f86d081884c7d65", "files/consolidation.yaml~", "zones/internet~gialai.gov.vn/.zone",
	}
	fsys := base.Clone()
	for _, n := range names {
		fsys.Put(n, []byte("; {}\n"))
	}
	h, fs, err := history.Open(fsys)
	if err != nil || finding.Failed(fs) {
		t.Fatal(fs, err)
	}
	for _, n := range names {
		told := 0
		for _, f := range fs {
			if f.At.File == n && f.ID == "H-STRAY" {
				told++
			}
		}
		if told != 1 {
			t.Errorf("%s is told of %d times: %v", n, told, fs)
		}
	}
	if err := holds(h, m, m); err != nil {
		t.Error(err)
	}
	if err := goesOn(t, fsys, h); err != nil {
		t.Error(err)
	}
	// Where the log is missing they are tried as versions, and are none.
	fsys = base.Clone()
	for _, n := range names {
		fsys.Put(n, []byte("; {}\n"))
	}
	fsys.Delete("log")
	if h, err = damaged(t, fsys, m, "log"); err == nil {
		err = goesOn(t, fsys, h)
	}
	if err != nil {
		t.Error(err)
	}
}

// TestReadOnly: opening and reading write nothing.
func TestReadOnly(t *testing.T) {
	base, _ := lived(t)
	base.Put("log", append(base.Files()["log"], "torn"...))
	was, ops := base.Files(), base.Ops()
	h, fs, err := history.Open(base)
	if err != nil || len(fs) != 1 || fs[0].ID != "H-TORN" || fs[0].Severity != finding.Warning {
		t.Fatal(fs, err)
	}
	served(h)
	if base.Ops() != ops || !maps.EqualFunc(base.Files(), was, func(a, b []byte) bool { return string(a) == string(b) }) {
		t.Error("something was written")
	}
	if err := h.Repair(); err != nil {
		t.Fatal(err)
	}
	opened(t, base)
}
