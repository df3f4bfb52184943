package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/pflag"

	"github.com/pacer-perf/pacer"
	"github.com/pacer-perf/pacer/internal/access"
	"github.com/pacer-perf/pacer/internal/alert"
	"github.com/pacer-perf/pacer/internal/dashboard"
	"github.com/pacer-perf/pacer/internal/dashboard/historic"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/history/open"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/server"
)

// serveOptions say how to serve, and whom.
type serveOptions struct {
	addr                              string
	demo, edit                        bool
	insecure, publicRead, behindProxy bool
	cert, key, logFormat              string

	log *slog.Logger
}

func (o *serveOptions) teamFlags(flags *pflag.FlagSet) {
	flags.BoolVar(&o.publicRead, "public-read", false, "let everybody read; sending runs still takes a token")
	flags.BoolVar(&o.insecure, "insecure", false, "serve others without tokens: whoever reaches the address may do everything")
	flags.StringVar(&o.cert, "tls-cert", "", "`FILE` with the certificate to serve by TLS; read again when it changes")
	flags.StringVar(&o.key, "tls-key", "", "`FILE` with its key")
	flags.BoolVar(&o.behindProxy, "behind-proxy", false, "trust X-Forwarded-For; browsers reach the proxy by TLS")
	flags.StringVar(&o.logFormat, "log", "", "log every request to standard error, as `FORMAT` text or json (default: only what goes wrong)")
}

// secure tells whether browsers reach the server by TLS.
func (o *serveOptions) secure() bool { return o.cert != "" || o.behindProxy }

// listener opens the address, with TLS if there is a certificate.
func (o *serveOptions) listener() (net.Listener, error) {
	l, err := net.Listen("tcp", o.addr)
	if err != nil || o.cert == "" {
		return l, err
	}
	return tls.NewListener(tlsOnly{l}, &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}, GetCertificate: (&certificate{cert: o.cert, key: o.key}).get}), nil
}

// url is the address for people. Of every address of this machine it names one.
func (o *serveOptions) url(at net.Addr) string {
	address := at.String()
	if tcp, ok := at.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		name, err := os.Hostname()
		if err != nil {
			name = "localhost"
		}
		address = net.JoinHostPort(name, fmt.Sprint(tcp.Port))
	}
	if o.cert != "" {
		return "https://" + address + "/"
	}
	return "http://" + address + "/"
}

// certificate is read from its files, again when they have changed.
type certificate struct {
	cert, key string

	mu   sync.Mutex
	read time.Time // when the certificate's file was changed last
	pair *tls.Certificate
}

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	info, err := os.Stat(c.cert)
	if err == nil && c.pair != nil && info.ModTime().Equal(c.read) {
		return c.pair, nil
	}
	if err == nil {
		var pair tls.Certificate
		if pair, err = tls.LoadX509KeyPair(c.cert, c.key); err == nil {
			c.pair, c.read = &pair, info.ModTime()
		}
	}
	if c.pair != nil {
		return c.pair, nil // one that is half replaced is the old one for a moment
	}
	return nil, err
}

// resolve checks the options and makes the log.
func (o *serveOptions) resolve(c *cli) error {
	if (o.cert == "") != (o.key == "") {
		return errors.New("--tls-cert and --tls-key go together: expected both or none")
	}
	if o.cert != "" {
		if _, err := (&certificate{cert: o.cert, key: o.key}).get(nil); err != nil {
			return fmt.Errorf("--tls-cert: %w", err)
		}
	}
	handlers := map[string]func() slog.Handler{
		"":     func() slog.Handler { return slog.NewTextHandler(c.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}) },
		"text": func() slog.Handler { return slog.NewTextHandler(c.stderr, nil) },
		"json": func() slog.Handler { return slog.NewJSONHandler(c.stderr, nil) },
	}
	handler, ok := handlers[o.logFormat]
	if !ok {
		return hint(fmt.Errorf("--log %q: unknown format", o.logFormat), "--log text, or --log json")
	}
	o.log = slog.New(handler())
	_, _, err := net.SplitHostPort(o.addr)
	if err != nil {
		return loopback(o.addr) // which says it
	}
	return nil
}

// memoryLimit is what the server's heap is kept below, in bytes, unless
// GOMEMLIMIT says something else: with SQLite's own memory that makes 300 MiB.
const memoryLimit = 170 << 20

