package measure

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// probe asks once whether a command is ready.
type probe struct{ ask func(context.Context) answer }

// answer is what came of a try.
type answer struct {
	at    int64 // on the clock of now
	stamp int64 // since 1970, by the command's own word; 0: none
	err   error // it is not ready
	skip  int   // how many tries to leave out: what it answers costs the command something
}

func (r *Ready) probe() *probe {
	switch {
	case r.HTTP != "":
		return &probe{httpProbe(r.HTTP)}
	case r.TCP != "":
		network, address := "tcp", r.TCP
		if path, ok := strings.CutPrefix(address, "unix:"); ok {
			network, address = "unix", path
		}
		return &probe{func(ctx context.Context) answer {
			d := net.Dialer{Timeout: probePatience}
			conn, err := d.DialContext(ctx, network, address)
			at := now()
			if err == nil {
				conn.Close()
			}
			return answer{at: at, err: err}
		}}
	case r.Stamp != "":
		return &probe{func(context.Context) answer {
			text, err := os.ReadFile(r.Stamp)
			if err != nil {
				return answer{err: err}
			}
			stamp, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
			return answer{at: now(), stamp: stamp, err: err}
		}}
	}
	return &probe{func(context.Context) answer {
		_, err := os.Stat(r.File)
		return answer{at: now(), err: err}
	}}
}

// httpProbe gets a URL. What is not encrypted is spoken here: an http.Client
// hands a request through four goroutines, each of which has to wait for a
// processor on a busy machine.
func httpProbe(text string) func(context.Context) answer {
	u, err := url.Parse(text)
	var request *http.Request
	if err == nil {
		request, err = http.NewRequest(http.MethodGet, text, nil)
	}
	if err != nil {
		return func(context.Context) answer { return answer{err: err} }
	}
	request.Close = true // by the one who answers, when all is said
	if u.Scheme != "http" {
		return func(ctx context.Context) answer { return get(ctx, request) }
	}
	if name := u.User.Username(); u.User != nil {
		password, _ := u.User.Password()
		request.SetBasicAuth(name, password)
	}
	var message bytes.Buffer
	request.Write(&message) // a buffer takes all
	address := u.Host
	if u.Port() == "" {
		address = net.JoinHostPort(u.Hostname(), "80")
	}
	return func(ctx context.Context) answer {
		d := net.Dialer{Timeout: probePatience}
		conn, err := d.DialContext(ctx, "tcp", address)
		if err != nil {
			return answer{err: err}
		}
		conn.SetDeadline(time.Now().Add(probePatience))
		leave := context.AfterFunc(ctx, func() { conn.Close() })
		a := converse(conn, message.Bytes())
		// One who is cut off in the middle of an answer may take it ill; one who
		// leaves the connection open may not have many.
		if conn.SetDeadline(time.Time{}); a.err != nil {
			a.err = fmt.Errorf("GET %s: %w", u.Redacted(), a.err)
			conn.SetDeadline(time.Now().Add(20 * probeEvery))
		}
		go func() {
			io.CopyN(io.Discard, conn, 1<<20)
			leave()
			conn.Close()
		}()
		return a
	}
}

// converse sends a request and reads the first line of what is answered, by
// when it is known whether that is 2xx.
func converse(conn io.ReadWriter, request []byte) answer {
	if _, err := conn.Write(request); err != nil {
		return answer{err: err}
	}
	r := bufio.NewReader(conn)
	for {
		line, err := r.ReadSlice('\n')
		at := now()
		if err != nil {
			return answer{err: fmt.Errorf("no answer: %w", err)}
		}
		status := strings.TrimSpace(string(line))
		_, status, ok := strings.Cut(status, " ")
		code, err := strconv.Atoi(status[:min(3, len(status))])
		if !ok || err != nil || !bytes.HasPrefix(line, []byte("HTTP/")) {
			return answer{err: fmt.Errorf("the answer is no HTTP: %.40q", line)}
		}
		switch code / 100 {
		case 1: // an answer is to follow
			for len(bytes.TrimSpace(line)) > 0 && err == nil {
				line, err = r.ReadSlice('\n')
			}
		case 2:
			return answer{at: at}
		default:
			return answer{err: fmt.Errorf("%s", status), skip: 1}
		}
	}
}

// get is the same by a client.
func get(ctx context.Context, request *http.Request) answer {
	ctx, cancel := context.WithTimeout(ctx, probePatience)
	defer cancel()
	client := &http.Client{
		Transport: &http.Transport{DisableKeepAlives: true},
		// A page that sends elsewhere is not ready itself.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := client.Do(request.WithContext(ctx))
	at := now()
	if err != nil {
		return answer{err: err}
	}
	io.CopyN(io.Discard, response.Body, 1<<10)
	response.Body.Close()
	if response.StatusCode/100 != 2 {
		return answer{err: fmt.Errorf("GET %s: %s", request.URL.Redacted(), response.Status), skip: 1}
	}
	return answer{at: at}
}
