package feed

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pacer-perf/pacer/run"
)

// WindowLabel marks runs that are a window of a running process: they compare
// with one another, and are no baseline of whole runs.
const WindowLabel = "measured"

// Window returns what was measured in the last so many seconds up to a step,
// the newest if the ID is "", as a run of its own. What an app measures once,
// such as start-up, is not in it, nor are rates. The error is ErrUnknownWindow.
func (f *Feed) Window(name, until string, long time.Duration) (*run.Run, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	last := f.seq
	if until != "" {
		var ok bool
		if last, ok = f.parse(until); !ok {
			return nil, ErrUnknownWindow
		}
	}
	end := len(f.steps) - int(f.seq-last)
	if end < 1 || end > len(f.steps) {
		return nil, ErrUnknownWindow
	}
	begin, covered := end, time.Duration(0)
	for begin > 0 && covered < long-Interval/2 {
		begin--
		covered += f.steps[begin].Elapsed
	}
	snapshot := f.Recorder.Snapshot()
	var random [10]byte
	rand.Read(random[:])
	newest := &f.steps[end-1]
	r := &run.Run{
		ID: run.NewID(newest.Time, random), App: snapshot.App, Version: versionOf(snapshot.Version, name), Commit: snapshot.Commit,
		Branch: snapshot.Branch, Timestamp: newest.Time.UTC(), Main: snapshot.Main, Environment: snapshot.Environment, Labels: snapshot.Labels,
	}
	if r.Labels == nil {
		r.Labels = make(map[string]string)
	}
	r.Labels[WindowLabel] = "live"
	r.Warnings = []string{fmt.Sprintf("a window of %d s of a running process", rounded(covered))}
	r.Metrics = append(f.metrics(f.steps[begin:end]), memoryOf(newest)...)
	return r, nil
}

// metrics puts the deltas of steps together.
func (f *Feed) metrics(steps []step) []run.Metric {
	found := make(map[int]*run.Metric)
	for i := range steps {
		for k := range steps[i].deltas {
			d := &steps[i].deltas[k]
			if f.known[d.number].Kind == run.RateKind {
				continue // of one step there is only the quotient
			}
			m := found[d.number]
			if m == nil {
				k := &f.known[d.number]
				m = &run.Metric{Name: k.Name, Kind: k.Kind, Unit: k.Unit, Labels: k.Labels, Better: k.Better}
				found[d.number] = m
			}
			switch {
			case d.buckets != nil:
				if m.Histogram == nil {
					m.Histogram = run.NewHistogram(m.Unit)
				}
				m.Histogram.Merge(d.histogram()) // of one tick, so it cannot fail
			case m.Kind == run.CounterKind && m.Samples != nil:
				m.Samples[0] += d.value
			default:
				m.Samples = []float64{d.value}
			}
		}
	}
	var list []run.Metric
	for number := range f.known {
		if m := found[number]; m != nil {
			list = append(list, *m)
		}
	}
	return list
}

func memoryOf(s *step) []run.Metric {
	list := []run.Metric{bytesMetric("memory.heap.total", float64(s.Memory.HeapTotal))}
	if s.Memory.Resident > 0 {
		list = append(list, bytesMetric("memory.current", float64(s.Memory.Resident)))
	}
	return list
}

// versionOf adds a name to a version as its build metadata: 1.4.0+before-cache.
func versionOf(version, name string) string {
	name = strings.Trim(strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' {
			return c
		}
		return '-'
	}, name), "-.")
	name = name[:min(len(name), 60)]
	switch {
	case name == "":
		return version
	case version == "":
		return name
	case strings.Contains(version, "+"):
		return version + "." + name
	}
	return version + "+" + name
}

// EvidenceName is how a file of evidence is called: by its last part.
func EvidenceName(file string) string { return filepath.Base(file) }

// ErrNoEvidence says that no breach names a file.
var ErrNoEvidence = errors.New("no breach names this file")

// OpenEvidence opens a file that the recorder wrote about a breach, by its name.
// The error is ErrNoEvidence for any other, or says why it cannot be read: a
// profile is there once it is complete.
func (f *Feed) OpenEvidence(name string) (*os.File, error) {
	for _, b := range slices.Backward(f.Recorder.Breaches()) {
		for _, file := range b.Evidence {
			if EvidenceName(file) == name {
				return openRegular(file)
			}
		}
	}
	return nil, ErrNoEvidence
}

// openRegular opens a file through its directory, so that a link which took its
// place leads nowhere.
func openRegular(path string) (*os.File, error) {
	root, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	defer root.Close()
	info, err := root.Lstat(filepath.Base(path))
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file any more", path)
	}
	return root.Open(filepath.Base(path))
}
