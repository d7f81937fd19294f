package rdata

import (
	"errors"
	"fmt"
	"strconv"

	"gialai.gov.vn/hopnhat/zones"
)

// Field is one token of a record's RDATA as a master file has it: escapes
// intact, outer quotes gone.
type Field struct {
	Text   []byte
	Quoted bool
}

// FieldError says which field is wrong, what was found and what to write.
// Index counts from 0; len(fields) means that one is missing.
type FieldError struct {
	Index       int
	Found, Mend string
}

func (e *FieldError) Error() string {
	if e.Mend == "" {
		return e.Found
	}
	return e.Found + "; " + e.Mend
}

// ErrWire is RDATA on the wire that does not have its type's form.
var ErrWire = errors.New("the RDATA does not have the form of its type")

// Split cuts RDATA text into fields at blanks, as a master file does, without
// comments and parentheses. Quotes that are not closed are refused.
func Split(text string) ([]Field, error) {
	var fs []Field
	for i := 0; i < len(text); {
		switch c := text[i]; c {
		case ' ', '\t', '\r', '\n':
			i++
		case '"':
			end := closing(text, i+1)
			if end < 0 {
				return nil, &FieldError{len(fs), "a quote that is not closed", `end the string with "`}
			}
			fs = append(fs, Field{[]byte(text[i+1 : end]), true})
			i = end + 1
		default:
			end := i
			for end < len(text) && text[end] != ' ' && text[end] != '\t' && text[end] != '\r' && text[end] != '\n' && text[end] != '"' {
				if text[end] == '\\' {
					end++
				}
				end++
			}
			end = min(end, len(text))
			fs = append(fs, Field{[]byte(text[i:end]), false})
			i = end
		}
	}
	return fs, nil
}

func closing(text string, i int) int {
	for ; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}

// Parse reads RDATA text as a whole; see Append.
func Parse(t zones.Type, text string, origin zones.Name) (string, error) {
	fs, err := Split(text)
	if err != nil {
		return "", err
	}
	b, err := Append(nil, t, fs, origin)
	return string(b), err
}

// unescape appends the octets that text stands for (RFC 1035 5.1).
func unescape(dst, text []byte) ([]byte, bool) {
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			dst = append(dst, text[i])
			continue
		}
		i++
		switch {
		case i == len(text):
			return dst, false
		case text[i] < '0' || text[i] > '9':
			dst = append(dst, text[i])
		case i+2 >= len(text):
			return dst, false
		default:
			v, err := strconv.ParseUint(string(text[i:i+3]), 10, 8)
			if err != nil {
				return dst, false
			}
			dst = append(dst, byte(v))
			i += 2
		}
	}
	return dst, true
}

func clip(b []byte) string {
	const most = 60
	if len(b) > most {
		return fmt.Sprintf("%q…", b[:most])
	}
	return strconv.Quote(string(b))
}
