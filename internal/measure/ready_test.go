package measure

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// serve works for a while, then says that it is ready in every way, and serves
// until it is told to stop: serve=WORK,ADDRESS,FILE,STAMP.
func serve(arg string) {
	words := strings.Split(arg, ",")
	work, err := time.ParseDuration(words[0])
	if err != nil {
		panic(err)
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	time.Sleep(work)
	l, err := net.Listen("tcp", words[1])
	if err != nil {
		panic(err)
	}
	os.WriteFile(words[3]+".tmp", []byte(strconv.FormatInt(time.Now().UnixNano(), 10)), 0o644)
	os.Rename(words[3]+".tmp", words[3])
	os.WriteFile(words[2], nil, 0o644)
	fmt.Println("listening on", l.Addr())
	go http.Serve(l, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	<-stop
	fmt.Println("bye")
}

// freeAddress returns an address that nobody listened on a moment ago.
func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// served returns the command and, by name, the ways in which it tells.
func served(t testing.TB, work time.Duration) (Command, map[string]Ready) {
	dir, address := t.TempDir(), freeAddress(t)
	file, stamp := filepath.Join(dir, "ready"), filepath.Join(dir, "stamp")
	return command(fmt.Sprintf("serve=%v,%s,%s,%s", work, address, file, stamp)), map[string]Ready{
		"line":  {Line: regexp.MustCompile(`^listening`)},
		"http":  {HTTP: "http://" + address + "/"},
		"tcp":   {TCP: address},
		"file":  {File: file},
		"stamp": {Stamp: stamp},
	}
}

func TestReady(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"line", "http", "tcp", "file", "stamp"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			const work = 100 * time.Millisecond
			c, ways := served(t, work)
			ready := ways[way]
			c.Ready, c.Stop, c.Timeout = &ready, true, time.Minute
			r, err := run(t, c)
			if err != nil || r.Failure != "" || !r.Stopped || r.Killed {
				t.Fatalf("%+v, %v", r, err)
			}
			if r.Startup < work || r.Startup > r.Wall || r.Wall > 30*time.Second {
				t.Errorf("ready after %v of %v", r.Startup, r.Wall)
			}
			if !strings.HasSuffix(r.Tail, "bye") {
				t.Errorf("it was not asked to stop: %q", r.Tail)
			}
		})
	}
}

// A command that is never ready fails, and says why.
func TestNotReady(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	c := command("print=3")
	c.Ready = &Ready{TCP: address}
	r, err := run(t, c)
	if err != nil || r.Failure != "it was not ready when it ended (it ended by itself)" || r.Startup != 0 {
		t.Errorf("%+v, %v", r, err)
	}
	c = command("exit=3")
	c.Ready = &Ready{Line: regexp.MustCompile("never")}
	if r, err := run(t, c); err != nil || r.Failure != "it was not ready when it ended (exit status 3)" {
		t.Errorf("%+v, %v", r, err)
	}
	c = command("hang=0")
	c.Ready, c.Timeout = &Ready{HTTP: "http://" + address + "/"}, 200*time.Millisecond
	r, err = run(t, c)
	if err != nil || !strings.HasPrefix(r.Failure, "timed out after 200ms: it was not ready; the last try: ") {
		t.Errorf("%+v, %v", r, err)
	}
	// What it says last counts, without a line end too.
	c = Command{Args: []string{"sh", "-c", "printf up"}, Ready: &Ready{Line: regexp.MustCompile("^up$")}}
	if r, err := run(t, c); err != nil || r.Failure != "" || r.Startup <= 0 || r.Startup > r.Wall {
		t.Errorf("%+v, %v", r, err)
	}
}

// A file that comes at the very end counts.
func TestReadyAtTheEnd(t *testing.T) {
	t.Parallel()
	r := open(t, t.Context())
	for i := range 20 {
		file := filepath.Join(t.TempDir(), strconv.Itoa(i))
		c := Command{Args: []string{"touch", file}, Ready: &Ready{File: file}}
		if result, err := r.Run(t.Context(), c); err != nil || result.Failure != "" || result.Startup <= 0 || result.Startup > result.Wall {
			t.Fatalf("%+v, %v", result, err)
		}
	}
}

// Somebody else who answers is not taken for the command.
func TestAlreadyReady(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := command("exit=0")
	for _, ready := range []Ready{{TCP: l.Addr().String()}, {File: os.Args[0]}} {
		c.Ready = &ready
		if r, err := run(t, c); !errors.Is(err, ErrAlreadyReady) {
			t.Errorf("%+v, %v", r, err)
		}
	}
}
