package engine

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// FaultKind says what a kind of fault needs, for those who offer it.
type FaultKind struct {
	Name string
	// Pods is set when a Pod's link can have it, not only a node.
	Pods bool
	// Values are what follows the target, in words for a usage line: "SHARE|PATTERN". It is empty for none.
	Values string
	Short  string // what happens, in English, beginning with a small letter

	read func(f *Fault, values []string) error // nil when there are no values
}

// FaultKinds returns all kinds, in the order in which help lists them.
func FaultKinds() []FaultKind {
	return []FaultKind{
		{FaultDrop, true, "SHARE|PATTERN", "lose a share of the packets (0.3), or every third (..x)", readDrop},
		{FaultDelay, true, "DURATION", "let every packet take longer (200ms)", readDelay},
		{FaultReorder, true, "SHARE [DURATION]", "let a share of the packets be overtaken (0.3 20ms)", readReorder},
		{FaultMTU, true, "BYTES", "node: lose larger packets silently; Pod: set the MTU of its eth0", readMTU},
		{FaultICMP, true, "", "lose ICMP errors, as a firewall does that breaks path MTU discovery", nil},
		{FaultCut, true, "", "lose every packet; a node is cut from the control plane as well", nil},
		{FaultProxy, false, "", "stop the node's service proxy: its rules stay as they are", nil},
		{FaultRoute, false, "NODE", "take away the node's route to another node's Pods", readRoute},
		{FaultDNS, false, "", "lose what the node and its Pods ask DNS servers", nil},
		{FaultPower, false, "", "turn the node off: its kubelet and its Pods stop dead", nil},
		{FaultIsolate, false, "", "cut the node from the control plane; its Pods go on", nil},
	}
}

// Usage returns the kind's command line: "drop NODE|pod/NAMESPACE/NAME SHARE|PATTERN".
func (k FaultKind) Usage() string {
	words := k.Name + " NODE"
	if k.Pods {
		words += "|pod/NAMESPACE/NAME"
	}
	if k.Values != "" {
		words += " " + k.Values
	}
	return words
}

// ParseFault reads what follows "kubestep fault": "drop node-1 0.3", "heal", "heal node-1", "heal drop", "heal drop
// node-1". It looks at the form alone; whether the target exists is the lab's to say. The error is an [ErrUsage] that says
// what would be right.
func ParseFault(words []string) (FaultCommand, error) {
	c, err := parseFault(words)
	if err != nil {
		return FaultCommand{}, fmt.Errorf("%w: %w", ErrUsage, err)
	}
	return c, nil
}

func parseFault(words []string) (FaultCommand, error) {
	var c FaultCommand
	switch {
	case len(words) == 0:
		return c, fmt.Errorf("say what shall be wrong: %s; or heal", kindNames())
	case words[0] == "heal":
		c.Heal = true
		return c, readHeal(&c.Fault, words[1:])
	}
	i := slices.IndexFunc(FaultKinds(), func(k FaultKind) bool { return k.Name == words[0] })
	if i < 0 {
		return c, fmt.Errorf("there is no fault %q: there are %s, and heal", words[0], kindNames())
	}
	k := FaultKinds()[i]
	if len(words) == 1 {
		return c, fmt.Errorf("say where: %s", k.Usage())
	}
	target, err := readTarget(words[1])
	if err != nil {
		return c, err
	}
	if strings.HasPrefix(target, podTarget) && !k.Pods {
		return c, fmt.Errorf("%s is a fault of nodes, not of Pods: %s", k.Name, k.Usage())
	}
	c.Fault = Fault{Kind: k.Name, Target: target}
	values := words[2:]
	if k.read == nil && len(values) > 0 {
		return c, fmt.Errorf("%q is too much: %s", strings.Join(values, " "), k.Usage())
	}
	if k.read != nil {
		if err := k.read(&c.Fault, values); err != nil {
			return c, fmt.Errorf("%w: %s", err, k.Usage())
		}
	}
	return c, nil
}

func kindNames() string {
	var names []string
	for _, k := range FaultKinds() {
		names = append(names, k.Name)
	}
	return strings.Join(names, ", ")
}

