package probe

import (
	"errors"
	"fmt"
	"slices"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/transfer"
)

// visit is what one server says of one zone.
type visit struct {
	zone   *zones.Zone
	target target
	sample []Expectation

	udp, tcp way
	heard    bool           // it answered for the SOA, over one transport at least
	lame     string         // how it does not serve the zone; ""
	serials  []zones.Serial // seen; more than one where it does not say the same twice
	differ   []difference

	transfer string // why there was none; "" with one, or where none was tried
	served   *zones.Zone
	delta    zones.Delta // from the zone to what was transferred
	gone     int         // owners of the zone that were not transferred

	keys    []zones.Record // DNSKEY of a zone that a signer signs
	keysErr string         // why they are not known; ""
	bogus   string         // why validating resolvers refuse what it says; ""
}

// way is what came over one transport.
type way struct {
	Count
	positive, denied int // questions below the apex that have data, and those of them that were denied
}

// difference is a question whose answer differs.
type difference struct {
	Expectation
	network, problem string
}

// patience is how many questions in a row may stay unanswered before a
// transport is given up.
const patience = 3

func (s *survey) visit(v *visit) {
	if v.target.problem != "" {
		v.udp.Problem, v.tcp.Problem = v.target.problem, v.target.problem
		return
	}
	for _, over := range []struct {
		network string
		seen    *way
	}{{"udp", &v.udp}, {"tcp", &v.tcp}} {
		if v.lame != "" {
			return
		}
		s.ask(v, over.network, over.seen)
	}
	if v.lame == "" && v.tcp.Problem == "" {
		s.fetch(v)
	}
	if v.heard && v.lame == "" && slices.Contains(s.Signed, v.zone.Origin()) {
		s.askKeys(v)
	}
}

func (s *survey) askKeys(v *visit) {
	r, err := s.whole(v.target.addr, v.zone.Origin(), zones.TypeDNSKEY, false)
	switch {
	case err != nil:
		v.keysErr = why(err)
	case r.Rcode != rcodeSuccess:
		v.keysErr = "it answers " + rcodeText(r.Rcode)
	}
	for _, rec := range r.Answer {
		if rec.Owner == v.zone.Origin() && rec.Type == zones.TypeDNSKEY {
			v.keys = append(v.keys, rec)
		}
	}
}

// ask asks for the SOA and then the sample over one transport.
func (s *survey) ask(v *visit, network string, c *way) {
	l := s.line(network, v.target.addr)
	defer l.close()
	r, err := l.ask(v.zone.Origin(), zones.TypeSOA, false)
	switch {
	case errors.Is(err, errCut): // it is heard over TCP
	case err != nil:
		c.Problem = why(err)
		return
	default:
		v.heard = true
		soa, lame := readSOA(r, v.zone.Origin())
		if lame != "" {
			if v.lame = lame; network == "tcp" && v.udp.Asked > 0 {
				v.lame += " over TCP, and not so over UDP"
			}
			return
		}
		if !slices.Contains(v.serials, soa.Serial) {
			v.serials = append(v.serials, soa.Serial)
		}
	}
	silent := 0
	for _, e := range v.sample {
		r, err := l.ask(e.Name, e.Type, false)
		switch {
		case errors.Is(err, errCut):
			c.Truncated++
			silent = 0
			continue
		case errors.Is(err, errStopped):
			c.Problem = why(err)
			return
		case err != nil:
			c.Asked++
			c.Unanswered++
			if silent++; silent == patience {
				c.Problem = "it stopped answering: " + why(err)
				return
			}
			continue
		}
		silent = 0
		c.Asked++
		if isPositive(e, v.zone) {
			c.positive++
			if len(r.Answer) == 0 && (r.Rcode == rcodeSuccess || r.Rcode == rcodeNXDomain) {
				c.denied++
			}
		}
		if p := s.compare(e, r, v.zone); p != "" {
			c.Differed++
			v.differ = append(v.differ, difference{e, network, p})
		} else {
			c.Agreed++
		}
	}
}

