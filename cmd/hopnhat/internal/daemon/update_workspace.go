package daemon

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/updates"
	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/transfer"
)

// An update of a workspace is an edit of the file in which the name stands: of a
// zone served today, or of the source that brought the name in. Then everything
// is loaded, merged and proved again; so the ledger has it, and under `follow` the
// old name too. What does not come out as it was asked is taken back.

// inWorkspace makes one update.
func (u *updater) inWorkspace(ctx context.Context, a asked) {
	rc, known := u.again(a)
	if !known {
		rc = u.judged(ctx, a)
		u.remember(a, rc)
	}
	a.answer(rc)
}

func (u *updater) judged(ctx context.Context, a asked) transfer.Rcode {
	z := u.d.loaded.Worlds[a.at].Zone(a.id)
	if rc := a.judge(z); rc != transfer.RcodeNoError {
		return rc
	}
	d := a.Delta(z)
	if d.Empty() {
		return transfer.RcodeNoError
	}
	err := u.edit(ctx, a.at, z, d)
	if err == nil {
		return transfer.RcodeNoError
	}
	fmt.Fprintf(u.d.o.Log, "%v: the update from %v is not made: %v\n", a.id, a.from.Addr, err)
	if errors.As(err, new(refusal)) {
		return transfer.RcodeRefused
	}
	return transfer.RcodeServFail
}

// refusal is why an update cannot be made, ever.
type refusal string

func (r refusal) Error() string { return string(r) }

// edit makes a change of what is served in the files that it comes from.
func (u *updater) edit(ctx context.Context, at string, z *zones.Zone, d zones.Delta) error {
	parts, err := trace(u.d.loaded.workspace.Masters(), z, d)
	if err != nil {
		return err
	}
	var made []zones.Delta
	undo := func(why error) error {
		for _, d := range slices.Backward(made) {
			why = errors.Join(why, u.write(ctx, d.Inverse()))
		}
		return errors.Join(why, u.d.load(ctx, true))
	}
	for _, p := range parts {
		if err := u.write(ctx, p); err != nil {
			return undo(err)
		}
		made = append(made, p)
	}
	if err := u.d.load(ctx, true); err != nil {
		return undo(refusal(err.Error()))
	}
	if k, ok := differs(z, d, u.d.loaded.Worlds[at].Zone(z.ID())); !ok {
		return undo(refusal(fmt.Sprintf("%v would not be served as it was asked for: a rule or decision speaks of it", k)))
	}
	return nil
}

// write makes a change in one master file, at once and durably.
func (u *updater) write(ctx context.Context, d zones.Delta) error {
	h := u.homes[d.ID]
	if h == nil {
		return refusal(fmt.Sprintf("%v is no master file that can be edited", d.ID))
	}
	r, err := h.file.Read()
	if err != nil {
		return err
	}
	serial := r.Zone.Serial().Next().Next()
	if err := h.file.Append(updates.WithSerial(d, r.Zone, serial)); err != nil {
		return err
	}
	return h.file.Flush(ctx)
}

// trace tells in which master files a change of what is served is made, and how it
// reads there: by the places of the records, which survive the merger.
func trace(ms []workspace.Master, z *zones.Zone, d zones.Delta) ([]zones.Delta, error) {
	type there struct {
		m *workspace.Master
		r zones.Record
	}
	stated := map[zones.Place]there{}
	for i := range ms {
		for r := range ms[i].Zone.Records() {
			if !r.From.Place.IsZero() {
				stated[r.From.Place] = there{&ms[i], r}
			}
		}
	}
	parts := map[zones.ID]*zones.Delta{}
	part := func(id zones.ID) *zones.Delta {
		if parts[id] == nil {
			parts[id] = &zones.Delta{ID: id}
		}
		return parts[id]
	}
	for _, r := range d.Removed {
		set, _ := z.Lookup(r.Owner, r.Type)
		for i := range set.Len() {
			if set.Data(i) != r.Data {
				continue
			}
			t, ok := stated[set.From(i).Place]
			if !ok {
				return nil, refusal(fmt.Sprintf("%v %v comes from %v, which is no master file that can be edited", r.Owner.Text(), r.Type, set.From(i).Place))
			}
			p := part(t.m.ID)
			p.Removed = append(p.Removed, t.r)
		}
	}
	for _, r := range d.Added {
		m, owner, err := homeOf(ms, func(p zones.Place) (*workspace.Master, zones.Name, bool) {
			t, ok := stated[p]
			return t.m, t.r.Owner, ok
		}, z, r)
		if err != nil {
			return nil, err
		}
		r.Owner, r.From = owner, zones.Provenance{}
		if set, ok := m.Zone.Lookup(owner, r.Type); ok && set.Has(r.Data) && !slices.ContainsFunc(part(m.ID).Removed, func(q zones.Record) bool {
			return q.Owner == owner && q.Type == r.Type && q.Data == r.Data
		}) {
			continue // it is there, for another name
		}
		p := part(m.ID)
		p.Added = append(p.Added, r)
	}
	var out []zones.Delta
	for _, p := range parts {
		slices.SortFunc(p.Removed, zones.Record.Compare)
		slices.SortFunc(p.Added, zones.Record.Compare)
		out = append(out, *p)
	}
	slices.SortFunc(out, func(a, b zones.Delta) int { return a.ID.Compare(b.ID) })
	return out, nil
}

// homeOf tells where a record that comes is written: beside the records of its
// type, else beside others of its name, else into the zone's own file.
func homeOf(ms []workspace.Master, stated func(zones.Place) (*workspace.Master, zones.Name, bool), z *zones.Zone, r zones.Record) (*workspace.Master, zones.Name, error) {
	sets := z.At(r.Owner)
	if set, ok := z.Lookup(r.Owner, r.Type); ok {
		sets = append([]zones.RRset{set}, sets...)
	}
	for _, set := range sets {
		if set.Type() == zones.TypeSOA || set.Type() == zones.TypeNS && r.Owner == z.Origin() && r.Type != zones.TypeNS {
			continue
		}
		if m, owner, ok := stated(set.From(0).Place); ok {
			return m, owner, nil
		}
		return nil, zones.Name{}, refusal(fmt.Sprintf("%v comes from %v, which is no master file that can be edited", r.Owner.Text(), set.From(0).Place))
	}
	for _, today := range []bool{true, false} {
		for i := range ms {
			if ms[i].ID == z.ID() && (ms[i].Source == "") == today {
				return &ms[i], r.Owner, nil
			}
		}
	}
	return nil, zones.Name{}, refusal(fmt.Sprintf("%v has no master file that can be edited", z.ID()))
}

// differs tells whether what a change speaks of is served as it says, and else the
// first RRset that is not. The SOA is the server's.
func differs(was *zones.Zone, d zones.Delta, now *zones.Zone) (zones.Key, bool) {
	want, err := d.Apply(was)
	if err != nil || now == nil {
		return zones.Key{Owner: was.Origin(), Type: zones.TypeSOA}, false
	}
	for _, rs := range [][]zones.Record{d.Removed, d.Added} {
		for _, r := range rs {
			k := zones.Key{Owner: r.Owner, Type: r.Type}
			a, okA := want.Lookup(k.Owner, k.Type)
			b, okB := now.Lookup(k.Owner, k.Type)
			if k.Type != zones.TypeSOA && (okA != okB || okA && !a.Equal(b)) {
				return k, false
			}
		}
	}
	return zones.Key{}, true
}
