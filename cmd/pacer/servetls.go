package main

import (
	"fmt"
	"io"
	"net"
	"time"
)

// tlsOnly is a listener for TLS that tells those who speak HTTP without it what
// they should do. net/http does that too, but closes the connection while they
// still send, so that they see it reset and not what was said.
type tlsOnly struct{ net.Listener }

func (l tlsOnly) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &tlsConn{Conn: c}, nil
}

// tlsConn looks at the first byte that comes: a record of TLS begins with a
// number, a request with a letter.
type tlsConn struct {
	net.Conn
	looked bool
}

func (c *tlsConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n == 0 || c.looked {
		return n, err
	}
	c.looked = true
	if b[0] < 'A' || b[0] > 'Z' {
		return n, err
	}
	const text = "it speaks TLS: its address begins with https://\n"
	fmt.Fprintf(c.Conn, "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(text), text)
	// Who sends a body reads after it, or when nothing more is taken.
	if w, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		w.CloseWrite()
	}
	c.SetReadDeadline(time.Now().Add(plainTime))
	io.CopyN(io.Discard, c.Conn, plainBytes)
	return 0, io.EOF
}

// For how long, and how much, somebody is listened to who was told to come by TLS.
const (
	plainTime  = 2 * time.Second
	plainBytes = 32 << 20
)
