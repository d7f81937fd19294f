package sheet

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
)

// unpacked says how large a zip archive is once unpacked, by unpacking it:
// what its directory claims may be a lie. It stops beyond most.
func unpacked(data []byte, most int64) (total int64, err error) {
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return 0, err
	}
	if len(z.File) > 10_000 {
		return 0, errors.New("more than 10,000 parts")
	}
	for _, f := range z.File {
		if f.UncompressedSize64 > uint64(most) {
			return most + 1, nil
		}
		r, err := f.Open()
		if err != nil {
			return total, err
		}
		n, err := io.Copy(io.Discard, io.LimitReader(r, most-total+1))
		r.Close()
		if err != nil {
			return total, err
		}
		if total += n; total > most {
			return total, nil
		}
	}
	return total, nil
}
