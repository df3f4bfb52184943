package pacer

import (
	"io"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pacer-perf/pacer/run"
)

func TestExposition(t *testing.T) {
	t.Parallel()
	rec, _ := fake(t, Config{App: `an "app"`})
	for _, d := range []time.Duration{500, 1023, 1024, 3 * time.Microsecond, time.Hour} {
		rec.Timer("table.filter", L("rows", "1k")).Record(d)
	}
	rec.Counter("cache.miss").Add(3)
	rec.Gauge("queue").Set(2.5)
	rec.Value("sent", Bytes).Record(100)
	rec.Rate("parse.speed").Record(10, time.Second)
	rec.Timer("op", Budget{Target: 1}).Record(2)
	for _, open := range []bool{false, true} {
		var b strings.Builder
		write, counter := rec.WritePrometheus, "cache_miss_total"
		if open {
			write, counter = rec.WriteOpenMetrics, "cache_miss"
		}
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimRight(b.String(), "\n"), "\n")
		app := `{app="an \"app\""`
		for _, want := range []string{
			"# TYPE table_filter_seconds histogram",
			`table_filter_seconds_bucket` + app + `,rows="1k",le="1.023e-06"} 2`, // 1023 ns is within, 1024 ns is not
			`table_filter_seconds_bucket` + app + `,rows="1k",le="2.047e-06"} 3`,
			`table_filter_seconds_bucket` + app + `,rows="1k",le="+Inf"} 5`,
			`table_filter_seconds_count` + app + `,rows="1k"} 5`,
			"# TYPE " + counter + " counter",
			"cache_miss_total" + app + "} 3",
			"# TYPE queue gauge",
			"queue" + app + "} 2.5",
			`sent_bytes_bucket` + app + `,le="127"} 1`,
			`sent_bytes_sum` + app + `} 100`,
			"parse_speed_items_per_second" + app + "} 10",
			"memory_peak_bytes" + app + "} 1.048576e+08",
		} {
			if !slices.Contains(lines, want) {
				t.Errorf("open %v: no line %s in\n%s", open, want, b.String())
			}
		}
		if open != (lines[len(lines)-1] == "# EOF") || open != slices.Contains(lines, "# UNIT table_filter_seconds seconds") {
			t.Errorf("open %v:\n%s", open, b.String())
		}
		seen := make(map[string]bool)
		for _, line := range lines {
			series, _, _ := strings.Cut(line, "} ")
			if !strings.HasPrefix(line, "#") && seen[series] {
				t.Errorf("twice: %s", line)
			}
			seen[series] = true
		}
	}
	if err := (*Recorder)(nil).WritePrometheus(nil); err != nil {
		t.Error(err)
	}
}

// Names of ours that become one of theirs stay apart, and no sample is there
// twice.
func TestExpositionCollides(t *testing.T) {
	t.Parallel()
	rec, _ := fake(t, Config{})
	for _, name := range []string{"a.b", "a_b", "a-b", "a/b"} {
		rec.Timer(name).Record(time.Second)
	}
	rec.Timer("c").Record(1)
	rec.Gauge("c.seconds.count").Set(1)
	rec.Counter("d").Add(1)
	rec.Gauge("d.total").Set(1)
	rec.Counter("e.total").Add(1)
	rec.Counter("f", L("a.b", "1"), L("a_b", "2"), L("app", "3"), L("app_", "4")).Add(1)
	rec.Phase("initial")
	rec.Initial()
	for _, write := range []func(io.Writer) error{rec.WritePrometheus, rec.WriteOpenMetrics} {
		var b strings.Builder
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		series, types := make(map[string]bool), make(map[string]bool)
		for line := range strings.Lines(b.String()) {
			if name, ok := strings.CutPrefix(line, "# TYPE "); ok {
				name, _, _ = strings.Cut(name, " ")
				if types[name] {
					t.Errorf("two families %s", name)
				}
				types[name] = true
			}
			if strings.HasPrefix(line, "#") {
				continue
			}
			key := line[:strings.LastIndexByte(line, ' ')]
			if series[key] {
				t.Errorf("twice: %s", key)
			}
			series[key] = true
			labels := make(map[string]bool)
			for _, m := range regexp.MustCompile(`[{,]([a-z_]+)="`).FindAllStringSubmatch(key, -1) {
				if labels[m[1]] {
					t.Errorf("label %s twice: %s", m[1], key)
				}
				labels[m[1]] = true
			}
		}
		if strings.Contains(b.String(), "total_total") {
			t.Errorf("a total of a total:\n%s", b.String())
		}
	}
}

// However values lie, each limit counts exactly those that are not above it.
func TestCumulative(t *testing.T) {
	t.Parallel()
	h := run.NewHistogram("s")
	values := []time.Duration{0, 1, 1023, 1024, 1025, 2047, 2048, 4096, 65535, 65536, time.Second, 1 << 36, time.Hour}
	for _, d := range values {
		h.Add(d.Seconds())
	}
	for _, c := range cumulative(h) {
		n := int64(0)
		for _, d := range values {
			if d.Seconds() <= c.limit || math.IsInf(c.limit, 1) {
				n++
			}
		}
		if n != c.count {
			t.Errorf("up to %v: %d, want %d", c.limit, c.count, n)
		}
	}
}
