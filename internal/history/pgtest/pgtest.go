// Package pgtest starts a real PostgreSQL for the tests of a package: one server
// for a test binary, a database for each test. It listens on the loopback
// interface, on a port that was free, has its files in a temporary folder, and
// runs as another user than root.
//
// A package that uses it has
//
//	func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }
//
// Where PostgreSQL is not installed, tests are skipped; in CI they fail.
package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// ErrMissing says that PostgreSQL is not installed.
var ErrMissing = errors.New("PostgreSQL is not installed: apt-get install postgresql")

// Server is a PostgreSQL that was started.
type Server struct {
	dir, bin string
	settings []string
	port     int
	process  *process
}

// Start makes a cluster in a new folder and starts it. Settings are added to
// the server's command line: fsync=off.
func Start(settings ...string) (*Server, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "pacer-postgres-")
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir, bin: bin, settings: settings}
	if err := s.init(); err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	// Between finding a free port and taking it somebody else may.
	for range 5 {
		if s.port, err = freePort(); err != nil {
			break
		}
		if err = s.Restart(); err == nil {
			return s, nil
		}
	}
	os.RemoveAll(dir)
	return nil, err
}

// binaries returns the folder of the newest PostgreSQL that is installed.
func binaries() (string, error) {
	list, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	slices.Sort(list)
	if len(list) > 0 {
		return filepath.Dir(list[len(list)-1]), nil
	}
	if path, err := exec.LookPath("postgres"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			return filepath.Dir(path), nil
		}
	}
	return "", ErrMissing
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

func (s *Server) init() error {
	if err := own(s.dir); err != nil {
		return err
	}
	cmd := exec.Command(filepath.Join(s.bin, "initdb"), "--pgdata", s.data(), "--auth", "trust", "--username", "postgres", "--encoding", "UTF8", "--locale", "C", "--no-sync")
	cmd.Dir = s.dir
	if err := asUser(cmd); err != nil {
		return err
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	return nil
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// Restart starts the server where it was, after Kill. What is left of a server
// that was killed may take a moment to go.
func (s *Server) Restart() error {
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		said, err := s.start()
		if err == nil || !strings.Contains(said, "pre-existing shared memory block") || time.Now().After(deadline) {
			return err
		}
	}
}

// start starts the server, and returns what it said if it ended.
func (s *Server) start() (said string, err error) {
	args := []string{"-D", s.data(), "-k", s.dir, "-p", fmt.Sprint(s.port), "-c", "listen_addresses=127.0.0.1", "-c", "max_connections=200"}
	for _, setting := range s.settings {
		args = append(args, "-c", setting)
	}
	cmd := exec.Command(filepath.Join(s.bin, "postgres"), args...)
	cmd.Dir = s.dir
	if err := asUser(cmd); err != nil {
		return "", err
	}
	log, err := os.Create(filepath.Join(s.dir, "log"))
	if err != nil {
		return "", err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if s.process, err = start(cmd); err != nil {
		return "", err
	}
	return s.ready()
}

// ready waits until the server answers, or returns what it said if it ended.
func (s *Server) ready() (said string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		c, err := pgx.Connect(ctx, s.Address("postgres"))
		if err == nil {
			return "", c.Close(ctx)
		}
		select {
		case <-s.process.done:
			text, _ := os.ReadFile(filepath.Join(s.dir, "log"))
			return string(text), fmt.Errorf("PostgreSQL ended: %s", text)
		case <-ctx.Done():
			return "", err
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Address is that of a database of the server.
func (s *Server) Address(database string) string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/%s", s.port, database)
}

// Kill ends the server at once, as a crash would.
func (s *Server) Kill() { s.process.kill() }

// Stop ends the server and removes its files.
func (s *Server) Stop() error {
	s.process.stop()
	return os.RemoveAll(s.dir)
}

var databases atomic.Int64

// Create makes an empty database and returns its address.
func (s *Server) Create(ctx context.Context) (string, error) {
	c, err := pgx.Connect(ctx, s.Address("postgres"))
	if err != nil {
		return "", err
	}
	defer c.Close(ctx)
	name := fmt.Sprint("test", databases.Add(1))
	// Template 0 may be copied by several at once.
	if _, err := c.Exec(ctx, "CREATE DATABASE "+name+" TEMPLATE template0"); err != nil {
		return "", err
	}
	return s.Address(name), nil
}

var (
	shared    *Server
	sharedErr error
	once      sync.Once
)

// Main runs the tests, and ends the server that they shared.
func Main(m *testing.M) int {
	status := m.Run()
	if shared != nil {
		if err := shared.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return status
}

// Address returns the address of a fresh database, on the server that the tests
// of the binary share.
func Address(t testing.TB) string {
	t.Helper()
	// What is lost without a sync is lost with the machine alone, and takes most
	// of the time of making databases.
	once.Do(func() { shared, sharedErr = Start("fsync=off", "full_page_writes=off") })
	Check(t, sharedErr)
	address, err := shared.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// Check ends a test whose server could not be started: skipped where PostgreSQL
// is missing, but never in CI.
func Check(t testing.TB, err error) {
	t.Helper()
	switch {
	case err == nil:
	case errors.Is(err, ErrMissing) && os.Getenv("CI") == "":
		t.Skip(err)
	default:
		t.Fatal(err)
	}
}

// Tool is the path of a program of PostgreSQL, such as pg_dump.
func Tool(t testing.TB, name string) string {
	t.Helper()
	bin, err := binaries()
	Check(t, err)
	return filepath.Join(bin, name)
}
