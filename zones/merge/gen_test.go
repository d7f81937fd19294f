package merge

import (
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/mapping"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// A tiny world: targets t and u.t (or u), sources s and c.s, names of labels
// a, b and *, few addresses, so that much meets.
const view = zones.Internet

func id(origin string) zones.ID { return zones.ID{Origin: zones.MustName(origin), View: view} }

type drawing struct {
	*rapid.T
	decide bool // draw decisions, reservations, exceptions
	wild   bool // draw wildcards, cuts and DNAMEs
}

func (d drawing) one(label string, of ...string) string {
	return rapid.SampledFrom(of).Draw(d.T, label)
}

func (d drawing) name(zone string) string {
	labels := []string{"a", "b"}
	if d.wild {
		labels = append(labels, "*")
	}
	n := zone
	for range rapid.IntRange(0, 2).Draw(d.T, "depth") {
		n = d.one("label", labels...) + "." + n
	}
	return n
}

func (d drawing) anyName() string { return d.name(d.one("zone", "s", "t", "c.s", "u.t", "out")) }

func (d drawing) zone(origin string, max int) *zones.Zone {
	var rs []zones.Record
	add := func(owner, typ, data string) {
		ty, _ := zones.ParseType(typ)
		wire, err := rdata.Parse(ty, data, zones.Root())
		if err != nil {
			panic(err)
		}
		r := zones.Record{
			Owner: zones.MustName(owner), Type: ty, TTL: 60, Data: wire,
			From: zones.Provenance{Place: zones.Place{File: origin, Line: len(rs) + 1}},
		}
		alone := func(t zones.Type) bool { return t == zones.TypeCNAME }
		if slices.ContainsFunc(rs, func(o zones.Record) bool {
			return o.Owner == r.Owner && (alone(o.Type) || alone(r.Type) || o.Type == r.Type && o.Type == zones.TypeDNAME)
		}) {
			return
		}
		if (ty == zones.TypeNS || ty == zones.TypeDNAME) && r.Owner.IsWildcard() {
			return
		}
		rs = append(rs, r)
	}
	add(origin, "SOA", "ns.out. root.out. 7 1 1 1 30")
	add(origin, "NS", "ns.out.")
	types := []string{"A", "A", "A", "AAAA", "TXT", "MX", "CNAME"}
	if d.wild {
		types = append(types, "NS", "DNAME", "DS")
	}
	for range rapid.IntRange(0, max).Draw(d.T, "records") {
		owner := d.name(origin)
		switch t := d.one("type", types...); t {
		case "A":
			add(owner, t, d.one("addr", "192.0.2.1", "192.0.2.2", "192.0.2.3"))
		case "AAAA":
			add(owner, t, "2001:db8::1")
		case "TXT":
			add(owner, t, d.one("txt", `"one"`, `"v=spf1 a:a.s -all"`))
		case "MX":
			add(owner, t, "10 "+d.anyName()+".")
		case "DS":
			add(owner, t, "1 8 2 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff")
		default:
			if owner != origin {
				add(owner, t, d.anyName()+".")
			}
		}
	}
	b := zones.NewBuilder(id(origin))
	b.Add(rs...)
	z, err := b.Freeze()
	if err != nil {
		panic(err)
	}
	return z
}

func (d drawing) input() Input {
	var in Input
	w := []*zones.Zone{d.zone("t", 8)}
	in.Mapping.Targets = []zones.Name{zones.MustName("t")}
	if rapid.Bool().Draw(d.T, "second target") {
		w = append(w, d.zone("u.t", 3))
		in.Mapping.Targets = append(in.Mapping.Targets, zones.MustName("u.t"))
	}
	if rapid.Bool().Draw(d.T, "third zone") {
		w = append(w, d.zone("x", 3))
	}
	in.World, _ = zones.NewWorld(w...)
	in.Sources = []Source{{"s", d.zone("s", 8)}}
	if rapid.Bool().Draw(d.T, "child source") {
		in.Sources = append(in.Sources, Source{"c", d.zone("c.s", 3)})
	}
	if rapid.Bool().Draw(d.T, "other source") {
		in.Sources = append(in.Sources, Source{"o", d.zone("o", 3)})
	}
	d.mapping(&in.Mapping)
	return in
}

func pat(star bool, n string) mapping.Pattern {
	return mapping.Pattern{Star: star, Name: zones.MustName(n)}
}

func (d drawing) note(line *int) mapping.Note {
	*line++
	return mapping.Note{At: zones.Place{File: "m", Line: *line}, By: "p", Why: fmt.Sprint("line ", *line)}
}

func (d drawing) mapping(mp *mapping.Mapping) {
	line := 0
	var some []zones.Type
	for range rapid.IntRange(0, 3).Draw(d.T, "rules") {
		r := mapping.Rule{Note: d.note(&line), From: pat(rapid.Bool().Draw(d.T, "star"), d.name("s"))}
		if rapid.Bool().Draw(d.T, "typed") {
			some = []zones.Type{zones.TypeA, zones.TypeMX, zones.TypeTXT}
			r.Types = some[:rapid.IntRange(1, 3).Draw(d.T, "types")]
		}
		r.Subtree = !r.From.Star && rapid.Bool().Draw(d.T, "subtree")
		if r.Drop = d.one("what", "to", "to", "drop") == "drop"; !r.Drop {
			for range rapid.IntRange(1, 2).Draw(d.T, "tos") {
				r.To = append(r.To, pat(r.From.Star, d.name("t")))
			}
		}
		if d.decide && rapid.Bool().Draw(d.T, "held") {
			r.Holder = d.one("holder", "h1", "h2")
		}
		mp.Rules = append(mp.Rules, r)
	}
	mp.Rules = append(mp.Rules,
		mapping.Rule{Note: d.note(&line), From: pat(false, "s"), Drop: true},
		mapping.Rule{Note: d.note(&line), From: pat(true, "s"), To: []mapping.Pattern{pat(true, "t")}},
		mapping.Rule{Note: d.note(&line), From: pat(false, "o"), Drop: true},
		mapping.Rule{Note: d.note(&line), From: pat(true, "o"), To: []mapping.Pattern{pat(true, "b.t")}})
	if d.decide {
		for range rapid.IntRange(0, 6).Draw(d.T, "decisions") {
			x := mapping.Decision{Note: d.note(&line), Name: zones.MustName(d.name("t")), Take: mapping.Take(rapid.IntRange(0, 3).Draw(d.T, "take"))}
			x.Type = rapid.SampledFrom([]zones.Type{0, 0, 0, zones.TypeA, zones.TypeMX, zones.TypeNS}).Draw(d.T, "dtype")
			if rapid.IntRange(0, 2).Draw(d.T, "becomes") == 0 {
				b := zones.MustName(d.name("n.t"))
				if x.Take == mapping.Source {
					x.TargetBecomes = b
				} else {
					x.SourceBecomes = b
				}
			}
			if rapid.Bool().Draw(d.T, "dheld") {
				x.Holder = "h1"
			}
			mp.Decisions = append(mp.Decisions, x)
		}
		for range rapid.IntRange(0, 2).Draw(d.T, "reserved") {
			mp.Reserved = append(mp.Reserved, mapping.Reserved{Name: zones.MustName(d.name("a.t")), Holder: d.one("rholder", "h1", "h3")})
		}
		if rapid.Bool().Draw(d.T, "except") {
			mp.Exceptions = append(mp.Exceptions, mapping.Exception{Note: d.note(&line), Name: zones.MustName(d.name("s"))})
		}
	}
	for range rapid.IntRange(0, 2).Draw(d.T, "old names") {
		mp.OldNames = append(mp.OldNames, mapping.OldName{
			Note: d.note(&line), Match: pat(rapid.Bool().Draw(d.T, "ostar"), d.name("s")),
			Mode: mapping.Mode(rapid.IntRange(0, 2).Draw(d.T, "mode")),
		})
	}
}
