package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/pacer-perf/pacer/internal/explain"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// Note is what there is to say of a metric that is not plain.
type Note struct {
	Lead string   // the first sentence; a regression's is in the specification's words
	More []string // further sentences
	Do   []Do
}

// Do is something that a person can do about it.
type Do struct {
	What    string
	Command Command
}

// NoteOf returns the note of a metric, nil if it is plain.
func (r *Report) NoteOf(m *judge.Metric) *Note {
	if r.aside(m) {
		return nil
	}
	near := classOf(m) == plain && m.Budget != nil && slices.Contains(m.Reasons, judge.BelowThreshold) && !slices.Contains(m.Reasons, judge.TooSmall)
	if Plain(m) && !near {
		return nil
	}
	n := &Note{}
	reasons := slices.Clone(m.Reasons)
	named := func(s string) string {
		if strings.HasPrefix(s, m.Key()+": ") || strings.HasPrefix(s, m.Key()+" ") {
			return s
		}
		return m.Key() + ": " + s
	}
	switch {
	case m.Change == judge.Missing:
		n.Lead = missingLead(m)
		n.Do = append(n.Do, Do{"see what was measured", Command{"show", r.Words.run()}})
		reasons = nil
	case m.Change == judge.Regressed && len(reasons) > 0:
		n.Lead = reasons[0]
		reasons = reasons[1:]
		if m.Accepted != nil {
			n.Lead += fmt.Sprintf(", accepted: %s (it ends %s)", m.Accepted.Reason, m.Accepted.Until)
			break
		}
		if s := known(m); s != "" {
			reasons = append([]string{s}, reasons...)
		}
		if s := StageSentence(m); s != "" {
			reasons = append(reasons, s)
		}
		if s := firstBad(m); s != "" {
			reasons = append(reasons, s)
		}
		n.Do = append(r.look(m), Do{"accept it", Command{"accept", m.Key(), "--reason", Reason}})
	case m.Change == judge.Inconclusive && len(reasons) > 0:
		n.Lead = named(reasons[0])
		reasons = reasons[1:]
		again, much := r.again(m)
		if again != nil {
			n.Do = append(n.Do, *again)
		}
		if much {
			reasons = append(reasons, "that is hardly worth it: a quieter machine, a longer benchmark, or a min_change in pacer.yaml would do more")
		}
	case m.Change == judge.Incomparable && len(m.Warnings) > 0:
		n.Lead = named(m.Warnings[0])
	case m.Change == judge.Incomparable:
		n.Lead = named("cannot be compared: " + strings.Join(reasons, "; "))
		reasons = nil
	case len(reasons) > 0:
		n.Lead = named(reasons[0])
		reasons = reasons[1:]
		if NeedsPerson(m) {
			n.Do = append(n.Do, r.look(m)...)
		}
	case m.Change == judge.Improved:
		return nil
	default:
		n.Lead = named(Change(m))
	}
	for _, reason := range reasons {
		n.More = append(n.More, strings.TrimPrefix(reason, m.Key()+": "))
	}
	for _, w := range m.Warnings {
		if named(w) != n.Lead {
			n.More = append(n.More, w)
		}
	}
	if s := room(m); s != "" && classOf(m) == plain {
		n.More = append(n.More, s)
	}
	return n
}

// aside tells whether a metric is inconclusive that pairs were not measured
// for: nobody waited until it was sure.
func (r *Report) aside(m *judge.Metric) bool {
	p := r.Verdict.Pairs
	return p != nil && m.Change == judge.Inconclusive && m.Budget == nil && !slices.Contains(p.Main, m.Key())
}

