package history_test

import (
	"fmt"
	"testing"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/history"
	"gialai.gov.vn/hopnhat/zones/history/historytest"
)

// BenchmarkRecord is one edit in a zone of 100 000 names, in memory: what is left
// is the processor's time. A disk adds a sync of the version, its folder, the log
// and the head.
func BenchmarkRecord(b *testing.B) {
	h, _, err := history.Open(historytest.New())
	if err != nil {
		b.Fatal(err)
	}
	z := hosts(b, "gialai.gov.vn", "internet", 1, 100_000)
	if _, err := h.Record(z, entry(1)); err != nil {
		b.Fatal(err)
	}
	n := 0
	for b.Loop() {
		n++
		r := zones.Record{Owner: zones.MustName(fmt.Sprintf("neu%d.gialai.gov.vn", n)), Type: zones.TypeA, TTL: 60, Data: "\xc0\x00\x02\x01"}
		next, err := zones.Delta{ID: z.ID(), Added: []zones.Record{r}}.Apply(z)
		if err != nil {
			b.Fatal(err)
		}
		z = next.WithSerial(z.Serial() + 1)
		if _, err := h.Record(z, entry(1)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOpen is opening a history of 1000 versions of a zone of 10 000 names.
func BenchmarkOpen(b *testing.B) {
	fsys := history.OS(b.TempDir())
	h, _, err := history.Open(fsys)
	if err != nil {
		b.Fatal(err)
	}
	z := hosts(b, "gialai.gov.vn", "internet", 1, 10_000)
	for range 1000 {
		if _, err := h.Record(z, entry(1)); err != nil {
			b.Fatal(err)
		}
		z = z.WithSerial(z.Serial() + 1)
	}
	for b.Loop() {
		if _, fs, err := history.Open(fsys); err != nil || len(fs) > 0 {
			b.Fatal(fs, err)
		}
	}
}
