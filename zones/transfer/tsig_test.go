package transfer

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

const testID = 0x1234

// receive gives messages to a receiver as Fetch does, without a connection.
// used counts the messages that it took until it was done or failed.
func receive(key *Key, now time.Time, ms [][]byte) (z *zones.Zone, used int, rep Report, fs []finding.Finding) {
	q := Request{Server: testServer, Zone: zones.ID{Origin: zones.MustName("example"), View: zones.Internet}, Key: key, Now: func() time.Time { return now }}
	q, err := q.complete()
	if err != nil {
		panic(err)
	}
	q.Limits = Limits{Octets: 1 << 22, Records: 100_000, Messages: 10_000, Listed: 10}
	var conv *conversation
	if key != nil {
		conv = newConversation(*key)
		conv.sign(query(testID, q.Zone.Origin, zones.TypeAXFR), start)
	}
	r := newReceiver(q, testID, conv, &rep, func(rc int) (string, string, string) { return q.advise(rc, q.Local) })
	for _, m := range ms {
		used++
		if err := r.message(slices.Clone(m)); err != nil {
			var f finding.Finding
			if !errors.As(err, &f) {
				panic(err)
			}
			return nil, used, rep, append(r.finds, f)
		}
		if r.done {
			return r.freeze(q.Zone), used, rep, r.finds
		}
	}
	return nil, used, rep, r.finds
}

// questionMAC is the MAC of the question that receive asks, made by miekg/dns.
func questionMAC(t testing.TB, key *Key, at time.Time) string {
	m := new(dns.Msg)
	m.Id = testID
	m.Question = []dns.Question{{Name: "example.", Qtype: dns.TypeAXFR, Qclass: dns.ClassINET}}
	m.SetTsig(key.Name.String(), string(key.Algorithm)+".", 300, at.Unix())
	_, mac, err := dns.TsigGenerate(m, base64.StdEncoding.EncodeToString(key.secret), "", false)
	if err != nil {
		t.Fatal(err)
	}
	return mac
}

func every(int) bool { return true }

// signed packs a small zone in one message a record.
func signed(t testing.TB, key *Key, at time.Time, sign func(int) bool) [][]byte {
	rs := rrs(t, sample)
	return pack(t, answers(testID, "example", append(rs, rs[0]), 3), key, questionMAC(t, key, start), at, sign)
}

func TestAlgorithms(t *testing.T) {
	for _, a := range []Algorithm{HMACSHA1, HMACSHA224, HMACSHA256, HMACSHA384, HMACSHA512} {
		key, err := NewKey(zones.MustName("k.example"), a, []byte("0123456789abcdef"))
		if err != nil {
			t.Fatal(err)
		}
		if z, _, _, fs := receive(&key, start, signed(t, &key, start, every)); z == nil {
			t.Errorf("%s: %s", a, show(fs))
		}
		other, _ := NewKey(key.Name, a, []byte("0123456789abcdeF"))
		if z, used, _, fs := receive(&other, start, signed(t, &key, start, every)); z != nil || used != 1 || !has(fs, "X-TSIG") {
			t.Errorf("%s with another secret: %s", a, show(fs))
		}
	}
}

// TestTimes: RFC 8945 5.2.3.
func TestTimes(t *testing.T) {
	key := testKey(t)
	for _, c := range []struct {
		skew time.Duration
		good bool
	}{{0, true}, {300 * time.Second, true}, {-300 * time.Second, true}, {301 * time.Second, false}, {-301 * time.Second, false}, {-40 * 365 * 24 * time.Hour, false}} {
		z, _, _, fs := receive(key, start, signed(t, key, start.Add(c.skew), every))
		if (z != nil) != c.good || c.good == has(fs, "X-TSIG") {
			t.Errorf("%v: %s", c.skew, show(fs))
		}
		if !c.good && !strings.Contains(show(fs), "clock") {
			t.Errorf("%v: no word of the clocks: %s", c.skew, show(fs))
		}
	}
}

// TestUnsigned: at most 99 messages in a row without a signature; the first
// and the last have one (RFC 8945 5.3.1).
func TestUnsigned(t *testing.T) {
	key := testKey(t)
	rs := rrs(t, sample)
	for i := range 400 {
		rs = append(rs, rrs(t, fmt.Sprintf("n%d.example. 60 IN A 192.0.2.7", i))...)
	}
	rs = append(rs, rs[0])
	ms := answers(testID, "example", rs, 1)
	last := len(ms) - 1
	for _, c := range []struct {
		name string
		sign func(i int) bool
		good bool
	}{
		{"every", every, true},
		{"every hundredth", func(i int) bool { return i%100 == 0 || i == last }, true},
		{"every hundred and first", func(i int) bool { return i%101 == 0 || i == last }, false},
		{"not the first", func(i int) bool { return i != 0 }, false},
		{"not the last", func(i int) bool { return i%100 == 0 && i != last }, false},
		{"none", func(i int) bool { return false }, false},
		{"the first only", func(i int) bool { return i == 0 }, false},
	} {
		z, _, _, fs := receive(key, start, pack(t, ms, key, questionMAC(t, key, start), start, c.sign))
		if (z != nil) != c.good || c.good == has(fs, "X-TSIG") {
			t.Errorf("%s: %s", c.name, show(fs))
		}
	}
}

