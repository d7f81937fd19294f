package daemon

import (
	"fmt"
	"sync/atomic"
	"time"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/resolver/listen"
)

// soonLate is how long before its end a certificate is spoken of at each load.
const soonLate = 14 * 24 * time.Hour

// secrets are the credentials of a listener over TLS, as they were read last.
type secrets struct {
	files workspace.TLS
	now   atomic.Pointer[listen.Credentials]
}

// secure reads the credentials of a listener; nil for one without TLS.
func secure(l Listener) (*secrets, error) {
	if l.TLS == nil {
		return nil, nil
	}
	s := &secrets{files: *l.TLS}
	if err := s.read(); err != nil {
		return nil, fmt.Errorf("listener %s: %w", l.Address, err)
	}
	return s, nil
}

func (s *secrets) read() error {
	c, clients, err := s.files.Load()
	if err == nil {
		s.now.Store(&listen.Credentials{Certificate: c, Clients: clients})
	}
	return err
}

// get is what listen.Options asks for.
func (s *secrets) get() func() *listen.Credentials {
	if s == nil {
		return nil
	}
	return s.now.Load
}

// renew reads the credentials of all listeners again; those that cannot be read
// stay as they are (LAST-GOOD).
func (d *Daemon) renew() {
	for _, r := range d.running {
		if r.secrets == nil {
			continue
		}
		if err := r.secrets.read(); err != nil {
			fmt.Fprintf(d.o.Log, "listener %s: %v; the certificate read before is still shown\n", r.Address, err)
		}
		r.secrets.warn(r.Address, d)
	}
}

// warn says when a certificate ends.
func (s *secrets) warn(address string, d *Daemon) {
	leaf := s.now.Load().Certificate.Leaf
	if leaf == nil {
		return
	}
	switch left := leaf.NotAfter.Sub(d.clock.Now()); {
	case left <= 0:
		fmt.Fprintf(d.o.Log, "listener %s: the certificate %s ended %s: nobody transfers over TLS any more; renew it, then send SIGHUP\n", address, s.files.Certificate, leaf.NotAfter.Format(time.DateTime))
	case left < soonLate:
		fmt.Fprintf(d.o.Log, "listener %s: the certificate %s ends %s; renew it, then send SIGHUP\n", address, s.files.Certificate, leaf.NotAfter.Format(time.DateTime))
	}
}
