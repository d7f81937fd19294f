package history

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/bits"

	"gialai.gov.vn/hopnhat/zones"
)

// Digest is a digest of a zone's identity and content that a change need not
// compute anew (DIGEST-SUM). It walks over the zone.
func Digest(z *zones.Zone) string {
	s := startSum(z.ID())
	for r := range z.Records() {
		s.add(recordHash(&r))
	}
	return s.String()
}

// sum is a number of 256 bits, its lowest word first.
type sum [4]uint64

// startSum is the sum of a zone without records.
func startSum(id zones.ID) (s sum) {
	b := binary.BigEndian.AppendUint32([]byte("zone"), uint32(len(id.View)))
	b = append(b, id.View...)
	s.add(sha256.Sum256(append(b, id.Origin.Wire()...)))
	return s
}

func recordHash(r *zones.Record) [32]byte {
	b := make([]byte, 0, 512)
	b = append(b, r.Owner.Wire()...) // tells its own length
	b = binary.BigEndian.AppendUint16(b, uint16(r.Type))
	b = binary.BigEndian.AppendUint32(b, r.TTL)
	return sha256.Sum256(append(b, r.Data...))
}

func words(h [32]byte) (w sum) {
	for i := range w {
		w[i] = binary.LittleEndian.Uint64(h[8*i:])
	}
	return w
}

func (s *sum) add(h [32]byte) {
	var carry uint64
	for i, w := range words(h) {
		s[i], carry = bits.Add64(s[i], w, carry)
	}
}

func (s *sum) take(h [32]byte) {
	var borrow uint64
	for i, w := range words(h) {
		s[i], borrow = bits.Sub64(s[i], w, borrow)
	}
}

// apply makes the sum of a zone that of the zone after d.
func (s *sum) apply(d zones.Delta) {
	for i := range d.Removed {
		s.take(recordHash(&d.Removed[i]))
	}
	for i := range d.Added {
		s.add(recordHash(&d.Added[i]))
	}
}

func (s sum) String() string {
	var b [32]byte
	for i, w := range s {
		binary.LittleEndian.PutUint64(b[8*i:], w)
	}
	return hex.EncodeToString(b[:])
}

func parseSum(text string) (sum, error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != sha256.Size {
		return sum{}, fmt.Errorf("%q is no digest", text)
	}
	return words([32]byte(b)), nil
}

// octetsSum is the digest of a file.
func octetsSum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}
