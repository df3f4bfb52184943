package changepoint

import (
	"math"
	"slices"
)

// path is a piecewise constant course of the level.
type path struct {
	starts []int     // first point of each segment; the first is 0
	levels []float64 // of each segment
	cost   float64   // of the values on it, and of its changes
}

// end returns the point after the last one of a segment of a series of n points.
func (p path) end(i, n int) int {
	if i+1 < len(p.starts) {
		return p.starts[i+1]
	}
	return n
}

const mostLevels = 400

// candidates returns levels that the series might have, in order: a grid
// around the medians of three neighbours, so that a level that nothing is near
// costs no time.
func candidates(medians []float64, spacing, margin float64) []float64 {
	low, high := slices.Min(medians), slices.Max(medians)
	spacing = max(spacing, (high-low)/(1<<17))
	for {
		widen := int(math.Ceil(margin / spacing))
		used := make([]bool, int((high-low)/spacing)+2*widen+2)
		for _, m := range medians {
			used[int((m-low)/spacing+0.5)+widen] = true
		}
		var levels []float64
		open := 0 // levels still to be taken after the last used bin
		for i := range used {
			if i+widen < len(used) && used[i+widen] {
				open = 2*widen + 1
			}
			if open > 0 {
				levels = append(levels, low+float64(i-widen)*spacing)
				open--
			}
		}
		if len(levels) <= mostLevels {
			return levels
		}
		spacing *= math.Ceil(float64(len(levels)) / mostLevels)
	}
}

// grid is a series and its candidate levels in bins of a density's table.
type grid struct {
	d      *density
	cost   [][]float64 // a table for each spread, padded so that no look-up leaves it; without rho mirrored: by level less value
	shift  int         // index of zero in it
	x, y   []int32     // values; values less rho times the one before
	level  []int32     // levels
	scaled []int32     // levels times 1−rho
	levels []float64
	value  []float64 // of each level: least cost of a path that ends in it
	start  []int32   // likewise: where its last segment starts
	// After each point: the best level, and where its last segment starts.
	endLevel, endStart []int32
}

// resize returns a slice of n elements, whatever they hold, in the place of
// another one if there is room.
func resize[T any](s []T, n int) []T { return slices.Grow(s[:0], n)[:n] }

// fill makes the grid of a series and a law. What the grid held before is gone:
// a search needs one grid after another, and their room was half of its memory.
func (g *grid) fill(s *series, d *density) {
	g.d = d
	g.levels = candidates(s.medians, d.bin/(1-d.rho), max(s.tick/2, 2*d.bin/(1-d.rho)))
	origin := g.levels[0]
	k := len(g.levels)
	g.level, g.scaled = resize(g.level, k), resize(g.scaled, k)
	for j, l := range g.levels {
		g.level[j] = int32(math.Round((l - origin) / d.bin))
		g.scaled[j] = int32(math.Round((l - origin) * (1 - d.rho) / d.bin))
	}
	span := int(g.level[k-1])
	low, high := float64(-d.centre), float64(span+d.centre)
	g.x, g.y = resize(g.x, len(s.x)), resize(g.y, len(s.x))
	for i, v := range s.x {
		b := min(high, max(low, (v-origin)/d.bin))
		g.x[i] = int32(math.Round(b))
		g.y[i] = g.x[i]
		if i > 0 && d.rho != 0 {
			g.y[i] = int32(math.Round(b - d.rho*float64(g.x[i-1])))
		}
	}
	// With rho the index is a difference of up to two clipped values.
	pad := 3 * (span + d.centre)
	if d.rho == 0 {
		pad = span
	}
	g.shift = d.centre + pad
	g.cost = resize(g.cost, len(spreads))
	for i, spread := range spreads {
		if i == usualSpread || slices.Contains(d.course, uint8(i)) {
			g.cost[i] = d.padded(g.cost[i], pad, spread)
			if d.rho == 0 {
				slices.Reverse(g.cost[i])
			}
		}
	}
}