const podTarget = "pod/"

// objectName is what Kubernetes takes for names of nodes and Pods (RFC 1123 subdomains).
var objectName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`)

// readTarget returns a target in full: "pod/web" is one in the namespace default.
func readTarget(word string) (string, error) {
	parts := strings.Split(word, "/")
	for _, p := range parts[min(1, len(parts)-1):] {
		if !objectName.MatchString(p) {
			return "", fmt.Errorf("%q is no target: write a node, as node-1, or a Pod, as pod/default/web", word)
		}
	}
	switch {
	case len(parts) == 1:
		return word, nil
	case len(parts) == 2 && parts[0] == "pod":
		return podTarget + "default/" + parts[1], nil
	case len(parts) == 3 && parts[0] == "pod":
		return word, nil
	}
	return "", fmt.Errorf("%q is no target: write a node, as node-1, or a Pod, as pod/default/web", word)
}

func readHeal(f *Fault, words []string) error {
	if len(words) > 0 && slices.ContainsFunc(FaultKinds(), func(k FaultKind) bool { return k.Name == words[0] }) {
		f.Kind, words = words[0], words[1:]
	}
	if len(words) > 0 {
		var err error
		if f.Target, err = readTarget(words[0]); err != nil {
			return err
		}
		words = words[1:]
	}
	if len(words) > 0 {
		return fmt.Errorf("%q is too much: heal [KIND] [NODE|pod/NAMESPACE/NAME]", strings.Join(words, " "))
	}
	return nil
}

func readDrop(f *Fault, values []string) error {
	if len(values) != 1 {
		return fmt.Errorf("drop needs one value")
	}
	if strings.Trim(values[0], ".x") == "" && strings.Contains(values[0], "x") {
		f.Pattern = values[0]
		return nil
	}
	return readShare(f, values[0])
}

func readShare(f *Fault, value string) error {
	share, err := strconv.ParseFloat(value, 64)
	if err != nil || !(share > 0 && share <= 1) {
		return fmt.Errorf("%q is no share of the packets, such as 0.3; 1 means all", value)
	}
	f.Share = share
	return nil
}

func readDelay(f *Fault, values []string) error {
	if len(values) != 1 {
		return fmt.Errorf("delay needs one value")
	}
	return readDuration(f, values[0])
}

// maxDelay keeps a mistyped delay from looking like a lab that hangs.
const maxDelay = 10 * time.Minute

func readDuration(f *Fault, value string) error {
	d, err := time.ParseDuration(value)
	if err != nil || d <= 0 || d > maxDelay {
		return fmt.Errorf("%q is no time from 1ns to %s, such as 200ms or 2s", value, maxDelay)
	}
	f.Delay = d
	return nil
}

// reorderBy is by how much packets are late that are overtaken, unless it is said.
const reorderBy = 10 * time.Millisecond

func readReorder(f *Fault, values []string) error {
	if len(values) < 1 || len(values) > 2 {
		return fmt.Errorf("reorder needs one or two values")
	}
	f.Delay = reorderBy
	if len(values) == 2 {
		if err := readDuration(f, values[1]); err != nil {
			return err
		}
	}
	return readShare(f, values[0])
}

// The MTUs that make sense: what every host must take (RFC 791), and what the lab's devices take.
const (
	minMTU = 576
	maxMTU = 9000
)

func readMTU(f *Fault, values []string) error {
	if len(values) != 1 {
		return fmt.Errorf("mtu needs one value")
	}
	n, err := strconv.Atoi(values[0])
	if err != nil || n < minMTU || n > maxMTU {
		return fmt.Errorf("%q is no size of IP packets from %d to %d bytes", values[0], minMTU, maxMTU)
	}
	f.MTU = n
	return nil
}

func readRoute(f *Fault, values []string) error {
	if len(values) != 1 || strings.Contains(values[0], "/") || !objectName.MatchString(values[0]) {
		return fmt.Errorf("no-route needs the node that the route leads to")
	}
	if values[0] == f.Target {
		return fmt.Errorf("%s needs no route to its own Pods; name another node", f.Target)
	}
	f.To = values[0]
	return nil
}
