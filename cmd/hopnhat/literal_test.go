package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// controlPlane lists what carries out and verifies a cutover. It must work while
// the names that it switches do not.
var controlPlane = []string{
	"cmd/hopnhat/internal/daemon", "cmd/hopnhat/internal/control", "cmd/hopnhat/internal/verify",
	"cmd/hopnhat/internal/publish", "cmd/hopnhat/internal/clock",
	"zones/transfer", "zones/history", "zones/cutover", "resolver/probe", "resolver/listen",
}

// passing lists the functions that hand an address on as they got it; whoever
// calls them is held to the law.
var passing = map[string]string{
	"zones/transfer.dial": "is Request.Dial where none is given; its callers give Server.String()",
}

// looksUp are names of package net that ask a resolver, or are one.
var looksUp = regexp.MustCompile(`^(Lookup.*|Resolve.*Addr|DefaultResolver|Resolver)$`)

// reaches are functions that take an address as text, and would look up a name in it.
var reaches = regexp.MustCompile(`^([Dd]ial(Timeout|Context|TLS|TLSContext|WithDialer|TimeoutWithTLS)?|Listen(Packet)?|Exchange(Context)?)$`)

// TestControlPlaneIsLiteral (ASK-LITERAL): no package of the control plane calls what asks
// a resolver, and whatever address it gives as text is a netip.AddrPort's, or a
// path of this machine.
func TestControlPlaneIsLiteral(t *testing.T) {
	var pkgs []string
	for _, p := range controlPlane {
		pkgs = append(pkgs, module+"/"+p)
	}
	exports, files := listExports(t, pkgs...)
	reached := 0
	for _, p := range pkgs {
		if len(files[p]) == 0 {
			t.Fatalf("%s has no files", p)
		}
		fset := token.NewFileSet()
		var parsed []*ast.File
		for _, name := range files[p] {
			f, err := parser.ParseFile(fset, name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			parsed = append(parsed, f)
		}
		faults, n := literal(t, fset, p, parsed, exports)
		reached += n
		for _, f := range faults {
			t.Error(f)
		}
	}
	t.Logf("%d packages, %d calls with an address", len(pkgs), reached)
	if reached < 5 {
		t.Error("hardly any call was looked at")
	}
}

// TestControlPlaneIsLiteralCatches shows that the law can be broken.
func TestControlPlaneIsLiteralCatches(t *testing.T) {
	exports, _ := listExports(t, "net", "net/netip", "context", "crypto/tls", "net/http", "github.com/miekg/dns")
	for body, want := range map[string]string{
		`net.LookupHost("a")`:                                    "net.LookupHost",
		`net.DefaultResolver.LookupIP(ctx, "ip", s)`:             "net.DefaultResolver",
		`_ = net.Resolver{}`:                                     "net.Resolver",
		`net.ResolveUDPAddr("udp", s)`:                           "net.ResolveUDPAddr",
		`net.Dial("udp", s)`:                                     "an address as text",
		`net.Dial("tcp", "ns.example.vn:53")`:                    "an address as text",
		`new(net.Dialer).DialContext(ctx, "tcp", s)`:             "an address as text",
		`new(net.ListenConfig).Listen(ctx, "tcp", s)`:            "an address as text",
		`tls.Dial("tcp", s, nil)`:                                "an address as text",
		`new(dns.Client).ExchangeContext(ctx, nil, s)`:           "an address as text",
		`f.Dial(ctx, "tcp", s)`:                                  "an address as text",
		`net.Dial("tcp", err.Error())`:                           "an address as text",
		`net.Dial("tcp", u.String())`:                            "an address as text",
		`_ = http.Get`:                                           "net/http",
		`net.Dial("tcp", a.String())`:                            "",
		`net.Dial("unix", s)`:                                    "",
		`net.DialTCP("tcp", nil, net.TCPAddrFromAddrPort(a))`:    "",
		`own := func(s string) { net.Dial("tcp", s) }; own("a")`: "an address as text",

		`f.Dial(ctx, "tcp", a.String()); new(dns.Client).Exchange(nil, a.String())`: "",
	} {
		src := "package p\nimport (\"net\"; \"net/netip\"; \"context\"; \"crypto/tls\"; \"github.com/miekg/dns\""
		if strings.Contains(body, "http") {
			src += "; \"net/http\""
		}
		src += ")\nvar _ = tls.Dial\nvar _ dns.Client\nvar _ net.Conn\n" +
			"type fake struct{ Dial func(context.Context, string, string) (net.Conn, error) }\n" +
			"func p(ctx context.Context, s string, a netip.AddrPort, err error, u interface{ String() string }, f fake) {\n" + body + "\n}\n"
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, "p.go", src, 0)
		if err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		var other []string
		faults, _ := literal(t, fset, "p", []*ast.File{f}, exports)
		for _, fault := range faults {
			if !strings.Contains(fault, "var _ =") && !strings.HasPrefix(fault, "p.go:3:") {
				other = append(other, fault)
			}
		}
		got := strings.Join(other, "; ")
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
}

// literal lists what breaks the law in one package, and counts the calls that
// were looked at.
func literal(t testing.TB, fset *token.FileSet, path string, files []*ast.File, exports map[string]string) (faults []string, n int) {
	t.Helper()
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}}
	conf := types.Config{Importer: importer.ForCompiler(fset, "gc", func(p string) (io.ReadCloser, error) {
		f, ok := exports[p]
		if !ok {
			return nil, fmt.Errorf("%s is not listed", p)
		}
		return os.Open(f)
	})}
	if _, err := conf.Check(path, fset, files, info); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	say := func(at token.Pos, format string, args ...any) {
		p := fset.Position(at)
		faults = append(faults, fmt.Sprintf("%s:%d: ", p.Filename, p.Line)+fmt.Sprintf(format, args...))
	}
	for _, f := range files {
		for _, imp := range f.Imports {
			if p := strings.Trim(imp.Path.Value, `"`); slices.Contains([]string{"net/http", "net/smtp", "net/rpc"}, p) {
				say(imp.Pos(), "%s looks up names: ask by address", p)
			}
		}
		for _, d := range f.Decls {
			fn, _ := d.(*ast.FuncDecl)
			_, passes := passing[strings.TrimPrefix(path, module+"/")+"."+nameOf(fn)]
			ast.Inspect(d, func(node ast.Node) bool {
				switch x := node.(type) {
				case *ast.Ident:
					if o := info.Uses[x]; o != nil && o.Pkg() != nil && o.Pkg().Path() == "net" && looksUp.MatchString(o.Name()) {
						say(x.Pos(), "net.%s asks a resolver: take an address", o.Name())
					}
				case *ast.CallExpr:
					if address := addressIn(info, path, x); address != nil && !passes {
						n++
						if !isLiteral(info, x, address) {
							say(x.Pos(), "an address as text that may hold a name: give the String of a netip.AddrPort")
						}
					}
				}
				return true
			})
		}
	}
	return faults, n
}

