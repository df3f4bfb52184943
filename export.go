package pacer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/pacer-perf/pacer/internal/atomicfile"
	"github.com/pacer-perf/pacer/internal/sender"
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
	if err := snapshot.Validate(); err != nil {
		r.dropInvalid(&snapshot)
	}
	if err := atomicfile.Write(path, snapshot.Write); err != nil {
		return fmt.Errorf("exporting metrics to %s: %w", path, err)
	}
	return nil
}

// dropInvalid leaves out what a document cannot hold, with a warning, so that
// one mistake does not cost the rest.
func (r *Recorder) dropInvalid(s *run.Run) {
	s.Metrics = slices.DeleteFunc(s.Metrics, func(m run.Metric) bool {
		alone := run.Run{Metrics: []run.Metric{m}}
		err := alone.Validate()
		if err != nil {
			s.Warnings = append(s.Warnings, fmt.Sprintf("%s is left out: %v", strings.ToValidUTF8(m.Key(), "?"), err))
		}
		return err != nil
	})
}

// Flush writes what was measured so far to where it is wanted: to
// Config.ExportFile, and with PACER_EXPORT set into that directory, as a file
// of this recorder's own. It waits for evidence that is being written when it
// is called, until ctx ends.
func (r *Recorder) Flush(ctx context.Context) error {
	if r == nil {
		return nil
	}
	done := make(chan struct{})
	go func() {
		r.evidence.mu.Lock()
		defer r.evidence.mu.Unlock()
		close(done)
	}()
	var waited error
	select {
	case <-done:
	case <-ctx.Done():
		waited = fmt.Errorf("waiting for evidence to be written: %w", ctx.Err())
	}
	return errors.Join(r.write(), waited)
}

// write exports to every place that is configured.
func (r *Recorder) write() error {
	var errs []error
	if r.config.ExportFile != "" {
		errs = append(errs, r.Export(r.config.ExportFile))
	}
	if dir := os.Getenv("PACER_EXPORT"); dir != "" {
		errs = append(errs, r.Export(filepath.Join(dir, r.id+".json")))
	}
	return errors.Join(errs...)
}

// exportEvery writes what Flush writes until the recorder is closed.
func (r *Recorder) exportEvery() {
	tick := time.NewTicker(r.config.ExportEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			r.logSafely(func() { r.write() }) // which logs what goes wrong
		case <-r.closing:
			return
		}
	}
}

// Close logs the metrics as one structured record and writes what Flush
// writes, returning the error if that fails. It ends the periodic export, cuts
// a CPU profile of a breach short, and waits up to five seconds for reports on
// breaches, and for the run to be sent to PACER_ENDPOINT (package pacerpush). Calls after the first wait until it has written, and return its
// error. What is recorded after Close is in later snapshots only.
func (r *Recorder) Close() error {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	closed := r.closed
	r.closed = true
	r.mu.Unlock()
	if closed {
		<-r.written
		return r.writing
	}
	close(r.closing)
	r.logSafely(r.logSummary)
	r.writing = r.write()
	sent := r.send()
	close(r.written)
	// What was measured is safe: reports that hang cannot cost it.
	done := make(chan struct{})
	go func() {
		r.reports.Wait()
		<-sent
		close(done)
	}()
	patience := time.NewTimer(closePatience)
	defer patience.Stop()
	select {
	case <-done:
	case <-patience.C:
		r.logSafely(func() { r.log.Warn("pacer: closed while OnBreach, evidence or sending was still under way") })
	}
	r.evidence.stop()
	return r.writing
}

// send hands the run to what sends it to PACER_ENDPOINT, if the program links
// that, and returns what is closed when that has ended. Whoever collects runs
// by PACER_EXPORT has this one.
func (r *Recorder) send() <-chan struct{} {
	none := make(chan struct{})
	close(none)
	if os.Getenv("PACER_ENDPOINT") == "" || os.Getenv("PACER_EXPORT") != "" {
		return none
	}
	send := sender.Registered()
	if send == nil {
		r.logSafely(func() {
			r.log.Warn(`pacer: PACER_ENDPOINT is set, and nothing in this program sends: import _ "github.com/pacer-perf/pacer/pacerpush"`)
		})
		return none
	}
	snapshot, err := r.collect()
	if err == nil {
		if snapshot.Validate() != nil {
			r.dropInvalid(&snapshot)
		}
		var document []byte
		if document, err = snapshot.Encode(); err == nil {
			return send(document, r.log)
		}
	}
	r.logSafely(func() { r.log.Error("pacer: metrics not sent", "error", err) })
	return none
}

// closePatience is how long Close waits for reports on breaches, and for the run
// to be sent.
const closePatience = 5 * time.Second

// CloseOnSignal closes the recorder when the process gets one of the signals,
// os.Interrupt and SIGTERM if none are named, and then lets the signal end the
// process as it would have. An app that handles these signals itself calls
// Close instead. The function returned takes it back.
func (r *Recorder) CloseOnSignal(signals ...os.Signal) (stop func()) {
	if r == nil {
		return func() {}
	}
	if len(signals) == 0 {
		signals = []os.Signal{os.Interrupt, syscall.SIGTERM}
	}
	ch := make(chan os.Signal, 1)
	signal.Notify(ch, signals...)
	stopped := make(chan struct{})
	go func() {
		select {
		case s := <-ch:
			signal.Stop(ch) // the next one ends the process at once
			r.Close()       // logs what goes wrong
			endBy(s)
		case <-stopped:
		}
	}()
	return sync.OnceFunc(func() {
		signal.Stop(ch)
		close(stopped)
	})
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
