package pacer

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pacer-perf/pacer/run"
)

// TestMain lets the test binary act as an app that is launched.
func TestMain(m *testing.M) {
	if file := os.Getenv("TEST_APP_SIGNAL"); file != "" {
		rec := New(Config{App: "child", Version: "1", ExportFile: file, Logger: slog.New(slog.DiscardHandler)})
		rec.CloseOnSignal()
		rec.Timer("op").Record(time.Second)
		fmt.Println("ready")
		select {}
	}
	if file := os.Getenv("TEST_APP_EXPORT"); file != "" {
		rec := New(Config{App: "child", Version: "1"})
		rec.Ready()
		_, inherited := os.LookupEnv("PACER_START")
		rec.Items("inherited", map[bool]int{true: 1}[inherited])
		if err := rec.Export(file); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// fake is a Recorder on an operating system that says what the test wants,
// with the log it writes.
func fake(t *testing.T, c Config) (*Recorder, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	c.Logger = slog.New(slog.NewJSONHandler(&log, nil))
	if c.App == "" {
		c.App = "app"
	}
	c.Version = "1.0.0"
	r := New(c)
	if r == nil {
		t.Fatal("New returned a disabled recorder")
	}
	r.startup.launch = launch{}
	r.process = process{
		age:    func() (time.Duration, error) { return 2500 * time.Millisecond, nil },
		memory: func() (memoryUse, error) { return memoryUse{current: 90 << 20, peak: 100 << 20}, nil },
	}
	return r, &log
}

// own counts the metrics that are not Pacer's.
func own(r *run.Run) int {
	n := 0
	for _, m := range r.Metrics {
		if checkName(m.Name) == nil {
			n++
		}
	}
	return n
}

func read(t *testing.T, path string) (run.Run, map[string]any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var flat map[string]any
	if err := json.Unmarshal(text, &flat); err != nil {
		t.Fatal(err)
	}
	r, err := run.Read(bytes.NewReader(text), path)
	if err != nil {
		t.Fatal(err)
	}
	return r, flat
}

// The specification's export: the flat keys, a version and a timestamp, in a
// directory that is made.
func TestExport(t *testing.T) {
	t.Parallel()
	rec, _ := fake(t, Config{Main: "track.process", Items: "tracks", Labels: map[string]string{"dataset": "1k"}})
	rec.Ready()
	op := rec.Timer("track.process")
	op.Record(time.Second)
	op.Record(2 * time.Second)
	rec.Timer("idle")
	rec.Items("tracks", 4)
	rec.Items("tracks", 2)
	path := filepath.Join(t.TempDir(), "new", "dir", "metrics.json")
	if err := rec.Export(path); err != nil {
		t.Fatal(err)
	}
	r, flat := read(t, path)
	for key, want := range map[string]any{
		"schema": run.Schema, "app": "app", "version": "1.0.0", "memory_usage": 100.0 * 1024 * 1024,
		"processing_speed": 2.0, // 6 tracks in 3 s
		"processing_metrics": map[string]any{
			"count": 2.0, "avg": 1.5, "min": 1.0, "p50": 1.5, "p95": 1.95, "p99": 1.99, "max": 2.0,
		},
		"items": map[string]any{"tracks": 6.0},
	} {
		if diff := cmp.Diff(want, flat[key]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", key, diff)
		}
	}
	// The fake age less the real time that Ready took.
	if v, _ := flat["startup_time"].(float64); v > 2.5 || v < 2.4 {
		t.Errorf("startup_time = %v", v)
	}
	if at, err := time.Parse(time.RFC3339, fmt.Sprint(flat["timestamp"])); err != nil || time.Since(at).Abs() > time.Hour {
		t.Errorf("timestamp %v: %v", flat["timestamp"], err)
	}
	if m := r.Find("idle", nil); m != nil {
		t.Errorf("a timer that measured nothing is there: %+v", m)
	}
	if len(r.ID) != 26 || r.Labels["dataset"] != "1k" || r.Environment.Cores < 1 {
		t.Errorf("id %q, labels %v, environment %+v", r.ID, r.Labels, r.Environment)
	}
	if len(r.Stages) != 1 || r.Stages[0].Path != run.Startup {
		t.Errorf("stages: %+v", r.Stages)
	}
	if err := rec.Err(); err != nil {
		t.Error(err)
	}
}

// When collecting or writing fails: logged, returned, no file, an older one
// untouched.
func TestExportFails(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	dir := t.TempDir()
	old := filepath.Join(dir, "old.json")
	if err := os.WriteFile(old, []byte("older"), 0o644); err != nil {
		t.Fatal(err)
	}
	blocked := filepath.Join(dir, "file")
	if err := os.WriteFile(blocked, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	broken := process{memory: func() (memoryUse, error) { return memoryUse{}, boom }}
	tests := []struct {
		name, path string
		process    *process
		want       error
	}{
		{"collecting, new file", filepath.Join(dir, "new.json"), &broken, boom},
		{"collecting, old file", old, &broken, boom},
		{"directory is a file", filepath.Join(blocked, "m.json"), nil, nil},
		{"target is a directory", dir, nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rec, log := fake(t, Config{})
			if tt.process != nil {
				rec.process = *tt.process
			}
			err := rec.Export(tt.path)
			if err == nil || tt.want != nil && !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.path) {
				t.Errorf("error = %v; want one that names %s", err, tt.path)
			}
			if !strings.Contains(log.String(), "metrics not exported") {
				t.Errorf("not logged: %s", log)
			}
		})
	}
	if text, _ := os.ReadFile(old); string(text) != "older" {
		t.Errorf("the older file holds %q", text)
	}
	if left, _ := os.ReadDir(dir); len(left) != 2 {
		t.Errorf("left: %v", left)
	}
}

func TestSnapshotSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	rec, _ := fake(t, Config{})
	rec.process.memory = func() (memoryUse, error) { return memoryUse{}, errors.New("boom") }
	rec.Timer("op").Record(time.Second)
	s := rec.Snapshot()
	if s.Find("op", nil) == nil || s.Find(run.MemoryPeak, nil) != nil || len(s.Warnings) != 1 || !strings.Contains(s.Warnings[0], "boom") {
		t.Errorf("snapshot: %+v", s)
	}
	// An OS that does not offer a reading is no failure.
	rec.process.memory = func() (memoryUse, error) { return memoryUse{}, errors.ErrUnsupported }
	if s := rec.Snapshot(); len(s.Warnings) != 0 {
		t.Errorf("warnings = %q", s.Warnings)
	}
}

