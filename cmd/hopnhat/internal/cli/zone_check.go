package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/check"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/zonefile"
)

type zoneCheck struct {
	*env
	zoneFile
	json   bool
	beside []string
}

func newZoneCheck(e *env) *cobra.Command {
	o := &zoneCheck{env: e}
	c := &cobra.Command{
		Use:   "check FILE --origin ORIGIN",
		Short: "Read a zone file and say all that is wrong with it",
		Long: `check reads a master file with all it includes and prints every error and
warning with its place: what cannot be read, and what a server would load and
serve nobody well (aliases that lead nowhere, missing glue, broken SPF, DKIM and
DMARC, and so on). Other zones that it leads into, a reverse zone for one, are
given with --beside. Exit code: 0 the zone is good (warnings may be printed), 1
it has errors, 2 it could not be read; then nothing stands on standard output.`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return o.run(args[0]) },
	}
	o.flags(c)
	c.Flags().BoolVar(&o.json, "json", false, "print findings as JSON")
	c.Flags().StringArrayVar(&o.beside, "beside", nil, "another zone `[ORIGIN=]FILE` of the view, to look into; may be given again")
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
	if z != nil {
		w, err := o.others(z)
		if err != nil {
			return &exit{2, err}
		}
		fs = together(fs, withLines(check.Zone(z, check.Options{Beside: w}), tree, file))
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

// others reads the zones that are looked into.
func (o *zoneCheck) others(z *zones.Zone) (zones.World, error) {
	zs := []*zones.Zone{}
	for _, arg := range o.beside {
		f := o.zoneFile
		f.origin = ""
		if i := strings.IndexByte(arg, '='); i >= 0 {
			f.origin, arg = arg[:i], arg[i+1:]
		}
		_, other, fs, err := f.read(arg)
		switch {
		case err != nil:
			return zones.World{}, fmt.Errorf("--beside %s: %w", arg, err)
		case other == nil:
			o.tell(fs, finding.Error)
			return zones.World{}, fmt.Errorf("--beside %s: the zone has errors; check it first", arg)
		case other.ID() == z.ID():
			return zones.World{}, fmt.Errorf("--beside %s: that is the zone that is checked; give ORIGIN=FILE if it is another", arg)
		}
		zs = append(zs, other)
	}
	w, err := zones.NewWorld(zs...)
	if err != nil {
		return w, fmt.Errorf("--beside: %w", err)
	}
	return w, nil
}

// together joins what the reader and the checks found. A target without its
// final dot is one cause: what the reader says of it is as grave as what it led to.
func together(read, checked []finding.Finding) []finding.Finding {
	line := func(f finding.Finding) zones.Place { return zones.Place{File: f.At.File, Line: f.At.Line} }
	dots := map[zones.Place]int{}
	origins := map[string]int{} // by file, an $ORIGIN that lacks its dot
	for i, f := range read {
		if f.ID == "Z-DOUBLE" {
			dots[line(f)] = i
			if strings.HasPrefix(strings.ToUpper(f.Line), "$ORIGIN") {
				origins[f.At.File] = i
			}
		}
	}
	for _, f := range checked {
		i, ok := dots[line(f)]
		if !ok && f.ID == "Z-DOUBLE" && strings.HasPrefix(f.Found, "the owner ") {
			i, ok = origins[f.At.File] // it was said where the origin is set
		}
		if ok && (f.ID == "Z-DOUBLE" || f.ID == "X-DANGLE") {
			read[i].Severity = max(read[i].Severity, f.Severity)
			continue
		}
		read = append(read, f)
	}
	finding.Sort(read)
	return read
}

// maxShown is the longest line that is shown with a finding.
const maxShown = 500

// withLines gives findings, which are sorted, the lines that they stand on.
func withLines(fs []finding.Finding, tree *zonefile.Tree, file string) []finding.Finding {
	prefix := strings.TrimSuffix(filepath.ToSlash(file), tree.Files()[0].Name())
	if prefix != "" && !strings.HasSuffix(prefix, "/") {
		prefix += "/"
	}
	var rest []byte
	var at zones.Place // the line that rest begins with
	for i := range fs {
		p := fs[i].At
		if p.File != at.File {
			f := tree.File(strings.TrimPrefix(p.File, prefix))
			if f == nil {
				continue
			}
			rest, at = f.Bytes(), zones.Place{File: p.File, Line: 1}
		}
		for ; at.Line < p.Line; at.Line++ {
			_, rest, _ = bytes.Cut(rest, []byte("\n"))
		}
		line, _, _ := bytes.Cut(rest, []byte("\n"))
		if line = bytes.TrimSuffix(line, []byte("\r")); len(line) <= maxShown {
			fs[i].Line = string(line)
		}
	}
	return fs
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
