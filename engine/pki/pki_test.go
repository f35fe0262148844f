package pki

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

func options(dir string) Options {
	return Options{
		Dir: dir, ServiceIP: net.IPv4(10, 96, 0, 1),
		Nodes: []Node{{Name: "node-1", Address: net.IPv4(192, 168, 0, 1)}},
	}
}

func ensure(t *testing.T, o Options) *Files {
	t.Helper()
	files, err := Ensure(o)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// contents returns what is in each file of dir.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		raw, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", e.Name(), info.Mode())
		}
		all[e.Name()] = string(raw)
	}
	return all
}

// changed returns the names of the files that differ.
func changed(before, after map[string]string) map[string]bool {
	names := map[string]bool{}
	for name, content := range after {
		if before[name] != content {
			names[name] = true
		}
	}
	return names
}

func TestFilesAreKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "pki")
	first := ensure(t, options(dir))
	before := contents(t, dir)
	second := ensure(t, options(dir))
	if !reflect.DeepEqual(first, second) {
		t.Errorf("files moved: %+v, then %+v", first, second)
	}
	if c := changed(before, contents(t, dir)); len(c) != 0 {
		t.Errorf("made anew without need: %v", c)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("directory: %v, %v", info.Mode(), err)
	}
}

func TestMending(t *testing.T) {
	write := func(name, content string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, test := range []struct {
		name   string
		damage func(*testing.T, string)
		change func(*Options)
		want   []string // made anew
		kept   []string
	}{
		{name: "a certificate is cut", damage: write("admin.crt", "-----BEGIN"), want: []string{"admin.crt", "admin.key"}, kept: []string{"ca.crt", "scheduler.crt"}},
		{name: "a key is lost", damage: func(t *testing.T, dir string) { _ = os.Remove(filepath.Join(dir, "service-account.key")) },
			want: []string{"service-account.key"}, kept: []string{"ca.crt"}},
		{name: "the authority is lost", damage: write("ca.key", ""), want: []string{"ca.crt", "apiserver.crt", "node-1.crt"}, kept: []string{"front-proxy-ca.crt", "service-account.key"}},
		{name: "a year has passed", change: func(o *Options) { o.Now = func() time.Time { return time.Now().Add(340 * 24 * time.Hour) } },
			want: []string{"apiserver.crt", "admin.crt"}, kept: []string{"ca.crt"}},
		{name: "a node has moved", change: func(o *Options) { o.Nodes[0].Address = net.IPv4(192, 168, 0, 9) },
			want: []string{"node-1-serving.crt"}, kept: []string{"node-1.crt", "apiserver.crt"}},
		{name: "one key under another's certificate", damage: func(t *testing.T, dir string) {
			raw, err := os.ReadFile(filepath.Join(dir, "admin.key"))
			if err != nil {
				t.Fatal(err)
			}
			write("scheduler.key", string(raw))(t, dir)
		}, want: []string{"scheduler.crt", "scheduler.key"}, kept: []string{"admin.crt"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "pki")
			o := options(dir)
			ensure(t, o)
			before := contents(t, dir)
			if test.damage != nil {
				test.damage(t, dir)
			}
			if test.change != nil {
				test.change(&o)
			}
			ensure(t, o)
			anew := changed(before, contents(t, dir))
			for _, name := range test.want {
				if !anew[name] {
					t.Errorf("%s was kept", name)
				}
			}
			for _, name := range test.kept {
				if anew[name] {
					t.Errorf("%s was made anew", name)
				}
			}
		})
	}
}

func TestErrorsNameTheFile(t *testing.T) {
	dir := t.TempDir()
	blocked := filepath.Join(dir, "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Ensure(options(filepath.Join(blocked, "pki"))); err == nil {
		t.Error("a directory was made below a file")
	}
}

// TestCertificatesWork has a server ask for a client certificate, as the API server does.
func TestCertificatesWork(t *testing.T) {
	dir := t.TempDir()
	files := ensure(t, options(filepath.Join(dir, "pki")))
	pool := x509.NewCertPool()
	ca, err := os.ReadFile(files.CA.CertFile)
	if err != nil || !pool.AppendCertsFromPEM(ca) {
		t.Fatalf("reading the authority: %v", err)
	}
	serving, err := tls.LoadX509KeyPair(files.Server.CertFile, files.Server.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		subject := r.TLS.PeerCertificates[0].Subject
		_, _ = io.WriteString(w, subject.CommonName+" "+subject.Organization[0])
	}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{serving}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert}
	server.StartTLS()
	defer server.Close()

	kubeconfig := filepath.Join(dir, "node.kubeconfig")
	if err := WriteKubeconfig(kubeconfig, server.URL, files.CA, "system:node:node-1", files.Nodes["node-1"].Client); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(kubeconfig); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("kubeconfig: %v, %v", info.Mode(), err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	httpClient, err := rest.HTTPClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	response, err := httpClient.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); err != nil || string(body) != "system:node:node-1 system:nodes" {
		t.Errorf("the server saw %q, %v", body, err)
	}
}
