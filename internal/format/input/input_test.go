package input

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pacer-perf/pacer/run"
)

func TestUnit(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		word, base string
		of3        float64 // what 3 of it are
	}{
		{"ns", "s", 3e-9}, {"ns/op", "s", 3e-9}, {"us/iter", "s", 3e-6}, {"ms", "s", 3e-3}, {"milliseconds", "s", 3e-3}, {"sec", "s", 3}, {"Seconds", "s", 3}, {"min", "s", 180}, {"µs", "s", 3e-6},
		{"B", "bytes", 3}, {"bytes", "bytes", 3}, {"By", "bytes", 3}, {"KiB", "bytes", 3072}, {"MB", "bytes", 3 << 20}, {"kBy", "bytes", 3000}, {"B/op", "bytes/op", 3}, {"MiB/s", "bytes/s", 3 << 20}, {"MB/sec", "bytes/s", 3 << 20},
		{"ops/s", "ops/s", 3}, {"ops/ms", "ops/s", 3000}, {"iter/sec", "iter/s", 3}, {"req/min", "req/s", 0.05}, {"items/s", "items/s", 3},
		{"%", "ratio", 0.03}, {"percent", "ratio", 0.03}, {"ratio", "ratio", 3},
		{"", "", 3}, {"widgets", "widgets", 3}, {"allocs/op", "allocs/op", 3}, {"a/b/c", "a/b/c", 3}, {"M", "M", 3}, {"Mb", "Mb", 3}, {"ns/GC", "s/GC", 3e-9},
	} {
		base, scale := Unit(tt.word)
		if got := scale.Apply(3); base != tt.base || math.Abs(got-tt.of3) > 1e-15*tt.of3 {
			t.Errorf("3 %s are %v %q, want %v %q", tt.word, got, base, tt.of3, tt.base)
		}
	}
	// A decimal fraction of a second stays one.
	if _, scale := Unit("ms"); scale.Apply(200) != 0.2 {
		t.Errorf("200 ms are %v", scale.Apply(200))
	}
}

func TestTime(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"2026-01-31T12:00:00Z": "2026-01-31T12:00:00Z", "2026-01-31T12:00:00.5+01:00": "2026-01-31T11:00:00.5Z", "2026-01-31 12:00:00": "2026-01-31T12:00:00Z", "2026-01-31": "2026-01-31T00:00:00Z",
		"2026.01.31 12:00:00 +0100": "2026-01-31T11:00:00Z", "1767225600": "2026-01-01T00:00:00Z", "1767225600.5": "2026-01-01T00:00:00.5Z", "2026-01-31T12:00": "2026-01-31T12:00:00Z",
		"": "", "soon": "", "1767225600000": "", "0000-01-01": "", "NaN": "",
	} {
		at, err := Time(text)
		if got := at.Format(time.RFC3339Nano); (err == nil) != (want != "") || err == nil && got != want {
			t.Errorf("%q is %s, %v; want %q", text, got, err, want)
		}
	}
	if !Milliseconds(1e300).IsZero() || !Milliseconds(math.NaN()).IsZero() || Milliseconds(1.5e12).Year() != 2017 {
		t.Error("milliseconds")
	}
}