// TestRefusedSignature: what the server says of our signature, and what to do.
func TestRefusedSignature(t *testing.T) {
	key := testKey(t)
	for _, c := range []struct {
		code  uint16
		words []string
	}{
		{dns.RcodeBadKey, []string{"BADKEY", "transfer.example", "hmac-sha256"}},
		{dns.RcodeBadSig, []string{"BADSIG", "secret"}},
		{dns.RcodeBadTime, []string{"BADTIME", "2026-03-01 08:10:00 UTC", "10m0s", "clock"}},
		{dns.RcodeBadTrunc, []string{"BADTRUNC"}},
	} {
		q := request(t, "example", func(t testing.TB, conn net.Conn, q *dns.Msg, _ []byte) {
			m := new(dns.Msg).SetReply(q)
			m.Rcode = dns.RcodeNotAuth
			ts := &dns.TSIG{
				Hdr:       dns.RR_Header{Name: key.Name.String(), Rrtype: dns.TypeTSIG, Class: dns.ClassANY},
				Algorithm: dns.HmacSHA256, TimeSigned: uint64(start.Unix()), Fudge: 300, OrigId: q.Id, Error: c.code,
			}
			if c.code == dns.RcodeBadTime {
				ts.OtherLen, ts.OtherData = 6, fmt.Sprintf("%012x", start.Add(10*time.Minute).Unix())
			}
			m.Extra = []dns.RR{ts}
			b, _, err := dns.TsigGenerate(m, secret64, mac(q), false)
			if err != nil {
				t.Error(err)
			}
			send(conn, b)
		})
		q.Key = key
		z, _, fs := Fetch(context.Background(), q)
		if z != nil || len(fs) != 1 || fs[0].ID != "X-TSIG" || fs[0].Mend == "" {
			t.Fatalf("%d: %s", c.code, show(fs))
		}
		for _, w := range c.words {
			if !strings.Contains(fs[0].String(), w) {
				t.Errorf("%d: no word of %q: %s", c.code, w, fs[0])
			}
		}
		if strings.Contains(fs[0].String(), secret64) {
			t.Errorf("%d: the secret is printed", c.code)
		}
	}
}

// TestChain: messages that are left out, doubled, exchanged, or of another
// conversation.
func TestChain(t *testing.T) {
	key := testKey(t)
	for name, sign := range map[string]func(int) bool{"every": every, "some": func(i int) bool { return i%2 == 0 || i == 5 }} {
		good := signed(t, key, start, sign)
		if len(good) != 6 {
			t.Fatal(len(good))
		}
		if z, _, _, fs := receive(key, start, good); z == nil {
			t.Fatal(show(fs))
		}
		refused := func(what string, ms [][]byte) {
			t.Helper()
			if z, _, _, fs := receive(key, start, ms); z != nil {
				t.Errorf("%s, %s: taken %s", name, what, show(fs))
			}
		}
		for i := range good {
			refused(fmt.Sprint("without ", i), slices.Delete(slices.Clone(good), i, i+1))
			if i < len(good)-1 { // what follows the last is not read
				refused(fmt.Sprint("twice ", i), slices.Insert(slices.Clone(good), i, good[i]))
			}
			for j := range i {
				ms := slices.Clone(good)
				ms[i], ms[j] = ms[j], ms[i]
				refused(fmt.Sprint("exchanged ", i, j), ms)
			}
		}
		rs := rrs(t, sample)
		other := pack(t, answers(testID, "example", append(rs, rs[0]), 3), key, questionMAC(t, key, start.Add(time.Second)), start, sign)
		refused("of another question", other)
		for i := range good {
			refused("mixed", slices.Concat(good[:i], other[i:]))
		}
	}
}

