package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// ipRun runs a command of the book and gives its standard output.
func ipRun(t *testing.T, bin, book string, args ...string) string {
	t.Helper()
	cmd := exec.Command(bin, append([]string{"ip", "--book", book}, args...)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %v\n%s", args, err, errs.String())
	}
	return out.String()
}

// TestBookProcesses: four processes at a time allocate from one pool of one
// file. No address is given twice, every one that was acknowledged is there, and
// each holds what its process asked for. One that will not wait is told who has it.
func TestBookProcesses(t *testing.T) {
	t.Parallel()
	bin := hopnhat(t)
	book := filepath.Join(t.TempDir(), "addresses.db")
	ipRun(t, bin, book, "allocate", "10.0.0.0/24", "--why", "pool")
	const processes, each = 4, 12
	given := make([][]string, processes)
	var wg sync.WaitGroup
	for p := range processes {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range each {
				cmd := exec.Command(bin, "ip", "--book", book, "--wait", "100s", "--json", "allocate", "--from", "10.0.0.0/24", "--why", "x", "--unit", fmt.Sprintf("p%d-%d", p, i))
				out, err := cmd.Output()
				if err != nil {
					t.Errorf("process %d: %v", p, err)
					return
				}
				var v struct {
					Changes []struct {
						Allocation struct{ Block, Unit string }
					}
				}
				if err := json.Unmarshal(out, &v); err != nil || len(v.Changes) != 1 || v.Changes[0].Allocation.Unit != fmt.Sprintf("p%d-%d", p, i) {
					t.Errorf("%v: %s", err, out)
					return
				}
				given[p] = append(given[p], v.Changes[0].Allocation.Block+" "+v.Changes[0].Allocation.Unit)
			}
		}()
	}
	wg.Wait()
	all := slices.Concat(given...)
	blocks := map[string]bool{}
	for _, g := range all {
		b, _, _ := strings.Cut(g, " ")
		if blocks[b] {
			t.Errorf("%s was given twice", b)
		}
		blocks[b] = true
	}
	if len(all) != processes*each {
		t.Fatalf("%d of %d acknowledged", len(all), processes*each)
	}
	var kept struct {
		Allocations []struct{ Block, Unit string }
	}
	if err := json.Unmarshal([]byte(ipRun(t, bin, book, "--json", "export", "-")), &kept); err != nil {
		t.Fatal(err)
	}
	have := map[string]bool{}
	for _, a := range kept.Allocations {
		have[a.Block+" "+a.Unit] = true
	}
	for _, g := range all {
		if !have[g] {
			t.Errorf("%s was acknowledged and is not in the book", g)
		}
	}
	ipRun(t, bin, book, "check")

	// A process that has the file open, and one that does not wait.
	lock := exec.Command("flock", book+".lock", "sh", "-c", "echo ready; read x")
	in, _ := lock.StdinPipe()
	out, _ := lock.StdoutPipe()
	if err := lock.Start(); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 6)
	if _, err := out.Read(buf); err != nil {
		t.Fatal(err)
	}
	late := exec.Command(bin, "ip", "--book", book, "--wait", "0s", "allocate", "--from", "10.0.0.0/24", "--why", "x")
	msg, err := late.CombinedOutput()
	if err == nil || !strings.Contains(string(msg), "is in use by") || !strings.Contains(string(msg), "stop it first") {
		t.Errorf("%v: %s", err, msg)
	}
	_ = in.Close()
	_ = lock.Wait()
}

