//go:build linux

package book

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gialai.gov.vn/hopnhat/ipam"
	"gialai.gov.vn/hopnhat/ipam/journal/bolt"
)

// childEnv makes the test binary a program that allocates: a path, from which
// octet of the file no write goes through (0: all do), and where each client
// begins.
const childEnv = "HOPNHAT_BOOK_CHILD"

const childClients = 4

// pool8 is where the children allocate.
func pool8(t testing.TB) ipam.Place { return place(t, "10.0.0.0/8") }

// TestChild is the child process of the tests below. Each of its clients
// allocates twice, releases the first of the two, and so on, each request with a
// key, and says what was acknowledged.
func TestChild(t *testing.T) {
	fields := strings.Split(os.Getenv(childEnv), "|")
	if len(fields) != 2+childClients {
		t.Skip("a helper of the other tests, nothing by itself")
	}
	j, err := bolt.Open(fields[0], bolt.Options{})
	if err != nil {
		fmt.Println("error:", err)
		return
	}
	b, err := Open(t.Context(), j, time.Now)
	if err != nil {
		fmt.Println("error:", err)
		return
	}
	if n, _ := strconv.ParseUint(fields[1], 10, 64); n > 0 {
		signal.Ignore(syscall.SIGXFSZ)
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: n, Max: n}); err != nil {
			t.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	for client := range childClients {
		first, _ := strconv.Atoi(fields[2+client])
		wg.Go(func() { childClient(t, b, client, first) })
	}
	wg.Wait()
	// What failed is in no snapshot.
	fmt.Println("stands", b.Now().Revision())
}

func childClient(t *testing.T, b *Book, client, first int) {
	var last ipam.Place
	for n := first; ; n++ {
		by := By{Who: "child", Why: fmt.Sprintf("client %d request %d", client, n), Key: fmt.Sprintf("%d.%d", client, n)}
		var r Receipt
		var err error
		if n%3 == 2 {
			r, err = b.Release(t.Context(), by, last, false)
		} else {
			r, err = b.AllocateNext(t.Context(), by, ipam.Allocation{Status: ipam.Active}, pool8(t), 32, First)
		}
		if err != nil {
			fmt.Println("error:", err)
			return
		}
		c := r.Changes[0]
		if n%3 == 0 {
			last = c.Allocation.Place
		}
		fmt.Println("ack", client, n, r.Revision, placeOf(c).Block)
	}
}

// acked is what a child said: by client and request the revision and block.
type ackedLines map[[2]int]string

// watch runs a child, through another command if one is given, and reads what it
// says; each is called with the number of acknowledgements.
func watch(t *testing.T, path string, limit int, from [childClients]int, each func(cmd *exec.Cmd, n int), through ...string) (said ackedLines, fault string, stands uint64) {
	t.Helper()
	args := append(through[:len(through):len(through)], os.Args[0], "-test.run=^TestChild$", "-test.v=false")
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s|%d|%d|%d|%d|%d", childEnv, path, limit, from[0], from[1], from[2], from[3]))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said = ackedLines{}
	each(cmd, 0)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var client, n int
		var what string
		text := lines.Text()
		if _, err := fmt.Sscanf(text, "ack %d %d", &client, &n); err == nil && len(strings.Fields(text)) == 5 {
			what = strings.Join(strings.Fields(text)[3:], " ")
			said[[2]int{client, n}] = what
			each(cmd, len(said))
		} else if rest, ok := strings.CutPrefix(text, "error: "); ok {
			fault = rest
		} else if rest, ok := strings.CutPrefix(text, "stands "); ok {
			stands, _ = strconv.ParseUint(rest, 10, 64)
		}
	}
	_ = cmd.Wait()
	return said, fault, stands
}

