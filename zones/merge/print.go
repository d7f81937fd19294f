package merge

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"gialai.gov.vn/hopnhat/zones/rdata"
)

// AppendText appends the ledger as tab-separated lines, "-" for what is
// empty; names are absolute with their final dot, data are as in a zone file.
// "dup" marks a line whose record was there already, "new" one that adds its
// record to the zone after, "-" one that does not stand there.
//
//	entry  source view zone owner type ttl data disposition new|dup target-zone new-owner new-data old-mode until rule decision by doc why
//	trace  view zone owner type ttl data fate new|dup to-zone new-owner new-data decision by doc why
//	source view zone type records entries renamed merged superseded dropped undecided duplicates follow as-before alias ended
//	target view zone type before removed moved-out moved-in arrived duplicates after
//
// The lines of each kind are in canonical order.
func (l Ledger) AppendText(dst []byte) []byte {
	line := func(cells ...string) {
		for i, c := range cells {
			if i > 0 {
				dst = append(dst, '\t')
			}
			dst = append(dst, cell(c)...)
		}
		dst = append(dst, '\n')
	}
	for _, e := range l.entries {
		x := entryOf(e)
		line("entry", x.Source, x.View, x.Zone, x.Owner, x.Type, strconv.FormatUint(uint64(x.TTL), 10), x.Data,
			x.Disposition, mark(e.Stands(), x.Duplicate), x.Target, x.NewOwner, x.NewData, x.OldMode, x.Until, x.Rule, x.Decision, x.By, x.Doc, x.Why)
	}
	for _, t := range l.traces {
		x := traceOf(t)
		line("trace", x.View, x.Zone, x.Owner, x.Type, strconv.FormatUint(uint64(x.TTL), 10), x.Data,
			x.Fate, mark(t.Fate != Removed, x.Duplicate), x.To, x.NewOwner, x.NewData, x.Decision, x.By, x.Doc, x.Why)
	}
	n := strconv.Itoa
	for _, s := range l.SourceSums() {
		line("source", string(s.Zone.View), s.Zone.Origin.String(), s.Type.String(), n(s.Records), n(s.Entries), n(s.Renamed), n(s.Merged),
			n(s.Superseded), n(s.Dropped), n(s.Undecided), n(s.Duplicates), n(s.Follow), n(s.AsBefore), n(s.Alias), n(s.Ended))
	}
	for _, s := range l.TargetSums() {
		line("target", string(s.Zone.View), s.Zone.Origin.String(), s.Type.String(), n(s.Before), n(s.Removed), n(s.MovedOut), n(s.MovedIn),
			n(s.Arrived), n(s.Duplicates), n(s.After))
	}
	return dst
}

func mark(stands, duplicate bool) string {
	switch {
	case !stands:
		return ""
	case duplicate:
		return "dup"
	}
	return "new"
}

