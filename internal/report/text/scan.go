package text

import (
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/pacer-perf/pacer/internal/stat"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// Scan writes runs of one app that differ in their labels, a line for each:
// what it was measured for, how well that is known, and how it compares with
// the best of them.
func Scan(w io.Writer, runs []*run.Run, o Options) error {
	p := newPrinter(w, o)
	main := "process.wall"
	if runs[0].Find(run.Startup, nil) != nil && runs[0].Find(main, nil) == nil {
		main = run.Startup
	}
	p.line("%s  %s", p.paint(bold, printable(runs[0].App)), main)
	p.line("")
	medians := make([]float64, len(runs))
	best := math.Inf(1)
	for i, r := range runs {
		medians[i] = math.NaN()
		if m := r.Find(main, nil); m != nil {
			medians[i], _ = m.Center()
			best = math.Min(best, medians[i])
		}
	}
	t := table{right: []bool{false, true, true, true, true, true, true}, gaps: []int{2, 2, 2, 2, 2, 2}, limit: 30}
	t.add(cell{"parameters", faint}, cell{"n", faint}, cell{"median", faint}, cell{"95% interval", faint}, cell{"p95", faint}, cell{"memory", faint}, cell{"", faint})
	for i, r := range runs {
		row := []cell{{run.Key("", r.Labels), plain}, {}, {unit.Format(medians[i], unit.Seconds), bold}, {}, {}, {}, {}}
		if m := r.Find(main, nil); m != nil {
			row[1].text = fmt.Sprint(m.Count())
			if iv, err := stat.MedianInterval(m.Samples, 0.95); err == nil && !math.IsInf(iv.Low, 0) {
				row[3].text = unit.Format(iv.Low, m.Unit) + " " + unit.Format(iv.High, m.Unit)
			}
			row[4].text = unit.Format(m.Stats().P95, m.Unit)
			row[6].text = fmt.Sprintf("%.2fx", medians[i]/best)
		}
		if m := r.Find("process.memory.peak", nil); m != nil {
			v, _ := m.Center()
			row[5].text = unit.Format(v, m.Unit)
		}
		t.add(row...)
	}
	p.write(&t)
	var warnings []string
	for _, r := range runs {
		for _, warning := range r.Warnings {
			if !slices.Contains(warnings, warning) {
				warnings = append(warnings, warning)
			}
		}
	}
	p.warned(warnings)
	return p.err
}
