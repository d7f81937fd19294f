package proof

import (
	"maps"
	"slices"

	"gialai.gov.vn/hopnhat/zones/finding"
)

// definition is what docs/checks.md says of an id.
type definition struct {
	severity finding.Severity
	says     string
	mend     string
}

// Check is one of the things that a proof looks for.
type Check struct {
	ID       string
	Severity finding.Severity
	Says     string // what is wrong, in a few words
	Mend     string
}

// Checks lists all of them, by id.
func Checks() []Check {
	var out []Check
	for _, id := range slices.Sorted(maps.Keys(defined)) {
		d := defined[id]
		out = append(out, Check{id, d.severity, d.says, d.mend})
	}
	return out
}

// defined has every id that a proof can print. To add a check: a line here, a
// row in docs/checks.md, its condition in claims.go.
var defined = map[string]definition{
	"C-LOST":         {finding.Block, "the name no longer answers", "bring the record back, or declare the exception with its owner and reason"},
	"C-CHANGED":      {finding.Block, "the answer is another", "give it the old data, or record the decision"},
	"C-TYPE-LOST":    {finding.Block, "a type of the name is gone", "bring the records of that type back, or declare the exception"},
	"C-WILD-LOST":    {finding.Block, "a wildcard no longer answers", "bring the wildcard back; names written out in its place do not stand for all that it answered"},
	"C-RCODE":        {finding.Error, "NXDOMAIN became an empty answer, or the reverse", "nothing, if no client depends on it; else bring the name back, or take out what made it"},
	"M-TOTAL":        {finding.Block, "no rule covers a record of a source", "add a rule, or a drop with its reason"},
	"M-COLLIDE":      {finding.Block, "two claims meet at one name with other data or other types", "decide which side stands, keep both, or move one to another name"},
	"M-HALF":         {finding.Error, "the side that was taken has not all types of the other", "decide type by type, or move the other side to another name"},
	"M-LEN":          {finding.Block, "the new name has more than 255 octets", "a shorter new name"},
	"M-EXPIRE":       {finding.Warning, "an exception has expired, so that it excuses nothing", "a later date, or take it out"},
	"M-RULE":         {finding.Warning, "a rule that carries nothing, or an exception that excuses nothing", "take it out, or mend its name and type"},
	"M-RESERVED":     {finding.Block, "the label is reserved for another holder", "name the holder in the rule or decision, or choose another name"},
	"M-CHILD":        {finding.Block, "a delegation is carried to a new name though nobody decided it", "decide it, or bring the child zone as a source"},
	"M-SIGNED":       {finding.Block, "a signed zone would be served unsigned", "keep its signer, or take its DS out of the parent and wait out the TTL"},
	"M-ALIAS":        {finding.Block, "an old name that mail exchangers or delegations name became an alias (RFC 2181 10.3)", "let the old name follow with its own records"},
	"M-PRIVATE":      {finding.Warning, "a private address where the internet asks", "bring it to the other view, or declare that it is meant"},
	"M-TARGET-SEM":   {finding.Block, "a name inside data was renamed to one that does not mean the same", "point it at a name that gives the same addresses"},
	"N-ENT":          {finding.Block, "a name below makes an empty non-terminal that stops the wildcard (RFC 4592 2.2.2)", "write the wildcard's records at the name and at a wildcard below it too, or give the new name another place"},
	"N-WILD-HOLE":    {finding.Block, "a name stands where a wildcard answered (RFC 4592 2.2.1)", "write the wildcard's other types at the name, or decide it"},
	"N-WILD-CAPTURE": {finding.Block, "a wildcard answers what did not exist", "take the wildcard out, or decide it"},
	"N-CUT":          {finding.Block, "a delegation hides what was answered here", "take the NS records out, or move the delegation to a name of its own"},
	"N-APEX":         {finding.Block, "the NS records of a zone's apex were copied and make a delegation", "take the NS records out: they belong to the old apex alone"},
	"N-DNAME-OCC":    {finding.Block, "a DNAME hides or redirects what was answered below it (RFC 6672 2.3)", "take the DNAME out, or bring what it hides to its target"},
	"N-CHILD-ZONE":   {finding.Block, "a zone is served that was part of the zone above, or that the zone above does not delegate", "move its records into the zone above, or delegate it there and give it everything that it hides"},
	"N-CNAME-OTHER":  {finding.Block, "a CNAME stands beside other data (RFC 1034 3.6.2)", "keep one of them"},
	"N-WILD-NS":      {finding.Block, "NS or DNAME at a wildcard (RFC 4592 4)", "delegate each name by itself"},
	"N-WILD-INNER":   {finding.Warning, "an asterisk that is not the first label is no wildcard (RFC 4592 2.1.1)", "write the names out"},
	"N-STAR-LIT":     {finding.Warning, "data name an asterisk: it is asked for literally", "name the host that is meant"},
	"X-LOOP":         {finding.Block, "a chain goes in a circle", "point one of the aliases at a name with data"},
	"X-DNAME-GROW":   {finding.Block, "a DNAME makes names longer without end", "its target must not lie below its owner"},
	"X-DANGLE":       {finding.Error, "a new chain ends nowhere", "bring its target, or take the alias out"},
	"X-LEN":          {finding.Error, "a chain of more CNAMEs than resolvers follow", "point the first alias at the end of the chain"},
	"X-YX":           {finding.Warning, "below a DNAME long names overflow (YXDOMAIN)", "nothing, if no client asks for names that long; else a shorter target"},
	"X-MX-CNAME":     {finding.Error, "an exchange or name server is an alias (RFC 2181 10.3)", "name the host that the alias ends at"},
	"X-TAKEOVER":     {finding.Block, "a record points into a zone that is no longer served: who takes that domain takes the name over", "point it elsewhere, or go on serving the zone"},
	"T-MIX":          {finding.Block, "a resolver that holds a record of one world and asks the other gets a broken answer", "keep what the old referrer points at until its TTL has passed, and add what the new one points at before (three steps)"},
	"D-LAME-RENAMED": {finding.Error, "a delegation came to a new name: its servers must serve that name too", "tell who runs them; ask them live"},
	"D-DS-RENAMED":   {finding.Block, "a DS came along to a new name, where it fits no key", "take the DS out; the child's signer makes a new one"},
	"D-CYCLE":        {finding.Block, "delegations need each other's addresses, and no glue gives one", "add glue, or a server outside"},
	"D-SELF":         {finding.Error, "a delegation goes to this zone's own servers, and they do not serve the child", "serve the child zone, or name its servers"},
	"D-GLUE":         {finding.Block, "a delegation lost the address of a server below it", "add its A and AAAA records"},
}
