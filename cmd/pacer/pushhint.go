package main

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"strings"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/request"
)

// pushHint says what to do about what ended a push.
func pushHint(err error, to request.Request) error {
	const makeToken = "where the server runs: pacer token create --name ci --role ingest"
	var status *request.StatusError
	var certificate *tls.CertificateVerificationError
	var network *net.OpError
	switch {
	case errors.Is(err, history.ErrUnavailable):
		return unreachable(err) // the history of here
	case errors.As(err, &certificate):
		return hint(err, "is that its name? a certificate of your own authority: SSL_CERT_FILE=ca.pem")
	case errors.Is(err, http.ErrSchemeMismatch):
		return hint(err, "it speaks no TLS: http://%s", to.Name)
	case errors.As(err, &network):
		return hint(err, "does pacer serve run there? what was not sent is kept: pacer push again")
	case !errors.As(err, &status):
		return err
	}
	switch status.Status {
	case http.StatusBadRequest:
		if status.Message == "" && strings.HasPrefix(to.URL, "http://") {
			return hint(err, "does it speak TLS? https://%s", to.Name)
		}
	case http.StatusUnauthorized:
		return hint(err, "put a token into $PACER_TOKEN; "+makeToken)
	case http.StatusForbidden:
		return hint(err, "it takes another token; "+makeToken)
	case http.StatusNotFound:
		return hint(err, "is that the address of a pacer serve?")
	}
	return err
}
