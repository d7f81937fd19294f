//go:build !linux

package listen

import (
	"net"
	"net/netip"
)

// bindUDP opens one socket: elsewhere SO_REUSEPORT does not share queries out.
func bindUDP(at netip.AddrPort, _ int) ([]*net.UDPConn, error) {
	c, err := listenUDP(at, nil)
	if err != nil {
		return nil, err
	}
	return []*net.UDPConn{c}, nil
}
