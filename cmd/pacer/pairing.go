package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// side is one of the two that are measured.
type side struct {
	subject
	list []execution
}

// pairing is a session of pairs under way.
type pairing struct {
	*session
	flags     *pairFlags
	sides     *[2]side
	policy    *judge.Policy
	threshold float64

	main           []string    // the metrics that have to be sure
	controls       []execution // of the base again, in each pair
	pairs, control *judge.Pairs
	whole          map[string]bool // metrics from which the shell's start is not taken off
	lacking        []string        // what is to be said of pairs that were left out
}

// mainMetrics are the metrics that have to be sure.
func (m *pairing) mainMetrics() []string {
	switch {
	case len(m.flags.metrics) > 0:
		return m.flags.metrics
	case m.flags.count != "":
		return []string{instructionsMetric}
	}
	if main := m.sides[1].subject.main(); main != wallMetric {
		return []string{main}
	}
	return []string{wallMetric, cpuMetric}
}

// measure measures pairs until enough is known, or one fails, keeps the runs and
// judges them.
func (m *pairing) measure(ctx context.Context) (none judge.Case, v *judge.Verdict, err error) {
	started := time.Now()
	m.main = m.mainMetrics()
	progress := newProgress(m.cli.stderr, "pairs", m.flags.most)
	progress.terminal = progress.terminal && !m.flags.show // which would go into its line
	progress.early = true
	defer progress.beat()()
	if err := m.warm(ctx, progress, m.flags.warmup, m.sides[0].subject, m.sides[1].subject); err != nil {
		return none, nil, err
	}
	busy := m.watch()
	stopped, failed := m.loop(ctx, progress)
	progress.clear()
	n := len(m.sides[0].list)
	switch {
	case n == 0 && failed != nil:
		return none, nil, fmt.Errorf("pair 1: %w", failed)
	case n == 0 && stopped == "time":
		return none, nil, hint(fmt.Errorf("--max-time %v: no pair fits into it: the first was ended, and nothing is kept", m.flags.maxTime), "give it longer: --max-time %v", max(20*m.flags.maxTime, time.Minute))
	case n == 0:
		m.cli.kept = ": no pair was complete yet"
		return none, nil, ctx.Err()
	case failed != nil:
		failed = fmt.Errorf("pair %d, after %d that are kept: %w", n+1, n, failed)
	case stopped == "interrupted":
		m.cli.kept = fmt.Sprintf(": %d pairs are kept", n)
	}
	var runs [2]*run.Run
	for i := range m.sides {
		// The current run is the newer one.
		r, err := m.merge(&m.sides[i], started.Add(time.Duration(i)*time.Millisecond))
		if err != nil {
			return none, nil, errors.Join(err, failed)
		}
		runs[i] = r
	}
	warnings := append(m.warnings(), busy()...)
	for _, r := range runs {
		r.Warnings = append(r.Warnings, warnings...)
		if err := m.keep(ctx, r); err != nil {
			return none, nil, err
		}
	}
	how := map[string]string{"sure": "until it was sure", "limit": "up to the limit: --pairs", "time": "up to the limit: --max-time", "interrupted": "until it was interrupted", "failed": "until one failed"}[stopped]
	session := judge.PairsHead{Stopped: stopped}
	if m.flags.control {
		session.Control = judge.ControlOf(m.control)
	}
	found := judge.Case{
		Current: runs[1], Policy: *m.policy, Now: time.Now(), Pairs: m.pairs, Session: session,
		Baseline: judge.Baseline{Runs: []*run.Run{runs[0]}, Set: true,
			Chosen: fmt.Sprintf("measured with it in %d pairs, in random order, %s", n, how)},
	}
	verdict, err := judged(found)
	if err != nil {
		return found, nil, err
	}
	return found, &verdict, errors.Join(failed, ctx.Err())
}

// loop measures pairs, and returns why no more, and what failed.
func (m *pairing) loop(ctx context.Context, progress *progress) (stopped string, failed error) {
	m.begin()
	began := time.Now()
	within := ctx
	if m.flags.maxTime > 0 {
		var cancel context.CancelFunc
		within, cancel = context.WithDeadline(ctx, began.Add(m.flags.maxTime))
		defer cancel()
	}
	for m.pairs.Count() < m.flags.most {
		n := len(m.sides[0].list)
		progress.show(m.pairs.Count(), m.known())
		if took := time.Since(began); m.flags.maxTime > 0 && n > 0 && took+took/time.Duration(n) > m.flags.maxTime {
			return "time", nil // it would not fit, by those before it
		}
		pair, err := m.pair(within)
		if ctx.Err() != nil || within.Err() != nil && err != nil {
			progress.clear()
			m.afterInterrupt(err)
			if ctx.Err() == nil {
				return "time", nil
			}
			return "interrupted", nil
		}
		if err == nil {
			err = m.take(&pair)
		}
		if err != nil {
			return "failed", err
		}
		if m.pairs.Sure() {
			return "sure", nil
		}
	}
	return "limit", nil
}

// begin forgets what the pairs say.
func (m *pairing) begin() {
	m.pairs = judge.NewPairs(m.policy, m.threshold, m.main...)
	m.control = judge.NewPairs(m.policy, m.threshold, m.main...)
}

