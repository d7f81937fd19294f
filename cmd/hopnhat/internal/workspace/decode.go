package workspace

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/unicode/norm"

	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
)

// decoder turns nodes into values. It gathers every error, each at its place.
type decoder struct {
	*parsed
	refs []ref
	later
}

// ref is a mention of a key that another section defines.
type ref struct {
	n       *node
	section string
}

// field is one key that a mapping may have.
type field struct {
	name string
	need bool
	read func(*node)
}

func must(name string, read func(*node)) field { return field{name, true, read} }
func may(name string, read func(*node)) field  { return field{name, false, read} }

func (d *decoder) add(f finding.Finding) { d.report(f) }

func (d *decoder) fail(id string, n *node, found, mend string) {
	d.add(d.finding(id, n.line, n.col, found, mend))
}

func (d *decoder) failed() bool { return finding.Failed(d.finds) }

func (d *decoder) at(n *node) zones.Place {
	return zones.Place{File: d.file, Line: n.line, Column: n.col}
}

// fields reads a mapping: unknown keys, keys given twice, keys without a
// value and missing keys are errors. It tells whether n is a mapping.
func (d *decoder) fields(n *node, what string, fs ...field) bool {
	if n.kind != mapping_ {
		mend := "write {" + fs[0].name + ": …}"
		if k, v, ok := strings.Cut(n.text, ":"); ok && n.kind == scalar && slices.ContainsFunc(fs, func(f field) bool { return f.name == k }) {
			v, _, _ = strings.Cut(v, " ")
			mend = "write a space after the colon: " + k + ": " + v
		}
		d.fail("W-KEY", n, what+" must have keys, and "+n.says()+" stands here", mend)
		return false
	}
	names := make([]string, len(fs))
	for i, f := range fs {
		names[i] = f.name
	}
	seen := map[string]*node{}
	for i, k := range n.keys {
		j := slices.Index(names, k.text)
		first := seen[k.text]
		seen[k.text] = k
		switch {
		case first != nil:
			d.fail("W-KEY", k, "the key "+k.text+" a second time", fmt.Sprintf("keep one of them; the first stands in line %d", first.line))
		case j < 0:
			d.fail("W-KEY", k, fmt.Sprintf("the key %s is not known in %s", quote(k.text), what), didYouMean(k.text, names))
		case n.vals[i].kind == empty && n == d.root && (d.damaged[k.text] || !fs[j].need):
			// reported already, or a section that has nothing yet
		case n.vals[i].kind == empty:
			d.fail("W-KEY", k, "the key "+k.text+" has no value", "write one, in quotes if it begins with #, or delete the key")
		default:
			fs[j].read(n.vals[i])
		}
	}
	for _, f := range fs {
		if f.need && seen[f.name] == nil && (n != d.root || !d.damaged[f.name]) {
			d.fail("W-KEY", n, what+" lacks the key "+f.name, "add "+f.name+": …")
		}
	}
	return true
}

// named reads a mapping whose keys are names given by the user.
func (d *decoder) named(n *node, what string, each func(key, val *node)) {
	if n.kind == list && len(n.items) == 0 {
		return
	}
	if n.kind != mapping_ {
		d.damaged[what] = true
		d.fail("W-KEY", n, what+" is a list of keys with values, and "+n.says()+" stands here", "write key: value")
		return
	}
	seen := map[string]int{}
	for i, k := range n.keys {
		v := n.vals[i]
		switch first := seen[k.text]; {
		case first > 0:
			d.fail("W-KEY", k, "the key "+k.text+" a second time", fmt.Sprintf("give it another key; the first stands in line %d", first))
			continue
		case k.text == "" || strings.ContainsAny(k.text, " \t:,\n"):
			d.fail("W-KEY", k, quote(k.text)+" is no key", "choose one word of letters, digits and hyphens")
			continue
		case v.kind == empty:
			d.fail("W-KEY", k, "the key "+k.text+" has no value", "write one, in quotes if it begins with #, or delete the key")
			continue
		}
		seen[k.text] = k.line
		each(k, v)
	}
}

