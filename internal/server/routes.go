package server

import (
	"bufio"
	"io"
	"net/http"
	"strings"

	"github.com/pacer-perf/pacer/internal/access"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/run"
)

// route is one address of the API. What stands here is what the mux, the checks
// and the OpenAPI document are made of.
type route struct {
	method, path string
	role         access.Role // that it takes; "": none
	name         string      // of the operation
	summary      string
	params       []param
	bodies       []content      // that it takes; nil: none
	answers      map[int]answer // by status, beside errors
	intake       bool           // it takes runs in
	serve        func(*Server, http.ResponseWriter, *http.Request) error
}

// param is a parameter of a route: {name} in its path, else in the query.
type param struct{ name, about string }

// content is a body that a route takes.
type content struct {
	kind  string // media type
	of    any    // a value of the type that it decodes to; nil: anything
	about string
}

// answer is a body that a route answers with.
type answer struct {
	of    any // a value of the type that it is encoded from; nil: not JSON
	about string
}

var (
	appParam    = param{"app", "only of this app"}
	branchParam = param{"branch", "only of this branch"}
	sinceParam  = param{"since", "from this time or date on"}
	untilParam  = param{"until", "before this time or date"}
	idParam     = param{"id", "id of the run"}
	listParams  = []param{appParam, branchParam, {"version", "only of this version"}, {"commit", "only of commits that begin so"}, sinceParam, untilParam,
		{"limit", "at most so many: 1 to 1000, 100 by default"}, {"before", "what the answer before said in next"}}
)