// pairsAgain is the command that measures the same two in more pairs, nil if it
// is not known what they were, or if they were sure of something.
func (r *Report) pairsAgain(needed int) *Do {
	p := r.Verdict.Pairs
	if p.Stopped == "sure" || needed <= p.Count || r.Current == nil || len(r.Baseline) != 1 {
		return nil
	}
	again := Command{"compare", "--pairs", fmt.Sprint(needed)}
	if r.Words.Pairs != nil {
		return &Do{"measure more pairs", append(again, r.Words.Pairs...)}
	}
	base, current := r.Baseline[0], r.Current
	if len(base.Command) == 0 || len(current.Command) == 0 || base.Commit != current.Commit || base.Dirty != current.Dirty || strings.Contains(Shell(slices.Concat(base.Command, current.Command)...), "[redacted]") {
		return nil
	}
	return &Do{"measure more pairs", append(again, "--exec", Shell(base.Command...), Shell(current.Command...))}
}

// known says what people did about a regression that was found before, "" if
// nothing. It fails all the same.
func known(m *judge.Metric) string {
	switch {
	case m.Muted != nil:
		return fmt.Sprintf("muted by %s until %s: %s; a mute hides, and fails all the same", m.Muted.Author, m.Muted.Until, m.Muted.Reason)
	case m.Acknowledged != nil:
		return fmt.Sprintf("acknowledged by %s: %s", m.Acknowledged.Author, m.Acknowledged.Reason)
	}
	return ""
}

// look is the command that shows how a metric was judged: out of the verdict,
// else by judging again. What was measured in turns is not judged again, since
// the history has no rounds, and would not give the same answer.
func (r *Report) look(m *judge.Metric) []Do {
	switch {
	case r.Words.Verdict != "":
		return []Do{{"look at it", Command{"why", r.Words.Verdict, m.Key()}}}
	case r.Words.Turns:
		return nil
	}
	return []Do{{"look at it", append(Command{"why", r.Words.run(), m.Key()}, r.Words.Flags...)}}
}

// muchMore is how many times of what was measured is not worth a try.
const muchMore = 100

// again is the command that measures enough to decide, nil if none would, or if
// that is much more than what was measured.
func (r *Report) again(m *judge.Metric) (do *Do, much bool) {
	n := m.Needed
	if n == nil || n.Samples == 0 && n.Runs == 0 {
		return nil, false
	}
	if r.Verdict.Pairs != nil {
		return r.pairsAgain(n.Samples), false
	}
	times, what := r.repetitions(m, n.Samples), "measure again"
	command := Command{"run", "--runs"}
	switch {
	case r.Words.Turns || !r.ofProcess(): // runs are rounds
		command = append(append(Command{"bench"}, r.Words.Bench...), "--rounds")
		if n.Samples == 0 {
			times = n.Runs
		}
	case n.Samples == 0:
		times, what = max(1, r.repeated()), fmt.Sprintf("measure %d times", n.Runs)
	}
	if max(times, n.Runs) > muchMore*max(10, r.repeated()) {
		return nil, true
	}
	command = append(command, fmt.Sprint(times), "--")
	if r.Current == nil || len(r.Current.Command) == 0 || strings.Contains(strings.Join(slices.Concat(command, r.Current.Command), " "), "[redacted]") {
		return &Do{what, append(command, "COMMAND")}, false
	}
	return &Do{what, append(command, r.Current.Command...)}, false
}

// onceAProcess are metrics that an execution of a command has one sample of.
var onceAProcess = []string{"process.wall", run.Startup, run.MemoryPeak}

// ofProcess tells whether the current run is of a process, and not what a
// benchmark tool printed.
func (r *Report) ofProcess() bool {
	return slices.ContainsFunc(r.Verdict.Metrics, func(m judge.Metric) bool { return slices.Contains(onceAProcess, m.Name) })
}

// repetitions is how often the command has to be run for so many samples of a
// metric, of which one execution makes several.
func (r *Report) repetitions(m *judge.Metric, samples int) int {
	once := float64(m.N[1]) / float64(max(1, r.repeated()))
	return max(1, int(math.Ceil(float64(samples)/max(1, once))))
}

