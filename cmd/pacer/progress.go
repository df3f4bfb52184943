package main

import (
	"fmt"
	"io"
	"os"
)

// progress shows on a terminal how far a batch is. Elsewhere it is silent.
type progress struct {
	w     io.Writer
	what  string
	total int
	on    bool
	shown bool
}

func newProgress(w io.Writer, what string, total int) *progress {
	return &progress{w: w, what: what, total: total, on: isTerminal(w) && os.Getenv("TERM") != "dumb"}
}

// show says that done of total are done.
func (p *progress) show(done int) {
	if !p.on {
		return
	}
	const width = 20
	bar := ""
	for i := range width {
		if i < done*width/p.total {
			bar += "="
		} else {
			bar += " "
		}
	}
	fmt.Fprintf(p.w, "\r\x1b[K%.50s [%s] %d of %d", p.what, bar, done+1, p.total)
	p.shown = true
}

func (p *progress) clear() {
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.shown = false
	}
}

// count shows how many there were so far, of a number that is not known.
func (p *progress) count(done int) {
	if p.on {
		fmt.Fprintf(p.w, "\r\x1b[K%.50s: %d", p.what, done)
		p.shown = true
	}
}
