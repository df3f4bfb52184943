package pacer_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/pacer-perf/pacer"

// imports lists which packages of ours each package may import. A new edge is
// one line here, and its reason in the commit. Tests may import more.
//
// A format knows the shared helpers and nothing of the others: formatImports.
var imports = map[string][]string{
	".":                           {"run", "internal/unit", "internal/atomicfile", "internal/sender"},
	"run":                         {"internal/unit", "internal/jsonscan"},
	"pacertest":                   {".", "run", "internal/unit", "internal/nearest"},
	"pacerhttp":                   {".", "run", "internal/dashboard", "internal/dashboard/running", "internal/feed", "internal/history/folder", "internal/loopback"},
	"pacerpush":                   {"internal/request", "internal/sender"},
	"internal/sender":             {},
	"pacerotel":                   {".", "run", "internal/unit"},
	"internal/access":             {},
	"internal/atomicfile":         {},
	"internal/jsonscan":           {},
	"internal/nearest":            {},
	"internal/loopback":           {},
	"internal/golden":             {},
	"internal/parallel":           {},
	"internal/unit":               {},
	"internal/chart":              {"internal/unit"},
	"internal/noise":              {},
	"internal/stat":               {},
	"internal/changepoint":        {"internal/stat"},
	"internal/paired":             {},
	"internal/twosample":          {"internal/stat"},
	"internal/explain":            {"run"},
	"internal/judge":              {"run", "internal/unit", "internal/stat", "internal/changepoint", "internal/twosample", "internal/paired", "internal/explain", "internal/parallel"},
	"internal/policy":             {"run", "internal/unit", "internal/judge", "internal/nearest"},
	"internal/jsonschema":         {"run", "internal/judge"},
	"internal/history":            {"run"},
	"internal/history/schema":     {},
	"internal/history/sqlite":     {"run", "internal/history", "internal/history/schema"},
	"internal/history/postgres":   {"run", "internal/history", "internal/history/schema"},
	"internal/history/pgtest":     {},
	"internal/history/prom":       {"run", "internal/history", "internal/unit"},
	"internal/history/promtest":   {"."},
	"internal/history/open":       {"internal/history", "internal/history/postgres", "internal/history/prom", "internal/history/sqlite"},
	"internal/history/storetest":  {"run", "internal/history"},
	"internal/history/memory":     {"run", "internal/history"},
	"internal/format":             {"run", "internal/format/input"},
	"internal/format/input":       {"run", "internal/unit", "internal/jsonscan"},
	"internal/format/formattest":  {"run", "internal/jsonscan", "internal/format/input"},
	"internal/retention":          {"run", "internal/changepoint", "internal/history", "internal/judge", "internal/parallel"},
	"internal/machine":            {"run"},
	"internal/doctor":             {"run", "internal/unit", "internal/stat", "internal/paired", "internal/machine"},
	"internal/request":            {},
	"internal/forge":              {"internal/request"},
	"internal/forge/forgetest":    {},
	"internal/webhook":            {},
	"internal/project":            {},
	"internal/manual":             {},
	"internal/history/folder":     {"run", "internal/atomicfile"},
	"internal/feed":               {".", "run", "internal/unit"},
	"internal/alert":              {"run", "internal/unit", "internal/changepoint", "internal/history", "internal/judge"},
	"internal/baseline":           {"run", "internal/changepoint", "internal/history", "internal/judge", "internal/parallel"},
	"internal/measure":            {"internal/measure/helper"},
	"internal/measure/helper":     {},
	"internal/report":             {"run", "internal/unit", "internal/explain", "internal/judge"},
	"internal/report/badge":       {"internal/judge", "internal/report"},
	"internal/report/csv":         {"run", "internal/judge", "internal/report"},
	"internal/report/github":      {"internal/judge", "internal/report"},
	"internal/report/gitlab":      {"run", "internal/judge", "internal/report"},
	"internal/report/html":        {"run", "internal/chart", "internal/unit", "internal/explain", "internal/judge", "internal/report"},
	"internal/report/junit":       {"internal/judge", "internal/report"},
	"internal/report/markdown":    {"internal/unit", "internal/judge", "internal/report"},
	"internal/report/reporttest":  {"run", "internal/golden", "internal/judge", "internal/report"},
	"internal/report/sarif":       {"internal/judge", "internal/report"},
	"internal/report/text":        {"run", "internal/unit", "internal/stat", "internal/alert", "internal/doctor", "internal/history", "internal/judge", "internal/report"},
	"internal/report/event":       {"internal/judge", "internal/report"},
	"internal/report/slack":       {"internal/judge", "internal/report"},
	"internal/dashboard":          {".", "run", "internal/feed", "internal/unit", "internal/alert", "internal/chart", "internal/explain", "internal/history", "internal/judge", "internal/nearest", "internal/report", "internal/report/csv"},
	"internal/dashboard/historic": {"run", "internal/alert", "internal/baseline", "internal/changepoint", "internal/dashboard", "internal/explain", "internal/history", "internal/judge", "internal/parallel", "internal/stat"},
	"internal/dashboard/running":  {"run", "internal/dashboard", "internal/dashboard/historic", "internal/feed", "internal/history", "internal/history/memory", "internal/judge"},
	"internal/dashboard/madeup":   {"run", "internal/unit"},
	"internal/dashboard/pagetest": {},

	"internal/dashboard/policyfile": {"run", "internal/atomicfile", "internal/dashboard", "internal/judge", "internal/policy"},

	"examples/cuepoint":           {"examples/cuepoint/app"},
	"examples/cuepoint/app":       {".", "pacerhttp", "internal/atomicfile", "internal/loopback", "examples/cuepoint/library", "examples/cuepoint/match", "examples/cuepoint/rekordbox"},
	"examples/cuepoint/library":   {},
	"examples/cuepoint/match":     {"examples/cuepoint/rekordbox"},
	"examples/cuepoint/rekordbox": {},
	"internal/server":             {"*"},
	"cmd/pacer":                   {"*"},
}

