package pacerotel

import (
	"strings"
	"testing"
	"time"

	"github.com/pacer-perf/pacer"
)

var spanNames = []struct{ span, want string }{
	{"track.process", "track.process"},
	{"HTTP GET /tracks/{id}", "http.get.tracks.id"},
	{"db.Query", "db.query"},
	{"/pkg.Service/Method_Name", "pkg.service.method_name"},
	{"  a -- b  ", "a.--.b"},
	{"search", "search"},
	{"process order", "span.process.order"}, // Pacer's own
	{"process", "process"},
	{"memory.peak", "span.memory.peak"},
	{"startup", "span.startup"},
	{"Processing.Speed", "span.processing.speed"},
	{"go.build", "span.go.build"},
	{"404", "span.404"},
	{"_x", "span._x"},
	{"a..b.", "a.b"},
	{"Größe lesen", "gr.e.lesen"},
	{"", "span.811c9dc5"},   // the offset basis of FNV-1a
	{"検索", "span.342ed250"}, // computed in Python
	{"再生", "span.435c66f3"},
	{strings.Repeat("x", 64), strings.Repeat("x", 64)},
	{strings.Repeat("x", 65), strings.Repeat("x", 64)},
	{strings.Repeat("x", 63) + " y", strings.Repeat("x", 63)},
	{strings.Repeat("4", 64), "span." + strings.Repeat("4", 59)},
}

func TestStageName(t *testing.T) {
	t.Parallel()
	for _, tt := range spanNames {
		if got := stageName(tt.span); got != tt.want {
			t.Errorf("stageName(%q) = %q, want %q", tt.span, got, tt.want)
		}
	}
}

// Whatever a span is called, the recorder takes it, and the name of a stage
// stays as it is.
func FuzzStageName(f *testing.F) {
	for _, tt := range spanNames {
		f.Add(tt.span)
	}
	for _, reserved := range []string{"startup/x", "startup.initial", "gc.x", "pacer.refused", "process.wall"} {
		f.Add(reserved)
	}
	f.Fuzz(func(t *testing.T, span string) {
		name := stageName(span)
		if again := stageName(name); again != name {
			t.Errorf("stageName(%q) = %q, of which it is %q", span, name, again)
		}
		rec := pacer.New(pacer.Config{})
		ctx, root := rec.Start(t.Context(), name)
		_, child := rec.Start(ctx, name)
		child.End()
		root.End()
		rec.Timer(name).Record(time.Second)
		if err := rec.Err(); err != nil {
			t.Error(err)
		}
	})
}

func TestUnits(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"s": "s", "bytes": "By", "items/s": "{item}/s", "items": "{item}", "count": "1", "ratio": "1", "": "1", "rows": "{rows}",
		"rows/s": "{rows}/s", "bytes/s": "By/s", "a b{c}": "{a_b_c_}", "größe": "{gr__e}", "/s": "{/s}",
	} {
		if got := ucum(name); got != want {
			t.Errorf("ucum(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestStarted(t *testing.T) {
	t.Parallel()
	fallback := time.Unix(1, 0)
	for id, want := range map[string]time.Time{
		"01ARZ3NDEKTSV4RRFFQ69G5FAV": time.UnixMilli(1469922850259), // the example of github.com/ulid/spec
		"":                           fallback,
		"uRZ3NDEKTSV4RRFFQ69G5FAV01": fallback,
	} {
		if got := started(id, fallback); !got.Equal(want) {
			t.Errorf("started(%q) = %v, want %v", id, got, want)
		}
	}
}
