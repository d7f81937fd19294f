package historytest

import (
	"errors"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"gialai.gov.vn/hopnhat/zones/history"
)

// ErrKilled is the fault of operations that a process does not come to, being
// dead: what it wrote is there, and may be synced by the next (see DROPPED).
var ErrKilled = errors.New("the process is dead")

// node is a file.
type node struct {
	now, kept []byte // its octets; those that survive a loss of power
	// Octets of now from..to whose sync failed.
	from, to int
}

// FS is a folder in memory. It may be used by several goroutines.
type FS struct {
	mu               sync.Mutex
	now, kept        map[string]*node // nil: a folder
	ops              int
	failFrom, failTo int
	fault            error
}

// New gives an empty folder.
func New() *FS {
	return &FS{now: map[string]*node{".": nil}, kept: map[string]*node{".": nil}}
}

// Ops counts the operations that change something, those that failed too.
func (f *FS) Ops() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ops
}

// Fail lets the operations with the numbers from, counted from 0, up to and
// without to fail. A write that fails may have written a part.
func (f *FS) Fail(from, to int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failFrom, f.failTo, f.fault = from, to, err
}

// Lose gives the folder as it is after a loss of power (FORGET).
func (f *FS) Lose(r *rand.Rand) *FS {
	f.mu.Lock()
	defer f.mu.Unlock()
	names := map[string]*node{}
	for _, name := range slices.Sorted(maps.Keys(f.all())) {
		from := f.kept
		if r.IntN(2) == 0 {
			from = f.now
		}
		if n, ok := from[name]; ok {
			names[name] = n
		}
	}
	out := New()
	for name, n := range names {
		for above := path.Dir(name); ; above = path.Dir(above) {
			if m, ok := names[above]; !ok || m != nil {
				name = ""
			}
			if above == "." || name == "" {
				break
			}
		}
		if name == "" {
			continue // its folder is gone
		}
		if n != nil {
			b := n.left(r)
			n = &node{now: b, kept: b}
		}
		out.now[name], out.kept[name] = n, n
	}
	return out
}

func (f *FS) all() map[string]bool {
	all := map[string]bool{}
	for name := range f.now {
		all[name] = true
	}
	for name := range f.kept {
		all[name] = true
	}
	return all
}

// left is what a loss of power leaves of a file.
func (n *node) left(r *rand.Rand) []byte {
	same := 0
	for same < len(n.kept) && same < len(n.now) && n.kept[same] == n.now[same] {
		same++
	}
	if same < len(n.kept) && r.IntN(2) == 0 {
		return slices.Clone(n.kept)
	}
	end := same + r.IntN(len(n.now)-same+1)
	b := slices.Clone(n.now[:end])
	if r.IntN(3) == 0 {
		b = append(b, make([]byte, len(n.now)-end)...)
	}
	return b
}

// Files lists the files with their octets.
func (f *FS) Files() map[string][]byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := map[string][]byte{}
	for name, n := range f.now {
		if n != nil {
			out[name] = slices.Clone(n.now)
		}
	}
	return out
}

