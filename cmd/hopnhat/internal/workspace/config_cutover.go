package workspace

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gialai.gov.vn/hopnhat/zones"
)

// Cutover is how the server carries out the cutover: the section cutover.
type Cutover struct {
	Approvals int  // so many different people must approve the plan's hash; 0: nobody is asked
	Clock     bool // the switch is held while the clock is not synchronised
	Verify    Verify
	Rollback  Rollback
	Brake     Brake
}

// Verify says who is asked after a step, and for how long.
type Verify struct {
	Within    time.Duration // the step must be seen at all servers by then
	Sample    int           // names asked at each resolver; 0: every class of names once
	Resolvers []Vantage
}

// Vantage is a resolver that people use, from which is looked at what they see.
type Vantage struct {
	Name    string
	Address netip.AddrPort
	View    zones.View
	At      zones.Place
}

// Rollback says whether a failed verification is answered by going back.
type Rollback struct {
	Automatic bool        // else it only holds and tells
	Quorum    int         // so many vantage points must see the failure
	At        zones.Place // of the quorum, or of the section without one
}

// Brake says which change by hand needs a reason to pass.
type Brake struct {
	Share  float64 // of a zone's or an organisation's records, from 0 to 1; 0: no share stops
	ApexNS bool    // a change of an apex's NS
}

// Control is the socket for the commands of the cutover.
type Control struct {
	Socket string // absolute, or inside the workspace, with slashes; "" is control.sock in the state folder
	Group  string // whose members may connect; "": the server's own user alone
}

func defaultCutover() Cutover {
	return Cutover{
		Clock: true, Verify: Verify{Within: 2 * time.Minute, Sample: 200},
		Rollback: Rollback{Quorum: 2}, Brake: Brake{Share: 0.1, ApexNS: true},
	}
}

// clocks are the words for Cutover.Clock.
var clocks = []string{"unchecked", "synchronised"}

func (d *decoder) cutover(n *node) Cutover {
	c := defaultCutover()
	c.Rollback.At = d.at(n)
	d.fields(n, "cutover",
		may("approvals", func(n *node) { c.Approvals = d.number(n, "approvals", 0, 9) }),
		may("clock", func(n *node) { c.Clock = d.oneOf(n, "clock", clocks...) == 1 }),
		may("verify", func(n *node) { c.Verify = d.verify(n) }),
		may("rollback", func(n *node) {
			d.fields(n, "rollback",
				may("automatic", func(n *node) { c.Rollback.Automatic = d.bool(n, "automatic") }),
				may("quorum", func(n *node) { c.Rollback.At, c.Rollback.Quorum = d.at(n), d.number(n, "quorum", 1, 99) }))
		}),
		may("brake", func(n *node) {
			d.fields(n, "brake",
				may("share", func(n *node) { c.Brake.Share = read(d, n, "W-VALUE", "share", parseShare) }),
				may("apex-ns", func(n *node) { c.Brake.ApexNS = d.bool(n, "apex-ns") }))
		}))
	return c
}

// checkQuorum refuses a quorum that can never be reached.
func (d *decoder) checkQuorum(c Config) {
	r, points := c.Cutover.Rollback, c.vantages()
	if !r.Automatic || r.Quorum <= points {
		return
	}
	d.add(d.finding("W-RULE", r.At.Line, r.At.Column,
		fmt.Sprintf("a quorum of %d, and %d vantage points can be counted (secondaries and resolvers, each address beyond this machine once): it would never go back", r.Quorum, points),
		"name more resolvers under verify, or lower the quorum; one alone undoes a cutover when it errs"))
}

