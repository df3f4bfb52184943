package main

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A log hears of a long execution while it runs, ever more seldom; of short
// ones it gets a line every few seconds.
func TestBeat(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := newProgress(&out, "app", 10)
		stop := p.beat()
		p.say("warming up, 1 of 1")
		time.Sleep(6500 * time.Millisecond)
		for i := range 4 {
			p.show(i, "median 1 s")
			time.Sleep(1500 * time.Millisecond)
		}
		p.show(4)
		time.Sleep(40 * time.Second)
		p.clear()
		time.Sleep(time.Minute) // nothing is under way
		stop()
		want := `pacer: app: warming up, 1 of 1, running 5s
pacer: app: 3 of 10, median 1 s, 11s left
pacer: app: 4 of 10, running 3s, 8s left
pacer: app: 4 of 10, running 8s, 8s left
pacer: app: 4 of 10, running 13s, 8s left
pacer: app: 4 of 10, running 20s, 8s left
pacer: app: 4 of 10, running 31s, 8s left
`
		if diff := cmp.Diff(want, out.String()); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

// A terminal has one line, in which the time counts up.
func TestBeatOnTerminal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := newProgress(&out, "app", 10)
		p.terminal = true
		stop := p.beat()
		p.show(0)
		time.Sleep(2500 * time.Millisecond)
		p.show(1, "median 1 s")
		time.Sleep(3500 * time.Millisecond)
		stop()
		bar := "app [=             ] 1 of 10, "
		none := "app [              ] 0 of 10"
		want := []string{"", none, none + ", running 2s", bar + "median 1 s, 23s left", bar + "running 2s, median 1 s, 20s left", bar + "running 3s, median 1 s, 20s left", ""}
		if diff := cmp.Diff(want, strings.Split(out.String(), "\r\x1b[K")); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}
