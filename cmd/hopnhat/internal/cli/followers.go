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
	f.StringArrayVar(&o.secondaries, "secondary", nil, "of zone files: a server that may transfer them and is told of changes, `ADDRESS[:PORT][=KEY][,tls][,client=NAME][,pin=PIN]`; with tls it transfers over TLS alone, with client or pin it shows a certificate; repeatable")
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
		first, options, _ := strings.Cut(s, ",")
		a, key, signed := strings.Cut(first, "=")
		x := workspace.Secondary{Name: s, View: zones.Internet}
		err := overTLS(&x, options)
		if err != nil {
			return t, fmt.Errorf("--secondary %s: %w", s, err)
		}
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

// overTLS reads tls, client=NAME and pin=PIN, with commas between them.
func overTLS(x *workspace.Secondary, options string) (err error) {
	for option := range strings.SplitSeq(options, ",") {
		name, value, _ := strings.Cut(option, "=")
		switch {
		case option == "":
		case option == "tls":
			x.TLS = true
		case name == "client":
			x.Client, err = workspace.ParseClient(value)
		case name == "pin":
			x.Pin, err = transfer.ParsePin(value)
		default:
			err = fmt.Errorf("%q is not known: write tls, client=NAME or pin=PIN", option)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
