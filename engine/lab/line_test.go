package lab

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestLine cuts a line under a watch, and mends it under a request that waits.
func TestLine(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "first\n")
		_ = http.NewResponseController(w).Flush()
		if r.URL.Path == "/watch" {
			<-r.Context().Done()
		}
	}))
	defer server.Close()
	l := newLine(t.Context(), time.Minute)
	client := http.Client{Transport: l.transport(http.DefaultTransport)}
	get := func(ctx context.Context, path string) (*http.Response, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		return client.Do(r)
	}
	watch, err := get(t.Context(), "/watch")
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Body.Close()
	if _, err := io.ReadFull(watch.Body, make([]byte, len("first\n"))); err != nil {
		t.Fatal(err)
	}
	l.setWhole(false)
	l.setWhole(false) // it is cut already
	if _, err := watch.Body.Read(make([]byte, 1)); err == nil {
		t.Error("the watch goes on")
	}

	answers := make(chan error, 1)
	go func() {
		answer, err := get(t.Context(), "/")
		if err == nil {
			_, err = io.ReadAll(answer.Body)
			_ = answer.Body.Close()
		}
		answers <- err
	}()
	given, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := get(given, "/"); !errors.Is(err, context.Canceled) {
		t.Errorf("a request that was given up: %v", err)
	}
	select {
	case err := <-answers:
		t.Fatalf("a request over a line that is cut ends: %v", err)
	default:
	}
	l.setWhole(true)
	if err := <-answers; err != nil {
		t.Errorf("when the line is whole again: %v", err)
	}

	l.patience = time.Millisecond
	l.setWhole(false)
	if _, err := get(t.Context(), "/"); err == nil || !strings.Contains(err.Error(), "i/o timeout") {
		t.Errorf("a request that waits too long: %v", err)
	}
}
