package history_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/history/pgtest"
	"github.com/pacer-perf/pacer/internal/history/postgres"
	"github.com/pacer-perf/pacer/internal/history/sqlite"
	"github.com/pacer-perf/pacer/internal/history/storetest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

func file(t testing.TB, path string) history.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func database(t testing.TB) history.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), pgtest.Address(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// everything is all that a store holds.
func everything(t testing.TB, s history.Store) (entries []*history.Entry, rest []any) {
	t.Helper()
	ctx := t.Context()
	if err := s.Walk(ctx, history.Filter{}, history.Parts{Document: true, Points: true}, func(e *history.Entry) error {
		entries = append(entries, e)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	baselines, err := s.Baselines(ctx)
	if err != nil {
		t.Fatal(err)
	}
	acts, err := s.Acts(ctx, history.ActFilter{})
	if err != nil {
		t.Fatal(err)
	}
	audit, err := s.AuditLog(ctx, history.AuditFilter{})
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := s.Tokens(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	return entries, []any{baselines, acts, audit, tokens}
}

// populate fills a store with runs of all kinds, some thinned, and what else a
// store holds.
func populate(t testing.TB, s history.Store, runs int) {
	t.Helper()
	ctx := t.Context()
	var batch []*history.Entry
	var some []string
	for i := range runs {
		several := storetest.Several()
		r := several[i%len(several)]
		r.ID = fmt.Sprintf("R%07d", i)
		r.Timestamp = r.Timestamp.Add(time.Duration(i) * time.Minute)
		if i%50 == 0 {
			r.Timestamp = time.Time{}
		}
		for j := range 40 {
			r.Metrics[0].Samples = append(r.Metrics[0].Samples, float64(i*j%97)+0.5)
		}
		e, err := history.Pack(r)
		if err != nil {
			t.Fatal(err)
		}
		if i%10 == 3 {
			some = append(some, r.ID)
		}
		if batch = append(batch, e); len(batch) == 500 || i == runs-1 {
			if _, err := s.AppendBatch(ctx, history.Batch{Entries: batch}); err != nil {
				t.Fatal(err)
			}
			batch = nil
		}
	}
	finding := &history.Finding{App: "app", Name: "startup", Unit: "s", Run: "R0000001", Why: "regressed"}
	_, err := s.Act(ctx, history.Act{Kind: history.Opened, Finding: finding, Author: history.Pacer})
	if err == nil {
		_, err = s.Act(ctx, history.Act{Alert: finding.ID(), Kind: history.Acknowledged, Author: "someone", Reason: "looking into it"})
	}
	if err == nil {
		err = s.SetBaseline(ctx, "R0000002")
	}
	if err == nil {
		err = s.Record(ctx, history.Audit{Actor: "someone", Action: "baseline.set"})
	}
	if err == nil {
		err = s.AddToken(ctx, storetest.Token("one", "app"))
	}
	if err == nil {
		_, err = s.Thin(ctx, history.Histograms, some[:len(some)/2]...)
	}
	if err == nil {
		_, err = s.Thin(ctx, history.Summaries, some[len(some)/2:]...)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A history that went into PostgreSQL and back is the history that it was, run
// by run. COPY_RUNS says how many; 100000 take some minutes.
func TestCopyThereAndBack(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	runs := 1500
	if text := os.Getenv("COPY_RUNS"); text != "" {
		fmt.Sscan(text, &runs)
	}
	dir := t.TempDir()
	from, there, back := file(t, filepath.Join(dir, "from.db")), database(t), file(t, filepath.Join(dir, "back.db"))
	populate(t, from, runs)
	for _, step := range []struct{ from, to history.Store }{{from, there}, {there, back}} {
		start, last := time.Now(), 0
		done, err := history.Copy(ctx, step.from, step.to, func(n int) { last = n })
		if err != nil || done.Runs != runs || last != runs || done.Known != 0 || len(done.Conflicts) != 0 || done.Baselines != 1 || done.Acts != 2 {
			t.Fatalf("%+v, %v", done, err)
		}
		t.Logf("%d runs in %v", runs, time.Since(start))
		if again, err := history.Copy(ctx, step.from, step.to, func(int) {}); err != nil || again.Runs != 0 || again.Known != runs || again.Acts != 0 {
			t.Fatalf("again: %+v, %v", again, err)
		}
	}
	if problems, err := history.Verify(ctx, back, func(int) {}); err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
	wantRest := []any(nil)
	want := make(chan *history.Entry)
	go func() {
		defer close(want)
		from.Walk(ctx, history.Filter{}, history.Parts{Document: true, Points: true}, func(e *history.Entry) error { want <- e; return nil })
	}()
	n := 0
	byKey := cmp.Transformer("byKey", func(list []history.Value) map[string]history.Value {
		m := make(map[string]history.Value)
		for _, v := range list {
			m[v.Key+"\x00"+v.Unit] = v
		}
		return m
	})
	err := back.Walk(ctx, history.Filter{}, history.Parts{Document: true, Points: true}, func(e *history.Entry) error {
		n++
		if diff := cmp.Diff(<-want, e, storetest.Same, byKey); diff != "" {
			return fmt.Errorf("%s (-from +back):\n%s", e.Head.ID, diff)
		}
		return nil
	})
	if err != nil || n != runs {
		t.Errorf("%d runs: %v", n, err)
	}
	for range want {
	}
	_, wantRest = everything(t, from)
	_, rest := everything(t, back)
	if diff := cmp.Diff(wantRest, rest); diff != "" {
		t.Errorf("(-from +back):\n%s", diff)
	}
}

// What was exported and imported has every run, its baseline, what is left of
// it, and is recognised as what it was.
func TestExportAndImport(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	dir := t.TempDir()
	from, to := file(t, filepath.Join(dir, "from.db")), file(t, filepath.Join(dir, "to.db"))
	populate(t, from, 300)
	var text bytes.Buffer
	if n, err := history.Export(ctx, from, history.Filter{}, &text, func(int) {}); n != 300 || err != nil {
		t.Fatal(n, err)
	}
	for i, want := range []history.Imported{{Runs: 300, Baselines: 1, Acts: 2}, {Known: 300}} {
		got, err := history.Import(ctx, to, bytes.NewReader(text.Bytes()), "it", func(int) {})
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%d: %v (-want +got):\n%s", i, err, diff)
		}
	}
	// From a store that knows less of it to the one that knows all.
	if done, err := history.Copy(ctx, to, from, func(int) {}); err != nil || done.Known != 300 || len(done.Conflicts) > 0 {
		t.Errorf("%+v, %v", done, err)
	}
	var again bytes.Buffer
	if _, err := history.Export(ctx, to, history.Filter{}, &again, func(int) {}); err != nil || again.String() != text.String() {
		t.Errorf("exported again it is another text: %v", err)
	}
	if problems, err := history.Verify(ctx, to, func(int) {}); err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
}

// What was damaged or changed behind the store's back is found.
func TestVerifyFinds(t *testing.T) {
	t.Parallel()
	source := tampered{file(t, filepath.Join(t.TempDir(), "h.db"))}
	storetest.Fill(t, source.Store, storetest.Several()...)
	problems, err := history.Verify(t.Context(), source, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]string)
	for _, p := range problems {
		found[p.Run] = p.What
	}
	for id, want := range map[string]string{"R0": "damaged", "R1": "not the one that was appended", "R2": `version "9"`, "R3": "1 metrics, but 0 points", "R4": "in its series"} {
		if !strings.Contains(found[id], want) {
			t.Errorf("%s: %q, want %q", id, found[id], want)
		}
		delete(found, id)
	}
	if len(found) > 0 {
		t.Error(found)
	}
}

// tampered is a store whose runs are not what they were.
type tampered struct{ history.Store }

func (s tampered) Walk(ctx context.Context, f history.Filter, parts history.Parts, each func(*history.Entry) error) error {
	return s.Store.Walk(ctx, f, parts, func(e *history.Entry) error {
		switch e.Head.ID {
		case "R0":
			e.Document[len(e.Document)/2] ^= 1
		case "R1":
			e.Digest[0] ^= 1
		case "R2":
			e.Head.Version = "9"
		case "R3":
			e.Points = nil
		case "R4":
			e.Points[0].Center *= 1.5
		}
		return each(e)
	})
}