// take takes a pair on. A shell's start is taken off its metrics as long as it
// can be of all: else those before it are looked at anew, with it.
func (m *pairing) take(pair *[3]execution) error {
	again := false
	for _, metric := range timesWithStart {
		for i := range pair {
			if !m.whole[metric] && !m.sides[i%2].clear(metric, pair[i]) {
				m.whole[metric], again = true, true
			}
		}
	}
	if again && len(m.sides[0].list) > 0 {
		m.begin()
		for k := range m.sides[0].list {
			before := [3]execution{m.sides[0].list[k], m.sides[1].list[k]}
			if m.flags.control {
				before[2] = m.controls[k]
			}
			if err := m.add(&before); err != nil {
				return err
			}
		}
	}
	err := m.add(pair)
	switch lacks := errors.Is(err, judge.ErrNoValue); {
	case lacks && len(m.sides[0].list) == 0 && m.without(pair):
		m.begin()
		return m.take(pair)
	case lacks && len(m.sides[0].list) > 0 && len(m.lacking) < max(mostLacking, len(m.sides[0].list)):
		m.lacking = append(m.lacking, err.Error())
		return nil
	case err != nil:
		return err
	}
	for i := range m.sides {
		m.sides[i].list = append(m.sides[i].list, pair[i])
		m.sides[i].partly = true
	}
	if m.flags.control {
		m.controls = append(m.controls, pair[2])
	}
	return nil
}

// mostLacking is how many pairs may be left out before as many were measured.
const mostLacking = 10

// without does without those of the usual metrics that a pair does not have,
// and returns false if none would be left.
func (m *pairing) without(pair *[3]execution) bool {
	if len(m.flags.metrics) > 0 {
		return false
	}
	left := slices.DeleteFunc(slices.Clone(m.main), func(metric string) bool {
		for i := range 2 {
			if f := pair[i].Find(metric, nil); f == nil || !(slices.Min(f.Samples) > 0) {
				return true
			}
		}
		return false
	})
	if len(left) == 0 || len(left) == len(m.main) {
		return false
	}
	m.main = left
	return true
}

// add adds a pair to what is judged.
func (m *pairing) add(pair *[3]execution) error {
	var of [3]run.Run
	for i := range pair {
		of[i] = m.shown(i%2, pair[i]).Run
	}
	if err := m.pairs.Add(&of[0], &of[1]); err != nil {
		return m.noMetric(err, &of[1])
	}
	if m.flags.control {
		if err := m.control.Add(&of[0], &of[2]); err != nil && !errors.Is(err, judge.ErrNoValue) {
			return err
		}
	}
	return nil
}

// shown returns an execution of a side without the shell's start, as far as
// that is taken off.
func (m *pairing) shown(side int, e execution) execution {
	for _, metric := range timesWithStart {
		if !m.whole[metric] {
			e = m.sides[side].takeOff(metric, e)
		}
	}
	return e
}

// pair executes every side once, in an order drawn by chance: the base, the
// current one and, for a control, the base again.
func (m *pairing) pair(ctx context.Context) ([3]execution, error) {
	var out [3]execution
	order := []int{0, 1}
	if m.flags.control {
		order = append(order, 2)
	}
	rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	for _, i := range order {
		of := &m.sides[i%2]
		r, err := of.once(ctx, m.runner, m.dir)
		if err != nil {
			return out, fmt.Errorf("%s: %w", [2]string{"the base", "the current side"}[i%2], err)
		}
		if err := of.checkLabels(r.Labels); err != nil {
			return out, err
		}
		if err := m.measured(&r.Run); err != nil && len(of.list) == 0 {
			return out, err // the other side need not be waited for
		}
		out[i] = r
	}
	return out, nil
}

// measured refuses a metric that was asked for and that there is not.
func (m *pairing) measured(r *run.Run) error {
	for _, name := range m.flags.metrics {
		if !slices.ContainsFunc(r.Metrics, func(have run.Metric) bool { return have.Key() == name }) {
			return m.noMetric(fmt.Errorf("--metric %s has no value: it was not measured", name), r)
		}
	}
	return nil
}

// merge makes one run of a side's executions.
func (m *pairing) merge(s *side, started time.Time) (*run.Run, error) {
	list := make([]execution, len(s.list))
	for i, e := range s.list {
		list[i] = m.shown(0, e)
	}
	r, err := mergeExecutions(list)
	if err != nil {
		return nil, err
	}
	s.describe(&r, started, m.environment)
	return &r, nil
}

// warnings are the doubts about both sides.
func (m *pairing) warnings() (list []string) {
	for _, metric := range timesWithStart {
		if m.whole[metric] {
			list = append(list, metric+" holds the shell's start: "+m.sides[0].tooLittle(metric))
		}
	}
	for _, metric := range m.mainMetrics() {
		if !slices.Contains(m.main, metric) {
			list = append(list, metric+" has no value above zero: it is not compared")
		}
	}
	switch n := len(m.lacking); {
	case n == 1:
		list = append(list, "a pair is left out: "+m.lacking[0])
	case n > 1:
		list = append(list, fmt.Sprintf("%d pairs are left out, the first because %s", n, m.lacking[0]))
	}
	return list
}

// known says what is known so far.
func (m *pairing) known() string {
	r, ok := m.pairs.Known(m.main[0])
	if !ok || m.pairs.Count() == 0 {
		return ""
	}
	text := unit.Percent(r.Ratio)
	if r.Low > 0 && r.High < 1e3 {
		text += " (" + unit.Percent(r.Low) + " to " + unit.Percent(r.High) + ")"
	}
	return text
}

// noMetric adds what there is to an error about a metric that there is not.
func (m *pairing) noMetric(err error, r *run.Run) error {
	if len(m.flags.metrics) == 0 {
		return err
	}
	var names []string
	for i := range r.Metrics {
		names = append(names, r.Metrics[i].Key())
	}
	return hint(err, "--metric takes %s", strings.Join(names, ", "))
}
