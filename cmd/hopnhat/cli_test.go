package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestCommands runs the scripts of testdata/script: what each command prints
// and how it exits, on good input and on bad.
func TestCommands(t *testing.T) {
	t.Parallel()
	bin := filepath.Dir(hopnhat(t))
	sample := filepath.Join(t.TempDir(), "gialai") // without the state that make run leaves in the project's
	if err := os.CopyFS(sample, os.DirFS(sampleDir)); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(sample, "var")); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
			e.Setenv("SAMPLE", sample)
			return nil
		},
	})
}
