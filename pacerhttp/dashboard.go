package pacerhttp

import (
	"log/slog"
	"maps"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/pacer-perf/pacer"
	"github.com/pacer-perf/pacer/internal/dashboard"
	"github.com/pacer-perf/pacer/internal/dashboard/running"
	"github.com/pacer-perf/pacer/internal/feed"
	"github.com/pacer-perf/pacer/internal/loopback"
)

// DashboardOption changes what a Dashboard shows and allows.
type DashboardOption func(*settings)

type settings struct {
	title     string
	ancestors []string
	hosts     []string
	budgets   map[string]pacer.Limit
	history   History
	editing   bool
	log       *slog.Logger
}

// WithTitle names what is shown; otherwise it is the recorder's app.
func WithTitle(title string) DashboardOption { return func(s *settings) { s.title = title } }

// WithBudgets holds metrics to limits that have no instrument which could bring
// its Budget along, by name and in the metric's unit: startup in seconds,
// memory.peak in bytes. They are shown, and alert nobody.
//
//	pacerhttp.WithBudgets(map[string]pacer.Limit{
//		"startup":     {Target: 2, Warning: 3, Critical: 5},
//		"memory.peak": {Target: 500 << 20},
//	})
func WithBudgets(budgets map[string]pacer.Limit) DashboardOption {
	budgets = maps.Clone(budgets)
	return func(s *settings) { s.budgets = budgets }
}

// WithHistory shows past runs beside the process: how each metric developed,
// and what changed between versions. See Folder.
func WithHistory(h History) DashboardOption { return func(s *settings) { s.history = h } }

// WithEditing lets whoever reaches the dashboard turn recording off and on, and
// keep a window of Live in the history. Without it the dashboard only reads.
func WithEditing() DashboardOption { return func(s *settings) { s.editing = true } }

// WithFrameAncestors lets pages of these origins show the dashboard in a frame,
// beside those of its own: "https://admin.example.org", "wails:" for a webview.
// They are written as in the directive frame-ancestors of a content security
// policy; without one, nobody may frame it, not even its own origin.
func WithFrameAncestors(sources ...string) DashboardOption {
	sources = slices.Clone(sources)
	return func(s *settings) {
		s.ancestors = []string{}
		if len(sources) > 0 {
			s.ancestors = append([]string{"'self'"}, sources...)
		}
	}
}

// WithHosts names hosts by which the dashboard is asked for on a loopback
// address, beside localhost: that of a proxy on the same machine which passes
// it on.
func WithHosts(hosts ...string) DashboardOption {
	hosts = slices.Clone(hosts)
	for i := range hosts {
		hosts[i] = strings.ToLower(hosts[i])
	}
	return func(s *settings) { s.hosts = append(s.hosts, hosts...) }
}

// WithLogger logs what goes wrong there; otherwise slog.Default does.
func WithLogger(log *slog.Logger) DashboardOption { return func(s *settings) { s.log = log } }

// Dashboard returns a handler that shows what a recorder measures: the metrics
// of the process and its operations with their budgets, where the time goes,
// what was over budget with traces and profiles of it, and all of that live.
//
// It stands under any path, with or without http.StripPrefix, for its addresses
// are relative:
//
//	mux.Handle("/settings/performance/", http.StripPrefix("/settings/performance", pacerhttp.Dashboard(rec)))
//
// With ?embed=1 its pages have no head and foot, to be framed in a page of the
// app; ./?embed=1&card=1 is a card of 320 by 180 pixels.
//
// While nobody looks it costs nothing: no goroutine, no timer. While somebody
// does, the recorder is read once a second; docs/live.md has figures. A nil
// recorder shows that recording is off.
//
// Whoever reaches the handler can read all of it, also what spans note of
// themselves and traces of breaches. Put it behind what guards the rest of the
// app. On a loopback address it answers to the names of this machine
// alone, so that no page from elsewhere can read it (DNS rebinding); requests
// that would change something are refused from other origins. Streams end with
// http.Server.Shutdown.
func Dashboard(rec *pacer.Recorder, options ...DashboardOption) http.Handler {
	var s settings
	for _, o := range options {
		o(&s)
	}
	config := running.Config{Feed: feed.New(feed.Config{Recorder: rec, Budgets: s.budgets}), Editing: s.editing}
	if s.history != nil {
		config.Past = running.Historic(s.history, config.Feed)
		if k, ok := s.history.(Keeper); ok {
			config.Keep = k.Keep
		}
	}
	pages := dashboard.New(dashboard.Config{
		Source: running.New(config), Version: version(), Name: s.title, FrameAncestors: s.ancestors, Log: s.log,
	})
	return loopback.Only(http.NewCrossOriginProtection().Handler(pages),
		"Open the dashboard as http://localhost, or let the app name the host: pacerhttp.WithHosts.", s.hosts...)
}

// version is Pacer's own, as the binary knows it.
func version() string {
	const module = "github.com/pacer-perf/pacer"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, m := range info.Deps {
		if m.Path == module {
			return m.Version
		}
	}
	if info.Main.Path == module {
		return info.Main.Version
	}
	return ""
}
