package proof

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"gialai.gov.vn/hopnhat/zones"
)

// Checker names this version of the checker. It changes whenever a verdict or
// a count may.
const Checker = "hopnhat-proof/3"

// Profile names the way of looking names up that the claim holds for: a chain
// is followed through all zones of a world; a name outside them is another's.
const Profile = "rfc1034+4592+6672/terminal"

// Certificate says what was proved, about which content. It is data: equal
// inputs, options and checkers give equal octets, but for Made.
type Certificate struct {
	Format     int             `json:"format"` // 1
	Checker    string          `json:"checker"`
	Profile    string          `json:"profile"`
	Made       string          `json:"made"`    // RFC 3339 in UTC, "" where no time was given; Check leaves it out
	Verdict    string          `json:"verdict"` // "preserved" or "lost"
	Strict     bool            `json:"strict"`
	Mixture    bool            `json:"mixture"`
	Before     []CertZone      `json:"before"`
	After      []CertZone      `json:"after"`
	Steps      [][]CertZone    `json:"steps"`   // the worlds served in turn between the two
	Mapping    string          `json:"mapping"` // SHA-256 of everything decided, hexadecimal
	Exceptions []CertException `json:"exceptions"`
	Declared   []string        `json:"declared"` // "owner TYPE", of an edit
	Classes    int             `json:"classes"`
	Levels     []int           `json:"levels"` // L0 to L4
	Added      int             `json:"added"`
	Decided    int             `json:"decided"`
	Findings   []CertFinding   `json:"findings"`
}

// CertZone is one zone's content: ZONEMD is the digest of RFC 8976 (scheme
// SIMPLE, SHA-384), hexadecimal.
type CertZone struct {
	Origin string `json:"origin"`
	View   string `json:"view"`
	Serial uint32 `json:"serial"`
	ZONEMD string `json:"zonemd"`
}

// CertException is one name that is lost on purpose.
type CertException struct {
	Name    string `json:"name"`
	Type    string `json:"type"` // "" is every type
	View    string `json:"view"` // "" is every view
	By      string `json:"by"`
	Why     string `json:"why"`
	Doc     string `json:"doc"`
	Expires string `json:"expires"` // RFC 3339, "" is never
}

// CertFinding is one root cause, without the words.
type CertFinding struct {
	ID       string `json:"id"`
	Severity string `json:"severity"`
	View     string `json:"view"`
	Name     string `json:"name"`
	Type     string `json:"type"`
	Count    int    `json:"count"`
}

// Certify proves, and writes down what was proved. A certificate is made of a
// failed proof too: its Verdict says so.
func Certify(in Input, o Options) (Certificate, Report) {
	r := Prove(in, o)
	return certificate(in, o, &r), r
}

func certificate(in Input, o Options, r *Report) Certificate {
	c := Certificate{
		Format: 1, Checker: Checker, Profile: Profile, Verdict: "lost", Strict: o.Strict, Mixture: o.Mixture, Made: stamp(o.Now),
		Before: certZones(in.Before), After: certZones(in.After), Mapping: mappingDigest(in),
		Steps: [][]CertZone{}, Exceptions: []CertException{}, Declared: []string{}, Findings: []CertFinding{},
		Classes: r.Counts.Classes, Levels: slices.Clone(r.Counts.Levels[:]), Added: r.Counts.Added, Decided: r.Counts.Decided,
	}
	if r.Preserved() {
		c.Verdict = "preserved"
	}
	for _, w := range in.Steps {
		c.Steps = append(c.Steps, certZones(w))
	}
	for _, e := range in.Mapping.Exceptions {
		x := CertException{Name: e.Name.String(), View: string(e.View), By: e.By, Why: e.Why, Doc: e.Doc, Expires: stamp(e.Expires)}
		if e.Type != 0 {
			x.Type = e.Type.String()
		}
		c.Exceptions = append(c.Exceptions, x)
	}
	for _, k := range in.Declared {
		c.Declared = append(c.Declared, k.String())
	}
	slices.Sort(c.Declared)
	for _, f := range r.Faults {
		c.Findings = append(c.Findings, CertFinding{
			ID: f.ID, Severity: f.Severity.String(), View: string(f.View), Name: f.Witness.Name.String(),
			Type: f.Witness.Type.String(), Count: f.Count,
		})
	}
	return c
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func certZones(w zones.World) []CertZone {
	out := []CertZone{}
	for z := range w.All() {
		out = append(out, CertZone{Origin: z.Origin().String(), View: string(z.View()), Serial: uint32(z.Serial()), ZONEMD: fmt.Sprintf("%x", ZONEMD(z))})
	}
	return out
}

// JSON is the certificate's one form: keys sorted, no spaces, whole numbers
// only, a newline at the end.
func (c Certificate) JSON() []byte {
	raw, err := json.Marshal(c)
	if err != nil {
		panic("proof: a certificate that is no JSON: " + err.Error()) // strings and numbers only
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		panic("proof: " + err.Error())
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("proof: " + err.Error())
	}
	return b.Bytes()
}

// Errors of ParseCertificate.
var (
	ErrCertificate = errors.New("this is no certificate of a proof")
	ErrCertFormat  = errors.New("a certificate of another format; prove again")
	ErrCertForm    = errors.New("a certificate that was edited or laid out anew; prove again")
)

// ParseCertificate reads what JSON wrote, and nothing else.
func ParseCertificate(b []byte) (Certificate, error) {
	var c Certificate
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return Certificate{}, fmt.Errorf("%w: %w", ErrCertificate, err)
	}
	switch {
	case c.Format != 1:
		return Certificate{}, fmt.Errorf("%w (format %d)", ErrCertFormat, c.Format)
	case c.Verdict != "preserved" && c.Verdict != "lost", len(c.Levels) != int(L4)+1:
		return Certificate{}, fmt.Errorf("%w: verdict %q, %d levels", ErrCertificate, c.Verdict, len(c.Levels))
	case !bytes.Equal(c.JSON(), b):
		return Certificate{}, ErrCertForm
	}
	return c, nil
}

// Difference is one value of a certificate that is another now.
type Difference struct{ Field, Was, Is string }

// String gives it in words.
func (d Difference) String() string {
	return d.Field + ": certified " + d.Was + ", now " + d.Is
}

// Check compares what was certified with what holds now; nothing differs where
// the certificate is valid. The time of making is not compared.
func (c Certificate) Check(now Certificate) []Difference {
	c.Made, now.Made = "", ""
	a, b := map[string]string{}, map[string]string{}
	flatten(a, "", c.JSON())
	flatten(b, "", now.JSON())
	for k := range b {
		if _, ok := a[k]; !ok {
			a[k] = "nothing"
		}
	}
	var out []Difference
	for _, k := range slices.Sorted(maps.Keys(a)) {
		is, ok := b[k]
		if !ok {
			is = "nothing"
		}
		if a[k] != is {
			out = append(out, Difference{k, a[k], is})
		}
	}
	return out
}

// flatten writes each value of JSON under its path.
func flatten(out map[string]string, path string, raw json.RawMessage) {
	var m map[string]json.RawMessage
	var l []json.RawMessage
	switch {
	case len(raw) > 0 && raw[0] == '{' && json.Unmarshal(raw, &m) == nil:
		for k, v := range m {
			flatten(out, cmp.Or(path, "certificate")+"."+k, v)
		}
	case len(raw) > 0 && raw[0] == '[' && json.Unmarshal(raw, &l) == nil:
		for i, v := range l {
			flatten(out, path+"["+strconv.Itoa(i)+"]", v)
		}
	default:
		out[path] = string(raw)
	}
}
