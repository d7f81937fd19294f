//go:build !linux

package export

// swap puts fresh in the place of dir.
func swap(fresh, dir string) error { return renames(fresh, dir) }
