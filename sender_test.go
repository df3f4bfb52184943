package pacer_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/pacer-perf/pacer"
)

// A program that is to send, and links nothing that does, says so.
func TestNothingSends(t *testing.T) {
	t.Setenv("PACER_EXPORT", "")
	t.Setenv("PACER_ENDPOINT", "https://pacer.example")
	var log bytes.Buffer
	if err := pacer.New(pacer.Config{App: "app", Logger: slog.New(slog.NewTextHandler(&log, nil))}).Close(); err != nil {
		t.Error(err)
	}
	if !strings.Contains(log.String(), "pacer/pacerpush") {
		t.Errorf("the log: %s", log.String())
	}
}
