# make run     the main job on the sample: fill the book of addresses, merge, serve before and after
# make test    everything CI runs (installs Debian's name servers first)
# make check   format, vet, staticcheck, the import laws: under two minutes
# make bench   our speed beside the peers', as ratios, in one run (HOPNHAT_BENCH_LARGE=1: with a million names and addresses)
# make fuzz    every fuzz target for FUZZTIME each (5m unless told)
# make compare-checkers  what other zone checkers accept: writes docs/checkers.md
# make simulation  what clients meet during the sample's cutover: writes docs/simulation.md
# make prove-long  the proof against brute force, PROVE_LONG questions (10^8 unless told) by PROVE_SEED
# make prove-bugs  the bugs seeded into copies of the proof, each of which its tests must catch
# make crash   the server killed at every call by which it changes a file, and 200 times of each kind at random
# make race    the tests again under the race detector

SHELL    := /bin/bash
TOOL     := go tool -modfile=scripts/tools/go.mod
FUZZTIME ?= 5m
PROVE_LONG ?= 100000000
PROVE_SEED ?= 1
BIN      := bin/hopnhat

.PHONY: run build test check bench fuzz prove-long prove-bugs compare-checkers simulation crash race vuln clean

run: build
	@set -o pipefail; ./$(BIN) -C testdata/gialai ip import | tail -n 1
	@./$(BIN) serve testdata/gialai

build:
	@CGO_ENABLED=0 go build -trimpath -o $(BIN) ./cmd/hopnhat

test:
	scripts/install-test-deps
	$(MAKE) check
	scripts/fuzz 5s
	go test -vet=off -timeout 45m -parallel 4 ./...

check:
	@unformatted=$$($(TOOL) gofumpt -l cmd ipam zones resolver); if [ -n "$$unformatted" ]; then echo "not formatted (gofumpt -w):"; echo "$$unformatted"; exit 1; fi
	go vet ./...
	$(TOOL) staticcheck ./...
	go test -run 'TestImportLaws' ./cmd/hopnhat
	@if command -v shellcheck >/dev/null; then shellcheck scripts/install-test-deps scripts/fuzz scripts/check-ledger .ci/run; else echo "shellcheck is not installed: scripts are not linted"; fi

bench:
	go test -run '^$$' -bench . -benchmem ./...

fuzz:
	scripts/fuzz $(FUZZTIME)

compare-checkers:
	scripts/install-test-deps
	go test -count=1 -run '^TestCompareCheckers$$' ./cmd/hopnhat -args -update
	@sed -n '/^<!-- make/,/^<!-- end/p' docs/checkers.md

simulation:
	go test -count=1 -run '^TestSimulation$$' ./cmd/hopnhat -args -update
	@sed -n '/^<!-- make/,/^<!-- end/p' docs/simulation.md

prove-long:
	GOGC=1000 HOPNHAT_PROVE_LONG=$(PROVE_LONG) HOPNHAT_PROVE_SEED=$(PROVE_SEED) go test -v -count=1 -timeout 12h -run 'TestBrute$$' ./zones/proof

prove-bugs:
	HOPNHAT_PROVE_BUGS=1 go test -v -count=1 -timeout 60m -run TestSeeded ./zones/proof

crash:
	HOPNHAT_CRASH=all go test -v -count=1 -timeout 2h -run 'TestCrash' ./cmd/hopnhat

race:
	go test -race -timeout 40m ./...

vuln:
	go run golang.org/x/vuln/cmd/govulncheck@latest ./...

clean:
	rm -rf bin testdata/gialai/var
