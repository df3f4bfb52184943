package pacer

import (
	"slices"
	"sync"
)

// maxReported is how many reports on breaches are kept to be looked at.
const maxReported = 100

// breachLog is the last reports on breaches.
type breachLog struct {
	mu   sync.Mutex
	last []Breach // oldest first
	all  int64    // reports there were
}

func (l *breachLog) add(b Breach) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.last) >= maxReported {
		// One that has evidence is worth more.
		out := max(0, slices.IndexFunc(l.last, func(b Breach) bool { return len(b.Evidence) == 0 }))
		l.last = slices.Delete(l.last, out, out+1)
	}
	l.last = append(l.last, b)
	l.all++
}

// since returns the reports after the first n, as far as they are kept, and how
// many there were.
func (l *breachLog) since(n int64) ([]Breach, int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.last[max(0, len(l.last)-int(min(l.all-n, maxReported))):]), l.all
}

// Breaches returns the last reports on values over their budget, at most a
// hundred, oldest first: those with evidence are kept longest. The metric
// pacer.breaches counts all of them.
func (r *Recorder) Breaches() []Breach {
	if r == nil {
		return nil
	}
	list, _ := r.reported.since(0)
	return list
}
