package probe

import (
	"fmt"
	"slices"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// Reply is a server's answer, as far as it is compared.
type Reply struct {
	Rcode                         int
	AA                            bool
	Answer, Authority, Additional []zones.Record
}

// rcodes names the response codes that a server of zones gives (RFC 6895 2.3).
var rcodes = map[int]string{0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED", 6: "YXDOMAIN", 9: "NOTAUTH"}

func rcodeText(r int) string {
	if s, ok := rcodes[r]; ok {
		return s
	}
	return fmt.Sprintf("RESERVED%d", r)
}

// Compare tells what differs between the expected answer and a reply, as one
// sentence; "" when nothing does (EXPECT-SAME).
func (e Expectation) Compare(r Reply) string {
	if r.Rcode != e.Want.Rcode {
		return fmt.Sprintf("expected %s, got %s", rcodeText(e.Want.Rcode), rcodeText(r.Rcode))
	}
	if r.AA != e.Want.AA {
		return fmt.Sprintf("expected the flag aa to be %s", onOff(e.Want.AA))
	}
	if s := compareSection("answer", e.Want.Answer, r.Answer, true); s != "" {
		return s
	}
	// BIND and others add the zone's NS to positive answers; that is allowed.
	exact := len(e.Want.Authority) > 0
	if s := compareSection("authority", e.Want.Authority, r.Authority, exact); s != "" {
		return s
	}
	return compareSection("additional", e.Want.Additional, r.Additional, false)
}

func onOff(b bool) string {
	if b {
		return "set"
	}
	return "clear"
}

// compareSection looks for what is missing and, with exact, for what is too much.
func compareSection(section string, sets []zones.RRset, got []zones.Record, exact bool) string {
	var want []zones.Record
	for _, s := range sets {
		want = append(want, s.Records()...)
	}
	left := slices.Clone(got)
	for _, w := range want {
		i := slices.IndexFunc(left, func(g zones.Record) bool { return sameRecord(w, g) })
		if i >= 0 {
			left = slices.Delete(left, i, i+1)
			continue
		}
		if near := nearest(w, left); near != "" {
			return fmt.Sprintf("%s: expected %s, got %s", section, recordText(w), near)
		}
		return fmt.Sprintf("%s: missing %s", section, recordText(w))
	}
	if exact && len(left) > 0 {
		return fmt.Sprintf("%s: not expected: %s", section, recordText(left[0]))
	}
	return ""
}

// sameRecord compares owner, type, TTL and data; of an SOA the serial may be
// later than the expected one, since a server counts up what changed under
// an old serial.
func sameRecord(want, got zones.Record) bool {
	if want.Owner != got.Owner || want.Type != got.Type || want.TTL != got.TTL {
		return false
	}
	if want.Data == got.Data || want.Type != zones.TypeSOA {
		return want.Data == got.Data
	}
	w, werr := zones.ParseSOA(want.Data)
	g, gerr := zones.ParseSOA(got.Data)
	if werr != nil || gerr != nil || g.Serial.Before(w.Serial) {
		return false
	}
	g.Serial = w.Serial
	return w == g
}

// nearest is the text of a record of the same owner and type, for the
// message; "" if none is left.
func nearest(w zones.Record, left []zones.Record) string {
	for _, g := range left {
		if g.Owner == w.Owner && g.Type == w.Type {
			return recordText(g)
		}
	}
	return ""
}

func recordText(r zones.Record) string {
	return fmt.Sprintf("%v %d %v %s", r.Owner, r.TTL, r.Type, rdata.Text(r.Type, r.Data))
}

// Dig is the command that shows an answer.
func (e Expectation) Dig(host string, port uint16) string {
	return fmt.Sprintf("dig @%s -p %d +norec -q %s -t %v", host, port, finding.Shell(e.Name.String()), e.Type)
}
