package sqlite

import (
	"zombiezen.com/go/sqlite"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/run"
)

// names are the numbers that the file gives to metrics, environments and
// traits, which never change. Those of a transaction that fails are forgotten.
type names struct {
	metrics      map[metricName]int64
	environments map[string]int64
	traits       map[trait]int64
}

// metricName is what the file tells metrics apart by.
type metricName struct{ app, labels, key, unit string }

// mostNames bounds what is remembered of each kind.
const mostNames = 100_000

func (n *names) begin() {
	if n.metrics == nil || len(n.metrics) > mostNames || len(n.environments) > mostNames || len(n.traits) > mostNames {
		*n = names{make(map[metricName]int64), make(map[string]int64), make(map[trait]int64)}
	}
}

func (n *names) forget() { *n = names{} }

func (n *names) metric(c *sqlite.Conn, m metricName, v *history.Value) (int64, error) {
	if id, ok := n.metrics[m]; ok {
		return id, nil
	}
	id, err := numberOf(c,
		"SELECT id FROM metrics WHERE app = ? AND run_labels = ? AND key = ? AND unit = ?",
		[]any{m.app, m.labels, m.key, m.unit},
		"INSERT INTO metrics (app, run_labels, key, unit, name, labels) VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
		[]any{m.app, m.labels, m.key, m.unit, v.Name, history.Labels(v.Labels)})
	if err == nil {
		n.metrics[m] = id
	}
	return id, err
}

func (n *names) environment(c *sqlite.Conn, e *run.Environment) (int64, error) {
	text, err := history.EncodeEnvironment(e)
	if err != nil {
		return 0, err
	}
	if id, ok := n.environments[text]; ok {
		return id, nil
	}
	id, err := numberOf(c,
		"SELECT id FROM environments WHERE text = ?", []any{text},
		"INSERT INTO environments (text) VALUES (?) RETURNING id", []any{text})
	if err == nil {
		n.environments[text] = id
	}
	return id, err
}

func (n *names) trait(c *sqlite.Conn, t trait) (int64, error) {
	if id, ok := n.traits[t]; ok {
		return id, nil
	}
	args := []any{string(t.better), t.resolution, t.statistic}
	id, err := numberOf(c,
		"SELECT id FROM traits WHERE better = ? AND resolution = ? AND statistic = ?", args,
		"INSERT INTO traits (better, resolution, statistic) VALUES (?, ?, ?) RETURNING id", args)
	if err == nil {
		n.traits[t] = id
	}
	return id, err
}

// numberOf returns the number of a thing as the file has it, else a new one.
func numberOf(c *sqlite.Conn, find string, by []any, add string, what []any) (int64, error) {
	var id int64
	set := func(r *sqlite.Stmt) error { id = r.ColumnInt64(0); return nil }
	err := query(c, find, set, by...)
	if err == nil && id == 0 {
		err = query(c, add, set, what...)
	}
	return id, err
}