// readSOA reads the answer to the question for a zone's SOA. A server that
// does not answer with authority does not serve the zone: it is lame.
func readSOA(r Reply, zone zones.Name) (soa zones.SOA, lame string) {
	if r.Rcode != rcodeSuccess {
		return soa, "it answers " + rcodeText(r.Rcode)
	}
	for _, rec := range r.Answer {
		if rec.Owner != zone || rec.Type != zones.TypeSOA {
			continue
		}
		soa, err := zones.ParseSOA(rec.Data)
		switch {
		case err != nil:
			return soa, "its SOA record is broken"
		case !r.AA:
			return soa, "it answers without authority (the flag aa is clear)"
		}
		return soa, ""
	}
	if r.AA {
		return soa, "it says that the name is no zone"
	}
	return soa, "it refers elsewhere"
}

// isPositive tells whether a name of the sample has data below the apex.
func isPositive(e Expectation, z *zones.Zone) bool {
	return e.Name != z.Origin() && e.Want.AA && len(e.Want.Answer) > 0
}

// compare judges an answer. The serial is judged by itself, and servers differ
// in whether they follow an alias into another zone that they serve
// (docs/behaviour.md): what they add there is not compared.
func (s *survey) compare(e Expectation, r Reply, z *zones.Zone) string {
	r.Answer, r.Authority = sameSerial(r.Answer, z), sameSerial(r.Authority, z)
	if n := len(e.Want.Answer); n > 0 && e.Type != zones.TypeCNAME && e.Want.Answer[n-1].Type() == zones.TypeCNAME {
		to, _, err := zones.NameIn(e.Want.Answer[n-1].Data(0))
		if err == nil && s.world.Nearest(s.view, to) != z {
			if r.Rcode == rcodeNXDomain {
				r.Rcode = e.Want.Rcode
			}
			r.Answer = slices.DeleteFunc(r.Answer, func(rec zones.Record) bool { return s.world.Nearest(s.view, rec.Owner) != z })
			r.Authority, r.Additional = nil, nil
		}
	}
	return e.Compare(r)
}

// sameSerial gives the zone's SOA records the zone's serial.
func sameSerial(rs []zones.Record, z *zones.Zone) []zones.Record {
	rs = slices.Clone(rs)
	for i, rec := range rs {
		if rec.Owner != z.Origin() || rec.Type != zones.TypeSOA {
			continue
		}
		if soa, err := zones.ParseSOA(rec.Data); err == nil {
			soa.Serial = z.Serial()
			rs[i].Data = soa.Data()
		}
	}
	return rs
}

// fetch transfers the zone where that is allowed, and holds it against what
// it should be, record by record. The serial is judged by itself.
func (s *survey) fetch(v *visit) {
	_, _, n := v.zone.Counts()
	z, _, fs := transfer.Fetch(s.ctx, transfer.Request{
		Server: s.reached(v.target.addr), Zone: v.zone.ID(), Key: s.Key, Dial: s.Dial,
		Timeouts: transfer.Timeouts{Connect: s.Timeout, Message: 5 * s.Timeout, Total: s.Transfer, Query: s.Timeout},
		Limits:   transfer.Limits{Records: 4*n + 10_000, Listed: 1},
	})
	if z == nil {
		v.transfer = "it failed"
		for _, f := range fs {
			if f.Severity >= finding.Error {
				v.transfer = f.Found
				break
			}
		}
		return
	}
	v.served = z
	plain := z.WithSerial(v.zone.Serial())
	if slices.Contains(s.Signed, z.Origin()) {
		if plain, v.transfer = unsigned(plain); v.transfer != "" {
			return
		}
	}
	v.delta = zones.Diff(v.zone, plain)
	for n := range v.zone.Owners() {
		if len(plain.At(n)) == 0 {
			v.gone++
		}
	}
}

// unsigned takes out of a zone what its signer put in.
func unsigned(z *zones.Zone) (*zones.Zone, string) {
	b := zones.NewBuilder(z.ID())
	for set := range z.All() {
		if !set.Type().IsDNSSEC() && set.Type() != zones.TypeZONEMD {
			b.AddSet(set)
		}
	}
	out, err := b.Freeze()
	if err != nil {
		return nil, fmt.Sprintf("without its signatures it is no zone: %v", err)
	}
	return out, ""
}
