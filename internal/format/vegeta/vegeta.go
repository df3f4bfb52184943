// Package vegeta reads the JSON report of vegeta (report -type json) and its
// results (encode -to json), a line for each request.
//
// Requests become the metric latency, in seconds: a summary from a report,
// samples from results. Beside it are success, rate, throughput, bytes and the
// counts of status codes. See docs/formats.md.
package vegeta

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pacer-perf/pacer/internal/format/input"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// Looks tells whether a file looks like either.
func Looks(h *input.Head) bool {
	return h.Shape.Is("latencies.mean", "latencies.max", "requests") || h.Shape.Is("code", "latency", "timestamp", "seq")
}

type report struct {
	Latencies   map[string]*input.Number            // nanoseconds
	BytesIn     struct{ Total, Mean *input.Number } `json:"bytes_in"`
	BytesOut    struct{ Total, Mean *input.Number } `json:"bytes_out"`
	Earliest    string
	Duration    *input.Number // nanoseconds
	Wait        *input.Number // likewise
	Requests    *input.Number
	Rate        *input.Number
	Throughput  *input.Number
	Success     *input.Number
	StatusCodes map[string]input.Number `json:"status_codes"`
	Errors      []string
}

// Read reads a report or results.
func Read(src *input.Source) ([]run.Run, error) {
	lines := input.NewLines(src)
	var first []byte
	for len(first) == 0 && lines.Next() {
		first = append(first, lines.Text()...)
	}
	b := input.NewBuilder()
	var err error
	if result, ok := parse(first); ok {
		err = results(src, b, lines, result)
	} else {
		err = summary(src, b, first, lines)
	}
	if err != nil {
		return nil, err
	}
	r, err := b.Finish()
	if err != nil {
		return nil, src.Fail(0, "%v", err)
	}
	return []run.Run{r}, nil
}

