package prom

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// engine is a stand-in that speaks as much of the API as is asked of it, over
// samples that it is given. It evaluates as VictoriaMetrics does: a counter's
// increase is counted from its last value before the window.
type engine struct {
	series  []data
	natives map[string]map[int64]string // by name: what it grew by until a time, as JSON
	asked   []string
	fail    func(w http.ResponseWriter) bool
	partial bool
}

type data struct {
	labels map[string]string
	at     []int64
	values []float64
}

// put adds a sample.
func (e *engine) put(at time.Time, v float64, name string, labels ...string) {
	l := map[string]string{"__name__": name}
	for i := 0; i < len(labels); i += 2 {
		l[labels[i]] = labels[i+1]
	}
	i := slices.IndexFunc(e.series, func(d data) bool { return maps.Equal(d.labels, l) })
	if i < 0 {
		i = len(e.series)
		e.series = append(e.series, data{labels: l})
	}
	e.series[i].at = append(e.series[i].at, at.Unix())
	e.series[i].values = append(e.series[i].values, v)
}

func (e *engine) serve(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(e.handle))
	t.Cleanup(server.Close)
	return "prom+" + server.URL
}

var (
	queryForm  = regexp.MustCompile(`^(\w+) (by|without) \(([^)]*)\) \((\w+)\(\{(.*)\}\[(\d+)s\]\)\)$`)
	conditions = regexp.MustCompile(`([\w.]+)(=~|=)("(?:[^"\\]|\\.)*")`)
)

func (e *engine) handle(w http.ResponseWriter, r *http.Request) {
	if e.fail != nil && e.fail(w) {
		return
	}
	if user, password, _ := r.BasicAuth(); r.FormValue("query") != "" && e.natives["auth"] != nil && user+password != "mesecret" {
		http.Error(w, `{"status":"error","error":"who are you?"}`, http.StatusUnauthorized)
		return
	}
	from, _ := strconv.ParseInt(r.FormValue("start"), 10, 64)
	to, _ := strconv.ParseInt(r.FormValue("end"), 10, 64)
	var answer any
	switch r.URL.Path {
	case "/api/v1/series":
		answer = e.find(strings.Trim(r.FormValue("match[]"), "{}"), from, to)
	case "/api/v1/query_range":
		e.asked = append(e.asked, r.FormValue("query"))
		step, _ := strconv.ParseInt(r.FormValue("step"), 10, 64)
		result, err := e.evaluate(r.FormValue("query"), from, to, step)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			json.NewEncoder(w).Encode(map[string]string{"status": "error", "error": err.Error()})
			return
		}
		answer = map[string]any{"resultType": "matrix", "result": result}
	default:
		http.NotFound(w, r)
		return
	}
	json.NewEncoder(w).Encode(map[string]any{"status": "success", "isPartial": e.partial, "data": answer})
}

func (e *engine) selected(selector string) (list []data) {
	for _, d := range e.series {
		ok := true
		for _, c := range conditions.FindAllStringSubmatch(selector, -1) {
			want, _ := strconv.Unquote(c[3])
			if c[2] == "=" {
				ok = ok && d.labels[c[1]] == want
			} else {
				ok = ok && regexp.MustCompile("^(?:"+want+")$").MatchString(d.labels[c[1]])
			}
		}
		if ok {
			list = append(list, d)
		}
	}
	return list
}

func (e *engine) find(selector string, from, to int64) []map[string]string {
	list := []map[string]string{}
	for _, d := range e.selected(selector) {
		if slices.ContainsFunc(d.at, func(at int64) bool { return at >= from && at <= to }) {
			list = append(list, d.labels)
		}
	}
	return list
}

func (e *engine) evaluate(query string, from, to, step int64) ([]any, error) {
	q := queryForm.FindStringSubmatch(query)
	if q == nil {
		return nil, fmt.Errorf("parse error: %s", query)
	}
	window, _ := strconv.ParseInt(q[6], 10, 64)
	names := strings.Split(q[3], ",")
	type group struct {
		labels map[string]string
		values map[int64][]float64
		native map[int64]string
	}
	groups := make(map[string]*group)
	for _, d := range e.selected(q[5]) {
		labels := maps.Clone(d.labels)
		maps.DeleteFunc(labels, func(k, _ string) bool {
			return (q[2] == "by") != slices.Contains(names, k) || k == "__name__" && q[2] == "without"
		})
		key := fmt.Sprint(labels)
		if groups[key] == nil {
			groups[key] = &group{labels, make(map[int64][]float64), make(map[int64]string)}
		}
		for at := from; at <= to; at += step {
			if text, ok := e.natives[d.labels["__name__"]][at]; ok {
				groups[key].native[at] = text
			} else if v, ok := over(q[4], d, at-window, at); ok {
				groups[key].values[at] = append(groups[key].values[at], v)
			}
		}
	}
	var result []any
	for _, key := range slices.Sorted(maps.Keys(groups)) {
		g := groups[key]
		var values, histograms []any
		for _, at := range slices.Sorted(maps.Keys(g.values)) {
			values = append(values, []any{at, strconv.FormatFloat(together(q[1], g.values[at]), 'g', -1, 64)})
		}
		for _, at := range slices.Sorted(maps.Keys(g.native)) {
			histograms = append(histograms, []any{at, json.RawMessage(g.native[at])})
		}
		result = append(result, map[string]any{"metric": g.labels, "values": values, "histograms": histograms})
	}
	return result, nil
}

// over is a function over the samples of a window.
func over(function string, d data, after, until int64) (float64, bool) {
	var inside []float64
	before, known := 0.0, false
	for i, at := range d.at {
		switch {
		case at <= after:
			before, known = d.values[i], true
		case at <= until:
			inside = append(inside, d.values[i])
		}
	}
	if len(inside) == 0 {
		return 0, false
	}
	last := inside[len(inside)-1]
	switch function {
	case "increase":
		if !known {
			before = 0
		}
		return last - before, true
	case "avg_over_time":
		return together("avg", inside), true
	case "max_over_time":
		return slices.Max(inside), true
	}
	return last, true
}

func together(function string, values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	switch function {
	case "count":
		return float64(len(values))
	case "avg":
		return sum / float64(len(values))
	case "max":
		return slices.Max(values)
	}
	return sum
}
