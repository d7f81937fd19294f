package transfer

// Rcode is a response code (RFC 1035 4.1.1, RFC 2136 2.2).
type Rcode int

// The codes that answer an update.
const (
	RcodeNoError  Rcode = rcodeSuccess
	RcodeFormErr  Rcode = rcodeFormErr
	RcodeServFail Rcode = rcodeServFail
	RcodeNXDomain Rcode = rcodeNXDomain
	RcodeNotImp   Rcode = rcodeNotImp
	RcodeRefused  Rcode = rcodeRefused
	RcodeYXDomain Rcode = 6
	RcodeYXRRSet  Rcode = 7
	RcodeNXRRSet  Rcode = 8
	RcodeNotAuth  Rcode = rcodeNotAuth
	RcodeNotZone  Rcode = 10
)

// String names the code as dig and nsupdate do.
func (r Rcode) String() string {
	switch r {
	case RcodeNoError:
		return "NOERROR"
	case RcodeYXDomain:
		return "YXDOMAIN"
	case RcodeYXRRSet:
		return "YXRRSET"
	case RcodeNXRRSet:
		return "NXRRSET"
	case RcodeNotZone:
		return "NOTZONE"
	}
	return rcodeText(int(r))
}
