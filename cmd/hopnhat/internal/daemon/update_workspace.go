package daemon

import (
	"context"
	"errors"
	"fmt"
	"maps"
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

// edit makes a change of what is served in the files that it comes from. What it
// leads to is loaded, merged and proved before anything is written.
func (u *updater) edit(ctx context.Context, at string, z *zones.Zone, d zones.Delta) error {
	if why := u.d.loaded.lacks; why != "" {
		return errors.New(why)
	}
	if !slices.Equal(u.d.loaded.seen, stamps(paths(u.d.loaded.seen))) {
		return updates.ErrEdited // it would be published along
	}
	parts, err := trace(u.d.loaded.workspace.Masters(), z, d)
	if err != nil {
		return err
	}
	files := map[string][]byte{}
	var made []*updates.Proposal
	for _, part := range parts {
		h := u.homes[part.ID]
		if h == nil {
			return refusal(fmt.Sprintf("%v is no master file that can be edited", part.ID))
		}
		p, err := h.file.Propose(part)
		if err != nil {
			return err
		}
		maps.Copy(files, p.Files)
		made = append(made, p)
	}
	n := Note{Who: "dynamic update", UID: -1}
	l, err := u.d.load(ctx, u.d.loaded, files, n)
	if err != nil {
		return refusal(err.Error())
	}
	if k, ok := differs(z, d, l.Worlds[at].Zone(z.ID())); !ok {
		return refusal(fmt.Sprintf("%v would not be served as it was asked for: a rule or decision speaks of it", k))
	}
	if err := errors.Join(u.d.gate(l), u.d.certified(l)); err != nil {
		return refusal(err.Error())
	}
	for _, p := range made {
		if err := p.Make(ctx); err != nil {
			return err
		}
	}
	l.seen = stamps(paths(l.seen)) // with what was just written
	l.Notes = slices.DeleteFunc(l.Notes, func(n string) bool { return slices.Contains(u.d.loaded.Notes, n) })
	if err := u.d.publish(l, n); err != nil {
		return fmt.Errorf("it is written and not yet published: %w", err)
	}
	return nil
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
