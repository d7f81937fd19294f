package main

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"

	"gialai.gov.vn/hopnhat/resolver/oracle"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/rdata"
	"gialai.gov.vn/hopnhat/zones/zonefile"
)

// view is what of an answer must be equal on every server: rcode, AA, TC, the
// answer with TTLs, referral NS with in-domain glue, the SOA.
type seen struct {
	rcode  int
	aa, tc bool
	answer string
	soa    string
	ns     string
	glue   string
}

func (s seen) String() string {
	return fmt.Sprintf("%s aa=%v tc=%v\n      answer: %s\n      soa: %s\n      ns: %s\n      glue: %s",
		dns.RcodeToString[s.rcode], s.aa, s.tc, s.answer, s.soa, s.ns, s.glue)
}

// look reduces a message to what is compared. NS of a zone's own apex in the
// authority are a courtesy, no referral.
func look(m *dns.Msg, w zones.World) seen {
	s := seen{rcode: m.Rcode, aa: m.Authoritative, tc: m.Truncated, answer: lines(m.Answer, nil)}
	s.soa = lines(m.Ns, func(r dns.RR) bool { return r.Header().Rrtype == dns.TypeSOA })
	hosts := map[string]bool{}
	s.ns = lines(m.Ns, func(r dns.RR) bool {
		ns, ok := r.(*dns.NS)
		if ok && apexOf(w, ns.Hdr.Name) {
			return false
		}
		if ok && dns.IsSubDomain(strings.ToLower(ns.Hdr.Name), strings.ToLower(ns.Ns)) {
			hosts[strings.ToLower(ns.Ns)] = true
		}
		return ok
	})
	s.glue = lines(m.Extra, func(r dns.RR) bool {
		t := r.Header().Rrtype
		return (t == dns.TypeA || t == dns.TypeAAAA) && hosts[strings.ToLower(r.Header().Name)]
	})
	return s
}

// apexOf tells whether a zone of the world has this apex.
func apexOf(w zones.World, name string) bool {
	n, err := zones.ParseName(name)
	return err == nil && w.Zone(zones.ID{Origin: n, View: zones.Internet}) != nil
}

// lines gives records as sorted text, on the wire's terms: owner in lower
// case, RDATA in hexadecimal by way of our canonical form.
func lines(rrs []dns.RR, keep func(dns.RR) bool) string {
	var out []string
	for _, r := range rrs {
		if r.Header().Rrtype == dns.TypeOPT || keep != nil && !keep(r) {
			continue
		}
		owner, t, data, err := canonical(r)
		if err != nil {
			out = append(out, err.Error()+": "+r.String())
			continue
		}
		out = append(out, fmt.Sprintf("%v %d %v %s", owner, r.Header().Ttl, t, rdata.Text(t, data)))
	}
	slices.Sort(out)
	return strings.Join(out, " | ")
}

// canonical gives a record of a message on the wire's terms: its owner in lower
// case, its type, its RDATA in our canonical form.
func canonical(r dns.RR) (owner zones.Name, t zones.Type, data string, err error) {
	buf := make([]byte, dns.Len(r))
	n, err := dns.PackRR(r, buf, 0, nil, false)
	if err != nil {
		return owner, t, "", err
	}
	owner, at, err := zones.NameFromWire(buf[:n])
	if err != nil {
		return owner, t, "", err
	}
	t = zones.Type(r.Header().Rrtype)
	data, err = rdata.Canonical(t, buf[at+10:n])
	return owner, t, data, err
}

// lookOracle reduces the oracle's answer in the same way.
func lookOracle(a oracle.Answer) seen {
	text := func(sets []zones.RRset, keep func(zones.Record) bool) string {
		var out []string
		for _, s := range sets {
			for _, r := range s.Records() {
				if keep(r) {
					out = append(out, fmt.Sprintf("%v %d %v %s", r.Owner, r.TTL, r.Type, rdata.Text(r.Type, r.Data)))
				}
			}
		}
		slices.Sort(out)
		return strings.Join(out, " | ")
	}
	s := seen{rcode: a.Rcode, aa: a.AA, answer: text(a.Answer, func(zones.Record) bool { return true })}
	s.soa = text(a.Authority, func(r zones.Record) bool { return r.Type == zones.TypeSOA })
	hosts := map[zones.Name]bool{}
	s.ns = text(a.Authority, func(r zones.Record) bool {
		if r.Type == zones.TypeNS {
			if h, _, err := zones.NameFromWire([]byte(r.Data)); err == nil && h.Within(r.Owner) {
				hosts[h] = true
			}
		}
		return r.Type == zones.TypeNS
	})
	s.glue = text(a.Additional, func(r zones.Record) bool {
		return (r.Type == zones.TypeA || r.Type == zones.TypeAAAA) && hosts[r.Owner]
	})
	return s
}

