package main

import (
	"context"
	"net/http"

	"github.com/pacer-perf/pacer/internal/dashboard"
	"github.com/pacer-perf/pacer/internal/judge"
)

// audited enters into the audit log what somebody changes in files. A file is no
// part of the history's transactions: the entry follows the change, and where
// that fails the log of the server says it.
func (t *team) audited(r *http.Request, may dashboard.Editing) dashboard.Editing {
	note := func(action, app, subject string, detail map[string]string) {
		if may.Author != "" {
			detail["author"] = may.Author
		}
		if err := t.Note(r, action, app, subject, detail); err != nil {
			t.Log.Error("a change of a file is not in the audit log", "action", action, "subject", subject, "author", may.Author, "err", err)
		}
	}
	if may.Policy != nil {
		may.Policy = auditedPolicy{may.Policy, note}
	}
	if may.Waivers != nil {
		may.Waivers = auditedWaivers{may.Waivers, note}
	}
	return may
}

type noting func(action, app, subject string, detail map[string]string)

type auditedPolicy struct {
	dashboard.PolicyFile
	note noting
}

func (p auditedPolicy) Write(ctx context.Context, text []byte, revision string) error {
	if err := p.PolicyFile.Write(ctx, text, revision); err != nil {
		return err
	}
	app, place := "", "pacer.yaml"
	if policy, err := p.Parse(text); err == nil {
		app = policy.App
	}
	detail := map[string]string{"before": revision}
	if now, err := p.Read(ctx); err == nil {
		place, detail["after"] = now.Place, now.Revision
	}
	p.note("policy.write", app, place, detail)
	return nil
}

type auditedWaivers struct {
	dashboard.Waivers
	note noting
}

func (s auditedWaivers) Accept(ctx context.Context, w judge.Waiver) (string, error) {
	place, err := s.Waivers.Accept(ctx, w)
	if err == nil {
		s.note("waiver.add", "", string(w.Metric), map[string]string{"file": place, "reason": w.Reason})
	}
	return place, err
}

func (s auditedWaivers) Withdraw(ctx context.Context, w judge.Waiver) error {
	err := s.Waivers.Withdraw(ctx, w)
	if err == nil {
		s.note("waiver.remove", "", string(w.Metric), map[string]string{"reason": w.Reason})
	}
	return err
}
