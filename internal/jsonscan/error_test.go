package jsonscan

import (
	"strings"
	"testing"
)

// An error fits on a screen, however deep the document is.
func TestErrorOfDeepKey(t *testing.T) {
	t.Parallel()
	e := &SyntaxError{File: "f", Line: 1, Column: 2, Key: strings.Repeat("é.", 5000) + "end", Msg: "odd"}
	if got := e.Error(); len(got) > 250 || !strings.HasPrefix(got, "f:1:2: é.é.") || !strings.HasSuffix(got, ".é.end: odd") || strings.Contains(got, "\ufffd") {
		t.Errorf("%d bytes: %s", len(got), got)
	}
}
