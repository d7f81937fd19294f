package sheet

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// hostile is a file that asks for more than there is, and the finding that it gives.
type hostile struct {
	name string
	fsys func(t *testing.T) fs.FS // with the file f
	id   string
	want string
}

// parts of a workbook with one sheet.
const (
	partTypes = `<?xml version="1.0" encoding="UTF-8"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>`
	partRels  = `<?xml version="1.0" encoding="UTF-8"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/%s" Target="%s"/></Relationships>`
	partBook  = `<?xml version="1.0" encoding="UTF-8"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets>%s</sheets></workbook>`
	partSheet = `<?xml version="1.0" encoding="UTF-8"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>Tên miền</t></is></c></row>%s</sheetData>%s</worksheet>`
)

// workbook makes a workbook; its sheets are all one part.
func workbook(t testing.TB, sheets int, rows, tail string, more map[string]string) []byte {
	var list strings.Builder
	for i := range sheets {
		fmt.Fprintf(&list, `<sheet name="S%d" sheetId="%d" r:id="rId1"/>`, i, i+1)
	}
	all := map[string]string{
		"[Content_Types].xml": partTypes, "_rels/.rels": fmt.Sprintf(partRels, "officeDocument", "xl/workbook.xml"),
		"xl/workbook.xml": fmt.Sprintf(partBook, list.String()), "xl/_rels/workbook.xml.rels": fmt.Sprintf(partRels, "worksheet", "worksheets/sheet1.xml"),
		"xl/worksheets/sheet1.xml": fmt.Sprintf(partSheet, rows, tail),
	}
	for name, text := range more {
		all[name] = text
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range all {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// crafted is such a workbook as a file.
func crafted(sheets int, rows, tail string, more map[string]string) func(t *testing.T) fs.FS {
	return func(t *testing.T) fs.FS { return text(string(workbook(t, sheets, rows, tail, more)))(t) }
}

// rowsOf repeats a row; %d is its number.
func rowsOf(n int, row string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.ReplaceAll(row, "%d", fmt.Sprint(i+2)))
	}
	return b.String()
}

// bomb is a workbook whose sheet unpacks to 2 GiB; the directory says so, or lies.
func bomb(claims uint64) func(t *testing.T) fs.FS {
	return func(t *testing.T) fs.FS {
		var b bytes.Buffer
		w, err := flate.NewWriter(&b, flate.BestCompression)
		if err != nil {
			t.Fatal(err)
		}
		block := bytes.Repeat([]byte("<!-- -->"), 1<<17) // 1 MiB
		var ends []int
		for range 3 {
			if _, err := w.Write(block); err != nil {
				t.Fatal(err)
			}
			if err := w.Flush(); err != nil {
				t.Fatal(err)
			}
			ends = append(ends, b.Len())
		}
		one := b.Bytes()[ends[1]:ends[2]] // a block behind its like, again and again
		path := filepath.Join(t.TempDir(), "f")
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		z := zip.NewWriter(f)
		raw, err := z.CreateRaw(&zip.FileHeader{Name: "xl/worksheets/sheet1.xml", Method: zip.Deflate, UncompressedSize64: claims, CompressedSize64: uint64(ends[1] + 2046*len(one))})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range [][]byte{b.Bytes()[:ends[1]], bytes.Repeat(one, 2046)} {
			if _, err := raw.Write(p); err != nil {
				t.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return os.DirFS(filepath.Dir(path))
	}
}

// sparse is a file of 2 GiB that takes no room on the disk.
func sparse(head string) func(t *testing.T) fs.FS {
	return func(t *testing.T) fs.FS {
		path := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(path, []byte(head), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, 2<<30); err != nil {
			t.Fatal(err)
		}
		return os.DirFS(filepath.Dir(path))
	}
}

// text is a text file.
func text(s string) func(t *testing.T) fs.FS {
	return func(t *testing.T) fs.FS {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "f"), []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
		return os.DirFS(dir)
	}
}

func hostiles() []hostile {
	merges := func(n int, ref func(i int) string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `<mergeCell ref="%s"/>`, ref(i))
		}
		return "<mergeCells>" + b.String() + "</mergeCells>"
	}
	return []hostile{
		{"a zip bomb of 2 GiB", bomb(2 << 30), "T-LIMIT", "unpacks to more than"},
		{"a zip bomb that lies", bomb(4 << 20), "T-FORMAT", "damaged"},
		{"a workbook of 2 GiB", sparse("PK\x03\x04"), "T-LIMIT", "more than 67108864 octets"},
		{"a text of 2 GiB", sparse("Tên miền;IP\n"), "T-LIMIT", "more than 67108864 octets"},
		{"a billion rows of text", func(*testing.T) fs.FS { return endless{os.DirFS("testdata")} }, "T-LIMIT", "more than 67108864 octets"},
		{"rows of text", text(strings.Repeat("a,b\n", 10<<20)), "T-LIMIT", "more than 200000 rows"},
		{"empty rows of text", text(strings.Repeat("\n", 16<<20)), "", ""},
		{"a line of separators", text(strings.Repeat(",", 60<<20)), "", ""},
		{"a cell of 60 MiB", text(`"` + strings.Repeat("x\n", 30<<20) + `"`), "", ""},
		{"quotes in a quote", text(`"` + strings.Repeat(`""`, 30<<20)), "T-QUOTE", "not closed"},
		{"marks on one letter", text("a" + strings.Repeat("\u0301", 8<<20)), "", ""},
		{"cells of one row", crafted(1, `<row r="2">`+strings.Repeat("<c/>", 2<<20)+"</row>", "", nil), "T-LIMIT", "cells"},
		{"rows at the far right", crafted(1, rowsOf(20_000, `<row r="%d"><c r="XFD%d"/></row>`), "", nil), "T-LIMIT", "empty ones before the last of each row"},
		{"rows at the far right, written otherwise", crafted(1, rowsOf(20_000, `<x:row x:r=" %d "><c r="a1" r="$xf&#68;$%d"/></x:row>`), "", nil), "T-LIMIT", "empty ones before the last of each row"},
		{"rows without a number", crafted(1, strings.Repeat("<row/>", 10<<20), "", nil), "T-LIMIT", "without a number"},
		{"rows of one number", crafted(1, strings.Repeat(`<row r="1"/>`, 1<<20), "", nil), "T-LIMIT", "without a number"},
		{"empty rows", crafted(1, rowsOf(1<<20-2, `<row r="%d"/>`), "", nil), "", ""},
		{"the last row in many sheets", crafted(40, `<row r="1048576"/>`, "", nil), "T-LIMIT", "hold too much"},
		{"merged areas", crafted(1, "", merges(20_000, func(i int) string { return fmt.Sprintf("C%d:D%d", i*3+3, i*3+4) }), nil), "T-LIMIT", "merged areas"},
		{"one merged area over all", crafted(1, rowsOf(5000, `<row r="%d"><c r="A%d"><v>1</v></c></row>`), merges(1, func(int) string { return "A2:XFD1048576" }), nil), "T-LIMIT", "cells"},
		{"merged areas over each other", crafted(1, `<row r="1048576"/>`, merges(10_000, func(i int) string { return fmt.Sprintf("C%d:D%d", 10_001-i, 10_002-i) }), nil), "", ""},
		{"shared strings", crafted(1, "", "", map[string]string{"xl/sharedStrings.xml": "<sst>" + strings.Repeat("<si/>", 6<<20) + "</sst>"}), "T-LIMIT", "elements"},
		{"styles", crafted(1, "", "", map[string]string{"xl/styles.xml": "<styleSheet><cellXfs>" + strings.Repeat("<xf/>", 6<<20) + "</cellXfs></styleSheet>"}), "T-LIMIT", "elements"},
		{"a part of another encoding", crafted(1, "", "", map[string]string{"xl/worksheets/sheet1.xml": `<?xml version="1.0" encoding="windows-1252"?><worksheet/>`}), "T-FORMAT", "UTF-8"},
		{"as much as may be", crafted(1, rowsOf(99_000, `<row r="%d"><c r="A%d"><v>1</v></c><c r="B%d"><v>2</v></c><c r="J%d"><v>3</v></c></row>`), "", nil), "", ""},
	}
}

