package alert

import (
	"time"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/run"
)

// Mark flags the regressions of a verdict that somebody acknowledged or muted.
// It changes nothing of what is decided: a mute hides, it does not excuse.
//
// A flag is given for the level that was acknowledged or muted, not for one
// that is worse by what matters, or by more than the mute allows. Here tells
// whether an alert is of the environment that the run was measured in.
func Mark(v *judge.Verdict, acts []history.Act, here func(*history.Finding) bool, now time.Time) {
	known := make(map[string][]history.Alert)
	for _, a := range history.Alerts(acts, now) {
		if a.State == history.StateMuted || a.State == history.StateAcknowledged {
			id := identityOf(&a.Finding)
			known[id] = append(known[id], a)
		}
	}
	for i := range v.Metrics {
		m := &v.Metrics[i]
		if m.Change != judge.Regressed {
			continue
		}
		for _, a := range known[identity(v.Current.App, v.Current.Labels, m.Name, m.Labels, m.Unit)] {
			u := a.Since.Until
			if !(u != nil && u.AnyEnvironment) && !here(&a.Finding) || !covers(&a, m, v.Current.Version, now) {
				continue
			}
			flag := &judge.Flag{Alert: a.ID, Author: a.Since.Author, Reason: a.Since.Reason}
			if a.State == history.StateMuted {
				flag.Until = Ends(u)
				m.Muted = flag
			} else {
				m.Acknowledged = flag
			}
			break // the newest alert
		}
	}
}

// covers tells whether an alert is about as much as a metric got worse.
func covers(a *history.Alert, m *judge.Metric, version string, now time.Time) bool {
	f, u := &a.Finding, a.Since.Until
	change := max(m.Threshold, judge.DefaultThreshold)
	if u != nil {
		if reached(u.Version, version, now) {
			return false
		}
		if u.WorseBy > 0 {
			change = u.WorseBy
		}
	}
	if m.Ratio == nil || !(f.Before > 0) {
		return f.Before == 0
	}
	// By ratios: what the judge compares by may be another statistic.
	was, is := f.After/f.Before, *m.Ratio
	if u != nil && u.Value > 0 {
		was = u.Value / f.Before
	}
	return !Limit{Change: change}.Worse(was, is, better(m, f))
}

func better(m *judge.Metric, f *history.Finding) run.Better {
	if m.Better != "" {
		return m.Better
	}
	return f.Better
}
