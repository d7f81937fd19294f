package updates

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/zonefile"
)

// Read is a master file as it was read: the tree, its zone, and where the tree's
// files lie.
type Read struct {
	Tree *zonefile.Tree
	Zone *zones.Zone
	Path func(name string) string
}

// Home says where a zone that takes updates lives.
type Home struct {
	ID    zones.ID
	State string // folder of the journal
	// Read reads the master file; an error where it holds no whole zone.
	Read func() (Read, error)
	Wait func(context.Context, time.Duration) error
}

// File is the master file of a zone that takes updates, with its journal. Its
// methods are safe for concurrent use.
type File struct {
	home Home

	mu sync.Mutex // guards j
	j  *journal

	writing sync.Mutex // held while the master file is written
}

// ErrEdited is a master file that was changed and not loaded since: what updates
// changed waits in the journal until it is.
var ErrEdited = errors.New("the file was changed and not loaded yet")

// Open takes the journal of a zone, or begins one. The note says what a crash
// left at its end, if anything.
func Open(h Home) (f *File, note string, err error) {
	j, cut, err := openJournal(h.State, h.ID)
	if err != nil {
		return nil, "", err
	}
	if cut > 0 {
		note = fmt.Sprintf("%s: %d octets at the end were not whole, and never answered: cut off", j.path, cut)
	}
	return &File{home: h, j: j}, note, nil
}

// ID is the zone.
func (f *File) ID() zones.ID { return f.home.ID }

// Read reads the master file.
func (f *File) Read() (Read, error) { return f.home.Read() }

// Clean looks after what a crash left beside the master file: a file that was about
// to take its place, or that had just made place. What is known is removed; else
// somebody saved it in the very instant of the crash, and the notes say where it is.
func (f *File) Clean() (notes []string, err error) {
	f.writing.Lock()
	defer f.writing.Unlock()
	r, err := f.home.Read()
	if err != nil {
		return nil, err
	}
	_, written := split(f.entries())
	for i, one := range r.Tree.Files() {
		path, err := filepath.EvalSymlinks(r.Path(one.Name()))
		if err != nil {
			return notes, err
		}
		left, err := filepath.Glob(filepath.Join(escapeGlob(filepath.Dir(path)), "."+escapeGlob(filepath.Base(path))+".*.new"))
		if err != nil {
			return notes, err
		}
		for _, l := range left {
			b, err := os.ReadFile(l)
			if err != nil {
				return notes, err
			}
			all := contents(r.Tree)
			all[i] = b
			if _, known := written[sumOf(all)]; known || bytes.Equal(b, one.Bytes()) || len(b) == 0 {
				if err := os.Remove(l); err != nil {
					return notes, err
				}
				continue
			}
			notes = append(notes, fmt.Sprintf("%s was left by a crash and holds what nobody has loaded: hold it against %s, then remove it", l, path))
		}
	}
	return notes, nil
}

func escapeGlob(s string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(s)
}

// Close gives the journal back.
func (f *File) Close() error {
	f.writing.Lock()
	defer f.writing.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.j.close()
}

// Append writes steps into the journal; they are on disk when it returns (DURABLE).
func (f *File) Append(ds ...zones.Delta) error {
	es := make([]Entry, len(ds))
	for i, d := range ds {
		es[i] = Entry{Kind: Update, Delta: d}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.j.add(es...)
}

// Steps are the changes that the journal knows, the oldest first.
func (f *File) Steps() []zones.Delta {
	steps, _ := split(f.entries())
	ds := make([]zones.Delta, len(steps))
	for i, s := range steps {
		ds[i] = s.Delta
	}
	return ds
}

func (f *File) entries() []Entry {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.j.entries[:len(f.j.entries):len(f.j.entries)]
}

// split parts the steps from the sums of what was written, which tell after how
// many steps that was.
func split(es []Entry) (steps []Entry, written map[[32]byte]int) {
	written = map[[32]byte]int{}
	at := map[zones.Serial]int{}
	for _, e := range es {
		if e.Kind != Written {
			from, to := e.serials()
			at[from] = len(steps)
			steps = append(steps, e)
			at[to] = len(steps)
		}
	}
	begun := false
	for _, e := range es {
		if e.Kind != Written {
			begun = true
		} else if n, ok := at[e.Serial]; ok || !begun {
			written[e.Sum] = n // before the first step it is what that one began with
		}
	}
	return steps, written
}

// sum covers the octets of all files of a tree.
func sum(t *zonefile.Tree) [32]byte { return sumOf(contents(t)) }

func contents(t *zonefile.Tree) (all [][]byte) {
	for _, f := range t.Files() {
		all = append(all, f.Bytes())
	}
	return all
}

func sumOf(all [][]byte) [32]byte {
	h := sha256.New()
	for _, b := range all {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(b))))
		h.Write(b)
	}
	return [32]byte(h.Sum(nil))
}

