//go:build race

package paired

// scaled makes fewer sessions where the race detector makes each slow.
func scaled(n int) int { return n / 20 }

const slack = 8
