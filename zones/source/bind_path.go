package source

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"gialai.gov.vn/hopnhat/zones/finding"
)

// paths finds a server's files inside the file system (see doc.go).
type paths struct {
	fsys      fs.FS
	root      string // the absolute path that fsys stands for; "" if unknown
	folder    string // of the named.conf, inside fsys
	directory string // of options, as written; "" if none
}

// found is where a path was found.
type found struct {
	name   string // inside the file system
	server string // the path on the server; relative where no directory is set
	moved  bool   // not at the server's own path
	cut    bool   // leading folders were left out
	err    error  // it is there and cannot be read
}

// server gives a path as the server would open it, without links resolved.
func (p *paths) server(file string) string {
	if path.IsAbs(file) || p.directory == "" {
		return path.Clean(file)
	}
	return path.Join(p.directory, file)
}

// candidates lists where a file may stand, the likeliest first, and how many
// of them keep the whole path. rest is the part that is not cut.
func (p *paths) candidates(server, rest string) (names []string, whole int) {
	if !path.IsAbs(server) {
		return []string{path.Join(p.folder, server)}, 1
	}
	if p.root != "" {
		if n, ok := below(server, p.root); ok {
			names = append(names, n)
		}
	}
	for dir := p.folder; ; dir = path.Dir(dir) {
		names = append(names, path.Join(dir, server[1:]))
		if dir == "." {
			break
		}
	}
	whole = len(names)
	for s := server[1:]; ; {
		_, after, ok := strings.Cut(s, "/")
		if !ok || len(after) < len(rest) {
			break
		}
		s = after
		names = append(names, path.Join(p.folder, s))
	}
	if !path.IsAbs(rest) {
		if n := path.Join(p.folder, rest); !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	return names, whole
}

// find finds a file; false where it is nowhere.
func (p *paths) find(file string) (found, bool) {
	if file == "" || strings.Contains(file, "\x00") {
		return found{}, false
	}
	server := p.server(file)
	rest := path.Base(file)
	if !path.IsAbs(file) {
		rest = path.Clean(file)
	}
	names, whole := p.candidates(server, rest)
	var barred *found
	for i, n := range names {
		if !fs.ValidPath(n) {
			continue
		}
		f := found{name: n, server: server, cut: i >= whole}
		f.moved = path.IsAbs(server) && !p.own(n, server)
		info, err := fs.Stat(p.fsys, n)
		switch {
		case err == nil && !info.IsDir():
			return f, true
		case err == nil && barred == nil:
			f.err = errNotRegular
			barred = &f
		case barred == nil && err != nil && (escapes(err) || errors.Is(err, fs.ErrPermission)):
			f.err = err
			barred = &f
		}
	}
	if barred != nil {
		return *barred, true
	}
	return found{}, false
}

// own tells whether a file stands at the server's own path.
func (p *paths) own(name, server string) bool {
	n, ok := below(server, p.root)
	return p.root != "" && ok && n == name
}

// likely is the place to name where a file is nowhere.
func (p *paths) likely(file string) string {
	if path.IsAbs(file) {
		return path.Join(p.folder, path.Base(file))
	}
	if n := path.Join(p.folder, file); fs.ValidPath(n) {
		return n
	}
	return path.Join(p.folder, path.Base(file))
}

// moves holds which notes on folders were made.
type moves map[string]bool

// note says that a folder of the server was found elsewhere; false where that
// was said. Of /etc/bind/zones found at tree/etc/bind/zones it tells that / is
// taken to be tree, so that one note does for many files.
func (m moves) note(at spot, f found, prefix string) (finding.Finding, bool) {
	from, to := path.Dir(f.server), path.Dir(f.name)
	for from != "/" && to != "." && path.Base(from) == path.Base(to) {
		from, to = path.Dir(from), path.Dir(to)
	}
	if to = path.Clean(shown(prefix, to)); m[from+" "+to] {
		return finding.Finding{}, false
	}
	m[from+" "+to] = true
	return at.finding("B-PATH", finding.Note, fmt.Sprintf("the server's folder %s is taken to be %s", from, to), ""), true
}
