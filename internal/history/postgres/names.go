package postgres

import (
	"cmp"
	"context"
	"crypto/sha256"
	"maps"
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
	metrics      map[metricName]int64
	environments map[string]int32
	traits       map[trait]int32
}

// metricName is what the database tells metrics apart by, through its hash.
type metricName struct{ app, labels, key, unit string }

func (m metricName) hash() [sha256.Size]byte {
	return sha256.Sum256([]byte(strings.Join([]string{m.app, m.labels, m.key, m.unit}, "\x00")))
}

// hashOf is what the database finds a long text by.
func hashOf(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}

// mostNames bounds what is remembered of each kind.
const mostNames = 100_000

type trait struct {
	better     run.Better
	resolution float64
	statistic  string
}

func newNames() names {
	return names{make(map[metricName]int64), make(map[string]int32), make(map[trait]int32)}
}

// numbers are those of the entries of one batch: 0 is none.
type numbers map[*history.Entry]*numbersOf

// numbersOf are those of one entry, and of its points in their order.
type numbersOf struct {
	environment int32
	metrics     []int64
	traits      []int32
}

// newMetric is a metric that the database has to be asked for.
type newMetric struct {
	metricName
	hash     [sha256.Size]byte
	name, of string
}

// numbers returns the numbers of what entries name, and makes those that are
// missing. They are committed whatever becomes of the batch.
func (s *Store) numbers(ctx context.Context, entries []*history.Entry) (numbers, error) {
	texts := make([]string, len(entries))
	for i, e := range entries {
		var err error
		if texts[i], err = history.EncodeEnvironment(e.Head.Environment); err != nil {
			return nil, err
		}
	}
	// What is remembered is taken in one go: it may be forgotten meanwhile.
	all := make(numbers, len(entries))
	metrics := make(map[metricName]*history.Value)
	var environments []string
	var traits []trait
	s.mu.Lock()
	if s.known.metrics == nil || len(s.known.metrics) > mostNames || len(s.known.environments) > mostNames || len(s.known.traits) > mostNames {
		s.known = newNames()
	}
	for i, e := range entries {
		n := &numbersOf{environment: s.known.environments[texts[i]], metrics: make([]int64, len(e.Points)), traits: make([]int32, len(e.Points))}
		all[e] = n
		if n.environment == 0 && !slices.Contains(environments, texts[i]) {
			environments = append(environments, texts[i])
		}
		labels := history.Labels(e.Head.Labels)
		for k := range e.Points {
			v := &e.Points[k]
			m, t := metricName{e.Head.App, labels, v.Key, v.Unit}, traitOf(v)
			if n.metrics[k] = s.known.metrics[m]; n.metrics[k] == 0 {
				metrics[m] = v
			}
			if n.traits[k] = s.known.traits[t]; n.traits[k] == 0 && !slices.Contains(traits, t) {
				traits = append(traits, t)
			}
		}
	}
	s.mu.Unlock()
	if len(metrics)+len(environments)+len(traits) == 0 {
		return all, nil
	}

	found := newNames()
	if err := s.askMetrics(ctx, metrics, found.metrics); err != nil {
		return nil, err
	}
	if err := s.askEnvironments(ctx, environments, found.environments); err != nil {
		return nil, err
	}
	if err := s.askTraits(ctx, traits, found.traits); err != nil {
		return nil, err
	}
	for i, e := range entries {
		n := all[e]
		if n.environment == 0 {
			n.environment = found.environments[texts[i]]
		}
		labels := history.Labels(e.Head.Labels)
		for k := range e.Points {
			v := &e.Points[k]
			if n.metrics[k] == 0 {
				n.metrics[k] = found.metrics[metricName{e.Head.App, labels, v.Key, v.Unit}]
			}
			if n.traits[k] == 0 {
				n.traits[k] = found.traits[traitOf(v)]
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.Copy(s.known.metrics, found.metrics)
	maps.Copy(s.known.environments, found.environments)
	maps.Copy(s.known.traits, found.traits)
	return all, nil
}

func traitOf(v *history.Value) trait { return trait{v.Better, v.Resolution, v.Statistic} }

func (s *Store) askMetrics(ctx context.Context, metrics map[metricName]*history.Value, found map[metricName]int64) error {
	if len(metrics) == 0 {
		return nil
	}
	list := make([]newMetric, 0, len(metrics))
	named := make(map[[sha256.Size]byte]metricName, len(metrics))
	for m, v := range metrics {
		hash := m.hash()
		list = append(list, newMetric{m, hash, v.Name, history.Labels(v.Labels)})
		named[hash] = m
	}
	// In one order, so that two who add the same do not wait for each other in
	// a circle.
	slices.SortFunc(list, func(a, b newMetric) int { return slices.Compare(a.hash[:], b.hash[:]) })
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
			found[named[[sha256.Size]byte(hash)]] = id
		}
		return err
	})
}

func (s *Store) askEnvironments(ctx context.Context, list []string, found map[string]int32) error {
	if len(list) == 0 {
		return nil
	}
	slices.Sort(list)
	hashes := make([][]byte, len(list))
	for i, text := range list {
		hashes[i] = hashOf(text)
	}
	if _, err := s.pool.Exec(ctx, "INSERT INTO environments (hash, text) SELECT * FROM unnest($1::bytea[], $2::text[]) ON CONFLICT DO NOTHING", hashes, list); err != nil {
		return err
	}
	return each(ctx, s.pool, "SELECT text, id FROM environments WHERE hash = ANY($1)", []any{hashes}, func(rows pgx.Rows) error {
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
	return lookUp(&s.mu, &s.environments, ids, func(missing []int32, found map[int32]string) error {
		return each(ctx, db, "SELECT id, text FROM environments WHERE id = ANY($1)", []any{missing}, func(rows pgx.Rows) error {
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
	return lookUp(&s.mu, &s.traits, ids, func(missing []int32, found map[int32]trait) error {
		return each(ctx, db, "SELECT id, better, resolution, statistic FROM traits WHERE id = ANY($1)", []any{missing}, func(rows pgx.Rows) error {
			var id int32
			var t trait
			err := rows.Scan(&id, &t.better, &t.resolution, &t.statistic)
			found[id] = t
			return err
		})
	})
}

// mostRemembered bounds what is remembered by number of each kind.
const mostRemembered = 10_000

// lookUp returns what the ids stand for. It asks for those that are not
// remembered, and remembers them.
func lookUp[V any](mu *sync.Mutex, remembered *map[int32]V, ids []int32, ask func(missing []int32, found map[int32]V) error) (map[int32]V, error) {
	all := make(map[int32]V)
	var missing []int32
	mu.Lock()
	last := int32(0) // most often many in a row are the same
	for _, id := range ids {
		if id == last {
			continue
		}
		last = id
		if v, ok := (*remembered)[id]; ok {
			all[id] = v
		} else {
			missing = append(missing, id)
		}
	}
	mu.Unlock()
	if len(missing) == 0 {
		return all, nil
	}
	slices.Sort(missing)
	found := make(map[int32]V)
	if err := ask(slices.Compact(missing), found); err != nil {
		return nil, err
	}
	maps.Copy(all, found)
	mu.Lock()
	defer mu.Unlock()
	if len(*remembered)+len(found) > mostRemembered {
		*remembered = nil
	}
	if *remembered == nil {
		*remembered = make(map[int32]V)
	}
	if len(found) <= mostRemembered {
		maps.Copy(*remembered, found)
	}
	return all, nil
}
