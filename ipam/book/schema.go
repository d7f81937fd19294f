package book

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/hashicorp/go-memdb"

	"gialai.gov.vn/hopnhat/ipam"
)

// The tables, and what is in them:
//
//	live   *entry    what is allocated now        id: place; holder: code; name: names
//	pool   *pool     what lies directly in a live block, or in a space   id: place
//	past   *Version  what was, each until it changed                     id: place, revision; piece: prefixes
//	key    *answered the requests that came with a key                   id: key
//
// A key of a place is the space, a zero octet, 4 or 6, the first address and
// the last one inverted, so that keys sort as ipam.Place.Compare does: an outer
// block just before what lies in it.
func schema() *memdb.DBSchema {
	table := func(name string, indexes ...*memdb.IndexSchema) *memdb.TableSchema {
		t := &memdb.TableSchema{Name: name, Indexes: map[string]*memdb.IndexSchema{}}
		for _, x := range indexes {
			t.Indexes[x.Name] = x
		}
		return t
	}
	id := func(x memdb.Indexer) *memdb.IndexSchema {
		return &memdb.IndexSchema{Name: "id", Unique: true, Indexer: x}
	}
	tables := map[string]*memdb.TableSchema{}
	for _, t := range []*memdb.TableSchema{
		table("live",
			id(byKey[*entry]{func(e *entry) []byte { return placeKey(nil, e.Place) }}),
			&memdb.IndexSchema{Name: "holder", AllowMissing: true, Indexer: byKey[*entry]{func(e *entry) []byte { return codeKey(e.Holder.Code) }}},
			&memdb.IndexSchema{Name: "name", AllowMissing: true, Indexer: byKeys[*entry]{func(e *entry) (keys [][]byte) {
				for _, n := range e.Names {
					keys = append(keys, append([]byte(n), 0))
				}
				return keys
			}}}),
		table("pool", id(byKey[*pool]{func(p *pool) []byte { return placeKey(nil, p.Place) }})),
		table("past",
			id(byKey[*Version]{func(v *Version) []byte {
				return binary.BigEndian.AppendUint64(placeKey(nil, v.Place), v.Until.Revision)
			}}),
			&memdb.IndexSchema{Name: "piece", Indexer: byKeys[*Version]{func(v *Version) (keys [][]byte) {
				for _, p := range v.Block.Prefixes() {
					keys = append(keys, pieceKey(v.Space, p))
				}
				return keys
			}}}),
		table("key", id(byKey[*answered]{func(a *answered) []byte { return []byte(a.key) }})),
	} {
		tables[t.Name] = t
	}
	return &memdb.DBSchema{Tables: tables}
}

// placeKey appends the key of a place. That of a place without a block sorts
// before the others of its space.
func placeKey(dst []byte, p ipam.Place) []byte {
	dst = append(append(dst, p.Space...), 0)
	if !p.Block.IsValid() {
		return append(dst, 0)
	}
	return append(startKey(dst, p.Block.First()), inverted(p.Block.Last())...)
}

// startKey appends the part of a key up to the first address.
func startKey(dst []byte, first netip.Addr) []byte {
	family := byte(6)
	if first.Is4() {
		family = 4
	}
	return append(append(dst, family), first.AsSlice()...)
}

func inverted(a netip.Addr) []byte {
	raw := a.AsSlice()
	for i := range raw {
		raw[i] = ^raw[i]
	}
	return raw
}

func pieceKey(s ipam.Space, p netip.Prefix) []byte {
	return append(startKey(append([]byte(s), 0), p.Addr()), byte(p.Bits()))
}

// codeKey ends in a dot, so that the key of a unit begins with that of the
// unit above. No code is no key.
func codeKey(c ipam.Code) []byte {
	if c.IsZero() {
		return nil
	}
	return []byte(c.String() + ".")
}

// byKey is an index of one key, byKeys of several; nil is none. A look-up
// passes the key itself.
type (
	byKey[T any]  struct{ of func(T) []byte }
	byKeys[T any] struct{ of func(T) [][]byte }
)

func (x byKey[T]) FromObject(o any) (bool, []byte, error) {
	k := x.of(o.(T))
	return k != nil, k, nil
}

func (x byKey[T]) FromArgs(args ...any) ([]byte, error)       { return keyOf(args) }
func (x byKey[T]) PrefixFromArgs(args ...any) ([]byte, error) { return keyOf(args) }

func (x byKeys[T]) FromObject(o any) (bool, [][]byte, error) {
	k := x.of(o.(T))
	return len(k) > 0, k, nil
}

func (x byKeys[T]) FromArgs(args ...any) ([]byte, error) { return keyOf(args) }

func keyOf(args []any) ([]byte, error) {
	if k, ok := args[0].([]byte); ok && len(args) == 1 {
		return k, nil
	}
	return nil, fmt.Errorf("an index is asked for %v", args)
}
