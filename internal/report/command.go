package report

import (
	"strings"
	"unicode"
)

// Words are what a person typed to have a run judged, and would type again.
type Words struct {
	Program string   // how pacer is called here; empty: pacer
	Run     string   // empty: latest
	Flags   []string // that choose the baseline and the policy
	Verdict string   // file that holds the verdict; empty: it is in none
	Turns   bool     // it was measured in turns with the baseline: pacer bench
	Bench   []string // then, flags of bench but for --rounds
	Pairs   []string // what had it measured in pairs, behind pacer compare, without limits; nil: not known
}

// Command is a command line of pacer, from its verb on. Placeholder words are
// in capitals, or Reason.
type Command []string

// Reason stands for what a person has to write.
const Reason = "..."

// Line writes the command so that a shell reads it back.
func (w *Words) Line(c Command) string {
	program := w.Program
	if program == "" {
		program = "pacer"
	}
	list := []string{program}
	for _, word := range c {
		if word == Reason {
			list = append(list, `"..."`)
		} else {
			list = append(list, Shell(word))
		}
	}
	return strings.Join(list, " ")
}

func (w *Words) run() string {
	if w.Run == "" {
		return "latest"
	}
	return w.Run
}

// Shell quotes words so that a POSIX shell reads them back.
func Shell(words ...string) string {
	list := make([]string, len(words))
	for i, w := range words {
		list[i] = w
		if w == "" || strings.ContainsFunc(w, func(r rune) bool {
			return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-_./:=,@%+", r)
		}) {
			list[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
	}
	return strings.Join(list, " ")
}
