package daemon

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

const (
	retry = time.Second // so often the files of a failed reading are looked at again
	rests = 10          // so many times of it pass before files are read again that no change will mend
)

// Run answers until ctx ends. It loads again whenever hup delivers, and when
// a file that could not be used has changed since: an editor that was caught
// halfway needs no second signal. Where a start was kept from more than what was
// published last by something else, such as a full disk, it tries again by itself.
func (d *Daemon) Run(ctx context.Context, hup <-chan os.Signal) {
	tick := time.NewTicker(retry)
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-hup:
			d.reload(ctx)
		case <-tick.C:
			failed, again := d.failedFiles()
			switch {
			case len(failed) > 0 && !slices.Equal(failed, stamps(paths(failed))):
				d.reload(ctx)
			case again && n%rests == 0 && d.Reload(ctx) == nil:
				d.loadedAgain()
			}
		}
	}
}

// failedFiles are those that could not be used; again tells that something else than a
// file was wrong.
func (d *Daemon) failedFiles() (failed []stamp, again bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.loaded.failed, d.loaded.retries
}

// reload is Reload with its outcome said.
func (d *Daemon) reload(ctx context.Context) {
	if err := d.Reload(ctx); err != nil {
		fmt.Fprintf(d.o.Log, "%v\nnothing was loaded: the world before goes on being answered\n", err)
		return
	}
	d.loadedAgain()
}

// loadedAgain says what is served after a loading.
func (d *Daemon) loadedAgain() {
	var zs []string
	for at, w := range d.Worlds() {
		for z := range w.All() {
			zs = append(zs, fmt.Sprintf("%v %s serial %d", z.ID(), at, z.Serial()))
		}
	}
	slices.Sort(zs)
	fmt.Fprintln(d.o.Log, "loaded: "+strings.Join(zs, ", "))
}
