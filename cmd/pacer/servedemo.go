package main

import (
	"context"
	"time"

	"github.com/pacer-perf/pacer/internal/dashboard"
	"github.com/pacer-perf/pacer/internal/dashboard/historic"
	"github.com/pacer-perf/pacer/internal/dashboard/madeup"
	"github.com/pacer-perf/pacer/internal/dashboard/policyfile"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/history/memory"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/policy"
)

const demoNotice = madeup.Notice

// demoSource is a made-up year that ends now, in memory, and what can be changed
// of it: as long as it is shown.
func demoSource(now time.Time) (*historic.Source, dashboard.Editing, error) {
	store, err := memory.New(madeup.Runs(now)...)
	if err != nil {
		return nil, dashboard.Editing{}, err
	}
	rules, waivers := policyfile.InMemory(madeup.Policy, policyName), policyfile.WaiversInMemory(madeup.Waivers, policy.WaiversFile)
	source := historic.New(historic.Config{
		Open:   func(context.Context) (history.Reader, error) { return store, nil },
		Policy: func(string) (judge.Policy, error) { return policyfile.Current(rules, waivers) },
		Location: func(context.Context) (dashboard.Location, error) {
			return dashboard.Location{Place: "in memory: it is made up anew each time"}, nil
		},
	})
	return source, dashboard.Editing{Author: whoami(), Acts: store, Policy: rules, Waivers: waivers}, nil
}
