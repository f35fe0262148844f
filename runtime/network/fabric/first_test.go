package fabric

import "testing"
import "fmt"

func TestFirst(t *testing.T) {
	l := newLab(t, Config{Seed: 1})
	r := &recorder{}
	l.f.Observe(r)
	l.serve(l.pods["b1"].Namespace, "b1", 8080)
	l.serve(l.pods["a2"].Namespace, "a2", 8080)
	l.mustGet(l.pods["a1"].Namespace, "http://10.244.2.2:8080/", "b1 to 10.244.1.2")
	l.services(web("10.244.2.2:8080"))
	l.mustGet(l.pods["a1"].Namespace, "http://10.96.0.10/", "b1 to 10.244.1.2")
	l.services(web("10.244.1.3:8080"))
	l.mustGet(l.pods["a1"].Namespace, "http://10.96.0.10/", "a2 to 10.244.1.2")
	for _, h := range r.all() {
		fmt.Println(h.Packet, h.Flow, h.Reply, line(h))
	}
}