// mostMemory is what a reading may take, in octets, whatever the file is.
const mostMemory = 1 << 30

// TestHostile reads each file in a process of its own: it ends with an error,
// or with what is there, and the process never had more than mostMemory.
func TestHostile(t *testing.T) {
	if name, ok := os.LookupEnv("HOPNHAT_HOSTILE"); ok {
		readHostile(t, name)
		return
	}
	if raced {
		t.Skip("the race detector takes a multiple of the memory, and nothing here runs beside anything: not under it")
	}
	for _, h := range hostiles() {
		t.Run(h.name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "-test.run=^TestHostile$", "-test.v")
			cmd.Env = append(os.Environ(), "HOPNHAT_HOSTILE="+h.name, "HOPNHAT_HOSTILE_DIR="+dirOf(t, h))
			out, err := cmd.CombinedOutput()
			_, said, _ := strings.Cut(string(out), "said: ")
			said, _, _ = strings.Cut(said, "\n")
			if err != nil || h.id == "" && said != "a book" || h.id != "" && (!strings.Contains(said, h.want) || !strings.HasSuffix(said, "["+h.id+"]")) {
				t.Errorf("%v: %.2000s", err, out)
			}
			peak := peakOf(string(out))
			t.Logf("%s; %d MiB", said, peak>>20)
			if peak <= 0 || peak > mostMemory {
				t.Errorf("%d octets of memory, more than %d", peak, mostMemory)
			}
		})
	}
}

// dirOf makes the file, so that making it is not measured.
func dirOf(t *testing.T, h hostile) string {
	fsys := h.fsys(t)
	if _, ok := fsys.(endless); ok {
		return ""
	}
	return fmt.Sprint(fsys)
}

// readHostile is the process that reads.
func readHostile(t *testing.T, name string) {
	var fsys fs.FS = endless{os.DirFS(".")}
	file := "doc.go"
	if dir := os.Getenv("HOPNHAT_HOSTILE_DIR"); dir != "" {
		fsys, file = os.DirFS(dir), "f"
	}
	b, finds := Read(fsys, file, Options{})
	said := "a book"
	if b == nil {
		said = ""
		for _, f := range finds {
			if s := f.String(); f.Severity.String() == "error" {
				said, _, _ = strings.Cut(s, "\n")
			}
		}
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, peak, _ := strings.Cut(string(status), "VmHWM:")
	peak, _, _ = strings.Cut(peak, "kB")
	fmt.Printf("said: %.500s\npeak: %s\n", said, strings.TrimSpace(peak))
}

func peakOf(out string) (octets int64) {
	_, rest, _ := strings.Cut(out, "peak: ")
	_, _ = fmt.Sscan(rest, &octets)
	return octets << 10
}
