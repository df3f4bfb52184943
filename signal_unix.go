//go:build unix

package pacer

import (
	"os"
	"os/signal"
	"syscall"
)

// endBy ends the process by a signal, as if nobody had caught it.
func endBy(s os.Signal) {
	signal.Reset(s)
	if n, ok := s.(syscall.Signal); ok {
		syscall.Kill(os.Getpid(), n)
	}
}