// Folders lists the folders, sorted, without the folder itself.
func (f *FS) Folders() (out []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for name, n := range f.now {
		if n == nil && name != "." {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// Clone gives a folder that is the same and has been synced.
func (f *FS) Clone() *FS {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := New()
	for name, n := range f.now {
		if n != nil {
			b := slices.Clone(n.now)
			n = &node{now: b, kept: b}
		}
		out.now[name], out.kept[name] = n, n
	}
	return out
}

// Put makes a file hold b, with the folders above it, as another program may.
func (f *FS) Put(name string, b []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for above := path.Dir(name); above != "."; above = path.Dir(above) {
		f.now[above], f.kept[above] = nil, nil
	}
	n := &node{now: slices.Clone(b), kept: slices.Clone(b)}
	f.now[name], f.kept[name] = n, n
}

// Delete takes a file or a folder away, with all below it.
func (f *FS) Delete(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, names := range []map[string]*node{f.now, f.kept} {
		maps.DeleteFunc(names, func(n string, _ *node) bool { return n == name || strings.HasPrefix(n, name+"/") })
	}
}

// step counts an operation; its error is the one that it is to fail with.
func (f *FS) step() error {
	at := f.ops
	f.ops++
	if at >= f.failFrom && at < f.failTo {
		return f.fault
	}
	return nil
}

func fault(op, name string, err error) error { return &fs.PathError{Op: op, Path: name, Err: err} }

// file finds a file.
func (f *FS) file(op, name string) (*node, error) {
	n, ok := f.now[name]
	if !ok || n == nil {
		return nil, fault(op, name, fs.ErrNotExist)
	}
	return n, nil
}

// folder tells whether a folder is there.
func (f *FS) folder(op, name string) error {
	if n, ok := f.now[name]; !ok || n != nil {
		return fault(op, name, fs.ErrNotExist)
	}
	return nil
}

// Path implements history.FS.
func (f *FS) Path(name string) string { return name }

// ReadFile implements history.FS.
func (f *FS) ReadFile(name string) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, err := f.file("read", name)
	if err != nil {
		return nil, err
	}
	return slices.Clone(n.now), nil
}

// ReadDir implements history.FS.
func (f *FS) ReadDir(name string) (out []fs.DirEntry, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.folder("readdir", name); err != nil {
		return nil, err
	}
	for n, node := range f.now {
		if n != "." && path.Dir(n) == name {
			out = append(out, entry{path.Base(n), node == nil})
		}
	}
	slices.SortFunc(out, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return out, nil
}

// Create implements history.FS.
func (f *FS) Create(name string) (history.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.step(); err != nil {
		return nil, fault("create", name, err)
	}
	if err := f.folder("create", path.Dir(name)); err != nil {
		return nil, err
	}
	if _, ok := f.now[name]; ok {
		return nil, fault("create", name, fs.ErrExist)
	}
	n := &node{}
	f.now[name] = n
	return &file{f, name, n}, nil
}

// Append implements history.FS.
func (f *FS) Append(name string) (history.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.step(); err != nil {
		return nil, fault("open", name, err)
	}
	n, err := f.file("open", name)
	if err != nil {
		return nil, err
	}
	return &file{f, name, n}, nil
}

// Rename implements history.FS, for files.
func (f *FS) Rename(from, to string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.step(); err != nil {
		return fault("rename", from, err)
	}
	n, err := f.file("rename", from)
	if err != nil {
		return err
	}
	delete(f.now, from)
	f.now[to] = n
	return nil
}

// Remove implements history.FS, for files.
func (f *FS) Remove(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.step(); err != nil {
		return fault("remove", name, err)
	}
	if _, err := f.file("remove", name); err != nil {
		return err
	}
	delete(f.now, name)
	return nil
}

// Truncate implements history.FS.
func (f *FS) Truncate(name string, size int64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.step(); err != nil {
		return fault("truncate", name, err)
	}
	n, err := f.file("truncate", name)
	if err != nil {
		return err
	}
	n.now = slices.Clone(n.now[:min(int64(len(n.now)), size)])
	n.from, n.to = min(n.from, len(n.now)), min(n.to, len(n.now))
	return nil
}

// MkdirAll implements history.FS.
func (f *FS) MkdirAll(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.step(); err != nil {
		return fault("mkdir", name, err)
	}
	for ; name != "."; name = path.Dir(name) {
		if n := f.now[name]; n != nil {
			return fault("mkdir", name, fs.ErrExist)
		}
		f.now[name] = nil
	}
	return nil
}

// SyncDir implements history.FS.
func (f *FS) SyncDir(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.step(); err != nil {
		return fault("sync", name, err)
	}
	if err := f.folder("sync", name); err != nil {
		return err
	}
	within := func(n string, _ *node) bool { return n != "." && path.Dir(n) == name }
	maps.DeleteFunc(f.kept, within)
	for n, node := range f.now {
		if within(n, node) {
			f.kept[n] = node
		}
	}
	return nil
}

// file is an open file, which writes at its end.
type file struct {
	fs   *FS
	name string
	n    *node
}

func (o *file) Write(b []byte) (int, error) {
	o.fs.mu.Lock()
	defer o.fs.mu.Unlock()
	if err := o.fs.step(); err != nil {
		o.n.now = append(slices.Clip(o.n.now), b[:len(b)/2]...)
		return len(b) / 2, fault("write", o.name, err)
	}
	o.n.now = append(slices.Clip(o.n.now), b...)
	return len(b), nil
}

func (o *file) Sync() error {
	o.fs.mu.Lock()
	defer o.fs.mu.Unlock()
	if err := o.fs.step(); err != nil {
		if !errors.Is(err, ErrKilled) {
			o.n.from, o.n.to = min(len(o.n.kept), len(o.n.now)), len(o.n.now)
		}
		return fault("sync", o.name, err)
	}
	o.n.kept = slices.Clone(o.n.now)
	clear(o.n.kept[o.n.from:o.n.to])
	return nil
}

func (o *file) Close() error {
	o.fs.mu.Lock()
	defer o.fs.mu.Unlock()
	if err := o.fs.step(); err != nil {
		return fault("close", o.name, err)
	}
	return nil
}

// entry is a name in a folder.
type entry struct {
	name   string
	folder bool
}

func (e entry) Name() string { return e.name }
func (e entry) IsDir() bool  { return e.folder }
func (e entry) Type() fs.FileMode {
	if e.folder {
		return fs.ModeDir
	}
	return 0
}

// Info implements fs.DirEntry; nothing of it but the name is of use.
func (e entry) Info() (fs.FileInfo, error) { return info{e}, nil }

type info struct{ entry }

func (i info) Size() int64        { return 0 }
func (i info) Mode() fs.FileMode  { return i.Type() }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) Sys() any           { return nil }
