package export

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/rdata"
	"gialai.gov.vn/hopnhat/zones/zonefile"
)

// File is one file of an export; Name is a slash path inside its folder.
type File struct {
	Name string
	Data []byte
}

// About is what the index says beside the zones.
type About struct {
	Title string   // such as "the world after 2025-09-01 00:00 (+07:00)"
	Notes []string // sentences
}

// ZoneFile returns the path of a zone's file inside an export.
func ZoneFile(id zones.ID) string {
	origin := strings.NewReplacer("/", "_", "\\", "_").Replace(id.Origin.Text())
	if id.Origin.IsRoot() {
		origin = "root"
	}
	return path.Join("zones", string(id.View), origin+".zone")
}

// Files returns the export of a world with files to lay beside it, sorted by
// name, the sums last.
func Files(w zones.World, about About, more ...File) []File {
	fs := slices.Clone(more)
	for z := range w.All() {
		fs = append(fs, File{ZoneFile(z.ID()), zonefile.Write(z)})
	}
	fs = append(fs,
		File{"records.csv", table(w)},
		File{"named.conf", namedConf(w)},
		File{"README.md", index(w, about)})
	slices.SortFunc(fs, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	return append(fs, File{"SHA256SUMS", sums(fs)})
}

// table is every record on a row, with where it comes from. It starts with a
// BOM, which spreadsheets need to read Vietnamese, and no cell can be taken
// for a formula.
func table(w zones.World) []byte {
	var b bytes.Buffer
	b.WriteString("\ufeff")
	c := csv.NewWriter(&b)
	_ = c.Write([]string{"view", "zone", "name", "ttl", "type", "data", "from", "rule", "decision"})
	for z := range w.All() {
		for r := range z.Records() {
			_ = c.Write([]string{
				string(z.View()), z.Origin().Text(), cell(r.Owner.Text()), strconv.Itoa(int(r.TTL)), r.Type.String(),
				cell(rdata.Text(r.Type, r.Data)), cell(r.From.Place.String()), r.From.Rule.String(), r.From.Decision.String(),
			})
		}
	}
	c.Flush()
	return b.Bytes()
}

// cell guards against text that a spreadsheet would run as a formula.
func cell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

// namedConf is what a BIND administrator pastes to serve the export.
func namedConf(w zones.World) []byte {
	var b bytes.Buffer
	b.WriteString("// Paste into named.conf, or include it; paths are relative to options { directory }.\n")
	views := w.Views()
	for _, v := range views {
		indent := ""
		if len(views) > 1 {
			fmt.Fprintf(&b, "view %q {\n\t// match-clients { … };   // say who asks in this view\n", string(v))
			indent = "\t"
		}
		for z := range w.In(v) {
			fmt.Fprintf(&b, "%szone %q { type primary; file %q; };\n", indent, z.Origin().Text(), ZoneFile(z.ID()))
		}
		if len(views) > 1 {
			b.WriteString("};\n")
		}
	}
	return b.Bytes()
}

func index(w zones.World, about About) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# %s\n\n", about.Title)
	for _, n := range about.Notes {
		fmt.Fprintf(&b, "%s\n\n", n)
	}
	b.WriteString("| view | zone | serial | names | record sets | records | file | digest |\n|---|---|--:|--:|--:|--:|---|---|\n")
	for z := range w.All() {
		owners, sets, records := z.Counts()
		fmt.Fprintf(&b, "| %s | %s | %d | %d | %d | %d | [%s](%s) | %.16s… |\n", z.View(), z.Origin().Text(), z.Serial(),
			owners, sets, records, ZoneFile(z.ID()), ZoneFile(z.ID()), z.Digest())
	}
	b.WriteString("\n`records.csv` holds every record with the file and line that it comes from; `named.conf` is for BIND; `sha256sum -c SHA256SUMS` checks the folder.\n")
	return b.Bytes()
}

func sums(fs []File) []byte {
	var b bytes.Buffer
	for _, f := range fs {
		fmt.Fprintf(&b, "%x  %s\n", sha256.Sum256(f.Data), f.Name)
	}
	return b.Bytes()
}
