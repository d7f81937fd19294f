package proof

import "gialai.gov.vn/hopnhat/zones/finding"

// definition is what docs/checks.md says of an id.
type definition struct {
	severity finding.Severity
	says     string
	mend     string
}

// defined has every id that a proof can print. To add a check: a line here, a
// row in docs/checks.md, its condition in claims.go.
var defined = map[string]definition{
	"C-LOST":         {finding.Block, "the name no longer answers", "bring the record back, or declare the exception with its owner and reason"},
	"C-CHANGED":      {finding.Block, "the answer is another", "give it the old data, or record the decision"},
	"C-TYPE-LOST":    {finding.Block, "a type of the name is gone", "bring the records of that type back, or declare the exception"},
	"C-WILD-LOST":    {finding.Block, "a wildcard no longer answers", "bring the wildcard back; names written out in its place do not stand for all that it answered"},
	"C-RCODE":        {finding.Error, "NXDOMAIN became an empty answer, or the reverse", "nothing, if no client depends on it; else bring the name back, or take out what made it"},
	"M-TARGET-SEM":   {finding.Block, "a name inside data was renamed to one that does not mean the same", "point it at a name that gives the same addresses"},
	"N-ENT":          {finding.Block, "a name below makes an empty non-terminal that stops the wildcard (RFC 4592 2.2.2)", "write the wildcard's records at the name and at a wildcard below it too, or give the new name another place"},
	"N-WILD-HOLE":    {finding.Block, "a name stands where a wildcard answered (RFC 4592 2.2.1)", "write the wildcard's other types at the name, or decide it"},
	"N-WILD-CAPTURE": {finding.Block, "a wildcard answers what did not exist", "take the wildcard out, or decide it"},
	"N-CUT":          {finding.Block, "a delegation hides what was answered here", "take the NS records out, or move the delegation to a name of its own"},
	"N-APEX":         {finding.Block, "the NS records of a zone's apex were copied and make a delegation", "take the NS records out: they belong to the old apex alone"},
	"N-DNAME-OCC":    {finding.Block, "a DNAME hides or redirects what was answered below it (RFC 6672 2.3)", "take the DNAME out, or bring what it hides to its target"},
	"N-CHILD-ZONE":   {finding.Block, "a zone is served that was part of the zone above, or that the zone above does not delegate", "move its records into the zone above, or delegate it there and give it everything that it hides"},
	"X-LOOP":         {finding.Block, "a chain goes in a circle", "point one of the aliases at a name with data"},
	"X-DNAME-GROW":   {finding.Block, "a DNAME makes names longer without end", "its target must not lie below its owner"},
	"X-DANGLE":       {finding.Error, "a new chain ends nowhere", "bring its target, or take the alias out"},
	"D-GLUE":         {finding.Block, "a delegation lost the address of a server below it", "add its A and AAAA records"},
}
