package kubelet

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestPowerEndsWhatIsUnderWay(t *testing.T) {
	arrived := make(chan struct{}, 2)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/watch" {
			w.(http.Flusher).Flush()
		}
		arrived <- struct{}{}
		<-r.Context().Done()
	}))
	defer server.Close()
	p := newPower()
	client := &http.Client{Transport: p.transport(http.DefaultTransport)}
	get := func(ctx context.Context, path string) (*http.Response, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		return client.Do(r) //nolint:bodyclose // the caller's
	}

	watch, err := get(t.Context(), "/watch")
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Body.Close()
	<-arrived
	waiting := make(chan error, 1)
	go func() {
		resp, err := get(t.Context(), "/wait")
		if err == nil {
			_ = resp.Body.Close()
		}
		waiting <- err
	}()
	<-arrived
	p.cut()
	if err := <-waiting; err == nil {
		t.Error("a request under way got an answer")
	}
	if _, err := io.ReadAll(watch.Body); err == nil {
		t.Error("the watch ended without an error")
	}

	// What comes later hangs until its own context ends, and never reaches the server.
	ctx, cancel := context.WithCancel(t.Context())
	late := make(chan error, 1)
	go func() {
		resp, err := get(ctx, "/late")
		if err == nil {
			_ = resp.Body.Close()
		}
		late <- err
	}()
	select {
	case err := <-late:
		t.Fatalf("answered: %v", err)
	case <-arrived:
		t.Fatal("sent")
	default:
	}
	cancel()
	if err := <-late; !errors.Is(err, errOff) {
		t.Errorf("got %v", err)
	}
}

func TestListenerConnects(t *testing.T) {
	l := newListener("node-1")
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.RemoteAddr)
	})}
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	dial := &http.Transport{}
	dial.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) { return l.dial(ctx) }
	client := &http.Client{Transport: dial}
	resp, err := client.Get("http://kubelet/")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil || string(raw) != "node-1:10250" {
		t.Errorf("got %q, %v", raw, err)
	}
	dial.CloseIdleConnections()
	_ = server.Close()
	<-done
	if _, err := l.dial(t.Context()); !errors.Is(err, errOff) {
		t.Errorf("after close: %v", err)
	}
}
