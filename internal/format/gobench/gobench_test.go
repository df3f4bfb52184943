package gobench

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pacer-perf/pacer/internal/format/formattest"
	"github.com/pacer-perf/pacer/run"
)

// counted finds the results in what go test printed by other means: package,
// name, value and unit.
func counted(text string) map[string][]float64 {
	values := make(map[string][]float64)
	pkg := ""
	for line := range strings.Lines(text) {
		if after, ok := strings.CutPrefix(line, "pkg: "); ok {
			pkg = strings.TrimSpace(after)
		}
		m := regexp.MustCompile(`^Benchmark(\S+)\s+\d+\s+(.*)`).FindStringSubmatch(line)
		if m == nil {
			continue
		}
		for _, pair := range regexp.MustCompile(`([0-9.e+]+) (\S+)`).FindAllStringSubmatch(m[2], -1) {
			v, _ := strconv.ParseFloat(pair[1], 64)
			key := pkg + " " + m[1] + " " + pair[2]
			values[key] = append(values[key], v)
		}
	}
	return values
}

// printed puts the output of -json together.
func printed(text string) string {
	var b strings.Builder
	for _, m := range regexp.MustCompile(`"Output":("(?:[^"\\]|\\.)*")`).FindAllStringSubmatch(text, -1) {
		s, _ := strconv.Unquote(m[1])
		b.WriteString(s)
	}
	return b.String()
}

// Every number that is printed is a sample, in base units, and nothing else is.
func TestRealFiles(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"plain.txt", "cpu.txt", "verbose.txt", "failing.txt", "events.json", "events-failing.json"} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(filepath.Join("testdata", file))
			if err != nil {
				t.Fatal(err)
			}
			source := string(text)
			if strings.HasSuffix(file, ".json") {
				source = printed(source)
			}
			want := counted(source)
			if len(want) < 10 {
				t.Fatalf("only %d results were counted", len(want))
			}
			r := formattest.One(t, Read, file)
			for i := range r.Metrics {
				m := &r.Metrics[i]
				name, word, _ := strings.Cut(m.Name, ".")
				if word == "" {
					word = "ns/op"
				}
				if procs := r.Labels["procs"]; procs != "" {
					name += "-" + procs
				}
				key := m.Labels["pkg"] + " " + name + " " + word
				scale := map[string]float64{"ns/op": 1e9, "p99-ns": 1e9, "MB/s": 1e-6}[word]
				if scale == 0 {
					scale = 1
				}
				if len(m.Samples) != len(want[key]) {
					t.Errorf("%s: %d samples, printed were %d", key, len(m.Samples), len(want[key]))
					continue
				}
				for k, v := range m.Samples {
					if math.Abs(v*scale-want[key][k]) > 1e-9*want[key][k] {
						t.Errorf("%s: %v, printed was %v", key, v*scale, want[key][k])
					}
				}
				base := map[string]string{"ns/op": "s", "p99-ns": "s", "MB/s": "bytes/s", "B/op": "bytes/op"}[word]
				if base == "" {
					base = word
				}
				better := map[string]run.Better{"s": run.Lower, "bytes/s": run.Higher, "bytes/op": run.Lower, "allocs/op": run.Lower, "items/op": run.Lower, "widgets": ""}[base]
				if m.Unit != base || m.Direction() != better {
					t.Errorf("%s: in %s, %q is better; want %s, %q", key, m.Unit, m.Direction(), base, better)
				}
				delete(want, key)
			}
			if len(want) > 0 {
				t.Errorf("printed and not read: %v", want)
			}
			if e := r.Environment; e == nil || e.OS != "linux" || e.Arch != "amd64" || e.CPU == "" {
				t.Errorf("environment %+v", e)
			}
			if strings.HasSuffix(file, ".json") == r.Timestamp.IsZero() {
				t.Errorf("time %v", r.Timestamp)
			}
			failures := []string(nil)
			if strings.Contains(file, "failing") {
				failures = []string{"BenchmarkBroken failed in example.org/app/app"}
			}
			formattest.Notes(t, r.Failures, failures...)
			formattest.Notes(t, r.Warnings)
		})
	}
}

