// Package request sends an HTTP request until it is answered, within limits:
// it waits where a server says to, tries again where a server failed, and gives
// up in bounded time.
//
// Errors name the method and what the caller calls the place, never an address
// or a header: both may hold secrets.
package request

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Client sends requests. Every zero field means its default.
type Client struct {
	Transport http.RoundTripper // nil: http.DefaultTransport
	UserAgent string
	Attempts  int                               // at most, of one request; 0: 5
	Timeout   time.Duration                     // of one attempt; 0: 30 s
	Patience  time.Duration                     // for which it waits between attempts, in all; 0: 2 min
	Waiting   func(why string, d time.Duration) // told before each wait; nil: nobody

	chance func() float64 // in [0, 1); nil: rand.Float64
}

// Request is one request. Its body is sent again with every attempt.
type Request struct {
	Method string
	URL    string
	Name   string // what errors call the place: "comments of acme/app", "hooks.example.com"
	Header http.Header
	Body   []byte
	// Once says that two of it would do more than one, so that it is not sent
	// again where the server may have acted on it: ErrUnsure then.
	Once bool
}

// Response is an answer with its whole body.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

const (
	leastPause = time.Second      // where a server asks for less again and again
	mostPause  = 30 * time.Second // of those nobody asked for
	mostSpread = 10 * time.Second
)

// maxBody is how large an answer may be: a page of a hundred comments of the
// largest size is about 26 MB.
const maxBody = 32 << 20

// ErrUnsure says that a request that must not be repeated may have been acted
// on, or not.
var ErrUnsure = errors.New("it is not known whether the server acted on it")

// StatusError is an answer that says no.
type StatusError struct {
	Method, Name string
	Status       int
	Message      string        // the server's, cut to one line
	RetryAfter   time.Duration // what the server asked to wait, if that was longer than our patience
}

func (e *StatusError) Error() string {
	s := fmt.Sprintf("%s %s: %d %s", e.Method, e.Name, e.Status, http.StatusText(e.Status))
	if e.Message != "" {
		s += ": " + e.Message
	}
	if e.RetryAfter > 0 {
		s += fmt.Sprintf(" (it asks to wait %s)", e.RetryAfter.Round(time.Second))
	}
	return s
}

// Do sends a request until it is answered, and returns the answer if its status
// is 2xx. Any other status is a *StatusError.
//
// Status 429, and 403 with a word on rate limits, are waited out as the server
// says; 5xx and broken connections with pauses that grow to half a minute. Each
// is spread by chance, so that many who were turned away together do not come
// back together: a pause of our own is cut by up to half, one that was asked for
// lengthened by up to half, 10 s at most.
func (c *Client) Do(ctx context.Context, r Request) (*Response, error) {
	left := c.Patience
	if left == 0 {
		left = 2 * time.Minute
	}
	attempts := c.Attempts
	if attempts == 0 {
		attempts = 5
	}
	chance := c.chance
	if chance == nil {
		chance = rand.Float64
	}
	pause := time.Second
	for attempt := 1; ; attempt++ {
		answer, err := c.once(ctx, &r)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err == nil && answer.Status/100 == 2 {
			return answer, nil
		}
		wait, why, again, asked := plan(answer, err, pause)
		if asked {
			if attempt > 1 { // it was tried at once, and that did not do
				wait = max(wait, leastPause)
			}
			wait = min(wait+portion(chance(), min(wait/2, mostSpread)), max(wait, left))
		} else { // the last attempt is made when patience ends
			wait = min(wait-portion(chance(), wait/2), left)
			again = again && left > 0
		}
		failed := failure(&r, answer, err)
		switch {
		case !again:
			return nil, failed
		case r.Once && unsure(answer, err):
			return nil, fmt.Errorf("%w: %w", failed, ErrUnsure)
		case attempt == attempts:
			return nil, fmt.Errorf("%w (tried %d times)", failed, attempts)
		case wait > left:
			if s := (*StatusError)(nil); errors.As(failed, &s) {
				s.RetryAfter = wait
			}
			return nil, failed
		}
		left -= wait
		pause = min(2*pause, mostPause)
		if c.Waiting != nil {
			c.Waiting(why, wait)
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		}
	}
}

