package daemon

import (
	"testing"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/control"
)

// reading is a reload that waits when it has read the files.
type reading struct {
	there, on chan struct{}
	end       chan error
}

// reads begins a reload; only its first reading waits.
func (s *stage) reads() *reading {
	r := &reading{there: make(chan struct{}), on: make(chan struct{}), end: make(chan error, 1)}
	first := make(chan struct{}, 1)
	first <- struct{}{}
	s.d.mu.Lock()
	s.loading = func() {
		select {
		case <-first:
			close(r.there)
			<-r.on
		default:
		}
	}
	s.d.mu.Unlock()
	go func() {
		_, err := s.ask(1, control.ReloadCommand, control.Reload{})
		r.end <- err
	}()
	return r
}

// TestReloadWaitsForNobody: while files are read the server tells its status and takes
// the steps of its timeline; what was read is then published.
func TestReloadWaitsForNobody(t *testing.T) {
	s := staged(t, "2025-08-20T00:00:00Z", "cutover: {approvals: 0}\n")
	s.must(0, schedule, because())
	s.step("lower")
	s.edit("zones/moi.example.zone", "ns0 A", "h1 A 192.0.2.7\nns0 A")
	r := s.reads()
	within(t, "the files are read", r.there)
	s.is("h1.moi.example", "NXDOMAIN")
	s.must(0, control.HoldCommand, because())
	if st := s.status(); st.State != control.Held {
		t.Errorf("the state is %q", st.State)
	}
	close(r.on)
	if err := within(t, "it ends", r.end); err != nil {
		t.Fatal(err)
	}
	s.is("h1.moi.example", "192.0.2.7 300")
}

// TestReloadIsNotOvertaken: what was read before something else was loaded is not
// published after it.
func TestReloadIsNotOvertaken(t *testing.T) {
	s := staged(t, "2025-08-20T00:00:00Z", "")
	s.edit("zones/moi.example.zone", "ns0 A", "h1 A 192.0.2.7\nns0 A")
	r := s.reads()
	within(t, "the files are read", r.there)
	s.edit("zones/moi.example.zone", "192.0.2.7", "192.0.2.8")
	s.d.mu.Lock()
	err := s.d.reloaded(t.Context(), nil, Note{}) // as a step that is due does
	s.d.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	s.is("h1.moi.example", "192.0.2.8 300")
	close(r.on)
	if err := within(t, "it ends", r.end); err != nil {
		t.Fatal(err)
	}
	s.is("h1.moi.example", "192.0.2.8 300")
}
