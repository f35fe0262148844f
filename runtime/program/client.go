package program

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Client requests a URL again and again and counts: "client [--interval 1s] [--count 0] [--timeout 2s] [--keepalive] URL".
// It exits with 0 when all of --count succeeded, with 1 when one failed; on SIGTERM it prints the sum and exits with 0.
func Client(ctx context.Context, w *World) int {
	flags := newFlags(w)
	interval := flags.Duration("interval", time.Second, "time between requests")
	count := flags.Int("count", 0, "how many requests; 0 for no end")
	timeout := flags.Duration("timeout", 2*time.Second, "when to give up on a request")
	keepAlive := flags.Bool("keepalive", false, "use one connection for many requests")
	if err := flags.Parse(w.Args[1:]); err != nil {
		return usage
	}
	url := flags.Arg(0)
	if url == "" {
		url = w.Getenv("URL")
	}
	if url == "" {
		fmt.Fprintln(w.Stderr, "client: give a URL as argument or in the environment's URL: client http://web:8080/")
		return usage
	}
	client := newHTTPClient(w, *timeout, *keepAlive)
	defer client.CloseIdleConnections()
	signals := w.Signals.Notify(SIGTERM, SIGINT)
	var ok, failed int
	for n := 1; ; n++ {
		line, err := get(ctx, client, url)
		if err != nil {
			failed++
			line = "error: " + err.Error()
		} else {
			ok++
		}
		fmt.Fprintf(w.Stdout, "%d ok=%d failed=%d %s\n", n, ok, failed, line)
		if n == *count {
			return min(failed, 1)
		}
		if !wait(ctx, w, *interval, signals) {
			continue
		}
		if ctx.Err() != nil {
			return SIGKILL.ExitCode()
		}
		fmt.Fprintf(w.Stdout, "client: %d requests, %d ok, %d failed\n", n, ok, failed)
		return 0
	}
}

// newHTTPClient returns a client that reaches only w's network.
func newHTTPClient(w *World, timeout time.Duration, keepAlive bool) *http.Client {
	return &http.Client{
		Timeout: timeout,
		Transport: &http.Transport{
			DialContext:       w.Network.Dial,
			DisableKeepAlives: !keepAlive,
		},
	}
}

// get returns the status and the answer on one line. An HTTP error status is an error.
func get(ctx context.Context, client *http.Client, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 4096))
	if err != nil {
		return "", err
	}
	line := strconv.Itoa(resp.StatusCode) + " " + strings.Join(strings.Fields(string(body)), " ")
	if resp.StatusCode >= 400 {
		return "", errors.New(line)
	}
	return line, nil
}
