//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
)

// hyperfine measures /bin/true with hyperfine and with pacer in turn, ten
// executions each time, in an order drawn by chance, and compares what they
// report.
func (s *soak) hyperfine() error {
	const block = 10
	blocks := max(1, s.times(2000)/block)
	var ratios, theirs, ours []float64
	for range blocks {
		var pair [2]float64
		order := []int{0, 1}
		rand.Shuffle(2, func(i, j int) { order[i], order[j] = order[j], order[i] })
		for _, who := range order {
			times, err := [2]func(int) ([]float64, error){s.theirs, s.ours}[who](block)
			if err != nil {
				return err
			}
			if who == 0 {
				theirs = append(theirs, times...)
			} else {
				ours = append(ours, times...)
			}
			pair[who] = median(times)
		}
		ratios = append(ratios, pair[1]/pair[0])
	}
	lo, hi := bootstrap(ratios)
	fmt.Printf("hyperfine reports %v, pacer %v: medians of %d\n", duration(median(theirs)), duration(median(ours)), blocks*block)
	s.claim(hi < 1.05, "pacer / hyperfine, pairs of blocks of %d: %.3f, 95%% interval %.3f to %.3f: wanted below 1.05", block, median(ratios), lo, hi)
	return nil
}

func (s *soak) theirs(n int) ([]float64, error) {
	file := filepath.Join(s.dir, "hyperfine.json")
	if _, err := s.output("hyperfine", "-N", "--warmup", "3", "--runs", fmt.Sprint(n), "--export-json", file, "/bin/true"); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var d struct {
		Results []struct {
			Times []float64 `json:"times"`
		} `json:"results"`
	}
	if err := json.Unmarshal(text, &d); err != nil || len(d.Results) != 1 {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return d.Results[0].Times, nil
}

func (s *soak) ours(n int) ([]float64, error) {
	d, err := s.run("run", "--warmup", "3", "--runs", fmt.Sprint(n), "--format", "json", "--", "/bin/true")
	return d.find("process.wall").Samples, err
}

// bootstrap returns the 95% interval of the median, by drawing again.
func bootstrap(values []float64) (lo, hi float64) {
	const draws = 10_000
	rng := rand.New(rand.NewPCG(1, 1))
	medians := make([]float64, draws)
	for i := range medians {
		again := make([]float64, len(values))
		for j := range again {
			again[j] = values[rng.IntN(len(values))]
		}
		medians[i] = median(again)
	}
	slices.Sort(medians)
	return medians[int(math.Round(0.025*draws))], medians[int(math.Round(0.975*draws))]
}
