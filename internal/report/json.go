package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/run"
)

// JSON returns the specification's report: timestamp, metrics and summary,
// with the verdict beside them. What was not measured is absent.
func JSON(r *run.Run, v *judge.Verdict, at time.Time) ([]byte, error) {
	document, err := r.Encode()
	if err != nil {
		return nil, err
	}
	document = bytes.TrimSpace(document)
	var flat map[string]json.RawMessage
	if err := json.Unmarshal(document, &flat); err != nil {
		return nil, err
	}
	summary := make(map[string]json.RawMessage)
	for _, key := range []string{"startup_time", "memory_usage", "processing_speed", "processing_metrics"} {
		if value, ok := flat[key]; ok {
			summary[key] = value
		}
	}
	// Put together by hand: an encoder would give every sample a line.
	var out bytes.Buffer
	fmt.Fprintf(&out, "{\n\"timestamp\": %q,\n\"metrics\": %s,\n\"summary\": ", at.UTC().Format(time.RFC3339Nano), document)
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(summary); err != nil {
		return nil, err
	}
	out.WriteString(",\n\"verdict\": ")
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	out.WriteString("}\n")
	return out.Bytes(), nil
}
