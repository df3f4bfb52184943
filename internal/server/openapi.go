package server

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/pacer-perf/pacer/internal/jsonschema"
)

// Document returns the OpenAPI document of the API, indented. It is made of the
// routes and of the types that they take and answer with.
func Document() []byte { return bytes.Clone(openAPIDocument()) }

var openAPIDocument = sync.OnceValue(func() []byte {
	schemas := jsonschema.NewComponents()
	failure := schemas.Of(Error{})
	paths := make(map[string]map[string]any)
	for i := range routes {
		rt := &routes[i]
		op := map[string]any{"operationId": rt.name, "summary": rt.summary}
		if rt.role != "" {
			op["description"] = "Takes a token of the role " + string(rt.role) + "."
			op["security"] = []any{map[string]any{"token": []any{}}}
		} else {
			op["security"] = []any{}
		}
		var params []any
		for _, p := range rt.params {
			one := map[string]any{"name": p.name, "in": "query", "description": p.about, "schema": map[string]any{"type": "string"}}
			if strings.Contains(rt.path, "{"+p.name+"}") {
				one["in"], one["required"] = "path", true
			} else if strings.HasPrefix(p.about, "required") {
				one["required"] = true
			}
			params = append(params, one)
		}
		if params != nil {
			op["parameters"] = params
		}
		if rt.bodies != nil {
			contents := make(map[string]any)
			about := ""
			for _, b := range rt.bodies {
				media := map[string]any{}
				if b.of != nil {
					media["schema"] = schemas.Of(b.of)
				}
				contents[b.kind] = media
				about += b.about + " "
			}
			op["requestBody"] = map[string]any{"required": true, "description": strings.TrimSpace(about) + bodyNote(rt), "content": contents}
		}
		answers := map[string]any{"default": map[string]any{"description": "What is wrong, and what to do.", "content": jsonOf(failure)}}
		for status, a := range rt.answers {
			one := map[string]any{"description": a.about}
			if a.of != nil {
				one["content"] = jsonOf(schemas.Of(a.of))
			}
			answers[strconv.Itoa(status)] = one
		}
		op["responses"] = answers
		if paths[rt.path] == nil {
			paths[rt.path] = make(map[string]any)
		}
		paths[rt.path][strings.ToLower(rt.method)] = op
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(map[string]any{
		"openapi": "3.1.0",
		"info": map[string]any{"title": "Pacer", "version": "1", "license": map[string]any{"name": "Apache 2.0", "identifier": "Apache-2.0"},
			"description": "Keeps what apps measured, and judges it. Values are in base units: seconds, bytes, items per second. What is not known is absent. What a token may not see is not there: 404. 429 and 503 say in Retry-After when to try again; sending a run twice keeps it once."},
		"servers":    []any{map[string]any{"url": "/"}},
		"paths":      paths,
		"components": map[string]any{"schemas": schemas, "securitySchemes": map[string]any{"token": map[string]any{"type": "http", "scheme": "bearer", "description": "pacer token create makes one."}}},
	})
	if err != nil {
		panic(err) // it is ours
	}
	return b.Bytes()
})

func jsonOf(schema any) map[string]any {
	return map[string]any{"application/json": map[string]any{"schema": schema}}
}

func bodyNote(rt *route) string {
	if !rt.intake {
		return ""
	}
	return " Plain, or with Content-Encoding gzip or zstd."
}

func (s *Server) openAPI(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/json")
	_, err := w.Write(openAPIDocument())
	return err
}

// operations lists the routes as METHOD PATH, in order.
func operations() []string {
	var list []string
	for i := range routes {
		list = append(list, routes[i].method+" "+routes[i].path)
	}
	slices.Sort(list)
	return list
}
