package main

import (
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMakeRun: make run prints its summary and answers, twice in a row, the
// second time (and the first, once the modules are there) without a network.
func TestMakeRun(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:5300", "127.0.0.1:5301", "127.0.0.1:5302", "127.0.0.1:5303"} {
		if l, err := net.Listen("tcp", addr); err != nil {
			t.Skipf("the sample's own port is taken, so make run cannot be tried: %v", err)
		} else if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	args := []string{"make", "--no-print-directory", "-C", "../..", "run"}
	inside := "without a proxy"
	if exec.Command("unshare", "-n", "true").Run() == nil {
		// A network namespace of its own, with a loopback and nothing else.
		args = []string{"unshare", "-n", "sh", "-c", "ip link set lo up && exec " + strings.Join(args, " ")}
		inside = "in a network of its own"
	}
	for _, time := range []string{"first", "second"} {
		log := makeRun(t, args)
		t.Logf("%s time, %s: %d octets printed", time, inside, len(log))
		for _, want := range []string{
			": cutover Monday 1 September 2025, 00:00 (+07:00)\n",
			"\nnames: 1526 served before, ", "\nconflicts: 124 decided, 7 settled by a proposal, 0 open\n", "\nopen question ",
			"127.0.0.1:5300 answers the world before", "127.0.0.1:5301 answers the world after", "  dig @127.0.0.1 -p 5301 ",
		} {
			if !strings.Contains(log, want) {
				t.Errorf("the %s time make run does not say %q:\n%s", time, want, log)
			}
		}
	}
}

// makeRun runs it until the summary is there, asks for its end, and returns
// what it printed.
func makeRun(t *testing.T, args []string) string {
	t.Helper()
	log := &logBuffer{}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "GOPROXY=off", "GOFLAGS=")
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	stop := func(sig syscall.Signal) { _ = syscall.Kill(-cmd.Process.Pid, sig) }
	deadline := time.After(4 * patience)
	for !strings.Contains(log.String(), "-p 5301 anduc.gialai.gov.vn A") {
		select {
		case err := <-ended:
			t.Fatalf("make run ended: %v\n%s", err, log)
		case <-deadline:
			stop(syscall.SIGKILL)
			t.Fatalf("make run prints no summary:\n%s", log)
		case <-time.After(20 * time.Millisecond):
		}
	}
	stop(syscall.SIGTERM)
	select {
	case <-ended:
	case <-time.After(patience):
		stop(syscall.SIGKILL)
		t.Errorf("make run does not end at SIGTERM:\n%s", log)
	}
	return log.String()
}
