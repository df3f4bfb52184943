package dashboard

import (
	"context"
	"time"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/run"
)

// Source is what the pages show. It is read only, and its methods are called
// from many goroutines at once. What is not there is an error that is
// history.ErrNotFound; runs and verdicts that it returns are not changed.
type Source interface {
	// Apps returns the apps that were measured, the one with the newest run
	// first. Where there are many, what an App says of environments and branches
	// is left to App: see Detailed.
	Apps(ctx context.Context) ([]App, error)
	// Runs returns the runs of an app that a filter selects, newest first, without
	// their metrics and stages.
	Runs(ctx context.Context, f Filter) (Runs, error)
	// Find returns the run of an app that a word names, without metrics and
	// stages: its id or the beginning of it, a version, a commit, latest,
	// branch:NAME.
	Find(ctx context.Context, app, word string) (run.Run, error)
	// Run returns a whole run.
	Run(ctx context.Context, id string) (*run.Run, error)
	// Verdict judges a run against a baseline: runs by a word as in Find, or a
	// rule (previous, branch:NAME, merge-base); "" is the policy's.
	Verdict(ctx context.Context, id, baseline string) (*judge.Verdict, error)
	// Trends returns the last n values of each metric that a run has, it and the
	// comparable ones before it, oldest first.
	Trends(ctx context.Context, id string, n int) ([]Trend, error)
	// Series returns the history of one metric.
	Series(ctx context.Context, q SeriesQuery) (*Series, error)
	// Policy returns what an app is held to.
	Policy(ctx context.Context, app string) (*judge.Policy, error)
}

// App is an application that was measured.
type App struct {
	Name         string
	Runs         int
	Newest       time.Time
	Environments []Environment // the one with the newest run first
	Branches     []Branch      // likewise
}

// Environment is where an app was measured, and with which labels: only runs
// of one environment are one history.
type Environment struct {
	Key  string // stands for it in a URL
	Name string // for people: linux/amd64, AMD EPYC 7B13, 8 cores, dataset=1k
	Runs int
}

// Branch is a branch with runs; one without a name are runs that do not say
// theirs.
type Branch struct {
	Name string
	Runs int
}

// Filter selects runs of an app. The other fields select everything where they are
// empty.
type Filter struct {
	App                 string
	Environment, Branch string
	Text                string // is part of the version, the commit, the id or the branch
	Skip                int    // of the newest
	Limit               int    // 0: no limit
}

// Runs is a part of the runs that a filter selects.
type Runs struct {
	Heads  []run.Run
	Total  int // that the filter selects
	Newest int // of the app, which it selects from; 0: from all
}

// Trend is the last values of a metric.
type Trend struct {
	Key, Unit string
	Values    []float64 // oldest first
}

// SeriesQuery selects a history.
type SeriesQuery struct {
	App, Environment string
	Key              string // of the metric, as run.Key writes it
	Unit             string // "": the one it was measured in last
	Branch           string // "": all
	Statistic        string // "": the one that stands for the metric
	Last             int    // at most so many of the newest runs; 0: no limit
	From, To         string // ids of the first and the last run; "": no bound
}

// Series is the history of one metric in runs that are comparable with the
// newest of them.
type Series struct {
	Name, Unit string
	Labels     map[string]string
	Better     run.Better
	Statistic  string   // that values are
	Statistics []string // that there are values of
	Points     []Point  // oldest first
	Changes    []Change
	Total      int      // comparable runs there are, however many are asked for
	Left       []string // what was left out, and why
}

// Key is the metric's name and labels.
func (s *Series) Key() string { return run.Key(s.Name, s.Labels) }

// Point is what one run measured of a metric.
type Point struct {
	Run       judge.Head
	Value     float64
	Low, High float64 // interval around Value; NaN: not known
	Count     int64
	Apart     bool // of another branch than the rest
}

// Change is a place where the level moved for good: at the point Index or, as a
// drift, from it to End.
type Change struct {
	Index, End    int
	Before, After float64
	Low, High     float64 // interval of After over Before, where all values are positive
	Confidence    float64
	Drift         bool
}

// Detailed is a Source of so many runs that it looks at an app only when it is asked
// for.
type Detailed interface {
	// App returns an app, with its environments and branches.
	App(ctx context.Context, name string) (App, error)
}

// Located is a Source that knows where its data lie.
type Located interface {
	Location(ctx context.Context) (Location, error)
}

// Location is where the data lie.
type Location struct {
	Place string // a path, or another address without a password
	Bytes int64  // 0: not known
}

// Lagging is a Source that goes on with what it has when its data cannot be
// read. It returns the error and since when; no error: all is well.
type Lagging interface {
	Lag() (since time.Time, err error)
}
