package critest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

func testCommandAndArgs(t *testing.T, r Runtime) {
	p := newPod(t, r, "args")
	for name, tt := range map[string]struct {
		options []option
		want    string
	}{
		"command": {[]option{command("echo", "a")}, "a\n"},
		"both":    {[]option{command("echo"), args("a", "b c")}, "a b c\n"},
	} {
		if got := p.text(p.run(name, tools, tt.options...)); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
	// The image's entrypoint takes args, and the image's own arguments give way to them.
	if st := p.run("args", sleepV1, args("0")); st.ExitCode != 0 {
		t.Errorf("sleep with args 0: exit code %d", st.ExitCode)
	}
	if got := p.text(p.run("dir", tools, command("pwd"), func(c *runtimeapi.ContainerConfig) { c.WorkingDir = "/tmp" })); got != "/tmp\n" {
		t.Errorf("working directory is %q, want /tmp", got)
	}
}

func testEnvironment(t *testing.T, r Runtime) {
	p := newPod(t, r, "env")
	st := p.shell("main", `echo "$A|$B|$VERSION|$HOSTNAME|$(hostname)"`, func(c *runtimeapi.ContainerConfig) {
		c.Envs = []*runtimeapi.KeyValue{
			{Key: "A", Value: []byte("x y")}, {Key: "B", Value: []byte("first")}, {Key: "B", Value: []byte("last")},
		}
	})
	if got, want := p.text(st), "x y|last||env|env\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func testLogs(t *testing.T, r Runtime) {
	p := newPod(t, r, "logs")
	st := p.shell("main", "echo one; echo two >&2; echo three")
	lines := strings.Split(strings.TrimSuffix(p.logs(st), "\n"), "\n")
	if len(lines) != 3 {
		t.Fatalf("log is %q, want three lines", lines)
	}
	for i, want := range []string{" stdout F one", " stderr F two", " stdout F three"} {
		when, rest, _ := strings.Cut(lines[i], " ")
		if " "+rest != want || !strings.HasPrefix(when, "20") || !strings.Contains(when, "T") {
			t.Errorf("line %d is %q, want a time and %q", i, lines[i], want)
		}
	}
	if want := filepath.Join(p.config.LogDirectory, "main/0.log"); st.LogPath != want {
		t.Errorf("log path is %s, want %s", st.LogPath, want)
	}
}

func testLogsPartialLines(t *testing.T, r Runtime) {
	p := newPod(t, r, "long")
	long := strings.Repeat("0123456789", 4000)
	st := p.run("main", tools, command("echo", "-n", long))
	if got := p.text(st); got != long {
		t.Errorf("text of %d bytes came back as %d bytes", len(long), len(got))
	}
	for line := range strings.Lines(p.logs(st)) {
		if tag := strings.SplitN(line, " ", 4)[2]; tag != "P" {
			t.Errorf("a part of a line without an end has tag %s, want P", tag)
		}
		if len(line) > 17<<10 {
			t.Errorf("a log line has %d bytes, want it cut", len(line))
		}
	}
}

func testReopenLog(t *testing.T, r Runtime) {
	p := newPod(t, r, "rotate")
	id := p.start("main", tools, command("sh", "-c", "echo before; while ! test -e /tmp/go; do sleep 0.01; done; echo after"))
	p.waitLog(id, "before")
	path := containerStatus(t, r, id).LogPath
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	if err := r.ReopenContainerLog(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.ExecSync(t.Context(), id, []string{"touch", "/tmp/go"}, deadline); err != nil {
		t.Fatal(err)
	}
	if got := p.text(waitExited(t, r, id)); got != "after\n" {
		t.Errorf("the new log is %q, want after", got)
	}
	if err := r.ReopenContainerLog(t.Context(), id); err == nil {
		t.Error("the log of an exited container was reopened")
	}
}

func testImages(t *testing.T, r Runtime) {
	ctx := t.Context()
	spec := &runtimeapi.ImageSpec{Image: webV1}
	resp, err := r.Images.ImageStatus(ctx, spec, false)
	if err != nil || resp.Image != nil {
		t.Errorf("status of an image that was not pulled: %v, %v; want none", resp, err)
	}
	ref, err := r.Images.PullImage(ctx, spec, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := r.Images.PullImage(ctx, spec, nil, nil); err != nil || again != ref {
		t.Errorf("second pull: %s, %v; want %s", again, err, ref)
	}
	for _, name := range []string{webV1, ref} {
		resp, err := r.Images.ImageStatus(ctx, &runtimeapi.ImageSpec{Image: name}, false)
		if err != nil || resp.Image == nil {
			t.Fatalf("status of %s: %v, %v", name, resp, err)
		}
		img := resp.Image
		if len(img.RepoTags) != 1 || img.RepoTags[0] != webV1 || img.Size == 0 || !strings.HasPrefix(img.Id, "sha256:") ||
			len(img.RepoDigests) != 1 || !strings.HasPrefix(img.RepoDigests[0], "kubestep.dev/web@sha256:") {
			t.Errorf("image is %v", img)
		}
	}
	v2, err := r.Images.PullImage(ctx, &runtimeapi.ImageSpec{Image: webV2}, nil, nil)
	if err != nil || v2 == ref {
		t.Errorf("web:v2 is %s, %v; want another image than v1", v2, err)
	}
	for range 2 {
		if err := r.Images.RemoveImage(ctx, spec); err != nil {
			t.Errorf("RemoveImage: %v", err)
		}
	}
	list, err := r.Images.ListImages(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, img := range list {
		if img.Id == ref {
			t.Errorf("a removed image is listed: %v", img)
		}
	}
	fs, err := r.Images.ImageFsInfo(ctx)
	if err != nil || len(fs.ImageFilesystems) == 0 {
		t.Fatalf("ImageFsInfo: %v, %v", fs, err)
	}
	if _, err := os.Stat(fs.ImageFilesystems[0].FsId.Mountpoint); err != nil {
		t.Errorf("image file system: %v", err)
	}
}

func testUnknownImage(t *testing.T, r Runtime) {
	p := newPod(t, r, "unknown")
	_, err := r.Images.PullImage(t.Context(), &runtimeapi.ImageSpec{Image: "nginx"}, nil, p.config)
	if status.Code(err) != codes.NotFound {
		t.Errorf("pull of an unknown image: %v, want NotFound", err)
	}
	if err == nil || !strings.Contains(err.Error(), `failed to pull and unpack image "docker.io/library/nginx:latest"`) {
		t.Errorf("pull of an unknown image: %v, want the full name in it", err)
	}
	if _, err := r.Images.PullImage(t.Context(), &runtimeapi.ImageSpec{Image: "Not A Name"}, nil, nil); err == nil {
		t.Error("an image name that is none was pulled")
	}
	_, err = r.CreateContainer(t.Context(), p.id, &runtimeapi.ContainerConfig{
		Metadata: &runtimeapi.ContainerMetadata{Name: "main"}, Image: &runtimeapi.ImageSpec{Image: "nginx"},
	}, p.config)
	if status.Code(err) != codes.NotFound {
		t.Errorf("create with an unknown image: %v, want NotFound", err)
	}
}

func testMounts(t *testing.T, r Runtime) {
	p := newPod(t, r, "mounts")
	// As the kubelet's atomic writer makes a ConfigMap volume: files are links into a dated directory.
	volume := filepath.Join(r.HostDir, "volume")
	data := filepath.Join(r.HostDir, "data")
	file := filepath.Join(r.HostDir, "one-file")
	for path, text := range map[string]string{filepath.Join(volume, "..2026", "key"): "value\n", file: "alone\n"} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{"..data": "..2026", "key": "..data/key"} {
		if err := os.Symlink(target, filepath.Join(volume, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(data, 0o755); err != nil {
		t.Fatal(err)
	}
	st := p.shell("main",
		"cat /config/key; cat /etc/alone; ls /config; echo kept > /data/out; echo no > /config/key || echo refused; ls /",
		mount(volume, "/config", true), mount(data, "/data", false), mount(file, "/etc/alone", false))
	got := p.text(st)
	for _, want := range []string{"value\n", "alone\n", "key\n", "refused\n", "config\n", "data\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("output %q lacks %q", got, want)
		}
	}
	if raw, err := os.ReadFile(filepath.Join(data, "out")); err != nil || string(raw) != "kept\n" {
		t.Errorf("what the container wrote is %q, %v", raw, err)
	}
	// What changes on the host changes in the container: that is how ConfigMaps are updated.
	id := p.start("live", sleepV1, mount(data, "/data", false))
	if err := os.WriteFile(filepath.Join(data, "late"), []byte("news"), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, _, err := r.ExecSync(t.Context(), id, []string{"cat", "/data/late"}, deadline); err != nil || string(out) != "news" {
		t.Errorf("a file that came later is %q, %v", out, err)
	}
}

func testMountsDoNotLeak(t *testing.T, r Runtime) {
	p := newPod(t, r, "leak")
	volume, secret := filepath.Join(r.HostDir, "volume"), filepath.Join(r.HostDir, "secret")
	if err := os.MkdirAll(volume, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(secret, []byte("SECRET"), 0o644); err != nil {
		t.Fatal(err)
	}
	for link, target := range map[string]string{"up": "../secret", "abs": secret, "root": "/"} {
		if err := os.Symlink(target, filepath.Join(volume, link)); err != nil {
			t.Fatal(err)
		}
	}
	st := p.shell("main", "cd /v; cat up abs /v/../secret root"+secret+" /v/../../../.."+secret+"; ls root/; echo over > up; echo over > abs",
		mount(volume, "/v", false))
	if got := p.text(st); strings.Contains(got, "SECRET") {
		t.Errorf("a link led out of the mount: %q", got)
	}
	if raw, err := os.ReadFile(secret); err != nil || string(raw) != "SECRET" {
		t.Errorf("a link led out of the mount: the file is now %q, %v", raw, err)
	}
	for _, host := range []string{"/etc", "/", os.TempDir()} { // a Pod's hostPath: the node's, not this machine's
		st := p.shell("h"+strings.ReplaceAll(host, "/", ""), "ls /host", mount(host, "/host", false))
		if got := p.text(st); strings.Contains(got, "passwd") || strings.Contains(got, "usr") || strings.Contains(got, "Test") {
			t.Errorf("hostPath %s shows this machine: %q", host, got)
		}
	}
}

func testRootFileSystem(t *testing.T, r Runtime) {
	p := newPod(t, r, "root")
	id := p.start("a", sleepV1)
	exec := func(id, line string) string {
		t.Helper()
		out, errOut, err := r.ExecSync(t.Context(), id, []string{"sh", "-c", line}, deadline)
		if err != nil {
			t.Errorf("%s: %v: %s", line, err, errOut)
		}
		return string(out)
	}
	exec(id, "echo mine > /tmp/f; mkdir -p /srv/x")
	if got := exec(id, "cat /tmp/f; ls /srv; cat /etc/hostname"); got != "mine\nx\nroot\n" {
		t.Errorf("got %q", got)
	}
	other := p.start("b", sleepV1)
	if got := exec(other, "ls /tmp"); got != "" {
		t.Errorf("a container sees another one's files: %q", got)
	}
	if got := exec(id, "ls /bin"); !strings.Contains(got, "sh\n") || !strings.Contains(got, "sleep\n") {
		t.Errorf("/bin has %q", got)
	}
}

func testResolver(t *testing.T, r Runtime) {
	p := newPod(t, r, "dns")
	want := "search default.svc.cluster.local svc.cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n"
	if got := p.text(p.run("main", tools, command("cat", "/etc/resolv.conf"))); got != want {
		t.Errorf("resolv.conf is %q, want %q", got, want)
	}
}

func testStats(t *testing.T, r Runtime) {
	p := newPod(t, r, "stats")
	id := p.start("main", sleepV1)
	st, err := r.ContainerStats(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if st.Attributes.Id != id || st.Attributes.Metadata.Name != "main" || st.WritableLayer == nil || st.WritableLayer.Timestamp == 0 {
		t.Errorf("stats are %v", st)
	}
	if list, err := r.ListContainerStats(t.Context(), nil); err != nil || len(list) != 1 {
		t.Errorf("ListContainerStats: %v, %v", list, err)
	}
	list, err := r.ListPodSandboxStats(t.Context(), nil)
	if err != nil || len(list) != 1 || list[0].Attributes.Id != p.id || len(list[0].Linux.Containers) != 1 {
		t.Errorf("ListPodSandboxStats: %v, %v", list, err)
	}
	if err := r.StopPodSandbox(t.Context(), p.id); err != nil {
		t.Fatal(err)
	}
	if list, err := r.ListContainerStats(t.Context(), nil); err != nil || len(list) != 0 {
		t.Errorf("stats of what does not run: %v, %v", list, err)
	}
}

func testResources(t *testing.T, r Runtime) {
	p := newPod(t, r, "resources")
	id := p.start("main", sleepV1)
	want := &runtimeapi.ContainerResources{Linux: &runtimeapi.LinuxContainerResources{CpuShares: 512, MemoryLimitInBytes: 64 << 20}}
	if err := r.UpdateContainerResources(t.Context(), id, want); err != nil {
		t.Fatal(err)
	}
	if got := containerStatus(t, r, id).Resources.GetLinux(); got.GetCpuShares() != 512 || got.GetMemoryLimitInBytes() != 64<<20 {
		t.Errorf("resources are %v", got)
	}
}