// list reads a list.
func (d *decoder) list(n *node, what string, each func(*node)) {
	if n.kind != list {
		d.fail("W-VALUE", n, what+" is a list, and "+n.says()+" stands here", "write [one, two], or one line with a dash for each")
		return
	}
	for _, i := range n.items {
		if i.kind == empty {
			d.fail("W-VALUE", i, "a list's entry without a value", "write one, or delete the dash")
			continue
		}
		each(i)
	}
}

// listOrOne reads a list, or one value in place of a list of one.
func (d *decoder) listOrOne(n *node, what string, each func(*node)) {
	if n.kind == scalar {
		each(n)
		return
	}
	d.list(n, what, each)
}

// text reads a scalar, in NFC.
func (d *decoder) str(n *node, what string) string {
	if n.kind != scalar {
		d.fail("W-VALUE", n, what+" is one value, and "+n.says()+" stands here", "write one value, in quotes if it holds { [ or ,")
		return ""
	}
	s := strings.TrimSpace(norm.NFC.String(n.text))
	if s == "" {
		d.fail("W-VALUE", n, what+" is empty", "write it, or delete the key")
	}
	return s
}

func (d *decoder) bool(n *node, what string) bool {
	switch s := d.str(n, what); s {
	case "true":
		return true
	case "false", "":
	default:
		mend := "write true or false"
		switch strings.ToLower(s) {
		case "yes", "on", "true", "y", "có", "1":
			mend = "write true"
		case "no", "off", "false", "n", "không", "0":
			mend = "write false"
		}
		d.fail("W-VALUE", n, what+" is true or false, and "+quote(s)+" stands here", mend)
	}
	return false
}

func (d *decoder) number(n *node, what string, low, high int) int {
	s := d.str(n, what)
	v, err := strconv.Atoi(s)
	if s != "" && (err != nil || v < low || v > high) {
		d.fail("W-VALUE", n, fmt.Sprintf("%s is %s, which is no number from %d to %d", what, quote(s), low, high), "write digits alone")
		return 0
	}
	return v
}

// oneOf reads one of some words and returns its index, -1 with an error.
func (d *decoder) oneOf(n *node, what string, words ...string) int {
	s := d.str(n, what)
	i := slices.Index(words, s)
	if i < 0 && s != "" {
		d.fail("W-VALUE", n, what+" is "+quote(s)+", not one of "+strings.Join(words, ", "), didYouMean(s, words))
	}
	return i
}

// ref reads a key that a section defines; resolve says whether it does.
func (d *decoder) ref(n *node, section string) string {
	s := d.str(n, "a key of "+section)
	if s != "" {
		d.refs = append(d.refs, ref{n, section})
	}
	return s
}

// resolve reports mentions of keys that their section does not define. A
// section that could not be read whole is given the benefit of the doubt.
func (d *decoder) resolve(section string, keys []string) {
	for _, r := range d.refs {
		key := strings.TrimSpace(norm.NFC.String(r.n.text))
		if r.section != section || d.damaged[section] || slices.Contains(keys, key) {
			continue
		}
		mend := "define it under " + section + ": "
		if w := nearest(key, keys); w != "" {
			mend += "or did you mean " + w + "?"
		} else if len(keys) > 0 {
			mend += "or use one of " + strings.Join(keys, ", ")
		} else {
			mend = "define it under " + section + ":"
		}
		d.fail("W-REF", r.n, fmt.Sprintf("%s has no key %s", section, quote(key)), mend)
	}
}

// says describes a value for a message.
func (n *node) says() string {
	switch n.kind {
	case scalar:
		return "the text " + quote(n.text)
	case list:
		return "a list"
	case mapping_:
		return "a mapping with keys"
	}
	return "nothing"
}

// quote shows a value from the file, cut to a length that a message can carry.
func quote(s string) string {
	if r := []rune(s); len(r) > 60 {
		s = string(r[:60]) + "…"
	}
	return strconv.Quote(s)
}
