package jsonscan

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// whole reads a document into the types that encoding/json would use.
func whole(text []byte) (any, error) {
	p, err := New(text, "f")
	if err != nil {
		return nil, err
	}
	v, err := value(p)
	if err != nil {
		return nil, err
	}
	return v, p.Close()
}

func value(p *Parser) (any, error) {
	kind, err := p.Kind()
	if err != nil {
		return nil, err
	}
	switch kind {
	case Object:
		m := make(map[string]any)
		_, err = p.Object(never, func(key string) error {
			v, err := value(p)
			m[key] = v
			return err
		})
		return m, err
	case Array:
		list := []any{}
		_, err = p.Array(func(int) error {
			v, err := value(p)
			list = append(list, v)
			return err
		})
		return list, err
	case String:
		s, _, err := p.Text()
		return s, err
	case Number:
		return p.Number()
	case Bool:
		return p.Bool()
	}
	return nil, p.Skip()
}

var documents = []string{
	`null`, `true`, ` false `, `0`, `-0`, `1.5e-7`, `1E+2`, `""`, `"a\"\\\/\b\f\n\r\t\u00e4\ud83d\ude00"`, `"\ud83d"`, `"\ud83dx"`, `"\ud83d\u0041"`, `"ä😀"`,
	`[]`, `{}`, `[1,"a",null,[true,{}]]`, "{\"a\" : {\"b\":[1 ,2]},\n\"c\":-1}", "\ufeff{}",
	``, ` `, `nul`, `nulll`, `tru`, `01`, `1.`, `.5`, `-`, `+1`, `1e`, `1e+`, `NaN`, `-Infinity`, `"`, `"a`, `"\x"`, `"\u12"`, "\"\n\"", `[`, `[1`, `[1,`, `[1,]`, `[,]`, `[1 2]`,
	`{`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{a:1}`, `{"a" 1}`, `{1:2}`, `1 2`, `{} {}`, `[1}`, `1a`, `"a"b`, "\"\xff\"", `1e999`, `tRue`,
}

// What encoding/json accepts is accepted and the same, and nothing else, but
// for numbers beyond float64 and text that is not UTF-8.
func compare(t *testing.T, text []byte) {
	t.Helper()
	got, err := whole(text)
	var want any
	wantErr := json.Unmarshal([]byte(strings.TrimPrefix(string(text), "\ufeff")), &want)
	var at *SyntaxError
	if err != nil && (!errors.As(err, &at) || at.Line < 1 || at.Column < 1 || at.Msg == "") {
		t.Fatalf("%q: an error without a place: %#v", text, err)
	}
	if !utf8.Valid(text) {
		if err == nil {
			t.Fatalf("%q is not UTF-8 and accepted", text)
		}
		return
	}
	if (err == nil) != (wantErr == nil) {
		t.Fatalf("%q: error %v, encoding/json says %v", text, err, wantErr)
	}
	if err == nil && !reflect.DeepEqual(got, want) {
		t.Fatalf("%q = %#v, encoding/json says %#v", text, got, want)
	}
	p, _ := New(text, "f")
	skipped := p.Skip()
	if skipped == nil {
		skipped = p.Close()
	}
	if json.Valid([]byte(strings.TrimPrefix(string(text), "\ufeff"))) != (skipped == nil) {
		t.Fatalf("%q: skipping says %v", text, skipped)
	}
}

func TestAgainstEncodingJSON(t *testing.T) {
	t.Parallel()
	for _, text := range documents {
		compare(t, []byte(text))
	}
}

func FuzzParser(f *testing.F) {
	for _, text := range documents {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 500 { // deeper than MaxDepth is refused here alone
			return
		}
		compare(t, text)
		ShapeOf(text)
	})
}

func TestPlaces(t *testing.T) {
	t.Parallel()
	tests := []struct{ text, want string }{
		{"{\n  \"a\": [1, \"ä\", x]}", "f:2:17: a[2]: not JSON: found 'x', expected a value"},
		{`{"a": {"b": tru}}`, "f:1:13: a.b: not JSON"},
		{`{"a": 1, "a": 2}`, "f:1:10: a: the key is there twice"},
		{`{"a": 1`, "f:1:8: the document ends too early"},
		{`{"a": NaN}`, "f:1:7: a: NaN is not a finite number"},
		{`[1] 2`, "f:1:5: expected the end of the file, found '2'"},
		{"", "f:1:1: the file is empty"},
		{"{\"a\": \"\xff\"}", "f:1:8: the text is not UTF-8"},
		{strings.Repeat("[", MaxDepth+1), "nested more than 1000 deep"},
		{strings.Repeat(`{"a":`, MaxDepth+1), "nested more than 1000 deep"},
	}
	for _, tt := range tests {
		p, err := New([]byte(tt.text), "f")
		if err == nil {
			kind, _ := p.Kind()
			if kind == Object {
				_, err = p.Object(nil, func(key string) error {
					if kind, _ := p.Kind(); kind == Array {
						_, err := p.Array(func(int) error { return p.Skip() })
						return err
					} else if kind == Object {
						_, err := p.Object(nil, func(string) error { return p.Skip() })
						return err
					}
					return p.Skip()
				})
			} else {
				err = p.Skip()
			}
			if err == nil {
				err = p.Close()
			}
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%.40q: error = %v, want %q", tt.text, err, tt.want)
		}
	}
}

// Many keys are told apart too.
func TestManyKeys(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range 100 {
		b.WriteString(`"k` + strings.Repeat("x", i) + `":1,`)
	}
	p, err := New([]byte("{"+b.String()+`"kx":2}`), "f")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Object(nil, func(string) error { return p.Skip() }); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("error = %v", err)
	}
}

func TestShape(t *testing.T) {
	t.Parallel()
	head := `{"schema":"x/v1","list":[{"name":"a","n":1},{"other":{"deep":[[1]]}}],"cut":{"b":[1,2,"ä`
	s := ShapeOf([]byte(head)[:len(head)-1])
	if s.Kind != Object || s.Whole || s.Text("schema") != "x/v1" || s.KindOf("list[].n") != Number || s.KindOf("cut.b") != Array {
		t.Errorf("%+v", s)
	}
	if !s.Is("list[].name", "list[].other.deep[][]") || s.Is("schema", "nope") || !s.Has("nope", "cut") || s.Has("nope") {
		t.Errorf("paths: %v", s.paths)
	}
	if s := ShapeOf([]byte("Benchmark")); s.Kind != End || s.Has("") {
		t.Errorf("no JSON: %+v", s)
	}
	if s := ShapeOf([]byte(`[1]`)); !s.Whole || s.Kind != Array || !slices.Equal([]Kind{s.KindOf(""), s.KindOf("[]")}, []Kind{Array, Number}) {
		t.Errorf("%+v", s)
	}
}

// A number in an array costs no allocation.
func TestAllocations(t *testing.T) {
	text := []byte("[" + strings.Repeat("2.413e-05,", 10_000) + "1]")
	allocs := testing.AllocsPerRun(5, func() {
		p, _ := New(text, "f")
		if _, err := p.Array(func(int) error { _, err := p.Number(); return err }); err != nil {
			t.Fatal(err)
		}
	})
	if allocs > 20 {
		t.Errorf("%v allocations for 10,001 numbers", allocs)
	}
}
