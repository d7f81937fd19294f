package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/history"
)

// recorded is how commands find the history of a state folder.
type recorded struct {
	*env
	state string
}

func (o *recorded) flags(c *cobra.Command) {
	c.Flags().StringVar(&o.state, "state", "", "the `DIR` where the server keeps its state, with the history (default: the workspace's state folder)")
}

// open reads the history, and tells what is wrong with it.
func (o *recorded) open() (*history.History, []finding.Finding, error) {
	state := o.state
	if state == "" {
		w, err := o.configured(nil)
		if err != nil {
			return nil, nil, err
		}
		state = w.StateDir()
	}
	dir := filepath.Join(state, "history")
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("%s: there is no history yet: it begins when a server publishes from this folder; name another by --state", dir)
	}
	h, found, err := history.Open(history.OS(dir))
	if err != nil {
		return nil, nil, fmt.Errorf("the history cannot be read: %w", err)
	}
	o.tell(found, finding.Warning)
	return h, found, nil
}

// asVersion tells whether an argument names a version of the history, such as
// gialai.gov.vn@12, and no file.
func asVersion(arg string) (zone string, n int, ok bool) {
	at := strings.LastIndexByte(arg, '@')
	if at < 1 {
		return "", 0, false
	}
	n, err := strconv.Atoi(arg[at+1:])
	if err != nil || n < 1 {
		return "", 0, false
	}
	if _, err := os.Stat(arg); err == nil {
		return "", 0, false
	}
	return arg[:at], n, true
}

// zoneOf finds the identity of a zone: in the view that was asked for, or in
// the only one that the history knows it in.
func zoneOf(h *history.History, zone, view string) (zones.ID, error) {
	name, err := zones.ParseName(zone)
	if err != nil {
		return zones.ID{}, fmt.Errorf("%s: %w", zone, err)
	}
	var in []zones.ID
	for _, id := range h.IDs() {
		if id.Origin == name && (view == "" || string(id.View) == view) {
			in = append(in, id)
		}
	}
	switch {
	case len(in) == 1:
		return in[0], nil
	case len(in) > 1:
		var views []string
		for _, id := range in {
			views = append(views, string(id.View))
		}
		return zones.ID{}, fmt.Errorf("%s is in the views %s: say which by --view", zone, strings.Join(views, ", "))
	case view != "":
		return zones.ID{}, fmt.Errorf("the history has no version of %s in view %s", zone, view)
	}
	return zones.ID{}, fmt.Errorf("the history has no version of %s", zone)
}

// versionOf reads a version; with the error comes which there are.
func versionOf(h *history.History, zone string, n int, view string) (*zones.Zone, error) {
	id, err := zoneOf(h, zone, view)
	if err != nil {
		return nil, err
	}
	z, err := h.Zone(id, n)
	if errors.Is(err, history.ErrNoVersion) {
		vs := h.Versions(id)
		return nil, fmt.Errorf("%w: the versions go from %d to %d", err, vs[0].N, vs[len(vs)-1].N)
	}
	if errors.Is(err, history.ErrDamaged) {
		return nil, fmt.Errorf("%w; restore it from a backup: the other versions can be read", err)
	}
	return z, err
}

// oneLine is a text of somebody else's, fit to be shown on a line.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// givenView is the view that was asked for, "" where none was.
func givenView(c *cobra.Command) string {
	if f := c.Flags().Lookup("view"); f.Changed {
		return f.Value.String()
	}
	return ""
}

// zoneReader reads what an argument names: a file, or a version.
type zoneReader struct {
	zoneFile
	recorded *recorded
	view     string // of a version; "": the one that has it
	newest   bool   // the argument is a zone's name: its newest version

	h *history.History // once it was opened
}

func (r *zoneReader) zone(arg string) (*zones.Zone, error) {
	zone, n, ok := asVersion(arg)
	if !ok && !r.newest {
		_, z, fs, err := r.read(arg)
		if err != nil {
			return nil, err
		}
		return z, r.recorded.failed(fs)
	}
	if r.h == nil {
		var err error
		if r.h, _, err = r.recorded.open(); err != nil {
			return nil, err
		}
	}
	if r.newest {
		id, err := zoneOf(r.h, arg, r.view)
		if err != nil {
			return nil, err
		}
		vs := r.h.Versions(id)
		zone, n = arg, vs[len(vs)-1].N
	}
	return versionOf(r.h, zone, n, r.view)
}
