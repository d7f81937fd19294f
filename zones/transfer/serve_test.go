package transfer

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"pgregory.net/rapid"

	"gialai.gov.vn/hopnhat/zones"
)

var asker = Asker{Addr: netip.MustParseAddr("192.0.2.7")}

// serverOf serves one zone to asker, signed by the key where one is given.
func serverOf(v Version, key *Key) *Server {
	s := &Server{
		View: zones.Internet, Versions: map[zones.Name]Version{v.Zone.Origin(): v}, Keys: map[zones.Name]Key{},
		Rules: []Rule{{From: netip.PrefixFrom(asker.Addr, 32)}}, Now: func() time.Time { return start },
	}
	if key != nil {
		s.Keys[key.Name] = *key
		s.Rules[0].Key = key.Name
	}
	return s
}

// ask packs a question with miekg/dns, signed where a key is given, and gives
// its MAC.
func ask(t testing.TB, m *dns.Msg, key *Key, at time.Time) (b []byte, mac string) {
	t.Helper()
	m.Id = testID
	if key == nil {
		b, err := m.Pack()
		if err != nil {
			t.Fatal(err)
		}
		return b, ""
	}
	m.SetTsig(key.Name.String(), string(key.Algorithm)+".", 300, at.Unix())
	b, mac, err := dns.TsigGenerate(m, secret64, "", false)
	if err != nil {
		t.Fatal(err)
	}
	return b, mac
}

// gather collects the messages of an answer as miekg/dns reads them; each must
// be signed well where the question was.
func gather(t testing.TB, s *Server, msg []byte, mac string) (out []*dns.Msg) {
	t.Helper()
	seq := s.Stream(msg, asker)
	if seq == nil {
		t.Fatal("no transfer")
	}
	for b := range seq {
		b = slices.Clone(b)
		m := new(dns.Msg)
		if err := m.Unpack(b); err != nil {
			t.Fatalf("miekg/dns cannot read the message: %v\n%x", err, b)
		}
		if m.Id != testID || !m.Response {
			t.Fatalf("%v", m)
		}
		if mac != "" {
			if m.IsTsig() == nil {
				t.Fatalf("a message without a signature")
			}
			next := m.IsTsig().MAC
			// miekg/dns compares with the wall clock: its own check of the time
			// comes after that of the MAC.
			if err := dns.TsigVerify(b, secret64, mac, len(out) > 0); err != nil && err != dns.ErrTime {
				t.Fatalf("message %d: %v", len(out), err)
			}
			mac = next
		}
		out = append(out, m)
	}
	return out
}

// genZone draws a zone of example: owners at several depths, a wildcard, large
// and small data, names in data.
func genZone(tb testing.TB, t *rapid.T, serial uint32) *zones.Zone {
	text := fmt.Sprintf("example. 3600 IN SOA ns.example. admin.example. %d 7200 900 1209600 300\nexample. 3600 IN NS ns.example.\n", serial)
	for range rapid.IntRange(0, 40).Draw(t, "records") {
		owner := rapid.SampledFrom([]string{"example.", "a.example.", "b.a.example.", "*.a.example.", "c.b.a.example.", "long-label-of-some-octets.example.", "x.long-label-of-some-octets.example."}).Draw(t, "owner")
		data := rapid.SampledFrom([]string{
			"A 192.0.2.%d", "AAAA 2001:db8::%d", "MX %d mail.example.", `TXT "%d"`, "SRV 0 0 %d srv.example.", "TYPE65400 \\# 1 %02x", "NS ns%d.example.",
			`TXT "%0255d" "%0200d" "%0255d"`,
		}).Draw(t, "data")
		n := rapid.IntRange(1, 99).Draw(t, "n")
		args := []any{n, n, n}[:strings.Count(data, "%")]
		text += fmt.Sprintf("%s 3600 IN %s\n", owner, fmt.Sprintf(data, args...))
	}
	return toZone(tb, "example", rrs(tb, text))
}

