package history

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
)

const (
	logName   = "log"
	headName  = "head"
	zonesName = "zones"
	filesName = "files"
	wholeExt  = ".zone"
	diffExt   = ".diff"
	tmpExt    = ".tmp"
)

// maxFolder is the longest name of a folder; file systems take 255 octets.
const maxFolder = 200

// zoneFolder is the folder of a zone, below "zones": the view, "~" and the
// name, such as "internet~gialai.gov.vn".
func zoneFolder(id zones.ID) string {
	return short(escape(string(id.View), "-_") + "~" + escape(id.Origin.Text(), "-_."))
}

// fileFolder is the folder of a file's versions, below "files".
func fileFolder(name string) string {
	s := escape(name, "-_.")
	if strings.HasPrefix(s, ".") {
		s = "%2e" + s[1:]
	}
	return short(s)
}

// escape leaves small letters, digits and the octets of also as they are, and
// writes any other as "%" and two digits. So names that differ have folders
// that differ where capitals and small letters are one, too.
func escape(s, also string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || strings.IndexByte(also, c) >= 0 {
			b.WriteByte(c)
		} else {
			b.WriteString("%" + hex.EncodeToString([]byte{c}))
		}
	}
	return b.String()
}

// short cuts a folder's name that is too long and puts a digest at its end,
// behind "~~", which no other name has.
func short(s string) string {
	if len(s) <= maxFolder {
		return s
	}
	h := sha256.Sum256([]byte(s))
	return s[:maxFolder-40] + "~~" + hex.EncodeToString(h[:16])
}

// unescape is the name that fileFolder was given; false where it was cut.
func unescape(folder string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(folder); i++ {
		if folder[i] != '%' {
			b.WriteByte(folder[i])
			continue
		}
		if i+3 > len(folder) {
			return "", false
		}
		c, err := hex.DecodeString(folder[i+1 : i+3])
		if err != nil {
			return "", false
		}
		b.Write(c)
		i += 2
	}
	name := b.String()
	return name, fileFolder(name) == folder
}

// versionName is the number that a version's file has in its name: "12.zone"
// and "12.diff" have 12. Other names have none.
func versionName(name string) (n int, ok bool) {
	stem, whole := strings.CutSuffix(name, wholeExt)
	if !whole {
		var diff bool
		if stem, diff = strings.CutSuffix(name, diffExt); !diff {
			return 0, false
		}
	}
	return number(stem)
}

// number reads a number from 1 on, as it is printed.
func number(s string) (int, bool) {
	n, err := strconv.ParseInt(s, 10, 32)
	return int(n), err == nil && n > 0 && strconv.FormatInt(n, 10) == s
}

// copyName is the name of a file's version: its number and the head of its
// digest, such as "3-9f86d081884c7d65".
func copyName(n int, sum string) string { return strconv.Itoa(n) + "-" + sum[:16] }

func copyNumber(name string) (n int, ok bool) {
	stem, _, _ := strings.Cut(name, "-")
	return number(stem)
}
