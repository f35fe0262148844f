package trace

import (
	"strconv"
	"strings"
	"time"
)

// FaultDetail is the detail of a [NetFault]: one thing that somebody has broken on purpose, or mended. Which fields count
// follows from the kind; engine.FaultKinds lists the kinds. The zero value of the others means nothing.
type FaultDetail struct {
	Kind   string `json:"kind"`   // "drop", "cut", "stop-proxy"
	Target string `json:"target"` // a node, "node-1", or a Pod, "pod/default/web"
	// Share of the packets is 0 to 1.
	Share float64 `json:"share,omitempty"`
	// Pattern says which packets are lost, in turn: "..x" is every third.
	Pattern string        `json:"pattern,omitempty"`
	Delay   time.Duration `json:"delay,omitempty"`
	MTU     int           `json:"mtu,omitempty"` // bytes of an IP packet
	To      string        `json:"to,omitempty"`  // the node that a missing route would lead to
}

// String returns the fault as "kubestep fault" takes it: "drop node-1 0.3".
func (f *FaultDetail) String() string {
	return strings.Join(append([]string{f.Kind, f.Target}, f.values()...), " ")
}

// What returns the fault without its target, which the event's object is: "drop 0.3".
func (f *FaultDetail) What() string {
	return strings.Join(append([]string{f.Kind}, f.values()...), " ")
}

func (f *FaultDetail) values() (words []string) {
	if f.Share != 0 {
		words = append(words, strconv.FormatFloat(f.Share, 'g', -1, 64))
	}
	if f.Pattern != "" {
		words = append(words, f.Pattern)
	}
	if f.Delay != 0 {
		words = append(words, f.Delay.String())
	}
	if f.MTU != 0 {
		words = append(words, strconv.Itoa(f.MTU))
	}
	if f.To != "" {
		words = append(words, f.To)
	}
	return words
}

// Pod returns the namespace and name of the Pod that the fault is about; ok is false when it is about a node.
func (f *FaultDetail) Pod() (namespace, name string, ok bool) {
	rest, ok := strings.CutPrefix(f.Target, "pod/")
	if !ok {
		return "", "", false
	}
	return strings.Cut(rest, "/")
}

func (*FaultDetail) kind() Kind { return NetFault }
