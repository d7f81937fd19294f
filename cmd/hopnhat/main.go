package main

import (
	"os"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
