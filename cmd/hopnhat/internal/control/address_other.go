//go:build !linux

package control

import (
	"context"
	"errors"
	"net"
	"os"
)

// errLinux is told where the kernel's word on the peer is not asked for.
var errLinux = errors.New("the control socket needs Linux")

func peerOf(*net.UnixConn) (uid, gid, pid int, err error) { return 0, 0, 0, errLinux }

func dial(context.Context, string) (*net.UnixConn, error) { return nil, errLinux }

func bind(string, gate) (*net.UnixListener, os.FileInfo, error) { return nil, nil, errLinux }

func unlink(string, os.FileInfo) error { return errLinux }

func groupOf(string) (gid int, ok bool) { return 0, false }
