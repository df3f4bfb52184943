package alert

import (
	"fmt"
	"strings"
	"time"

	"github.com/pacer-perf/pacer/internal/history"
)

// Ends says until when a mute holds, as people read it: "it gets worse by 5%",
// "version 2.0", "2027-02-01", or several of them.
func Ends(u *history.Until) string {
	if u == nil {
		return ""
	}
	var list []string
	if u.WorseBy > 0 {
		list = append(list, fmt.Sprintf("it gets worse by %.3g%%", 100*u.WorseBy))
	}
	if u.Version != "" {
		list = append(list, "version "+u.Version)
	}
	if !u.Time.IsZero() {
		list = append(list, u.Time.UTC().Format(time.DateOnly))
	}
	return strings.Join(list, " or ")
}
