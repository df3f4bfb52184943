package helper

import (
	"bytes"
	"strconv"
	"syscall"
	"time"
	"unsafe"
)

// left returns how many processes the last command left behind.
func (s *server) left() int64 {
	for {
		pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
		switch {
		case err == syscall.EINTR:
			continue
		case err != nil: // no children
			clear(s.known)
			return 0
		case pid > 0: // a leftover ended
			delete(s.known, pid)
			continue
		}
		break
	}
	n := int64(0)
	for _, pid := range s.family.descendants(s.self) {
		if !s.known[pid] {
			s.known[pid] = true
			n++
		}
	}
	return n
}

// killAll ends the command and whatever it and those before it left behind:
// again and again, for as long as there is anything, because what is being
// killed may be starting more.
func (s *server) killAll() {
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); {
		list := s.family.descendants(s.self)
		if len(list) == 0 {
			return
		}
		for _, pid := range list {
			syscall.Kill(pid, syscall.SIGKILL)
		}
		time.Sleep(time.Millisecond)
	}
}

// family finds out who descends from whom. Its buffers are used again: what the
// helper takes, commands seem to.
type family struct {
	names [16 << 10]byte
	stat  [1 << 10]byte
	path  []byte
	all   []kin
	list  []int
}

type kin struct{ pid, parent int }

// descendants returns the living children of a process, their children, and so
// on, until it is called again.
func (f *family) descendants(of int) []int {
	f.all, f.list = f.all[:0], f.list[:0]
	proc, err := syscall.Open("/proc", syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer syscall.Close(proc)
	for {
		n, err := syscall.ReadDirent(proc, f.names[:])
		if err == syscall.EINTR {
			continue
		}
		if err != nil || n <= 0 {
			break
		}
		for rest := f.names[:n]; len(rest) > 0; {
			entry := (*syscall.Dirent)(unsafe.Pointer(&rest[0]))
			name := rest[unsafe.Offsetof(entry.Name):entry.Reclen]
			rest = rest[entry.Reclen:]
			if pid := int(number(name)); pid > 0 {
				if parent, ok := f.parent(proc, pid); ok {
					f.all = append(f.all, kin{pid, parent})
				}
			}
		}
	}
	// Parents are looked for before their children: of those found, each.
	for found, next := of, 0; ; next++ {
		for _, k := range f.all {
			if k.parent == found {
				f.list = append(f.list, k.pid)
			}
		}
		if next == len(f.list) {
			return f.list
		}
		found = f.list[next]
	}
}

// parent returns the parent of a process that lives.
func (f *family) parent(proc, pid int) (int, bool) {
	f.path = append(strconv.AppendInt(f.path[:0], int64(pid), 10), "/stat\x00"...)
	state, after := stateOf(f.read(proc))
	if state == 0 || state == 'Z' || state == 'X' {
		return 0, false
	}
	return int(number(after)), true
}

// state returns the state of a process, 0 if it is not there.
func (f *family) state(pid int) byte {
	f.path = append(strconv.AppendInt(append(f.path[:0], "/proc/"...), int64(pid), 10), "/stat\x00"...)
	state, _ := stateOf(f.read(-1))
	return state
}

// read returns the beginning of the file at path, which ends with a zero byte,
// in a folder.
func (f *family) read(folder int) []byte {
	fd, _, errno := syscall.Syscall6(syscall.SYS_OPENAT, uintptr(folder), uintptr(unsafe.Pointer(&f.path[0])), syscall.O_RDONLY|syscall.O_CLOEXEC, 0, 0, 0)
	if errno != 0 {
		return nil
	}
	defer syscall.Close(int(fd))
	n, err := syscall.Read(int(fd), f.stat[:])
	if err != nil {
		return nil
	}
	return f.stat[:n]
}

// stateOf returns the state of a process out of its stat file, 0 if it is not
// there, and what comes after that. The program's name stands before in brackets
// and may hold brackets.
func stateOf(stat []byte) (state byte, after []byte) {
	i := bytes.LastIndexByte(stat, ')')
	if i < 0 || len(stat) < i+4 {
		return 0, nil
	}
	return stat[i+2], stat[i+4:]
}
