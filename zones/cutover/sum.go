package cutover

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"sync"
	"time"

	"gialai.gov.vn/hopnhat/zones"
)

// Hash names a plan by its content.
type Hash [32]byte

// String gives lower-case hexadecimal.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// IsZero tells whether it names none.
func (h Hash) IsZero() bool { return h == Hash{} }

// MarshalText gives hexadecimal; nothing for none.
func (h Hash) MarshalText() ([]byte, error) {
	if h.IsZero() {
		return nil, nil
	}
	return []byte(h.String()), nil
}

// UnmarshalText takes hexadecimal, or nothing.
func (h *Hash) UnmarshalText(b []byte) error {
	var n Hash
	if len(b) > 0 {
		if len(b) != hex.EncodedLen(len(n)) {
			return fmt.Errorf("a plan's hash has 64 hexadecimal digits, not %d characters", len(b))
		}
		if _, err := hex.Decode(n[:], b); err != nil {
			return fmt.Errorf("a plan's hash %q: %w", b, err)
		}
	}
	*h = n
	return nil
}

type lazySum struct {
	once sync.Once
	h    Hash
}

// Sum is the plan's hash: of the world before, of each step its kind, wave,
// instants and wait, and its zones with serial and content; of each wave its
// date and what makes its switch missed.
func (l Timeline) Sum() Hash {
	if l.sum == nil {
		l = l.finish(nil) // the zero Timeline
	}
	l.sum.once.Do(func() { l.sum.h = l.hash() })
	return l.sum.h
}

func (l Timeline) hash() Hash {
	d := digester{sha256.New()}
	d.text("hopnhat cutover plan 1")
	d.number(int64(len(l.waves)), int64(l.terms.Grace))
	d.world(l.before)
	for _, w := range l.waves {
		d.text(w.name)
		d.instant(w.at)
		free := int64(0)
		if w.free {
			free = 1
		}
		d.number(int64(w.from), int64(w.to), int64(w.rollback), free)
	}
	d.number(int64(len(l.all)))
	for _, s := range l.all {
		d.text(s.Wave)
		d.number(int64(s.Kind), int64(s.After))
		d.instant(s.At)
		d.instant(s.Held)
		d.instant(s.Alone)
		d.world(s.World)
	}
	return Hash(d.h.Sum(nil))
}

// digester writes values so that no two rows of values read the same.
type digester struct{ h hash.Hash }

func (d digester) number(ns ...int64) {
	for _, n := range ns {
		d.h.Write(binary.BigEndian.AppendUint64(nil, uint64(n)))
	}
}

func (d digester) text(s string) {
	d.number(int64(len(s)))
	d.h.Write([]byte(s))
}

func (d digester) instant(t time.Time) { d.number(t.Unix(), int64(t.Nanosecond())) }

func (d digester) world(w zones.World) {
	d.number(int64(w.Len()))
	for z := range w.All() {
		sum := z.Digest() // the serial is of the content
		d.text(z.Origin().Wire())
		d.text(string(z.View()))
		d.h.Write(sum[:])
	}
}
