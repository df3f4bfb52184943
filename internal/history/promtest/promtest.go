// Package promtest starts real engines that speak the API of Prometheus, on
// loopback, with three days of an app in them: what the SDK's text format says,
// with times.
package promtest

import (
	"bytes"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pacer-perf/pacer"
)

// App is the app whose history it is: track.process takes 100 ms in version 1.0
// and 130 ms in version 2.0, which came half way.
const App = "shop"

// Samples is what was scraped.
type Samples struct {
	kinds map[string]string // by family
	lines map[string][]sample
}

type sample struct {
	series, value string
	at            time.Time
}

// Scraped is what would have been scraped in the three days until a time, every
// ten minutes.
func Scraped(t *testing.T, until time.Time) *Samples {
	t.Helper()
	s := &Samples{make(map[string]string), make(map[string][]sample)}
	for _, v := range []struct {
		version  string
		from, to time.Duration
		each     time.Duration
	}{{"1.0", -72 * time.Hour, -36 * time.Hour, 100 * time.Millisecond}, {"2.0", -36 * time.Hour, 0, 130 * time.Millisecond}} {
		rec := pacer.New(pacer.Config{App: App, Logger: slog.New(slog.DiscardHandler)})
		process, filter := rec.Timer("track.process"), rec.Timer("table.filter", pacer.Label{Key: "rows", Value: "1000"})
		hits := rec.Counter("cache.hits")
		n := 0
		for at := v.from; at <= v.to; at += 10 * time.Minute {
			for range 30 {
				n++
				process.Record(v.each + time.Duration(n%7-3)*time.Millisecond)
				filter.Record(time.Millisecond)
				hits.Add(1)
			}
			var b bytes.Buffer
			if err := rec.WriteOpenMetrics(&b); err != nil {
				t.Fatal(err)
			}
			s.collect(&b, v.version, until.Add(at))
		}
		rec.Close()
	}
	return s
}

// collect adds the lines of an exposition, with the label that scraping adds.
func (s *Samples) collect(b *bytes.Buffer, version string, at time.Time) {
	family := ""
	for line := range strings.Lines(b.String()) {
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
			name, kind, _ := strings.Cut(rest, " ")
			family, s.kinds[name] = name, kind
		}
		if strings.HasPrefix(line, "#") {
			continue
		}
		end := strings.LastIndex(line, "} ") + 1
		series := strings.Replace(line[:end], "{", fmt.Sprintf("{version=%q,", version), 1)
		s.lines[family] = append(s.lines[family], sample{series, line[end+1:], at})
	}
}

// OpenMetrics writes the samples as promtool reads them.
func (s *Samples) OpenMetrics() []byte {
	var out bytes.Buffer
	for _, family := range slices.Sorted(maps.Keys(s.lines)) {
		fmt.Fprintf(&out, "# TYPE %s %s\n", family, s.kinds[family])
		lines := slices.Clone(s.lines[family])
		slices.SortStableFunc(lines, func(a, b sample) int { return strings.Compare(a.series, b.series) })
		for _, l := range lines {
			fmt.Fprintf(&out, "%s %s %d\n", l.series, l.value, l.at.Unix())
		}
	}
	out.WriteString("# EOF\n")
	return out.Bytes()
}

// Text writes the samples as VictoriaMetrics reads them.
func (s *Samples) Text() []byte {
	var out bytes.Buffer
	for _, family := range slices.Sorted(maps.Keys(s.lines)) {
		for _, l := range s.lines[family] {
			fmt.Fprintf(&out, "%s %s %d\n", l.series, l.value, l.at.UnixMilli())
		}
	}
	return out.Bytes()
}
