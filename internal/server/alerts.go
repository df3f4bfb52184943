package server

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/pacer-perf/pacer/internal/alert"
	"github.com/pacer-perf/pacer/internal/history"
)

// Alerts answers GET /api/v1/alerts: in each app the one that began last first.
type Alerts struct {
	Alerts []alert.Alert `json:"alerts"`
}

// NewAct is what is done about an alert.
type NewAct struct {
	Kind   history.ActKind `json:"kind"`
	Reason string          `json:"reason"`           // at least 8 characters
	Until  *history.Until  `json:"until,omitempty"`  // what ends muted
	Undoes int             `json:"undoes,omitempty"` // of undone: the number of the act
	Seen   int             `json:"seen,omitempty"`   // number of the newest act that one knows of; 0: no matter
}

func (s *Server) getAlerts(w http.ResponseWriter, r *http.Request) error {
	list, err := s.alerts(r, r.URL.Query().Get("app"))
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, Alerts{Alerts: list})
	return nil
}

// alerts are those of an app, "" for all, that who asks may see.
func (s *Server) alerts(r *http.Request, app string) ([]alert.Alert, error) {
	ctx := r.Context()
	src, err := s.reader(r)
	if err != nil {
		return nil, err
	}
	list := []alert.Alert{}
	if s.Alerts == nil {
		acts, err := src.Acts(ctx, history.ActFilter{App: app})
		for _, a := range history.Alerts(acts, s.Now()) {
			list = append(list, alert.Alert{ID: a.ID, State: a.State, Note: a.Ended, Finding: a.Finding, Acts: a.Acts})
		}
		return list, err
	}
	apps, err := src.Apps(ctx)
	if err != nil {
		return nil, err
	}
	for _, one := range apps {
		if app != "" && one.Name != app {
			continue
		}
		found, err := s.Alerts(ctx, viewOf(whoOf(r)), one.Name)
		if err != nil {
			return nil, err
		}
		list = append(list, found...)
	}
	for i := range list {
		if list[i].Acts == nil {
			list[i].Acts = []history.Act{}
		}
	}
	return list, nil
}

// postAct serves POST /api/v1/alerts/{id}/acts. The author is who asks.
func (s *Server) postAct(w http.ResponseWriter, r *http.Request) error {
	var in NewAct
	if err := s.readJSON(w, r, &in); err != nil {
		return err
	}
	list, err := s.alerts(r, "")
	if err != nil {
		return err
	}
	id := r.PathValue("id")
	i := slices.IndexFunc(list, func(a alert.Alert) bool { return a.ID == id })
	if i < 0 || in.Kind == history.Opened {
		return nothing()
	}
	act := history.Act{Alert: id, Kind: in.Kind, Author: whoOf(r).Actor(), Reason: in.Reason, Until: in.Until, Undoes: in.Undoes, Seen: in.Seen, Time: s.Now().UTC()}
	log := s.Acts(r)
	if len(list[i].Acts) == 0 && in.Seen == 0 {
		act, err = alert.Do(r.Context(), log, &list[i], act)
	} else {
		act, err = log.Act(r.Context(), act)
	}
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusCreated, act)
	return nil
}

// Acts takes what who makes a request does about alerts of the apps that they
// see. Each act is entered into the audit log.
func (s *Server) Acts(r *http.Request) alert.Log { return actLog{s, whoOf(r)} }

// Note enters into the audit log what who makes a request changed outside of
// the history: in a file. Without a history there is nothing to enter it into.
func (s *Server) Note(r *http.Request, action, app, subject string, detail map[string]string) error {
	store, err := s.keeper.get(r.Context(), false)
	if err != nil || store == nil {
		return err
	}
	who := whoOf(r)
	return store.Record(r.Context(), history.Audit{Actor: who.Actor(), Remote: who.Remote, Action: action, App: app, Subject: subject, Detail: detail})
}

type actLog struct {
	s   *Server
	who *Who
}

func (l actLog) Act(ctx context.Context, a history.Act) (history.Act, error) {
	store, err := l.s.existing(ctx)
	if err != nil {
		return a, err
	}
	app, id := "", a.Alert
	if a.Kind == history.Opened && a.Finding != nil {
		app, id = a.Finding.App, a.Finding.ID()
	} else {
		acts, err := store.Acts(ctx, history.ActFilter{Alert: a.Alert})
		if err != nil {
			return a, err
		}
		if len(acts) == 0 {
			return a, nothing()
		}
		app = acts[0].App
	}
	if !l.who.Sees(app) {
		return a, nothing()
	}
	return store.Act(audited(ctx, l.who, "alert."+string(a.Kind), app, id), a)
}