// padded returns the table of costs for noise of another spread, with the
// outermost cost repeated on either side, in the place of another table.
func (d *density) padded(table []float64, pad int, spread float64) []float64 {
	table = resize(table, len(d.cost)+2*pad)
	if spread == 1 {
		copy(table[pad:], d.cost)
		last := len(d.cost) - 1
		for i := range pad {
			table[i], table[pad+last+1+i] = d.cost[0], d.cost[last]
		}
		return table
	}
	for i := range table {
		table[i] = d.at(float64(i-d.centre-pad)*d.bin/spread) + math.Log(spread)
	}
	return table
}

// table returns the table of costs for a point.
func (g *grid) table(t int) []float64 {
	if g.d.course == nil {
		return g.cost[usualSpread]
	}
	return g.cost[g.d.course[t]]
}

// best returns the path of least cost, where every change costs beta.
//
// It is the algorithm of Viterbi (1967) over the candidate levels: the best
// path that ends in a level either stayed there or left the best level of all.
// Time grows as points times levels, memory as points plus levels.
func (g *grid) best(beta float64) path {
	n, k := len(g.x), len(g.levels)
	g.value, g.start = resize(g.value, k), resize(g.start, k)
	g.endLevel, g.endStart = resize(g.endLevel, n), resize(g.endStart, n)
	value, start, endLevel, endStart := g.value, g.start, g.endLevel, g.endStart
	clear(start)
	first := math.Sqrt(1 - g.d.rho*g.d.rho)
	for j, l := range g.level {
		if g.d.rho == 0 {
			value[j] = g.table(0)[g.shift-int(g.x[0]-l)]
		} else {
			value[j] = g.table(0)[int(math.Round(float64(g.x[0]-l)*first))+g.shift]
		}
	}
	top := least(value)
	endLevel[0], endStart[0] = int32(top), 0
	for i := 1; i < n; i++ {
		leave := value[top] + beta
		if g.d.rho == 0 {
			top = stay(value, start, g.level, g.table(i)[g.shift-int(g.x[i]):], leave, int32(i))
		} else {
			// A new level goes with the error that the best level left.
			entry := int(math.Round(float64(g.x[i])-g.d.rho*float64(g.x[i-1]-g.level[top]))) + g.shift
			top = g.stayOrEnter(value, start, g.table(i), int(g.y[i])+g.shift, entry, leave, int32(i))
		}
		endLevel[i], endStart[i] = int32(top), start[top]
	}
	p := path{cost: value[top]}
	for end := n - 1; end >= 0; {
		from := int(endStart[end])
		p.starts = append(p.starts, from)
		p.levels = append(p.levels, g.levels[endLevel[end]])
		end = from - 1
	}
	slices.Reverse(p.starts)
	slices.Reverse(p.levels)
	return p
}

// stay moves the paths on by one point and returns the best of them. The cost
// of a level is where the level says.
func stay(value []float64, start, level []int32, cost []float64, leave float64, now int32) int {
	top, low := 0, math.Inf(1)
	k := len(value)
	start, level = start[:k], level[:k]
	if int(level[k-1]) == k-1 { // without gaps, as most grids are: half of a search is in this loop
		cost = cost[:k]
		for j := range value {
			v := value[j]
			if leave < v {
				v = leave
				start[j] = now
			}
			v += cost[j]
			value[j] = v
			if v < low {
				top, low = j, v
			}
		}
		return top
	}
	for j, v := range value {
		if leave < v {
			v = leave
			start[j] = now
		}
		v += cost[level[j]]
		value[j] = v
		if v < low {
			top, low = j, v
		}
	}
	return top
}

func (g *grid) stayOrEnter(value []float64, start []int32, cost []float64, at, entry int, leave float64, now int32) int {
	top, low := 0, math.Inf(1)
	for j, v := range value {
		v += cost[at-int(g.scaled[j])]
		if in := leave + cost[entry-int(g.level[j])]; in < v {
			v = in
			start[j] = now
		}
		value[j] = v
		if v < low {
			top, low = j, v
		}
	}
	return top
}

func least(v []float64) int {
	top := 0
	for j := range v {
		if v[j] < v[top] {
			top = j
		}
	}
	return top
}
