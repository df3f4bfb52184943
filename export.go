package pacer

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/pacer-perf/pacer/internal/atomicfile"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// Export writes what was measured so far to a file, as a run document. Missing
// directories are made. When collecting or writing fails, Export logs and
// returns the error, no file is left, and an older one stays as it was.
func (r *Recorder) Export(path string) error {
	if r == nil {
		return nil
	}
	err := r.export(path)
	if err != nil {
		r.log.Error("pacer: metrics not exported", "file", path, "error", err)
	}
	return err
}

func (r *Recorder) export(path string) error {
	snapshot, err := r.collect()
	if err != nil {
		return fmt.Errorf("exporting metrics to %s: %w", path, err)
	}
	if err := atomicfile.Write(path, snapshot.Write); err != nil {
		return fmt.Errorf("exporting metrics to %s: %w", path, err)
	}
	return nil
}

// Close ends recording: it logs the metrics as one structured record and, with
// PACER_EXPORT set, writes the run document into that directory, returning the
// error if that fails. Further calls do nothing.
func (r *Recorder) Close() error {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	closed := r.closed
	r.closed = true
	r.mu.Unlock()
	if closed {
		return nil
	}
	r.logSummary()
	if dir := os.Getenv("PACER_EXPORT"); dir != "" {
		return r.Export(filepath.Join(dir, r.id+".json"))
	}
	return nil
}

// logSummary logs one record: app, version, and a group for each metric with
// its count and percentiles, values as people read them.
func (r *Recorder) logSummary() {
	ctx := context.Background()
	if !r.log.Enabled(ctx, slog.LevelInfo) {
		return
	}
	snapshot := r.Snapshot()
	attrs := []slog.Attr{slog.String("app", snapshot.App)}
	if snapshot.Version != "" {
		attrs = append(attrs, slog.String("version", snapshot.Version))
	}
	for i := range snapshot.Metrics {
		attrs = append(attrs, logAttr(&snapshot.Metrics[i]))
	}
	r.log.LogAttrs(ctx, slog.LevelInfo, "performance metrics", attrs...)
}

func logAttr(m *run.Metric) slog.Attr {
	s := m.Stats()
	show := func(v float64) string { return unit.Format(v, m.Unit) }
	if s.Count == 1 {
		return slog.String(m.Key(), show(s.P50))
	}
	return slog.Group(m.Key(), slog.Int64("count", s.Count),
		slog.String("p50", show(s.P50)), slog.String("p95", show(s.P95)), slog.String("max", show(s.Max)))
}
