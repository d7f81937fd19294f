package control

import (
	"fmt"
	"os/user"
	"slices"
	"strconv"
)

// Peer is who asks, as the kernel says (PEER).
type Peer struct {
	UID, GID, PID int
	User          string // the name of UID, or "uid 1000" for one without a name
}

func (p Peer) String() string { return fmt.Sprintf("%s (uid %d, pid %d)", p.User, p.UID, p.PID) }

// accounts are the users and groups of the system.
type accounts struct {
	name   func(uid int) string
	groups func(uid int) []int // that a user is a member of
}

func systemAccounts() accounts {
	return accounts{
		name: func(uid int) string {
			if u, err := user.LookupId(strconv.Itoa(uid)); err == nil && u.Username != "" {
				return u.Username
			}
			return fmt.Sprintf("uid %d", uid)
		},
		groups: func(uid int) (gids []int) {
			u, err := user.LookupId(strconv.Itoa(uid))
			if err != nil {
				return nil
			}
			ids, err := u.GroupIds()
			if err != nil {
				return nil
			}
			for _, id := range ids {
				if n, err := strconv.Atoi(id); err == nil {
					gids = append(gids, n)
				}
			}
			return gids
		},
	}
}

// gate tells who may ask.
type gate struct {
	accounts
	own   int // the server's user
	gid   int // of the group; none where it has no name
	group string
}

// none is no group. The kernel's (gid_t) -1 is nobody's either.
const none = -1

func (g gate) permits(p Peer) bool {
	if p.UID == 0 || p.UID == g.own {
		return true
	}
	return g.gid != none && (p.GID == g.gid || slices.Contains(g.groups(p.UID), g.gid))
}

// refusal says who may ask.
func (g gate) refusal(p Peer) string {
	if g.gid == none {
		return fmt.Sprintf("%s may not command this server: only root and the server's own user may; name a group under control: in hopnhat.yaml", p.User)
	}
	return fmt.Sprintf("%s may not command this server: only root, the server's own user and members of the group %s may", p.User, g.group)
}

// newGate looks the group up.
func newGate(group string, own int, a accounts) (gate, error) {
	g := gate{accounts: a, own: own, gid: none, group: group}
	if group == "" {
		return g, nil
	}
	found, err := user.LookupGroup(group)
	if err != nil {
		return g, fmt.Errorf("the control socket's group %s is not known here: create it (groupadd --system %s), or leave it out: %w", group, group, err)
	}
	g.gid, err = strconv.Atoi(found.Gid)
	return g, err
}
