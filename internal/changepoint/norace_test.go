//go:build !race

package changepoint

// perCell is how many series of a kind are drawn with a noise and a seed.
const perCell = 12
