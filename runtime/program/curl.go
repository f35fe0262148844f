package program

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"os"
	"path"
	"strconv"
	"strings"
	"time"
)

// curlVersion is what this curl calls itself. Options and messages are those of this version of the real one.
const curlVersion = "curl/8.11.0"

const curlHelp = `Usage: curl [options...] <url>
 -d, --data <data>           HTTP POST data
 -f, --fail                  Fail fast with no output on HTTP errors
 -h, --help                  Get help for commands
 -H, --header <header/@file> Pass custom header(s) to server
 -i, --show-headers          Show response headers in output
 -I, --head                  Show document info only
 -k, --insecure              Allow insecure server connections
 -L, --location              Follow redirects
 -m, --max-time <seconds>    Maximum time allowed for transfer
 -o, --output <file>         Write to file instead of stdout
 -O, --remote-name           Write output to file named as remote file
 -s, --silent                Silent mode
 -S, --show-error            Show error even when -s is used
 -u, --user <user:password>  Server user and password
 -v, --verbose               Make the operation more talkative
 -w, --write-out <format>    Use output FORMAT after completion
 -X, --request <method>      Specify request method to use
     --cacert <file>         CA certificate to verify peer against
     --connect-timeout <seconds> Maximum time allowed to connect
     --resolve <host:port:addr> Resolve host+port to address
     --retry <num>           Retry request if transient problems occur
`

// The exit codes of curl that can happen here: libcurl's CURLcode.
const (
	curlUnsupported = 1
	curlInit        = 2
	curlMalformed   = 3
	curlResolve     = 6
	curlConnect     = 7
	curlWrongAnswer = 8
	curlPartial     = 18
	curlHTTPError   = 22
	curlWrite       = 23
	curlRead        = 26
	curlTimeout     = 28
	curlTLS         = 35
	curlRedirects   = 47
	curlEmpty       = 52
	curlSend        = 55
	curlReceive     = 56
	curlCertificate = 60
	curlCAFile      = 77
)

// curlError is an error with its exit code.
type curlError struct {
	code int
	text string
}

// Error implements error.
func (e *curlError) Error() string { return e.text }

func curlFailed(code int, format string, args ...any) error {
	return &curlError{code: code, text: fmt.Sprintf(format, args...)}
}

// curl is a run of curl.
type curl struct {
	w *World

	silent, showError, verbose, include, head, fail, failBody, follow, insecure, get, remoteName, help, version, retryRefused bool
	output, writeOut, method, user, agent, caFile, cookie, referer                                                            string
	headers, data, resolve                                                                                                    []string
	contentType                                                                                                               string
	maxTime, connectTimeout, retryDelay                                                                                       time.Duration
	retries                                                                                                                   int

	body []byte
	// pinned are the addresses of --resolve, by "host:port".
	pinned map[string]string
}

// curlApplet fetches URLs over HTTP and HTTPS, with the options that people type, and the messages and exit codes of the real
// one. All its time-outs are on the program's clock.
func curlApplet(ctx context.Context, w *World) int {
	c := &curl{w: w, agent: curlVersion, pinned: map[string]string{}}
	urls, err := c.parse(w.Args[1:])
	if err == nil {
		err = c.prepare()
	}
	switch {
	case c.help:
		_, _ = io.WriteString(w.Stdout, curlHelp)
		return 0
	case c.version:
		fmt.Fprintf(w.Stdout, "%s (kubestep)\nProtocols: http https\n", strings.Replace(curlVersion, "/", " ", 1))
		return 0
	case err == nil && len(urls) == 0:
		err = curlFailed(curlInit, "no URL specified")
	}
	var wrong *optionError
	var failure *curlError
	switch {
	case errors.As(err, &wrong):
		fmt.Fprintf(w.Stderr, "curl: %s\ncurl: try 'curl --help' or 'curl --manual' for more information\n", wrong.curl())
		return curlInit
	case errors.As(err, &failure) && failure.code == curlInit:
		fmt.Fprintf(w.Stderr, "curl: (%d) %v\ncurl: try 'curl --help' or 'curl --manual' for more information\n", failure.code, err)
		return curlInit
	case err != nil:
		return c.report(err)
	}
	code := 0
	for _, u := range urls {
		code = c.fetch(ctx, u)
	}
	return code
}

// curl words a mistake in the command line as curl does.
func (e *optionError) curl() string {
	switch e.kind {
	case missingValue:
		return fmt.Sprintf("option %s: requires parameter", e.option)
	case badValue:
		return fmt.Sprintf("option %s: expected a proper numerical parameter", e.option)
	case unwantedValue:
		return fmt.Sprintf("option %s: the given option cannot take a parameter", e.option)
	}
	return fmt.Sprintf("option %s: is unknown", e.option)
}

