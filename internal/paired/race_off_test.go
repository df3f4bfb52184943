//go:build !race

package paired

func scaled(n int) int { return n }

// slack is what so many sessions may be off by chance, in percent.
const slack = 1.3
