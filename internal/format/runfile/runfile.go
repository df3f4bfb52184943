// Package runfile reads Pacer's own documents: pacer.run/v1, files that have
// only the flat keys, and the JSON of pacer report, which holds a run.
package runfile

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"

	"github.com/pacer-perf/pacer/internal/format/input"
	"github.com/pacer-perf/pacer/internal/jsonscan"
	"github.com/pacer-perf/pacer/run"
)

// Looks tells whether a file looks like a run. A run of a version that is not
// known is one too: reading it says so.
func Looks(h *input.Head) bool {
	s := h.Shape
	return strings.HasPrefix(s.Text("schema"), "pacer.") || isReport(s) ||
		s.Has("startup_time", "memory_usage", "processing_speed", "processing_metrics") ||
		s.KindOf("metrics") == jsonscan.Array && s.Has("metrics[].unit", "metrics[].samples")
}

func isReport(s *jsonscan.Shape) bool {
	return s.KindOf("metrics") == jsonscan.Object && s.Is("timestamp", "summary") &&
		(strings.HasPrefix(s.Text("metrics.schema"), "pacer.run/") || s.Has("metrics.startup_time", "metrics.memory_usage", "metrics.processing_speed", "metrics.processing_metrics"))
}

// Read reads a document. The id is the run's own.
func Read(src *input.Source) ([]run.Run, error) {
	text, err := io.ReadAll(io.LimitReader(src, run.MaxSize+1))
	if err != nil {
		return nil, err
	}
	if len(text) <= run.MaxSize && isReport(input.NewHead(text).Shape) {
		var report struct{ Metrics json.RawMessage }
		if json.Unmarshal(bytes.TrimPrefix(text, []byte("\ufeff")), &report) == nil {
			text = report.Metrics
		}
	}
	r, err := run.Read(bytes.NewReader(text), src.Name)
	return []run.Run{r}, err
}
