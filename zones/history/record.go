package history

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"gialai.gov.vn/hopnhat/zones"
)

// A version is written whole when the differences since the last whole one are
// this many, or have as many octets as that has.
const maxSteps = 1000

// Record keeps a version of a zone; it is on disk when Record returns. Content
// that equals the newest version's gives that version back. Else its serial
// must be later than that one's, which becomes its parent (ErrSerial).
func (h *History) Record(z *zones.Zone, e Entry) (Version, error) {
	vs, err := h.RecordAll([]*zones.Zone{z}, e)
	if err != nil {
		return Version{}, err
	}
	return vs[0], nil
}

// RecordAll is Record of many zones, of which no two have one identity. The
// versions come in the order of the zones. On an error none is recorded.
func (h *History) RecordAll(zs []*zones.Zone, e Entry) ([]Version, error) {
	e = cleaned(e)
	h.mu.Lock()
	defer h.mu.Unlock()
	plans := make([]*plan, len(zs))
	seen := map[zones.ID]bool{}
	for i, z := range zs {
		if seen[z.ID()] {
			return nil, fmt.Errorf("%v: %w", z.ID(), zones.ErrTwice)
		}
		seen[z.ID()] = true
		var err error
		if plans[i], err = h.plan(z, e); err != nil {
			return nil, err
		}
	}
	if err := h.carryOut(plans); err != nil {
		return nil, err
	}
	out := make([]Version, len(plans))
	for i, p := range plans {
		out[i] = p.v.Version
	}
	return out, nil
}

// cleaned is an entry as it is read back: UTC, without a monotonic clock, and
// UTF-8.
func cleaned(e Entry) Entry {
	valid := func(s string) string { return strings.ToValidUTF8(s, "\ufffd") }
	return Entry{At: e.At.UTC().Round(0), Who: valid(e.Who), Why: valid(e.Why), Document: valid(e.Document)}
}

// plan is a version that is to be written, or that there is already.
type plan struct {
	zone  *zones.Zone
	v     *version
	text  []byte // of its file; nil: nothing is to be written
	again bool   // in place of a version that cannot be read any more
}

func (h *History) plan(z *zones.Zone, e Entry) (*plan, error) {
	id := z.ID()
	if !utf8.ValidString(string(id.View)) {
		return nil, fmt.Errorf("%q: the view is not UTF-8", string(id.View))
	}
	v := Version{ID: id, N: 1, Serial: z.Serial(), Entry: e}
	zh := h.zones[id]
	if zh == nil {
		return planWhole(z, v)
	}
	last := zh.last()
	d, known, err := h.against(zh, z)
	switch {
	case err != nil:
		return nil, err
	case known && d.Empty():
		return &plan{zone: z, v: last}, nil
	case !known && Digest(z) == last.Digest:
		p, err := planWhole(z, last.Version)
		if p != nil {
			p.again = true
		}
		return p, err
	case !last.Serial.Before(z.Serial()):
		return nil, fmt.Errorf("%v: serial %d, where version %d has %d: %w; raise it", id, z.Serial(), last.N, last.Serial, ErrSerial)
	}
	if v.N, v.Parent = last.N+1, last.N; v.N > math.MaxInt32 {
		return nil, fmt.Errorf("%v: version %d: %w", id, last.N, errNumbers)
	}
	if !known {
		return planWhole(z, v)
	}
	return planDiff(z, v, last, d)
}

// against gives what turns the newest version into z; false where that one
// cannot be read.
func (h *History) against(zh *zoneHistory, z *zones.Zone) (zones.Delta, bool, error) {
	last := zh.last()
	if zh.newest == nil && last.fault == nil {
		if Digest(z) == last.Digest {
			zh.newest = z
			return zones.Delta{}, true, nil
		}
		var err error
		if zh.newest, err = h.read(zh, last.N); err != nil {
			if !errors.Is(err, ErrDamaged) {
				return zones.Delta{}, false, err
			}
			last.fault = err
		}
	}
	if zh.newest == nil {
		return zones.Delta{}, false, nil
	}
	return zones.Diff(zh.newest, z), true, nil
}

// planWhole plans a version that is written whole.
func planWhole(z *zones.Zone, v Version) (*plan, error) {
	if v.Digest == "" {
		v.Digest = Digest(z)
	}
	if v.Added == 0 && v.Removed == 0 {
		_, _, v.Added = z.Counts()
	}
	text, err := wholeText(v.head(0), z)
	if err != nil {
		return nil, err
	}
	full := &version{Version: v, stored: storedAs(strconv.Itoa(v.N)+wholeExt, text)}
	full.chain = chain{whole: full.Octets}
	return &plan{zone: z, v: full, text: text}, nil
}

