package zonefile

import (
	"fmt"
	"io/fs"
	"path"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
)

// include reads another file in the place of a $INCLUDE line, with its own
// origin. Origin and last owner are restored after it (RFC 1035 5.1); a $TTL
// or a TTL stated in it goes on to hold, as in BIND.
func (r *reader) include(s *source, at token, file string, origin zones.Name) {
	fail := func(found, mend string) { r.fail(s, "Z-INCLUDE", at.spot(), found, mend) }
	name, why := r.resolve(s.name, file)
	if why != "" {
		fail("$INCLUDE "+quote([]byte(file))+": "+why, "put the file inside the include root, or set --include-root to a folder that holds both")
		return
	}
	for i, n := range r.stack {
		if n == name {
			fail("$INCLUDE goes in a circle: "+strings.Join(append(r.stack[i:len(r.stack):len(r.stack)], name), " -> "), "remove one of these lines")
			return
		}
	}
	r.includes++
	switch {
	case len(r.stack) > r.opts.MaxDepth:
		fail(fmt.Sprintf("$INCLUDE more than %d files deep", r.opts.MaxDepth), "include the file from a file that is less deep")
		return
	case r.includes > r.opts.MaxIncludes:
		fail(fmt.Sprintf("more than %d $INCLUDE lines", r.opts.MaxIncludes), "join some of the files")
		return
	}
	inner := &source{name: name, index: r.t.fileIndex(name)}
	if inner.index >= 0 {
		inner.buf = r.t.files[inner.index].buf
	} else {
		buf, err := r.open(name)
		if err == nil {
			err = refuse(buf)
		}
		if err != nil {
			found, mend := explain(err, r.opts)
			fail("$INCLUDE "+quote([]byte(file))+": "+found, mend)
			return
		}
		inner.buf, inner.index = buf, r.addFile(name, buf)
	}
	if r.total+len(inner.buf) > r.opts.MaxTotal {
		fail(fmt.Sprintf("more than %d octets are included", r.opts.MaxTotal), "include the file fewer times")
		return
	}
	outer, owner, bad := r.st.origin, r.owner, r.badOwner
	r.setOrigin(origin)
	r.read(inner)
	r.setOrigin(outer)
	r.owner, r.badOwner = owner, bad
	if !inner.proved && inner.held.failed {
		fail(fmt.Sprintf("$INCLUDE %s: no record of the file could be read (the first fault is at %v; nothing of the file is shown)", quote([]byte(file)), inner.first),
			"name a file of records")
	}
}

// resolve gives the path inside the include root of a file that another one
// names, or why there is none.
func (r *reader) resolve(from, file string) (name, why string) {
	if path.IsAbs(file) {
		root := strings.TrimSuffix(path.Clean("/"+r.opts.Root), "/")
		if r.opts.Root == "" {
			return "", "an absolute path, and the include root's own is not known"
		}
		rest, ok := strings.CutPrefix(path.Clean(file), root+"/")
		if !ok {
			return "", "the file lies outside the include root " + r.opts.Root
		}
		return rest, ""
	}
	name = path.Join(path.Dir(from), file)
	switch {
	case name == ".." || strings.HasPrefix(name, "../"):
		return "", "the path leaves the include root"
	case !fs.ValidPath(name) || name == ".":
		return "", "this is no path of a file"
	}
	return name, ""
}
