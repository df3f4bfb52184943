package github

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/pacer-perf/pacer/internal/report/reporttest"
)

var command = regexp.MustCompile(`^::(error|warning|notice) (file=[^:,]+,line=\d+,)?title=[^:,\r\n]+::[^\r\n]+$`)

// Every line is one workflow command, at most ten of a level, whatever names
// and messages hold.
func TestAnnotations(t *testing.T) {
	t.Parallel()
	reporttest.Check(t, Annotations, ".txt", func(text []byte) error {
		counts := make(map[string]int)
		for l := range strings.Lines(string(text)) {
			parts := command.FindStringSubmatch(strings.TrimSuffix(l, "\n"))
			if parts == nil {
				return fmt.Errorf("no command: %q", l)
			}
			if counts[parts[1]]++; counts[parts[1]] > most {
				return fmt.Errorf("more than %d of %s", most, parts[1])
			}
		}
		return nil
	})
}

func BenchmarkAnnotations(b *testing.B) { reporttest.Bench(b, Annotations) }
