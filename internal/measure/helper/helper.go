// Package helper makes any program that imports it able to start commands from
// a process that is small.
//
// The kernel hands a child's peak memory (ru_maxrss) the size that its parent
// had at the fork. Package measure therefore executes its own program anew
// with Variable set; this package's init then takes over, before most of the
// program has been initialised, and starts one command after the other as it is
// asked to. What a command uses below the helper's own few megabytes cannot be
// seen.
//
// The helper adopts what its commands leave behind, so that it can end all of
// it; and it ends all of it, and itself, when its parent goes away, however
// that ends.
package helper

import (
	"encoding/binary"
	"errors"
	"strings"
)

// Variable is the environment variable that makes a program the helper. It
// takes messages on file descriptor 3, a stream socket.
const Variable = "PACER_MEASURE_HELPER"

// Socket is the file descriptor of the helper's end.
const Socket = 3

// A message is a kind, the length of what follows in four bytes, and that.
const (
	Run    = 'r' // to the helper: a Request, with the three standard files
	Signal = 's' // to the helper: one byte, a signal for the command's process group
	Kill   = 'k' // to the helper: end the command and all that any command left behind
	Bye    = 'b' // to the helper: nothing more will come; what was left behind may stay
	Ended  = 'e' // from the helper: a Report
	Failed = 'f' // from the helper: why the command could not be started, or watched to its end
	Killed = 'd' // from the helper: nothing is left; the answer to Kill
)

// HeadSize is the size of a message without its content.
const HeadSize = 5

// Message returns a message.
func Message(kind byte, content []byte) []byte {
	m := make([]byte, HeadSize, HeadSize+len(content))
	m[0] = kind
	binary.LittleEndian.PutUint32(m[1:], uint32(len(content)))
	return append(m, content...)
}

// Head returns the kind of a message and how much follows its head.
func Head(head []byte) (kind byte, size int) {
	return head[0], int(binary.LittleEndian.Uint32(head[1:HeadSize]))
}

// Request is a command to be run.
type Request struct {
	Path string // of the program
	Dir  string // to run it in; "": where the helper is
	Argv []string
	Env  []string // all of it but PACER_START and PACER_LAUNCHER
}

// errRequest is a request that was cut or garbled.
var errRequest = errors.New("the request to the helper is garbled")

// Encode writes a request: no string in it holds a zero byte, for none could
// be handed to a process.
func (r *Request) Encode() []byte {
	parts := append([]string{r.Path, r.Dir}, r.Argv...)
	var head [4]byte
	binary.LittleEndian.PutUint32(head[:], uint32(len(r.Argv)))
	return append(head[:], strings.Join(append(parts, r.Env...), "\x00")...)
}

// DecodeRequest reads what Encode wrote.
func DecodeRequest(b []byte) (Request, error) {
	if len(b) < 4 {
		return Request{}, errRequest
	}
	args := int(binary.LittleEndian.Uint32(b))
	parts := strings.Split(string(b[4:]), "\x00")
	if args < 1 || len(parts) < 2+args {
		return Request{}, errRequest
	}
	return Request{Path: parts[0], Dir: parts[1], Argv: parts[2 : 2+args : 2+args], Env: parts[2+args:]}, nil
}

// Report is what one execution took. Times are in nanoseconds, memory in
// bytes.
type Report struct {
	Status, Signal int64 // exit status, or the signal that ended it
	Start, Began   int64 // CLOCK_MONOTONIC, and since 1970: what the command finds in PACER_START
	Wall, CPU      int64
	// PeakMemory is that of the largest process, Floor the least that can be
	// told.
	PeakMemory, Floor            int64
	MinorFaults, MajorFaults     int64
	VoluntarySwitches, Preempted int64
	Instructions, Cycles         int64 // in user mode; -1: not counted
	Left                         int64 // processes that it left behind
}

func (r *Report) fields() []*int64 {
	return []*int64{&r.Status, &r.Signal, &r.Start, &r.Began, &r.Wall, &r.CPU, &r.PeakMemory, &r.Floor, &r.MinorFaults, &r.MajorFaults,
		&r.VoluntarySwitches, &r.Preempted, &r.Instructions, &r.Cycles, &r.Left}
}

// Encode writes a report.
func (r *Report) Encode() []byte {
	var b []byte
	for _, f := range r.fields() {
		b = binary.LittleEndian.AppendUint64(b, uint64(*f))
	}
	return b
}

// DecodeReport reads what Encode wrote.
func DecodeReport(b []byte) (Report, error) {
	var r Report
	fields := r.fields()
	if len(b) != 8*len(fields) {
		return r, errors.New("the report of the helper is garbled")
	}
	for i, f := range fields {
		*f = int64(binary.LittleEndian.Uint64(b[8*i:]))
	}
	return r, nil
}
