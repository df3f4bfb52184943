package feed

import (
	"encoding/json"
	"math"
	"time"

	"github.com/pacer-perf/pacer"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// What goes over the wire. Times are milliseconds since 1970, values in the
// unit of their metric. What is sent each second has short names, and a
// histogram is one flat list: the index of the first bucket, its count, then for
// each further one how far it lies from the one before, and its count.

// fullEvent is all that is known, for who begins to look.
type fullEvent struct {
	ID        string        `json:"id"`
	At        int64         `json:"at"`
	Started   int64         `json:"started"` // when the process began, about
	App       string        `json:"app,omitempty"`
	Version   string        `json:"version,omitempty"`
	Recording bool          `json:"recording"`
	Metrics   []metricEvent `json:"metrics"`
	Memory    memoryEvent   `json:"memory"`
	Overhead  overheadEvent `json:"overhead"`
	Breaches  []breachEvent `json:"breaches,omitempty"`
}

// stepEvent is one step. Histograms come behind it, as "h": most of an event is
// those, and encoding/json would read again what they write.
type stepEvent struct {
	ID        string         `json:"id"`
	At        int64          `json:"at"`
	Seconds   float64        `json:"s"` // since the one before
	Recording bool           `json:"recording"`
	Metrics   []metricEvent  `json:"metrics,omitempty"` // that are new
	Values    [][2]float64   `json:"v,omitempty"`       // number of the metric, value
	Memory    memoryEvent    `json:"memory"`
	GC        [][2]float64   `json:"gc,omitempty"` // time, pause in seconds
	Breaches  []breachEvent  `json:"breaches,omitempty"`
	Slowest   []slowestEvent `json:"slowest,omitempty"`
	Overhead  overheadEvent  `json:"overhead"`
}

type metricEvent struct {
	Number int         `json:"n"`
	Key    string      `json:"key"`
	Kind   run.Kind    `json:"kind"`
	Unit   string      `json:"unit"`
	Better run.Better  `json:"better"`
	Budget *[3]float64 `json:"budget,omitempty"` // target, warning, critical; 0 is none

	Count int64       `json:"count,omitempty"` // since the start
	Total *[4]float64 `json:"total,omitempty"` // p50, p95, p99, max since the start
	Value *float64    `json:"value,omitempty"` // of a counter, gauge, rate
}

type memoryEvent struct {
	Resident   int64 `json:"resident,omitempty"`
	HeapLive   int64 `json:"live"`
	HeapTotal  int64 `json:"heap"`
	Goroutines int64 `json:"goroutines"`
}

type overheadEvent struct {
	Observations int64   `json:"observations"`
	Bytes        int64   `json:"bytes"`
	Each         float64 `json:"each"`    // seconds
	Reading      float64 `json:"reading"` // seconds
}

type breachEvent struct {
	At       int64    `json:"at"`
	Key      string   `json:"key"`
	Unit     string   `json:"unit"`
	Value    float64  `json:"value"`
	Limit    float64  `json:"limit"`
	Tier     string   `json:"tier"`
	Count    int64    `json:"count"`
	Evidence []string `json:"evidence,omitempty"` // names of files
}

type slowestEvent struct {
	At     int64         `json:"at"`
	Number int           `json:"n"`
	Value  float64       `json:"value"`
	Stage  string        `json:"stage,omitempty"`
	Took   float64       `json:"took,omitempty"` // of the stage, in seconds
	Notes  []noteOfEvent `json:"notes,omitempty"`
}

type noteOfEvent [2]string

// event writes a step. The newest one is kept, for several may look.
func (f *Feed) event(s *step) Event {
	data := s.event
	if data == nil {
		e := stepEvent{
			ID: f.id(s.seq), At: s.Time.UnixMilli(), Seconds: s.Elapsed.Seconds(), Recording: f.Recorder.Recording(),
			Memory: memoryEvent(s.Memory), Overhead: overheadOf(s.Overhead), Breaches: breaches(s.Breaches),
		}
		for _, i := range s.Instruments {
			e.Metrics = append(e.Metrics, f.known[i.Number].event())
		}
		size := 0 // of the histograms, about
		for i := range s.deltas {
			d := &s.deltas[i]
			if d.buckets == nil {
				e.Values = append(e.Values, [2]float64{float64(d.number), d.value})
				continue
			}
			size += 40 + 3*len(d.buckets)
			if d.slowest != nil && f.known[d.number].Kind == run.TimerKind {
				e.Slowest = append(e.Slowest, slowestOf(d.number, d.slowest))
			}
		}
		for _, c := range s.Collections {
			e.GC = append(e.GC, [2]float64{float64(c.Time.UnixMilli()), c.Pause.Seconds()})
		}
		if data = s.appendHistograms(encode(e), size); s.seq == f.seq {
			s.event = data
		}
	}
	return Event{ID: f.id(s.seq), Name: "step", Data: data}
}

// appendHistograms adds the histograms to an event.
func (s *step) appendHistograms(event []byte, size int) []byte {
	if size == 0 {
		return event
	}
	b := append(make([]byte, 0, len(event)+size), event[:len(event)-1]...)
	b = append(b, `,"h":[`...)
	for i := range s.deltas {
		if d := &s.deltas[i]; d.buckets != nil {
			if b[len(b)-1] != '[' {
				b = append(b, ',')
			}
			b = d.appendJSON(b)
		}
	}
	return append(b, "]}"...)
}

// full writes all that is known. It costs a snapshot of the recorder.
func (f *Feed) full() Event {
	e := fullEvent{
		ID: f.id(f.seq), At: f.at.UnixMilli(), Started: time.Now().Add(-f.Recorder.Now()).UnixMilli(), Recording: f.Recorder.Recording(), Metrics: []metricEvent{},
		Memory: memoryEvent(f.memory), Overhead: overheadOf(f.overhead), Breaches: breaches(f.Recorder.Breaches()),
	}
	snapshot := f.Recorder.Snapshot()
	e.App, e.Version = snapshot.App, snapshot.Version
	measured := make(map[string]*run.Metric, len(snapshot.Metrics))
	for i := range snapshot.Metrics {
		measured[snapshot.Metrics[i].Key()] = &snapshot.Metrics[i]
	}
	for i := range f.known {
		k := &f.known[i]
		m := k.event()
		m.Count = k.count
		if found := measured[k.key]; found != nil {
			switch k.Kind {
			case run.TimerKind, run.ValueKind:
				s := found.Stats()
				m.Total = &[4]float64{s.P50, s.P95, s.P99, s.Max}
			default:
				m.Value = &found.Samples[0]
			}
		}
		e.Metrics = append(e.Metrics, m)
	}
	return Event{ID: e.ID, Name: "full", Data: encode(e)}
}

// event describes the instrument.
func (k *known) event() metricEvent {
	m := metricEvent{Number: k.Number, Key: k.key, Kind: k.Kind, Unit: k.Unit, Better: k.Better}
	if b := [3]float64{k.Budget.Target, k.Budget.Warning, k.Budget.Critical}; b != [3]float64{} {
		m.Budget = &b
	}
	return m
}

func overheadOf(o pacer.Overhead) overheadEvent {
	return overheadEvent{Observations: o.Observations, Bytes: o.Bytes, Each: o.Each.Seconds(), Reading: o.Reading.Seconds()}
}

func slowestOf(number int, o *pacer.Operation) slowestEvent {
	e := slowestEvent{At: o.Time.UnixMilli(), Number: number, Value: o.Value, Stage: o.Stage}
	if o.Stage != "" {
		e.Took = o.StageTook.Seconds()
	}
	for _, n := range o.Notes {
		e.Notes = append(e.Notes, noteOfEvent{n.Key, n.Value})
	}
	return e
}

func breaches(list []pacer.Breach) []breachEvent {
	var events []breachEvent
	for _, b := range list {
		e := breachEvent{At: b.Time.UnixMilli(), Key: b.Metric, Unit: b.Unit, Value: b.Value, Limit: b.Limit, Tier: b.Tier, Count: b.Count}
		for _, file := range b.Evidence {
			e.Evidence = append(e.Evidence, EvidenceName(file))
		}
		events = append(events, e)
	}
	return events
}

// encode writes JSON on one line. Nothing that comes from a recorder can be
// NaN or infinite; if it were, the step would be lost, not the stream.
func encode(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		return []byte("{}")
	}
	return data
}

// Document writes events as one JSON object, for who asks now and then.
func Document(events []Event) []byte {
	b := []byte(`{"events":[`)
	for i, e := range events {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"name":"`+e.Name+`","data":`...)
		b = append(b, e.Data...)
		b = append(b, '}')
	}
	return append(b, "]}"...)
}

// rounded is a duration in whole seconds, at least one.
func rounded(d time.Duration) int { return max(1, int(math.Round(d.Seconds()))) }

// bytesMetric is a metric of memory.
func bytesMetric(name string, v float64) run.Metric {
	return run.Metric{Name: name, Unit: unit.Bytes, Better: run.Lower, Samples: []float64{v}}
}
