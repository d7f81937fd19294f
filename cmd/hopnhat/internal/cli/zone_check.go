package cli

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

type zoneCheck struct {
	*env
	zoneFile
	json bool
}

func newZoneCheck(e *env) *cobra.Command {
	o := &zoneCheck{env: e}
	c := &cobra.Command{
		Use:   "check FILE --origin ORIGIN",
		Short: "Read a zone file and say all that is wrong with it",
		Long: `check reads a master file with all it includes and prints every error and
warning with its place. Exit code: 0 the zone is good (warnings may be
printed), 1 it has errors, 2 it could not be read; then nothing stands on
standard output.`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return o.run(args[0]) },
	}
	o.flags(c)
	c.Flags().BoolVar(&o.json, "json", false, "print findings as JSON")
	return c
}

func (o *zoneCheck) run(file string) error {
	tree, z, fs, err := o.read(file)
	if err != nil {
		return &exit{2, err}
	}
	if tree == nil {
		o.tell(fs, finding.Note)
		return &exit{code: 2}
	}
	if o.json {
		if err := o.printJSON(z, fs); err != nil {
			return err
		}
	} else {
		o.tell(fs, finding.Warning)
		if z != nil && !finding.Failed(fs) {
			owners, sets, records := z.Counts()
			fmt.Fprintf(o.out, "%v: serial %d, %d names, %d record sets, %d records\nOK\n", z.ID(), z.Serial(), owners, sets, records)
		}
	}
	if z == nil || finding.Failed(fs) {
		return &exit{code: 1}
	}
	return nil
}

func (o *zoneCheck) printJSON(z *zones.Zone, fs []finding.Finding) error {
	type row struct {
		ID, Severity, File string
		Line, Column       int
		Found, Mend        string
	}
	v := struct {
		Version  int    `json:"version"`
		Zone     string `json:"zone,omitempty"`
		Serial   uint32 `json:"serial,omitempty"`
		Records  int    `json:"records"`
		Findings []row  `json:"findings"`
	}{Version: 1, Findings: []row{}}
	if z != nil {
		_, _, v.Records = z.Counts()
		v.Zone, v.Serial = z.ID().String(), uint32(z.Serial())
	}
	for _, f := range fs {
		v.Findings = append(v.Findings, row{f.ID, f.Severity.String(), f.At.File, f.At.Line, f.At.Column, f.Found, f.Mend})
	}
	enc := json.NewEncoder(o.out)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
