// Package server is Pacer for a team: a REST API that takes runs in and answers
// questions about them, and the pages of the dashboard, over one history.
//
// It keeps nothing of its own but counts and limits: what it was given is in the
// history before it says so, and so are tokens, sessions and the verdicts that
// are still to be worked out. Any number of servers may stand over one
// PostgreSQL.
//
// A route is a line in the list of routes, which the mux, the checks of who may
// do what and the OpenAPI document are made of. Who asks is settled before a
// route is entered; what it then sees of the history is cut to what it may see,
// in one place (scope).
package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pacer-perf/pacer"
	"github.com/pacer-perf/pacer/internal/alert"
	"github.com/pacer-perf/pacer/internal/baseline"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/judge"
)

// Config holds the settings of a Server. Every zero field means its default.
type Config struct {
	// Open opens the history. Without make it returns nil and no error where
	// there is none yet. Required.
	Open func(ctx context.Context, make bool) (history.Store, error)
	// Moved tells that the history which was opened is no longer the one to
	// use: its file was replaced. nil: it never is.
	Moved func() bool
	// Policy returns what an app is held to; nil: the default.
	Policy func(app string) (judge.Policy, error)
	// Lineage answers for the rule merge-base; nil: there is nobody to ask.
	Lineage baseline.Lineage
	// Pages returns the pages for those who may see what a view says, as an
	// io.Closer too if they hold anything; nil: there are no pages.
	Pages func(View) http.Handler
	// Alerts returns what got worse for good in an app, as a view sees it; nil:
	// what is known are the alerts about which something was done.
	Alerts func(ctx context.Context, v View, app string) ([]alert.Alert, error)

	// Local says that nobody but this machine can reach the server: while there
	// are no tokens, whoever asks for it by a name of this machine may do
	// everything. Insecure lets everybody do everything while there are none.
	Local, Insecure bool
	PublicRead      bool // reading takes no token
	BehindProxy     bool // what comes in was forwarded: X-Forwarded-For and -Proto say by whom and how
	Secure          bool // browsers reach it by TLS: their cookies go nowhere else

	Limits   Limits
	Recorder *pacer.Recorder // measures the server itself; nil: nothing does
	Version  string          // of Pacer
	Log      *slog.Logger    // nil: slog.Default
	Now      func() time.Time
}

// Server answers requests. Make one with New.
type Server struct {
	Config
	keeper    keeper
	handler   http.Handler
	limits    limiters
	judging   *worker
	counters  *counters
	intakes   *places // held while runs are taken in
	large     *places // held while a large document comes in and is read
	reads     *places // held while a large answer is made and sent
	room      room    // for what is being read
	comparing *places // held while a verdict is worked out for somebody who waits

	unguarded atomic.Bool // there were no tokens, when it was known last

	uses  uses
	views views
}

// New returns a Server. Close releases what it opened.
func New(c Config) *Server {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Policy == nil {
		c.Policy = func(string) (judge.Policy, error) { return judge.Policy{}, nil }
	}
	c.Limits = c.Limits.orDefaults()
	s := &Server{Config: c, keeper: keeper{open: c.Open, moved: c.Moved}, limits: newLimiters(c.Limits), counters: newCounters(c.Recorder),
		intakes: newPlaces(mostIntakes), large: newPlaces(mostLarge), reads: newPlaces(mostReads), room: newRoom(mostHeld), comparing: newPlaces(2), uses: uses{log: c.Log}}
	s.judging = newWorker(s)
	s.handler = s.chain()
	return s
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Work works out the verdicts that are to come, until the context ends.
func (s *Server) Work(ctx context.Context) { s.judging.run(ctx) }

// Close releases the pages and the history.
func (s *Server) Close() error { return errors.Join(s.views.close(), s.uses.close(), s.keeper.close()) }

// HTTP returns a server for a listener, with a limit to every wait.
func (s *Server) HTTP() *http.Server {
	return &http.Server{
		Handler:           s,
		ReadHeaderTimeout: s.Limits.HeaderTime,
		ReadTimeout:       s.Limits.ReadTime,
		WriteTimeout:      s.Limits.WriteTime,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug),
	}
}

// keeper opens the history when it is first asked for, and again when it was
// replaced.
type keeper struct {
	open  func(ctx context.Context, make bool) (history.Store, error)
	moved func() bool

	mu     sync.Mutex
	store  history.Store
	failed error     // why it could not be opened
	tried  time.Time // when
	ended  bool
}

// openTime bounds how long a request waits for the history to be opened.
const openTime = 5 * time.Second

// triedEvery is how often a history that cannot be opened is tried: those who
// ask meanwhile do not wait in line for one that does not answer.
const triedEvery = time.Second

// get returns the history; nil, where there is none and none is to be made.
func (k *keeper) get(ctx context.Context, make bool) (history.Store, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ended {
		return nil, errors.New("the server has ended")
	}
	if k.store != nil && k.moved != nil && k.moved() {
		// Those who are reading it may finish.
		old := k.store
		time.AfterFunc(time.Minute, func() { old.Close() })
		k.store = nil
	}
	if k.store == nil {
		if k.failed != nil && time.Since(k.tried) < triedEvery {
			return nil, k.failed
		}
		opening, cancel := context.WithTimeout(ctx, openTime)
		defer cancel()
		store, err := k.open(opening, make)
		if k.failed, k.tried = err, time.Now(); ctx.Err() != nil {
			k.failed = nil // whoever asked went away: that says nothing of the history
		}
		if err != nil || store == nil {
			return nil, err
		}
		k.store = store
	}
	return k.store, nil
}

func (k *keeper) close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.ended = true
	if k.store == nil {
		return nil
	}
	err := k.store.Close()
	k.store = nil
	return err
}

// existing returns the history; without one yet it is history.ErrNone.
func (s *Server) existing(ctx context.Context) (history.Store, error) {
	store, err := s.keeper.get(ctx, false)
	if err == nil && store == nil {
		err = history.ErrNone
	}
	return store, err
}

// made returns the history, and makes it if there is none.
func (s *Server) made(ctx context.Context) (history.Store, error) { return s.keeper.get(ctx, true) }

// HasTokens tells whether any token was ever made in the history.
func (s *Server) HasTokens(ctx context.Context) (bool, error) {
	store, err := s.keeper.get(ctx, false)
	if err != nil || store == nil {
		return false, err
	}
	return store.HasTokens(ctx)
}
