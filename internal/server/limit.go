package server

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits are what one request, and one who asks, may take. Every zero field
// means its default.
type Limits struct {
	Body    int64 // bytes of a body as it is sent: 32 MiB
	Decoded int64 // bytes of a body after decompression: 256 MiB
	Run     int64 // bytes of one document: 16 MiB
	Metrics int   // of a run: 10,000

	Rate     float64 // requests a second of one token, or of one address without: 100
	Burst    int     // at once: 400
	Failures float64 // refused tokens a minute of one address: 30

	HeaderTime time.Duration // for a request's head to come: 10 s
	ReadTime   time.Duration // for a request to come: 1 min
	WriteTime  time.Duration // for a request to be answered, from its head on: 2 min
	StoreTime  time.Duration // for the history to do what a request takes: 30 s
}

func (l Limits) orDefaults() Limits {
	set(&l.Body, 32<<20)
	set(&l.Decoded, 256<<20)
	set(&l.Run, 16<<20)
	set(&l.Metrics, 10_000)
	set(&l.Rate, 100)
	set(&l.Burst, 400)
	set(&l.Failures, 30)
	set(&l.HeaderTime, 10*time.Second)
	set(&l.ReadTime, time.Minute)
	set(&l.WriteTime, 2*time.Minute)
	set(&l.StoreTime, 30*time.Second)
	return l
}

func set[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// limiters bound how often somebody asks.
type limiters struct {
	requests, failures limiter
}

func newLimiters(l Limits) limiters {
	return limiters{
		requests: limiter{rate: rate.Limit(l.Rate), burst: l.Burst},
		failures: limiter{rate: rate.Limit(l.Failures / 60), burst: max(int(l.Failures), 1)},
	}
}

// limiter is a limit for each of many.
type limiter struct {
	rate  rate.Limit
	burst int

	mu  sync.Mutex
	who map[string]*rate.Limiter
}

// mostAskers bounds the memory of a limiter: beyond, everybody begins anew.
const mostAskers = 10_000

func (l *limiter) of(who string) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.who == nil || len(l.who) >= mostAskers {
		l.who = make(map[string]*rate.Limiter)
	}
	if l.who[who] == nil {
		l.who[who] = rate.NewLimiter(l.rate, l.burst)
	}
	return l.who[who]
}

// take counts one, and returns how long to wait where that is one too many.
func (l *limiter) take(who string, now time.Time) (wait time.Duration) {
	r := l.of(who).ReserveN(now, 1)
	if wait = r.DelayFrom(now); wait > 0 {
		r.CancelAt(now)
	}
	return wait
}
