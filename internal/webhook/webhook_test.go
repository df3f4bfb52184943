package webhook

import (
	"testing"
	"time"
)

// The example of the specification of Standard Webhooks, and one that
// openssl signed:
//
//	printf 'verdict_1.1700000000.{"a":1}' | openssl dgst -sha256 -hmac secret -binary | base64
func TestSign(t *testing.T) {
	t.Parallel()
	tests := []struct {
		secret, id, body string
		at               int64
		want             string
	}{
		{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", `{"test": 2432232314}`, 1614265330, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
		{"secret", "verdict_1", `{"a":1}`, 1700000000, "v1,mckTAZNkuMwhwWNUxjnb28KYLMO6BAtzYuJIIJu+R8A="},
	}
	for _, tt := range tests {
		key, err := Key(tt.secret)
		if err != nil {
			t.Fatal(err)
		}
		h := Sign(key, tt.id, time.Unix(tt.at, 0), []byte(tt.body))
		if got := h.Get(SignatureHeader); got != tt.want {
			t.Errorf("%s: signature %s, want %s", tt.id, got, tt.want)
		}
		if h.Get(IDHeader) != tt.id || h.Get("webhook-id") != tt.id {
			t.Errorf("headers %v", h)
		}
	}
}

func TestKey(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", " \n", "whsec_", "whsec_%%%"} {
		if key, err := Key(bad); err == nil {
			t.Errorf("Key(%q) = %q", bad, key)
		}
	}
	for _, same := range []string{"whsec_YWJj", "abc", " abc\n"} {
		if key, err := Key(same); err != nil || string(key) != "abc" {
			t.Errorf("Key(%q) = %q, %v", same, key, err)
		}
	}
}
