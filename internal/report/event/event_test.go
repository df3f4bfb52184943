package event

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/pacer-perf/pacer/internal/report"
	"github.com/pacer-perf/pacer/internal/report/reporttest"
)

func TestEvent(t *testing.T) {
	t.Parallel()
	reporttest.Check(t, Write, ".json", func(text []byte) error {
		var e Event
		if err := json.Unmarshal(text, &e); err != nil {
			return err
		}
		if e.Type != Type || e.At.IsZero() && e.Data.Current.Timestamp != nil || e.Data.Headline == "" || e.Data.Metrics == nil || e.Data.Reasons == nil {
			return fmt.Errorf("not whole: %+v", e)
		}
		for i := range e.Data.Metrics {
			if m := &e.Data.Metrics[i]; !report.NeedsPerson(m) {
				return fmt.Errorf("%s needs nobody", m.Key())
			}
		}
		return nil
	})
}

// However many metrics regressed, an event stays small and says how many more
// there are.
func TestLimit(t *testing.T) {
	t.Parallel()
	r := reporttest.Many(2000, 3)
	e := New(r)
	needing := 0
	for i := range r.Verdict.Metrics {
		if report.NeedsPerson(&r.Verdict.Metrics[i]) {
			needing++
		}
	}
	if len(e.Data.Metrics) != most || e.Data.More != needing-most || needing < 2*most {
		t.Errorf("%d metrics and %d more of %d", len(e.Data.Metrics), e.Data.More, needing)
	}
	if body, err := json.Marshal(e); err != nil || len(body) > 200<<10 {
		t.Errorf("%d bytes, %v", len(body), err)
	}
}

// The id is of the verdict, not of when it is said.
func TestID(t *testing.T) {
	t.Parallel()
	one, later, other := New(reporttest.Worked()), New(reporttest.Worked()), New(reporttest.Calm())
	later.At = later.At.AddDate(0, 0, 1)
	a, err := one.ID()
	b, _ := later.ID()
	c, _ := other.ID()
	if err != nil || a != b || a == c || !strings.HasPrefix(a, "verdict_") || strings.Contains(a, ".") {
		t.Errorf("%s, %s, %s, %v", a, b, c, err)
	}
}