func (c *curl) parse(args []string) (urls []string, err error) {
	var o options
	o.flag(&c.silent, "s", "silent")
	o.flag(&c.showError, "S", "show-error")
	o.flag(&c.verbose, "v", "verbose")
	o.flag(&c.include, "i", "include", "show-headers")
	o.flag(&c.head, "I", "head")
	o.flag(&c.fail, "f", "fail")
	o.flag(&c.failBody, "fail-with-body")
	o.flag(&c.follow, "L", "location")
	o.flag(&c.insecure, "k", "insecure")
	o.flag(&c.get, "G", "get")
	o.flag(&c.remoteName, "O", "remote-name")
	o.flag(&c.help, "h", "help")
	o.flag(&c.version, "V", "version")
	o.ignore("4", "ipv4", "N", "no-buffer", "http1.1", "http2", "no-progress-meter", "compressed", "g", "globoff", "q",
		"no-keepalive", "path-as-is")
	o.flag(&c.retryRefused, "retry-connrefused")
	o.text(&c.output, "o", "output")
	o.text(&c.writeOut, "w", "write-out")
	o.text(&c.method, "X", "request")
	o.text(&c.user, "u", "user")
	o.text(&c.agent, "A", "user-agent")
	o.text(&c.caFile, "cacert")
	o.text(&c.cookie, "b", "cookie")
	o.text(&c.referer, "e", "referer")
	o.seconds(&c.maxTime, "m", "max-time")
	o.seconds(&c.connectTimeout, "connect-timeout")
	o.seconds(&c.retryDelay, "retry-delay")
	o.number(&c.retries, 0, math.MaxInt32, "retry")
	list := func(to *[]string, names ...string) {
		o.call(func(v string) error { *to = append(*to, v); return nil }, names...)
	}
	list(&c.headers, "H", "header")
	list(&c.resolve, "resolve")
	list(&urls, "url")
	data := func(prefix string, names ...string) {
		o.call(func(v string) error { c.data = append(c.data, prefix+v); return nil }, names...)
	}
	data("d", "d", "data", "data-ascii")
	data("b", "data-binary")
	data("r", "data-raw")
	data("j", "json")
	data("u", "data-urlencode")
	rest, err := o.parse(args)
	return append(urls, rest...), err
}

// prepare reads what the options name.
func (c *curl) prepare() error {
	for _, pin := range c.resolve {
		host, rest, _ := strings.Cut(strings.TrimPrefix(pin, "+"), ":")
		port, address, ok := strings.Cut(rest, ":")
		if !ok || host == "" || address == "" {
			return curlFailed(49, "Couldn't parse CURLOPT_RESOLVE entry '%s'", pin)
		}
		c.pinned[host+":"+port] = strings.Trim(strings.Split(address, ",")[0], "[]")
	}
	var parts []string
	for _, d := range c.data {
		kind, value := d[0], d[1:]
		text, err := c.dataPart(kind, value)
		if err != nil {
			return err
		}
		if kind == 'j' {
			c.contentType = "application/json"
			c.headers = append(c.headers, "Accept: application/json")
		}
		parts = append(parts, text)
	}
	if c.data == nil {
		return nil
	}
	if c.contentType == "" {
		c.contentType = "application/x-www-form-urlencoded"
		c.body = []byte(strings.Join(parts, "&"))
		return nil
	}
	c.body = []byte(strings.Join(parts, ""))
	return nil
}

func (c *curl) dataPart(kind byte, value string) (string, error) {
	if kind == 'u' {
		if name, v, ok := strings.Cut(value, "="); ok {
			if name == "" {
				return url.QueryEscape(v), nil
			}
			return name + "=" + url.QueryEscape(v), nil
		}
		return url.QueryEscape(value), nil
	}
	if kind == 'r' || !strings.HasPrefix(value, "@") {
		return value, nil
	}
	var b []byte
	var err error
	if value == "@-" {
		b, err = io.ReadAll(c.w.Stdin)
	} else {
		b, err = c.w.readFile(c.w.Abs(value[1:]))
	}
	if err != nil {
		return "", curlFailed(curlRead, "Failed to open %s", value[1:])
	}
	if kind == 'd' { // -d leaves out line ends of files
		return strings.NewReplacer("\r", "", "\n", "").Replace(string(b)), nil
	}
	return string(b), nil
}

