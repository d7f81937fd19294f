// Package cli is the command line: one file per command, each an options
// struct, its flags, and a run method that a test calls without the command
// line. Commands write results to out, and what a person should know beside
// them to err.
//
// Exit codes: 0 done; 1 an error, a difference or a blocking finding; 2 with
// --detailed-exitcode: there are changes, and for `zone check`: it could not
// decide. A new command is a file with a newXxx function, added to root.
package cli
