package pacer

import (
	"math"
	"time"
	"unicode/utf8"
)

// While somebody follows, a distribution notices its largest value in each
// step. The gate, which values pass anyway, is lowered to a bar that rises with
// them: of a million values some fifteen are each the largest so far, and only
// those leave the short way.

// largest is the largest value of a step.
type largest struct {
	value int64
	at    time.Time
	stage string // the child of a span that took longest
	took  time.Duration
	notes []Note
}

// notice keeps a value that is above the bar, unless a larger one comes first,
// and raises the bar to it. The span that took so long tells more of it; nil if
// there is none.
func (d *distribution) notice(v int64, s *Span) {
	for old := d.bar.Load(); v > old; old = d.bar.Load() {
		if !d.bar.CompareAndSwap(old, v) {
			continue
		}
		found := &largest{value: v, at: time.Now()}
		if s != nil {
			found.stage, found.took, found.notes = s.told()
		}
		for {
			before := d.largest.Load()
			if before != nil && before.value >= v || d.largest.CompareAndSwap(before, found) {
				return
			}
		}
	}
}

// setGate opens the gate as far as it may be, once values go to the buckets.
func (d *distribution) setGate() {
	if to := min(d.budget, d.bar.Load()); d.gate.Load() != to {
		d.gate.Store(to)
		if d.off.Load() { // turned off meanwhile: that came first, or sees to it
			d.gate.Store(-1)
		}
	}
}

// follow begins a step, or with false ends all following, and returns the
// largest value of the step before.
func (d *distribution) follow(on bool) *largest {
	// The value first: one that is noticed in between is of the next step, and
	// no larger one of this step can take its place.
	found := d.largest.Swap(nil)
	if on {
		d.bar.Store(-1)
	} else {
		d.bar.Store(math.MaxInt64)
		d.largest.Store(nil)
	}
	if !d.sampling.Load() {
		d.setGate()
	}
	return found
}

// turn turns recording off or on again. Values that are on their way may still
// come.
func (d *distribution) turn(on bool) {
	d.off.Store(!on)
	if !on {
		d.gate.Store(-1)
	} else if !d.sampling.Load() {
		d.setGate()
	}
}

// Note is a word on one execution of a span: file=aphex.flac.
type Note struct{ Key, Value string }

const (
	maxNotes = 8   // of a span
	maxNote  = 200 // bytes of one value
)

// Note says what this execution of the stage is about, such as the file that it
// reads. It is shown with the slowest operations of the last seconds, and kept
// nowhere else: a note is no label of a metric, and may be different each time.
//
// It costs next to nothing while nobody follows the recorder. A span keeps its
// first eight notes, 200 bytes of each.
func (s *Span) Note(key, value string) {
	if s == nil || s.node.timer.values.bar.Load() == math.MaxInt64 {
		return
	}
	if len(value) > maxNote {
		end := maxNote
		for !utf8.RuneStart(value[end]) {
			end--
		}
		value = value[:end]
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.notes) < maxNotes {
		s.notes = append(s.notes, Note{key, value})
	}
}

// told returns what a span knows of itself when it ends.
func (s *Span) told() (stage string, took time.Duration, notes []Note) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.slowest != nil {
		stage = s.slowest.path
	}
	return stage, s.longest, s.notes
}
