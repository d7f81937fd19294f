package zonefile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
)

// Reasons not to read a file.
var (
	errNotRegular = errors.New("it is not a regular file")
	errTooLarge   = errors.New("it is too large")
	errUTF16      = errors.New("it is UTF-16 text")
	errRaw        = errors.New("it is a zone in BIND's raw format")
	errJournal    = errors.New("it is a journal of BIND")
	errBinary     = errors.New("it has NUL octets and is no text")
)

// opener returns a function that reads whole files.
func opener(fsys fs.FS, limit int) func(string) ([]byte, error) {
	return func(name string) ([]byte, error) {
		if info, err := fs.Stat(fsys, name); err != nil { // before Open, which a FIFO would block
			return nil, err
		} else if !info.Mode().IsRegular() {
			return nil, errNotRegular
		}
		f, err := fsys.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		size := 0
		if info, err := f.Stat(); err == nil && info.Size() < int64(limit) {
			size = int(info.Size())
		}
		buf := bytes.NewBuffer(make([]byte, 0, size+bytes.MinRead))
		n, err := buf.ReadFrom(io.LimitReader(f, int64(limit)+1))
		if err != nil {
			return nil, err
		}
		if n > int64(limit) {
			return nil, errTooLarge
		}
		return buf.Bytes(), nil
	}
}

// refuse recognises what is no master file.
func refuse(b []byte) error {
	switch {
	case bytes.HasPrefix(b, []byte("\xff\xfe")), bytes.HasPrefix(b, []byte("\xfe\xff")):
		return errUTF16
	case bytes.HasPrefix(b, []byte(";BIND LOG V")):
		return errJournal
	case bytes.HasPrefix(b, []byte("\x00\x00\x00\x02\x00\x00\x00")), bytes.HasPrefix(b, []byte("\x00\x00\x00\x03\x00\x00\x00")):
		return errRaw
	}
	i := bytes.IndexByte(b, 0)
	switch {
	case i < 0:
		return nil
	case i <= 1 && len(b) >= 4 && len(b)%2 == 0 && b[i] == b[i+2] && b[1-i] != 0:
		return errUTF16
	}
	return errBinary
}

// explain says what is wrong with a file that could not be read and what to do.
func explain(err error, o Options) (found, mend string) {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "the file does not exist", "check the path; it is taken from the folder of the file that names it"
	case errors.Is(err, fs.ErrPermission):
		return "the file may not be read", "give the user who runs this the right to read it"
	case errors.Is(err, fs.ErrInvalid), strings.Contains(err.Error(), "escapes"):
		return "the file lies outside the include root, or is a link that leaves it", "put the file itself inside, or set --include-root to a folder that holds both"
	case errors.Is(err, errTooLarge):
		return fmt.Sprintf("the file has more than %d octets", o.MaxFile), "split it with $INCLUDE"
	case errors.Is(err, errUTF16):
		return errUTF16.Error(), "save the file as UTF-8 (iconv -f UTF-16 -t UTF-8)"
	case errors.Is(err, errRaw):
		return errRaw.Error(), "turn it into text: named-compilezone -f raw -F text -o OUTPUT ORIGIN FILE"
	case errors.Is(err, errJournal):
		return errJournal.Error(), "name the zone file itself, after `rndc sync` has written the journal into it"
	case errors.Is(err, errBinary):
		return errBinary.Error(), "name a master file; a zone in BIND's raw format becomes one by named-compilezone -f raw -F text -o OUTPUT ORIGIN FILE"
	case errors.Is(err, errNotRegular):
		return errNotRegular.Error(), "name a file, not a folder or a device"
	}
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return "the file cannot be read: " + err.Error(), ""
}
