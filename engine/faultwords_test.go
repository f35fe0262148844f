package engine_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/kubestep/kubestep/engine"
)

func TestParseFault(t *testing.T) {
	for _, test := range []struct{ words, want string }{
		{"drop node-1 0.3", "drop node-1 0.3"},
		{"drop node-1 1", "drop node-1 1"},
		{"drop pod/web ..x", "drop pod/default/web ..x"},
		{"delay pod/shop/web-0 200ms", "delay pod/shop/web-0 200ms"},
		{"reorder node-2 0.5", "reorder node-2 0.5 10ms"},
		{"reorder node-2 0.5 1s", "reorder node-2 0.5 1s"},
		{"mtu pod/default/web 1500", "mtu pod/default/web 1500"},
		{"filter-icmp node-1", "filter-icmp node-1"},
		{"cut node-2", "cut node-2"},
		{"stop-proxy node-1", "stop-proxy node-1"},
		{"no-route node-1 node-2", "no-route node-1 node-2"},
		{"no-dns node-1", "no-dns node-1"},
		{"power-off node-3", "power-off node-3"},
		{"isolate node-3", "isolate node-3"},
		{"heal", "heal  "},
		{"heal node-1", "heal  node-1"},
		{"heal drop", "heal drop "},
		{"heal drop pod/web", "heal drop pod/default/web"},
	} {
		c, err := engine.ParseFault(strings.Fields(test.words))
		got := c.Fault.String()
		if c.Heal {
			got = "heal " + got
		}
		if err != nil || got != test.want {
			t.Errorf("%q is %q, %v; want %q", test.words, got, err, test.want)
		}
		if c.Heal || err != nil {
			continue
		}
		if again, err := engine.ParseFault(strings.Fields(got)); err != nil || again != c {
			t.Errorf("%q is written %q, which is %+v, %v", test.words, got, again, err)
		}
	}
}

func TestParseFaultErrors(t *testing.T) {
	for words, want := range map[string]string{
		"":                           "say what shall be wrong: drop, delay",
		"dropp node-1":               `there is no fault "dropp"`,
		"cut":                        "say where: cut NODE|pod/NAMESPACE/NAME",
		"cut node-1 node-2":          `"node-2" is too much: cut NODE`,
		"cut service/web":            `"service/web" is no target`,
		"cut pod/":                   `"pod/" is no target`,
		"cut pod/default/web/eth0":   `is no target: write a node, as node-1, or a Pod, as pod/default/web`,
		"cut --all":                  `"--all" is no target`,
		"stop-proxy pod/web":         "stop-proxy is a fault of nodes, not of Pods",
		"drop node-1":                "drop needs one value: drop NODE|pod/NAMESPACE/NAME SHARE|PATTERN",
		"drop node-1 30%":            `"30%" is no share of the packets`,
		"drop node-1 0":              `"0" is no share`,
		"drop node-1 1.5":            `"1.5" is no share`,
		"drop node-1 NaN":            `"NaN" is no share`,
		"drop node-1 ...":            `"..." is no share`,
		"delay node-1 soon":          `"soon" is no time`,
		"delay node-1 -1s":           `"-1s" is no time`,
		"delay node-1 3h":            `"3h" is no time`,
		"mtu node-1 68":              `"68" is no size of IP packets from 576 to 9000 bytes`,
		"no-route node-1":            "no-route needs the node that the route leads to: no-route NODE NODE",
		"no-route node-1 node-1":     "needs no route to its own Pods",
		"no-route node-1 pod/web":    "no-route needs the node",
		"heal cut node-1 node-2":     `"node-2" is too much: heal [KIND]`,
		"heal Node-1":                `"Node-1" is no target`,
		"reorder node-1":             "reorder needs one or two values",
		"reorder node-1 0.1 1s 2s":   "reorder needs one or two values",
		"power-off pod/default/web":  "is a fault of nodes",
		"filter-icmp pod/default/w!": "is no target",
	} {
		_, err := engine.ParseFault(strings.Fields(words))
		if !errors.Is(err, engine.ErrUsage) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", words, err, want)
		}
	}
}