// summary reads a report, whose first line was read.
func summary(src *input.Source, b *input.Builder, first []byte, lines *input.Lines) error {
	text := append(first, '\n')
	for lines.Next() {
		if text = append(append(text, lines.Text()...), '\n'); len(text) > input.MaxLine {
			return src.Fail(0, "the report is larger than %d bytes", input.MaxLine)
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	doc := input.NewDocument(src.Name, text)
	var in report
	if err := doc.Decode(&in); err != nil {
		return err
	}
	if at, err := input.Time(in.Earliest); err == nil {
		b.Run.Timestamp = at
	}
	ns := input.Scale{Times: 1, By: 1e9}
	s := run.NewStats()
	if n := in.Requests.Or(); n >= 0 && n <= 1<<53 {
		s.Count = int64(n)
	}
	for key, v := range in.Latencies {
		switch seconds := ns.Apply(v.Or()); key {
		case "total":
		case "mean":
			s.Mean = seconds
		case "min":
			s.Min = seconds
		case "max":
			s.Max = seconds
		default:
			if percent, err := strconv.ParseFloat(strings.TrimSuffix(key, "th"), 64); err == nil && percent >= 0 && percent <= 100 && v.Known() {
				s.SetPercentile(percent, seconds)
			}
		}
	}
	m, err := b.Metric("latency", unit.Seconds, nil)
	if err == nil {
		m.Better = run.Lower
		err = m.Summarise(*s)
	}
	if err != nil {
		return doc.Fail("latencies", "%v", err)
	}
	for _, v := range []struct {
		name, base string
		better     run.Better
		value      *input.Number
	}{
		{"success", unit.Ratio, run.Higher, in.Success},
		{"throughput", "requests/s", run.Higher, in.Throughput},
		{"rate", "requests/s", run.Neither, in.Rate},
		{"requests", unit.Count, run.Neither, in.Requests},
		{"bytes_in", unit.Bytes, run.Neither, in.BytesIn.Mean},
		{"bytes_out", unit.Bytes, run.Neither, in.BytesOut.Mean},
		{"bytes_in.total", unit.Bytes, run.Neither, in.BytesIn.Total},
		{"bytes_out.total", unit.Bytes, run.Neither, in.BytesOut.Total},
		{"duration", unit.Seconds, run.Neither, scaled(in.Duration)},
		{"wait", unit.Seconds, run.Neither, scaled(in.Wait)},
	} {
		if err := one(b, v.name, v.base, v.better, nil, v.value); err != nil {
			return doc.Fail(v.name, "%v", err)
		}
	}
	for _, code := range slices.Sorted(maps.Keys(in.StatusCodes)) {
		n := in.StatusCodes[code]
		if err := one(b, "status", unit.Count, run.Neither, map[string]string{"code": code}, &n); err != nil {
			return doc.Fail("status_codes."+code, "%v", err)
		}
	}
	for _, text := range in.Errors {
		b.Warn("requests failed: %s", text)
	}
	return nil
}

func scaled(ns *input.Number) *input.Number {
	if ns == nil {
		return nil
	}
	v := *ns / 1e9
	return &v
}

// one takes a single value, if there is one.
func one(b *input.Builder, name, base string, better run.Better, labels map[string]string, v *input.Number) error {
	if !v.Known() {
		return nil
	}
	m, err := b.Metric(name, base, labels)
	if err != nil {
		return err
	}
	m.Better = better
	return m.Add(v.Or())
}

// result is one request.
type result struct {
	Attack    string
	Code      *int
	Timestamp time.Time
	Latency   *float64 // nanoseconds
	BytesIn   float64  `json:"bytes_in"`
	BytesOut  float64  `json:"bytes_out"`
	Error     string
}

// parse reads one line of results.
func parse(line []byte) (result, bool) {
	var r result
	err := json.Unmarshal(line, &r)
	return r, err == nil && r.Code != nil && r.Latency != nil
}

// results reads results line by line; a bad one is a warning.
func results(src *input.Source, b *input.Builder, lines *input.Lines, r result) error {
	attack := input.Clean(r.Attack, 200)
	if attack != "" {
		b.Label("attack", attack)
	}
	codes := make(map[int]float64)
	requests, good := 0.0, 0.0
	first, last, end := r.Timestamp, r.Timestamp, r.Timestamp
	for ok := true; ; {
		if ok {
			if err := request(b, &r); err != nil {
				b.Warn("line %d: %v", lines.Number(), err)
			} else {
				requests++
				codes[*r.Code]++
				if *r.Code >= 200 && *r.Code < 400 {
					good++
				}
				if r.Error != "" {
					b.Warn("requests failed: %s", r.Error)
				}
				if r.Timestamp.Before(first) {
					first = r.Timestamp
				}
				if r.Timestamp.After(last) {
					last = r.Timestamp
				}
				if done := r.Timestamp.Add(time.Duration(*r.Latency)); done.After(end) {
					end = done
				}
			}
		}
		if !lines.Next() {
			break
		}
		if len(lines.Text()) == 0 {
			ok = false
			continue
		}
		if r, ok = parse(lines.Text()); !ok || lines.Cut() {
			b.Warn("line %d is no result", lines.Number())
			ok = false
		}
		if len(codes) > 10_000 {
			return src.Fail(lines.Number(), "more than 10,000 status codes")
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	if requests == 0 {
		return src.Fail(0, "there is no result of a request")
	}
	if year := first.UTC().Year(); year > 1 && year <= 9999 {
		b.Run.Timestamp = first.UTC()
	}
	// As vegeta's own report has them.
	number := func(v float64) *input.Number { n := input.Number(v); return &n }
	values := map[string]float64{"success": good / requests, "requests": requests, "duration": last.Sub(first).Seconds(), "wait": end.Sub(last).Seconds()}
	if d := last.Sub(first).Seconds(); d > 0 {
		values["rate"] = requests / d
	}
	if d := end.Sub(first).Seconds(); d > 0 {
		values["throughput"] = good / d
	}
	for _, v := range []struct {
		name, base string
		better     run.Better
	}{{"success", unit.Ratio, run.Higher}, {"throughput", "requests/s", run.Higher}, {"rate", "requests/s", run.Neither}, {"requests", unit.Count, run.Neither}, {"duration", unit.Seconds, run.Neither}, {"wait", unit.Seconds, run.Neither}} {
		value, ok := values[v.name]
		if !ok || math.IsNaN(value) {
			continue
		}
		if err := one(b, v.name, v.base, v.better, nil, number(value)); err != nil {
			return src.Fail(0, "%s: %v", v.name, err)
		}
	}
	for _, code := range slices.Sorted(maps.Keys(codes)) {
		if err := one(b, "status", unit.Count, run.Neither, map[string]string{"code": strconv.Itoa(code)}, number(codes[code])); err != nil {
			return src.Fail(0, "%v", err)
		}
	}
	return nil
}

// request takes one request.
func request(b *input.Builder, r *result) error {
	for _, v := range []struct {
		name, base string
		better     run.Better
		value      float64
	}{
		{"latency", unit.Seconds, run.Lower, *r.Latency / 1e9},
		{"bytes_in", unit.Bytes, run.Neither, r.BytesIn},
		{"bytes_out", unit.Bytes, run.Neither, r.BytesOut},
	} {
		m, err := b.Metric(v.name, v.base, nil)
		if err != nil {
			return err
		}
		m.Better = v.better
		if err := m.Add(v.value); err != nil {
			return fmt.Errorf("%s: %w", v.name, err)
		}
	}
	return nil
}
