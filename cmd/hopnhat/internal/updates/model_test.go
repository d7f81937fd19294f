package updates

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/zonefile"
)

var testID = zones.ID{Origin: zones.MustName("example.vn"), View: zones.Internet}

const firstFile = `$TTL 300
; the head of the file, kept
@	IN SOA ns hm %d 3600 600 86400 300 ; the serial
@	IN NS ns	; ours
ns	IN A 192.0.2.1
; people write below
h0	IN TXT "0" ; line of h0
; the foot
`

// fatal is a testing.T or a rapid.T.
type fatal interface {
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// bench is a zone file with the server's side of it.
type bench struct {
	t      fatal
	dir    string
	file   *File
	served *zones.Zone
	wait   func(context.Context, time.Duration) error
}

func newBench(t fatal, dir string) *bench {
	b := &bench{t: t, dir: dir, wait: func(context.Context, time.Duration) error { return nil }}
	b.save(fmt.Sprintf(firstFile, 10))
	b.open()
	b.load()
	return b
}

func (b *bench) path() string { return filepath.Join(b.dir, "example.vn.zone") }

func (b *bench) text() string {
	text, err := os.ReadFile(b.path())
	if err != nil {
		b.t.Fatal(err)
	}
	return string(text)
}

func (b *bench) save(text string) {
	if err := os.WriteFile(b.path(), []byte(text), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) read() (Read, error) {
	r := Read{Path: func(name string) string { return filepath.Join(b.dir, name) }}
	tree, fs := zonefile.Load(os.DirFS(b.dir), "example.vn.zone", zonefile.Options{Origin: testID.Origin})
	if tree == nil || finding.Failed(fs) {
		return r, fmt.Errorf("%v", fs)
	}
	r.Tree = tree
	r.Zone, fs = tree.Zone(testID.View)
	if r.Zone == nil {
		return r, fmt.Errorf("%v", fs)
	}
	return r, nil
}

func (b *bench) open() {
	f, _, err := Open(Home{ID: testID, State: filepath.Join(b.dir, "var"), Read: b.read, Wait: b.wait})
	if err != nil {
		b.t.Fatal(err)
	}
	b.file = f
}

// load is what the daemon does at SIGHUP and at its start.
func (b *bench) load() Outcome {
	o, err := b.file.Reconcile(context.Background(), b.served)
	if err != nil {
		b.t.Fatal(err)
	}
	r, err := b.read()
	if err != nil {
		b.t.Fatal(err)
	}
	if b.served != nil {
		was, is := b.served.WithSerial(0), r.Zone.WithSerial(0)
		switch {
		case was.Equal(is) && r.Zone.Serial().Before(b.served.Serial()):
			return o // the daemon serves equal content under the serial before
		case !was.Equal(is) && !b.served.Serial().Before(r.Zone.Serial()):
			if len(b.file.Steps()) > 0 {
				b.t.Fatalf("other content under serial %d, after %d", r.Zone.Serial(), b.served.Serial())
			}
			r.Zone = r.Zone.WithSerial(b.served.Serial().Next()) // as the daemon does
		}
	}
	b.served = r.Zone
	return o
}

// restart forgets what the server had in memory; nobody serves meanwhile.
func (b *bench) restart() {
	if err := b.file.Close(); err != nil {
		b.t.Fatal(err)
	}
	b.served = nil
	b.open()
	b.load()
}

func txt(owner, text string) zones.Record {
	return zones.Record{Owner: zones.MustName(owner + ".example.vn"), Type: zones.TypeTXT, TTL: 300, Data: string(rune(len(text))) + text}
}

// update adds or removes a record, as the daemon does.
func (b *bench) update(r zones.Record, add bool) {
	set, _ := b.served.Lookup(r.Owner, r.Type)
	if set.Has(r.Data) == add {
		return
	}
	d := zones.Delta{ID: testID}
	if add {
		d.Added = []zones.Record{r}
	} else {
		d.Removed = []zones.Record{r}
	}
	d = WithSerial(d, b.served, b.served.Serial().Next().Next())
	next, err := d.Apply(b.served)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := b.file.Append(d); err != nil {
		b.t.Fatal(err)
	}
	b.served = next
}

// holds lists "owner text" of a zone's texts.
func holds(z *zones.Zone) map[string]bool {
	m := map[string]bool{}
	for r := range z.Records() {
		if r.Type == zones.TypeTXT {
			m[strings.TrimSuffix(r.Owner.Text(), ".example.vn")+" "+r.Data[1:]] = true
		}
	}
	return m
}

// event is what the twin remembers: an update, in the order of all.
type event struct {
	record string
	add    bool
}

// TestModel lets updates come while editors open, change and save the file, the
// server loads it, writes it, or starts anew, in any order. The twin keeps every
// update for ever and knows what each editor had seen, which the package has to
// find out.
func TestModel(t *testing.T) {
	edited, lacked := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		b := newBench(rt, tempDir(rt))
		defer func() { _ = b.file.Close() }()
		var events []event
		ours := map[string]bool{} // records of updates that stand
		replay := func(es []event) {
			for _, e := range es {
				if e.add {
					ours[e.record] = true
				} else {
					delete(ours, e.record)
				}
			}
		}
		people := map[string]bool{"h0 0": true}
		type editor struct {
			text string
			seen int // events that the text holds
		}
		flushed := 0 // events in the file
		var editors []editor
		dirty := false // saved and not loaded; then:
		var byHand struct {
			people, ours map[string]bool
			seen         int
		}
		check := func(where string) {
			want := maps.Clone(ours)
			maps.Copy(want, people)
			if got := holds(b.served); !maps.Equal(got, want) {
				rt.Fatalf("%s: served %v\nwant %v\nthe file:\n%s", where, slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)), b.text())
			}
		}
		loaded := func(o Outcome) {
			if o.Edited {
				edited++
			}
			if o.Lacked > 0 && o.Edited {
				lacked++
			}
			if dirty {
				people, ours = byHand.people, byHand.ours
				replay(events[byHand.seen:])
			}
			flushed, dirty = len(events), false
			for _, line := range strings.SplitAfter(firstFile, "\n") {
				if strings.HasPrefix(line, ";") && !strings.Contains(b.text(), line) {
					rt.Fatalf("the comment %q is gone:\n%s", line, b.text())
				}
			}
		}
		for range rapid.IntRange(5, 40).Draw(rt, "steps") {
			switch rapid.SampledFrom([]string{"update", "update", "update", "flush", "open", "save", "load", "restart"}).Draw(rt, "step") {
			case "update":
				e := event{fmt.Sprintf("u%d %d", rapid.IntRange(1, 3).Draw(rt, "owner"), rapid.IntRange(1, 2).Draw(rt, "text")), rapid.Bool().Draw(rt, "add")}
				owner, text, _ := strings.Cut(e.record, " ")
				b.update(txt(owner, text), e.add)
				if e.add != ours[e.record] {
					events = append(events, e)
					replay(events[len(events)-1:])
				}
				check("update")
			case "flush":
				before := b.text()
				err := b.file.Flush(context.Background())
				switch {
				case dirty && b.text() != before:
					rt.Fatalf("an edit that was not loaded is overwritten")
				case !dirty && err != nil:
					rt.Fatalf("flush: %v", err)
				case !dirty:
					flushed = len(events)
				}
			case "open":
				if !dirty {
					editors = append(editors, editor{b.text(), flushed})
				}
			case "save":
				if len(editors) == 0 || dirty {
					continue
				}
				i := rapid.IntRange(0, len(editors)-1).Draw(rt, "editor")
				e := editors[i]
				editors = slices.Delete(editors, i, i+1)
				n := fmt.Sprintf("h%d", rapid.IntRange(1, 9).Draw(rt, "name"))
				text := strings.Replace(e.text, "; the foot\n", n+"\tIN TXT \"1\" ; by hand\n; the foot\n", 1)
				if text == b.text() {
					continue
				}
				// A person who sees a record of an update may take it out.
				if lines := strings.Split(text, "\n"); rapid.Bool().Draw(rt, "take out") {
					if k := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "u") }); k >= 0 {
						text = strings.Join(slices.Delete(lines, k, k+1), "\n")
					}
				}
				r := &bench{t: rt, dir: tempDir(rt)}
				r.save(text)
				z, err := r.read()
				if err != nil {
					continue // a line below it inherited the owner: not this test's matter
				}
				if rapid.Bool().Draw(rt, "raise") {
					text = strings.Replace(text, fmt.Sprintf(" hm %d ", z.Zone.Serial()), fmt.Sprintf(" hm %d ", z.Zone.Serial()+1), 1)
				}
				if text == b.text() {
					continue // another has saved the very same
				}
				b.save(text)
				dirty = true
				byHand.people, byHand.ours, byHand.seen = map[string]bool{}, map[string]bool{}, e.seen
				for r := range holds(z.Zone) {
					if strings.HasPrefix(r, "h") {
						byHand.people[r] = true
					} else {
						byHand.ours[r] = true
					}
				}
			case "load":
				loaded(b.load())
				check("load")
			case "restart":
				_ = b.file.Flush(context.Background())
				b.restart()
				loaded(Outcome{})
				check("restart")
				editors = nil // who edits over a restart has a file that nobody knows any more
			}
		}
		loaded(b.load())
		check("end")
	})
	if edited == 0 || lacked == 0 {
		t.Errorf("%d edits were loaded, %d of them from an older state", edited, lacked)
	}
}

func tempDir(t *rapid.T) string {
	dir, err := os.MkdirTemp("", "updates")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}
