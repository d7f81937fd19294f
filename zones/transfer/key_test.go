package transfer

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

func TestParseKey(t *testing.T) {
	for _, c := range []struct {
		text string
		name string
		alg  Algorithm
		err  error
	}{
		{"k.example:hmac-sha256:" + secret64, "k.example", HMACSHA256, nil},
		{"K.Example.:HMAC-SHA512.:" + secret64, "k.example", HMACSHA512, nil},
		{"hmac-sha1:k:" + secret64, "k", HMACSHA1, nil},
		{"hmac-sha224:hmac-sha384:" + secret64, "hmac-sha224", HMACSHA384, nil}, // NAME:ALGORITHM is what is documented first
		{" k:hmac-sha384:" + secret64 + "\n", "k", HMACSHA384, nil},
		{"k:hmac-md5:" + secret64, "", "", ErrMD5},
		{"hmac-md5:k:" + secret64, "", "", ErrMD5},
		{"k:hmac-md5.sig-alg.reg.int.:" + secret64, "", "", ErrMD5},
		{"k:sha256:" + secret64, "", "", ErrAlgorithm},
		{"k:hmac-sha256-128:" + secret64, "", "", ErrAlgorithm},
		{"k:" + secret64, "", "", ErrKeyForm},
		{"", "", "", ErrKeyForm},
		{"k:hmac-sha256:", "", "", ErrSecret},
		{"k:hmac-sha256:not base64!", "", "", ErrSecret},
		{"k:hmac-sha256:" + secret64[:43], "", "", ErrSecret},
		{"a..b:hmac-sha256:" + secret64, "", "", zones.ErrLabelEmpty},
		{":hmac-sha256:" + secret64, "", "", zones.ErrNameEmpty},
		{".:hmac-sha256:" + secret64, "", "", zones.ErrNameEmpty},
		{secret64 + ":k:hmac-sha256", "", "", ErrAlgorithm},
	} {
		k, err := ParseKey(c.text)
		switch {
		case !errors.Is(err, c.err):
			t.Errorf("%q: %v, want %v", c.text, err, c.err)
		case err != nil && strings.Contains(err.Error(), secret64[:20]):
			t.Errorf("%q: the secret is printed: %v", c.text, err)
		case err == nil && (k.Name.Text() != c.name || k.Algorithm != c.alg || string(k.secret) != "secret of tests, 32 octets long!!"[:len(k.secret)]):
			t.Errorf("%q: %v", c.text, k)
		}
	}
}

// TestSecret: SECRET, whatever the verb.
func TestSecret(t *testing.T) {
	k := testKey(t)
	type holder struct{ Key Key }
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T %v"} {
		for _, v := range []any{*k, k, holder{*k}, []Key{*k}} {
			s := fmt.Sprintf(strings.Replace(verb, "%T ", "", 1), v)
			for _, bad := range []string{"secret", secret64, "115 101", fmt.Sprintf("%x", k.secret), fmt.Sprintf("%X", k.secret)} {
				if strings.Contains(s, bad) {
					t.Errorf("%s of %T: %s", verb, v, s)
				}
			}
		}
	}
}

func TestParseKeyFile(t *testing.T) {
	q := `"` + secret64 + `"`
	for _, c := range []struct {
		name, text string
		keys       int
		find       string // "place: severity", "" for none
	}{
		{"tsig-keygen", "key \"k.example\" {\n\talgorithm hmac-sha256;\n\tsecret " + q + ";\n};\n", 1, ""},
		{"named.conf around it", "// a comment { \noptions { directory \"/x;}\"; /* key { */ };\nkey k { secret " + q + "; algorithm \"hmac-sha512\"; }; # end\nzone \"a\" { type primary; };", 1, ""},
		{"two", "key a{algorithm hmac-sha1;secret " + q + ";};key b{algorithm hmac-sha224;secret " + secret64 + ";};", 2, ""},
		{"a BOM and CRLF", "\ufeffkey a {\r\n algorithm hmac-sha256;\r\n secret " + q + ";\r\n};\r\n", 1, ""},
		{"blanks inside the secret", "key a { algorithm hmac-sha256; secret \"" + secret64[:8] + " \n " + secret64[8:] + "\"; };", 1, ""},
		{"a zone called key", "zone key { type primary; };\nkey a{algorithm hmac-sha1;secret " + q + ";};", 1, ""},
		{"none", "options { };", 0, "f: error"},
		{"empty", "", 0, "f: error"},
		{"md5", "\n  key \"k\" { algorithm hmac-md5; secret " + q + "; };", 0, "f:2:3: error"},
		{"no secret", "key k { algorithm hmac-sha256; };", 0, "f:1:1: error"},
		{"bad secret", "key k { algorithm hmac-sha256; secret \"====\"; };", 0, "f:1:1: error"},
		{"a semicolon missing", "key k { algorithm hmac-sha256 secret " + q + "; };", 0, "f:1:31: error"},
		{"not closed", "key k { algorithm hmac-sha256; secret " + q + ";", 0, "f:1:1: error"},
		{"no block", "key k;", 0, "f:1:1: error"},
		{"a quote not closed", "key k { algorithm hmac-sha256; secret \"abc; };", 0, "f:1:39: error"},
		{"something else", "key k { algorithm hmac-sha256; secret " + q + "; fudge 5; };", 1, "f:1:87: error"},
		{"weak", "key k { algorithm hmac-sha256; secret \"c2hvcnQ=\"; };", 1, "f:1:1: warning"},
	} {
		keys, fs := ParseKeyFile("f", c.text)
		got := ""
		if len(fs) > 0 {
			got = fs[0].At.String() + ": " + fs[0].Severity.String()
		}
		if len(keys) != c.keys || got != c.find {
			t.Errorf("%s: %d keys, %s", c.name, len(keys), show(fs))
		}
		if strings.Contains(show(fs), secret64[:10]) {
			t.Errorf("%s: the secret is printed: %s", c.name, show(fs))
		}
	}
	out, err := exec.Command(need(t, "tsig-keygen"), "-a", "hmac-sha512", "made.example").Output()
	if err != nil {
		t.Fatal(err)
	}
	keys, fs := ParseKeyFile("f", string(out))
	if len(keys) != 1 || len(fs) > 0 || keys[0].String() != "made.example (hmac-sha512)" || len(keys[0].secret) != 64 {
		t.Errorf("%s gives %v %s", out, keys, show(fs))
	}
}

// FuzzKeyFile: any text ends, and without an error no key is empty; what is
// no text of a key gives a finding.
func FuzzKeyFile(f *testing.F) {
	f.Add("key \"k.example\" {\n\talgorithm hmac-sha256;\n\tsecret \"" + secret64 + "\";\n};\n")
	f.Add("key a{algorithm hmac-sha1;secret x/*;};")
	f.Add("key \"\" { { } ; } key key {};")
	f.Add("\"key\" ; /* ")
	f.Fuzz(func(t *testing.T, text string) {
		keys, fs := ParseKeyFile("f", text)
		if len(keys) == 0 && !finding.Failed(fs) {
			t.Fatal("neither a key nor an error")
		}
		for _, k := range keys {
			if len(k.secret) == 0 || k.Algorithm.hash() == nil || k.Name.IsZero() {
				t.Fatalf("%v", k)
			}
			again, err := ParseKey(k.Name.String() + ":" + string(k.Algorithm) + ":" + secret64)
			if err == nil && again.Name != k.Name {
				t.Fatalf("%v and %v", k, again)
			}
		}
	})
}
