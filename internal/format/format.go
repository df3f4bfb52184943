// Package format knows the files of other tools that Pacer reads, and tells
// them apart by what is in them.
//
// A format is a folder beside this file and a line in the list. Formats do not
// know one another; what they share is in package input. Reading a file makes
// runs: one, or as many as a history holds. Whatever the file says that a run
// cannot keep is named in docs/formats.md.
package format

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/pacer-perf/pacer/internal/format/asv"
	"github.com/pacer-perf/pacer/internal/format/benchmarkdotnet"
	"github.com/pacer-perf/pacer/internal/format/bmf"
	"github.com/pacer-perf/pacer/internal/format/criterion"
	"github.com/pacer-perf/pacer/internal/format/gab"
	"github.com/pacer-perf/pacer/internal/format/gobench"
	"github.com/pacer-perf/pacer/internal/format/googlebench"
	"github.com/pacer-perf/pacer/internal/format/hyperfine"
	"github.com/pacer-perf/pacer/internal/format/input"
	"github.com/pacer-perf/pacer/internal/format/jmh"
	"github.com/pacer-perf/pacer/internal/format/k6"
	"github.com/pacer-perf/pacer/internal/format/lighthouse"
	"github.com/pacer-perf/pacer/internal/format/macrobenchmark"
	"github.com/pacer-perf/pacer/internal/format/openmetrics"
	"github.com/pacer-perf/pacer/internal/format/otava"
	"github.com/pacer-perf/pacer/internal/format/otlp"
	"github.com/pacer-perf/pacer/internal/format/pytest"
	"github.com/pacer-perf/pacer/internal/format/runfile"
	"github.com/pacer-perf/pacer/internal/format/vegeta"
	"github.com/pacer-perf/pacer/run"
)

// Format is one kind of file.
type Format struct {
	Name  string // for --format: gobench
	Title string // for people: go test -bench
	// Lines says that the file is read line by line: what that takes in memory
	// grows with the metrics and samples in it alone.
	Lines bool
	// Cells says that it is a table, whose every cell may become a metric.
	Cells bool

	looks func(*input.Head) bool // nil: it is never recognised by its content
	read  func(*input.Source) ([]run.Run, error)

	looksFolder func(fs.FS) bool // nil: it is no folder
	readFolder  func(files fs.FS, name string) ([]run.Run, error)
}

// list holds the formats that are known, in the order in which they are tried:
// those that can be told for sure before those that look like others.
var list = []Format{
	{Name: "pacer", Title: "a run of Pacer", looks: runfile.Looks, read: runfile.Read},
	{Name: "gobench", Title: "go test -bench", Lines: true, looks: gobench.Looks, read: gobench.Read},
	{Name: "hyperfine", Title: "hyperfine", looks: hyperfine.Looks, read: hyperfine.Read},
	{Name: "pytest", Title: "pytest-benchmark", looks: pytest.Looks, read: pytest.Read},
	{Name: "macrobenchmark", Title: "Android Macrobenchmark", looks: macrobenchmark.Looks, read: macrobenchmark.Read},
	{Name: "googlebench", Title: "Google Benchmark", looks: googlebench.Looks, read: googlebench.Read},
	{Name: "jmh", Title: "JMH", looks: jmh.Looks, read: jmh.Read},
	{Name: "lighthouse", Title: "Lighthouse", looks: lighthouse.Looks, read: lighthouse.Read},
	{Name: "k6", Title: "k6", looks: k6.Looks, read: k6.Read},
	{Name: "vegeta", Title: "vegeta", Lines: true, looks: vegeta.Looks, read: vegeta.Read},
	{Name: "benchmarkdotnet", Title: "BenchmarkDotNet", looks: benchmarkdotnet.Looks, read: benchmarkdotnet.Read},
	{Name: "asv", Title: "airspeed velocity", looks: asv.Looks, read: asv.Read, looksFolder: asv.LooksFolder, readFolder: asv.ReadFolder},
	{Name: "otlp", Title: "OpenTelemetry metrics", looks: otlp.Looks, read: otlp.Read},
	{Name: "gab", Title: "github-action-benchmark", looks: gab.Looks, read: gab.Read},
	{Name: "customSmallerIsBetter", Title: "github-action-benchmark, smaller is better", read: gab.ReadSmaller},
	{Name: "customBiggerIsBetter", Title: "github-action-benchmark, bigger is better", read: gab.ReadBigger},
	{Name: "criterion", Title: "Criterion.rs", looks: criterion.Looks, read: criterion.Read, looksFolder: criterion.LooksFolder, readFolder: criterion.ReadFolder},
	{Name: "openmetrics", Title: "OpenMetrics", Lines: true, looks: openmetrics.Looks, read: openmetrics.Read},
	{Name: "otava", Title: "CSV with a row for each run", Cells: true, looks: otava.Looks, read: otava.Read},
	{Name: "bmf", Title: "Bencher Metric Format", looks: bmf.Looks, read: bmf.Read},
}

