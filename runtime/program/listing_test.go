package program_test

import (
	"testing"
)

func TestIP(t *testing.T) {
	c := newCluster(t)
	for _, tt := range []struct {
		line, out, errOut string
		code              int
	}{
		{"ip addr", `1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000
    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00
    inet 127.0.0.1/8 scope host lo
       valid_lft forever preferred_lft forever
2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc noqueue state UP group default
    link/ether 0a:58:0a:f4:01:02 brd ff:ff:ff:ff:ff:ff
    inet 10.244.1.2/24 brd 10.244.1.255 scope global eth0
       valid_lft forever preferred_lft forever
`, "", 0},
		{"ip -br a", "lo               UNKNOWN        127.0.0.1/8 \neth0             UP             10.244.1.2/24 \n", "", 0},
		{"ip -o -4 a s eth0", `2: eth0    inet 10.244.1.2/24 brd 10.244.1.255 scope global eth0\    valid_lft forever preferred_lft forever` + "\n", "", 0},
		{"ip link show dev eth0", `2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc noqueue state UP group default
    link/ether 0a:58:0a:f4:01:02 brd ff:ff:ff:ff:ff:ff
`, "", 0},
		{"ip route", "default via 10.244.1.1 dev eth0 \n10.244.1.0/24 dev eth0 proto kernel scope link src 10.244.1.2 \n", "", 0},
		{"ip route get 10.96.0.1", "10.96.0.1 via 10.244.1.1 dev eth0 src 10.244.1.2 uid 0 \n    cache \n", "", 0},
		{"ip r get 10.244.1.3", "10.244.1.3 dev eth0 src 10.244.1.2 uid 0 \n    cache \n", "", 0},
		{"ip neigh", "", "", 0},
		{"ping -qc1 web > /dev/null; ip neigh", "10.244.1.1 dev eth0 lladdr 0a:58:0a:f4:01:01 REACHABLE \n", "", 0},
		{"ip addr show eth9", "", "Device \"eth9\" does not exist.\n", 1},
		{"ip addr add 10.0.0.1/24 dev eth0", "", "RTNETLINK answers: Operation not permitted\n", 2},
		{"ip frob", "", "Object \"frob\" is unknown, try \"ip help\".\n", 1},
		{"ip -z a", "", "Option \"-z\" is unknown, try \"ip -help\".\n", 255},
	} {
		t.Run(tt.line, func(t *testing.T) {
			out, errOut, code := c.run(tt.line)
			if out != tt.out || errOut != tt.errOut || code != tt.code {
				t.Errorf("\n%s\nerrors %q, exit code %d; want\n%s\n%q, %d", out, errOut, code, tt.out, tt.errOut, tt.code)
			}
		})
	}
}

func TestSocketListings(t *testing.T) {
	c := newCluster(t)
	c.serve(c.listen("80"))
	own, err := c.client.Listen(t.Context(), "tcp", "127.0.0.1:9000")
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	udp, err := c.client.ListenPacket(t.Context(), "udp", ":53")
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	conn, err := c.client.Dial(t.Context(), "tcp", "10.244.2.2:80")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	from := conn.LocalAddr().String()
	pad := func(s string, n int) string {
		for len(s) < n {
			s += " "
		}
		return s
	}
	left := func(s string, n int) string {
		for len(s) < n {
			s = " " + s
		}
		return s
	}
	for _, tt := range []struct{ line, want string }{
		{"ss -tln", "State  Recv-Q Send-Q Local Address:Port Peer Address:Port \n" +
			"LISTEN 0      0          127.0.0.1:9000         0.0.0.0:* \n"},
		{"ss -tn", "State Recv-Q Send-Q Local Address:Port Peer Address:Port \n" +
			"ESTAB 0      0      " + left(from, 18) + "     10.244.2.2:80 \n"},
		{"ss -Hlun", "UNCONN 0 0 0.0.0.0:53 0.0.0.0:* \n"},
		{"netstat -tan", "Active Internet connections (servers and established)\n" +
			"Proto Recv-Q Send-Q Local Address           Foreign Address         State      \n" +
			"tcp        0      0 127.0.0.1:9000          0.0.0.0:*               LISTEN     \n" +
			"tcp        0      0 " + pad(from, 23) + " 10.244.2.2:80           ESTABLISHED\n"},
	} {
		out, errOut, code := c.run(tt.line)
		if out != tt.want || errOut != "" || code != 0 {
			t.Errorf("%s:\n%q, errors %q, exit code %d; want\n%q", tt.line, out, errOut, code, tt.want)
		}
	}
}