// Flush writes what updates changed into the master file. Where people changed
// the file since it was loaded it waits for the loading (ErrEdited).
func (f *File) Flush(ctx context.Context) error {
	f.writing.Lock()
	defer f.writing.Unlock()
	steps, written := split(f.entries())
	if len(steps) == 0 {
		return nil
	}
	r, err := f.home.Read()
	if err != nil {
		return errors.Join(ErrEdited, err)
	}
	n, known := written[sum(r.Tree)]
	if !known {
		return ErrEdited
	}
	if n == len(steps) {
		return nil
	}
	if _, err := f.write(ctx, r, lacking(steps[n:], r.Zone), last(steps)); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.j.compact(len(steps))
}

func last(steps []Entry) zones.Serial {
	_, to := steps[len(steps)-1].serials()
	return to
}

// Outcome is what Reconcile found and did.
type Outcome struct {
	Edited  bool // people changed the file
	Lacked  int  // records that were changed in it again, which it lacked of updates
	Written bool
	Zone    *zones.Zone // what it states now
}

// Reconcile makes the master file hold every update (NOT-LOST), before it is
// loaded; what is loaded then has to be the outcome's zone, or somebody saved the
// file in between, and it is to be done again. served is the zone as it is served, nil before it is; with it the step
// that people made is written down.
func (f *File) Reconcile(ctx context.Context, served *zones.Zone) (o Outcome, err error) {
	f.writing.Lock()
	defer f.writing.Unlock()
	for range 10 {
		if o, err = f.reconcile(ctx, served); !errors.Is(err, ErrSaved) {
			return o, err
		}
	}
	return o, err
}

