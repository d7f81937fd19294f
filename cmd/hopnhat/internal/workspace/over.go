package workspace

import (
	"bytes"
	"io/fs"
	"path/filepath"

	"gialai.gov.vn/hopnhat/zones/finding"
)

// OpenOver is Open as if some files held other octets than they do, by absolute
// path: what a change would lead to is looked at before it is made.
func OpenOver(dir string, files map[string][]byte) (*Workspace, []finding.Finding) {
	return open(dir, func(r *reader) {
		r.fsys = Over(r.fsys, r.w.Root, files)
		r.read()
	})
}

// Over is the file system of a folder as if some files, by absolute path, held
// other octets than they do.
func Over(fsys fs.FS, root string, files map[string][]byte) fs.FS {
	if len(files) == 0 {
		return fsys
	}
	o := over{fsys, map[string][]byte{}}
	for path, b := range files {
		if rel, err := filepath.Rel(root, path); err == nil {
			o.files[filepath.ToSlash(rel)] = b
		}
	}
	return o
}

// over is a file system with other octets in some files.
type over struct {
	fs.FS
	files map[string][]byte
}

// Open implements fs.FS.
func (o over) Open(name string) (fs.File, error) {
	f, err := o.FS.Open(name)
	b, ok := o.files[name]
	if err != nil || !ok {
		return f, err
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return &overFile{File: f, info: overInfo{info, int64(len(b))}, r: bytes.NewReader(b)}, nil
}

// Stat implements fs.StatFS.
func (o over) Stat(name string) (fs.FileInfo, error) {
	info, err := fs.Stat(o.FS, name)
	if b, ok := o.files[name]; ok && err == nil {
		return overInfo{info, int64(len(b))}, nil
	}
	return info, err
}

// ReadDir implements fs.ReadDirFS.
func (o over) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(o.FS, name) }

type overFile struct {
	fs.File
	info overInfo
	r    *bytes.Reader
}

func (f *overFile) Read(b []byte) (int, error) { return f.r.Read(b) }
func (f *overFile) Stat() (fs.FileInfo, error) { return f.info, nil }

type overInfo struct {
	fs.FileInfo
	size int64
}

func (i overInfo) Size() int64 { return i.size }
