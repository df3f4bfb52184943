package match

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"
	"sync"
)

// Local is a Catalogue in memory: an inverted index from words to recordings.
// It may be searched from several goroutines at once.
type Local struct {
	recordings []Recording
	postings   map[string][]int32 // ascending
	norm       []float32          // of each recording: 1/√(sum of its words' weights)
	scratch    sync.Pool          // of *scores
}

// maxPostings bounds the work of one query: the recordings of its rarest words
// are looked at first, until there have been so many.
const maxPostings = 2048

// NewLocal returns a catalogue of the recordings.
func NewLocal(recordings []Recording) *Local {
	l := &Local{
		recordings: recordings,
		postings:   make(map[string][]int32),
		norm:       make([]float32, len(recordings)),
	}
	l.scratch.New = func() any { return &scores{of: make([]float32, len(recordings))} }
	for i, r := range recordings {
		for _, w := range distinct(r) {
			if _, known := l.postings[w]; !known {
				w = strings.Clone(w) // or it holds on to all of the folded name
			}
			l.postings[w] = append(l.postings[w], int32(i))
		}
	}
	for i, r := range recordings {
		sum := 0.0
		for _, w := range distinct(r) {
			sum += l.weight(w)
		}
		l.norm[i] = float32(1 / math.Sqrt(sum+1))
	}
	return l
}

// distinct returns the words a recording is found by.
func distinct(r Recording) []string {
	list := slices.Concat(words(r.Title), words(r.Artist), mixWords(r.Mix))
	slices.Sort(list)
	return slices.Compact(list)
}

// weight is the inverse document frequency of a word: the rarer, the more.
func (l *Local) weight(word string) float64 {
	return math.Log1p(float64(len(l.recordings)) / float64(1+len(l.postings[word])))
}

// scores is the working memory of one search, all zero between searches.
type scores struct {
	of      []float32 // by recording
	touched []int32   // those that are not zero
}

// Search implements Catalogue.
func (l *Local) Search(ctx context.Context, query string, limit int) ([]Recording, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	terms := words(query)
	slices.SortFunc(terms, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(l.postings[a]), len(l.postings[b])), strings.Compare(a, b))
	})
	terms = slices.Compact(terms)

	s := l.scratch.Get().(*scores)
	budget := maxPostings
	for _, term := range terms {
		list := l.postings[term]
		list = list[:min(len(list), budget)]
		budget -= len(list)
		weight := float32(l.weight(term))
		for _, i := range list {
			if s.of[i] == 0 {
				s.touched = append(s.touched, i)
			}
			s.of[i] += weight * l.norm[i]
		}
	}
	best := s.best(limit)
	found := make([]Recording, len(best))
	for i, at := range best {
		found[i] = l.recordings[at]
	}
	for _, i := range s.touched {
		s.of[i] = 0
	}
	s.touched = s.touched[:0]
	l.scratch.Put(s)
	return found, nil
}

// best returns the recordings with the highest scores, at most n of them; of
// those that tie, the ones that come first in the catalogue.
func (s *scores) best(n int) []int32 {
	before := func(i, j int32) int {
		return cmp.Or(cmp.Compare(s.of[j], s.of[i]), cmp.Compare(i, j))
	}
	top := make([]int32, 0, max(n, 0))
	for _, i := range s.touched {
		if len(top) == cap(top) {
			if len(top) == 0 || before(i, top[len(top)-1]) >= 0 {
				continue
			}
			top = top[:len(top)-1]
		}
		at, _ := slices.BinarySearchFunc(top, i, before)
		top = slices.Insert(top, at, i)
	}
	return top
}
