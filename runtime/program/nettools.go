package program

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"
	"time"
)

const wgetUsage = `Usage: wget [-q] [-S] [--spider] [-O FILE] [-T SEC] [--header STR] [--post-data STR] URL...

	--spider	Only check URL existence: $? is 0 if exists
	-O FILE		Save to FILE ('-' for stdout)
	-T SEC		Network read timeout is SEC seconds
	-q		Quiet
	-S		Show server response
`

// wgetRun is one run of wget.
type wgetRun struct {
	w                     *World
	quiet, spider, answer bool
	output, body          string
	timeout               time.Duration
	headers               []string
}

// wget fetches URLs as busybox's does: "wget [-q] [-T SECONDS] -O- URL". Without -O it saves to a file. It exits with 1
// when something fails.
func wget(ctx context.Context, w *World) int {
	g := &wgetRun{w: w, timeout: 900 * time.Second}
	var o options
	o.flag(&g.quiet, "q", "quiet")
	o.flag(&g.spider, "spider")
	o.flag(&g.answer, "S", "server-response")
	o.ignore("c", "no-check-certificate", "no-verbose")
	o.text(&g.output, "O", "output-document")
	o.text(&g.body, "post-data")
	o.seconds(&g.timeout, "T", "timeout")
	o.call(func(string) error { return nil }, "t", "tries")
	o.call(func(v string) error { g.headers = append(g.headers, v); return nil }, "header")
	var asked bool
	o.flag(&asked, "help")
	urls, err := o.parse(w.Args[1:])
	if asked {
		_, _ = io.WriteString(w.Stdout, wgetUsage)
		return 0
	}
	if err != nil || len(urls) == 0 {
		if err != nil {
			fmt.Fprintf(w.Stderr, "wget: %v\n", err)
		}
		_, _ = io.WriteString(w.Stderr, wgetUsage)
		return 1
	}
	for _, u := range urls {
		if err := g.fetch(ctx, u); err != nil {
			fmt.Fprintf(w.Stderr, "wget: %v\n", err)
			return 1
		}
	}
	return 0
}

func (g *wgetRun) fetch(ctx context.Context, target string) error {
	if !strings.Contains(target, "://") {
		target = "http://" + target
	}
	u, err := url.Parse(target)
	if err != nil || u.Scheme != "http" {
		return fmt.Errorf("not an http or ftp url: %s", target)
	}
	ctx, cancel := g.w.withTimeout(ctx, g.timeout)
	defer cancel()
	port := cmp.Or(u.Port(), "80")
	to, err := lookup(ctx, g.w, u.Hostname())
	if err != nil {
		return fmt.Errorf("bad address '%s'", u.Host)
	}
	if !g.quiet {
		fmt.Fprintf(g.w.Stderr, "Connecting to %s (%s)\n", u.Host, net.JoinHostPort(to.String(), port))
	}
	resp, err := g.request(ctx, u, net.JoinHostPort(to.String(), port))
	switch {
	case err == nil:
	case timedOut(ctx):
		return errors.New("download timed out")
	default:
		return fmt.Errorf("can't connect to remote host (%s): %s", to, errorText(err))
	}
	defer resp.Body.Close()
	if g.answer {
		fmt.Fprintf(g.w.Stderr, "  HTTP/1.1 %s\n", resp.Status)
		for name, values := range resp.Header {
			fmt.Fprintf(g.w.Stderr, "  %s: %s\n", name, strings.Join(values, ", "))
		}
	}
	if resp.StatusCode >= 400 {
		return fmt.Errorf("server returned error: HTTP/1.1 %s", resp.Status)
	}
	if g.spider {
		if !g.quiet {
			fmt.Fprintln(g.w.Stderr, "remote file exists")
		}
		return nil
	}
	err = g.save(u, resp.Body)
	if err != nil && timedOut(ctx) {
		return errors.New("download timed out")
	}
	return err
}

// request asks for u at an address that is known: its name is not looked up once more.
func (g *wgetRun) request(ctx context.Context, u *url.URL, address string) (*http.Response, error) {
	method, body := http.MethodGet, io.Reader(nil)
	if g.body != "" {
		method, body = http.MethodPost, strings.NewReader(g.body)
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "Wget")
	if g.body != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, h := range g.headers {
		name, value, _ := strings.Cut(h, ":")
		req.Header.Set(name, strings.TrimSpace(value))
	}
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, to string) (net.Conn, error) {
			if to == net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "80")) {
				to = address // else it is where a redirection leads
			}
			return g.w.Network.Dial(ctx, network, to)
		},
	}}
	return client.Do(req)
}

// save writes a body where -O says, or to a file that is named like the URL's last part.
func (g *wgetRun) save(u *url.URL, body io.Reader) error {
	name := g.output
	if name == "-" {
		_, err := io.Copy(g.w.Stdout, body)
		return err
	}
	if name == "" {
		if name = path.Base(u.Path); name == "/" || name == "." {
			name = "index.html"
		}
	}
	f, err := g.w.Files.OpenFile(g.w.Abs(name), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return fmt.Errorf("can't open '%s': %w", name, errors.Unwrap(err))
	}
	defer f.Close()
	if !g.quiet {
		fmt.Fprintf(g.w.Stderr, "saving to '%s'\n", name)
	}
	if _, err := io.Copy(f, body); err != nil {
		return err
	}
	if !g.quiet {
		fmt.Fprintf(g.w.Stderr, "'%s' saved\n", name)
	}
	return nil
}
