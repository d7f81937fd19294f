package probe

import (
	"fmt"
	"slices"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// unasked is one thing that could not be asked.
type unasked struct {
	who    string
	zone   zones.Name
	reason string
	at     zones.Place
	dig    string
}

// gathered makes one finding of all that was not asked for one reason: of one
// server for several zones, or of all servers that no route leads to.
type gathered struct {
	like   finding.Finding // Found has verbs for the servers, the zones and the reason
	groups [][]unasked
}

func unseenServers() gathered {
	return gathered{like: finding.Finding{
		ID: "T-UNSEEN", Severity: finding.Warning,
		Found: "%s could not be asked for %s: %s",
		Mend:  "ask again from where it can be reached: what was not seen is not proved",
	}}
}

func serversWithoutTCP() gathered {
	return gathered{like: finding.Finding{
		ID: "T-TCP", Severity: finding.Error,
		Found: "%s answers over UDP and not over TCP, for %s: %s",
		Mend:  "let it listen on TCP and the firewall pass it: answers that do not fit UDP are lost (RFC 7766)",
	}}
}

func (g *gathered) add(u unasked) {
	for i, group := range g.groups {
		if group[0].reason == u.reason && (group[0].who == u.who || u.reason == noRoute) {
			g.groups[i] = append(group, u)
			return
		}
	}
	g.groups = append(g.groups, []unasked{u})
}

func (g *gathered) findings() (out []finding.Finding) {
	for _, group := range g.groups {
		f := g.like
		f.At, f.Count = group[0].at, len(group)
		var who []string
		var zs []zones.Name
		for _, u := range group {
			if !slices.Contains(who, u.who) {
				who = append(who, u.who)
			}
			if !slices.Contains(zs, u.zone) {
				zs = append(zs, u.zone)
			}
			if u.dig != "" && len(f.Dig) < 3 && !slices.Contains(f.Dig, u.dig) {
				f.Dig = append(f.Dig, u.dig)
			}
		}
		f.Found = fmt.Sprintf(g.like.Found, list(who, strings.Clone), nameList(zs), group[0].reason)
		out = append(out, f)
	}
	return out
}

// alike makes one finding of what several servers do alike.
type alike struct {
	finds []finding.Finding
	who   [][]string
}

func (a *alike) add(f finding.Finding, who, dig string) {
	i := slices.IndexFunc(a.finds, func(g finding.Finding) bool { return g.ID == f.ID && g.Found == f.Found && g.Severity == f.Severity })
	if i < 0 {
		i = len(a.finds)
		a.finds, a.who = append(a.finds, f), append(a.who, nil)
	}
	a.who[i] = append(a.who[i], who)
	if dig != "" && len(a.finds[i].Dig) < 3 {
		a.finds[i].Dig = append(a.finds[i].Dig, dig)
	}
}

func (a *alike) findings() []finding.Finding {
	for i := range a.finds {
		a.finds[i].Found += fmt.Sprintf(" (%s)", list(a.who[i], strings.Clone))
	}
	return a.finds
}
