package journaltest

import (
	"bytes"
	"context"
	"iter"
	"sync"

	"gialai.gov.vn/hopnhat/ipam"
)

// Store keeps records in memory. Its journals see each other's appends, as
// clients of one server do, and what a closed one appended stays. The zero
// Store is empty.
type Store struct {
	mu      sync.Mutex
	records [][]byte
	end     ipam.Chain
	changed chan struct{} // closed at the next append; nil while nobody waits
}

// Open gives a journal on the store.
func (s *Store) Open() ipam.Journal { return &memory{store: s, closed: make(chan struct{})} }

type memory struct {
	store  *Store
	once   sync.Once
	closed chan struct{}
}

func (m *memory) check(ctx context.Context) error {
	select {
	case <-m.closed:
		return ipam.ErrClosed
	default:
		return ctx.Err()
	}
}

func (m *memory) Head(ctx context.Context) (uint64, error) {
	if err := m.check(ctx); err != nil {
		return 0, err
	}
	m.store.mu.Lock()
	defer m.store.mu.Unlock()
	return m.store.end.Revision, nil
}

func (m *memory) Append(ctx context.Context, after uint64, records [][]byte) error {
	if err := m.check(ctx); err != nil {
		return err
	}
	if err := ipam.CheckBatch(records); err != nil {
		return err
	}
	s := m.store
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.end.Revision != after {
		return ipam.ErrConflict
	}
	end, added := s.end, [][]byte(nil)
	for _, r := range records {
		var err error
		if _, end, err = end.Follow(r); err != nil {
			return err
		}
		added = append(added, bytes.Clone(r))
	}
	s.end, s.records = end, append(s.records, added...)
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
	return nil
}

// from gives the records behind after, and what is closed when there are more.
func (s *Store) from(after uint64) (records [][]byte, more <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.changed == nil {
		s.changed = make(chan struct{})
	}
	return s.records[min(after, uint64(len(s.records))):], s.changed
}

func (m *memory) Read(ctx context.Context, after uint64) iter.Seq2[ipam.Record, error] {
	return m.walk(ctx, after, false)
}

func (m *memory) Watch(ctx context.Context, after uint64) iter.Seq2[ipam.Record, error] {
	return m.walk(ctx, after, true)
}

func (m *memory) walk(ctx context.Context, after uint64, wait bool) iter.Seq2[ipam.Record, error] {
	return func(yield func(ipam.Record, error) bool) {
		for next := after + 1; ; {
			records, more := m.store.from(next - 1)
			for _, r := range records {
				if err := m.check(ctx); err != nil {
					yield(ipam.Record{}, err)
					return
				}
				if !yield(ipam.Record{Revision: next, Data: bytes.Clone(r)}, nil) {
					return
				}
				next++
			}
			if err := m.check(ctx); err != nil {
				yield(ipam.Record{}, err)
				return
			}
			if !wait {
				return
			}
			select {
			case <-more:
			case <-ctx.Done():
			case <-m.closed:
			}
		}
	}
}

func (m *memory) Close() error {
	m.once.Do(func() { close(m.closed) })
	return nil
}
