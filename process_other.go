//go:build !linux && !darwin && !windows

package pacer

import (
	"errors"
	"time"
)

const startTick = time.Duration(0)

func processAge() (time.Duration, error) { return 0, errors.ErrUnsupported }
func processMemory() (memoryUse, error)  { return memoryUse{}, errors.ErrUnsupported }
