package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/pacer-perf/pacer/internal/baseline"
	"github.com/pacer-perf/pacer/internal/format/input"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/run"
)

// Error is the answer to a request that was not served.
type Error struct {
	Error   string `json:"error"`             // what is wrong
	Hint    string `json:"hint,omitempty"`    // what to do
	Request string `json:"request,omitempty"` // names the request in the log
}

// refusal is an error that says with which status it is answered.
type refusal struct {
	status     int
	text, hint string
	after      time.Duration // when to try again; 0: no matter
	cause      error         // for the log
}

func (e *refusal) Error() string { return e.text }
func (e *refusal) Unwrap() error { return e.cause }

func refuse(status int, hint, format string, args ...any) *refusal {
	return &refusal{status: status, text: fmt.Sprintf(format, args...), hint: hint}
}

// nothing is the answer about whatever is not there, or not for who asks: the
// two are not to be told apart.
func nothing() *refusal {
	return refuse(http.StatusNotFound, "what there is: GET /api/v1/apps, GET /api/v1/runs", "there is nothing of that name")
}

// retryAfter is when to come back to a history that is away.
const retryAfter = 2 * time.Second

// refusalOf turns an error into its answer.
func refusalOf(err error) *refusal {
	var (
		r         *refusal
		large     *http.MaxBytesError
		conflict  *history.ConflictError
		pinned    *history.BaselineError
		stale     *history.StaleError
		act       *history.ActError
		syntax    *run.SyntaxError
		file      *input.Error
		ambiguous *baseline.AmbiguousError
		policy    *judge.PolicyError
		forked    *lineageError
	)
	with := func(status int, hint string) *refusal {
		return &refusal{status: status, text: err.Error(), hint: hint, cause: err}
	}
	switch {
	case errors.As(err, &r):
		return r
	case errors.As(err, &large):
		return refuse(http.StatusRequestEntityTooLarge, "send less at once, or compress it: Content-Encoding: zstd", "the body is larger than %d bytes", large.Limit)
	case errors.As(err, &conflict):
		return with(http.StatusConflict, "a run that was kept does not change: give this one an id of its own")
	case errors.As(err, &pinned):
		return with(http.StatusConflict, "clear it first: DELETE /api/v1/baselines?run="+url.QueryEscape(pinned.ID)+", or pacer baseline clear "+pinned.ID)
	case errors.As(err, &stale):
		return with(http.StatusConflict, "")
	case errors.As(err, &act), errors.As(err, &syntax), errors.As(err, &file), errors.As(err, &policy):
		return with(http.StatusBadRequest, "")
	case errors.As(err, &ambiguous):
		return with(http.StatusBadRequest, "write more of the id")
	case errors.As(err, &forked):
		return with(http.StatusBadRequest, "the server asks git in the folder in which it runs; name a baseline: ?baseline=RUN or branch:NAME")
	case errors.Is(err, history.ErrNotFound), errors.Is(err, history.ErrNone):
		return nothing()
	case full(err):
		return &refusal{status: http.StatusServiceUnavailable, text: "the history can only be read now, for its disk is full or its database has become read-only",
			hint: "the log of the server says which; send it again later: what was sent before and answered is kept", after: fullAfter, cause: err}
	case errors.Is(err, history.ErrUnavailable), errors.Is(err, context.DeadlineExceeded):
		return &refusal{status: http.StatusServiceUnavailable, text: "the history is not available now", hint: "try again in a moment: what was sent before and answered is kept", after: retryAfter, cause: err}
	}
	return &refusal{status: http.StatusInternalServerError, text: "something went wrong here", hint: "the log of the server says what", cause: err}
}

// fullAfter is when to come back to a history that somebody has to see to.
const fullAfter = 30 * time.Second

// full tells whether a history has no room to write to, or may not: a PostgreSQL
// that is a standby since its primary moved.
func full(err error) bool {
	var said interface{ SQLState() string }
	return errors.Is(err, history.ErrFull) || errors.As(err, &said) && said.SQLState() == "25006"
}

// fail answers with an error. It alone turns errors into statuses.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		return // nobody is there to be told
	}
	e := refusalOf(err)
	note := noteOf(r)
	note.err = err
	if e.after > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(e.after.Seconds()))))
	}
	if e.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="pacer"`)
	}
	if e.status == http.StatusRequestEntityTooLarge || e.status == http.StatusTooManyRequests {
		w.Header().Set("Connection", "close") // what is left of the body is not read
	}
	if isOTLP(r) {
		failOTLP(w, r, e)
		return
	}
	if s.failPage(w, r, err) {
		return
	}
	writeJSON(w, e.status, Error{Error: e.text, Hint: e.hint, Request: note.id})
}

// writeJSON answers with a value, whole or not at all.
func writeJSON(w http.ResponseWriter, status int, v any) { writeBody(w, status, encode(v)) }

// encode returns a value as a line of JSON.
func encode(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err) // answers are ours: they always encode
	}
	return b.Bytes()
}

func writeBody(w http.ResponseWriter, status int, text []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(text)
}

// number is a value that may be unknown: then it is not written.
type number float64

// IsZero tells encoding/json what to leave out.
func (n number) IsZero() bool { return math.IsNaN(float64(n)) || math.IsInf(float64(n), 0) }
