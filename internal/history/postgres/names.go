package postgres

import (
	"cmp"
	"context"
	"crypto/sha256"
	"slices"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/run"
)

// names are the numbers that the database gives to metrics, environments and
// traits, which never change.
type names struct {
	metrics      map[[sha256.Size]byte]int64
	environments map[string]int32
	traits       map[trait]int32
}

// mostNames bounds what is remembered of each kind.
const mostNames = 100_000

type trait struct {
	better     run.Better
	resolution float64
	statistic  string
}

// numbers are those of the entries of one batch.
type numbers struct {
	metrics      map[*history.Value]int64
	traits       map[*history.Value]int32
	environments map[*history.Entry]int32
}

// newMetric is a metric that the database has to be asked for.
type newMetric struct {
	hash                             [sha256.Size]byte
	app, labels, key, unit, name, of string
}

// numbers returns the numbers of what entries name, and makes those that are
// missing. They are committed whatever becomes of the batch.
func (s *Store) numbers(ctx context.Context, entries []*history.Entry) (*numbers, error) {
	hashes := make(map[*history.Value][sha256.Size]byte)
	texts := make(map[*history.Entry]string)
	var metrics []newMetric
	var environments []string
	var traits []trait
	s.mu.Lock()
	if s.known.metrics == nil || len(s.known.metrics) > mostNames || len(s.known.environments) > mostNames {
		s.known = names{make(map[[sha256.Size]byte]int64), make(map[string]int32), make(map[trait]int32)}
	}
	for _, e := range entries {
		text, err := history.EncodeEnvironment(e.Head.Environment)
		if err != nil {
			s.mu.Unlock()
			return nil, err
		}
		texts[e] = text
		if _, met := s.known.environments[text]; !met && !slices.Contains(environments, text) {
			environments = append(environments, text)
		}
		labels := history.Labels(e.Head.Labels)
		for i := range e.Points {
			v := &e.Points[i]
			hash := sha256.Sum256([]byte(strings.Join([]string{e.Head.App, labels, v.Key, v.Unit}, "\x00")))
			hashes[v] = hash
			if _, met := s.known.metrics[hash]; !met {
				metrics = append(metrics, newMetric{hash, e.Head.App, labels, v.Key, v.Unit, v.Name, history.Labels(v.Labels)})
			}
			t := trait{v.Better, v.Resolution, v.Statistic}
			if _, met := s.known.traits[t]; !met && !slices.Contains(traits, t) {
				traits = append(traits, t)
			}
		}
	}
	s.mu.Unlock()

	found := names{make(map[[sha256.Size]byte]int64), make(map[string]int32), make(map[trait]int32)}
	if err := s.askMetrics(ctx, metrics, found.metrics); err != nil {
		return nil, err
	}
	if err := s.askEnvironments(ctx, environments, found.environments); err != nil {
		return nil, err
	}
	if err := s.askTraits(ctx, traits, found.traits); err != nil {
		return nil, err
	}

	n := &numbers{make(map[*history.Value]int64), make(map[*history.Value]int32), make(map[*history.Entry]int32)}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range entries {
		n.environments[e] = either(found.environments, s.known.environments, texts[e])
		for i := range e.Points {
			v := &e.Points[i]
			n.metrics[v] = either(found.metrics, s.known.metrics, hashes[v])
			n.traits[v] = either(found.traits, s.known.traits, trait{v.Better, v.Resolution, v.Statistic})
		}
	}
	return n, nil
}

// either returns the number that was found, and remembers it, or that was
// remembered. It is called with the lock held.
func either[K comparable, V any](found, known map[K]V, key K) V {
	if id, ok := found[key]; ok {
		known[key] = id
		return id
	}
	return known[key]
}

