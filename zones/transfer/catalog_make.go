package transfer

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
)

// The SOA of a catalog, as RFC 9432 A has it: nobody looks for its names or waits
// for its negative answers, and its members outlive a primary that is gone.
const (
	catalogRefresh = 3600
	catalogRetry   = 600
	catalogExpire  = 1<<31 - 2
)

// MakeCatalog makes a catalog zone (RFC 9432). Each member needs a label, as
// Labelled gives it.
func MakeCatalog(id zones.ID, serial zones.Serial, members []Member) (*zones.Zone, error) {
	invalid := zones.MustName("invalid.")
	apex := id.Origin
	b := zones.NewBuilder(id)
	var errs []error
	name := func(parent zones.Name, label string) zones.Name {
		n, err := parent.Child(label)
		if err != nil {
			errs = append(errs, fmt.Errorf("the catalog %s: %w; choose a shorter name", apex.Text(), err))
			return apex
		}
		return n
	}
	add := func(owner zones.Name, t zones.Type, data string) {
		b.Add(zones.Record{Owner: owner, Type: t, Data: data})
	}
	soa := zones.SOA{MName: invalid, RName: invalid, Serial: serial, Refresh: catalogRefresh, Retry: catalogRetry, Expire: catalogExpire}
	add(apex, zones.TypeSOA, soa.Data())
	add(apex, zones.TypeNS, invalid.Wire())
	add(name(apex, "version"), zones.TypeTXT, "\x012")
	list := name(apex, "zones")
	labels, names := map[string]zones.Name{}, map[zones.Name]bool{}
	for _, m := range members {
		label := strings.ToLower(m.Label)
		other, taken := labels[label]
		switch {
		case m.Zone.IsZero() || names[m.Zone]:
			errs = append(errs, fmt.Errorf("the catalog %s names %s twice", apex.Text(), m.Zone.Text()))
		case label == "" || taken:
			errs = append(errs, fmt.Errorf("the catalog %s: %s has no label of its own, it shares that of %s", apex.Text(), m.Zone.Text(), other.Text()))
		}
		labels[label], names[m.Zone] = m.Zone, true
		node := name(list, label)
		add(node, zones.TypePTR, m.Zone.Wire())
		if !m.Owner.IsZero() {
			add(name(node, "coo"), zones.TypePTR, m.Owner.Wire())
		}
		for _, g := range m.Groups {
			add(name(node, "group"), zones.TypeTXT, strings1(g))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return b.Freeze()
}

// strings1 is a text as TXT data: one string, or more where it is too long for one.
func strings1(s string) string {
	var b []byte
	for {
		n := min(len(s), 255)
		b = append(append(b, byte(n)), s[:n]...)
		if s = s[n:]; s == "" {
			return string(b)
		}
	}
}

// Labelled gives members their labels: one that before has of the same zone,
// else one that the zone never had in this catalog, so that a zone that was
// gone and comes again begins anew with those who follow (RFC 9432 5.4). The
// serial is that of the catalog to be made. In a catalog that begins, labels come
// of the names alone. A label that is given stands: a zone that comes over from
// another catalog keeps its state with the label that it had there (4.3.1).
func Labelled(before, members []Member, serial zones.Serial) []Member {
	had, used := map[zones.Name]string{}, map[string]bool{}
	for _, m := range before {
		had[m.Zone] = m.Label
		used[m.Label] = true
	}
	for _, m := range members {
		used[m.Label] = true
	}
	out := slices.Clone(members)
	for i := range out {
		m := &out[i]
		if m.Label == "" {
			m.Label = had[m.Zone]
		}
		if m.Label != "" {
			continue
		}
		salt := uint32(serial)
		if len(before) == 0 {
			salt = 0
		}
		for m.Label == "" || used[m.Label] {
			m.Label = label(m.Zone, salt)
			salt++
		}
		used[m.Label] = true
	}
	return out
}

// label is 26 letters and digits that a name and a number give.
func label(n zones.Name, salt uint32) string {
	h := sha256.New()
	h.Write([]byte(n.Wire()))
	if salt != 0 {
		h.Write(binary.BigEndian.AppendUint32(nil, salt))
	}
	return strings.ToLower(base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(h.Sum(nil)[:16]))
}
