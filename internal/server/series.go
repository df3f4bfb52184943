package server

import (
	"bytes"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/pacer-perf/pacer/internal/history"
)

// Series is the history of one metric in the runs of one app with one set of
// labels, oldest first.
type Series struct {
	App       string            `json:"app"`
	RunLabels map[string]string `json:"run_labels,omitempty"`
	Name      string            `json:"name"`
	Labels    map[string]string `json:"labels,omitempty"`
	Unit      string            `json:"unit"`
	Points    []Point           `json:"points"`
}

// Point is what one run measured. What is not known is absent.
type Point struct {
	Run       string    `json:"run"`
	Version   string    `json:"version,omitempty"`
	Commit    string    `json:"commit,omitempty"`
	Branch    string    `json:"branch,omitempty"`
	Time      time.Time `json:"time"`
	Value     number    `json:"value"`
	Statistic string    `json:"statistic"` // that value is
	Count     int64     `json:"count"`
	Mean      number    `json:"mean,omitzero"`
	Min       number    `json:"min,omitzero"`
	Max       number    `json:"max,omitzero"`
	P95       number    `json:"p95,omitzero"`
	P99       number    `json:"p99,omitzero"`
}

// SeriesList answers GET /api/v1/series.
type SeriesList struct {
	Series []Series `json:"series"`
}

// usualPoints is how many points a series has unless more are asked for,
// mostPoints how many there may be, and allPoints how many all series of an
// answer have together. From manyPoints on, an answer is large.
const usualPoints, mostPoints, allPoints, manyPoints = 1000, 20_000, 50_000, 5000

func (s *Server) getSeries(w http.ResponseWriter, r *http.Request) error {
	q := query{Values: r.URL.Query()}
	f := history.SeriesFilter{App: q.Get("app"), Branch: q.Get("branch"), Key: q.Get("metric"), Unit: q.Get("unit"),
		Since: q.time("since"), Until: q.time("until"), Last: q.number("last", usualPoints, mostPoints)}
	if q.err == nil && f.Key == "" {
		q.err = refuse(http.StatusBadRequest, "what there is: GET /api/v1/metrics", "metric: expected the name of a metric, with its labels: table.filter{rows=1000}")
	}
	if q.err != nil {
		return q.err
	}
	src, err := s.reader(r)
	if err != nil {
		return err
	}
	// The newest point of each tells how many series there are.
	count := f
	count.Last, count.Branch = 1, ""
	each, err := src.Series(r.Context(), count)
	if err != nil {
		return err
	}
	n := len(each)
	share := allPoints / max(n, 1)
	if each = nil; share == 0 {
		return refuse(http.StatusBadRequest, "name the app: app=", "there are %d series: an answer has at most %d points", n, allPoints)
	}
	last := f.Last
	f.Last = min(last, share)
	if n*f.Last > manyPoints {
		leave, err := s.reads.take(r.Context(), asker(r))
		if err != nil {
			return err
		}
		defer leave()
	}
	found, err := src.Series(r.Context(), f)
	if err != nil {
		return err
	}
	if q.Has("last") && f.Last < last && slices.ContainsFunc(found, func(one history.Series) bool { return len(one.Points) == f.Last }) {
		return refuse(http.StatusBadRequest, "name the app: app=, or ask for less: last="+strconv.Itoa(f.Last), "there are more points in the series than one answer has, which is %d", allPoints)
	}
	writeBody(w, http.StatusOK, appendSeries(nil, found))
	return nil
}

// appendSeries appends a SeriesList as JSON. A whole history has ten thousand
// points, which encoding/json would be longer about than the store.
func appendSeries(b []byte, list []history.Series) []byte {
	size := 64
	for i := range list {
		size += 512 + 320*len(list[i].Points)
	}
	b = append(slices.Grow(b, size), `{"series":[`...)
	for i := range list {
		if i > 0 {
			b = append(b, ',')
		}
		s := &list[i]
		head := encode(Series{App: s.App, RunLabels: s.RunLabels, Name: s.Name, Labels: s.Labels, Unit: s.Unit, Points: []Point{}})
		b = append(b, bytes.TrimSuffix(head, []byte("]}\n"))...)
		for j := range s.Points {
			if j > 0 {
				b = append(b, ',')
			}
			b = appendPoint(b, &s.Points[j])
		}
		b = append(b, "]}"...)
	}
	return append(b, "]}\n"...)
}

// appendPoint appends a Point as JSON.
func appendPoint(b []byte, p *history.Point) []byte {
	b = appendText(append(b, `{"run":`...), p.Run.ID)
	for _, text := range [...]struct{ key, value string }{{`,"version":`, p.Run.Version}, {`,"commit":`, p.Run.Commit}, {`,"branch":`, p.Run.Branch}} {
		if text.value != "" {
			b = appendText(append(b, text.key...), text.value)
		}
	}
	b = p.Run.Timestamp.AppendFormat(append(b, `,"time":"`...), time.RFC3339Nano)
	b = appendNumber(append(b, '"'), `,"value":`, p.Center)
	b = appendText(append(b, `,"statistic":`...), p.Statistic)
	b = strconv.AppendInt(append(b, `,"count":`...), p.Stats.Count, 10)
	b = appendNumber(b, `,"mean":`, p.Stats.Mean)
	b = appendNumber(b, `,"min":`, p.Stats.Min)
	b = appendNumber(b, `,"max":`, p.Stats.Max)
	b = appendNumber(b, `,"p95":`, p.Stats.P95)
	b = appendNumber(b, `,"p99":`, p.Stats.P99)
	return append(b, '}')
}

// appendNumber appends what is known.
func appendNumber(b []byte, key string, v float64) []byte {
	if number(v).IsZero() {
		return b
	}
	return strconv.AppendFloat(append(b, key...), v, 'g', -1, 64)
}

// appendText appends a string, most of them as they are.
func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return append(b, bytes.TrimSuffix(encode(s), []byte("\n"))...)
		}
	}
	b = append(append(b, '"'), s...)
	return append(b, '"')
}
