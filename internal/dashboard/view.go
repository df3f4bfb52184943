package dashboard

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/pacer-perf/pacer/internal/nearest"
	"github.com/pacer-perf/pacer/run"
)

// view is what every page has.
type view struct {
	Title   string // of the window: begins with what matters
	Path    string // of the page
	Site    string // what is shown: the app
	Version string // of Pacer
	Notice  string
	Assets  string // what the addresses of files end in
	Nav     []navItem
	Bars    []bar
	Exports []Link // of this page
	Embed   bool   // within another page: without head and foot
	Card    bool   // the smallest form of all

	Account *Account // nil: nobody is asked

	App   *App // nil: nothing was measured
	Apps  []App
	Query url.Values
	Now   time.Time
	May   Editing // what whoever looks may change
}

type navItem struct {
	Title, Href, Key string
	Current          bool
	Count            int // of what waits there
}

// Link is a place to go.
type Link struct{ Text, Href string }

// bar is a message above the page.
type bar struct {
	Class string // critical, warning, plain
	Text  string
	Link  *Link
	Acts  []Link // what can be done about it
}

// kept are the parameters that go along from page to page.
var kept = []string{"app", "env", "branch", "base", "embed"}

// bare is a view that needs no source.
func (h *Handler) bare(r *http.Request) view {
	q := r.URL.Query()
	_, hash := assets()
	v := view{
		Path: lastPart(r.URL.Path), Site: h.Name, Version: h.Version, Notice: h.Notice, Assets: "?v=" + hash,
		Embed: q.Get("embed") == "1", Query: q, Now: h.Now(), May: h.editing(r),
	}
	v.Card = v.Embed && q.Get("card") == "1"
	account := h.account(r)
	if h.Accounts != nil {
		v.Account = &account
	}
	for _, p := range pages() {
		if p.title != "" && h.shows(&p) && h.lets(&p, account) {
			v.Nav = append(v.Nav, navItem{Title: p.title, Href: v.Link(p.path), Key: p.key, Current: p.path == v.Path})
		}
	}
	return v
}

