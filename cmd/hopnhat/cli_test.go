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
	bin := filepath.Dir(hopnhat(t))
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
			sample, err := filepath.Abs(sampleDir)
			e.Setenv("SAMPLE", sample)
			return err
		},
	})
}