type question struct {
	name zones.Name
	typ  zones.Type
}

// questions are every owner and empty non-terminal and a fresh label below
// each, for every type present and the fixed ones.
func questions(w zones.World) []question {
	types := map[zones.Type]bool{65400: true}
	for _, t := range []zones.Type{
		zones.TypeA, zones.TypeAAAA, zones.TypeNS, zones.TypeSOA, zones.TypeMX, zones.TypeTXT,
		zones.TypeCNAME, zones.TypeDS, zones.TypeSRV, zones.TypeCAA, zones.TypeHTTPS,
	} {
		types[t] = true
	}
	names := map[zones.Name]bool{}
	for z := range w.All() {
		for s := range z.All() {
			types[s.Type()] = true
			for n, ok := s.Owner(), true; ok && n.Within(z.Origin()); n, ok = n.Parent() {
				names[n] = true
			}
		}
	}
	for n := range maps.Clone(names) {
		for i := 0; ; i++ {
			f, err := n.Child("zz-fresh" + strconv.Itoa(i))
			if err != nil {
				break
			}
			if !names[f] {
				names[f] = true
				break
			}
		}
	}
	var qs []question
	for _, n := range slices.SortedFunc(maps.Keys(names), zones.Name.Compare) {
		for _, t := range slices.Sorted(maps.Keys(types)) {
			qs = append(qs, question{n, t})
		}
	}
	return qs
}

