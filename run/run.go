// Package run holds the run document, pacer.run/v1: what one execution, or one
// repeated batch, of one version of an application measured.
//
// Everything else in Pacer makes, keeps, judges or shows runs. Values are in
// base units: seconds, bytes, items per second. Read is strict where being
// lenient would hide a fault (types, NaN, negative durations, the same metric
// twice) and open to keys it does not know. Nothing here reads a clock, opens a
// file or talks to a network.
//
// A document is one JSON object. The flat keys on top (startup_time,
// memory_usage, processing_speed, processing_metrics) are for people and for
// ten-line scripts; metrics is the authority. Write derives the flat keys from
// the metrics; Read takes them as metrics only in a file that has no others.
package run

import (
	"strings"
	"time"
)

// Schema names the version of the document that this package writes.
const Schema = "pacer.run/v1"

const (
	// MaxSize is the largest document that Read accepts, in bytes.
	MaxSize = 64 << 20
	// MaxSamples is how many samples a metric keeps before they are folded
	// into its histogram.
	MaxSamples = 10_000
	// MaxLabels is how many labels a metric may have.
	MaxLabels = 8
	// MaxName is the longest name of a metric, a label or a stage, in bytes, and
	// the longest app, version, commit or branch that a history keeps: what
	// databases find runs by, they can index.
	MaxName = 1024
)

// The metrics that the flat keys stand for.
const (
	Startup    = "startup"          // startup_time
	MemoryPeak = "memory.peak"      // memory_usage
	Speed      = "processing.speed" // processing_speed
	// Processing is the name of the main operation in a file that has
	// processing_metrics and does not say what they are of.
	Processing = "processing"
)

// Run is one run. Empty strings and zero values mean unknown.
type Run struct {
	ID        string // a ULID, or a hash of the content for a file without one
	App       string
	Version   string
	Commit    string
	Branch    string
	Dirty     bool   // the work tree had changes beside the commit
	Pull      string // number of the pull or merge request that it was made for
	Timestamp time.Time

	Main        string           // the metric that is the app's main operation
	Items       map[string]int64 // work done, by kind: tracks=1000
	Command     []string         // what was run, without values that look like secrets
	Environment *Environment     // nil: unknown
	Labels      map[string]string
	Metrics     []Metric
	Stages      []Stage

	// Failures are what failed while the run was measured: a benchmark, a
	// test, a threshold of the tool. A gate does not pass such a run.
	Failures []string
	// Warnings are doubts about how the run was measured. They are part of
	// the document.
	Warnings []string
	// Doubts are what Read thinks of the document. They are not written.
	Doubts []string
}

// Environment is where a run was made. Zero values mean unknown.
type Environment struct {
	OS          string  `json:"os,omitempty"`
	Arch        string  `json:"arch,omitempty"`
	CPU         string  `json:"cpu,omitempty"`          // model name
	Cores       int     `json:"cores,omitempty"`        // logical, as the OS counts them
	Memory      int64   `json:"memory,omitempty"`       // bytes
	CPULimit    float64 `json:"cpu_limit,omitempty"`    // cores, where a container limits them
	MemoryLimit int64   `json:"memory_limit,omitempty"` // bytes, likewise
	Go          string  `json:"go,omitempty"`           // version of the app's toolchain
	Host        string  `json:"host,omitempty"`         // hashed: tells hosts apart without naming them

	// The state of the machine, as pacer doctor explains it. Runs in different
	// states are compared, with a warning.
	Kernel   string `json:"kernel,omitempty"`   // release
	Virtual  string `json:"virtual,omitempty"`  // what kind of virtual machine; "none"
	Governor string `json:"governor,omitempty"` // of the processor's frequency
	Turbo    string `json:"turbo,omitempty"`    // on, off
	SMT      string `json:"smt,omitempty"`      // on, off: several threads to a core
	ASLR     string `json:"aslr,omitempty"`     // on, off: addresses drawn for each process
	Clock    string `json:"clock,omitempty"`    // source of the kernel's time
	Counters string `json:"counters,omitempty"` // hardware, or why there are none
}

// Better is the direction in which a metric improves.
type Better string

const (
	Lower  Better = "lower"
	Higher Better = "higher"
	// Neither says that the metric has no direction, whatever its unit: the
	// bytes that a load test sent. It is shown, and decides nothing.
	Neither Better = "neither"
)

// Kind is what kind of instrument made a metric. It is no part of the metric's
// identity.
type Kind string

const (
	TimerKind   Kind = "timer"
	ValueKind   Kind = "value"   // a distribution of anything but time
	CounterKind Kind = "counter" // only grows
	GaugeKind   Kind = "gauge"   // the last value
	RateKind    Kind = "rate"    // items over time
	ExactKind   Kind = "exact"   // does not vary while the code is the same: any difference is a change
	// WitnessKind tells about the measurement rather than the app, such as how
	// often another process took the processor: it is not judged unless the
	// policy says so.
	WitnessKind Kind = "witness"
)

// Metric is a named quantity and what was observed of it: samples, or a
// histogram, or, from tools that keep neither, only a summary.
type Metric struct {
	Name       string
	Kind       Kind   // what made it; "" where it is not known
	Unit       string // "s", "bytes", "items/s", "ratio", or anything else
	Labels     map[string]string
	Better     Better  // "": as usual for the unit
	Resolution float64 // tick of the clock it was read from, in Unit; 0: none worth stating
	Samples    []float64
	Histogram  *Histogram
	Summary    *Stats
}

// Stage is a node of the call tree that nested operations build. Times are in
// seconds.
type Stage struct {
	Path     string  `json:"path"` // track.process/search
	Count    int64   `json:"count"`
	Total    float64 `json:"total"`
	Self     float64 `json:"self"` // of Total, while no child was running
	Failures int64   `json:"failures,omitempty"`
}

// Find returns the metric with that name and labels, or nil.
func (r *Run) Find(name string, labels map[string]string) *Metric {
	if i := r.index(name, labels); i >= 0 {
		return &r.Metrics[i]
	}
	return nil
}

// index is Find for the metric's place; -1: there is none.
func (r *Run) index(name string, labels map[string]string) int {
	key := Key(name, labels)
	for i := range r.Metrics {
		// Most names alone say that it is another one.
		if m := &r.Metrics[i]; strings.HasPrefix(key, m.Name) && m.Key() == key {
			return i
		}
	}
	return -1
}