// edited is a zone under another serial with a record more and, where it has
// one to spare, a record less.
func edited(tb testing.TB, t *rapid.T, z *zones.Zone, serial uint32) *zones.Zone {
	spare := rapid.IntRange(0, 60).Draw(t, "spare")
	b := zones.NewBuilder(z.ID())
	i := 0
	for r := range z.WithSerial(zones.Serial(serial)).Records() {
		if i++; i-1 != spare || r.Type == zones.TypeSOA {
			b.Add(r)
		}
	}
	b.Add(zones.Record{Owner: zones.MustName("new.example"), Type: zones.TypeA, TTL: 3600, Data: "\xc0\x00\x02" + string(rune(rapid.IntRange(1, 99).Draw(t, "octet")))})
	out, err := b.Freeze()
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

// TestServeAXFR: what is handed out is the zone, as miekg/dns and as our own
// receiver read it, signed and not, in messages of at most 64 KiB.
func TestServeAXFR(t *testing.T) {
	key := testKey(t)
	rapid.Check(t, func(rt *rapid.T) {
		z := genZone(t, rt, 5)
		for _, k := range []*Key{nil, key} {
			s := serverOf(Version{Zone: z}, k)
			q := new(dns.Msg).SetAxfr("example.")
			msg, mac := ask(t, q, k, start)
			ms := gather(t, s, msg, mac)
			var all []dns.RR
			for _, m := range ms {
				if m.Rcode != 0 || !m.Authoritative {
					rt.Fatalf("%v", m)
				}
				all = append(all, m.Answer...)
			}
			first, ok1 := all[0].(*dns.SOA)
			last, ok2 := all[len(all)-1].(*dns.SOA)
			if !ok1 || !ok2 || first.String() != last.String() {
				rt.Fatalf("%v … %v", all[0], all[len(all)-1])
			}
			if got := toZone(t, "example", all[:len(all)-1]); !got.Equal(z) {
				rt.Fatalf("another zone")
			}
		}
	})
}

// TestServeLarge: a zone of many messages, read by our own receiver.
func TestServeLarge(t *testing.T) {
	key := testKey(t)
	b := zones.NewBuilder(zones.ID{Origin: zones.MustName("example"), View: zones.Internet})
	for _, rr := range rrs(t, sample) {
		if r := toRecord(t, rr); r.Owner.Within(zones.MustName("example")) {
			b.Add(r)
		}
	}
	for i := range 20000 {
		b.Add(zones.Record{Owner: zones.MustName(fmt.Sprintf("host%d.d%d.example", i, i%100)), Type: zones.TypeA, TTL: 60, Data: string([]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})})
	}
	for i := range 20 { // one record larger than a message is meant to be
		b.Add(zones.Record{Owner: zones.MustName(fmt.Sprintf("big%d.example", i)), Type: 65400, TTL: 60, Data: string(make([]byte, 60000+i))})
	}
	z, err := b.Freeze()
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []*Key{nil, key} {
		msg := query(testID, z.Origin(), zones.TypeAXFR)
		if k != nil {
			msg = newConversation(*k).sign(msg, start)
		}
		var ms [][]byte
		octets := 0
		for m := range serverOf(Version{Zone: z}, k).Stream(msg, asker) {
			ms = append(ms, slices.Clone(m))
			octets += len(m)
		}
		got, _, _, fs := receive(k, start, ms)
		if got == nil || !got.Equal(z) {
			t.Fatalf("%s", show(fs))
		}
		// host names: 2 octets of pointer, 10 of the record, 4 of data, the label.
		if most := 20000*(2+10+4+10) + 20*60100 + 100*len(ms) + 40000; octets > most {
			t.Errorf("%d octets, at most %d where owners are compressed", octets, most)
		}
	}
}

// TestServeIXFR: from each serial that was ever served, what is handed out
// makes the zone of today of the zone of then, or is the whole zone.
func TestServeIXFR(t *testing.T) {
	whole, parts := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		var v Version
		var all []*zones.Zone
		serial := rapid.SampledFrom([]uint32{1, 0xfffffffe}).Draw(rt, "serial")
		room := rapid.SampledFrom([]int{0, 10, 1000}).Draw(rt, "room")
		for range rapid.IntRange(1, 5).Draw(rt, "versions") {
			z := genZone(t, rt, serial)
			if v.Zone != nil && rapid.Bool().Draw(rt, "small") { // another zone is seldom near enough for a delta
				z = edited(t, rt, v.Zone, serial)
			}
			v = v.Next(z, room)
			all = append(all, z)
			serial += uint32(rapid.IntRange(1, 3).Draw(rt, "step"))
		}
		if weight := weightOf(v); weight > room {
			rt.Fatalf("%d records are kept, where %d are the most", weight, room)
		}
		s := serverOf(v, nil)
		for _, old := range all {
			q := new(dns.Msg).SetIxfr("example.", uint32(old.Serial()), "ns.example.", "admin.example.")
			msg, _ := ask(t, q, nil, start)
			var rrs []dns.RR
			for _, m := range gather(t, s, msg, "") {
				rrs = append(rrs, m.Answer...)
			}
			got, incremental := applyIXFR(t, old, rrs)
			if !got.Equal(v.Zone) {
				rt.Fatalf("from %d to %d: another zone", old.Serial(), v.Zone.Serial())
			}
			if incremental {
				parts++
			} else if old != v.Zone {
				whole++
			}
		}
	})
	if whole == 0 || parts == 0 {
		t.Errorf("%d whole zones and %d deltas in the whole run", whole, parts)
	}
}

