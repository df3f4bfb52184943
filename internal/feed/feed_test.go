package feed

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pacer-perf/pacer"
	"github.com/pacer-perf/pacer/run"
)

// feedOf returns a feed of a new recorder. In a bubble both are on its clock.
func feedOf(t *testing.T) (*Feed, *pacer.Recorder) {
	t.Helper()
	rec := pacer.New(pacer.Config{App: "app", Version: "1.2.0", Logger: slog.New(slog.DiscardHandler)})
	if rec == nil {
		t.Fatal("PACER_DISABLED is set: nothing would be recorded")
	}
	return New(Config{Recorder: rec, Budgets: map[string]pacer.Limit{"op": {Target: 1}}}), rec
}

func open(t *testing.T, f *Feed, after string) *Stream {
	t.Helper()
	s, err := f.Open(after)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// next returns the next event and what it says.
func next(t *testing.T, s *Stream) (Event, eventRead) {
	t.Helper()
	e, err := s.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return e, parse(t, e)
}

// eventRead is what a page reads of an event.
type eventRead struct {
	ID         string
	At         int64
	Seconds    float64 `json:"s"`
	Recording  bool
	Metrics    []metricEvent
	Histograms []json.RawMessage `json:"h"`
	Values     [][2]float64      `json:"v"`
	Breaches   []breachEvent
	Slowest    []slowestEvent
}

func parse(t *testing.T, e Event) eventRead {
	t.Helper()
	var s eventRead
	if err := json.Unmarshal(e.Data, &s); err != nil {
		t.Fatalf("%v in %s", err, e.Data)
	}
	if s.ID != e.ID || strings.ContainsAny(string(e.Data), "\n\r") {
		t.Fatalf("event %s: %s", e.ID, e.Data)
	}
	return s
}

// A stream begins with all that is known and goes on with a step a second.
func TestStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, rec := feedOf(t)
		op := rec.Timer("op")
		op.Record(3 * time.Second)
		s := open(t, f, "")
		defer s.Close()
		e, full := next(t, s)
		if e.Name != "full" || len(full.Metrics) != 1 || full.Metrics[0].Key != "op" || full.Metrics[0].Count != 1 || full.Metrics[0].Total[3] != 3 || *full.Metrics[0].Budget != [3]float64{1} {
			t.Fatalf("%s: %s", e.Name, e.Data)
		}
		for i := range 3 {
			op.Record(2 * time.Millisecond)
			op.Record(130) // nanoseconds
			e, step := next(t, s)
			want := `[0,2,0.00200013,1.3e-07,0.002,[65922,1,889,1]]`
			if e.Name != "step" || step.Seconds != 1 || len(step.Histograms) != 1 || string(step.Histograms[0]) != want {
				t.Fatalf("step %d: %s, want the histogram %s", i, e.Data, want)
			}
			if len(step.Slowest) != 1 || step.Slowest[0].Value != 0.002 {
				t.Errorf("the slowest: %+v", step.Slowest)
			}
		}
		rec.Counter("n").Add(4)
		if _, step := next(t, s); len(step.Metrics) != 1 || step.Metrics[0].Key != "n" || len(step.Values) != 1 || step.Values[0] != [2]float64{1, 4} || step.Histograms != nil {
			t.Errorf("with a counter: %+v", step)
		}
	})
}

// A stream that broke goes on after the last event it saw. While another one is
// open every second is there; while none is, the gap is one long step.
func TestReconnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, rec := feedOf(t)
		op := rec.Timer("op")
		a, b := open(t, f, ""), open(t, f, "")
		next(t, a)
		next(t, b)
		last, _ := next(t, a)
		a.Close()
		time.Sleep(Interval / 2) // not at the moment of a step
		for range 5 {
			op.Record(1)
			time.Sleep(time.Second)
		}
		a = open(t, f, last.ID)
		for i := range 5 {
			e, step := next(t, a)
			if e.Name != "step" || len(step.Histograms) != 1 || step.Seconds != 1 {
				t.Fatalf("step %d after the gap: %s", i, e.Data)
			}
			last = e
		}
		a.Close()
		b.Close()
		op.Record(1)
		op.Record(1)
		time.Sleep(90 * time.Second)
		synctest.Wait()
		a = open(t, f, last.ID)
		defer a.Close()
		e, step := next(t, a)
		if e.Name != "step" || step.Seconds != 90.5 || len(step.Histograms) != 1 || !strings.HasPrefix(string(step.Histograms[0]), "[0,2,") {
			t.Errorf("after 90 s in which nobody looked: %s", e.Data)
		}
		// Ids of another process, of the future, and nonsense begin anew.
		for _, id := range []string{"0123456789abcdef.3", f.id(1 << 40), "x", f.epoch + ".-1"} {
			s := open(t, f, id)
			if e, _ := next(t, s); e.Name != "full" {
				t.Errorf("after %q: %s", id, e.Name)
			}
			s.Close()
		}
	})
}

