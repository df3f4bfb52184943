//go:build unix

package main

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"time"
)

// pairs counts, over many sessions of pacer compare --exec at a threshold of
// 2 %, the false alarms of the same command on both sides and how soon 5 % more
// work is found, beside a neighbour that loads a processor off and on; and
// whether 1 % more instructions are found.
func (s *soak) pairs() error {
	steps := calibrate(100 * time.Millisecond)
	fmt.Printf("the command: %d steps, some 100 ms\n", steps)
	if !s.quiet {
		neighbour := exec.Command(s.self, "work", "neighbour")
		if err := neighbour.Start(); err != nil {
			return err
		}
		s.stop = func() { neighbour.Process.Kill() }
		defer neighbour.Wait()
		defer s.stop()
	}
	n := s.times(100)
	same, err := s.sessions("A/A", n, steps, steps)
	if err != nil {
		return err
	}
	s.claim(same.alarms <= 3*n/100, "A/A: %d of %d sessions raised a false alarm, in any metric: wanted at most 3 of 100", same.alarms, n)
	slower, err := s.sessions("+5%", n, steps, steps+steps/20)
	if err != nil {
		return err
	}
	s.claim(slower.found*10 >= 9*n && slower.pairs <= 40*n, "+5%%: %d of %d sessions called it regressed, by %.1f pairs on average: wanted 90 of 100 by 40", slower.found, n, float64(slower.pairs)/float64(n))
	few := (n + 4) / 5
	counted, err := s.sessions("+1% instructions", few, steps/10, steps/10+steps/1000, "--count", "instructions")
	if err != nil {
		return err
	}
	s.claim(counted.found == few, "+1%%, --count instructions: %d of %d sessions called it regressed, by %.1f pairs on average: wanted all", counted.found, few, float64(counted.pairs)/float64(few))
	return nil
}

// tally is what became of sessions.
type tally struct{ found, alarms, sure, pairs int }

func (s *soak) sessions(name string, n, base, current int, flags ...string) (tally, error) {
	var all tally
	command := func(steps int) string { return fmt.Sprintf("'%s' work spin %d", s.self, steps) }
	begin := time.Now()
	for i := range n {
		args := append([]string{"compare", "--threshold", "2%", "--format", "json"}, flags...)
		d, err := s.run(append(args, "--exec", command(base), command(current))...)
		if err != nil {
			return all, err
		}
		found := d.Pairs.Main // what else regressed found nothing
		changes, regressed, alarm := "", false, false
		for _, m := range d.Metrics {
			if m.Change != "unchanged" {
				changes += fmt.Sprintf(" %s %s %+.1f%%", m.Name, m.Change, 100*(m.Ratio-1))
			}
			regressed = regressed || m.Change == "regressed" && slices.Contains(found, m.Name)
			alarm = alarm || m.Change == "regressed" || m.Change == "improved"
		}
		all.pairs += d.Pairs.Count
		if regressed {
			all.found++
		}
		if alarm {
			all.alarms++
		}
		if d.Pairs.Stopped == "sure" {
			all.sure++
		}
		fmt.Printf("  %s %3d: %3d pairs, %-5s %s\n", name, i+1, d.Pairs.Count, d.Pairs.Stopped, changes)
	}
	fmt.Printf("  %s: %d sessions, %d sure, %d alarms, %.1f pairs on average, %v\n", name, n, all.sure, all.alarms, float64(all.pairs)/float64(n), time.Since(begin).Round(time.Second))
	return all, os.RemoveAll(s.dir + "/.pacer")
}

// calibrate returns how many steps take so long, at best.
func calibrate(long time.Duration) int {
	const steps = 5_000_000
	best := time.Hour
	for range 10 {
		begin := time.Now()
		spin(steps)
		best = min(best, time.Since(begin))
	}
	return int(float64(steps) * float64(long) / float64(best))
}
