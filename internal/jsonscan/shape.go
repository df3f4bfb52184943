package jsonscan

// Shape is what the beginning of a document looks like: which keys it has, and
// where.
type Shape struct {
	Kind  Kind            // of the document; End if it is not JSON
	paths map[string]Kind // metrics, metrics[].name, with the kind of the value
	texts map[string]string
	keys  map[string][]string
	Whole bool // all of it was seen: what has no key has none
}

// Has tells whether one of the paths is there: schema, benchmarks[].name.
// Indices are left out.
func (s *Shape) Has(paths ...string) bool {
	for _, path := range paths {
		if _, there := s.paths[path]; there {
			return true
		}
	}
	return false
}

// Is tells whether all paths are there.
func (s *Shape) Is(paths ...string) bool {
	for _, path := range paths {
		if _, there := s.paths[path]; !there {
			return false
		}
	}
	return true
}

// KindOf returns the kind of the first value at a path, End if there is none.
func (s *Shape) KindOf(path string) Kind { return s.paths[path] }

// Text returns the first string at a path.
func (s *Shape) Text(path string) string { return s.texts[path] }

// maxPaths bounds what a Shape remembers, shapeDepth how deep it looks.
const (
	maxPaths   = 2000
	shapeDepth = 6
)

// ShapeOf looks at the beginning of a text, which may end anywhere, as far as
// it is JSON.
func ShapeOf(head []byte) *Shape {
	s := &Shape{paths: make(map[string]Kind), texts: make(map[string]string), keys: make(map[string][]string)}
	for len(head) > 0 && head[len(head)-1] >= 0x80 { // a character that was cut
		head = head[:len(head)-1]
	}
	p, err := New(head, "")
	if err != nil {
		return s
	}
	if s.Kind, err = p.Kind(); err != nil {
		s.Kind = End
		return s
	}
	if s.look(p, "", 0) == nil {
		s.Whole = true
	}
	return s
}

func (s *Shape) look(p *Parser, path string, depth int) error {
	kind, err := p.Kind()
	if err != nil {
		return err
	}
	if _, there := s.paths[path]; !there && len(s.paths) < maxPaths {
		s.paths[path] = kind
	}
	if depth >= shapeDepth {
		return p.Skip()
	}
	switch kind {
	case Object:
		_, err = p.Object(never, func(key string) error {
			if len(s.keys[path]) < 100 && len(s.keys) < maxPaths {
				s.keys[path] = append(s.keys[path], key)
			}
			if path != "" {
				key = path + "." + key
			}
			return s.look(p, key, depth+1)
		})
	case Array:
		_, err = p.Array(func(i int) error {
			if i > 20 {
				return p.Skip()
			}
			return s.look(p, path+"[]", depth+1)
		})
	case String:
		text, _, err := p.Text()
		if _, there := s.texts[path]; !there && len(s.texts) < maxPaths {
			s.texts[path] = text
		}
		return err
	default:
		return p.Skip()
	}
	return err
}

// Keys returns the keys of the object at a path, in order, as far as it was
// seen.
func (s *Shape) Keys(path string) []string { return s.keys[path] }
