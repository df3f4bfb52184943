package chart

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/pacer-perf/pacer/internal/golden"
	"github.com/pacer-perf/pacer/internal/unit"
)

// versions is a history of n versions with a step in it.
func versions(n, step int) []Point {
	rng := rand.New(rand.NewPCG(1, 1))
	list := make([]Point, n)
	for i := range list {
		v := 1.74 + 0.02*rng.NormFloat64()
		if i >= step {
			v += 0.34
		}
		label := fmt.Sprintf("v2.%d.%d", i/10, i%10)
		list[i] = Point{Label: label, At: float64(i * i), Value: v, Low: v - 0.05, High: v + 0.05,
			Title: label + ": median " + unit.Format(v, unit.Seconds), Href: fmt.Sprintf("compare?a=%d&b=%d", i-1, i)}
	}
	return list
}

func draw(rng *rand.Rand, n int, level, spread float64) []Weighted {
	list := make([]Weighted, n)
	for i := range list {
		list[i] = Weighted{level * math.Exp(spread*rng.NormFloat64()), 1}
	}
	return list
}

// charts are one of everything, as golden files have them.
func charts() map[string]string {
	rng := rand.New(rand.NewPCG(2, 2))
	before, after := draw(rng, 60, 0.174, 0.06), draw(rng, 40, 0.208, 0.08)
	long := draw(rng, 300, 0.01, 1.2)
	limits := []Limit{{"target", 2}, {"warning", 3}, {"critical", 5}}
	marked := versions(12, 9)
	marked[2].Hollow, marked[3].Value, marked[4].Apart, marked[6].Mark, marked[9].Mark = true, math.NaN(), true, "A", "B"
	forest := NewForest([]Interval{{Ratio: 1.197, Low: 1.16, High: 1.23}, {Ratio: 0.9, Low: 0.88, High: 0.93}})
	stages := Stages{Frame: Frame{Title: "Where time goes", Description: "open library db grew most."}, Unit: unit.Seconds, Bars: []StageBar{
		{Name: "baseline", Total: "1.61 s", Stages: []Stage{{Name: "runtime", Value: 0.063}, {Name: "open library db", Value: 0.472}, {Name: "plugin scan", Value: 0.56}, {Name: "first paint", Value: 0.4}}},
		{Name: "current", Total: "1.95 s", Stages: []Stage{{Name: "runtime", Value: 0.063}, {Name: "open library db", Value: 0.787, Tone: Worse, Title: "open library db: 787 ms, +315 ms"}, {Name: "plugin scan", Value: 0.566}, {Name: "first paint", Value: 0.38, Tone: Better}, {Name: "none", Value: 0}, {Name: "tiny", Value: 0.0001}}},
	}}
	distribution := Distribution{Frame: Frame{Title: "Distribution of startup", Description: "Most of it moved to the right."}, Unit: unit.Seconds,
		Baseline: before, Current: after, Ticks: []Tick{{"p50", 0.208}, {"p95", 0.236}, {"p99", 0.237}}}
	tail := Distribution{Frame: Frame{Title: "Long tail"}, Unit: unit.Seconds, Current: long, Ticks: []Tick{{"p50", 0.01}, {"p99", 0.15}}}
	return map[string]string{
		"spark":           Spark{Title: "Trend: 12 versions, 150 ms to 210 ms", Values: []float64{5, 6, 5, 5.5, 6, math.NaN(), 5, 9, 9.5, 9, 9.2, 9}, Changes: []int{7}}.SVG(),
		"spark-one":       Spark{Values: []float64{5}}.SVG(),
		"history":         History{Frame: Frame{Title: "History of startup", Description: "It moved at v2.3.1."}, Unit: unit.Seconds, Points: versions(40, 31), Limits: limits, Changes: []Change{{Index: 31, Label: "+19.7 % at v2.3.1", Tone: Worse, Up: true}}}.SVG(),
		"history-marks":   History{Frame: Frame{Title: "A <b> & \"c\"", Height: 200}, Unit: unit.Seconds, Points: marked, First: 100, Changes: []Change{{Index: 9, Label: "+20 % at B", Tone: Worse, Up: true}}}.SVG(),
		"history-time":    History{Unit: unit.Seconds, Points: versions(40, 20), ByTime: true, FromZero: true, Changes: []Change{{Index: 5, End: 12, Label: "drifts −4 % from v2.0.5"}, {Index: 20, Label: "+20 % at v2.2.0", Tone: Worse, Up: true}, {Index: 22, Label: "+1 % at v2.2.2", Up: true}}}.SVG(),
		"history-higher":  History{Frame: Frame{Standalone: true, Title: "Speed"}, Unit: unit.Speed, HigherBetter: true, Limits: []Limit{{"target", 1.5}, {"critical", 0.1}}, Points: versions(8, 9)}.SVG(),
		"history-one":     History{Unit: unit.Bytes, Points: []Point{{Label: "v1", Value: 497 << 20}}}.SVG(),
		"history-none":    History{Unit: unit.Bytes, Points: []Point{{Label: "v1", Value: math.NaN()}}}.SVG(),
		"histogram":       Histogram(distribution).SVG(),
		"histogram-tail":  Histogram(tail).SVG(),
		"ecdf":            ECDF(distribution).SVG(),
		"ecdf-tail":       ECDF(tail).SVG(),
		"strip":           Strip(distribution).SVG(),
		"stages":          stages.SVG(),
		"forest-axis":     forest.Axis(),
		"forest-worse":    forest.Row(Interval{Title: "startup: +19.7 %", Ratio: 1.197, Low: 1.16, High: 1.23, Threshold: 0.05, Tone: Worse}),
		"forest-better":   forest.Row(Interval{Ratio: 0.9, Low: 0.88, High: 0.93, Threshold: 0.05, Tone: Better}),
		"forest-unsure":   forest.Row(Interval{Ratio: 1.03, Low: 0.5, High: 9, Threshold: 0.05}),
		"forest-beyond":   forest.Row(Interval{Ratio: 20, Low: math.NaN(), High: math.NaN(), Tone: Worse}),
		"forest-no-ratio": forest.Row(Interval{Title: "missing"}),
		"theme.css":       CSS(),
	}
}

