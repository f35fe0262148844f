//go:build !linux

package doctor

// containers says that real containers need Linux.
func containers() []Check {
	return []Check{{
		Name: "containers", Result: Warn, Optional: true,
		Detail: "nodes with real containers need Linux",
		Advice: "use a Linux machine or a virtual one",
	}}
}
