package proof

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"encoding/hex"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
)

// ZONEMD is the digest of RFC 8976 over a zone: scheme SIMPLE, SHA-384
// (3.3). The apex's ZONEMD and the signature over it stay out.
func ZONEMD(z *zones.Zone) [48]byte {
	h := sha512.New384()
	var buf []byte
	for s := range z.All() {
		if s.Owner() == z.Origin() && s.Type() == zones.TypeZONEMD {
			continue
		}
		for i := range s.Len() {
			d := s.Data(i)
			if s.Type() == zones.TypeRRSIG && s.Owner() == z.Origin() && len(d) >= 2 && zones.Type(binary.BigEndian.Uint16([]byte(d[:2]))) == zones.TypeZONEMD {
				continue
			}
			buf = append(buf, s.Owner().Wire()...)
			buf = binary.BigEndian.AppendUint16(buf, uint16(s.Type()))
			buf = binary.BigEndian.AppendUint16(buf, uint16(zones.ClassIN))
			buf = binary.BigEndian.AppendUint32(buf, s.TTL())
			buf = binary.BigEndian.AppendUint16(buf, uint16(len(d)))
			buf = append(buf, d...)
		}
		if len(buf) > 1<<16 {
			h.Write(buf)
			buf = buf[:0]
		}
	}
	h.Write(buf)
	return [48]byte(h.Sum(nil))
}

// mappingDigest covers everything that people decided and that a proof reads,
// in the order of the file; who decided and where it is written stays out.
func mappingDigest(in Input) string {
	h := sha256.New()
	var buf []byte
	put := func(fs ...string) {
		for _, f := range fs {
			buf = binary.BigEndian.AppendUint32(buf, uint32(len(f)))
			buf = append(buf, f...)
		}
		buf = append(buf, 0xff, 0xff, 0xff, 0xff)
		h.Write(buf)
		buf = buf[:0]
	}
	yes := func(b bool) string {
		if b {
			return "1"
		}
		return ""
	}
	m := in.Mapping
	put("cutover", stamp(m.Cutover))
	for _, n := range m.Targets {
		put("target", n.Wire())
	}
	for _, id := range in.Sources {
		put("source", string(id.View), id.Origin.Wire())
	}
	for _, r := range m.Rules {
		types := make([]string, len(r.Types))
		for i, t := range r.Types {
			types[i] = t.String()
		}
		put("rule", r.From.Name.Wire(), yes(r.From.Star), yes(r.Subtree), string(r.View), strings.Join(types, " "), yes(r.Drop), r.Holder)
		for _, to := range r.To {
			put("to", to.Name.Wire(), yes(to.Star))
		}
	}
	for _, o := range m.OldNames {
		put("old", o.Match.Name.Wire(), yes(o.Match.Star), string(o.View), o.Mode.String(), stamp(o.Until))
	}
	for _, d := range m.Decisions {
		put("decision", d.Name.Wire(), d.Type.String(), string(d.View), d.Take.String(), d.TargetBecomes.Wire(), d.SourceBecomes.Wire(), d.Holder, d.State.String())
	}
	for _, r := range m.Reserved {
		put("reserved", r.Name.Wire(), r.Holder)
	}
	for _, e := range m.Exceptions {
		put("exception", e.Name.Wire(), e.Type.String(), string(e.View), stamp(e.Expires))
	}
	return hex.EncodeToString(h.Sum(nil))
}
