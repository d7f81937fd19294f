// Command hopnhat merges the names of two organisations, serves the world
// before and after the merger, and shows that no name is lost.
//
// The parts are in internal: workspace reads the folder that a
// user edits, export writes a world for other tools, daemon serves worlds, cli
// is the command line. The tests here hold the whole program: against BIND,
// Knot and NSD (differential_test.go), by scripts of every command
// (cli_test.go), and the imports to their levels (laws_test.go).
package main
