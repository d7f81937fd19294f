package history_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"testing"

	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/history"
)

// FuzzOpen damages the folder of a life by a row of steps of four octets and a
// tail of text. Whatever was done, opening ends, what it gives out is what was
// recorded or refused, and the history can be added to. Lines that are forged
// with their digests may say anything but must not break it.
func FuzzOpen(f *testing.F) {
	base, m := lived(f)
	files := base.Files()
	names := slices.Sorted(maps.Keys(files))
	f.Add([]byte{0, 0, 0, 9}, "")
	f.Add([]byte{1, 3, 0, 0, 1, 1, 0, 0}, "")
	f.Add([]byte{2, 4, 1, 7, 3, 4, 0, 200}, "torn")
	f.Add([]byte{4, 0, 0, 0, 1, 0, 0, 0}, "zones/internet~gialai.gov.vn/4.zone")
	f.Add([]byte{5, 0, 0, 0}, `{"line":14,"event":{"n":9,"kind":"x","zones":[{"zone":"vn.","view":"internet","n":3}]}}`)
	f.Add([]byte{5, 0, 0, 0}, `{"line":2147483647,"version":{"zone":"vn.","view":"i","n":2147483647,"base":7,"content":"00"}}`)
	f.Add([]byte{5, 0, 0, 0}, `{"line":14,"file":{"of":"consolidation.yaml","n":2147483647,"in":"1-2"}}`)
	f.Fuzz(func(t *testing.T, steps []byte, text string) {
		if len(steps) > 64 || len(text) > 1<<12 {
			return
		}
		fsys, changed, forged := base.Clone(), false, false
		for ; len(steps) >= 4; steps = steps[4:] {
			name := names[int(steps[1])%len(names)]
			b, at := fsys.Files()[name], int(steps[2])<<8|int(steps[3])
			switch steps[0] % 6 {
			case 0:
				if len(b) > 0 {
					b[at%len(b)] ^= steps[2] | 1
					fsys.Put(name, b)
				}
			case 1:
				fsys.Delete(name)
			case 2:
				fsys.Put(name, b[:min(at, len(b))])
			case 3:
				at = min(at, len(b))
				fsys.Put(name, slices.Concat(b[:at], []byte(text), b[at:]))
			case 4:
				if folder := base.Folders(); len(text) < 200 && isName(text) && !slices.Contains(folder, text) && !slices.Contains(names, text) {
					fsys.Put(text, b)
				}
			case 5:
				h := sha256.Sum256([]byte(text))
				fsys.Put("log", fmt.Appendf(fsys.Files()["log"], "%s %s\n", hex.EncodeToString(h[:16]), text))
				forged = true
			}
		}
		for name, b := range files {
			is, there := fsys.Files()[name]
			changed = changed || !there || !bytes.Equal(is, b)
		}
		h, fs, err := history.Open(fsys)
		if err != nil {
			if !forged {
				t.Fatal(err)
			}
			return
		}
		served(h)
		h.FileVersions(fileName)
		if forged {
			// The forged line may name anything; what it names is refused or whole.
			_ = goesOn(t, fsys, h)
			return
		}
		if changed && finding.Worst(fs) < finding.Warning {
			t.Fatalf("nothing is found: %v", fs)
		}
		if !changed && finding.Failed(fs) {
			t.Fatalf("damage is found where there is none: %v", fs)
		}
		if err := right(h, m); err != nil {
			t.Fatal(err)
		}
		if err := goesOn(t, fsys, h); err != nil {
			t.Fatal(err)
		}
	})
}

// isName tells whether a file can be put there without one standing in its way.
func isName(s string) bool {
	return s != "" && s[0] != '/' && !bytes.ContainsAny([]byte(s), "\x00") && !bytes.Contains([]byte(s), []byte("//")) && s[len(s)-1] != '/' &&
		!bytes.Contains([]byte("/"+s+"/"), []byte("/../")) && !bytes.Contains([]byte("/"+s+"/"), []byte("/./")) &&
		s != "zones" && s != "files" && s != "log" && s != "head" && !bytes.HasPrefix([]byte(s), []byte("log/")) && !bytes.HasPrefix([]byte(s), []byte("head/"))
}