func TestReady(t *testing.T) {
	t.Parallel()
	rec, _ := fake(t, Config{})
	if s := rec.Snapshot(); s.Find(run.Startup, nil) != nil {
		t.Error("start-up before Ready")
	}
	rec.Ready()
	rec.process.age = func() (time.Duration, error) { return time.Hour, nil }
	rec.Ready() // the first call counts
	s := rec.Snapshot()
	m := s.Find(run.Startup, nil)
	// A fake age less the real time that the call took.
	if v := m.Samples[0]; v > 2.5 || v < 2.4 || m.Resolution != startTick.Seconds() {
		t.Errorf("start-up = %v, resolution %v", v, m.Resolution)
	}

	// The launcher's word is exact.
	rec, _ = fake(t, Config{})
	rec.startup.launch = parseLaunch(strconv.FormatInt(time.Now().Add(-3*time.Second).UnixNano(), 10))
	rec.Ready()
	s = rec.Snapshot()
	m = s.Find(run.Startup, nil)
	if v := m.Samples[0]; v < 3 || v > 4 || m.Resolution != 0 {
		t.Errorf("start-up from PACER_START = %v, resolution %v", v, m.Resolution)
	}

	// Nor is one believed that started something else, long before.
	rec, _ = fake(t, Config{})
	rec.startup.launch = launch{at: time.Unix(1, 0)}
	rec.Ready()
	if s := rec.Snapshot(); s.Find(run.Startup, nil).Samples[0] > 2.5 || rec.Err() == nil {
		t.Errorf("start-up since 1970: %+v, %v", s.Find(run.Startup, nil), rec.Err())
	}

	// Where the age cannot be read, Ready is reached all the same.
	rec, _ = fake(t, Config{})
	rec.process.age = func() (time.Duration, error) { return 0, errors.New("boom") }
	for range 3 {
		rec.Ready()
		rec.Initial()
		rec.Phase("late")
	}
	if s := rec.Snapshot(); s.Find(run.Startup, nil) != nil || s.Find("startup/late", nil) != nil || strings.Count(fmt.Sprint(rec.Err()), "boom") != 2 {
		t.Errorf("without an age: %+v, %v", s.Metrics, rec.Err())
	}

	// A launcher from the future is not believed.
	rec, log := fake(t, Config{})
	rec.startup.launch = launch{at: time.Now().Add(time.Hour)}
	rec.Ready()
	s = rec.Snapshot()
	m = s.Find(run.Startup, nil)
	if v := m.Samples[0]; v > 2.5 || rec.Err() == nil || !strings.Contains(log.String(), "future") {
		t.Errorf("start-up = %v, log %s", v, log)
	}
	for _, text := range []string{"", "x", "-5", "1e9"} {
		if l := parseLaunch(text); l.err == nil {
			t.Errorf("PACER_START=%q is taken for %v", text, l.at)
		}
	}
}

