// Package sender is where the SDK meets what sends its runs to a server: a
// package that a program links if it wants that, for it brings net/http along.
package sender

import (
	"log/slog"
	"sync/atomic"
)

// Func takes a run document to be sent, and returns at once. The channel is
// closed when the document was sent or given up; whatever goes wrong is logged.
type Func func(document []byte, log *slog.Logger) (done <-chan struct{})

var registered atomic.Pointer[Func]

// Register makes f what sends.
func Register(f Func) { registered.Store(&f) }

// Registered is what sends; nil: nothing that this program links.
func Registered() Func {
	if f := registered.Load(); f != nil {
		return *f
	}
	return nil
}
