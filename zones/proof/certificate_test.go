package proof

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/mapping"
)

// TestZONEMD is the example of RFC 8976 A.1.
func TestZONEMD(t *testing.T) {
	z := load(t, "rfc8976", "example", `$TTL 86400
@ SOA ns1 admin 2018031900 1800 900 604800 86400
@ NS ns1
@ NS ns2
@ ZONEMD 2018031900 1 1 c68090d90a7aed716bc459f9340e3d7c1370d4d24b7e2fc3a1ddc0b9a87153b9a9713b3c9ae5cc27777f98b8e730044c
ns1 3600 A 203.0.113.63
ns2 3600 AAAA 2001:db8::63
`)
	if got := fmt.Sprintf("%x", ZONEMD(z)); got != "c68090d90a7aed716bc459f9340e3d7c1370d4d24b7e2fc3a1ddc0b9a87153b9a9713b3c9ae5cc27777f98b8e730044c" {
		t.Error(got)
	}
}

func certInput(t fataler) Input {
	in := Input{Before: world(t, "old", source+target0), After: world(t, "new", source+target0+moved), Mapping: star()}
	in.Mapping.Exceptions = []mapping.Exception{{
		Note: mapping.Note{Why: "đã cũ <b>", By: "so-tt"}, Name: zones.MustName("cu.nguon.vn"),
		Expires: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC),
	}}
	return in
}

func TestCertificate(t *testing.T) {
	in := certInput(t)
	c, r := Certify(in, Options{Now: time.Unix(1e9, 0)})
	if !r.Preserved() || c.Verdict != "preserved" || c.Made != "2001-09-09T01:46:40Z" {
		t.Fatalf("%+v", c)
	}
	b := c.JSON()
	d, err := ParseCertificate(b)
	if err != nil || !bytes.Equal(d.JSON(), b) {
		t.Fatalf("%v\n%s\n%s", err, b, d.JSON())
	}
	later, _ := Certify(in, Options{Now: time.Unix(1.1e9, 0), Workers: 1})
	if ds := d.Check(later); len(ds) != 0 {
		t.Error(ds)
	}
	// Each input that changes is named.
	for want, change := range map[string]func(*Input, *Options){
		"certificate.after[0].zonemd": func(in *Input, _ *Options) {
			in.After = world(t, "new", source+target0+moved+"moi A 192.0.2.9\n")
		},
		"certificate.mapping": func(in *Input, _ *Options) { in.Mapping.Rules = in.Mapping.Rules[:2] },
		"certificate.strict":  func(_ *Input, o *Options) { o.Strict = true },
		"certificate.exceptions[0].expires": func(in *Input, _ *Options) {
			in.Mapping.Exceptions = []mapping.Exception{in.Mapping.Exceptions[0]}
			in.Mapping.Exceptions[0].Expires = time.Time{}
		},
		"certificate.verdict": func(in *Input, _ *Options) { in.After = in.Before },
	} {
		x, o := in, Options{}
		change(&x, &o)
		now, _ := Certify(x, o)
		found := false
		for _, d := range c.Check(now) {
			found = found || d.Field == want && d.Was != d.Is && strings.Contains(d.String(), d.Is)
		}
		if !found {
			t.Errorf("%s is not told: %v", want, c.Check(now))
		}
	}
	for bad, want := range map[string]error{
		"": ErrCertificate, "{}": ErrCertFormat, "null": ErrCertFormat, `{"format":2}`: ErrCertFormat, `{"format":1}`: ErrCertificate,
		`{"format":1,"x":1}`: ErrCertificate, string(b[:len(b)-1]): ErrCertForm, string(b) + " ": ErrCertForm,
		strings.Replace(string(b), `"classes":`, `"classes": `, 1):        ErrCertForm,
		strings.Replace(string(b), `"added":`, `"added":1,"added":`, 1):   ErrCertForm,
		strings.Replace(string(b), `"preserved"`, `"all is well"`, 1):     ErrCertificate,
		strings.Replace(string(b), `"format":1`, `"format":1.0`, 1):       ErrCertificate,
		strings.Replace(string(b), `"levels":[`, `"levels":[1,1,1,1,`, 1): ErrCertificate,
	} {
		if _, err := ParseCertificate([]byte(bad)); !errors.Is(err, want) {
			t.Errorf("%.60q: %v, want %v", bad, err, want)
		}
	}
}

// FuzzCertificate: what can be read is written back octet for octet, and is
// equal to itself.
func FuzzCertificate(f *testing.F) {
	c, _ := Certify(certInput(f), Options{})
	f.Add(c.JSON())
	f.Add([]byte(`{"format":1}`))
	f.Add(bytes.Replace(c.JSON(), []byte("so-tt"), []byte(`\u003cé\u2028"`), 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := ParseCertificate(b)
		if err != nil {
			return
		}
		if !bytes.Equal(c.JSON(), b) || len(c.Check(c)) != 0 {
			t.Fatalf("%q", b)
		}
	})
}
