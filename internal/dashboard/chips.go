package dashboard

import (
	"fmt"
	"math"
	"strings"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// chip is a word with a shape and a colour, in this order of importance.
type chip struct {
	Class string // of the style sheet: regressed, critical
	Icon  string // of a symbol of the page
	Word  string
	Title string // more about it
}

// changeChip says a change. The shape shows which way the value went, the
// colour whether that is good.
func changeChip(m *judge.Metric) chip {
	c := chip{Class: string(m.Change), Word: string(m.Change)}
	worse, better := "up", "down"
	if m.Better == run.Higher {
		worse, better = better, worse
	}
	switch m.Change {
	case judge.Regressed:
		c.Icon = worse
	case judge.Improved:
		c.Icon = better
	case judge.Unchanged:
		c.Icon = "equal"
	case judge.Inconclusive:
		c.Icon, c.Title = "wave", unseen(m.Needed)
	case judge.New:
		c.Icon, c.Class = "plus", "unchanged"
	case judge.Missing:
		c.Icon, c.Class = "cross", "warning"
	case judge.Incomparable:
		c.Icon, c.Class = "broken", "inconclusive"
	}
	if m.Ignored {
		c.Class = "unchanged"
	}
	if c.Title == "" {
		c.Title = strings.Join(m.Reasons, "; ")
	}
	return c
}

// flags are what was decided about a change.
func flags(m *judge.Metric) []chip {
	var list []chip
	if m.Accepted != nil {
		by := ""
		if m.Accepted.Author != "" {
			by = " by " + m.Accepted.Author
		}
		list = append(list, chip{Class: "plain", Icon: "check", Word: "accepted", Title: fmt.Sprintf("accepted%s: %s; ends %s", by, m.Accepted.Reason, m.Accepted.Until)})
	}
	if m.Ignored {
		list = append(list, chip{Class: "plain", Icon: "mute", Word: "ignored", Title: "by the policy: its changes decide nothing"})
	}
	return list
}

// needed says what an inconclusive change would take.
func needed(n *judge.Needed) string {
	switch {
	case n == nil:
		return ""
	case n.Runs > 0:
		return fmt.Sprintf("about %d runs on each side would tell", n.Runs)
	case n.Samples > 0:
		return fmt.Sprintf("about %d samples on each side would tell", n.Samples)
	}
	return unseen(n)
}

// unseen says how large a change would have been missed.
func unseen(n *judge.Needed) string {
	if n == nil || n.SmallestEffect <= 0 {
		return ""
	}
	return "changes under " + plainPercent(1+n.SmallestEffect) + " go unseen"
}

// budgetCell is how a metric stands in its budget.
type budgetCell struct {
	chip
	Part string // of the limit: 104 %
	Text string // p95 2 078 ms of 2 s
}

// budgetOf returns the cell of a metric's budget, nil if it has none: no budget
// is no fault.
func budgetOf(m *judge.Metric) *budgetCell {
	b := m.Budget
	if b == nil {
		return nil
	}
	c := &budgetCell{chip: statusChip(b.Status, m.Better == run.Higher)}
	var tiers []string
	for _, t := range []struct {
		name  string
		limit *float64
	}{{"target", b.Target}, {"warning", b.Warning}, {"critical", b.Critical}} {
		if t.limit != nil {
			tiers = append(tiers, t.name+" "+limit(*t.limit, m.Unit))
		}
	}
	c.Title = strings.Join(tiers, ", ")
	if b.Place != "" {
		c.Title += " (" + b.Place + ")"
	}
	if tier, at, ok := b.Limit(); ok && b.Value != nil {
		if at > 0 && *b.Value >= 0 {
			c.Part = fmt.Sprintf("%.0f%s%%", math.Round(100**b.Value/at), thin)
		}
		c.Text = fmt.Sprintf("%s %s of %s", b.Statistic, quantity(unit.ScaleOf(*b.Value, m.Unit), *b.Value), limit(at, m.Unit))
		if tier != judge.Target && b.Status != judge.OverTarget && b.Status != judge.Within {
			c.Text += " (" + string(tier) + ")"
		}
	}
	return c
}

// limit writes a limit as short as people do: 2 s.
func limit(v float64, base string) string { return quantity(unit.ScaleOf(v, base), v) }

// verdictChip says the verdict on a run.
func verdictChip(w judge.Word) chip {
	c := chip{Word: string(w)}
	switch w {
	case judge.Pass:
		c.Class, c.Icon = "within", "check"
	case judge.Warn:
		c.Class, c.Icon = "warning", "triangle"
	case judge.Fail:
		c.Class, c.Icon = "critical", "octagon"
	default:
		c.Class, c.Icon = "inconclusive", "wave"
	}
	return c
}