// audit opens the file that a child left: the chain holds, the book folds, all
// that was said is there, no address stands twice and no key was executed twice.
func audit(t *testing.T, path string, said ackedLines) *Book {
	t.Helper()
	j, err := bolt.Open(path, bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	b, err := Open(t.Context(), j, ticking())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Verify(t.Context()); err != nil {
		t.Error(err)
	}
	byKey, held := map[string]string{}, map[ipam.Place]bool{}
	for r, err := range j.Read(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		e, err := ipam.DecodeEvent(r.Data)
		if err != nil {
			t.Fatal(err)
		}
		if len(e.Changes) != 1 {
			t.Fatalf("revision %d has %d changes", e.Revision, len(e.Changes))
		}
		p := placeOf(e.Changes[0])
		if e.Changes[0].Op == ipam.Add && held[p] || e.Changes[0].Op == ipam.Drop && !held[p] {
			t.Errorf("revision %d: %v was held: %v", e.Revision, p, held[p])
		}
		held[p] = e.Changes[0].Op == ipam.Add
		if _, twice := byKey[e.Key]; twice {
			t.Errorf("key %s was executed twice", e.Key)
		}
		byKey[e.Key] = fmt.Sprint(e.Revision, " ", p.Block)
	}
	for id, what := range said {
		if got := byKey[fmt.Sprintf("%d.%d", id[0], id[1])]; got != what {
			t.Errorf("client %d request %d was acknowledged as %s, the journal has %q", id[0], id[1], what, got)
		}
	}
	n := 0
	for a := range b.Now().All() {
		if n++; !held[a.Place] {
			t.Errorf("%v stands in the book, not in the journal", a.Place)
		}
		delete(held, a.Place)
	}
	for p, is := range held {
		if is {
			t.Errorf("%v stands in the journal, not in the book", p)
		}
	}
	return b
}

// A program is killed 200 times while its clients allocate, at random.
// HOPNHAT_KILLS sets how often.
func TestKilledWhileAllocating(t *testing.T) {
	kills := 200
	if testing.Short() {
		kills = 20
	}
	if n, err := strconv.Atoi(os.Getenv("HOPNHAT_KILLS")); err == nil {
		kills = n
	}
	path := filepath.Join(t.TempDir(), "book.db")
	rng := rand.New(rand.NewPCG(11, 12))
	all := ackedLines{}
	var from [childClients]int
	again := 0
	for round := range kills {
		stop, wait := rng.IntN(40), time.Duration(rng.IntN(3000))*time.Microsecond
		said, fault, _ := watch(t, path, 0, from, func(cmd *exec.Cmd, n int) {
			if n == stop {
				time.AfterFunc(wait, func() { _ = cmd.Process.Kill() })
			}
		})
		if fault != "" {
			t.Fatalf("round %d: %s", round, fault)
		}
		for id, what := range said {
			if old, before := all[id]; before && old != what {
				t.Errorf("round %d: client %d request %d again: %s, first %s", round, id[0], id[1], what, old)
			} else if before {
				again++
			}
			all[id] = what
			from[id[0]] = max(from[id[0]], id[1]/3*3) // asks the last ones again, by their keys
		}
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			continue // killed before there was a file
		}
		t.Run(strconv.Itoa(round), func(t *testing.T) { audit(t, path, all) })
	}
	if len(all) == 0 || again == 0 {
		t.Errorf("%d requests were acknowledged, %d of them again: nothing was tested", len(all), again)
	}
	t.Logf("%d kills, %d requests acknowledged, %d of them again", kills, len(all), again)
}

// The disk takes no page beyond some place: the change that meets it fails, in
// its middle or at its ends, and so do those after it; nothing is acknowledged
// that is not there, and the file opens whole.
func TestDiskFillsWhileAllocating(t *testing.T) {
	came := 0
	for limit := 16_384; limit < 140_000; limit += 9_000 {
		path := filepath.Join(t.TempDir(), "book.db")
		said, fault, stands := watch(t, path, limit, [childClients]int{}, func(*exec.Cmd, int) {})
		if !strings.Contains(fault, "a write failed") || stands < uint64(len(said)) {
			t.Errorf("limit %d: %q; the book stands at %d after %d acknowledgements", limit, fault, stands, len(said))
		}
		if came += min(len(said), 1); len(said) == 0 {
			continue
		}
		b := audit(t, path, said)
		// It goes on.
		if _, err := b.AllocateNext(context.Background(), by, ipam.Allocation{Status: ipam.Active}, pool8(t), 32, First); err != nil {
			t.Errorf("limit %d: after the file was opened again: %v", limit, err)
		}
	}
	if came < 5 {
		t.Errorf("only %d children came to allocate before the disk was full", came)
	}
}

// The file system fails at one call and from then on, at each in turn: writes,
// and what brings them to the disk. What was acknowledged is there, and nothing
// is acknowledged that is not.
func TestFileSystemFails(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("strace is not installed: no system call is made to fail here")
	}
	probe := exec.Command(strace, "-f", "-o", "/dev/null", "-e", "inject=getcwd:error=EIO", "true")
	if out, err := probe.CombinedOutput(); err != nil {
		t.Skipf("strace may not trace here, so no system call is made to fail: %v %s", err, out)
	}
	most := 14
	if testing.Short() {
		most = 4
	}
	opened, came := 0, 0
	for _, c := range []struct{ call, fault, says string }{
		{"pwrite64", "EIO", "input/output error"},
		{"pwrite64", "ENOSPC", "no space left on device"},
		{"fdatasync", "EIO", "input/output error"},
	} {
		for n := 1; n <= most; n++ {
			name := fmt.Sprintf("%s %d %s", c.call, n, c.fault)
			path := filepath.Join(t.TempDir(), "book.db")
			said, fault, stands := watch(t, path, 0, [childClients]int{}, func(*exec.Cmd, int) {},
				strace, "-f", "-qq", "-o", "/dev/null", "-e", "trace="+c.call, "-e", fmt.Sprintf("inject=%s:error=%s:when=%d+", c.call, c.fault, n))
			if !strings.Contains(fault, c.says) {
				t.Errorf("%s: %q after %d acknowledgements", name, fault, len(said))
			}
			if len(said) > 0 && stands < uint64(len(said)) {
				t.Errorf("%s: the book stands at %d after %d acknowledgements", name, stands, len(said))
			}
			if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
				if len(said) > 0 {
					t.Errorf("%s: no file, and %d acknowledgements", name, len(said))
				}
				continue // it failed while the file was made
			}
			opened++
			if len(said) > 0 {
				came++
			}
			t.Run(name, func(t *testing.T) {
				b := audit(t, path, said)
				if _, err := b.AllocateNext(t.Context(), by, ipam.Allocation{Status: ipam.Active}, pool8(t), 32, First); err != nil {
					t.Errorf("after the file was opened again: %v", err)
				}
			})
		}
	}
	if came == 0 || opened == came && !testing.Short() {
		t.Errorf("%d files, %d of them with acknowledgements: the failures fell at one place only", opened, came)
	}
	t.Logf("%d files, %d of them with acknowledgements", opened, came)
}
