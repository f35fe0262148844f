package program_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/utils/clock"

	"github.com/kubestep/kubestep/runtime/program"
)

// world is a World on a directory of the test, without a network.
func world(t *testing.T, out, errOut *bytes.Buffer, args ...string) *program.World {
	t.Helper()
	registry, err := program.NewRegistry()
	if err != nil {
		t.Fatal(err)
	}
	img, ok := registry.Lookup("kubestep.dev/tools:v1")
	if !ok {
		t.Fatal("no tools image")
	}
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "tmp"), 0o755); err != nil {
		t.Fatal(err)
	}
	return &program.World{
		Args: args, Env: []string{"PATH=/bin", "NAME=value"}, Dir: "/", Hostname: "pod",
		Stdin: strings.NewReader("first line\nsecond line\n"), Stdout: out, Stderr: errOut,
		Files: program.NewView([]program.Mount{{Path: "/", Root: root, Name: "."}}, out, errOut), Network: noNetwork{},
		Processes: noProcesses{}, Signals: noSignals{}, Clock: clock.RealClock{}, Find: img.Find,
	}
}

type noNetwork struct{}

func (noNetwork) Listen(context.Context, string, string) (net.Listener, error) {
	return nil, errors.New("no network")
}
func (noNetwork) ListenPacket(context.Context, string, string) (net.PacketConn, error) {
	return nil, errors.New("no network")
}
func (noNetwork) Dial(context.Context, string, string) (net.Conn, error) {
	return nil, errors.New("network is unreachable")
}
func (noNetwork) Resolve(context.Context, string) ([]netip.Addr, error) {
	return nil, errors.New("no such host")
}
func (noNetwork) Addresses() []netip.Addr { return nil }

type noProcesses struct{}

func (noProcesses) List() []program.Process          { return nil }
func (noProcesses) Signal(int, program.Signal) error { return fs.ErrNotExist }

type noSignals struct{}

func (noSignals) Notify(...program.Signal) <-chan program.Signal { return nil }
func (noSignals) Ignore(...program.Signal)                       {}

