package probe

import (
	"bufio"
	_ "embed"
	"fmt"
	"io"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

//go:embed script.sh
var scriptBody string

// About is what the head of an emitted script says.
type About struct {
	Title string // one line: which world and view
	Host  string // the default server
	Port  uint16
	First zones.Name // an apex, asked first to see whether the server is there
}

// Script writes a POSIX shell script that asks es of a server and judges as
// Ask does (EXPECT-SAME), with nothing but dig: one `dig -f` batch a run. Its
// output is TAP; it exits 0 when all is as expected, 1 when something
// differs, 2 when it could not ask. Arguments: [SERVER [PORT]].
func Script(w io.Writer, es []Expectation, about About) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "#!/bin/sh\n# Smoke test: %s\n# %d questions. Usage: sh SCRIPT [SERVER [PORT]]   Output: TAP. Exit: 0 as expected, 1 something differs, 2 could not ask.\n",
		about.Title, len(es))
	fmt.Fprintf(b, "default_server=%s default_port=%d planned=%d first=%s\n", finding.Shell(about.Host), about.Port, len(es), finding.Shell(about.First.String()))
	b.WriteString(scriptBody)
	b.WriteString("\necho \"1..$planned\"\nask() {\n\tdig \"@$server\" -p \"$port\" +noall +comments +question +answer +authority +additional +norec +nocookie +nosplit +time=2 +tries=3 -f - <<'QUESTIONS'\n")
	for _, e := range es {
		format := ""
		if !plain(e) {
			format = " +unknownformat"
		}
		fmt.Fprintf(b, "-q %s -t %v%s\n", e.Name, e.Type, format)
	}
	b.WriteString("QUESTIONS\n}\nask 2>&1 | check 3<<'EXPECTED'\n")
	for _, e := range es {
		expectation(b, e)
	}
	b.WriteString("EXPECTED\n")
	return b.Flush()
}

// plainTypes are printed alike by every dig; all others are compared in the
// generic form of RFC 3597.
func plainType(t zones.Type) bool {
	switch t {
	case zones.TypeA, zones.TypeAAAA, zones.TypeNS, zones.TypeCNAME, zones.TypeDNAME, zones.TypePTR,
		zones.TypeMX, zones.TypeSRV, zones.TypeSOA:
		return true
	}
	return false
}

func plain(e Expectation) bool {
	for _, sets := range [][]zones.RRset{e.Want.Answer, e.Want.Authority, e.Want.Additional} {
		for _, s := range sets {
			if !plainType(s.Type()) {
				return false
			}
		}
	}
	return true
}

// expectation writes a head "? NAME TYPE STATUS aa|- LINES" and a line
// "SECTION n|x OWNER TTL IN TYPE DATA" for each record.
func expectation(b *bufio.Writer, e Expectation) {
	aa := "-"
	if e.Want.AA {
		aa = "aa"
	}
	sections := []struct {
		name string
		sets []zones.RRset
	}{{"an", e.Want.Answer}, {"au", e.Want.Authority}, {"ad", e.Want.Additional}}
	lines := 0
	for _, s := range sections {
		for _, set := range s.sets {
			lines += set.Len()
		}
	}
	fmt.Fprintf(b, "? %v %v %s %s %d\n", e.Name, e.Type, rcodeText(e.Want.Rcode), aa, lines)
	p := plain(e)
	for _, s := range sections {
		for _, set := range s.sets {
			for i := range set.Len() {
				if p {
					fmt.Fprintf(b, "%s n %v %d IN %v %s\n", s.name, set.Owner(), set.TTL(), set.Type(), rdata.Text(set.Type(), set.Data(i)))
				} else {
					fmt.Fprintf(b, "%s x %v %d CLASS1 TYPE%d %s\n", s.name, set.Owner(), set.TTL(), set.Type(), generic(set.Data(i)))
				}
			}
		}
	}
}

// generic is RDATA as dig +unknownformat +nosplit prints it.
func generic(data string) string {
	if data == "" {
		return `\# 0`
	}
	return fmt.Sprintf(`\# %d %X`, len(data), data)
}
