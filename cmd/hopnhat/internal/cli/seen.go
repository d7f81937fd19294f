package cli

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/export"
	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/resolver/seen"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// The folder of a workspace that holds what the query logs told.
const (
	seenFolder  = "seen"
	seenTable   = "table.tsv"
	seenImports = "imports.json"
	seenMost    = 2_000_000 // rows of a saved table
)

func newSeen(e *env) *cobra.Command {
	c := &cobra.Command{
		Use:   "seen",
		Short: "Find the names that are asked and stand in no source, from query logs",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newSeenImport(e), newSeenShow(e))
	return c
}

// seenLog is one log that was brought in.
type seenLog struct {
	File    string `json:"file"`
	SHA256  string `json:"sha256"`
	At      string `json:"at"` // RFC 3339
	Format  string `json:"format"`
	Unit    string `json:"unit"`
	In      int64  `json:"in"`
	Taken   int64  `json:"taken"`
	LeftOut int64  `json:"left-out"`
	Refused int64  `json:"refused"`
}

type seenImport struct {
	*env
	view, dates, clock, taken string
	servers                   []string
	dryRun                    bool
}

func newSeenImport(e *env) *cobra.Command {
	o := &seenImport{env: e}
	c := &cobra.Command{
		Use:   "import LOG…",
		Short: "Read query logs and remember what was asked",
		Long: `import reads query logs of old servers: BIND's query log, the debug log of
Windows DNS, dnstap files, captures of port 53 (pcap, pcapng), plain or in
gzip. It adds what they tell to the folder seen of the workspace: which names
were asked, how often, when first and last, by which networks, and what the
server answered where the log holds that. A log that was read before is left
out. All logs are taken or none.

Then it says which of the names stand in no source.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return o.run(args) },
	}
	f := c.Flags()
	f.StringVar(&o.view, "view", "", "the `VIEW` of logs that name none")
	f.StringVar(&o.dates, "dates", "", "order of day and month in the log of Windows: day-first or month-first")
	f.StringVar(&o.clock, "clock", "+07:00", "the `OFFSET` of times that state no zone")
	f.StringVar(&o.taken, "taken", "", "the `DATE` on which the logs were copied, for times without a year (default: today)")
	f.StringArrayVar(&o.servers, "server", nil, "in captures and dnstap: only questions to this `ADDRESS`; may be given several times")
	f.BoolVar(&o.dryRun, "dry-run", false, "read and report, write nothing")
	return c
}

func (o *seenImport) options() (seen.Options, error) {
	opts := seen.Options{View: o.view, Now: o.now()}
	switch o.dates {
	case "":
	case "day-first":
		opts.DateOrder = seen.DayFirst
	case "month-first":
		opts.DateOrder = seen.MonthFirst
	default:
		return opts, fmt.Errorf("--dates %s: write day-first or month-first", o.dates)
	}
	t, err := time.Parse("-07:00", o.clock)
	if err != nil {
		return opts, fmt.Errorf("--clock %s: write an offset such as +07:00", o.clock)
	}
	opts.Location = t.Location()
	if o.taken != "" {
		if opts.Now, err = time.ParseInLocation("2006-01-02", o.taken, opts.Location); err != nil {
			return opts, fmt.Errorf("--taken %s: write a date such as 2025-08-20", o.taken)
		}
		opts.Now = opts.Now.Add(24 * time.Hour)
	}
	for _, s := range o.servers {
		a, err := netip.ParseAddr(s)
		if err != nil {
			return opts, fmt.Errorf("--server %s: %w", s, err)
		}
		opts.Servers = append(opts.Servers, a)
	}
	return opts, nil
}

func (o *seenImport) run(files []string) error {
	opts, err := o.options()
	if err != nil {
		return err
	}
	p, err := o.workspace(nil)
	if err != nil {
		return err
	}
	old, logs, err := loadSeen(p.Workspace)
	if err != nil {
		return err
	}
	tables := []*seen.Table{old}
	fresh := 0
	for _, file := range files {
		sum, err := digest(file)
		if err != nil {
			return err
		}
		if i := slices.IndexFunc(logs, func(l seenLog) bool { return l.SHA256 == sum }); i >= 0 {
			fmt.Fprintf(o.out, "%s was read on %s as %s, and is left out\n", file, logs[i].At, logs[i].File)
			continue
		}
		t, l, err := o.one(file, opts)
		if err != nil {
			return err
		}
		l.SHA256 = sum
		tables, logs, fresh = append(tables, t), append(logs, l), fresh+1
	}
	table := seen.Merge(tables...)
	if fresh > 0 && !o.dryRun {
		if err := saveSeen(p.Workspace, table, logs); err != nil {
			return err
		}
		fmt.Fprintf(o.out, "%d logs added to %s\n", fresh, filepath.Join(p.Dir, seenFolder))
	}
	report(o.env, p, table, 20)
	return nil
}

// one reads one log into a table of its own.
func (o *seenImport) one(file string, opts seen.Options) (*seen.Table, seenLog, error) {
	dir, base := filepath.Split(file)
	opts.Prefix = filepath.ToSlash(dir)
	if dir == "" {
		dir = "."
	}
	b := seen.NewBuilder(seen.TableLimits{})
	a, fs := seen.Read(os.DirFS(dir), base, opts, b.Add)
	left, refused := a.Sums()
	l := seenLog{File: base, At: o.now().UTC().Format(time.RFC3339), Format: a.Format, Unit: a.Unit, In: a.In, Taken: a.Taken, LeftOut: left, Refused: refused}
	t := b.Table()
	fs = append(fs, t.Findings()...)
	o.tell(fs, finding.Warning)
	if finding.Failed(fs) {
		return nil, l, errors.New("nothing was taken: not every log could be read")
	}
	if l.In != l.Taken+l.LeftOut+l.Refused {
		return nil, l, fmt.Errorf("%s: the %ss do not add up, nothing is taken", file, l.Unit)
	}
	fmt.Fprintf(o.out, "%s (%s): %d %ss in = %d taken + %d left out + %d refused\n", file, l.Format, l.In, l.Unit, l.Taken, l.LeftOut, l.Refused)
	for _, x := range a.LeftOut {
		fmt.Fprintf(o.out, "  left out: %d, %s\n", x.Count, x.Why)
	}
	return t, l, nil
}

func digest(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// loadSeen reads what was remembered; an empty table where nothing was.
func loadSeen(w *workspace.Workspace) (*seen.Table, []seenLog, error) {
	file := filepath.Join(w.Root, seenFolder, seenTable)
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return &seen.Table{}, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	t, err := seen.ReadTable(filepath.Join(w.Dir, seenFolder, seenTable), f, seenMost)
	if err != nil {
		return nil, nil, err
	}
	var logs []seenLog
	b, err := os.ReadFile(filepath.Join(w.Root, seenFolder, seenImports))
	if err != nil {
		return nil, nil, err
	}
	if err := json.Unmarshal(b, &logs); err != nil {
		return nil, nil, fmt.Errorf("%s: %w; move the folder away and import the logs again", filepath.Join(w.Dir, seenFolder, seenImports), err)
	}
	return t, logs, nil
}

// saveSeen writes the folder whole.
func saveSeen(w *workspace.Workspace, t *seen.Table, logs []seenLog) error {
	var b bytes.Buffer
	if err := t.WriteTSV(&b); err != nil {
		return err
	}
	list, err := json.MarshalIndent(logs, "", "  ")
	if err != nil {
		return err
	}
	list = append(list, '\n')
	sums := fmt.Sprintf("%x  %s\n%x  %s\n", sha256.Sum256(list), seenImports, sha256.Sum256(b.Bytes()), seenTable)
	return export.Write(filepath.Join(w.Root, seenFolder), []export.File{{Name: seenImports, Data: list}, {Name: seenTable, Data: b.Bytes()}, {Name: "SHA256SUMS", Data: []byte(sums)}})
}

type seenShow struct {
	*env
	top, most int
	json      bool
}

func newSeenShow(e *env) *cobra.Command {
	o := &seenShow{env: e}
	c := &cobra.Command{
		Use:   "show [WORKSPACE]",
		Short: "Say which names are asked, and which of them stand in no source",
		Args:  cobra.MaximumNArgs(1),
		RunE:  func(_ *cobra.Command, args []string) error { return o.run(args) },
	}
	f := c.Flags()
	f.IntVar(&o.top, "top", 0, "print the `N` names that are asked most")
	f.IntVar(&o.most, "most", 50, "print at most `N` findings of each kind")
	f.BoolVar(&o.json, "json", false, "print the table as JSON")
	return c
}

func (o *seenShow) run(args []string) error {
	p, err := o.workspace(args)
	if err != nil {
		return err
	}
	t, logs, err := loadSeen(p.Workspace)
	if err != nil {
		return err
	}
	if len(logs) == 0 {
		return fmt.Errorf("%s: no query log was brought in yet; run: hopnhat seen import LOG…", p.Dir)
	}
	if o.json {
		return t.WriteJSON(o.out)
	}
	for _, r := range t.Top(o.top) {
		fmt.Fprintf(o.out, "%8d  %s %v  %s\n", r.Count, r.Name.Text(), r.Type, day(r.Last))
	}
	report(o.env, p, t, o.most)
	return nil
}

func day(t time.Time) string {
	if t.IsZero() {
		return "no date"
	}
	return t.Format("2006-01-02")
}

// report holds the table against the world of before: what is asked should
// stand there.
func report(e *env, p *planned, t *seen.Table, most int) {
	views := map[string]zones.View{}
	for _, id := range p.Origins() {
		views[string(id.View)] = id.View
	}
	for _, s := range p.Sources {
		if s.BindView != "" {
			views[s.BindView] = s.ID.View
		}
	}
	c := seen.Compare(t, p.plan.Before(), seen.CompareOptions{Views: views})
	for _, f := range c.Findings(most) {
		if f.ID != "Q-NEVER" {
			fmt.Fprintln(e.out, f.String())
		}
	}
	var parts []string
	for _, s := range c.Sums() {
		parts = append(parts, fmt.Sprintf("%s %d (%d)", s.Class, s.Names, s.Queries))
	}
	fmt.Fprintf(e.out, "names asked (questions), %s to %s: %s\n", day(c.First), day(c.Last), strings.Join(parts, ", "))
	if n := len(c.Unasked); n > 0 {
		fmt.Fprintf(e.out, "%d names of the zones were not asked for\n", n)
	}
}
