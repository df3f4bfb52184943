package main

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/report"
	"github.com/pacer-perf/pacer/run"
)

// summary writes metrics as short lines: name, unit, index=value.
func summary(list []report.TrendMetric) string {
	var b strings.Builder
	for i := range list {
		m := &list[i]
		fmt.Fprintf(&b, "%s[%s] %d:", m.Name, m.Unit, m.N)
		for _, p := range m.Points {
			fmt.Fprintf(&b, " %d=%v", p.Index, p.Value)
			if at := p.Version + p.Commit; at != "" {
				b.WriteString("@" + at)
			}
			if !p.Time.IsZero() {
				b.WriteString("@" + p.Time.Format(time.RFC3339Nano))
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestReadCSV(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, text, want string }{
		{"plain", "a,b\n1,2\n3,4\n", "a[] 2: 0=1 1=3\nb[] 2: 0=2 1=4\n"},
		{"no newline at the end", "a\n1", "a[] 1: 0=1\n"},
		{"BOM, CRLF, quotes, spaces", "\ufeff\"a, b\", c\r\n\"1\", 2 \r\n", "a, b[] 1: 0=1\nc[] 1: 0=2\n"},
		{"columns that end early", "a,b\n1,2\n3,\n4\n", "a[] 3: 0=1 1=3 2=4\nb[] 1: 0=2\n"},
		{"gaps", "a,b\n1,2\n,3\n4,\n5,6\n", "a[] 3: 0=1 2=4 3=5\nb[] 3: 0=2 1=3 3=6\n"},
		{"a row of nothing", "a,b\n1,2\n,\n4,5\n", "a[] 2: 0=1 2=4\nb[] 2: 0=2 2=5\n"},
		{"units", "a (ms),b [MB],c (x),d (%),e [things],f(s),g (ops/s)\n250,2,3,4,5,6,7\n",
			"a[s] 1: 0=0.25\nb[bytes] 1: 0=2.097152e+06\nc (x)[] 1: 0=3\nd[ratio] 1: 0=0.04\ne[things] 1: 0=5\nf(s)[] 1: 0=6\ng[ops/s] 1: 0=7\n"},
		{"labels stay in the name", "\"f{a=1,b=2} (s)\"\n1\n", "f{a=1,b=2}[s] 1: 0=1\n"},
		{"versions and commits", "version,a,commit\n1.0,5,abc\n,6,\n", "a[] 2: 0=5@1.0abc 1=6\n"},
		{"times put rows in order", "time,a\n2026-01-03,3\n2026-01-01,1\n2026-01-02T12:00:00+02:00,2\n",
			"a[] 3: 0=1@2026-01-01T00:00:00Z 1=2@2026-01-02T10:00:00Z 2=3@2026-01-03T00:00:00Z\n"},
		{"rows of one time stay", "time,a\n5,2\n5,1\n4.5,3\n", "a[] 3: 0=3@1970-01-01T00:00:04.5Z 1=2@1970-01-01T00:00:05Z 2=1@1970-01-01T00:00:05Z\n"},
		{"a time with a unit is a metric", "time (s)\n5\n", "time[s] 1: 0=5\n"},
		{"no rows", "a,b\n", "a[] 0:\nb[] 0:\n"},
		{"columns without a name", "a,\n1,\n2,7\n", "a[] 2: 0=1 1=2\n"},
		{"commas at the end", "a\n1,,\n", "a[] 1: 0=1\n"},
		{"numbers of all kinds", "a\n-1\n1e-3\n+2.5\n0\n", "a[] 4: 0=-1 1=0.001 2=2.5 3=0\n"},
	} {
		list, err := readCSV(strings.NewReader(tt.text), "f.csv")
		if diff := cmp.Diff(tt.want, summary(list)); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", tt.name, err, diff)
		}
	}
}

func TestReadCSVRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                          "f.csv:1:1: the file is empty: expected a header line with names",
		"\n\n":                      "f.csv:1:1: the file is empty: expected a header line with names",
		"a,b\n1,2\n3,x\n":           `f.csv:3:3: "x" is no number (column b)`,
		"a\n\n1\nNaN\n":             `f.csv:4:1: "NaN" is no number (column a)`,
		"a\n1e999\n":                `f.csv:2:1: "1e999" is no number (column a)`,
		"a\n\"1,5\"\n":              `f.csv:2:1: "1,5" is no number (column a)`,
		"1,2\n3,4\n":                "f.csv:1:1: found the number 1: expected a header line with names",
		"a;b\n1;2\n":                "f.csv:1:1: the cells are separated by ';': expected commas",
		"a\tb\n1\t2\n":              "f.csv:1:1: the cells are separated by '\\t': expected commas",
		"a,a\n1,2\n":                "f.csv:1:3: the column a is there twice",
		"time\n1\n":                 "f.csv:1:1: there is no column of a metric",
		"a\n1,2\n":                  "f.csv:2:3: found 2 cells: the header has 1",
		"time,a\nyesterday,2\n":     `f.csv:2:1: "yesterday" is no time: expected 2006-01-02, 2006-01-02T15:04:05Z or Unix seconds`,
		"a,time\n1,\n":              "f.csv:2:3: the time is empty: every row needs one, or none",
		"a,time\n1,2\n3\n":          "f.csv:3:1: the time is empty: every row needs one, or none",
		"time,a\n1767225600000,1\n": "f.csv:2:1: 1767225600000 is too far away for Unix seconds: is it in milliseconds?",
		"a,b\n\"1,2\n":              `f.csv:2:6: extraneous or missing " in quoted-field`,
		"\xff\xfea\x00":             "f.csv:1:1: the text is UTF-16: save it as UTF-8",
		"a\x00b\n":                  "f.csv:1:1: this is no text",
	} {
		if list, err := readCSV(strings.NewReader(text), "f.csv"); err == nil || err.Error() != want {
			t.Errorf("%q: %v, %v\nwant %s", text, list, err, want)
		}
	}
}

