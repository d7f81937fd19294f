package cli

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
)

// draft is the copy that an editor has, beside the file: there is room for it
// there if there is for the file.
type draft struct{ path string }

func newDraft(path string, text []byte) (*draft, error) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(filepath.Dir(real), "."+filepath.Base(real)+".*.edit") // mode 0600
	if err != nil {
		return nil, err
	}
	d := &draft{f.Name()}
	_, err = f.Write(text)
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, errors.Join(err, d.remove())
	}
	return d, nil
}

func (d *draft) text() ([]byte, error) { return os.ReadFile(d.path) }

func (d *draft) remove() error { return os.Remove(d.path) }

// open runs the editor that the environment names, and gives its name.
func (d *draft) open(e *env) (name string, err error) {
	name = cmp.Or(os.Getenv("VISUAL"), os.Getenv("EDITOR"))
	if name == "" {
		name = "vi"
		if _, err := exec.LookPath("sensible-editor"); err == nil {
			name = "sensible-editor"
		}
	}
	// Its name may be a command with arguments, as others have it too.
	c := exec.Command("sh", "-c", name+` "$@"`, name, d.path)
	c.Stdin, c.Stdout, c.Stderr = e.in, e.out, e.err
	interrupts := make(chan os.Signal, 1) // Ctrl-C is the editor's
	signal.Notify(interrupts, os.Interrupt)
	defer signal.Stop(interrupts)
	if err := c.Run(); err != nil {
		return name, fmt.Errorf("the editor failed: %w", err)
	}
	return name, nil
}