// vantages counts what can vote for going back: addresses of secondaries and
// resolvers, each once, loopback only where there is no other. What else is this
// machine's own, or serves no view with a zone, does not vote either; no
// configuration tells that.
func (c Config) vantages() int {
	beyond, here := map[netip.Addr]bool{}, map[netip.AddrPort]bool{}
	count := func(a netip.AddrPort) {
		if ip := a.Addr().Unmap(); ip.IsLoopback() || ip.IsUnspecified() {
			here[a] = true
		} else if ip.IsValid() {
			beyond[ip] = true
		}
	}
	for _, s := range c.Secondaries {
		count(s.Address)
	}
	for _, r := range c.Cutover.Verify.Resolvers {
		count(r.Address)
	}
	if len(beyond) > 0 {
		return len(beyond)
	}
	return len(here)
}

func (d *decoder) verify(n *node) Verify {
	v := defaultCutover().Verify
	d.fields(n, "verify",
		may("within", func(n *node) { v.Within = d.span(n, "within", time.Second) }),
		may("sample", func(n *node) { v.Sample = d.number(n, "sample", 0, 1000000) }),
		may("resolvers", func(n *node) {
			d.list(n, "resolvers", func(n *node) {
				x := Vantage{View: zones.Internet, At: d.at(n)}
				d.fields(n, "a resolver",
					must("name", func(n *node) { x.Name = d.str(n, "a resolver's name") }),
					must("address", func(n *node) { x.Address = read(d, n, "W-VALUE", "a resolver", parseVantage) }),
					may("view", func(n *node) { x.View = d.view(n) }))
				i := slices.IndexFunc(v.Resolvers, func(y Vantage) bool {
					return y.Name == x.Name && x.Name != "" || y.Address == x.Address && y.View == x.View && x.Address.IsValid()
				})
				if i >= 0 {
					d.fail("W-VALUE", n, "the resolver "+x.Name+" a second time", fmt.Sprintf("keep one of them: it must count once for a quorum; the first stands in line %d", v.Resolvers[i].At.Line))
				}
				v.Resolvers = append(v.Resolvers, x)
			})
		}))
	return v
}

// parseVantage reads IP or IP:port. Host names are refused: they would be
// resolved through the zones that are switched.
func parseVantage(s string) (netip.AddrPort, error) {
	a, err := parseServer(s)
	if err == nil {
		return a, nil
	}
	host, _, _ := strings.Cut(s, ":")
	if _, bad := netip.ParseAddr(host); bad != nil && strings.ContainsAny(host, "abcdefghijklmnopqrstuvwxyz") && !strings.Contains(strings.TrimPrefix(s, host+":"), ":") {
		err = &slip{quote(s) + " is a host name, and what carries out the cutover resolves nothing: its answer could come from the zones that it switches", "write the IP address, such as 192.0.2.53"}
	}
	return a, err
}

// parseShare reads a share of a whole: 10%.
func parseShare(s string) (float64, error) {
	digit, ok := strings.CutSuffix(s, "%")
	v, isNumber := digits(strings.TrimSpace(digit), 3)
	if !ok || !isNumber || v > 100 {
		return 0, &slip{quote(s) + " is no share", "write whole percent, such as 10%"}
	}
	return float64(v) / 100, nil
}

func (d *decoder) control(n *node) (c Control) {
	d.fields(n, "control",
		may("socket", func(n *node) { c.Socket = read(d, n, "W-PATH", "the socket", parseState) }),
		may("group", func(n *node) { c.Group = read(d, n, "W-VALUE", "the group", parseGroup) }))
	return c
}

func parseGroup(s string) (string, error) {
	if strings.ContainsAny(s, " \t:,/") {
		return "", &slip{quote(s) + " is no name of a group", "write the name of one group of the system, such as hopnhat"}
	}
	return s, nil
}

// ControlSocket returns the absolute path of the control socket.
func (w *Workspace) ControlSocket() string {
	s := filepath.FromSlash(w.Config.Control.Socket)
	switch {
	case s == "":
		return filepath.Join(w.StateDir(), "control.sock")
	case filepath.IsAbs(s):
		return s
	}
	return filepath.Join(w.Root, s)
}
