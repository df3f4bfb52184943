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
	addr, demo, edit := "", false, false
	cmd := &cobra.Command{
		Use:   "serve [flags]",
		Short: "Show the history as pages in a browser",
		Long: `Serve shows the history as pages: what the newest run is worth, the history of
each metric with its change points, any two runs side by side, what got worse
for good, budgets. The first line that it writes is their address. It serves
this machine alone, opens no connection of its own, and runs until Ctrl-C.

The pages only read, unless --edit lets them change something: acts about
regressions go to the history, budgets to pacer.yaml, accepted changes to
pacer.waivers.yaml beside it. Whoever can reach this machine's own addresses may
do that then, by the name of git's user.

With --demo it shows a made-up year of an app instead, and needs no history.`,
		Example: `  pacer serve                          the history of this folder
  pacer serve --edit                   and change budgets, act on regressions
  pacer serve --demo                   a made-up year, to look around
  pacer serve --addr 127.0.0.1:0       on a port that is free
  pacer open startup                   open the page of a metric`,
		Args: exactArgs(0),
	}
	cmd.Flags().StringVar(&addr, "addr", defaultAddr, "`HOST:PORT` to listen on, of this machine; port 0 is a free one")
	cmd.Flags().BoolVar(&demo, "demo", false, "show a made-up year of an app")
	cmd.Flags().BoolVar(&edit, "edit", false, "let the pages change budgets, and act on regressions")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		s, err := c.listen(cmd.Context(), addr, demo, edit)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintln(c.stdout, s.url); err != nil {
			return errors.Join(err, s.close())
		}
		fmt.Fprintf(c.stderr, "showing %s; Ctrl-C ends it\n", s.what)
		return s.serve(cmd.Context())
	}
	return cmd
}

// server is the pages on a listener.
type server struct {
	http     http.Server
	listener net.Listener
	source   *historic.Source
	url      string
	what     string // is shown
	note     string // file that says where it serves; "": none

	asked atomic.Int64 // when somebody last did, in Unix nanoseconds
}

// listen makes a server of the history, or of the demo.
func (c *cli) listen(ctx context.Context, addr string, demo, edit bool) (*server, error) {
	if err := loopback(addr); err != nil {
		return nil, err
	}
	log := slog.New(slog.NewTextHandler(c.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	config := dashboard.Config{Version: versionNumber(), Log: log}
	s := &server{}
	if demo {
		source, may, err := demoSource(time.Now())
		if err != nil {
			return nil, err
		}
		config.Editing = everybody(may, edit, "pacer serve --demo --edit")
		s.source, s.what, config.Notice = source, "a made-up year of an app", demoNotice
	} else {
		at := placeOf(ctx)
		may, err := editable(at)
		if err != nil {
			return nil, err
		}
		config.Editing = everybody(may, edit, "pacer serve --edit")
		s.source, s.what, s.note, config.Shows = historySource(at), at.String(), noteFile(), at.mark()
	}
	config.Source, config.Exports = s.source, exportsOf(s.source)
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, hint(fmt.Errorf("--addr: %w", err), "if pacer serves there already: pacer open; on another port: --addr 127.0.0.1:0")
	}
	s.listener = listener
	s.url = "http://" + listener.Addr().String() + "/"
	pages := dashboard.New(config)
	noted := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Store(time.Now().UnixNano())
		pages.ServeHTTP(w, r)
	})
	s.http = http.Server{
		Handler:           local(http.NewCrossOriginProtection().Handler(noted)),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	return s, nil
}

// serve answers until the context ends, which is how it is meant to end.
func (s *server) serve(ctx context.Context) error {
	s.leaveNote()
	defer s.takeNote()
	warm, cancel := context.WithCancel(ctx)
	warmed := make(chan struct{})
	go func() { defer close(warmed); s.keepWarm(warm) }()
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
	return errors.Join(err, s.source.Close())
}

const (
	warmEvery = 3 * time.Second
	lookedFor = 10 * time.Minute // after a request somebody may look again
)

// keepWarm works out the first page before it is asked for: at once, and when
// another run was recorded while somebody looks.
func (s *server) keepWarm(ctx context.Context) {
	s.source.Warm(ctx)
	tick := time.NewTicker(warmEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if time.Since(time.Unix(0, s.asked.Load())) < lookedFor {
				s.source.Warm(ctx)
			}
		}
	}
}

// close gives up before anything was served.
func (s *server) close() error { return errors.Join(s.listener.Close(), s.source.Close()) }

// note is what a server leaves beside the history for pacer open.
type note struct {
	URL string `json:"url"`
	PID int    `json:"pid"`
}

// leaveNote says where it serves. Where that cannot be written, pacer open
// serves by itself.
func (s *server) leaveNote() {
	if s.note == "" {
		return
	}
	text, err := json.Marshal(note{URL: s.url, PID: os.Getpid()})
	if err == nil {
		atomicfile.Write(s.note, func(w io.Writer) error { _, err := w.Write(text); return err })
	}
}

// takeNote removes the note, unless it is another server's by now.
func (s *server) takeNote() {
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

// loopback refuses addresses that others can reach: there are no accounts.
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
// is shown.
func historySource(at place) *historic.Source {
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