func TestGolden(t *testing.T) {
	t.Parallel()
	for name, text := range charts() {
		if !strings.Contains(name, ".") {
			name += ".svg"
		}
		golden.Check(t, name, []byte(text))
	}
}

var number = regexp.MustCompile(`\b(NaN|Inf|[0-9]e[+-]?[0-9])`)

// wellFormed says what is wrong with a chart: every browser has to read it, and
// the strictest policy to let it.
func wellFormed(text string) error {
	names := make(map[string]int)
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("%w in %.300s", err, text)
		}
		element, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		names[element.Name.Local]++
		for _, a := range element.Attr {
			name := a.Name.Local
			if name == "style" || strings.HasPrefix(name, "on") {
				return fmt.Errorf("attribute %s", name)
			}
			if name != "aria-label" && name != "href" && number.MatchString(a.Value) {
				return fmt.Errorf("%s=%q", name, a.Value)
			}
		}
	}
	if names["svg"] == 0 {
		return errors.New("no svg")
	}
	return nil
}

func TestWellFormed(t *testing.T) {
	t.Parallel()
	for name, text := range charts() {
		if strings.Contains(name, ".") {
			continue
		}
		if err := wellFormed(text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if strings.Contains(text, `role="img"`) && !strings.Contains(text, "<title>") && strings.Contains(name, "histogram") {
			t.Errorf("%s has no name", name)
		}
	}
}

// Whatever the numbers and the words, a chart is well formed.
func FuzzWellFormed(f *testing.F) {
	f.Add("v1", 1.0, 2.0, 3.0, 0.5, uint8(3))
	f.Add("<&\"'\x00\xff", math.MaxFloat64, -math.MaxFloat64, math.SmallestNonzeroFloat64, math.Inf(1), uint8(200))
	f.Add("", 0.0, math.NaN(), 1e-300, -1.0, uint8(0))
	f.Add("far apart", math.MaxFloat64, 1.0, 1e-300, 2.0, uint8(40))
	f.Add("one huge", 1.0, 1.0, math.MaxFloat64, 3.0, uint8(9))
	f.Fuzz(func(t *testing.T, word string, a, b, c, d float64, n uint8) {
		values := []float64{a, b, c, d}
		var pts []Point
		var weighted []Weighted
		var series []float64
		for i := range int(n) * 4 {
			v := values[i%4] * float64(i%3)
			pts = append(pts, Point{Label: word, Title: word, Href: word, Mark: word, Value: v, Low: b, High: c, At: d * float64(i), Apart: i%7 == 3, Hollow: i%5 == 2})
			weighted = append(weighted, Weighted{v, values[(i+1)%4]})
			series = append(series, v)
		}
		changes := []Change{{Index: int(n), End: int(n) * 2, Label: word}, {Index: -1, Label: word, Tone: Worse}, {Index: 3, End: 2, Label: word, Tone: Better, Up: true}}
		limits := []Limit{{"target", a}, {word, b}, {"critical", c}}
		dist := Distribution{Frame: Frame{Title: word, Description: word}, Unit: word, Baseline: weighted[:len(weighted)/3], Current: weighted, Ticks: []Tick{{word, a}}}
		forest := NewForest([]Interval{{Ratio: a, Low: b, High: c}})
		for name, text := range map[string]string{
			"spark":      Spark{Title: word, Values: series, Changes: []int{-1, 0, 1, int(n)}}.SVG(),
			"history":    History{Frame: Frame{Title: word, Standalone: n%2 == 0}, Unit: word, Points: pts, Changes: changes, Limits: limits, ByTime: n%3 == 0, FromZero: n%5 == 0}.SVG(),
			"one":        History{Points: pts[:min(1, len(pts))], Changes: changes, Limits: limits}.SVG(),
			"histogram":  Histogram(dist).SVG(),
			"ecdf":       ECDF(dist).SVG(),
			"strip":      Strip(dist).SVG(),
			"forest":     forest.Row(Interval{Title: word, Ratio: d, Low: a, High: b, Threshold: c}) + "",
			"forestaxis": forest.Axis(),
			"stages":     Stages{Unit: word, Bars: []StageBar{{Name: word, Total: word, Stages: []Stage{{word, word, a, Worse}, {word, word, b, Neutral}}}}}.SVG(),
		} {
			if err := wellFormed(text); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// A chart of many points keeps its extremes, and says a thing once for each.
func TestDownsample(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 3))
	for range 200 {
		n, limit := 1+rng.IntN(3000), 2+rng.IntN(600)
		values := make([]float64, n)
		least, most := 0, 0
		for i := range values {
			values[i] = rng.NormFloat64()
			if values[i] < values[least] {
				least = i
			}
			if values[i] > values[most] {
				most = i
			}
		}
		kept := rng.IntN(n)
		got := make(map[int]int)
		previous := -1
		list := downsample(n, limit, func(i int) float64 { return values[i] }, func(i int) bool { return i == kept })
		for _, i := range list {
			got[i]++
			if i <= previous || i >= n {
				t.Fatalf("%d follows %d", i, previous)
			}
			previous = i
		}
		for _, i := range []int{0, n - 1, least, most, kept} {
			if got[i] != 1 {
				t.Fatalf("n=%d limit=%d: value %d is there %d times", n, limit, i, got[i])
			}
		}
		if len(list) > limit+3+1 {
			t.Fatalf("n=%d: %d of %d wanted", n, len(list), limit)
		}
	}
}

func TestTicks(t *testing.T) {
	t.Parallel()
	tests := []struct {
		low, high float64
		base      string
		want      string
	}{
		{1.7, 2.1, unit.Seconds, "1.7 s,1.8 s,1.9 s,2.0 s,2.1 s"},
		{0, 0.0123, unit.Seconds, "0 ms,5 ms,10 ms"},
		{488 << 20, 512 << 20, unit.Bytes, "490 MB,500 MB,510 MB"},
		{0, 3 << 30, unit.Bytes, "0 GB,1 GB,2 GB,3 GB"},
		{-5, 5, "", "-5.0,-2.5,0.0,2.5,5.0"},
		{0, 100, "%", "0 %,25 %,50 %,75 %,100 %"},
		{3, 3, "", "3"},
		{0, 40, unit.Speed, "0,10,20,30,40 items/s"},
		{0, 1e300, unit.Seconds, "0 s,2.5e+299 s,5e+299 s,7.5e+299 s,1e+300 s"},
	}
	for _, tt := range tests {
		got := strings.Join(labels(span{low: tt.low, high: tt.high}.ticks(4, tt.base), tt.base), ",")
		got = strings.NewReplacer("\u202f", " ", "−", "-").Replace(got)
		if got != tt.want {
			t.Errorf("ticks from %v to %v %s: %s, want %s", tt.low, tt.high, tt.base, got, tt.want)
		}
	}
}

// What is drawn as percentages of the plot stays in it.
func TestLimitsNamed(t *testing.T) {
	t.Parallel()
	h := History{Unit: unit.Seconds, Points: versions(10, 5), Limits: []Limit{{"target", 2}, {"warning", 30}, {"critical", 50}}}
	text := h.SVG()
	for _, want := range []string{">target 2\u202fs<", ">warning 30\u202fs, critical 50\u202fs, above<"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in the chart", want)
		}
	}
	h.Limits = []Limit{{"target", 2.2}}
	if text := h.SVG(); !strings.Contains(text, "c-target") || strings.Contains(text, "above") {
		t.Error("a limit within one range of the data is not drawn as a line")
	}
}

func BenchmarkHistory(b *testing.B) {
	for _, n := range []int{40, 200, 500, 2000, 10000} {
		h := History{Unit: unit.Seconds, Points: versions(n, n/2), Limits: []Limit{{"target", 2}}, Changes: []Change{{Index: n / 2, Label: "+20 %", Tone: Worse}}}
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			size := 0
			for b.Loop() {
				size = len(h.SVG())
			}
			b.ReportMetric(float64(size), "bytes")
		})
	}
}

