package run

import (
	"encoding/json"
	"math"
	"strconv"
)

// UnmarshalJSON reads what MarshalJSON writes: a statistic that is absent is
// not known.
func (s *Stats) UnmarshalJSON(text []byte) error {
	var in struct {
		Count                                      int64
		Mean, Min, Max, Stddev, P50, P90, P95, P99 *float64
		P999                                       *float64
		Percentiles                                map[string]float64
		Interval                                   *[2]float64
	}
	if err := json.Unmarshal(text, &in); err != nil {
		return err
	}
	*s = unknown()
	s.Count = in.Count
	for _, f := range []struct {
		into *float64
		from *float64
	}{
		{&s.Mean, in.Mean}, {&s.Min, in.Min}, {&s.Max, in.Max}, {&s.Stddev, in.Stddev},
		{&s.P50, in.P50}, {&s.P90, in.P90}, {&s.P95, in.P95}, {&s.P99, in.P99}, {&s.P999, in.P999},
	} {
		if f.from != nil && !math.IsInf(*f.from, 0) {
			*f.into = *f.from
		}
	}
	for key, v := range in.Percentiles {
		if percent, err := strconv.ParseFloat(key, 64); err == nil && percent > 0 && percent < 100 {
			s.SetPercentile(percent, v)
		}
	}
	s.Interval = in.Interval
	return nil
}
