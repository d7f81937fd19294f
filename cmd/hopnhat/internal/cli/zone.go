package cli

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/zonefile"
)

func newZone(e *env) *cobra.Command {
	c := &cobra.Command{
		Use:   "zone",
		Short: "Check, show, compare and edit zone files, and what was published",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newZoneCheck(e), newZoneShow(e), newZoneDiff(e), newZoneEdit(e), newZoneHistory(e), newZoneRestore(e))
	return c
}

// zoneFile is how the zone commands name a file: its origin and where its
// $INCLUDEs may lead.
type zoneFile struct {
	origin      string
	includeRoot string
	view        string
}

func (o *zoneFile) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&o.origin, "origin", "", "the zone's `NAME` (default: the file's name without .zone or db.)")
	f.StringVar(&o.includeRoot, "include-root", "", "the `DIR` that $INCLUDE may not leave (default: the working directory when the file lies below it, else the file's folder)")
	f.StringVar(&o.view, "view", string(zones.Internet), "the `VIEW` that the zone is served in")
}

// read loads a file. The zone is nil when it has errors.
func (o *zoneFile) read(file string) (*zonefile.Tree, *zones.Zone, []finding.Finding, error) {
	origin, err := o.name(file)
	if err != nil {
		return nil, nil, nil, err
	}
	root, name, abs, err := zonefile.OpenRoot(file, o.includeRoot)
	if err != nil {
		return nil, nil, nil, err
	}
	defer root.Close()
	prefix := strings.TrimSuffix(filepath.ToSlash(file), name)
	tree, fs := zonefile.Load(root.FS(), name, zonefile.Options{Origin: origin, Prefix: prefix, Root: abs})
	if tree == nil {
		return nil, nil, fs, nil
	}
	z, more := tree.Zone(zones.View(o.view))
	fs = append(fs, more...)
	finding.Sort(fs)
	return tree, z, fs, nil
}

func (o *zoneFile) name(file string) (zones.Name, error) {
	s := o.origin
	if s == "" {
		s = strings.TrimPrefix(strings.TrimSuffix(filepath.Base(file), ".zone"), "db.")
		if !strings.Contains(s, ".") {
			return zones.Name{}, fmt.Errorf("%s: the zone's name is not known; give --origin, such as --origin gialai.gov.vn", file)
		}
	}
	n, err := zones.ParseName(s)
	if err != nil {
		return zones.Name{}, fmt.Errorf("--origin %s: %w", s, err)
	}
	return n, nil
}
