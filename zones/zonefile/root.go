package zonefile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// ErrOutsideRoot is a file that does not lie below the include root asked for.
var ErrOutsideRoot = errors.New("the file does not lie in the include root")

// OpenRoot opens the folder that $INCLUDE may not leave when file is read:
// includeRoot where it is given, else the working directory when the file
// lies below it, else the file's folder. name is the file's path inside, with
// slashes; abs is the folder's absolute path, for Options.Root. The caller
// closes root.
//
// The file itself may be given by way of links: where its path as written is
// not inside, the path with links resolved counts.
func OpenRoot(file, includeRoot string) (root *os.Root, name, abs string, err error) {
	written, err := filepath.Abs(file)
	if err != nil {
		return nil, "", "", err
	}
	resolved, err := filepath.EvalSymlinks(written)
	if err != nil {
		return nil, "", "", err
	}
	asked := includeRoot
	if asked == "" {
		asked = "."
	}
	root, abs, err = openFolder(asked)
	if err != nil {
		return nil, "", "", err
	}
	for _, f := range []string{written, resolved} {
		for _, dir := range []string{abs, linked(abs)} {
			rel, err := filepath.Rel(dir, f)
			if err != nil || !filepath.IsLocal(rel) {
				continue
			}
			if info, err := root.Stat(rel); err == nil && !info.IsDir() {
				return root, filepath.ToSlash(rel), abs, nil
			}
		}
	}
	root.Close()
	if includeRoot != "" {
		return nil, "", "", fmt.Errorf("%s: %w %s", file, ErrOutsideRoot, includeRoot)
	}
	if root, abs, err = openFolder(filepath.Dir(resolved)); err != nil {
		return nil, "", "", err
	}
	return root, filepath.Base(resolved), abs, nil
}

func openFolder(dir string) (*os.Root, string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, "", err
	}
	root, err := os.OpenRoot(abs)
	return root, abs, err
}

// linked is the folder with links resolved, or as it is.
func linked(dir string) string {
	if l, err := filepath.EvalSymlinks(dir); err == nil {
		return l
	}
	return dir
}
