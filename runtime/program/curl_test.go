package program_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"
)

// serve runs an HTTP server in the server's Pod; hold is closed when somebody has asked for /hold, which never answers.
func (c *cluster) serve(l net.Listener) (hold chan struct{}) {
	c.t.Helper()
	hold = make(chan struct{}, 10)
	release := make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		rw.Header()["Date"] = nil
		fmt.Fprintf(rw, "%s %s %s %s %s\n", r.Method, r.URL, r.Header.Get("Content-Type"), r.Header.Get("X-Own"), body)
	})
	mux.HandleFunc("/moved", func(rw http.ResponseWriter, r *http.Request) { http.Redirect(rw, r, "/there", http.StatusFound) })
	mux.HandleFunc("/round", func(rw http.ResponseWriter, r *http.Request) { http.Redirect(rw, r, "/round", http.StatusFound) })
	mux.HandleFunc("/hang", func(http.ResponseWriter, *http.Request) {
		hold <- struct{}{}
		<-release
	})
	mux.HandleFunc("/nope", http.NotFound)
	mux.HandleFunc("/empty", func(rw http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(rw).Hijack()
		if err == nil {
			conn.Close()
		}
	})
	server := &http.Server{Handler: mux, ErrorLog: log.New(io.Discard, "", 0)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l) // closed below
	}()
	c.t.Cleanup(func() {
		close(release)
		server.Close()
		<-done
	})
	return hold
}

func (c *cluster) listen(port string) net.Listener {
	c.t.Helper()
	l, err := c.server.Listen(c.t.Context(), "tcp", ":"+port)
	if err != nil {
		c.t.Fatal(err)
	}
	return l
}

func TestCurl(t *testing.T) {
	c := newCluster(t)
	c.serve(c.listen("80"))
	for _, tt := range []struct {
		name, line, out, errOut string
		code                    int
	}{
		{"get", "curl web/path?q=1", "GET /path?q=1   \n", "", 0},
		{"by address", "curl http://10.244.2.2:80", "GET /   \n", "", 0},
		{"post", "curl -d a=1 -d b=2 web", "POST / application/x-www-form-urlencoded  a=1&b=2\n", "", 0},
		{"post a file", "echo x > f; curl -d @f web", "POST / application/x-www-form-urlencoded  x\n", "", 0},
		{"json", `curl --json '{"a":1}' web`, "POST / application/json  {\"a\":1}\n", "", 0},
		{"query from data", "curl -G -d a=1 web", "GET /?a=1   \n", "", 0},
		{"method and header", "curl -XPUT -H 'X-Own: me' web", "PUT /  me \n", "", 0},
		{"headers too", "curl -si web", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nGET /   \n", "", 0},
		{"head", "curl -sI web/nope | head -n 1", "HTTP/1.1 404 Not Found\n", "", 0},
		{"file", "curl -s -o f web; cat f", "GET /   \n", "", 0},
		{"remote name", "curl -sO web/name; cat name", "GET /name   \n", "", 0},
		{"write out", `curl -s -o /dev/null -w '%{http_code} %{remote_ip}:%{remote_port} %{size_download}\n' web/nope`,
			"404 10.244.2.2:80 19\n", "", 0},
		{"not followed", "curl -s -o /dev/null -w '%{http_code}' web/moved", "302", "", 0},
		{"followed", "curl -sL web/moved", "GET /there   \n", "", 0},
		{"round and round", "curl -sSL web/round", "", "curl: (47) Maximum (50) redirects followed\n", 47},
		{"resolve", "curl --resolve other:80:10.244.2.2 other/x", "GET /x   \n", "", 0},
		{"error status is an answer", "curl web/nope", "404 page not found\n", "", 0},
		{"fail", "curl -f web/nope", "", "curl: (22) The requested URL returned error: 404\n", 22},
		{"no such host", "curl nope", "", "curl: (6) Could not resolve host: nope\n", 6},
		{"silent", "curl -s nope", "", "", 6},
		{"silent but for errors", "curl -sS nope", "", "curl: (6) Could not resolve host: nope\n", 6},
		{"refused", "curl -w '%{http_code}' web:81", "000", "", 7},
		{"empty", "curl web/empty", "", "curl: (52) Empty reply from server\n", 52},
		{"plain at https", "curl https://web:80", "", "curl: (35) TLS connect error: error:0A00010B:SSL routines::wrong version number\n", 35},
		{"other protocol", "curl ftp://web", "", "curl: (1) Protocol \"ftp\" not supported\n", 1},
		{"two", "curl web/1 web/2", "GET /1   \nGET /2   \n", "", 0},
		{"no URL", "curl", "", "curl: (2) no URL specified\ncurl: try 'curl --help' or 'curl --manual' for more information\n", 2},
		{"unknown option", "curl --nope web", "", "curl: option --nope: is unknown\ncurl: try 'curl --help' or 'curl --manual' for more information\n", 2},
		{"value missing", "curl web -m", "", "curl: option -m: requires parameter\ncurl: try 'curl --help' or 'curl --manual' for more information\n", 2},
		{"not a number", "curl -m x web", "", "curl: option -m: expected a proper numerical parameter\ncurl: try 'curl --help' or 'curl --manual' for more information\n", 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, errOut, code := c.run(tt.line)
			if tt.name == "refused" { // how long it took is not fixed
				if !strings.HasPrefix(errOut, "curl: (7) Failed to connect to web port 81 after ") {
					t.Errorf("errors %q", errOut)
				}
				errOut = ""
			}
			if out != tt.out || errOut != tt.errOut || code != tt.code {
				t.Errorf("%s:\n%q, errors %q, exit code %d; want\n%q, %q, %d", tt.line, out, errOut, code, tt.out, tt.errOut, tt.code)
			}
		})
	}
}

