//go:build linux

package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// liveness ends a test that hangs.
const liveness = 2 * time.Minute

// askEnv makes the test's own program, run as another user, ask one server.
const askEnv = "HOPNHAT_TEST_ASK"

func TestMain(m *testing.M) {
	if path := os.Getenv(askEnv); path != "" {
		raw, err := call(path, StatusCommand, Nothing{})
		fmt.Printf("answer %s\nerror %v\nnot permitted %t\n", raw, err, errors.Is(err, ErrNotPermitted))
		return
	}
	goleak.VerifyTestMain(m)
}

func call(path, command string, args any) (json.RawMessage, error) {
	ctx, stop := context.WithTimeout(context.Background(), liveness)
	defer stop()
	r, err := NewRequest(command, args)
	if err != nil {
		return nil, err
	}
	return Call(ctx, path, r, nil)
}

// handlerFunc is a Handler of one function.
type handlerFunc func(ctx context.Context, p Peer, r Request, say func(string)) (any, error)

func (f handlerFunc) Handle(ctx context.Context, p Peer, r Request, say func(string)) (any, error) {
	return f(ctx, p, r, say)
}

// mirror answers who asked for what.
func mirror(_ context.Context, p Peer, r Request, _ func(string)) (any, error) {
	return map[string]any{"uid": p.UID, "user": p.User, "command": r.Command, "args": r.Args}, nil
}

func nobodyElse() gate {
	return gate{own: os.Geteuid(), gid: none, accounts: accounts{
		name:   func(uid int) string { return fmt.Sprintf("u%d", uid) },
		groups: func(int) []int { return nil },
	}}
}

// log is a buffer for several goroutines.
type log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func start(t *testing.T, path string, g gate, h handlerFunc, lim limits) (*Server, *log) {
	t.Helper()
	l := &log{}
	s, err := listen(path, g, h, l, lim)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, l
}

