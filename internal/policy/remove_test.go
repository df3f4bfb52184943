package policy

import (
	"errors"
	"strings"
	"testing"

	"github.com/pacer-perf/pacer/internal/judge"
)

// What was added and is removed leaves the file as it was.
func TestRemoveWaiver(t *testing.T) {
	t.Parallel()
	all := text(t, "testdata/waivers/all.yaml")
	for _, before := range []string{all, strings.ReplaceAll(all, "\n", "\r\n"), "waivers:\n", "# none yet\nwaivers:\n- {metric: a, reason: long enough, worse_by: 1%}\n# the end\n"} {
		with, err := AddWaiver([]byte(before), accepted, false)
		if err != nil {
			t.Fatal(err)
		}
		after, err := RemoveWaiver(with, accepted)
		if err != nil || string(after) != before {
			t.Errorf("%v\n%s\nwant:\n%s", err, after, before)
		}
	}
	if after, err := RemoveWaiver([]byte(all), judge.Waiver{Metric: "nobody", Reason: "not in the file", WorseBy: 0.1}); err != nil || string(after) != all {
		t.Errorf("one that is not there: %v\n%s", err, after)
	}
	flow := "waivers: [{metric: a, reason: long enough, worse_by: 1%}]\n"
	if _, err := RemoveWaiver([]byte(flow), judge.Waiver{Metric: "a", Reason: "long enough", WorseBy: 0.01}); !errors.Is(err, ErrByHand) {
		t.Errorf("of a list in braces: %v", err)
	}
	if _, err := RemoveWaiver([]byte("waiver:\n"), accepted); err == nil {
		t.Error("a file that does not read is changed")
	}
}
