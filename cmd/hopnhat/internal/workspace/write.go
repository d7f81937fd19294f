package workspace

import (
	"errors"
	"io/fs"
	"os"

	"github.com/google/renameio/v2"
)

// WriteFile writes a file whole or not at all. An error names that file, not the one
// beside it that becomes it, so that the same failure has the same text each time.
func WriteFile(path string, data []byte) error {
	err := renameio.WriteFile(path, data, 0o644)
	var at *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &at):
		err = at.Err
	case errors.As(err, &link):
		err = link.Err
	}
	if err != nil {
		return &fs.PathError{Op: "write", Path: path, Err: err}
	}
	return nil
}