// A launched process measures from PACER_START, and unsets it.
func TestLaunched(t *testing.T) {
	t.Parallel()
	// The launcher's word counts if it names no launcher, or this process.
	for launcher, launched := range map[string]bool{"any": true, "none": false, strconv.Itoa(os.Getpid()): true, "1": false} {
		file := filepath.Join(t.TempDir(), "m.json")
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "TEST_APP_EXPORT="+file)
		if launcher != "none" {
			cmd.Env = append(cmd.Env, fmt.Sprintf("PACER_START=%d", time.Now().Add(-20*time.Second).UnixNano()))
		}
		if launcher != "none" && launcher != "any" {
			cmd.Env = append(cmd.Env, "PACER_LAUNCHER="+launcher)
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		r, _ := read(t, file)
		v := r.Find(run.Startup, nil).Samples[0]
		if launched != (v >= 20) || r.Items["inherited"] != 0 {
			t.Errorf("launcher %s: start-up %v, PACER_START inherited %d", launcher, v, r.Items["inherited"])
		}
		if peak := r.Find(run.MemoryPeak, nil); peak == nil || peak.Samples[0] < 1<<20 {
			t.Errorf("peak memory: %+v", peak)
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a", "table.filter", "track.process/search", "a_b.c-d/e.f", "x1.2"} {
		rec, _ := fake(t, Config{})
		if rec.Timer(name) == nil || rec.Err() != nil {
			t.Errorf("%q is refused: %v", name, rec.Err())
		}
		if first, second := rec.Timer(name), rec.Timer(name); first != second {
			t.Errorf("%q: two timers for one name", name)
		}
	}
	for _, name := range []string{"", "Table", "a b", "a..b", ".a", "a/", "a//b", "ä", "startup", "memory.peak", "process.wall", "processing.speed", "a{b=c}"} {
		rec, log := fake(t, Config{})
		timer := rec.Timer(name)
		timer.Start().Stop() // must not harm the app
		rec.Timer(name).Record(time.Second)
		if err := rec.Err(); err == nil || strings.Count(log.String(), "not recorded") != 1 {
			t.Errorf("%q: error %v, log %s", name, err, log)
		}
		if s := rec.Snapshot(); own(&s) != 0 {
			t.Errorf("%q was recorded: %+v", name, s.Metrics)
		}
	}
	rec, _ := fake(t, Config{Main: "Not A Name"})
	if rec.Err() == nil {
		t.Error("a main operation with a bad name passes")
	}
}

func TestSpeed(t *testing.T) {
	t.Parallel()
	speed := func(rec *Recorder) *run.Metric {
		s := rec.Snapshot()
		return s.Find(run.Speed, nil)
	}
	rec, _ := fake(t, Config{Main: "op"})
	if m := speed(rec); m != nil {
		t.Errorf("speed of nothing: %+v", m)
	}
	rec.Timer("op").Record(0)
	if m := speed(rec); m != nil {
		t.Errorf("speed in no time: %+v", m)
	}
	rec.Timer("op").Record(4 * time.Second)
	if m := speed(rec); m.Samples[0] != 0.5 || m.Better != run.Higher {
		t.Errorf("speed without items: %+v", m)
	}
	rec, _ = fake(t, Config{Main: "op", Items: "tracks"})
	rec.Timer("op").Record(4 * time.Second)
	if m := speed(rec); m != nil {
		t.Errorf("speed of items that were not counted: %+v", m)
	}
	rec.Items("playlists", 9)
	rec.Items("tracks", 2)
	if m := speed(rec); m.Samples[0] != 0.5 {
		t.Errorf("speed of items: %+v", m)
	}
	rec.Items("tracks", -1)
	rec.Items("Bad Name", 1)
	if err := rec.Err(); err == nil || strings.Count(err.Error(), "items") != 2 {
		t.Errorf("error = %v", err)
	}
}

func TestTiming(t *testing.T) {
	t.Parallel()
	rec, _ := fake(t, Config{})
	timing := rec.Timer("op").Start()
	first := timing.Stop()
	second := timing.Stop()
	rec.Timer("op").Record(-time.Second)
	s := rec.Snapshot()
	got := s.Find("op", nil).Samples
	if first < 0 || second < first || len(got) != 3 || got[0] != seconds(int64(first)) || got[1] != seconds(int64(second)) || got[2] != 0 {
		t.Errorf("samples %v of %v and %v", got, first, second)
	}
}

// Past the limit of samples a timer keeps a histogram, and loses nothing.
func TestTimerFolds(t *testing.T) {
	t.Parallel()
	rec, _ := fake(t, Config{Main: "op"})
	op := rec.Timer("op")
	want := run.NewHistogram("s")
	for i := range run.MaxSamples + 500 {
		d := time.Duration(i*i) * time.Microsecond
		op.Record(d)
		want.Add(d.Seconds())
	}
	s := rec.Snapshot()
	if diff := cmp.Diff(want, s.Find("op", nil).Histogram); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	op.Record(time.Hour)
	if s.Find("op", nil).Count() != run.MaxSamples+500 {
		t.Error("a snapshot changes afterwards")
	}
}

func TestDisabled(t *testing.T) {
	t.Parallel()
	for _, rec := range []*Recorder{nil, New(Config{Disabled: true})} {
		rec.Ready()
		rec.Items("tracks", 1)
		rec.Timer("Bad Name").Start().Stop()
		rec.Timer("op").Record(time.Second)
		path := filepath.Join(t.TempDir(), "m.json")
		if err := errors.Join(rec.Export(path), rec.Close(), rec.Err()); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(path); err == nil {
			t.Error("a disabled recorder wrote a file")
		}
		if s := rec.Snapshot(); len(s.Metrics) != 0 {
			t.Errorf("a disabled recorder measured %+v", s)
		}
	}
}

// Close logs one structured record and writes into PACER_EXPORT, once.
func TestClose(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "exports")
	t.Setenv("PACER_EXPORT", dir)
	rec, log := fake(t, Config{Main: "op"})
	rec.Ready()
	for range 3 {
		rec.Timer("op").Record(10 * time.Millisecond)
	}
	for range 2 {
		if err := rec.Close(); err != nil {
			t.Fatal(err)
		}
	}
	files, _ := filepath.Glob(dir + "/*.json")
	if len(files) != 1 {
		t.Fatalf("files = %v, want one", files)
	}
	if r, _ := read(t, files[0]); filepath.Base(files[0]) != r.ID+".json" || r.Find("op", nil).Count() != 3 {
		t.Errorf("%s holds run %s with %d metrics", files[0], r.ID, len(r.Metrics))
	}
	var record map[string]any
	if err := json.Unmarshal(log.Bytes(), &record); err != nil {
		t.Fatalf("want one record: %v\n%s", err, log)
	}
	op, _ := record["op"].(map[string]any)
	if record["msg"] != "performance metrics" || record["app"] != "app" || record["memory.peak"] != "100.00MB" ||
		!strings.HasSuffix(fmt.Sprint(record["startup"]), "s") || op["count"] != 3.0 || op["p95"] != "10.00ms" {
		t.Errorf("record: %s", log)
	}

	t.Setenv("PACER_DISABLED", "1")
	if New(Config{}) != nil {
		t.Error("PACER_DISABLED=1 does not disable")
	}
}

