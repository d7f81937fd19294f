package listen

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gialai.gov.vn/hopnhat/resolver"
)

// alive is how long a test waits for what takes milliseconds.
const alive = 20 * time.Second

// childVariable makes this test binary a program that opens a Server on the
// address in it and says how that went; with "hold " before, until its input ends.
const childVariable = "HOPNHAT_LISTEN_TEST_CHILD"

func TestMain(m *testing.M) {
	if work := os.Getenv(childVariable); work != "" {
		os.Exit(child(work))
	}
	goleak.VerifyTestMain(m)
}

func child(work string) int {
	addr, hold := strings.CutPrefix(work, "hold ")
	if a, ok := strings.CutPrefix(addr, "no-ipv6 "); ok {
		addr = a
		for _, f := range []string{"all", "default", "lo"} {
			if err := os.WriteFile("/proc/sys/net/ipv6/conf/"+f+"/disable_ipv6", []byte("1"), 0); err != nil {
				fmt.Println("cannot switch IPv6 off:", err)
				return 1
			}
		}
	}
	s, err := Open(addr, echo, Options{})
	if err != nil {
		fmt.Println(err)
		return 0
	}
	fmt.Println("open", s.Addr())
	if hold {
		_, _ = io.Copy(io.Discard, os.Stdin)
	}
	_ = s.Close(context.Background())
	return 0
}

// childCommand runs child in a copy of the test binary that any user may start.
func childCommand(t *testing.T, work string, attr *syscall.SysProcAttr) *exec.Cmd {
	t.Helper()
	dir, err := os.MkdirTemp("", "hopnhat")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o755))
	self, err := os.Executable()
	must(t, err)
	program := filepath.Join(dir, "listen.test")
	b, err := os.ReadFile(self)
	must(t, err)
	must(t, os.WriteFile(program, b, 0o755))
	c := exec.Command(program)
	c.Dir = "/"
	c.Env = append(os.Environ(), childVariable+"="+work)
	c.SysProcAttr = attr
	return c
}

type handlerFunc func(dst, msg []byte, from resolver.Peer) []byte

func (f handlerFunc) Handle(dst, msg []byte, from resolver.Peer) []byte { return f(dst, msg, from) }

// echo answers a whole header that is no response with the same message, QR set.
var echo = handlerFunc(func(dst, msg []byte, _ resolver.Peer) []byte {
	if len(msg) < 12 || msg[2]&0x80 != 0 {
		return dst
	}
	n := len(dst)
	dst = append(dst, msg...)
	dst[n+2] |= 0x80
	return dst
})

// query is a message of the given length (12 or more) that is told from others by id.
func query(id uint16, length int) []byte {
	q := make([]byte, length)
	binary.BigEndian.PutUint16(q, id)
	for i := 12; i < length; i++ {
		q[i] = byte(i) ^ byte(id)
	}
	return q
}

func answered(q []byte) []byte { return echo(nil, q, resolver.Peer{}) }

func framed(msgs ...[]byte) []byte {
	var out []byte
	for _, m := range msgs {
		out = append(binary.BigEndian.AppendUint16(out, uint16(len(m))), m...)
	}
	return out
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// start runs a Server on addr for the length of the test. Errors that it
// reports fail the test, unless o hears them.
func start(t testing.TB, addr string, h resolver.Handler, o Options) *Server {
	t.Helper()
	if o.OnError == nil {
		o.OnError = func(err error) { t.Errorf("server: %v", err) }
	}
	s, err := Open(addr, h, o)
	must(t, err)
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), alive)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			t.Errorf("Close: %v", err)
		}
		if err := <-served; err != nil && !errors.Is(err, ErrClosed) {
			t.Errorf("Serve: %v", err)
		}
	})
	return s
}

func dialTCP(t testing.TB, to netip.AddrPort) *net.TCPConn {
	t.Helper()
	c, err := net.DialTCP("tcp", nil, net.TCPAddrFromAddrPort(to))
	must(t, err)
	t.Cleanup(func() { _ = c.Close() })
	must(t, c.SetDeadline(time.Now().Add(alive)))
	return c
}

func readFrame(r io.Reader) ([]byte, error) {
	var l [2]byte
	if _, err := io.ReadFull(r, l[:]); err != nil {
		return nil, err
	}
	b := make([]byte, binary.BigEndian.Uint16(l[:]))
	_, err := io.ReadFull(r, b)
	return b, err
}

func wantFrame(t testing.TB, r io.Reader, want []byte) {
	t.Helper()
	got, err := readFrame(r)
	must(t, err)
	if !slices.Equal(got, want) {
		t.Fatalf("answer of %d octets %.40x…, want %d octets %.40x…", len(got), got, len(want), want)
	}
}

// askTCP proves that the server answers a new connection.
func askTCP(t testing.TB, to netip.AddrPort) {
	t.Helper()
	c := dialTCP(t, to)
	defer c.Close()
	q := query(7, 30)
	_, err := c.Write(framed(q))
	must(t, err)
	wantFrame(t, c, answered(q))
}

func askUDP(t testing.TB, to netip.AddrPort, q []byte) []byte {
	t.Helper()
	b, err := exchange(to, q)
	if err != nil {
		t.Fatalf("no answer from %v: %v", to, err)
	}
	return b
}

// exchange asks by UDP from a socket that hears only the address asked. It asks
// once: trying again would hide an answer that left from elsewhere.
func exchange(to netip.AddrPort, q []byte) ([]byte, error) {
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(alive)); err != nil {
		return nil, err
	}
	if _, err := c.Write(q); err != nil {
		return nil, err
	}
	b := make([]byte, maxMessage)
	n, err := c.Read(b)
	return b[:n], err
}

// firstLine starts c and returns its first line of output; the test's end ends c.
func firstLine(t *testing.T, c *exec.Cmd) string {
	t.Helper()
	in, err := c.StdinPipe()
	must(t, err)
	out, err := c.StdoutPipe()
	must(t, err)
	must(t, c.Start())
	t.Cleanup(func() { _ = in.Close(); _ = c.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	must(t, err)
	return strings.TrimSuffix(line, "\n")
}
