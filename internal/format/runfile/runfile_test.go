package runfile

import (
	"testing"

	"github.com/pacer-perf/pacer/internal/format/formattest"
	"github.com/pacer-perf/pacer/internal/format/input"
)

func TestFiles(t *testing.T) {
	t.Parallel()
	if r := formattest.One(t, Read, "full.json"); r.App != "cuepoint" || len(r.Metrics) == 0 {
		t.Errorf("%+v", r)
	}
	if r := formattest.One(t, Read, "flat.json"); r.Find("startup", nil) == nil {
		t.Errorf("%+v", r)
	}
	for _, file := range []string{"report.json", "report.html"} {
		r := formattest.One(t, Read, file)
		formattest.Want(t, r, `startup [s] -: 0.5 0.25`)
		if r.ID != "r1" || r.App != "shop" {
			t.Errorf("%s: %+v", file, r)
		}
	}
}

func TestLooks(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`{"schema":"pacer.run/v1"}`: true, `{"schema":"pacer.run/v9"}`: true, `{"startup_time":1}`: true, `{"processing_metrics":{}}`: true, `{"metrics":[{"name":"a","unit":"s"}]}`: true,
		`{}`: false, `{"metrics":{"http_reqs":{}}}`: false, `[]`: false,
	} {
		if got := Looks(input.NewHead([]byte(text))); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	formattest.Refuses(t, Read, `{"schema":"pacer.run/v2"}`, `f:1:11: schema: unknown version "pacer.run/v2"`)
	formattest.Refuses(t, Read, "<!DOCTYPE html><p>Hello", "f: the page carries no run")
	formattest.Refuses(t, Read, "<!doctype html>"+element+`{"metrics":`, "f: the page carries no run")
	formattest.Refuses(t, Read, `{"startup_time":-1}`, "f:1:17: startup_time: -1 is negative")
	formattest.Refuses(t, Read, `{"timestamp":"x","summary":{},"metrics":{"startup_time":-1}}`, "startup_time: -1 is negative")
}

func FuzzRead(f *testing.F) { formattest.Fuzz(f, Read) }