// mostJSON is the largest request that people or scripts write, in bytes.
const mostJSON = 64 << 10

// readJSON reads a request of one JSON value, without keys that are unknown.
func (s *Server) readJSON(w http.ResponseWriter, r *http.Request, v any) error {
	if _, err := wantType(r, "application/json"); err != nil {
		return err
	}
	b, err := s.bodyOf(w, r, mostJSON)
	if err != nil {
		return err
	}
	defer b.close()
	dec := json.NewDecoder(b)
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		var told *refusal
		var large *http.MaxBytesError
		if errors.As(err, &told) || errors.As(err, &large) {
			return err // of the body itself
		}
		return refuse(http.StatusBadRequest, "GET /api/v1/openapi.json says what is expected", "the body cannot be read: %s", clip(err.Error(), 200))
	}
	if dec.More() {
		return refuse(http.StatusBadRequest, "", "the body has more than one JSON value")
	}
	return nil
}

// BaselineChoice is a run that is to be the baseline of its app and labels.
type BaselineChoice struct {
	Run string `json:"run"` // its id
}

// putBaseline serves PUT /api/v1/baselines.
func (s *Server) putBaseline(w http.ResponseWriter, r *http.Request) error {
	var in BaselineChoice
	if err := s.readJSON(w, r, &in); err != nil {
		return err
	}
	ctx, who := r.Context(), whoOf(r)
	store, err := s.existing(ctx)
	if err != nil {
		return err
	}
	one, err := scope(store, who.App).Run(ctx, in.Run)
	if err != nil {
		return err
	}
	if err := store.SetBaseline(audited(ctx, who, "baseline.set", one.App, one.ID), one.ID); err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, in)
	return nil
}

// deleteBaseline serves DELETE /api/v1/baselines: of the run that is named, so
// that nobody clears one that was set meanwhile.
func (s *Server) deleteBaseline(w http.ResponseWriter, r *http.Request) error {
	id := r.URL.Query().Get("run")
	if id == "" {
		return refuse(http.StatusBadRequest, "DELETE /api/v1/baselines?run=ID", "run: expected the id of a run")
	}
	ctx, who := r.Context(), whoOf(r)
	store, err := s.existing(ctx)
	if err != nil {
		return err
	}
	one, err := scope(store, who.App).Run(ctx, id)
	if err != nil {
		return err
	}
	set, err := store.Baseline(ctx, one.App, one.Labels)
	switch {
	case errors.Is(err, history.ErrNotFound), err == nil && set != one.ID:
		return refuse(http.StatusNotFound, "one is set by PUT /api/v1/baselines", "run %.40s is no baseline", one.ID)
	case err != nil:
		return err
	}
	if err := store.ClearBaseline(audited(ctx, who, "baseline.clear", one.App, one.ID), one.App, one.Labels); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// AuditLog answers GET /api/v1/audit: newest first.
type AuditLog struct {
	Entries []history.Audit `json:"entries"`
	Next    string          `json:"next,omitempty"` // for before: where the next page begins
}

func (s *Server) getAudit(w http.ResponseWriter, r *http.Request) error {
	q := query{Values: r.URL.Query()}
	f := history.AuditFilter{App: q.Get("app"), Actor: q.Get("actor"), Action: q.Get("action"), Since: q.time("since"), Before: q.Get("before"), Limit: q.number("limit", usuallyListed, mostListed)}
	if q.err != nil {
		return q.err
	}
	who := whoOf(r)
	list := AuditLog{Entries: []history.Audit{}}
	store, err := s.keeper.get(r.Context(), false)
	if err != nil {
		return err
	}
	if who.App != "" && f.App != "" && f.App != who.App {
		store = nil // another app's: it is not there
	}
	if store != nil {
		if who.App != "" {
			f.App = who.App
		}
		most := f.Limit
		f.Limit++ // to know whether there is more
		entries, err := store.AuditLog(r.Context(), f)
		if err != nil {
			return err
		}
		if len(entries) > most {
			entries = entries[:most]
			list.Next = entries[most-1].ID
		}
		list.Entries = append(list.Entries, entries...)
	}
	writeJSON(w, http.StatusOK, list)
	return nil
}

// since is a time that may be unknown.
func since(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
