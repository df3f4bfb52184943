package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/pacer-perf/pacer/internal/atomicfile"
	"github.com/pacer-perf/pacer/internal/dashboard"
	"github.com/pacer-perf/pacer/internal/dashboard/historic"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/history/open"
	"github.com/pacer-perf/pacer/internal/judge"
)

// defaultAddr is where pages are served.
const defaultAddr = "127.0.0.1:7717"

func (c *cli) serve() *cobra.Command {
	var o serveOptions
	cmd := &cobra.Command{
		Use:   "serve [flags]",
		Short: "Show the history as pages in a browser, and take runs in",
		Long: `Serve shows the history as pages: what the newest run is worth, the history of
each metric with its change points, any two runs side by side, what got worse
for good, budgets. It also takes runs in, from pacer push, from apps and from
OpenTelemetry, and answers questions about them: docs/server.md,
/api/v1/openapi.json. The first line that it writes is its address. It opens no
connection of its own but to the history, and runs until Ctrl-C.

By itself it serves this machine alone, and asks nobody who they are. Once there
is a token (pacer token create), it lets in only those who have one; then it may
also serve others: --addr :7717. Any number of servers may share a PostgreSQL:
--history postgres://...

The pages only read, unless --edit lets them change something: acts about
regressions go to the history, budgets to pacer.yaml, accepted changes to
pacer.waivers.yaml beside it, by the name of git's user. Who signed in with a
token of the role write may act on regressions without --edit, by its name.

With --demo it shows a made-up year of an app instead, and needs no history.`,
		Example: `  pacer serve                          the history of this folder
  pacer serve --edit                   and change budgets, act on regressions
  pacer serve --demo                   a made-up year, to look around
  pacer serve --addr 127.0.0.1:0       on a port that is free
  pacer open startup                   open the page of a metric

  pacer token create --name me --role admin
  pacer serve --addr :7717 --tls-cert cert.pem --tls-key key.pem`,
		Args: exactArgs(0),
	}
	flags := cmd.Flags()
	flags.StringVar(&o.addr, "addr", defaultAddr, "`HOST:PORT` to listen on; port 0 is a free one, no host is every address")
	flags.BoolVar(&o.demo, "demo", false, "show a made-up year of an app")
	flags.BoolVar(&o.edit, "edit", false, "let the pages change budgets, and act on regressions")
	o.teamFlags(flags)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		s, err := c.listen(cmd.Context(), o)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintln(c.stdout, s.url); err != nil {
			return errors.Join(err, s.close())
		}
		fmt.Fprintf(c.stderr, "showing %s; Ctrl-C ends it\n", s.what)
		if text := s.mistaken(cmd.Context()); text != "" {
			fmt.Fprintf(c.stderr, "warning: %s\nhint: correct app: in it, if that is misspelt\n", text)
		}
		return s.serve(cmd.Context())
	}
	return cmd
}

// serving is a server on a listener.
type serving struct {
	http     *http.Server
	listener net.Listener
	team     *team                   // nil: pages alone, that are read
	source   func() *historic.Source // that somebody looked at last
	closing  func() error
	url      string
	what     string // is shown
	note     string // file that says where it serves; "": none

	asked atomic.Int64 // when somebody last did, in Unix nanoseconds
}

// listen makes a server of the history, or of the demo.
func (c *cli) listen(ctx context.Context, o serveOptions) (*serving, error) {
	s := &serving{}
	var err error
	if s.team, err = c.newTeam(ctx, &o); err != nil {
		return nil, err
	}
	s.listener, err = o.listener()
	if err != nil {
		return nil, errors.Join(hint(fmt.Errorf("--addr: %w", err), "if pacer serves there already: pacer open; on another port: --addr 127.0.0.1:0"), s.team.close())
	}
	s.url = o.url(s.listener.Addr())
	at := placeOf(ctx)
	s.what, s.note = at.String(), noteFile()
	if s.team != nil {
		s.source, s.closing, s.http = s.team.source, s.team.close, s.team.HTTP()
	} else if err := s.readOnly(o, at); err != nil {
		return nil, errors.Join(err, s.listener.Close())
	}
	next := s.http.Handler
	s.http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Store(time.Now().UnixNano())
		next.ServeHTTP(w, r)
	})
	return s, nil
}