func weightOf(v Version) (n int) {
	for _, d := range v.Deltas {
		n += weight(d)
	}
	return n
}

// applyIXFR is the slow twin of a secondary (RFC 1995 4): it walks the records
// with miekg/dns' eyes.
func applyIXFR(t *testing.T, old *zones.Zone, all []dns.RR) (_ *zones.Zone, incremental bool) {
	t.Helper()
	if len(all) == 1 {
		return old, false // up to date
	}
	if _, ok := all[1].(*dns.SOA); !ok {
		return toZone(t, "example", all[:len(all)-1]), false
	}
	state := map[string]zones.Record{}
	for r := range old.Records() {
		state[fmt.Sprint(r.Owner, r.Type, r.TTL, []byte(r.Data))] = r
	}
	adding := true // the next SOA begins a removal
	for _, rr := range all[1 : len(all)-1] {
		r := toRecord(t, rr)
		k := fmt.Sprint(r.Owner, r.Type, r.TTL, []byte(r.Data))
		if r.Type == zones.TypeSOA {
			adding = !adding
		}
		if adding {
			if _, ok := state[k]; ok {
				t.Fatalf("%v is added and there", rr)
			}
			state[k] = r
		} else {
			if _, ok := state[k]; !ok {
				t.Fatalf("%v is removed and not there", rr)
			}
			delete(state, k)
		}
	}
	b := zones.NewBuilder(old.ID())
	for _, r := range state {
		b.Add(r)
	}
	z, err := b.Freeze()
	if err != nil {
		t.Fatal(err)
	}
	return z, true
}

// TestServeRefusals: who may not have a zone, and what cannot be answered,
// with the codes of RFC 5936 2.2.1 and RFC 8945 5.2; each TSIG error as
// miekg/dns reads it.
func TestServeRefusals(t *testing.T) {
	key := testKey(t)
	other, err := ParseKey("other.example:hmac-sha256:" + secret64)
	if err != nil {
		t.Fatal(err)
	}
	wrongSecret := *key
	wrongSecret.secret = []byte("another secret, 32 octets long!!")
	z := toZone(t, "example", rrs(t, sample)[:2])
	s := serverOf(Version{Zone: z}, key)
	axfr := func() *dns.Msg { return new(dns.Msg).SetAxfr("example.") }
	sign := func(k Key, at time.Time, m *dns.Msg) []byte {
		b, err := m.Pack()
		if err != nil {
			t.Fatal(err)
		}
		return newConversation(k).sign(b, at)
	}
	short := func(n int) []byte { // the MAC cut to n octets
		b := sign(*key, start, axfr())
		in, _ := receiveRequest(b, s.Keys, start)
		ts, _ := in.message.tsig(*in.layout.tsig)
		ts.mac = ts.mac[:n]
		cut := append([]byte(nil), b[:in.layout.tsig.start]...)
		return ts.appendRecord(cut)
	}
	noSOA := new(dns.Msg).SetQuestion("example.", dns.TypeIXFR)
	for name, c := range map[string]struct {
		msg   []byte
		from  Asker
		rcode int
		code  uint16
		other int // octets of the TSIG's other data
	}{
		"unsigned":         {sign0(t, axfr()), asker, dns.RcodeRefused, 0, 0},
		"another address":  {sign(*key, start, axfr()), Asker{Addr: netip.MustParseAddr("192.0.2.8")}, dns.RcodeRefused, 0, 0},
		"mapped address":   {sign(*key, start, axfr()), Asker{Addr: netip.MustParseAddr("::ffff:192.0.2.7")}, 0, 0, 0},
		"unknown key":      {sign(other, start, axfr()), asker, dns.RcodeNotAuth, dns.RcodeBadKey, 0},
		"wrong secret":     {sign(wrongSecret, start, axfr()), asker, dns.RcodeNotAuth, dns.RcodeBadSig, 0},
		"late":             {sign(*key, start.Add(-301*time.Second), axfr()), asker, dns.RcodeNotAuth, dns.RcodeBadTime, 6},
		"early":            {sign(*key, start.Add(301*time.Second), axfr()), asker, dns.RcodeNotAuth, dns.RcodeBadTime, 6},
		"cut MAC":          {short(16), asker, dns.RcodeNotAuth, dns.RcodeBadTrunc, 0},
		"tiny MAC":         {short(9), asker, dns.RcodeFormatError, 0, 0},
		"no such zone":     {sign(*key, start, new(dns.Msg).SetAxfr("other.")), asker, dns.RcodeNotAuth, 0, 0},
		"IXFR without SOA": {sign(*key, start, noSOA), asker, dns.RcodeFormatError, 0, 0},
		"good":             {sign(*key, start, axfr()), asker, 0, 0, 0},
	} {
		var ms []*dns.Msg
		for b := range s.Stream(c.msg, c.from) {
			m := new(dns.Msg)
			if err := m.Unpack(b); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			ms = append(ms, m)
		}
		if len(ms) != 1 || ms[0].Rcode != c.rcode {
			t.Errorf("%s: %v", name, ms)
			continue
		}
		ts := ms[0].IsTsig()
		switch {
		case c.code == 0 && ts != nil && ts.Error != 0, c.code != 0 && (ts == nil || ts.Error != c.code):
			t.Errorf("%s: %v", name, ts)
		case c.code == dns.RcodeBadTime && (len(ts.MAC) != 64 || int(ts.OtherLen) != c.other):
			t.Errorf("%s: a signed answer that gives the time is due: %v", name, ts)
		case (c.code == dns.RcodeBadKey || c.code == dns.RcodeBadSig) && len(ts.MAC) != 0:
			t.Errorf("%s: an answer without a MAC is due: %v", name, ts)
		}
		if c.rcode != 0 && len(ms[0].Answer) > 0 {
			t.Errorf("%s: records are handed out", name)
		}
	}
}

