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
	"github.com/pacer-perf/pacer/run"
)

// index is what there is: the heads of all runs, and what is known of apps by
// them.
type index struct {
	revision  string
	baselines string               // that were set
	heads     []run.Run            // newest first
	place     map[string]int       // by id
	byApp     map[string][]run.Run // likewise newest first
	env       []string             // of heads: the key of the environment
	apps      []dashboard.App
}

func newIndex(heads []run.Run) *index {
	x := &index{heads: heads, place: make(map[string]int, len(heads)), byApp: make(map[string][]run.Run), env: make([]string, len(heads))}
	type group struct {
		app            *dashboard.App
		envs, branches map[string]int
	}
	groups := make(map[string]*group)
	var order []*group
	known := make(map[*run.Environment]map[string]environment) // heads share environments
	for i := range heads {
		h := &heads[i]
		x.place[h.ID] = i
		x.byApp[h.App] = append(x.byApp[h.App], *h)
		g := groups[h.App]
		if g == nil {
			g = &group{app: &dashboard.App{Name: h.App, Newest: h.Timestamp}, envs: make(map[string]int), branches: make(map[string]int)}
			groups[h.App] = g
			order = append(order, g)
		}
		g.app.Runs++
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
		if _, ok := g.envs[e.key]; !ok {
			g.envs[e.key] = len(g.app.Environments)
			g.app.Environments = append(g.app.Environments, dashboard.Environment{Key: e.key, Name: e.name})
		}
		g.app.Environments[g.envs[e.key]].Runs++
		if _, ok := g.branches[h.Branch]; !ok {
			g.branches[h.Branch] = len(g.app.Branches)
			g.app.Branches = append(g.app.Branches, dashboard.Branch{Name: h.Branch})
		}
		g.app.Branches[g.branches[h.Branch]].Runs++
	}
	for _, g := range order {
		// Long-lived branches first: a hundred that were merged hide no main.
		slices.SortStableFunc(g.app.Branches, func(a, b dashboard.Branch) int { return cmp.Compare(b.Runs, a.Runs) })
		x.apps = append(x.apps, *g.app)
	}
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
	return (f.App == "" || h.App == f.App) && (f.Branch == "" || h.Branch == f.Branch) && (f.Environment == "" || x.env[i] == f.Environment) &&
		(f.Text == "" || contains(h.Version, f.Text) || contains(h.Commit, f.Text) || contains(h.ID, f.Text) || contains(h.Branch, f.Text))
}

// contains ignores the case of letters.
func contains(s, part string) bool {
	return strings.Contains(strings.ToLower(s), strings.ToLower(part))
}

func (x *index) runs(f dashboard.Filter) dashboard.Runs {
	var out dashboard.Runs
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