// A number of processors that all share is said of the run; with -cpu 1,2 the
// names stay as they are printed. So does a name that ends in a number itself.
func TestProcessors(t *testing.T) {
	t.Parallel()
	plain, cpu := formattest.One(t, Read, "plain.txt"), formattest.One(t, Read, "cpu.txt")
	if plain.Labels["procs"] != "2" || plain.Find("Über8/Foo-8", map[string]string{"pkg": "example.org/app/app"}) == nil {
		t.Errorf("labels %v, metrics %s", plain.Labels, formattest.Tell(plain))
	}
	pkg := map[string]string{"pkg": "example.org/app/app"}
	if len(cpu.Labels) != 0 || cpu.Find("Sort", pkg) == nil || cpu.Find("Sort-2", pkg) == nil || cpu.Find("Über8/Foo-8", pkg) == nil || cpu.Find("Über8/Foo-8-2", pkg) == nil {
		t.Errorf("labels %v, metrics %s", cpu.Labels, formattest.Tell(cpu))
	}
	runs, err := formattest.Text(Read, "BenchmarkA-8 1 2 ns/op\nBenchmarkB 1 2 ns/op\nBenchmarkC-08 1 2 ns/op\n")
	if err != nil {
		t.Fatal(err)
	}
	formattest.Want(t, &runs[0], "A-8 [s] -: 2e-09\nB [s] -: 2e-09\nC-08 [s] -: 2e-09")
}

// Units lines, settings, scientific notation, bad lines: the rest is kept.
func TestSettings(t *testing.T) {
	t.Parallel()
	r := formattest.One(t, Read, "settings.txt")
	formattest.Want(t, r, `
		Encode/size=1k{note=before} [s] lower: 2.413e-05 2.5e-10
		Encode/size=1k.MB/s{note=before} [bytes/s] -: 41200000 41500000
		Encode/size=1k.B/op{note=before} [bytes/op] -: 512 512
		Encode/size=1k.allocs/op{note=before} [allocs/op] -: 3 3
		Encode/size=1k.widgets{note=before} [widgets] higher: 7 7
		Encode/size=1k.p99-ns{note=before} [s] -: 7.1e-05 7.01e-05
		Encode/size=1k.ns/GC{note=before} [s/GC] -: 1.5e-06 1.25e-06
		Encode/size=1k{note=after} [s] lower: 3e-05
		Encode/size=1k.MB/s{note=after} [bytes/s] -: 40000000
		Encode/size=1k.B/op{note=after} [bytes/op] -: 512
		Encode/size=1k.allocs/op{note=after} [allocs/op] -: 3
		Encode/size=1k.widgets{note=after} [widgets] higher: 8
		Encode/size=1k.p99-ns{note=after} [s] -: 7.1e-05
		Encode/size=1k.ns/GC{note=after} [s/GC] -: 1e-06
		Decode [s] lower: 1.2e-08
		Decode.B/op [bytes/op] -: 5`)
	if r.Commit != "1a2b3c4d" || r.Environment.Arch != "arm64" {
		t.Errorf("commit %q, environment %+v", r.Commit, r.Environment)
	}
	for i := range r.Metrics {
		if m := &r.Metrics[i]; (m.Kind == run.ExactKind) != (m.Unit == "widgets") {
			t.Errorf("%s is of kind %q", m.Key(), m.Kind)
		}
	}
	formattest.Notes(t, r.Warnings, `line 17: BenchmarkDecode: "fast" is no number`, "line 18: BenchmarkDecode: expected values, each with its unit",
		`line 19: BenchmarkDecode: "oops" is no number`, "line 20: BenchmarkDecode: -3e-09 s is a negative duration")
}

