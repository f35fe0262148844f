package resolver_test

import (
	"fmt"
	"testing"

	"github.com/kubestep/kubestep/runtime/dns/resolver"
)

func TestParseConfig(t *testing.T) {
	for _, tt := range []struct{ name, text, hostname, env, want string }{
		{"empty", "", "web-0", "", "[127.0.0.1:53] [] ndots 1 timeout 5s attempts 2"},
		{"a Pod's", podConf, "web-0", "",
			"[10.96.0.10:53] [default.svc.cluster.local svc.cluster.local cluster.local] ndots 5 timeout 5s attempts 2"},
		{"three servers at most", "nameserver 10.0.0.1\nnameserver x\nnameserver 10.0.0.2\nnameserver 10.0.0.3\nnameserver 10.0.0.4",
			"", "", "[10.0.0.1:53 10.0.0.2:53 10.0.0.3:53] [] ndots 1 timeout 5s attempts 2"},
		{"limits", "options ndots:99 timeout:99 attempts:99", "", "", "[127.0.0.1:53] [] ndots 15 timeout 30s attempts 5"},
		{"odd numbers", "options ndots:x timeout:7s attempts:", "", "", "[127.0.0.1:53] [] ndots 0 timeout 7s attempts 0"},
		{"comments, tabs, final dots", "# search no.test\n;search no.test\nsearch\ta.test.\t.\n", "", "",
			"[127.0.0.1:53] [a.test .] ndots 1 timeout 5s attempts 2"},
		{"the last list", "search a.test b.test\ndomain c.test d.test", "", "",
			"[127.0.0.1:53] [c.test] ndots 1 timeout 5s attempts 2"},
		{"the host's domain", "", "web-0.web.default.svc.cluster.local", "",
			"[127.0.0.1:53] [web.default.svc.cluster.local] ndots 1 timeout 5s attempts 2"},
		{"the environment", "search a.test\noptions ndots:2", "", "x.test y.test",
			"[127.0.0.1:53] [x.test y.test] ndots 3 timeout 5s attempts 2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			getenv := func(name string) string {
				if tt.env != "" && name == "RES_OPTIONS" {
					return "ndots:3"
				}
				return map[string]string{"LOCALDOMAIN": tt.env}[name]
			}
			c := resolver.ParseConfig(tt.text, tt.hostname, getenv)
			got := fmt.Sprintf("%v %v ndots %d timeout %v attempts %d", c.Servers, c.Search, c.Ndots, c.Timeout, c.Attempts)
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add(podConf, "web-0.a.test")
	f.Add("options ndots:99999999999999999999 timeout:-1\nnameserver ::1%eth0\nsearch .", "")
	f.Fuzz(func(t *testing.T, text, hostname string) {
		c := resolver.ParseConfig(text, hostname, nil)
		if len(c.Servers) == 0 || len(c.Servers) > 3 || c.Ndots < 0 || c.Ndots > 15 || c.Timeout < 0 || c.Attempts < 0 {
			t.Errorf("%+v", c)
		}
	})
}
