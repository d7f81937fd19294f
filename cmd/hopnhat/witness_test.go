package main

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/proof"
	"gialai.gov.vn/hopnhat/zones/rdata"
	"gialai.gov.vn/hopnhat/zones/zonefile"
)

// The words of a witness for what a resolver gets.
const (
	isRefused  = "REFUSED"
	isNXDOMAIN = "NXDOMAIN"
	isNoData   = "NOERROR without data"
	isLoop     = "a chain in a circle"
	isOverlong = "YXDOMAIN"
	isServfail = "SERVFAIL"
)

// gets asks a server as a resolver that knows no other does: it follows
// aliases while their targets lie in the world that is served, and words what
// comes as a witness does. detail is what a witness does not tell: glue.
func gets(at *line, w zones.World, name zones.Name, typ zones.Type) (what, detail string, err error) {
	passed := map[zones.Name]bool{} // owners of aliases
	for range 64 {
		m, _, err := at.ask(question{name, typ})
		if err != nil {
			return "", "", err
		}
		end, err := chainEnd(m, name, typ, passed)
		if err != nil {
			return "", "", err
		}
		if end.IsZero() {
			return isLoop, "", nil
		}
		if set := answered(m, end, typ); len(set) > 0 {
			return wordSet(typ, set), "", nil
		}
		zone := w.Nearest(zones.Internet, end)
		if end != name && zone == nil {
			return "a chain to " + end.Text(), "", nil
		}
		if what, detail := referred(m); what != "" {
			// A server that stays in one zone refers to another that is served too.
			if end == name || zone.Origin().Text() != cutOf(m) {
				return what, detail, nil
			}
			name = end
			continue
		}
		switch {
		case m.Rcode == dns.RcodeYXDomain:
			return isOverlong, "", nil
		case m.Rcode == dns.RcodeNameError:
			return isNXDOMAIN, "", nil
		case m.Rcode == dns.RcodeSuccess && slices.ContainsFunc(m.Ns, func(r dns.RR) bool { return r.Header().Rrtype == dns.TypeSOA }):
			return isNoData, "", nil
		case end == name && m.Rcode == dns.RcodeSuccess:
			return "an answer without anything", "", nil
		case end == name:
			return dns.RcodeToString[m.Rcode], "", nil
		}
		name = end
	}
	return "a chain without end", "", nil
}

// chainEnd follows the aliases of an answer from a name to the last target;
// the zero name where they go in a circle.
func chainEnd(m *dns.Msg, name zones.Name, typ zones.Type, passed map[zones.Name]bool) (zones.Name, error) {
	for {
		owner := name.String()
		i := slices.IndexFunc(m.Answer, func(r dns.RR) bool {
			_, ok := r.(*dns.CNAME)
			return ok && typ != zones.TypeCNAME && strings.EqualFold(r.Header().Name, owner)
		})
		if i < 0 {
			return name, nil
		}
		if passed[name] {
			return zones.Name{}, nil
		}
		passed[name] = true
		var err error
		if name, err = zones.ParseName(m.Answer[i].(*dns.CNAME).Target); err != nil {
			return zones.Name{}, err
		}
	}
}

// cutOf is the owner of a referral's NS.
func cutOf(m *dns.Msg) string {
	for _, r := range m.Ns {
		if r.Header().Rrtype == dns.TypeNS {
			return strings.ToLower(strings.TrimSuffix(r.Header().Name, "."))
		}
	}
	return ""
}

// answered lists the data of a type that an answer has at a name, canonical.
func answered(m *dns.Msg, name zones.Name, typ zones.Type) (set []string) {
	for _, r := range m.Answer {
		if r.Header().Rrtype == uint16(typ) && strings.EqualFold(r.Header().Name, name.String()) {
			set = append(set, wireData(r))
		}
	}
	slices.Sort(set)
	return set
}

// referred words a referral: its servers, and in detail its glue. NS of a
// name beside an authoritative answer are no referral.
func referred(m *dns.Msg) (what, detail string) {
	var set, glue []string
	for _, r := range m.Ns {
		if r.Header().Rrtype == dns.TypeNS {
			set = append(set, wireData(r))
		}
	}
	if len(set) == 0 || slices.ContainsFunc(m.Ns, func(r dns.RR) bool { return r.Header().Rrtype == dns.TypeSOA }) {
		return "", ""
	}
	for _, r := range m.Extra {
		if t := r.Header().Rrtype; t == dns.TypeA || t == dns.TypeAAAA {
			glue = append(glue, r.String())
		}
	}
	slices.Sort(set)
	slices.Sort(glue)
	return "a referral to " + wordSet(zones.TypeNS, set), strings.Join(glue, " ")
}

func wireData(r dns.RR) string {
	_, _, data, err := canonical(r)
	if err != nil {
		return err.Error()
	}
	return data
}

