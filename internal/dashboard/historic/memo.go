package historic

import (
	"container/list"
	"context"
	"sync"
)

// memo remembers what was made for a key, and has it made once however many
// ask at the same time. Beyond its room it forgets what was asked for longest
// ago. An error is not remembered.
type memo[V any] struct {
	room int // in the unit of weigh

	mu      sync.Mutex
	entries map[string]*list.Element // of *entry[V]
	order   list.List                // the one that was used last in front
	weight  int
	dropped int                      // how often something was forgotten by drop or clear
	making  map[string]chan struct{} // closed when the making has ended
}

type entry[V any] struct {
	key    string
	value  V
	weight int
}

func newMemo[V any](room int) *memo[V] {
	return &memo[V]{room: room, entries: make(map[string]*list.Element), making: make(map[string]chan struct{})}
}

// get returns the value of a key, made if it is not known, and of what weight
// it is. Whoever waits for somebody else's making gives up with its context.
func (m *memo[V]) get(ctx context.Context, key string, make_ func() (V, int, error)) (V, error) {
	for {
		m.mu.Lock()
		if e := m.entries[key]; e != nil {
			m.order.MoveToFront(e)
			m.mu.Unlock()
			return e.Value.(*entry[V]).value, nil
		}
		wait := m.making[key]
		if wait == nil {
			break
		}
		m.mu.Unlock()
		select {
		case <-wait: // what came of it, or if nothing did, it is our turn
		case <-ctx.Done():
			var none V
			return none, ctx.Err()
		}
	}
	done, dropped := make(chan struct{}), m.dropped
	m.making[key] = done
	m.mu.Unlock()
	kept := false
	var value V
	var weight int
	defer func() { // also after a panic: nobody must wait for ever
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.making, key)
		close(done)
		if kept && m.dropped == dropped { // else it may be of before
			m.keep(key, value, weight)
		}
	}()
	value, weight, err := make_()
	kept = err == nil
	return value, err
}

// known returns the value of a key, if it is remembered.
func (m *memo[V]) known(key string) (value V, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.entries[key]
	if e == nil {
		return value, false
	}
	m.order.MoveToFront(e)
	return e.Value.(*entry[V]).value, true
}

// put remembers the value of a key, unless one is remembered.
func (m *memo[V]) put(key string, value V, weight int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.entries[key] == nil {
		m.keep(key, value, weight)
	}
}

// drop forgets what is gone.
func (m *memo[V]) drop(gone func(key string, value V) bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dropped++
	for _, e := range m.entries {
		if kept := e.Value.(*entry[V]); gone(kept.key, kept.value) {
			m.remove(e)
		}
	}
}

// remove takes an entry away. The lock is held.
func (m *memo[V]) remove(e *list.Element) {
	old := m.order.Remove(e).(*entry[V])
	delete(m.entries, old.key)
	m.weight -= old.weight
}

// keep adds an entry. The lock is held.
func (m *memo[V]) keep(key string, value V, weight int) {
	weight = max(weight, 1)
	m.entries[key] = m.order.PushFront(&entry[V]{key, value, weight})
	m.weight += weight
	for m.weight > m.room && m.order.Len() > 1 {
		m.remove(m.order.Back())
	}
}

// clear forgets everything.
func (m *memo[V]) clear() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dropped++
	clear(m.entries)
	m.order.Init()
	m.weight = 0
}
