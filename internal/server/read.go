package server

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/run"
)

// App is an app that has runs.
type App struct {
	Name   string    `json:"name"`
	Runs   int       `json:"runs"`
	Newest time.Time `json:"newest"` // time of its newest run
}

// Apps answers GET /api/v1/apps.
type Apps struct {
	Apps []App `json:"apps"`
}

// Runs answers GET /api/v1/runs: newest first.
type Runs struct {
	Runs []judge.Head `json:"runs"`
	Next string       `json:"next,omitempty"` // for before: the runs that follow; absent: there are none
}

// Metric is what runs of an app measured.
type Metric struct {
	App    string            `json:"app"`
	Name   string            `json:"name"`
	Labels map[string]string `json:"labels,omitempty"`
	Unit   string            `json:"unit"`
}

// Metrics answers GET /api/v1/metrics.
type Metrics struct {
	Metrics []Metric `json:"metrics"`
}

// reader is what who asks sees of the history.
func (s *Server) reader(r *http.Request) (history.Reader, error) {
	store, err := s.existing(r.Context())
	if errors.Is(err, history.ErrNone) {
		return none{}, nil
	}
	if err != nil {
		return nil, err
	}
	return scope(store, whoOf(r).App), nil
}

func (s *Server) getApps(w http.ResponseWriter, r *http.Request) error {
	src, err := s.reader(r)
	if err != nil {
		return err
	}
	apps, err := src.Apps(r.Context())
	if err != nil {
		return err
	}
	list := Apps{Apps: []App{}}
	for _, a := range apps {
		list.Apps = append(list.Apps, App{a.Name, a.Runs, a.Newest})
	}
	writeJSON(w, http.StatusOK, list)
	return nil
}

// mostListed is how many runs or verdicts one answer lists, and usuallyListed
// how many unless more are asked for.
const mostListed, usuallyListed = 1000, 100

func (s *Server) getRuns(w http.ResponseWriter, r *http.Request) error {
	heads, next, err := s.heads(r)
	if err != nil {
		return err
	}
	list := Runs{Runs: []judge.Head{}, Next: next}
	for i := range heads {
		list.Runs = append(list.Runs, judge.HeadOf(&heads[i]))
	}
	writeJSON(w, http.StatusOK, list)
	return nil
}

// heads returns the runs that the parameters of a request select, and where the
// next ones begin.
func (s *Server) heads(r *http.Request) (heads []run.Run, next string, err error) {
	q := query{Values: r.URL.Query()}
	f := history.Filter{App: q.Get("app"), Branch: q.Get("branch"), Version: q.Get("version"), Commit: q.Get("commit"),
		Since: q.time("since"), Until: q.time("until"), Before: q.position("before"), Limit: q.number("limit", usuallyListed, mostListed)}
	if q.err != nil {
		return nil, "", q.err
	}
	src, err := s.reader(r)
	if err != nil {
		return nil, "", err
	}
	most := f.Limit
	f.Limit++
	if heads, err = src.Heads(r.Context(), f); err != nil {
		return nil, "", err
	}
	if len(heads) > most {
		heads = heads[:most]
		next = cursor(history.PositionOf(&heads[most-1]))
	}
	return heads, next, nil
}

func (s *Server) getRun(w http.ResponseWriter, r *http.Request) error {
	src, err := s.reader(r)
	if err != nil {
		return err
	}
	leave, err := s.reads.take(r.Context(), asker(r))
	if err != nil {
		return err
	}
	defer leave()
	one, err := src.Run(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	text, err := one.Encode()
	if err != nil {
		return err
	}
	one = run.Run{}
	w.Header().Set("Content-Type", "application/json")
	_, err = w.Write(text)
	return err
}

// deleteRun serves DELETE /api/v1/runs/{id}.
func (s *Server) deleteRun(w http.ResponseWriter, r *http.Request) error {
	ctx, who, id := r.Context(), whoOf(r), r.PathValue("id")
	store, err := s.existing(ctx)
	if err != nil {
		return err
	}
	one, err := scope(store, who.App).Run(ctx, id)
	if err != nil {
		return err
	}
	if _, err := store.Delete(audited(ctx, who, "run.delete", one.App, id), id); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Server) getMetrics(w http.ResponseWriter, r *http.Request) error {
	src, err := s.reader(r)
	if err != nil {
		return err
	}
	metrics, err := src.Metrics(r.Context(), r.URL.Query().Get("app"))
	if err != nil {
		return err
	}
	list := Metrics{Metrics: []Metric{}}
	for _, m := range metrics {
		list.Metrics = append(list.Metrics, Metric{m.App, m.Name, m.Labels, m.Unit})
	}
	writeJSON(w, http.StatusOK, list)
	return nil
}

// query reads parameters, and keeps the first thing that is wrong with them.
type query struct {
	url.Values
	err error
}

func (q *query) fail(name, expected string) {
	if q.err == nil {
		q.err = refuse(http.StatusBadRequest, "", "%s=%.60s: expected %s", name, q.Get(name), expected)
	}
}

func (q *query) number(name string, usual, most int) int {
	text := q.Get(name)
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		q.fail(name, fmt.Sprintf("a number from 1 to %d", most))
		return usual
	}
	return n
}

func (q *query) time(name string) (t time.Time) {
	text := q.Get(name)
	if text == "" {
		return t
	}
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t
		}
	}
	q.fail(name, "a time, as 2026-01-31T15:04:05Z, or a date")
	return t
}

// cursor writes a position as text that stands in an address.
func cursor(p *history.Position) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(p.Time.UnixNano(), 10) + " " + p.ID))
}

func (q *query) position(name string) *history.Position {
	text := q.Get(name)
	if text == "" {
		return nil
	}
	plain, err := base64.RawURLEncoding.DecodeString(text)
	at, id, ok := strings.Cut(string(plain), " ")
	nanos, numberErr := strconv.ParseInt(at, 10, 64)
	if err = cmp.Or(err, numberErr); err != nil || !ok || !isText(id) {
		q.fail(name, "what the answer before said in next")
		return nil
	}
	return &history.Position{Time: time.Unix(0, nanos).UTC(), ID: id}
}

// wait bounds how long a request works with the history.
func (s *Server) wait(r *http.Request) (*http.Request, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(r.Context(), s.Limits.StoreTime)
	return r.WithContext(ctx), cancel
}
