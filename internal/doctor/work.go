package doctor

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
)

// Works are the built-in kinds of work, of some milliseconds each: one that
// computes, one that waits for memory, one that waits for the disk that holds a
// folder, and what start does, which starts a process. The function returned
// removes what they need.
func Works(dir string, start func(context.Context) error) ([]Work, func()) {
	block := make([]byte, 16<<10)
	large := make([]uint32, 32<<20/4) // more than most caches hold
	for i := range large {
		// A full cycle through the whole of it, in no order that a processor
		// could foresee: Knuth, The Art of Computer Programming, 3.2.1.2.
		large[i] = (uint32(i)*1664525 + 1013904223) % uint32(len(large))
	}
	at := uint32(0)
	file := filepath.Join(dir, fmt.Sprintf("doctor-%d", os.Getpid()))
	page := make([]byte, 256<<10)
	return []Work{
		{"cpu", func(context.Context) error {
			for range 200 {
				sum := sha256.Sum256(block)
				copy(block, sum[:])
			}
			return nil
		}},
		{"memory", func(context.Context) error {
			for range 50_000 {
				at = large[at]
			}
			return nil
		}},
		{"disk", func(context.Context) error {
			f, err := os.Create(file)
			if err != nil {
				return err
			}
			defer f.Close()
			if _, err := f.Write(page); err != nil {
				return err
			}
			return f.Sync()
		}},
		{"process", start},
	}, func() { os.Remove(file) }
}