func nameOf(fn *ast.FuncDecl) string {
	if fn == nil {
		return ""
	}
	return fn.Name.Name
}

// addressIn is the last argument of a call that is text, where the function is
// one that reaches out or listens; nil of any other. A function of the control
// plane itself is held to the law by what it does.
func addressIn(info *types.Info, pkg string, call *ast.CallExpr) ast.Expr {
	var name *ast.Ident
	switch f := call.Fun.(type) {
	case *ast.Ident:
		name = f
	case *ast.SelectorExpr:
		name = f.Sel
	}
	if name == nil || !reaches.MatchString(name.Name) {
		return nil
	}
	if f, ok := info.Uses[name].(*types.Func); ok && f.Pkg() != nil &&
		(f.Pkg().Path() == pkg || slices.Contains(controlPlane, strings.TrimPrefix(f.Pkg().Path(), module+"/"))) {
		return nil
	}
	for _, a := range slices.Backward(call.Args) {
		if isString(info, a) {
			return a
		}
	}
	return nil
}

func isString(info *types.Info, e ast.Expr) bool {
	t, ok := info.Types[e]
	if !ok || t.Type == nil {
		return false
	}
	b, ok := t.Type.Underlying().(*types.Basic)
	return ok && b.Info()&types.IsString != 0
}

// isLiteral tells whether an address is the text of a netip.AddrPort, or a path.
func isLiteral(info *types.Info, call *ast.CallExpr, address ast.Expr) bool {
	for _, a := range call.Args {
		if l, ok := a.(*ast.BasicLit); ok && (l.Value == `"unix"` || l.Value == `"unixpacket"`) {
			return true
		}
	}
	c, ok := address.(*ast.CallExpr)
	if !ok || len(c.Args) > 0 {
		return false
	}
	s, ok := c.Fun.(*ast.SelectorExpr)
	return ok && s.Sel.Name == "String" && info.Types[s.X].Type.String() == "net/netip.AddrPort"
}

// listExports gives the export data of packages and all that they import, and
// their own files.
func listExports(t testing.TB, pkgs ...string) (exports map[string]string, files map[string][]string) {
	t.Helper()
	out, err := exec.Command("go", append([]string{"list", "-export", "-deps", "-json=ImportPath,Export,Dir,GoFiles"}, pkgs...)...).Output()
	if err != nil {
		var e *exec.ExitError
		if errors.As(err, &e) {
			t.Fatalf("go list: %v\n%s", err, e.Stderr)
		}
		t.Fatal(err)
	}
	exports, files = map[string]string{}, map[string][]string{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath, Export, Dir string
			GoFiles                 []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return exports, files
		} else if err != nil {
			t.Fatal(err)
		}
		if p.Export != "" {
			exports[p.ImportPath] = p.Export
		}
		for _, f := range p.GoFiles {
			files[p.ImportPath] = append(files[p.ImportPath], filepath.Join(p.Dir, f))
		}
	}
}