func TestShell(t *testing.T) {
	for _, tt := range []struct {
		name, line, want string
		code             int
	}{
		{"words", `echo a  'b  c' "d $NAME"`, "a b  c d value\n", 0},
		{"and or", "false && echo no || echo yes; true && echo and", "yes\nand\n", 0},
		{"exit code", "false; echo $?; exit 7", "1\n", 7},
		{"last command", "true; false", "", 1},
		{"variables", `A=1; B=$A$A; echo "$B ${C:-default}"; unset A; echo "[$A]"`, "11 default\n[]\n", 0},
		{"assignment for one command", `A=x; A=y env | grep ^A= ; A=y sh -c 'echo $A'; echo $A`, "A=y\ny\nx\n", 0},
		{"export", `A=1 ; sh -c 'echo [$A]'; export A; sh -c 'echo [$A]'`, "[]\n[1]\n", 0},
		{"arithmetic", "i=3; echo $((i*2+1))", "7\n", 0},
		{"substitution", "echo $(echo a; echo b) `echo c`", "a b c\n", 0},
		{"redirections", "echo one > /tmp/f; echo two >> /tmp/f; cat < /tmp/f; echo err 1>&2 2>/dev/null", "one\ntwo\n", 0},
		{"redirect errors", "cat /nope 2>&1", "cat: /nope: no such file or directory\n", 1},
		{"cannot redirect", "echo x > /no/dir/f 2>/dev/null; echo $?", "1\n", 0},
		{"pipe", "echo 'a\nb\na' | grep a | wc -l", "2\n", 0},
		{"pipe into a reader that ends", "while true; do echo x; done | head -n 2", "x\nx\n", 0},
		{"if", "if test -d /tmp; then echo dir; elif true; then echo no; else echo never; fi", "dir\n", 0},
		{"else", "if false; then echo no; else echo yes; fi", "yes\n", 0},
		{"for", "for x in a b c; do if [ $x = b ]; then continue; fi; echo $x; done", "a\nc\n", 0},
		{"nested break", "for x in 1 2; do for y in 1 2; do echo $x$y; break 2; done; done", "11\n", 0},
		{"while", "i=0; while [ $i -lt 3 ]; do i=$((i+1)); echo $i; done", "1\n2\n3\n", 0},
		{"until", "i=0; until [ $i -eq 2 ]; do i=$((i+1)); done; echo $i", "2\n", 0},
		{"case", "case hello in h*o) echo match;; *) echo no;; esac", "match\n", 0},
		{"function", "f() { echo $1 $#; return 4; }; f a b; echo $?", "a 2\n4\n", 0},
		{"subshell", "A=1; (A=2; cd /tmp; echo $A $PWD); echo $A $PWD", "2 /tmp\n1 /\n", 0},
		{"read", "read a b; echo \"$b,$a\"; read rest; echo $rest", "line,first\nsecond line\n", 0},
		{"here document", "cat <<E\nhello $NAME\nE", "hello value\n", 0},
		{"errexit", "set -e; false; echo never", "", 1},
		{"errexit spares conditions", "set -e; if false; then :; fi; false || true; ! true; echo still", "still\n", 0},
		{"exit trap", "trap 'echo bye' EXIT; exit 3", "bye\n", 3},
		{"background", "(echo job) & wait; echo after", "job\nafter\n", 0},
		{"command -v", "command -v ls; command -v nope || echo none", "/bin/ls\nnone\n", 0},
		{"not found", "nope 2>/dev/null; echo $?", "127\n", 0},
		{"path", "/bin/echo abs; PATH=/none; ls 2>/dev/null || echo lost", "abs\nlost\n", 0},
		{"glob", "touch /tmp/b /tmp/a; echo /tmp/*; echo /none/*", "/tmp/a /tmp/b\n/none/*\n", 0},
		{"pid", "echo $$", "1\n", 0},
		{"other users have no home", "echo ~root ~nobody", "~root ~nobody\n", 0},
		{"printf", `printf '%s-%d\n' a 1 b 2`, "a-1\nb-2\n", 0},
		{"eval", `c='echo x'; eval "$c y"`, "x y\n", 0},
		{"sort and count", "printf 'b\\na\\nb\\n' | sort | uniq -c | sort -rn", "      2 b\n      1 a\n", 0},
		{"sequence", "for i in $(seq 2 4); do echo $i; done | tail -2", "3\n4\n", 0},
		{"head of old", "seq 5 | head -2", "1\n2\n", 0},
		{"patterns", `printf 'Host: a\nport: 1\n' | grep -io '^host: .*'; echo 1.2 | grep -cF .`, "Host: a\n1\n", 0},
		{"which", "which ls nope; echo $?", "/bin/ls\n1\n", 0},
		{"ls of one", "touch /tmp/f; ls -lad /tmp/f | wc -l; rm -rf /tmp/f; ls /tmp/f 2>/dev/null || echo gone", "1\ngone\n", 0},
		{"time", "time echo x 2>/dev/null", "x\n", 0},
		{"wrong flag", "head -z 2>&1", "head: invalid option -- 'z'\nUsage: head [-n LINES] [FILE...]\n", 2},
		{"syntax", "if", "", 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out, errOut bytes.Buffer
			w := world(t, &out, &errOut, "sh", "-c", tt.line)
			code := program.Shell(t.Context(), w)
			if out.String() != tt.want || code != tt.code {
				t.Errorf("%s: %q, exit code %d; want %q, %d (errors: %s)", tt.line, &out, code, tt.want, tt.code, &errOut)
			}
		})
	}
}

// TestHelp expects every program that takes flags to say how it is called, and to succeed in that.
func TestHelp(t *testing.T) {
	for _, name := range []string{"web", "client", "load", "dns-client", "tcp-echo", "curl", "wget", "dig", "nslookup", "host",
		"ss", "traceroute", "ls", "head", "grep", "sort", "hostname"} {
		var out, errOut bytes.Buffer
		w := world(t, &out, &errOut, name, "--help")
		p, ok := w.Find(w, name)
		if !ok {
			t.Errorf("%s is not in the tools image", name)
			continue
		}
		if code := p(t.Context(), w); code != 0 || !strings.Contains(out.String(), name) || errOut.Len() > 0 {
			t.Errorf("%s --help: exit code %d, %q, errors %q", name, code, &out, &errOut)
		}
	}
}

