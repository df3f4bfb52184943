package dashboard

import "strings"

// diffLine is a line of a comparison of two texts.
type diffLine struct {
	Sign string // + added, - gone, a space: both; "…": lines that are the same are left out
	Text string
}

// Class names what became of it.
func (l diffLine) Class() string {
	switch l.Sign {
	case "+":
		return "added"
	case "-":
		return "gone"
	}
	return "same"
}

const (
	diffContext = 2         // lines that are shown around a change
	diffWork    = 4_000_000 // pairs of lines that are looked at, at most
)

// lineDiff compares two texts line by line: by the longest lines in common, as
// far as that takes no more than so much work, else as one change.
func lineDiff(old, new string) []diffLine {
	a, b := linesOf(old), linesOf(new)
	from := 0
	for from < min(len(a), len(b)) && a[from] == b[from] {
		from++
	}
	to := 0
	for to < min(len(a), len(b))-from && a[len(a)-1-to] == b[len(b)-1-to] {
		to++
	}
	var all []diffLine
	add := func(sign string, lines []string) {
		for _, l := range lines {
			all = append(all, diffLine{sign, l})
		}
	}
	add(" ", a[:from])
	x, y := a[from:len(a)-to], b[from:len(b)-to]
	if len(x)*len(y) > diffWork {
		add("-", x)
		add("+", y)
	} else {
		all = append(all, middleDiff(x, y)...)
	}
	add(" ", a[len(a)-to:])
	return abridged(all)
}

func linesOf(s string) []string {
	if s == "" {
		return nil
	}
	lines := strings.Split(strings.TrimSuffix(strings.ReplaceAll(s, "\r\n", "\n"), "\n"), "\n")
	return lines
}

// middleDiff compares by the longest common subsequence.
func middleDiff(a, b []string) []diffLine {
	longest := make([][]int32, len(a)+1)
	for i := range longest {
		longest[i] = make([]int32, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for k := len(b) - 1; k >= 0; k-- {
			if a[i] == b[k] {
				longest[i][k] = longest[i+1][k+1] + 1
			} else {
				longest[i][k] = max(longest[i+1][k], longest[i][k+1])
			}
		}
	}
	var out []diffLine
	i, k := 0, 0
	for i < len(a) || k < len(b) {
		switch {
		case i < len(a) && k < len(b) && a[i] == b[k]:
			out = append(out, diffLine{" ", a[i]})
			i, k = i+1, k+1
		case k == len(b) || i < len(a) && longest[i+1][k] >= longest[i][k+1]:
			out = append(out, diffLine{"-", a[i]})
			i++
		default:
			out = append(out, diffLine{"+", b[k]})
			k++
		}
	}
	return out
}

// abridged leaves out what is the same, but for some lines around changes.
func abridged(all []diffLine) []diffLine {
	keep := make([]bool, len(all))
	for i, l := range all {
		if l.Sign != " " {
			for k := max(0, i-diffContext); k <= min(len(all)-1, i+diffContext); k++ {
				keep[k] = true
			}
		}
	}
	var out []diffLine
	for i, l := range all {
		switch {
		case keep[i]:
			out = append(out, l)
		case i > 0 && keep[i-1] || i == 0:
			out = append(out, diffLine{Sign: "…"})
		}
	}
	if len(out) == 1 && out[0].Sign == "…" {
		return nil
	}
	return out
}
