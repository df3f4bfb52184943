package history

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math"
	"runtime"
	"sync"

	"github.com/pacer-perf/pacer/run"
)

// Verify looks at the store's structure and at every run of it: that its
// document is the one that was appended, can be read, says what its head and
// its points say. progress is called with the number of runs that were looked
// at, by one goroutine at a time.
func Verify(ctx context.Context, s Source, progress func(int)) ([]Problem, error) {
	problems, err := s.Check(ctx)
	if err != nil {
		return nil, err
	}
	entries := make(chan *Entry)
	var mu sync.Mutex
	var wait sync.WaitGroup
	done := 0
	for range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for e := range entries {
				what := e.verify()
				mu.Lock()
				if done++; what != "" {
					problems = append(problems, Problem{Run: e.Head.ID, What: what})
				}
				progress(done)
				mu.Unlock()
			}
		})
	}
	err = s.Walk(ctx, Filter{}, Parts{Document: true, Points: true}, func(e *Entry) error {
		select {
		case entries <- e:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	close(entries)
	wait.Wait()
	return problems, err
}

// verify says what is wrong with an entry.
func (e *Entry) verify() string {
	text, err := Text(e.Document)
	if err != nil {
		return fmt.Sprintf("its document is damaged: %v", err)
	}
	if e.Detail == Samples && sha256.Sum256(text) != e.Digest {
		return "its document is not the one that was appended"
	}
	r, err := e.Run()
	if err != nil {
		return fmt.Sprintf("its document cannot be read: %v", err)
	}
	head := headOf(&r)
	head.Timestamp = e.Head.Timestamp
	if a, b := describe(&head), describe(&e.Head); a != b {
		return fmt.Sprintf("its document says %s, the store %s", a, b)
	}
	if e.Timed && !Clamp(r.Timestamp).Equal(e.At) {
		return fmt.Sprintf("its document is of %v, the store says %v", r.Timestamp, e.At)
	}
	points := make(map[string]float64, len(e.Points))
	for _, v := range e.Points {
		points[v.Key+"\x00"+v.Unit] = v.Center
	}
	stats := make([]run.Stats, len(r.Metrics))
	for i := range r.Metrics {
		stats[i] = r.Metrics[i].Stats()
	}
	values := valuesOf(&r, stats)
	if len(values) != len(points) {
		return fmt.Sprintf("it has %d metrics, but %d points", len(values), len(points))
	}
	for _, v := range values {
		center, ok := points[v.Key+"\x00"+v.Unit]
		if !ok {
			return fmt.Sprintf("%s has no point", v.Key)
		}
		// What is left of samples says less exactly where they were.
		if slack := 0.01 * max(math.Abs(v.Stats.Min), math.Abs(v.Stats.Max)); e.Detail == Samples && center != v.Center || math.Abs(center-v.Center) > slack && v.Statistic == "median" {
			return fmt.Sprintf("%s is %v in its document, %v in its series", v.Key, v.Center, center)
		}
	}
	return ""
}

func describe(r *run.Run) string {
	return fmt.Sprintf("%s %s, version %q, commit %q, branch %q, dirty %v", r.ID, run.Key(r.App, r.Labels), r.Version, r.Commit, r.Branch, r.Dirty)
}
