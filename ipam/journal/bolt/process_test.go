//go:build linux

package bolt

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gialai.gov.vn/hopnhat/ipam/journal/journaltest"
)

// stopWrites makes the descriptor of f one that refuses writes.
func stopWrites(t *testing.T, f *os.File) {
	t.Helper()
	ro, err := os.Open(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer ro.Close()
	if err := unix.Dup3(int(ro.Fd()), int(f.Fd()), unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
}

// childEnv tells the test binary to be a writer: a path, and from which
// octet of the file no write goes through (0: all do), or the word compact.
const childEnv = "HOPNHAT_BOLT_CHILD"

// TestChild is the child process of the tests below: it appends until it is
// killed or a write fails, and says each revision once it is acknowledged.
func TestChild(t *testing.T) {
	path, limit, ok := strings.Cut(os.Getenv(childEnv), "|")
	if !ok {
		t.Skip("a helper of the other tests, nothing by itself")
	}
	for limit == "compact" {
		if _, _, err := Compact(path); err != nil {
			fmt.Println("error:", err)
			return
		}
		fmt.Println("ack 1")
	}
	j, err := Open(path, Options{})
	if err != nil {
		fmt.Println("error:", err)
		return
	}
	if n, _ := strconv.ParseUint(limit, 10, 64); n > 0 {
		signal.Ignore(syscall.SIGXFSZ)
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: n, Max: n}); err != nil {
			t.Fatal(err)
		}
	}
	fmt.Println("open")
	for i := 0; ; i++ {
		end := j.End()
		records, next := journaltest.Seal(t, end, 1+i%5)
		if err := j.Append(t.Context(), end.Revision, records); err != nil {
			fmt.Println("error:", err)
			return
		}
		fmt.Println("ack", next.Revision)
	}
}

// child runs the writer and gives its lines.
func child(t *testing.T, path string, limit any) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestChild$", "-test.v=false")
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s|%v", childEnv, path, limit))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(out)
}

func lastAck(lines *bufio.Scanner, each func(n int)) (ack uint64, fault string) {
	for n := 0; lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "ack "); ok {
			if rev, err := strconv.ParseUint(rest, 10, 64); err == nil {
				ack = rev
				n++
				each(n)
			}
		}
		if rest, ok := strings.CutPrefix(lines.Text(), "error: "); ok {
			fault = rest
		}
	}
	return ack, fault
}

// A writer is killed 200 times, or as often as HOPNHAT_KILLS says, at random: the
// file opens, the chain holds, every acknowledged event is there.
func TestKilledWriter(t *testing.T) {
	kills := 200
	if testing.Short() {
		kills = 20
	}
	if n, err := strconv.Atoi(os.Getenv("HOPNHAT_KILLS")); err == nil {
		kills = n
	}
	path := filepath.Join(t.TempDir(), "book.db")
	rng := rand.New(rand.NewPCG(5, 6))
	var acked uint64
	for round := range kills {
		cmd, lines := child(t, path, 0)
		// Killed after a random number of acknowledgements, and a random part of
		// the time that one takes: anywhere in a write. Some die while they open.
		stop := rng.IntN(12)
		wait := time.Duration(rng.IntN(4000)) * time.Microsecond
		kill := func() { time.AfterFunc(wait, func() { _ = cmd.Process.Kill() }) }
		if stop == 0 {
			kill()
		}
		ack, fault := lastAck(lines, func(n int) {
			if n == stop {
				kill()
			}
		})
		_ = cmd.Wait()
		if fault != "" {
			t.Fatalf("round %d: the writer could not open or write: %s", round, fault)
		}
		acked = max(acked, ack)
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			continue // killed before there was a file
		}
		end, err := Check(path)
		if err != nil || end.Revision < acked {
			t.Fatalf("round %d: %d events after %d were acknowledged; %v", round, end.Revision, acked, err)
		}
	}
	if acked == 0 {
		t.Error("no writer came to write")
	}
	t.Logf("%d kills, %d events acknowledged", kills, acked)
}

// A compaction that is killed leaves the old file or the new one, whole.
func TestKilledCompaction(t *testing.T) {
	path := filepath.Join(t.TempDir(), "book.db")
	all := fill(t, path, 300, 1)
	rng := rand.New(rand.NewPCG(7, 8))
	for round := range 8 {
		cmd, lines := child(t, path, "compact")
		wait := time.Duration(rng.IntN(12000)) * time.Microsecond
		killed := false
		_, fault := lastAck(lines, func(int) {
			if !killed {
				killed = true
				time.AfterFunc(wait, func() { _ = cmd.Process.Kill() })
			}
		})
		_ = cmd.Wait()
		if got, err := contents(t, path); fault != "" || err != nil || !same(got, all) {
			t.Fatalf("round %d: %d records, want %d; %v, %s", round, len(got), len(all), err, fault)
		}
	}
}

// A disk that takes no page beyond some place: a change then fails at its first
// page, in its middle or at its last. It is an error, and what was acknowledged
// is there.
func TestFullDisk(t *testing.T) {
	came := 0
	for limit := 16_384; limit < 180_000; limit += 9_000 {
		path := filepath.Join(t.TempDir(), "book.db")
		cmd, lines := child(t, path, limit)
		ack, fault := lastAck(lines, func(int) {})
		_ = cmd.Wait()
		if !strings.Contains(fault, "file too large") {
			t.Errorf("limit %d: %q", limit, fault)
		}
		if ack > 0 {
			came++
		}
		if end, err := Check(path); err != nil || end.Revision < ack {
			t.Errorf("limit %d: %d events after %d were acknowledged; %v", limit, end.Revision, ack, err)
		}
	}
	if came < 8 {
		t.Errorf("only %d writers came to write before the disk was full", came)
	}
}

// Another process that holds the file is named.
func TestInUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "book.db")
	cmd, lines := child(t, path, 0)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "ack") {
	}
	_, err := Open(path, Options{Wait: 50 * time.Millisecond})
	_, rerr := Restore(path, bytes.NewReader(nil))
	_ = cmd.Process.Kill()
	for lines.Scan() {
	}
	_ = cmd.Wait()
	var in *InUseError
	if !errors.As(err, &in) || in.Holder != cmd.Process.Pid || !strings.Contains(err.Error(), "in use by process") {
		t.Errorf("open while another has it: %v", err)
	}
	if !errors.As(rerr, &in) {
		t.Errorf("restore while another has it: %v", rerr)
	}
	// The lock went with the process.
	j, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, Options{}); !errors.As(err, &in) || in.Holder != os.Getpid() {
		t.Errorf("open twice: %v", err)
	}
	go func() { _ = j.Close() }()
	again, err := Open(path, Options{Wait: time.Minute}) // who waits gets it
	if err != nil {
		t.Fatal(err)
	}
	_ = again.Close()
}
