package workspace

import (
	"os"
	"strings"
	"testing"
)

// The examples of the docs are read without a finding, and every key of the
// two files is explained there.
func TestDocs(t *testing.T) {
	for file, want := range map[string]int{"consolidation.md": 11, "consolidation.vi.md": 1, "secondaries.md": 2} {
		data, err := os.ReadFile("../../../../docs/" + file)
		if err != nil {
			t.Fatal(err)
		}
		blocks := strings.Split(string(data), "```")
		seen := 0
		for i := 1; i < len(blocks); i += 2 {
			kind, text, _ := strings.Cut(blocks[i], "\n")
			switch kind {
			case "yaml hopnhat":
				_, fs := readConfig(file, []byte(text))
				hold(t, fs, nil)
			case "yaml secondaries", "yaml windows":
				seen++
				_, fs := readConfig(file, []byte("version: 1\n"+text))
				hold(t, fs, nil)
			case "yaml":
				seen++
				_, fs := readConsolidation(file, []byte(whole(text)), nil)
				hold(t, fs, nil)
			}
		}
		if seen < want {
			t.Errorf("%s: %d examples, want at least %d", file, seen, want)
		}
	}
	for _, file := range []string{"secondaries.md", "secondaries.vi.md"} {
		data, err := os.ReadFile("../../../../docs/" + file)
		if err != nil {
			t.Fatal(err)
		}
		seen := 0
		for i, block := range strings.Split(string(data), "```") {
			kind, text, _ := strings.Cut(block, "\n")
			if i%2 == 1 && strings.HasPrefix(kind, "yaml ") {
				seen++
				_, fs := readConfig(file, []byte("version: 1\n"+text))
				hold(t, fs, nil)
			}
		}
		if seen < 5 {
			t.Errorf("%s: %d examples", file, seen)
		}
	}
	data, err := os.ReadFile("../../../../docs/consolidation.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keysAsked(t) {
		if !strings.Contains(string(data), key) {
			t.Errorf("docs/consolidation.md does not speak of the key %s", key)
		}
	}
}

// keysAsked lists the keys that the readers' own source asks for.
func keysAsked(t *testing.T) (keys []string) {
	t.Helper()
	for _, file := range []string{"consolidation.go", "sections.go", "rules.go", "reserved.go", "config.go", "tables.go", "plans.go", "secondaries.go", "updates.go", "follow.go", "follow_tls.go", "tls.go", "catalogs.go", "timeline.go", "config_cutover.go"} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, call := range []string{"must(\"", "may(\""} {
			for _, s := range strings.Split(string(data), call)[1:] {
				key, _, _ := strings.Cut(s, "\"")
				keys = append(keys, key)
			}
		}
	}
	if len(keys) < 60 {
		t.Fatalf("%d keys only: the readers are written another way", len(keys))
	}
	return keys
}