// routes are all of the API, in the order of its document.
var routes = []route{
	{method: "GET", path: "/api/v1/apps", role: access.Read, name: "listApps", summary: "Apps that have runs", answers: ok(Apps{}, "By name."), serve: (*Server).getApps},

	{method: "GET", path: "/api/v1/runs", role: access.Read, name: "listRuns", summary: "Runs, newest first, without their metrics", params: listParams, answers: ok(Runs{}, "A page of them."), serve: (*Server).getRuns},
	{method: "POST", path: "/api/v1/runs", role: access.Ingest, name: "sendRuns", summary: "Keep a run, or one in each line; the same run again is known, not new",
		bodies:  []content{{"application/json", run.Run{}, "One run, pacer.run/v1."}, {"application/x-ndjson", nil, "A run in each line, pacer.run/v1."}},
		answers: map[int]answer{http.StatusOK: {Kept{}, "What became of them. A line that is no run is rejected, and no reason to reject the others."}, http.StatusCreated: {Kept{}, "The run is new, and kept."}},
		intake:  true, serve: (*Server).postRuns},
	{method: "GET", path: "/api/v1/runs/{id}", role: access.Read, name: "getRun", summary: "A whole run", params: []param{idParam}, answers: ok(run.Run{}, "The run, pacer.run/v1."), serve: (*Server).getRun},
	{method: "DELETE", path: "/api/v1/runs/{id}", role: access.Admin, name: "deleteRun", summary: "Delete a run that is no baseline", params: []param{idParam}, answers: map[int]answer{http.StatusNoContent: {nil, "It is no more."}}, serve: (*Server).deleteRun},
	{method: "POST", path: "/api/v1/import", role: access.Ingest, name: "importFile", summary: "Keep the results of another tool, in any format that pacer import reads",
		params: []param{{"format", "name of the format; by default the content tells"}, {"app", "whose runs they are"}, {"version", "that was measured"}, {"commit", "that was measured"}, {"branch", "that was measured"},
			{"time", "of the measurement"}, {"label", "KEY=VALUE of the runs; may be given again"}},
		bodies: []content{{"*/*", nil, "The file."}}, answers: map[int]answer{http.StatusOK: {Kept{}, "All of it was known."}, http.StatusCreated: {Kept{}, "Something of it is new, and kept."}}, intake: true, serve: (*Server).postImport},
	{method: "POST", path: otlpPath, role: access.Ingest, name: "exportMetrics", summary: "Keep metrics of OpenTelemetry: OTLP/HTTP; each service becomes a run",
		bodies:  []content{{protobufType, nil, "An ExportMetricsServiceRequest."}, {"application/json", nil, "An ExportMetricsServiceRequest."}},
		answers: map[int]answer{http.StatusOK: {nil, "An ExportMetricsServiceResponse, in the encoding of the request. Errors are a google.rpc.Status."}}, intake: true, serve: (*Server).postOTLP},

	{method: "GET", path: "/api/v1/metrics", role: access.Read, name: "listMetrics", summary: "What was measured", params: []param{appParam}, answers: ok(Metrics{}, "By app, name and unit."), serve: (*Server).getMetrics},
	{method: "GET", path: "/api/v1/series", role: access.Read, name: "getSeries", summary: "The history of a metric",
		params:  []param{{"metric", "required: its name, with its labels as in table.filter{rows=1000}"}, appParam, branchParam, {"unit", "of the metric"}, sinceParam, untilParam, {"last", "the newest points of each series: 1 to 20000; by default 1000, or fewer where that makes more than 50000 of all series"}},
		answers: ok(SeriesList{}, "A series for each app and set of labels of its runs, oldest point first."), serve: (*Server).getSeries},

	{method: "GET", path: "/api/v1/compare", role: access.Read, name: "compare", summary: "Judge a run against a baseline, now",
		params:  []param{{"run", "required: an id or the beginning of one, a version, a commit, latest, branch:NAME"}, {"baseline", "the same, or a rule: previous, branch:NAME, merge-base; by default that of the policy"}, appParam},
		answers: ok(judge.Verdict{}, "The verdict, pacer.verdict/v1."), serve: (*Server).getCompare},
	{method: "GET", path: "/api/v1/verdicts", role: access.Read, name: "listVerdicts", summary: "Verdicts on runs, newest run first", params: listParams, answers: ok(Verdicts{}, "A page of them."), serve: (*Server).getVerdicts},
	{method: "GET", path: "/api/v1/verdicts/{id}", role: access.Read, name: "getVerdict", summary: "The verdict on a run, which is worked out once", params: []param{idParam},
		answers: map[int]answer{http.StatusOK: {Verdict{}, "It is done, or was given up."}, http.StatusAccepted: {Verdict{}, "It is being worked out: ask again after Retry-After."}}, serve: (*Server).getVerdict},

	{method: "GET", path: "/api/v1/alerts", role: access.Read, name: "listAlerts", summary: "What got worse for good, and what was done about it", params: []param{appParam}, answers: ok(Alerts{}, "Those that began last first."), serve: (*Server).getAlerts},
	{method: "POST", path: "/api/v1/alerts/{id}/acts", role: access.Write, name: "act", summary: "Acknowledge, mute, accept, dismiss, fix, reopen, or undo that", params: []param{{"id", "of the alert"}},
		bodies: []content{{"application/json", NewAct{}, "What is done. The author is whose token it is."}}, answers: map[int]answer{http.StatusCreated: {history.Act{}, "The act as it is kept."}}, serve: (*Server).postAct},
	{method: "PUT", path: "/api/v1/baselines", role: access.Write, name: "setBaseline", summary: "Make a run the baseline of its app and labels",
		bodies: []content{{"application/json", BaselineChoice{}, "The run."}}, answers: ok(BaselineChoice{}, "It is set."), serve: (*Server).putBaseline},
	{method: "DELETE", path: "/api/v1/baselines", role: access.Write, name: "clearBaseline", summary: "Make a run the baseline no more: its app and labels then have none",
		params: []param{{"run", "required: id of the run that is the baseline"}}, answers: map[int]answer{http.StatusNoContent: {nil, "It is the baseline no more."}}, serve: (*Server).deleteBaseline},

	{method: "GET", path: "/api/v1/tokens", role: access.Admin, name: "listTokens", summary: "Tokens, without their secrets", answers: ok(Tokens{}, "Newest first."), serve: (*Server).getTokens},
	{method: "POST", path: "/api/v1/tokens", role: access.Admin, name: "createToken", summary: "Make a token; its secret is in this answer and nowhere else",
		bodies: []content{{"application/json", NewToken{}, "What it is for, and what it allows: ingest, read, write, admin."}}, answers: map[int]answer{http.StatusCreated: {MadeToken{}, "The token."}}, serve: (*Server).postToken},
	{method: "DELETE", path: "/api/v1/tokens/{id}", role: access.Admin, name: "revokeToken", summary: "Revoke a token, at once", params: []param{{"id", "of the token"}}, answers: ok(Token{}, "It lets nobody in any more."), serve: (*Server).deleteToken},
	{method: "GET", path: "/api/v1/audit", role: access.Admin, name: "listAudit", summary: "What was changed, by whom, newest first",
		params: []param{appParam, {"actor", "only by this one"}, {"action", "only this: token.create, run.delete"}, sinceParam, {"limit", "at most so many: 1 to 1000, 100 by default"}, {"before", "only entries before this id, as the answer before said in next"}}, answers: ok(AuditLog{}, "A page of it."), serve: (*Server).getAudit},

	{method: "GET", path: "/api/v1/openapi.json", name: "getOpenAPI", summary: "This document", answers: map[int]answer{http.StatusOK: {nil, "OpenAPI 3.1."}}},
	{method: "GET", path: "/healthz", name: "health", summary: "Whether the server is there", answers: map[int]answer{http.StatusOK: {nil, "It is."}}},
	{method: "GET", path: "/readyz", name: "ready", summary: "Whether the history can be reached", answers: map[int]answer{http.StatusOK: {nil, "It can."}}, serve: (*Server).ready},
	{method: "GET", path: "/metrics", role: access.Read, name: "selfMetrics", summary: "What the server measures of itself, as Prometheus reads it; not for tokens of one app", answers: map[int]answer{http.StatusOK: {nil, "Text, version 0.0.4."}}, serve: (*Server).metricsPage},
}

