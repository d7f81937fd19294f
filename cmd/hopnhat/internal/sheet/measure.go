package sheet

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"gialai.gov.vn/hopnhat/zones/finding"
)

// What a workbook may hold at most, besides what Options says. The library
// keeps each element of each part in memory, each row up to the last one and
// each cell up to the last one of its row, so that a few octets (a cell XFD9)
// can ask for very many.
const (
	mostParts    = 10_000
	mostElements = 5_000_000
	mostEmpty    = 20     // times the rows that Options allows: rows up to the last of each sheet
	mostBare     = 10_000 // rows that do not say their number, or one that was: the library moves all that follow
	mostMerges   = 10_000
	mostWork     = 3_000_000 // rows and cells that are looked at: many sheets may be one part
)

// size is what a workbook would take.
type size struct {
	octets, elements int64
	rows, cells      int // up to the last of each
	bare, merges     int
}

// errXML is a part in another encoding than UTF-8, which is not measured.
var errXML = errors.New("its XML is not in UTF-8")

// measure unpacks a workbook, within its limits, and counts what it holds: what
// its directory claims may be a lie. Memory does not grow with the file. A
// finding without an id means that the workbook is not too large.
func (r *reader) measure(data []byte) (finding.Finding, error) {
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return finding.Finding{}, err
	}
	if len(z.File) > mostParts {
		return tooMany(fmt.Sprintf("the workbook has more than %d parts", mostParts)), nil
	}
	var s size
	for _, f := range z.File {
		if f.UncompressedSize64 > uint64(r.o.Expanded) {
			s.octets = r.o.Expanded + 1
			return s.beyond(r.o), nil
		}
		p, err := f.Open()
		if err != nil {
			return finding.Finding{}, err
		}
		in := &io.LimitedReader{R: p, N: r.o.Expanded - s.octets + 1}
		left := in.N
		err = s.part(in, r.o)
		if err == nil && s.beyond(r.o).ID == "" {
			_, err = io.Copy(io.Discard, in) // what follows a fault in the XML
		}
		p.Close()
		s.octets += left - in.N
		if f := s.beyond(r.o); f.ID != "" {
			return f, nil
		}
		if err != nil {
			return finding.Finding{}, err
		}
	}
	return finding.Finding{}, nil
}

// beyond tells which limit is passed.
func (s size) beyond(o Options) finding.Finding {
	switch {
	case s.octets > o.Expanded:
		return tooMany(fmt.Sprintf("the workbook unpacks to more than %d octets", o.Expanded))
	case s.elements > mostElements:
		return tooMany(fmt.Sprintf("the workbook has more than %d elements", mostElements))
	case s.rows > mostEmpty*o.Rows:
		return tooMany(fmt.Sprintf("the workbook has more than %d rows, empty ones counted", mostEmpty*o.Rows))
	case s.cells > o.Cells:
		return tooMany(fmt.Sprintf("the workbook has more than %d cells, empty ones before the last of each row counted", o.Cells))
	case s.bare > mostBare:
		return tooMany(fmt.Sprintf("the workbook has more than %d rows without a number", mostBare))
	case s.merges > mostMerges:
		return tooMany(fmt.Sprintf("the workbook has more than %d merged areas", mostMerges))
	}
	return finding.Finding{}
}

// part counts one part as if it were a sheet: which ones are, others decide.
// It stops at a fault, as who reads the part does, and at a limit.
func (s *size) part(in io.Reader, o Options) error {
	d := xml.NewDecoder(in)
	foreign := false
	d.CharsetReader = func(string, io.Reader) (io.Reader, error) { foreign = true; return nil, errXML }
	row, wide, col := 0, 0, 0 // the last row, how wide it is so far, its last cell
	for {
		t, err := d.RawToken()
		if foreign {
			return errXML
		}
		if err != nil {
			return ended(err)
		}
		e, ok := t.(xml.StartElement)
		if !ok {
			continue
		}
		s.elements++
		switch e.Name.Local {
		case "row":
			n, err := strconv.Atoi(strings.TrimSpace(attr(e, "r")))
			if err != nil || n <= row {
				s.bare++
				n = row + 1
			}
			s.rows += n - row
			row, wide, col = n, 0, 0
		case "c":
			ref := strings.ReplaceAll(attr(e, "r"), "$", "")
			letters := strings.TrimRight(ref, "0123456789")
			if n, err := strconv.Atoi(ref[len(letters):]); err == nil && n > row {
				s.rows += n - row
				row = n
			}
			col = max(col+1, ColumnNumber(letters))
			s.cells += max(0, col-wide)
			wide = max(wide, col)
		case "mergeCell":
			s.merges++
		}
		if s.beyond(o).ID != "" {
			return nil
		}
	}
}

// ended tells a fault of the archive from one of the XML, which is for whoever
// reads the part to tell.
func ended(err error) error {
	var syntax *xml.SyntaxError
	if errors.Is(err, io.EOF) || errors.As(err, &syntax) {
		return nil
	}
	return err
}

// attr gives an attribute.
func attr(e xml.StartElement, name string) string {
	v := ""
	for _, a := range e.Attr {
		if a.Name.Local == name {
			v = a.Value // the last counts, as for who reads the part
		}
	}
	return v
}
