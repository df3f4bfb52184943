package dashboard

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pacer-perf/pacer/internal/golden"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/run"
)

// withHistory is the example with a history of start-up and values.
func withHistory() *fake {
	f := example()
	s := &Series{Name: "startup", Unit: "s", Better: run.Lower, Statistic: "median", Statistics: []string{"median", "mean", "p95"}, Total: 340, Left: []string{"39 runs of other environments"}}
	for i := range 12 {
		v := 1.73 + 0.004*float64(i%3)
		if i == 11 {
			v = 2.078
		}
		p := Point{Run: judge.HeadOf(&f.heads[11-i]), Value: v, Low: v - 0.04, High: v + 0.05, Count: 40, Apart: f.heads[11-i].Branch != "main"}
		if i == 2 {
			p.Low, p.High, p.Count = math.NaN(), math.NaN(), 3
		}
		s.Points = append(s.Points, p)
	}
	s.Changes = []Change{{Index: 4, End: 7, Before: 1.80, After: 1.73, Low: 0.95, High: 0.98, Confidence: 0.93, Drift: true}, {Index: 11, End: 11, Before: 1.736, After: 2.078, Low: 1.16, High: 1.23, Confidence: 0.9999}}
	f.series["startup"] = s
	for _, h := range f.heads[:2] {
		r := h
		level := map[bool]float64{true: 1, false: 1.197}[h.ID != f.heads[0].ID]
		m := run.Metric{Name: "startup", Unit: "s"}
		for k := range 120 {
			m.Samples = append(m.Samples, level*(1.7+0.0005*float64(k*k%199)))
		}
		few := run.Metric{Name: "track.process", Unit: "s", Samples: []float64{0.2, 0.21}}
		folded := run.Metric{Name: "ui.response", Unit: "s", Histogram: run.NewHistogram("s")}
		for k := range 300 {
			folded.Histogram.Add(0.08 + 0.0001*float64(k))
		}
		summed := run.Metric{Name: "memory.peak", Unit: "bytes", Summary: stats(40, 497<<20)}
		r.Metrics = []run.Metric{m, few, folded, summed}
		r.Stages = []run.Stage{{Path: "startup", Count: 40, Total: 40 * 1.7, Self: 4}, {Path: "startup/read config", Count: 40, Total: 20, Self: 20}, {Path: "startup/open library db", Count: 40, Total: 30 * level * level, Self: 30 * level * level}}
		f.runs[h.ID] = &r
	}
	return f
}

func TestMetric(t *testing.T) {
	t.Parallel()
	h := handler(withHistory())
	page := check(t, "metric", h, "/metric?m=startup")
	if !strings.Contains(page, "<title>regressed startup · cuepoint · pacer</title>") {
		t.Error("the title does not begin with the change")
	}
	if n := len(regexp.MustCompile(`<a href="compare\?[^"]*" data-i=`).FindAllString(page, -1)); n != 11 {
		t.Errorf("%d points lead to a comparison", n)
	}
	check(t, "metric-mean", h, "/metric?m=startup&stat=mean&x=date&y=zero&last=all&branch=main")
	check(t, "metric-zoomed", h, fmt.Sprintf("/metric?m=startup&range=%s..%s", withHistory().heads[9].ID, withHistory().heads[2].ID))
	check(t, "metric-odd", h, "/metric?m=startup&stat=p42&x=time&y=log&last=7")
	check(t, "metric-few", h, "/metric?m=track.process")
	check(t, "metric-folded", h, "/metric?m=ui.response")
	check(t, "metric-summary", h, "/metric?m=memory.peak")
	check(t, "metric-missing", h, "/metric?m=export.csv%7Btracks%3D1000%7D")
	check(t, "metric-accepted", h, "/metric?m=artwork.decode")
	check(t, "metric-inconclusive", h, "/metric?m=table.filter%7Brows%3D1000%7D")
	if w := get(t, h, "/metric?m=startap"); w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), `href="metric?m=startup">startup</a>`) {
		t.Errorf("a metric that is not there: %d, %s", w.Code, words(w.Body.String()))
	}
	if w := get(t, h, "/metric"); w.Code != http.StatusBadRequest {
		t.Errorf("no metric: %d", w.Code)
	}
}

