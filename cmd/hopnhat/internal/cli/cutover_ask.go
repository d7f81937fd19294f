package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/control"
	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// asker is what the commands have in common that ask a running server.
type asker struct {
	*env
	socket string
	state  string
	json   bool
	lang   string
}

func (o *asker) flags(c *cobra.Command) {
	o.socketFlags(c)
	c.Flags().BoolVar(&o.json, "json", false, "print JSON")
}

func (o *asker) socketFlags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&o.socket, "socket", "", "the control socket's `PATH` (default: that of the workspace, or control.sock in the --state folder)")
	f.StringVar(&o.state, "state", "", "the `DIR` where the server keeps its state (default: the workspace's state folder)")
}

func (o *asker) langFlag(c *cobra.Command) {
	c.Flags().StringVar(&o.lang, "lang", "", "the `LANGUAGE` of what is printed: en or vi (default: that of $LC_ALL, $LC_MESSAGES or $LANG)")
}

// grounds are why somebody asks.
type grounds struct{ why, document string }

func (o *grounds) flags(c *cobra.Command, required bool) {
	f := c.Flags()
	of := "the `REASON`, for the history"
	if required {
		of += " (required)"
	}
	f.StringVar(&o.why, "why", "", of)
	f.StringVar(&o.document, "doc", "", "the `DOCUMENT` that it rests upon, such as 12/QĐ-UBND")
	if required {
		_ = c.MarkFlagRequired("why")
	}
}

func (o *grounds) args() control.Reason { return control.Reason{Why: o.why, Document: o.document} }

// path is where the server listens. It may run well while an edit of hopnhat.yaml is
// not good, and who asks may have to stop it: then it is looked for where that file
// still says, or in the folder that is the state's by default.
func (o *asker) path(args []string) (string, error) {
	switch {
	case o.socket != "":
		return o.socket, nil
	case o.state != "":
		return filepath.Join(o.state, control.File), nil
	}
	dir, err := o.folder(args)
	if err != nil {
		return "", err
	}
	w, found := workspace.OpenPlans(dir)
	if w != nil && w.Configured() {
		return w.ControlSocket(), nil
	}
	if w == nil {
		o.tell(found, finding.Error)
		return "", &exit{code: 1}
	}
	byDefault := filepath.Join(w.Root, "var", control.File)
	for _, path := range []string{w.ControlSocket(), byDefault} {
		if _, err := os.Stat(path); err != nil {
			continue
		}
		for i := range found {
			found[i].Severity = min(found[i].Severity, finding.Warning)
		}
		o.tell(found, finding.Warning)
		fmt.Fprintf(o.err, "%s is not good; the server at %s is asked\n", workspace.ConfigFile, path)
		return path, nil
	}
	o.tell(found, finding.Warning)
	return "", fmt.Errorf("%s does not say where the server listens, and nothing is at %s: name its socket by --socket PATH, or its folder by --state DIR", filepath.Join(dir, workspace.ConfigFile), byDefault)
}

// socketOf is the control socket of a server of a workspace whose state folder is
// another; "" is the workspace's. A path in hopnhat.yaml holds whatever that is.
func socketOf(w *workspace.Workspace, state string) string {
	if state != "" && w.Config.Control.Socket == "" {
		return filepath.Join(state, control.File)
	}
	return w.ControlSocket()
}

// folder is the workspace of a command: its argument, -C, or the nearest folder with a
// hopnhat.yaml at or above the working directory.
func (e *env) folder(args []string) (string, error) {
	dir := e.place(args)
	if dir == "." {
		return workspace.Find(".")
	}
	return dir, nil
}

// placed is the time zone in which instants are printed: that of the cutover's date, or
// the machine's where no workspace says one.
func placed(w *workspace.Workspace) *time.Location {
	if w == nil || w.Mapping.Cutover.IsZero() {
		return time.Local
	}
	return w.Mapping.Cutover.Location()
}

// configured opens a workspace, of which hopnhat.yaml alone has to be good.
func (e *env) configured(args []string) (*workspace.Workspace, error) {
	dir, err := e.folder(args)
	if err != nil {
		return nil, err
	}
	w, found := workspace.OpenPlans(dir)
	if w == nil || !w.Configured() {
		e.tell(found, finding.Warning)
		return nil, &exit{code: 1}
	}
	return w, nil
}

// ask has a server do a command. How far it is goes to err.
func (o *asker) ask(ctx context.Context, path, command string, args any) (json.RawMessage, error) {
	r, err := control.NewRequest(command, args)
	if err != nil {
		return nil, err
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	return control.Call(ctx, path, r, func(text string) { fmt.Fprintln(o.err, text) })
}

// status has a server do a command of the cutover, and gives how that stands
// then.
func (o *asker) status(ctx context.Context, path, command string, args any) (*control.Status, error) {
	raw, err := o.ask(ctx, path, command, args)
	if err != nil {
		return nil, err
	}
	s, err := control.ParseStatus(raw)
	if err == nil && o.json {
		err = indent(o.out, s)
	}
	return s, err
}

// order is a command that changes the cutover and prints one line of what
// became of it.
func (o *asker) order(ctx context.Context, args []string, command string, r grounds, says func(*cutoverWords) string) error {
	w, err := o.words()
	if err != nil {
		return err
	}
	path, err := o.path(args)
	if err != nil {
		return err
	}
	s, err := o.status(ctx, path, command, r.args())
	if err != nil || o.json {
		return err
	}
	fmt.Fprintln(o.out, says(w))
	w.head(o.out, s)
	w.alarm(o.out, s)
	return nil
}

func (o *asker) words() (*cutoverWords, error) {
	vi, err := vietnamese(o.lang)
	if vi {
		return cutoverInVietnamese(), err
	}
	return cutoverInEnglish(), err
}

func indent(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
