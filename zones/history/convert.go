package history

import (
	"math"
	"slices"

	"gialai.gov.vn/hopnhat/zones"
)

// What the lines of the log say, and the values that are made of them.

func (e Entry) line() entryLine { return entryLine(e) }

func (v Version) head(base int) versionHead {
	return versionHead{
		Zone: v.ID.Origin.String(), View: string(v.ID.View), N: v.N, Parent: v.Parent, Base: base,
		Serial: uint32(v.Serial), Added: v.Added, Removed: v.Removed, Content: v.Digest, entryLine: v.Entry.line(),
	}
}

func (c *fileCopy) line(found bool) *fileLine {
	return &fileLine{Of: c.FileVersion.Name, N: c.N, stored: c.stored, entryLine: c.Entry.line(), Found: found}
}

func (ev Event) line() *eventLine {
	l := &eventLine{N: ev.N, Kind: ev.Kind, entryLine: ev.Entry.line(), Data: ev.Data}
	for _, r := range ev.Zones {
		l.Zones = append(l.Zones, refLine{r.ID.Origin.String(), string(r.ID.View), r.N})
	}
	return l
}

func parseID(zone, view string) (zones.ID, error) {
	n, err := zones.ParseName(zone)
	return zones.ID{Origin: n, View: zones.View(view)}, err
}

func (h versionHead) version() (Version, error) {
	id, err := parseID(h.Zone, h.View)
	if err == nil {
		_, err = parseSum(h.Content)
	}
	if err == nil && (h.N < 1 || h.N > math.MaxInt32 || h.Base < 0 || h.Base >= h.N || h.Parent < 0 || h.Parent >= h.N) {
		err = errNumbers
	}
	return Version{
		ID: id, N: h.N, Parent: h.Parent, Serial: zones.Serial(h.Serial),
		Digest: h.Content, Added: h.Added, Removed: h.Removed, Entry: Entry(h.entryLine),
	}, err
}

func (l *eventLine) event() (Event, error) {
	ev := Event{N: l.N, Kind: l.Kind, Entry: Entry(l.entryLine), Data: slices.Clone(l.Data)}
	for _, r := range l.Zones {
		id, err := parseID(r.Zone, r.View)
		if err != nil {
			return ev, err
		}
		ev.Zones = append(ev.Zones, Ref{id, r.N})
	}
	if ev.N < 1 || ev.N > math.MaxInt32 {
		return ev, errNumbers
	}
	return ev, nil
}
