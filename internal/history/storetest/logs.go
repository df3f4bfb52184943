package storetest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pacer-perf/pacer/internal/history"
)

// A Finding as the judge would make it.
func finding(app, r string) *history.Finding {
	return &history.Finding{App: app, Name: "startup", Unit: "s", Run: r, Why: "regressed", Before: 1, After: 1.2, Interval: &[2]float64{1.1, 1.3}}
}

func acts(t *testing.T, s history.Store) {
	ctx := t.Context()
	f := finding("app", "R1")
	act := func(a history.Act) history.Act {
		t.Helper()
		if a.Alert == "" && a.Finding == nil {
			a.Alert = f.ID()
		}
		if a.Author == "" {
			a.Author, a.Reason = "someone", "for a good reason"
		}
		kept, err := s.Act(ctx, a)
		if err != nil {
			t.Fatal(err)
		}
		return kept
	}
	state := func(now time.Time) history.State {
		t.Helper()
		list, err := s.Acts(ctx, history.ActFilter{Alert: f.ID()})
		if err != nil {
			t.Fatal(err)
		}
		return history.Alerts(list, now)[0].State
	}
	if _, err := s.Act(ctx, history.Act{Alert: f.ID(), Kind: history.Fixed, Author: history.Pacer}); !errors.Is(err, history.ErrNotFound) {
		t.Errorf("an alert that is not there: %v", err)
	}
	first := act(history.Act{Kind: history.Opened, Finding: f, Author: history.Pacer})
	if again := act(history.Act{Kind: history.Opened, Finding: f, Author: history.Pacer}); cmp.Diff(first, again) != "" {
		t.Errorf("opened twice: %+v", again)
	}
	act(history.Act{Kind: history.Opened, Finding: finding("other", "R9"), Author: history.Pacer})
	acknowledged := act(history.Act{Kind: history.Acknowledged, Seen: 1})
	var stale *history.StaleError
	if _, err := s.Act(ctx, history.Act{Alert: f.ID(), Kind: history.Dismissed, Author: "another", Reason: "it is not real", Seen: 1}); !errors.As(err, &stale) || stale.Newest.N != 2 {
		t.Errorf("without having seen the newest: %v", err)
	}
	var wrong *history.ActError
	if _, err := s.Act(ctx, history.Act{Alert: f.ID(), Kind: history.Muted, Author: "a", Reason: "for ever and ever"}); !errors.As(err, &wrong) {
		t.Errorf("muted for ever: %v", err)
	}
	until := time.Now().Add(time.Hour).UTC()
	muted := act(history.Act{Kind: history.Muted, Until: &history.Until{Time: until}})
	if got := state(time.Now()); got != history.StateMuted {
		t.Error(got)
	}
	if got := state(until); got != history.StateOpen {
		t.Errorf("after its date: %s", got)
	}
	act(history.Act{Kind: history.Undone, Undoes: muted.N})
	if got := state(time.Now()); got != history.StateAcknowledged {
		t.Errorf("undone: %s", got)
	}
	act(history.Act{Kind: history.Fixed, Author: history.Pacer, Run: "R7"})
	if got := state(time.Now()); got != history.StateFixed {
		t.Error(got)
	}
	list, err := s.Acts(ctx, history.ActFilter{App: "app"})
	if err != nil || len(list) != 5 {
		t.Fatalf("%d acts, %v", len(list), err)
	}
	if diff := cmp.Diff(acknowledged, list[1]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if all, err := s.Acts(ctx, history.ActFilter{}); err != nil || len(all) != 6 || all[1].App != "other" {
		t.Errorf("%+v, %v", all, err)
	}
	// Of another store: as they are.
	if n, err := s.KeepActs(ctx, list); n != 0 || err != nil {
		t.Errorf("kept again: %d, %v", n, err)
	}
	list[1].Author = "forged"
	if _, err := s.KeepActs(ctx, list); err == nil {
		t.Error("an act was replaced")
	}
	other := finding("third", "R1")
	copied := []history.Act{{Alert: other.ID(), N: 1, App: "third", Kind: history.Opened, Finding: other, Author: history.Pacer, Time: until}}
	if n, err := s.KeepActs(ctx, copied); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}

// Of several who act on what they have seen, one is first and the others are
// told.
func actsAtOnce(t *testing.T, open Place) {
	ctx := t.Context()
	first := open()
	opened, err := first.Act(ctx, history.Act{Kind: history.Opened, Finding: finding("app", "R1"), Author: history.Pacer})
	if err != nil {
		t.Fatal(err)
	}
	var won, told atomic.Int32
	var wait sync.WaitGroup
	for i := range 8 {
		s := open()
		wait.Go(func() {
			_, err := s.Act(ctx, history.Act{Alert: opened.Alert, Kind: history.Acknowledged, Author: fmt.Sprint("a", i), Reason: "I am on it", Seen: opened.N})
			var stale *history.StaleError
			switch {
			case err == nil:
				won.Add(1)
			case errors.As(err, &stale):
				told.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if won.Load() != 1 || told.Load() != 7 {
		t.Errorf("%d were first, %d were told", won.Load(), told.Load())
	}
}

func audit(t *testing.T, s history.Store) {
	ctx := t.Context()
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	entries := []history.Audit{
		{ID: "01A", Time: at, Actor: "a", Action: "token.create", App: "app", Subject: "ci", Detail: map[string]string{"role": "ingest"}},
		{ID: "01B", Time: at.Add(time.Hour), Actor: "b", Action: "run.delete", Subject: "R1", Remote: "127.0.0.1"},
	}
	for range 2 {
		if err := s.Record(ctx, entries...); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Record(ctx, history.Audit{Actor: "a", Action: "now"}); err != nil {
		t.Fatal(err)
	}
	all, err := s.AuditLog(ctx, history.AuditFilter{})
	if err != nil || len(all) != 3 {
		t.Fatalf("%+v, %v", all, err)
	}
	for _, tt := range []struct {
		filter history.AuditFilter
		want   []history.Audit
	}{
		{history.AuditFilter{App: "app"}, entries[:1]},
		{history.AuditFilter{Actor: "b"}, entries[1:]},
		{history.AuditFilter{Action: "token.create"}, entries[:1]},
		{history.AuditFilter{Before: "01B"}, entries[:1]},
		{history.AuditFilter{Before: "01C", Limit: 1}, entries[1:]},
	} {
		got, err := s.AuditLog(ctx, tt.filter)
		if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
			t.Errorf("%+v: %v (-want +got):\n%s", tt.filter, err, diff)
		}
	}
	if got, err := s.AuditLog(ctx, history.AuditFilter{Since: at.Add(2 * time.Hour)}); err != nil || len(got) != 1 || got[0].Action != "now" || got[0].ID == "" {
		t.Errorf("%+v, %v", got, err)
	}
}

func queue(t *testing.T, s history.Store) {
	ctx := t.Context()
	enqueue := func(want int, tasks ...history.Task) {
		t.Helper()
		if n, err := s.Enqueue(ctx, tasks...); n != want || err != nil {
			t.Fatalf("%d new, %v; want %d", n, err, want)
		}
	}
	lease := func(worker string, n int, d time.Duration) []history.Job {
		t.Helper()
		jobs, err := s.Lease(ctx, "k", worker, n, d)
		if err != nil {
			t.Fatal(err)
		}
		return jobs
	}
	a := history.Task{Kind: "k", Key: "a", Payload: []byte{1, 0, 2}}
	enqueue(2, a, history.Task{Kind: "other", Key: "a"})
	enqueue(1, a, history.Task{Kind: "k", Key: "b"})
	enqueue(0, history.Task{Kind: "k", Key: "a", Again: true}) // it is not done yet

	jobs := lease("w1", 1, time.Hour)
	if len(jobs) != 1 || jobs[0].Key != "a" || string(jobs[0].Payload) != "\x01\x00\x02" || jobs[0].State != history.JobLeased || jobs[0].Attempts != 1 {
		t.Fatalf("%+v", jobs)
	}
	mine := jobs[0]
	if jobs := lease("w2", 5, time.Hour); len(jobs) != 1 || jobs[0].Key != "b" {
		t.Fatalf("%+v", jobs)
	}
	// A lease that runs out is another worker's.
	if err := s.Extend(ctx, mine, -time.Second); err != nil {
		t.Fatal(err)
	}
	jobs = lease("w2", 5, time.Hour)
	if len(jobs) != 1 || jobs[0].Key != "a" || jobs[0].Attempts != 2 {
		t.Fatalf("%+v", jobs)
	}
	for _, err := range []error{s.Complete(ctx, mine, []byte("late")), s.Extend(ctx, mine, time.Hour), s.Release(ctx, mine, 0, "")} {
		if !errors.Is(err, history.ErrLeaseLost) {
			t.Errorf("the lease is lost: %v", err)
		}
	}
	if err := s.Complete(ctx, jobs[0], []byte("done")); err != nil {
		t.Fatal(err)
	}
	if err := s.Complete(ctx, jobs[0], []byte("twice")); !errors.Is(err, history.ErrLeaseLost) {
		t.Errorf("completed twice: %v", err)
	}
	if j, err := s.Job(ctx, "k", "a"); err != nil || j.State != history.JobDone || string(j.Result) != "done" {
		t.Errorf("%+v, %v", j, err)
	}
	enqueue(0, a) // done once
	enqueue(1, history.Task{Kind: "k", Key: "a", Again: true})
	if j, err := s.Job(ctx, "k", "a"); err != nil || j.State != history.JobWaiting || j.Result != nil {
		t.Errorf("%+v, %v", j, err)
	}
	// Given back, it waits; leased too often, it is given up.
	jobs = lease("w1", 1, time.Hour)
	if err := s.Release(ctx, jobs[0], time.Hour, "no baseline yet"); err != nil {
		t.Fatal(err)
	}
	if jobs := lease("w1", 1, time.Hour); len(jobs) != 0 {
		t.Errorf("%+v", jobs)
	}
	if j, err := s.Job(ctx, "k", "a"); err != nil || j.State != history.JobWaiting || j.Reason != "no baseline yet" {
		t.Errorf("%+v, %v", j, err)
	}
	enqueue(1, history.Task{Kind: "k", Key: "poison"})
	for range history.MaxAttempts {
		jobs := lease("w1", 1, -time.Second)
		if len(jobs) != 1 || jobs[0].Key != "poison" {
			t.Fatalf("%+v", jobs)
		}
	}
	if jobs := lease("w1", 1, time.Hour); len(jobs) != 0 {
		t.Errorf("leased once more: %+v", jobs)
	}
	if j, err := s.Job(ctx, "k", "poison"); err != nil || j.State != history.JobGivenUp || j.Reason == "" {
		t.Errorf("%+v, %v", j, err)
	}
	if _, err := s.Job(ctx, "k", "nothing"); !errors.Is(err, history.ErrNotFound) {
		t.Error(err)
	}
	found, err := s.Jobs(ctx, "k", "a", "nothing", "poison")
	if err != nil || len(found) != 2 || found["a"].State != history.JobWaiting || found["poison"].State != history.JobGivenUp {
		t.Errorf("%+v, %v", found, err)
	}
	if n, err := s.Waiting(ctx, "k"); n != 2 || err != nil { // a, and b, which is leased
		t.Errorf("%d wait, %v", n, err)
	}
}

// Workers at once get each job once.
func queueOnce(t *testing.T, s history.Store) {
	ctx := t.Context()
	const jobs, workers = 60, 6
	var tasks []history.Task
	for i := range jobs {
		tasks = append(tasks, history.Task{Kind: "k", Key: fmt.Sprint(i)})
	}
	if n, err := s.Enqueue(ctx, tasks...); n != jobs || err != nil {
		t.Fatal(n, err)
	}
	var got sync.Map
	var wait sync.WaitGroup
	for w := range workers {
		wait.Go(func() {
			for {
				list, err := s.Lease(ctx, "k", fmt.Sprint("w", w), 4, time.Hour)
				if err != nil {
					t.Error(err)
				}
				if len(list) == 0 {
					return
				}
				for _, j := range list {
					if _, twice := got.LoadOrStore(j.Key, w); twice {
						t.Errorf("job %s was leased twice", j.Key)
					}
					if err := s.Complete(ctx, j, nil); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wait.Wait()
	n := 0
	got.Range(func(any, any) bool { n++; return true })
	if n != jobs {
		t.Errorf("%d of %d jobs", n, jobs)
	}
}
