package input

import (
	"bufio"
	"io"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// Decoded returns what r holds as UTF-8 if it begins with the byte order mark of
// UTF-16, as all does that Windows PowerShell 5 redirects into a file; else as
// it is.
func Decoded(r io.Reader) io.Reader {
	in := bufio.NewReaderSize(r, 64<<10)
	switch mark, _ := in.Peek(2); string(mark) { // its error comes again on reading
	case "\xff\xfe", "\xfe\xff":
		return transform.NewReader(in, unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder())
	}
	return in
}
