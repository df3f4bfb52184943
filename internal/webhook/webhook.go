// Package webhook signs what is sent to a webhook, as Standard Webhooks 1.0
// says, so that receivers can use any of its libraries.
//
// Source: standardwebhooks.com, "Webhook headers" and "Signature scheme".
package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Headers of a signed request.
const (
	IDHeader        = "Webhook-Id"        // the same for the same event, however often it is sent
	TimestampHeader = "Webhook-Timestamp" // Unix seconds
	SignatureHeader = "Webhook-Signature" // v1,BASE64, or several with spaces between
)

// secretPrefix marks a secret that is written in base64.
const secretPrefix = "whsec_"

// Key returns the key that a secret stands for: what whsec_ has in base64, or
// the bytes of the secret as they are.
func Key(secret string) ([]byte, error) {
	secret = strings.TrimSpace(secret)
	encoded, found := strings.CutPrefix(secret, secretPrefix)
	if !found {
		if secret == "" {
			return nil, errors.New("the secret is empty")
		}
		return []byte(secret), nil
	}
	key, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(key) == 0 {
		return nil, fmt.Errorf("the secret begins with %s and is not base64 from there on", secretPrefix)
	}
	return key, nil
}

// Sign returns the headers that sign a body: HMAC-SHA256 over id.time.body.
// The id has no dot in it.
func Sign(key []byte, id string, at time.Time, body []byte) http.Header {
	seconds := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + seconds + "."))
	mac.Write(body)
	return http.Header{
		IDHeader:        {id},
		TimestampHeader: {seconds},
		SignatureHeader: {"v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))},
	}
}