// A snapshot at the very moment when samples become buckets is whole.
func TestSnapshotAtTheTurn(t *testing.T) {
	t.Parallel()
	for range 300 {
		var d distribution
		d.init(math.MaxInt64, nil)
		for range run.MaxSamples - 30 {
			d.record(1)
		}
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				for range 40 {
					d.record(1)
				}
			})
		}
		last := int64(0)
		for range 20 {
			m := run.Metric{Name: "a", Unit: "s"}
			d.observed(&m, seconds)
			if m.Count() < last {
				t.Fatalf("the count went from %d to %d", last, m.Count())
			}
			last = m.Count()
		}
		wg.Wait()
		m := run.Metric{Name: "a", Unit: "s"}
		d.observed(&m, seconds)
		if m.Count() != run.MaxSamples+50 {
			t.Fatalf("%d values, want %d", m.Count(), run.MaxSamples+50)
		}
	}
}

// Every Close returns when everything is written; what hangs in a callback
// does not cost the export.
func TestCloseConcurrently(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "m.json")
	inside := make(chan error, 1)
	var rec *Recorder
	rec, _ = fake(t, Config{ExportFile: file, OnBreach: func(Breach) {
		err := rec.Close() // from inside a report
		_, statErr := os.Stat(file)
		inside <- errors.Join(err, statErr)
	}})
	rec.Timer("op", Budget{Target: 1}).Record(2)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := rec.Close(); err != nil {
				t.Error(err)
			}
			if _, err := os.Stat(file); err != nil {
				t.Error("Close returned before the export was written")
			}
		})
	}
	wg.Wait()
	if err := <-inside; err != nil {
		t.Error(err)
	}
}

