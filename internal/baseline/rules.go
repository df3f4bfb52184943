package baseline

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pacer-perf/pacer/internal/changepoint"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/parallel"
	"github.com/pacer-perf/pacer/run"
)

const (
	windowRuns = 10  // of a branch, that a run is compared with
	codeRuns   = 20  // of one commit or version, likewise
	seriesRuns = 200 // that change points are looked for in
)

// The rules that are no names of runs.
const (
	Previous  = "previous"
	MergeBase = "merge-base"
)

// IsRule tells a rule from a word that names runs.
func IsRule(word string) bool {
	branch, isBranch := strings.CutPrefix(word, "branch:")
	return word == "" || word == Previous || word == MergeBase || strings.HasPrefix(word, MergeBase+":") || isBranch && branch != ""
}

// Choose returns the runs that the current one is compared with by a rule:
//
//   - previous, or "": the run that was set for its app and labels, else the
//     newest earlier comparable run and those of the same commit and version
//   - branch:NAME: the last 10 runs of a branch before it; each metric counts
//     since its last change point there
//   - merge-base, merge-base:BRANCH: the runs of the commit that its commit
//     forked from, else of the nearest one before that has any
//   - a run's id: that run; a version or a commit: the comparable runs of it,
//     at most 20
//
// Only an id names a run that is later than the current one, or one of changes
// that were not committed. What a rule does not find is a *NoneError, what a
// word does not find history.ErrNotFound; previous finds what there is.
func Choose(ctx context.Context, src Source, q Question, rule string) (judge.Baseline, error) {
	if q.Find == nil {
		q.Find = changepoint.Find
	}
	branch, isBranch := strings.CutPrefix(rule, "branch:")
	switch {
	case rule == "" || rule == Previous:
		return previous(ctx, src, &q)
	case isBranch && branch != "":
		return window(ctx, src, &q, branch)
	case rule == MergeBase:
		return mergeBase(ctx, src, &q, "")
	case strings.HasPrefix(rule, MergeBase+":"):
		return mergeBase(ctx, src, &q, strings.TrimPrefix(rule, MergeBase+":"))
	}
	return named(ctx, src, &q, rule)
}

func previous(ctx context.Context, src Source, q *Question) (judge.Baseline, error) {
	current := q.Current
	id, err := src.Baseline(ctx, current.App, current.Labels)
	switch {
	case err == nil && id != current.ID:
		r, err := src.Run(ctx, id)
		return judge.Baseline{Runs: []*run.Run{&r}, Set: true, Chosen: "the baseline that was set", Warnings: doubtsOf(&r)}, err
	case err != nil && !errors.Is(err, history.ErrNotFound):
		return judge.Baseline{}, err
	}
	heads, err := src.Heads(ctx, history.Filter{App: current.App})
	if err != nil {
		return judge.Baseline{}, err
	}
	c := q.sift(before(heads, current))
	switch {
	case c.all() == 0:
		return judge.Baseline{First: true, Chosen: "no earlier run of this app and these labels"}, nil
	case len(c.fit) == 0:
		return judge.Baseline{Chosen: c.excuse("earlier ")}, nil
	}
	same := sameCode(c.fit)
	b := judge.Baseline{Chosen: "the newest earlier comparable run"}
	if n := len(same) - 1; n > 0 {
		b.Chosen += fmt.Sprintf(" and %s more of the same commit", count(n))
	}
	b.Runs, err = whole(ctx, src, same)
	return b, err
}

// sameCode returns the first run and those of its commit and version. Without
// a commit nobody knows what code it was: that run alone.
func sameCode(heads []run.Run) []run.Run {
	newest := heads[0]
	list := heads[:1:1]
	for _, h := range heads[1:] {
		if sameCommit(h.Commit, newest.Commit) && h.Version == newest.Version && len(list) < codeRuns {
			list = append(list, h)
		}
	}
	return list
}

// doubtsOf are the doubts about a run that a person chose.
func doubtsOf(r *run.Run) []string {
	if !r.Dirty {
		return nil
	}
	return []string{fmt.Sprintf("baseline: run %s measured changes that were not committed: what it is a measure of cannot be told", r.ID)}
}

func count(n int) string {
	if words := []string{"no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"}; n < len(words) {
		return words[n]
	}
	return fmt.Sprint(n)
}

// runs writes a number of runs: "run", "3 runs".
func runs(n int) string {
	if n == 1 {
		return "run"
	}
	return fmt.Sprintf("%d runs", n)
}

