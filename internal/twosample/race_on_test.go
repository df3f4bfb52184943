//go:build race

package twosample

// scaled makes fewer suites where the race detector makes each slow.
func scaled(n int) int { return n / 5 }

// slack is what so few suites may be off by chance.
const slack = 0.04
