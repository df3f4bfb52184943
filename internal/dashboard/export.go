package dashboard

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/pacer-perf/pacer/internal/chart"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/report"
	reportcsv "github.com/pacer-perf/pacer/internal/report/csv"
	"github.com/pacer-perf/pacer/run"
)

// exports are the documents that can be made of a page, with its parameters.
func (h *Handler) exports(v *view) []Link {
	list := []Link{{"JSON", v.Here("export.json")}, {"CSV", v.Here("export.csv")}}
	if v.Path == "metric" {
		return append(list, Link{"Chart (SVG)", v.Here("chart.svg")})
	}
	for _, e := range h.Exports {
		list = append(list, Link{e.Title, v.Here(e.Path)})
	}
	return list
}

// judged returns the verdict that the address of a page asks for: of b against
// a where it compares, else of the run that the filters select.
func (h *Handler) judged(r *http.Request) (*judge.Verdict, error) {
	v, err := h.view(r)
	if err != nil {
		return nil, err
	}
	base := v.Query.Get("base")
	if v.Query.Has("a") || v.Query.Has("b") {
		v.Query.Set("run", v.Query.Get("b"))
		base = v.Query.Get("a")
	}
	head, ok, err := h.newest(r.Context(), &v)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, &problem{status: http.StatusNotFound, Title: "No run to export", Text: "Nothing was measured yet, or the filter matches nothing."}
	}
	return h.Source.Verdict(r.Context(), head.ID, base)
}

// export makes a document of a verdict.
func (h *Handler) export(w http.ResponseWriter, r *http.Request, e Export) error {
	v, err := h.judged(r)
	if err != nil {
		return err
	}
	q := r.URL.Query()
	base := q.Get("base")
	if q.Has("a") || q.Has("b") {
		base = q.Get("a")
	}
	return e.Write(r.Context(), w, Document{Verdict: v, Baseline: base})
}

// attach names the file that a document is saved as.
func attach(w http.ResponseWriter, contentType, name string) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Disposition", fmt.Sprintf("inline; filename=%q", name))
}

// exportJSON serves the verdict, pacer.verdict/v1, or with m the history of a
// metric. Numbers are in base units.
func (h *Handler) exportJSON(w http.ResponseWriter, r *http.Request) error {
	var document any
	if r.URL.Query().Get("m") != "" {
		s, err := h.exportedSeries(r)
		if err != nil {
			return err
		}
		document = seriesDocument(s)
	} else {
		v, err := h.judged(r)
		if err != nil {
			return err
		}
		document = v
	}
	attach(w, "application/json", "pacer.json")
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(document)
}

// exportedSeries is the history that a metric's page shows.
func (h *Handler) exportedSeries(r *http.Request) (*Series, error) {
	v, err := h.view(r)
	if err != nil {
		return nil, err
	}
	m := metricView{view: v, Key: v.Query.Get("m")}
	return h.Source.Series(r.Context(), m.query())
}

// seriesDocument is the document of a history: as pacer trend writes it, with
// the points.
func seriesDocument(s *Series) any {
	type point struct {
		Run      judge.Head  `json:"run"`
		Value    float64     `json:"value"`
		Interval *[2]float64 `json:"interval,omitempty"`
		Count    int64       `json:"count"`
	}
	type changePoint struct {
		Index      int         `json:"index"`
		Run        string      `json:"run"`
		Version    string      `json:"version,omitempty"`
		Commit     string      `json:"commit,omitempty"`
		Before     float64     `json:"before"`
		After      float64     `json:"after"`
		Ratio      *float64    `json:"ratio,omitempty"`
		Interval   *[2]float64 `json:"interval,omitempty"`
		Confidence float64     `json:"confidence"`
		Drift      bool        `json:"drift,omitempty"`
		End        int         `json:"end,omitempty"`
	}
	type metric struct {
		Name         string            `json:"name"`
		Unit         string            `json:"unit"`
		Labels       map[string]string `json:"labels,omitempty"`
		Better       string            `json:"better,omitempty"`
		Statistic    string            `json:"statistic"`
		N            int               `json:"n"`
		ChangePoints []changePoint     `json:"change_points"`
		Points       []point           `json:"points"`
	}
	m := metric{Name: s.Name, Unit: s.Unit, Labels: s.Labels, Better: string(s.Better), Statistic: s.Statistic, N: len(s.Points), ChangePoints: []changePoint{}, Points: []point{}}
	for _, c := range s.Changes {
		at := s.Points[c.Index].Run
		out := changePoint{Index: c.Index, Run: at.ID, Version: at.Version, Commit: at.Commit, Before: c.Before, After: c.After, Confidence: c.Confidence, Drift: c.Drift}
		if c.Before > 0 && c.After > 0 {
			if ratio := c.After / c.Before; finite(ratio) {
				out.Ratio = &ratio
			}
			if finite(c.Low) && finite(c.High) {
				out.Interval = &[2]float64{c.Low, c.High}
			}
		}
		if c.Drift {
			out.End = c.End
		}
		m.ChangePoints = append(m.ChangePoints, out)
	}
	for _, p := range s.Points {
		out := point{Run: p.Run, Value: p.Value, Count: p.Count}
		if finite(p.Low) && finite(p.High) {
			out.Interval = &[2]float64{p.Low, p.High}
		}
		m.Points = append(m.Points, out)
	}
	return map[string]any{"metrics": []metric{m}}
}

