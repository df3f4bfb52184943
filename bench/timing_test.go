package bench

import (
	"context"
	"testing"
	"time"

	"github.com/pacer-perf/pacer"
)

var sink time.Duration

// BenchmarkStartStop is timing an operation that takes no time.
func BenchmarkStartStop(b *testing.B) {
	b.Run("time.Now+Since", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			start := time.Now()
			sink = time.Since(start)
		}
	})
	b.Run("timer", func(b *testing.B) {
		b.ReportAllocs()
		timer := newPacer(b).Timer("track.process")
		drive(timer.Record, 1, enough)
		for b.Loop() {
			sink = timer.Start().Stop()
		}
	})
	b.Run("timer-disabled", func(b *testing.B) {
		b.ReportAllocs()
		var rec *pacer.Recorder
		timer := rec.Timer("track.process")
		for b.Loop() {
			sink = timer.Start().Stop()
		}
	})
	b.Run("span", func(b *testing.B) {
		b.ReportAllocs()
		ctx := pacer.NewContext(context.Background(), newPacer(b))
		warmSpans(ctx)
		for b.Loop() {
			_, span := pacer.Start(ctx, "track.process")
			span.End()
		}
	})
	b.Run("span-nested", func(b *testing.B) { // one below another that is open
		b.ReportAllocs()
		ctx := pacer.NewContext(context.Background(), newPacer(b))
		ctx, outer := pacer.Start(ctx, "track.process")
		defer outer.End()
		warmSpans(ctx)
		for b.Loop() {
			_, span := pacer.Start(ctx, "track.process")
			span.End()
		}
	})
	b.Run("span-disabled", func(b *testing.B) {
		b.ReportAllocs()
		ctx := pacer.NewContext(context.Background(), nil)
		for b.Loop() {
			_, span := pacer.Start(ctx, "track.process")
			span.End()
		}
	})
}

// warmSpans brings the stage beyond its first phase.
func warmSpans(ctx context.Context) {
	for range enough {
		_, span := pacer.Start(ctx, "track.process")
		span.End()
	}
}

// What docs/overhead.md says of allocations.
func TestAllocationsOfTiming(t *testing.T) {
	rec := newPacer(t)
	timer := rec.Timer("one")
	drive(timer.Record, 1, enough)
	ctx := pacer.NewContext(context.Background(), rec)
	warmSpans(ctx)
	tests := []struct {
		name string
		want float64
		f    func()
	}{
		{"Start and Stop", 0, func() { timer.Start().Stop() }},
		{"a span", 1, func() { _, span := pacer.Start(ctx, "track.process"); span.End() }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := testing.AllocsPerRun(1000, tt.f); got != tt.want {
				t.Errorf("%v allocations, want %v", got, tt.want)
			}
		})
	}
}
