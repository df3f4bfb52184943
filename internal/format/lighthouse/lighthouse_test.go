package lighthouse

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/pacer-perf/pacer/internal/format/formattest"
	"github.com/pacer-perf/pacer/run"
)

// Every audit with a number is a metric, in base units, lower better.
func TestRealFile(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/lhr.json")
	if err != nil {
		t.Fatal(err)
	}
	var in struct {
		Audits map[string]struct {
			NumericValue *float64
			NumericUnit  string
			Details      struct{ Items []map[string]any }
		}
	}
	if err := json.Unmarshal(text, &in); err != nil {
		t.Fatal(err)
	}
	r := formattest.One(t, Read, "lhr.json")
	audits, details := 0, 0
	for id, a := range in.Audits {
		if a.NumericValue == nil || id == "metrics" {
			continue
		}
		audits++
		want := *a.NumericValue
		base := map[string]string{"millisecond": "s", "byte": "bytes", "unitless": "", "element": "element"}[a.NumericUnit]
		if base == "s" {
			want /= 1e3
		}
		if m := r.Find(id, nil); m == nil || m.Unit != base || m.Samples[0] != want || m.Direction() != run.Lower {
			t.Errorf("%s: %+v, in the file %v %s", id, m, *a.NumericValue, a.NumericUnit)
		}
	}
	for key, v := range in.Audits["metrics"].Details.Items[0] {
		if m := r.Find("metrics."+key, nil); m != nil {
			if details++; m.Unit == "s" && m.Samples[0] != v.(float64)/1e3 {
				t.Errorf("%s: %v, in the file %v", key, m.Samples, v)
			}
		}
	}
	// Beside them a score and how fast the machine is.
	if audits < 25 || details < 12 || len(r.Metrics) != audits+details+2 {
		t.Errorf("%d metrics of %d audits and %d details", len(r.Metrics), audits, details)
	}
	if m := r.Find("score.performance", nil); m == nil || m.Samples[0] != 1 || m.Direction() != run.Higher {
		t.Errorf("score: %+v", m)
	}
	if !strings.HasPrefix(r.Labels["url"], "http://127.0.0.1") || r.Labels["form_factor"] != "mobile" || r.Timestamp.IsZero() {
		t.Errorf("labels %v, time %v", r.Labels, r.Timestamp)
	}
}

// Results of one page merge into one run, those of another page do not.
func TestMerge(t *testing.T) {
	t.Parallel()
	page := func(url, lcp string) run.Run {
		runs, err := formattest.Text(Read, `{"lighthouseVersion":"12.0.0","requestedUrl":"`+url+`","audits":{"largest-contentful-paint":{"numericValue":`+lcp+`,"numericUnit":"millisecond"}}}`)
		if err != nil {
			t.Fatal(err)
		}
		return runs[0]
	}
	whole, err := run.Merge(page("https://a/", "2500"), page("https://a/", "2600"), page("https://a/", "2700"))
	if err != nil {
		t.Fatal(err)
	}
	formattest.Want(t, &whole, `largest-contentful-paint [s] lower: 2.5 2.6 2.7`)
	if _, err := run.Merge(page("https://a/", "1"), page("https://b/", "1")); err == nil {
		t.Error("two pages made one run")
	}
}

// A null score is none; errors of audits and of the whole are failures.
func TestFailures(t *testing.T) {
	t.Parallel()
	runs, err := formattest.Text(Read, `{"lighthouseVersion":"12.0.0","runWarnings":["slow machine"],"runtimeError":{"code":"NO_FCP","message":"nothing was painted"},
		"categories":{"performance":{"score":null},"seo":{"score":0.83}},"audits":{"speed-index":{"score":null,"scoreDisplayMode":"error","errorMessage":"no frames"}}}`)
	if err != nil {
		t.Fatal(err)
	}
	formattest.Want(t, &runs[0], `score.seo [ratio] higher: 0.83`)
	formattest.Notes(t, runs[0].Failures, "NO_FCP: nothing was painted", "audit speed-index: no frames")
	formattest.Notes(t, runs[0].Warnings, "slow machine")
	for text, want := range map[string]string{
		`{"lighthouseVersion":"12.0.0","audits":{}}`:                                                               "there is no audit with a number",
		"{\"lighthouseVersion\":\"1\",\n\"audits\":{\"a\":{\"numericValue\":-1,\"numericUnit\":\"millisecond\"}}}": "f:2:31: audits.a.numericValue: -0.001 s is a negative duration",
		`{"audits":[]}`: "audits: expected an object, found an array",
	} {
		formattest.Refuses(t, Read, text, want)
	}
}

func FuzzRead(f *testing.F) { formattest.Fuzz(f, Read) }
