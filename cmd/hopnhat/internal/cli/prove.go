package cli

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/mapping"
	"gialai.gov.vn/hopnhat/zones/proof"
	"gialai.gov.vn/hopnhat/zones/zonefile"
)

type prove struct {
	*env
	old, new, maps []string
	json           bool
	strict         bool
	mixture        bool
}

func newProve(e *env) *cobra.Command {
	o := &prove{env: e}
	c := &cobra.Command{
		Use:   "prove --old FILE… --new FILE… [--map OLDSUFFIX=NEWSUFFIX]…",
		Short: "Prove that one set of zones answers as another, names renamed or not",
		Long: `prove decides, for every name of at most 255 octets and every type, whether the
zones of --new answer as those of --old did: wildcards, empty non-terminals,
delegations, chains of CNAME and DNAME included. With --map each name below
OLDSUFFIX must also answer at its new name below NEWSUFFIX; of several maps the
longest suffix applies. A file that states no origin takes it from the owner
of its SOA record.

Each finding is one cause, with a question that shows it. Exit code: 0 no
finding blocks, 1 at least one does, 2 it could not be decided; then nothing
stands on standard output.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return o.run() },
	}
	f := c.Flags()
	f.StringArrayVar(&o.old, "old", nil, "a zone `FILE` of before; give it once for each zone")
	f.StringArrayVar(&o.new, "new", nil, "a zone `FILE` of after")
	f.StringArrayVar(&o.maps, "map", nil, "`OLDSUFFIX=NEWSUFFIX`: names below the one are renamed below the other")
	f.BoolVar(&o.json, "json", false, "print the verdict and the findings as JSON")
	f.BoolVar(&o.strict, "strict", false, "every error blocks")
	f.BoolVar(&o.mixture, "mixture", false, "prove also that no mixture of old and new in caches breaks a chain")
	return c
}

func (o *prove) run() error {
	in, err := o.input()
	if err != nil {
		return &exit{2, err}
	}
	opts := proof.Options{Mixture: o.mixture, Strict: o.strict, Now: o.now()}
	r := proof.Prove(in, opts)
	if o.json {
		err = o.printJSON(&r)
	} else {
		o.print(&r)
	}
	if err != nil {
		return err
	}
	if !r.Preserved() {
		return &exit{code: 1}
	}
	return nil
}

// input reads the zones and the maps.
func (o *prove) input() (proof.Input, error) {
	var in proof.Input
	if len(o.old) == 0 || len(o.new) == 0 {
		return in, errors.New("give at least one --old FILE and one --new FILE")
	}
	for i, files := range [][]string{o.old, o.new} {
		var zs []*zones.Zone
		for _, f := range files {
			z, err := o.zone(f)
			if err != nil {
				return in, err
			}
			if j := slices.IndexFunc(zs, func(x *zones.Zone) bool { return x.ID() == z.ID() }); j >= 0 {
				return in, fmt.Errorf("%s and %s both hold the zone %s; give one of them", files[j], f, z.Origin().Text())
			}
			zs = append(zs, z)
		}
		w, err := zones.NewWorld(zs...)
		if err != nil {
			return in, err
		}
		if i == 0 {
			in.Before = w
		} else {
			in.After = w
		}
	}
	for _, m := range o.maps {
		r, err := parseMap(m)
		if err != nil {
			return in, err
		}
		if i := slices.IndexFunc(in.Mapping.Rules, func(x mapping.Rule) bool { return x.From == r.From }); i >= 0 {
			return in, fmt.Errorf("--map %s: %s is renamed by another --map already", m, r.From)
		}
		in.Mapping.Rules = append(in.Mapping.Rules, r)
		if t := r.To[0].Name; !slices.Contains(in.Mapping.Targets, t) {
			in.Mapping.Targets = append(in.Mapping.Targets, t)
		}
	}
	slices.SortStableFunc(in.Mapping.Rules, func(a, b mapping.Rule) int { return cmp.Compare(b.From.Name.Labels(), a.From.Name.Labels()) })
	return in, nil
}

// parseMap reads OLDSUFFIX=NEWSUFFIX.
func parseMap(s string) (mapping.Rule, error) {
	from, to, ok := strings.Cut(s, "=")
	if !ok || from == "" || to == "" {
		return mapping.Rule{}, fmt.Errorf("--map %s: write OLDSUFFIX=NEWSUFFIX, such as binhdinh.gov.vn=gialai.gov.vn", s)
	}
	r := mapping.Rule{Subtree: true, To: make([]mapping.Pattern, 1)}
	for i, t := range []string{from, to} {
		n, err := zones.ParseName(t)
		if err != nil {
			return r, fmt.Errorf("--map %s: %q is no name: %w", s, t, err)
		}
		if i == 0 {
			r.From.Name = n
		} else {
			r.To[0].Name = n
		}
	}
	return r, nil
}

// zone reads one file. Its origin is what it states, else its SOA's owner,
// else what its name says.
func (o *prove) zone(file string) (*zones.Zone, error) {
	var told []finding.Finding
	var first zones.Name
	if n, err := (&zoneFile{}).name(file); err == nil {
		first = n
	}
	for _, origin := range []zones.Name{{}, first} {
		root, name, abs, err := zonefile.OpenRoot(file, "")
		if err != nil {
			return nil, err
		}
		prefix := strings.TrimSuffix(filepath.ToSlash(file), name)
		tree, fs := zonefile.Load(root.FS(), name, zonefile.Options{Origin: origin, Prefix: prefix, Root: abs})
		if tree != nil {
			z, more := tree.Zone(zones.Internet)
			if fs = append(fs, more...); z != nil && !finding.Failed(fs) {
				finding.Sort(fs)
				o.tell(fs, finding.Warning)
				return z, root.Close()
			}
		}
		if err := root.Close(); err != nil {
			return nil, err
		}
		if told == nil {
			told = fs
		}
		if first.IsZero() {
			break
		}
	}
	finding.Sort(told)
	o.tell(told, finding.Warning)
	return nil, fmt.Errorf("%s is not read as a zone; what is wrong stands above", file)
}

// level names the levels of equivalence (docs/checks.md).
func level(i int) string { return fmt.Sprintf("L%d", i) }

func (o *prove) print(r *proof.Report) {
	o.faults(r)
	fmt.Fprint(o.out, o.verdict(r))
}

// faults prints what is wrong, for the one who must mend it.
func (o *prove) faults(r *proof.Report) {
	for _, f := range r.Faults {
		if f.Severity == finding.Note {
			continue
		}
		fmt.Fprintln(o.out, f.Finding.String())
		if f.Count > 1 {
			fmt.Fprintf(o.out, "    %d classes of names: %s\n", f.Count, f.Class)
		}
		for _, d := range f.Dig {
			fmt.Fprintln(o.out, "    "+d)
		}
	}
}

// verdict is the summary for the one who must sign.
func (o *prove) verdict(r *proof.Report) string {
	var b strings.Builder
	counts := map[finding.Severity]int{}
	for _, f := range r.Faults {
		counts[f.Severity]++
	}
	word := "PRESERVED: every name answers as it did"
	if !r.Preserved() {
		word = fmt.Sprintf("LOST: %d causes block", counts[finding.Block])
	}
	fmt.Fprintf(&b, "%s (%d errors and %d warnings beside)\n", word, counts[finding.Error], counts[finding.Warning])
	c := r.Counts
	fmt.Fprintf(&b, "%d names before, %d after; %d classes of names decided", c.Nodes[0], c.Nodes[1], c.Classes)
	for i, n := range c.Levels {
		fmt.Fprintf(&b, ", %s %d", level(i), n)
	}
	fmt.Fprintln(&b)
	return b.String()
}

func (o *prove) printJSON(r *proof.Report) error {
	type witness struct {
		Name    string `json:"qname"`
		Type    string `json:"qtype"`
		OldName string `json:"old_qname,omitempty"`
		Old     string `json:"old"`
		New     string `json:"new"`
	}
	type cause struct {
		File string `json:"file"`
		Line int    `json:"line"`
	}
	type row struct {
		ID       string   `json:"id"`
		View     string   `json:"view"`
		Severity string   `json:"severity"`
		Count    int      `json:"count"`
		Class    string   `json:"class"`
		Witness  witness  `json:"witness"`
		Cause    *cause   `json:"cause,omitempty"`
		Found    string   `json:"found"`
		Mend     string   `json:"mend"`
		Dig      []string `json:"dig,omitempty"`
	}
	v := struct {
		Format   int            `json:"format"`
		Verdict  string         `json:"verdict"`
		Findings []row          `json:"findings"`
		Levels   map[string]int `json:"levels"`
	}{Format: 1, Verdict: "preserved", Findings: []row{}, Levels: map[string]int{}}
	if !r.Preserved() {
		v.Verdict = "lost"
	}
	for i, n := range r.Counts.Levels {
		v.Levels[level(i)] = n
	}
	for _, f := range r.Faults {
		if f.Severity == finding.Note {
			continue
		}
		x := row{
			ID: f.ID, View: string(f.View), Severity: map[finding.Severity]string{finding.Block: "block", finding.Error: "error", finding.Warning: "warn"}[f.Severity],
			Count: max(f.Count, 1), Class: f.Class, Found: f.Found, Mend: f.Mend, Dig: f.Dig,
			Witness: witness{Name: f.Witness.Name.String(), Type: f.Witness.Type.String(), Old: f.Witness.Old, New: f.Witness.New},
		}
		if n := f.Witness.OldName; !n.IsZero() && n != f.Witness.Name {
			x.Witness.OldName = n.String()
		}
		if f.At.File != "" {
			x.Cause = &cause{f.At.File, f.At.Line}
		}
		v.Findings = append(v.Findings, x)
	}
	enc := json.NewEncoder(o.out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