// Names returns the names of all formats, in the order of the alphabet.
func Names() []string {
	var names []string
	for _, f := range list {
		names = append(names, f.Name)
	}
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
	return names
}

// ErrUnknown is returned for a file that looks like no format that is known.
var ErrUnknown = errors.New("the content looks like no format that is known")

// ErrEmpty is returned for a file with nothing in it.
var ErrEmpty = errors.New("the file is empty")

// ErrFolder is returned for a folder that holds no results that are known.
var ErrFolder = errors.New("the folder holds no results that are known")

// Named returns the format of a name.
func Named(name string) (Format, error) {
	for _, f := range list {
		if strings.EqualFold(f.Name, name) {
			return f, nil
		}
	}
	return Format{}, fmt.Errorf("unknown format %q", name)
}

// Detect returns the format that the beginning of a file looks like, or
// ErrUnknown.
func Detect(head []byte) (Format, error) {
	h := input.NewHead(head)
	for _, f := range list {
		if f.looks != nil && f.looks(h) {
			return f, nil
		}
	}
	return Format{}, ErrUnknown
}

// Read reads a file in the format. The runs have ids; what is doubtful is in
// their warnings, what failed in their failures.
func (f Format) Read(src *input.Source) ([]run.Run, error) {
	whole := *src
	whole.Reader = input.Decoded(src.Reader)
	runs, err := f.read(&whole)
	return identified(runs, src.Name, err)
}

// Read reads a file in the format that it looks like, and returns both.
func Read(src *input.Source) (Format, []run.Run, error) {
	in := input.Decoded(src.Reader)
	head := make([]byte, input.HeadSize())
	n, err := io.ReadFull(in, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return Format{}, nil, fmt.Errorf("reading %s: %w", src.Name, err)
	}
	head = head[:n]
	f, err := Detect(head)
	if err != nil {
		text := bytes.TrimSpace(bytes.TrimPrefix(head, []byte("\ufeff")))
		switch {
		case len(text) == 0:
			return f, nil, fmt.Errorf("%s: %w", src.Name, ErrEmpty)
		case text[0] != '{':
			return f, nil, fmt.Errorf("%s: %w", src.Name, err)
		}
		f = list[0] // what an object lacks to be a run, and where, reading it tells
	}
	whole := *src
	whole.Reader = io.MultiReader(bytes.NewReader(head), in)
	runs, err := f.Read(&whole)
	return f, runs, err
}

// ReadFolder reads a folder of results, and returns the format it is of.
func ReadFolder(files fs.FS, name string) (Format, []run.Run, error) {
	for _, f := range list {
		if f.looksFolder != nil && f.looksFolder(files) {
			runs, err := f.readFolder(files, name)
			runs, err = identified(runs, name, err)
			return f, runs, err
		}
	}
	return Format{}, nil, fmt.Errorf("%s: %w", name, ErrFolder)
}

// identified gives runs that came without an id the hash of what they say.
func identified(runs []run.Run, name string, err error) ([]run.Run, error) {
	if err != nil {
		return nil, err
	}
	for i := range runs {
		if runs[i].ID != "" {
			continue
		}
		if runs[i].ID, err = runs[i].ContentID(); err != nil {
			return nil, &input.Error{File: name, Msg: err.Error()}
		}
	}
	return runs, nil
}
