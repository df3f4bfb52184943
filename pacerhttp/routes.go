package pacerhttp

import (
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/pacer-perf/pacer"
)

// class is what a response is counted as.
type class int

const (
	informational class = iota // 101 Switching Protocols
	success
	redirection
	clientError
	serverError
	unusual // 600 and above
	classes
)

var statuses = [classes]string{"1xx", "2xx", "3xx", "4xx", "5xx", "other"}

// classOf returns the class of a status that net/http lets pass: 100 to 999.
func classOf(status int) class { return min(class(status/100-1), unusual) }

const (
	otherRoute = "other"
	// maxRoutes bounds how many routes are told apart before their series are:
	// it takes a Route that returns paths to get there.
	maxRoutes = 1000
	// maxSeries is how many pairs of route and status get metrics of their
	// own. A name may have 1000 sets of labels, and the route "other" needs its
	// six.
	maxSeries = 994
)

// routes finds the instruments of a request.
type routes struct {
	rec   *pacer.Recorder
	other *route
	known atomic.Pointer[map[string]*route] // copied on write

	mu   sync.Mutex // held to add a route or a series
	made int        // series
}

// route is one route and its instruments, made as they are needed.
type route struct {
	name string
	by   [classes]atomic.Pointer[series]
}

// series is what is recorded of one route and class.
type series struct {
	took *pacer.Timer
	size *pacer.Value
}

func (s *series) record(took time.Duration, size int64) {
	s.took.Record(took)
	s.size.Record(size)
}

// init makes the route "other" before the recorder's labels run out.
func (rs *routes) init(rec *pacer.Recorder) {
	rs.rec = rec
	rs.other = &route{name: otherRoute}
	for c := range classes {
		rs.other.by[c].Store(rs.register(rs.other, c))
	}
	rs.known.Store(&map[string]*route{"": rs.other})
}

// find returns the series of a route and a class.
func (rs *routes) find(name string, c class) *series {
	rt, ok := (*rs.known.Load())[name]
	if !ok {
		rt = rs.add(name)
	}
	if s := rt.by[c].Load(); s != nil {
		return s
	}
	return rs.addSeries(rt, c)
}

func (rs *routes) add(name string) *route {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	old := *rs.known.Load()
	if rt, ok := old[name]; ok {
		return rt
	}
	if len(old) >= maxRoutes || rs.made >= maxSeries {
		return rs.other
	}
	fresh := maps.Clone(old)
	rt := &route{name: label(name)}
	fresh[strings.Clone(name)] = rt // a Route may cut it from a path
	rs.known.Store(&fresh)
	return rt
}

func (rs *routes) addSeries(rt *route, c class) *series {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if s := rt.by[c].Load(); s != nil {
		return s
	}
	s := rs.other.by[c].Load()
	if rs.made < maxSeries {
		rs.made++
		// Another Middleware of the recorder may have taken the labels.
		if own := rs.register(rt, c); own.took != nil && own.size != nil {
			s = own
		}
	}
	rt.by[c].Store(s)
	return s
}

func (rs *routes) register(rt *route, c class) *series {
	route, status := pacer.L("route", rt.name), pacer.L("status", statuses[c])
	return &series{
		took: rs.rec.Timer("http.request", route, status),
		size: rs.rec.Value("http.response.size", route, status, pacer.Bytes),
	}
}

// maxLabel is how long a label may be, in bytes.
const maxLabel = 200

// label writes a pattern so that it can be the value of a label: GET
// /tracks/{id} as GET /tracks/:id, /files/{path...} as /files/*path, /{$} as
// /$. Whatever else a label may not contain becomes an underscore.
func label(pattern string) string {
	var b strings.Builder
	for rest := strings.ToValidUTF8(pattern, "_"); rest != ""; {
		before, behind, open := strings.Cut(rest, "{")
		name, after, closed := strings.Cut(behind, "}")
		b.WriteString(before)
		rest = after
		base, many := strings.CutSuffix(name, "...")
		switch {
		case !open:
		case !closed:
			b.WriteByte('_')
			rest = behind
		case name == "$":
			b.WriteByte('$')
		case many:
			b.WriteString("*" + base)
		default:
			b.WriteString(":" + name)
		}
	}
	clean := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || strings.ContainsRune("{},=", r) {
			return '_'
		}
		return r
	}, b.String())
	if len(clean) > maxLabel {
		clean = clean[:maxLabel]
		for !utf8.ValidString(clean) { // a rune was cut
			clean = clean[:len(clean)-1]
		}
	}
	return clean
}
