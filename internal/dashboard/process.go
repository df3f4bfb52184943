package dashboard

import (
	"cmp"
	"fmt"
	"html/template"
	"math"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pacer-perf/pacer"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/report"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// processView is the first page of a running process.
type processView struct {
	view
	Process    *Process
	Recording  bool
	Disabled   bool // there is no recorder
	Head       *judge.Head
	Where      string
	Running    string // 3 min
	Chip       chip
	Sentence   string
	Facts      []reading // the specification's: Metric, Value
	Operations []operation
	Others     []reading
	Budgets    []operation
	Stages     []treeRow
	Breaches   []breachRow
	Worst      []operation
	Overhead   overhead
}

// reading is a quantity with its name.
type reading struct{ Name, Value, Note string }

// operation is a metric of the process, and how it stands in its budget.
type operation struct {
	Key, Href          string
	Statistic          string // that Value is
	Value              string
	Count              string
	P50, P95, P99, Max string
	Budget             *budgetCell
	Tiers              [3]string

	metric *judge.Metric
	kind   run.Kind
	spent  float64 // seconds
}

// treeRow is a stage of the call tree.
type treeRow struct {
	Name, Path         string
	Depth              int
	Count, Total, Self string
	Failures           int64
	Bar                template.HTML
}

// breachRow is a report on a value over its budget.
type breachRow struct {
	Time                       time.Time
	Key, Value, Limit, Tier    string
	Class, Icon                string
	Count                      int64
	Evidence                   []Link
	EvidenceNote, EvidenceHint string
}

// overhead is the recorder's own cost, in words.
type overhead struct {
	Observations, Bytes, Each, Share, Reading string
}

// front is the first page: of the process if there is one, else of the history.
func (h *Handler) front(w http.ResponseWriter, r *http.Request) error {
	if p := processOf(h.Source); p != nil {
		return h.process(w, r, p)
	}
	return h.overview(w, r)
}

func (h *Handler) process(w http.ResponseWriter, r *http.Request, p *Process) error {
	v, err := h.view(r)
	if err != nil {
		return err
	}
	page := processView{view: v, Process: p}
	if err := page.fill(); err != nil {
		return err
	}
	name := "process"
	if v.Card {
		name = "processcard"
	}
	return h.render(w, r, http.StatusOK, name, &page)
}

// fill takes a snapshot and makes the page of it.
func (p *processView) fill() error {
	rec := p.Process.Feed.Recorder
	p.Disabled, p.Recording = rec == nil, rec.Recording()
	snapshot := rec.Snapshot()
	instruments, others := p.Process.Feed.Instruments()
	head := judge.HeadOf(&snapshot)
	p.Head, p.Where = &head, EnvironmentName(snapshot.Environment, snapshot.Labels)
	p.Site = cmp.Or(p.Site, snapshot.App, "this process")
	p.Running = lasted(rec.Now())
	policy := PolicyFor(instruments, others)
	verdict, err := judge.Judge(judge.Case{Current: &snapshot, Policy: policy, Baseline: judge.Baseline{First: true}, Now: p.Now})
	if err != nil {
		return err
	}
	p.Facts = p.facts(&snapshot)
	p.operations(&verdict, &snapshot, &policy)
	p.say()
	p.stages(snapshot.Stages)
	p.breaches(rec.Breaches())
	p.Overhead = overheadOf(p.Process.Feed.Overhead(), rec.Now())
	return nil
}

// PolicyFor holds metrics to the budgets that the app gave them.
func PolicyFor(instruments []pacer.Instrument, others map[string]pacer.Limit) judge.Policy {
	var p judge.Policy
	for i := range instruments {
		addBudget(&p, instruments[i].Key(), instruments[i].Unit, instruments[i].Budget, instruments[i].Better)
	}
	for key, l := range others {
		base := "" // as the metric's
		switch word, _, _ := strings.Cut(key, "."); word {
		case "startup", "gc":
			base = unit.Seconds
		case "memory":
			base = unit.Bytes
		}
		addBudget(&p, key, base, l, "")
	}
	return p
}

func addBudget(p *judge.Policy, key, base string, l pacer.Limit, better run.Better) {
	limits := make(map[judge.Tier]judge.Quantity)
	for tier, v := range map[judge.Tier]float64{judge.Target: l.Target, judge.Warning: l.Warning, judge.Critical: l.Critical} {
		if v > 0 {
			limits[tier] = judge.Quantity{Value: v, Unit: base}
		}
	}
	if len(limits) > 0 {
		p.Budgets = append(p.Budgets, judge.Budget{Metric: judge.Pattern(key), Limits: limits, Better: better})
	}
}

// facts are what the specification's table has, and what belongs to it.
func (p *processView) facts(s *run.Run) []reading {
	var list []reading
	add := func(title, name, statistic, note string) {
		if m := s.Find(name, nil); m != nil {
			if v, err := m.Statistic(statistic); err == nil && !math.IsNaN(v) {
				list = append(list, reading{title, unit.Format(v, m.Unit), note})
			}
		}
	}
	add("Startup Time", run.Startup, "median", "from the start of the process to its first piece of work")
	add("Memory Usage", run.MemoryPeak, "max", "the most it was at any time")
	add("Memory Now", "memory.current", "max", "")
	add("Go Heap", "memory.heap.total", "max", "taken from the operating system")
	if s.Main != "" {
		add("Processing Speed", run.Speed, "median", "of "+s.Main)
		add("Processing Time", s.Main, "p95", "p95 of "+s.Main)
	}
	add("GC Pause", "gc.pause", "p95", "p95")
	add("Goroutines", "go.goroutines", "max", "")
	return list
}

// operations puts metrics into their tables: what is over its budget first,
// then what takes most of the time.
func (p *processView) operations(v *judge.Verdict, s *run.Run, policy *judge.Policy) {
	measured := make(map[string]*run.Metric, len(s.Metrics))
	for i := range s.Metrics {
		measured[judge.Identity(s.Metrics[i].Key(), s.Metrics[i].Unit)] = &s.Metrics[i]
	}
	limits := make(map[string]map[judge.Tier]judge.Quantity, len(policy.Budgets))
	for _, b := range policy.Budgets {
		limits[string(b.Metric)] = b.Limits
	}
	for i := range v.Metrics {
		m := &v.Metrics[i]
		found := measured[judge.Identity(m.Key(), m.Unit)]
		o := operation{Key: m.Key(), Href: p.Link("live", "m", m.Key()), metric: m, Budget: budgetOf(m)}
		if found != nil {
			o.measure(found)
		}
		if m.Budget != nil {
			for i, tier := range []judge.Tier{judge.Target, judge.Warning, judge.Critical} {
				o.Tiers[i] = "–"
				if q, ok := limits[o.Key][tier]; ok {
					o.Tiers[i] = limit(q.Value, cmp.Or(q.Unit, m.Unit))
				}
			}
			p.Budgets = append(p.Budgets, o)
		}
		switch {
		case found == nil || everybodys(m.Name): // which the first table has
		case o.kind == run.TimerKind:
			p.Operations = append(p.Operations, o)
		default:
			p.Others = append(p.Others, reading{o.Key, o.Value, o.Statistic})
		}
	}
	order := func(a, b operation) int {
		return cmp.Or(cmp.Compare(status(a.metric), status(b.metric)), cmp.Compare(b.spent, a.spent), strings.Compare(a.Key, b.Key))
	}
	slices.SortStableFunc(p.Operations, order)
	slices.SortStableFunc(p.Budgets, func(a, b operation) int {
		return cmp.Or(cmp.Compare(status(a.metric), status(b.metric)), cmp.Compare(share(b.metric), share(a.metric)), strings.Compare(a.Key, b.Key))
	})
	p.Worst = slices.Clone(p.Budgets)
	for _, o := range p.Operations {
		if o.metric.Budget == nil {
			p.Worst = append(p.Worst, o)
		}
	}
	p.Worst = slices.DeleteFunc(p.Worst, func(o operation) bool { return o.Value == "" })
	p.Worst = p.Worst[:min(3, len(p.Worst))]
}

// everybodys tells what Pacer measures of every app from what this one does.
func everybodys(name string) bool {
	if name == run.Speed || name == "pacer.breaches" {
		return true
	}
	first, _, _ := strings.Cut(name, ".")
	first, _, _ = strings.Cut(first, "/")
	return slices.Contains([]string{run.Startup, "memory", "go", "gc", "process"}, first)
}

// measure fills in what was measured.
func (o *operation) measure(m *run.Metric) {
	s := m.Stats()
	o.kind = m.Kind
	o.Statistic = judge.DefaultStatistic(m)
	value, _ := m.Statistic(o.Statistic)
	o.Value = quantity(unit.ScaleOf(value, m.Unit), value)
	if m.Kind == run.CounterKind || m.Kind == run.GaugeKind || m.Kind == run.RateKind {
		o.Statistic = string(m.Kind)
	}
	o.Count = unit.ScaleOf(1, unit.Count).Fixed(float64(s.Count), 0)
	// Each in a scale of its own: p99 may be a thousand times p50.
	for _, p := range []struct {
		to *string
		v  float64
	}{{&o.P50, s.P50}, {&o.P95, s.P95}, {&o.P99, s.P99}, {&o.Max, s.Max}} {
		*p.to = quantity(unit.ScaleOf(p.v, m.Unit), p.v)
	}
	if m.Kind == run.TimerKind {
		o.spent = m.Sum()
	}
}

// status orders metrics by how they stand in their budgets, worst first.
func status(m *judge.Metric) int {
	if m.Budget == nil {
		return 4
	}
	switch m.Budget.Status {
	case judge.OverCritical:
		return 0
	case judge.OverWarning:
		return 1
	case judge.OverTarget:
		return 2
	case judge.Within:
		return 3
	}
	return 5 // no data
}

// say puts the state of the process into a sentence.
func (p *processView) say() {
	over, within := 0, 0
	for _, o := range p.Budgets {
		switch status(o.metric) {
		case 0, 1, 2:
			over++
		case 3:
			within++
		}
	}
	switch {
	case p.Disabled:
		p.Title, p.Sentence = "Recording is off", "This process records nothing."
		p.Chip = chip{Class: "plain", Icon: "dash", Word: "off"}
	case over > 0:
		worst := p.Budgets[0]
		p.Title = report.Plural(over, "metric") + " over budget"
		p.Chip = worst.Budget.chip
		p.Sentence = fmt.Sprintf("%s: %s, %s.", p.Title, worst.Key, worst.Budget.Text)
	case within > 0:
		p.Title = "Within budget"
		p.Chip = chip{Class: "within", Icon: "full", Word: "within"}
		p.Sentence = "Within every budget: " + report.Plural(within, "metric") + "."
		if waiting := len(p.Budgets) - within; waiting > 0 {
			p.Sentence = fmt.Sprintf("Within every budget: %s; %d without data yet.", report.Plural(within, "metric"), waiting)
		}
	case len(p.Operations) == 0:
		p.Title, p.Sentence = "No operations yet", "No operations recorded yet."
		p.Chip = chip{Class: "plain", Icon: "dash", Word: "waiting"}
	default:
		p.Title, p.Sentence = report.Plural(len(p.Operations), "operation"), report.Plural(len(p.Operations), "operation")+" measured; none has a budget."
		p.Chip = chip{Class: "plain", Icon: "dash", Word: "no budget"}
	}
	if !p.Disabled && !p.Recording {
		p.Chip = chip{Class: "warning", Icon: "dash", Word: "paused"}
		p.Sentence = "Recording is turned off: what follows is what was measured before."
	}
}

// stages makes the rows of the call tree, children below their parents, in the
// order in which they first ran.
func (p *processView) stages(list []run.Stage) {
	whole := 0.0
	below := make(map[string][]run.Stage) // by path of the parent
	for _, s := range list {
		parent := s.Path[:max(0, strings.LastIndexByte(s.Path, '/'))]
		below[parent] = append(below[parent], s)
		if parent == "" {
			whole = max(whole, s.Total)
		}
	}
	var add func(parent string)
	add = func(parent string) {
		for _, s := range below[parent] {
			total, self := unit.ScaleOf(s.Total, unit.Seconds), unit.ScaleOf(s.Self, unit.Seconds)
			p.Stages = append(p.Stages, treeRow{
				Name: s.Path[strings.LastIndexByte(s.Path, '/')+1:], Path: s.Path, Depth: min(strings.Count(s.Path, "/"), 8),
				Count: unit.ScaleOf(1, unit.Count).Fixed(float64(s.Count), 0), Total: quantity(total, s.Total), Self: quantity(self, s.Self),
				Failures: s.Failures, Bar: stageBar(s.Total, s.Self, whole),
			})
			add(s.Path)
		}
	}
	add("")
}

// stageBar draws the time of a stage, its own time filled, against the longest.
func stageBar(total, self, whole float64) template.HTML {
	if whole <= 0 {
		return ""
	}
	width := func(v float64) float64 { return max(0, min(100, 100*v/whole)) }
	return template.HTML(fmt.Sprintf(`<svg class="stagebar" width="100%%" height="12" aria-hidden="true"><rect class="whole" width="%.2f%%" height="12"/><rect class="self" width="%.2f%%" height="12"/></svg>`, width(total), width(self)))
}

func (p *processView) breaches(list []pacer.Breach) {
	for _, b := range slices.Backward(list) {
		row := breachRow{
			Time: b.Time, Key: b.Metric, Value: quantity(unit.ScaleOf(b.Value, b.Unit), b.Value), Limit: limit(b.Limit, b.Unit), Tier: b.Tier, Count: b.Count,
			Class: "warning", Icon: "half",
		}
		switch b.Tier {
		case "warning":
			row.Icon = "triangle"
		case "critical":
			row.Class, row.Icon = "critical", "octagon"
		}
		for _, file := range b.Evidence {
			text := "trace"
			if strings.HasSuffix(file, ".pprof") {
				text = "CPU profile"
			}
			row.Evidence = append(row.Evidence, Link{text, p.Link("evidence", "file", filepath.Base(file))})
		}
		p.Breaches = append(p.Breaches, row)
	}
}

// overheadOf says what measuring costs.
func overheadOf(o pacer.Overhead, running time.Duration) overhead {
	spent := o.Each.Seconds() * float64(o.Observations)
	return overhead{
		Observations: unit.ScaleOf(1, unit.Count).Fixed(float64(o.Observations), 0),
		Bytes:        quantity(unit.ScaleOf(float64(o.Bytes), unit.Bytes), float64(o.Bytes)),
		Each:         quantity(unit.ScaleOf(o.Each.Seconds(), unit.Seconds), o.Each.Seconds()),
		Share:        smallShare(spent / max(running.Seconds(), 1e-9)),
		Reading:      quantity(unit.ScaleOf(o.Reading.Seconds(), unit.Seconds), o.Reading.Seconds()),
	}
}

// smallShare writes a part of something, as a number that people read: the page
// itself writes it alike (live-data.js).
func smallShare(part float64) string {
	switch percent := 100 * part; {
	case percent < 0.01:
		return "under 0.01" + thin + "%"
	case percent < 10:
		return fmt.Sprintf("%.2g%s%%", percent, thin)
	default:
		return fmt.Sprintf("%.0f%s%%", percent, thin)
	}
}

// lasted writes how long something lasted, as people say it.
func lasted(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}
