package transfer

import (
	"context"
	"errors"
	"fmt"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// How tells what a refresh came to.
type How uint8

// What a refresh can come to.
const (
	Failed  How = iota // nothing was taken
	Current            // the server has what we have
	Stepped            // by the differences from what we had (IXFR)
	Whole              // the whole zone came (AXFR, or IXFR that fell back to it)
)

func (h How) String() string { return [...]string{"failed", "current", "IXFR", "AXFR"}[h] }

// Refreshed is the outcome of a refresh.
type Refreshed struct {
	How    How
	Zone   *zones.Zone   // that stands now: the one before, where nothing was taken
	Delta  *zones.Delta  // from the one before; nil unless Stepped
	Serial *zones.Serial // that the server told; nil where it told none
	Report Report        // of the last transfer
}

// Refresh brings a zone that we have to what a server has (RFC 1034 4.3.5, RFC
// 1995): it asks for the serial, and if that is newer for what changed; where
// the differences cannot be had, or do not lead on from our zone, for all of
// it. have is nil where we have none. Nothing is taken of what breaks off
// (WHOLE); then, and when the server's serial is older than ours, an error is
// among the findings.
func Refresh(ctx context.Context, q Request, have *zones.Zone) (Refreshed, []finding.Finding) {
	out := Refreshed{Zone: have, Report: Report{Zone: q.Zone, Server: q.Server}}
	q, err := q.complete()
	if err != nil {
		return out, []finding.Finding{{ID: "X-CONNECT", Severity: finding.Error, Found: err.Error(), Mend: "name the server's address with its port, the zone, and a whole key or none"}}
	}
	if have != nil {
		soa, err := AskSOA(ctx, q)
		if err != nil {
			if q.TLS != nil && (errors.As(err, new(*tlsError)) || isAlert(err)) {
				return out, []finding.Finding{q.problem("X-TLS", err.Error(), q.TLS.mend(err))}
			}
			return out, []finding.Finding{q.problem("X-SERIAL", "the serial could not be asked: "+err.Error(), "look at the address, the route and the server's log")}
		}
		out.Serial = &soa.Serial
		switch {
		case soa.Serial == have.Serial():
			out.How = Current
			return out, nil
		case !have.Serial().Before(soa.Serial):
			return out, []finding.Finding{q.older(soa.Serial, have)}
		}
		fs, done := q.bySteps(ctx, have, &out)
		if done {
			return out, fs
		}
		for i := range fs {
			fs[i].Severity = min(fs[i].Severity, finding.Warning)
		}
		return out, append(fs, q.byWhole(ctx, have, &out)...)
	}
	return out, q.byWhole(ctx, have, &out)
}

func (q Request) older(serial zones.Serial, have *zones.Zone) finding.Finding {
	return q.problem("X-SERIAL", fmt.Sprintf("the server has serial %d, which is older than %d, which we have (RFC 1982)", serial, have.Serial()),
		fmt.Sprintf("raise the serial on the primary above %d; or remove what is kept of the zone, and it is fetched anew", have.Serial()))
}

// bySteps asks by IXFR; false when the whole zone is to be asked for.
func (q Request) bySteps(ctx context.Context, have *zones.Zone, out *Refreshed) ([]finding.Finding, bool) {
	out.Report = Report{Zone: q.Zone, Server: q.Server, Started: q.Now()}
	r, fs := fetch(ctx, q, have, &out.Report)
	defer func() { out.Report.Took = q.Now().Sub(out.Report.Started) }()
	if r == nil {
		return fs, out.Report.final(fs)
	}
	serial := r.report.Serial
	out.Serial = &serial
	switch {
	case !have.Serial().Before(serial):
		if serial == have.Serial() {
			out.How = Current
			return r.finds, true
		}
		return append(r.finds, q.older(serial, have)), true // it went back since it was asked
	case r.steps == nil: // the answer is the whole zone
		return q.settle(r, have, out), true
	}
	z := r.freeze(q.Zone)
	if z == nil {
		return r.finds, false
	}
	if f, bad := q.unfit(z); bad {
		return append(r.finds, f), true
	}
	out.How, out.Zone, out.Delta = Stepped, z, r.steps.result
	return r.finds, true
}

// final tells whether what ended an IXFR would end an AXFR too. All else may be
// the IXFR's own: a server that does not know it, a journal that is damaged.
func (r Report) final(fs []finding.Finding) bool {
	id := fs[len(fs)-1].ID
	return id == "X-TSIG" || id == "X-TIMEOUT" && r.Messages == 0
}

// byWhole asks by AXFR.
func (q Request) byWhole(ctx context.Context, have *zones.Zone, out *Refreshed) []finding.Finding {
	out.Report = Report{Zone: q.Zone, Server: q.Server, Started: q.Now()}
	defer func() { out.Report.Took = q.Now().Sub(out.Report.Started) }()
	r, fs := fetch(ctx, q, nil, &out.Report)
	if r == nil {
		return fs
	}
	return q.settle(r, have, out)
}

// settle takes the whole zone that came.
func (q Request) settle(r *receiver, have *zones.Zone, out *Refreshed) []finding.Finding {
	z := r.freeze(q.Zone)
	if z == nil {
		return r.finds
	}
	serial := z.Serial()
	out.Serial = &serial
	if f, bad := q.unfit(z); bad {
		return append(r.finds, f)
	}
	if have != nil && !have.Serial().Before(serial) {
		if have.Equal(z) {
			out.How = Current
			return r.finds
		}
		return append(r.finds, q.older(serial, have))
	}
	out.How, out.Zone = Whole, z
	return r.finds
}

// unfit tells whether a zone cannot be served: one without NS at its apex is
// no zone (RFC 1034 4.2.1), and to serve it in place of a good one would be
// worse than to be late.
func (q Request) unfit(z *zones.Zone) (finding.Finding, bool) {
	if _, ok := z.Lookup(z.Origin(), zones.TypeNS); ok {
		return finding.Finding{}, false
	}
	return q.problem("X-NS", fmt.Sprintf("%v with serial %d has no NS records at its apex (RFC 1034 4.2.1)", z.ID(), z.Serial()),
		"nothing is taken; mend the zone on the primary"), true
}