// A page of 200 versions stays small.
func TestMetricSize(t *testing.T) {
	t.Parallel()
	f := withHistory()
	s := f.series["startup"]
	for len(s.Points) < 200 {
		s.Points = append(s.Points, s.Points[len(s.Points)%11])
	}
	page := pageOf(t, handler(f), "/metric?m=startup")
	if len(page) > 150<<10 {
		t.Errorf("the page has %d bytes", len(page))
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	f := withHistory()
	h := handler(f)
	check(t, "compare", h, "/compare")
	check(t, "compare-named", h, "/compare?a=2.4.10&b=2.4.11&show=regressed")
	page := check(t, "compare-backwards", h, "/compare?a=2.4.10&b=2.4.5")
	if !strings.Contains(page, `href="compare?a=2.4.5&amp;b=2.4.10"`) {
		t.Error("the sides cannot be swapped")
	}
	w := get(t, h, "/compare?a=nobody&b=2.4.5")
	if w.Code != http.StatusNotFound || sound(w.Body.String()) != nil || !strings.Contains(w.Body.String(), `aria-describedby="error-a"`) || !strings.Contains(w.Body.String(), `value="2.4.5"`) {
		t.Errorf("an unknown side: %d: %s", w.Code, words(w.Body.String()))
	}
	golden.Check(t, "compare-unknown.txt", []byte(words(get(t, h, "/compare?b=2.4.99").Body.String())))
	check(t, "compare-empty", handler(&fake{}), "/compare")

	elsewhere := withHistory()
	elsewhere.verdict.Metrics = []judge.Metric{metric("startup", "s", judge.Incomparable, 1.7, 2.1, func(m *judge.Metric) { m.Ratio, m.Interval, m.Test = nil, nil, nil })}
	other := *elsewhere.runs[elsewhere.heads[1].ID]
	other.Environment = &run.Environment{OS: "linux", Arch: "amd64", CPU: "Xeon 8370C", Cores: 4, Memory: 16 << 30, Go: "go1.26.7"}
	elsewhere.runs[other.ID] = &other
	check(t, "compare-elsewhere", handler(elsewhere), "/compare")

	same := withHistory()
	same.verdict.Baseline.Runs = []judge.Head{judge.HeadOf(&same.heads[0])}
	check(t, "compare-same", handler(same), "/compare?show=improved")
}

func TestRuns(t *testing.T) {
	t.Parallel()
	h := handler(example())
	check(t, "runs", h, "/runs")
	check(t, "runs-branch", h, "/runs?branch=artwork&page=zero")
	check(t, "runs-none", h, "/runs?branch=gone")
	check(t, "runs-empty", handler(&fake{}), "/runs")
	many := example()
	for i := range 140 {
		r := many.heads[i%12]
		r.ID = fmt.Sprintf("02K%023d", i)
		many.heads = append(many.heads, r)
	}
	page := pageOf(t, handler(many), "/runs?page=2")
	for _, want := range []string{"51 to 100 of 152 runs", `href="runs?page=1"`, `href="runs?page=3"`} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q on the second page", want)
		}
	}
	if page := pageOf(t, handler(many), "/runs?page=9"); !strings.Contains(page, "No run matches") {
		t.Error("a page beyond the last one is not told")
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	f := example()
	f.policy = judge.Policy{File: "pacer.yaml", Budgets: make([]judge.Budget, 5), Waivers: make([]judge.Waiver, 1)}
	check(t, "settings", handler(f), "/settings")
	check(t, "settings-empty", handler(&fake{}), "/settings")
}

