package server

import (
	"context"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/pacer-perf/pacer/internal/alert"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/run"
)

// What got worse is told to those who see the app, and whoever may write acts on
// it by the name of the token, also as the first one.
func TestAlerts(t *testing.T) {
	t.Parallel()
	finding := history.Finding{App: "app", Name: "startup", Unit: "s", Better: run.Lower, Run: "R00000000", Why: "regressed", Before: 1, After: 2}
	var h *harness
	h = newHarness(t, func(c *Config) {
		c.Alerts = func(ctx context.Context, _ View, app string) ([]alert.Alert, error) {
			if app != "app" {
				return nil, nil
			}
			acts, err := h.store.Acts(ctx, history.ActFilter{App: app})
			return []alert.Alert{{ID: finding.ID(), State: history.StateOpen, Finding: finding, Acts: acts}}, err
		}
	})
	ingest := h.token("", "ingest")
	h.want(200, nil, "POST", "/api/v1/runs", ingest, lined("app", 0, 1), "Content-Type", "application/x-ndjson")
	h.want(200, nil, "POST", "/api/v1/runs", ingest, lined("other", 1, 2), "Content-Type", "application/x-ndjson")

	mine, others, reader := h.token("app", "write"), h.token("other", "write"), h.token("app", "read")
	path := "/api/v1/alerts/" + finding.ID() + "/acts"
	act, err := json.Marshal(NewAct{Kind: history.Acknowledged, Reason: "looking into it"})
	if err != nil {
		t.Fatal(err)
	}
	var list Alerts
	h.want(200, &list, "GET", "/api/v1/alerts", others, nil)
	if len(list.Alerts) != 0 {
		t.Errorf("another app's alerts: %v", list.Alerts)
	}
	h.want(404, nil, "POST", path, others, act, "Content-Type", "application/json")
	h.want(403, nil, "POST", path, reader, act, "Content-Type", "application/json")

	// What is refused leaves nothing behind, not even that the alert was opened.
	for _, wrong := range []NewAct{
		{Kind: history.Acknowledged, Reason: "short"}, {Kind: "bogus", Reason: "looking into it"}, {Kind: history.Muted, Reason: "looking into it"},
		{Kind: history.Muted, Reason: "looking into it", Until: &history.Until{Time: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)}}, {Kind: history.Undone, Reason: "looking into it", Undoes: 1},
	} {
		body, err := json.Marshal(wrong)
		if err != nil {
			t.Fatal(err)
		}
		h.want(400, nil, "POST", path, mine, body, "Content-Type", "application/json")
	}
	if acts, err := h.store.Acts(t.Context(), history.ActFilter{}); err != nil || len(acts) > 0 {
		t.Errorf("after acts that were refused there are %+v, %v", acts, err)
	}

	var done history.Act
	h.want(201, &done, "POST", path, mine, act, "Content-Type", "application/json")
	if done.Author != "appwrite" || done.Kind != history.Acknowledged {
		t.Errorf("the act is %+v", done)
	}
	h.want(200, &list, "GET", "/api/v1/alerts?app=app", reader, nil)
	if len(list.Alerts) != 1 || len(list.Alerts[0].Acts) != 2 || list.Alerts[0].Acts[0].Kind != history.Opened {
		t.Fatalf("the alerts are %+v", list.Alerts)
	}
	entries, err := h.store.AuditLog(t.Context(), history.AuditFilter{App: "app", Limit: 10})
	if err != nil || !slices.ContainsFunc(entries, func(e history.Audit) bool {
		return e.Action == "alert.acknowledged" && e.Actor == "appwrite" && e.Subject == finding.ID()
	}) {
		t.Errorf("the audit log has %+v, %v", entries, err)
	}
	// Somebody who knows of less than was done is told.
	stale, err := json.Marshal(NewAct{Kind: history.Muted, Reason: "known already", Seen: 1, Until: &history.Until{Time: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)}})
	if err != nil {
		t.Fatal(err)
	}
	h.want(409, nil, "POST", path, mine, stale, "Content-Type", "application/json")
}
