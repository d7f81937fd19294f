//go:build !linux

package listen

import (
	"net"
	"net/netip"
)

func newDatagrams(c *net.UDPConn, at netip.AddrPort) datagrams { return newSingle(c, at) }
