// Package runfile reads Pacer's own documents: pacer.run/v1, files that have
// only the flat keys, and the reports of pacer report that hold a run: JSON and
// HTML.
package runfile

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/pacer-perf/pacer/internal/format/input"
	"github.com/pacer-perf/pacer/internal/jsonscan"
	"github.com/pacer-perf/pacer/run"
)

// Looks tells whether a file looks like a run. A run of a version that is not
// known is one too: reading it says so.
func Looks(h *input.Head) bool {
	s := h.Shape
	return strings.HasPrefix(s.Text("schema"), "pacer.") || isReport(s) || isPage(h.Text) ||
		s.Has("startup_time", "memory_usage", "processing_speed", "processing_metrics") ||
		s.KindOf("metrics") == jsonscan.Array && s.Has("metrics[].unit", "metrics[].samples")
}

// isReport tells whether an object is a report, which has the run under
// "metrics".
func isReport(s *jsonscan.Shape) bool {
	if s.KindOf("metrics") != jsonscan.Object {
		return false
	}
	return strings.HasPrefix(s.Text("schema"), "pacer.report/") || s.Is("timestamp", "summary") &&
		(strings.HasPrefix(s.Text("metrics.schema"), "pacer.run/") || s.Has("metrics.startup_time", "metrics.memory_usage", "metrics.processing_speed", "metrics.processing_metrics"))
}

// isPage tells whether a text is a page of HTML.
func isPage(text []byte) bool {
	const doctype = "<!doctype html"
	text = bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\ufeff")))
	return len(text) > len(doctype) && strings.EqualFold(string(text[:len(doctype)]), doctype)
}

// element is how the data of a report begin in its page.
const element = `<script type="application/json" id="pacer-report">`

// Read reads a document. The id is the run's own.
func Read(src *input.Source) ([]run.Run, error) {
	doc, err := input.Read(src)
	if err != nil {
		return nil, err
	}
	text := doc.Text()
	if isPage(text) {
		_, data, ok := bytes.Cut(text, []byte(element))
		data, _, whole := bytes.Cut(data, []byte("</script>"))
		if !ok || !whole {
			return nil, src.Fail(0, "the page carries no run: it is no report of pacer report, or not all of one")
		}
		text = data
	}
	if isReport(input.NewHead(text).Shape) {
		var report struct{ Metrics json.RawMessage }
		if err := input.NewDocument(src.Name, text).Decode(&report); err != nil {
			return nil, err
		}
		text = report.Metrics
	}
	r, err := run.Read(bytes.NewReader(text), src.Name)
	return []run.Run{r}, err
}
