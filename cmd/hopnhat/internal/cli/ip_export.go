package cli

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/sheet"
	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/ipam"
	"gialai.gov.vn/hopnhat/ipam/book"
)

func newIPExport(o *ip) *cobra.Command {
	within := ""
	var when past
	c := &cobra.Command{
		Use:   "export FILE",
		Short: "Write the book as a table (.xlsx or .csv)",
		Long: `export writes what is allocated, a row for each block, of all spaces or of the
one that --space names. The table opens in a spreadsheet; edited there, "ip
import FILE" takes the edits back. A FILE of "-" is CSV on standard output.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return o.with(c.Context(), false, func(b *opened) error {
				s, err := when.of(c.Context(), b)
				if err != nil {
					return err
				}
				return o.export(s, args[0], within, c.Flags().Changed("space"))
			})
		},
	}
	when.flag(c.Flags())
	c.Flags().StringVar(&within, "within", "", "only this `BLOCK` of the space and what lies in it")
	return c
}

func (o *ip) export(s *book.Snapshot, file, within string, oneSpace bool) error {
	at := ipam.Place{}
	if within != "" {
		var err error
		if at, err = o.at(within); err != nil {
			return err
		}
	} else if oneSpace {
		var err error
		if at.Space, err = o.spaceOf(); err != nil {
			return err
		}
	}
	var list []ipam.Allocation
	since := map[ipam.Place]uint64{}
	for v := range s.Live() {
		if at.Space != "" && v.Space != at.Space || at.Block.IsValid() && !at.Block.Contains(v.Block) {
			continue
		}
		list = append(list, v.Allocation)
		since[v.Place] = v.Since.Revision
	}
	t := workspace.PlanTable(list, func(p ipam.Place) uint64 { return since[p] })
	var buf bytes.Buffer
	var err error
	switch ext := strings.ToLower(filepath.Ext(file)); {
	case o.json:
		return o.print(struct {
			Format      int              `json:"format"`
			Revision    uint64           `json:"revision"`
			Allocations []allocationJSON `json:"allocations"`
		}{1, s.Revision(), allocationsOf(list)})
	case file == "-" || ext == ".csv":
		err = sheet.WriteCSV(&buf, t)
	case ext == ".xlsx":
		err = sheet.WriteXLSX(&buf, t)
	default:
		err = fmt.Errorf("%s: the file's name ends with .xlsx or .csv", file)
	}
	if err != nil {
		return err
	}
	if file == "-" {
		_, err = o.out.Write(buf.Bytes())
		return err
	}
	if err := workspace.WriteFile(file, buf.Bytes()); err != nil {
		return err
	}
	fmt.Fprintf(o.out, "%d blocks of revision %d written to %s\n", len(list), s.Revision(), file)
	return nil
}
