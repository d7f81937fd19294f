package zonefile

import "gialai.gov.vn/hopnhat/zones"

// SOAFile is the file that the SOA record stands in, nil without one: of a tree's
// files it is the one that tells the serial.
func (t *Tree) SOAFile() *File {
	for i := range t.recs {
		if t.recs[i].typ == zones.TypeSOA {
			return t.files[t.recs[i].file]
		}
	}
	return nil
}
