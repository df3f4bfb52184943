// Package asv reads the results of airspeed velocity: a file of .asv/results,
// which is one commit in one environment, or the whole folder.
//
// A benchmark becomes a metric by its name, its parameters are labels, its
// samples are kept where they were recorded (asv run --record-samples). Units
// and the names of parameters stand in benchmarks.json, two folders up; without
// it, the benchmark's name tells its kind. The machine and the environment are
// labels of the run. See docs/formats.md.
package asv

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/pacer-perf/pacer/internal/format/input"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// Looks tells whether a file looks like a result of asv.
func Looks(h *input.Head) bool {
	return h.Shape.Is("commit_hash", "results") && h.Shape.Has("env_name", "result_columns", "params", "python", "requirements")
}

// LooksFolder tells whether a folder holds results of asv.
func LooksFolder(files fs.FS) bool {
	found := false
	fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && (d.Name() == "benchmarks.json" || d.Name() == "machine.json") {
			found = true
			return fs.SkipAll
		}
		return nil
	})
	return found
}

// definition is what benchmarks.json says of a benchmark.
type definition struct {
	Unit       string
	ParamNames []string `json:"param_names"`
}

type document struct {
	CommitHash string        `json:"commit_hash"`
	EnvName    string        `json:"env_name"`
	Date       *input.Number // milliseconds
	Params     input.Strings
	Columns    []string `json:"result_columns"`
	Results    map[string]json.RawMessage
}

// Read reads one file.
func Read(src *input.Source) ([]run.Run, error) {
	doc, err := input.Read(src)
	if err != nil {
		return nil, err
	}
	r, err := read(doc, definitions(src.Beside("../benchmarks.json"), src.Beside("benchmarks.json")))
	if err != nil {
		return nil, err
	}
	return []run.Run{r}, nil
}

// ReadFolder reads every result under a folder.
func ReadFolder(files fs.FS, name string) ([]run.Run, error) {
	var runs []run.Run
	var defs map[string]definition
	for _, place := range []string{"benchmarks.json", "results/benchmarks.json", ".asv/results/benchmarks.json"} {
		if text, err := fs.ReadFile(files, place); err == nil && defs == nil {
			defs = definitions(text)
		}
	}
	err := fs.WalkDir(files, ".", func(file string, d fs.DirEntry, err error) error {
		base := path.Base(file)
		if err != nil || d.IsDir() || !strings.HasSuffix(base, ".json") || base == "benchmarks.json" || base == "machine.json" {
			return err
		}
		text, err := fs.ReadFile(files, file)
		if err != nil {
			return err
		}
		if !Looks(input.NewHead(text)) {
			return nil
		}
		r, err := read(input.NewDocument(path.Join(name, file), text), defs)
		if err != nil {
			return err
		}
		if runs = append(runs, r); len(runs) > input.MaxRuns {
			return &input.Error{File: name, Msg: fmt.Sprintf("more than %d runs", input.MaxRuns)}
		}
		return nil
	})
	if err == nil && len(runs) == 0 {
		err = &input.Error{File: name, Msg: "there is no result of asv in this folder"}
	}
	input.Sort(runs)
	return runs, err
}

// definitions reads the first benchmarks.json that is one.
func definitions(texts ...[]byte) map[string]definition {
	for _, text := range texts {
		var raw map[string]json.RawMessage
		if len(text) == 0 || json.Unmarshal(finite(text), &raw) != nil {
			continue
		}
		defs := make(map[string]definition)
		for name, body := range raw { // "version" is a number
			var d definition
			if json.Unmarshal(body, &d) == nil {
				defs[name] = d
			}
		}
		return defs
	}
	return nil
}

// finite replaces NaN and Infinity, which asv writes and JSON does not know, by
// null of the same length where they stand outside of strings.
func finite(text []byte) []byte {
	out, quoted := slices.Clone(text), false
	for i := 0; i < len(out); i++ {
		switch c := out[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted, c != 'I' && c != 'N':
		case strings.HasPrefix(string(out[i:min(len(out), i+8)]), "Infinity"):
			copy(out[i:], "null    ")
			if i > 0 && out[i-1] == '-' {
				out[i-1] = ' '
			}
		case strings.HasPrefix(string(out[i:min(len(out), i+3)]), "NaN"):
			// One letter shorter than null: 0 would be a value, so the list of
			// an empty object tells it apart.
			copy(out[i:], "{} ")
		}
	}
	return out
}

func read(doc *input.Document, defs map[string]definition) (run.Run, error) {
	fixed := input.NewDocument(doc.Name(), finite(doc.Text()))
	var in document
	if err := fixed.Decode(&in); err != nil {
		return run.Run{}, err
	}
	b := input.NewBuilder()
	b.Run.Commit = in.CommitHash
	if in.Date.Known() {
		b.Run.Timestamp = input.Milliseconds(in.Date.Or())
	}
	env := b.Environment()
	env.OS, env.Arch = input.Platform(in.Params["os"], in.Params["arch"])
	env.OS, _, _ = strings.Cut(env.OS, " ")
	env.CPU = in.Params["cpu"]
	env.Cores, _ = strconv.Atoi(in.Params["num_cpu"])
	if kb, err := strconv.ParseInt(in.Params["ram"], 10, 40); err == nil {
		env.Memory = kb << 10
	}
	b.Label("machine", in.Params["machine"])
	b.Label("env", in.EnvName)
	for _, name := range slices.Sorted(maps.Keys(in.Results)) {
		if err := add(b, name, in.Results[name], in.Columns, defs); err != nil {
			return run.Run{}, fixed.Fail("results."+name, "%v", err)
		}
	}
	r, err := b.Finish()
	if err != nil {
		err = fixed.Fail("", "%v", err)
	}
	return r, err
}

