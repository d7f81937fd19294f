package daemon

import (
	"context"
	"time"
)

// leastGap is the least time between two steps of a rehearsal.
const leastGap = 2 * time.Second

// beginRehearsal schedules the plan of a rehearsal, once.
func (dir *director) beginRehearsal(ctx context.Context) {
	dir.d.mu.Lock()
	defer dir.d.mu.Unlock()
	if dir.rehearse == 0 || !dir.progress.Plan.IsZero() {
		return
	}
	now := dir.d.clock.Now()
	r := &rehearsal{Start: now, Switch: now.Add(dir.rehearse), Gap: max(dir.rehearse/4, leastGap)}
	if err := dir.schedule(ctx, Note{UID: -1, Why: "a rehearsal"}, r, func(s string) { dir.say("rehearsal: %s", s) }); err != nil {
		dir.alarmed("the rehearsal cannot begin: " + err.Error())
	}
}
