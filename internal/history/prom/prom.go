// Package prom reads a history out of what speaks the HTTP API of Prometheus:
// Prometheus, VictoriaMetrics, Mimir, Thanos. It only reads: a fleet stays in
// its own engine, which its apps send to or are scraped by.
//
// Such an engine keeps no runs. One is made of what an app in one version did
// in a window of time, an hour unless the address says otherwise: of a
// histogram, whatever its buckets, the observations of the window; of a counter
// what it grew by; of a gauge its mean, of a peak its maximum. Windows end on
// multiples of their width, so that the same window is the same run whenever it
// is asked for. All instances of an app are one.
//
// What an engine answers in part is an error: a baseline that lacks half of the
// fleet would be silently another one.
package prom

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/run"
)

// Store is a history in an engine. Its methods may be called from any
// goroutine.
type Store struct {
	api   api
	shown string
	// The labels that say of which app, version, commit and branch a series is.
	labels [4]string
	match  string // conditions that all series meet: env="prod"
	drop   []string
	step   time.Duration
	since  time.Duration
	now    func() time.Time

	mu    sync.Mutex
	given map[string]name // by the engine's name: what the address or the caller says
}

var (
	_ history.Reader = (*Store)(nil)
	_ history.Named  = (*Store)(nil)
)

const (
	app = iota
	version
	commit
	branch
)

// dropped are labels that tell instances apart, or how they were measured,
// never what was measured.
var dropped = []string{"instance", "job", "pod", "container", "namespace", "node", "host", "hostname", "endpoint", "replica", "prometheus", "prometheus_replica", "tenant",
	"otel_scope_name", "otel_scope_version", "otel_scope_schema_url", "scope.name", "scope.version", "service_instance_id", "service.instance.id", "service_namespace", "service.namespace",
	"telemetry_sdk_language", "telemetry_sdk_name", "telemetry_sdk_version", "telemetry.sdk.language", "telemetry.sdk.name", "telemetry.sdk.version"}

// maxWindows is how many windows a query may have: Prometheus refuses more
// than 11,000 points.
const maxWindows = 10_000

// Open makes a history of an address: prom+http://HOST:PORT/PATH, with what
// its query says:
//
//	app, version, commit, branch   names of the labels; as they are called here
//	match=env="prod"               conditions that all series meet
//	step=1h                        width of a window
//	since=14d                      how far back there is a history
//	drop=zone,rack                 labels that tell instances apart
//	metric=NAME,SERIES,UNIT        what a metric is called there; may be given again
//	tenant=NAME                    sent as X-Scope-OrgID
//
// A user and password are sent as such. Nothing is connected to yet.
func Open(address string) (*Store, error) {
	u, err := url.Parse(strings.TrimPrefix(address, "prom+"))
	if err != nil {
		return nil, errors.New("the address is no URL: expected prom+http://HOST:PORT")
	}
	s := &Store{shown: "prom+" + u.Redacted(), labels: [4]string{"app", "version", "commit", "branch"}, drop: dropped,
		step: time.Hour, since: 14 * 24 * time.Hour, now: time.Now, given: make(map[string]name)}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("%s: expected prom+http://HOST:PORT or prom+https://", s.shown)
	}
	if err := s.configure(u.Query()); err != nil {
		return nil, fmt.Errorf("%s: %w", s.shown, err)
	}
	s.api = api{base: u.Scheme + "://" + u.Host + strings.TrimSuffix(u.Path, "/"), tenant: u.Query().Get("tenant"), client: &http.Client{Timeout: time.Minute}}
	if u.User != nil {
		s.api.user = u.User
	}
	return s, nil
}

func (s *Store) configure(q url.Values) (err error) {
	for key, values := range q {
		value := values[len(values)-1]
		switch key {
		case "app", "version", "commit", "branch":
			i := map[string]int{"app": app, "version": version, "commit": commit, "branch": branch}[key]
			s.labels[i] = value
		case "match":
			s.match = value
		case "step":
			if s.step, err = duration(value); err != nil || s.step < time.Second {
				return fmt.Errorf("step=%s: expected a time of a second or more, as in 30s, 15m, 1h or 1d", value)
			}
		case "since":
			if s.since, err = duration(value); err != nil {
				return fmt.Errorf("since=%s: expected a time, as in 12h or 14d", value)
			}
		case "drop":
			s.drop = append(append([]string{}, s.drop...), strings.Split(value, ",")...)
		case "metric":
			for _, value := range values {
				parts := strings.Split(value, ",")
				if len(parts) < 2 || len(parts) > 3 || parts[0] == "" || parts[1] == "" {
					return fmt.Errorf("metric=%s: expected NAME,SERIES or NAME,SERIES,UNIT, as in track.process,app_track_seconds,s", value)
				}
				n := name{metric: parts[0]}
				if len(parts) == 3 {
					n.unit, n.hasUnit = parts[2], true
				}
				s.given[parts[1]] = n
			}
		case "tenant":
		default:
			return fmt.Errorf("unknown parameter %q: expected app, version, commit, branch, match, step, since, drop, metric or tenant", key)
		}
	}
	if s.since/s.step > maxWindows {
		return fmt.Errorf("since=%v in steps of %v are %d windows: at most %d; make step larger or since smaller", s.since, s.step, s.since/s.step, maxWindows)
	}
	return nil
}

// duration reads 30s, 15m, 12h, 14d, 2w.
func duration(text string) (time.Duration, error) {
	if d, err := time.ParseDuration(text); err == nil {
		return d, nil
	}
	days := map[byte]time.Duration{'d': 24 * time.Hour, 'w': 7 * 24 * time.Hour}
	if n := len(text); n > 1 && days[text[n-1]] > 0 {
		v, err := strconv.Atoi(text[:n-1])
		return time.Duration(v) * days[text[n-1]], err
	}
	return 0, errors.New("no duration")
}

// Names tells how metrics are called in runs: a name there does not say all of
// it.
func (s *Store) Names(metrics []run.Metric) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range metrics {
		m := &metrics[i]
		for _, series := range seriesNames(m.Name, m.Unit) {
			if _, said := s.given[series]; !said {
				s.given[series] = name{metric: m.Name, unit: m.Unit, hasUnit: true, better: m.Better}
			}
		}
	}
}

// Address is the address without a password.
func (s *Store) Address() string { return s.shown }

// Close does nothing: there is no connection that stays.
func (s *Store) Close() error { return nil }

// Baseline finds none: an engine has no place for it.
func (s *Store) Baseline(_ context.Context, app string, _ map[string]string) (string, error) {
	return "", fmt.Errorf("baseline of %s: %w", app, history.ErrNotFound)
}

// Baselines are none.
func (s *Store) Baselines(context.Context) ([]history.Baseline, error) { return nil, nil }

// Acts are none.
func (s *Store) Acts(context.Context, history.ActFilter) ([]history.Act, error) { return nil, nil }
