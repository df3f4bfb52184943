// Package doctor examines the machine as a place to measure: what it is, how
// much the same work differs on it, the smallest change that could be seen, and
// what to do about it.
package doctor

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/pacer-perf/pacer/internal/machine"
	"github.com/pacer-perf/pacer/internal/paired"
	"github.com/pacer-perf/pacer/internal/stat"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// Schema names the version of the report's document.
const Schema = "pacer.doctor/v1"

// Report is what an examination found. Values are in base units.
type Report struct {
	Schema      string          `json:"schema"`
	Environment run.Environment `json:"environment"`
	Machine     machine.Facts   `json:"machine"`
	// Busy is how others used the processors meanwhile, where the system tells.
	Busy   *machine.Usage `json:"busy,omitempty"`
	Noise  []Noise        `json:"noise"`
	Advice []Advice       `json:"advice"` // the gravest first
}

// Noise is how much one kind of work differs from execution to execution,
// though it is the same.
type Noise struct {
	Work   string  `json:"work"` // cpu, memory, disk, process
	N      int     `json:"n"`
	Median float64 `json:"median"` // seconds
	Spread float64 `json:"spread"` // relative standard deviation, spikes left out
	Pairs  float64 `json:"pairs"`  // that of the ratio of two executions in a row
	// Visible are the smallest relative changes that so many runs on either
	// side, or pairs, show in 80 % of cases.
	Visible []Visible `json:"visible"`
	Error   string    `json:"error,omitempty"` // why it could not be done
}

// Visible is what so many runs show.
type Visible struct {
	Runs  int     `json:"runs"`
	Apart float64 `json:"apart"` // measured one side after the other
	Pairs float64 `json:"pairs"` // in pairs
}

// Advice is what stands in the way of measuring well, and what to do about it.
type Advice struct {
	Level string `json:"level"` // "bad", "note"
	About string `json:"about"`
	Text  string `json:"text"`
	Do    string `json:"do,omitempty"`
}

// Work is one kind of work: a function that does it once.
type Work struct {
	Name string
	Do   func(context.Context) error
}

// counts are the numbers of runs that a report speaks of.
var counts = []int{10, 30, 100}

// confidence and power of what a report calls visible: those of the judge.
const (
	falseAlarms = 0.015
	power       = 0.8
)

// Examine does each work so many times, in turn, and times it. Own returns the
// processor time that the works took so far in other processes; progress is
// called after each round. The error is the context's.
func Examine(ctx context.Context, env run.Environment, works []Work, rounds int, own func() time.Duration, progress func(done int)) (Report, error) {
	r := Report{Schema: Schema, Environment: env}
	r.Machine = machine.Look(&r.Environment)
	watch := machine.NewWatch()
	times := make([][]float64, len(works))
	failed := make([]error, len(works))
	before := own()
	for round := range rounds {
		for i, w := range works {
			if failed[i] != nil {
				continue
			}
			if err := ctx.Err(); err != nil {
				return r, err
			}
			begin := time.Now()
			if failed[i] = w.Do(ctx); failed[i] == nil {
				times[i] = append(times[i], time.Since(begin).Seconds())
			}
		}
		progress(round + 1)
	}
	if u, ok := watch.Usage(own() - before); ok {
		r.Busy = &u
	}
	for i, w := range works {
		n := noiseOf(w.Name, times[i])
		if failed[i] != nil {
			if ctx.Err() != nil {
				return r, ctx.Err()
			}
			n = Noise{Work: w.Name, Error: failed[i].Error()}
		}
		r.Noise = append(r.Noise, n)
	}
	r.Advice = advise(&r)
	return r, nil
}

// noiseOf says how much times differ, taken as a sequence of the same work. The
// first ones warm up and do not count.
func noiseOf(work string, times []float64) Noise {
	times = times[min(len(times), len(times)/10):]
	n := Noise{Work: work, N: len(times), Median: stat.Median(times)}
	logs, err := stat.Logs(times)
	if err != nil || len(logs) < 4 {
		n.Error = "too few executions"
		return n
	}
	var differences []float64
	for i := 0; i+1 < len(logs); i += 2 {
		differences = append(differences, logs[i+1]-logs[i])
	}
	n.Spread, n.Pairs = stat.Scale(logs, 0), stat.Scale(differences, 0)
	for _, runs := range counts {
		v := Visible{Runs: runs, Pairs: paired.SmallestEffect(n.Pairs, runs, 0.95)}
		if effect, err := stat.SmallestEffect(n.Spread, runs, runs, falseAlarms, power); err == nil {
			v.Apart = math.Expm1(effect)
		}
		n.Visible = append(n.Visible, v)
	}
	return n
}

// tooNoisy is a spread at which ten runs do not show a change of a tenth.
const tooNoisy = 0.05

