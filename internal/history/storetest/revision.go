package storetest

import (
	"fmt"
	"sync"
	"testing"

	"github.com/pacer-perf/pacer/internal/history"
)

func revisionOf(t *testing.T, s history.Store) string {
	t.Helper()
	r, err := s.(history.Revised).Revision(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A revision is another one whenever runs came or went, and then alone.
func revision(t *testing.T, s history.Store) {
	ctx := t.Context()
	met := make(map[string]string)
	changed := func(what string) {
		t.Helper()
		r := revisionOf(t, s)
		if before, ok := met[r]; ok {
			t.Errorf("%s: the revision is as after %s", what, before)
		}
		met[r] = what
	}
	remove := func(id string) {
		t.Helper()
		if err := first(s.Delete(ctx, id)); err != nil {
			t.Fatal(err)
		}
	}
	changed("nothing")
	Fill(t, s, Sample("A"))
	changed("a run")
	old := Sample("B")
	old.Timestamp = old.Timestamp.AddDate(-1, 0, 0)
	Fill(t, s, old, Sample("C"))
	changed("an older and a newer one")
	remove("C")
	changed("the newest is gone")
	Fill(t, s, Sample("C"))
	changed("it is back")
	remove("B")
	changed("another is gone")
	before := revisionOf(t, s)
	Fill(t, s, Sample("A"))
	remove("nobody")
	if err := s.SetBaseline(ctx, "A"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Delete(ctx, "C", "A"); err == nil {
		t.Error("a baseline was deleted")
	}
	if after := revisionOf(t, s); after != before {
		t.Errorf("nothing came or went: %s, %s", before, after)
	}
}

// Who looks again and again sees the revision change until the last run of
// several writers is there.
func revisionAtOnce(t *testing.T, open Place) {
	const writers, runs = 4, 25
	var wait sync.WaitGroup
	for w := range writers {
		s := open()
		wait.Go(func() {
			for i := range runs {
				if _, err := s.Append(t.Context(), Sample(fmt.Sprintf("W%d.%02d", w, i))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { wait.Wait(); close(done) }()
	defer func() { <-done }()
	s := open()
	seen := make(map[string]int) // runs that are there at a revision, or a few more
	for going := true; going; {
		select {
		case <-done:
			going = false
		default:
		}
		before := revisionOf(t, s)
		heads, err := s.Heads(t.Context(), history.Filter{})
		if err != nil {
			t.Fatal(err)
		}
		if revisionOf(t, s) != before {
			continue // some came in between
		}
		if n, met := seen[before]; met && n != len(heads) {
			t.Fatalf("revision %s: %d runs, then %d", before, n, len(heads))
		}
		seen[before] = len(heads)
	}
	if heads, err := s.Heads(t.Context(), history.Filter{}); err != nil || seen[revisionOf(t, s)] != len(heads) || len(heads) != writers*runs {
		t.Errorf("%d runs at the end, %v", len(heads), err)
	}
}
