package jsonschema

import (
	"bytes"
	"encoding/json"
	"reflect"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/run"
)

// Components are the schemas of an OpenAPI document (3.1): of Go types, each
// once, by its name. It is encoded as the value of components.schemas.
type Components struct{ d definitions }

// NewComponents returns components that know the run and the verdict by their
// own schemas.
func NewComponents() *Components {
	c := &Components{}
	c.d.known = map[reflect.Type]string{reflect.TypeFor[run.Run](): "Run", reflect.TypeFor[judge.Verdict](): "Verdict"}
	c.d.list = object{{"Run", elsewhere{runSchema(), "Run/$defs/"}}, {"Verdict", elsewhere{verdictSchema(), "Verdict/$defs/"}}}
	return c
}

// Of returns what refers to the schema of a value's type.
func (c *Components) Of(v any) any { return elsewhere{c.d.of(reflect.TypeOf(v)), ""} }

// MarshalJSON writes the schemas.
func (c *Components) MarshalJSON() ([]byte, error) { return json.Marshal(elsewhere{c.d.list, ""}) }

// elsewhere is a schema whose definitions are not those of its document.
type elsewhere struct {
	schema any
	under  string // of components/schemas
}

func (e elsewhere) MarshalJSON() ([]byte, error) {
	text, err := json.Marshal(e.schema)
	return bytes.ReplaceAll(text, []byte(`"#/$defs/`), []byte(`"#/components/schemas/`+e.under)), err
}
