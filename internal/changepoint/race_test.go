//go:build race

package changepoint

// perCell is lower under the race detector, which makes a search ten times slower.
const perCell = 2