// load reads the exported zones of one view back.
func load(t testing.TB, zs []zoneFile) zones.World {
	t.Helper()
	var all []*zones.Zone
	for _, zf := range zs {
		root, name, abs, err := zonefile.OpenRoot(zf.path, "")
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		tree, _ := zonefile.Load(root.FS(), name, zonefile.Options{Origin: zones.MustName(zf.origin), Root: abs})
		z, fs := tree.Zone(zones.Internet)
		if z == nil {
			t.Fatalf("%s: %v", zf.path, fs)
		}
		all = append(all, z)
	}
	w, err := zones.NewWorld(all...)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// kinds are the differences that the profile allows (docs/behaviour.md). Each
// says exactly what the peer must answer instead, so that none can cover a
// wrong answer: ours has been held against the oracle before.
var kinds = map[string]func(q question, r *oracle.Resolver, w zones.World, theirs seen) bool{
	"a CNAME into another served zone is followed":        followed,
	"DS at a chain's end is denied from the child's side": deniedByChild,
}

// deniedByChild is clause C9: the peer stays in the zone that the chain runs
// in and says that its own apex has no DS, where we leave the question to the
// parent's side.
func deniedByChild(q question, r *oracle.Resolver, w zones.World, theirs seen) bool {
	a := r.Resolve(q.name, q.typ)
	target, ok := leavesZone(w, a, q.typ)
	if !ok || q.typ != zones.TypeDS {
		return false
	}
	child := w.Nearest(zones.Internet, target)
	if child.Origin() != target || !a.Answer[len(a.Answer)-1].Owner().Within(target) {
		return false
	}
	soa, _ := child.Lookup(target, zones.TypeSOA)
	denial := soa.Record(0)
	denial.TTL = min(denial.TTL, child.SOA().Minimum)
	set, err := zones.NewRRset(denial)
	a.Authority = []zones.RRset{set}
	return err == nil && lookOracle(a) == theirs
}

// followed is clause C2: the peer goes on where we stop, and its answer is
// ours with that of the chain's next name behind it.
func followed(q question, r *oracle.Resolver, w zones.World, theirs seen) bool {
	a := r.Resolve(q.name, q.typ)
	hops := 0
	for hops < 8 {
		target, ok := leavesZone(w, a, q.typ)
		if !ok {
			break
		}
		next := r.Resolve(target, q.typ)
		next.Answer = append(slices.Clone(a.Answer), next.Answer...)
		next.AA = true
		a = next
		hops++
	}
	return hops > 0 && lookOracle(a) == theirs
}

// leavesZone returns the target of a chain's last CNAME when it lies in
// another zone that is served.
func leavesZone(w zones.World, a oracle.Answer, typ zones.Type) (zones.Name, bool) {
	if len(a.Answer) == 0 || len(a.Authority) > 0 || typ == zones.TypeCNAME {
		return zones.Name{}, false
	}
	last := a.Answer[len(a.Answer)-1]
	if last.Type() != zones.TypeCNAME {
		return zones.Name{}, false
	}
	target, _, err := zones.NameFromWire([]byte(last.Data(0)))
	if err != nil {
		return zones.Name{}, false
	}
	from, to := w.Nearest(zones.Internet, last.Owner()), w.Nearest(zones.Internet, target)
	if up, ok := target.Parent(); ok && to != nil && typ == zones.TypeDS && to.Origin() == target {
		to = w.Nearest(zones.Internet, up) // RFC 4035 3.1.4.1
	}
	return target, to != nil && to != from
}

// TestPeersAnswerAlike holds ours against BIND, Knot and NSD and against the
// oracle, on every question over the sample before and after.
func TestPeersAnswerAlike(t *testing.T) {
	t.Parallel()
	allowed := readDifferences(t)
	found := map[string]int{}
	for _, at := range []string{"before", "after"} {
		for _, view := range slices.Sorted(maps.Keys(exported(t, at))) {
			t.Run(at+"/"+view, func(t *testing.T) {
				zs := exported(t, at)[view]
				compareAll(t, zs, found)
			})
		}
	}
	for _, fault := range judge(allowed, found) {
		t.Error(fault)
	}
	for k := range allowed { // deleting any line fails
		less := maps.Clone(allowed)
		delete(less, k)
		if len(judge(less, found)) == 0 {
			t.Errorf("%s: the line can be deleted and nothing fails", k)
		}
	}
}

// judge holds the differences that were found against those allowed: each
// kind exactly as often as the file says.
func judge(allowed, found map[string]int) (faults []string) {
	for _, k := range slices.Sorted(maps.Keys(found)) {
		if _, ok := allowed[k]; !ok {
			faults = append(faults, fmt.Sprintf("%s: %d differences, and no line allows them", k, found[k]))
		}
	}
	for _, k := range slices.Sorted(maps.Keys(allowed)) {
		if found[k] != allowed[k] {
			faults = append(faults, fmt.Sprintf("%s: the file expects %d differences, found %d", k, allowed[k], found[k]))
		}
	}
	return faults
}

func compareAll(t *testing.T, zs []zoneFile, found map[string]int) {
	w := load(t, zs)
	qs, r := questions(w), oracle.New(w, zones.Internet)
	ours := startOurs(t, zs)
	peers := []*peer{startBIND(t, zs), startKnot(t, zs), startNSD(t, zs)}
	var mu sync.Mutex
	reported := 0
	fail := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		if reported++; reported <= 20 {
			t.Errorf(format, args...)
		} else {
			t.Fail()
		}
	}
	next := make(chan question)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			to := map[*peer]*line{}
			for _, p := range append(slices.Clone(peers), ours) {
				to[p] = &line{to: p.addr}
				defer to[p].close()
			}
			for q := range next {
				one(q, w, r, ours, peers, to, fail, func(key string) {
					mu.Lock()
					defer mu.Unlock()
					found[key]++
				})
			}
		})
	}
	for _, q := range qs {
		next <- q
	}
	close(next)
	wg.Wait()
	t.Logf("%d zones, %d questions to each of 4 servers", len(zs), len(qs))
}

