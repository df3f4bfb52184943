package html

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/report"
	"github.com/pacer-perf/pacer/run"
)

const (
	// Schema names the version of the data of a page.
	Schema = "pacer.report/v1"
	// DataID is the id of the element that holds them.
	DataID = "pacer-report"
)

// The data keep samples up to a size, and the runs of the baseline up to
// another.
const (
	samplesUpTo  = 2 << 20
	baselineUpTo = 4 << 20
)

// Data is what a page carries for other programs: the run and its verdict, under
// the keys of the specification's report, the runs of the baseline and the
// history.
type Data struct {
	Schema    string          `json:"schema"`
	Timestamp *time.Time      `json:"timestamp,omitempty"`
	Metrics   json.RawMessage `json:"metrics,omitempty"` // the run, a document pacer.run/v1
	Verdict   *judge.Verdict  `json:"verdict"`
	// Baseline are the runs that it was compared with, oldest first.
	Baseline []json.RawMessage `json:"baseline,omitempty"`
	History  *History          `json:"history,omitempty"`
	// Folded tells that samples were replaced by histograms, so that the page
	// stays small.
	Folded bool `json:"folded,omitempty"`
}

// History is the history of the metrics in columns: series by run.
type History struct {
	Runs   []judge.Head `json:"runs"` // oldest first
	Series []Series     `json:"series"`
}

// Series is the history of one metric: a value for each run, null where that
// has none.
type Series struct {
	Name   string            `json:"name"`
	Unit   string            `json:"unit"`
	Labels map[string]string `json:"labels,omitempty"`
	Better run.Better        `json:"better,omitempty"`
	Tick   float64           `json:"tick,omitempty"`
	Values []*float64        `json:"values"`
}

// dataOf returns the element with the data, and what there is to say of it.
func dataOf(r *report.Report) (element template.HTML, note string, err error) {
	d := Data{Schema: Schema, Verdict: r.Verdict, History: historyData(r.History)}
	if !r.At.IsZero() {
		at := r.At.UTC()
		d.Timestamp = &at
	}
	runs := slices.Clone(r.Baseline)
	if r.Current != nil {
		runs = append(runs, r.Current)
	}
	documents, size, err := encode(runs, false)
	if err != nil {
		return "", "", err
	}
	if size > samplesUpTo {
		if documents, size, err = encode(runs, true); err != nil {
			return "", "", err
		}
		d.Folded = true
		note = "The samples in the data of this page are folded into histograms."
	}
	if r.Current != nil {
		d.Metrics, documents = documents[len(documents)-1], documents[:len(documents)-1]
	}
	if size <= baselineUpTo {
		d.Baseline = documents
	} else {
		note += " The runs of the baseline are left out of it."
	}
	text, err := json.Marshal(d)
	if err != nil {
		return "", "", err
	}
	// Nothing in it may end the element. Marshal escapes what it writes itself,
	// and compacts documents without doing so.
	text = bytes.ReplaceAll(text, []byte("<"), []byte(`\u003c`))
	return template.HTML(`<script type="application/json" id="` + DataID + `">` + string(text) + "</script>"), strings.TrimSpace(note), nil
}

// encode returns the documents of runs, and their size.
func encode(runs []*run.Run, fold bool) (documents []json.RawMessage, size int, err error) {
	for _, r := range runs {
		if fold {
			r = folded(r)
		}
		text, err := r.Encode()
		if err != nil {
			return nil, 0, err
		}
		var small bytes.Buffer
		if err := json.Compact(&small, text); err != nil {
			return nil, 0, err
		}
		documents = append(documents, small.Bytes())
		size += small.Len()
	}
	return documents, size, nil
}

// folded is a run with histograms for samples.
func folded(r *run.Run) *run.Run {
	out := *r
	out.Metrics = slices.Clone(r.Metrics)
	for i := range out.Metrics {
		m := &out.Metrics[i]
		if len(m.Samples) < 2 {
			continue
		}
		h := run.NewHistogram(m.Unit)
		for _, v := range m.Samples {
			h.Add(v)
		}
		m.Samples, m.Histogram = nil, h
	}
	return &out
}

func historyData(history []judge.Series) *History {
	at := make(map[string]int)
	var h History
	for i := range history {
		for _, head := range history[i].Runs {
			if _, there := at[head.ID]; !there {
				at[head.ID] = 0
				head.Environment = nil // alike, or they would not be in it
				h.Runs = append(h.Runs, head)
			}
		}
	}
	if len(h.Runs) == 0 {
		return nil
	}
	slices.SortStableFunc(h.Runs, func(a, b judge.Head) int {
		if a.Timestamp == nil || b.Timestamp == nil {
			return 0
		}
		return cmp.Or(a.Timestamp.Compare(*b.Timestamp), strings.Compare(a.ID, b.ID))
	})
	for i := range h.Runs {
		at[h.Runs[i].ID] = i
	}
	for i := range history {
		s := &history[i]
		out := Series{Name: s.Name, Unit: s.Unit, Labels: s.Labels, Better: s.Better, Tick: s.Tick, Values: make([]*float64, len(h.Runs))}
		for k, head := range s.Runs {
			if v := s.Values[k]; !math.IsNaN(v) && !math.IsInf(v, 0) {
				out.Values[at[head.ID]] = &v
			}
		}
		h.Series = append(h.Series, out)
	}
	return &h
}

// ErrNoData is returned for a page that Write did not write.
var ErrNoData = errors.New("no report of pacer: it has no element with the id " + DataID)

// ReadData returns the data that a page carries.
func ReadData(page []byte) (Data, error) {
	_, rest, found := bytes.Cut(page, []byte(`<script type="application/json" id="`+DataID+`">`))
	text, _, ended := bytes.Cut(rest, []byte("</script>"))
	if !found || !ended {
		return Data{}, ErrNoData
	}
	var d Data
	if err := json.Unmarshal(text, &d); err != nil {
		return d, fmt.Errorf("the data of the report: %w", err)
	}
	if d.Schema != Schema {
		return d, fmt.Errorf("the data of the report have the schema %q: this pacer reads %s", d.Schema, Schema)
	}
	return d, nil
}