// TestPlaceOfTSIG: it is the last record of the additional section (RFC 8945
// 5.1), so that nothing unsigned comes after it.
func TestPlaceOfTSIG(t *testing.T) {
	key := testKey(t)
	for i := range 6 {
		ms := signed(t, key, start, every)
		b := ms[i]
		binary.BigEndian.PutUint16(b[10:], 2)
		ms[i] = append(b, 0, 0, 41, 4, 0xd0, 0, 0, 0, 0, 0, 0) // OPT
		if z, used, _, fs := receive(key, start, ms); z != nil || used != i+1 || !has(fs, "X-MESSAGE") {
			t.Errorf("a record after it: %s", show(fs))
		}
		ms = signed(t, key, start, every)
		b = ms[i]
		binary.BigEndian.PutUint16(b[10:], 0)
		binary.BigEndian.PutUint16(b[6:], binary.BigEndian.Uint16(b[6:])+1)
		if z, used, _, fs := receive(key, start, ms); z != nil || used != i+1 || !has(fs, "X-MESSAGE") {
			t.Errorf("among the answers: %s", show(fs))
		}
		ms = signed(t, key, start, every)
		b = ms[i]
		m, _ := parseHeader(b)
		l, err := m.layout()
		if err != nil {
			t.Fatal(err)
		}
		binary.BigEndian.PutUint16(b[10:], 2)
		ms[i] = append(b, b[l.tsig.start:]...)
		if z, used, _, fs := receive(key, start, ms); z != nil || used != i+1 || !has(fs, "X-MESSAGE") {
			t.Errorf("twice: %s", show(fs))
		}
	}
}

// meaning is a message with what a signature does not cover made equal: the
// case of the names in its TSIG record (RFC 8945 4.3.3 digests them in lower case).
func meaning(b []byte) string {
	m, err := parseHeader(b)
	if err != nil {
		return "broken"
	}
	l, err := m.layout()
	if err != nil || l.tsig == nil {
		return string(b)
	}
	b = bytes.Clone(b)
	owner := b[l.tsig.start : l.tsig.data-10]
	copy(owner, bytes.ToLower(owner))
	_, n, err := zones.NameFromWire(b[l.tsig.data:])
	if err != nil {
		return "broken"
	}
	algorithm := b[l.tsig.data : l.tsig.data+n]
	copy(algorithm, bytes.ToLower(algorithm))
	return string(b)
}

// mutate returns the stream with something changed.
func mutate(rng *rand.Rand, good [][]byte) [][]byte {
	for {
		if ms := once(rng, good); !slices.EqualFunc(ms, good, bytes.Equal) {
			return ms
		}
	}
}

func once(rng *rand.Rand, good [][]byte) [][]byte {
	ms := slices.Clone(good)
	i := rng.IntN(len(ms))
	b := slices.Clone(ms[i])
	at := rng.IntN(len(b))
	switch rng.IntN(8) {
	case 0:
		b = slices.Delete(b, at, at+1)
	case 1:
		b = slices.Insert(b, at, byte(rng.UintN(256)))
	case 2:
		b[at] = byte(rng.UintN(256))
	case 3:
		n := min(len(b)-at, 1+rng.IntN(8))
		for k := range n {
			b[at+k] ^= byte(rng.UintN(256))
		}
	case 4: // a number somewhat off
		if at+1 < len(b) {
			binary.BigEndian.PutUint16(b[at:], binary.BigEndian.Uint16(b[at:])+uint16(rng.IntN(5))-2)
		}
	case 5: // a part of another message
		o := good[rng.IntN(len(good))]
		copy(b[at:], o[min(at, len(o)):])
	default:
		b[at] ^= 1 << rng.UintN(8)
	}
	ms[i] = b
	return ms
}

// TestMutations: a signed transfer that is changed anywhere is not accepted.
// HOPNHAT_MUTATIONS sets how many changes are tried; 100 000 unless told.
func TestMutations(t *testing.T) {
	n := 100_000
	if s := os.Getenv("HOPNHAT_MUTATIONS"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	key := testKey(t)
	streams := [][][]byte{signed(t, key, start, every), signed(t, key, start, func(i int) bool { return i%3 == 0 || i == 5 })}
	means := make([][]string, len(streams))
	for i, s := range streams {
		for _, m := range s {
			means[i] = append(means[i], meaning(m))
		}
	}
	same := 0
	for i := range n {
		good := streams[i%2]
		ms := mutate(rng, good)
		z, used, _, _ := receive(key, start, ms)
		if z == nil {
			continue
		}
		for j := range ms {
			if meaning(ms[j]) != means[i%2][j] {
				t.Fatalf("seed %d, mutation %d: accepted with message %d changed (%d used)", seed, i, j, used)
			}
		}
		same++
	}
	t.Logf("%d of %d changed the case of a key's or algorithm's name only", same, n)
	if same > n/50 {
		t.Errorf("%d of %d mutations were accepted", same, n)
	}
}