func TestExports(t *testing.T) {
	t.Parallel()
	h := handler(withHistory())
	var v judge.Verdict
	if err := json.Unmarshal(get(t, h, "/export.json").Body.Bytes(), &v); err != nil || v.Schema != judge.Schema || len(v.Metrics) != 10 {
		t.Errorf("export.json: %v, %d metrics", err, len(v.Metrics))
	}
	var trend struct {
		Metrics []struct {
			Name, Statistic string
			N               int
			ChangePoints    []struct {
				Index int
				Ratio float64
				Drift bool
			} `json:"change_points"`
			Points []struct {
				Run      judge.Head
				Value    float64
				Interval *[2]float64
			}
		}
	}
	if err := json.Unmarshal(get(t, h, "/export.json?m=startup").Body.Bytes(), &trend); err != nil {
		t.Fatal(err)
	}
	m := trend.Metrics[0]
	if m.Name != "startup" || m.N != 12 || len(m.Points) != 12 || m.Points[11].Value != 2.078 || m.Points[2].Interval != nil || len(m.ChangePoints) != 2 || !m.ChangePoints[0].Drift {
		t.Errorf("export.json?m=startup: %+v", m)
	}
	for target, lines := range map[string]int{"/export.csv": 11, "/export.csv?m=startup": 13, "/export.csv?m=startup&raw=1": 121} {
		w := get(t, h, target)
		rows, err := csv.NewReader(w.Body).ReadAll()
		if err != nil || len(rows) != lines || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/csv") {
			t.Errorf("%s: %v, %d lines, %s", target, err, len(rows), w.Header().Get("Content-Type"))
		}
	}
	if w := get(t, h, "/export.csv?m=cache.hits&raw=1"); w.Code != http.StatusNotFound {
		t.Errorf("values that are not there: %d", w.Code)
	}
	w := get(t, h, "/chart.svg?m=startup&y=zero")
	if body := w.Body.String(); !strings.HasPrefix(body, "<svg") || !strings.Contains(body, `xmlns=`) || strings.Contains(body, "<a ") || w.Header().Get("Content-Type") != "image/svg+xml" {
		t.Errorf("chart.svg: %.200s", body)
	}
	var brief map[string]string
	if err := json.Unmarshal(get(t, h, "/verdict.json?run=2.4.11").Body.Bytes(), &brief); err != nil || brief["word"] != "fail" || brief["title"] != "2 regressions" {
		t.Errorf("verdict.json: %v %v", brief, err)
	}
	if w := get(t, handler(&fake{}), "/export.json"); w.Code != http.StatusNotFound {
		t.Errorf("nothing to export: %d", w.Code)
	}
}

// Cells that a spreadsheet would take for a formula are words.
func TestFormulas(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"=1+1": "'=1+1", "@x": "'@x", "-2": "'-2", "+3": "'+3", "v1": "v1", "": ""} {
		if got := text(in); got != want {
			t.Errorf("text(%q) = %q", in, got)
		}
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	h := New(Config{Source: &fake{}, Version: "1.2.3", Shows: "abc"})
	if got := strings.TrimSpace(get(t, h, "/healthz").Body.String()); got != `{"program":"pacer","shows":"abc","status":"ok","version":"1.2.3"}` {
		t.Errorf("healthz says %s", got)
	}
}

func TestAgo(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{0: "just now", 5 * time.Minute: "5 min ago", 2 * time.Hour: "2 h ago", 72 * time.Hour: "3 days ago", 2400 * time.Hour: "on 2026-08-15", -time.Hour: "in the future"} {
		if got := ago(clock.Add(-d), clock); got != want {
			t.Errorf("%v ago is %q, want %q", d, got, want)
		}
	}
	if got := ago(time.Time{}, clock); got != "at a time that is not known" {
		t.Error(got)
	}
}

func TestSmallShare(t *testing.T) {
	t.Parallel()
	for part, want := range map[float64]string{0: "under 0.01", 5.3e-8: "under 0.01", 0.000234: "0.023", 0.0217: "2.2", 1.204: "120"} {
		if got := smallShare(part); got != want+thin+"%" {
			t.Errorf("%v: %q", part, got)
		}
	}
}