func (f *File) reconcile(ctx context.Context, served *zones.Zone) (o Outcome, err error) {
	steps, written := split(f.entries())
	r, err := f.home.Read()
	if err != nil {
		return o, err
	}
	o.Zone = r.Zone
	if len(steps) == 0 {
		f.mu.Lock()
		defer f.mu.Unlock()
		return o, f.j.rewrite([]Entry{{Kind: Written, Serial: r.Zone.Serial(), Sum: sum(r.Tree)}})
	}
	if n, ok := written[sum(r.Tree)]; ok {
		if n == len(steps) {
			return o, nil
		}
		d := lacking(steps[n:], r.Zone)
		o.Lacked, o.Written = len(d.Removed)+len(d.Added), true
		if o.Zone, err = WithSerial(d, r.Zone, last(steps)).Apply(r.Zone); err != nil {
			return o, err
		}
		_, err := f.write(ctx, r, d, last(steps))
		return o, err
	}
	n := base(steps, r.Zone)
	d := lacking(steps[n:], r.Zone)
	o.Edited, o.Lacked = true, len(d.Removed)+len(d.Added)
	serial := r.Zone.Serial()
	if to := last(steps); !to.Before(serial) {
		serial = to.Next().Next()
	} else if o.Lacked > 0 {
		serial = serial.Next().Next()
	}
	if o.Zone, err = WithSerial(d, r.Zone, serial).Apply(r.Zone); err != nil {
		return o, err
	}
	as := Entry{Kind: Written, Serial: serial, Sum: sum(r.Tree)}
	if o.Lacked > 0 || serial != r.Zone.Serial() {
		o.Written = true
		if as.Sum, err = f.write(ctx, r, d, serial); err != nil {
			return o, err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if served != nil && served.Serial() == last(steps) {
		return o, f.j.add(Entry{Kind: Hand, Delta: zones.Diff(served, o.Zone)}, as)
	}
	return o, f.j.rewrite([]Entry{as}) // what people changed while nobody served it is no step
}

// write makes a change in the master file, under a serial. The sum is in the
// journal before, so that a crash in between leaves a file that is known: the one
// before or the one after.
func (f *File) write(ctx context.Context, r Read, d zones.Delta, serial zones.Serial) (written [32]byte, err error) {
	next, err := r.Tree.Apply(WithSerial(d, r.Zone, serial))
	if err != nil {
		return written, err
	}
	return f.put(ctx, r, next, serial)
}

// put writes another tree in the place of what was read, with its sum in the
// journal before. What holds the later serial holds all.
func (f *File) put(ctx context.Context, r Read, next *zonefile.Tree, serial zones.Serial) (written [32]byte, err error) {
	written = sum(next)
	f.mu.Lock()
	err = f.j.add(Entry{Kind: Written, Serial: serial, Sum: written})
	f.mu.Unlock()
	if err != nil {
		return written, err
	}
	return written, Replace(ctx, r, next, f.home.Wait)
}

// Replace writes a tree in the place of the one that was read, as an editor
// would: nothing of it is in a journal. The file with the SOA comes last. Where
// somebody saved a file since it was read the error is ErrSaved, and that file is
// left alone.
func Replace(ctx context.Context, r Read, next *zonefile.Tree, wait func(context.Context, time.Duration) error) error {
	soa := next.SOAFile()
	for _, lastly := range []bool{false, true} {
		for _, file := range changed(r.Tree, next) {
			if (file == soa) != lastly {
				continue
			}
			if err := Exchange(ctx, r.Path(file.Name()), r.Tree.File(file.Name()).Bytes(), file.Bytes(), wait); err != nil {
				return err
			}
		}
	}
	return nil
}

// changed lists the files of a tree that another has with other octets.
func changed(was, next *zonefile.Tree) (out []*zonefile.File) {
	for _, file := range next.Files() {
		if !bytes.Equal(was.File(file.Name()).Bytes(), file.Bytes()) {
			out = append(out, file)
		}
	}
	return out
}

// Proposal is a change of a master file that is not made yet.
type Proposal struct {
	Files map[string][]byte // by path: what they would hold

	f      *File
	r      Read
	next   *zonefile.Tree
	d      zones.Delta
	serial zones.Serial
}

// Propose tells what a change would make of the master file, which has to be as it
// was loaded (ErrEdited).
func (f *File) Propose(d zones.Delta) (*Proposal, error) {
	f.writing.Lock()
	defer f.writing.Unlock()
	steps, written := split(f.entries())
	r, err := f.home.Read()
	if err != nil {
		return nil, errors.Join(ErrEdited, err)
	}
	if n, ok := written[sum(r.Tree)]; !ok || n < len(steps) {
		return nil, ErrEdited
	}
	p := &Proposal{f: f, r: r, serial: r.Zone.Serial().Next().Next(), Files: map[string][]byte{}}
	p.d = WithSerial(d, r.Zone, p.serial)
	if p.next, err = r.Tree.Apply(p.d); err != nil {
		return nil, err
	}
	for _, file := range changed(r.Tree, p.next) {
		p.Files[r.Path(file.Name())] = file.Bytes()
	}
	return p, nil
}

// Make makes it: in the journal, then in the file. Where somebody saved the file
// since, the change is in the journal and stays: the next loading makes it.
func (p *Proposal) Make(ctx context.Context) error {
	if err := p.f.Append(p.d); err != nil {
		return err
	}
	p.f.writing.Lock()
	defer p.f.writing.Unlock()
	_, err := p.f.put(ctx, p.r, p.next, p.serial)
	return err
}
