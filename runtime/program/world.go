package program

import (
	"context"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"path"
	"strings"

	"k8s.io/utils/clock"

	"github.com/kubestep/kubestep/runtime/dns/resolver"
)

// Program is what a container runs. It returns its exit code, 0 to 255. When ctx ends the process has been killed
// (SIGKILL): nobody looks at what the program does from then on, and it must return soon. Whatever it does goes through w.
type Program func(ctx context.Context, w *World) int

// World is everything a program can touch. A program may keep and copy it.
type World struct {
	Args []string // Args[0] is the program's name, as in C
	Env  []string // "NAME=value"
	Dir  string   // working directory, absolute
	// Hostname is the Pod's name unless the Pod says otherwise.
	Hostname string
	// Stdin reads as empty when the container has none.
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Terminal is set when the streams are a terminal: one that echoes and edits lines, as a kernel's does.
	Terminal  bool
	Files     Files
	Network   Network
	DNS       resolver.Observer // sees the queries of the program's resolver; nil for nobody
	Processes Processes
	Signals   Signals
	// Count takes what a program that makes requests again and again has got so far; nil for nobody. It must not block.
	Count func(Requests)
	Clock clock.Clock
	// Find returns the program that a command name stands for, with Dir and Env's PATH taken into account.
	Find func(w *World, name string) (Program, bool)
}

// Files is the file system as the container sees it. Names are absolute. Errors are *fs.PathError with the names as the
// container knows them. It is safe for concurrent use.
type Files interface {
	// OpenFile has the flags and errors of os.OpenFile.
	OpenFile(name string, flag int, perm fs.FileMode) (File, error)
	// Stat returns what name is; a symbolic link itself when follow is false.
	Stat(name string, follow bool) (fs.FileInfo, error)
	// ReadDir returns the entries of a directory by name.
	ReadDir(name string) ([]fs.DirEntry, error)
	Readlink(name string) (string, error)
	Symlink(target, name string) error
	Mkdir(name string, perm fs.FileMode) error
	// Remove removes a file, or a directory with all that is in it.
	Remove(name string) error
}

// File is an open file.
type File interface {
	io.ReadWriteCloser
	Stat() (fs.FileInfo, error)
}

// Network is the network namespace that all containers of a Pod share. Addresses are as in package net: "tcp",
// "10.244.1.5:8080". What a process opened is closed when the process ends. It is safe for concurrent use.
type Network interface {
	// Listen waits for connections on a port of the Pod; an empty or unspecified host means all its addresses.
	Listen(ctx context.Context, network, address string) (net.Listener, error)
	// ListenPacket opens a UDP socket.
	ListenPacket(ctx context.Context, network, address string) (net.PacketConn, error)
	// Dial connects to an address or a name.
	Dial(ctx context.Context, network, address string) (net.Conn, error)
	// Resolve returns the addresses of a name as the Pod's resolver finds them.
	Resolve(ctx context.Context, host string) ([]netip.Addr, error)
	// Addresses returns the Pod's own addresses, without loopback.
	Addresses() []netip.Addr
}

// Process is one running program of a container.
type Process struct {
	PID  int
	Args []string
}

// Processes is the container's process table. It is safe for concurrent use.
type Processes interface {
	List() []Process
	// Signal sends a signal; it returns fs.ErrNotExist for a PID that does not run.
	Signal(pid int, s Signal) error
}

// Signals is a process's signal table. What happens to a signal that the process has not asked for is the kernel's rule:
// the process dies of it, unless it is PID 1 of its container, which only dies of SIGKILL and of what its parent
// namespace sends as such.
type Signals interface {
	// Notify asks for signals. The channel holds a few that were not read yet; more of them are lost. Signals that reach
	// PID 1 before it has called Notify or Ignore for the first time wait for that call.
	Notify(signals ...Signal) <-chan Signal
	// Ignore makes signals do nothing.
	Ignore(signals ...Signal)
}

// Getenv returns the value of an environment variable, the empty string when it is not set. The last one counts.
func (w *World) Getenv(name string) string {
	for i := len(w.Env) - 1; i >= 0; i-- {
		if k, v, _ := strings.Cut(w.Env[i], "="); k == name {
			return v
		}
	}
	return ""
}

// Abs returns name as an absolute path, taken from the working directory.
func (w *World) Abs(name string) string {
	if !path.IsAbs(name) {
		name = path.Join("/", w.Dir, name)
	}
	return path.Clean(name)
}
