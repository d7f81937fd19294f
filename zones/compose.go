package zones

import "slices"

// Then returns the delta that does what d and after it e does: where d leads from
// a to b and e from b to c, it leads from a to c. A record that d adds and e
// removes, or the other way round, is in neither half.
func (d Delta) Then(e Delta) Delta {
	type content struct {
		key  Key
		ttl  uint32
		data string
	}
	removed, added := map[content]Record{}, map[content]Record{}
	move := func(rs []Record, from, to map[content]Record) {
		for _, r := range rs {
			c := content{Key{r.Owner, r.Type}, r.TTL, r.Data}
			if _, ok := from[c]; ok {
				delete(from, c)
			} else {
				to[c] = r
			}
		}
	}
	for _, x := range []Delta{d, e} {
		move(x.Removed, added, removed)
		move(x.Added, removed, added)
	}
	sorted := func(m map[content]Record) []Record {
		var rs []Record
		for _, r := range m {
			rs = append(rs, r)
		}
		slices.SortFunc(rs, Record.Compare)
		return rs
	}
	return Delta{ID: d.ID, Removed: sorted(removed), Added: sorted(added)}
}

// Inverse returns the delta that takes d back.
func (d Delta) Inverse() Delta { return Delta{ID: d.ID, Removed: d.Added, Added: d.Removed} }
