package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/control"
	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/daemon"
	"gialai.gov.vn/hopnhat/cmd/hopnhat/internal/workspace"
	"gialai.gov.vn/hopnhat/resolver/answer"
	"gialai.gov.vn/hopnhat/resolver/probe"
	"gialai.gov.vn/hopnhat/zones"
	"gialai.gov.vn/hopnhat/zones/finding"
	"gialai.gov.vn/hopnhat/zones/merge"
	"gialai.gov.vn/hopnhat/zones/transfer"
)

// drain is how long answers under way may take after the signal to stop.
const drain = 5 * time.Second

type serve struct {
	*env
	parents
	listen      []string
	listenTLS   []string
	certificate workspace.TLS
	zone        []string
	at          string
	includeRoot string
	state       string
	version     string
	id          string

	followers
	catalogs []string
	updates  []string
	follows  []string

	followCatalogs []string
	behindSigner   bool
	uncertified    string
	rehearse       time.Duration
}

func newServe(e *env) *cobra.Command {
	o := &serve{env: e}
	c := &cobra.Command{
		Use:   "serve [WORKSPACE]",
		Short: "Answer queries from a workspace, or from zone files",
		Long: `serve answers over UDP and TCP, in the foreground, until SIGTERM or SIGINT.

With a workspace its listeners carry address, view and instant: before or
after the cutover, or a date. Without one, give --listen and --zone:

  hopnhat serve --listen 127.0.0.1:5300 --zone example.com=example.com.zone

SIGHUP reads again what changed. A file with errors is served in its last good
version, and is read again as soon as it changes. A zone that changed under
its old serial is served under a higher one, which is kept over restarts.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return o.run(c.Context(), args) },
	}
	o.parents.flags(c)
	o.followers.flags(c)
	f := c.Flags()
	f.StringArrayVar(&o.listen, "listen", nil, "an `ADDRESS:PORT` to answer on, such as 127.0.0.1:5300, [::1]:5300, 0.0.0.0:53 (IPv4 only) or [::]:53 (IPv6 only); repeatable")
	f.StringArrayVar(&o.listenTLS, "listen-tls", nil, "an `ADDRESS:PORT` to answer on over TLS (RFC 7858, 9103), such as 192.0.2.53:853; repeatable")
	f.StringVar(&o.certificate.Certificate, "tls-certificate", "", "of --listen-tls: the `FILE` of the certificate, in PEM, with those that lead to its authority behind it")
	f.StringVar(&o.certificate.Key, "tls-key", "", "of --listen-tls: the `FILE` of the certificate's key")
	f.StringVar(&o.certificate.Authorities, "tls-clients", "", "of --listen-tls: a `FILE` of authorities, whose certificates of clients are believed")
	f.StringArrayVar(&o.zone, "zone", nil, "a zone and its file, `ORIGIN=FILE`; repeatable; no workspace is read then")
	f.StringVar(&o.at, "at", "before", "the instant of listeners that name none: before, after, now (the step of the cutover that was taken last), or a date such as \"2025-09-01 00:00\"")
	f.DurationVar(&o.rehearse, "rehearse", 0, "of a workspace: rehearse the cutover on loopback, its switch so far ahead (such as 20s), with short waits in place of the real ones and a state folder of its own; what is to answer the world after answers that of now")
	f.StringVar(&o.includeRoot, "include-root", "", "the `DIR` that $INCLUDE may not leave (default: the working directory when the file lies below it, else the file's folder)")
	f.StringVar(&o.state, "state", "", "the `DIR` where served serials are kept (default: the workspace's state folder; without one, $STATE_DIRECTORY or hopnhat in the user's state folder)")
	f.BoolVar(&o.behindSigner, "behind-signer", false, "serve signed zones as they are, outside loopback too: a signer stands before the world (hidden primary)")
	f.StringVar(&o.uncertified, "uncertified", "", "serve the world after the cutover beyond this machine without a certificate that fits, for this `REASON`, which is written to uncertified.log in the state folder")
	f.StringArrayVar(&o.follows, "follow", nil, "without a workspace: a zone that comes from another server and is kept fresh, `ORIGIN=ADDRESS[:PORT][=KEY][,tls=NAME]`; again for another of its primaries; with tls its certificate must bear the name (or pin=PIN, authorities=FILE, certificate=FILE, tlskey=FILE, with commas between them); repeatable")
	f.StringArrayVar(&o.followCatalogs, "follow-catalog", nil, "without a workspace: a catalog zone (RFC 9432) of another server, which the zones that it names are followed from too, as --follow has it; repeatable")
	f.StringArrayVar(&o.catalogs, "catalog", nil, "of zone files: a catalog zone (RFC 9432) to make of them, by its `NAME`; repeatable")
	f.StringArrayVar(&o.updates, "update", nil, "of zone files: who may change which names by dynamic update, `KEY=PATTERN[:TYPE,…]`, such as acme=_acme-challenge.*.example.com:TXT; a network instead of the key takes unsigned ones from there; repeatable")
	f.StringVar(&o.version, "version-bind", "", "what `version.bind` answers (default: refused)")
	f.StringVar(&o.id, "id-server", "", "what `id.server` answers (default: refused)")
	return c
}

func (o *serve) run(ctx context.Context, args []string) error {
	var opts daemon.Options
	var hello func(*daemon.Daemon)
	var err error
	if len(o.zone)+len(o.follows)+len(o.followCatalogs) > 0 {
		if len(args) > 0 {
			return fmt.Errorf("--zone and --follow serve without a workspace; leave out %s", args[0])
		}
		opts, hello, err = o.files(ctx)
	} else {
		opts, hello, err = o.stages(ctx, args)
	}
	if err != nil {
		return err
	}
	opts.Policy = answer.Policy{Version: o.version, ID: o.id}
	opts.Log = o.err
	opts.BehindSigner = o.behindSigner
	opts.Uncertified = o.uncertified
	stop, cancel := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	d, err := daemon.Start(stop, opts)
	if err != nil {
		return err
	}
	hello(d)
	d.Run(stop, hup)
	ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	return d.Close(ctx)
}

// stages is serving a workspace: its listeners, or those of --listen in the
// view internet. A listener without an instant has that of --at.
func (o *serve) stages(ctx context.Context, args []string) (daemon.Options, func(*daemon.Daemon), error) {
	at, err := workspace.ParseInstant(o.at)
	if err != nil {
		return daemon.Options{}, nil, fmt.Errorf("--at: %w", err)
	}
	p, found, err := o.planned(args)
	if errors.Is(err, workspace.ErrNone) && len(o.listen)+len(o.listenTLS) > 0 {
		return daemon.Options{}, nil, fmt.Errorf("%w; to serve files without a workspace give --zone ORIGIN=FILE too", err)
	}
	if err != nil {
		return daemon.Options{}, nil, err
	}
	var stages []daemon.Stage
	add := func(address string, view zones.View, i workspace.Instant, tls *workspace.TLS) {
		stages = append(stages, daemon.Stage{Listener: daemon.Listener{Address: address, View: view, At: i.String(), TLS: tls}, Instant: i})
	}
	for _, a := range o.listen {
		if err := address(a); err != nil {
			return daemon.Options{}, nil, err
		}
		add(a, zones.Internet, at, nil)
	}
	for _, a := range o.listenTLS {
		tls, err := o.tls(a)
		if err != nil {
			return daemon.Options{}, nil, err
		}
		add(a, zones.Internet, at, tls)
	}
	if len(stages) == 0 {
		for _, l := range p.Config.Listeners {
			i := l.At
			if !l.HasAt {
				i = at
			}
			var tls *workspace.TLS
			if l.TLS != nil {
				in := l.TLS.In(p.Root)
				tls = &in
			}
			add(l.Address, l.View, i, tls)
		}
	}
	if o.rehearse != 0 {
		if err := o.rehearsed(stages); err != nil {
			return daemon.Options{}, nil, err
		}
	}
	if len(stages) == 0 {
		return daemon.Options{}, nil, fmt.Errorf("%s: no listeners; write one such as\n  - {address: \"127.0.0.1:5301\", view: internet, at: after}\nor give --listen 127.0.0.1:5300", filepath.Join(p.Dir, "hopnhat.yaml"))
	}
	directed := slices.ContainsFunc(stages, func(s daemon.Stage) bool { return s.Instant.IsNow() })
	if finding.Failed(found) && !directed { // else it may serve what was published last
		return daemon.Options{}, nil, o.failed(found)
	}
	if o.open(stages) {
		known := len(p.found)
		if err := o.ask(ctx, p); err != nil {
			return daemon.Options{}, nil, err
		}
		o.tell(p.found[known:], finding.Warning)
		if finding.Failed(p.found[known:]) {
			return daemon.Options{}, nil, errors.New("signed zones are served on loopback alone, or with --behind-signer")
		}
	}
	opts := daemon.Options{Load: daemon.Workspace(p.Dir, stages, daemon.SystemClock()), State: o.state}
	if opts.State == "" {
		opts.State = p.StateDir()
	}
	opts.Directed = directed
	opts.Rehearse = o.rehearse
	opts.Control, opts.Group = socketOf(p.Workspace, o.state), p.Config.Control.Group
	if o.rehearse != 0 {
		if opts.State, err = rehearsalState(opts.State); err != nil {
			return daemon.Options{}, nil, err
		}
		opts.Control = filepath.Join(opts.State, control.File)
	}
	if o.version == "" {
		o.version = p.Config.Policy.Version
	}
	if o.id == "" {
		o.id = p.Config.Policy.ID
	}
	for _, s := range stages {
		opts.Listeners = append(opts.Listeners, s.Listener)
	}
	if finding.Failed(found) {
		return opts, func(*daemon.Daemon) {}, nil
	}
	return opts, func(d *daemon.Daemon) { o.hello(p, stages, d) }, nil
}

// rehearsed makes listeners of the world after answer that of now, as the timeline
// goes on.
func (o *serve) rehearsed(stages []daemon.Stage) error {
	if o.rehearse < time.Second {
		return fmt.Errorf("--rehearse %v: the switch lies a second ahead at least, such as 20s", o.rehearse)
	}
	now := false
	for i, s := range stages {
		if !s.Loopback() {
			return fmt.Errorf("--rehearse is for loopback alone, and %s is not: give other listeners, such as --listen 127.0.0.1:5300", s.Address)
		}
		if s.Instant.Equal(workspace.After()) {
			stages[i].Instant, stages[i].At = workspace.Now(), daemon.Now
		}
		now = now || stages[i].Instant.IsNow()
	}
	if !now {
		return errors.New("--rehearse needs a listener of the world of now, or after: --at now")
	}
	return nil
}

// rehearsalState is an empty state folder beside the real one.
func rehearsalState(dir string) (string, error) {
	dir = filepath.Join(dir, "rehearsal")
	return dir, os.RemoveAll(dir)
}

// open tells whether anyone but this machine can ask, and no signer stands
// before the world.
func (o *serve) open(stages []daemon.Stage) bool {
	return !o.behindSigner && slices.ContainsFunc(stages, func(s daemon.Stage) bool { return !s.Loopback() })
}

// hello is the short summary: what was read, what is served where, what to
// ask next.
func (o *serve) hello(p *planned, stages []daemon.Stage, d *daemon.Daemon) {
	for _, line := range summary(p) {
		fmt.Fprintln(o.out, line)
	}
	if r, ok := d.Proof(); ok {
		fmt.Fprintln(o.out, "proof: "+inEnglish().verdict(&r, r.Preserved() && p.publishable(), 0))
	}
	shown := sample(p)
	for i, a := range d.Addresses() {
		s := stages[i]
		over := ""
		if s.TLS != nil {
			over = " over TLS"
		}
		fmt.Fprintf(o.out, "%v answers %s, view %s%s\n", a, p.title(s.Instant), s.View, over)
	}
	for i, a := range d.Addresses() {
		if s := stages[i]; s.View == zones.Internet && s.TLS == nil {
			for _, name := range shown {
				fmt.Fprintf(o.out, "  dig @%v -p %d %s A +norec\n", a.Addr(), a.Port(), name.Text())
			}
		}
	}
}

// sample picks an old and a new name that show the merger: the first address
// record that takes a new name without a conflict.
func sample(p *planned) []zones.Name {
	for _, e := range p.plan.Ledger().Entries() {
		if e.Disposition == merge.Renamed && e.Record.Type == zones.TypeA && e.Zone.View == zones.Internet && plain(e.Record.Owner) && plain(e.New.Owner) {
			return []zones.Name{e.Record.Owner, e.New.Owner}
		}
	}
	return nil
}

// plain tells whether a name can be pasted into a shell as it is.
func plain(n zones.Name) bool { return finding.Shell(n.Text()) == n.Text() && n.Text()[0] != '-' }

// files is serving without a workspace.
func (o *serve) files(ctx context.Context) (daemon.Options, func(*daemon.Daemon), error) {
	var zs []daemon.ZoneFile
	for _, s := range o.zone {
		origin, file, ok := strings.Cut(s, "=")
		if !ok || file == "" {
			return daemon.Options{}, nil, fmt.Errorf("--zone %s: write ORIGIN=FILE, such as --zone example.com=example.com.zone", s)
		}
		n, err := zones.ParseName(origin)
		if err != nil {
			return daemon.Options{}, nil, fmt.Errorf("--zone %s: %w", s, err)
		}
		zs = append(zs, daemon.ZoneFile{Origin: n, Path: file})
	}
	if len(o.listen)+len(o.listenTLS) == 0 {
		return daemon.Options{}, nil, fmt.Errorf("no address to answer on; give --listen, such as --listen 127.0.0.1:5300")
	}
	opts := daemon.Options{Load: daemon.ZoneFiles(zs, o.includeRoot, daemon.SystemClock()), State: o.state}
	var err error
	if opts.Transfers, err = o.transfers(); err != nil {
		return opts, nil, err
	}
	for i, a := range slices.Concat(o.listen, o.listenTLS) {
		l := daemon.Listener{Address: a, View: zones.Internet, At: daemon.Now}
		if i >= len(o.listen) {
			l.TLS, err = o.tls(a)
		} else {
			err = address(a)
		}
		if err != nil {
			return opts, nil, err
		}
		opts.Listeners = append(opts.Listeners, l)
		if o.resolver == "" || o.behindSigner || l.Loopback() {
			continue
		}
		if err := o.refuseDS(ctx, zs); err != nil {
			return opts, nil, err
		}
	}
	if opts.State == "" {
		opts.State = stateFolder(zs, opts.Transfers.Follows)
	}
	if opts.State != "" {
		opts.Control = filepath.Join(opts.State, control.File)
	}
	return opts, func(d *daemon.Daemon) {
		for _, a := range d.Addresses() {
			for z := range d.Worlds()[daemon.Now].All() {
				_, _, records := z.Counts()
				fmt.Fprintf(o.out, "%v answers for %s: serial %d, %d records\n", a, z.Origin().Text(), z.Serial(), records)
			}
		}
		for _, f := range opts.Transfers.Follows {
			if d.Worlds()[daemon.Now].Zone(f.ID) == nil {
				fmt.Fprintf(o.out, "%s comes from %v\n", f.ID.Origin.Text(), f.Primaries[0])
			}
		}
	}, nil
}

// transfers reads who may have the zones of files, and who may change them.
func (o *serve) transfers() (daemon.Transfers, error) {
	t, err := o.followers.transfers(o.env)
	if err != nil {
		return t, err
	}
	for _, s := range o.catalogs {
		n, err := zones.ParseName(s)
		if err != nil {
			return t, fmt.Errorf("--catalog %s: %w", s, err)
		}
		t.Catalogs = append(t.Catalogs, workspace.Catalog{ID: zones.ID{Origin: n, View: zones.Internet}})
	}
	for _, s := range o.updates {
		u, err := parseUpdates(s)
		if err != nil {
			return t, fmt.Errorf("--update %s: %w", s, err)
		}
		if _, ok := t.Keys[u.Key]; !u.Key.IsZero() && !ok {
			return t, fmt.Errorf("--update %s: no key file holds the key %s; name its file with --key", s, u.Key.Text())
		}
		t.Updates = append(t.Updates, u)
	}
	return t, o.followed(&t)
}

// followed reads which zones come from other servers.
func (o *serve) followed(t *daemon.Transfers) error {
	for i, s := range slices.Concat(o.follows, o.followCatalogs) {
		flag, catalog := "--follow", i >= len(o.follows)
		if catalog {
			flag = "--follow-catalog"
		}
		origin, rest, ok := strings.Cut(s, "=")
		if !ok {
			return fmt.Errorf("%s %s: write ORIGIN=ADDRESS, such as example.vn=192.0.2.54", flag, s)
		}
		rest, options, _ := strings.Cut(rest, ",")
		server, key, signed := strings.Cut(rest, "=")
		f := workspace.Follow{ID: zones.ID{View: zones.Internet}, Catalog: catalog}
		err := asksOverTLS(&f, options)
		if err != nil {
			return fmt.Errorf("%s %s: %w", flag, s, err)
		}
		if f.ID.Origin, err = zones.ParseName(origin); err != nil {
			return fmt.Errorf("%s %s: %w", flag, s, err)
		}
		a, err := parseServer(server, flag+" "+origin+"=")
		if err != nil {
			return err
		}
		f.Primaries = []netip.AddrPort{a}
		if ip, err := netip.ParseAddr(server); err == nil {
			f.Primaries[0] = netip.AddrPortFrom(ip, 0)
		}
		f.SetPorts()
		if signed {
			if f.Key, err = zones.ParseName(key); err != nil {
				return fmt.Errorf("%s %s: %w", flag, s, err)
			}
			if _, ok := t.Keys[f.Key]; !ok {
				return fmt.Errorf("%s %s: no key file holds the key %s; name its file with --key", flag, s, key)
			}
		}
		i := slices.IndexFunc(t.Follows, func(x workspace.Follow) bool { return x.ID == f.ID })
		switch {
		case i < 0:
			t.Follows = append(t.Follows, f)
		case t.Follows[i].Key != f.Key || t.Follows[i].Catalog != catalog || !t.Follows[i].TLS.Same(f.TLS):
			return fmt.Errorf("%s %s: all primaries of a zone are asked with one key, and over TLS all or none", flag, s)
		default:
			t.Follows[i].Primaries = append(t.Follows[i].Primaries, f.Primaries...)
		}
	}
	return nil
}

// asksOverTLS reads how the primaries of a zone are asked over TLS.
func asksOverTLS(f *workspace.Follow, options string) (err error) {
	if options == "" {
		return nil
	}
	f.TLS = &workspace.FollowTLS{}
	for option := range strings.SplitSeq(options, ",") {
		name, value, _ := strings.Cut(option, "=")
		switch name {
		case "tls":
			if value != "" {
				f.TLS.Name, err = workspace.ParseClient(value)
			}
		case "pin":
			var p transfer.Pin
			p, err = transfer.ParsePin(value)
			f.TLS.Pins = append(f.TLS.Pins, p)
		case "authorities":
			f.TLS.Files.Authorities = value
		case "certificate":
			f.TLS.Files.Certificate = value
		case "tlskey":
			f.TLS.Files.Key = value
		default:
			err = fmt.Errorf("%q is not known: write tls=NAME, pin=PIN, authorities=FILE, certificate=FILE or tlskey=FILE", option)
		}
		if err != nil {
			return err
		}
	}
	return f.TLS.Check()
}

// parseUpdates reads KEY=PATTERN[:TYPE,…], or NETWORK=PATTERN[:TYPE,…].
func parseUpdates(s string) (workspace.Updates, error) {
	u := workspace.Updates{View: zones.Internet}
	who, what, ok := strings.Cut(s, "=")
	if !ok {
		return u, errors.New("write KEY=PATTERN, such as acme=_acme-challenge.*.example.com:TXT")
	}
	names, types, _ := strings.Cut(what, ":")
	if p, err := netip.ParsePrefix(who); err == nil {
		u.From = []netip.Prefix{p.Masked()}
	} else if a, err := netip.ParseAddr(who); err == nil {
		u.From = []netip.Prefix{netip.PrefixFrom(a, a.BitLen())}
	} else if u.Key, err = zones.ParseName(who); err != nil {
		return u, err
	}
	p, err := workspace.ParsePattern(names)
	if err != nil {
		return u, err
	}
	u.Names = []transfer.NamePattern{p}
	for t := range strings.SplitSeq(types, ",") {
		if t == "" {
			continue
		}
		typ, ok := zones.ParseType(t)
		if !ok {
			return u, fmt.Errorf("%s is no type of record", t)
		}
		u.Types = append(u.Types, typ)
	}
	return u, nil
}

// refuseDS asks whether the parents of zone files hold DS.
func (o *serve) refuseDS(ctx context.Context, zs []daemon.ZoneFile) error {
	server, err := parseServer(o.resolver, "--resolver")
	if err != nil {
		return err
	}
	for _, z := range zs {
		n, err := probe.Client{Server: server}.DS(ctx, z.Origin)
		if err != nil {
			fmt.Fprintf(o.err, "%v does not tell whether the parent of %s holds DS: %v\n", server, z.Origin.Text(), err)
		} else if n > 0 {
			return fmt.Errorf("the parent of %s holds %d DS records: %s; with --behind-signer it is served as a hidden primary", z.Origin.Text(), n, workspace.WaysOut(z.Origin))
		}
	}
	return nil
}

// tls is what a listener over TLS shows.
func (o *serve) tls(address string) (*workspace.TLS, error) {
	if _, _, err := net.SplitHostPort(address); err != nil {
		return nil, fmt.Errorf("--listen-tls %s: write ADDRESS:PORT, an IPv6 address in brackets, such as 192.0.2.53:853 or [2001:db8::53]:853", address)
	}
	if o.certificate.Certificate == "" || o.certificate.Key == "" {
		return nil, fmt.Errorf("--listen-tls %s: give the certificate by --tls-certificate FILE, and its key by --tls-key FILE", address)
	}
	return &o.certificate, nil
}

func address(s string) error {
	if _, _, err := net.SplitHostPort(s); err != nil {
		return fmt.Errorf("--listen %s: write ADDRESS:PORT, an IPv6 address in brackets, such as 127.0.0.1:5300 or [::1]:5300", s)
	}
	return nil
}

// stateFolder is where the serials of zone files and the followed zones are
// kept: systemd's StateDirectory, else the user's state folder (XDG), one folder
// for each set of them, so that two servers on one machine do not share one.
func stateFolder(zs []daemon.ZoneFile, follows []workspace.Follow) string {
	base := os.Getenv("STATE_DIRECTORY")
	if base == "" {
		if base = os.Getenv("XDG_STATE_HOME"); base == "" {
			home, err := os.UserHomeDir()
			if err != nil {
				return ""
			}
			base = filepath.Join(home, ".local", "state")
		}
		base = filepath.Join(base, "hopnhat")
	}
	return filepath.Join(base, daemon.FilesKey(zs, follows))
}
