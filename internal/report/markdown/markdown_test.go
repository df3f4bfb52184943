package markdown

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pacer-perf/pacer/internal/golden"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/report"
	"github.com/pacer-perf/pacer/internal/report/reporttest"
)

func summaryOf(t testing.TB, r *report.Report) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := Write(&out, r); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestGolden(t *testing.T) {
	t.Parallel()
	worked := reporttest.Worked()
	worked.URL = "https://pacer.example.org/p/cuepoint (a)"
	for name, r := range map[string]*report.Report{
		"worked": worked, "first": reporttest.First(), "elsewhere": reporttest.Elsewhere(), "calm": reporttest.Calm(), "hostile": reporttest.Hostile(),
	} {
		golden.Check(t, name+".comment.md", []byte(NewComment(r, "").Body))
		golden.Check(t, name+".summary.md", summaryOf(t, r))
	}
}

// A comment is made where somebody is needed, and kept up to date where one is
// there already; it is found by its first line whatever it says.
func TestComment(t *testing.T) {
	t.Parallel()
	worked, pass := reporttest.Worked(), passing()
	bad := NewComment(worked, "")
	if !bad.Needed || !strings.HasPrefix(bad.Body, bad.Marker+"\n") || bad.Marker != "<!-- pacer-comment v1 project=cuepoint env=linux-amd64 -->" {
		t.Errorf("needed %t, marker %s", bad.Needed, bad.Marker)
	}
	if c := NewComment(pass, ""); c.Needed || c.Marker != bad.Marker {
		t.Errorf("nothing happened: needed %t, marker %s", c.Needed, c.Marker)
	}
	// GitHub gives a body back with other line ends.
	good := NewComment(pass, strings.ReplaceAll(bad.Body, "\n", "\r\n"))
	golden.Check(t, "resolved.comment.md", []byte(good.Body))
	if !good.Needed || len(good.Body) > 800 {
		t.Errorf("resolved: needed %t\n%s", good.Needed, good.Body)
	}
	// What is resolved stays so, and is not said again.
	if again := NewComment(pass, good.Body); !again.Needed || strings.Contains(again.Body, "gone") {
		t.Errorf("after it was resolved:\n%s", again.Body)
	}
	if worse := NewComment(worked, good.Body); worse.Body != bad.Body {
		t.Error("a new regression does not look like one")
	}
	for _, odd := range []string{"x", bad.Marker, strings.Replace(bad.Body, `{"commit"`, "{commit", 1)} {
		if c := NewComment(pass, odd); strings.Contains(c.Body, "gone") {
			t.Errorf("after %.50q:\n%s", odd, c.Body)
		}
	}
}

// passing is a report of two metrics of which nothing needs a person.
func passing() *report.Report {
	r := *reporttest.Worked()
	v := *r.Verdict
	v.Verdict, v.Reasons, v.Metrics = judge.Pass, nil, nil
	for _, m := range r.Verdict.Metrics {
		if !report.NeedsPerson(&m) {
			v.Metrics = append(v.Metrics, m)
		}
	}
	r.Verdict = &v
	return &r
}

// However many metrics there are and however they are called, a comment keeps
// to its limit, with the gravest rows and every fold closed.
func TestLimits(t *testing.T) {
	t.Parallel()
	long := reporttest.Many(200, 12)
	for i := range long.Verdict.Metrics {
		long.Verdict.Metrics[i].Name += strings.Repeat("|µ`", 300)
	}
	warned := reporttest.Many(100, 0)
	for i := range 500 {
		warned.Verdict.Warnings = append(warned.Verdict.Warnings, strings.Repeat("w", 300)+fmt.Sprint(i))
		warned.Verdict.Reasons = append(warned.Verdict.Reasons, strings.Repeat("r", 3000)+fmt.Sprint(i))
	}
	for name, r := range map[string]*report.Report{"many": reporttest.Many(1000, 12), "long": long, "warned": warned} {
		body := NewComment(r, "").Body
		if n := utf8.RuneCountInString(body); n > CommentLimit || n < 3000 {
			t.Errorf("%s: %d characters", name, n)
		}
		if strings.Count(body, "<details>") != strings.Count(body, "</details>") || !strings.Contains(body, "What to do") && name != "long" || !strings.HasSuffix(body, "</sub>\n") {
			t.Errorf("%s: not whole:\n%s\n...\n%s", name, body[:1000], body[len(body)-1000:])
		}
		if name == "many" && (!strings.Contains(body, "more in the full report") || strings.Count(body, "\n| ") < 200) {
			t.Errorf("the room is not used: %d rows", strings.Count(body, "\n| "))
		}
		if n := len(summaryOf(t, r)); n > SummaryLimit {
			t.Errorf("%s: the summary has %d bytes", name, n)
		}
	}
}

// Whatever names and messages hold, no markup, mention or comment comes of it.
func TestHostile(t *testing.T) {
	t.Parallel()
	body := NewComment(reporttest.Hostile(), "").Body
	outside := withoutCode(body)
	for _, bad := range []string{"<script", "@someone", "--> ]]", "`", "\x1b"} {
		if strings.Contains(outside, bad) {
			t.Errorf("%q is in\n%s", bad, outside)
		}
	}
	if got := escape("a\u202eb") + code("a\u202eb"); strings.Contains(got, "\u202e") {
		t.Errorf("%q turns the text around", got)
	}
	if strings.Count(outside, "-->") != 2 || strings.Count(body, "<!--") != 2 {
		t.Errorf("comments:\n%s", body)
	}
	for line := range strings.Lines(body) {
		if strings.HasPrefix(line, "|") && strings.Count(strings.ReplaceAll(line, `\|`, ""), "|") != 7 {
			t.Errorf("cells: %s", line)
		}
	}
}

// withoutCode leaves out code spans: what begins and ends with as many
// backticks.
func withoutCode(s string) string {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(s, "`")
		out.WriteString(before)
		if !found {
			return out.String()
		}
		fence := "`" + rest[:len(rest)-len(strings.TrimLeft(rest, "`"))]
		rest = rest[len(fence)-1:]
		for at := 0; ; {
			i := strings.Index(rest[at:], fence)
			if i < 0 {
				out.WriteString(fence)
				s = rest
				break
			}
			end := at + i + len(fence)
			if (end == len(rest) || rest[end] != '`') && (at+i == 0 || rest[at+i-1] != '`') {
				s = rest[end:]
				break
			}
			at = end
		}
	}
}

func TestWriteError(t *testing.T) {
	t.Parallel()
	if err := Write(&reporttest.Full{}, reporttest.First()); !errors.Is(err, reporttest.ErrFull) {
		t.Error(err)
	}
}

func BenchmarkComment(b *testing.B) {
	for _, n := range []int{50, 10_000} {
		r := reporttest.Many(n, 20)
		b.Run(fmt.Sprintf("metrics=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				NewComment(r, "")
			}
		})
	}
}