// TestSheetsLibreOffice: an export goes through LibreOffice as a workbook, as an
// OpenDocument table and as text, and comes back as the same book; a table that
// LibreOffice made of what a clerk typed is read.
func TestSheetsLibreOffice(t *testing.T) {
	t.Parallel()
	office, err := exec.LookPath("soffice")
	if err != nil {
		t.Skip("soffice is not installed: no table goes through LibreOffice here")
	}
	bin := hopnhat(t)
	dir := t.TempDir()
	book := filepath.Join(dir, "a.db")
	convert := func(from, to string, filter ...string) string {
		t.Helper()
		out := filepath.Join(dir, to+"-out")
		args := append([]string{"--headless", "-env:UserInstallation=file://" + dir + "/profile"}, filter...)
		args = append(args, "--convert-to", to, "--outdir", out, from)
		if msg, err := exec.Command(office, args...).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, msg)
		}
		ext, _, _ := strings.Cut(to, ":")
		return filepath.Join(out, strings.TrimSuffix(filepath.Base(from), filepath.Ext(from))+"."+ext)
	}
	clerk := filepath.Join(dir, "clerk.csv")
	text := "QUY HOẠCH ĐỊA CHỈ IP;;;;;\r\n;;;;;\r\nSTT;Dải địa chỉ;Mặt nạ;Mã định danh;Đơn vị;Trạng thái;Tên miền;Từ ngày;Ghi chú\r\n" +
		"1;10.1.2.0;255.255.255.0;H21.10;Sở Y tế;đang dùng;syt.gialai.gov.vn;1/9/2025;=1+1\r\n" +
		"2;10.1.3.10 - 10.1.3.20;;000.00.11.H21;Sở Nội vụ;dự phòng;;;Đắk Đoa\r\n" +
		"3;2001:0DB8::/48;;H21;UBND tỉnh;quy hoạch;;;\r\n4;10.1.4.7/32;;;Camera;đang dùng;;;\r\n"
	if err := os.WriteFile(clerk, []byte("\ufeff"+text), 0o600); err != nil {
		t.Fatal(err)
	}
	sheet := convert(clerk, "xlsx", "--infilter=CSV:59,34,76,1,,1066,false,true") // ; and ", UTF-8, read as Vietnamese, dates are made dates
	ipRun(t, bin, book, "import", sheet)
	if got := ipRun(t, bin, book, "find", "so y te"); !strings.Contains(got, "10.1.2.0/24 in tslcd: active, H21.10 Sở Y tế (syt.gialai.gov.vn)") {
		t.Errorf("%s", got)
	}
	want := ipRun(t, bin, book, "--json", "export", "-")
	if !strings.Contains(want, `"since": "2025-09-01"`) {
		t.Errorf("the day is another: %s", want)
	}
	xlsx := filepath.Join(dir, "export.xlsx")
	ipRun(t, bin, book, "export", xlsx)
	for name, file := range map[string]string{
		"as it was written": xlsx,
		"through ods":       convert(convert(xlsx, "ods"), "xlsx"),
		"through text":      convert(xlsx, "csv:Text - txt - csv (StarCalc):59,34,76,1"),
	} {
		if got := ipRun(t, bin, book, "import", file); !strings.Contains(got, "0 come, 0 go, 0 change, 4 stay; nothing was written") {
			t.Errorf("%s: %s", name, got)
		}
		fresh := filepath.Join(t.TempDir(), "b.db")
		ipRun(t, bin, fresh, "import", file)
		if got := ipRun(t, bin, fresh, "--json", "export", "-"); got != want {
			t.Errorf("%s: the book is another:\n%s\nwant\n%s", name, got, want)
		}
	}
}

// TestBookPast: show, tree, find and export answer for an instant between two
// changes as they did then.
func TestBookPast(t *testing.T) {
	bin := hopnhat(t)
	book := filepath.Join(t.TempDir(), "addresses.db")
	ipRun(t, bin, book, "allocate", "10.1.2.0/24", "--unit", "Sở Cũ", "--why", "x")
	then := map[string]string{}
	looks := map[string][]string{
		"show": {"show", "10.1.2.7"}, "tree": {"tree"}, "find": {"find", "10.1.2.7"}, "export": {"export", "-"}, "json": {"--json", "tree"},
		"audit": {"history"},
	}
	for name, args := range looks {
		then[name] = ipRun(t, bin, book, args...)
	}
	between := time.Now()
	ipRun(t, bin, book, "assign", "10.1.2.0/24", "--unit", "Sở Mới", "--why", "x")
	ipRun(t, bin, book, "allocate", "10.1.2.7", "--why", "x")
	for name, args := range looks {
		at := append(slices.Clone(args), "--at", between.Format(time.RFC3339Nano))
		if got := ipRun(t, bin, book, at...); got != then[name] || strings.Contains(got, "Mới") || !strings.Contains(got, "10.1.2.0/24") {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, then[name])
		}
		if got := ipRun(t, bin, book, args...); got == then[name] {
			t.Errorf("%s does not tell now from then", name)
		}
	}
	// Of a block: what stood then, and what ended it.
	got := ipRun(t, bin, book, "history", "10.1.2.0/24", "--at", between.Format(time.RFC3339Nano))
	if !strings.Contains(got, "Sở Cũ") || !strings.Contains(got, "until revision 2") || strings.Contains(got, "Sở Mới") || strings.Contains(got, "10.1.2.7") {
		t.Errorf("history of the block:\n%s", got)
	}
	if got := ipRun(t, bin, book, "history", "10.1.2.0/24", "--at", "1/1/2000"); !strings.HasPrefix(got, "10.1.2.0/24 in tslcd: nothing stood there at 2000-01-01") {
		t.Errorf("history before all: %s", got)
	}
}