// Ten minutes are kept, and no more than a minute of them once nobody looks.
// Who fell further behind begins anew.
func TestRing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, rec := feedOf(t)
		op := rec.Timer("op")
		a, slow := open(t, f, ""), open(t, f, "")
		next(t, slow)
		next(t, a)
		for i := range 1500 {
			op.Record(time.Duration(i))
			next(t, a)
		}
		if n := len(f.steps); n != 601 || cap(f.steps) > 2*n+100 {
			t.Errorf("%d steps are kept in room for %d", n, cap(f.steps))
		}
		sum := 0
		for i := range f.steps {
			sum += f.steps[i].bytes
		}
		if sum != f.bytes {
			t.Errorf("%d bytes, but says %d", sum, f.bytes)
		}
		if e, _ := next(t, slow); e.Name != "full" || e.ID != f.id(f.seq) {
			t.Errorf("who fell behind got %s %s", e.Name, e.ID)
		}
		a.Close()
		slow.Close()
		if n := len(f.steps); n != 61 {
			t.Errorf("%d steps are kept when nobody looks", n)
		}
	})
}

// Bytes bound the ring as well.
func TestRingBytes(t *testing.T) {
	t.Parallel()
	f, _ := feedOf(t)
	for i := range 100 {
		f.steps = append(f.steps, step{seq: int64(i), bytes: keepBytes / 10})
		f.bytes += keepBytes / 10
		f.forget(keepFor)
	}
	if len(f.steps) != 10 || f.bytes > keepBytes {
		t.Errorf("%d steps with %d bytes", len(f.steps), f.bytes)
	}
	f.steps[9].bytes, f.bytes = 2*keepBytes, 3*keepBytes // one alone is more than may be
	f.forget(keepFor)
	if len(f.steps) != 1 {
		t.Errorf("%d steps, want the newest alone", len(f.steps))
	}
}

// goroutines counts those of the test's own bubble: others may be about to end.
// It lets them come to rest first, as one that has not run yet may not be shown.
func goroutines() int {
	synctest.Wait()
	buf := make([]byte, 1<<20)
	stacks := string(buf[:runtime.Stack(buf, true)])
	bubble := regexp.MustCompile(`synctest bubble \d+\b`).FindString(stacks) // this one is first
	return strings.Count(stacks, bubble+"]") + strings.Count(stacks, bubble+",")
}

// Eight may look, then no more; nothing runs while nobody does.
func TestNobodyLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, _ := feedOf(t)
		before := goroutines()
		var streams []*Stream
		for range MaxStreams {
			streams = append(streams, open(t, f, ""))
		}
		if _, err := f.Open(""); !errors.Is(err, ErrFull) {
			t.Errorf("one more: %v", err)
		}
		if n := goroutines(); n != before+1 {
			t.Errorf("%d goroutines for %d streams", n-before, MaxStreams)
		}
		for _, s := range streams {
			s.Close()
		}
		if n := goroutines(); n != before {
			t.Errorf("%d goroutines are left", n-before)
		}
		seq := f.seq
		time.Sleep(time.Hour)
		synctest.Wait()
		if f.seq != seq {
			t.Errorf("%d steps were read while nobody looked", f.seq-seq)
		}
		// Open and close at once: one goroutine, and none.
		for range 100 {
			open(t, f, "").Close()
		}
		s := open(t, f, "")
		if n := goroutines(); n != before+1 {
			t.Errorf("%d goroutines after opening again and again", n-before)
		}
		s.Close()
	})
}

// A stream ends with the context of who looks, or with the server.
func TestEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, _ := feedOf(t)
		s := open(t, f, "")
		defer s.Close()
		next(t, s)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := s.Next(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("the context ended: %v", err)
		}
		go f.End()
		for {
			if _, err := s.Next(t.Context()); err != nil {
				if !errors.Is(err, ErrEnded) {
					t.Errorf("the server ended: %v", err)
				}
				break
			}
		}
		again := open(t, f, "")
		next(t, again)
		again.Close()
	})
}

// Who asks now and then gets the same events, and no more than one a second.
func TestSince(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, rec := feedOf(t)
		op := rec.Timer("op")
		events := f.Since("")
		if len(events) != 1 || events[0].Name != "full" {
			t.Fatalf("at first: %+v", events)
		}
		id := events[0].ID
		if events = f.Since(id); len(events) != 0 {
			t.Errorf("at once again: %+v", events)
		}
		op.Record(5)
		time.Sleep(2 * time.Second)
		events = f.Since(id)
		if len(events) != 1 || events[0].Name != "step" || len(parse(t, events[0]).Histograms) != 1 || parse(t, events[0]).Seconds != 2 {
			t.Fatalf("after two seconds: %+v", events)
		}
		var document struct {
			Events []struct {
				Name string
				Data eventRead
			}
		}
		if err := json.Unmarshal(Document(f.Since(id)), &document); err != nil || len(document.Events) != 1 || document.Events[0].Data.Seconds != 2 {
			t.Errorf("%+v, %v", document, err)
		}
	})
}

