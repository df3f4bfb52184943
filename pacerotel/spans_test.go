package pacerotel_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/pacer-perf/pacer"
	"github.com/pacer-perf/pacer/pacerotel"
	"github.com/pacer-perf/pacer/pacertest"
	"github.com/pacer-perf/pacer/run"
)

// instrumented returns the tracer of an app, and the provider behind it.
func instrumented(t testing.TB, rec *pacer.Recorder) (trace.Tracer, *sdktrace.TracerProvider) {
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(pacerotel.NewSpanProcessor(rec)))
	t.Cleanup(func() { provider.Shutdown(context.Background()) })
	return provider.Tracer("app"), provider
}

func TestSpans(t *testing.T) {
	t.Parallel()
	const s = time.Second
	tests := []struct {
		name string
		do   func(ctx context.Context, tracer trace.Tracer, clock *pacertest.Clock)
		want []run.Stage
	}{
		{"nested", func(ctx context.Context, tracer trace.Tracer, clock *pacertest.Clock) {
			for range 2 {
				ctx, root := tracer.Start(ctx, "HTTP GET /tracks")
				clock.Advance(1 * s)
				inner, child := tracer.Start(ctx, "db.Query")
				clock.Advance(2 * s)
				_, grandchild := tracer.Start(inner, "read rows")
				clock.Advance(4 * s)
				grandchild.SetStatus(codes.Error, "gone")
				grandchild.End()
				child.End()
				root.End()
				root.End()
			}
		}, []run.Stage{
			{Path: "http.get.tracks", Count: 2, Total: 14, Self: 2},
			{Path: "http.get.tracks/db.query", Count: 2, Total: 12, Self: 4},
			{Path: "http.get.tracks/db.query/read.rows", Count: 2, Total: 8, Self: 8, Failures: 2},
		}},
		{"children at once", func(ctx context.Context, tracer trace.Tracer, clock *pacertest.Clock) {
			ctx, root := tracer.Start(ctx, "root")
			_, a := tracer.Start(ctx, "a")
			clock.Advance(1 * s)
			_, b := tracer.Start(ctx, "b")
			clock.Advance(1 * s)
			a.End()
			clock.Advance(1 * s)
			b.End()
			root.End()
		}, []run.Stage{{Path: "root", Count: 1, Total: 3}, {Path: "root/a", Count: 1, Total: 2, Self: 2}, {Path: "root/b", Count: 1, Total: 2, Self: 2}}},
		{"remote parent", func(ctx context.Context, tracer trace.Tracer, clock *pacertest.Clock) {
			_, here := tracer.Start(ctx, "here")
			remote := here.SpanContext().WithRemote(true) // a call to itself
			_, span := tracer.Start(trace.ContextWithRemoteSpanContext(ctx, remote), "called")
			clock.Advance(1 * s)
			span.End()
			here.End()
		}, []run.Stage{{Path: "here", Count: 1, Total: 1, Self: 1}, {Path: "called", Count: 1, Total: 1, Self: 1}}},
		{"after its parent", func(ctx context.Context, tracer trace.Tracer, clock *pacertest.Clock) {
			ctx, parent := tracer.Start(ctx, "parent")
			parent.End()
			_, late := tracer.Start(ctx, "late")
			clock.Advance(1 * s)
			late.End()
		}, []run.Stage{{Path: "parent", Count: 1}, {Path: "late", Count: 1, Total: 1, Self: 1}}},
		{"new root", func(ctx context.Context, tracer trace.Tracer, clock *pacertest.Clock) {
			ctx, parent := tracer.Start(ctx, "parent")
			_, other := tracer.Start(ctx, "other.root", trace.WithNewRoot())
			clock.Advance(1 * s)
			other.End()
			parent.End()
		}, []run.Stage{{Path: "parent", Count: 1, Total: 1, Self: 1}, {Path: "other.root", Count: 1, Total: 1, Self: 1}}},
		{"never ends", func(ctx context.Context, tracer trace.Tracer, clock *pacertest.Clock) {
			ctx, _ = tracer.Start(ctx, "endless")
			_, child := tracer.Start(ctx, "child")
			clock.Advance(1 * s)
			child.End()
		}, []run.Stage{{Path: "endless/child", Count: 1, Total: 1, Self: 1}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			rec, clock := pacertest.New(t, pacer.Config{})
			tracer, _ := instrumented(t, rec)
			tt.do(context.Background(), tracer, clock)
			if diff := cmp.Diff(tt.want, rec.Snapshot().Stages); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A span of OpenTelemetry in one of Pacer is below it.
func TestBelowPacer(t *testing.T) {
	t.Parallel()
	rec, clock := pacertest.New(t, pacer.Config{})
	tracer, _ := instrumented(t, rec)
	ctx, outer := rec.Start(context.Background(), "outer")
	_, inner := tracer.Start(ctx, "inner")
	clock.Advance(time.Second)
	inner.End()
	outer.End()
	want := []run.Stage{{Path: "outer", Count: 1, Total: 1}, {Path: "outer/inner", Count: 1, Total: 1, Self: 1}}
	if diff := cmp.Diff(want, rec.Snapshot().Stages); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What is too deep for a path of 200 bytes stays with the stage above.
func TestDeep(t *testing.T) {
	t.Parallel()
	rec, clock := pacertest.New(t, pacer.Config{})
	tracer, _ := instrumented(t, rec)
	long := strings.Repeat("x", 64)
	ctx := context.Background()
	var spans []trace.Span
	for _, name := range []string{long, long, long, long, "y", "z"} {
		var span trace.Span
		ctx, span = tracer.Start(ctx, name)
		spans = append(spans, span)
	}
	clock.Advance(time.Second)
	for _, span := range slices.Backward(spans) {
		span.End()
	}
	var got []string
	for _, s := range rec.Snapshot().Stages {
		got = append(got, strings.ReplaceAll(s.Path, long, "X")+fmt.Sprintf(" %v", s.Self))
	}
	if diff := cmp.Diff([]string{"X 0", "X/X 0", "X/X/X 0", "X/X/X/y 0", "X/X/X/y/z 1"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	pacertest.NoErrors(t, rec)
}

func TestConcurrentSpans(t *testing.T) {
	t.Parallel()
	rec := pacer.New(pacer.Config{App: "test"})
	tracer, _ := instrumented(t, rec)
	ctx, root := tracer.Start(context.Background(), "root")
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 200 {
				ctx, a := tracer.Start(ctx, fmt.Sprintf("a%d", g%2))
				_, b := tracer.Start(ctx, "b")
				if i%2 == 0 {
					b.SetStatus(codes.Error, "")
				}
				b.End()
				a.End()
			}
		})
	}
	wg.Wait()
	root.End()
	for metric, n := range map[string]int64{"root": 1, "root/a0": 800, "root/a1": 800, "root/a0/b": 800, "root/a1/b": 800, "otel.span.lost": 0} {
		pacertest.Count(t, rec, metric, n)
	}
	pacertest.Failures(t, rec, "root/a0/b", 400)
	pacertest.NoErrors(t, rec)
}

// Of spans that never end the oldest are given up, and no others.
func TestBounded(t *testing.T) {
	t.Parallel()
	rec, _ := pacertest.New(t, pacer.Config{})
	tracer, _ := instrumented(t, rec)
	ctx := context.Background()
	_, first := tracer.Start(ctx, "first")
	for range 10_099 {
		tracer.Start(ctx, "leak")
	}
	for range 20_000 { // those that end take no one's place
		_, span := tracer.Start(ctx, "short")
		span.End()
	}
	_, last := tracer.Start(ctx, "last")
	last.End()
	first.End()
	pacertest.Count(t, rec, "short", 20_000)
	pacertest.Count(t, rec, "last", 1)
	pacertest.Count(t, rec, "first", 0)
	// 10,100 run, 10,000 are kept; while all places are taken, the first short
	// one costs another, whose place it leaves to those that follow.
	pacertest.Total(t, rec, "otel.span.lost", 101)
}

func TestShutdown(t *testing.T) {
	t.Parallel()
	rec, _ := pacertest.New(t, pacer.Config{})
	processor := pacerotel.NewSpanProcessor(rec)
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(processor))
	tracer := provider.Tracer("app")
	_, running := tracer.Start(context.Background(), "running")
	if err := provider.ForceFlush(context.Background()); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := processor.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	}
	_, late := tracer.Start(context.Background(), "late")
	late.End()
	running.End()
	if got := rec.Snapshot().Stages; got != nil {
		t.Errorf("after Shutdown there are the stages %v", got)
	}
}

func TestNoRecorder(t *testing.T) {
	t.Parallel()
	tracer, _ := instrumented(t, nil)
	_, span := tracer.Start(context.Background(), "x")
	span.End() // does not panic
}

func BenchmarkSpan(b *testing.B) {
	rec, _ := pacertest.New(b, pacer.Config{})
	without := sdktrace.NewTracerProvider().Tracer("app")
	with, _ := instrumented(b, rec)
	for _, bb := range []struct {
		name   string
		tracer trace.Tracer
	}{{"bare", without}, {"pacer", with}} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, span := bb.tracer.Start(context.Background(), "HTTP GET /tracks")
				span.End()
			}
		})
	}
}
