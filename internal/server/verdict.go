package server

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/pacer-perf/pacer/internal/baseline"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/run"
)

// Verdict says where the verdict on a run is, and what it is.
type Verdict struct {
	Run     judge.Head     `json:"run"`
	State   string         `json:"state"` // waiting, done, given up
	Reason  string         `json:"reason,omitempty"`
	Verdict *judge.Verdict `json:"verdict,omitempty"`
}

// VerdictHead is a verdict in a list.
type VerdictHead struct {
	Run     judge.Head `json:"run"`
	State   string     `json:"state"`             // waiting, done, given up, none: nobody asked yet
	Verdict judge.Word `json:"verdict,omitempty"` // of those that are done
	Reasons []string   `json:"reasons,omitempty"`
}

// Verdicts answers GET /api/v1/verdicts: newest run first.
type Verdicts struct {
	Verdicts []VerdictHead `json:"verdicts"`
	Next     string        `json:"next,omitempty"`
}

// caseOf is what there is to judge of a run: the baseline that a word names, ""
// for the policy's rule, and the history that it continues, as pacer check has
// it.
func (s *Server) caseOf(ctx context.Context, src baseline.Source, current *run.Run, word string) (judge.Case, error) {
	none := judge.Case{}
	p, err := s.Policy(current.App)
	if err != nil {
		return none, err
	}
	q := baseline.Question{Current: current, App: current.App, AnyEnvironment: p.AnyEnvironment, Lineage: s.lineage()}
	rule := word
	if rule == "" {
		rule = p.Baseline
	}
	b, err := baseline.Choose(ctx, src, q, rule)
	if word == "" && errors.Is(err, history.ErrNotFound) {
		// What the policy's rule does not find is a baseline without runs.
		why := err.Error()
		if first, e := baseline.Choose(ctx, src, q, baseline.Previous); e == nil && first.First {
			b, err = first, nil
		} else {
			b, err = judge.Baseline{Chosen: why}, nil
		}
	}
	if err != nil {
		return none, err
	}
	past, err := baseline.History(ctx, src, q, rule)
	if err != nil {
		return none, err
	}
	return judge.Case{Current: current, Baseline: b, History: past, Policy: p.For(current.App), Now: s.Now()}, nil
}

// lineageError is that version control, which merge-base asks, does not say where
// a commit forked: the server is in no repository, or not in that of the app.
type lineageError struct{ error }

func (e *lineageError) Unwrap() error { return e.error }

// lineage is Lineage, with errors that can be told from those of the server.
func (s *Server) lineage() baseline.Lineage {
	if s.Lineage == nil {
		return nil
	}
	return func(ctx context.Context, commit, branch string) (baseline.Ancestry, error) {
		past, err := s.Lineage(ctx, commit, branch)
		if err != nil && ctx.Err() == nil {
			err = &lineageError{err}
		}
		return past, err
	}
}

// before is a history up to a time, and no further back than a verdict looks.
type before struct {
	history.Reader
	until time.Time
}

func (b *before) Heads(ctx context.Context, f history.Filter) ([]run.Run, error) {
	if f.Limit == 0 {
		f.Limit = mostJudged
	}
	if f.IDPrefix == "" && (f.Until.IsZero() || f.Until.After(b.until)) {
		f.Until = b.until
	}
	return b.Reader.Heads(ctx, f)
}

// mostJudged is how many runs a verdict looks back on.
const mostJudged = 2000

// verdictOf judges a run.
func (s *Server) verdictOf(ctx context.Context, src history.Reader, current *run.Run, word string) (*judge.Verdict, error) {
	until := current.Timestamp
	if until.IsZero() {
		until = s.Now()
	}
	c, err := s.caseOf(ctx, &before{src, until.Add(1)}, current, word)
	if err != nil {
		return nil, err
	}
	v, err := judge.Judge(c)
	if err != nil {
		return nil, err
	}
	return &v, nil
}

// getCompare serves GET /api/v1/compare: a verdict worked out while one waits.
func (s *Server) getCompare(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	word := q.Get("run")
	if word == "" {
		return refuse(http.StatusBadRequest, "what there is: GET /api/v1/runs", "run: expected an id or the beginning of one, a version, a commit, latest, or branch:NAME")
	}
	src, err := s.reader(r)
	if err != nil {
		return err
	}
	leave, err := s.comparing.take(r.Context(), asker(r))
	if err != nil {
		return err
	}
	defer leave()
	current, err := baseline.Find(r.Context(), &before{src, s.Now().AddDate(100, 0, 0)}, q.Get("app"), word)
	if err != nil {
		return err
	}
	v, err := s.verdictOf(r.Context(), src, &current, q.Get("baseline"))
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, v)
	return nil
}

func (s *Server) getVerdicts(w http.ResponseWriter, r *http.Request) error {
	heads, next, err := s.heads(r)
	if err != nil {
		return err
	}
	list := Verdicts{Verdicts: []VerdictHead{}, Next: next}
	if len(heads) > 0 {
		ids := make([]string, len(heads))
		for i := range heads {
			ids[i] = heads[i].ID
		}
		store, err := s.existing(r.Context())
		if err != nil {
			return err
		}
		jobs, err := store.Jobs(r.Context(), verdictKind, ids...)
		if err != nil {
			return err
		}
		for i := range heads {
			one := VerdictHead{Run: judge.HeadOf(&heads[i]), State: "none"}
			if j, ok := jobs[heads[i].ID]; ok {
				one.State = stateOf(&j)
				if v := resultOf(&j); v != nil {
					one.Verdict, one.Reasons = v.Verdict, v.Reasons
				}
			}
			list.Verdicts = append(list.Verdicts, one)
		}
	}
	writeJSON(w, http.StatusOK, list)
	return nil
}

// getVerdict serves GET /api/v1/verdicts/{id}: the verdict that was worked out
// once for all who ask. Where nobody asked yet, it is asked for.
func (s *Server) getVerdict(w http.ResponseWriter, r *http.Request) error {
	ctx, id := r.Context(), r.PathValue("id")
	store, err := s.existing(ctx)
	if err != nil {
		return err
	}
	head, err := scope(store, whoOf(r).App).Run(ctx, id)
	if err != nil {
		return err
	}
	j, err := store.Job(ctx, verdictKind, id)
	if errors.Is(err, history.ErrNotFound) {
		if _, err = store.Enqueue(ctx, history.Task{Kind: verdictKind, Key: id}); err != nil {
			return err
		}
		s.judging.wake()
		j = history.Job{State: history.JobWaiting}
	} else if err != nil {
		return err
	}
	out := Verdict{Run: judge.HeadOf(&head), State: stateOf(&j), Reason: j.Reason, Verdict: resultOf(&j)}
	status := http.StatusOK
	if out.State == "waiting" {
		w.Header().Set("Retry-After", "1")
		status = http.StatusAccepted
	}
	writeJSON(w, status, out)
	return nil
}

func stateOf(j *history.Job) string {
	if j.State == history.JobLeased {
		return string(history.JobWaiting)
	}
	return string(j.State)
}

// resultOf is the verdict of a job that is done; nil, if there is none.
func resultOf(j *history.Job) *judge.Verdict {
	if j.State != history.JobDone {
		return nil
	}
	var v judge.Verdict
	if json.Unmarshal(j.Result, &v) != nil || v.Schema == "" {
		return nil
	}
	return &v
}