func lastPart(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// view is what a page of an app begins with. The app is the one that is asked
// for, else the one that was measured last.
func (h *Handler) view(r *http.Request) (view, error) {
	v := h.bare(r)
	var err error
	if v.Apps, err = h.Source.Apps(r.Context()); err != nil {
		return v, err
	}
	if l, ok := h.Source.(Lagging); ok {
		if since, err := l.Lag(); err != nil {
			v.Bars = append(v.Bars, bar{Class: "critical", Text: fmt.Sprintf("The history cannot be read; this is what was known %s. %v", ago(since, v.Now), err)})
		}
	}
	name := v.Query.Get("app")
	for i := range v.Apps {
		if v.Apps[i].Name == name || name == "" && i == 0 {
			v.App = &v.Apps[i]
			break
		}
	}
	if d, ok := h.Source.(Detailed); ok && v.App != nil && v.App.Branches == nil {
		app, err := d.App(r.Context(), v.App.Name)
		if err != nil {
			return v, err
		}
		v.App = &app
	}
	if v.App == nil && name != "" && len(v.Apps) > 0 {
		var names []string
		for _, a := range v.Apps {
			names = append(names, a.Name)
		}
		p := &problem{status: http.StatusNotFound, Title: "No runs of " + name, Text: "There is no app of that name in the history."}
		for _, near := range nearest.Words(name, names, len(name), 3) {
			p.Near = append(p.Near, Link{near, "./?" + url.Values{"app": {near}}.Encode()})
		}
		return v, p
	}
	if v.App != nil {
		v.Site = cmp.Or(h.Name, v.App.Name, "unnamed app")
		v.May.ofApp(r.Context(), v.App.Name)
	}
	for i := range v.Nav {
		if v.Nav[i].Title == "Regressions" {
			v.Nav[i].Count = h.open(r.Context(), &v)
		}
	}
	return v, nil
}

// appName is the app that is shown, as far as it must be named: "" where there
// is one alone.
func (v *view) appName() string {
	if v.App == nil {
		return ""
	}
	return v.App.Name
}

// Link is the address of a page with parameters: names and values in turn. The
// filters go along; "" takes one away.
func (v *view) Link(path string, pairs ...string) string {
	q := make(url.Values)
	for _, name := range kept {
		if value := v.Query.Get(name); value != "" {
			q.Set(name, value)
		}
	}
	return address(path, q, pairs)
}

// With is the address of this page with other parameters.
func (v *view) With(pairs ...string) string {
	q := make(url.Values)
	for name, values := range v.Query {
		if len(values) > 0 && values[0] != "" {
			q.Set(name, values[0])
		}
	}
	return address(v.Path, q, pairs)
}

// Here is the address of something else with all parameters of this page.
func (v *view) Here(path string) string {
	other := *v
	other.Path = path
	return other.With("embed", "")
}

func address(path string, q url.Values, pairs []string) string {
	for i := 0; i+1 < len(pairs); i += 2 {
		if q.Del(pairs[i]); pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	if path == "" {
		path = "./"
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// Hidden are the parameters that a form of this page must send along, beside
// its own fields.
func (v *view) Hidden(own ...string) []Link {
	var list []Link
	for name, values := range v.Query {
		if len(values) > 0 && values[0] != "" && !slices.Contains(own, name) {
			list = append(list, Link{Text: name, Href: values[0]})
		}
	}
	slices.SortFunc(list, func(a, b Link) int { return strings.Compare(a.Text, b.Text) })
	return list
}

// choice is a selection of one of several.
type choice struct {
	Name, Label string
	Options     []option
}

type option struct {
	Value, Text string
	Selected    bool
}

// choose makes a choice. A value that is not among the options is offered as
// well, so that what the address says is seen.
func (v *view) choose(name, label string, options ...option) choice {
	c := choice{Name: name, Label: label, Options: options}
	value := v.Query.Get(name)
	found := false
	for i := range c.Options {
		c.Options[i].Selected = c.Options[i].Value == value
		found = found || c.Options[i].Selected
	}
	if !found {
		c.Options = append(c.Options, option{Value: value, Text: value, Selected: true})
	}
	return c
}

// one returns a parameter if it is among the values, else the first of them,
// and says so above the page.
func (v *view) one(name string, values ...string) string {
	got := v.Query.Get(name)
	if got == "" || slices.Contains(values, got) {
		return cmp.Or(got, values[0])
	}
	v.Bars = append(v.Bars, bar{Class: "plain", Text: fmt.Sprintf("%s=%s is not known here: expected %s.", name, got, strings.Join(slices.DeleteFunc(values, func(s string) bool { return s == "" }), ", "))})
	v.Query.Del(name)
	return values[0]
}

// filter is the filter of runs that the address asks for.
func (v *view) filter() Filter {
	return Filter{App: v.appName(), Environment: v.Query.Get("env"), Branch: v.Query.Get("branch")}
}

// environments, branches: the choices of every page with filters.
func (v *view) filters() []choice {
	if v.App == nil {
		return nil
	}
	var list []choice
	if len(v.Apps) > 1 {
		c := choice{Name: "app", Label: "App"}
		for _, a := range v.Apps {
			c.Options = append(c.Options, option{Value: a.Name, Text: cmp.Or(a.Name, "unnamed app"), Selected: a.Name == v.App.Name})
		}
		list = append(list, c)
	}
	if len(v.App.Environments) > 1 || v.Query.Get("env") != "" {
		options := []option{{Value: "", Text: "newest run's"}}
		for _, e := range v.App.Environments {
			options = append(options, option{Value: e.Key, Text: e.Name})
		}
		list = append(list, v.choose("env", "Environment", options...))
	}
	if len(v.App.Branches) > 1 || v.Query.Get("branch") != "" {
		options := []option{{Value: "", Text: "all"}}
		for _, b := range v.App.Branches {
			if b.Name != "" {
				options = append(options, option{Value: b.Name, Text: b.Name})
			}
		}
		list = append(list, v.choose("branch", "Branch", options...))
	}
	return list
}

// newest returns the head of the run that the address asks for: the one it
// names, else the newest that the filter selects; false if there is none.
func (h *Handler) newest(ctx context.Context, v *view) (head run.Run, ok bool, err error) {
	if word := v.Query.Get("run"); word != "" {
		head, err = h.Source.Find(ctx, v.appName(), word)
		return head, err == nil, err
	}
	f := v.filter()
	f.Limit = 1
	list, err := h.Source.Runs(ctx, f)
	if err != nil || len(list.Heads) == 0 {
		return head, false, err
	}
	return list.Heads[0], true, nil
}