// columns are what a result has, by name; those that this package uses.
type columns struct {
	result, params, samples        json.RawMessage
	low, high, q25, q75, repetions json.RawMessage
}

// split takes the columns of a result apart, in any of the versions that asv
// wrote.
func split(raw json.RawMessage, names []string) (c columns, err error) {
	text := strings.TrimSpace(string(raw))
	switch {
	case strings.HasPrefix(text, "["): // version 2: a list, by result_columns
		var list []json.RawMessage
		if err := json.Unmarshal(raw, &list); err != nil {
			return c, err
		}
		at := map[string]*json.RawMessage{"result": &c.result, "params": &c.params, "samples": &c.samples, "stats_ci_99_a": &c.low,
			"stats_ci_99_b": &c.high, "stats_q_25": &c.q25, "stats_q_75": &c.q75, "stats_repeat": &c.repetions}
		for i, name := range names {
			if into, ok := at[name]; ok && i < len(list) {
				*into = list[i]
			}
		}
	case strings.HasPrefix(text, "{") && text != "{}": // version 1, with parameters
		var old struct {
			Result, Params, Samples json.RawMessage
		}
		if err := json.Unmarshal(raw, &old); err != nil {
			return c, err
		}
		c.result, c.params, c.samples = old.Result, old.Params, old.Samples
	default: // version 1: the value alone
		c.result = json.RawMessage("[" + text + "]")
	}
	return c, nil
}

// items takes a list apart; a value that is no list stands for all.
func items(raw json.RawMessage) []json.RawMessage {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil && len(raw) > 0 {
		list = []json.RawMessage{raw}
	}
	return list
}

// at is the number at an index, NaN if there is none.
func at(list []json.RawMessage, i int) float64 {
	v := math.NaN()
	if i < len(list) && string(list[i]) != "null" && json.Unmarshal(list[i], &v) != nil {
		return math.NaN()
	}
	return v
}

// add takes one benchmark: a value for every combination of its parameters.
func add(b *input.Builder, name string, raw json.RawMessage, names []string, defs map[string]definition) error {
	c, err := split(raw, names)
	if err != nil {
		return err
	}
	var params [][]string
	if len(c.params) > 0 && string(c.params) != "null" {
		if err := json.Unmarshal(c.params, &params); err != nil {
			return fmt.Errorf("params: expected lists of texts")
		}
	}
	def := defs[name]
	base, scale, better := unitOf(name, def.Unit)
	values, samples := items(c.result), items(c.samples)
	low, high, q25, q75, repeat := items(c.low), items(c.high), items(c.q25), items(c.q75), items(c.repetions)
	if len(values) > input.MaxMetrics {
		return fmt.Errorf("%d results: at most %d", len(values), input.MaxMetrics)
	}
	for i, value := range values {
		labels := combination(params, def.ParamNames, i)
		m, err := b.Metric(input.Name(name), base, labels)
		if err != nil {
			return err
		}
		m.Better = better
		switch text := strings.TrimSpace(string(value)); text {
		case "null":
			b.Fail("%s failed", m.Key())
			continue
		case "{}":
			continue // NaN: it was skipped
		}
		var list []float64
		if i < len(samples) && json.Unmarshal(samples[i], &list) == nil && len(list) > 0 {
			for _, v := range list {
				if err := m.Add(scale.Apply(v)); err != nil {
					return err
				}
			}
			continue
		}
		v := at(values, i)
		if math.IsNaN(v) {
			return fmt.Errorf("result %d: expected a number, found %s", i, input.Clean(string(value), 40))
		}
		s := run.NewStats()
		s.P50 = scale.Apply(v) // asv's result is the median
		for p, q := range map[float64]float64{25: at(q25, i), 75: at(q75, i)} {
			if !math.IsNaN(q) {
				s.SetPercentile(p, scale.Apply(q))
			}
		}
		if lo, hi := at(low, i), at(high, i); !math.IsNaN(lo) && !math.IsNaN(hi) {
			s.Interval = &[2]float64{scale.Apply(lo), scale.Apply(hi)}
		}
		if n := at(repeat, i); n >= 1 && n <= 1<<53 {
			s.Count = int64(n)
		}
		if s.Interval == nil && len(s.Percentiles) == 0 {
			err = m.Add(s.P50)
		} else {
			err = m.Summarise(*s)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// combination returns the parameters of the ith result: asv counts the last
// one fastest.
func combination(params [][]string, names []string, i int) map[string]string {
	labels := make(map[string]string)
	for k := len(params) - 1; k >= 0; k-- {
		if len(params[k]) == 0 {
			continue
		}
		name := "param" + strconv.Itoa(k+1)
		if k < len(names) && names[k] != "" {
			name = names[k]
		}
		labels[name] = strings.Trim(params[k][i%len(params[k])], "'\"")
		i /= len(params[k])
	}
	return labels
}

// unitOf returns the unit of a benchmark, by what benchmarks.json says, else by
// the kind that its name begins with.
func unitOf(name, word string) (base string, scale input.Scale, better run.Better) {
	kind := name[strings.LastIndexByte(name, '.')+1:]
	switch {
	case word != "" && word != "unit":
		base, scale = input.Unit(word)
		return base, scale, run.Lower // asv takes lower for better in all it measures
	case strings.HasPrefix(strings.ToLower(kind), "time"):
		return unit.Seconds, input.One, run.Lower
	case strings.HasPrefix(strings.ToLower(kind), "mem"), strings.HasPrefix(strings.ToLower(kind), "peakmem"):
		return unit.Bytes, input.One, run.Lower
	}
	return "", input.One, run.Lower
}
