package cli

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/daemon"
	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/transfer"
)

// followers are the flags that name the secondaries of zone files.
type followers struct {
	secondaries []string
	keyFiles    []string
}

func (o *followers) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringArrayVar(&o.secondaries, "secondary", nil, "of zone files: a server that may transfer them and is told of changes, `ADDRESS[:PORT][=KEY]`; repeatable")
	f.StringArrayVar(&o.keyFiles, "key", nil, "of zone files: a `FILE` with TSIG keys, as tsig-keygen prints them; repeatable")
}

// transfers reads who may have the zones of files.
func (o *followers) transfers(e *env) (daemon.Transfers, error) {
	t := daemon.Transfers{Keys: map[zones.Name]transfer.Key{}}
	for _, file := range o.keyFiles {
		text, err := os.ReadFile(file)
		if err != nil {
			return t, fmt.Errorf("--key: %w", err)
		}
		keys, fs := transfer.ParseKeyFile(file, string(text))
		e.tell(fs, finding.Warning)
		if finding.Failed(fs) {
			return t, &exit{code: 1}
		}
		for _, k := range keys {
			t.Keys[k.Name] = k
		}
	}
	for _, s := range o.secondaries {
		a, key, signed := strings.Cut(s, "=")
		x := workspace.Secondary{Name: s, View: zones.Internet}
		var err error
		if x.Address, err = parseServer(a, "--secondary"); err != nil {
			return t, err
		}
		if signed {
			if x.Key, err = zones.ParseName(key); err != nil {
				return t, fmt.Errorf("--secondary %s: %w", s, err)
			}
			if _, ok := t.Keys[x.Key]; !ok {
				return t, fmt.Errorf("--secondary %s: no key file holds the key %s; name its file with --key", s, key)
			}
		}
		t.Secondaries = append(t.Secondaries, x)
	}
	return t, nil
}
