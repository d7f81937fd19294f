package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// sendUpdate sends one signed update over TCP. The code is -1 where no answer came:
// then nobody knows whether it was made.
func sendUpdate(p *peer, m *dns.Msg) int {
	m.SetTsig(updateKeyName, dns.HmacSHA256, 300, time.Now().Unix())
	c := dns.Client{Net: "tcp", Timeout: patience, TsigSecret: map[string]string{updateKeyName: updateKeySecret}}
	in, _, err := c.Exchange(m, p.addr.String())
	if err != nil || in == nil {
		return -1
	}
	return in.Rcode
}

func rr(t testing.TB, format string, args ...any) dns.RR {
	r, err := dns.NewRR(fmt.Sprintf(format, args...))
	if err != nil {
		t.Error(err) // also from goroutines
	}
	return r
}

// TestUpdateMix lets clients update, an administrator edit the file with an editor
// that was opened a while ago, and the server be told to load, while it is killed
// and started again. Then every update that was acknowledged is there, no one was
// made twice, every line of the administrator's is there, and so is every comment.
func TestUpdateMix(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const counters = 4
	text := updateZone
	for i := range counters {
		text += fmt.Sprintf("n%d IN TXT 0\n", i)
	}
	p, file := serveUpdates(t, dir, text)
	stop := make(chan struct{})
	var clients, others sync.WaitGroup

	// Each client counts: n is changed into n+1 if it is n. Where no answer came it
	// looks which of the two is there.
	acked, unknown := make([]int, counters), make([]int, counters)
	for i := range counters {
		name := fmt.Sprintf("n%d.example.vn.", i)
		clients.Go(func() {
			n := 0
			for range 120 {
				time.Sleep(time.Duration(rand.IntN(60)) * time.Millisecond)
				m := new(dns.Msg).SetUpdate("example.vn.")
				m.Used([]dns.RR{rr(t, "%s 0 TXT %d", name, n)})
				m.RemoveRRset([]dns.RR{rr(t, "%s 300 TXT 0", name)})
				m.Insert([]dns.RR{rr(t, "%s 300 TXT %d", name, n+1), rr(t, "n%d-%d.example.vn. 60 A 192.0.2.1", i, n+1)})
				switch rc := sendUpdate(p.peer, m); rc {
				case dns.RcodeSuccess:
					n++
					acked[i]++
				case -1:
					unknown[i]++
					got := -1
					for deadline := time.Now().Add(patience); got < 0 && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
						if r, err := exchange(p.addr, name, dns.TypeTXT); err == nil && len(r.Answer) == 1 {
							got, _ = strconv.Atoi(r.Answer[0].(*dns.TXT).Txt[0])
						}
					}
					if got != n && got != n+1 {
						t.Errorf("%s is %d after an update from %d that was not answered; the log:\n%s", name, got, n, p.log)
						return
					}
					n = got
				default:
					t.Errorf("%s from %d: %s", name, n, dns.RcodeToString[rc])
					return
				}
			}
		})
	}

	// The administrator: opens, waits, saves. Some raise the serial.
	lines := 0
	others.Go(func() {
		for {
			opened, err := os.ReadFile(file)
			if err != nil {
				t.Error(err)
				return
			}
			select {
			case <-stop:
				return
			case <-time.After(time.Duration(rand.IntN(1500)) * time.Millisecond):
			}
			lines++
			edited := strings.Replace(string(opened), "; the foot\n", fmt.Sprintf("hand%d\tIN A 192.0.2.200 ; line %d by hand\n; the foot\n", lines, lines), 1)
			if lines%3 == 0 {
				at := regexp.MustCompile(` hm (\d+) `).FindStringSubmatchIndex(edited)
				serial, _ := strconv.Atoi(edited[at[2]:at[3]])
				edited = edited[:at[2]] + strconv.Itoa(serial+1) + edited[at[3]:]
			}
			tmp := filepath.Join(dir, "editor")
			if err := os.WriteFile(tmp, []byte(edited), 0o644); err != nil || os.Rename(tmp, file) != nil {
				t.Error("the editor cannot save")
				return
			}
			// The administrator waits until it is loaded, as one does.
			p.signal(syscall.SIGHUP)
			for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
				if m, err := exchange(p.addr, fmt.Sprintf("hand%d.example.vn.", lines), dns.TypeA); err == nil && len(m.Answer) == 1 {
					break
				}
				if time.Now().After(deadline) {
					t.Errorf("line %d is not served; the log:\n%s", lines, p.log)
					return
				}
			}
		}
	})

	// Somebody kills the server now and then.
	kills := 0
	others.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Duration(500+rand.IntN(2000)) * time.Millisecond):
			}
			kills++
			if err := errors.Join(p.end(syscall.SIGKILL), p.begin()); err != nil {
				t.Error(err)
				return
			}
		}
	})
	clients.Wait()
	close(stop)
	others.Wait()
	if t.Failed() {
		return
	}
	t.Logf("%v acknowledged, %v without an answer, %d lines by hand, %d kills", acked, unknown, lines, kills)
	check := func(when string) {
		got := map[string]string{}
		for _, rr := range transferred(t, p.peer) {
			got[strings.TrimSuffix(rr.Header().Name, ".example.vn.")+" "+dns.TypeToString[rr.Header().Rrtype]] = strings.Trim(strings.TrimPrefix(rr.String(), rr.Header().String()), `"`)
		}
		for i := range counters {
			n, _ := strconv.Atoi(got[fmt.Sprintf("n%d TXT", i)])
			if n < acked[i] || n > acked[i]+unknown[i] {
				t.Errorf("%s: the counter %d is at %d; %d updates were acknowledged, %d not answered", when, i, n, acked[i], unknown[i])
			}
			for k := range n {
				if got[fmt.Sprintf("n%d-%d A", i, k+1)] != "192.0.2.1" {
					t.Errorf("%s: the update to %d of the counter %d is gone", when, k+1, i)
				}
			}
		}
		for k := range lines {
			if got[fmt.Sprintf("hand%d A", k+1)] == "" {
				t.Errorf("%s: line %d by hand is gone", when, k+1)
			}
		}
	}
	check("at the end")
	if err := p.end(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	kept := strings.Split(strings.TrimSuffix(updateZone, "\n"), "\n")
	for k := range lines {
		kept = append(kept, fmt.Sprintf("; line %d by hand", k+1))
	}
	for _, line := range kept {
		if _, comment, ok := strings.Cut(line, ";"); ok && !strings.Contains(string(b), ";"+comment) {
			t.Errorf("the comment %q is gone", comment)
		}
	}
	if err := p.begin(); err != nil {
		t.Fatal(err)
	}
	check("after a new start")
	if left, _ := filepath.Glob(filepath.Join(dir, ".*.new")); len(left) > kills {
		t.Errorf("%d kills left %v", kills, left)
	}
}
