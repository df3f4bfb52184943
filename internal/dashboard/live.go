package dashboard

import (
	"fmt"
	"html/template"
	"math"
	"net/http"
	"strings"

	"github.com/pacer-perf/pacer/internal/chart"
	"github.com/pacer-perf/pacer/internal/report"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// liveView is the page Live: what it shows without script is what was measured
// since the start; script keeps it moving.
type liveView struct {
	processView
	Windows  choice
	Focus    string // the metric of the large chart
	Rows     []liveRow
	Startup  template.HTML
	StartAt  string // how long start-up took
	StartOf  *budgetCell
	Download string
}

// liveRow is a row of the table, which script updates in place.
type liveRow struct {
	operation
	Number  int
	Focused bool
}

func (h *Handler) live(w http.ResponseWriter, r *http.Request) error {
	v, err := h.view(r)
	if err != nil {
		return err
	}
	page := liveView{processView: processView{view: v, Process: processOf(h.Source)}}
	if err := page.fill(); err != nil {
		return err
	}
	page.Title = "Live"
	page.Windows = page.choose("win", "Window", option{Value: "", Text: "1 min"}, option{Value: "10", Text: "10 s"}, option{Value: "300", Text: "5 min"}, option{Value: "600", Text: "10 min"})
	page.one("win", "", "10", "300", "600")
	page.rows()
	page.startup(page.Process.Feed.Recorder.Snapshot())
	page.Download = page.Link("window.json", "seconds", "60")
	return h.render(w, r, http.StatusOK, "live", &page)
}

// rows are the timers, in the order of the first page, and which of them the
// large chart shows: the one asked for, else the first.
func (p *liveView) rows() {
	instruments, _ := p.Process.Feed.Instruments()
	numbers := make(map[string]int, len(instruments))
	for _, i := range instruments {
		numbers[i.Key()] = i.Number
	}
	p.Focus = p.Query.Get("m")
	for _, o := range p.Operations {
		n, ok := numbers[o.Key]
		if !ok {
			continue
		}
		o.Href = p.With("m", o.Key)
		if p.Focus == "" {
			p.Focus = o.Key
		}
		p.Rows = append(p.Rows, liveRow{operation: o, Number: n, Focused: o.Key == p.Focus})
	}
}

// startup draws the phases of start-up.
func (p *liveView) startup(s run.Run) {
	m := s.Find(run.Startup, nil)
	if m == nil || len(m.Samples) == 0 {
		return
	}
	took := m.Samples[0]
	scale := unit.ScaleOf(took, unit.Seconds)
	p.StartAt = quantity(scale, took)
	for _, o := range p.Budgets {
		if o.Key == run.Startup {
			p.StartOf = o.Budget
		}
	}
	bar := chart.StageBar{Name: "start-up", Total: p.StartAt}
	rest := 0.0
	for _, stage := range s.Stages {
		name, below := strings.CutPrefix(stage.Path, "startup/")
		switch {
		case stage.Path == run.Startup:
			rest = stage.Self
		case below:
			bar.Stages = append(bar.Stages, chart.Stage{Name: name, Title: name + " " + quantity(scale, stage.Total), Value: stage.Total})
		}
	}
	if len(bar.Stages) == 0 || math.IsNaN(took) {
		return
	}
	if rest > 0 {
		// What lies before the first phase, and between them.
		bar.Stages = append([]chart.Stage{{Name: "before", Title: "before and between the phases " + quantity(scale, rest), Value: rest}}, bar.Stages...)
	}
	p.Startup = template.HTML(chart.Stages{
		Frame: chart.Frame{Title: "Start-up of this process", Description: fmt.Sprintf("%s in %s", p.StartAt, report.Plural(len(bar.Stages), "part"))},
		Unit:  unit.Seconds, Bars: []chart.StageBar{bar},
	}.SVG())
}
