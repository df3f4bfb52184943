package judge

import (
	"slices"
	"strings"

	"github.com/pacer-perf/pacer/run"
)

// couple is one metric of both sides.
type couple struct {
	id       string        // Identity
	baseline []*run.Metric // one for each run of the baseline that has it, oldest first
	pooled   *run.Metric   // those together; nil: there are none
	current  *run.Metric   // nil: the current run lacks it
	rounds   []*run.Metric // what it is merged of; empty: it is of one run
}

// metric is the metric of the side that has it.
func (c *couple) metric() *run.Metric {
	if c.current != nil {
		return c.current
	}
	return c.pooled
}

// Identity is the key of a metric with its unit, as Baseline.Since has it.
func Identity(key, unit string) string { return key + "\x00" + unit }

// couples pairs the metrics of both sides by name, labels and unit, sorted by
// them. In a file of flat keys the main operation has no name of its own: it
// is coupled with the other's.
func couples(current *run.Run, baseline *Baseline, rounds []*run.Run) []couple {
	var list []couple
	at := make(map[string]int)
	find := func(r *run.Run, m *run.Metric, mains []string) *couple {
		name := m.Key()
		if name == run.Processing && r.Main == name && len(mains) > 0 {
			name = mains[0]
		}
		id := Identity(name, m.Unit)
		i, there := at[id]
		if !there {
			i = len(list)
			at[id] = i
			list = append(list, couple{id: id})
		}
		return &list[i]
	}
	var mains []string // what the baseline calls its main operation
	for _, r := range baseline.Runs {
		if r.Main != "" && r.Main != run.Processing {
			mains = append(mains, r.Main)
		}
	}
	for i := range current.Metrics {
		if m := &current.Metrics[i]; m.Count() > 0 { // else nothing was observed: not measured
			c := find(current, m, mains)
			c.current = m
			for _, r := range rounds {
				if one := r.Find(m.Name, m.Labels); one != nil && one.Unit == m.Unit && one.Count() > 0 {
					c.rounds = append(c.rounds, one)
				}
			}
		}
	}
	if mains = nil; current.Main != "" {
		mains = []string{current.Main}
	}
	for index, r := range baseline.Runs {
		for i := range r.Metrics {
			if m := &r.Metrics[i]; m.Count() > 0 {
				if c := find(r, m, mains); index >= baseline.Since[c.id] {
					c.baseline = append(c.baseline, m)
				}
			}
		}
	}
	list = slices.DeleteFunc(list, func(c couple) bool { return c.current == nil && len(c.baseline) == 0 })
	for i := range list {
		list[i].pool()
	}
	slices.SortFunc(list, func(a, b couple) int { return strings.Compare(a.id, b.id) })
	return list
}

// pool puts the baseline's observations together.
func (c *couple) pool() {
	switch len(c.baseline) {
	case 0:
		return
	case 1:
		c.pooled = c.baseline[0]
		return
	}
	all, err := run.Pool(c.baseline...)
	if err != nil {
		// Histograms of different grids cannot be added up: the newest stands
		// for all.
		all = *c.baseline[len(c.baseline)-1]
	}
	c.pooled = &all
}
