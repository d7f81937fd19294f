package source

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"gialai.gov.vn/hopnhat/zones/finding"
)

// include puts the statements of the files that a line names into a block.
func (p *parser) include(s stmt, inside string, depth int, into *block) {
	arg := s.items[1]
	file := arg.text()
	if arg.kind != quoted {
		p.fail(arg.at(), "B-SYNTAX", "the file name of an include is not in quotes", fmt.Sprintf("write include \"%s\";", file))
		return
	}
	names, moved := p.matches(file, arg.file)
	if len(names) == 0 {
		p.unreadable(arg, into, "no such file: "+quote(file))
		return
	}
	if moved != nil {
		if f, ok := p.moves.note(arg.at(), *moved, p.opts.Prefix); ok {
			p.add(f)
		}
	}
	lax := p.lax
	for i, name := range names {
		p.lax = lax && i == len(names)-1 // the semicolon after the include follows the last file
		switch {
		case slices.Contains(p.stack, name):
			p.fail(arg.at(), "B-INCLUDE", "include goes in a circle: "+strings.Join(append(slices.Clone(p.stack), name), " -> "), "remove one of these lines")
			return
		case len(p.stack) >= maxDepth:
			p.fail(arg.at(), "B-LIMIT", fmt.Sprintf("include more than %d files deep", maxDepth), "include the file from a file that is less deep")
			return
		case p.includes >= maxIncludes:
			p.fail(arg.at(), "B-LIMIT", fmt.Sprintf("more than %d files are included", maxIncludes), "join some of them")
			return
		}
		p.includes++
		f, err := p.file(name)
		switch {
		case err != nil:
			p.unreadable(arg, into, shown(p.opts.Prefix, name)+": "+reason(err))
		case p.total+len(f.buf) > maxConfTotal:
			p.fail(arg.at(), "B-LIMIT", fmt.Sprintf("more than %d octets of configuration", maxConfTotal), "include the file fewer times")
			return
		default:
			p.read(f, inside, depth, into)
		}
	}
}

// unreadable says that an included file could not be read.
func (p *parser) unreadable(arg item, into *block, why string) {
	into.missing = true
	p.unread = append(p.unread, arg.text())
	p.add(arg.at().finding("B-INCLUDE", finding.Warning, "an included file is not read: "+why,
		"copy it into the tree if zones stand in it; a file of keys need not be there"))
}

// matches lists the files that an include names in the order in which BIND
// reads them: it puts what glob(3) finds on a stack, so the last name is first.
func (p *parser) matches(file string, from *confFile) (names []string, moved *found) {
	if !strings.ContainsAny(file, "*?[") {
		f, ok := p.paths.find(file)
		ok = ok && !(f.cut && slices.Contains(p.stack, f.name))
		if n := path.Join(path.Dir(from.name), file); (!ok || f.err != nil) && !path.IsAbs(file) && fs.ValidPath(n) {
			if info, err := fs.Stat(p.fsys, n); err == nil && !info.IsDir() {
				return []string{n}, nil
			}
		}
		if ok {
			if f.moved {
				moved = &f
			}
			return []string{f.name}, moved
		}
		p.order = append(p.order, p.paths.likely(file))
		return nil, nil
	}
	server := p.paths.server(file)
	rest := file
	if path.IsAbs(file) {
		rest = path.Base(file)
	}
	literal := *p.paths
	literal.folder = globText.Replace(literal.folder)
	tries, _ := literal.candidates(server, rest)
	if !path.IsAbs(file) {
		tries = append(tries, path.Join(globText.Replace(path.Dir(from.name)), file))
	}
	for _, pattern := range tries {
		names := p.glob(pattern)
		if len(names) == 0 {
			continue
		}
		slices.Reverse(names)
		f := found{name: names[0], server: server}
		if path.IsAbs(server) && !p.paths.own(pattern, server) {
			moved = &f
		}
		return names, moved
	}
	return nil, nil
}

// globText writes a path so that a pattern stands for it alone.
var globText = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`)

// glob lists the files that match; a * does not match a leading dot.
func (p *parser) glob(pattern string) (names []string) {
	if !fs.ValidPath(pattern) {
		return nil
	}
	pattern = strings.ReplaceAll(pattern, "[!", "[^")
	all, _ := fs.Glob(p.fsys, pattern)
	want := strings.Split(pattern, "/")
	for _, n := range all {
		hidden := false
		for i, part := range strings.Split(n, "/") {
			hidden = hidden || strings.HasPrefix(part, ".") && !strings.HasPrefix(want[i], ".")
		}
		if info, err := fs.Stat(p.fsys, n); !hidden && (err != nil || !info.IsDir()) {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	return names
}
