package book

import "iter"

// Live gives every live allocation with the moment that it stands so since, in
// the order of ipam.Place.
func (s *Snapshot) Live() iter.Seq[Version] {
	return func(yield func(Version) bool) {
		for e := range s.from(nil) {
			if !yield(Version{Allocation: e.Allocation, Since: e.since}) {
				return
			}
		}
	}
}
