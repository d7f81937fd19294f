package check

import "gialai.gov.vn/hopnhat/zones/finding"

// definition is what docs/checks.md says of an id.
type definition struct {
	severity finding.Severity
	mend     string
}

// defined has every id that a check of a zone can print. Those that the merger
// and the proof have too mean the same there.
var defined = map[string]definition{
	"D-CYCLE":       {finding.Block, "add glue, or a server outside"},
	"D-GLUE":        {finding.Block, "add its A and AAAA records"},
	"D-SELF":        {finding.Error, "serve the child zone, or name its servers"},
	"G-ADDR":        {finding.Error, "give the host its A and AAAA records, or name another"},
	"G-CTRL":        {finding.Warning, "write the text anew, without what was pasted along"},
	"G-DS":          {finding.Error, "take it out: the parent zone publishes it"},
	"G-NS":          {finding.Error, "name the zone's servers at its apex"},
	"G-SIZE":        {finding.Warning, "fewer or shorter records at the name"},
	"G-SOA":         {finding.Warning, "refresh above retry, expire above both together"},
	"M-PRIVATE":     {finding.Warning, "bring it to the other view, or declare that it is meant"},
	"N-CNAME-OTHER": {finding.Block, "keep one of them"},
	"N-CUT":         {finding.Warning, "take the records out, or the delegation"},
	"N-DNAME-OCC":   {finding.Block, "take the DNAME out, or bring what it hides to its target"},
	"N-STAR-LIT":    {finding.Warning, "name the host that is meant"},
	"N-WILD-INNER":  {finding.Warning, "write the names out"},
	"N-WILD-NS":     {finding.Block, "delegate each name by itself"},
	"S-CAA":         {finding.Error, "a tag and a value of RFC 8659, such as 0 issue \"ca.example\""},
	"S-DKIM":        {finding.Block, "publish the key anew, whole and in one record"},
	"S-DMARC-2":     {finding.Block, "keep one record"},
	"S-DMARC-EXT":   {finding.Error, "the receiver publishes that name as a TXT of v=DMARC1"},
	"S-FCRDNS":      {finding.Warning, "let the address and the name name each other"},
	"S-NULLMX":      {finding.Error, "keep the null MX alone, or take it out"},
	"S-SPF":         {finding.Error, "mend the term: a record that cannot be read makes every check fail (permerror)"},
	"S-SPF-2":       {finding.Block, "put the terms of both into one record"},
	"S-SPF-LIM":     {finding.Error, "name addresses with ip4: and ip6:, leave out what no longer sends"},
	"S-SPF-SELF":    {finding.Error, "name the domain that is meant, such as a:mail.example"},
	"S-STS":         {finding.Error, "one record v=STSv1 with an id, and the host mta-sts that serves the policy"},
	"S-SVCB":        {finding.Warning, "one record of priority 0 alone, or records of priority 1 and more"},
	"S-TLSA":        {finding.Block, "publish the association of the certificate in use, below the host that has addresses"},
	"X-DANGLE":      {finding.Error, "bring its target, or take the record out"},
	"X-DNAME-GROW":  {finding.Block, "its target must not lie below its owner"},
	"X-LEN":         {finding.Error, "point the first alias at the end of the chain"},
	"X-LOOP":        {finding.Block, "point one of the aliases at a name with data"},
	"X-MX-CNAME":    {finding.Error, "name the host that the alias ends at"},
	"Z-DOUBLE":      {finding.Warning, "end it with a dot"},
	"Z-RDATA":       {finding.Error, "write the record anew"},
}
