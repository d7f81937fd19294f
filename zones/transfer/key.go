package transfer

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
)

// Algorithm is a TSIG algorithm by its name (RFC 8945 6).
type Algorithm string

// The algorithms. The last three are for old servers.
const (
	HMACSHA256 Algorithm = "hmac-sha256"
	HMACSHA512 Algorithm = "hmac-sha512"
	HMACSHA1   Algorithm = "hmac-sha1"
	HMACSHA224 Algorithm = "hmac-sha224"
	HMACSHA384 Algorithm = "hmac-sha384"
)

// hash returns nil for what is no algorithm.
func (a Algorithm) hash() func() hash.Hash {
	switch a {
	case HMACSHA256:
		return sha256.New
	case HMACSHA512:
		return sha512.New
	case HMACSHA1:
		return sha1.New
	case HMACSHA224:
		return sha256.New224
	case HMACSHA384:
		return sha512.New384
	}
	return nil
}

func (a Algorithm) wire() zones.Name { return zones.MustName(string(a)) }

// Errors of keys that a caller may want to tell apart.
var (
	ErrAlgorithm = errors.New("no TSIG algorithm that is used here (write hmac-sha256 or hmac-sha512; hmac-sha1, -sha224 and -sha384 for old servers)")
	ErrMD5       = errors.New("hmac-md5 is broken and not used (RFC 8945 6); make a new key on the server: tsig-keygen -a hmac-sha256 NAME")
	ErrSecret    = errors.New("the secret is no base64 text, or is empty (copy it whole, with the = at its end)")
	ErrKeyForm   = errors.New("a key is written NAME:ALGORITHM:SECRET, such as transfer.example:hmac-sha256:…")
)

// ParseAlgorithm reads an algorithm's name, in any case, with or without the
// final dot. ErrMD5 and ErrAlgorithm.
func ParseAlgorithm(s string) (Algorithm, error) {
	a := Algorithm(strings.TrimSuffix(strings.ToLower(s), "."))
	switch {
	case a == "hmac-md5" || a == "hmac-md5.sig-alg.reg.int":
		return "", ErrMD5
	case a.hash() == nil:
		return "", ErrAlgorithm
	}
	return a, nil
}

// Key is a TSIG key (RFC 8945 5.1). The zero value is no key. Its secret is
// never printed (SECRET).
type Key struct {
	Name      zones.Name
	Algorithm Algorithm
	secret    []byte
}

// NewKey makes a key of a secret's octets.
func NewKey(name zones.Name, a Algorithm, secret []byte) (Key, error) {
	switch {
	case name.IsZero() || name.IsRoot():
		return Key{}, zones.ErrNameEmpty
	case a.hash() == nil:
		return Key{}, ErrAlgorithm
	case len(secret) == 0:
		return Key{}, ErrSecret
	}
	return Key{name, a, append([]byte(nil), secret...)}, nil
}

// ParseKey reads NAME:ALGORITHM:SECRET, and the order that dig and kdig take
// after -y, ALGORITHM:NAME:SECRET. The error never holds the secret.
func ParseKey(text string) (Key, error) {
	part := strings.Split(strings.TrimSpace(text), ":")
	if len(part) != 3 {
		return Key{}, ErrKeyForm
	}
	if _, err := ParseAlgorithm(part[0]); err == nil || errors.Is(err, ErrMD5) {
		if _, err := ParseAlgorithm(part[1]); err != nil {
			part[0], part[1] = part[1], part[0]
		}
	}
	return makeKey(part[0], part[1], part[2])
}

func makeKey(name, algorithm, secret string) (Key, error) {
	n, err := zones.ParseName(name)
	if err != nil {
		return Key{}, fmt.Errorf("the key's name: %w", err)
	}
	a, err := ParseAlgorithm(algorithm)
	if err != nil {
		return Key{}, err
	}
	b, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(secret), ""))
	if err != nil || len(b) == 0 {
		return Key{}, ErrSecret
	}
	return NewKey(n, a, b)
}

// Weak tells whether the secret is shorter than 16 octets, which can be
// guessed (RFC 8945 8).
func (k Key) Weak() bool { return len(k.secret) < 16 }

// String names the key and its algorithm.
func (k Key) String() string { return k.Name.Text() + " (" + string(k.Algorithm) + ")" }

// Format prints what String gives, whatever the verb (SECRET).
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// Equal tells whether two keys are the same, their secrets too.
func (k Key) Equal(o Key) bool {
	return k.Name == o.Name && k.Algorithm == o.Algorithm && hmac.Equal(k.secret, o.secret)
}