// wordSet writes data as a witness does: the first three.
func wordSet(typ zones.Type, set []string) string {
	var b strings.Builder
	for i, d := range set {
		if i == 3 {
			fmt.Fprintf(&b, " … (%d in all)", len(set))
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(rdata.Text(typ, d))
	}
	return b.String()
}

// wordKind is the first part of what a witness says, without data.
func wordKind(s string) string {
	for _, k := range []string{isRefused, isNXDOMAIN, isNoData, isLoop, isOverlong, isServfail} {
		if s == k {
			return k
		}
	}
	for _, k := range []string{"a referral", "a chain"} {
		if strings.HasPrefix(s, k+" to ") {
			return k
		}
	}
	return "data"
}

// ownWay is what a server does otherwise than the witness of a finding says,
// with the ground for leaving it at that.
type ownWay struct{ server, fault, id, side, says, does, why string }

// ownWays lists all of them: each must occur, and nothing beside may.
var ownWays = []ownWay{
	{"BIND", "a DNAME below itself", "X-DNAME-GROW", "new", isOverlong, isServfail, "it gives up before the name has 255 octets (docs/behaviour.md C3)"},
	{"Knot", "a new DNAME with a longer target", "X-YX", "new", isOverlong, isNXDOMAIN, "RFC 6672 2.2 asks for YXDOMAIN (docs/behaviour.md C3)"},
	{"NSD", "NS at a wildcard", "N-WILD-CAPTURE", "new", "a referral", isNoData, "undefined (RFC 4592 4.2)"},
	{"NSD", "a child zone that nobody delegates", "N-CHILD-ZONE", "new", isNXDOMAIN, isNoData, oneTree},
	{"NSD", "a child zone that nobody delegates", "C-RCODE", "new", isNXDOMAIN, isNoData, oneTree},
}

const oneTree = "one tree for parent and child, where the parent's names make empty non-terminals of the child's (docs/behaviour.md C8)"

// refusal is a fault whose zone a server does not load, so that what the
// witness says of the world after can be asked of the others alone.
type refusal struct{ server, fault, why string }

// refusals lists all of them; the servers must hold to it.
var refusals = []refusal{
	{"BIND", "an alias beside other data", "RFC 1034 3.6.2"},
	{"Knot", "an alias beside other data", "RFC 1034 3.6.2"},
	{"NSD", "an alias beside other data", "RFC 1034 3.6.2"},
	{"BIND", "NS at a wildcard", "RFC 4592 4.2: undefined"},
	{"BIND", "an asterisk inside a name", "RFC 1123 2.1: no host name; check-names is on"},
	{"BIND", "an exchange with an asterisk", "as above"},
	{"Knot", "a DNAME over data", "RFC 6672 2.3"},
	{"NSD", "a DNAME over data", "RFC 6672 2.3"},
}

func refuses(server, fault string) bool {
	return slices.ContainsFunc(refusals, func(r refusal) bool { return r.server == server && r.fault == fault })
}

var servers = []struct {
	name  string
	start func(testing.TB, []zoneFile, ...zoneFile) *peer
}{{"BIND", startBIND}, {"Knot", startKnot}, {"NSD", startNSD}}

// written writes the zones of a world into files.
func written(t testing.TB, w zones.World) (zs []zoneFile) {
	t.Helper()
	dir := t.TempDir()
	for z := range w.In(zones.Internet) {
		path := filepath.Join(dir, z.Origin().Text()+".zone")
		if err := os.WriteFile(path, zonefile.Write(z), 0o644); err != nil {
			t.Fatal(err)
		}
		zs = append(zs, zoneFile{z.Origin().Text(), path})
	}
	return zs
}

// witnesses holds findings against what the servers of both worlds answer.
type witnesses struct {
	mu   sync.Mutex
	used map[ownWay]bool
	n    int
}

func newWitnesses() *witnesses {
	return &witnesses{used: map[ownWay]bool{}}
}

// end fails for lines of the tables that did not occur.
func (x *witnesses) end(t *testing.T) {
	t.Cleanup(func() {
		for _, o := range ownWays {
			if !x.used[o] {
				t.Errorf("%+v does not occur", o)
			}
		}
		if x.n < 850 {
			t.Errorf("%d witnesses only", x.n)
		}
		t.Logf("%d questions", 2*x.n)
	})
}

// hold asks both servers for one finding's witness.
func (x *witnesses) hold(t *testing.T, server, fault string, f proof.Fault, old, new netip.AddrPort, in proof.Input) {
	to := [2]line{{to: old}, {to: new}}
	defer to[0].close()
	defer to[1].close()
	was, wasDetail, err := gets(&to[0], in.Before, f.Witness.OldName, f.Witness.Type)
	if err != nil {
		t.Errorf("%s: %v", server, err)
		return
	}
	is, isDetail, err := gets(&to[1], in.After, f.Witness.Name, f.Witness.Type)
	if err != nil {
		t.Errorf("%s: %v", server, err)
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.n++
	same := true
	for _, s := range []struct{ side, says, does string }{{"old", f.Witness.Old, was}, {"new", f.Witness.New, is}} {
		says, _, _ := strings.Cut(s.says, " at the end of a chain by ")
		if says == s.does {
			continue
		}
		same = false
		i := slices.IndexFunc(ownWays, func(o ownWay) bool {
			return o.server == server && o.fault == fault && o.id == f.ID && o.side == s.side && o.says == wordKind(says) && o.does == wordKind(s.does)
		})
		if i < 0 {
			t.Errorf("%s, %s world: %q, the witness says %q\n%v", server, s.side, s.does, says, f.Finding)
			continue
		}
		x.used[ownWays[i]] = true
	}
	if f.Severity != finding.Block || !same || f.Witness.OldName != f.Witness.Name || aboutRecords[f.ID] || was != is || wasDetail != isDetail {
		return
	}
	t.Errorf("%s: both worlds answer %q\n%v", server, is, f.Finding)
}

// aboutRecords are findings of what a record states; the answer may be as it
// was.
var aboutRecords = map[string]bool{"D-CYCLE": true, "M-ALIAS": true}

// TestWitnesses asks BIND, Knot and NSD, with the world before and with the
// world after, for the witness of every finding.
func TestWitnesses(t *testing.T) {
	t.Parallel()
	x := newWitnesses()
	t.Run("small", x.small)
	t.Run("sample", x.sample)
	x.end(t)
}

// small asks for the small faults. All of their zones are served at once.
func (x *witnesses) small(t *testing.T) {
	type asked struct {
		c      fault
		origin string
		in     proof.Input
		r      proof.Report
	}
	var all []asked
	var zs [2][]*zones.Zone
	faultOf := map[string]string{} // by origin of the zone that is damaged
	for i, c := range smallFaults {
		in := c.claims(t, i)
		all = append(all, asked{c, c.origin(i), in, proof.Prove(in, proof.Options{})})
		zs[0], zs[1] = slices.AppendSeq(zs[0], in.Before.All()), slices.AppendSeq(zs[1], in.After.All())
		faultOf[c.origin(i)] = c.name
	}
	for _, r := range refusals {
		if !slices.ContainsFunc(smallFaults, func(c fault) bool { return c.name == r.fault }) {
			t.Errorf("%+v: no such fault", r)
		}
	}
	var files [2][]zoneFile
	for i := range zs {
		w, err := zones.NewWorld(zs[i]...)
		if err != nil {
			t.Fatal(err)
		}
		files[i] = written(t, w)
	}
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			var good, bad []zoneFile
			for _, z := range files[1] {
				if refuses(s.name, faultOf[z.origin]) {
					bad = append(bad, z)
				} else {
					good = append(good, z)
				}
			}
			old, new := s.start(t, files[0]), s.start(t, good, bad...)
			for _, z := range bad {
				if m, err := exchange(new.addr, z.origin+".", dns.TypeSOA); err != nil || m.Rcode != dns.RcodeServerFailure && m.Rcode != dns.RcodeRefused {
					t.Errorf("%s is loaded (%v)\n%v", faultOf[z.origin], err, m)
				}
			}
			for _, a := range all {
				if !refuses(s.name, a.c.name) {
					t.Run(a.c.name, func(t *testing.T) { x.all(t, s.name, a.c.name, a.r, old.addr, new.addr, a.in) })
				}
			}
		})
	}
}

// sample asks for the damages of the sample, one world after the other.
func (x *witnesses) sample(t *testing.T) {
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			olds := map[zones.Digest]*peer{}
			for _, c := range sampleFaults {
				in := c.claims(t)
				if old := in.Before.Digest(); olds[old] == nil {
					olds[old] = s.start(t, written(t, in.Before))
				}
				t.Run(c.name, func(t *testing.T) {
					r := proof.Prove(in, proof.Options{})
					if c.id != "" && len(r.Faults) == 0 {
						t.Fatal("no finding")
					}
					new := s.start(t, written(t, in.After))
					x.all(t, s.name, c.name, r, olds[in.Before.Digest()].addr, new.addr, in)
				})
			}
		})
	}
}

// all holds every finding of a report that a question shows.
func (x *witnesses) all(t *testing.T, server, fault string, r proof.Report, old, new netip.AddrPort, in proof.Input) {
	for _, f := range r.Faults {
		if _, no := unasked[f.ID]; !no && f.View == zones.Internet {
			x.hold(t, server, fault, f, old, new, in)
		}
	}
}
