package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// life is a server that is ended and started again with the same arguments. Its
// methods may be called from any goroutine; the peer in it is the same all along,
// with the log of all its lives.
type life struct {
	*peer
	path string
	args []string

	mu    sync.Mutex // guards what follows
	cmd   *exec.Cmd
	ended chan error
}

// begin starts a server of example.vn for the length of the test.
func begin(t testing.TB, addr netip.AddrPort, path string, args ...string) *life {
	t.Helper()
	l := &life{peer: &peer{name: filepath.Base(path), addr: addr, log: &logBuffer{}}, path: path, args: args}
	if err := l.begin(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.end(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
	})
	return l
}

// begin starts it, and again where something else listens there still.
func (l *life) begin() error { return l.beginFor("example.vn") }

// beginFor is begin of a server of another zone.
func (l *life) beginFor(origin string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for deadline := time.Now().Add(patience); ; {
		l.cmd = exec.Command(l.path, l.args...)
		l.cmd.Stdout, l.cmd.Stderr = l.log, l.log
		if err := l.cmd.Start(); err != nil {
			return err
		}
		l.proc = l.cmd.Process
		l.ended = make(chan error, 1)
		go func(cmd *exec.Cmd, ended chan error) { ended <- cmd.Wait() }(l.cmd, l.ended)
		for time.Now().Before(deadline) {
			select {
			case err := <-l.ended:
				l.ended <- err
			case <-time.After(20 * time.Millisecond):
			}
			if l.answersFor(origin) {
				return nil
			}
			if len(l.ended) > 0 {
				break
			}
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s does not start:\n%s", l.name, l.log)
		}
	}
}

// end sends a signal and waits until the process is gone.
func (l *life) end(s os.Signal) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case err := <-l.ended:
		l.ended <- err
		return nil
	case <-time.After(patience):
		_ = l.cmd.Process.Kill()
		return fmt.Errorf("%s does not stop", l.name)
	}
}

func (l *life) signal(s os.Signal) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = l.cmd.Process.Signal(s)
}
