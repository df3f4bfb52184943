package sarif

import (
	"bytes"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/pacer-perf/pacer/internal/report/reporttest"
)

var schemaOf = sync.OnceValues(func() (*jsonschema.Schema, error) {
	return jsonschema.NewCompiler().Compile("testdata/schema/sarif-2.1.0-rtm.5.json")
})

func valid(text []byte) error {
	s, err := schemaOf()
	if err != nil {
		return err
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return err
	}
	return s.Validate(v)
}

// Every file is valid by the schema of SARIF 2.1.0.
func TestWrite(t *testing.T) {
	t.Parallel()
	reporttest.Check(t, Write, ".sarif", valid)
	if err := valid([]byte(`{"version": "2.1.0", "runs": [{}]}`)); err == nil {
		t.Error("a run without a tool is taken for valid")
	}
}

func BenchmarkWrite(b *testing.B) { reporttest.Bench(b, Write) }
