package main

import (
	"context"
	"strings"
	"time"

	"github.com/pacer-perf/pacer/internal/dashboard"
	"github.com/pacer-perf/pacer/internal/dashboard/historic"
	"github.com/pacer-perf/pacer/internal/dashboard/madeup"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/history/memory"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/policy"
)

const demoNotice = madeup.Notice

// demoSource is a made-up year that ends now, in memory.
func demoSource(now time.Time) (*historic.Source, error) {
	store, err := memory.New(madeup.Runs(now)...)
	if err != nil {
		return nil, err
	}
	p, err := policy.Read(strings.NewReader(madeup.Policy), policyName)
	if err != nil {
		return nil, err
	}
	if p.Waivers, err = policy.ReadWaivers(strings.NewReader(madeup.Waivers), policy.WaiversFile); err != nil {
		return nil, err
	}
	return historic.New(historic.Config{
		Open:   func(context.Context) (history.Reader, error) { return store, nil },
		Policy: func(string) (judge.Policy, error) { return p, nil },
		Location: func(context.Context) (dashboard.Location, error) {
			return dashboard.Location{Place: "in memory: it is made up anew each time"}, nil
		},
	}), nil
}