// exportCSV serves the metrics of a verdict, with m the history of one, with
// raw=1 its values in a run.
func (h *Handler) exportCSV(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	switch {
	case q.Get("m") == "":
		v, err := h.judged(r)
		if err != nil {
			return err
		}
		attach(w, "text/csv; charset=utf-8", "pacer.csv")
		return reportcsv.Verdict(w, &report.Report{Verdict: v})
	case q.Get("raw") == "1":
		return h.rawCSV(w, r)
	}
	s, err := h.exportedSeries(r)
	if err != nil {
		return err
	}
	attach(w, "text/csv; charset=utf-8", "pacer-history.csv")
	out := csv.NewWriter(w)
	out.Write([]string{"run", "version", "commit", "branch", "time", s.Statistic, "low", "high", "count", "unit"})
	for _, p := range s.Points {
		when := ""
		if p.Run.Timestamp != nil {
			when = p.Run.Timestamp.Format(time.RFC3339)
		}
		out.Write([]string{p.Run.ID, text(p.Run.Version), text(p.Run.Commit), text(p.Run.Branch), when, number(p.Value), number(p.Low), number(p.High), strconv.FormatInt(p.Count, 10), text(s.Unit)})
	}
	out.Flush()
	return out.Error()
}

// rawCSV serves the values of a metric in one run.
func (h *Handler) rawCSV(w http.ResponseWriter, r *http.Request) error {
	v, err := h.view(r)
	if err != nil {
		return err
	}
	head, ok, err := h.newest(r.Context(), &v)
	if err != nil {
		return err
	}
	key := v.Query.Get("m")
	none := &problem{status: http.StatusNotFound, Title: "No values of " + key, Text: "No run that is shown has values of it."}
	if !ok {
		return none
	}
	whole, err := h.Source.Run(r.Context(), head.ID)
	if err != nil {
		return err
	}
	for i := range whole.Metrics {
		m := &whole.Metrics[i]
		if m.Key() != key || len(m.Samples) == 0 {
			continue
		}
		only := *whole
		only.Metrics = []run.Metric{*m}
		attach(w, "text/csv; charset=utf-8", "pacer-values.csv")
		return reportcsv.Samples(w, &report.Report{Current: &only})
	}
	return none
}

// text is a cell of words: a spreadsheet must not take it for a formula.
func text(s string) string {
	if s != "" && (s[0] == '=' || s[0] == '+' || s[0] == '-' || s[0] == '@' || s[0] == '\t' || s[0] == '\r') {
		return "'" + s
	}
	return s
}

// finite tells numbers that JSON has.
func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

func number(v float64) string {
	if !finite(v) {
		return ""
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

// chartSVG serves the chart of a metric's history as a document of its own.
func (h *Handler) chartSVG(w http.ResponseWriter, r *http.Request) error {
	v, err := h.view(r)
	if err != nil {
		return err
	}
	m := metricView{view: v, Key: v.Query.Get("m")}
	s, err := h.Source.Series(r.Context(), m.query())
	if err != nil {
		return err
	}
	var judged *judge.Metric
	if len(s.Points) > 0 {
		verdict, err := h.Source.Verdict(r.Context(), s.Points[len(s.Points)-1].Run.ID, v.Query.Get("base"))
		if err != nil {
			return err
		}
		judged = find(verdict, m.Key)
	}
	c := m.chart(s, judged)
	for i := range c.Points {
		c.Points[i].Href, c.Points[i].ID = "", ""
	}
	c.Frame = chart.Frame{Title: "History of " + m.Key, Description: m.describe(s), Standalone: true}
	attach(w, "image/svg+xml", "pacer.svg")
	_, err = w.Write([]byte(c.SVG()))
	return err
}

// verdictJSON serves the verdict on a run in a word and a sentence: for lists
// of runs, which would be slow if every verdict came along.
func (h *Handler) verdictJSON(w http.ResponseWriter, r *http.Request) error {
	v, err := h.judged(r)
	if err != nil {
		return err
	}
	s := summarise(v)
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(map[string]string{"class": s.Chip.Class, "icon": s.Chip.Icon, "word": s.Chip.Word, "title": s.Title})
}
