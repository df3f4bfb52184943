package history

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/pacer-perf/pacer/run"
)

// HeadDecoder decodes what stores keep of heads as JSON. Most runs of a store
// have the same: they are decoded once, and shared. Its zero value is ready.
type HeadDecoder struct {
	labels       shared[map[string]string]
	environments shared[*run.Environment]
}

// Decode fills in the time, given in Unix nanoseconds, the labels and the
// environment.
func (d *HeadDecoder) Decode(r *run.Run, at int64, labels, environment string) (err error) {
	r.Timestamp = time.Unix(0, at).UTC()
	if r.Labels, err = d.labels.of(labels, DecodeLabels); err == nil {
		r.Environment, err = d.environments.of(environment, decodeEnvironment)
	}
	if err != nil {
		err = fmt.Errorf("run %s: %w", r.ID, err)
	}
	return err
}

// shared are the values of texts that were met, each decoded once.
type shared[V any] struct {
	all   map[string]V
	text  string // that was met last, as most often the next is the same
	value V
}

func (s *shared[V]) of(text string, decode func(string) (V, error)) (V, error) {
	if s.all != nil && text == s.text {
		return s.value, nil
	}
	value, met := s.all[text]
	if !met {
		var err error
		if value, err = decode(text); err != nil {
			return value, err
		}
		if s.all == nil {
			s.all = make(map[string]V)
		}
		s.all[text] = value
	}
	s.text, s.value = text, value
	return value, nil
}

func decodeEnvironment(text string) (e *run.Environment, err error) {
	err = json.Unmarshal([]byte(text), &e)
	return e, err
}

// DecodeLabels reads what Labels wrote: nil if there are none.
func DecodeLabels(text string) (map[string]string, error) {
	if text == "{}" {
		return nil, nil
	}
	var m map[string]string
	err := json.Unmarshal([]byte(text), &m)
	return m, err
}

// EncodeEnvironment is the text that Decode reads.
func EncodeEnvironment(e *run.Environment) (string, error) {
	text, err := json.Marshal(e)
	return string(text), err
}

// Statistics makes the statistics of a point out of what stores keep of them:
// the median is the center, where it is known at all.
func Statistics(center float64, statistic string, count int64, mean, lo, hi, stddev, p95, p99 float64) run.Stats {
	nan := math.NaN()
	s := run.Stats{Count: count, Mean: mean, Min: lo, Max: hi, Stddev: stddev, P50: nan, P90: nan, P95: p95, P99: p99, P999: nan}
	if statistic == "median" {
		s.P50 = center
	}
	return s
}

// WalkPage is how many runs a store reads at a time for Walk; WalkBytes ends a
// page before that, with the run whose document reaches it.
const (
	WalkPage  = 200
	WalkBytes = 16 << 20
)

// WalkPages is Walk of a store that reads a page of entries after a position: up
// to limit of them, or fewer if their documents reach WalkBytes.
func WalkPages(limit int, page func(after Position, limit int) ([]*Entry, error), each func(*Entry) error) error {
	after, left := Position{Time: earliest}, limit
	if limit == 0 {
		left = math.MaxInt
	}
	for size := WalkPage; left > 0; {
		asked := min(size, left)
		list, err := page(after, asked)
		if err != nil {
			return err
		}
		bytes := 0
		for _, e := range list {
			bytes += len(e.Document)
			if err := each(e); err != nil {
				return err
			}
		}
		switch {
		case len(list) == 0, len(list) < asked && bytes < WalkBytes:
			return nil
		case bytes >= WalkBytes:
			size = min(len(list)+1, WalkPage) // what a store finds beyond that it finds in vain
		default:
			size = min(2*size, WalkPage)
		}
		last := list[len(list)-1]
		left -= len(list)
		after = Position{Time: last.At, ID: last.Head.ID}
	}
	return nil
}

// Sort puts series in the order of Reader.Series, and their points in that of
// their runs.
func Sort(list []Series) {
	for i := range list {
		order := func(a, b Point) int {
			return cmp.Or(a.Run.Timestamp.Compare(b.Run.Timestamp), strings.Compare(a.Run.ID, b.Run.ID))
		}
		if points := list[i].Points; !slices.IsSortedFunc(points, order) { // as they mostly are
			slices.SortStableFunc(points, order)
		}
	}
	slices.SortFunc(list, func(a, b Series) int {
		return cmp.Or(strings.Compare(a.App, b.App), strings.Compare(run.Key("", a.RunLabels), run.Key("", b.RunLabels)),
			strings.Compare(a.Key(), b.Key()), strings.Compare(a.Unit, b.Unit))
	})
}
