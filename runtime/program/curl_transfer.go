package program

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// curlHops is how many redirects are followed.
const curlHops = 50

// transfer is one URL and what came of it.
type transfer struct {
	*curl
	url, effective, location, method, kind, protocol, scheme string
	began, resolved, connected, secured, sent, answered      time.Time
	ended                                                    time.Time
	size                                                     int64
	status, headerSize, redirects, connects                  int
	local, remote                                            netip.AddrPort
}

// run fetches the URL and follows redirects. The error is a *curlError.
func (t *transfer) run(ctx context.Context) error {
	ctx, cancel := t.w.withTimeout(ctx, t.maxTime)
	defer cancel()
	defer func() { t.ended = t.w.Clock.Now() }()
	u, err := parseURL(t.url)
	if err != nil {
		return err
	}
	t.method = http.MethodGet
	switch {
	case t.curl.method != "":
		t.method = t.curl.method
	case t.head:
		t.method = http.MethodHead
	case t.body != nil && !t.get:
		t.method = http.MethodPost
	}
	body := t.body
	if t.get && body != nil {
		u.RawQuery = strings.TrimPrefix(u.RawQuery+"&"+string(body), "&")
		body = nil
	}
	for {
		t.effective, t.scheme = u.String(), u.Scheme
		next, err := t.once(ctx, u, body)
		if err != nil || next == nil {
			return err
		}
		if t.redirects++; t.redirects > curlHops {
			return curlFailed(curlRedirects, "Maximum (%d) redirects followed", curlHops)
		}
		if t.status != http.StatusTemporaryRedirect && t.status != http.StatusPermanentRedirect && t.curl.method == "" && !t.head {
			t.method, body = http.MethodGet, nil
		}
		u = next
		t.note("Issue another request to this URL: '%s'", u)
	}
}

// parseURL reads a URL as people type it: "web", "web:8080/path", "http://web".
func parseURL(raw string) (*url.URL, error) {
	if !strings.Contains(raw, "://") {
		raw = "http://" + raw
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil && strings.Contains(err.Error(), "port"):
		return nil, curlFailed(curlMalformed, "URL rejected: Port number was not a decimal number between 0 and 65535")
	case err != nil:
		return nil, curlFailed(curlMalformed, "URL rejected: Malformed input to a URL function")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, curlFailed(curlUnsupported, "Protocol \"%s\" not supported", u.Scheme)
	case u.Hostname() == "":
		return nil, curlFailed(curlMalformed, "URL rejected: No host part in the URL")
	}
	if n, err := strconv.Atoi(u.Port()); u.Port() != "" && (err != nil || n > 65535) {
		return nil, curlFailed(curlMalformed, "URL rejected: Port number was not a decimal number between 0 and 65535")
	}
	u.Fragment = ""
	if u.Path == "" {
		u.Path = "/"
	}
	return u, nil
}

// note prints a line of -v.
func (t *transfer) note(format string, args ...any) {
	if t.verbose {
		fmt.Fprintf(t.w.Stderr, "* "+format+"\n", args...)
	}
}

// once makes one request. next is where a redirect that is to be followed leads.
func (t *transfer) once(ctx context.Context, u *url.URL, body []byte) (next *url.URL, err error) {
	conn, err := t.connect(ctx, u)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	request := t.request(u, body)
	if t.verbose {
		head, _, _ := bytes.Cut(request, []byte("\r\n\r\n"))
		for line := range strings.SplitSeq(string(head), "\r\n") {
			fmt.Fprintf(t.w.Stderr, "> %s\n", line)
		}
		fmt.Fprintln(t.w.Stderr, "> ")
	}
	if _, err := conn.Write(request); err != nil {
		return nil, t.lost(ctx, curlSend, "Send", err)
	}
	t.sent = t.w.Clock.Now()
	t.note("Request completely sent off")
	return t.answer(ctx, u, conn)
}

// connect finds the address, connects, and for https shakes hands.
func (t *transfer) connect(ctx context.Context, u *url.URL) (net.Conn, error) {
	host, port := u.Hostname(), u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	began := t.w.Clock.Now()
	ctx, cancel := t.w.withTimeout(ctx, t.connectTimeout)
	defer cancel()
	passed := func() int64 { return t.w.Clock.Since(began).Milliseconds() }
	target := host
	if pinned := t.pinned[host+":"+port]; pinned != "" {
		target = pinned
		t.note("Added %s:%s:%s to DNS cache", host, port, pinned)
	}
	found, err := t.w.Network.Resolve(ctx, target)
	if err != nil {
		if timedOut(ctx) {
			return nil, curlFailed(curlTimeout, "Resolving timed out after %d milliseconds", passed())
		}
		t.note("Could not resolve host: %s", host)
		return nil, curlFailed(curlResolve, "Could not resolve host: %s", host)
	}
	t.resolved = t.w.Clock.Now()
	if _, err := netip.ParseAddr(host); err != nil {
		t.noteAddresses(host, port, found)
	}
	var conn net.Conn
	for _, a := range found {
		to := net.JoinHostPort(a.Unmap().String(), port)
		t.note("  Trying %s...", to)
		if conn, err = t.w.Network.Dial(ctx, "tcp", to); err == nil || timedOut(ctx) {
			break
		}
		t.note("connect to %s port %s from %s port 0 failed: %s", a, port, ownAddress(t.w), errorText(err))
	}
	switch {
	case conn == nil && timedOut(ctx):
		return nil, curlFailed(curlTimeout, "Connection timed out after %d milliseconds", passed())
	case conn == nil && errors.Is(err, syscall.ETIMEDOUT):
		return nil, curlFailed(curlTimeout, "Failed to connect to %s port %s after %d ms: Could not connect to server", host, port,
			passed())
	case conn == nil:
		return nil, curlFailed(curlConnect, "Failed to connect to %s port %s after %d ms: Could not connect to server", host, port,
			passed())
	}
	t.connects++
	t.connected = t.w.Clock.Now()
	t.local, t.remote = addrPort(conn.LocalAddr()), addrPort(conn.RemoteAddr())
	t.note("Connected to %s (%s) port %s", host, t.remote.Addr(), port)
	if u.Scheme == "https" {
		return t.secure(ctx, conn, host, passed)
	}
	return conn, nil
}