func TestClean(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"a\x1b[31mb\nc": "a [31mb c", " x ": "x", "\xff": "\ufffd", "äöü": "äöü", strings.Repeat("ä", 10): "äää..."} {
		if got := Clean(text, 10); got != want {
			t.Errorf("Clean(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestLines(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", MaxLine+10)
	l := NewLines(&Source{Name: "f", Reader: strings.NewReader("\ufeffa\r\n\n" + long + "\nlast")})
	var got []string
	for l.Next() {
		text := string(l.Text())
		if l.Cut() {
			text = fmt.Sprintf("%d, cut", len(text))
		}
		got = append(got, fmt.Sprintf("%d:%s", l.Number(), text))
	}
	if want := []string{"1:a", "2:", fmt.Sprintf("3:%d, cut", MaxLine), "4:last"}; !slices.Equal(got, want) || l.Err() != nil {
		t.Errorf("%q, %v; want %q", got, l.Err(), want)
	}
}

// Against what histogram_quantile of Prometheus says of the same buckets.
func TestBuckets(t *testing.T) {
	t.Parallel()
	nan := math.NaN()
	b := Buckets{Bounds: []float64{0.1, 0.5, 1}, Counts: []float64{50, 30, 15, 5}, Sum: 30, Min: nan, Max: nan}
	s := b.Stats()
	if s.Count != 100 || s.Mean != 0.3 || s.P50 != 0.1 || math.Abs(s.P90-(0.5+0.5*10/15)) > 1e-12 || s.P95 != 1 || !math.IsNaN(s.P99) || !math.IsNaN(s.Min) {
		t.Errorf("%+v", s)
	}
	b.Min, b.Max = 0.05, 2
	if s := b.Stats(); s.P99 != 1.8 || s.Min != 0.05 || s.P50 != 0.1 {
		t.Errorf("with extremes: %+v", s)
	}
	b = Buckets{Bounds: []float64{1}, Counts: []float64{0, 0}, Sum: 0, Min: nan, Max: nan}
	if s := b.Stats(); s.Count != 0 || !math.IsNaN(s.Mean) {
		t.Errorf("of nothing: %+v", s)
	}
}

func TestBuilder(t *testing.T) {
	t.Parallel()
	b := NewBuilder()
	labels := map[string]string{}
	for i := range 10 {
		labels[fmt.Sprint("k", i)] = "v\x1b"
	}
	m, err := b.Metric("a", "s", labels)
	if err != nil || m.Name != "a[k8=v,k9=v]" || len(m.Labels) != run.MaxLabels || m.Labels["k0"] != "v" {
		t.Errorf("%+v, %v", m, err)
	}
	if again, _ := b.Metric("a", "s", labels); again != m {
		t.Error("the same metric twice")
	}
	for _, name := range []string{"", "a\n", "\xff", strings.Repeat("x", 2000)} {
		if _, err := b.Metric(name, "", nil); err == nil {
			t.Errorf("%.10q is a name", name)
		}
	}
	for _, v := range []float64{-1, math.NaN(), math.Inf(1)} {
		if m.Add(v) == nil {
			t.Errorf("%v s was added", v)
		}
	}
	if err := m.Add(1, 3); err != nil {
		t.Fatal(err)
	}
	s := run.NewStats()
	s.Count, s.Mean, s.Min, s.Max = 2, 5, 4, 6
	if err := m.Summarise(*s); err != nil || m.Summary.Count != 4 || m.Summary.Mean != 3.5 || m.Summary.Max != 6 {
		t.Errorf("samples and a summary: %+v, %v", m.Summary, err)
	}
	if err := m.Add(8.5); err != nil || m.Summary.Count != 5 || m.Summary.Mean != 4.5 {
		t.Errorf("one more: %+v, %v", m.Summary, err)
	}
	if err := m.Summarise(*run.NewStats()); err == nil {
		t.Error("a summary of nothing was taken")
	}
	if _, err := b.Metric("never", "", nil); err != nil {
		t.Fatal(err)
	}
	b.Run.App = "a\x00b"
	r, err := b.Finish()
	if err != nil || len(r.Metrics) != 1 || r.App != "a b" {
		t.Errorf("%+v, %v", r, err)
	}
}

// However many samples there are, a run holds a bounded number of them.
func TestHeld(t *testing.T) {
	t.Parallel()
	b := NewBuilder()
	b.most = 100_000
	for i := range 40 {
		m, err := b.Metric(fmt.Sprint("m", i), "s", nil)
		if err != nil {
			t.Fatal(err)
		}
		for k := range 9000 {
			if err := m.Add(float64(k)); err != nil {
				t.Fatal(err)
			}
		}
		if b.held > b.most {
			t.Fatalf("%d samples are held", b.held)
		}
	}
	r, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	folded := 0
	for i := range r.Metrics {
		m := &r.Metrics[i]
		if m.Count() != 9000 || m.Stats().Max != 8999 {
			t.Fatalf("%s: %d samples", m.Name, m.Count())
		}
		if m.Histogram != nil {
			folded++
		}
	}
	if folded == 0 || folded == 40 || len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], "more samples than a run keeps") {
		t.Errorf("%d folded, warnings %q", folded, r.Warnings)
	}
}

func TestDocument(t *testing.T) {
	t.Parallel()
	type document struct {
		A []struct{ N *Number }
		S Strings
	}
	for text, want := range map[string]string{
		"{\"a\":[{\"n\":1},\n{\"n\":{}}]}":   "f:2:6: a[1].n: expected a number, found {}",
		"{\"a\":[{\"n\":1},\n{\"n\":true}]}": "f:2:6: a[1].n: expected a number, found true",
		"{\"a\":\n5}":                        "f:2:1: a: expected an array, found a number",
		"{\"s\":[]}":                         "f:1:6: s: expected an object, found []",
		"{\"a\":[]} 1":                       "f:1:10: expected the end of the file",
	} {
		var d document
		if err := NewDocument("f", []byte(text)).Decode(&d); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error = %v, want %q", text, err, want)
		}
	}
	var d document
	if err := NewDocument("f", []byte(`{"a":[{"n":"1.5"},{"n":"NaN"},{"n":null},{},{"n":-2e3},{"n":"x"},{"n":1e400}],"s":{"a":"b","c":1.50,"d":null}}`)).Decode(&d); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range d.A {
		got = append(got, fmt.Sprint(a.N.Known(), a.N.Or()))
	}
	if want := []string{"true 1.5", "false NaN", "false NaN", "false NaN", "true -2000", "false NaN", "false NaN"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if d.S["a"] != "b" || d.S["c"] != "1.50" || d.S["d"] != "null" {
		t.Errorf("%v", d.S)
	}
	err := NewDocument("f", []byte("{\"a\":[1,\n{\"b.c\":2}]}")).Fail("a[1].b.c", "bad")
	if err.Error() != "f:2:8: a[1].b.c: bad" {
		t.Errorf("%v", err)
	}
}
