package program

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// answer reads the response and writes it where it is to go.
func (t *transfer) answer(ctx context.Context, u *url.URL, conn net.Conn) (next *url.URL, err error) {
	in := bufio.NewReader(conn)
	head, err := readHead(in)
	t.headerSize += len(head)
	switch {
	case err == nil:
	case timedOut(ctx):
		return nil, t.late()
	case len(head) == 0 && errors.Is(err, io.EOF):
		return nil, curlFailed(curlEmpty, "Empty reply from server")
	default:
		return nil, t.lost(ctx, curlReceive, "Recv", err)
	}
	t.answered = t.w.Clock.Now()
	resp, err := http.ReadResponse(bufio.NewReader(io.MultiReader(bytes.NewReader(head), in)), &http.Request{Method: t.method})
	if err != nil {
		if bytes.HasPrefix(head, []byte("HTTP/")) {
			return nil, curlFailed(curlWrongAnswer, "Invalid response: %v", err)
		}
		return nil, curlFailed(curlUnsupported, "Received HTTP/0.9 when not allowed")
	}
	defer resp.Body.Close()
	t.status, t.kind = resp.StatusCode, resp.Header.Get("Content-Type")
	t.protocol = fmt.Sprintf("%d.%d", resp.ProtoMajor, resp.ProtoMinor)
	if t.verbose {
		for line := range strings.SplitSeq(strings.TrimSuffix(string(head), "\r\n"), "\n") {
			fmt.Fprintf(t.w.Stderr, "< %s\n", strings.TrimRight(line, "\r"))
		}
	}
	t.location = ""
	if to, err := u.Parse(resp.Header.Get("Location")); err == nil && resp.StatusCode/100 == 3 && resp.Header.Get("Location") != "" {
		t.location = to.String()
		if t.follow {
			next = to
			if next.Path == "" {
				next.Path = "/"
			}
		}
	}
	if t.status >= 400 && t.fail {
		return nil, curlFailed(curlHTTPError, "The requested URL returned error: %d", t.status)
	}
	if err := t.save(ctx, u, head, resp, next != nil); err != nil {
		return nil, err
	}
	t.note("Connection #0 to host %s left intact", u.Hostname())
	if t.status >= 400 && t.failBody {
		return nil, curlFailed(curlHTTPError, "The requested URL returned error: %d", t.status)
	}
	return next, nil
}

// readHead reads up to the empty line after the headers, and returns the bytes as they came.
func readHead(in *bufio.Reader) ([]byte, error) {
	var head []byte
	for {
		line, err := in.ReadBytes('\n')
		head = append(head, line...)
		switch {
		case err != nil:
			return head, err
		case len(bytes.TrimRight(line, "\r\n")) == 0, !bytes.HasPrefix(head, []byte("HTTP/")):
			return head, nil
		case len(head) > 300<<10: // curl's limit
			return head, errors.New("too large response headers")
		}
	}
}

// save writes headers, if they are asked for, and the body; a redirect's body is read and dropped.
func (t *transfer) save(ctx context.Context, u *url.URL, head []byte, resp *http.Response, drop bool) error {
	out, err := t.destination(u)
	if err != nil {
		return err
	}
	defer out.Close()
	if t.include || t.head {
		if _, err := out.Write(head); err != nil {
			return curlFailed(curlWrite, "Failure writing output to destination")
		}
	}
	meter := t.meter()
	var to io.Writer = out
	if drop {
		to = io.Discard
	}
	want := resp.ContentLength
	written := &countingWriter{w: to}
	_, err = io.Copy(written, resp.Body)
	t.size = written.n
	meter(want)
	switch {
	case err == nil:
		return nil
	case written.err != nil:
		return curlFailed(curlWrite, "Failure writing output to destination, passed %d returned 0", written.n)
	case timedOut(ctx):
		return t.lateWith(want)
	case errors.Is(err, io.ErrUnexpectedEOF) && want >= 0:
		return curlFailed(curlPartial, "end of response with %d bytes missing", want-t.size)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return curlFailed(curlPartial, "transfer closed with outstanding read data remaining")
	}
	return t.lost(ctx, curlReceive, "Recv", err)
}

// meter prints the head of the progress meter when the output goes into a file, and returns what prints its last line.
func (t *transfer) meter() func(want int64) {
	if t.silent || t.output == "" && !t.remoteName || t.output == "-" {
		return func(int64) {}
	}
	fmt.Fprint(t.w.Stderr, "  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current\n"+
		"                                 Dload  Upload   Total   Spent    Left  Speed\n")
	return func(want int64) {
		speed := int64(float64(t.size) / max(t.w.Clock.Since(t.began).Seconds(), 0.001))
		percent := int64(100)
		if want > 0 {
			percent = t.size * 100 / want
		}
		fmt.Fprintf(t.w.Stderr, "%3d %5d  %3d %5d    0     0 %6d      0 --:--:-- --:--:-- --:--:-- %5d\n", percent,
			max(want, t.size), percent, t.size, speed, speed)
	}
}

// lost words an error of an open connection.
func (t *transfer) lost(ctx context.Context, code int, what string, err error) error {
	if timedOut(ctx) {
		return t.late()
	}
	return curlFailed(code, "%s failure: %s", what, errorText(err))
}

func (t *transfer) late() error {
	return curlFailed(curlTimeout, "Operation timed out after %d milliseconds with %d bytes received",
		t.w.Clock.Since(t.began).Milliseconds(), t.size)
}

func (t *transfer) lateWith(want int64) error {
	if want < 0 {
		return t.late()
	}
	return curlFailed(curlTimeout, "Operation timed out after %d milliseconds with %d out of %d bytes received",
		t.w.Clock.Since(t.began).Milliseconds(), t.size, want)
}

func timedOut(ctx context.Context) bool {
	return ctx.Err() != nil && errors.Is(context.Cause(ctx), context.DeadlineExceeded)
}

func addrPort(a net.Addr) netip.AddrPort {
	ap, _ := netip.ParseAddrPort(a.String()) // the zero value for what has no port
	return ap
}

// countingWriter tells errors of writing from errors of reading.
type countingWriter struct {
	w   io.Writer
	n   int64
	err error
}

// Write implements io.Writer.
func (c *countingWriter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	if err != nil {
		c.err = err
	}
	return n, err
}