// readOnly makes pages of what is only read: the demo, and what others write.
func (s *serving) readOnly(o serveOptions, at place) error {
	config := dashboard.Config{Version: versionNumber(), Log: o.log}
	var source *historic.Source
	if o.demo {
		var may dashboard.Editing
		var err error
		if source, may, err = demoSource(time.Now()); err != nil {
			return err
		}
		config.Editing = everybody(may, o.edit, "pacer serve --demo --edit")
		s.what, s.note, config.Notice = "a made-up year of an app", "", demoNotice
	} else {
		may, err := editable(at)
		if err != nil {
			return err
		}
		config.Editing = everybody(may, o.edit, editCommand)
		source, config.Shows = historySource(at, nil, nil), at.mark()
	}
	config.Source, config.Exports = source, exportsOf(source)
	s.source, s.closing = func() *historic.Source { return source }, source.Close
	s.http = &http.Server{
		Handler:           local(http.NewCrossOriginProtection().Handler(dashboard.New(config))),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(o.log.Handler(), slog.LevelWarn),
	}
	return nil
}

// serve answers until the context ends, which is how it is meant to end.
func (s *serving) serve(ctx context.Context) error {
	s.leaveNote()
	defer s.takeNote()
	warm, cancel := context.WithCancel(ctx)
	warmed := make(chan struct{})
	go func() { defer close(warmed); s.keepWarm(warm) }()
	worked := make(chan struct{})
	go func() { defer close(worked); s.team.work(warm) }()
	ended := make(chan error, 1)
	go func() { ended <- s.http.Serve(s.listener) }()
	var err error
	select {
	case err = <-ended:
	case <-ctx.Done():
		// What is being answered gets a moment.
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		if s.http.Shutdown(stop) != nil {
			s.http.Close()
		}
		<-ended
	}
	cancel()
	<-warmed
	<-worked
	return errors.Join(err, s.closing())
}

const (
	warmEvery = 3 * time.Second
	lookedFor = 10 * time.Minute // after a request somebody may look again
)

// keepWarm works out the first page before it is asked for: at once, and when
// another run was recorded while somebody looks.
func (s *serving) keepWarm(ctx context.Context) {
	s.warm(ctx)
	tick := time.NewTicker(warmEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if time.Since(time.Unix(0, s.asked.Load())) < lookedFor {
				s.warm(ctx)
			}
		}
	}
}

func (s *serving) warm(ctx context.Context) {
	if source := s.source(); source != nil {
		source.Warm(ctx)
	}
}

// close gives up before anything was served.
func (s *serving) close() error { return errors.Join(s.listener.Close(), s.closing()) }

// note is what a server leaves beside the history for pacer open.
type note struct {
	URL string `json:"url"`
	PID int    `json:"pid"`
}

// leaveNote says where it serves. Where that cannot be written, pacer open
// serves by itself.
func (s *serving) leaveNote() {
	if s.note == "" {
		return
	}
	text, err := json.Marshal(note{URL: s.url, PID: os.Getpid()})
	if err == nil {
		atomicfile.Write(s.note, func(w io.Writer) error { _, err := w.Write(text); return err })
	}
}

// takeNote removes the note, unless it is another server's by now.
func (s *serving) takeNote() {
	if n, ok := readNote(s.note); ok && n.PID == os.Getpid() {
		os.Remove(s.note)
	}
}

func readNote(file string) (n note, ok bool) {
	text, err := os.ReadFile(file)
	if err != nil {
		return n, false
	}
	return n, json.Unmarshal(text, &n) == nil && n.URL != ""
}