func one(q question, w zones.World, r *oracle.Resolver, ours *peer, peers []*peer, to map[*peer]*line, fail func(string, ...any), count func(string)) {
	m, _, err := to[ours].ask(q)
	if err != nil {
		fail("%v %v: ours does not answer: %v", q.name, q.typ, err)
		return
	}
	us := look(m, w)
	want := lookOracle(r.Resolve(q.name, q.typ))
	want.tc = us.tc
	if us.tc {
		want = us // cut answers are held against the peers alone
	}
	if us != want {
		fail("%v %v: ours differs from the oracle\n  ours: %v\n  oracle: %v", q.name, q.typ, us, want)
		return
	}
	for _, p := range peers {
		m, _, err := to[p].ask(q)
		if err != nil {
			fail("%v %v: %s does not answer: %v", q.name, q.typ, p.name, err)
			continue
		}
		them := look(m, w)
		if them == us {
			continue
		}
		kind := ""
		for k, is := range kinds {
			if is(q, r, w, them) {
				kind = k
			}
		}
		if kind == "" {
			fail("%v %v: %s differs\n  ours: %v\n  %s: %v", q.name, q.typ, p.name, us, p.name, them)
			continue
		}
		count(p.name + "|" + kind)
	}
}

const differencesFile = "testdata/differences.txt"

// readDifferences reads "engine | kind | section | count" lines.
func readDifferences(t *testing.T) map[string]int {
	t.Helper()
	b, err := os.ReadFile(differencesFile)
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Split(strings.TrimSpace(string(b)), "\n")
	if len(all) > 12 {
		t.Fatalf("%s has %d lines, 12 are allowed", differencesFile, len(all))
	}
	m := map[string]int{}
	for i, line := range all {
		if line == "" {
			continue
		}
		f := strings.Split(line, "|")
		if len(f) != 4 {
			t.Fatalf("%s:%d: want engine | kind | section | count", differencesFile, i+1)
		}
		n, err := strconv.Atoi(strings.TrimSpace(f[3]))
		if err != nil || n < 1 {
			t.Fatalf("%s:%d: the count is not a number above 0", differencesFile, i+1)
		}
		m[strings.TrimSpace(f[0])+"|"+strings.TrimSpace(f[1])] = n
	}
	return m
}

// checkers are the peers' own checkers and what a clean run of each prints.
var checkers = []struct {
	name  string
	args  func(z zoneFile) []string
	clean func(out string) bool
}{
	{"named-checkzone", func(z zoneFile) []string {
		return []string{"-i", "local", "-k", "fail", "-m", "fail", "-n", "fail", "-r", "fail", "-M", "fail", "-S", "fail", z.origin, z.path}
	}, func(out string) bool {
		for line := range strings.Lines(out) {
			if line = strings.TrimSpace(line); line != "OK" && !strings.Contains(line, "loaded serial") {
				return false
			}
		}
		return true
	}},
	{"kzonecheck", func(z zoneFile) []string { return []string{"-o", z.origin, z.path} }, func(out string) bool { return out == "" }},
	{"nsd-checkzone", func(z zoneFile) []string { return []string{z.origin, z.path} }, func(string) bool { return true }},
}

// TestCheckersAccept: the export loads in all three checkers, each of which is
// first shown to reject a fault.
func TestCheckersAccept(t *testing.T) {
	t.Parallel()
	for _, c := range checkers {
		t.Run(c.name, func(t *testing.T) {
			path := need(t, c.name)
			good := "@ 300 IN SOA ns hm 1 2 3 4 5\n@ 300 IN NS ns\nns 300 IN A 192.0.2.1\n"
			for what, text := range map[string]string{"a sound zone": good, "a CNAME beside other data": good + "ns 300 IN CNAME example.vn.\n"} {
				z := zoneFile{"example.vn", write(t, t.TempDir()+"/x.zone", text)}
				out, err := exec.Command(path, c.args(z)...).CombinedOutput()
				accepted := err == nil && c.clean(string(out))
				if want := text == good; accepted != want {
					t.Fatalf("%s: accepted %v (%v):\n%s", what, accepted, err, out)
				}
			}
			n := 0
			for _, at := range []string{"before", "after"} {
				for view, zs := range exported(t, at) {
					for _, z := range zs {
						n++
						out, err := exec.Command(path, c.args(z)...).CombinedOutput()
						if err != nil || !c.clean(string(out)) {
							t.Errorf("%s %s %s: %v\n%s", at, view, z.origin, err, out)
						}
					}
				}
			}
			t.Logf("%d zones", cmp.Or(n, 0))
			if n < 6 {
				t.Errorf("only %d zones were exported", n)
			}
		})
	}
}