// moving is a file of columns that move, with times, in the order of the rows.
func moving(columns, rows int) (header string, lines []string) {
	rng := rand.New(rand.NewPCG(7, 8))
	names := []string{"time", "version"}
	for j := range columns {
		names = append(names, fmt.Sprintf("m%03d (ms)", j))
	}
	for i := range rows {
		line := []string{time.Unix(int64(i)*3600, 0).UTC().Format(time.RFC3339), fmt.Sprintf("1.%d", i/10)}
		for j := range columns {
			level := 100.0
			if j > 0 && i > rows/3+j {
				level *= 1.2
			}
			line = append(line, fmt.Sprintf("%.3f", level*(1+0.01*rng.NormFloat64())))
		}
		lines = append(lines, strings.Join(line, ","))
	}
	return strings.Join(names, ","), lines
}

// The order of rows with times tells nothing, nor does which column is done
// first.
func TestTrendOrder(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(9, 10))
	header, lines := moving(8, 60)
	want := ""
	for i := range 5 {
		list, err := readCSV(strings.NewReader(header+"\n"+strings.Join(lines, "\n")), "f.csv")
		if err != nil {
			t.Fatal(err)
		}
		if err := findChanges(t.Context(), list); err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(report.Trend{Metrics: list})
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			want = string(text)
			for j, m := range list {
				if wanted := min(j, 1); len(m.ChangePoints) != wanted {
					t.Errorf("%s: %d change points, want %d", m.Name, len(m.ChangePoints), wanted)
				}
			}
		}
		if string(text) != want {
			t.Fatalf("rows in another order:\n%s\nwant\n%s", text, want)
		}
		rng.Shuffle(len(lines), func(a, b int) { lines[a], lines[b] = lines[b], lines[a] })
	}
}

// A gap before a step counts in its index, and the difference stands for the
// ratio where there is none.
func TestChangesOf(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(11, 12))
	for _, offset := range []float64{10, -1} { // all positive; not all
		m := report.TrendMetric{Name: "m"}
		for i := range 60 {
			v := offset + 0.01*rng.NormFloat64()
			if i >= 30 {
				v += 5
			}
			index := i
			if i >= 5 {
				index += 7
			}
			m.Points = append(m.Points, report.TrendPoint{Index: index, Value: v, Version: fmt.Sprint(i)})
		}
		m.N = len(m.Points)
		if err := changesOf(&m); err != nil {
			t.Fatal(err)
		}
		if len(m.ChangePoints) != 1 {
			t.Fatalf("offset %v: %+v", offset, m.ChangePoints)
		}
		c := m.ChangePoints[0]
		if c.Index != 37 || c.At != 30 || c.Version != "30" || c.Time != nil || math.Abs(c.Before-offset) > 0.1 || math.Abs(c.After-offset-5) > 0.1 {
			t.Errorf("offset %v: %+v", offset, c)
		}
		positive := offset > 0
		if (c.Ratio != nil) != positive || (c.Interval != nil) != positive || (c.Difference != nil) == positive {
			t.Errorf("offset %v: ratio %v, interval %v, difference %v", offset, c.Ratio, c.Interval, c.Difference)
		}
	}
}