// A log handler may use the recorder that it logs for, and may panic.
func TestHandlerUsesRecorder(t *testing.T) {
	t.Parallel()
	var rec *Recorder
	rec = New(Config{App: "a", Logger: slog.New(&nosy{func() {
		rec.Counter("log.lines").Add(1)
		_, span := rec.Start(context.Background(), "logging")
		span.End()
		panic("boom")
	}})})
	rec.Timer("Bad Name")
	_, span := rec.Start(t.Context(), "Another Bad Name")
	span.End()
	rec.Items("Bad", 1)
	if n := rec.Counter("log.lines").n.Load(); n != 3 {
		t.Errorf("%d lines", n)
	}
}

// nosy is a handler that does something for each record.
type nosy struct{ do func() }

func (n *nosy) Enabled(context.Context, slog.Level) bool  { return true }
func (n *nosy) Handle(context.Context, slog.Record) error { n.do(); return nil }
func (n *nosy) WithAttrs([]slog.Attr) slog.Handler        { return n }
func (n *nosy) WithGroup(string) slog.Handler             { return n }

// Mistakes without end are bounded in memory and in the log.
func TestMistakesBounded(t *testing.T) {
	t.Parallel()
	rec, log := fake(t, Config{Labels: map[string]string{"": "x", "Bad": "y", "good": "z"}})
	for i := range 3 * maxStages {
		bad := fmt.Sprint("Bad ", i)
		rec.Timer(bad)
		rec.Items(bad, 1)
		rec.Items(fmt.Sprint("kind", i), 1)
		rec.Phase(fmt.Sprint("phase", i))
		rec.SetLabel(fmt.Sprint("label", i), "x")
		_, span := rec.Start(t.Context(), bad)
		span.End()
	}
	rec.Ready()
	if n := len(rec.errs); n != maxProblems+1 || strings.Count(log.String(), "\n") > n+10 {
		t.Errorf("%d errors kept, log of %d bytes", n, log.Len())
	}
	for range 20 { // a good stage among so many bad ones is one stage
		_, span := rec.Start(t.Context(), "good")
		span.End()
	}
	s := rec.Snapshot()
	if _, err := s.Encode(); err != nil || len(s.Items) != maxKinds || len(s.Labels) != maxKinds || len(s.Metrics) > 3*maxKinds || s.Labels["good"] != "z" {
		t.Errorf("%d items, %d labels, %d metrics, %v", len(s.Items), len(s.Labels), len(s.Metrics), err)
	}
	good := 0
	for _, stage := range s.Stages {
		if stage.Path == "good" || stage.Path == otherStages {
			good++
		}
	}
	if good != 1 {
		t.Errorf("%d stages", good)
	}
}

