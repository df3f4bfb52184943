package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"
)

// progress shows how far a batch is: on a terminal a bar, elsewhere a line
// every few seconds.
type progress struct {
	w        io.Writer
	what     string
	total    int
	early    bool // it may end before the total
	terminal bool
	shown    bool
	began    time.Time
	last     time.Time
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
	if !p.terminal {
		if time.Since(p.last) >= progressEvery {
			p.last = time.Now()
			fmt.Fprintf(p.w, "pacer: %s: %s\n", p.what, joined(fmt.Sprintf("%d of %d", done, p.total), note, p.left(done)))
		}
		return
	}
	if time.Since(p.last) < 50*time.Millisecond && done > 1 {
		return // a terminal is slower than a short command
	}
	const width = 14
	full := done * width / p.total
	bar := strings.Repeat("=", full) + strings.Repeat(" ", width-full)
	p.line(fmt.Sprintf("%s [%s] %s", cut(p.what, 20), bar, joined(fmt.Sprintf("%d of %d", done, p.total), note, p.left(done))))
}

// say shows that something else is under way.
func (p *progress) say(what string) {
	if p.terminal {
		p.line(cut(p.what, 20) + ": " + what)
	} else if time.Since(p.last) >= progressEvery {
		p.last = time.Now()
		fmt.Fprintf(p.w, "pacer: %s: %s\n", p.what, what)
	}
}

// announce is say for what may take long and tells nothing meanwhile: a log
// gets a line at once.
func (p *progress) announce(what string) {
	p.last = time.Time{}
	p.say(what)
}

func (p *progress) line(text string) {
	p.last = time.Now()
	fmt.Fprint(p.w, "\r\x1b[K"+cut(text, 79))
	p.shown = true
}

// left says how long the rest will take, once that is worth saying.
func (p *progress) left(done int) string {
	if done == 0 || done >= p.total {
		return ""
	}
	rest := time.Duration(float64(time.Since(p.began)) / float64(done) * float64(p.total-done)).Round(time.Second)
	if rest < 5*time.Second {
		return ""
	}
	if p.early {
		return "at most " + rest.String() + " left"
	}
	return rest.String() + " left"
}

func (p *progress) clear() {
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.shown = false
	}
}

// count shows how many there were so far, of a number that is not known.
func (p *progress) count(done int) {
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