// repeated is how often the command of the current run was run, 0 if that is
// not known.
func (r *Report) repeated() int {
	if r.Words.Turns {
		return len(r.Verdict.Baseline.Runs)
	}
	if r.Current == nil {
		return 0
	}
	for _, once := range onceAProcess {
		if m := r.Current.Find(once, nil); m != nil && m.Count() > 0 {
			return int(m.Count())
		}
	}
	return 0
}

func missingLead(m *judge.Metric) string {
	budget := ""
	if m.Budget != nil {
		budget = "it has a budget, and "
	}
	if n := m.N[0]; n > 0 {
		return fmt.Sprintf("%s: %sthe baseline has %s, this run has none. Renamed, or not run?", m.Key(), budget, Plural(int(n), "sample"))
	}
	if budget != "" {
		return m.Key() + " has a budget but was not measured"
	}
	return m.Key() + ": the baseline has it, this run does not. Renamed, or not run?"
}

// MainStage returns the stage that carries most of a regression, nil if no
// stages were recorded.
func MainStage(m *judge.Metric) *explain.Stage {
	if len(m.Stages) == 0 || !(m.Stages[0].Share > 0) {
		return nil
	}
	return &m.Stages[0]
}

// StageSentence says which stage carries most of a regression, "" if no stages
// were recorded.
func StageSentence(m *judge.Metric) string {
	s := MainStage(m)
	if s == nil {
		return ""
	}
	return fmt.Sprintf("the stage %q took %s of a call, now %s: %s, %.0f%% of the increase", s.Path,
		unit.Format(s.Baseline, unit.Seconds), unit.FormatLike(s.Current, s.Baseline, unit.Seconds), Signed(s.Delta, unit.Seconds), 100*s.Share)
}

// Signed prints a difference with its sign.
func Signed(v float64, base string) string {
	if v >= 0 {
		return "+" + unit.Format(v, base)
	}
	return unit.Format(v, base)
}

// firstBad says where the history of a regressed metric moved.
func firstBad(m *judge.Metric) string {
	moved := m.Moved
	if moved == nil || m.Better == run.Higher && moved.Ratio > 1 || m.Better == run.Lower && moved.Ratio < 1 {
		return ""
	}
	at := RunName(&judge.Head{ID: moved.Run, Version: moved.Version, Commit: moved.Commit})
	verb := "moved"
	if moved.Drift {
		verb = "began to drift"
	}
	if moved.Ago == 0 {
		return "its history " + verb + " with this run"
	}
	return fmt.Sprintf("its history %s %s ago, at %s", verb, Plural(moved.Ago, "run"), at)
}

// room says how far a value is from the limit that it is held to.
func room(m *judge.Metric) string {
	b := m.Budget
	if b == nil || b.Value == nil || b.Status != judge.Within {
		return ""
	}
	tier, limit, ok := b.Limit()
	if !ok || limit == 0 {
		return ""
	}
	left := 1 - *b.Value/limit
	if m.Better == run.Higher {
		left = *b.Value/limit - 1
	}
	if left >= 0.1 || left < 0 {
		return ""
	}
	return fmt.Sprintf("%.1f%% left to its %s of %s", 100*left, tier, unit.Format(limit, m.Unit))
}

// Steps returns what to do about a verdict: at most n things, the gravest
// first, each with the metric it is about.
func (r *Report) Steps(n int) []Step {
	var steps []Step
	kinds := make(map[string]bool)
	metrics := ByGravity(r.Verdict.Metrics)
	for i := range metrics {
		m := &metrics[i]
		if len(steps) >= n || !NeedsPerson(m) {
			break
		}
		note := r.NoteOf(m)
		if note == nil {
			continue
		}
		for _, do := range note.Do {
			if len(steps) < n && !kinds[do.What] {
				kinds[do.What] = true
				steps = append(steps, Step{m, note, do})
			}
		}
	}
	return steps
}

// Step is one thing to do about one metric.
type Step struct {
	Metric *judge.Metric
	Note   *Note
	Do     Do
}
