package server

import (
	"bytes"
	"net/http"
	"strconv"
	"time"

	"github.com/pacer-perf/pacer"
)

// counters measure the server with Pacer's own instruments.
type counters struct {
	rec                              *pacer.Recorder
	added, known, conflicts, invalid *pacer.Counter
	bytes, judged, failed            *pacer.Counter
}

func newCounters(rec *pacer.Recorder) *counters {
	outcome := func(word string) *pacer.Counter { return rec.Counter("server.runs", pacer.L("outcome", word)) }
	verdict := func(word string) *pacer.Counter { return rec.Counter("server.verdicts", pacer.L("outcome", word)) }
	return &counters{rec: rec, added: outcome("added"), known: outcome("known"), conflicts: outcome("conflict"), invalid: outcome("invalid"),
		bytes: rec.Counter("server.ingest.bytes"), judged: verdict("done"), failed: verdict("failed")}
}

// request counts one that was answered. An address that is no route counts as
// one, whatever it is.
func (c *counters) request(route string, status int, took time.Duration) {
	if c.rec == nil {
		return
	}
	if route == "" {
		route = "none"
	}
	c.rec.Timer("server.request", pacer.L("route", route), pacer.L("status", strconv.Itoa(status/100)+"xx")).Record(took)
}

// metricsPage serves GET /metrics: what the server measured of itself, as
// Prometheus reads it.
func (s *Server) metricsPage(w http.ResponseWriter, r *http.Request) error {
	if who := whoOf(r); who.App != "" {
		return refuse(http.StatusForbidden, "make one for all apps", "the token is for %s alone: this is about all apps", who.App)
	}
	store, err := s.keeper.get(r.Context(), false)
	if err == nil && store != nil {
		if n, err := store.Waiting(r.Context(), verdictKind); err == nil {
			s.Recorder.Gauge("server.verdicts.waiting").Set(float64(n))
		}
	}
	var b bytes.Buffer
	if err := s.Recorder.WritePrometheus(&b); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, err = w.Write(b.Bytes())
	return err
}
