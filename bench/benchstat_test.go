package bench

import (
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/perf/benchfmt"
	"golang.org/x/perf/benchmath"
)

// compareJSON is what the test needs of pacer compare --format json.
type compareJSON struct {
	Current struct{ Labels map[string]string }
	Metrics []struct {
		Name              string
		Unit              string
		Labels            map[string]string
		Change            string
		Ratio             *float64
		Baseline, Current *struct{ P50 *float64 }
	}
}

// benchstatOf reads a file with benchstat's own packages: values by package,
// name and unit as it was printed.
func benchstatOf(t *testing.T, text string) (map[string][]float64, *benchfmt.UnitMetadataMap) {
	t.Helper()
	values := make(map[string][]float64)
	r := benchfmt.NewReader(strings.NewReader(text), "f")
	for r.Scan() {
		res, ok := r.Result().(*benchfmt.Result)
		if !ok {
			continue
		}
		for _, v := range res.Values {
			unit := v.OrigUnit
			if unit == "" {
				unit = v.Unit
			}
			key := res.GetConfig("pkg") + " " + string(res.Name.Full()) + " " + unit
			values[key] = append(values[key], v.Value)
		}
	}
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	units := r.Units()
	return values, &units
}

// split parts a file that holds both sides, one after "note: before" and one
// after "note: after"; Unit lines are of both.
func split(text string) (before, after string) {
	head, rest, _ := strings.Cut(text, "note: before")
	before, after, _ = strings.Cut(rest, "note: after")
	return head + before, head + after
}

// pacer compare says the same of benchstat's own example files as benchstat's
// packages: the same medians, and of what they call a change the same sign.
func TestBenchstat(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "golang.org/x/perf").Output()
	if err != nil {
		t.Fatal(err)
	}
	testdata := filepath.Join(strings.TrimSpace(string(out)), "cmd", "benchstat", "testdata")
	dir := t.TempDir()
	binary := filepath.Join(dir, "pacer")
	build := exec.Command("go", "build", "-o", binary, "./cmd/pacer")
	build.Dir = ".."
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(testdata, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	total, changes := 0, 0
	for name, sides := range map[string]func() (string, string){
		"old":         func() (string, string) { return read("old.txt"), read("new.txt") },
		"crc":         func() (string, string) { return read("crc-old.txt"), read("crc-new.txt") },
		"issue19565":  func() (string, string) { return split(read("issue19565.txt")) },
		"issue19634":  func() (string, string) { return split(read("issue19634.txt")) },
		"units":       func() (string, string) { return split(read("units.txt")) },
		"zero":        func() (string, string) { return split(read("zero.txt")) },
		"smallSample": func() (string, string) { return split(read("smallSample.txt")) },
	} {
		before, after := sides()
		old, units := benchstatOf(t, before)
		new, _ := benchstatOf(t, after)
		oldFile, newFile := filepath.Join(dir, name+"-old.txt"), filepath.Join(dir, name+"-new.txt")
		for file, text := range map[string]string{oldFile: before, newFile: after} {
			if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		cmd := exec.Command(binary, "compare", "--format", "json", oldFile, newFile)
		cmd.Dir = dir
		text, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var v compareJSON
		if err := json.Unmarshal(text, &v); err != nil {
			t.Fatal(err)
		}
		for _, m := range v.Metrics {
			plain, unit, found := strings.Cut(m.Name, ".")
			if !found {
				unit = "ns/op"
			}
			if procs := v.Current.Labels["procs"]; procs != "" {
				plain += "-" + procs
			}
			key := m.Labels["pkg"] + " " + plain + " " + unit
			x, y := old[key], new[key]
			if len(x) == 0 && len(y) == 0 {
				t.Errorf("%s: %s is in no file", name, key)
				continue
			}
			a, b := median(x, units, unit), median(y, units, unit)
			for _, side := range []struct {
				got  *struct{ P50 *float64 }
				want float64
			}{{m.Baseline, a}, {m.Current, b}} {
				if side.got == nil != math.IsNaN(side.want) || side.got != nil && (side.got.P50 == nil || math.Abs(*side.got.P50-side.want) > 1e-12*math.Abs(side.want)) {
					t.Errorf("%s: %s: median %v, benchstat says %v", name, key, side.got, side.want)
				}
			}
			delete(old, key)
			delete(new, key)
			if len(x) == 0 || len(y) == 0 {
				continue
			}
			total++
			assumption := units.GetAssumption(tidy(unit))
			c := assumption.Compare(benchmath.NewSample(x, &benchmath.DefaultThresholds), benchmath.NewSample(y, &benchmath.DefaultThresholds))
			if c.P > c.Alpha || a == b || a == 0 {
				continue // benchstat says ~
			}
			if changes++; m.Ratio == nil || (*m.Ratio > 1) != (b > a) {
				t.Errorf("%s: %s: ratio %v (%s), benchstat says %v to %v", name, key, m.Ratio, m.Change, a, b)
			}
		}
		for key := range old {
			t.Errorf("%s: %s is not compared", name, key)
		}
		for key := range new {
			t.Errorf("%s: %s is not compared", name, key)
		}
	}
	if total < 30 || changes < 15 {
		t.Errorf("%d metrics and %d changes were compared", total, changes)
	}
	t.Logf("%d metrics, %d changes", total, changes)
}

// tidy is the unit by which benchstat knows one.
func tidy(unit string) string {
	switch unit {
	case "ns/op":
		return "sec/op"
	case "MB/s":
		return "B/s"
	}
	return unit
}

// median is benchstat's summary of a sample, NaN of none.
func median(values []float64, units *benchfmt.UnitMetadataMap, unit string) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	return units.GetAssumption(tidy(unit)).Summary(benchmath.NewSample(values, &benchmath.DefaultThresholds), 0.95).Center
}
