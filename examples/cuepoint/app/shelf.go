package app

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/pacer-perf/pacer"
	"github.com/pacer-perf/pacer/examples/cuepoint/match"
	"github.com/pacer-perf/pacer/examples/cuepoint/rekordbox"
)

// What CuePoint promises while it runs, as its pacer.yaml does for whole runs.
var (
	filterBudget  = pacer.Budget{Target: 200 * time.Millisecond, Warning: 500 * time.Millisecond, Critical: time.Second}
	processBudget = pacer.Budget{Target: 250 * time.Millisecond, Warning: 500 * time.Millisecond, Critical: time.Second}
	uiBudget      = pacer.Budget{Target: 100 * time.Millisecond, Warning: 200 * time.Millisecond, Critical: 500 * time.Millisecond}
	otherBudgets  = map[string]pacer.Limit{
		"startup":     {Target: 2, Warning: 3, Critical: 5},
		"memory.peak": {Target: 500 << 20, Warning: 750 << 20, Critical: 1000 << 20},
	}
)

// shelf is a library that is looked at, while its tracks are matched or not.
// Its methods may be called from any goroutine.
type shelf struct {
	*program
	name      string // of the library
	catalogue match.Catalogue
	work      sync.WaitGroup

	mu     sync.RWMutex
	table  table
	tracks []rekordbox.Track
	done   int
	cancel context.CancelFunc // ends the matching; nil: nothing is matched
	failed error              // of the last matching
}

// newShelf prepares the table of tracks, which it can be filtered by at once;
// none is matched yet.
func newShelf(p *program, name string, tracks []rekordbox.Track) *shelf {
	s := &shelf{program: p, name: name, tracks: tracks, catalogue: match.NewLocal(match.Invent(tracks))}
	s.table = make(table, 0, len(tracks))
	for _, t := range tracks {
		s.table = append(s.table, newRow(t, match.Normalise(t), match.Result{}))
	}
	return s
}

// progress is how far the matching is.
type progress struct {
	Done, Total int
	Running     bool
	Error       string
}

func (s *shelf) progress() progress {
	s.mu.RLock()
	defer s.mu.RUnlock()
	p := progress{Done: s.done, Total: len(s.table), Running: s.cancel != nil}
	if s.failed != nil {
		p.Error = s.failed.Error()
	}
	return p
}

// start begins to match all tracks, unless that is under way.
func (s *shelf) start() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cancel != nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel, s.done, s.failed = cancel, 0, nil
	s.work.Go(func() {
		err := s.match(ctx)
		s.mu.Lock()
		defer s.mu.Unlock()
		cancel()
		s.cancel = nil
		if err != nil && !errors.Is(err, context.Canceled) {
			s.failed = err
		}
	})
}

func (s *shelf) match(ctx context.Context) error {
	for i, t := range s.tracks {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		r, err := s.process(ctx, s.catalogue, t)
		if err != nil {
			return err
		}
		s.mu.Lock()
		s.table[i] = r
		s.done++
		s.mu.Unlock()
	}
	s.rec.Items("tracks", len(s.tracks))
	return nil
}

// stop ends the matching and waits for its end.
func (s *shelf) stop() {
	s.mu.Lock()
	if s.cancel != nil {
		s.cancel()
	}
	s.mu.Unlock()
	s.work.Wait()
}

// rows returns the rows from the first on that the filter leaves, at most n,
// and how many it leaves.
func (s *shelf) rows(text string, first, n int) (rows []row, left int) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	shown := s.keystroke(s.table, text)
	first = min(max(first, 0), len(shown))
	for _, i := range shown[first:min(first+max(n, 0), len(shown))] {
		rows = append(rows, s.table[i])
	}
	return rows, len(shown)
}