// named returns the runs that a word names, of those before the current one.
func named(ctx context.Context, src Source, q *Question, word string) (judge.Baseline, error) {
	all, err := src.Heads(ctx, history.Filter{App: q.App})
	if err != nil {
		return judge.Baseline{}, err
	}
	past := &earlier{Source: src, current: q.Current, heads: before(all, q.Current)}
	id, by, err := resolve(ctx, past, q.App, word)
	if err != nil {
		return judge.Baseline{}, err
	}
	if id == "" {
		// Is it that what it names does not qualify?
		past.dirtyToo = true
		if id, _, err := resolve(ctx, past, q.App, word); err == nil && id != "" {
			return judge.Baseline{}, &NoneError{Rule: word, Found: "its runs measured changes that were not committed",
				Hint: "name the run by its id: " + id}
		}
		return judge.Baseline{}, fmt.Errorf("run %q: %w", word, history.ErrNotFound)
	}
	b := judge.Baseline{Set: true, Chosen: "named " + word}
	if by == (history.Filter{}) {
		r, err := src.Run(ctx, id)
		b.Runs, b.Warnings = []*run.Run{&r}, doubtsOf(&r)
		return b, err
	}
	by.Limit = 0
	heads, err := past.Heads(ctx, by)
	if err != nil {
		return b, err
	}
	list, what := q.alike(heads), "version "+by.Version
	switch {
	case len(list) == 0:
		list = heads[:1] // the judge says how it differs
	case by.Version == "" && by.Commit == "": // latest
		list = list[:1]
	case by.Commit != "":
		what = "commit " + short(list[0].Commit)
		// An abbreviation may stand for several commits: of the newest.
		list = slices.DeleteFunc(list, func(h run.Run) bool { return !sameCommit(h.Commit, list[0].Commit) })
	}
	list = list[:min(len(list), codeRuns)]
	if len(list) > 1 {
		b.Chosen = fmt.Sprintf("the %s of %s", runs(len(list)), what)
	}
	b.Runs, err = whole(ctx, src, list)
	return b, err
}

// alike returns the runs that are comparable with the current one.
func (q *Question) alike(heads []run.Run) []run.Run {
	var list []run.Run
	for i := range heads {
		if len(q.Differences(&heads[i])) == 0 {
			list = append(list, heads[i])
		}
	}
	return list
}

// earlier is what a Source holds of before a run.
type earlier struct {
	Source
	current  *run.Run
	heads    []run.Run // before it, newest first
	dirtyToo bool      // also runs of changes that were not committed, where no id is given
}

func (e *earlier) Heads(_ context.Context, f history.Filter) ([]run.Run, error) {
	var list []run.Run
	for _, h := range e.heads {
		switch {
		case f.App != "" && h.App != f.App, f.Branch != "" && h.Branch != f.Branch, f.Version != "" && h.Version != f.Version,
			!strings.HasPrefix(strings.ToLower(h.ID), strings.ToLower(f.IDPrefix)),
			!strings.HasPrefix(strings.ToLower(h.Commit), strings.ToLower(f.Commit)),
			h.Dirty && f.IDPrefix == "" && !e.dirtyToo:
			continue
		}
		list = append(list, h)
		if len(list) == f.Limit {
			break
		}
	}
	return list, nil
}

// Run returns a run whenever it was made, for an id is never in doubt; but not
// the run itself.
func (e *earlier) Run(ctx context.Context, id string) (run.Run, error) {
	if id == e.current.ID {
		return run.Run{}, fmt.Errorf("run %s is the run itself: %w", id, history.ErrNotFound)
	}
	return e.Source.Run(ctx, id)
}

func short(commit string) string { return commit[:min(len(commit), 9)] }

// window returns the last runs of a branch before the current one. Runs of the
// current run's own commit are not its measure.
func window(ctx context.Context, src Source, q *Question, branch string) (judge.Baseline, error) {
	heads, err := src.Heads(ctx, history.Filter{App: q.Current.App})
	if err != nil {
		return judge.Baseline{}, err
	}
	earlier := before(heads, q.Current)
	own, there := 0, 0
	on := slices.DeleteFunc(slices.Clone(earlier), func(h run.Run) bool {
		if h.Branch != branch {
			return true
		}
		there++
		itself := !q.Current.Dirty && sameCommit(h.Commit, q.Current.Commit)
		if itself {
			own++
		}
		return itself
	})
	c := q.sift(on)
	if len(c.fit) == 0 {
		e := &NoneError{Rule: "branch:" + branch, Hint: "measure the branch first, or compare with another run: pacer log"}
		switch {
		case c.all() > 0:
			e.Found = c.excuse("earlier ")
		case own > 0:
			e.Found = "all its earlier runs are of the current run's own commit, " + short(q.Current.Commit)
		case there > 0:
			e.Found = "its earlier runs have other labels"
		default:
			e.Found = "no earlier run of this branch" + otherBranches(earlier)
		}
		return judge.Baseline{}, e
	}
	fit := c.fit[:min(len(c.fit), seriesRuns)]
	b := judge.Baseline{}
	if b.Runs, err = whole(ctx, src, fit[:min(len(fit), windowRuns)]); err != nil {
		return b, err
	}
	if b.Since, err = q.since(ctx, src, fit, b.Runs); err != nil {
		return b, err
	}
	q.trim(&b, branch)
	return b, nil
}

