//go:build unix

package main

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

// work is this program as a command that is measured.
func work(what string, args []string) {
	number := func(i int) int {
		n, err := strconv.Atoi(args[i])
		if err != nil {
			panic(errWork)
		}
		return n
	}
	switch what {
	case "spin": // so many steps of work
		spin(number(0))
	case "neighbour": // busy now and then, until its parent is gone
		parent := os.Getppid()
		for os.Getppid() == parent {
			until := time.Now().Add(time.Duration(200+rand.IntN(2800)) * time.Millisecond)
			for time.Now().Before(until) {
				spin(100_000)
			}
			time.Sleep(time.Duration(200+rand.IntN(2800)) * time.Millisecond)
		}
	case "truth": // sleeps, takes memory, has a child take half as much, and says what it knows
		begin := launched()
		time.Sleep(50 * time.Millisecond)
		giveBack := take(200 << 20)
		child := exec.Command(os.Args[0], "work", "take")
		if err := child.Run(); err != nil {
			panic(err)
		}
		giveBack() // what the kernel does at the end, a command cannot know
		var self, children syscall.Rusage
		syscall.Getrusage(syscall.RUSAGE_SELF, &self)
		syscall.Getrusage(syscall.RUSAGE_CHILDREN, &children)
		cpu := time.Duration(self.Utime.Nano() + self.Stime.Nano() + children.Utime.Nano() + children.Stime.Nano())
		f, err := os.OpenFile(args[0], os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o644)
		if err != nil {
			panic(err)
		}
		fmt.Fprintln(f, time.Since(begin).Seconds(), cpu.Seconds(), highest())
	case "take":
		take(100 << 20)
	case "serve": // serve ADDRESS FILE LOG: ready after 300 ms of work, in every way
		begin := launched()
		stop := make(chan os.Signal, 1)
		signal.Notify(stop, syscall.SIGTERM)
		for time.Since(begin) < 300*time.Millisecond {
			spin(10_000)
		}
		l, err := net.Listen("tcp", args[0])
		if err != nil {
			panic(err)
		}
		go http.Serve(l, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		os.WriteFile(args[1], nil, 0o644)
		fmt.Println("listening")
		f, err := os.OpenFile(args[2], os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o644)
		if err != nil {
			panic(err)
		}
		fmt.Fprintln(f, time.Since(begin).Seconds())
		<-stop
	}
}

var sink uint64

// spin does so many steps of work that takes no memory.
func spin(steps int) {
	x := sink | 1
	for range steps {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	sink = x
}

// launched is when the launcher says that this process was started.
func launched() time.Time {
	ns, err := strconv.ParseInt(os.Getenv("PACER_START"), 10, 64)
	if err != nil {
		panic(errWork)
	}
	return time.Unix(0, ns)
}

// take takes memory from the system and touches it, until it is given back.
func take(bytes int) (giveBack func()) {
	block, err := syscall.Mmap(-1, 0, bytes, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		panic(err)
	}
	for i := 0; i < len(block); i += 4096 {
		block[i] = 1
	}
	return func() {
		if err := syscall.Munmap(block); err != nil {
			panic(err)
		}
	}
}

// highest is the peak resident memory of this process, by the kernel's own
// count of its pages.
func highest() int64 {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		panic(err)
	}
	defer f.Close()
	kib := int64(0)
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fmt.Sscanf(lines.Text(), "VmHWM: %d kB", &kib)
	}
	return kib << 10
}