func TestCurlVerbose(t *testing.T) {
	c := newCluster(t)
	c.serve(c.listen("80"))
	_, errOut, _ := c.run("curl -v -o /dev/null -s web/x")
	for _, want := range []string{"* Connected to web (10.244.2.2) port 80\n", "> GET /x HTTP/1.1\n> Host: web\n> User-Agent: curl/",
		"< HTTP/1.1 200 OK\n", "< Content-Length: 10\n"} {
		if !strings.Contains(errOut, want) {
			t.Errorf("%q is not in\n%s", want, errOut)
		}
	}
}

// The time that curl may take is the program's clock's: what is held costs nothing of it.
func TestCurlTimesOutOnItsOwnClock(t *testing.T) {
	c := newCluster(t)
	own := clocktesting.NewFakeClock(time.Unix(0, 0))
	c.clock = own
	asked := c.serve(c.listen("80"))
	p := c.world(c.client, "curl", "-sS", "-m", "5", "web/hang")
	p.start(t, nil)
	<-asked
	own.Step(4 * time.Second)
	select {
	case code := <-p.code:
		t.Fatalf("gave up too early, exit code %d, errors %s", code, p.errOut)
	default:
	}
	own.Step(time.Second)
	code := <-p.code
	want := "curl: (28) Operation timed out after 5000 milliseconds with 0 bytes received\n"
	if p.errOut.String() != want || code != 28 {
		t.Errorf("errors %q, exit code %d, want %q, 28", p.errOut, code, want)
	}
}

func TestCurlHTTPS(t *testing.T) {
	c := newCluster(t)
	cert, ca := selfSigned(t, "web")
	c.serve(tls.NewListener(c.listen("443"), &tls.Config{Certificates: []tls.Certificate{cert}}))
	for _, tt := range []struct {
		args, out, errOut string
		code              int
	}{
		{"--cacert ca.crt https://web/x", "GET /x   \n", "", 0},
		{"-k https://web/x", "GET /x   \n", "", 0},
		{"https://web/x", "", "curl: (60) SSL certificate problem: unable to get local issuer certificate\n", 60},
		{"--cacert ca.crt https://10.244.2.2/x", "", "curl: (60) SSL: no alternative certificate subject name matches target host name '10.244.2.2'\n", 60},
		{"--cacert nope https://web/x", "", "curl: (77) error setting certificate file: nope\n", 77},
	} {
		p := c.world(c.client, append([]string{"curl"}, strings.Fields(tt.args)...)...)
		p.write("ca.crt", ca)
		p.start(t, nil)
		code := <-p.code
		if p.out.String() != tt.out || !strings.HasPrefix(p.errOut.String(), tt.errOut) || code != tt.code {
			t.Errorf("%s: %q, errors %q, exit code %d; want %q, %q, %d", tt.args, p.out, p.errOut, code, tt.out, tt.errOut, tt.code)
		}
	}
}

// selfSigned is a certificate for a name that signs itself, and the same as PEM.
func selfSigned(t *testing.T, name string) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key},
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}
