package gitlab

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pacer-perf/pacer/internal/report/reporttest"
)

// A code quality report holds what GitLab asks for, and no fingerprint twice.
func TestCodeQuality(t *testing.T) {
	t.Parallel()
	reporttest.Check(t, CodeQuality, ".codequality.json", func(text []byte) error {
		var list []violation
		if err := json.Unmarshal(text, &list); err != nil {
			return err
		}
		if list == nil {
			return errors.New("no array")
		}
		seen := make(map[string]bool)
		for _, v := range list {
			if v.Description == "" || v.Check == "" || v.Location.Path == "" || strings.HasPrefix(v.Location.Path, "/") || v.Location.Lines.Begin < 1 ||
				!slices.Contains([]string{"info", "minor", "major", "critical", "blocker"}, v.Severity) {
				return fmt.Errorf("%+v", v)
			}
			if seen[v.Fingerprint] {
				return fmt.Errorf("fingerprint %s is there twice", v.Fingerprint)
			}
			seen[v.Fingerprint] = true
		}
		return nil
	})
}

var line = regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*\{([a-zA-Z_][a-zA-Z0-9_]*="(\\.|[^"\\])*"(,|\}))+ -?[0-9][0-9.e+-]*$`)

// A metrics report is lines of OpenMetrics.
func TestMetrics(t *testing.T) {
	t.Parallel()
	reporttest.Check(t, Metrics, ".metrics.txt", func(text []byte) error {
		body, ended := strings.CutSuffix(string(text), "# EOF\n")
		if !ended {
			return errors.New("no end")
		}
		for l := range strings.Lines(body) {
			if !line.MatchString(strings.TrimSuffix(l, "\n")) {
				return fmt.Errorf("%q", l)
			}
		}
		return nil
	})
}

func BenchmarkCodeQuality(b *testing.B) { reporttest.Bench(b, CodeQuality) }
func BenchmarkMetrics(b *testing.B)     { reporttest.Bench(b, Metrics) }