// otherBranches says which branches there are, the newest first.
func otherBranches(heads []run.Run) string {
	var names []string
	for _, h := range heads {
		if h.Branch != "" && !slices.Contains(names, h.Branch) {
			names = append(names, h.Branch)
		}
	}
	switch {
	case len(heads) == 0:
		return ", nor of any other"
	case len(names) == 0:
		return ": the runs do not say their branch"
	case len(names) > 5:
		names = append(names[:5], "...")
	}
	return ": there are runs of " + strings.Join(names, ", ")
}

// since returns for each metric with a change point among the window's runs
// from which of them on it counts. Change points are looked for in all of
// heads, which are newest first and end with the window.
func (q *Question) since(ctx context.Context, src Source, heads []run.Run, window []*run.Run) (map[string]int, error) {
	position := make(map[string]int, len(heads)) // from the oldest
	ids := make([]string, len(heads))
	for i, h := range heads {
		ids[i] = h.ID
		position[h.ID] = len(heads) - 1 - i
	}
	list, err := src.Series(ctx, history.SeriesFilter{App: q.Current.App, Runs: ids})
	if err != nil {
		return nil, err
	}
	first := len(heads) - len(window)
	since := make(map[string]int)
	steps, errs := make([][]changepoint.Point, len(list)), make([]error, len(list))
	newest := func(s *history.Series) string { return s.Points[len(s.Points)-1].Statistic }
	parallel.Each(len(list), func(i int) { // most of what a verdict costs
		values, tick := valuesOf(list[i].Points, newest(&list[i]))
		steps[i], errs[i] = q.Find(values, changepoint.Options{Tick: tick})
	})
	for i := range list {
		s := &list[i]
		if errs[i] != nil {
			return nil, fmt.Errorf("change points of %s: %w", s.Key(), errs[i])
		}
		if len(steps[i]) == 0 {
			continue
		}
		points, step := sameStatistic(s.Points, newest(s)), steps[i][len(steps[i])-1]
		level := min(max(step.Index, step.End), len(points)-1) // a drift has a level only after its end
		if from := position[points[level].Run.ID] - first; from > 0 {
			since[judge.Identity(s.Key(), s.Unit)] = from
		}
	}
	return since, nil
}

// sameStatistic returns the points whose center is a statistic: a median and a
// mean are no series.
func sameStatistic(points []history.Point, statistic string) []history.Point {
	n := 0
	for i := range points {
		if points[i].Statistic == statistic {
			n++
		}
	}
	if n == len(points) { // as they mostly are
		return points
	}
	list := make([]history.Point, 0, n)
	for i := range points {
		if points[i].Statistic == statistic {
			list = append(list, points[i])
		}
	}
	return list
}

// valuesOf returns the centers of points that are a statistic, and the coarsest
// tick among them.
func valuesOf(points []history.Point, statistic string) (values []float64, tick float64) {
	values = make([]float64, 0, len(points))
	for i := range points {
		if p := &points[i]; p.Statistic == statistic {
			values = append(values, p.Center)
			tick = max(tick, p.Resolution)
		}
	}
	return values, tick
}

// trim drops the runs that no metric of the current run counts, and says in
// words what is left.
func (q *Question) trim(b *judge.Baseline, branch string) {
	drop := len(b.Runs)
	for i := range q.Current.Metrics {
		m := &q.Current.Metrics[i]
		drop = min(drop, b.Since[judge.Identity(m.Key(), m.Unit)])
	}
	if len(q.Current.Metrics) == 0 {
		drop = 0
	}
	b.Runs = b.Runs[drop:]
	for key, from := range b.Since {
		if b.Since[key] = from - drop; from <= drop {
			delete(b.Since, key)
		}
	}
	b.Chosen = fmt.Sprintf("the last %s of branch %s", runs(len(b.Runs)), branch)
	if drop > 0 {
		b.Chosen += " since its last change point (" + dated(b.Runs[0]) + ")"
	}
	switch keys := slices.Sorted(maps.Keys(b.Since)); {
	case len(keys) == 1:
		name, _, _ := strings.Cut(keys[0], "\x00")
		b.Chosen += fmt.Sprintf("; %s since its own last change point (%s)", name, dated(b.Runs[b.Since[keys[0]]]))
	case len(keys) > 1:
		b.Chosen += fmt.Sprintf("; %d metrics since last change points of their own", len(keys))
	}
}

