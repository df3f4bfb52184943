package run

import (
	"errors"
	"strconv"
	"strings"
	"testing"
)

// A summary of too many percentiles is refused, and few of them are held: each
// more, in an order that is not theirs, would move all before it.
func TestTooManyPercentiles(t *testing.T) {
	t.Parallel()
	s := NewStats()
	var text strings.Builder
	for i := range 10 * maxPercentiles {
		p := 49 - float64(i)/100
		s.SetPercentile(p, 1)
		text.WriteString(`,"` + strconv.FormatFloat(p, 'g', -1, 64) + `":1`)
	}
	if n := len(s.Percentiles); n != maxPercentiles+1 {
		t.Errorf("%d percentiles are held, want %d", n, maxPercentiles+1)
	}
	_, err := Parse([]byte(`{"app":"a","metrics":[{"name":"m","unit":"s","count":9,"mean":1,"percentiles":{`+text.String()[1:]+`}}]}`), "the run")
	var wrong *SyntaxError
	if !errors.As(err, &wrong) || !strings.Contains(wrong.Msg, "at most 100") {
		t.Errorf("%v", err)
	}
}