// One metric that a document cannot hold does not cost the others.
func TestExportDropsInvalid(t *testing.T) {
	t.Parallel()
	rec, _ := fake(t, Config{})
	rec.Timer("op").Record(time.Second)
	rec.Gauge("queue").Set(1)
	rec.Gauge("queue").bits.Store(math.Float64bits(math.Inf(1))) // as if it got past Set
	for _, v := range []time.Duration{4292493394837503, 1<<62 - 1, math.MaxInt64} {
		long := rec.Timer("long")
		for range run.MaxSamples {
			long.Record(v)
		}
	}
	file := filepath.Join(t.TempDir(), "m.json")
	if err := rec.Export(file); err != nil {
		t.Fatal(err)
	}
	r, _ := read(t, file)
	if r.Find("op", nil) == nil || r.Find("queue", nil) != nil || len(r.Warnings) != 1 || r.Find("long", nil).Count() != 3*run.MaxSamples {
		t.Errorf("%d metrics, warnings %q", len(r.Metrics), r.Warnings)
	}
}

func TestFlush(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PACER_EXPORT", filepath.Join(dir, "exports"))
	file := filepath.Join(dir, "metrics.json")
	rec, _ := fake(t, Config{ExportFile: file})
	rec.Timer("op").Record(time.Second)
	if err := rec.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	exports, _ := filepath.Glob(filepath.Join(dir, "exports", "*.json"))
	if r, _ := read(t, file); r.Find("op", nil).Count() != 1 || len(exports) != 1 {
		t.Errorf("%+v, exports %v", r.Metrics, exports)
	}
	// Evidence that is being written is waited for, as long as there is time.
	rec.evidence.mu.Lock()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	rec.Timer("op").Record(time.Second)
	if err := rec.Flush(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v", err)
	}
	rec.evidence.mu.Unlock()
	if r, _ := read(t, file); r.Find("op", nil).Count() != 2 {
		t.Errorf("%+v", r.Metrics)
	}
}

// With an interval the export is written again and again, until Close.
func TestExportEvery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "metrics.json")
		rec, _ := fake(t, Config{ExportFile: file, ExportEvery: time.Minute})
		rec.Timer("op").Record(time.Second)
		synctest.Wait()
		if _, err := os.Stat(file); err == nil {
			t.Error("exported at once")
		}
		for i := range 3 {
			time.Sleep(time.Minute) // the bubble's time
			synctest.Wait()
			if r, _ := read(t, file); r.Find("op", nil).Count() != int64(i+1) {
				t.Errorf("after %d minutes: %+v", i+1, r.Find("op", nil))
			}
			rec.Timer("op").Record(time.Second)
		}
		if err := rec.Close(); err != nil {
			t.Fatal(err)
		}
		if r, _ := read(t, file); r.Find("op", nil).Count() != 4 {
			t.Errorf("after Close: %+v", r.Find("op", nil))
		}
	})
}

// A process that is asked to end writes what it measured, and ends as it would
// have.
func TestCloseOnSignal(t *testing.T) {
	t.Parallel()
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		file := filepath.Join(t.TempDir(), "m.json")
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "TEST_APP_SIGNAL="+file)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
			t.Fatalf("%q, %v", line, err)
		}
		cmd.Process.Signal(s)
		cmd.Wait()
		if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != s {
			t.Errorf("%v: ended with %v", s, cmd.ProcessState)
		}
		if r, _ := read(t, file); r.Find("op", nil).Count() != 1 {
			t.Errorf("%v: %+v", s, r.Metrics)
		}
	}
	rec, _ := fake(t, Config{})
	stop := rec.CloseOnSignal()
	stop()
	stop()
	(*Recorder)(nil).CloseOnSignal()()
}

