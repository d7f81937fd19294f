//go:build linux

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// disk is a small file system of its own that a server has as its state folder.
type disk struct {
	testing.TB
	at string // where it is mounted, for the server alone
	p  *life  // the server
}

// onDisk starts a server of a workspace whose state folder is a file system of a
// megabyte, in a mount namespace of its own.
func (w *crashWorkspace) onDisk() *disk {
	w.Helper()
	if out, err := exec.Command(need(w, "unshare"), "-m", "true").CombinedOutput(); err != nil {
		w.Skipf("no mount namespace may be made here, so no disk can be filled: %v\n%s", err, out)
	}
	d := &disk{TB: w, at: w.state}
	script := `set -e; at=$1; shift; cp -a "$at" "$at.kept"; mount -t tmpfs -o size=1m,mode=755 none "$at"; cp -a "$at.kept/." "$at"; exec "$@"`
	args := append([]string{"-m", "sh", "-c", script, "sh", w.state, hopnhat(w)}, w.args()...)
	d.p = begun(w, w.addrs["internet"], need(w, "unshare"), args...)
	w.ready(d.p)
	return d
}

// inside is a path of the disk as this process reaches it.
func (d *disk) inside(name string) string {
	return filepath.Join("/proc", strconv.Itoa(d.p.proc.Pid), "root", d.at, name)
}

// fill leaves no room.
func (d *disk) fill() {
	d.Helper()
	f, err := os.Create(d.inside("filler"))
	if err != nil {
		d.Fatal(err)
	}
	defer f.Close()
	for octets := make([]byte, 4096); err == nil; {
		_, err = f.Write(octets)
	}
}

func (d *disk) empty() {
	if err := os.Remove(d.inside("filler")); err != nil {
		d.Fatal(err)
	}
}

// remount makes it "ro" or "rw".
func (d *disk) remount(how string) {
	d.Helper()
	out, err := exec.Command(need(d, "nsenter"), "-m", "-t", strconv.Itoa(d.p.proc.Pid), "mount", "-o", "remount,"+how, d.at).CombinedOutput()
	if err != nil {
		d.Fatalf("%v: %s", err, out)
	}
}

// TestCrashDisk: the disk becomes full, or can only be read. An edit is refused, and
// a step that is due is not taken; both say why, and what was served goes on. With
// room again the edit is published, and the step taken, by itself.
func TestCrashDisk(t *testing.T) {
	t.Parallel()
	source := newCrashWorkspace(t)
	source.rehearsed()
	for name, c := range map[string]struct {
		spoil, mend func(*disk)
		says        syscall.Errno
	}{
		"full":      {(*disk).fill, (*disk).empty, syscall.ENOSPC},
		"read only": {func(d *disk) { d.remount("ro") }, func(d *disk) { d.remount("rw") }, syscall.EROFS},
	} {
		t.Run(name+" edit", func(t *testing.T) {
			w := source.from(t)
			w.configure(1)
			d := w.onDisk()
			was := w.on(d).others()
			c.spoil(d)
			w.edit("tin A 192.0.2.9\n")
			if _, errs, code := d.reload(); code != 1 || !strings.Contains(errs, c.says.Error()) {
				t.Errorf("a reload on a disk that is %s: exit %d\n%s", name, code, errs)
			}
			if diff := w.serves(was[len(was)-1], was...); diff != "" {
				t.Errorf("on a disk that is %s:\n%s", name, diff)
			}
			c.mend(d)
			if _, errs, code := d.reload(); code != 0 {
				t.Errorf("a reload on a disk that was %s: exit %d\n%s\n%s", name, code, errs, d.p.log)
			}
			if diff := w.on(d).edited(); diff != "" {
				t.Errorf("on a disk that was %s:\n%s", name, diff)
			}
		})
		t.Run(name+" step", func(t *testing.T) {
			w := source.from(t)
			w.configure(1)
			d := w.onDisk()
			was := w.on(d).others()
			c.spoil(d)
			w.configure(0)
			d.p.hup(t)
			eventually(t, d.p.peer, "it says that it cannot go on", func() bool {
				log := d.p.log.String()
				return strings.Contains(log, "ALARM: ") && strings.Contains(log, c.says.Error())
			})
			if diff := w.serves(was[len(was)-1], was...); diff != "" {
				t.Errorf("on a disk that is %s:\n%s", name, diff)
			}
			c.mend(d)
			eventually(t, d.p.peer, "the timeline's end", func() bool { return w.on(d).taken() == len(crashSteps) })
			was = w.on(d).others()
			if diff := w.serves(was[len(was)-1], was...); diff != "" {
				t.Errorf("on a disk that was %s:\n%s", name, diff)
			}
		})
	}
}

// on is the workspace with its state folder seen from outside.
func (w *crashWorkspace) on(d *disk) *crashWorkspace {
	c := *w
	c.state = d.inside("")
	return &c
}

// reload runs hopnhat reload.
func (d *disk) reload() (stdout, stderr string, code int) {
	d.Helper()
	return run(d, "reload", "--socket", d.inside("control.sock"))
}

// TestCrashReadOnlyStart: a server starts on a state folder that cannot be written, with
// what was published last, and says that it takes no commands, and why; an edit is
// refused. Without anything published it does not start, and says what to do.
func TestCrashReadOnlyStart(t *testing.T) {
	t.Parallel()
	source := newCrashWorkspace(t)
	source.rehearsed()
	script := `mkdir -p "$1" && mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && exec "$@"`
	launch := func(w *crashWorkspace) *life {
		w.configure(1)
		args := append([]string{"-m", "sh", "-c", script, "sh", w.state, hopnhat(t)}, w.args()...)
		return begun(t, w.addrs["internet"], need(t, "unshare"), args...)
	}
	w := source.from(t)
	was := w.others()
	p := launch(w)
	w.ready(p)
	if diff := w.serves(was[len(was)-1], was...); diff != "" {
		t.Error(diff)
	}
	w.edit("tin A 192.0.2.9\n")
	p.hup(t)
	eventually(t, p.peer, "the edit is refused", func() bool {
		log := p.log.String()
		return strings.Contains(log, "nothing was loaded") && strings.Contains(log, "no command reaches this server") && strings.Contains(log, syscall.EROFS.Error())
	})
	if diff := w.serves(was[len(was)-1], was...); diff != "" {
		t.Error(diff)
	}
	if err := p.end(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}

	empty := newCrashWorkspace(t)
	q := launch(empty)
	<-q.ended
	q.ended <- nil
	if log := q.log.String(); !strings.Contains(log, syscall.EROFS.Error()) || !strings.Contains(log, "--state") {
		t.Errorf("without anything published:\n%s", log)
	}
}
