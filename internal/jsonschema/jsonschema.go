// Package jsonschema describes Pacer's documents in JSON Schema (draft
// 2020-12): the run, the verdict, and the two files that people write,
// pacer.yaml and pacer.waivers.yaml.
//
// The schemas are for editors and for other tools; Pacer's own readers say
// better what is wrong. A schema accepts whatever its reader accepts. docs/schema
// holds what this package writes, and a test keeps the two in step.
package jsonschema

import (
	"bytes"
	"encoding/json"
	"fmt"
)

//go:generate go run github.com/pacer-perf/pacer/cmd/pacer policy schema run -o ../../docs/schema/run.schema.json
//go:generate go run github.com/pacer-perf/pacer/cmd/pacer policy schema verdict -o ../../docs/schema/verdict.schema.json
//go:generate go run github.com/pacer-perf/pacer/cmd/pacer policy schema policy -o ../../docs/schema/policy.schema.json
//go:generate go run github.com/pacer-perf/pacer/cmd/pacer policy schema waivers -o ../../docs/schema/waivers.schema.json

// Names lists the documents that have a schema.
func Names() []string { return []string{"policy", "waivers", "run", "verdict"} }

// Document returns the schema of a document by its name, indented. An unknown
// name is an error that lists the known ones.
func Document(name string) ([]byte, error) {
	var s object
	switch name {
	case "run":
		s = runSchema()
	case "verdict":
		s = verdictSchema()
	case "policy":
		s = policySchema()
	case "waivers":
		s = waiversSchema()
	default:
		return nil, fmt.Errorf("no schema of %q: expected policy, waivers, run or verdict", name)
	}
	head := object{
		{"$schema", "https://json-schema.org/draft/2020-12/schema"},
		{"$id", "https://raw.githubusercontent.com/pacer-perf/pacer/main/docs/schema/" + name + ".schema.json"},
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(append(head, s...))
	return out.Bytes(), err
}

// object is a JSON object with its members in the order in which they are
// written.
type object []member

type member struct {
	key   string
	value any
}

// MarshalJSON writes the members in order.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		key, err := json.Marshal(m.key)
		if err != nil {
			return nil, err
		}
		b.Write(key)
		b.WriteByte(':')
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(m.value); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// described puts a description in front.
func described(description string, s object) object {
	return append(object{{"description", description}}, s...)
}

func typed(names ...string) object {
	if len(names) == 1 {
		return object{{"type", names[0]}}
	}
	return object{{"type", names}}
}

// with returns s with one more member.
func (o object) with(key string, value any) object {
	return append(o[:len(o):len(o)], member{key, value})
}

func array(of any) object { return typed("array").with("items", of) }

func mapOf(value any) object { return typed("object").with("additionalProperties", value) }

func ref(name string) object { return object{{"$ref", "#/$defs/" + name}} }

// record is an object with the keys given. Other keys are allowed unless it is
// closed.
func record(properties object, required ...string) object {
	s := typed("object").with("properties", properties)
	if len(required) > 0 {
		s = s.with("required", required)
	}
	return s
}

func (o object) closed() object { return o.with("additionalProperties", false) }
