package judge

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// MaxSize is the largest verdict document that ReadVerdict accepts, in bytes.
const MaxSize = 256 << 20

// ReadVerdict reads a verdict document. Keys that it does not know are passed
// over. The error names the file: something that is no verdict, or one of a
// newer major version.
func ReadVerdict(in io.Reader, file string) (Verdict, error) {
	text, err := io.ReadAll(io.LimitReader(in, MaxSize+1))
	if err != nil {
		return Verdict{}, fmt.Errorf("reading %s: %w", file, err)
	}
	if len(text) > MaxSize {
		return Verdict{}, fmt.Errorf("%s: the verdict has more than %d bytes", file, MaxSize)
	}
	var head struct{ Schema string }
	if err := json.Unmarshal(text, &head); err != nil {
		return Verdict{}, fmt.Errorf("%s: no verdict: %w", file, err)
	}
	switch {
	case head.Schema == Schema:
	case strings.HasPrefix(head.Schema, "pacer.verdict/"):
		return Verdict{}, fmt.Errorf("%s: the schema is %s: this pacer reads %s", file, head.Schema, Schema)
	default:
		return Verdict{}, fmt.Errorf("%s: no verdict: expected \"schema\": %q, found %q", file, Schema, head.Schema)
	}
	var v Verdict
	if err := json.Unmarshal(text, &v); err != nil {
		return Verdict{}, fmt.Errorf("%s: %w", file, err)
	}
	return v, nil
}
