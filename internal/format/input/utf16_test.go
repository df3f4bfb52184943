package input

import (
	"io"
	"strings"
	"testing"
)

func TestDecoded(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                            "",
		"a":                           "a",
		"\xff\xfea\x00\n\x00\xb5\x00": "a\nµ",
		"\xfe\xff\x00a\x00\n":         "a\n",
		"\xff\xfea":                   "\ufffd", // half a character
		"\ufeffa":                     "\ufeffa",
		"\x00\xff\xfe":                "\x00\xff\xfe",
		"\xff\xfe" + strings.Repeat("a\x00", 1<<17): strings.Repeat("a", 1<<17),
	} {
		got, err := io.ReadAll(Decoded(strings.NewReader(text)))
		if string(got) != want || err != nil {
			t.Errorf("%.20q: %.20q, %v; want %.20q", text, got, err, want)
		}
	}
}
