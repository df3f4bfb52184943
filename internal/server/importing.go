package server

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/pacer-perf/pacer/internal/format"
	"github.com/pacer-perf/pacer/internal/format/input"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/run"
)

// postImport serves POST /api/v1/import: the file of another tool as the body,
// of whatever type. What the file does not say, parameters do.
func (s *Server) postImport(w http.ResponseWriter, r *http.Request) error {
	b, err := s.bodyOf(w, r, s.Limits.Run)
	if err != nil {
		return err
	}
	defer b.close()
	text, err := b.all()
	if err != nil {
		return err
	}
	s.counters.bytes.Add(b.raw.bytes)
	src := &input.Source{Name: "the body", Reader: bytes.NewReader(text)}
	read := func() (runs []run.Run, err error) { _, runs, err = format.Read(src); return runs, err }
	f, _ := format.Detect(text[:min(len(text), input.HeadSize())]) // if it is of none, reading it tells
	if name := r.URL.Query().Get("format"); name != "" {
		if f, err = format.Named(name); err != nil {
			return refuse(http.StatusBadRequest, "formats: "+strings.Join(format.Names(), ", "), "%v", err)
		}
		read = func() ([]run.Run, error) { return f.Read(src) }
	}
	if err := tooManyParts(weightOfFile(text, f)); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), s.Limits.StoreTime)
	leave, err := s.room.take(ctx, mostHeld) // an estimate holds for what most formats make of a text
	cancel()
	if err != nil {
		return err
	}
	defer leave()
	runs, err := read()
	if err != nil {
		return unreadable(err)
	}
	if err := describe(runs, r); err != nil {
		return err
	}
	return s.keepRuns(w, r, runs)
}

// unreadable is the answer to a file that cannot be read.
func unreadable(err error) error {
	hint := ""
	if errors.Is(err, format.ErrUnknown) {
		hint = "name the format: ?format=; formats: " + strings.Join(format.Names(), ", ")
	}
	return &refusal{status: http.StatusBadRequest, text: err.Error(), hint: hint, cause: err}
}

// describe says of runs what the parameters of a request do. A run that is
// changed by it is another one than its file says, with an id of its own.
func describe(runs []run.Run, r *http.Request) error {
	q := r.URL.Query()
	var at time.Time
	if text := q.Get("time"); text != "" {
		var err error
		if at, err = input.Time(text); err != nil {
			return refuse(http.StatusBadRequest, "expected 2006-01-02T15:04:05Z, a date or Unix seconds", "time: %v", err)
		}
	}
	if len(runs) > 1 && (q.Get("commit") != "" || q.Get("version") != "" || !at.IsZero()) {
		return refuse(http.StatusBadRequest, "send them one by one", "commit, version and time are of one run: there are %d", len(runs))
	}
	for i := range runs {
		one, changed := &runs[i], false
		for _, f := range []struct {
			name string
			of   *string
		}{{"app", &one.App}, {"version", &one.Version}, {"commit", &one.Commit}, {"branch", &one.Branch}} {
			if v := q.Get(f.name); v != "" && v != *f.of {
				*f.of, changed = v, true
			}
		}
		if !at.IsZero() && !at.Equal(one.Timestamp) {
			one.Timestamp, changed = at, true
		}
		for _, label := range q["label"] {
			k, v, ok := strings.Cut(label, "=")
			if !ok || k == "" {
				return refuse(http.StatusBadRequest, "as label=dataset=1k", "label %.60q: expected KEY=VALUE", label)
			}
			if one.Labels == nil {
				one.Labels = make(map[string]string)
			}
			if one.Labels[k] != v {
				one.Labels[k], changed = v, true
			}
		}
		if !changed {
			continue
		}
		id, err := one.ContentID()
		if err != nil {
			return refuse(http.StatusBadRequest, "", "%v", err)
		}
		one.ID = id
	}
	return nil
}

// keepRuns keeps runs that were made of something else.
func (s *Server) keepRuns(w http.ResponseWriter, r *http.Request, runs []run.Run) error {
	in, err := s.take(r, runs)
	if err != nil {
		return err
	}
	in.answer(w)
	return nil
}

// take keeps the runs of one file. It keeps none of them if one cannot be kept at
// all: has nothing in it, or is another app's. Where the history fails in the
// middle, those of the transactions before that, chunkRuns of them in each, are
// kept: sending the file again adds the rest.
func (s *Server) take(r *http.Request, runs []run.Run) (*intake, error) {
	in := &intake{server: s, who: whoOf(r), kept: Kept{Runs: []string{}, Rejected: []Rejected{}}, judge: len(runs) <= judgedAtOnce}
	var entries []*history.Entry
	for i := range runs {
		one := &runs[i]
		if len(one.Metrics) == 0 && len(one.Failures) == 0 {
			return nil, refuse(http.StatusBadRequest, "", "there is nothing in it that was measured")
		}
		if err := in.check(one); err != nil {
			return nil, err
		}
		e, err := history.Pack(one)
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	var err error
	if in.store, err = s.made(r.Context()); err != nil {
		return nil, err
	}
	for len(entries) > 0 {
		n := min(len(entries), chunkRuns)
		outcomes, err := in.append(r.Context(), entries[:n])
		if err != nil {
			return nil, err
		}
		for i, o := range outcomes {
			if o.Err != nil {
				in.reject(&document{line: 1, entry: entries[i]}, o.Err)
			}
		}
		entries = entries[n:]
	}
	return in, nil
}
