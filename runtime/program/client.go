package program

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"strconv"
	"strings"
	"time"
)

// Client requests a URL again and again and counts: "client [--interval 1s] [--count 0] [--timeout 2s] [--keepalive] URL".
// It exits with 0 when all of --count succeeded, with 1 when one failed; on SIGTERM it prints the sum and exits with 0.
func Client(ctx context.Context, w *World) int {
	flags := newFlags(w, "client [--interval 1s] [--count 0] [--timeout 2s] [--keepalive] URL",
		"Requests a URL again and again and counts successes and failures. On SIGTERM it prints the sum.")
	interval := flags.Duration("interval", time.Second, "time between requests")
	count := flags.Int("count", 0, "how many requests; 0 for no end")
	timeout := flags.Duration("timeout", 2*time.Second, "when to give up on a request")
	keepAlive := flags.Bool("keepalive", false, "use one connection for many requests")
	if code, ok := flags.parse(); !ok {
		return code
	}
	target := flags.Arg(0)
	if target == "" {
		target = w.Getenv("URL")
	}
	if target == "" {
		fmt.Fprintln(w.Stderr, "client: give a URL as argument or in the environment's URL: client http://web:8080/")
		return usage
	}
	g := newGetter(w, *timeout, *keepAlive)
	defer g.close()
	sum := newTally(w, target)
	defer sum.flush()
	return repeat(ctx, w, "requests", *interval, *count, func(ctx context.Context) (string, error) {
		a, err := g.get(ctx, target)
		if ctx.Err() == nil {
			sum.note(a, err)
		}
		return strconv.Itoa(a.status) + " " + strings.Join(strings.Fields(a.body), " "), err
	})
}

// repeat does something every interval, count times or for ever with 0, and prints what came of it with counters of
// successes and failures: the body of the client programs. On SIGTERM it prints the sum and ends with 0.
func repeat(
	ctx context.Context, w *World, what string, interval time.Duration, count int,
	do func(ctx context.Context) (line string, err error),
) int {
	signals := w.Signals.Notify(SIGTERM, SIGINT)
	var ok, failed int
	for n := 1; ; n++ {
		line, err := do(ctx)
		if ctx.Err() != nil {
			return SIGKILL.ExitCode()
		}
		if err != nil {
			failed++
			line = "error: " + err.Error()
		} else {
			ok++
		}
		fmt.Fprintf(w.Stdout, "%d ok=%d failed=%d %s\n", n, ok, failed, line)
		stopped := n != count && wait(ctx, w, interval, signals)
		if !stopped && n != count {
			continue
		}
		if ctx.Err() != nil {
			return SIGKILL.ExitCode()
		}
		fmt.Fprintf(w.Stdout, "%s: %d %s, %d ok, %d failed\n", path.Base(w.Args[0]), n, what, ok, failed)
		if stopped {
			return 0
		}
		return min(failed, 1)
	}
}

// getter fetches URLs from a program's network, with time-outs on its clock.
type getter struct {
	w       *World
	client  *http.Client
	timeout time.Duration
}

// newGetter returns a getter that gives up on a request after timeout. Whoever gets it calls close.
func newGetter(w *World, timeout time.Duration, keepAlive bool) *getter {
	return &getter{w: w, timeout: timeout, client: &http.Client{Transport: &http.Transport{
		DialContext: w.Network.Dial, DisableKeepAlives: !keepAlive, MaxIdleConnsPerHost: 1000,
	}}}
}

func (g *getter) close() { g.client.CloseIdleConnections() }

// answer is a response and the beginning of its body.
type answer struct {
	status int
	body   string
}

// get fetches a URL. An HTTP error status is an error. The error does not repeat the URL.
func (g *getter) get(ctx context.Context, target string) (answer, error) {
	ctx, cancel := g.w.withTimeout(ctx, g.timeout)
	defer cancel()
	resp, err := g.open(ctx, target)
	if err != nil {
		return answer{}, g.worded(ctx, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 4096))
	if err == nil {
		_, err = io.Copy(io.Discard, resp.Body) // so that the connection can be used again
	}
	a := answer{status: resp.StatusCode, body: string(body)}
	switch {
	case err != nil:
		return a, g.worded(ctx, err)
	case a.status >= 400:
		return a, errors.New(strconv.Itoa(a.status) + " " + strings.Join(strings.Fields(a.body), " "))
	}
	return a, nil
}

func (g *getter) open(ctx context.Context, target string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return nil, err
	}
	return g.client.Do(req)
}

// worded takes the URL out of an error, and says so when it was the program that gave up.
func (g *getter) worded(ctx context.Context, err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	if timedOut(ctx) {
		return fmt.Errorf("no answer within %v: %w", g.timeout, os.ErrDeadlineExceeded)
	}
	return err
}
