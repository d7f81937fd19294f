package rdata

import (
	"fmt"
	"net/url"
	"strings"

	"gialai.gov.vn/hopnhat/zones"
)

// rewriteText rewrites the domains of a TXT whose grammar is recognised. The
// strings of a TXT are read as one text, as mail software does (RFC 7208
// 3.3); when it changes it is cut anew at the places of before as far as they
// fit, else at 255 octets.
func rewriteText(data string, f Mapper) (string, []Flag, error) {
	text, cuts := join(data)
	var out string
	var flags []Flag
	var err error
	lower := strings.ToLower(text)
	switch {
	case lower == "v=spf1" || strings.HasPrefix(lower, "v=spf1 "):
		out, flags, err = rewriteSPF(text, f)
	case strings.HasPrefix(lower, "v=dmarc1"):
		out, err = rewriteTags(text, f, "rua", "ruf")
	case strings.HasPrefix(lower, "v=tlsrptv1"):
		out, err = rewriteTags(text, f, "rua")
	default:
		return data, nil, nil
	}
	if err != nil || out == text {
		return data, flags, err
	}
	return cut(out, text, cuts), flags, nil
}

// join puts the strings of TXT data together and tells where they ended.
func join(data string) (text string, ends []int) {
	var b strings.Builder
	for i := 0; i < len(data); i += 1 + int(data[i]) {
		b.WriteString(data[i+1 : i+1+int(data[i])])
		ends = append(ends, b.Len())
	}
	return b.String(), ends
}

// cut makes TXT data of a text. A text that was one string stays one if it
// fits; one of several is cut near the blank before each old end.
func cut(text, old string, ends []int) string {
	var b strings.Builder
	put := func(s string) {
		for {
			n := min(len(s), 255)
			b.WriteByte(byte(n))
			b.WriteString(s[:n])
			if s = s[n:]; s == "" {
				return
			}
		}
	}
	grown := len(text) - len(old)
	from := 0
	for _, end := range ends[:len(ends)-1] {
		to := end
		if common(text, old) < end {
			to = end + grown
		}
		to = max(from, min(to, len(text)))
		put(text[from:to])
		from = to
	}
	put(text[from:])
	return b.String()
}

// common is the length of the common head of two texts.
func common(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// rewriteSPF rewrites the domain-specs of an SPF record (RFC 7208 4.6, 5, 6).
func rewriteSPF(text string, f Mapper) (string, []Flag, error) {
	var flags []Flag
	words := strings.Split(text, " ")
	for i, w := range words {
		head, spec, ok := spfDomain(w)
		if !ok {
			continue
		}
		tail := ""
		if j := strings.IndexByte(spec, '/'); j >= 0 {
			spec, tail = spec[:j], spec[j:]
		}
		if strings.Contains(spec, "%") {
			flags = append(flags, Flag{"an SPF macro is kept as it is: " + w})
			continue
		}
		n, err := mapText(spec, f)
		if err != nil {
			return "", nil, err
		}
		words[i] = head + n + tail
	}
	return strings.Join(words, " "), flags, nil
}

// spfDomain cuts a mechanism or modifier before its domain-spec.
func spfDomain(w string) (head, spec string, ok bool) {
	rest := strings.TrimLeft(w, "+-?~")
	for _, m := range []string{"a:", "mx:", "ptr:", "include:", "exists:", "redirect=", "exp="} {
		if len(rest) > len(m) && strings.EqualFold(rest[:len(m)], m) {
			at := len(w) - len(rest) + len(m)
			return w[:at], w[at:], true
		}
	}
	return "", "", false
}

// rewriteTags rewrites the hosts of mailto addresses in tags such as rua
// (RFC 7489 6.3, RFC 8460 3).
func rewriteTags(text string, f Mapper, tags ...string) (string, error) {
	parts := strings.Split(text, ";")
	for i, p := range parts {
		key, value, ok := strings.Cut(p, "=")
		if !ok || !contains(tags, strings.ToLower(strings.TrimSpace(key))) {
			continue
		}
		uris := strings.Split(value, ",")
		for j, u := range uris {
			at := strings.LastIndexByte(u, '@')
			if at < 0 || !strings.EqualFold(strings.TrimLeft(u, " ")[:min(7, len(strings.TrimLeft(u, " ")))], "mailto:") {
				continue
			}
			host, tail := u[at+1:], ""
			if k := strings.IndexAny(host, "!? \t"); k >= 0 {
				host, tail = host[:k], host[k:]
			}
			n, err := mapText(host, f)
			if err != nil {
				return "", err
			}
			uris[j] = u[:at+1] + n + tail
		}
		parts[i] = key + "=" + strings.Join(uris, ",")
	}
	return strings.Join(parts, ";"), nil
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}

// mapText maps a domain in a text. What is no name, or stays, is returned as
// it is written.
func mapText(s string, f Mapper) (string, error) {
	n, err := zones.ParseName(s)
	if err != nil || n.IsRoot() {
		return s, nil
	}
	m, err := f(n, Mail)
	if err != nil {
		return "", err
	}
	if m == n {
		return s, nil
	}
	if strings.HasSuffix(s, ".") {
		return m.String(), nil
	}
	return m.Text(), nil
}

// rewriteURI rewrites the host of a URI record (RFC 7553 4.4).
func rewriteURI(data string, f Mapper) (string, []Flag, error) {
	target := data[4:]
	u, err := url.Parse(target)
	if err != nil || u.Hostname() == "" {
		return data, []Flag{{"a URI without a host that can be read is kept as it is: " + target}}, nil
	}
	n, err := mapText(u.Hostname(), f)
	if err != nil || n == u.Hostname() {
		return data, nil, err
	}
	at := strings.Index(target, u.Host)
	if at < 0 {
		return data, []Flag{{"the host of a URI is kept as it is: " + target}}, nil
	}
	host := n
	if p := u.Port(); p != "" {
		host += ":" + p
	}
	return data[:4] + target[:at] + host + target[at+len(u.Host):], nil, nil
}

// rewriteCAA leaves a CAA as it is; iodef is reported, since where to send
// reports is a matter of policy (RFC 8659 4.4).
func rewriteCAA(data string) (string, []Flag, error) {
	n := int(data[1])
	if strings.EqualFold(data[2:2+n], "iodef") {
		return data, []Flag{{fmt.Sprintf("CAA iodef is kept as it is: %s", data[2+n:])}}, nil
	}
	return data, nil, nil
}
