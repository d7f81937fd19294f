package merge

import (
	"bytes"
	"strings"
)

// archive is a text of parts, each under a line "-- NAME --" (txtar).
type archive struct {
	head  string
	parts []part
}

type part struct{ Name, Data string }

func parseArchive(text string) *archive {
	a := &archive{}
	into := &a.head
	for _, l := range strings.SplitAfter(text, "\n") {
		if n, ok := strings.CutPrefix(strings.TrimSuffix(l, "\n"), "-- "); ok && strings.HasSuffix(n, " --") {
			a.parts = append(a.parts, part{Name: strings.TrimSuffix(n, " --")})
			into = &a.parts[len(a.parts)-1].Data
			continue
		}
		*into += l
	}
	return a
}

func (a *archive) format() []byte {
	var b bytes.Buffer
	b.WriteString(a.head)
	for _, p := range a.parts {
		b.WriteString("-- " + p.Name + " --\n" + p.Data)
	}
	return b.Bytes()
}
