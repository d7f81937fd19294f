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
	begun := dir.rehearse == 0 || !dir.progress.Plan.IsZero()
	dir.d.mu.Unlock()
	if begun {
		return
	}
	now := dir.d.clock.Now()
	r := &rehearsal{Start: now, Switch: now.Add(dir.rehearse), Gap: max(dir.rehearse/4, leastGap)}
	if err := dir.draft(ctx, Note{UID: -1, Why: "a rehearsal"}, r, func(s string) { dir.say("rehearsal: %s", s) }); err != nil && ctx.Err() == nil {
		dir.d.mu.Lock()
		defer dir.d.mu.Unlock()
		dir.alarmed("the rehearsal cannot begin: " + err.Error())
	}
}