func TestShellStopsWhenKilled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var out, errOut bytes.Buffer
	w := world(t, &out, &errOut, "sh", "-c", "while :; do :; done")
	done := make(chan struct{})
	go func() {
		program.Shell(ctx, w)
		close(done)
	}()
	cancel()
	<-done
}

func TestTarRoundTrip(t *testing.T) {
	var out, errOut bytes.Buffer
	w := world(t, &out, &errOut, "sh", "-c",
		"mkdir -p /tmp/d/e; echo x > /tmp/d/e/f; cd /tmp; tar cf - d | (mkdir /tmp/copy; tar xmf - -C /tmp/copy); cat /tmp/copy/d/e/f")
	if code := program.Shell(t.Context(), w); code != 0 || out.String() != "x\n" {
		t.Errorf("exit code %d, %q, errors %s", code, &out, &errOut)
	}
}

func TestRegistry(t *testing.T) {
	a, err := program.NewRegistry()
	if err != nil {
		t.Fatal(err)
	}
	b, err := program.NewRegistry()
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]string{}
	for _, img := range a.Images() {
		same, ok := b.Lookup(img.Name)
		if !ok || same.ID != img.ID || same.Digest != img.Digest {
			t.Errorf("%s has another digest the second time", img.Name)
		}
		if other := ids[img.ID.String()]; other != "" {
			t.Errorf("%s and %s have one ID", img.Name, other)
		}
		ids[img.ID.String()] = img.Name
		if err := img.ID.Validate(); err != nil {
			t.Errorf("%s: %v", img.Name, err)
		}
		if by, ok := a.Lookup(img.Repository() + "@" + img.Digest.String()); !ok || by != img {
			t.Errorf("%s is not found by its digest", img.Name)
		}
	}
	if _, ok := a.Lookup("docker.io/library/nginx:latest"); ok {
		t.Error("an unknown image is found")
	}
}

func TestImageCommand(t *testing.T) {
	r, err := program.NewRegistry()
	if err != nil {
		t.Fatal(err)
	}
	sleep, _ := r.Lookup("kubestep.dev/sleep:v1") // entrypoint /bin/sleep, arguments infinity
	for _, tt := range []struct {
		command, args []string
		want          string
	}{
		{nil, nil, "/bin/sleep infinity"},
		{nil, []string{"5"}, "/bin/sleep 5"},
		{[]string{"echo"}, nil, "echo"},
		{[]string{"echo"}, []string{"a"}, "echo a"},
	} {
		if got := strings.Join(sleep.Command(tt.command, tt.args), " "); got != tt.want {
			t.Errorf("command %q, args %q: %q, want %q", tt.command, tt.args, got, tt.want)
		}
	}
}

func TestView(t *testing.T) {
	root, ro := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(ro, "f"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	v := program.NewView([]program.Mount{
		{Path: "/", Root: root, Name: "."}, {Path: "/ro", Root: ro, Name: ".", ReadOnly: true}, {Path: "/one", Root: ro, Name: "f"},
	}, nil, nil)
	if _, err := v.OpenFile("/ro/f", os.O_WRONLY, 0); err == nil || !strings.Contains(err.Error(), "read-only") {
		t.Errorf("write to a read-only mount: %v", err)
	}
	if err := v.Remove("/ro"); err == nil {
		t.Error("a mount point was removed")
	}
	if info, err := v.Stat("/one", true); err != nil || info.Size() != 1 {
		t.Errorf("a mounted file: %v, %v", info, err)
	}
	if _, err := v.Stat("/one/f", true); err == nil {
		t.Error("a path below a mounted file is found")
	}
	_, err := v.Stat("/nope", true)
	var pe *fs.PathError
	if !errors.As(err, &pe) || pe.Path != "/nope" || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error is %v, want the container's name of the file", err)
	}
	if _, err := v.Stat("/../../../../"+ro+"/f", true); err == nil {
		t.Error("dots lead out of the root")
	}
}