// portion is a part of a time.
func portion(part float64, of time.Duration) time.Duration {
	return time.Duration(part * float64(of))
}

// once makes one attempt. Its error is one of the connection, without address.
func (c *Client) once(ctx context.Context, r *Request) (*Response, error) {
	timeout := c.Timeout
	if timeout == 0 {
		timeout = 30 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, r.Method, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return nil, errAddress
	}
	for k, v := range r.Header {
		req.Header[k] = v
	}
	if c.UserAgent != "" {
		req.Header.Set("User-Agent", c.UserAgent)
	}
	client := http.Client{
		Transport: c.Transport,
		// A header meant for one place goes to no other.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	answer, err := client.Do(req)
	if err != nil {
		return nil, bare(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxBody+1))
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", bare(err))
	}
	if len(body) > maxBody {
		return nil, errTooLarge
	}
	return &Response{Status: answer.StatusCode, Header: answer.Header, Body: body}, nil
}

var (
	errTooLarge = fmt.Errorf("the answer is larger than %d MB", maxBody>>20)
	errAddress  = errors.New("this is no address")
)

// bare takes the address off an error.
func bare(err error) error {
	var of *url.Error
	if errors.As(err, &of) {
		err = of.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.New("no answer in time")
	}
	return err
}

// plan tells whether to try again, after how long, and why; asked, that the
// server wants no less than that.
func plan(answer *Response, err error, pause time.Duration) (wait time.Duration, why string, again, asked bool) {
	if err != nil {
		return pause, err.Error(), !hopeless(err), false
	}
	wait, asked = retryAfter(answer.Header)
	switch {
	case limited(answer):
		if !asked {
			wait = max(pause, 10*time.Second)
		}
		return wait, "rate limit", true, true
	case answer.Status >= 500 && answer.Status != http.StatusNotImplemented:
		if !asked {
			wait = pause
		}
		return wait, fmt.Sprintf("the server answers %d", answer.Status), true, asked
	}
	return 0, "", false, false
}

// hopeless tells what trying again does not mend, or should not: who answers is
// not whom the address names.
func hopeless(err error) bool {
	var certificate *tls.CertificateVerificationError
	return err == errTooLarge || err == errAddress || errors.As(err, &certificate) || errors.Is(err, http.ErrSchemeMismatch)
}

// limited tells whether an answer says that there were too many requests.
// GitHub also says it by 403 with one of these headers.
func limited(answer *Response) bool {
	h := answer.Header
	return answer.Status == http.StatusTooManyRequests ||
		answer.Status == http.StatusForbidden && (h.Get("Retry-After") != "" || h.Get("X-Ratelimit-Remaining") == "0")
}

// retryAfter returns how long the server asks to wait: seconds, a date, or the
// time at which a limit ends.
func retryAfter(h http.Header) (time.Duration, bool) {
	if s := h.Get("Retry-After"); s != "" {
		if n, err := strconv.ParseInt(s, 10, 32); err == nil && n >= 0 {
			return time.Duration(n) * time.Second, true
		}
		if at, err := http.ParseTime(s); err == nil {
			return max(0, time.Until(at)), true
		}
	}
	if h.Get("X-Ratelimit-Remaining") == "0" {
		if n, err := strconv.ParseInt(h.Get("X-Ratelimit-Reset"), 10, 64); err == nil {
			return max(0, time.Until(time.Unix(n, 0))), true
		}
	}
	return 0, false
}

// unsure tells whether the server may have acted on a request that failed.
func unsure(answer *Response, err error) bool {
	if err != nil {
		var op *net.OpError
		return !(errors.As(err, &op) && op.Op == "dial") // it was never reached
	}
	return !limited(answer)
}

// failure says what went wrong.
func failure(r *Request, answer *Response, err error) error {
	if err != nil {
		return fmt.Errorf("%s %s: %w", r.Method, r.Name, err)
	}
	e := &StatusError{Method: r.Method, Name: r.Name, Status: answer.Status, Message: message(answer.Body)}
	if answer.Status/100 == 3 {
		e.Message = "redirects are not followed"
	}
	return e
}