// gcPercent lets the heap grow to the limit before it is collected often: a tenth
// more runs a second (go test ./internal/server -run '^$' -bench Ingest, GOGC=400).
const gcPercent = 400

// team is a server for those who share a history.
type team struct {
	*server.Server
	may    dashboard.Editing               // what the files and the history of this machine let change
	looked atomic.Pointer[historic.Source] // at last
}

// newTeam makes a server over the history, and checks who could reach it. It is
// nil where the history is only read.
func (c *cli) newTeam(ctx context.Context, o *serveOptions) (*team, error) {
	if err := o.resolve(c); err != nil {
		return nil, err
	}
	local := loopback(o.addr)
	at := placeOf(ctx)
	if o.demo || strings.HasPrefix(at.address, "prom+") || at.readOnly(ctx) {
		if local != nil {
			return nil, local
		}
		return nil, nil
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	may, err := editable(at)
	if err != nil {
		return nil, err
	}
	t := &team{may: may}
	opening, moved := at.opener()
	t.Server = server.New(server.Config{
		Open: opening, Moved: moved, Policy: policyOf, Lineage: lineage,
		Pages:  func(v server.View) http.Handler { return t.pages(v, at, o) },
		Alerts: t.alerts,
		Local:  local == nil && !o.behindProxy, Insecure: o.insecure, PublicRead: o.publicRead, BehindProxy: o.behindProxy, Secure: o.secure(),
		Recorder: pacer.New(pacer.Config{App: "pacer", Version: versionNumber(), Logger: slog.New(slog.DiscardHandler)}),
		Version:  versionNumber(), Log: o.log,
	})
	err = t.readable(ctx, c.stderr)
	if err == nil && (local != nil || o.behindProxy) {
		err = t.guarded(ctx, o)
	}
	if err != nil {
		return nil, errors.Join(err, t.close())
	}
	if local != nil {
		o.caution(c.stderr)
	}
	return t, nil
}

// mistaken is what is wrong with the app that the policy names, "" for nothing
// that is known.
func (s *serving) mistaken(ctx context.Context) string {
	if s.team == nil {
		return ""
	}
	p, err := loadPolicy("")
	if err != nil || p.App == "" {
		return "" // what is wrong with the file is said where it is used
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	open, _ := s.team.History(server.View{})
	store, err := open(ctx)
	if err != nil || store == nil {
		return ""
	}
	return mistaken(ctx, store, p)
}

// caution says what those who can reach the address could do.
func (o *serveOptions) caution(w io.Writer) {
	if o.insecure {
		fmt.Fprintf(w, "warning: until there is a token, whoever reaches %s may do everything\n", o.addr)
	}
	if o.cert == "" && !o.behindProxy {
		fmt.Fprintf(w, "warning: without TLS, tokens can be read on their way\nhint: --tls-cert and --tls-key, or a proxy before it: docs/server.md\n")
	}
}

// readable refuses to serve what no request could be answered from: a history of
// a newer Pacer, a file that is none, an address of no kind, a database that does
// not let this user in. What may pass is no reason not to start. A history of an
// older Pacer is brought up to date.
func (t *team) readable(ctx context.Context, stderr io.Writer) error {
	note := time.AfterFunc(6*time.Second, func() { // one that is away is given up before
		fmt.Fprintln(stderr, "opening the history: one of an older pacer is brought up to date, which takes minutes where it is large")
	})
	defer note.Stop()
	open, _ := t.History(server.View{})
	_, err := open(ctx)
	if errors.Is(err, history.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return unreachable(err)
}

// guarded refuses to serve others while there are no tokens.
func (t *team) guarded(ctx context.Context, o *serveOptions) error {
	if o.insecure {
		return nil
	}
	has, err := t.HasTokens(ctx)
	switch {
	case errors.Is(err, history.ErrUnavailable):
		o.log.Warn("the history is not available yet: nobody is let in without it", "err", err)
		return nil
	case err != nil:
		return err
	case has:
		return nil
	}
	return hint(fmt.Errorf("--addr %s: others could reach that, and there are no tokens to tell them apart by", o.addr),
		"make one first: pacer token create --name me --role admin; or serve this machine alone: --addr %s", defaultAddr)
}

// pages makes the pages of a view.
func (t *team) pages(v server.View, at place, o *serveOptions) http.Handler {
	source := historySource(at, nil, nil)
	source.Config.Open, source.Config.Moved = t.History(v)
	if v.App != "" { // of which there may be no runs to tell its name
		source.Config.Policy = func(string) (judge.Policy, error) {
			p, err := policyOf(v.App)
			p = p.For(v.App)
			p.Aside = judge.Aside{} // other apps are not there
			return p, err
		}
	}
	pages := dashboard.New(dashboard.Config{Source: source, Exports: exportsOf(source), Accounts: t.Accounts(), Secure: o.secure(), Editing: t.editing(o.edit), Version: versionNumber(), Log: o.log, Shows: at.mark()})
	return &looked{Handler: pages, team: t, source: source}
}

// editing says what who asks may change. Those of whom no token is asked change
// what --edit lets them, by the name of git's user. Who has one acts on
// regressions by its name; the files of this machine are changed with --edit
// alone, by those who see every app.
func (t *team) editing(edit bool) func(*http.Request) dashboard.Editing {
	anybody := everybody(t.may, edit, editCommand)
	return func(r *http.Request) dashboard.Editing {
		who := server.WhoOf(r)
		switch {
		case who.Token == "" && who.May(access.Write):
			may := t.audited(r, anybody(r))
			if may.Acts != nil {
				may.Acts = t.Acts(r)
			}
			if !t.Local {
				may.Author = "" // it may be anybody: the form asks
			}
			return may
		case !who.May(access.Write):
			return dashboard.Editing{Hint: "pacer token create --name me --role write"}
		}
		may := dashboard.Editing{Author: who.Actor(), Acts: t.Acts(r), Hint: editCommand}
		switch {
		case edit && who.App == "":
			may.Policy, may.Waivers = t.may.Policy, t.may.Waivers
		case edit:
			may.Hint = "pacer token create --name me --role write" // for every app
		}
		return t.audited(r, may)
	}
}

// looked notes which pages somebody looked at last.
type looked struct {
	*dashboard.Handler
	team   *team
	source *historic.Source
}

func (l *looked) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.team.looked.Store(l.source)
	l.Handler.ServeHTTP(w, r)
}

// Close forgets what the pages know.
func (l *looked) Close() error {
	l.team.looked.CompareAndSwap(l.source, nil)
	return l.source.Close()
}

// alerts are those of an app, as the pages of a view show them.
func (t *team) alerts(ctx context.Context, v server.View, app string) ([]alert.Alert, error) {
	var found *dashboard.Alerts
	var err error
	t.UsePages(v, func(pages http.Handler) {
		found, err = pages.(*looked).source.Alerts(ctx, dashboard.AlertQuery{App: app})
	})
	if err != nil {
		return nil, err
	}
	return found.List, nil
}

// source is what somebody looked at last; nil: nobody did.
func (t *team) source() *historic.Source { return t.looked.Load() }

// work works out verdicts.
func (t *team) work(ctx context.Context) {
	if t != nil {
		t.Work(ctx)
	}
}

func (t *team) close() error {
	if t == nil {
		return nil
	}
	return t.Server.Close()
}

// opener returns what opens the history at a place to write it, and what tells
// that its file was replaced.
func (p place) opener() (opening func(ctx context.Context, make bool) (history.Store, error), moved func() bool) {
	var opened os.FileInfo
	opening = func(ctx context.Context, make bool) (history.Store, error) {
		file := p.file()
		there := p.address
		if file != "" || p.address == "" {
			_, err := os.Stat(file)
			switch {
			case err == nil:
				there = file
			case !make && errors.Is(err, fs.ErrNotExist):
				return nil, nil
			}
		}
		var store history.Store
		var err error
		if there != "" {
			store, err = open.Store(ctx, there)
		} else {
			store, err = writeHistory(withHistory(ctx, ""))
		}
		if err == nil {
			opened, _ = os.Stat(p.file())
		}
		return store, err
	}
	if p.address != "" && p.file() == "" {
		return opening, nil
	}
	return opening, func() bool {
		now, err := os.Stat(p.file())
		return err != nil || opened == nil || !os.SameFile(now, opened)
	}
}

// readOnly tells whether the history is there, and can only be read.
func (p place) readOnly(ctx context.Context) bool {
	file := p.file()
	if file == "" {
		return false
	}
	if _, err := os.Stat(file); err != nil {
		return false
	}
	r, err := open.Reader(ctx, file)
	if err != nil {
		return false // what is wrong with it is said where it is used
	}
	r.Close()
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err == nil {
		f.Close()
	}
	return errors.Is(err, fs.ErrPermission) || err != nil && strings.Contains(err.Error(), "read-only")
}
