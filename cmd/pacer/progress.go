package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// progress shows how far a batch is: on a terminal a bar, elsewhere a line
// every few seconds.
type progress struct {
	mu       sync.Mutex // of what follows: beat shows it beside its owner
	w        io.Writer
	what     string
	total    int
	early    bool // it may end before the total
	terminal bool
	shown    bool
	began    time.Time
	last     time.Time
	now      func(running string) string // the line as it is, for what runs for so long
	since    time.Time                   // when that began
}

// progressEvery is how often a log gets a line.
const progressEvery = 5 * time.Second

func newProgress(w io.Writer, what string, total int) *progress {
	now := time.Now()
	return &progress{w: w, what: what, total: total, terminal: isTerminal(w) && os.Getenv("TERM") != "dumb", began: now, last: now}
}

// show says that done of total are done, and what is known so far.
func (p *progress) show(done int, notes ...string) {
	note := joined(notes...)
	p.mu.Lock()
	defer p.mu.Unlock()
	if done == 0 {
		p.began = time.Now() // what came before warmed up
	}
	if !p.terminal {
		p.under(func(running string) string {
			return "pacer: " + p.what + ": " + joined(fmt.Sprintf("%d of %d", done, p.total), running, note, p.left(done))
		})
		if time.Since(p.last) >= progressEvery {
			p.log(p.now(""))
		}
		return
	}
	p.under(func(running string) string {
		const width = 14
		full := done * width / p.total
		bar := strings.Repeat("=", full) + strings.Repeat(" ", width-full)
		return fmt.Sprintf("%s [%s] %s", cut(p.what, 20), bar, joined(fmt.Sprintf("%d of %d", done, p.total), running, note, p.left(done)))
	})
	if time.Since(p.last) < 50*time.Millisecond && done > 1 {
		return // a terminal is slower than a short command
	}
	p.line(p.now(""))
}

// say shows that something else is under way.
func (p *progress) say(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.under(func(running string) string {
		if p.terminal {
			return cut(p.what, 20) + ": " + joined(what, running)
		}
		return "pacer: " + p.what + ": " + joined(what, running)
	})
	if p.terminal {
		p.line(p.now(""))
	} else if time.Since(p.last) >= progressEvery {
		p.log(p.now(""))
	}
}

// announce is say for what may take long and tells nothing meanwhile: a log
// gets a line at once.
func (p *progress) announce(what string) {
	p.mu.Lock()
	p.last = time.Time{}
	p.mu.Unlock()
	p.say(what)
}

// under sets what is under way from now on.
func (p *progress) under(now func(running string) string) { p.now, p.since = now, time.Now() }

// beat shows for how long has been running what is under way, until the
// function that it returns is called: on a terminal every second, in a log ever
// more seldom.
func (p *progress) beat() (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				p.still()
			}
		}
	}()
	return func() {
		close(done)
		<-ended
		p.clear()
	}
}

// still shows that what is under way still runs.
func (p *progress) still() {
	p.mu.Lock()
	defer p.mu.Unlock()
	took := time.Since(p.since)
	if p.now == nil || took < shortly {
		return
	}
	text := p.now("running " + took.Truncate(time.Second).String())
	if p.terminal {
		p.line(text)
	} else if time.Since(p.last) >= max(progressEvery, took/3) {
		p.log(text)
	}
}

// shortly is for how long nobody wonders what runs.
const shortly = 2 * time.Second

func (p *progress) log(text string) {
	p.last = time.Now()
	fmt.Fprintln(p.w, text)
}

func (p *progress) line(text string) {
	p.last = time.Now()
	fmt.Fprint(p.w, "\r\x1b[K"+cut(text, 79))
	p.shown = true
}

// left says how long the rest will take, once that is worth saying. It goes by
// those that are done; the one under way takes at most what is left of it.
func (p *progress) left(done int) string {
	if done == 0 || done >= p.total {
		return ""
	}
	each := float64(p.since.Sub(p.began)) / float64(done)
	under := min(float64(time.Since(p.since)), each)
	rest := time.Duration(each*float64(p.total-done) - under).Round(time.Second)
	if rest < 5*time.Second {
		return ""
	}
	if p.early {
		return "at most " + rest.String() + " left"
	}
	return rest.String() + " left"
}

func (p *progress) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = nil
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.shown = false
	}
}

// count shows how many there were so far, of a number that is not known.
func (p *progress) count(done int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.terminal {
		p.line(fmt.Sprintf("%s: %d", cut(p.what, 50), done))
	}
}

// joined joins the words that are not empty.
func joined(words ...string) string {
	var list []string
	for _, w := range words {
		if w != "" {
			list = append(list, w)
		}
	}
	return strings.Join(list, ", ")
}

// cut keeps a text to n characters.
func cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "~"
}
