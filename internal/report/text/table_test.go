package text

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// With a limit no row is wider than a terminal, whatever the names and the
// cells, and no cell is cut.
// nameWidth is the limit of the tables here.
const nameWidth = 22

func TestTableWidth(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"op", strings.Repeat("n", nameWidth), strings.Repeat("n", nameWidth+1), strings.Repeat("n", 70)} {
		for _, change := range []string{"unchanged", "inconclusive", "regressed, accepted"} {
			table := table{right: []bool{false, false, true, false, true, true, false}, gaps: []int{1, 1, 2, 1, 1, 1}, limit: nameWidth}
			cells := []string{name, "median", "123456 items/s", "over target", "1000.00MB", "+117.3%", change}
			row := make([]cell, len(cells))
			for i, text := range cells {
				row[i] = cell{text, plain}
			}
			table.add(row...)
			table.add(cell{"startup", plain}, cell{"p95", plain}, cell{"1.00s", plain}, cell{}, cell{}, cell{"+1.0%", plain}, cell{"unchanged", plain})
			var out strings.Builder
			if err := table.write(&out, defaultWidth, false); err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(out.String()) {
				if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > defaultWidth {
					t.Errorf("%d columns: %s", n, line)
				}
			}
			for _, text := range cells {
				if !strings.Contains(out.String(), text) {
					t.Errorf("%q is not in\n%s", text, out.String())
				}
			}
		}
	}
}

func TestPrintable(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"é=1": "é=1", "a\x1b[31m": `a\x1b[31m`, "a\u202eb": `a\u202eb`} {
		if got := printable(text); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

// The columns of a table that fits stay under one another, whatever is wide: a
// cell, or a name that has a line of its own.
func TestTableFits(t *testing.T) {
	t.Parallel()
	table := table{right: []bool{false, true, true}}
	table.add(cell{"metric", faint}, cell{"n", faint}, cell{"median", faint})
	table.add(cell{strings.Repeat("long.", 14), plain}, cell{"10", plain}, cell{"1.00s", plain})
	table.add(cell{"speed", plain}, cell{"1", plain}, cell{"1234567 elements/s", plain})
	table.fit(defaultWidth)
	var out strings.Builder
	if err := table.write(&out, defaultWidth, false); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(lines) != 4 {
		t.Fatalf("%d lines:\n%s", len(lines), out.String())
	}
	for i, line := range lines {
		if n := utf8.RuneCountInString(line); i != 1 && n != defaultWidth {
			t.Errorf("%d columns, want %d:\n%s", n, defaultWidth, line)
		}
	}
}
