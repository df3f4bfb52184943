// Package feed hands out what a recorder measures, once a second, to whoever
// looks: what changed in the second, never one event for each operation.
//
// Somebody looks as long as a Stream is open, and only then is there a
// goroutine and a timer. Who asks now and then, by Since, drives the feed
// himself. The steps of the last ten minutes are kept, so that a stream which
// broke goes on where it was; a gap in which nobody looked becomes one long
// step, in which nothing is missing either.
//
// It knows no HTTP; events are JSON.
package feed

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pacer-perf/pacer"
)

const (
	// Interval is how often a step is read while somebody looks; longest is how
	// far apart steps may be where there is so much to read that once a second
	// would take more than a hundredth of a processor.
	Interval = time.Second
	longest  = 4 * time.Second
	// MaxStreams is how many streams may be open at a time.
	MaxStreams = 8
	// keepFor and keepBytes bound the steps that are kept; restFor is what is
	// left of them when nobody looks any more.
	keepFor   = 10 * time.Minute
	keepBytes = 8 << 20
	restFor   = time.Minute
)

// ErrFull says that as many streams are open as there may be.
var ErrFull = errors.New("too many open streams")

// ErrEnded says that the server is about to end.
var ErrEnded = errors.New("the stream was ended")

// Config says what is fed.
type Config struct {
	Recorder *pacer.Recorder // nil: nothing is recorded
	// Budgets are limits on metrics that have none of their own, by key.
	Budgets map[string]pacer.Limit
}

// Feed is the feed of one recorder.
type Feed struct {
	Config
	epoch string // of this process: ids of another one mean nothing

	mu       sync.Mutex
	begun    bool // there is a follower
	resting  bool // it notices nothing
	follower *pacer.Follower
	known    []known
	steps    []step // oldest first; the ring
	seq      int64  // of the newest step there was
	bytes    int    // that steps hold, about
	overhead pacer.Overhead
	memory   pacer.Memory
	at       time.Time // of the newest step

	streams int
	stop    chan struct{} // ends the goroutine; nil: there is none
	more    chan struct{} // closed when there is a step more
	ended   chan struct{} // closed by End
}

// known is what is known of an instrument.
type known struct {
	pacer.Instrument
	key   string
	count int64 // of observations so far
}

// step is one step and its number.
type step struct {
	pacer.Step // without its deltas
	deltas     []delta
	seq        int64
	bytes      int
	event      []byte // of the newest one only
}

// New returns a Feed, at which nobody looks yet.
func New(c Config) *Feed {
	var random [8]byte
	rand.Read(random[:])
	return &Feed{Config: c, epoch: hex.EncodeToString(random[:]), more: make(chan struct{}), ended: make(chan struct{})}
}

// Event is one thing to tell: Name is full or step, Data a JSON object on one
// line. Who has seen an event says its ID to go on after it.
type Event struct {
	ID, Name string
	Data     []byte
}

// Stream is one who looks. It is for one goroutine.
type Stream struct {
	feed  *Feed
	after int64
	begun bool
	ended <-chan struct{}
}

// Open begins a stream after the event that has the ID; after none, and where
// the steps since are no longer known, it begins with a full event. Close must
// be called. The error is ErrFull.
func (f *Feed) Open(after string) (*Stream, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.streams >= MaxStreams {
		return nil, ErrFull
	}
	s := &Stream{feed: f, ended: f.ended}
	if f.streams++; f.streams == 1 {
		f.refresh()
		f.stop = make(chan struct{})
		go f.collect(f.stop)
	}
	s.after, s.begun = f.parse(after)
	return s, nil
}

// Next waits for what comes next. It returns ErrEnded or the context's error
// when there is no more.
func (s *Stream) Next(ctx context.Context) (Event, error) {
	for {
		s.feed.mu.Lock()
		event, ok := s.next()
		more := s.feed.more
		s.feed.mu.Unlock()
		if ok {
			return event, nil
		}
		select {
		case <-more:
		case <-s.ended:
			return Event{}, ErrEnded
		case <-ctx.Done():
			return Event{}, ctx.Err()
		}
	}
}

func (s *Stream) next() (Event, bool) {
	f := s.feed
	if !s.begun {
		s.begun, s.after = true, f.seq
		return f.full(), true
	}
	if s.after == f.seq {
		return Event{}, false
	}
	i := len(f.steps) - int(f.seq-s.after)
	if i < 0 { // it fell behind what is kept
		s.after = f.seq
		return f.full(), true
	}
	s.after++
	return f.event(&f.steps[i]), true
}

// Close ends the stream. With the last one the feed rests.
func (s *Stream) Close() {
	f := s.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.streams--; f.streams > 0 {
		return
	}
	close(f.stop)
	f.stop = nil
	f.rest()
	f.forget(restFor)
}

// rest lets recording pay nothing until the next step. The lock is held.
func (f *Feed) rest() {
	f.follower.Rest()
	f.resting = true
}

