package transfer

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

const updateSample = `
upd.example. 60 IN SOA ns.upd.example. admin.upd.example. 100 7200 900 1209600 300
upd.example. 60 IN NS ns.upd.example.
upd.example. 60 IN TXT "apex"
ns.upd.example. 60 IN A 192.0.2.9
www.upd.example. 60 IN A 192.0.2.1
www.upd.example. 60 IN A 192.0.2.2
www.upd.example. 60 IN TXT "x"
deep.ent.upd.example. 60 IN A 192.0.2.3
*.w.upd.example. 60 IN A 192.0.2.4
alias.upd.example. 60 IN CNAME www.upd.example.
cut.upd.example. 60 IN NS ns.upd.example.
cut.upd.example. 60 IN DS 12345 13 2 6162636465666768616263646566676861626364656667686162636465666768
dn.upd.example. 60 IN DNAME www.upd.example.
`

// wireOf reads a line "name TTL class type data"; data in text, or none.
func wireOf(t testing.TB, line string) wireRecord {
	t.Helper()
	w := strings.SplitN(line, " ", 5)
	typ, ok := zones.ParseType(w[3])
	class, ok2 := map[string]zones.Class{"IN": zones.ClassIN, "ANY": zones.ClassANY, "NONE": zones.ClassNONE, "CH": zones.ClassCH}[w[2]]
	if !ok || !ok2 {
		t.Fatal(line)
	}
	owner, err := zones.ParseNameIn(w[0], zones.MustName("upd.example"))
	if err != nil {
		t.Fatal(err)
	}
	r := wireRecord{owner: owner.String(), typ: typ, class: class}
	_, _ = fmt.Sscan(w[1], &r.ttl)
	if len(w) == 5 {
		if r.data, err = rdata.Parse(typ, w[4], zones.MustName("upd.example")); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
	return r
}

func lines(t testing.TB, text string) (out []wireRecord) {
	for l := range strings.SplitSeq(text, " | ") {
		if l != "" {
			out = append(out, wireOf(t, l))
		}
	}
	return out
}

// short is a delta in text, the SOA and what the records have in common left out.
func short(d zones.Delta) string {
	var out []string
	for i, rs := range [][]zones.Record{d.Removed, d.Added} {
		for _, r := range rs {
			out = append(out, fmt.Sprintf("%c%s %d %v %s", "-+"[i], r.Owner.In(d.ID.Origin), r.TTL, r.Type, rdata.Text(r.Type, r.Data)))
		}
	}
	return strings.Join(out, ", ")
}

func parsedUpdate(t testing.TB, msg []byte, keys ...*Key) *Update {
	t.Helper()
	known := map[zones.Name]Key{}
	for _, k := range keys {
		known[k.Name] = *k
	}
	u, ok := ParseUpdate(msg, known, start)
	if !ok {
		t.Fatal("no update")
	}
	return u
}

var local = netip.MustParseAddr("127.0.0.1")

func everybody() []UpdateRule {
	return []UpdateRule{{From: netip.MustParsePrefix("127.0.0.0/8"), Types: []zones.Type{zones.TypeANY}}}
}

// TestPrerequisites: RFC 2136 2.4 and 3.2.
func TestPrerequisites(t *testing.T) {
	z := toZone(t, "upd.example", rrs(t, updateSample))
	for _, c := range []struct {
		section, lines string
		want           Rcode
	}{
		{"2.4.1", "www 0 ANY A", RcodeNoError},
		{"2.4.1", "www 0 ANY MX", RcodeNXRRSet},
		{"2.4.2", "www 0 IN A 192.0.2.1 | www 0 IN A 192.0.2.2", RcodeNoError},
		{"2.4.2, in any order, twice", "www 0 IN A 192.0.2.2 | www 0 IN A 192.0.2.1 | www 0 IN A 192.0.2.2", RcodeNoError},
		{"2.4.2, one is missing", "www 0 IN A 192.0.2.1", RcodeNXRRSet},
		{"2.4.2, one is too much", "www 0 IN A 192.0.2.1 | www 0 IN A 192.0.2.2 | www 0 IN A 192.0.2.3", RcodeNXRRSet},
		{"2.4.2, another", "www 0 IN A 192.0.2.1 | www 0 IN A 192.0.2.3", RcodeNXRRSet},
		{"2.4.2, no such RRset", "none 0 IN A 192.0.2.1", RcodeNXRRSet},
		{"2.4.2, two RRsets", "www 0 IN TXT \"x\" | www 0 IN A 192.0.2.1 | deep.ent 0 IN A 192.0.2.3 | www 0 IN A 192.0.2.2", RcodeNoError},
		{"2.4.3", "www 0 NONE MX", RcodeNoError},
		{"2.4.3", "www 0 NONE A", RcodeYXRRSet},
		{"2.4.4", "www 0 ANY ANY", RcodeNoError},
		{"2.4.4", "none 0 ANY ANY", RcodeNXDomain},
		{"2.4.4, an empty non-terminal", "ent 0 ANY ANY", RcodeNXDomain},
		{"2.4.4, below a wildcard", "a.w 0 ANY ANY", RcodeNXDomain},
		{"2.4.4, the wildcard", "*.w 0 ANY ANY", RcodeNoError},
		{"2.4.4, below a cut", "a.cut 0 ANY ANY", RcodeNXDomain},
		{"2.4.5", "none 0 NONE ANY", RcodeNoError},
		{"2.4.5, an empty non-terminal", "ent 0 NONE ANY", RcodeNoError},
		{"2.4.5", "www 0 NONE ANY", RcodeYXDomain},
		{"3.2.1", "www 1 ANY A", RcodeFormErr},
		{"3.2.1", "www 1 NONE A", RcodeFormErr},
		{"3.2.1", "www 1 IN A 192.0.2.1", RcodeFormErr},
		{"3.2.2", "www.example.net. 0 ANY A", RcodeNotZone},
		{"3.2.2, before", "none 0 ANY ANY | www.example.net. 0 ANY A", RcodeNXDomain},
		{"3.2.2, behind", "www.example.net. 0 ANY A | none 0 ANY ANY", RcodeNotZone},
		{"3.2.3, values come last", "none 0 IN A 192.0.2.1 | www 0 NONE ANY", RcodeYXDomain},
		{"3.2.5, data where none may be", "www 0 ANY A 192.0.2.1", RcodeFormErr},
		{"3.2.5, data where none may be", "www 0 NONE A 192.0.2.1", RcodeFormErr},
		{"3.2.5, a class", "www 0 CH A", RcodeFormErr},
		{"broken data", "www 0 IN A", RcodeFormErr},
	} {
		u := parsedUpdate(t, updateMessage(1, "upd.example", lines(t, c.lines), nil))
		if got := u.Judge(z, everybody(), local); got != c.want {
			t.Errorf("%s: %s: %v, want %v", c.section, c.lines, got, c.want)
		}
	}
}

// TestChanges: RFC 2136 2.5 and 3.4.
func TestChanges(t *testing.T) {
	z := toZone(t, "upd.example", rrs(t, updateSample))
	soa := func(serial int) string { return fmt.Sprintf("@ 60 IN SOA ns root %d 7200 900 1209600 300", serial) }
	for _, c := range []struct {
		section, lines string
		rcode          Rcode
		want           string
	}{
		{"3.4.1.2 zone", "www.example.net. 60 IN A 192.0.2.1", RcodeNotZone, ""},
		{"3.4.1.2 class", "www 60 CH A", RcodeFormErr, ""},
		{"3.4.1.2 ANY to add", "www 60 IN ANY", RcodeFormErr, ""},
		{"3.4.1.2 a meta type", "www 60 IN AXFR", RcodeFormErr, ""},
		{"3.4.1.2 a meta type", "www 0 ANY MAILB", RcodeFormErr, ""},
		{"3.4.1.2 TTL", "www 60 ANY A", RcodeFormErr, ""},
		{"3.4.1.2 data", "www 0 ANY A 192.0.2.1", RcodeFormErr, ""},
		{"3.4.1.2 TTL", "www 60 NONE A 192.0.2.1", RcodeFormErr, ""},
		{"3.4.1.2 ANY", "www 0 NONE ANY", RcodeFormErr, ""},
		{"3.4.1 before anything is done", "www 0 ANY A | www 60 IN A 192.0.2.7 | www 1 ANY TXT", RcodeFormErr, ""},

		{"2.5.1", "new 60 IN A 192.0.2.7", 0, "+new 60 A 192.0.2.7"},
		{"2.5.1, there", "www 60 IN A 192.0.2.1", 0, ""},
		{"2.5.1, one more", "www 60 IN A 192.0.2.7", 0, "+www 60 A 192.0.2.7"},
		{"2.5.1, another TTL", "www 90 IN A 192.0.2.7", 0, "-www 60 A 192.0.2.1, -www 60 A 192.0.2.2, +www 90 A 192.0.2.1, +www 90 A 192.0.2.2, +www 90 A 192.0.2.7"},
		{"a TTL that RFC 2181 8 counts as 0", "www 2147483648 IN TXT \"x\"", 0, "-www 60 TXT \"x\", +www 0 TXT \"x\""},
		{"3.4.2.2, a CNAME beside others", "www 60 IN CNAME ns", 0, ""},
		{"3.4.2.2, others beside a CNAME", "alias 60 IN A 192.0.2.1", 0, ""},
		{"3.4.2.2, a CNAME for another", "alias 60 IN CNAME ns", 0, "-alias 60 CNAME www.upd.example., +alias 60 CNAME ns.upd.example."},
		{"3.4.2.2, in order", "www 0 ANY ANY | www 60 IN CNAME ns", 0, "-www 60 A 192.0.2.1, -www 60 A 192.0.2.2, -www 60 TXT \"x\", +www 60 CNAME ns.upd.example."},
		{"3.4.2.2, in the other order", "www 60 IN CNAME ns | www 0 ANY ANY", 0, "-www 60 A 192.0.2.1, -www 60 A 192.0.2.2, -www 60 TXT \"x\""},
		{"3.4.2.2, an SOA that goes forward", soa(101), 0, "-@ 60 SOA ns.upd.example. admin.upd.example. 100 7200 900 1209600 300, +@ 60 SOA ns.upd.example. root.upd.example. 101 7200 900 1209600 300"},
		{"3.4.2.2, one that does not", soa(100), 0, ""},
		{"3.4.2.2, one that goes back", soa(99), 0, ""},
		{"3.4.2.2, one on the other side (RFC 1982)", soa(100 + 1<<31), 0, ""},
		{"3.4.2.2, one that is no apex's", "www" + soa(101)[1:], 0, ""},
		{"RFC 6672 2.4", "dn 60 IN DNAME ns", 0, "-dn 60 DNAME www.upd.example., +dn 60 DNAME ns.upd.example."},
		{"2.5.2", "www 0 ANY A", 0, "-www 60 A 192.0.2.1, -www 60 A 192.0.2.2"},
		{"2.5.2, not there", "none 0 ANY A", 0, ""},
		{"3.4.2.3, the apex's NS", "@ 0 ANY NS", 0, ""},
		{"3.4.2.3, the SOA", "@ 0 ANY SOA", 0, ""},
		{"3.4.2.3, another of the apex", "@ 0 ANY TXT", 0, "-@ 60 TXT \"apex\""},
		{"2.5.3", "www 0 ANY ANY", 0, "-www 60 A 192.0.2.1, -www 60 A 192.0.2.2, -www 60 TXT \"x\""},
		{"2.5.3, the apex", "@ 0 ANY ANY", 0, "-@ 60 TXT \"apex\""},
		{"2.5.4", "www 0 NONE A 192.0.2.1", 0, "-www 60 A 192.0.2.1"},
		{"2.5.4, not there", "www 0 NONE A 192.0.2.7", 0, ""},
		{"2.5.4, deleted and added", "www 0 NONE A 192.0.2.1 | www 60 IN A 192.0.2.1", 0, ""},
		{"3.4.2.4, the last NS", "@ 0 NONE NS ns", 0, ""},
		{"3.4.2.4, the last but one", "@ 60 IN NS ns2 | @ 0 NONE NS ns | @ 0 NONE NS ns2", 0, "-@ 60 NS ns.upd.example., +@ 60 NS ns2.upd.example."},
		{"3.4.2.4, the last of a cut", "cut 0 NONE NS ns", 0, "-cut 60 NS ns.upd.example., -cut 60 DS 12345 13 2 6162636465666768616263646566676861626364656667686162636465666768"},
		{"3.4.2.4, the SOA", "@ 0 NONE SOA ns admin 100 7200 900 1209600 300", 0, ""},
		{"a DS without an NS", "www 60 IN DS 12345 13 2 6162636465666768616263646566676861626364656667686162636465666768", 0, ""},
		{"capitals", "WWW 0 NONE TXT \"x\" | New 60 IN CNAME Www", 0, "-www 60 TXT \"x\", +new 60 CNAME www.upd.example."},
	} {
		u := parsedUpdate(t, updateMessage(1, "upd.example", nil, lines(t, c.lines)))
		if got := u.Judge(z, everybody(), local); got != c.rcode {
			t.Errorf("%s: %s: %v, want %v", c.section, c.lines, got, c.rcode)
			continue
		} else if got != RcodeNoError {
			continue
		}
		if got := short(u.Delta(z)); got != c.want {
			t.Errorf("%s: %s:\n%s\nwant\n%s", c.section, c.lines, got, c.want)
		}
	}
}

// TestNumbered: 3.6.
func TestNumbered(t *testing.T) {
	z := toZone(t, "upd.example", rrs(t, updateSample))
	for _, c := range []struct {
		lines string
		want  zones.Serial
	}{
		{"www 60 IN A 192.0.2.1", 100},
		{"new 60 IN A 192.0.2.1", 107},
		{"@ 60 IN SOA ns root 105 7200 900 1209600 300", 105},
		{"@ 60 IN SOA ns root 99 7200 900 1209600 300", 100},
		{"@ 60 IN SOA ns root 99 7200 900 1209600 300 | new 60 IN A 192.0.2.1", 107},
	} {
		d := Numbered(z, parsedUpdate(t, updateMessage(1, "upd.example", nil, lines(t, c.lines))).Delta(z), 107)
		n, err := d.Apply(z)
		if err != nil || n.Serial() != c.want {
			t.Errorf("%s: %v %v", c.lines, n.Serial(), err)
			continue
		}
		if diff := zones.Diff(z, n); short(diff) != short(d) {
			t.Errorf("%s: %s is not in order: %s", c.lines, short(d), short(diff))
		}
	}
}

// TestUpdateLarge: as many changes as a message holds, of an RRset of 50,000
// records, which they delete and begin again each time.
func TestUpdateLarge(t *testing.T) {
	b := zones.NewBuilder(internet("upd.example"))
	for _, rr := range rrs(t, updateSample) {
		b.Add(toRecord(t, rr))
	}
	www := zones.MustName("www.upd.example")
	for i := range 50_000 {
		b.Add(zones.Record{Owner: www, Type: zones.TypeAAAA, TTL: 60, Data: fmt.Sprintf("0123456789ab%04x", i)})
	}
	z, err := b.Freeze()
	if err != nil {
		t.Fatal(err)
	}
	var chg []wireRecord
	for i := range 700 {
		data := fmt.Sprintf("0123456789ab%04x", i)
		chg = append(chg, wireRecord{"www.upd.example", zones.TypeAAAA, zones.ClassANY, 0, ""},
			wireRecord{"www.upd.example", zones.TypeAAAA, zones.ClassIN, 60, data}, wireRecord{"www.upd.example", zones.TypeAAAA, zones.ClassNONE, 0, data})
	}
	chg = append(chg, wireRecord{"www.upd.example", zones.TypeAAAA, zones.ClassIN, 60, "0123456789ab0007"})
	d := parsedUpdate(t, updateMessage(1, "upd.example", nil, chg)).Delta(z)
	if len(d.Removed) != 49_999 || len(d.Added) != 0 {
		t.Errorf("%d removed, %d added", len(d.Removed), len(d.Added))
	}
}

// TestUpdateAnswers: RFC 2136 3.1, RFC 8945 5.
func TestUpdateAnswers(t *testing.T) {
	z := toZone(t, "upd.example", rrs(t, updateSample))
	key := testKey(t)
	other, _ := NewKey(key.Name, key.Algorithm, []byte("another secret, of 32 octets too"))
	stranger, _ := NewKey(zones.MustName("stranger.example"), key.Algorithm, key.secret)
	good := func() []byte { return updateMessage(9, "upd.example", nil, lines(t, "new 60 IN A 192.0.2.1")) }
	var conv *conversation // of the message made last
	sign := func(k Key, at time.Duration, b []byte) []byte {
		conv = newConversation(k)
		return conv.sign(b, start.Add(at))
	}
	rules := []UpdateRule{{From: netip.MustParsePrefix("127.0.0.0/8"), Key: key.Name}}
	for _, c := range []struct {
		name   string
		make   func() []byte
		zone   *zones.Zone
		rcode  Rcode
		code   uint16
		signed bool
	}{
		{"good", func() []byte { return sign(*key, 0, good()) }, z, RcodeNoError, 0, true},
		{"unsigned", good, z, RcodeRefused, 0, false},
		{"a wrong secret", func() []byte { return sign(other, 0, good()) }, z, RcodeNotAuth, tsigBadSig, false},
		{"an unknown key", func() []byte { return sign(stranger, 0, good()) }, z, RcodeNotAuth, tsigBadKey, false},
		{"too late", func() []byte { return sign(*key, -301*time.Second, good()) }, z, RcodeNotAuth, tsigBadTime, true},
		{"too early", func() []byte { return sign(*key, 301*time.Second, good()) }, z, RcodeNotAuth, tsigBadTime, true},
		{"another zone", func() []byte { return sign(*key, 0, good()) }, nil, RcodeNotAuth, 0, true},
		{"no zone", func() []byte { b := good(); b[5] = 0; return sign(*key, 0, append(b[:12], b[12+13+4:]...)) }, z, RcodeFormErr, 0, true},
		{"another type of zone", func() []byte { b := good(); b[12+13+1] = 1; return sign(*key, 0, b) }, z, RcodeFormErr, 0, true},
		{"another class of zone", func() []byte { b := good(); b[12+13+3] = 3; return sign(*key, 0, b) }, z, RcodeNotAuth, 0, true},
		{"cut off", func() []byte { return good()[:40] }, z, RcodeFormErr, 0, false},
	} {
		msg := c.make()
		u := parsedUpdate(t, msg, key)
		rc := u.Judge(c.zone, rules, local)
		if _, code := u.Signed(); rc != c.rcode || code != c.code {
			t.Errorf("%s: %v %d", c.name, rc, code)
			continue
		}
		b := u.Answer(rc, start)
		a := new(dns.Msg)
		if err := a.Unpack(b); err != nil || a.Rcode != int(c.rcode) || a.Id != 9 {
			t.Errorf("%s: %v %v", c.name, err, a)
			continue
		}
		sig := a.IsTsig()
		if (sig != nil) != (c.signed || c.code != 0) || sig != nil && sig.Error != c.code {
			t.Errorf("%s: %v", c.name, a)
			continue
		}
		if sig != nil && (sig.MACSize != 0) != c.signed { // RFC 8945 5.3.2
			t.Errorf("%s: %v", c.name, a)
		}
		if !c.signed {
			continue
		}
		got, err := parseHeader(b)
		if err != nil {
			t.Fatal(err)
		}
		l, err := got.layout()
		if err != nil {
			t.Fatal(err)
		}
		err = conv.verify(got, l.tsig, start) // miekg/dns looks at no signature beside NOTAUTH
		if c.code == tsigBadTime {
			if err == nil || !strings.Contains(err.Error(), "BADTIME") {
				t.Errorf("%s: %v", c.name, err)
			}
		} else if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if c.rcode != RcodeNotAuth {
			q := new(dns.Msg)
			if err := q.Unpack(msg); err != nil {
				t.Fatal(err)
			}
			if err := dns.TsigVerify(b, secret64, q.IsTsig().MAC, false); err != nil && err != dns.ErrTime {
				t.Errorf("%s: the answer is signed wrongly: %v", c.name, err)
			}
		}
	}
	one, late := sign(*key, 0, good()), sign(*key, time.Second, good())
	if a := parsedUpdate(t, one, key).Sum(); a != parsedUpdate(t, one, key).Sum() || a == parsedUpdate(t, late, key).Sum() {
		t.Error("the sum is not the message's")
	}
	m := new(dns.Msg).SetUpdate("upd.example.")
	m.SetEdns0(1232, false)
	b, _ := ask(t, m, key, start)
	a := new(dns.Msg)
	if u := parsedUpdate(t, b, key); u.Judge(z, rules, local) != RcodeNoError || a.Unpack(u.Answer(RcodeNoError, start)) != nil || a.IsEdns0() == nil || a.IsTsig() == nil {
		t.Errorf("EDNS: %v", a)
	}
	for _, b := range [][]byte{nil, make([]byte, 11), query(1, z.Origin(), zones.TypeSOA), append([]byte{0, 0, 0xa8}, make([]byte, 9)...)} {
		if _, ok := ParseUpdate(b, nil, start); ok || IsUpdate(b) {
			t.Errorf("%x is taken for an update", b)
		}
	}
}

// BenchmarkUpdate reads, judges and carries out an update of one record of a
// signed message, without writing it down.
func BenchmarkUpdate(b *testing.B) {
	z := toZone(b, "upd.example", rrs(b, updateSample))
	key := testKey(b)
	keys := map[zones.Name]Key{key.Name: *key}
	msg := newConversation(*key).sign(updateMessage(9, "upd.example", lines(b, "new 0 NONE ANY"), lines(b, "new 60 IN A 192.0.2.1")), start)
	rules := anyone(key)
	b.ReportAllocs()
	for b.Loop() {
		u, _ := ParseUpdate(msg, keys, start)
		if rc := u.Judge(z, rules, local); rc != RcodeNoError {
			b.Fatal(rc)
		}
		if d := Numbered(z, u.Delta(z), 101); len(d.Added) != 2 {
			b.Fatal(short(d))
		}
		_ = u.Answer(RcodeNoError, start)
	}
}
