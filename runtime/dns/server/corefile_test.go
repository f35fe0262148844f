package server

import (
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/kubestep/kubestep/assets"
)

func TestCorefile(t *testing.T) {
	for _, tt := range []struct {
		name, text, err string
		directives      []string
		health, ready   string
	}{
		{name: "kubeadm's", text: kubeadm(t), directives: []string{"loadbalance", "cache", "kubernetes", "forward"},
			health: ":8080", ready: ":8181"},
		{name: "ports of one's own", text: ".:53 {\nhealth :1\nready :2\n}", health: ":1", ready: ":2"},
		{name: "zones", text: "a.test b.test {\ntemplate ANY ANY {\nrcode NXDOMAIN\n}\n}\n. {\nforward . 1.1.1.1\n}",
			directives: []string{"template", "forward"}},
		{name: "a plugin that the lab has not", text: ". {\netcd\n}", err: "the lab's CoreDNS has:"},
		{name: "another port", text: ".:5353 {\n}", err: "port 53 only"},
		{name: "lameduck of no length", text: ". {\nhealth {\nlameduck x\n}\n}", err: "lameduck"},
		{name: "nothing", text: "", err: "no server block"},
		{name: "a brace too few", text: ". {\nforward . 1.1.1.1\n", err: "Corefile"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := parseCorefile(tt.text)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("error %v, want one with %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, b := range c.blocks {
				for _, d := range b.directives {
					got = append(got, d.name)
				}
			}
			if strings.Join(got, " ") != strings.Join(tt.directives, " ") {
				t.Errorf("directives %v, want %v", got, tt.directives)
			}
			if c.health != tt.health || c.ready != tt.ready {
				t.Errorf("health %q, ready %q, want %q, %q", c.health, c.ready, tt.health, tt.ready)
			}
		})
	}
}

// kubeadm returns the Corefile in the manifest.
func kubeadm(t *testing.T) string {
	t.Helper()
	_, text, ok := strings.Cut(string(assets.CoreDNS), "Corefile: |\n")
	text, _, ok2 := strings.Cut(text, "\n---")
	if !ok || !ok2 {
		t.Fatal("no Corefile in the manifest")
	}
	return strings.ReplaceAll("\n"+text, "\n    ", "\n")
}

func TestOutside(t *testing.T) {
	for _, tt := range []struct {
		name   string
		qtype  uint16
		want   string
		exists bool
	}{
		{"example.com.", dns.TypeA, "192.0.2.10", true},
		{"www.example.com.", dns.TypeA, "example.com. 192.0.2.10", true},
		{"www.example.com.", dns.TypeAAAA, "example.com.", true},
		{"www.example.com.", dns.TypeCNAME, "example.com.", true},
		{"example.com.", dns.TypeAAAA, "", true},
		{"com.", dns.TypeA, "", true},
		{"nope.example.com.", dns.TypeA, "", false},
		{"kubernetes.io.", dns.TypeA, "", false},
	} {
		t.Run(tt.name+" "+dns.TypeToString[tt.qtype], func(t *testing.T) {
			found, exists, err := lookUp(tt.name, tt.qtype)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, rr := range found {
				got = append(got, strings.TrimPrefix(rr.String(), rr.Header().String()))
			}
			if strings.Join(got, " ") != tt.want || exists != tt.exists {
				t.Errorf("%v, exists %t, want %q, %t", got, exists, tt.want, tt.exists)
			}
		})
	}
}