// dated names a run and its day.
func dated(r *run.Run) string {
	if r.Timestamp.IsZero() {
		return "run " + r.ID
	}
	return "run " + r.ID + ", " + r.Timestamp.UTC().Format("2006-01-02")
}

// mergeBase returns the runs of the commit that the current one forked from,
// else of the nearest before it. What was measured when does not matter: the
// order is that of the commits.
func mergeBase(ctx context.Context, src Source, q *Question, branch string) (judge.Baseline, error) {
	rule := MergeBase
	if branch != "" {
		rule += ":" + branch
	}
	none := func(found, hint string) (judge.Baseline, error) {
		return judge.Baseline{}, &NoneError{Rule: rule, Found: found, Hint: hint}
	}
	if q.Current.Commit == "" {
		return none("the current run does not say its commit", "measure inside the repository, or name a baseline: --baseline RUN")
	}
	if q.Lineage == nil {
		return none("there is no repository to ask", "name a baseline: --baseline RUN")
	}
	past, err := q.Lineage(ctx, q.Current.Commit, branch)
	if err != nil {
		return judge.Baseline{}, fmt.Errorf("%s: %w", rule, err)
	}
	if len(past.Commits) == 0 {
		return none("the commits have no ancestor in common", "name a baseline: --baseline RUN")
	}
	fork, first := past.Commits[0], 0
	if sameCommit(fork, q.Current.Commit) && !q.Current.Dirty {
		first = 1 // on the branch itself: its own runs are no measure
	}
	heads, err := src.Heads(ctx, history.Filter{App: q.Current.App})
	if err != nil {
		return judge.Baseline{}, err
	}
	nearest, found := nearestCommit(past.Commits[first:], q.sift(heads).fit)
	if len(found) == 0 {
		if _, list := nearestCommit(past.Commits[first:], heads); len(list) > 0 {
			if c := q.sift(list); c.all() > 0 {
				return none("of commit "+short(list[0].Commit)+": "+c.excuse(""), "measure that commit here and clean")
			}
		}
		what, older := "", len(past.Commits)-1
		switch {
		case first == 1 && older == 0:
			what = fmt.Sprintf("there is no commit before %s on %s", short(fork), past.Branch)
		case first == 1:
			what = fmt.Sprintf("no run of the %s before %s on %s", commits(older), short(fork), past.Branch)
		case older == 0:
			what = fmt.Sprintf("no run of commit %s, where %s forked from %s", short(fork), short(q.Current.Commit), past.Branch)
		default:
			what = fmt.Sprintf("no run of commit %s, where %s forked from %s, nor of the %s before it", short(fork), short(q.Current.Commit), past.Branch, commits(older))
		}
		if past.Shallow {
			return none(what+": the repository is a shallow clone", "git fetch --unshallow")
		}
		return none(what, "measure that commit, or compare with the branch: --baseline branch:"+past.Branch)
	}
	found = found[:min(len(found), codeRuns)]
	b := judge.Baseline{Chosen: fmt.Sprintf("the %s of commit %s, ", runs(len(found)), short(past.Commits[first+nearest]))}
	switch {
	case first == 1:
		b.Chosen += fmt.Sprintf("%s before %s on %s", commits(nearest+1), short(fork), past.Branch)
	case nearest == 0:
		b.Chosen += fmt.Sprintf("where %s forked from %s", short(q.Current.Commit), past.Branch)
	default:
		b.Chosen += fmt.Sprintf("the nearest with runs: %s before %s, where %s forked from %s", commits(nearest), short(fork), short(q.Current.Commit), past.Branch)
	}
	b.Runs, err = whole(ctx, src, found)
	return b, err
}

func commits(n int) string {
	if n == 1 {
		return "1 commit"
	}
	return fmt.Sprintf("%d commits", n)
}

// nearestCommit returns the index of the first commit that has runs among
// heads, and its runs.
func nearestCommit(commits []string, heads []run.Run) (int, []run.Run) {
	whole := make(map[string]int, len(commits))
	for i, c := range commits {
		whole[strings.ToLower(c)] = i
	}
	nearest := -1
	var found []run.Run
	for _, h := range heads {
		i, ok := whole[strings.ToLower(h.Commit)]
		if !ok {
			i = slices.IndexFunc(commits, func(c string) bool { return len(h.Commit) < len(c) && sameCommit(c, h.Commit) })
		}
		switch {
		case i < 0 || nearest >= 0 && i > nearest:
		case i == nearest:
			found = append(found, h)
		default:
			nearest, found = i, []run.Run{h}
		}
	}
	return nearest, found
}