func ok(of any, about string) map[int]answer {
	return map[int]answer{http.StatusOK: {of, about}}
}

func init() {
	for i := range routes {
		switch r := &routes[i]; r.path {
		case "/api/v1/openapi.json":
			r.serve = (*Server).openAPI // which is made of the routes
		case "/healthz":
			r.serve = (*Server).health
		}
	}
}

// mount puts the routes, and the pages behind them, on a mux.
func (s *Server) mount(mux *http.ServeMux) {
	methods := make(map[string][]string)
	for i := range routes {
		rt := &routes[i]
		methods[rt.path] = append(methods[rt.path], rt.method)
		mux.HandleFunc(rt.method+" "+rt.path, func(w http.ResponseWriter, r *http.Request) { s.serveRoute(rt, w, r) })
	}
	for path, list := range methods {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Allow", strings.Join(list, ", "))
			s.fail(w, r, refuse(http.StatusMethodNotAllowed, "expected "+strings.Join(list, " or "), "%s is not for %.20q", path, r.Method))
		})
	}
	for _, path := range []string{"/api/", "/v1/"} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			s.fail(w, r, refuse(http.StatusNotFound, "what there is: GET /api/v1/openapi.json", "there is no such address"))
		})
	}
	mux.HandleFunc("/", s.servePages)
}

func (s *Server) serveRoute(rt *route, w http.ResponseWriter, r *http.Request) {
	noteOf(r).route = rt.name
	err := allow(whoOf(r), rt.role)
	if err == nil {
		err = rt.knows(r)
	}
	if err == nil && rt.intake {
		var leave func()
		if r, leave, err = s.enter(r); err == nil {
			defer leave()
		}
	} else if err == nil {
		var cancel func()
		r, cancel = s.wait(r)
		defer cancel()
	}
	if err == nil {
		err = rt.serve(s, w, r)
	}
	if err != nil {
		s.fail(w, r, err)
	}
}

// What a request holds in memory is bounded, and so is how many take runs in at
// once, how many of those are large, and how many large answers there are.
const mostIntakes, mostLarge, mostReads = 16, 4, 4

// begun is a body of which the first byte was waited for.
type begun struct {
	io.ReadCloser
	first *bufio.Reader
	err   error // in place of a first byte
}

func (b begun) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	return b.first.Read(p)
}

// enter waits until a request begins to send its body, and then for a place
// among those that take runs in.
func (s *Server) enter(r *http.Request) (_ *http.Request, leave func(), err error) {
	body := begun{ReadCloser: r.Body, first: bufio.NewReader(r.Body)}
	_, body.err = body.first.Peek(1)
	r = r.WithContext(r.Context())
	r.Body = body
	wait, cancel := s.wait(r)
	defer cancel()
	leave, err = s.intakes.take(wait.Context(), asker(r))
	return r, leave, err
}

// health serves GET /healthz. The pages' own says which history they show, by
// which pacer open finds them.
func (s *Server) health(w http.ResponseWriter, r *http.Request) error {
	if s.Pages != nil {
		s.UsePages(View{}, func(pages http.Handler) { pages.ServeHTTP(w, r) })
		return nil
	}
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok", "program": "pacer", "version": s.Version})
	return nil
}

// ready serves GET /readyz: whether the history can be reached.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) error {
	store, err := s.keeper.get(r.Context(), false)
	if err == nil && store != nil {
		_, err = store.HasTokens(r.Context())
	}
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, map[string]string{"status": "ready"})
	return nil
}