// planDiff plans a version that is written as the difference from the one
// before, unless it is time for a whole one.
func planDiff(z *zones.Zone, v Version, last *version, d zones.Delta) (*plan, error) {
	s, err := parseSum(last.Digest)
	if err != nil {
		return nil, err
	}
	s.apply(d)
	v.Digest, v.Added, v.Removed = s.String(), len(d.Added), len(d.Removed)
	text, err := diffText(v.head(last.N), d)
	if err != nil {
		return nil, err
	}
	c := last.chain.longer(int64(len(text)))
	if c.steps > maxSteps || c.octets > c.whole {
		return planWhole(z, v)
	}
	step := &version{Version: v, stored: storedAs(strconv.Itoa(v.N)+diffExt, text), base: last.N, chain: c}
	return &plan{zone: z, v: step, text: text}, nil
}

func (c chain) longer(octets int64) chain {
	return chain{steps: c.steps + 1, octets: c.octets + octets, whole: c.whole}
}

func storedAs(name string, b []byte) stored {
	return stored{Name: name, Octets: int64(len(b)), Sum: octetsSum(b)}
}

// carryOut writes the files of plans, then their lines of the log, which make
// them part of the history (COMMIT).
func (h *History) carryOut(plans []*plan) (err error) {
	var ls []logLine
	var folders []string
	defer func() {
		for i := 0; err != nil && i < len(ls); i++ {
			if v := ls[i].Version; !v.Found {
				h.log.left = append(h.log.left, folders[i]+"/"+v.stored.Name)
			}
		}
	}()
	for _, p := range plans {
		if p.text == nil {
			continue
		}
		if len(ls) == 0 {
			if err := h.begin(); err != nil {
				return err
			}
		}
		folder := zonesName + "/" + zoneFolder(p.v.ID)
		folders = append(folders, folder)
		ls = append(ls, logLine{Version: &versionLine{p.v.head(p.v.base), p.v.stored, p.again}})
		if err := h.place(folder, p.v.Name, p.text); err != nil {
			return err
		}
	}
	if len(ls) == 0 {
		return nil
	}
	for _, f := range folders {
		if err := h.fsys.SyncDir(f); err != nil {
			return err
		}
	}
	if err := h.append(ls); err != nil {
		return err
	}
	for _, p := range plans {
		h.keep(p)
	}
	return nil
}

// keep takes a version that was written into what is known.
func (h *History) keep(p *plan) {
	zh := h.zones[p.v.ID]
	if zh == nil {
		zh = &zoneHistory{id: p.v.ID}
		h.zones[p.v.ID] = zh
	}
	switch {
	case p.again:
		zh.versions[len(zh.versions)-1] = p.v
	case p.text != nil:
		zh.versions = append(zh.versions, p.v)
	}
	zh.newest = p.zone
}

// RecordFile keeps a version of a file; it is on disk when RecordFile returns.
// Octets that equal the newest version's give that version's number back.
func (h *History) RecordFile(name string, b []byte, e Entry) (int, error) {
	if name == "" || !utf8.ValidString(name) {
		return 0, fmt.Errorf("%q cannot be the name of a file", name)
	}
	e = cleaned(e)
	h.mu.Lock()
	defer h.mu.Unlock()
	f := h.files[name]
	if f == nil {
		f = &fileHistory{}
	}
	c, again := &fileCopy{FileVersion: FileVersion{Name: name, N: 1, Sum: octetsSum(b), Entry: e}}, false
	if last := f.last(); last != nil {
		switch {
		case last.FileVersion.Sum != c.FileVersion.Sum:
			c.N = last.N + 1
		case last.fault == nil:
			return last.N, nil
		default:
			c.FileVersion, again = last.FileVersion, true
		}
	}
	c.stored = storedAs(copyName(c.N, c.FileVersion.Sum), b)
	if err := h.begin(); err != nil {
		return 0, err
	}
	folder := filesName + "/" + fileFolder(name)
	err := h.place(folder, c.stored.Name, b)
	if err == nil {
		err = h.fsys.SyncDir(folder)
	}
	if err == nil {
		err = h.append([]logLine{{File: c.line(again)}})
	}
	if err != nil {
		if !again {
			h.log.left = append(h.log.left, copyFile(name, c.stored.Name))
		}
		return 0, err
	}
	if again {
		f.versions[len(f.versions)-1] = c
	} else {
		f.versions = append(f.versions, c)
	}
	h.files[name] = f
	return c.N, nil
}

// Append writes an event into the log; it is on disk when Append returns, with
// its number.
func (h *History) Append(ev Event) (Event, error) {
	ev.Entry = cleaned(ev.Entry)
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range ev.Zones {
		if zh := h.zones[r.ID]; zh == nil || zh.at(r.N) == nil {
			return Event{}, fmt.Errorf("%v, version %d: %w", r.ID, r.N, ErrNoVersion)
		}
	}
	ev.N = h.log.events + 1
	l := ev.line()
	if ev.Data != nil {
		data, err := marshal(ev.Data)
		if err != nil {
			return Event{}, fmt.Errorf("the event's data: %w", err)
		}
		ev.Data, l.Data = data, data
	}
	if err := h.begin(); err != nil {
		return Event{}, err
	}
	if err := h.append([]logLine{{Event: l}}); err != nil {
		return Event{}, err
	}
	h.log.events = ev.N
	h.events = append(h.events, ev)
	return ev, nil
}
