package sheet

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/unicode/norm"
)

// decode gives a text file's text, composed (NFC), and the name of its
// encoding. refused names an encoding that is recognised and not read.
func decode(b []byte) (text, name, refused string) {
	switch {
	case bytes.HasPrefix(b, []byte("\xef\xbb\xbf")):
		b, name = b[3:], "UTF-8 with BOM"
		if !utf8.Valid(b) {
			return "", "", "UTF-8 that is damaged"
		}
		return norm.NFC.String(string(b)), name, ""
	case bytes.HasPrefix(b, []byte("\xff\xfe")):
		return wide(b[2:], binary.LittleEndian, "UTF-16LE")
	case bytes.HasPrefix(b, []byte("\xfe\xff")):
		return wide(b[2:], binary.BigEndian, "UTF-16BE")
	}
	if n := min(len(b), 4096) &^ 1; n >= 4 {
		var zero [2]int
		for i := range n {
			if b[i] == 0 {
				zero[i&1]++
			}
		}
		switch {
		case zero[1] > n/8 && zero[0] == 0:
			return wide(b, binary.LittleEndian, "UTF-16LE")
		case zero[0] > n/8 && zero[1] == 0:
			return wide(b, binary.BigEndian, "UTF-16BE")
		}
	}
	if bytes.IndexByte(b, 0) >= 0 {
		return "", "", "no text: it holds NUL octets"
	}
	if utf8.Valid(b) {
		return norm.NFC.String(string(b)), "UTF-8", ""
	}
	vni, tcvn, cp := vniShare(b), tcvnShare(b), cp1258(b)
	switch {
	case vni >= 0.9:
		return "", "", "VNI"
	case cp.share >= 0.99 && tcvn >= 0.95:
		return "", "", "windows-1258 or TCVN3 (ABC): all letters of the file are letters in both"
	case cp.share >= 0.99:
		return cp.text, "windows-1258", ""
	case tcvn >= 0.95:
		return "", "", "TCVN3 (ABC)"
	}
	return "", "", "not known"
}

// wide decodes UTF-16, and refuses what is cut or damaged.
func wide(b []byte, order binary.ByteOrder, as string) (text, name, refused string) {
	u := make([]uint16, len(b)/2)
	for i := range u {
		u[i] = order.Uint16(b[2*i:])
	}
	runes := utf16.Decode(u)
	if len(b)%2 != 0 || slices.Contains(runes, utf8.RuneError) && !slices.Contains(u, utf8.RuneError) {
		return "", "", as + " that is damaged"
	}
	return norm.NFC.String(string(runes)), as, ""
}

// vietnamese has the letters of Vietnamese beyond ASCII, in small letters.
const vietnamese = "àảãáạăằẳẵắặâầẩẫấậđèẻẽéẹêềểễếệìỉĩíịòỏõóọôồổỗốộơờởỡớợùủũúụưừửữứựỳỷỹýỵ"

type decoded struct {
	text  string
	share float64 // of the letters beyond ASCII that Vietnamese has
}

// cp1258 reads windows-1258: some letters composed, tone marks behind.
func cp1258(b []byte) decoded {
	s, err := charmap.Windows1258.NewDecoder().Bytes(b)
	if err != nil {
		return decoded{}
	}
	text := norm.NFC.String(string(s))
	good, all := 0, 0
	for _, r := range text {
		if r < 0x80 {
			continue
		}
		switch all++; {
		case strings.ContainsRune(vietnamese, unicode.ToLower(r)), strings.ContainsRune("–—‘’“”…•°²³½", r), r == 0xa0:
			good++
		}
	}
	if all == 0 {
		return decoded{text, 0}
	}
	return decoded{text, float64(good) / float64(all)}
}

// vniMarks says which octets stand behind which letters in VNI-Windows, both
// in small letters: a tone mark, a hat, or both.
var vniMarks = map[byte]string{
	'a': "\xf9\xf8\xfb\xf5\xef\xe2\xe1\xe0\xe5\xe3\xe4\xea\xe9\xe8\xfa\xfc\xeb", 'e': "\xf9\xf8\xfb\xf5\xef\xe2\xe1\xe0\xe5\xe3\xe4",
	'o': "\xf9\xf8\xfb\xf5\xef\xe2\xe1\xe0\xe5\xe3\xe4", 'u': "\xf9\xf8\xfb\xf5\xef", 'y': "\xf9\xf8\xfb\xf5",
	'\xf4': "\xf9\xf8\xfb\xf5\xef", '\xf6': "\xf9\xf8\xfb\xf5\xef", // ơ, ư
}

// vniShare is the share of octets beyond ASCII that VNI explains, where at
// least some are marks behind a letter.
func vniShare(b []byte) float64 {
	low := func(c byte) byte {
		if 'A' <= c && c <= 'Z' || c >= 0xc0 && c <= 0xde {
			return c + 0x20
		}
		return c
	}
	good, all, marks := 0, 0, 0
	for i, c := range b {
		if c < 0x80 {
			continue
		}
		all++
		c = low(c)
		switch {
		case i > 0 && strings.IndexByte(vniMarks[low(b[i-1])], c) >= 0:
			marks++
			good++
		case strings.IndexByte("\xf1\xf4\xf6\xed\xec\xe6\xf3\xf2\xee", c) >= 0: // đ ơ ư í ì ỉ ĩ ị ỵ
			good++
		}
	}
	if all == 0 || marks*4 < all {
		return 0
	}
	return float64(good) / float64(all)
}

// tcvn has the octets of TCVN3 (TCVN 5712:1993 VN3): small letters, and the
// capitals without a tone.
const tcvn = "\xa1\xa2\xa3\xa4\xa5\xa6\xa7\xa8\xa9\xaa\xab\xac\xad\xae" +
	"\xb5\xb6\xb7\xb8\xb9\xbb\xbc\xbd\xbe\xc6\xc7\xc8\xc9\xca\xcb\xcc\xce\xcf\xd0\xd1\xd2\xd3\xd4\xd5\xd6\xd7\xd8" +
	"\xdc\xdd\xde\xdf\xe1\xe2\xe3\xe4\xe5\xe6\xe7\xe8\xe9\xea\xeb\xec\xed\xee\xef\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9\xfa\xfb\xfc\xfd\xfe"

func tcvnShare(b []byte) float64 {
	good, all := 0, 0
	for _, c := range b {
		if c >= 0x80 {
			if all++; strings.IndexByte(tcvn, c) >= 0 {
				good++
			}
		}
	}
	if all == 0 {
		return 0
	}
	return float64(good) / float64(all)
}
