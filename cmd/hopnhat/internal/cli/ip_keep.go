package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/ipam"
	"gialai.gov.vn/hopnhat/ipam/journal/bolt"
)

// endJSON says where a journal ends.
type endJSON struct {
	Format   int    `json:"format"`
	File     string `json:"file"`
	Revision uint64 `json:"revision"`
	At       string `json:"at"`
	Hash     string `json:"hash"`
}

func endOf(file string, c ipam.Chain) endJSON {
	at := ""
	if c.Revision > 0 {
		at = workspace.InNumbers(c.At)
	}
	return endJSON{1, file, c.Revision, at, fmt.Sprintf("%x", c.Hash)}
}

func (o *ip) end(file string, c ipam.Chain, did string) error {
	if o.json {
		return o.print(endOf(file, c))
	}
	fmt.Fprintf(o.out, "%s %s: revision %d, hash %x\n", file, did, c.Revision, c.Hash[:8])
	return nil
}

func newIPBackup(o *ip) *cobra.Command {
	return &cobra.Command{
		Use:   "backup FILE",
		Short: "Write the book to a file, while it is in use",
		Long: `backup writes the whole journal to FILE, checked before it takes that name. Note
the hash: a later backup of the same book holds the same chain.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return o.with(c.Context(), false, func(b *opened) (err error) {
				file := args[0]
				t, err := renameio.NewPendingFile(file, renameio.WithPermissions(0o600))
				if err != nil {
					return err
				}
				defer func() { err = errors.Join(err, t.Cleanup()) }()
				if err := b.journal.Backup(t); err != nil {
					return err
				}
				if err := t.Sync(); err != nil {
					return err
				}
				end, err := bolt.Check(t.Name())
				if err != nil {
					return fmt.Errorf("the backup is not whole, and was not kept: %w", err)
				}
				if err := t.CloseAtomicallyReplace(); err != nil {
					return err
				}
				return o.end(file, end, "written")
			})
		},
	}
}

func newIPRestore(o *ip) *cobra.Command {
	return &cobra.Command{
		Use:   "restore FILE",
		Short: "Put a backup in the place of the book",
		Long: `restore checks the backup whole, then puts it in the place of the book. The file
that stood there stays beside it, with .before at its end.`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			path, err := o.path()
			if err != nil {
				return err
			}
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				return err
			}
			f, err := os.Open(args[0])
			if err != nil {
				return err
			}
			defer f.Close()
			end, err := bolt.Restore(path, f)
			if err != nil {
				return err
			}
			return o.end(path, end, "restored")
		},
	}
}

func newIPCompact(o *ip) *cobra.Command {
	return &cobra.Command{
		Use:   "compact",
		Short: "Write the book's file anew, without gaps; nothing is forgotten",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			path, err := o.path()
			if err != nil {
				return err
			}
			before, after, err := bolt.Compact(path)
			if err != nil {
				return err
			}
			if o.json {
				return o.print(struct {
					Format int    `json:"format"`
					File   string `json:"file"`
					Before int64  `json:"octets_before"`
					After  int64  `json:"octets"`
				}{1, path, before, after})
			}
			fmt.Fprintf(o.out, "%s: %d octets, %d before\n", path, after, before)
			return nil
		},
	}
}
