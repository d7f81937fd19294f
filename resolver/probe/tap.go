package probe

import (
	"bufio"
	"fmt"
	"io"
	"net/netip"
)

// TAP writes results in the Test Anything Protocol, version 13: a line for
// each question, and below each that failed the dig that shows it.
func TAP(w io.Writer, server netip.AddrPort, rs []Result) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "TAP version 13\n1..%d\n", len(rs))
	for i, r := range rs {
		if r.Problem == "" {
			fmt.Fprintf(b, "ok %d - %v %v\n", i+1, r.Name, r.Type)
			continue
		}
		fmt.Fprintf(b, "not ok %d - %v %v: %s\n  # %s\n", i+1, r.Name, r.Type, r.Problem,
			r.Dig(server.Addr().String(), server.Port()))
	}
	return b.Flush()
}

// Failures returns the results with a problem.
func Failures(rs []Result) []Result {
	var out []Result
	for _, r := range rs {
		if r.Problem != "" {
			out = append(out, r)
		}
	}
	return out
}