// Nothing is lost and nothing torn when every entry point is used at once,
// while snapshots are taken.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	const goroutines, each = 64, 100
	var breaches atomic.Int64
	rec, _ := fake(t, Config{Main: "op", Items: "tracks", BreachInterval: time.Nanosecond,
		OnBreach: func(b Breach) { breaches.Add(b.Count) }})
	stop := make(chan struct{})
	var readers, writers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for {
				s := rec.Snapshot()
				if _, err := s.Encode(); err != nil {
					t.Error(err)
				}
				if err := errors.Join(rec.WritePrometheus(io.Discard), rec.Err()); err != nil {
					t.Error(err)
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	for g := range goroutines {
		writers.Go(func() {
			for i := range each {
				rec.Timer("op").Start().Stop()
				rec.Timer("filter", L("rows", strconv.Itoa(i%7))).Record(time.Duration(i))
				rec.Timer("slow", Budget{Target: time.Microsecond}).Record(time.Millisecond)
				rec.Counter("misses").Add(2)
				rec.Gauge("queue").Add(1)
				rec.Value("rows").Record(int64(g*each + i))
				rec.Rate("speed").Record(1, time.Millisecond)
				ctx, span := rec.Start(t.Context(), "root")
				_, child := Start(ctx, "child"+strconv.Itoa(i%5))
				child.Fail(errors.New("x"))
				child.End()
				span.End()
				rec.Items("tracks", 1)
				rec.Phase("p" + strconv.Itoa(i%3))
				rec.SetLabel("start", "warm")
				if i == each/2 {
					rec.Initial()
					rec.Ready()
				}
			}
		})
	}
	writers.Wait()
	close(stop)
	readers.Wait()
	if err := rec.Close(); err != nil {
		t.Fatal(err)
	}
	const all = goroutines * each
	s := rec.Snapshot()
	count := func(name string, labels map[string]string) int64 {
		m := s.Find(name, labels)
		if m == nil {
			return 0
		}
		return m.Count()
	}
	filters := int64(0)
	for i := range 7 {
		filters += count("filter", map[string]string{"rows": strconv.Itoa(i)})
	}
	stages := make(map[string]run.Stage)
	children, failures := int64(0), int64(0)
	for _, stage := range s.Stages {
		stages[stage.Path] = stage
		if strings.HasPrefix(stage.Path, "root/") {
			children += stage.Count
			failures += stage.Failures
		}
	}
	for what, n := range map[string]int64{
		"operations": count("op", nil), "labelled": filters, "values": count("rows", nil), "budgeted": count("slow", nil),
		"counted": int64(s.Find("misses", nil).Samples[0]) / 2, "gauge": int64(s.Find("queue", nil).Samples[0]),
		"items": s.Items["tracks"], "roots": stages["root"].Count, "children": children, "failures": failures,
		"breaches": int64(s.Find("pacer.breaches", map[string]string{"metric": "slow", "tier": "target"}).Samples[0]),
		"sum":      int64(s.Find("rows", nil).Sum()) / (all - 1) * 2, "reported": breaches.Load() + rec.instruments["slow"].watch.pending.Load(),
	} {
		if n != all {
			t.Errorf("%s: %d, want %d", what, n, all)
		}
	}
}

func BenchmarkTimer(b *testing.B) {
	rec := New(Config{App: "bench"})
	op := rec.Timer("op")
	b.Run("Record", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			op.Record(time.Millisecond)
		}
	})
	b.Run("StartStop", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			op.Start().Stop()
		}
	})
	b.Run("clock", func(b *testing.B) { // what StartStop pays to the clock alone
		for b.Loop() {
			_ = time.Since(time.Now())
		}
	})
	var off *Timer
	b.Run("disabled", func(b *testing.B) {
		for b.Loop() {
			off.Start().Stop()
		}
	})
}