func BenchmarkSpark(b *testing.B) {
	values := make([]float64, 24)
	for i := range values {
		values[i] = float64(i * i % 7)
	}
	b.ReportAllocs()
	for b.Loop() {
		Spark{Title: "Trend", Values: values}.SVG()
	}
}

func BenchmarkDistribution(b *testing.B) {
	for _, n := range []int{40, 2000, 10000} {
		d := Distribution{Unit: unit.Seconds, Baseline: draw(rand.New(rand.NewPCG(1, 1)), n, 1, 0.2), Current: draw(rand.New(rand.NewPCG(2, 1)), n, 1.1, 0.2)}
		for name, svg := range map[string]func() string{"histogram": Histogram(d).SVG, "ecdf": ECDF(d).SVG, "strip": Strip(d).SVG} {
			b.Run(fmt.Sprintf("%s/n=%d", name, n), func(b *testing.B) {
				b.ReportAllocs()
				size := 0
				for b.Loop() {
					size = len(svg())
				}
				b.ReportMetric(float64(size), "bytes")
			})
		}
	}
}

func TestNumber(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		v        float64
		decimals int
		want     string
	}{
		{1.25, 2, "1.25"}, {1.2, 2, "1.2"}, {1.05, 2, "1.05"}, {1.005, 1, "1"}, {-0.04, 1, "0"}, {-0.05, 1, "-0.1"}, {99.96, 1, "100"}, {12, 0, "12"},
		{math.NaN(), 2, "0"}, {math.Inf(-1), 2, "0"}, {1e300, 2, "0"},
	} {
		var s svg
		if got := string(s.number(tt.v, tt.decimals).b); got != tt.want {
			t.Errorf("number(%v, %d) = %s, want %s", tt.v, tt.decimals, got, tt.want)
		}
	}
}