// formatImports is what every folder of internal/format may import.
var formatImports = []string{"run", "internal/unit", "internal/jsonscan", "internal/format/input"}

func init() {
	for _, name := range []string{"asv", "benchmarkdotnet", "bmf", "criterion", "gab", "gobench", "googlebench", "hyperfine", "jmh", "k6", "lighthouse", "macrobenchmark", "openmetrics", "otava", "otlp", "pytest", "runfile", "vegeta"} {
		imports["internal/format/"+name] = formatImports
		imports["internal/format"] = append(imports["internal/format"], "internal/format/"+name)
	}
}

// outside lists who may import a module that is not ours.
var outside = map[string][]string{
	"golang.org/x/sys/":            {".", "internal/measure", "internal/measure/helper"},
	"golang.org/x/text/":           {"examples/cuepoint/match", "internal/format/input"},
	"golang.org/x/term":            {"cmd/pacer"},
	"go.opentelemetry.io/otel":     {"pacerotel"},
	"github.com/goccy/go-yaml":     {"internal/policy"},
	"zombiezen.com/go/sqlite":      {"internal/history/sqlite"},
	"github.com/jackc/pgx/":        {"internal/history/postgres", "internal/history/pgtest"},
	"github.com/klauspost/":        {"internal/history", "internal/server", "cmd/pacer"},
	"go.opentelemetry.io/proto/":   {"internal/server"},
	"google.golang.org/protobuf/":  {"internal/server"},
	"golang.org/x/time/":           {"internal/server"},
	"golang.org/x/sync/":           {"internal/server"},
	"github.com/spf13/":            {"cmd/pacer", "internal/manual"},
	"modernc.org/sqlite":           {"internal/history/sqlite"},
	"gonum.org/v1/gonum/":          {"internal/stat"},
	"github.com/google/go-cmp/":    {"internal/history/storetest"},
	"github.com/rogpeppe/go-inter": {},
	"github.com/santhosh-tekuri/":  {},
}

func TestImports(t *testing.T) {
	t.Parallel()
	found := make(map[string]bool)
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() && file != "." {
			// A folder with a module of its own is no package of this one.
			if _, err := os.Stat(filepath.Join(file, "go.mod")); err == nil {
				return filepath.SkipDir
			}
		}
		if err != nil || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") || strings.Contains(file, "testdata") {
			return err
		}
		pkg := path.Dir(filepath.ToSlash(file))
		found[pkg] = true
		allowed, known := imports[pkg]
		if !known {
			t.Errorf("%s: the package is not in the list of imports", pkg)
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range f.Imports {
			name := strings.Trim(spec.Path.Value, `"`)
			ours, isOurs := strings.CutPrefix(name, module)
			switch {
			case isOurs:
				ours = strings.TrimPrefix(ours, "/")
				if ours == "" {
					ours = "."
				}
				if !slices.Contains(allowed, ours) && !slices.Contains(allowed, "*") || strings.HasPrefix(ours, "cmd/") {
					t.Errorf("%s may not import %s", file, ours)
				}
			case strings.Contains(strings.Split(name, "/")[0], "."):
				if !mayImport(pkg, name) {
					t.Errorf("%s may not import %s", file, name)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for pkg := range imports {
		if !found[pkg] {
			t.Errorf("%s is in the list of imports, but there is no such package", pkg)
		}
	}
}

func mayImport(pkg, name string) bool {
	for prefix, who := range outside {
		if strings.HasPrefix(name, prefix) {
			return slices.Contains(who, pkg)
		}
	}
	return false
}

// An app that links the SDK gains nothing but the standard library and x/sys,
// and of that no web server.
func TestSDKDependencies(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for dep := range strings.FieldsSeq(string(out)) {
		switch {
		case dep == "net/http", dep == "database/sql", dep == "net":
			t.Errorf("the SDK links %s", dep)
		case strings.HasPrefix(dep, module), strings.HasPrefix(dep, "golang.org/x/sys/"), !strings.Contains(strings.Split(dep, "/")[0], "."):
		default:
			t.Errorf("the SDK links %s", dep)
		}
	}
}

// An app with a dashboard in it gains no database and no YAML.
func TestDashboardDependencies(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-deps", "./pacerhttp").Output()
	if err != nil {
		t.Fatal(err)
	}
	for dep := range strings.FieldsSeq(string(out)) {
		if dep == "database/sql" || strings.Contains(dep, "sqlite") || strings.Contains(dep, "yaml") || strings.Contains(dep, "pgx") || strings.Contains(dep, "/internal/policy") {
			t.Errorf("pacerhttp links %s", dep)
		}
	}
}

// Every package says what it is for, in one file.
func TestPackageDocs(t *testing.T) {
	t.Parallel()
	for pkg := range imports {
		files, err := filepath.Glob(filepath.Join(filepath.FromSlash(pkg), "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatal(pkg, err)
		}
		docs := 0
		for _, file := range files {
			f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.PackageClauseOnly|parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			if f.Doc != nil && !strings.HasSuffix(file, "_test.go") {
				docs++
			}
		}
		if docs != 1 {
			t.Errorf("%s has %d package comments, want one", pkg, docs)
		}
	}
}

// ARCHITECTURE.md has a paragraph on every package.
func TestArchitectureNamesPackages(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	for pkg := range imports {
		if pkg != "." && !strings.Contains(string(text), "`"+pkg+"`") {
			t.Errorf("ARCHITECTURE.md does not name `%s`", pkg)
		}
	}
}
