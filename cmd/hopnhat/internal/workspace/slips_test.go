package workspace

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gialai.gov.vn/hopnhat/zones/finding"
)

// rest has the sections that an archive's file may leave out.
var rest = []string{
	"version: 1",
	"cutover: 2025-09-01",
	"targets: [gialai.gov.vn]",
	"people: {skhcn: Sở Khoa học và Công nghệ}",
	"documents: {kh106: Kế hoạch 106}",
	"sources: {binhdinh: {zone: binhdinh.gov.vn, file: db}}",
}

// whole adds what is missing below, so that lines keep their numbers.
func whole(s string) string {
	if strings.Contains(s, "# nothing is added") {
		return s
	}
	for _, r := range rest {
		key, _, _ := strings.Cut(r, " ")
		if !strings.HasPrefix(s, key) && !strings.Contains(s, "\n"+key) {
			s += r + "\n"
		}
	}
	return s
}

// archive is the form of txtar: a part begins with a line "-- NAME --".
func archive(t *testing.T, file string) (parts [][2]string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range strings.SplitAfter(string(data), "\n") {
		if name, ok := strings.CutPrefix(l, "-- "); ok && strings.HasSuffix(l, " --\n") {
			parts = append(parts, [2]string{strings.TrimSuffix(name, " --\n"), ""})
		} else if len(parts) > 0 {
			parts[len(parts)-1][1] += l
		}
	}
	return parts
}

func TestSlips(t *testing.T) {
	files, err := filepath.Glob("testdata/slips/*.txtar")
	if err != nil || len(files) < 3 {
		t.Fatal("archives are missing", err)
	}
	for _, file := range files {
		a := archive(t, file)
		for i := 0; i+1 < len(a); i += 2 {
			in, want := a[i], a[i+1]
			if want[0] != in[0]+".want" {
				t.Fatalf("%s: %s stands behind %s", file, want[0], in[0])
			}
			t.Run(in[0], func(t *testing.T) {
				var fs []finding.Finding
				if filepath.Base(file) == "config.txtar" {
					_, fs = readConfig("hopnhat.yaml", []byte(in[1]))
				} else {
					_, fs = readConsolidation("consolidation.yaml", []byte(whole(in[1])), nil)
				}
				hold(t, fs, strings.Split(strings.TrimSpace(want[1]), "\n"))
			})
		}
	}
}

// hold compares findings with lines "line:column ID text within".
func hold(t *testing.T, fs []finding.Finding, want []string) {
	t.Helper()
	var got []string
	for _, f := range fs {
		got = append(got, f.String())
	}
	if len(want) == 1 && want[0] == "" {
		want = nil
	}
	ok := len(fs) == len(want)
	for i := 0; ok && i < len(fs); i++ {
		place, more, _ := strings.Cut(want[i], " ")
		id, text, _ := strings.Cut(more, " ")
		f := fs[i]
		ok = fmt.Sprintf("%d:%d", f.At.Line, f.At.Column) == place && f.ID == id && strings.Contains(f.String(), text)
	}
	if !ok {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
