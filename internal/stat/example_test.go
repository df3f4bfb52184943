package stat_test

import (
	"fmt"

	"github.com/pacer-perf/pacer/internal/stat"
)

func Example() {
	before := []float64{101, 99, 100, 103, 98, 102, 100, 97, 250, 101} // one of them a spike
	after := []float64{108, 111, 109, 107, 112, 110, 108, 109, 111, 106}

	ratio, _ := stat.Ratio(before, after)
	within, _ := stat.RatioInterval(before, after, 0.95)
	test, _ := stat.MannWhitney(before, after)
	fmt.Printf("%.3f times as long, %.3f to %.3f at %.1f %%; p = %.4f\n", ratio, within.Low, within.High, 100*within.Level, test.P)
	// Output: 1.088 times as long, 1.059 to 1.110 at 95.7 %; p = 0.0013
}
