//go:build unix

package main

import (
	"fmt"
	"math"
	"net"
	"os"
	"path/filepath"
	"strings"
)

// truth measures a command that sleeps 50 ms, takes 200 MiB and has a child
// take 100 MiB, and compares with what the command knows itself just before it
// ends, having given its memory back.
func (s *soak) truth() error {
	log := filepath.Join(s.dir, "log")
	n := s.times(20)
	d, err := s.run("run", "--runs", fmt.Sprint(n), "--format", "json", "--", s.self, "work", "truth", log)
	if err != nil {
		return err
	}
	known, err := columns(log)
	if err != nil {
		return err
	}
	for i, m := range []struct{ name, what string }{
		{"process.wall", "wall time"}, {"process.cpu", "CPU time"}, {"process.memory.peak", "peak memory of the largest process"},
	} {
		samples := d.find(m.name).Samples
		var off []float64
		for k, v := range samples {
			off = append(off, v/known[k][i]-1)
		}
		worst := median(off)
		s.claim(math.Abs(worst) <= 0.02, "%s: %.2f%% off, median of %d (from %.2f%% to %.2f%%): wanted within 2%%", m.what, 100*worst, n, 100*off[0], 100*off[len(off)-1])
	}
	peak := d.find("process.memory.peak").Samples
	s.claim(median(peak) > 200<<20 && median(peak) < 204<<20+8<<20, "peak memory %.1f MB: 200 MB and what the program needs itself", median(peak)/(1<<20))
	return nil
}

// ready measures the start-up of a server that is ready after 300 ms of work,
// by each way to tell, and compares with when the server itself knew.
func (s *soak) ready() error {
	for _, way := range []string{"line", "http", "tcp", "file"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		address := l.Addr().String()
		l.Close()
		flag, log := filepath.Join(s.dir, way), filepath.Join(s.dir, way+".log")
		how := map[string]string{"line": "listening", "http": "http://" + address, "tcp": address, "file": flag}[way]
		n := s.times(20)
		d, err := s.run("run", "--runs", fmt.Sprint(n), "--format", "json", "--app", way, "--prepare", "rm -f "+flag, "--ready-"+way, how, "--",
			s.self, "work", "serve", address, flag, log)
		if err != nil {
			return err
		}
		known, err := columns(log)
		if err != nil {
			return err
		}
		var off []float64
		for k, v := range d.find("startup").Samples {
			off = append(off, v-known[k][0])
		}
		middle := median(off)
		s.claim(math.Abs(middle) < 0.005 && off[len(off)-1] < 0.005, "--ready-%s: %v later than the server knew, median of %d; at most %v: wanted within 5ms", way, duration(middle), n, duration(off[len(off)-1]))
	}
	return nil
}

// columns reads lines of numbers.
func columns(file string) ([][]float64, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var rows [][]float64
	for line := range strings.Lines(string(text)) {
		var row []float64
		for word := range strings.FieldsSeq(line) {
			var v float64
			if _, err := fmt.Sscan(word, &v); err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
			row = append(row, v)
		}
		rows = append(rows, row)
	}
	return rows, nil
}