// cell keeps a text inside its cell.
func cell(s string) string {
	if s == "" {
		return "-"
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}

type jsonEntry struct {
	Source      string `json:"source"`
	View        string `json:"view"`
	Zone        string `json:"zone"`
	Owner       string `json:"owner"`
	Type        string `json:"type"`
	TTL         uint32 `json:"ttl"`
	Data        string `json:"data"`
	At          string `json:"at,omitempty"`
	Disposition string `json:"disposition"`
	Duplicate   bool   `json:"duplicate,omitempty"`
	Target      string `json:"target,omitempty"`
	NewOwner    string `json:"newOwner,omitempty"`
	NewData     string `json:"newData,omitempty"`
	OldMode     string `json:"oldMode"`
	Until       string `json:"until,omitempty"`
	Rule        string `json:"rule,omitempty"`
	Decision    string `json:"decision,omitempty"`
	By          string `json:"by,omitempty"`
	Doc         string `json:"doc,omitempty"`
	Why         string `json:"why,omitempty"`
}

func entryOf(e Entry) jsonEntry {
	x := jsonEntry{
		Source: e.Source, View: string(e.Zone.View), Zone: e.Zone.Origin.String(), Owner: e.Record.Owner.String(),
		Type: e.Record.Type.String(), TTL: e.Record.TTL, Data: rdata.Text(e.Record.Type, e.Record.Data), At: e.Record.From.Place.String(),
		Disposition: e.Disposition.String(), Duplicate: e.Duplicate, OldMode: e.Old.String(), Until: until(e.Old.Until),
		Rule: e.Rule.String(), Decision: e.Decision.String(), By: e.By, Doc: e.Doc, Why: e.Why,
	}
	if !e.New.Owner.IsZero() {
		x.Target, x.NewOwner, x.NewData = e.Target.Origin.String(), e.New.Owner.String(), rdata.Text(e.New.Type, e.New.Data)
	}
	return x
}

func until(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}

type jsonTrace struct {
	View      string `json:"view"`
	Zone      string `json:"zone"`
	Owner     string `json:"owner"`
	Type      string `json:"type"`
	TTL       uint32 `json:"ttl"`
	Data      string `json:"data"`
	At        string `json:"at,omitempty"`
	Fate      string `json:"fate"`
	Duplicate bool   `json:"duplicate,omitempty"`
	To        string `json:"to,omitempty"`
	NewOwner  string `json:"newOwner,omitempty"`
	NewData   string `json:"newData,omitempty"`
	Decision  string `json:"decision,omitempty"`
	By        string `json:"by,omitempty"`
	Doc       string `json:"doc,omitempty"`
	Why       string `json:"why,omitempty"`
}

func traceOf(t Trace) jsonTrace {
	x := jsonTrace{
		View: string(t.Zone.View), Zone: t.Zone.Origin.String(), Owner: t.Record.Owner.String(), Type: t.Record.Type.String(),
		TTL: t.Record.TTL, Data: rdata.Text(t.Record.Type, t.Record.Data), At: t.Record.From.Place.String(), Fate: t.Fate.String(),
		Duplicate: t.Duplicate, Decision: t.Decision.String(), By: t.By, Doc: t.Doc, Why: t.Why,
	}
	if !t.New.Owner.IsZero() {
		x.To, x.NewOwner, x.NewData = t.To.Origin.String(), t.New.Owner.String(), rdata.Text(t.New.Type, t.New.Data)
	}
	return x
}

// MarshalJSON gives {"format": 1, "entries": […], "traces": […], "sources":
// […], "targets": […]}, in canonical order.
func (l Ledger) MarshalJSON() ([]byte, error) {
	type sums struct {
		View   string         `json:"view"`
		Zone   string         `json:"zone"`
		Type   string         `json:"type"`
		Counts map[string]int `json:"counts"`
	}
	out := struct {
		Format  int         `json:"format"`
		Entries []jsonEntry `json:"entries"`
		Traces  []jsonTrace `json:"traces"`
		Sources []sums      `json:"sources"`
		Targets []sums      `json:"targets"`
	}{Format: 1, Entries: []jsonEntry{}, Traces: []jsonTrace{}, Sources: []sums{}, Targets: []sums{}}
	for _, e := range l.entries {
		out.Entries = append(out.Entries, entryOf(e))
	}
	for _, t := range l.traces {
		out.Traces = append(out.Traces, traceOf(t))
	}
	for _, s := range l.SourceSums() {
		out.Sources = append(out.Sources, sums{string(s.Zone.View), s.Zone.Origin.String(), s.Type.String(), map[string]int{
			"records": s.Records, "entries": s.Entries, "renamed": s.Renamed, "merged": s.Merged, "superseded": s.Superseded,
			"dropped": s.Dropped, "undecided": s.Undecided, "duplicates": s.Duplicates,
			"follow": s.Follow, "asBefore": s.AsBefore, "alias": s.Alias, "ended": s.Ended,
		}})
	}
	for _, s := range l.TargetSums() {
		out.Targets = append(out.Targets, sums{string(s.Zone.View), s.Zone.Origin.String(), s.Type.String(), map[string]int{
			"before": s.Before, "removed": s.Removed, "movedOut": s.MovedOut, "movedIn": s.MovedIn, "arrived": s.Arrived,
			"duplicates": s.Duplicates, "after": s.After,
		}})
	}
	b, err := json.Marshal(out)
	if err != nil {
		return nil, fmt.Errorf("the ledger as JSON: %w", err)
	}
	return b, nil
}
