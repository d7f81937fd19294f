//go:build linux

package book

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gialai.gov.vn/hopnhat/ipam"
	"gialai.gov.vn/hopnhat/ipam/journal/bolt"
)

// crowdEnv makes the test binary a client of a book file: path, seed, number of
// the client, how many calls.
const crowdEnv = "HOPNHAT_BOOK_CROWD"

// callLine is a call with its reply, as a client writes it down.
type callLine struct {
	ID, Key    string
	Start, End int64
	Kind       kind
	Block      ipam.Block
	Bits       int
	Fit        Fit
	Instant    time.Time
	Outcome    outcome
	Revision   uint64
	At         time.Time
	Changes    []stepLine
	Found      []ipam.Block
	Repeated   bool
}

type stepLine struct {
	Op              ipam.Op
	Space, FromIn   ipam.Space
	Block, FromHere ipam.Block
}

func (c call) line() callLine {
	l := callLine{c.id, c.key, c.start, c.end, c.kind, c.block, c.bits, c.fit, c.instant, c.outcome, c.revision, c.at, nil, c.found, c.repeated}
	for _, s := range c.changes {
		l.Changes = append(l.Changes, stepLine{s.Op, s.Allocation.Space, s.From.Space, s.Allocation.Block, s.From.Block})
	}
	return l
}

func (l callLine) call() call {
	c := call{
		id: l.ID, key: l.Key, start: l.Start, end: l.End, kind: l.Kind, block: l.Block, bits: l.Bits, fit: l.Fit, instant: l.Instant,
		outcome: l.Outcome, revision: l.Revision, at: l.At, found: l.Found, repeated: l.Repeated,
	}
	for _, s := range l.Changes {
		c.changes = append(c.changes, ipam.Change{
			Op: s.Op, From: ipam.Place{Space: s.FromIn, Block: s.FromHere},
			Allocation: ipam.Allocation{Place: ipam.Place{Space: s.Space, Block: s.Block}},
		})
	}
	return c
}

// monotonic is one clock for all processes of a machine, in nanoseconds.
func monotonic() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		panic(err)
	}
	return ts.Nano()
}

// TestCrowdChild is the client: for each call it opens the file, waiting for the
// others, asks, writes down what it was answered, and lets go of the file.
func TestCrowdChild(t *testing.T) {
	f := strings.Split(os.Getenv(crowdEnv), "|")
	if len(f) != 4 {
		t.Skip("a helper of the next test, nothing by itself")
	}
	seed, _ := strconv.ParseUint(f[1], 10, 64)
	client, _ := strconv.Atoi(f[2])
	each, _ := strconv.Atoi(f[3])
	w := &crowd{books: make([]*Book, 1), tick: monotonic, history: history{pool: ipam.Place{Space: "a", Block: blockAt(0, 256)}}}
	rng := rand.New(rand.NewPCG(seed, uint64(client)))
	for n := range each {
		c := w.draw(rng, client, n)
		if n%5 == 4 { // the same request as its neighbour's
			id := fmt.Sprintf("pair %d call %d", client/2, n)
			c = call{id: id, key: id, kind: next, bits: 32}
		}
		began := monotonic() // the call waits for the file too
		j, err := bolt.Open(f[0], bolt.Options{Wait: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		if w.books[0], err = Open(context.Background(), j, time.Now); err != nil {
			t.Fatal(err)
		}
		c = w.asks(t, c)
		c.start = began
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		line, err := json.Marshal(c.line())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("call %s\n", line)
	}
}

// Four processes on one file, as four people with the command: what each was
// answered fits one serial order.
func TestManyProcesses(t *testing.T) {
	const processes, each = 4, 40
	path := filepath.Join(t.TempDir(), "book.db")
	h := history{pool: ipam.Place{Space: "a", Block: blockAt(0, 256)}}
	j, err := bolt.Open(path, bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := Open(t.Context(), j, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Allocate(t.Context(), By{Who: "an", Why: "the pool"}, ipam.Allocation{Place: h.pool, Status: ipam.Active}); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	said := make([]int, processes)
	for client := range processes {
		cmd := exec.Command(os.Args[0], "-test.run=^TestCrowdChild$", "-test.v=false")
		cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s|%d|%d|%d", crowdEnv, path, 9, client, each))
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			for lines := bufio.NewScanner(out); lines.Scan(); {
				text, ok := strings.CutPrefix(lines.Text(), "call ")
				if !ok {
					continue
				}
				var l callLine
				if err := json.Unmarshal([]byte(text), &l); err != nil {
					t.Errorf("%s: %v", text, err)
				}
				mu.Lock()
				h.calls = append(h.calls, l.call())
				said[client]++
				mu.Unlock()
			}
			if err := cmd.Wait(); err != nil {
				t.Errorf("process %d: %v", client, err)
			}
		})
	}
	wg.Wait()
	for client, n := range said {
		if n != each {
			t.Errorf("process %d wrote %d of %d calls down", client, n, each)
		}
	}
	if j, err = bolt.Open(path, bolt.Options{}); err != nil {
		t.Fatal(err)
	}
	h.judge(t, j)
	if b, err = Open(t.Context(), j, time.Now); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Verify(t.Context()); err != nil {
		t.Error(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}