// advise says what stands in the way of measuring well.
func advise(r *Report) []Advice {
	var bad, notes []Advice
	add := func(list *[]Advice, about, do, format string, args ...any) {
		level := "note"
		if list == &bad {
			level = "bad"
		}
		*list = append(*list, Advice{level, about, fmt.Sprintf(format, args...), do})
	}
	env, m := &r.Environment, &r.Machine
	if b := r.Busy; b != nil && b.Others > 0.2 {
		add(&bad, "load", "end what runs beside, or measure in pairs: pacer compare --exec", "other processes used %.0f%% of the processors' time during this examination", 100*b.Others)
	} else if m.Load != nil && *m.Load > 0.5*float64(env.Cores) {
		add(&bad, "load", "wait until it is quiet, or measure in pairs: pacer compare --exec", "%.1f processes ran or wanted to in the last minute, for %d processors", *m.Load, env.Cores)
	}
	if b := r.Busy; b != nil && b.Steal > 0.02 {
		add(&bad, "steal", "measure in pairs, or on a machine that is not shared", "the hypervisor gave %.1f%% of the processors' time to other machines", 100*b.Steal)
	}
	const whole = "give the container whole processors, or no limit"
	switch b := r.Busy; {
	case b != nil && b.Stopped():
		add(&bad, "cpu limit", whole, "the container's limit stopped processes in the middle of their work during this examination: %s", stops(b))
	case env.CPULimit > 0 && env.CPULimit < 1:
		add(&bad, "cpu limit", whole, "a container limits processes to %.3g of a processor: it stops them in the middle of their work", env.CPULimit)
	case m.Throttled != nil && *m.Throttled > 0:
		add(&notes, "cpu limit", whole, "the container's limit has stopped processes %s since the container was made, but not during this examination", times(*m.Throttled))
	case env.CPULimit > 0:
		add(&notes, "cpu limit", "", "a container limits processes to %.3g of %d processors", env.CPULimit, env.Cores)
	}
	if env.MemoryLimit > 0 {
		add(&notes, "memory limit", "", "a container limits memory to %s", unit.Format(float64(env.MemoryLimit), unit.Bytes))
	}
	if m.SwapUsed > 64<<20 {
		add(&notes, "swap", "swapoff -a, if there is memory enough", "%s of memory are on disk", unit.Format(float64(m.SwapUsed), unit.Bytes))
	}
	if env.Governor != "" && env.Governor != "performance" {
		add(&bad, "governor", "cpupower frequency-set -g performance", "the processors' frequency follows the load (%s)", env.Governor)
	}
	if env.Turbo == "on" {
		add(&notes, "turbo", "echo 1 > /sys/devices/system/cpu/intel_pstate/no_turbo, or echo 0 > /sys/devices/system/cpu/cpufreq/boost", "turbo makes the frequency depend on temperature and on what else runs")
	}
	if env.SMT == "on" {
		add(&notes, "smt", "echo off > /sys/devices/system/cpu/smt/control", "two threads share a core: a neighbour costs a third without showing as load")
	}
	if env.ASLR == "on" {
		add(&notes, "aslr", "many executions rather than long ones; or setarch -R COMMAND", "each process gets other addresses, which makes some executions faster than others")
	}
	if env.Virtual != "" && env.Virtual != "none" {
		add(&notes, "virtual", "compare in pairs; hold instructions, which no neighbour changes: --count instructions", "a virtual machine (%s): its neighbours are not to be seen from here", env.Virtual)
	}
	if m.ClockCost > 250e-9 {
		add(&bad, "clock", "boot with clocksource=tsc, if the machine allows it", "reading the clock takes %s (source %s)", unit.Format(m.ClockCost, unit.Seconds), env.Clock)
	}
	if why := env.Counters; why != "" && why != "hardware" {
		add(&notes, "counters", "--count instructions uses valgrind instead", "no hardware counters: %s", why)
	}
	var noisy []string
	for _, n := range r.Noise {
		switch {
		case n.Error != "":
			add(&notes, n.Work, "", "not examined: %s", n.Error)
		case n.Spread > tooNoisy:
			noisy = append(noisy, fmt.Sprintf("%s by %.0f%%", n.Work, 100*n.Spread))
		}
	}
	if noisy != nil {
		add(&bad, "noise", "more runs, or measure in pairs: pacer compare --exec", "the same work differs from one time to the next: %s", strings.Join(noisy, ", "))
	}
	return append(bad, notes...)
}

// stops says how often processes were stopped, and for how long.
func stops(u *machine.Usage) string {
	text := times(*u.Throttled)
	if u.ThrottledFor != nil && *u.ThrottledFor > 0 {
		text += ", for " + unit.Format(*u.ThrottledFor, unit.Seconds) + " in all"
	}
	return text
}

func times(n int64) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
