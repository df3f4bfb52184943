package historic

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/pacer-perf/pacer/internal/dashboard"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/run"
)

// index is what is known of an app by the heads of its runs.
type index struct {
	app       dashboard.App
	heads     []run.Run      // newest first
	place     map[string]int // by id
	env       []string       // of heads: the key of the environment
	partial   bool           // there may be older runs
	set       []history.Baseline
	baselines string // that were set, in one word
	revision  string // of the history, of which it is right
	deleted   string // the part of that which tells of deletions
	losses    int    // how often runs were gone, or others under their ids
	stamp     string // is another one where heads or baselines are others
}

func newIndex(app string, heads []run.Run, baselines []history.Baseline) *index {
	x := &index{app: dashboard.App{Name: app, Runs: len(heads)}, heads: heads, place: make(map[string]int, len(heads)), env: make([]string, len(heads))}
	sum := sha256.New()
	for _, b := range baselines {
		if b.App == app {
			x.set = append(x.set, b)
			x.baselines += run.Key(b.Run, b.Labels) + "\x00"
		}
	}
	sum.Write([]byte(x.baselines))
	envs, branches := make(map[string]int), make(map[string]int)
	known := make(map[*run.Environment]map[string]environment) // heads share environments
	for i := range heads {
		h := &heads[i]
		x.place[h.ID] = i
		sum.Write(append([]byte(h.ID), 0))
		labels := run.Key("", h.Labels)
		e, ok := known[h.Environment][labels]
		if !ok {
			e = environmentOf(h)
			if known[h.Environment] == nil {
				known[h.Environment] = make(map[string]environment)
			}
			known[h.Environment][labels] = e
		}
		x.env[i] = e.key
		if _, ok := envs[e.key]; !ok {
			envs[e.key] = len(x.app.Environments)
			x.app.Environments = append(x.app.Environments, dashboard.Environment{Key: e.key, Name: e.name})
		}
		x.app.Environments[envs[e.key]].Runs++
		if _, ok := branches[h.Branch]; !ok {
			branches[h.Branch] = len(x.app.Branches)
			x.app.Branches = append(x.app.Branches, dashboard.Branch{Name: h.Branch})
		}
		x.app.Branches[branches[h.Branch]].Runs++
	}
	if len(heads) > 0 {
		x.app.Newest = heads[0].Timestamp
	}
	// Long-lived branches first: a hundred that were merged hide no main.
	slices.SortStableFunc(x.app.Branches, func(a, b dashboard.Branch) int { return cmp.Compare(b.Runs, a.Runs) })
	x.stamp = string(sum.Sum(nil))
	return x
}

func (x *index) head(id string) (*run.Run, bool) {
	i, ok := x.place[id]
	if !ok {
		return nil, false
	}
	return &x.heads[i], true
}

// environmentKey is the key of a run's environment.
func (x *index) environmentKey(id string) string { return x.env[x.place[id]] }

// selects tells whether the filter selects head i.
func (x *index) selects(f *dashboard.Filter, i int) bool {
	h := &x.heads[i]
	return (f.Branch == "" || h.Branch == f.Branch) && (f.Environment == "" || x.env[i] == f.Environment) &&
		(f.Text == "" || contains(h.Version, f.Text) || contains(h.Commit, f.Text) || contains(h.ID, f.Text) || contains(h.Branch, f.Text))
}

// contains ignores the case of letters.
func contains(s, part string) bool {
	return strings.Contains(strings.ToLower(s), strings.ToLower(part))
}

func (x *index) runs(f dashboard.Filter) dashboard.Runs {
	var out dashboard.Runs
	if x.partial {
		out.Newest = len(x.heads)
	}
	for i := range x.heads {
		if !x.selects(&f, i) {
			continue
		}
		if out.Total >= f.Skip && (f.Limit == 0 || len(out.Heads) < f.Limit) {
			out.Heads = append(out.Heads, x.heads[i])
		}
		out.Total++
	}
	return out
}

type environment struct{ key, name string }

// environmentOf names where a run was made and with which labels. Runs of one
// key are compared; memory is in whole GB, since machines of one size differ a
// little.
func environmentOf(h *run.Run) environment {
	var e run.Environment
	if h.Environment != nil {
		e = *h.Environment
	}
	e.Memory = int64(math.Round(float64(e.Memory)/(1<<30))) << 30
	e.Go, e.Host = "", ""
	identity, err := json.Marshal([]any{e, h.Labels})
	if err != nil {
		identity = fmt.Append(nil, e, h.Labels) // a number that JSON lacks
	}
	sum := sha256.Sum256(identity)
	slug := []string{e.OS, e.Arch}
	if e.Cores != 0 {
		slug = append(slug, fmt.Sprint(e.Cores, " cores"))
	}
	slug = append(slug, strings.Trim(run.Key("", h.Labels), "{}"), hex.EncodeToString(sum[:3]))
	slug = slices.DeleteFunc(slug, func(s string) bool { return s == "" })
	return environment{key: slugOf(slug), name: dashboard.EnvironmentName(h.Environment, h.Labels)}
}

// slugOf joins words to one that stands in a URL as it is.
func slugOf(words []string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r == '.' || r == '_' {
			return r
		}
		return '-'
	}, strings.Join(words, "-"))
}

func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}