func (s *Store) askMetrics(ctx context.Context, list []newMetric, found map[[sha256.Size]byte]int64) error {
	if len(list) == 0 {
		return nil
	}
	// In one order, so that two who add the same do not wait for each other in
	// a circle.
	slices.SortFunc(list, func(a, b newMetric) int { return slices.Compare(a.hash[:], b.hash[:]) })
	list = slices.CompactFunc(list, func(a, b newMetric) bool { return a.hash == b.hash })
	columns := make([][]string, 6)
	var hashes [][]byte
	for _, m := range list {
		hashes = append(hashes, m.hash[:])
		for i, text := range []string{m.app, m.labels, m.key, m.unit, m.name, m.of} {
			columns[i] = append(columns[i], escape(text))
		}
	}
	args := []any{hashes}
	for _, c := range columns {
		args = append(args, c)
	}
	if _, err := s.pool.Exec(ctx, `
		INSERT INTO metrics (hash, app, run_labels, key, unit, name, labels)
		SELECT * FROM unnest($1::bytea[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[]) ON CONFLICT DO NOTHING`, args...); err != nil {
		return err
	}
	return each(ctx, s.pool, "SELECT hash, id FROM metrics WHERE hash = ANY($1)", []any{hashes}, func(rows pgx.Rows) error {
		var hash []byte
		var id int64
		err := rows.Scan(&hash, &id)
		if err == nil {
			found[[sha256.Size]byte(hash)] = id
		}
		return err
	})
}

func (s *Store) askEnvironments(ctx context.Context, list []string, found map[string]int32) error {
	if len(list) == 0 {
		return nil
	}
	slices.Sort(list)
	if _, err := s.pool.Exec(ctx, "INSERT INTO environments (text) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING", list); err != nil {
		return err
	}
	return each(ctx, s.pool, "SELECT text, id FROM environments WHERE text = ANY($1)", []any{list}, func(rows pgx.Rows) error {
		var text string
		var id int32
		err := rows.Scan(&text, &id)
		found[text] = id
		return err
	})
}

func (s *Store) askTraits(ctx context.Context, list []trait, found map[trait]int32) error {
	if len(list) == 0 {
		return nil
	}
	slices.SortFunc(list, func(a, b trait) int {
		return cmp.Or(cmp.Compare(a.better, b.better), cmp.Compare(a.resolution, b.resolution), cmp.Compare(a.statistic, b.statistic))
	})
	var better, statistic []string
	var resolution []float64
	for _, t := range list {
		better, resolution, statistic = append(better, string(t.better)), append(resolution, t.resolution), append(statistic, t.statistic)
	}
	args := []any{better, resolution, statistic}
	if _, err := s.pool.Exec(ctx, `INSERT INTO traits (better, resolution, statistic)
		SELECT * FROM unnest($1::text[], $2::float8[], $3::text[]) ON CONFLICT DO NOTHING`, args...); err != nil {
		return err
	}
	return each(ctx, s.pool, `SELECT t.better, t.resolution, t.statistic, t.id
		FROM unnest($1::text[], $2::float8[], $3::text[]) AS x (better, resolution, statistic) JOIN traits t USING (better, resolution, statistic)`, args,
		func(rows pgx.Rows) error {
			var t trait
			var id int32
			err := rows.Scan(&t.better, &t.resolution, &t.statistic, &id)
			found[t] = id
			return err
		})
}

// environmentTexts returns the texts of environments, which are asked for once.
func (s *Store) environmentTexts(ctx context.Context, db queryer, ids []int32) (map[int32]string, error) {
	return lookUp(&s.mu, &s.environments, ids, func(found map[int32]string) error {
		return each(ctx, db, "SELECT id, text FROM environments", nil, func(rows pgx.Rows) error {
			var id int32
			var text string
			err := rows.Scan(&id, &text)
			found[id] = text
			return err
		})
	})
}

// traitsOf returns traits, which are asked for once.
func (s *Store) traitsOf(ctx context.Context, db queryer, ids []int32) (map[int32]trait, error) {
	return lookUp(&s.mu, &s.traits, ids, func(found map[int32]trait) error {
		return each(ctx, db, "SELECT id, better, resolution, statistic FROM traits", nil, func(rows pgx.Rows) error {
			var id int32
			var t trait
			err := rows.Scan(&id, &t.better, &t.resolution, &t.statistic)
			found[id] = t
			return err
		})
	})
}

// lookUp returns a map that has all the ids: the one that is remembered, which
// nobody changes, or a new one.
func lookUp[V any](mu *sync.Mutex, remembered *map[int32]V, ids []int32, ask func(map[int32]V) error) (map[int32]V, error) {
	mu.Lock()
	known := *remembered
	mu.Unlock()
	missing := func(id int32) bool { _, ok := known[id]; return !ok }
	if !slices.ContainsFunc(ids, missing) {
		return known, nil
	}
	known = make(map[int32]V)
	if err := ask(known); err != nil {
		return nil, err
	}
	mu.Lock()
	*remembered = known
	mu.Unlock()
	return known, nil
}