// noteFile is where the note of a server lies, "" if there is no folder for it.
func noteFile() string {
	dir, ok := upwards(dirName)
	if !ok {
		return ""
	}
	return filepath.Join(dir, "serve.json")
}

// place is where the history lies that is shown: at an address, or if that is
// empty in the file of this folder, which need not be there yet.
type place struct{ address string }

func placeOf(ctx context.Context) place { return place{historyAddress(ctx)} }

// file is the file in which the history lies, "" if it is not in one, or not
// yet.
func (p place) file() string {
	if p.address == "" {
		dir, ok := upwards(dirName)
		if !ok {
			return ""
		}
		return filepath.Join(dir, historyName)
	}
	path := strings.TrimPrefix(p.address, "sqlite:")
	if open.IsAddress(path) {
		return ""
	}
	if whole, err := filepath.Abs(path); err == nil {
		return whole
	}
	return path
}

func (p place) String() string {
	if file := p.file(); file != "" {
		return shown(file)
	}
	if p.address == "" {
		return "the history of this folder"
	}
	return open.Redact(p.address)
}

// mark tells one place from another, without naming it to whoever asks.
func (p place) mark() string {
	sum := sha256.Sum256([]byte(p.address + "\x00" + p.file()))
	return hex.EncodeToString(sum[:8])
}

// loopback refuses addresses that others can reach.
func loopback(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return hint(fmt.Errorf("--addr %s: expected HOST:PORT", addr), "--addr %s", defaultAddr)
	}
	if host == "localhost" {
		return nil
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsLoopback() {
		return nil
	}
	return hint(fmt.Errorf("--addr %s: others could reach that, and pacer asks nobody who they are: expected an address of this machine alone", addr),
		"--addr %s; to look from elsewhere: ssh -L 7717:%s HOST", defaultAddr, defaultAddr)
}

// local answers only requests to this machine by one of its own names: a page
// from elsewhere whose name was made to lead here (DNS rebinding) must not read
// what is shown.
func local(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		host = strings.Trim(strings.ToLower(host), "[]")
		ip := net.ParseIP(host)
		if host != "localhost" && !strings.HasSuffix(host, ".localhost") && (ip == nil || !ip.IsLoopback()) {
			http.Error(w, fmt.Sprintf("%q is no name of this machine alone; open http://localhost instead", r.Host), http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// historySource is the history at a place, which may come into being while it
// is shown. A server has its own way to open it, and to tell that it is to be
// opened again.
func historySource(at place, opening func(context.Context) (history.Reader, error), moved func() bool) *historic.Source {
	var opened os.FileInfo
	config := historic.Config{
		Open: func(ctx context.Context) (history.Reader, error) {
			store, err := readHistory(withHistory(ctx, at.address))
			if errors.Is(err, errNoHistory) {
				return nil, nil
			}
			if err != nil {
				return nil, err
			}
			opened, _ = os.Stat(at.file())
			return store, nil
		},
		Policy:  policyOf,
		Lineage: lineage,
	}
	if at.address == "" || at.file() != "" {
		config.Moved = func() bool {
			now, err := os.Stat(at.file())
			return err != nil || opened == nil || !os.SameFile(now, opened)
		}
		config.Location = func(context.Context) (dashboard.Location, error) {
			l := dashboard.Location{Place: at.file()}
			// With what was written last, which lies beside the file.
			for _, suffix := range []string{"", "-wal"} {
				if info, err := os.Stat(l.Place + suffix); err == nil {
					l.Bytes += info.Size()
				}
			}
			return l, nil
		}
	}
	if opening != nil {
		config.Open, config.Moved = opening, moved
	}
	return historic.New(config)
}

// policyOf is what the runs of an app are held to: that of the folder, or for
// the demo its own.
func policyOf(app string) (judge.Policy, error) {
	p, err := loadPolicy("")
	if err == nil && p.File == "" && app == demoApp {
		waivers := p.Waivers
		p, err = demoPolicy(p.FailOn)
		p.Waivers = waivers
	}
	return p, err
}
