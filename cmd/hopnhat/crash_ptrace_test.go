//go:build linux && amd64

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// cut is what is done to a process at one of the calls by which it changes files, the
// first of which is 1; at 0 nothing is done.
type cut struct {
	at   int
	what cutKind
}

type cutKind int

const (
	kill cutKind = iota // it is killed before the call
	torn                // it is killed when half of a write is done; only writes count
	fail                // the call fails, as on a disk that is full or broken; the process goes on
)

func (k cutKind) String() string {
	return [...]string{"killed at", "killed in the middle of", "failed"}[k]
}

// traced is a process of which every system call is looked at (ptrace). All threads
// count into one number, which strace cannot do.
type traced struct {
	pid  int
	log  string        // the file that it prints to
	gone chan struct{} // closed when it has ended
	cut  cut

	mu    sync.Mutex // guards what follows
	calls []string   // that were counted
}

// trace starts hopnhat.
func trace(t testing.TB, c cut, args ...string) *traced {
	t.Helper()
	p := &traced{log: filepath.Join(t.TempDir(), "log"), gone: make(chan struct{}), cut: c}
	path := hopnhat(t)
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // who traces is a thread; this one ends with the goroutine
		defer close(p.gone)
		err := p.start(path, args)
		started <- err
		if err == nil {
			p.run()
		}
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	return p
}

// wait options that package syscall does not name: only this thread's children.
const waitOwn = syscall.WALL | 0x20000000

func (p *traced) start(path string, args []string) error {
	out, err := os.Create(p.log)
	if err != nil {
		return err
	}
	defer out.Close()
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	p.pid = cmd.Process.Pid
	var ws syscall.WaitStatus
	if _, err := syscall.Wait4(p.pid, &ws, waitOwn, nil); err != nil {
		return err
	}
	if err := syscall.PtraceSetOptions(p.pid, syscall.PTRACE_O_TRACESYSGOOD|syscall.PTRACE_O_TRACECLONE|unix.PTRACE_O_EXITKILL); err != nil {
		return err
	}
	return syscall.PtraceSyscall(p.pid, 0)
}

// run follows all threads until the process is gone.
func (p *traced) run() {
	known := map[int]bool{p.pid: true}
	inside := map[int]func(tid int){} // what is done when the thread's call returns
	for {
		var ws syscall.WaitStatus
		tid, err := syscall.Wait4(-1, &ws, waitOwn, nil)
		switch {
		case err == syscall.EINTR:
			continue
		case err != nil:
			return
		case ws.Exited() || ws.Signaled():
			if tid == p.pid {
				return
			}
			continue
		case !ws.Stopped():
			continue
		}
		pass := 0
		switch s := ws.StopSignal(); {
		case s == syscall.SIGTRAP|0x80:
			if after, ok := inside[tid]; ok {
				delete(inside, tid)
				if after != nil {
					after(tid)
				}
			} else {
				inside[tid] = p.enter(tid)
			}
		case s == syscall.SIGTRAP: // a thread was made
		case s == syscall.SIGSTOP && !known[tid]: // it begins
		default:
			pass = int(s)
		}
		known[tid] = true
		_ = syscall.PtraceSyscall(tid, pass) // it may be gone by now
	}
}

// enter looks at a call before it is made.
func (p *traced) enter(tid int) (after func(int)) {
	var r syscall.PtraceRegs
	if syscall.PtraceGetRegs(tid, &r) != nil {
		return nil
	}
	call, errno := p.describe(tid, &r)
	if call == "" {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cut.what == torn && !strings.HasPrefix(call, "write ") {
		return nil
	}
	p.calls = append(p.calls, call)
	if len(p.calls) != p.cut.at {
		return nil
	}
	switch p.cut.what {
	case kill:
		r.Orig_rax = ^uint64(0) // no call at all
		_ = syscall.PtraceSetRegs(tid, &r)
		_ = syscall.Kill(p.pid, syscall.SIGKILL)
	case torn:
		r.Rdx /= 2
		_ = syscall.PtraceSetRegs(tid, &r)
		return func(int) { _ = syscall.Kill(p.pid, syscall.SIGKILL) }
	case fail:
		r.Orig_rax = ^uint64(0)
		_ = syscall.PtraceSetRegs(tid, &r)
		return func(tid int) {
			var r syscall.PtraceRegs
			if syscall.PtraceGetRegs(tid, &r) == nil {
				r.Rax = -uint64(errno)
				_ = syscall.PtraceSetRegs(tid, &r)
			}
		}
	}
	return nil
}

// describe says what a call does to which file, and how it would fail; "" where it
// changes none.
func (p *traced) describe(tid int, r *syscall.PtraceRegs) (call string, errno syscall.Errno) {
	fd := func(name string, e syscall.Errno) (string, syscall.Errno) {
		to, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", p.pid, int32(r.Rdi)))
		if err != nil || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "/dev/") || to == p.log {
			return "", 0
		}
		return name + " " + to, e
	}
	path := func(name string, at uint64) (string, syscall.Errno) {
		b := make([]byte, 512)
		n, _ := syscall.PtracePeekData(tid, uintptr(at), b)
		s, _, _ := bytes.Cut(b[:n], []byte{0})
		return name + " " + string(s), syscall.ENOSPC
	}
	switch r.Orig_rax {
	case syscall.SYS_WRITE, syscall.SYS_PWRITE64:
		return fd("write", syscall.ENOSPC)
	case syscall.SYS_FSYNC, syscall.SYS_FDATASYNC:
		return fd("fsync", syscall.EIO)
	case syscall.SYS_FTRUNCATE:
		return fd("ftruncate", syscall.EIO)
	case syscall.SYS_FCHMOD:
		return fd("fchmod", syscall.EIO)
	case syscall.SYS_TRUNCATE:
		return path("truncate", r.Rdi)
	case syscall.SYS_RENAME:
		return path("rename", r.Rsi)
	case syscall.SYS_RENAMEAT, unix.SYS_RENAMEAT2:
		return path("rename", r.R10)
	case syscall.SYS_UNLINK:
		return path("unlink", r.Rdi)
	case syscall.SYS_UNLINKAT:
		return path("unlink", r.Rsi)
	case syscall.SYS_MKDIR:
		return path("mkdir", r.Rdi)
	case syscall.SYS_MKDIRAT:
		return path("mkdir", r.Rsi)
	case syscall.SYS_LINKAT:
		return path("link", r.R10)
	case syscall.SYS_OPENAT:
		if r.Rdx&(syscall.O_CREAT|syscall.O_TRUNC) != 0 {
			return path("create", r.Rsi)
		}
	}
	return "", 0
}

// seen are the calls that were counted.
func (p *traced) seen() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.calls...)
}

func (p *traced) says() string {
	b, _ := os.ReadFile(p.log)
	return string(b)
}

func (p *traced) hup() { _ = syscall.Kill(p.pid, syscall.SIGHUP) }

// kill ends it.
func (p *traced) kill() {
	select {
	case <-p.gone:
		return
	default:
	}
	_ = syscall.Kill(p.pid, syscall.SIGKILL)
	<-p.gone
}

// until waits for what it prints, or for its end: false.
func (p *traced) until(t testing.TB, ok func(log string) bool) bool {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(2 * time.Millisecond) {
		select {
		case <-p.gone:
			return false
		default:
		}
		if ok(p.says()) {
			return true
		}
		if time.Now().After(deadline) {
			t.Fatalf("nothing more comes of it:\n%s", p.says())
		}
	}
}
