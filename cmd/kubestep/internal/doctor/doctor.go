// Package doctor finds out what this machine can and cannot do for a lab, by trying it, and says what to do about it.
//
// Only cmd imports it; of ours it imports settings.
package doctor

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"github.com/kubestep/kubestep/cmd/kubestep/internal/settings"
)

// Result says how a check went.
type Result string

// The results of a check.
const (
	OK   Result = "ok"
	Warn Result = "warn" // a lab runs, with less comfort; or, for an optional check, the extra does not work
	Fail Result = "fail" // no lab can run
)

// Check is one thing that was tried.
type Check struct {
	Name   string `json:"name"`
	Result Result `json:"result"`
	Detail string `json:"detail"`           // what was found
	Advice string `json:"advice,omitempty"` // what to do about it
	// Optional marks what the default lab, whose containers are programs inside kubestep, does not need.
	Optional bool `json:"optional,omitempty"`
}

// Report is what a run found.
type Report struct {
	OK     bool    `json:"ok"` // whether a lab can run
	System string  `json:"system"`
	Checks []Check `json:"checks"`
}

// World is the part of the surroundings that the process itself does not hold; tests give their own.
type World struct {
	Env    func(string) (string, bool)
	Dirs   settings.Dirs
	Stdout *os.File
}

// Run tries everything. It writes nothing but files that it removes again, and listens on loopback for a moment.
func Run(w World) Report {
	r := Report{System: runtime.GOOS + "/" + runtime.GOARCH}
	r.Checks = append(r.Checks, system(), cores(), memory())
	r.Checks = append(r.Checks, directories(w)...)
	r.Checks = append(r.Checks, loopback(), openFiles(), watches())
	r.Checks = append(r.Checks, terminal(w)...)
	r.Checks = append(r.Checks, kubectl())
	r.Checks = append(r.Checks, containers()...)
	r.OK = true
	for _, c := range r.Checks {
		if c.Result == Fail && !c.Optional {
			r.OK = false
		}
	}
	return r
}

// Write prints the report for a reader.
func (r Report) Write(w io.Writer) error {
	sign := map[Result]string{OK: "ok  ", Warn: "warn", Fail: "FAIL"}
	optional := false
	for _, c := range r.Checks {
		if c.Optional && !optional {
			optional = true
			fmt.Fprintln(w, "\nOnly for nodes with real containers; the default lab does not need it:")
		}
		fmt.Fprintf(w, "%s  %-18s %s\n", sign[c.Result], c.Name, c.Detail)
		if c.Advice != "" {
			fmt.Fprintf(w, "      %-18s %s\n", "", c.Advice)
		}
	}
	verdict := "A lab can run on this machine."
	if !r.OK {
		verdict = "No lab can run on this machine until what is marked FAIL is mended."
	}
	_, err := fmt.Fprintln(w, "\n"+verdict)
	return err
}

func system() Check {
	c := Check{Name: "system", Result: OK, Detail: runtime.GOOS + "/" + runtime.GOARCH}
	if runtime.GOOS != "linux" && runtime.GOOS != "darwin" {
		c.Result, c.Advice = Fail, "kubestep runs on Linux and macOS; on Windows use it inside WSL 2"
	}
	return c
}

func cores() Check {
	n := runtime.GOMAXPROCS(0) // heeds a container's CPU limit
	c := Check{Name: "cores", Result: OK, Detail: fmt.Sprint(n)}
	if n < 2 {
		c.Result, c.Advice = Warn, "a lab starts in about three seconds on two cores; on one it takes twice as long"
	}
	return c
}

// Memory that a lab of three nodes needs, and with how much it is at ease.
const (
	leastMemory = 500 << 20
	goodMemory  = 1 << 30
)

func memory() Check {
	free, err := availableMemory()
	if err != nil {
		return Check{Name: "memory", Result: Warn, Detail: "unknown: " + err.Error()}
	}
	c := Check{Name: "memory", Result: OK, Detail: megabytes(free) + " available"}
	switch {
	case free < leastMemory:
		c.Result, c.Advice = Fail, "a lab needs about 400 MB: close something, or give this container or machine more"
	case free < goodMemory:
		c.Result, c.Advice = Warn, "a lab needs about 400 MB; with fewer nodes (--nodes 1) it needs less"
	}
	return c
}

func kubectl() Check {
	path, err := exec.LookPath("kubectl")
	if err != nil {
		return Check{Name: "kubectl", Result: OK, Detail: "not installed; `kubestep kubectl` is one"}
	}
	return Check{Name: "kubectl", Result: OK, Detail: path + " works with a lab as well as `kubestep kubectl`"}
}

func megabytes(bytes uint64) string { return fmt.Sprintf("%d MB", bytes>>20) }

// existing returns dir or the nearest directory above it that is there.
func existing(dir string) string {
	for {
		if _, err := os.Stat(dir); err == nil || dir == filepath.Dir(dir) {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}
