// Package machine looks at the machine as a place to measure: what it is, in
// which state, and how busy others keep it.
//
// What cannot be read is left out.
package machine

import (
	"time"

	"github.com/pacer-perf/pacer/run"
)

// Facts are what the state of the machine is now, beside run.Environment.
type Facts struct {
	Load      *float64 `json:"load,omitempty"`      // processes that run or want to, in the last minute
	Available int64    `json:"available,omitempty"` // memory, bytes
	SwapUsed  int64    `json:"swap_used,omitempty"` // bytes
	Steal     *float64 `json:"steal,omitempty"`     // share of its time that the hypervisor gave to others, since the start
	Throttled *int64   `json:"throttled,omitempty"` // times that the control group had used up its processor time, since it was made
	// Pressure is the share of the last ten seconds in which some process
	// waited for a processor.
	Pressure *float64 `json:"pressure,omitempty"`
	// ClockCost is what it takes to read the clock, in seconds.
	ClockCost float64 `json:"clock_cost"`
}

// Look returns the facts, and adds the state of the machine to an environment.
// It takes about a millisecond.
func Look(env *run.Environment) Facts {
	var f Facts
	look(env, &f)
	f.ClockCost = clockCost()
	return f
}

// clockCost is the least of several tries: others disturb it.
func clockCost() float64 {
	const reads = 1000
	best := time.Duration(1 << 62)
	for range 10 {
		begin := time.Now()
		for range reads {
			_ = time.Now()
		}
		best = min(best, time.Since(begin))
	}
	return best.Seconds() / reads
}

// Watch looks at how busy the processors are from now on.
type Watch struct {
	began time.Time
	at    ticks
	limit throttling
}

// throttling is how often and for how long a control group was stopped because
// it had used up its processor time, since it was made.
type throttling struct {
	times int64
	took  time.Duration // of all its processors
	known bool
}

// ticks are what all processors spent so far, in seconds.
type ticks struct{ busy, steal, total float64 }

// NewWatch begins to watch.
func NewWatch() Watch { return Watch{time.Now(), readTicks(), readThrottling()} }

// Usage is what became of the processors' time while it was watched.
type Usage struct {
	Others float64 `json:"others"` // share that processes took beside those that were measured
	Steal  float64 `json:"steal"`  // share that the hypervisor gave to other machines
	// Throttled is how often the control group was stopped because it had used
	// up its processor time, ThrottledFor for how many seconds on all
	// processors together; absent where the system does not tell.
	Throttled    *int64   `json:"throttled,omitempty"`
	ThrottledFor *float64 `json:"throttled_for,omitempty"`
}

// Stopped tells whether the control group was stopped.
func (u Usage) Stopped() bool { return u.Throttled != nil && *u.Throttled > 0 }

// Usage returns how the processors were used since then; own is the CPU time of
// what was measured. It returns false if that is not known, or if it was too
// short to tell.
func (w Watch) Usage(own time.Duration) (Usage, bool) {
	now := readTicks()
	total := now.total - w.at.total
	if w.at.total == 0 || time.Since(w.began) < 500*time.Millisecond || total <= 0 {
		return Usage{}, false
	}
	self := selfTime().Seconds()
	u := Usage{
		Others: max(0, now.busy-w.at.busy-own.Seconds()-self) / total,
		Steal:  max(0, now.steal-w.at.steal) / total,
	}
	if limit := readThrottling(); limit.known && w.limit.known {
		times, took := limit.times-w.limit.times, (limit.took - w.limit.took).Seconds()
		u.Throttled, u.ThrottledFor = &times, &took
	}
	return u, true
}
