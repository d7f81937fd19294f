package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// model is a zone as the test edits it: RRsets by owner and type, each with its
// TTL and data as a master file has them.
type model struct {
	serial                 uint32
	refresh, retry, expire int
	sets                   map[rrKey]rrSet
}

type rrKey struct{ owner, typ string }

type rrSet struct {
	ttl  int
	data []string
}

// newModel is a zone of n hosts.
func newModel(r *rand.Rand, n int) *model {
	z := &model{serial: 1, refresh: 3600, retry: 600, expire: 1209600, sets: map[rrKey]rrSet{
		{"@", "NS"}:    {3600, []string{"ns", "ns2"}},
		{"ns", "A"}:    {3600, []string{"192.0.2.53"}},
		{"ns2", "A"}:   {3600, []string{"192.0.2.54"}},
		{"*.w", "TXT"}: {300, []string{`"a wildcard"`}},
	}}
	for len(z.sets) < n {
		z.edit(r)
	}
	return z
}

const comment = "; the names of " + followedZone + "\n"

// text is the master file, with comments, most in the order of the names.
func (z *model) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, comment+"$TTL 300\n@ 3600 IN SOA ns hostmaster %d %d %d %d 300\n", z.serial, z.refresh, z.retry, z.expire)
	for _, k := range z.keys() {
		set := z.sets[k]
		for _, d := range set.data {
			fmt.Fprintf(&b, "%s\t%d\t%s\t%s ; %d\n", k.owner, set.ttl, k.typ, d, len(set.data))
		}
	}
	return b.String()
}

func (z *model) keys() []rrKey {
	return slices.SortedFunc(maps.Keys(z.sets), func(a, b rrKey) int {
		return strings.Compare(a.owner+" "+a.typ, b.owner+" "+b.typ)
	})
}

// records are what a server with this zone transfers, as axfrOf gives it.
func (z *model) records(t testing.TB) []string {
	t.Helper()
	return recordsOf(t, z.text())
}

func recordsOf(t testing.TB, text string) []string {
	t.Helper()
	set := map[string]bool{}
	zp := dns.NewZoneParser(strings.NewReader(text), dns.Fqdn(followedZone), "")
	for rr, ok := zp.Next(); ok; rr, ok = zp.Next() {
		set[spelled(rr)] = true
	}
	if err := zp.Err(); err != nil {
		t.Fatal(err)
	}
	return slices.Sorted(maps.Keys(set))
}

// edit makes one random change: a record comes or goes, a TTL changes. Each kind
// of owner has types of its own, so that every zone is a good one.
func (z *model) edit(r *rand.Rand) (k rrKey, before rrSet) {
	n := r.IntN(400)
	k = [...]rrKey{
		{fmt.Sprintf("h%d", n), "A"},
		{fmt.Sprintf("h%d", n), "AAAA"},
		{fmt.Sprintf("h%d", n), "TXT"},
		{fmt.Sprintf("H%d.sub", n%50), "MX"},
		{fmt.Sprintf("alias%d", n), "CNAME"},
		{fmt.Sprintf("_sip._tcp.h%d", n), "SRV"},
		{fmt.Sprintf("zone%d", n%20), "NS"},
		{fmt.Sprintf("*.wild%d", n%30), "A"},
		{fmt.Sprintf("deep%d.a.b.c", n%40), "HTTPS"},
		{fmt.Sprintf("c%d", n%40), "CAA"},
		{"@", "MX"},
	}[r.IntN(11)]
	set, there := z.sets[k]
	before = set
	switch dice := r.IntN(10); {
	case there && dice == 0:
		set.ttl = 60 + r.IntN(5)*60
	case there && dice < 6:
		i := r.IntN(len(set.data))
		if set.data = slices.Delete(slices.Clone(set.data), i, i+1); len(set.data) == 0 {
			delete(z.sets, k)
			return k, before
		}
	default:
		d := data(r, k.typ)
		if slices.Contains(set.data, d) || len(set.data) == 1 && k.typ == "CNAME" {
			return k, before
		}
		if !there {
			set.ttl = 60 + r.IntN(5)*60
		}
		set.data = append(slices.Clone(set.data), d)
	}
	z.sets[k] = set
	return k, before
}

// update makes one random change and gives it as nsupdate reads it.
func (z *model) update(r *rand.Rand) string {
	k, before := z.edit(r)
	owner, after := k.owner+"."+dns.Fqdn(followedZone), z.sets[k]
	if k.owner == "@" {
		owner = dns.Fqdn(followedZone)
	}
	var b strings.Builder
	for _, d := range before.data {
		if !slices.Contains(after.data, d) {
			fmt.Fprintf(&b, "update delete %s %s %s\n", owner, k.typ, full(k.typ, d))
		}
	}
	for _, d := range after.data {
		if !slices.Contains(before.data, d) || before.ttl != after.ttl {
			fmt.Fprintf(&b, "update add %s %d %s %s\n", owner, after.ttl, k.typ, full(k.typ, d))
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return b.String() + "send\n"
}

// full is data with the names in it absolute.
func full(typ, data string) string {
	switch typ {
	case "MX", "SRV":
		return data + "." + dns.Fqdn(followedZone)
	case "HTTPS":
		return strings.Replace(data, ".mail ", ".mail."+dns.Fqdn(followedZone)+" ", 1)
	}
	return data
}

func data(r *rand.Rand, typ string) string {
	n := r.IntN(200)
	switch typ {
	case "A":
		return fmt.Sprintf("198.51.100.%d", n)
	case "AAAA":
		return fmt.Sprintf("2001:db8::%x", n+1)
	case "TXT":
		return fmt.Sprintf(`"v=%d; \195\188" "%s"`, n, strings.Repeat("x", n))
	case "MX":
		return fmt.Sprintf("%d h%d.mail", n%3*10, n)
	case "CNAME":
		return fmt.Sprintf("h%d.elsewhere.example.", n)
	case "SRV":
		return fmt.Sprintf("0 %d 5060 h%d.mail", n%3, n)
	case "NS":
		return fmt.Sprintf("ns%d.elsewhere.example.", n%4)
	case "HTTPS":
		return fmt.Sprintf("%d h%d.mail alpn=h2", 1+n%3, n)
	case "CAA":
		return fmt.Sprintf(`0 issue "ca%d.example"`, n)
	}
	panic(typ)
}