func (t *transfer) noteAddresses(host, port string, found []netip.Addr) {
	t.note("Host %s:%s was resolved.", host, port)
	var v4, v6 []string
	for _, a := range found {
		if a.Unmap().Is4() {
			v4 = append(v4, a.Unmap().String())
		} else {
			v6 = append(v6, a.String())
		}
	}
	for _, family := range []struct {
		name string
		all  []string
	}{{"IPv6", v6}, {"IPv4", v4}} {
		if len(family.all) == 0 {
			family.all = []string{"(none)"}
		}
		t.note("%s: %s", family.name, strings.Join(family.all, ", "))
	}
}

// secure shakes hands. Only the authorities of --cacert are trusted: there are no others in an image, and the machine's
// have no business here.
func (t *transfer) secure(ctx context.Context, conn net.Conn, host string, passed func() int64) (net.Conn, error) {
	cfg := &tls.Config{ServerName: host, InsecureSkipVerify: t.insecure, RootCAs: x509.NewCertPool(), //nolint:gosec // -k asks for it
		NextProtos: []string{"http/1.1"}}
	if t.caFile != "" {
		pem, err := t.w.readFile(t.w.Abs(t.caFile))
		if err != nil || !cfg.RootCAs.AppendCertsFromPEM(pem) {
			_ = conn.Close()
			return nil, curlFailed(curlCAFile, "error setting certificate file: %s", t.caFile)
		}
	}
	secure := tls.Client(conn, cfg)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		if timedOut(ctx) {
			return nil, curlFailed(curlTimeout, "SSL connection timeout")
		}
		return nil, tlsError(host, err)
	}
	t.secured = t.w.Clock.Now()
	state := secure.ConnectionState()
	t.note("SSL connection using %s / %s", tls.VersionName(state.Version), tls.CipherSuiteName(state.CipherSuite))
	if len(state.PeerCertificates) > 0 {
		cert := state.PeerCertificates[0]
		t.note("Server certificate:")
		t.note(" subject: %s", cert.Subject)
		t.note(" start date: %s", cert.NotBefore.UTC().Format("Jan _2 15:04:05 2006 GMT"))
		t.note(" expire date: %s", cert.NotAfter.UTC().Format("Jan _2 15:04:05 2006 GMT"))
		t.note(" issuer: %s", cert.Issuer)
		if t.insecure {
			t.note(" SSL certificate verification is not enabled, continuing anyway.")
		} else {
			t.note(" SSL certificate verify ok.")
		}
	}
	return secure, nil
}

// tlsError words a failed handshake as curl with OpenSSL does.
func tlsError(host string, err error) error {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var header tls.RecordHeaderError
	const more = "\nMore details here: https://curl.se/docs/sslcerts.html\n\n" +
		"curl failed to verify the legitimacy of the server and therefore could not\n" +
		"establish a secure connection to it. To learn more about this situation and\n" +
		"how to fix it, please visit the webpage mentioned above."
	switch {
	case errors.As(err, &unknown):
		return curlFailed(curlCertificate, "SSL certificate problem: unable to get local issuer certificate%s", more)
	case errors.As(err, &name):
		return curlFailed(curlCertificate, "SSL: no alternative certificate subject name matches target host name '%s'%s", host, more)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return curlFailed(curlCertificate, "SSL certificate problem: certificate has expired%s", more)
	case errors.As(err, &header):
		return curlFailed(curlTLS, "TLS connect error: error:0A00010B:SSL routines::wrong version number")
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.EOF):
		return curlFailed(curlTLS, "Recv failure: Connection reset by peer")
	}
	return curlFailed(curlTLS, "TLS connect error: %v", err)
}

// request is the bytes of the request, with the headers in curl's order.
func (t *transfer) request(u *url.URL, body []byte) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", t.method, u.RequestURI())
	header := func(name, value string) {
		for _, h := range t.headers {
			if own, _, _ := strings.Cut(h, ":"); strings.EqualFold(strings.TrimSpace(own), name) {
				return // -H replaces it, or takes it away
			}
		}
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\r\n", name, value)
		}
	}
	header("Host", u.Host)
	user := t.user
	if user == "" && u.User != nil {
		user = u.User.String()
	}
	if user != "" {
		header("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(user)))
	}
	header("User-Agent", t.agent)
	header("Accept", "*/*")
	header("Referer", t.referer)
	header("Cookie", t.cookie)
	for _, h := range t.headers {
		name, value, ok := strings.Cut(h, ":")
		switch {
		case ok && strings.TrimSpace(value) != "":
			fmt.Fprintf(&b, "%s: %s\r\n", name, strings.TrimSpace(value))
		case !ok && strings.HasSuffix(h, ";"):
			fmt.Fprintf(&b, "%s:\r\n", strings.TrimSuffix(h, ";"))
		}
	}
	if body != nil {
		header("Content-Length", strconv.Itoa(len(body)))
		header("Content-Type", t.contentType)
	}
	b.WriteString("\r\n")
	b.Write(body)
	return b.Bytes()
}
