package pacer

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"
)

// process is what the operating system says of this process. Tests put their
// own in its place.
type process struct {
	// age is the time since the process started.
	age func() (time.Duration, error)
	// memory is the resident memory in bytes; 0 where it is not known.
	memory func() (memoryUse, error)
}

type memoryUse struct{ current, peak int64 }

// thisProcess reads from the operating system. A reading that it does not
// offer is errors.ErrUnsupported.
var thisProcess = process{age: processAge, memory: processMemory}

// launch is the launcher's word of when it started this process; at is zero
// without one.
type launch struct {
	at  time.Time
	err error
}

// launched reads PACER_START once and unsets it, so that processes which this
// one starts don't take it for their own.
//
// What comes between, such as a shell that runs a build before the app, hands
// it on. A launcher can rule that out by setting PACER_LAUNCHER to its process
// id: the word is then for its children alone.
var launched = sync.OnceValue(func() launch {
	text, ok := os.LookupEnv("PACER_START")
	launcher, named := os.LookupEnv("PACER_LAUNCHER")
	os.Unsetenv("PACER_START")
	os.Unsetenv("PACER_LAUNCHER")
	if !ok || named && launcher != strconv.Itoa(os.Getppid()) {
		return launch{}
	}
	return parseLaunch(text)
})

func parseLaunch(text string) launch {
	ns, err := strconv.ParseInt(text, 10, 64)
	if err != nil || ns <= 0 {
		return launch{err: fmt.Errorf("PACER_START=%q: expected Unix nanoseconds: not used", text)}
	}
	return launch{at: time.Unix(0, ns)}
}
