package verify

import (
	"fmt"
	"slices"
	"strings"

	"gialai.gov.vn/hopnhat/resolver/oracle"
	"gialai.gov.vn/hopnhat/resolver/probe"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// judged is what an answer was found to be: right with both empty, else what was wanted
// and what came.
type judged struct {
	want, got string
	raised    bool // right, with a TTL above any that was served
}

func (j judged) right() bool { return j.want == "" && j.got == "" }

// atServer judges an answer of a server of zones. One that is not ours may
// answer in the other ways that docs/behaviour.md lists; knows tells which zones
// it serves as they are published.
func (s side) atServer(k zones.Key, r probe.Reply, own bool, knows func(*zones.Zone) bool) judged {
	a := s.Resolve(k.Owner, k.Type)
	problem := s.compare(k, a, r)
	if problem == "" || !own && s.otherwise(k, a, r, knows) {
		return judged{}
	}
	want, got := describe(a), said(r)
	if want == got {
		got = problem // they differ where describe is silent: flags, authority, TTLs
	}
	return judged{want: want, got: got}
}

func (s side) compare(k zones.Key, a oracle.Answer, r probe.Reply) string {
	return probe.Expectation{Name: k.Owner, Type: k.Type, Want: a}.Compare(r)
}

// otherwise tells whether a server that is not ours may answer so: it follows a
// chain into another zone that it serves (C2), or denies a DS from the child's
// side (C9). Where it serves that zone in a version of its own, only the start
// of the chain is compared.
func (s side) otherwise(k zones.Key, a oracle.Answer, r probe.Reply, knows func(*zones.Zone) bool) bool {
	for range longestChain {
		target, ok := leaves(k, a)
		if !ok {
			return false
		}
		z := s.world.Nearest(s.view, target)
		if z == nil || !knows(z) {
			a.Authority, a.Additional = nil, nil
			r.Answer = slices.DeleteFunc(slices.Clone(r.Answer), func(g zones.Record) bool {
				return !slices.ContainsFunc(a.Answer, func(w zones.RRset) bool { return w.Owner() == g.Owner })
			})
			if r.Rcode == oracle.NXDomain {
				r.Rcode = oracle.NoError
			}
			return s.compare(k, a, r) == ""
		}
		if k.Type == zones.TypeDS && z.Origin() == target && s.compare(k, denied(a, z), r) == "" {
			return true
		}
		next := s.Resolve(target, k.Type)
		next.Answer, next.AA = append(slices.Clone(a.Answer), next.Answer...), true
		if a = next; s.compare(k, a, r) == "" {
			return true
		}
	}
	return false
}

// leaves gives where a chain leads that our server does not follow.
func leaves(k zones.Key, a oracle.Answer) (zones.Name, bool) {
	if len(a.Answer) == 0 || len(a.Authority) > 0 || k.Type == zones.TypeCNAME || a.Rcode != oracle.NoError {
		return zones.Name{}, false
	}
	last := a.Answer[len(a.Answer)-1]
	if last.Type() != zones.TypeCNAME {
		return zones.Name{}, false
	}
	target, _, err := zones.NameIn(last.Data(0))
	return target, err == nil
}

// denied is a with the negative answer of a zone behind it.
func denied(a oracle.Answer, z *zones.Zone) oracle.Answer {
	soa, _ := z.Lookup(z.Origin(), zones.TypeSOA)
	r := soa.Record(0)
	r.TTL = z.SOA().NegativeTTL(soa.TTL())
	if set, err := zones.NewRRset(r); err == nil {
		a.Authority = []zones.RRset{set}
	}
	return a
}

// describe says an expected answer in one line.
func describe(a oracle.Answer) string {
	var rs []zones.Record
	for _, s := range a.Answer {
		rs = append(rs, s.Records()...)
	}
	return line(a.Rcode, rs)
}

func said(r probe.Reply) string { return line(r.Rcode, r.Answer) }

// most is how many records of an answer are shown.
const most = 4

func line(rcode int, rs []zones.Record) string {
	out := rcodeText(rcode)
	if len(rs) == 0 {
		return out + " without records"
	}
	rs = slices.Clone(rs)
	slices.SortStableFunc(rs, func(a, b zones.Record) int { return a.Compare(b) })
	var texts []string
	for i, r := range rs {
		if i == most {
			texts = append(texts, fmt.Sprintf("and %d more", len(rs)-most))
			break
		}
		texts = append(texts, fmt.Sprintf("%s %d %v %s", r.Owner.Text(), r.TTL, r.Type, rdata.Text(r.Type, r.Data)))
	}
	return out + " with " + strings.Join(texts, ", ")
}

// rcodeText names a response code (RFC 6895 2.3).
func rcodeText(r int) string {
	if s, ok := map[int]string{0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED", 6: "YXDOMAIN", 9: "NOTAUTH"}[r]; ok {
		return s
	}
	return fmt.Sprintf("RCODE%d", r)
}
