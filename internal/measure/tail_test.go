package measure

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What is kept of a line that is too long says that it is not all, and is the
// same through a pipe and out of a file.
func TestTailMarksWhatIsCut(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 3*tailSize)
	var many strings.Builder
	for i := range 3_000 {
		fmt.Fprintln(&many, i)
	}
	tests := []struct {
		name, printed, begin, end string
		whole                     bool
	}{
		{name: "short", printed: "one\ntwo\n", begin: "one\n", end: "two", whole: true},
		{name: "one line that fits", printed: strings.Repeat("x", tailSize), begin: "xxx", end: "xxx", whole: true},
		{name: "one long line", printed: long, begin: "...xxx", end: "xxx"},
		{name: "a long line, then another", printed: long + "\nend\n", begin: "...xxx", end: "x\nend"},
		{name: "lines of four bytes", printed: strings.Repeat("\u20ac"+"\n", 4_000), begin: "\u20ac\n", end: "\u20ac"},
		{name: "a long line of three bytes each", printed: strings.Repeat("\u20ac", 4_000) + "\n", begin: "...\u20ac", end: "\u20ac"},
		{name: "many lines", printed: many.String(), begin: "2990\n", end: "2999"},
		{name: "nothing"},
	}
	for _, tt := range tests {
		for _, piece := range []int{1, 1000, 16 << 10, 1 << 20} {
			var piped tail
			for rest := tt.printed; rest != ""; {
				n := min(piece, len(rest))
				piped.Write([]byte(rest[:n]))
				rest = rest[n:]
			}
			const before = "what was there before\n"
			name := filepath.Join(t.TempDir(), "out")
			if err := os.WriteFile(name, []byte(before+tt.printed), 0o666); err != nil {
				t.Fatal(err)
			}
			var filed tail
			filed.readFile(name, int64(len(before)))
			for how, got := range map[string]string{"pipe": piped.lines(), "file": filed.lines()} {
				if !strings.HasPrefix(got, tt.begin) || !strings.HasSuffix(got, tt.end) || strings.Contains(got, "?") || strings.Contains(got, "there before") {
					t.Errorf("%s by %s in pieces of %d: %.20q to %.20q", tt.name, how, piece, got, got[max(0, len(got)-20):])
				}
				if tt.whole && got != strings.TrimRight(tt.printed, "\n") {
					t.Errorf("%s by %s: %q", tt.name, how, got)
				}
			}
		}
	}
}
