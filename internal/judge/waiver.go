package judge

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Covers tells whether the waiver accepts a change: of that metric, in that
// version of the app (empty: not known), worse by that ratio, at that time.
// The ratio is above 1 where the metric got worse, whichever direction is
// better; NaN, which is not known, is within no limit.
func (w *Waiver) Covers(name string, labels map[string]string, version string, ratio float64, now time.Time) bool {
	if !w.Metric.Matches(name, labels) || w.Expired(version, now) != "" {
		return false
	}
	// 0.11/0.1 is 1.0999999999999999: what is written as 10 % is within 10 %.
	return w.WorseBy == 0 || ratio <= (1+w.WorseBy)*(1+1e-9)
}

// Expired says why the waiver does not hold any more, in that version of the
// app (empty: not known) and at that time; "" if it does. Whether a change is
// within WorseBy is not asked here.
func (w *Waiver) Expired(version string, now time.Time) string {
	switch {
	case w.Until.IsZero() && w.UntilVersion == "" && w.WorseBy == 0:
		return "it has no end: expected until_version, until or worse_by"
	case !w.Until.IsZero() && !now.Before(w.Until):
		return "it ended with " + w.LastDay()
	case w.UntilVersion == "":
		return ""
	case version != "" && !olderVersion(version, w.UntilVersion):
		return fmt.Sprintf("it was for versions before %s, this is %s", w.UntilVersion, version)
	case version == "" && w.Until.IsZero() && w.WorseBy == 0:
		return fmt.Sprintf("it is for versions before %s, and the run does not say its version", w.UntilVersion)
	}
	return ""
}

// End says what ends the waiver: "after 2027-02-01", "with version 2.0", "when
// worse by more than 10%", or several of them, joined by "or".
func (w *Waiver) End() string {
	var list []string
	if !w.Until.IsZero() {
		list = append(list, "after "+w.LastDay())
	}
	if w.UntilVersion != "" {
		list = append(list, "with version "+w.UntilVersion)
	}
	if w.WorseBy != 0 {
		list = append(list, "when worse by more than "+strconv.FormatFloat(math.Round(w.WorseBy*1e6)/1e4, 'f', -1, 64)+"%")
	}
	return strings.Join(list, " or ")
}

// LastDay writes the end of the waiver as pacer.waivers.yaml has it: the last
// day on which it holds, or the moment that ends it where that is not midnight
// (UTC). It is empty if no date ends it.
func (w *Waiver) LastDay() string {
	until := w.Until.UTC()
	switch {
	case w.Until.IsZero():
		return ""
	case until.Equal(until.Truncate(24 * time.Hour)):
		return until.AddDate(0, 0, -1).Format(time.DateOnly)
	}
	return until.Format(time.RFC3339Nano)
}

// olderVersion tells whether version comes before another one. Versions are
// numbers with dots, as in v1.10.2, and compare as in Semantic Versioning
// 2.0.0, section 11: a pre-release is before its release. What git describe
// adds to a tag (1.4.0-3-gabcdef0, -dirty) is after it. Of anything else only
// the same text is not before.
func olderVersion(version, than string) bool {
	a, aOK := parseVersion(version)
	b, bOK := parseVersion(than)
	if !aOK || !bOK {
		return version != than
	}
	for i := range max(len(a.numbers), len(b.numbers)) {
		if c := compareNumbers(a.number(i), b.number(i)); c != 0 {
			return c < 0
		}
	}
	return comparePrereleases(a.prerelease, b.prerelease) < 0
}

// semantic is a version: numbers without leading zeros, and a pre-release.
type semantic struct {
	numbers    []string
	prerelease string
}

func (v *semantic) number(i int) string {
	if i < len(v.numbers) {
		return v.numbers[i]
	}
	return "" // as 0
}

var (
	versionForm  = regexp.MustCompile(`^[vV]?([0-9]+(?:\.[0-9]+)*)(?:-([0-9A-Za-z.-]+))?(?:\+.*)?$`)
	describeForm = regexp.MustCompile(`(?:(?:^|-)[0-9]+-g[0-9a-f]{4,40})?(?:(?:^|-)dirty)?$`)
)

func parseVersion(s string) (semantic, bool) {
	parts := versionForm.FindStringSubmatch(s)
	if parts == nil {
		return semantic{}, false
	}
	var v semantic
	for digits := range strings.SplitSeq(parts[1], ".") {
		v.numbers = append(v.numbers, strings.TrimLeft(digits, "0"))
	}
	v.prerelease = describeForm.ReplaceAllString(parts[2], "")
	return v, true
}

// compareNumbers compares digits without leading zeros, of any length.
func compareNumbers(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}

// comparePrereleases compares by identifiers; none at all is a release, and
// comes after.
func comparePrereleases(a, b string) int {
	if a == "" || b == "" {
		return -cmp.Compare(min(len(a), 1), min(len(b), 1))
	}
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(x), len(y)) {
		xNumber, yNumber := digits(x[i]), digits(y[i])
		c := 0
		switch {
		case xNumber && yNumber:
			c = compareNumbers(strings.TrimLeft(x[i], "0"), strings.TrimLeft(y[i], "0"))
		case xNumber != yNumber: // numbers come first
			c = 1
			if xNumber {
				c = -1
			}
		default:
			c = strings.Compare(x[i], y[i])
		}
		if c != 0 {
			return c
		}
	}
	return cmp.Compare(len(x), len(y))
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