// TestCall: a request, its progress, its answer and its error come through.
func TestCall(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control.sock")
	_, told := start(t, path, nobodyElse(), func(_ context.Context, p Peer, r Request, say func(string)) (any, error) {
		a, err := Args[Reason](r)
		if err != nil {
			return nil, err
		}
		if r.Command == AbortCommand {
			return nil, errors.New("nothing is scheduled: " + a.Why)
		}
		for i := range 3 {
			say(fmt.Sprintf("step %d\nof 3", i))
		}
		return Status{Format: StatusFormat, State: Waiting, Server: p.PID}, nil
	}, usual())
	var said []string
	r, err := NewRequest(NowCommand, Reason{Why: "người trực đã đồng ý"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(context.Background(), liveness)
	defer stop()
	raw, err := Call(ctx, path, r, func(s string) { said = append(said, s) })
	if err != nil {
		t.Fatal(err)
	}
	s, err := ParseStatus(raw)
	if err != nil || s.State != Waiting || s.Server != os.Getpid() {
		t.Errorf("%+v, %v", s, err)
	}
	if got := strings.Join(said, "|"); got != "step 0\nof 3|step 1\nof 3|step 2\nof 3" {
		t.Errorf("said %q", got)
	}
	_, err = call(path, AbortCommand, Reason{Why: "postponed"})
	if e := (*ServerError)(nil); !errors.As(err, &e) || e.Text != "nothing is scheduled: postponed" {
		t.Errorf("%v", err)
	}
	for _, want := range []string{"cutover.now done", "cutover.abort failed: nothing is scheduled"} {
		if !strings.Contains(told.String(), want) {
			t.Errorf("the log lacks %q:\n%s", want, told)
		}
	}
}

// TestLongPath: neither the folder's path nor the socket's name is bound to
// what an address takes.
func TestLongPath(t *testing.T) {
	for _, path := range []string{
		filepath.Join(t.TempDir(), strings.Repeat("d", 120), strings.Repeat("e", 80), "control.sock"),
		filepath.Join(t.TempDir(), strings.Repeat("s", 200)),
		filepath.Join(t.TempDir(), strings.Repeat("d", 200), strings.Repeat("s", 255)),
	} {
		s, _ := start(t, path, nobodyElse(), mirror, usual())
		if _, err := call(path, StatusCommand, Nothing{}); err != nil {
			t.Errorf("%d octets: %v", len(path), err)
		}
		if _, err := listen(path, nobodyElse(), handlerFunc(mirror), io.Discard, usual()); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("process %d", os.Getpid())) {
			t.Errorf("%d octets: a second server: %v", len(path), err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if left, _ := os.ReadDir(filepath.Dir(path)); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
		if _, err := call(path, StatusCommand, Nothing{}); !errors.Is(err, ErrNobody) {
			t.Errorf("after the end: %v", err)
		}
	}
}

// TestPlace: a dead server's socket is replaced; a live one's, and what is no
// socket, is not (ALONE).
func TestPlace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control.sock")
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	if err := dead.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := call(path, StatusCommand, Nothing{}); !errors.Is(err, ErrNobody) || !strings.Contains(err.Error(), "gone") {
		t.Errorf("a dead one: %v", err)
	}
	first, _ := start(t, path, nobodyElse(), mirror, usual())
	if _, err := Listen(path, "", handlerFunc(mirror), io.Discard); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("process %d listens there already", os.Getpid())) {
		t.Errorf("a live one: %v", err)
	}
	if _, err := call(path, StatusCommand, Nothing{}); err != nil {
		t.Errorf("the live one does not answer any more: %v", err)
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("without a group: %v, %v", st.Mode(), err)
	}
	// Somebody takes it away and another server comes: the first leaves that be.
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	second, _ := start(t, path, nobodyElse(), mirror, usual())
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	if _, err := call(path, StatusCommand, Nothing{}); err != nil {
		t.Errorf("the second: %v", err)
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(path, []byte("kept"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(path, "", handlerFunc(mirror), io.Discard); err == nil || !strings.Contains(err.Error(), "is no socket") {
		t.Errorf("a file: %v", err)
	}
	if b, err := os.ReadFile(path); string(b) != "kept" {
		t.Errorf("the file: %q, %v", b, err)
	}
}

// TestPlaceRace: of many that start at once on a dead socket one listens.
func TestPlaceRace(t *testing.T) {
	for range 10 {
		path := filepath.Join(t.TempDir(), "control.sock")
		dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
		if err != nil {
			t.Fatal(err)
		}
		dead.SetUnlinkOnClose(false)
		_ = dead.Close()
		var wg sync.WaitGroup
		won := make(chan *Server, 8)
		for range 8 {
			wg.Go(func() {
				if s, err := Listen(path, "", handlerFunc(mirror), io.Discard); err == nil {
					won <- s
				}
			})
		}
		wg.Wait()
		close(won)
		n := 0
		for s := range won {
			n++
			if _, err := call(path, StatusCommand, Nothing{}); err != nil {
				t.Error(err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
		if n != 1 {
			t.Fatalf("%d servers listen at one path", n)
		}
	}
}

// as runs the test's own program as another user, and gives what it was told.
func as(t *testing.T, path string, c syscall.Credential) string {
	t.Helper()
	ctx, stop := context.WithTimeout(context.Background(), liveness)
	defer stop()
	cmd := exec.CommandContext(ctx, "/proc/self/exe") // its folder may be closed to others
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), askEnv+"="+path)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &c}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("uid %d: %v\n%s", c.Uid, err, out)
	}
	return string(out)
}

// public is a temporary folder that all users can enter.
func public(t *testing.T) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can run programs as other users")
	}
	dir, err := os.MkdirTemp("", "control-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestPermitted: members of the group are served, others are not, by the file's
// mode and without it (PERMITTED, PEER).
func TestPermitted(t *testing.T) {
	path := filepath.Join(public(t), "control.sock")
	const group = 54321
	g := nobodyElse()
	g.gid, g.group = group, "office"
	g.groups = func(uid int) []int {
		if uid == 1002 {
			return []int{7, group}
		}
		return []int{7}
	}
	_, told := start(t, path, g, mirror, usual())
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o660 || st.Sys().(*syscall.Stat_t).Gid != group {
		t.Fatalf("%v, %v", st, err)
	}
	served := func(c syscall.Credential, want bool) string {
		t.Helper()
		got := as(t, path, c)
		if strings.Contains(got, fmt.Sprintf(`"uid":%d`, c.Uid)) != want || strings.Contains(got, "not permitted true") == want {
			t.Errorf("uid %d, gid %d, groups %d: want served %t, got:\n%s", c.Uid, c.Gid, c.Groups, want, got)
		}
		return got
	}
	served(syscall.Credential{Uid: 0, Gid: 0}, true)
	served(syscall.Credential{Uid: 65534, Gid: group}, true)                        // by its first group
	served(syscall.Credential{Uid: 1002, Gid: 1002, Groups: []uint32{group}}, true) // by another
	if got := served(syscall.Credential{Uid: 65534, Gid: 65534}, false); !strings.Contains(got, "member of the group 54321") {
		t.Errorf("does not say which group:\n%s", got)
	}
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	got := served(syscall.Credential{Uid: 65534, Gid: 65534}, false)
	if !strings.Contains(got, "u65534 may not command this server: only root, the server's own user and members of the group office may") {
		t.Errorf("got:\n%s", got)
	}
	served(syscall.Credential{Uid: 1001, Gid: 1001}, false)
	served(syscall.Credential{Uid: 1002, Gid: 1002}, true)
	if !strings.Contains(told.String(), "u1001 (uid 1001, pid ") {
		t.Errorf("the log does not name who tried:\n%s", told)
	}

	closed := filepath.Join(filepath.Dir(path), "closed.sock")
	start(t, closed, nobodyElse(), mirror, usual())
	if err := os.Chmod(closed, 0o666); err != nil {
		t.Fatal(err)
	}
	if got := as(t, closed, syscall.Credential{Uid: 65534, Gid: 0}); !strings.Contains(got, "only root and the server's own user") {
		t.Errorf("a server without a group:\n%s", got)
	}
}

// TestPeerSame: one user over two connections, as two processes, is one user.
func TestPeerSame(t *testing.T) {
	path := filepath.Join(public(t), "control.sock")
	g := nobodyElse()
	g.gid, g.group = 54321, "office"
	var mu sync.Mutex
	seen := map[int]map[int]bool{} // users, their processes
	start(t, path, g, func(_ context.Context, p Peer, _ Request, _ func(string)) (any, error) {
		mu.Lock()
		defer mu.Unlock()
		if seen[p.UID] == nil {
			seen[p.UID] = map[int]bool{}
		}
		seen[p.UID][p.PID] = true
		return p, nil
	}, usual())
	for range 2 {
		as(t, path, syscall.Credential{Uid: 1001, Gid: 54321})
	}
	as(t, path, syscall.Credential{Uid: 1002, Gid: 54321})
	if len(seen) != 2 || len(seen[1001]) != 2 || len(seen[1002]) != 1 {
		t.Errorf("%v", seen)
	}
}

// TestGroup: a group goes by its name.
func TestGroup(t *testing.T) {
	if _, err := Listen(filepath.Join(t.TempDir(), "s"), "no-such-group-here", handlerFunc(mirror), io.Discard); err == nil || !strings.Contains(err.Error(), "groupadd") {
		t.Errorf("%v", err)
	}
	name := groupName(os.Getegid())
	path := filepath.Join(t.TempDir(), "s")
	s, err := Listen(path, name, handlerFunc(mirror), io.Discard)
	if err != nil {
		t.Skipf("this process's group %s has no name here: %v", name, err)
	}
	defer s.Close()
	if raw, err := call(path, StatusCommand, Nothing{}); err != nil {
		t.Errorf("%s, %v", raw, err)
	}
}

// exchanged writes raw octets to a server, as one client after another, and
// gives what comes back until it closes.
func exchanged(t *testing.T, path, send string) string {
	t.Helper()
	c := dialed(t, path)
	defer c.Close()
	_, _ = io.WriteString(c, send) // the server may have closed already
	b, _ := io.ReadAll(c)
	return string(b)
}

func dialed(t *testing.T, path string) *net.UnixConn {
	t.Helper()
	c, err := dial(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(liveness))
	return c
}

// TestHostile: whatever a client sends, or does not, the next is served.
func TestHostile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control.sock")
	lim := usual()
	lim.request = 100 * time.Millisecond
	_, told := start(t, path, nobodyElse(), func(_ context.Context, _ Peer, r Request, _ func(string)) (any, error) {
		if r.Command == ReloadCommand {
			panic("a bug")
		}
		return "well", nil
	}, lim)
	for _, c := range []struct{ name, send, want string }{
		{"nothing", "", ""},
		{"no JSON", "GET / HTTP/1.1\n", "no JSON object"},
		{"half a line", `{"version":1,"comm`, "within 100ms"},
		{"endless", strings.Repeat("a", maxRequest+1), "longer than"},
		{"another version", `{"version":2,"command":"status","more":1}` + "\n", "speaks version 1"},
		{"an unknown command", `{"version":1,"command":"rm"}` + "\n", `no command \"rm\"`},
		{"an unknown argument", `{"version":1,"command":"status","args":{"x":1}}` + "\n", "unknown field"},
		{"no reason", `{"version":1,"command":"cutover.abort","args":{"why":"  "}}` + "\n", "needs a reason"},
		{"a short hash", `{"version":1,"command":"cutover.approve","args":{"plan":"abc"}}` + "\n", "names no plan"},
		{"a line break", `{"version":1,"command":"cutover.abort","args":{"why":"a\nb"}}` + "\n", "line break"},
		{"two requests", `{"version":1,"command":"status"}` + "\n" + `{"version":1,"command":"status"}` + "\n", "more follows"},
		{"a bug of ours", `{"version":1,"command":"reload"}` + "\n", "failed inside"},
	} {
		got := exchanged(t, path, c.send)
		if !strings.Contains(got, c.want) || strings.Contains(got, "well") || c.want == "" && got != "" {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		if raw, err := call(path, StatusCommand, Nothing{}); err != nil || string(raw) != `"well"` {
			t.Fatalf("after %s: %s, %v", c.name, raw, err)
		}
	}
	if !strings.Contains(told.String(), "a bug\ngoroutine") {
		t.Errorf("the log does not say where the bug is:\n%s", told)
	}
}

// TestCrowd: one user who opens all the connections that it may does not keep
// root out, and is told that it is too much (BOUNDED).
func TestCrowd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control.sock")
	lim := usual()
	lim.open, lim.each, lim.request = 6, 2, liveness
	g := nobodyElse()
	s, _ := start(t, path, g, mirror, lim)
	var silent []*net.UnixConn
	for range lim.open {
		silent = append(silent, dialed(t, path))
	}
	for _, c := range silent {
		defer c.Close()
	}
	for {
		s.mu.Lock()
		n := len(s.open)
		s.mu.Unlock()
		if n == lim.open {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if _, err := call(path, StatusCommand, Nothing{}); !errors.Is(err, ErrBusy) {
		t.Errorf("beyond the limit: %v", err)
	}
	_ = silent[0].Close()
	for { // until the server has seen that it went
		_, err := call(path, StatusCommand, Nothing{})
		if err == nil {
			break
		}
		if !errors.Is(err, ErrBusy) {
			t.Fatal(err)
		}
	}

	if os.Geteuid() != 0 {
		t.Skip("only root can run programs as other users: their share is not tried")
	}
	dir := public(t)
	path = filepath.Join(dir, "control.sock")
	g.gid = 54321
	hold := make(chan struct{})
	start(t, path, g, func(_ context.Context, p Peer, _ Request, _ func(string)) (any, error) {
		if p.UID == 1001 {
			<-hold
		}
		return p, nil
	}, lim)
	var wg sync.WaitGroup
	out := make(chan string, 3)
	for range 3 {
		wg.Go(func() { out <- as(t, path, syscall.Credential{Uid: 1001, Gid: 54321}) })
	}
	if got := <-out; !strings.Contains(got, "busy") { // the third; the others wait
		t.Errorf("got %s", got)
	}
	for _, uid := range []uint32{0, 1002} {
		if got := as(t, path, syscall.Credential{Uid: uid, Gid: 54321}); !strings.Contains(got, fmt.Sprintf(`"UID":%d`, uid)) {
			t.Errorf("uid %d is kept out: %s", uid, got)
		}
	}
	close(hold)
	wg.Wait()
}

// TestDeaf: a client that does not read does not hold the handler up.
func TestDeaf(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control.sock")
	lim := usual()
	lim.write = 50 * time.Millisecond
	ended := make(chan error, 1)
	start(t, path, nobodyElse(), func(ctx context.Context, _ Peer, _ Request, say func(string)) (any, error) {
		for ctx.Err() == nil { // far more than a socket's buffer takes
			say(strings.Repeat("x", 2*maxSaid))
		}
		ended <- ctx.Err()
		return nil, ctx.Err()
	}, lim)
	c := dialed(t, path)
	defer c.Close()
	if _, err := io.WriteString(c, `{"version":1,"command":"status"}`+"\n"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
	case <-time.After(liveness):
		t.Fatal("the handler is held up")
	}
}

// TestGone: who goes away takes its request back, and a server that goes away
// is no answer.
func TestGone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control.sock")
	began, ended := make(chan struct{}), make(chan struct{})
	s, _ := start(t, path, nobodyElse(), func(ctx context.Context, _ Peer, _ Request, say func(string)) (any, error) {
		began <- struct{}{}
		<-ctx.Done()
		ended <- struct{}{}
		return nil, ctx.Err()
	}, usual())
	ctx, cancel := context.WithCancel(context.Background())
	r, err := NewRequest(ScheduleCommand, Reason{})
	if err != nil {
		t.Fatal(err)
	}
	result := make(chan error, 1)
	go func() { _, err := Call(ctx, path, r, nil); result <- err }()
	<-began
	cancel()
	<-ended
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}

	// A server that ends tells so.
	go func() { _, err := Call(context.Background(), path, r, nil); result <- err }()
	<-began
	go func() { <-ended }()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := <-result; err == nil || !strings.Contains(err.Error(), "canceled") {
		t.Errorf("%v", err)
	}

	// One that is killed cannot.
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, before := range []string{"", `{"progress":"proving"}` + "\n", `{"version":1,"ans`} {
		go func() { _, err := Call(context.Background(), path, r, nil); result <- err }()
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(c, before)
		_ = c.Close()
		if err := <-result; !errors.Is(err, ErrGone) {
			t.Errorf("after %q: %v", before, err)
		}
	}
}

// FuzzParseRequest: what is taken can be written and read again, is bounded, and
// nothing panics.
func FuzzParseRequest(f *testing.F) {
	for c := range commands() {
		f.Add([]byte(`{"version":1,"command":"` + c + `","args":{"why":"x","document":"12/QD","plan":"0123456789abcdef"}}`))
		f.Add([]byte(`{"version":1,"command":"` + c + `","args":{"why":"x"}}`))
	}
	f.Add([]byte(`{"version":1,"command":"status","args":null}`))
	f.Add([]byte(`{"version":1,"VERSION":2,"command":"status"}`))
	f.Add([]byte(`{"version":1e0,"command":"status"}{`))
	f.Add(bytes.Repeat([]byte("["), 20000))
	f.Fuzz(func(t *testing.T, line []byte) {
		r, err := ParseRequest(line)
		if err != nil {
			if err.Error() == "" || len(err.Error()) > 4*maxText {
				t.Fatalf("an error of %d octets", len(err.Error()))
			}
			return
		}
		if _, ok := commands()[r.Command]; !ok || r.Version != Version {
			t.Fatalf("took %+v", r)
		}
		again, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		s, err := ParseRequest(again)
		if err != nil || s.Command != r.Command {
			t.Fatalf("%q, written as %q: %+v, %v", line, again, s, err)
		}
		if a, err := Args[Reason](r); err == nil && strings.ContainsAny(a.Why+a.Document, "\r\n\x00\x1b") {
			t.Fatalf("took a text of several lines: %q", a)
		}
	})
}

func TestNames(t *testing.T) {
	hash := strings.Repeat("0123456789abcdef", 4)
	for plan, want := range map[string]bool{
		hash: true, hash[:8]: true, hash[:7]: false, "": false, strings.ToUpper(hash[:20]): true,
		hash + "0": false, "1" + hash[:20]: false, hash[:8] + "zz": false,
	} {
		if got := (Approve{Plan: plan}).Names(hash); got != want {
			t.Errorf("%q: %t", plan, got)
		}
	}
}

// TestAlarms: the last word of the verifications counts.
func TestAlarms(t *testing.T) {
	at := func(h int) time.Time { return time.Date(2025, 9, 1, h, 0, 0, 0, time.UTC) }
	good, bad := Verified{At: at(1), OK: true}, Verified{At: at(2)}
	later := Verified{At: at(3), OK: true}
	for _, c := range []struct {
		s    Status
		want bool
	}{
		{Status{State: Waiting}, false},
		{Status{State: Held}, true},
		{Status{State: Missed}, true},
		{Status{State: Waiting, Steps: []Step{{Verified: &good}, {}}}, false},
		{Status{State: Waiting, Steps: []Step{{Verified: &good}, {Verified: &bad}}}, true},
		{Status{State: RolledBack, Steps: []Step{{Verified: &good}, {Verified: &bad}}}, false},
		{Status{State: Waiting, Steps: []Step{{Verified: &Verified{At: at(2), Released: "the prober's line was down"}}}}, false},
		{Status{State: Waiting, Steps: []Step{{Verified: &bad}, {Verified: &later}}}, false},
		{Status{State: Waiting, Steps: []Step{{Verified: &later}, {Verified: &bad}}}, false},
	} {
		if got := c.s.Alarms(); got != c.want {
			t.Errorf("%+v: %t", c.s, got)
		}
	}
}
