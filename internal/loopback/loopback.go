// Package loopback keeps what a program serves to its own machine from being
// read through a browser by pages from elsewhere.
package loopback

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
)

// Is tells whether an address to listen on, HOST:PORT, can be reached from this
// machine alone. The error says what is wrong with the address.
func Is(addr string) (bool, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false, err
	}
	return isName(strings.ToLower(host)), nil
}

// Only answers requests that came in on a loopback address only by a name of
// this machine, or one of hosts: the name of a page from elsewhere can be made
// to lead here (DNS rebinding). Others get 421 and the hint. What came in on
// another address, or not over the network, it lets pass.
func Only(next http.Handler, hint string, hosts ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := hostOf(r.Host)
		if on(r) && !isName(name) && !slices.Contains(hosts, name) {
			http.Error(w, fmt.Sprintf("%q is no name of this machine alone. %s", name, hint), http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// on tells whether a request came in on a loopback address.
func on(r *http.Request) bool {
	addr, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if addr == nil {
		return false
	}
	host, _, err := net.SplitHostPort(addr.String())
	ip := net.ParseIP(host)
	return err == nil && ip != nil && ip.IsLoopback()
}

// hostOf is the name in a Host header, without the port.
func hostOf(header string) string {
	if host, _, err := net.SplitHostPort(header); err == nil {
		header = host
	}
	return strings.Trim(strings.ToLower(header), "[]")
}

func isName(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}
