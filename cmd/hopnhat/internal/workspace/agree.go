package workspace

import (
	"gialai.gov.vn/hopnhat/ipam"
	"gialai.gov.vn/hopnhat/ipam/agree"
	"gialai.gov.vn/hopnhat/zones"
)

// Agree holds the names of a world against the blocks that are held: those of
// the book, or those that the plans come to.
func (w *Workspace) Agree(world zones.World, held []ipam.Allocation, all []Organisation) agree.Report {
	in := agree.Input{World: world, Held: held}
	for _, o := range all {
		in.Organisations = append(in.Organisations, agree.Organisation{Name: o.Name, Code: o.Code, Was: o.Was})
	}
	for _, s := range w.Sites {
		in.Sites = append(in.Sites, agree.Site{Key: s.Key, Title: s.Title, BackupPower: s.BackupPower})
	}
	for _, s := range w.Systems {
		in.Systems = append(in.Systems, agree.System{Key: s.Key, No: s.No, Names: s.Names, At: s.At})
	}
	return agree.Check(in)
}
