package input

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// The first and the last second that RFC 3339 can write.
var firstTime, lastTime = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)

var layouts = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00", time.DateTime, time.DateOnly, "2006-01-02 15:04", "2006-01-02T15:04",
	"2006-01-02T15:04:05-0700", "2006-01-02 15:04:05-0700", "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05 -07:00", "2006-01-02 15:04:05 MST",
}

// Time reads RFC 3339, with a space for the T, points for the hyphens or
// without a zone, which is UTC; a date; or Unix seconds.
func Time(s string) (time.Time, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return time.Time{}, errors.New("the time is empty")
	}
	text := s
	if len(s) > 10 && s[4] == '.' && s[7] == '.' {
		text = s[:4] + "-" + s[5:7] + "-" + s[8:]
	}
	for _, layout := range layouts {
		if at, err := time.Parse(layout, text); err == nil {
			if at = at.UTC(); at.Before(firstTime) || at.After(lastTime) {
				return time.Time{}, fmt.Errorf("%q is no time that can be written in UTC", s)
			}
			return at, nil
		}
	}
	seconds, err := strconv.ParseFloat(s, 64)
	switch {
	case err != nil || math.IsNaN(seconds):
		return time.Time{}, fmt.Errorf("%q is no time: expected 2006-01-02, 2006-01-02T15:04:05Z or Unix seconds", Clean(s, 40))
	case seconds < float64(firstTime.Unix()) || seconds > float64(lastTime.Unix()):
		return time.Time{}, fmt.Errorf("%s is too far away for Unix seconds: is it in milliseconds?", s)
	}
	whole, part := math.Modf(seconds)
	return time.Unix(int64(whole), int64(math.Round(part*1e9))).UTC(), nil
}

// Milliseconds returns a Unix time in milliseconds, the zero time where it is
// none that can be written.
func Milliseconds(ms float64) time.Time {
	if !(ms >= float64(firstTime.UnixMilli()) && ms <= float64(lastTime.UnixMilli())) {
		return time.Time{}
	}
	return time.UnixMilli(int64(ms)).UTC()
}
