package prom

import (
	"strings"

	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// name is what a family of series is as a metric.
type name struct {
	metric, unit string
	hasUnit      bool
	better       run.Better
}

// suffixes are how units end names there, by Prometheus' conventions, which
// the SDK's text format and the translation of OTLP keep to.
var suffixes = []struct{ suffix, unit string }{
	{"_items_per_second", unit.Speed}, {"_seconds", unit.Seconds}, {"_bytes", unit.Bytes}, {"_ratio", unit.Ratio},
}

// nameOf guesses the metric of a family: what was told of it, else its name
// with dots for underscores, without the unit that ends it.
func (s *Store) nameOf(family string) name {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n, told := s.given[family]; told {
		if !n.hasUnit {
			_, n.unit = cutUnit(family)
		}
		return n
	}
	word, of := cutUnit(family)
	if !strings.Contains(word, ".") { // else it is as OTLP writes it
		word = strings.ReplaceAll(word, "_", ".")
	}
	return name{metric: word, unit: of}
}

func cutUnit(family string) (word, of string) {
	for _, s := range suffixes {
		if word, ok := strings.CutSuffix(family, s.suffix); ok && word != "" {
			return word, s.unit
		}
	}
	return family, ""
}

// seriesNames are the names that a metric may have there: as the SDK's text
// format and the OTLP receivers of Prometheus write it, with or without its
// unit, and as those of VictoriaMetrics keep it.
func seriesNames(metric, of string) []string {
	word := sanitized(metric)
	list := []string{word, metric}
	for _, s := range suffixes {
		if s.unit == of && !strings.HasSuffix(word, s.suffix) {
			list = append(list, word+s.suffix, metric+s.suffix)
		}
	}
	if of != "" && unitWord(of) != "" {
		list = append(list, word+"_"+unitWord(of))
	}
	return list
}

// unitWord is the suffix of a unit that has no convention.
func unitWord(of string) string {
	for _, s := range suffixes {
		if s.unit == of {
			return ""
		}
	}
	if of == unit.Count {
		return ""
	}
	return sanitized(of)
}

// familiesOf are the names that a metric of any unit may have there.
func (s *Store) familiesOf(metric string) []string {
	list := seriesNames(metric, "")
	for _, x := range suffixes {
		list = append(list, seriesNames(metric, x.unit)...)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for family, n := range s.given {
		if n.metric == metric {
			list = append(list, family)
		}
	}
	return list
}

func sanitized(s string) string {
	s = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' {
			return r
		}
		return '_'
	}, s)
	if s == "" || s[0] >= '0' && s[0] <= '9' {
		s = "_" + s
	}
	return s
}
