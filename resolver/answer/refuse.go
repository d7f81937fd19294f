package answer

import (
	"encoding/binary"
	"strings"

	"gialai.gov.vn/hopnhat/resolver"
	"gialai.gov.vn/hopnhat/zones"
)

// notAuthoritative is the extended error of a zone that is not served
// (RFC 8914 4.21).
const notAuthoritative = 20

// invalidData is the extended error of a zone that is configured and cannot be
// answered for, such as one that expired (RFC 8914 4.25).
const invalidData = 24

// Unavailable answers a question about a zone that should be served and is not
// there: SERVFAIL.
func Unavailable(dst []byte, q *resolver.Query, from resolver.Peer) []byte {
	w := writer{im: &Image{}}
	w.begin(dst, q, from)
	return w.end(q, servFail, 0, invalidData)
}

// Refused answers a question about a zone that is served, and not to who asks:
// as if it were not there.
func Refused(dst []byte, q *resolver.Query, from resolver.Peer) []byte {
	w := writer{im: &Image{}}
	w.begin(dst, q, from)
	return w.end(q, refused, 0, notAuthoritative)
}

// fault answers what Parse did not find good.
func (im *Image) fault(dst []byte, q *resolver.Query, v resolver.Verdict, from resolver.Peer) []byte {
	rcode := formErr
	switch v {
	case resolver.NotImp:
		rcode = notImp
	case resolver.BadVers:
		rcode = badVers
	case resolver.BadKey:
		return im.badKey(dst, q, from)
	}
	w := writer{im: im}
	w.begin(dst, q, from)
	return w.end(q, rcode, 0, -1)
}

// badKey is the answer to a message signed with a key that is not known:
// NOTAUTH, and a TSIG with BADKEY and an empty MAC (RFC 8945 5.2.1, 5.3.2).
func (im *Image) badKey(dst []byte, q *resolver.Query, from resolver.Peer) []byte {
	w := writer{im: im}
	w.begin(dst, q, from)
	out := w.end(q, notAuth, 0, -1)
	out = append(out, q.TSIGName...)
	out = binary.BigEndian.AppendUint16(out, uint16(zones.TypeTSIG))
	out = binary.BigEndian.AppendUint16(out, uint16(zones.ClassANY))
	out = append(out, 0, 0, 0, 0)
	out = binary.BigEndian.AppendUint16(out, uint16(len(q.TSIGAlg)+16))
	out = append(out, q.TSIGAlg...)
	out = append(out, q.TSIGTime...)
	out = binary.BigEndian.AppendUint16(out, q.TSIGFudge)
	out = append(out, 0, 0)
	out = binary.BigEndian.AppendUint16(out, q.TSIGID)
	out = binary.BigEndian.AppendUint16(out, badKey)
	out = append(out, 0, 0)
	ar := out[w.start+10:]
	binary.BigEndian.PutUint16(ar, binary.BigEndian.Uint16(ar)+1)
	return out
}

// special answers what no zone is looked at for: transfers, which are not
// offered (RFC 5936 2.2.1), and classes other than IN.
func (im *Image) special(dst []byte, q *resolver.Query, from resolver.Peer) (out []byte, done bool) {
	w := writer{im: im}
	typ, class := zones.Type(q.Type), zones.Class(q.Class)
	switch {
	case typ == zones.TypeOPT:
		w.begin(dst, q, from)
		return w.end(q, formErr, 0, -1), true
	case class == zones.ClassCH:
		return im.chaos(dst, q, from), true
	case class != zones.ClassIN, typ == zones.TypeAXFR, typ == zones.TypeIXFR:
		w.begin(dst, q, from)
		return w.end(q, refused, 0, -1), true
	}
	return nil, false
}

// chaos answers version.bind and id.server if the policy has a text for them.
func (im *Image) chaos(dst []byte, q *resolver.Query, from resolver.Peer) []byte {
	w := writer{im: im}
	w.begin(dst, q, from)
	text := ""
	switch {
	case is(q.Name, "version", "bind"), is(q.Name, "version", "server"):
		text = im.policy.Version
	case is(q.Name, "id", "server"), is(q.Name, "hostname", "bind"):
		text = im.policy.ID
	}
	if t := zones.Type(q.Type); text == "" || t != zones.TypeTXT && t != zones.TypeANY {
		return w.end(q, refused, 0, -1)
	}
	text = text[:min(len(text), 255)]
	w.out = append(w.out, 0xc0, resolver.HeaderLen)
	w.out = binary.BigEndian.AppendUint16(w.out, uint16(zones.TypeTXT))
	w.out = binary.BigEndian.AppendUint16(w.out, uint16(zones.ClassCH))
	w.out = append(w.out, 0, 0, 0, 0)
	w.out = binary.BigEndian.AppendUint16(w.out, uint16(len(text)+1))
	w.out = append(append(w.out, byte(len(text))), text...)
	w.count[answerSection]++
	return w.end(q, noError, resolver.FlagAA, -1)
}

// is compares a name on the wire with two labels, without regard to case.
func is(name []byte, first, second string) bool {
	n := 1 + len(first)
	return len(name) == n+len(second)+2 && int(name[0]) == len(first) && strings.EqualFold(string(name[1:n]), first) &&
		int(name[n]) == len(second) && strings.EqualFold(string(name[n+1:len(name)-1]), second)
}
