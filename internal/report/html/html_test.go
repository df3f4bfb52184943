package html

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pacer-perf/pacer/internal/report"
	"github.com/pacer-perf/pacer/internal/report/reporttest"
	"github.com/pacer-perf/pacer/run"
)

func written(t testing.TB, r *report.Report) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := Write(&out, r); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestWrite(t *testing.T) {
	t.Parallel()
	reporttest.Check(t, Write, "", selfContained)
	reporttest.Check(t, bare, ".html", nil)
}

// bare writes a page without its style sheet, which is the same in all of them
// and whose colours are those of package chart.
func bare(w io.Writer, r *report.Report) error {
	var out bytes.Buffer
	if err := Write(&out, r); err != nil {
		return err
	}
	text := strings.Replace(out.String(), css, "...", 1)
	hash := strings.Split(policy, "'")[3]
	_, err := io.WriteString(w, strings.Replace(text, template.HTMLEscapeString(hash), "sha256-...", 1))
	return err
}

// selfContained says what of a page a strict policy would block, or would leave
// the page.
func selfContained(text []byte) error {
	for _, bad := range []string{"<script>", "<script src", "javascript:", " style=", " onload", " onclick", "<link", "<img", "@import", "url(", "<iframe"} {
		if bytes.Contains(text, []byte(bad)) {
			return fmt.Errorf("it holds %q", bad)
		}
	}
	if n := bytes.Count(text, []byte("<script")); n != 1 {
		return fmt.Errorf("%d elements of script, want that of the data alone", n)
	}
	if bytes.Count(text, []byte("<details")) != bytes.Count(text, []byte("</details>")) || bytes.Count(text, []byte("<svg")) != bytes.Count(text, []byte("</svg>")) {
		return errors.New("elements are not closed")
	}
	_, rest, _ := bytes.Cut(text, []byte("<style>"))
	style, _, _ := bytes.Cut(rest, []byte("</style>"))
	sum := sha256.Sum256(style)
	if hash := base64.StdEncoding.EncodeToString(sum[:]); !bytes.Contains(text, []byte("style-src &#39;sha256-"+strings.ReplaceAll(hash, "+", "&#43;")+"&#39;")) {
		return fmt.Errorf("the policy does not allow the style sheet, whose hash is %s", hash)
	}
	return nil
}

// The data of a page are the run, the verdict, the baseline and the history, as
// they went in.
func TestData(t *testing.T) {
	t.Parallel()
	for _, r := range []*report.Report{reporttest.Worked(), reporttest.Hostile()} {
		d, err := ReadData(written(t, r))
		if err != nil {
			t.Fatal(err)
		}
		for i, document := range append(d.Baseline, d.Metrics) {
			want := append(append([]*run.Run{}, r.Baseline...), r.Current)[i]
			got, err := run.Read(bytes.NewReader(document), "page")
			got.Doubts = nil
			if diff := cmp.Diff(want, &got, cmpopts.EquateEmpty()); err != nil || diff != "" {
				t.Errorf("run %d: %v (-want +got):\n%s", i, err, diff)
			}
		}
		if d.Folded || d.Verdict.Verdict != r.Verdict.Verdict || len(d.Verdict.Metrics) != len(r.Verdict.Metrics) {
			t.Errorf("folded %t, verdict %s of %d metrics", d.Folded, d.Verdict.Verdict, len(d.Verdict.Metrics))
		}
		if len(r.History) == 0 {
			continue
		}
		for i, s := range d.History.Series {
			for k, v := range s.Values {
				if *v != r.History[i].Values[k] || d.History.Runs[k].ID != r.History[i].Runs[k].ID {
					t.Fatalf("%s: value %d is %v, want %v", s.Name, k, *v, r.History[i].Values[k])
				}
			}
		}
	}
	for _, page := range []string{"", "<html>", `<script type="application/json" id="pacer-report">{}`} {
		if _, err := ReadData([]byte(page)); !errors.Is(err, ErrNoData) {
			t.Errorf("%q: %v", page, err)
		}
	}
	if _, err := ReadData([]byte(`<script type="application/json" id="pacer-report">{"schema":"pacer.report/v2"}</script>`)); err == nil || !strings.Contains(err.Error(), "pacer.report/v2") {
		t.Errorf("a newer schema: %v", err)
	}
}

// A history that some metrics do not have a value of in every run.
func TestHistoryWithGaps(t *testing.T) {
	t.Parallel()
	r := reporttest.Worked()
	r.History[0].Values, r.History[0].Runs = r.History[0].Values[10:], r.History[0].Runs[10:]
	r.History[1].Values[3] = math.NaN()
	d, err := ReadData(written(t, r))
	if err != nil {
		t.Fatal(err)
	}
	if len(d.History.Runs) != 42 || d.History.Series[0].Values[9] != nil || d.History.Series[0].Values[10] == nil || d.History.Series[1].Values[3] != nil {
		t.Errorf("%d runs, %v", len(d.History.Runs), d.History.Series[0].Values)
	}
}

// Fifty metrics of two hundred versions stay under 3 MB, and so do many more
// samples than a page should hold.
func TestSize(t *testing.T) {
	t.Parallel()
	if n := len(written(t, reporttest.Many(50, 200))); n > 3<<20 {
		t.Errorf("50 metrics of 200 versions take %d bytes", n)
	}
	r := reporttest.Many(50, 200)
	for _, side := range append(r.Baseline, r.Current) {
		for i := range side.Metrics {
			m := &side.Metrics[i]
			for len(m.Samples) < 1500 {
				m.Samples = append(m.Samples, m.Samples[len(m.Samples)-20]*1.0001)
			}
		}
	}
	page := written(t, r)
	d, err := ReadData(page)
	if err != nil || !d.Folded || len(page) > 3<<20 || !bytes.Contains(page, []byte("folded into histograms")) {
		t.Errorf("%d bytes, folded %t, %v", len(page), d.Folded, err)
	}
	if again, err := run.Read(bytes.NewReader(d.Metrics), "page"); err != nil || again.Metrics[0].Count() != 1500 {
		t.Errorf("the folded run: %v", err)
	}
}

func BenchmarkWrite(b *testing.B) { reporttest.Bench(b, Write) }
