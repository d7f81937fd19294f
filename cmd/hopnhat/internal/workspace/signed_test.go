package workspace

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSigned: each kind of signing data, in a zone of today and in one that is
// brought in, blocks with its place; what a zone says of its children, or of
// its own digest, does not.
func TestSigned(t *testing.T) {
	const sig = "RRSIG A 13 2 300 20260101000000 20250101000000 1 %s AAAA\n"
	for what, c := range map[string]struct {
		line string
		held string // the type that is told; "" for none
	}{
		"DNSKEY":         {"@ DNSKEY 256 3 13 oJMRESz5E4gYzS/q6XDrvU1qMPYIjCWzJaOau8XNEZeqCYKD5ar0IRd8KqXXFJkqmVfRvMGPmM1x8fGAa2XhSA==", "DNSKEY"},
		"RRSIG":          {"ns " + sig, "RRSIG"},
		"CDS":            {"@ CDS 12345 13 2 49FD46E6C4B45C55D4AC49FD46E6C4B45C55D4AC49FD46E6C4B45C55D4AC1234", "CDS"},
		"CDNSKEY":        {"@ CDNSKEY 257 3 13 oJMRESz5E4gYzS/q6XDrvU1qMPYIjCWzJaOau8XNEZeqCYKD5ar0IRd8KqXXFJkqmVfRvMGPmM1x8fGAa2XhSA==", "CDNSKEY"},
		"NSEC":           {"ns NSEC @ A", "NSEC"},
		"DS of a child":  {"con NS ns.con\nns.con A 192.0.2.9\ncon DS 12345 13 2 49FD46E6C4B45C55D4AC49FD46E6C4B45C55D4AC49FD46E6C4B45C55D4AC1234", ""},
		"TLSA":           {"_443._tcp.www TLSA 3 1 1 49FD46E6C4B45C55D4AC49FD46E6C4B45C55D4AC49FD46E6C4B45C55D4AC1234", ""},
		"nothing signed": {"www A 192.0.2.2", ""},
	} {
		for file, zone := range map[string]string{"zones/moi.example.zone": "moi.example", "sources/cu.zone": "cu.example"} {
			dir := t.TempDir()
			for f, text := range map[string]string{
				ConfigFile:               "version: 1\nlisteners: [{address: \"127.0.0.1:5300\", view: internet, at: before}]\n",
				ConsolidationFile:        "version: 1\ncutover: 1/9/2025 00:00\ntargets: [moi.example]\nsources: {cu: {zone: cu.example, file: sources/cu.zone}}\n",
				"zones/moi.example.zone": "$TTL 300\n@ SOA ns q 7 3600 600 86400 300\n@ NS ns\nns A 192.0.2.1\n",
				"sources/cu.zone":        "$TTL 300\n@ SOA ns q 7 3600 600 86400 300\n@ NS ns\nns A 192.0.2.1\n",
			} {
				if f == file {
					text += strings.ReplaceAll(c.line, "%s", zone+".") + "\n"
				}
				p := filepath.Join(dir, filepath.FromSlash(f))
				if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			w, fs := Open(dir)
			if w == nil || !w.Whole() {
				t.Fatalf("%s in %s: %v", what, file, fs)
			}
			got := fmt.Sprint(w.Signed())
			want := fmt.Sprintf("%s:5:1: blocking: %s (internet) is signed (it holds %s); ", filepath.Join(dir, file), zone, c.held)
			if c.held == "" && got != "[]" || c.held != "" && (!strings.HasPrefix(got, "["+want) || strings.Count(got, "[D-SIGNED]") != 1) {
				t.Errorf("%s in %s: %s, want %s", what, file, got, want)
			}
		}
	}
}
