package history

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pacer-perf/pacer/run"
)

// Entry is a run as stores keep it: the document, compressed, and beside it
// what queries need. Making one is most of the work of keeping a run; it needs
// no store, and so can be done by several at once.
type Entry struct {
	Head run.Run // without metrics and stages
	// At is the run's place in time: its own, else when it was packed.
	At    time.Time
	Timed bool // At is the run's own
	// Digest is the SHA-256 of the document as it was first packed: what makes
	// a run the same run, also when less of it is left.
	Digest   [sha256.Size]byte
	Detail   Detail
	Document []byte  // packed: see Unpack
	Points   []Value // of the metrics that have a center
}

// size is about how much memory an entry takes, in bytes.
func (e *Entry) size() int { return len(e.Document) + 300*len(e.Points) }

// Value is what an entry says of one metric. Center and Stats are those of the
// document as it was first packed.
type Value struct {
	Name       string
	Labels     map[string]string
	Key        string // name and labels in one
	Unit       string
	Better     run.Better
	Resolution float64
	Center     float64
	Statistic  string    // that Center is
	Stats      run.Stats // P90 and P999 are not kept
}

// Pack makes an entry of a run, which must have an id, and names that a store can
// find it by.
func Pack(r *run.Run) (*Entry, error) {
	if r.ID == "" {
		return nil, errors.New("a run without an id cannot be kept")
	}
	if err := Findable(r); err != nil {
		return nil, fmt.Errorf("run %s cannot be kept: %w", r.ID, err)
	}
	buf, done := buffer()
	text, stats, err := r.AppendEncode(buf)
	if err != nil {
		return nil, err
	}
	defer done(text)
	e := &Entry{Head: headOf(r), At: Clamp(r.Timestamp), Timed: true, Digest: sha256.Sum256(text), Document: pack(text), Points: valuesOf(r, stats)}
	if r.Timestamp.IsZero() {
		e.At, e.Timed = time.Now().UTC(), false
	}
	return e, nil
}

// Findable says which of the names that stores find a run by is too long for the
// index of a database. What is kept already may be longer.
func Findable(r *run.Run) error {
	for _, of := range [...]struct{ key, name string }{{"app", r.App}, {"version", r.Version}, {"commit", r.Commit}, {"branch", r.Branch}} {
		if len(of.name) > run.MaxName {
			return fmt.Errorf("%s has %d bytes: at most %d", of.key, len(of.name), run.MaxName)
		}
	}
	return nil
}

// headOf returns what heads hold, as the document says it.
func headOf(r *run.Run) run.Run {
	labels := make(map[string]string, len(r.Labels))
	for k, v := range r.Labels {
		labels[valid(k)] = valid(v)
	}
	head := run.Run{ID: r.ID, App: valid(r.App), Version: valid(r.Version), Commit: valid(r.Commit), Branch: valid(r.Branch), Dirty: r.Dirty,
		Timestamp: r.Timestamp, Environment: r.Environment}
	if len(labels) > 0 {
		head.Labels = labels
	}
	return head
}

// valid replaces what is no UTF-8, byte by byte, as JSON does.
func valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}

// The times that fit Unix nanoseconds; runs beyond are ordered by these.
var earliest, latest = time.Unix(0, math.MinInt64).UTC(), time.Unix(0, math.MaxInt64).UTC()

// Clamp is the nearest time that stores can keep, in UTC.
func Clamp(t time.Time) time.Time {
	switch {
	case t.Before(earliest):
		return earliest
	case t.After(latest):
		return latest
	}
	return t.UTC()
}

// valuesOf works out the points of a run, whose metrics have these statistics.
// What was not observed has none.
func valuesOf(r *run.Run, stats []run.Stats) []Value {
	list := make([]Value, 0, len(r.Metrics))
	for i := range r.Metrics {
		m, s := &r.Metrics[i], stats[i]
		center, statistic := s.P50, "median"
		if math.IsNaN(center) {
			center, statistic = m.Center()
		}
		if m.Count() == 0 || math.IsNaN(center) {
			continue
		}
		s.Count, s.P90, s.P999 = m.Count(), math.NaN(), math.NaN()
		list = append(list, Value{Name: m.Name, Labels: m.Labels, Key: m.Key(), Unit: m.Unit, Better: m.Better, Resolution: m.Resolution,
			Center: center, Statistic: statistic, Stats: s})
	}
	return list
}

// Run decodes the entry's document.
func (e *Entry) Run() (run.Run, error) { return Unpack(e.Head.ID, e.Document) }

// Labels is the canonical text of labels, so that equal labels are equal text.
func Labels(m map[string]string) string {
	if len(m) == 0 {
		return "{}"
	}
	text, err := json.Marshal(m)
	if err != nil {
		panic(err) // a map of strings always encodes
	}
	return string(text)
}

// Detail is what is left of a run's observations.
type Detail int

const (
	Samples    Detail = iota // all that was appended
	Histograms               // samples are folded into histograms
	Summaries                // only statistics
)

func (d Detail) String() string { return [...]string{"samples", "histograms", "summaries"}[d] }

// ParseDetail reads a level of detail.
func ParseDetail(s string) (Detail, error) {
	for d := Samples; d <= Summaries; d++ {
		if s == d.String() {
			return d, nil
		}
	}
	return 0, fmt.Errorf("detail %q: expected samples, histograms or summaries", s)
}

// fewSamples take less room than the histogram that they would become.
const fewSamples = 8

// Thinned returns the entry with less detail, as it is for Samples or if it
// has no more already. Digest and points stay. The document it makes is valid,
// and says in a warning what was lost.
func (e *Entry) Thinned(to Detail) (*Entry, error) {
	if to <= e.Detail {
		return e, nil
	}
	r, err := e.Run()
	if err != nil {
		return nil, err
	}
	for i := range r.Metrics {
		thin(&r.Metrics[i], to)
	}
	text := fmt.Sprintf("only %s are left: the samples were pruned from the history", to)
	if n := len(r.Warnings); e.Detail > Samples && n > 0 && strings.HasPrefix(r.Warnings[n-1], "only ") {
		r.Warnings = r.Warnings[:n-1]
	}
	r.Warnings = append(r.Warnings, text)
	document, err := r.Encode()
	if err != nil {
		return nil, err
	}
	less := *e
	less.Document, less.Detail = pack(document), to
	return &less, nil
}

func thin(m *run.Metric, to Detail) {
	if m.Summary != nil || m.Histogram == nil && len(m.Samples) <= 1 {
		return
	}
	if to == Summaries {
		s := m.Stats()
		m.Samples, m.Histogram, m.Summary = nil, nil, &s
		return
	}
	if m.Histogram != nil || len(m.Samples) <= fewSamples {
		return
	}
	h := run.NewHistogram(m.Unit)
	for _, v := range m.Samples {
		h.Add(v)
	}
	m.Samples, m.Histogram = nil, h
}