// A window is a run of its own, exactly what was observed in it.
func TestWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, rec := feedOf(t)
		op, n := rec.Timer("op", pacer.L("rows", "1k")), rec.Counter("n")
		s := open(t, f, "")
		defer s.Close()
		next(t, s)
		want := run.NewHistogram("s")
		middle := ""
		for i := range 10 {
			op.Record(time.Duration(i) * time.Millisecond)
			n.Add(1)
			rec.Gauge("g").Set(float64(i))
			rec.Rate("r").Record(1, time.Second)
			if i >= 3 && i < 7 {
				want.Add(float64(i) * 1e-3)
			}
			if e, _ := next(t, s); i == 6 {
				middle = e.ID
			}
		}
		r, err := f.Window("before the cache!", middle, 4*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if r.App != "app" || r.Version != "1.2.0+before-the-cache" || r.Labels[WindowLabel] != "live" || r.ID == rec.Snapshot().ID || r.Validate() != nil {
			t.Errorf("the window is %+v: %v", r, r.Validate())
		}
		got := r.Find("op", map[string]string{"rows": "1k"})
		if got == nil || got.Histogram.Count != 4 || got.Histogram.Max != want.Max || got.Histogram.Ticks != want.Ticks || len(got.Histogram.Buckets) != len(want.Buckets) {
			t.Errorf("op: %+v, want %+v", got, want)
		}
		for name, want := range map[string]float64{"n": 4, "g": 6} {
			if m := r.Find(name, nil); m == nil || m.Samples[0] != want {
				t.Errorf("%s: %+v, want %v", name, m, want)
			}
		}
		if r.Find("r", nil) != nil || r.Find("memory.heap.total", nil) == nil {
			t.Error("a rate is there, or the heap is not")
		}
		if r, err := f.Window("", "", time.Hour); err != nil || r.Find("n", nil).Samples[0] != 10 || r.Version != "1.2.0" {
			t.Errorf("all of it: %+v, %v", r, err)
		}
		for _, id := range []string{f.id(0), "x"} {
			if _, err := f.Window("", id, time.Second); !errors.Is(err, ErrUnknownWindow) {
				t.Errorf("until %q: %v", id, err)
			}
		}
	})
}

func TestVersionOf(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ version, name, want string }{
		{"1.0", "", "1.0"}, {"1.0", "a b", "1.0+a-b"}, {"", "a", "a"}, {"1.0+dirty", "x", "1.0+dirty.x"}, {"1.0", "--é--", "1.0"},
		{"v", strings.Repeat("a", 100), "v+" + strings.Repeat("a", 60)},
	} {
		if got := versionOf(tt.version, tt.name); got != tt.want {
			t.Errorf("%q named %q is %q, want %q", tt.version, tt.name, got, tt.want)
		}
	}
}

// Only files that breaches name are opened, by their last part, and no links.
func TestOpenEvidence(t *testing.T) {
	dir := t.TempDir()
	reported := make(chan pacer.Breach, 1)
	rec := pacer.New(pacer.Config{Logger: slog.New(slog.DiscardHandler), Evidence: pacer.Evidence{Dir: dir, Trace: true}, OnBreach: func(b pacer.Breach) { reported <- b }})
	defer rec.Close()
	if rec.Err() != nil {
		t.Fatal(rec.Err())
	}
	f := New(Config{Recorder: rec})
	rec.Timer("op", pacer.Budget{Target: 1}).Record(time.Second)
	b := <-reported
	if len(b.Evidence) != 1 {
		t.Fatalf("evidence: %v", b.Evidence)
	}
	name := EvidenceName(b.Evidence[0])
	file, err := f.OpenEvidence(name)
	if err != nil {
		t.Fatal(err)
	}
	file.Close()
	secret := filepath.Join(t.TempDir(), "secret")
	for _, path := range []string{secret, filepath.Join(dir, "secret")} {
		if err := os.WriteFile(path, []byte("secret"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, bad := range []string{"", ".", "..", "secret", "../" + name, b.Evidence[0], "/etc/passwd", name + "\x00"} {
		if file, err := f.OpenEvidence(bad); !errors.Is(err, ErrNoEvidence) {
			t.Errorf("%q: %v, %v", bad, file, err)
		}
	}
	if err := os.Remove(b.Evidence[0]); err != nil {
		t.Fatal(err)
	}
	if _, err := f.OpenEvidence(name); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is gone: %v", err)
	}
	if err := os.Symlink(secret, b.Evidence[0]); err == nil { // not everywhere allowed
		if file, err := f.OpenEvidence(name); err == nil {
			file.Close()
			t.Error("a link took the file's place, and was followed")
		}
	}
}

// Without a recorder there is nothing to tell, and that is told.
func TestNoRecorder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := New(Config{})
		s := open(t, f, "")
		defer s.Close()
		if e, full := next(t, s); e.Name != "full" || full.Recording || len(full.Metrics) != 0 {
			t.Errorf("%s %s", e.Name, e.Data)
		}
		if e, _ := next(t, s); e.Name != "step" {
			t.Errorf("%s %s", e.Name, e.Data)
		}
		list, _ := f.Instruments()
		if _, err := f.OpenEvidence("x"); len(list) != 0 || !errors.Is(err, ErrNoEvidence) {
			t.Errorf("%v, %v", list, err)
		}
	})
}