// fetch gets a URL, again if that was asked for, and returns the exit code.
func (c *curl) fetch(ctx context.Context, raw string) int {
	pause := max(c.retryDelay, time.Second)
	for left := c.retries; ; left-- {
		t := &transfer{curl: c, url: raw, began: c.w.Clock.Now()}
		err := t.run(ctx)
		if left > 0 && ctx.Err() == nil && t.transient(err) {
			if err != nil {
				c.report(err)
			}
			if !c.silent || c.showError {
				fmt.Fprintf(c.w.Stderr, "Warning: Problem: %s. Will retry in %g seconds. %d retries left.\n", t.problem(err),
					pause.Seconds(), left)
			}
			wait(ctx, c.w, pause, nil)
			if c.retryDelay == 0 {
				pause *= 2
			}
			continue
		}
		if err != nil {
			c.report(err)
		}
		if c.writeOut != "" {
			_, _ = io.WriteString(c.w.Stdout, t.variables(c.writeOut, err))
		}
		return codeOf(err)
	}
}

// report prints an error, unless it is not to be seen, and returns its code.
func (c *curl) report(err error) int {
	if !c.silent || c.showError {
		fmt.Fprintf(c.w.Stderr, "curl: (%d) %v\n", codeOf(err), err)
	}
	return codeOf(err)
}

func codeOf(err error) int {
	var e *curlError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &e):
		return e.code
	}
	return curlReceive
}

// transient reports whether curl --retry tries again after err.
func (t *transfer) transient(err error) bool {
	switch codeOf(err) {
	case curlResolve, curlTimeout:
		return true
	case curlConnect:
		return t.curl.retryRefused
	}
	switch t.status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

func (t *transfer) problem(err error) string {
	switch codeOf(err) {
	case curlResolve:
		return "name resolution"
	case curlConnect:
		return "connection refused"
	case curlTimeout:
		return "timeout"
	}
	return "HTTP error"
}

// destination opens where the body goes.
func (c *curl) destination(u *url.URL) (io.WriteCloser, error) {
	name := c.output
	if name == "" && c.remoteName {
		if name = path.Base(u.Path); name == "/" || name == "." {
			name = "curl_response"
		}
	}
	if name == "" || name == "-" {
		return keepOpen{c.w.Stdout}, nil
	}
	f, err := c.w.Files.OpenFile(c.w.Abs(name), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		fmt.Fprintf(c.w.Stderr, "Warning: Failed to open the file %s: %v\n", name, errors.Unwrap(err))
		return nil, curlFailed(curlWrite, "client returned ERROR on write, 0 bytes written")
	}
	return f, nil
}

// keepOpen is a writer whose owner closes it.
type keepOpen struct{ io.Writer }

// Close implements io.Closer.
func (keepOpen) Close() error { return nil }

// variables fills in what -w asks for.
func (t *transfer) variables(format string, err error) string {
	seconds := func(at time.Time) string {
		if at.IsZero() {
			return "0.000000"
		}
		return strconv.FormatFloat(at.Sub(t.began).Seconds(), 'f', 6, 64)
	}
	text := strings.NewReplacer(`\n`, "\n", `\t`, "\t", `\r`, "\r", "%%", "\x00").Replace(format)
	message := ""
	if err != nil {
		message = err.Error()
	}
	values := map[string]string{
		"http_code": fmt.Sprintf("%03d", t.status), "response_code": fmt.Sprintf("%03d", t.status),
		"time_total": seconds(t.ended), "time_namelookup": seconds(t.resolved), "time_connect": seconds(t.connected),
		"time_appconnect": seconds(t.secured), "time_starttransfer": seconds(t.answered), "time_pretransfer": seconds(t.sent),
		"size_download": strconv.FormatInt(t.size, 10), "size_header": strconv.Itoa(t.headerSize),
		"remote_ip": t.remote.Addr().String(), "remote_port": strconv.Itoa(int(t.remote.Port())),
		"local_ip": t.local.Addr().String(), "local_port": strconv.Itoa(int(t.local.Port())),
		"url": t.url, "url_effective": t.effective, "num_redirects": strconv.Itoa(t.redirects), "method": t.method,
		"content_type": t.kind, "exitcode": strconv.Itoa(codeOf(err)), "errormsg": message, "redirect_url": t.location,
		"num_connects": strconv.Itoa(t.connects), "http_version": t.protocol, "scheme": t.scheme,
	}
	if !t.remote.IsValid() {
		values["remote_ip"], values["local_ip"] = "", ""
	}
	for name, value := range values {
		text = strings.ReplaceAll(text, "%{"+name+"}", value)
	}
	return strings.ReplaceAll(text, "\x00", "%")
}
