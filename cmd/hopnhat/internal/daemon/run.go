package daemon

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// retry is how often the files of a failed reading are looked at again.
const retry = time.Second

// Run answers until ctx ends. It loads again whenever hup delivers, and when
// a file that could not be used has changed since: an editor that was caught
// halfway needs no second signal.
func (d *Daemon) Run(ctx context.Context, hup <-chan os.Signal) {
	tick := time.NewTicker(retry)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-hup:
			d.reload(ctx)
		case <-tick.C:
			if failed := d.failedFiles(); len(failed) > 0 && !slices.Equal(failed, stamps(paths(failed))) {
				d.reload(ctx)
			}
		}
	}
}

func (d *Daemon) failedFiles() []stamp {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.loaded.failed
}

// reload is Reload with its outcome said.
func (d *Daemon) reload(ctx context.Context) {
	if err := d.Reload(ctx); err != nil {
		fmt.Fprintf(d.o.Log, "%v\nnothing was loaded: the world before goes on being answered\n", err)
		return
	}
	var zs []string
	for at, w := range d.Worlds() {
		for z := range w.All() {
			zs = append(zs, fmt.Sprintf("%v %s serial %d", z.ID(), at, z.Serial()))
		}
	}
	slices.Sort(zs)
	fmt.Fprintln(d.o.Log, "loaded: "+strings.Join(zs, ", "))
}