func TestFailures(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"FAIL\tx [build failed]\n":                               "package x: build failed",
		"BenchmarkA 1 2 ns/op\nFAIL\tx\t0.1s\nFAIL\n":            "package x failed",
		"BenchmarkA 1 2 ns/op\nFAIL\n":                           "go test says FAIL",
		"pkg: x\npanic: boom [recovered]\nFAIL\tx\t0.1s\nFAIL\n": "a test panicked in x: boom",
		`{"Action":"fail","Package":"x","FailedBuild":"x"}`:      "package x did not build",
	} {
		runs, err := formattest.Text(Read, text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		formattest.Notes(t, runs[0].Failures, want)
	}
	for _, text := range []string{"", "PASS\n", "nothing\n", "Benchmark\n", "BenchmarkA\n"} {
		formattest.Refuses(t, Read, text, "there is no result of a benchmark")
	}
}

// Of many bad lines, the first are told and the rest counted.
func TestManyBadLines(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range 100 {
		fmt.Fprintf(&b, "Benchmark%d x y\n", i)
	}
	runs, err := formattest.Text(Read, b.String()+"BenchmarkA 1 2 ns/op\n")
	if err != nil {
		t.Fatal(err)
	}
	if w := runs[0].Warnings; len(w) != 21 || w[20] != "and 80 more warnings like these" {
		t.Errorf("warnings %q", w)
	}
	long := strings.Repeat("x", 3<<20)
	runs, err = formattest.Text(Read, "BenchmarkA 1 2 ns/op\nBenchmark"+long+" 1 2 ns/op\nBenchmarkB 1 2 ns/op\n")
	if err != nil || len(runs[0].Metrics) != 2 {
		t.Fatalf("%v, %v", runs, err)
	}
	formattest.Notes(t, runs[0].Warnings, "line 2 is longer than")
}

// Reading costs memory by the benchmark, not by the line.
func TestConstantMemory(t *testing.T) {
	line := "BenchmarkEncode/size=1k-8   50000   24130 ns/op   41.2 MB/s   512 B/op   3 allocs/op\n"
	allocated := func(n int) float64 {
		text := strings.Repeat(line, n)
		return testing.AllocsPerRun(1, func() {
			if _, err := formattest.Text(Read, text); err != nil {
				t.Fatal(err)
			}
		})
	}
	few, many := allocated(11_000), allocated(50_000)
	if many > few+100 {
		t.Errorf("%v allocations for 11,000 lines, %v for 50,000", few, many)
	}
}

func TestManySamples(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range run.MaxSamples + 5 {
		fmt.Fprintf(&b, "BenchmarkA 1 %d ns/op\n", i+1)
	}
	runs, err := formattest.Text(Read, b.String()+"BenchmarkB 1 2 ns/op\n")
	if err != nil {
		t.Fatal(err)
	}
	formattest.Want(t, &runs[0], "A [s] -: histogram of 10005 from 1e-09 to 1.0005e-05, sum 0.050055\nB [s] -: 2e-09")
	formattest.Notes(t, runs[0].Warnings, "1 metrics with more than 10000 samples were folded")
}

func TestLines(t *testing.T) {
	t.Parallel()
	// CRLF, a byte order mark, no end of the last line.
	runs, err := formattest.Text(Read, "\ufeffgoos: linux\r\nBenchmarkA 1 2 ns/op\r\nBenchmarkA 1 4 ns/op")
	if err != nil || runs[0].Environment.OS != "linux" || !slices.Equal(runs[0].Metrics[0].Samples, []float64{2e-9, 4e-9}) {
		t.Errorf("%+v, %v", runs, err)
	}
}

func FuzzRead(f *testing.F) { formattest.Fuzz(f, Read) }

func BenchmarkRead(b *testing.B) {
	var text strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&text, "BenchmarkEncode/size=%dk-8   50000   %d ns/op   41.2 MB/s   512 B/op   3 allocs/op\n", i%500, 24130+i%97)
	}
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := formattest.Text(Read, text.String()); err != nil {
			b.Fatal(err)
		}
	}
}
