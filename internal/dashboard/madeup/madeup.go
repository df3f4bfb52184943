// Package madeup makes up a year of an app: steps, a step that was taken back,
// a drift, noise, a change that was accepted, budgets, stages and samples. It
// is what pacer serve --demo shows and what the pages are tested with.
//
// The numbers come from a fixed seed: only the times move with the end of the
// year that is asked for.
package madeup

import (
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// App is the app that is made up: the worked example of Pacer.
const App = "cuepoint"

// Notice says that it is made up.
const Notice = "This is a made-up year of an app, so that you can see what the pages do. Nothing here was measured."

// Policy is what the app is held to, as pacer.yaml has it.
const Policy = `# What CuePoint holds itself to. Made up, as is all of this.
app: cuepoint
baseline: branch:main
budgets:
  startup:                 {target: 2s,    warning: 3s,    critical: 5s}
  track.process:           {target: 250ms, warning: 500ms, critical: 1s}
  table.filter{rows=1000}: {target: 200ms, warning: 500ms, critical: 1s}
  export.csv{tracks=1000}: {target: 1s,    warning: 1200ms, critical: 1500ms}
  ui.response:             {target: 100ms, warning: 200ms, critical: 500ms}
  memory.peak:             {target: 500MB, warning: 750MB, critical: 1000MB}
`

// Waivers are the changes that were accepted, as pacer.waivers.yaml has them.
const Waivers = `waivers:
  - metric: artwork.decode
    reason: covers are decoded at full size (issue 412)
    author: the team
    until_version: "2.6"
    worse_by: 20%
`

// versions is how many versions there are in the year.
const versions = 118

// Runs makes up the runs of the year that ends at a time, the newest a few
// minutes before it.
func Runs(end time.Time) []*run.Run {
	y := year{rng: rand.New(rand.NewPCG(7, 2026)), end: end.UTC().Truncate(time.Second)}
	var list []*run.Run
	for i := range versions {
		r := y.run(i, "main", intel)
		list = append(list, r)
		if i%3 == 1 {
			other := y.run(i, "main", arm)
			other.Version, other.Commit, other.Timestamp = r.Version, r.Commit, r.Timestamp.Add(-40*time.Minute)
			list = append(list, other)
		}
	}
	for k := range 3 {
		r := y.run(versions-9+k, "artwork-cache", intel)
		r.Version, r.Timestamp = "", r.Timestamp.Add(5*time.Hour)
		list = append(list, r)
	}
	return list
}

var (
	intel = &run.Environment{OS: "linux", Arch: "amd64", CPU: "AMD EPYC 7B13", Cores: 8, Memory: 32 << 30, Go: "go1.26.8"}
	arm   = &run.Environment{OS: "linux", Arch: "arm64", CPU: "Neoverse-N1", Cores: 4, Memory: 16 << 30, Go: "go1.26.8"}
)

type year struct {
	rng *rand.Rand
	end time.Time
}

// level is how a metric develops: by version, what its level is multiplied
// with.
type level func(i int) float64

// step multiplies from a version on.
func step(at int, by float64) level {
	return func(i int) float64 {
		if i >= at {
			return by
		}
		return 1
	}
}

// reverted multiplies between two versions.
func reverted(from, to int, by float64) level {
	return func(i int) float64 {
		if i >= from && i < to {
			return by
		}
		return 1
	}
}

// drift multiplies little by little between two versions.
func drift(from, to int, by float64) level {
	return func(i int) float64 {
		at := min(1, max(0, float64(i-from)/float64(to-from)))
		return math.Pow(by, at)
	}
}

// last is the newest version.
const last = versions - 1

// metrics are what the app measures.
var metrics = []struct {
	name    string
	labels  map[string]string
	unit    string
	better  run.Better
	center  float64
	spread  float64 // of samples in a run, relative
	between float64 // of runs, relative
	samples int
	levels  []level
	gone    bool // from the newest version
	few     bool // samples of the newest version
}{
	{name: "track.process", unit: unit.Seconds, center: 0.168, spread: 0.08, between: 0.006, samples: 60, levels: []level{step(26, 1.07), reverted(47, 52, 1.16), step(74, 0.94), step(last, 0.915)}},
	{name: "table.filter", labels: map[string]string{"rows": "1000"}, unit: unit.Seconds, center: 0.148, spread: 0.11, between: 0.004, samples: 60, levels: []level{step(last, 1.035)}, few: true},
	{name: "table.filter", labels: map[string]string{"rows": "10000"}, unit: unit.Seconds, center: 0.64, spread: 0.03, between: 0.004, samples: 40, levels: []level{step(40, 0.88)}},
	{name: "ui.response", unit: unit.Seconds, center: 0.062, spread: 0.14, between: 0.004, samples: 250},
	{name: "library.load", unit: unit.Seconds, center: 0.78, spread: 0.02, between: 0.004, samples: 40, levels: []level{reverted(66, 71, 1.32), step(92, 1.04)}},
	{name: "search.query", unit: unit.Seconds, center: 0.0084, spread: 0.05, between: 0.004, samples: 120, levels: []level{drift(20, 96, 1.17)}},
	{name: "artwork.decode", unit: unit.Seconds, center: 0.0031, spread: 0.05, between: 0.004, samples: 80, levels: []level{step(33, 0.9), step(last, 1.118)}},
	{name: "export.csv", labels: map[string]string{"tracks": "1000"}, unit: unit.Seconds, center: 0.51, spread: 0.04, between: 0.007, samples: 20, levels: []level{step(58, 1.05)}, gone: true},
	{name: "processing.speed", unit: unit.Speed, better: run.Higher, center: 5.9, spread: 0.03, between: 0.004, samples: 40, levels: []level{step(26, 0.93), reverted(47, 52, 0.86), step(74, 1.06), step(last, 1.09)}},
	{name: "memory.peak", unit: unit.Bytes, center: 476 << 20, spread: 0.003, between: 0.001, samples: 20, levels: []level{step(12, 1.03), step(61, 0.985), step(last, 1.018)}},
	{name: "memory.current", unit: unit.Bytes, center: 301 << 20, spread: 0.006, between: 0.002, samples: 20},
	{name: "gc.pause", unit: unit.Seconds, center: 0.00021, spread: 0.3, between: 0.01, samples: 40},
	{name: "go.goroutines", unit: unit.Count, center: 23, samples: 3},
}

// startup is where the time of a start goes, in seconds, and how that develops.
var startup = []struct {
	stage  string
	center float64
	levels []level
}{
	{"runtime", 0.063, nil},
	{"read config", 0.119, nil},
	{"open library db", 0.472, []level{step(last, 1.667)}},
	{"plugin scan", 0.560, []level{reverted(30, 36, 1.25), drift(88, 104, 0.93)}},
	{"first paint", 0.480, []level{step(55, 0.94)}},
}

// run makes up the run of a version.
func (y *year) run(i int, branch string, where *run.Environment) *run.Run {
	at := y.end.Add(-5*time.Minute - time.Duration(last-i)*74*time.Hour)
	if i < last {
		at = at.Add(-time.Duration(y.rng.IntN(20*60)) * time.Minute)
	}
	var commit [20]byte
	for k := range commit {
		commit[k] = byte(y.rng.Uint32())
	}
	var random [10]byte
	copy(random[:], commit[10:])
	r := &run.Run{
		ID: run.NewID(at, random), App: App, Version: fmt.Sprintf("2.%d.%d", i/29, i%29), Commit: hex.EncodeToString(commit[:]), Branch: branch,
		Timestamp: at, Main: "track.process", Items: map[string]int64{"tracks": 1000}, Environment: where, Command: []string{"cuepoint", "--filter", "remix"},
	}
	speed := 1.0
	if where == arm {
		speed = 1.31
	}
	y.startup(r, i, speed)
	for _, m := range metrics {
		if m.gone && i == last {
			continue
		}
		level := m.center
		for _, l := range m.levels {
			level *= l(i)
		}
		switch m.unit {
		case unit.Seconds:
			level *= speed
		case unit.Speed:
			level /= speed
		}
		level *= 1 + m.between*y.rng.NormFloat64()
		metric := run.Metric{Name: m.name, Labels: m.labels, Unit: m.unit, Better: m.better}
		n := m.samples
		if m.few && i == last {
			n = 12
		}
		for range n {
			metric.Samples = append(metric.Samples, y.sample(level, m.spread, m.unit))
		}
		r.Metrics = append(r.Metrics, metric)
		if m.name == "track.process" {
			y.stages(r, m.name, level)
		}
	}
	return r
}

// sample draws one observation: mostly near the level, some far above it.
func (y *year) sample(level, spread float64, base string) float64 {
	v := level * math.Exp(spread*y.rng.NormFloat64())
	if base == unit.Seconds && y.rng.IntN(60) == 0 {
		v *= 1 + 0.5*y.rng.Float64()
	}
	switch base {
	case unit.Bytes:
		return math.Round(v/4096) * 4096
	case unit.Count:
		return math.Round(level)
	case unit.Seconds:
		return math.Round(v*1e7) / 1e7
	}
	return math.Round(v*1e4) / 1e4
}

// launches is how often a version is started.
const launches = 40

// startup makes up the starts of a version, stage by stage.
func (y *year) startup(r *run.Run, i int, speed float64) {
	between := speed * (1 + 0.005*y.rng.NormFloat64())
	m := run.Metric{Name: run.Startup, Unit: unit.Seconds}
	sums := make([]float64, len(startup))
	total := 0.0
	for range launches {
		launch := 0.0
		shared := math.Exp(0.02 * y.rng.NormFloat64()) // a machine that is busy is so for all stages
		for k, s := range startup {
			v := s.center * between * shared * math.Exp(0.03*y.rng.NormFloat64())
			for _, l := range s.levels {
				v *= l(i)
			}
			sums[k] += v
			launch += v
		}
		rest := 0.124 * between * math.Exp(0.05*y.rng.NormFloat64())
		launch += rest
		m.Samples = append(m.Samples, math.Round(launch*1e6)/1e6)
		total += launch
	}
	r.Metrics = append(r.Metrics, m)
	self := total
	for _, s := range sums {
		self -= s
	}
	r.Stages = append(r.Stages, run.Stage{Path: run.Startup, Count: launches, Total: total, Self: self})
	for k, s := range startup {
		r.Stages = append(r.Stages, run.Stage{Path: run.Startup + "/" + s.stage, Count: launches, Total: sums[k], Self: sums[k]})
	}
}

// stages makes up where the time of an operation goes.
func (y *year) stages(r *run.Run, name string, level float64) {
	const calls = 1000
	total := level * calls
	r.Stages = append(r.Stages, run.Stage{Path: name, Count: calls, Total: total, Self: 0.06 * total})
	for _, s := range []struct {
		stage string
		part  float64
	}{{"queries", 0.08}, {"search", 0.63}, {"score", 0.23}} {
		part := total * s.part * (1 + 0.01*y.rng.NormFloat64())
		r.Stages = append(r.Stages, run.Stage{Path: name + "/" + s.stage, Count: calls, Total: part, Self: part})
	}
}
