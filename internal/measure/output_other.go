//go:build !linux

package measure

import (
	"os"
	"time"
)

const runnerReads = false

func pipe() (read, write *os.File, err error) { return os.Pipe() }

func pollable(f *os.File) *os.File { return f }

func (o *output) rest(time.Duration) bool { panic("a goroutine reads") }