// End ends all streams that are open, for a server that is about to end.
func (f *Feed) End() {
	f.mu.Lock()
	defer f.mu.Unlock()
	close(f.ended)
	f.ended = make(chan struct{})
}

// Since returns the events after the one that has the ID, for who cannot hold a
// stream open; where nobody else does, a step is read now, but no more than one
// in a second. As long as it is called, the recorder looks out for the slowest
// operations, which costs next to nothing.
func (f *Feed) Since(after string) []Event {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stop == nil {
		f.refresh()
	}
	s := &Stream{feed: f}
	s.after, s.begun = f.parse(after)
	var list []Event
	for {
		e, ok := s.next()
		if !ok {
			return list
		}
		list = append(list, e)
	}
}

// collect reads steps until it is stopped: one a second, or fewer where a step
// takes more than a hundredth of that.
func (f *Feed) collect(stop chan struct{}) {
	timer := time.NewTimer(Interval)
	defer timer.Stop()
	for {
		select {
		case <-stop:
			return
		case <-timer.C:
			began := time.Now()
			f.mu.Lock()
			if f.stop == stop {
				f.read()
				f.event(&f.steps[len(f.steps)-1]) // for all who look
			}
			f.mu.Unlock()
			took := time.Since(began)
			wait := min(max(Interval, 100*took), longest)
			timer.Reset(max(wait-took, wait/2)) // also where the machine had no time for us
		}
	}
}

// refresh reads a step unless the newest one is new enough, and the slowest
// operations have been noticed since.
func (f *Feed) refresh() {
	if !f.begun || f.resting || time.Since(f.at) >= Interval*9/10 {
		f.read()
	}
}

// read reads a step and wakes those who wait. The lock is held.
func (f *Feed) read() {
	first := !f.begun
	if first {
		f.begun, f.follower = true, f.Recorder.Follow() // nil without a recorder
	}
	next := step{Step: f.follower.Next()}
	f.resting = false
	for _, i := range next.Instruments {
		k := known{Instrument: i, key: i.Key()}
		if limit, ok := f.Budgets[k.key]; ok && k.Budget == (pacer.Limit{}) {
			k.Budget = limit
		}
		f.known = append(f.known, k)
	}
	next.bytes = 500 + 200*(len(next.Instruments)+len(next.Breaches)) + 24*len(next.Collections)
	for _, d := range next.Deltas {
		if d.Histogram != nil {
			f.known[d.Number].count += d.Histogram.Count
		}
		packed := pack(d)
		next.deltas = append(next.deltas, packed)
		next.bytes += 150 + cap(packed.buckets)
	}
	next.Deltas = nil
	f.at, f.overhead, f.memory = next.Time, next.Overhead, next.Memory
	if first {
		return // what was before is in full events
	}
	f.seq++
	next.seq = f.seq
	if n := len(f.steps); n > 0 {
		f.steps[n-1].event = nil
	}
	f.steps = append(f.steps, next)
	f.bytes += next.bytes
	f.forget(keepFor)
	close(f.more)
	f.more = make(chan struct{})
}

// forget drops the steps that are older than so much, and the oldest of too
// many.
func (f *Feed) forget(age time.Duration) {
	n := 0
	for n < len(f.steps) && (f.at.Sub(f.steps[n].Time) > age || f.bytes > keepBytes && n < len(f.steps)-1) {
		f.bytes -= f.steps[n].bytes
		f.steps[n] = step{} // so that its memory goes now
		n++
	}
	if f.steps = f.steps[n:]; cap(f.steps) > 2*len(f.steps)+100 {
		f.steps = append(make([]step, 0, len(f.steps)+50), f.steps...)
	}
}

// id names a step.
func (f *Feed) id(seq int64) string { return f.epoch + "." + strconv.FormatInt(seq, 10) }

// parse reads an ID; false if it is not of this feed.
func (f *Feed) parse(id string) (seq int64, ok bool) {
	digits, ok := strings.CutPrefix(id, f.epoch+".")
	seq, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil || seq < 0 || seq > f.seq {
		return 0, false
	}
	return seq, true
}

// ErrUnknownWindow says that steps are asked for that are not kept.
var ErrUnknownWindow = fmt.Errorf("these seconds are no longer known: at most the last %v are kept", keepFor)

// Instruments returns the instruments of the recorder, with their budgets, and
// the limits on metrics that have no instrument, by key. It reads a step if none
// was read for a while.
func (f *Feed) Instruments() (list []pacer.Instrument, others map[string]pacer.Limit) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stop == nil {
		f.refresh()
		f.rest()
	}
	others = maps.Clone(f.Budgets)
	for i := range f.known {
		delete(others, f.known[i].key)
		list = append(list, f.known[i].Instrument)
	}
	return list, others
}

// Overhead returns what measuring costs the app, as of the newest step.
func (f *Feed) Overhead() pacer.Overhead {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.overhead
}