// Runs of other environments and statistics are no part of a trend.
func TestTrendMetric(t *testing.T) {
	t.Parallel()
	s := history.Series{App: "a", Name: "m", Unit: "s"}
	for i := range 10 {
		r := &run.Run{ID: fmt.Sprint(i), App: "a", Timestamp: time.Unix(int64(i), 0), Environment: &run.Environment{CPU: "A"}}
		p := history.Point{Run: r, Center: float64(i), Statistic: "median", Resolution: float64(i % 4)}
		switch i {
		case 3:
			r.Environment = &run.Environment{CPU: "B"}
		case 5:
			p.Statistic = "mean"
		}
		s.Points = append(s.Points, p)
	}
	m, left := trendMetric(&s, 6, nil)
	if got := summary([]report.TrendMetric{m}); !strings.HasPrefix(got, "m[s] 6: 0=2") || !strings.Contains(got, " 5=9@") || m.Better != run.Lower || m.Tick != 3 {
		t.Errorf("%s, better %s, tick %v", got, m.Better, m.Tick)
	}
	if want := "runs left out: 1 of other environments (the last: cpu: B and A), 1 without a median"; left != want {
		t.Errorf("left %q, want %q", left, want)
	}
	if m, left := trendMetric(&s, 0, []string{"cpu"}); m.N != 9 || strings.Contains(left, "environments") {
		t.Errorf("any cpu: %d points, %q", m.N, left)
	}
}

func TestNearestNames(t *testing.T) {
	t.Parallel()
	names := []string{"memory.peak", "startup", "table.filter{rows=10}", "table.filter{rows=1000}", "track.process"}
	for word, want := range map[string][]string{
		"statup":       {"startup"},
		"Startup":      {"startup"},
		"table.filter": {"table.filter{rows=1000}", "table.filter{rows=10}"},
		"peak":         {"memory.peak"},
		"quantum":      nil,
	} {
		if got := nearestNames(word, names); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", word, got, want)
		}
	}
	// By hand, but for the last, which is everybody's example.
	for _, tt := range []struct {
		a, b string
		want int
	}{{"", "abc", 3}, {"abc", "", 3}, {"abc", "abc", 0}, {"abc", "axc", 1}, {"kitten", "sitting", 3}} {
		if got := distance(tt.a, tt.b); got != tt.want {
			t.Errorf("distance(%q, %q) = %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}

// FuzzReadCSV: whatever is read can be written, and is in order.
func FuzzReadCSV(f *testing.F) {
	for _, seed := range []string{"a,b\n1,2\n", "time,version,a (ms)\n2026-01-01,1,2\n5,,\n", "\ufeff\"a\"\r\n1\r\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		list, err := readCSV(strings.NewReader(text), "f")
		if err != nil {
			return
		}
		for i := range list {
			m := &list[i]
			if m.N != len(m.Points) {
				t.Fatalf("%d points, N %d", len(m.Points), m.N)
			}
			for j, p := range m.Points {
				if math.IsNaN(p.Value) || j > 0 && (p.Index <= m.Points[j-1].Index || p.Time.Before(m.Points[j-1].Time)) {
					t.Fatalf("points %+v", m.Points)
				}
				if _, err := p.Time.MarshalJSON(); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

func BenchmarkTrend(b *testing.B) {
	header, lines := moving(200, 1000)
	text := header + "\n" + strings.Join(lines, "\n")
	b.Run("columns=200/rows=1000", func(b *testing.B) {
		for b.Loop() {
			list, err := readCSV(strings.NewReader(text), "f.csv")
			if err != nil {
				b.Fatal(err)
			}
			if err := findChanges(b.Context(), list); err != nil {
				b.Fatal(err)
			}
		}
	})
}