func sign0(t *testing.T, m *dns.Msg) []byte {
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestServeSlots: at most so many transfers at once; one that its reader left
// gives its place back.
func TestServeSlots(t *testing.T) {
	b := zones.NewBuilder(zones.ID{Origin: zones.MustName("example"), View: zones.Internet})
	for _, rr := range rrs(t, sample)[:2] {
		b.Add(toRecord(t, rr))
	}
	for i := range 3000 {
		b.Add(zones.Record{Owner: zones.MustName(fmt.Sprintf("h%d.example", i)), Type: zones.TypeA, TTL: 60, Data: "abcd"})
	}
	z, err := b.Freeze()
	if err != nil {
		t.Fatal(err)
	}
	s := serverOf(Version{Zone: z}, nil)
	s.Slots = make(chan struct{}, 1)
	msg := query(testID, z.Origin(), zones.TypeAXFR)
	for range 3 {
		for range s.Stream(msg, asker) { // the first message, and the reader goes
			for b := range s.Stream(msg, asker) {
				if m, _ := parseHeader(b); m.rcode() != rcodeServFail {
					t.Fatalf("a second transfer runs: %v", m.rcode())
				}
			}
			break
		}
	}
	if len(s.Slots) != 0 {
		t.Error("a place is not given back")
	}
	// One that may wait gets the place of one that ends meanwhile.
	s.Wait = patience
	for range s.Stream(msg, asker) {
		s := *s
		got := make(chan int)
		go func() {
			for b := range s.Stream(msg, asker) {
				m, _ := parseHeader(b)
				got <- m.rcode()
				break
			}
		}()
		select {
		case rc := <-got:
			t.Errorf("a second transfer runs: %d", rc)
		case <-time.After(50 * time.Millisecond):
		}
		defer func() {
			if rc := <-got; rc != rcodeSuccess {
				t.Errorf("one that waited: %d", rc)
			}
		}()
		break
	}
}

// TestServeUDP: over UDP a transfer gets the SOA that says who is behind, and a
// signed question a signed answer.
func TestServeUDP(t *testing.T) {
	key := testKey(t)
	z := toZone(t, "example", rrs(t, sample)[:2])
	s := serverOf(Version{Zone: z}, key)
	inner := func(msg []byte) []byte {
		q := new(dns.Msg)
		if err := q.Unpack(msg); err != nil || q.IsTsig() != nil {
			t.Fatalf("%v %v", err, q)
		}
		m := new(dns.Msg).SetReply(q)
		n := 3
		if q.Question[0].Name == "big.example." {
			n = 12
		}
		for range n {
			m.Answer = append(m.Answer, rrs(t, `txt 60 IN TXT "0123456789012345678901234567890123456789"`)...)
		}
		b, err := m.Pack()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	get := func(q *dns.Msg, key *Key) (*dns.Msg, bool) {
		msg, mac := ask(t, q, key, start)
		b, ok := s.Answer(msg, asker, true, inner)
		if !ok {
			return nil, false
		}
		m := new(dns.Msg)
		if err := m.Unpack(b); err != nil {
			t.Fatal(err)
		}
		if key != nil {
			if err := dns.TsigVerify(b, secret64, mac, false); err != nil && err != dns.ErrTime {
				t.Fatalf("%v: %v", err, m)
			}
		}
		return m, true
	}
	if m, ok := get(new(dns.Msg).SetQuestion("txt.example.", dns.TypeTXT), key); !ok || len(m.Answer) != 3 {
		t.Errorf("%v", m)
	}
	if m, ok := get(new(dns.Msg).SetQuestion("big.example.", dns.TypeTXT), key); !ok || len(m.Answer) != 0 || !m.Truncated {
		t.Errorf("%v", m)
	}
	if m, ok := get(new(dns.Msg).SetIxfr("example.", 1, "ns.example.", "admin.example."), key); !ok || len(m.Answer) != 1 || m.Answer[0].Header().Rrtype != dns.TypeSOA {
		t.Errorf("%v", m)
	}
	if m, ok := get(new(dns.Msg).SetAxfr("example."), key); !ok || m.Rcode != dns.RcodeFormatError {
		t.Errorf("%v", m)
	}
	if _, ok := get(new(dns.Msg).SetQuestion("txt.example.", dns.TypeTXT), nil); ok {
		t.Error("an unsigned question is not its matter")
	}
}

// TestWrongTSIG: no change of a signed message, be it an update, a transfer or a
// NOTIFY, is ever taken for good. HOPNHAT_TSIG_MUTATIONS sets how many are tried;
// a million unless told.
func TestWrongTSIG(t *testing.T) {
	runs := 1_000_000
	if s := os.Getenv("HOPNHAT_TSIG_MUTATIONS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		runs = n
	}
	key := testKey(t)
	keys := map[zones.Name]Key{key.Name: *key}
	update := new(dns.Msg).SetUpdate("example.")
	update.RRsetUsed(rrs(t, "www.example. 0 IN A 192.0.2.1"))
	update.Remove(rrs(t, "www.example. 0 IN A 192.0.2.1"))
	update.Insert(rrs(t, "www.example. 60 IN A 192.0.2.2\nwww.example. 60 IN MX 10 mail.example."))
	var good [][]byte
	var says [][]byte
	for _, m := range []*dns.Msg{
		update, new(dns.Msg).SetAxfr("example."), new(dns.Msg).SetIxfr("example.", 1, "ns.example.", "admin.example."), new(dns.Msg).SetNotify("example."),
	} {
		b, _ := ask(t, m, key, start)
		in, ok := receiveRequest(b, keys, start)
		if !ok || in.key == nil || in.rcode != 0 {
			t.Fatal("the good one is not taken")
		}
		good, says = append(good, b), append(says, in.plain())
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 2))
	same, sums := 0, 0
	for n := range runs {
		ms := good
		for range 1 + rng.IntN(3) {
			if m := mutate(rng, ms); !slices.ContainsFunc(m, func(b []byte) bool { return len(b) == 0 }) {
				ms = m
			}
		}
		for i, b := range ms {
			if slices.Equal(b, good[i]) {
				continue
			}
			in, ok := receiveRequest(b, keys, start)
			if in.code == tsigBadSig {
				sums++
			}
			if !ok || in.key == nil {
				continue
			}
			// What is signed may be carried under another id and in other letters of
			// the names in TSIG (RFC 8945 4.3.3: canonical form).
			same++
			got := in.plain()
			if !slices.ContainsFunc(says, func(s []byte) bool { return slices.Equal(s, got) }) { // one may become another whole
				t.Fatalf("run %d: %x is taken for good, and says %x, which nobody signed", n, b, got)
			}
		}
	}
	t.Logf("%d runs: %d fail by their MAC alone, %d say the same as what was signed", runs, sums, same)
	if same > runs/10 || sums < runs/4 {
		t.Error("the mutations try too little")
	}
}
