package policyfile

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// commented is a policy as people write it.
const commented = `# What we hold ourselves to.
app: cuepoint       # the worked example

budgets:
  # People wait for these.
  startup:       {target: 2s, warning: 3s, critical: 5s}   # cold
  track.process:
    target: 250ms   # a track is analysed while it is dragged
    critical: 1s

  memory.peak: {target: 500MB}
thresholds:
  "search.*": {change: 10%}   # noisy
`

// fileDesk has its policy in a file.
func fileDesk(t *testing.T, text string) (*desk, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pacer.yaml")
	if text != "" {
		if err := os.WriteFile(path, []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	return newDesk(t, Open(path, "pacer.yaml"), WaiversInMemory("", "pacer.waivers.yaml")), path
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o640); err != nil {
		t.Fatal(err)
	}
}

// A budget is changed, looked at as a diff, and saved: all else in the file stays
// as it is, to the byte.
func TestBudgets(t *testing.T) {
	t.Parallel()
	d, path := fileDesk(t, commented)
	p := d.get("budgets")
	p.says(t, 200, "In pacer.yaml", "over target 105\u202f%", "2.10\u202fs", "last 30: 29 within, 1 over target", "Other thresholds, by hand in the file: search.*")
	form := p.form(t, `name="was"`)
	set(form, field(t, form, "target", "startup"), "2100ms", field(t, form, "warning", "track.process"), "500", "fail_on", "critical")
	looked := d.post("budgets", set(form, "act", "preview"))
	looked.says(t, 200, "What would change in pacer.yaml", "Not saved: 3 changes", "last 30: 30 within", "within 100\u202f%",
		"- startup: {target: 2s, warning: 3s, critical: 5s} # cold", "+ startup: {target: 2100ms, warning: 3s, critical: 5s} # cold", "+ warning: 500ms", "+ fail_on: critical")
	if read(t, path) != commented {
		t.Fatal("looking at it writes it")
	}
	saved := d.follow("budgets", set(looked.form(t, `name="was"`), "act", "save"))
	saved.says(t, 200, "Saved to pacer.yaml", "within 100\u202f%")
	want := strings.NewReplacer("{target: 2s,", "{target: 2100ms,", "    critical: 1s\n", "    warning: 500ms\n    critical: 1s\n", "# noisy\n", "# noisy\nfail_on: critical\n").Replace(commented)
	if got := read(t, path); got != want {
		t.Errorf("the file is:\n%s\nwant:\n%s", got, want)
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	// What it is held to is what was saved.
	d.get("metric?m=startup").says(t, 200, "of 2.10\u202fs")

	form = d.get("budgets").form(t, `name="was"`)
	gone := field(t, form, "remove", "track.process")
	d.follow("budgets", set(form, gone, "1", "act", "save", "fail_on", ""))
	want = strings.NewReplacer("  track.process:\n    target: 250ms   # a track is analysed while it is dragged\n    warning: 500ms\n    critical: 1s\n", "", "fail_on: critical\n", "").Replace(want)
	if got := read(t, path); got != want {
		t.Errorf("without a budget the file is:\n%s\nwant:\n%s", got, want)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("beside it lie %v", left)
	}
}

// A file that is not there yet is made, from what past runs call for.
func TestBudgetsSuggested(t *testing.T) {
	t.Parallel()
	d, path := fileDesk(t, "")
	d.get("budgets").says(t, 200, "There are no budgets")
	p := d.get("budgets?suggest=1")
	p.says(t, 200, "suggested from 30 runs, not saved yet", "last 30:")
	if _, err := os.Stat(path); err == nil {
		t.Fatal("it is there before it was saved")
	}
	form := p.form(t, `name="was"`)
	d.follow("budgets", set(form, "act", "save"))
	text := read(t, path)
	policy, err := d.policy.Parse([]byte(text))
	if err != nil || len(policy.Budgets) < 5 {
		t.Errorf("%v, the file is:\n%s", err, text)
	}
	d.get("budgets?suggest=1").says(t, 200, "Every metric that could have a budget has one.")
	// From the page of a metric to a row of its own.
	other, _ := fileDesk(t, "")
	p = other.get("budgets?m=startup")
	if form := p.form(t, `name="was"`); form.Get("metric.0") != "startup" {
		t.Errorf("the row of a metric without a budget: %v", form)
	}
	p.saysNot(t, "not right yet")
}

// What is not right is told at its field, and nothing is saved.
func TestBudgetsWrong(t *testing.T) {
	t.Parallel()
	d, path := fileDesk(t, commented)
	for _, tt := range []struct{ field, metric, value, says string }{
		{"target", "startup", "soon", `"soon" is no quantity`},
		{"target", "startup", "4s", "critical"},
		{"warning", "startup", "3 parsecs", "unknown unit"},
		{"critical", "startup", "-1s", "negative"},
		{"target", "memory.peak", "3s", "memory.peak is measured in"},
		{"metric", "", "a{", "Expected a target"},
		{"target", "", "3s", "Expected the metric that this is about."},
		{"metric", "", "startup.cold", "Expected a target"},
		{"change", "", "lots", "is no quantity"},
		{"confidence", "", "20%", "more than 50%"},
		{"statistic", "startup", "p101", "p101"},
	} {
		form := d.get("budgets").form(t, `name="was"`)
		name := tt.field
		if !form.Has(name) {
			name = field(t, form, tt.field, tt.metric)
		}
		for act, status := range map[string]int{"preview": 200, "save": 422} {
			p := d.post("budgets", set(form, name, tt.value, "act", act))
			p.says(t, status, "One thing is not right yet; nothing was saved.")
			if e := errorOf.FindStringSubmatch(p.body); e == nil || !strings.Contains(words("<main"+e[1]), tt.says) {
				t.Errorf("%s=%s: %q", name, tt.value, e)
			}
			if tt.field != "statistic" && (!strings.Contains(p.body, `value="`+tt.value+`"`) || !strings.Contains(p.body, `class="error"`)) {
				t.Errorf("%s=%s: what was entered is lost", name, tt.value)
			}
			if !strings.Contains(p.body, "<title>1 mistake in the budgets") {
				t.Errorf("%s=%s: the title does not say it", name, tt.value)
			}
		}
	}
	if read(t, path) != commented {
		t.Error("something was saved")
	}
	// A metric that nothing is called, but that may come to be.
	form := d.get("budgets").form(t, `name="was"`)
	n := field(t, form, "metric", "")
	d.post("budgets", set(form, n, "startpu", strings.Replace(n, "metric", "target", 1), "3s", "act", "preview")).says(t, 200, "matches no metric of the newest run: did you mean startup?")
	d.post("budgets", set(form, n, "s*", "act", "preview")).says(t, 200, "2 metrics match")
	d.post("budgets", set(form, n, "a{", "act", "preview")).says(t, 200, "has a brace")
	form.Set("was", "*")
	d.post("budgets", form).says(t, 400, "The form is not one of ours")
}

// Two pages edit the same budget: the second is told, sees both, and nothing is
// lost.
func TestBudgetsTogether(t *testing.T) {
	t.Parallel()
	d, path := fileDesk(t, commented)
	first, second := d.get("budgets").form(t, `name="was"`), d.get("budgets").form(t, `name="was"`)
	set(first, field(t, first, "target", "startup"), "1800ms", "act", "save")
	set(second, field(t, second, "target", "startup"), "2200ms", field(t, second, "target", "memory.peak"), "600MB", "act", "save")
	d.follow("budgets", first)
	after := read(t, path)
	p := d.post("budgets", second)
	p.says(t, 409, "Somebody else changed the file meanwhile", "Nothing was saved, and nothing is lost.",
		"- startup: {target: 2s,", "+ startup: {target: 1800ms,", // what they did
		"- startup: {target: 1800ms,", "+ startup: {target: 2200ms,", "+ memory.peak: {target: 600MB}") // what this would do to it
	if got := read(t, path); got != after {
		t.Fatalf("the second overwrote it:\n%s", got)
	}
	if form := p.form(t, "data-budgets"); form.Get(field(t, form, "target", "startup")) != "2200ms" || form.Get(field(t, form, "target", "memory.peak")) != "600MB" {
		t.Error("what the second entered is lost")
	}
	// Sent again it is told again; on purpose, it goes onto what is there.
	d.post("budgets", second).says(t, 409, "Somebody else changed the file meanwhile")
	d.follow("budgets", p.form(t, "Save my changes onto it"))
	want := strings.NewReplacer("{target: 2s,", "{target: 2200ms,", "500MB", "600MB").Replace(commented)
	if got := read(t, path); got != want {
		t.Errorf("the file is:\n%s\nwant:\n%s", got, want)
	}

	// Of what others did elsewhere in the file, and in other limits of the same
	// budget, nothing goes.
	third := d.get("budgets").form(t, `name="was"`)
	write(t, path, strings.NewReplacer("# noisy", "# not any more", "critical: 5s", "critical: 6s").Replace(want))
	p = d.post("budgets", set(third, field(t, third, "target", "startup"), "1s", "act", "save"))
	p.says(t, 409, "not any more", "+ startup: {target: 1s, warning: 3s, critical: 6s}")
	d.follow("budgets", p.form(t, "Save my changes onto it"))
	want = strings.NewReplacer("# noisy", "# not any more", "critical: 5s", "critical: 6s", "target: 2200ms", "target: 1s").Replace(want)
	if got := read(t, path); got != want {
		t.Errorf("the file is:\n%s\nwant:\n%s", got, want)
	}

	// By the same change twice nothing is lost either.
	again := d.get("budgets").form(t, `name="was"`)
	set(again, field(t, again, "target", "memory.peak"), "700MB", "act", "save")
	d.follow("budgets", again)
	d.post("budgets", again).says(t, 409, "It says already what you wanted.")

	// What others wrote may not even read.
	broken := d.get("budgets").form(t, `name="was"`)
	write(t, path, "budgets: [\n")
	d.post("budgets", set(broken, field(t, broken, "target", "startup"), "3s", "act", "save")).says(t, 409, "cannot be read", "pacer.yaml:1")
	if read(t, path) != "budgets: [\n" {
		t.Error("what does not read was overwritten")
	}
}

// Of many who save at the same time, one is first and all others are told.
func TestBudgetsRace(t *testing.T) {
	t.Parallel()
	d, path := fileDesk(t, commented)
	text, err := d.policy.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var won []string
	for i := range 12 {
		wg.Go(func() {
			mine := strings.Replace(commented, "500MB", fmt.Sprintf("%dMB", 600+i), 1)
			if d.policy.Write(t.Context(), []byte(mine), text.Revision) == nil {
				mu.Lock()
				won = append(won, mine)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(won) != 1 || read(t, path) != won[0] {
		t.Errorf("%d writers were first", len(won))
	}
}

// A file that cannot be written, or read, or edited.
func TestBudgetsReadOnly(t *testing.T) {
	t.Parallel()
	d, path := fileDesk(t, commented)
	if err := os.Chmod(path, 0o440); err != nil {
		t.Fatal(err)
	}
	p := d.get("budgets")
	p.says(t, 200, "pacer.yaml is read-only.")
	p.saysNot(t, "Save to")
	form := p.form(t, `name="was"`)
	set(form, field(t, form, "target", "startup"), "3s")
	looked := d.post("budgets", set(form, "act", "preview"))
	looked.says(t, 200, "The text to copy:")
	if !strings.Contains(looked.body, "# What we hold ourselves to.") {
		t.Error("the text to copy is not there")
	}
	d.post("budgets", set(form, "act", "save")).says(t, 409, "pacer.yaml is read-only.", "The text to copy:")
	if read(t, path) != commented {
		t.Error("it was written")
	}

	byHand, _ := fileDesk(t, "budgets:\n  startup:\n    target: >-\n      2s\n")
	form = byHand.get("budgets").form(t, `name="was"`)
	byHand.post("budgets", set(form, field(t, form, "target", "startup"), "3s", "act", "save")).says(t, 422, "cannot be changed here without touching more. Edit it by hand.")
	broken, _ := fileDesk(t, commented)
	write(t, broken.policy.store.(*file).path, "budget: {}\n")
	if p := broken.get("budgets"); p.status != 200 || !strings.Contains(words(p.body), "pacer.yaml:1:1: budget: unknown key") || strings.Contains(p.body, `name="was"`) {
		t.Errorf("a file that does not read: status %d: %s", p.status, words(p.body))
	}
}

// Names and texts that nobody would choose stay what they are.
func TestBudgetsOdd(t *testing.T) {
	t.Parallel()
	const text = "budgets:\n  '<script>{a=\"x & y\"}': {target: 1s} # </pre><script>\n  \"größe*\": {target: 5MB}\n"
	d, path := fileDesk(t, text)
	form := d.get("budgets").form(t, `name="was"`)
	if base, err := base64.StdEncoding.DecodeString(form.Get("was")); err != nil || string(base) != text {
		t.Errorf("the form is made of %q, %v", base, err)
	}
	p := d.post("budgets", set(form, "target.0", "2s", "act", "preview"))
	if strings.Contains(p.body, "<script>{") || strings.Contains(p.body, "</pre><script>") {
		t.Error("a name became markup")
	}
	d.follow("budgets", set(form, "act", "save"))
	if got := read(t, path); got != strings.Replace(text, "1s", "2s", 1) {
		t.Errorf("the file is:\n%s", got)
	}
}

// Before anything was measured there is still a policy to write.
func TestBudgetsEmpty(t *testing.T) {
	t.Parallel()
	p, w := InMemory("", "pacer.yaml"), WaiversInMemory("", "pacer.waivers.yaml")
	d := newDesk(t, p, w)
	form := d.get("budgets").form(t, `name="was"`)
	d.follow("budgets", set(form, "metric.0", "startup", "target.0", "2s", "act", "save")).says(t, 200, "Saved to pacer.yaml", "startup")
	text, err := p.Read(t.Context())
	if err != nil || string(text.Text) != "budgets:\n  startup: {target: 2s}\n" {
		t.Errorf("%v, the file is:\n%s", err, text.Text)
	}
}
