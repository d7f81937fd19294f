package probe

import (
	"context"
	"fmt"

	"github.com/miekg/dns"

	"gialai.gov.vn/hopnhat/zones"
)

// DS asks a resolver (not an authoritative server: RD is set) how many DS
// records the parent of a zone holds (RFC 4034 5).
func (c Client) DS(ctx context.Context, zone zones.Name) (int, error) {
	c.Timeout, c.Tries = orDefault(c.Timeout, defaultTimeout), orDefault(c.Tries, defaultTries)
	m, err := c.exchange(ctx, zone, zones.TypeDS, true)
	if err != nil {
		return 0, err
	}
	switch m.Rcode {
	case dns.RcodeSuccess, dns.RcodeNameError:
	default:
		return 0, fmt.Errorf("the resolver answers %s", rcodeText(m.Rcode))
	}
	n := 0
	for _, r := range m.Answer {
		if r.Header().Rrtype == dns.TypeDS {
			n++
		}
	}
	return n, nil
}
