package history

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/rdata"
)

// The first line of a version's file is a comment: "; " and what the log says
// of the version, in JSON. Below it stands a record on each line, as a master
// file has it, all names absolute, five columns with tabs between:
//
//	gialai.gov.vn.	3600	IN	SOA	ns1.gialai.gov.vn. …
//
// In a difference "-" or "+" stands before each: what goes from the version
// that it is based on, then what comes.
const headMark = "; "

// wholeText is the file of a whole version.
func wholeText(head versionHead, z *zones.Zone) ([]byte, error) {
	b, err := appendHead(nil, head)
	if err != nil {
		return nil, err
	}
	for r := range z.Records() {
		b = appendRecord(b, &r)
	}
	return b, nil
}

// diffText is the file of a difference.
func diffText(head versionHead, d zones.Delta) ([]byte, error) {
	b, err := appendHead(nil, head)
	if err != nil {
		return nil, err
	}
	for i := range d.Removed {
		b = appendRecord(append(b, '-'), &d.Removed[i])
	}
	for i := range d.Added {
		b = appendRecord(append(b, '+'), &d.Added[i])
	}
	return b, nil
}

func appendHead(b []byte, head versionHead) ([]byte, error) {
	j, err := marshal(head)
	if err != nil {
		return nil, err
	}
	return append(append(append(b, headMark...), j...), '\n'), nil
}

// marshal is JSON on one line, with <, > and & as they are.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func appendRecord(b []byte, r *zones.Record) []byte {
	b = append(r.Owner.AppendText(b), '\t')
	b = append(strconv.AppendUint(b, uint64(r.TTL), 10), "\tIN\t"...)
	b = append(append(b, r.Type.String()...), '\t')
	start := len(b)
	if c, err := rdata.Canonical(r.Type, []byte(r.Data)); err == nil && c == r.Data {
		b = rdata.AppendText(b, r.Type, r.Data)
	}
	// Data that would not read back, being no data of its type, stand as octets.
	if len(b) == start || bytes.ContainsAny(b[start:], "\n\r") {
		b = append(b[:start], `\# `...)
		b = strconv.AppendInt(b, int64(len(r.Data)), 10)
		b = hex.AppendEncode(append(b, ' '), []byte(r.Data))
	}
	return append(b, '\n')
}

var errRecord = errors.New("a line that is no record")

func parseRecord(line string) (zones.Record, error) {
	cells := strings.SplitN(line, "\t", 5)
	if len(cells) != 5 || cells[2] != "IN" || !strings.HasSuffix(cells[0], ".") {
		return zones.Record{}, errRecord
	}
	owner, err := zones.ParseName(cells[0])
	if err != nil {
		return zones.Record{}, err
	}
	ttl, err := strconv.ParseUint(cells[1], 10, 31)
	if err != nil {
		return zones.Record{}, err
	}
	t, ok := zones.ParseType(cells[3])
	if !ok {
		return zones.Record{}, fmt.Errorf("%q is no type", cells[3])
	}
	data, err := parseData(t, cells[4])
	return zones.Record{Owner: owner, Type: t, TTL: uint32(ttl), Data: data}, err
}

func parseData(t zones.Type, text string) (string, error) {
	octets, generic := strings.CutPrefix(text, `\# `)
	if !generic {
		return rdata.Parse(t, text, zones.Name{})
	}
	size, digits, _ := strings.Cut(octets, " ")
	b, err := hex.DecodeString(digits)
	if err != nil {
		return "", err
	}
	if strconv.Itoa(len(b)) != size {
		return "", fmt.Errorf("%d octets, where %s are told", len(b), size)
	}
	return string(b), nil
}

// cutHead takes the first line off a version's file.
func cutHead(b []byte) (head versionHead, rest string, err error) {
	first, after, ok := bytes.Cut(b, []byte("\n"))
	j, marked := bytes.CutPrefix(first, []byte(headMark))
	if !ok || !marked {
		return head, "", errors.New("the first line is not that of a version")
	}
	if err := json.Unmarshal(j, &head); err != nil {
		return head, "", fmt.Errorf("the first line: %w", err)
	}
	return head, string(after), nil
}

// lineError says which line of a version's file is at fault; the first line
// is the head.
type lineError struct {
	line int
	err  error
}

func (e *lineError) Error() string { return fmt.Sprintf("line %d: %v", e.line, e.err) }
func (e *lineError) Unwrap() error { return e.err }

// lines cuts text into lines, the last of which must end too.
func lines(text string) ([]string, error) {
	if text == "" {
		return nil, nil
	}
	all := strings.Split(text, "\n")
	if last := len(all) - 1; all[last] != "" {
		return nil, &lineError{len(all) + 1, errors.New("it has no end")}
	}
	return all[:len(all)-1], nil
}

// parseWhole reads the records of a whole version.
func parseWhole(id zones.ID, text string) (*zones.Zone, error) {
	ls, err := lines(text)
	if err != nil {
		return nil, err
	}
	z, frozen := zones.FreezeSorted(id, len(ls), func(i int) zones.Record {
		r, e := parseRecord(ls[i])
		if e != nil && err == nil {
			err = &lineError{i + 2, e}
		}
		return r
	})
	if err != nil {
		return nil, err
	}
	return z, frozen
}

// parseDiff reads a difference.
func parseDiff(id zones.ID, text string) (zones.Delta, error) {
	d := zones.Delta{ID: id}
	ls, err := lines(text)
	if err != nil {
		return d, err
	}
	for i, l := range ls {
		if l == "" {
			return d, &lineError{i + 2, errRecord}
		}
		r, err := parseRecord(l[1:])
		switch {
		case err != nil:
			return d, &lineError{i + 2, err}
		case l[0] == '-':
			d.Removed = append(d.Removed, r)
		case l[0] == '+':
			d.Added = append(d.Added, r)
		default:
			return d, &lineError{i + 2, errRecord}
		}
	}
	return d, nil
}
